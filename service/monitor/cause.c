/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cause.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "../../schema/taint/taint.h"
#include "../../schema/values/value.h"

static void hint_done(struct hint *hint)
{
        buf_done(&hint->stack);
}

void hints_done(struct hints *h)
{
        for (size_t i = 0; i < h->n; i++)
                hint_done(&h->list[i]);
        free(h->list);
        *h = (struct hints){ 0 };
}

static void drop_first(struct hints *h, size_t n)
{
        for (size_t i = 0; i < n; i++)
                hint_done(&h->list[i]);
        h->n -= n;
        memmove(h->list, h->list + n, h->n * sizeof(*h->list));
}

void hints_forget(struct hints *h, uint64_t usec)
{
        size_t n = 0;

        while (n < h->n && h->list[n].usec < usec)
                n++;
        if (n > 0)
                drop_first(h, n);
}

const struct hint *hints_newest(const struct hints *h, unsigned bit, uint64_t since)
{
        for (size_t i = h->n; i > 0; i--)
                if (h->list[i - 1].bit == bit && h->list[i - 1].usec >= since)
                        return &h->list[i - 1];
        return NULL;
}

bool hint_goes_on(const struct hint *hint, uint64_t now)
{
        return hint->open && now < hint->usec + HINT_REPORT_USEC;
}

/* The report that a line belongs to: the newest, while it goes on. Reports of two processors at the same
 * time mix; that is why all of this is no more than likely. */
static struct hint *open_report(struct hints *h, uint64_t usec)
{
        struct hint *hint = h->n > 0 ? &h->list[h->n - 1] : NULL;

        return hint && hint_goes_on(hint, usec) ? hint : NULL;
}

/* Where the innermost frames are an interrupt's: a soft one, unless a hard one shows before it. */
static void see_frame(struct hint *hint, const char *frame)
{
        if (hint->context == CONTEXT_INTERRUPT && !hint->interrupt_known) {
                if (strstr(frame, "softirq"))
                        hint->context = CONTEXT_SOFT_INTERRUPT;
                hint->interrupt_known = strstr(frame, "softirq") || strstr(frame, "interrupt") ||
                                        strstr(frame, "handle_irq") || strstr(frame, "sysvec_");
        }
        if (hint->stack.len + strlen(frame) + 1 > HINT_STACK_MAX || strncmp(frame, "? ", 2) == 0)
                return;
        buf_puts(&hint->stack, frame);
        buf_putc(&hint->stack, '\n');
}

/* The first of these marks is where it happened; what comes behind is what was interrupted. */
static bool see_mark(struct hint *hint, const char *line)
{
        bool interrupt =
                strcmp(line, "<IRQ>") == 0 || strcmp(line, "<NMI>") == 0 || strcmp(line, "<SOFTIRQ>") == 0;

        if (!interrupt && strcmp(line, "<TASK>") != 0)
                return line[0] == '<' && line[1] == '/';
        if (hint->interrupt_known || hint->stack.len > 0 || hint->context == CONTEXT_INTERRUPT)
                return true;
        if (interrupt) {
                hint->context = line[1] == 'S' ? CONTEXT_SOFT_INTERRUPT : CONTEXT_INTERRUPT;
                hint->interrupt_known = line[1] != 'I';
        } else if (hint->context == CONTEXT_UNKNOWN) {
                hint->context = CONTEXT_TASK;
        }
        return true;
}

static bool see_task(struct hint *hint, const char *line)
{
        static const char *const patterns[] = {
                "CPU: %* PID: %d Comm: %c Tainted: %*",
                "CPU: %* PID: %d Comm: %c Not tainted%*",
                "Pid: %d, comm: %c Tainted: %*",
                "Pid: %d, comm: %c Not tainted%*",
        };

        bool any = false;

        /* A name may hold what follows another one: the longest is the whole. */
        for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
                struct log_line task = { .pid = UINT32_MAX };
                if (!log_pattern_match(patterns[i], line, &task) ||
                        (any && strlen(task.comm) < strlen(hint->comm)))
                        continue;
                hint->pid = task.pid;
                (void)strcpy(hint->comm, task.comm);
                any = true;
        }
        return any;
}

