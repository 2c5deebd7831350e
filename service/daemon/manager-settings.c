/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings, from what is on disk. */

#include "manager-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"

static void on_complaint(const char *text, _unused_ void *userdata)
{
        log_warning("%s", text);
}

int manager_load_settings(struct manager *m, struct diag *d)
{
        struct settings *all = &m->settings;
        struct boot_values initial = { 0 };

        int r = schema_load(m->root, on_complaint, NULL, &m->schema);
        if (r < 0)
                return diag_set(d, -r, "the schema cannot be loaded: %s", strerror(-r));
        struct diag why = { 0 };
        r = accepted_load(m->root, LAYOUT_ACCEPTED_NAME, &all->accepted, &why);
        if (r < 0)
                log_error("%s", why.text[0] ? why.text : strerror(-r));
        r = accepted_load(m->root, LAYOUT_REFUSED_NAME, &all->refused, &why);
        if (r < 0)
                log_warning("%s", why.text[0] ? why.text : strerror(-r));
        why.text[0] = '\0';
        r = boot_values_load(m->root, m->schema, &all->accepted, BOOT_START, NULL, NULL, &initial, &why);
        if (r < 0)
                log_warning("%s", why.text[0] ? why.text : strerror(-r));
        all->ran_before = all->accepted.n > 0;
        r = settings_load(all, &initial);
        boot_values_done(&initial);
        if (r == -ENOENT)
                return diag_set(d, ENOENT, "the schema has no value TaintEvents that is bound to a control");
        return r < 0 ? diag_set(d, -r, "cannot begin: %s", strerror(-r)) : 0;
}
