/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why a value is what it is, and who changed what, and when. */
#include <errno.h>
#include <string.h>

#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "../../schema/bus/wire.h"
#include "../store/history.h"
#include "answer.h"
#include "reader.h"

/* One row of a page is given whatever it takes, within a message. */
#define PAGE_BYTES (1024u * 1024u)
#define PAGE_ROWS_MAX 1000u

/* The type of what is not there, or not given. */
#define TYPE_NOTHING UINT32_MAX

static const char *state_name(enum why_state state)
{
        static const char *const names[] = {
                [WHY_WINS] = "wins",
                [WHY_SHADOWED] = "shadowed",
                [WHY_LAYER_DISABLED] = "layer-disabled",
                [WHY_LAYER_UNKNOWN] = "layer-unknown",
                [WHY_HIDES_KEY] = "hides-key",
        };
        return names[state];
}

static int append_why(sd_bus_message *reply, const struct why_entry *w)
{
        struct value v = { .type = REG_TOMBSTONE }; /* what a blanket is */
        if (w->entry)
                v = (struct value){ .type = w->entry->type, .data = w->entry->data, .size = w->entry->size };

        int r = sd_bus_message_open_container(reply, 'r', "sustuvsts");
        if (r >= 0)
                r = sd_bus_message_append(
                        reply, "sust", w->layer, w->precedence, w->file ? w->file : "", w->sequence);
        if (r >= 0)
                r = wire_append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_message_append(
                        reply, "sts", state_name(w->state), w->seal.serial, w->seal.signer);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* The schema's default competes below everything. */
static int append_default(const struct registry *of, sd_bus_message *reply, const struct path *path,
        const char *name, bool wins)
{
        const struct schema_value *sv = schema_find(registry_schema(of), path, name);
        uint8_t scratch[8];
        struct value v;
        if (!sv || schema_default_value(sv, scratch, &v) < 0)
                return 0;
        int r = sd_bus_message_open_container(reply, 'r', "sustuvsts");
        if (r >= 0)
                r = sd_bus_message_append(reply, "sust", LAYER_DEFAULT, 0u, "", UINT64_C(0));
        if (r >= 0)
                r = wire_append_value(reply, &v);
        if (r >= 0)
                r = sd_bus_message_append(reply, "sts", wins ? "wins" : "shadowed", UINT64_C(0), "");
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_origin(const struct registry *of, sd_bus_message *reply, const struct why_entry *winner)
{
        static const struct actor nobody = { .nobody = true };
        const struct store *store = registry_store(of);
        const struct history_row *row =
                winner && winner->entry ? history_writer(store, winner->sequence) : NULL;

        int r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && row)
                r = answer_append_author(reply, row->author);
        if (r >= 0 && row)
                r = sd_bus_message_append(reply, "{sv}", "time", "t", row->time);
        else if (r >= 0)
                r = sd_bus_message_append(
                        reply, "{sv}", "actor", "s", actor_state(winner && winner->entry ? NULL : &nobody));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_links(sd_bus_message *reply, const struct registry_way *way)
{
        int r = sd_bus_message_open_container(reply, 'a', "(ss)");

        for (size_t i = 0; r >= 0 && i < way->n; i++)
                r = sd_bus_message_append(reply, "(ss)", way->links[i].path, way->links[i].target);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_why(const struct registry *of, sd_bus_message *m, const struct registry_way *way,
        const char *name, const struct why_entry *list, size_t n)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const struct why_entry *winner = n > 0 && list[0].state == WHY_WINS ? list : NULL;
        bool exists = winner && winner->entry && winner->entry->type != REG_TOMBSTONE;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "bs", (int)exists, way->path->text);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sustuvsts)");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_why(reply, &list[i]);
        if (r >= 0)
                r = append_default(of, reply, way->path, name, !exists);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = append_origin(of, reply, winner);
        if (r >= 0)
                r = append_links(reply, way);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* A key that is not there has no entries, which is an answer; where a layer hides it, its entry is why. */
static int why_no_key(
        const struct registry *r, const struct path *path, struct why_entry **ret, size_t *ret_n)
{
        size_t depth;
        const struct store_path_entry *hiding = registry_hiding(r, path, &depth);

        if (!hiding)
                return store_error(registry_store(r), NULL);
        const struct layer *layer = layers_find(registry_layers(r), hiding->layer);
        struct why_entry *entry = calloc(1, sizeof(*entry));
        if (!entry)
                return -ENOMEM;
        *entry = (struct why_entry){ .layer = hiding->layer,
                .file = layer ? layer->file : NULL,
                .seal = layer ? layer->seal : (struct seal){ 0 },
                .precedence = layer ? layer->precedence : 0,
                .sequence = hiding->sequence,
                .blanket = true,
                .state = WHY_HIDES_KEY };
        *ret = entry;
        *ret_n = 1;
        return 0;
}

/* What may be in the key is not, where it is hidden or missing. */
static int find_why(struct registry *of, const struct reader_question *q, struct reader_place *place,
        struct why_entry **ret, size_t *ret_n, struct diag *d)
{
        struct guid guid;

        int r = reader_find(of, q, place, d);
        if (r == 0)
                r = registry_find_key(of, place->way.path, &guid, d);
        if (r == REGISTRY_NOT_FOUND)
                return why_no_key(of, place->way.path, ret, ret_n);
        return r != 0 ? r
                      : resolve_why(registry_store(of), registry_layers(of), &guid, q->name, strlen(q->name),
                                ret, ret_n);
}

int reader_answer_resolve(struct reader *reader, struct registry *of, sd_bus_message *m,
        const struct reader_question *q, sd_bus_error *error)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(of);
        _cleanup_free_ struct why_entry *list = NULL;
        _cleanup_place_ struct reader_place place = { 0 };
        struct diag d = { 0 };
        size_t n = 0, taken = 0;

        int r = find_why(of, q, &place, &list, &n, &d);
        if (r != 0)
                return reader_fail(reader, of, r, &d, error);
        for (size_t i = 0; r == 0 && i < n; i++) {
                const struct store_value_entry *e = list[i].entry;
                const struct value v = { .type = e ? e->type : REG_TOMBSTONE, .size = e ? e->size : 0 };
                r = answer_take(&taken,
                        answer_value_bytes(&v, list[i].layer, list[i].file ? list[i].file : ""), error);
        }
        for (size_t i = 0; r == 0 && i < place.way.n; i++)
                r = answer_take(
                        &taken, strlen(place.way.links[i].path) + strlen(place.way.links[i].target), error);
        if (r == 0)
                r = gate_take(reader->gate, m, taken, error);
        return r < 0 ? r : reply_why(of, m, &place.way, q->name, list, n);
}

