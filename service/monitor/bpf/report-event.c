/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report-event.h"

#include <stddef.h>
#include <string.h>

#define SKIP 1U
#define VICTIM 2U
#define OBJECT 4U
#define SOFT 8U
#define HARD 16U

struct frame_rule {
        const char *symbol;
        const char *reason;
        unsigned flags;
};

static const struct frame_rule rules[] = {
#define FRAME(symbol, reason, flags) { symbol, reason, flags },
#include "stack-frames.def"
#undef FRAME
};

/* The same function says more, or something else, of some bits. */
static const struct {
        unsigned bit;
        const char *from, *to;
} refinements[] = {
        { 1, "module-load", "module-load-forced" },
        { 11, "warning", "firmware-bug" },
        { 15, "module-load", "livepatch" },
};

struct frame {
        const char *text;
        size_t symbol_n; /* without what the compiler added */
        size_t place_n;  /* symbol+offset/size */
        const char *module;
        size_t module_n;
        const struct frame_rule *rule; /* NULL: none fits */
};

/* Somebody waits for the record: each stack is gone through once, and without strcspn(), whose preparation
 * takes longer than a symbol is. */
struct frames {
        struct frame list[REPORT_FRAMES];
        size_t n;
};

/* The frame of the first line; NULL where there is none, else the next line. */
static const char *next_frame(const char *line, struct frame *ret)
{
        const char *end = strchrnul(line, '\n');
        size_t n = (size_t)(end - line), place = 0, symbol;

        if (n == 0)
                return NULL;
        while (place < n && line[place] != ' ')
                place++;
        for (symbol = 0; symbol < place && line[symbol] != '.' && line[symbol] != '+';)
                symbol++;
        *ret = (struct frame){ .text = line, .symbol_n = symbol, .place_n = place };
        if (place + 2 < n && line[place + 1] == '[') {
                ret->module = line + place + 2;
                ret->module_n = strcspn(ret->module, "] \n");
        }
        return end + (*end == '\n');
}

/* One `*` may stand anywhere. */
static bool fits(const char *pattern, const char *symbol, size_t n)
{
        const char *star;
        size_t head, tail;

        /* Of a hundred patterns all but a few end here. */
        if (*pattern != *symbol && *pattern != '*')
                return false;
        star = strchr(pattern, '*');
        if (!star)
                return strlen(pattern) == n && memcmp(pattern, symbol, n) == 0;
        head = (size_t)(star - pattern);
        tail = strlen(star + 1);
        return n >= head + tail && memcmp(pattern, symbol, head) == 0 &&
               memcmp(star + 1, symbol + n - tail, tail) == 0;
}

static const struct frame_rule *find_rule(const struct frame *f)
{
        /* A module's function may have any name. */
        if (f->module)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
                if (fits(rules[i].symbol, f->text, f->symbol_n))
                        return &rules[i];
        return NULL;
}

static void copy_cut(char *to, size_t size, const char *from, size_t n)
{
        if (n > size - 1)
                n = size - 1;
        memcpy(to, from, n);
        to[n] = '\0';
}

static void read_frames(const char *stack, struct frames *ret)
{
        struct frame *f = ret->list;

        for (const char *line = stack; f < ret->list + REPORT_FRAMES && (line = next_frame(line, f)); f++)
                f->rule = find_rule(f);
        ret->n = (size_t)(f - ret->list);
}

/* Up to the one who set the bit: what those who report say on the way is the reason. Returns the rule that
 * gave it, or NULL. */
static const struct frame_rule *find_caller(const struct frames *frames, struct frame *ret)
{
        const struct frame_rule *reported = NULL;

        for (size_t i = 0; i < frames->n; i++) {
                const struct frame_rule *rule = frames->list[i].rule;

                *ret = frames->list[i];
                if (rule && rule->reason && !reported)
                        reported = rule;
                if (!rule || !(rule->flags & SKIP))
                        return reported;
        }
        *ret = (struct frame){ .text = "" };
        return reported;
}

/* The kernel's own code shows by those who called it, too. */
static const struct frame_rule *find_cause(const struct frames *frames)
{
        for (size_t i = 0; i < frames->n; i++) {
                const struct frame_rule *rule = frames->list[i].rule;

                if (rule && rule->reason)
                        return rule;
        }
        return NULL;
}

/* The innermost counts: a soft interrupt runs at the end of an interrupt. */
static enum report_entry find_entry(const struct frames *frames)
{
        for (size_t i = 0; i < frames->n; i++) {
                const struct frame_rule *rule = frames->list[i].rule;

                if (rule && rule->flags & SOFT)
                        return REPORT_BY_SOFT_INTERRUPT;
                if (rule && rule->flags & HARD)
                        return REPORT_BY_INTERRUPT;
        }
        return REPORT_BY_TASK;
}

void report_judge_stack(const char *stack, unsigned bit, struct report_verdict *ret)
{
        const struct frame_rule *rule;
        struct frames frames;
        struct frame caller;

        read_frames(stack, &frames);
        *ret = (struct report_verdict){ .entry = find_entry(&frames) };
        rule = find_caller(&frames, &caller);
        copy_cut(ret->caller, sizeof(ret->caller), caller.text, caller.place_n);
        if (caller.module)
                copy_cut(ret->module, sizeof(ret->module), caller.module, caller.module_n);
        else if (!rule)
                rule = find_cause(&frames);
        if (!rule) {
                ret->reason = caller.module ? "module-code" : caller.place_n > 0 ? "kernel-code" : "unknown";
                return;
        }
        ret->reason = rule->reason;
        ret->object = rule->flags & OBJECT;
        ret->victim = rule->flags & VICTIM;
        for (size_t i = 0; i < ARRAY_SIZE(refinements); i++)
                if (refinements[i].bit == bit && strcmp(refinements[i].from, rule->reason) == 0)
                        ret->reason = refinements[i].to;
}

bool report_is_watcher(const char *line)
{
        struct frame f;

        return next_frame(line, &f) && fits("bpf_*", f.text, f.symbol_n);
}

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

static enum taint_context context_of(const struct report_slot *slot, enum report_entry entry)
{
        bool seen = slot->where != REPORT_PERHAPS_TASK && slot->where != REPORT_PERHAPS_KERNEL_THREAD;

        if (!seen && slot->frames_n == 0)
                return CONTEXT_UNKNOWN;
        if (!seen && entry != REPORT_BY_TASK)
                return entry == REPORT_BY_INTERRUPT ? CONTEXT_INTERRUPT : CONTEXT_SOFT_INTERRUPT;
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
                size_t length = (size_t)(strchrnul(text, '\n') - text);

                if (!report_is_watcher(text)) {
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

static int describe(const struct report_slot *slot, const struct report_verdict *v,
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
        struct report_verdict v;
        struct actor running;
        int r;

        r = join_stack(slot, &stack);
        if (r < 0)
                return r;
        report_judge_stack(buf_str(&stack), bit, &v);

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