/* A line of the report that is open. False: it is something else. */
static bool see_report_line(struct hint *hint, const char *line)
{
        if (strncmp(line, "---[ end ", 9) == 0) {
                hint->open = false;
                return true;
        }
        if (see_task(hint, line))
                return true;
        if (strncmp(line, "Workqueue: ", 11) == 0) {
                if (hint->context == CONTEXT_UNKNOWN || hint->context == CONTEXT_TASK)
                        hint->context = CONTEXT_KERNEL_THREAD;
                return true;
        }
        if (strncmp(line, "RIP: ", 5) == 0 || strncmp(line, "pc : ", 5) == 0) {
                if (hint->module[0] == '\0')
                        (void)log_symbol_module(line, strlen(line), hint->module);
                return true;
        }
        const char *text = line + strspn(line, " ");
        if (see_mark(hint, text))
                return true;
        if (text == line || !strstr(text, "+0x"))
                return false;
        see_frame(hint, text);
        return true;
}

static void set_context(struct hint *hint, const struct kmsg_record *r)
{
        if (hint->acting)
                hint->context = CONTEXT_TASK;
        if (r->caller_kind == KMSG_CALLER_CPU) {
                hint->context = CONTEXT_INTERRUPT;
        } else if (r->caller_kind == KMSG_CALLER_TASK) {
                hint->context = CONTEXT_TASK;
                if (hint->pid == AUDIT_ID_UNSET)
                        hint->pid = r->caller;
        }
}

static int add_hint(struct hints *h, const struct kmsg_record *r, const struct log_line *line,
        const char *text, uint64_t usec)
{
        if (h->first_only && hints_newest(h, line->bit, 0))
                return 1;
        if (h->n == HINTS_MAX)
                drop_first(h, 1);
        if (array_grow(&h->list, h->n, sizeof(*h->list)) < 0)
                return -ENOMEM;
        struct hint *hint = &h->list[h->n++];
        *hint = (struct hint){ .bit = line->bit,
                .usec = usec,
                .reason = line->reason,
                .pid = line->pid,
                .acting = line->acting,
                .open = line->report };
        (void)strcpy(hint->module, line->module);
        (void)strcpy(hint->comm, line->comm);
        (void)snprintf(hint->detail, sizeof(hint->detail), "%s", text);
        set_context(hint, r);
        return 1;
}

/* All that came before init ran is the boot's doing: there was nobody yet who could have done it. */
static void end_boot(struct hints *h)
{
        for (size_t i = 0; i < h->n; i++) {
                h->list[i].context = CONTEXT_BOOT;
                h->list[i].open = false;
        }
}

/* A record is one line: what stands behind a newline in it is out of a name that somebody chose. */
int hints_add(struct hints *h, const struct kmsg_record *r, uint64_t usec)
{
        const char *text = r->text;
        /* Reports are warnings and worse. What is less begins with a task's name at times ("NAME[42]:
         * segfault at"), which anybody can choose. */
        bool grave = r->level <= LOG_WARNING;
        struct hint *open = grave ? open_report(h, usec) : NULL;
        struct log_line line = { .pid = UINT32_MAX };

        if (r->facility != 0)
                return 0;
        if (open && see_report_line(open, text))
                return 1;
        if (log_pattern_match("Run %* as init process", text, &line)) {
                end_boot(h);
                return 0;
        }
        if (!log_line_match(text, &line))
                return 0;
        if (line.report && !grave)
                return 0;
        /* An oops says so in several lines: the first of them stands. */
        if (open && line.report && line.bit == open->bit)
                return 1;
        return add_hint(h, r, &line, text, usec);
}

#define FILE_MAX 65536u
#define BIT_FORCED_RMMOD 3u
#define BIT_RANDSTRUCT 17u

static void set_module(struct cause *c, const struct modules *modules, const char *name)
{
        const struct module *module = modules_find(modules, name);

        (void)snprintf(c->module, sizeof(c->module), "%s", name);
        if (module)
                (void)strcpy(c->module_taints, module->taints);
}