int reader_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return reader_answer(userdata, m, true, reader_answer_resolve, error);
}

/* ---- History ---- */

static const char *change_name(const struct history_row *row)
{
        switch (row->op) {
        case STORE_SET_VALUE:
                return "value-set";
        case STORE_DELETE_VALUE:
                return "value-deleted";
        case STORE_CREATE_ENTRY:
                return "subkey-created";
        case STORE_HIDE_ENTRY:
                return "subkey-hidden";
        case STORE_DELETE_ENTRY:
                return "subkey-deleted";
        case STORE_CREATE_KEY:
                return "key-created";
        case STORE_WRITE_KEY:
                return "key-changed";
        case STORE_DROP_KEY:
                return "key-deleted";
        case STORE_SET_BLANKET:
                return row->has_type || row->is_volatile ? "values-hidden" : "values-shown";
        case STORE_SET_FILE:
                return row->size > 0 && *(const char *)row->data == 0 ? "file-disabled" : "file-set";
        case STORE_FORGET_FILE:
                return "file-gone";
        case STORE_NOTE:
                return "note";
        case STORE_DELETE_LAYER:
                break;
        }
        return "unknown";
}

/* Old or new value of a row; TYPE_NOTHING: none. A file's is its precedence. */
struct side {
        struct value value;
        uint8_t scratch[4];
};

static void set_precedence(uint32_t precedence, struct side *ret)
{
        for (size_t i = 0; i < sizeof(ret->scratch); i++)
                ret->scratch[i] = (uint8_t)(precedence >> (8 * i));
        ret->value = (struct value){ .type = REG_DWORD, .data = ret->scratch, .size = sizeof(ret->scratch) };
}

static void sides_of(const struct history_row *row, struct side *old, struct side *new)
{
        bool is_value = row->op == STORE_SET_VALUE || row->op == STORE_DELETE_VALUE;
        bool is_file = row->op == STORE_SET_FILE || row->op == STORE_FORGET_FILE;

        old->value = new->value = (struct value){ .type = TYPE_NOTHING };
        if (is_value && row->was.is)
                old->value = (struct value){ row->was.type, row->was.size, row->was.data };
        if (is_value && row->has_type)
                new->value = (struct value){ row->type, row->size, row->data };
        if (is_file && row->was.is)
                set_precedence(row->was.type, old);
        if (is_file && row->has_type)
                set_precedence(row->type, new);
}

