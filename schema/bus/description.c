/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "description.h"

#include <errno.h>
#include <string.h>

#include "../base/array.h"
#include "wire.h"

/* ---- To a message ---- */

/* Names, types, lengths and padding of all members, and the numbers. */
#define MEMBERS_BYTES 1024u
#define CHOICE_BYTES 40u

static size_t length(const char *text)
{
        return text ? strlen(text) : 0;
}

size_t description_bytes(const struct schema_value *sv, const struct description_hints *hints)
{
        size_t n = MEMBERS_BYTES;

        if (hints)
                n += length(hints->meant_key) + length(hints->meant_name) + length(hints->layer);
        if (!sv)
                return n;
        n += length(sv->name) + length(sv->default_text) + length(sv->suffix) + length(sv->description) +
             length(sv->source);
        if (sv->control)
                n += length(sv->control->name) + length(sv->control->drift_value) +
                     length(sv->control->audit_op) + length(sv->control->audit_off);
        for (size_t i = 0; i < sv->n_choices; i++)
                n += CHOICE_BYTES + length(sv->choices[i].value) + length(sv->choices[i].control) +
                     length(sv->choices[i].meaning);
        return n;
}

static int append_text(sd_bus_message *m, const char *name, const char *text)
{
        return text ? sd_bus_message_append(m, "{sv}", name, "s", text) : 0;
}

static int append_flag(sd_bus_message *m, const char *name, bool flag)
{
        return flag ? sd_bus_message_append(m, "{sv}", name, "b", 1) : 0;
}

static int append_hints(sd_bus_message *m, const struct description_hints *h)
{
        int r = append_text(m, "meant-key", h->meant_key);
        if (r >= 0)
                r = append_text(m, "meant-name", h->meant_name);
        if (r >= 0)
                r = append_text(m, "layer", h->layer);
        if (r >= 0)
                r = append_flag(m, "key-is-value", h->key_is_value);
        return r < 0 ? r : append_flag(m, "is-key", h->is_key);
}

static int append_control(sd_bus_message *m, const struct schema_control *c)
{
        const struct {
                const char *name, *text;
        } members[] = {
                { "control", c->name },
                { "encoding", schema_encoding_words[c->encoding] },
                { "drift-value", c->drift_value },
                { "drift", schema_drift_words[c->drift_reapply] },
                { "audit-op", c->audit_op },
                { "audit-off", c->audit_off },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(members); i++)
                r = append_text(m, members[i].name, members[i].text);
        return r;
}

static int append_members(sd_bus_message *m, const struct schema_value *sv)
{
        int r = sd_bus_message_append(m, "{sv}{sv}", "name", "s", sv->name, "type", "u", sv->type);
        if (r >= 0)
                r = append_text(m, "default", sv->has_default ? sv->default_text : NULL);
        if (r >= 0 && sv->has_range)
                r = sd_bus_message_append(m, "{sv}{sv}", "least", "t", sv->min, "most", "t", sv->max);
        if (r >= 0)
                r = append_flag(m, "path", sv->is_path);
        if (r >= 0)
                r = append_text(m, "suffix", sv->suffix);
        if (r >= 0)
                r = append_text(
                        m, "items", sv->items != SCHEMA_ITEMS_NONE ? schema_items_words[sv->items] : NULL);
        if (r >= 0)
                r = append_text(m, "apply", schema_apply_words[sv->apply]);
        if (r >= 0)
                r = append_text(m, "description", sv->description);
        if (r >= 0)
                r = append_text(m, "source", sv->source);
        return r < 0 || !sv->control ? r : append_control(m, sv->control);
}

static int append_choices(sd_bus_message *m, const struct schema_value *sv)
{
        int r = sd_bus_message_open_container(m, 'a', "(sss)");
        for (size_t i = 0; r >= 0 && sv && i < sv->n_choices; i++) {
                const struct schema_choice *c = &sv->choices[i];
                r = sd_bus_message_append(m, "(sss)", c->value, c->control ? c->control : "", c->meaning);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int description_append(
        sd_bus_message *m, const struct schema_value *sv, const struct description_hints *hints)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && sv)
                r = append_members(m, sv);
        if (r >= 0 && hints)
                r = append_hints(m, hints);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = append_choices(m, sv);
        return r < 0 ? r : 0;
}

/* ---- From a message ---- */

