/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"

#define AUDIT_KEY DEFAULT_HIVE "\\System\\Audit"

static bool is(const struct schema_value *sv, const char *key, const char *name)
{
        return fold_equal(sv->key.text, sv->key.len, key, strlen(key)) && fold_same(sv->name, name);
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

/* What takes it; false: the service does not follow the value. */
static bool find_kind(const struct settings *all, const struct schema_value *sv, enum setting_kind *ret_kind,
        struct setting **ret_of)
{
        *ret_of = sv->control ? NULL : find_drifting(all, sv);
        if (sv->control)
                *ret_kind = SETTING_CONTROL;
        else if (*ret_of)
                *ret_kind = SETTING_DRIFT;
        else if (is(sv, AUDIT_KEY "\\Modules", "TaintCapture"))
                *ret_kind = SETTING_CAPTURE;
        else if (is(sv, AUDIT_KEY "\\Modules", "Accepted"))
                *ret_kind = SETTING_ACCEPTED_TAINTS;
        else if (is(sv, AUDIT_KEY "\\Metrics", "TextFile"))
                *ret_kind = SETTING_TEXT_FILE;
        else
                return false;
        return true;
}

/* A control that cannot be is said so, and is none. */
static int add(struct settings *all, const struct schema_value *sv, bool begins)
{
        enum setting_kind kind;
        struct setting *s = NULL, *of;

        if (!find_kind(all, sv, &kind, &of))
                return 0;
        int r = setting_new(all, sv, kind, begins, &s);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        s->of = of;
        all->list[all->n++] = s;
        if (kind == SETTING_CAPTURE)
                all->capture = s;
        if (is(sv, AUDIT_KEY "\\Modules", "TaintEvents"))
                all->taint_events = s;
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

/* What is in force now is so in this boot. Returns whether it was in another one before; where that is not
 * known, it was not. */
static bool note_boot(struct settings *all)
{
        char boot[BOOT_ID_MAX];

        if (clock_boot_id(all->root, boot) < 0 || strcmp(boot, all->accepted.boot) == 0)
                return false;
        bool was_known = all->accepted.boot[0] != '\0';
        (void)strcpy(all->accepted.boot, boot);
        all->is_stored = false;
        return was_known;
}

/* Those that are bound first: the others rule how they are kept. */
static int load_each(struct settings *all, const struct schema *schema)
{
        bool is_new_boot = note_boot(all);
        int r = 0;

        for (int bound = 1; bound >= 0; bound--)
                for (size_t i = 0; r == 0 && i < schema->n; i++) {
                        const struct schema_value *sv = &schema->values[i];
                        if ((sv->control != NULL) == bound)
                                r = add(all, sv, sv->apply != SCHEMA_REBOOT || is_new_boot);
                }
        return r;
}

int settings_load(struct settings *all, const struct schema *schema)
{
        all->ran_before = all->accepted.n > 0;
        all->is_stored = true;
        all->list = calloc(schema->n ? schema->n : 1, sizeof(struct setting *));
        if (!all->list)
                return -ENOMEM;
        int r = load_each(all, schema);
        if (r == 0 && !all->is_stored)
                settings_store(all);
        if (r == 0 && (!all->taint_events || !all->taint_events->control || !all->capture))
                r = -ENOENT;
        return r;
}

void settings_end_start(struct settings *all)
{
        for (size_t i = 0; i < all->n; i++)
                setting_end_start(all->list[i]);
        if (!all->is_stored)
                settings_store(all);
}

void settings_done(struct settings *all)
{
        for (size_t i = 0; i < all->n; i++)
                (void)setting_free(all->list[i]);
        free(all->list);
        for (size_t i = 0; i < all->n_ended; i++)
                (void)setting_free(all->ended[i]);
        free(all->ended);
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

struct setting *settings_find(const struct settings *all, const struct path *key, const char *name)
{
        for (size_t i = 0; i < all->n; i++)
                if (is(all->list[i]->sv, key->text, name))
                        return all->list[i];
        return NULL;
}

struct input_copy {
        struct setting_input in; /* first: who has it has all */
        struct value value;
        struct actor actor;
        char bytes[];
};

static void *copy_bytes(char **at, const void *from, size_t n)
{
        char *to = *at;
        *at = mempcpy(to, from, n);
        return to;
}

static const char *copy_text(char **at, const char *from)
{
        return from ? copy_bytes(at, from, strlen(from) + 1) : NULL;
}

struct setting_input *setting_input_copy(const struct setting_input *in)
{
        size_t size = in->value ? in->value->size : 0;
        const char *const texts[] = { in->layer, in->reason, in->file };
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                size += texts[i] ? strlen(texts[i]) + 1 : 0;
        struct input_copy *copy = malloc(sizeof(*copy) + size);
        if (!copy)
                return NULL;
        char *at = copy->bytes;
        copy->in = *in;
        copy->in.layer = copy_text(&at, in->layer);
        copy->in.reason = copy_text(&at, in->reason);
        copy->in.file = copy_text(&at, in->file);
        if (in->value) {
                copy->value = *in->value;
                copy->value.data = copy_bytes(&at, in->value->data, in->value->size);
                copy->in.value = &copy->value;
        }
        if (in->actor) {
                copy->actor = *in->actor;
                copy->in.actor = &copy->actor;
        }
        return &copy->in;
}

void settings_connected(struct settings *all, bool connected, const char *problem)
{
        if (connected)
                log_info("following the registry");
        else if (!all->registry_missed)
                log_warning("the registry does not answer (%s); the policy in force stays", problem);
        all->registry_missed = !connected;
        if (connected)
                settings_end_start(all);
        (void)sd_notifyf(0, "STATUS=%s, TaintEvents is %s",
                connected ? "Following the registry" : "No registry",
                setting_shown(all->taint_events->accepted));
}

/* The entry that a setting goes on with; NULL: none. */
static const struct schema_value *find_entry(const struct setting *s, const struct schema *schema)
{
        const struct schema_value *sv = schema_find(schema, &s->sv->key, s->sv->name);

        if (!sv || !sv->control != !s->control)
                return NULL;
        return !s->control || strcmp(sv->control->name, s->sv->control->name) == 0 ? sv : NULL;
}

static void mark_ending(const struct settings *all, const struct schema *schema)
{
        for (size_t i = 0; i < all->n; i++)
                all->list[i]->ending = !find_entry(all->list[i], schema);
        for (size_t i = 0; i < all->n; i++) {
                struct setting *s = all->list[i];
                if (s->kind != SETTING_DRIFT)
                        continue;
                const struct schema_value *of = s->of->ending ? NULL : find_entry(s->of, schema);
                if (!of || !of->control->drift_value || !is(s->sv, of->key.text, of->control->drift_value))
                        s->ending = true;
                if (of && s->ending)
                        setting_set_reapply(s->of, of->control->drift_reapply);
        }
}

static void end_marked(struct settings *all)
{
        size_t n = 0;

        for (size_t i = 0; i < all->n; i++) {
                struct setting *s = all->list[i];
                if (!s->ending) {
                        all->list[n++] = s;
                        continue;
                }
                setting_end(s);
                if (s->off_waiting > 0)
                        all->ended[all->n_ended++] = s;
                else
                        (void)setting_free(s);
        }
        all->n = n;
}

/* In force is nothing before the registry is heard: who wrote the value there, and when, it knows. */
static void add_new(struct settings *all, const struct schema_value *sv)
{
        size_t before = all->n;

        if (settings_find(all, &sv->key, sv->name))
                return;
        if (add(all, sv, false) < 0)
                log_error("%s\\%s: out of memory; it is not followed", sv->key.text, sv->name);
        if (all->n == before)
                return;
        struct setting *s = all->list[before];
        s->is_reloaded = true;
        if (!s->control)
                setting_take(s);
}

int settings_reload(struct settings *all, const struct schema *schema)
{
        if (!find_entry(all->taint_events, schema) || !find_entry(all->capture, schema))
                return -ENOENT;
        struct setting **list = reallocarray(all->list, all->n + schema->n, sizeof(*list));
        if (list)
                all->list = list;
        struct setting **ended = reallocarray(all->ended, all->n_ended + all->n, sizeof(*ended));
        if (ended)
                all->ended = ended;
        if (!list || !ended)
                return -ENOMEM;
        mark_ending(all, schema);
        end_marked(all);
        for (size_t i = 0; i < all->n; i++)
                setting_adopt(all->list[i], find_entry(all->list[i], schema));
        for (int bound = 1; bound >= 0; bound--)
                for (size_t i = 0; i < schema->n; i++)
                        if ((schema->values[i].control != NULL) == bound)
                                add_new(all, &schema->values[i]);
        if (!all->is_stored)
                settings_store(all);
        return 0;
}
