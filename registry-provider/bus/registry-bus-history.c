/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who changed what, and when. */
#include "registry-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/bus/wire.h"
#include "../store/history.h"

/* One row of a page is given whatever it takes, within a message. */
#define PAGE_BYTES (1024u * 1024u)
#define PAGE_ROWS_MAX 1000u

/* The type of what is not there, or not given. */
#define TYPE_NOTHING UINT32_MAX

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
                return row->size == 1 && *(const char *)row->data == 0 ? "file-disabled" : "file-set";
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
                r = append_author(m, row->author);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "boot", "s", row->boot);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_page_row(sd_bus_message *m, const struct history_row *row, size_t *taken, struct diag *d)
{
        bool names_itself = row->op == STORE_CREATE_KEY || row->op == STORE_DROP_KEY;
        const char *name = names_itself ? "" : or_empty(row->name), *file = or_empty(row->author->file);
        bool is_dataless = row->is_volatile;
        struct side old, new;

        sides_of(row, &old, &new);
        if (wire_bytes(&old.value, "", "") + wire_bytes(&new.value, "", "") > MESSAGE_BYTES_MAX / 2) {
                old.value = new.value = (struct value){ .type = TYPE_NOTHING };
                is_dataless = true;
        }
        int r = take_room(taken,
                wire_bytes(&old.value, or_empty(row->path), name) +
                        wire_bytes(&new.value, or_empty(row->layer), file) + sizeof(row->author->actor),
                d);
        return r < 0 ? r : append_row(m, row, name, &old, &new, is_dataless);
}

static int reply_page(
        struct registry_bus *rb, sd_bus_message *m, const struct history_page *page, sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct diag d = { 0 };
        size_t taken = 0;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ttssssbbuvuva{sv})");
        for (size_t i = 0; r >= 0 && i < page->n; i++)
                r = append_page_row(reply, page->rows[i], &taken, &d);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", (uint64_t)page->cursor);
        if (r >= 0)
                r = gate_take(rb->gate, m, taken, &d);
        if (r < 0 && d.text[0])
                return bus_fail(error, r, &d);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- Options ---- */

struct options {
        uint64_t since, until, cursor;
        const char *name;
        uint32_t limit;
        int backwards;
};

static int read_option(sd_bus_message *m, struct options *o, struct diag *d)
{
        const struct {
                const char *name, *type;
                void *at;
        } members[] = {
                { "since", "t", &o->since },
                { "until", "t", &o->until },
                { "name", "s", &o->name },
                { "limit", "u", &o->limit },
                { "backwards", "b", &o->backwards },
                { "cursor", "t", &o->cursor },
        };
        const char *name;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (strcmp(members[i].name, name) == 0) {
                        r = sd_bus_message_read(m, "v", members[i].type, members[i].at);
                        return r == -ENXIO ? diag_set(d, EDOM, "option '%s' is of the wrong type", name) : r;
                }
        return diag_set(d, EDOM,
                "there is no option '%s'; allowed are since, until, name, limit, backwards, cursor", name);
}

static int read_options(sd_bus_message *m, struct options *o, struct diag *d)
{
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_option(m, o, d);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r >= 0 && o->name)
                r = path_check_value_name(o->name, strlen(o->name), d);
        return r;
}

int method_history(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_path_ struct path path = { 0 };
        struct options o = { .limit = PAGE_ROWS_MAX };
        struct history_page page;
        struct diag d = { 0 };
        const char *key;
        int subtree;

        int r = sd_bus_message_read(m, "sb", &key, &subtree);
        if (r >= 0)
                r = read_options(m, &o, &d);
        if (r < 0)
                return d.text[0] ? bus_fail(error, r, &d) : r;
        registry_bus_flush(rb);
        _cleanup_store_scope_ struct store_scope scope = registry_scope(rb->config.registry);
        r = registry_path(rb->config.registry, key, &path, &d);
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
                r = history_page(registry_store(rb->config.registry), &query, &page);
        return r < 0 ? read_failed(rb, r, &d, error) : reply_page(rb, m, &page, error);
}
