/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hints.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

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

static int make_room(struct hints *h)
{
        if (h->n < h->size)
                return 0;
        if (h->size == HINTS_MAX) {
                drop_first(h, 1);
                return 0;
        }
        size_t size = h->size ? h->size * 2 : 4;
        struct hint *list = reallocarray(h->list, size, sizeof(*list));
        if (!list)
                return -ENOMEM;
        h->list = list;
        h->size = size;
        return 0;
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
        if (hint->context == CONTEXT_INTERRUPT && !hint->interrupt_told) {
                if (strstr(frame, "softirq"))
                        hint->context = CONTEXT_SOFT_INTERRUPT;
                hint->interrupt_told = strstr(frame, "softirq") || strstr(frame, "interrupt") ||
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
        if (hint->interrupt_told || hint->stack.len > 0 || hint->context == CONTEXT_INTERRUPT)
                return true;
        if (interrupt) {
                hint->context = line[1] == 'S' ? CONTEXT_SOFT_INTERRUPT : CONTEXT_INTERRUPT;
                hint->interrupt_told = line[1] != 'I';
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
        int r2 = make_room(h);
        if (r2 < 0)
                return r2;
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
