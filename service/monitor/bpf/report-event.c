/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report-event.h"
#include "stack.h"

static void copy_text(char *to, size_t size, const char *from, size_t from_size)
{
        size_t n = strnlen(from, from_size);

        if (n > size - 1)
                n = size - 1;
        memcpy(to, from, n);
        to[n] = '\0';
}

/* The names lie there with the last one first; so does the path that is built of them, from its end. A path
 * that is too long loses its beginning. */
static void join_exe(const struct report_task *t, char *exe, size_t size)
{
        static const char deleted[] = " (deleted)", cut[] = "...";
        size_t used = t->exe_len < sizeof(t->exe) ? t->exe_len : sizeof(t->exe);
        size_t at = size - 1;
        bool whole = !(t->exe_flags & REPORT_EXE_CUT);

        exe[at] = '\0';
        if (t->exe_flags & REPORT_EXE_DELETED) {
                at -= strlen(deleted);
                memcpy(exe + at, deleted, strlen(deleted));
        }
        for (size_t from = 0; from < used;) {
                size_t n = strnlen(t->exe + from, used - from);

                if (n + 1 + strlen(cut) > at) {
                        whole = false;
                        break;
                }
                at -= n;
                memcpy(exe + at, t->exe + from, n);
                exe[--at] = '/';
                from += n + 1;
        }
        if (!whole && used > 0) {
                at -= strlen(cut);
                memcpy(exe + at, cut, strlen(cut));
        }
        memmove(exe, used > 0 ? exe + at : "", used > 0 ? size - at : 1);
}

static void read_actor(const struct report_task *t, struct actor *ret)
{
        *ret = (struct actor){
                .pid = t->pid,
                .uid = t->uid,
                .loginuid = t->loginuid,
                .session = t->session,
        };
        copy_text(ret->comm, sizeof(ret->comm), t->comm, sizeof(t->comm));
        join_exe(t, ret->exe, sizeof(ret->exe));
}

static enum taint_context context_of(const struct report_slot *slot, enum stack_entry entry)
{
        bool seen = slot->where != REPORT_PERHAPS_TASK && slot->where != REPORT_PERHAPS_KERNEL_THREAD;

        if (!seen && slot->frames_n == 0)
                return CONTEXT_UNKNOWN;
        if (!seen && entry != STACK_BY_TASK)
                return entry == STACK_BY_INTERRUPT ? CONTEXT_INTERRUPT : CONTEXT_SOFT_INTERRUPT;
        switch (slot->where) {
        case REPORT_PERHAPS_TASK:
        case REPORT_IN_TASK:
                return CONTEXT_TASK;
        case REPORT_PERHAPS_KERNEL_THREAD:
        case REPORT_IN_KERNEL_THREAD:
                return CONTEXT_KERNEL_THREAD;
        case REPORT_IN_SOFT_INTERRUPT:
                return CONTEXT_SOFT_INTERRUPT;
        case REPORT_IN_INTERRUPT:
                return CONTEXT_INTERRUPT;
        default:
                return CONTEXT_UNKNOWN;
        }
}

/* Without those who watch. */
static void add_frames(const char *text, size_t n, struct buf *out)
{
        for (; n > 0 && *text; n--) {
                size_t length = strcspn(text, "\n");

                if (!stack_is_watcher(text)) {
                        buf_add(out, text, length);
                        buf_putc(out, '\n');
                }
                text += length + (text[length] == '\n');
        }
}

/* The texts have lines for frames that the stack does not have. */
static int join_stack(const struct report_slot *slot, struct buf *ret)
{
        size_t left = slot->frames_n < REPORT_FRAMES ? slot->frames_n : REPORT_FRAMES;

        for (size_t i = 0; i < REPORT_TEXTS; i++) {
                size_t n = left < REPORT_FRAMES_A_TEXT ? left : REPORT_FRAMES_A_TEXT;
                char text[REPORT_TEXT_SIZE + 1];

                copy_text(text, sizeof(text), slot->text[i], REPORT_TEXT_SIZE);
                add_frames(text, n, ret);
                left -= n;
        }
        return ret->error;
}