static bool from_log(unsigned bit, const struct cause_sources *sources, struct cause *c)
{
        const struct hint *hint = hints_newest(sources->hints, bit, sources->hints_since);

        if (!hint)
                return false;
        c->quality = hint_goes_on(hint, sources->now) ? CAUSE_INCOMPLETE : CAUSE_GOOD;
        c->reason = hint->reason;
        set_module(c, sources->after, hint->module);
        (void)strcpy(c->detail, hint->detail);
        c->context = hint->context;
        c->pid = hint->pid;
        (void)strcpy(c->comm, hint->comm);
        c->loader = strncmp(hint->reason, "module-", 7) == 0;
        c->usec = hint->usec;
        c->stack = hint->stack.len > 0 && hint->stack.error == 0 ? hint->stack.data : NULL;
        return true;
}

/* Modules in `of` for which it holds and which `without` has not, or not with this bit. How many; the first
 * in *ret_first, and all by name in `names`. */
static size_t differing(const struct modules *of, const struct modules *without, unsigned bit, bool carrying,
        const struct module **ret_first, struct buf *names)
{
        size_t n = 0;

        for (size_t i = 0; i < of->n; i++) {
                const struct module *module = &of->list[i];
                const struct module *other = modules_find(without, module->name);
                if (carrying ? !module_carries(module, bit) || (other && module_carries(other, bit))
                             : other != NULL)
                        continue;
                if (n++ == 0)
                        *ret_first = module;
                else
                        buf_puts(names, ", ");
                buf_puts(names, module->name);
        }
        return n;
}

static bool from_modules(unsigned bit, const struct cause_sources *sources, struct cause *c)
{
        _cleanup_buf_ struct buf names = BUF_INIT;
        const struct module *first = NULL;
        bool unload = bit == BIT_FORCED_RMMOD;

        size_t n = unload ? differing(sources->before, sources->after, bit, false, &first, &names)
                          : differing(sources->after, sources->before, bit, true, &first, &names);
        if (n == 0)
                return false;
        c->quality = CAUSE_GOOD;
        c->reason = unload ? "module-unload-forced" : "module-load";
        c->loader = true;
        if (n > 1) {
                (void)snprintf(c->detail, sizeof(c->detail), "one of the modules %s", buf_str(&names));
                return true;
        }
        (void)strcpy(c->module, first->name);
        (void)strcpy(c->module_taints, first->taints);
        (void)snprintf(c->detail, sizeof(c->detail),
                unload ? "module %s went away" : "module %s carries the letter", first->name);
        return true;
}

void cause_find(unsigned bit, const struct cause_sources *sources, struct cause *ret)
{
        *ret = (struct cause){ .reason = "unknown", .pid = AUDIT_ID_UNSET };

        if (from_log(bit, sources, ret) || from_modules(bit, sources, ret) || !sources->sysctl_written)
                return;
        ret->quality = CAUSE_WEAK;
        ret->reason = "sysctl-write";
        ret->context = CONTEXT_TASK;
        (void)strcpy(ret->detail, "somebody wrote to the sysctl kernel.tainted");
}

enum loader {
        LOADER_NONE,
        LOADER_EXACT, /* loads what its command line says */
        LOADER_LOOSE, /* may load what depends on it, or what an alias or a file stands for */
};

static enum loader loader_kind(const char *comm)
{
        static const struct {
                const char *comm;
                enum loader kind;
        } loaders[] = { { "insmod", LOADER_EXACT }, { "rmmod", LOADER_EXACT }, { "modprobe", LOADER_LOOSE },
                { "kmod", LOADER_LOOSE }, { "systemd-modules", LOADER_LOOSE } };

        for (size_t i = 0; i < ARRAY_SIZE(loaders); i++)
                if (strcmp(loaders[i].comm, comm) == 0)
                        return loaders[i].kind;
        return LOADER_NONE;
}

