/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"

#define AUDIT_KEY DEFAULT_HIVE "\\System\\Audit"

static bool is(const struct schema_value *sv, const char *key, const char *name)
{
        return fold_equal(sv->key.text, sv->key.len, key, strlen(key)) &&
               fold_equal(sv->name, strlen(sv->name), name, strlen(name));
}

/* NULL: no setting's drift is ruled by this entry. */
static struct setting *find_drifting(const struct settings *all, const struct schema_value *sv)
{
        for (size_t i = 0; i < all->n; i++) {
                const struct schema_value *other = all->list[i]->sv;
                if (other->control && other->control->drift_value &&
                        is(sv, other->key.text, other->control->drift_value))
                        return all->list[i];
        }
        return NULL;
}

static int add(struct settings *all, const struct boot_value *v, enum setting_kind kind, struct setting *of)
{
        struct setting *s = NULL;

        int r = setting_new(all, v, kind, &s);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        s->of = of;
        all->list[all->n++] = s;
        if (kind == SETTING_CAPTURE)
                all->capture = s;
        if (is(v->sv, AUDIT_KEY "\\Modules", "TaintEvents"))
                all->taint_events = s;
        return 0;
}

static int add_own(struct settings *all, const struct boot_value *v)
{
        struct setting *of = find_drifting(all, v->sv);

        if (of)
                return add(all, v, SETTING_DRIFT, of);
        if (is(v->sv, AUDIT_KEY "\\Modules", "TaintCapture"))
                return add(all, v, SETTING_CAPTURE, NULL);
        if (is(v->sv, AUDIT_KEY "\\Metrics", "TextFile"))
                return add(all, v, SETTING_TEXT_FILE, NULL);
        return 0;
}

void settings_store(struct settings *all)
{
        struct diag d = { 0 };

        all->keep_error[0] = '\0';
        all->is_stored = true;
        int r = accepted_store(all->root, LAYOUT_ACCEPTED_NAME, &all->accepted, &d);
        if (r == 0)
                return;
        if (!d.text[0])
                (void)diag_set(&d, -r, "%s", strerror(-r));
        log_error("the value in force cannot be kept for the next boot: %s", d.text);
        (void)snprintf(
                all->keep_error, sizeof(all->keep_error), "%.*s", (int)sizeof(all->keep_error) - 1, d.text);
}

/* What is in force now is so in this boot. */
static void note_boot(struct settings *all)
{
        char boot[BOOT_ID_MAX];

        if (clock_boot_id(all->root, boot) < 0 || strcmp(boot, all->accepted.boot) == 0)
                return;
        (void)strcpy(all->accepted.boot, boot);
        all->is_stored = false;
}

/* Those that are bound first: the others rule how they are kept. */
int settings_load(struct settings *all, const struct boot_values *initial)
{
        int r = 0;

        all->is_stored = true;
        all->list = calloc(initial->n ? initial->n : 1, sizeof(struct setting *));
        if (!all->list)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && i < initial->n; i++)
                if (initial->list[i].sv->control)
                        r = add(all, &initial->list[i], SETTING_CONTROL, NULL);
        for (size_t i = 0; r == 0 && i < initial->n; i++)
                if (!initial->list[i].sv->control)
                        r = add_own(all, &initial->list[i]);
        if (r == 0)
                note_boot(all);
        if (r == 0 && !all->is_stored)
                settings_store(all);
        if (r == 0 && (!all->taint_events || !all->taint_events->control || !all->capture))
                r = -ENOENT;
        return r;
}

void settings_done(struct settings *all)
{
        for (size_t i = 0; i < all->n; i++)
                (void)setting_free(all->list[i]);
        free(all->list);
        accepted_done(&all->accepted);
        accepted_done(&all->refused);
        *all = (struct settings){ 0 };
}

void settings_take_own(struct settings *all)
{
        for (size_t i = 0; i < all->n; i++)
                if (!all->list[i]->control)
                        setting_take(all->list[i]);
}

int settings_input(struct settings *all, const struct link_value *in)
{
        for (size_t i = 0; i < all->n; i++) {
                const struct schema_value *sv = all->list[i]->sv;
                if (strcmp(sv->key.text, in->key) == 0 && strcmp(sv->name, in->name) == 0)
                        return setting_input(all->list[i], in);
        }
        return 0;
}
