/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taint-event.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const attribution_names[] = {
        [ATTRIBUTION_UNKNOWN] = "unknown",
        [ATTRIBUTION_LIKELY] = "likely",
        [ATTRIBUTION_EXACT] = "exact",
};

static const char *const context_names[] = {
        [CONTEXT_UNKNOWN] = "unknown",
        [CONTEXT_TASK] = "task",
        [CONTEXT_KERNEL_THREAD] = "kernel-thread",
        [CONTEXT_SOFT_INTERRUPT] = "soft-interrupt",
        [CONTEXT_INTERRUPT] = "interrupt",
        [CONTEXT_BOOT] = "boot",
};

const char *taint_attribution_name(enum attribution a)
{
        return (unsigned)a < ARRAY_SIZE(attribution_names) ? attribution_names[a] : "unknown";
}

const char *taint_context_name(enum taint_context c)
{
        return (unsigned)c < ARRAY_SIZE(context_names) ? context_names[c] : "unknown";
}

bool taint_attribution_parse(const char *name, enum attribution *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(attribution_names); i++)
                if (strcmp(attribution_names[i], name) == 0) {
                        *ret = (enum attribution)i;
                        return true;
                }
        return false;
}

bool taint_context_parse(const char *name, enum taint_context *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(context_names); i++)
                if (strcmp(context_names[i], name) == 0) {
                        *ret = (enum taint_context)i;
                        return true;
                }
        return false;
}

int taint_event_copy(const struct taint_event *from, struct taint_event *ret)
{
        _cleanup_free_ char *stack = NULL, *properties = NULL;

        if (from->stack && !(stack = strdup(from->stack)))
                return -ENOMEM;
        if (from->properties && !(properties = strdup(from->properties)))
                return -ENOMEM;
        *ret = *from;
        ret->stack = STEAL_PTR(stack);
        ret->properties = STEAL_PTR(properties);
        return 0;
}

void taint_event_done(struct taint_event *e)
{
        free(e->stack);
        free(e->properties);
        e->stack = e->properties = NULL;
}

void taint_event_add_detail(struct taint_event *e, const char *format, ...)
{
        size_t n = strlen(e->detail);
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(e->detail + n, sizeof(e->detail) - n, format, ap);
        va_end(ap);
}