static const char *or_empty(const char *text)
{
        return text ? text : "";
}

static int append_row(sd_bus_message *m, const struct history_row *row, const char *name,
        const struct side *old, const struct side *new, bool is_dataless)
{
        int r = sd_bus_message_open_container(m, 'r', "ttssssbbuvuva{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "ttssssbb", row->time, row->sequence, change_name(row),
                        or_empty(row->path), name, or_empty(row->layer), (int)!row->is_shadowed,
                        (int)is_dataless);
        if (r >= 0)
                r = wire_append_value(m, &old->value);
        if (r >= 0)
                r = wire_append_value(m, &new->value);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = answer_append_author(m, row->author);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "boot", "s", row->boot);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_page_row(
        sd_bus_message *m, const struct history_row *row, size_t *taken, sd_bus_error *error)
{
        bool names_itself = row->op == STORE_CREATE_KEY || row->op == STORE_DROP_KEY;
        const char *name = names_itself ? "" : or_empty(row->name), *file = or_empty(row->author->file);
        bool is_dataless = row->is_volatile;
        struct side old, new;

        sides_of(row, &old, &new);
        if (answer_value_bytes(&old.value, "", "") + answer_value_bytes(&new.value, "", "") >
                ANSWER_BYTES_MAX / 2) {
                old.value = new.value = (struct value){ .type = TYPE_NOTHING };
                is_dataless = true;
        }
        int r = answer_take(taken,
                answer_value_bytes(&old.value, or_empty(row->path), name) +
                        answer_value_bytes(&new.value, or_empty(row->layer), file) +
                        sizeof(row->author->actor),
                error);
        return r < 0 ? r : append_row(m, row, name, &old, &new, is_dataless);
}

static int reply_page(
        struct reader *reader, sd_bus_message *m, const struct history_page *page, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        size_t taken = 0;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ttssssbbuvuva{sv})");
        for (size_t i = 0; r >= 0 && i < page->n; i++)
                r = append_page_row(reply, page->rows[i], &taken, error);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", (uint64_t)page->cursor);
        if (r >= 0)
                r = gate_take(reader->gate, m, taken, error);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- Options ---- */

struct options {
        uint64_t since, until, cursor;
        const char *name;
        uint32_t limit;
        int backwards;
};

static int read_options(sd_bus_message *m, struct options *o, sd_bus_error *error)
{
        const struct wire_member members[] = {
                { "since", "t", &o->since },
                { "until", "t", &o->until },
                { "name", "s", &o->name },
                { "limit", "u", &o->limit },
                { "backwards", "b", &o->backwards },
                { "cursor", "t", &o->cursor },
        };
        struct diag d = { 0 };

        int r = wire_read_strict(m, members, ARRAY_SIZE(members), &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        if (o->name && path_check_value_name(o->name, strlen(o->name), &d) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_NAME, d.text);
        return 0;
}

int reader_history(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct reader *reader = userdata;
        _cleanup_path_ struct path path = { 0 };
        struct options o = { .limit = PAGE_ROWS_MAX };
        struct history_page page;
        struct diag d = { 0 };
        const char *key;
        int subtree;

        int r = sd_bus_message_read(m, "sb", &key, &subtree);
        if (r >= 0)
                r = read_options(m, &o, error);
        if (r < 0)
                return r;
        writer_flush(reader->writer);
        _cleanup_store_scope_ struct store_scope scope = registry_scope(reader->registry);
        r = registry_path(reader->registry, key, &path, &d);
        const struct history_query query = { .path = &path,
                .subtree = subtree != 0,
                .name = o.name,
                .since = o.since,
                .until = o.until,
                .backwards = o.backwards != 0,
                .cursor = o.cursor <= INT64_MAX ? (int64_t)o.cursor : INT64_MAX,
                .limit = o.limit > 0 && o.limit < PAGE_ROWS_MAX ? o.limit : PAGE_ROWS_MAX,
                .bytes = PAGE_BYTES };
        if (r == 0)
                r = history_page(registry_store(reader->registry), &query, &page);
        return r != 0 ? reader_fail(reader, reader->registry, r, &d, error)
                      : reply_page(reader, m, &page, error);
}