void description_done(struct description *d)
{
        free(d->sv.choices);
        free(d->sv.control);
        *d = (struct description){ 0 };
}

/* A word that is not there is the first one. */
static int find_word(const char *word, const char *const *words, size_t n, size_t *ret)
{
        *ret = 0;
        for (size_t i = 0; word && i < n; i++)
                if (strcmp(word, words[i]) == 0) {
                        *ret = i;
                        return 0;
                }
        return word ? -EBADMSG : 0;
}

struct words {
        const char *items, *apply, *encoding, *drift;
        int is_path;
};

static int read_members(
        sd_bus_message *m, struct description *d, struct schema_control *control, struct words *w)
{
        struct schema_value *sv = &d->sv;
        sv->min = UINT64_MAX;
        const struct wire_member members[] = {
                { "name", "s", &sv->name },
                { "type", "u", &sv->type },
                { "default", "s", &sv->default_text },
                { "least", "t", &sv->min },
                { "most", "t", &sv->max },
                { "path", "b", &w->is_path },
                { "suffix", "s", &sv->suffix },
                { "items", "s", &w->items },
                { "apply", "s", &w->apply },
                { "description", "s", &sv->description },
                { "source", "s", &sv->source },
                { "control", "s", &control->name },
                { "encoding", "s", &w->encoding },
                { "drift-value", "s", &control->drift_value },
                { "drift", "s", &w->drift },
                { "audit-op", "s", &control->audit_op },
                { "audit-off", "s", &control->audit_off },
                { "meant-key", "s", &d->hints.meant_key },
                { "meant-name", "s", &d->hints.meant_name },
                { "layer", "s", &d->hints.layer },
                { "key-is-value", "b", &d->hints.key_is_value },
                { "is-key", "b", &d->hints.is_key },
        };

        return wire_read_dict(m, members, ARRAY_SIZE(members));
}

static int take_words(struct schema_value *sv, struct schema_control *control, const struct words *w)
{
        size_t apply, encoding, drift, items;

        int r = find_word(w->apply, schema_apply_words, SCHEMA_APPLY_N, &apply);
        if (r == 0)
                r = find_word(w->encoding, schema_encoding_words, SCHEMA_ENCODING_N, &encoding);
        if (r == 0)
                r = find_word(w->drift, schema_drift_words, SCHEMA_DRIFT_N, &drift);
        if (r == 0)
                r = find_word(w->items, schema_items_words, SCHEMA_ITEMS_N, &items);
        if (r < 0)
                return r;
        sv->apply = (enum schema_apply)apply;
        sv->items = (enum schema_items)items;
        sv->is_path = w->is_path;
        control->encoding = (enum schema_encoding)encoding;
        control->drift_reapply = drift == 1;
        if (!control->name)
                return 0;
        sv->control = malloc(sizeof(*sv->control));
        if (!sv->control)
                return -ENOMEM;
        *sv->control = *control;
        return 0;
}

static int read_choices(sd_bus_message *m, struct schema_value *sv)
{
        const char *value, *control, *meaning;

        int r = sd_bus_message_enter_container(m, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(sss)", &value, &control, &meaning)) > 0) {
                if (array_grow(&sv->choices, sv->n_choices, sizeof(*sv->choices)) < 0)
                        return -ENOMEM;
                sv->choices[sv->n_choices++] = (struct schema_choice){ .value = (char *)value,
                        .control = control[0] ? (char *)control : NULL,
                        .meaning = (char *)meaning };
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int description_read(sd_bus_message *m, struct description *ret)
{
        struct words words = { 0 };
        struct schema_control control = { 0 };

        int r = read_members(m, ret, &control, &words);
        if (r == 0)
                r = take_words(&ret->sv, &control, &words);
        if (r == 0)
                r = read_choices(m, &ret->sv);
        if (r < 0)
                return r;
        struct schema_value *sv = &ret->sv;
        sv->has_default = sv->default_text != NULL;
        /* A range has both ends, and the first is not above the second. */
        sv->has_range = sv->min <= sv->max;
        return 0;
}

int description_next(sd_bus_message *m, const char **ret_key, struct description *ret)
{
        int r = sd_bus_message_enter_container(m, 'r', DESCRIPTION_ROW);
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "s", ret_key);
        if (r >= 0)
                r = description_read(m, ret);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}