/* Anybody can give a task such a name. */
static bool may_load(const char *root, uint32_t pid)
{
        uint64_t capabilities;

        return process_capabilities(root, pid, &capabilities) &&
               (capabilities & UINT64_C(1) << CAP_SYS_MODULE);
}

static bool names_module(const char *root, uint32_t pid, const char *module)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        if (module[0] == '\0' || process_command_line(root, pid, FILE_MAX, &line) < 0 || line.len == 0)
                return false;
        char *rest = line.data;
        for (char *arg = strsep(&rest, " "); arg; arg = strsep(&rest, " "))
                if (module_file_matches(arg, module))
                        return true;
        return false;
}

struct search {
        const char *root, *module;
        uint64_t started_before;
        struct process found;
        unsigned n;
};

/* True: this one it is, no need to look on. */
static bool try_loader(struct search *s, int proc, const char *name)
{
        char file[NAME_MAX + sizeof("/comm")];
        _cleanup_buf_ struct buf comm = BUF_INIT;
        struct process p;
        uint64_t pid;

        if (number_parse(name, strlen(name), INT32_MAX, &pid) < 0)
                return false;
        (void)stpcpy(stpcpy(file, name), "/comm");
        if (file_read_line(proc, file, FILE_MAX, &comm, NULL) < 0)
                return false;
        enum loader kind = loader_kind(buf_str(&comm));
        if (kind == LOADER_NONE || !may_load(s->root, (uint32_t)pid))
                return false;
        bool named = names_module(s->root, (uint32_t)pid, s->module);
        if ((!named && kind == LOADER_EXACT) ||
                process_read(s->root, (uint32_t)pid, s->started_before, &p) < 0)
                return false;
        s->found = p;
        s->n = named ? 1 : s->n + 1;
        return named;
}

int cause_find_loader(const char *root, const char *module, uint64_t started_before, struct process *ret)
{
        struct search s = { .root = root, .module = module, .started_before = started_before };
        _cleanup_free_ char *path = file_path(root, "/proc");
        DIR *dir = path ? opendir(path) : NULL;

        if (!dir)
                return path ? -ESRCH : -ENOMEM;
        for (struct dirent *e = readdir(dir); e; e = readdir(dir))
                if (try_loader(&s, dirfd(dir), e->d_name))
                        break;
        (void)closedir(dir);
        if (s.n != 1)
                return -ESRCH;
        *ret = s.found;
        return 0;
}

static void name_bystander(struct taint_event *e, const char *what, const struct cause *cause)
{
        if (cause->pid == AUDIT_ID_UNSET)
                return;
        taint_event_add_detail(e, "%s%s: pid %" PRIu32, e->detail[0] ? "; " : "", what, cause->pid);
        if (cause->comm[0])
                taint_event_add_detail(e, " (%s)", cause->comm);
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
        if (cause_find_loader(root, cause->module, started_before, &p) == 0)
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

void cause_attribute(
        const char *root, const struct cause *cause, uint64_t started_before, struct taint_event *e)
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

void cause_attribute_baseline(const char *root, const struct cause *cause, uint64_t started_before,
        bool log_complete, struct taint_event *e)
{
        cause_attribute(root, cause, started_before, e);
        if (cause->quality == CAUSE_NONE && e->bit == BIT_RANDSTRUCT) {
                e->attribution = ATTRIBUTION_LIKELY;
                e->context = CONTEXT_BOOT;
                e->actor.nobody = true;
                taint_event_add_detail(
                        e, "set by the build option CONFIG_RANDSTRUCT, from the first instant");
        } else if (cause->quality == CAUSE_NONE) {
                taint_event_add_detail(e,
                        "unexplained: neither the kernel log%s nor a loaded module shows what set it",
                        log_complete ? "" : ", which does not go back to the beginning,");
        } else {
                char detail[sizeof(e->detail)];
                (void)strcpy(detail, e->detail);
                e->detail[0] = '\0';
                taint_event_add_detail(e, "%s: %s", cause->reason, detail);
        }
        (void)strcpy(e->reason, "present-at-start");
}
