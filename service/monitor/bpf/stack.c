/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include "../../../schema/base/macro.h"
#include "stack.h"

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
};

/* The frame of the first line; NULL where there is none, else the next line. */
static const char *next_frame(const char *line, struct frame *ret)
{
        size_t n = strcspn(line, "\n"), place = strcspn(line, " \n");

        if (n == 0)
                return NULL;
        *ret = (struct frame){ .text = line, .symbol_n = strcspn(line, ".+ \n"), .place_n = place };
        if (place + 2 < n && line[place + 1] == '[') {
                ret->module = line + place + 2;
                ret->module_n = strcspn(ret->module, "] \n");
        }
        return line + n + (line[n] == '\n');
}

/* One `*` may stand anywhere. */
static bool fits(const char *pattern, const char *symbol, size_t n)
{
        const char *star = strchr(pattern, '*');
        size_t head, tail;

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

/* Up to the one who set the bit: what those who report tell on the way is the reason. Returns the rule that
 * gave it, or NULL. */
static const struct frame_rule *find_caller(const char *stack, struct frame *ret)
{
        const struct frame_rule *told = NULL;

        for (const char *line = stack; (line = next_frame(line, ret));) {
                const struct frame_rule *rule = find_rule(ret);

                if (rule && rule->reason && !told)
                        told = rule;
                if (!rule || !(rule->flags & SKIP))
                        return told;
        }
        *ret = (struct frame){ .text = "" };
        return told;
}

/* The kernel's own code tells by those who called it, too. */
static const struct frame_rule *find_cause(const char *stack)
{
        struct frame f;

        for (const char *line = stack; (line = next_frame(line, &f));) {
                const struct frame_rule *rule = find_rule(&f);

                if (rule && rule->reason)
                        return rule;
        }
        return NULL;
}

/* The innermost counts: a soft interrupt runs at the end of an interrupt. */
static enum stack_entry find_entry(const char *stack)
{
        struct frame f;

        for (const char *line = stack; (line = next_frame(line, &f));) {
                const struct frame_rule *rule = find_rule(&f);

                if (rule && rule->flags & SOFT)
                        return STACK_BY_SOFT_INTERRUPT;
                if (rule && rule->flags & HARD)
                        return STACK_BY_INTERRUPT;
        }
        return STACK_BY_TASK;
}

void stack_judge(const char *stack, unsigned bit, struct stack_verdict *ret)
{
        const struct frame_rule *rule;
        struct frame caller;

        *ret = (struct stack_verdict){ .entry = find_entry(stack) };
        rule = find_caller(stack, &caller);
        copy_cut(ret->caller, sizeof(ret->caller), caller.text, caller.place_n);
        if (caller.module)
                copy_cut(ret->module, sizeof(ret->module), caller.module, caller.module_n);
        else if (!rule)
                rule = find_cause(stack);
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

bool stack_is_watcher(const char *line)
{
        struct frame f;

        return next_frame(line, &f) && fits("bpf_*", f.text, f.symbol_n);
}
