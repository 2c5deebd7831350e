/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings, from what is on disk. */

#include "manager-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"

struct schema_round {
        struct manager *m;
        struct problems found;
};

static void on_schema_error(const char *file, const char *text, void *userdata)
{
        struct schema_round *round = userdata;

        (void)problems_set(&round->found, file, text);
        if (!problems_set(&round->m->problems, file, text))
                return;
        log_error("%s", text);
        policy_bus_problems_changed(round->m->settings.bus);
}

/* What is good again, or gone. */
static void forget_mended(struct schema_round *round, const char *directory)
{
        const char *file;

        while ((file = problems_mended(&round->m->problems, directory, &round->found))) {
                log_notice("%s is good again", file);
                (void)problems_clear(&round->m->problems, file);
                policy_bus_problems_changed(round->m->settings.bus);
        }
}

static void end_round(struct schema_round *round)
{
        forget_mended(round, LAYOUT_SCHEMA_VENDOR);
        forget_mended(round, LAYOUT_SCHEMA_ADMIN);
        problems_done(&round->found);
}

/* The keys that the link follows are those of the schema before until it has others. */
static int use_schema(struct manager *m, struct schema *schema)
{
        struct schema *before = m->schema;

        int r = settings_reload(&m->settings, schema);
        if (r < 0)
                return r;
        m->schema = schema;
        r = manager_follow(m);
        if (r == 0)
                (void)schema_free(before);
        else
                log_error("out of memory: what the schema says anew is followed after a restart");
        return 0;
}

void manager_reload(struct manager *m)
{
        struct schema_round round = { .m = m };
        struct schema *schema = NULL;

        log_info("reading the schema again");
        int r = schema_load(m->root, &m->schema_files, on_schema_error, &round, &schema);
        if (r == 0)
                r = use_schema(m, schema);
        if (r == -ENOENT)
                on_schema_error(LAYOUT_SCHEMA_ADMIN "/*.yaml",
                        LAYOUT_SCHEMA_ADMIN
                        "/*.yaml: the files change what TaintEvents is bound to, or TaintCapture; the schema so far stays",
                        &round);
        else if (r < 0)
                log_error("the schema cannot be loaded: %s; the one so far stays", strerror(-r));
        if (r < 0)
                (void)schema_free(schema);
        end_round(&round);
}

int manager_load_settings(struct manager *m, struct diag *d)
{
        struct settings *all = &m->settings;
        struct schema_round round = { .m = m };

        int r = schema_load(m->root, &m->schema_files, on_schema_error, &round, &m->schema);
        end_round(&round);
        if (r < 0)
                return diag_set(d, -r, "the schema cannot be loaded: %s", strerror(-r));
        struct diag why = { 0 };
        r = accepted_load(m->root, LAYOUT_ACCEPTED_NAME, &all->accepted, &why);
        if (r < 0)
                log_error("%s", why.text[0] ? why.text : strerror(-r));
        r = accepted_load(m->root, LAYOUT_REFUSED_NAME, &all->refused, &why);
        if (r < 0)
                log_warning("%s", why.text[0] ? why.text : strerror(-r));
        r = settings_load(all, m->schema);
        if (r == -ENOENT)
                return diag_set(d, ENOENT, "the schema has no value TaintEvents that is bound to a control");
        return r < 0 ? diag_set(d, -r, "cannot begin: %s", strerror(-r)) : 0;
}