/* Who was running, where that is nobody to blame. */
static void add_bystander(
        const struct taint_event *e, const struct actor *running, bool victim, struct buf *out)
{
        switch (e->context) {
        case CONTEXT_KERNEL_THREAD:
                buf_printf(out, " in the kernel thread %s (%u)", running->comm, running->pid);
                break;
        case CONTEXT_SOFT_INTERRUPT:
        case CONTEXT_INTERRUPT:
                buf_printf(out, " in %s that came in while %s (%u) was running",
                        e->context == CONTEXT_INTERRUPT ? "an interrupt" : "a soft interrupt", running->comm,
                        running->pid);
                break;
        default:
                if (victim)
                        buf_printf(out, " while %s (%u) was running", running->comm, running->pid);
        }
}

static int describe(const struct report_slot *slot, const struct stack_verdict *v,
        const struct actor *running, struct taint_event *e)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_printf(&text, "Set from %s", v->caller[0] ? v->caller : "an unknown place");
        if (v->module[0])
                buf_printf(&text, " of module %s", v->module);
        add_bystander(e, running, v->victim, &text);
        buf_printf(&text, " on CPU %u", slot->cpu);
        if (slot->tie)
                buf_puts(&text, "; another set it at the same instant");
        buf_putc(&text, '.');
        if (text.error)
                return text.error;
        copy_text(e->detail, sizeof(e->detail), text.data, text.len);
        return 0;
}

int report_to_event(
        const struct report_slot *slot, unsigned bit, int64_t offset_usec, struct taint_event *ret)
{
        _cleanup_buf_ struct buf stack = BUF_INIT;
        struct taint_event e = { .bit = bit, .attribution = ATTRIBUTION_EXACT, .actor = ACTOR_UNKNOWN };
        struct stack_verdict v;
        struct actor running;
        int r;

        r = join_stack(slot, &stack);
        if (r < 0)
                return r;
        stack_judge(buf_str(&stack), bit, &v);

        e.old_mask = slot->old_mask;
        e.new_mask = slot->old_mask | UINT64_C(1) << bit;
        e.time_usec = (uint64_t)((int64_t)(slot->boot_nsec / 1000) + offset_usec);
        e.tie = slot->tie;
        e.context = context_of(slot, v.entry);
        copy_text(e.reason, sizeof(e.reason), v.reason, strlen(v.reason));
        copy_text(e.module, sizeof(e.module), v.module, sizeof(v.module));
        if (e.context == CONTEXT_TASK && (v.object || !e.module[0]))
                copy_text(e.module, sizeof(e.module), slot->module, sizeof(slot->module));
        read_actor(&slot->task, &running);
        if (e.context == CONTEXT_TASK && !v.victim)
                e.actor = running;
        else if (e.context != CONTEXT_UNKNOWN || v.victim)
                e.actor = ACTOR_NOBODY;
        r = describe(slot, &v, &running, &e);
        if (r < 0)
                return r;
        if (stack.len > 0) {
                r = buf_finish(&stack, &e.stack, NULL);
                if (r < 0)
                        return r;
        }
        *ret = e;
        return 0;
}

void report_to_sysctl_write(
        const struct report_sysctl *report, int64_t offset_usec, struct sysctl_write *ret)
{
        *ret = (struct sysctl_write){
                .name = "kernel.",
                .result = report->result,
                .time_usec = (uint64_t)((int64_t)(report->boot_nsec / 1000) + offset_usec),
        };
        copy_text(ret->name + strlen("kernel."), sizeof(ret->name) - strlen("kernel."), report->name,
                sizeof(report->name));
        read_actor(&report->task, &ret->actor);
}
