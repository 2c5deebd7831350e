/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attribute.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/taint/taint.h"
#include "loader.h"

#define BIT_RANDSTRUCT 17u

void detail_append(struct taint_event *e, const char *format, ...)
{
        size_t n = strlen(e->detail);
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(e->detail + n, sizeof(e->detail) - n, format, ap);
        va_end(ap);
}

static void name_bystander(struct taint_event *e, const char *what, const struct cause *cause)
{
        if (cause->pid == AUDIT_ID_UNSET)
                return;
        detail_append(e, "%s%s: pid %" PRIu32, e->detail[0] ? "; " : "", what, cause->pid);
        if (cause->comm[0])
                detail_append(e, " (%s)", cause->comm);
}

static void set_nobody(struct taint_event *e, const char *who_ran, const struct cause *cause)
{
        e->actor.nobody = true;
        name_bystander(e, who_ran, cause);
}

/* A bit whose cause is the hardware or an earlier fault: the task that runs into it did nothing. */
static bool has_actor(unsigned bit)
{
        const struct taint_flag *flag = taint_flag_by_bit(bit);

        return !flag || flag->actor != TAINT_ACTOR_NONE;
}

static void set_task(
        const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e)
{
        struct process p;

        if (cause->pid == 0) {
                e->context = CONTEXT_KERNEL_THREAD;
                e->actor.nobody = true;
                return;
        }
        bool alive = process_read(root, cause->pid, started_before, &p) == 0;
        /* What a kernel thread runs is called from where it was forked; a process comes from user space. */
        if (!alive && cause->stack && strstr(cause->stack, "ret_from_fork")) {
                e->context = CONTEXT_KERNEL_THREAD;
                set_nobody(e, "kernel thread", cause);
                return;
        }
        if (!alive) {
                e->actor.pid = cause->pid;
                (void)snprintf(e->actor.comm, sizeof(e->actor.comm), "%s", cause->comm);
                return;
        }
        if (p.kernel_thread) {
                e->context = CONTEXT_KERNEL_THREAD;
                set_nobody(e, "kernel thread", cause);
                return;
        }
        e->actor = p.actor;
        /* It runs another program by now: what that is says nothing of then. */
        if (cause->comm[0] && strcmp(cause->comm, p.actor.comm) != 0) {
                (void)snprintf(e->actor.comm, sizeof(e->actor.comm), "%s", cause->comm);
                e->actor.exe[0] = e->actor.context[0] = '\0';
                e->actor.uid = AUDIT_ID_UNSET;
        }
}

static void set_loader(
        const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e)
{
        struct process p;

        e->context = CONTEXT_TASK;
        if (loader_find(root, cause->module, started_before, &p) == 0)
                e->actor = p.actor;
}

static void set_actor(
        const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e)
{
        switch (e->context) {
        case CONTEXT_BOOT:
                e->actor.nobody = true;
                break;
        case CONTEXT_INTERRUPT:
        case CONTEXT_SOFT_INTERRUPT:
                set_nobody(e, "interrupted task", cause);
                break;
        case CONTEXT_KERNEL_THREAD:
                set_nobody(e, "kernel thread", cause);
                break;
        case CONTEXT_TASK:
                if (!has_actor(e->bit))
                        set_nobody(e, "running task", cause);
                else if (cause->pid != AUDIT_ID_UNSET)
                        set_task(root, cause, started_before, e);
                else if (cause->loader)
                        set_loader(root, cause, started_before, e);
                break;
        case CONTEXT_UNKNOWN:
                if (cause->loader)
                        set_loader(root, cause, started_before, e);
                else if (cause->quality != CAUSE_NONE && !has_actor(e->bit))
                        set_nobody(e, "running task", cause);
                else
                        name_bystander(e, "running task", cause);
        }
}

void attribute(const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e)
{
        (void)snprintf(e->reason, sizeof(e->reason), "%s", cause->reason);
        (void)strcpy(e->module, cause->module);
        (void)strcpy(e->module_taints, cause->module_taints);
        (void)strcpy(e->detail, cause->detail);
        e->attribution = cause->quality == CAUSE_NONE ? ATTRIBUTION_UNKNOWN : ATTRIBUTION_LIKELY;
        e->context = cause->context;
        e->actor = ACTOR_UNKNOWN;
        set_actor(root, cause, started_before, e);
}

void attribute_baseline(const char *root, const struct cause *cause, uint64_t started_before,
        bool log_complete, struct taint_event *e)
{
        attribute(root, cause, started_before, e);
        if (cause->quality == CAUSE_NONE && e->bit == BIT_RANDSTRUCT) {
                e->attribution = ATTRIBUTION_LIKELY;
                e->context = CONTEXT_BOOT;
                e->actor.nobody = true;
                detail_append(e, "set by the build option CONFIG_RANDSTRUCT, from the first instant");
        } else if (cause->quality == CAUSE_NONE) {
                detail_append(e,
                        "unexplained: neither the kernel log%s nor a loaded module tells what set it",
                        log_complete ? "" : ", which does not go back to the beginning,");
        } else {
                char detail[sizeof(e->detail)];
                (void)strcpy(detail, e->detail);
                e->detail[0] = '\0';
                detail_append(e, "%s: %s", cause->reason, detail);
        }
        (void)strcpy(e->reason, "present-at-start");
}
