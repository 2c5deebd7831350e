/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "description.h"

#include <errno.h>
#include <string.h>

#include "../base/array.h"
#include "wire.h"

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

/* What of a description is on the bus, besides the choices. */
struct row {
        struct schema_value sv;
        struct schema_control control;
        struct description_hints hints;
        const char *items, *apply, *encoding, *drift;
        int is_path;
};

enum {
        ROW_TYPE = 1,
        ROW_LEAST = 3,
        ROW_MOST = 4,
        ROW_N = 22,
};

static void list_members(struct row *row, struct wire_member ret[static ROW_N])
{
        const struct wire_member members[ROW_N] = {
                { "name", "s", &row->sv.name },
                [ROW_TYPE] = { "type", "u", &row->sv.type },
                { "default", "s", &row->sv.default_text },
                [ROW_LEAST] = { "least", "t", &row->sv.min },
                [ROW_MOST] = { "most", "t", &row->sv.max },
                { "path", "b", &row->is_path },
                { "suffix", "s", &row->sv.suffix },
                { "items", "s", &row->items },
                { "apply", "s", &row->apply },
                { "description", "s", &row->sv.description },
                { "source", "s", &row->sv.source },
                { "control", "s", &row->control.name },
                { "encoding", "s", &row->encoding },
                { "drift-value", "s", &row->control.drift_value },
                { "drift", "s", &row->drift },
                { "audit-op", "s", &row->control.audit_op },
                { "audit-off", "s", &row->control.audit_off },
                { "meant-key", "s", &row->hints.meant_key },
                { "meant-name", "s", &row->hints.meant_name },
                { "layer", "s", &row->hints.layer },
                { "key-is-value", "b", &row->hints.key_is_value },
                { "is-key", "b", &row->hints.is_key },
        };

        memcpy(ret, members, sizeof(members));
}

/* ---- To a message ---- */

static struct row row_of(const struct schema_value *sv, const struct description_hints *hints)
{
        struct row row = { 0 };

        if (hints)
                row.hints = *hints;
        if (!sv)
                return row;
        row.sv = *sv;
        row.apply = schema_apply_words[sv->apply];
        row.items = sv->items != SCHEMA_ITEMS_NONE ? schema_items_words[sv->items] : NULL;
        row.is_path = sv->is_path;
        if (!sv->control)
                return row;
        row.control = *sv->control;
        row.encoding = schema_encoding_words[sv->control->encoding];
        row.drift = schema_drift_words[sv->control->drift_reapply];
        return row;
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
        struct row row = row_of(sv, hints);
        struct wire_member members[ROW_N];

        list_members(&row, members);
        if (!sv)
                members[ROW_TYPE].at = NULL;
        if (!sv || !sv->has_range)
                members[ROW_LEAST].at = members[ROW_MOST].at = NULL;
        int r = wire_append_dict(m, members, ROW_N);
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

/* Of the row: what a schema has as numbers. */
static int take_words(struct row *row)
{
        struct schema_control *control = &row->control;
        size_t apply, encoding, drift, items;

        int r = find_word(row->apply, schema_apply_words, SCHEMA_APPLY_N, &apply);
        if (r == 0)
                r = find_word(row->encoding, schema_encoding_words, SCHEMA_ENCODING_N, &encoding);
        if (r == 0)
                r = find_word(row->drift, schema_drift_words, SCHEMA_DRIFT_N, &drift);
        if (r == 0)
                r = find_word(row->items, schema_items_words, SCHEMA_ITEMS_N, &items);
        if (r < 0)
                return r;
        row->sv.apply = (enum schema_apply)apply;
        row->sv.items = (enum schema_items)items;
        row->sv.is_path = row->is_path;
        row->sv.has_default = row->sv.default_text != NULL;
        /* A range has both ends, and the first is not above the second. */
        row->sv.has_range = row->sv.min <= row->sv.max;
        control->encoding = (enum schema_encoding)encoding;
        control->drift_reapply = drift == 1;
        if (!control->name)
                return 0;
        row->sv.control = malloc(sizeof(*control));
        if (!row->sv.control)
                return -ENOMEM;
        *row->sv.control = *control;
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
        struct row row = { .sv.min = UINT64_MAX };
        struct wire_member members[ROW_N];

        list_members(&row, members);
        int r = wire_read_dict(m, members, ROW_N);
        if (r == 0)
                r = take_words(&row);
        if (r < 0)
                return r;
        *ret = (struct description){ .sv = row.sv, .hints = row.hints };
        r = read_choices(m, &ret->sv);
        return r < 0 ? r : 0;
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
