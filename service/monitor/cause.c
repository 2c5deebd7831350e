/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cause.h"

#include <stdio.h>
#include <string.h>

#define BIT_FORCED_RMMOD 3u

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
