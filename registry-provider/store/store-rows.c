/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the tables are put, deleted and looked for. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "../../schema/base/hashmap.h"
#include "store-tables.h"
#include "store.h"

/* ---- Columns ---- */

void store_column_into(sqlite3_stmt *statement, int column, char *ret, size_t size)
{
        const char *text = (const char *)sqlite3_column_text(statement, column);

        (void)snprintf(ret, size, "%s", text ? text : "");
}

void store_column_seal(sqlite3_stmt *statement, int column, struct seal *ret)
{
        const char *signer = (const char *)sqlite3_column_text(statement, column + 1);

        *ret = seal_of(database_column_u64(statement, column), signer ? signer : "");
}

void store_bind_seal(sqlite3_stmt *statement, int column, const struct seal *seal)
{
        if (seal->serial == 0) {
                (void)sqlite3_bind_null(statement, column);
                (void)sqlite3_bind_null(statement, column + 1);
                return;
        }
        database_bind_u64(statement, column, seal->serial);
        database_bind_text(statement, column + 1, seal->signer, strlen(seal->signer));
}

/* ---- Keys ---- */

static void bind_sd(sqlite3_stmt *q, int column, const void *sd, size_t size)
{
        if (size > 0)
                database_bind_data(q, column, sd, size);
        else
                (void)sqlite3_bind_null(q, column);
}

int store_put_key(struct store *s, const struct store_op *create)
{
        sqlite3_stmt *q = database_statement(store_database(s), KEY_INSERT, create->is_volatile);

        database_bind_guid(q, 1, &create->guid);
        database_bind_guid(q, 2, &create->target);
        database_bind_text(q, 3, create->name, strlen(create->name));
        bind_sd(q, 4, create->data, create->size);
        database_bind_u64(q, 5, create->is_link ? KEY_FLAG_LINK : 0);
        database_bind_u64(q, 6, create->time);
        store_forget(s, CACHE_KEY, &create->guid, NULL);
        return database_run(store_database(s), q);
}

int store_put_sd(struct store *s, const struct guid *key, const void *sd, size_t size, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(store_database(s), KEY_SET_SD, is_volatile);

        database_bind_guid(q, 1, key);
        bind_sd(q, 2, sd, size);
        store_forget(s, CACHE_KEY, key, NULL);
        return database_run(store_database(s), q);
}

int store_put_time(struct store *s, const struct guid *key, uint64_t time, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(store_database(s), KEY_SET_TIME, is_volatile);

        database_bind_guid(q, 1, key);
        database_bind_u64(q, 2, time);
        store_forget(s, CACHE_KEY, key, NULL);
        return database_run(store_database(s), q);
}

/* ---- What layers have ---- */

/* What path entries and values begin with. */
static sqlite3_stmt *bind_named(struct store *s, enum statement id, bool is_volatile,
        const struct store_op *op, const struct folded *folded, int64_t layer)
{
        sqlite3_stmt *q = database_statement(store_database(s), id, is_volatile);

        database_bind_guid(q, 1, &op->guid);
        database_bind_text(q, 2, folded->text, folded->len);
        (void)sqlite3_bind_int64(q, 3, layer);
        database_bind_text(q, 4, op->name, strlen(op->name));
        database_bind_u64(q, 5, op->sequence);
        return q;
}

int store_put_entry(struct store *s, const struct store_op *op, int64_t layer, bool is_volatile)
{
        struct folded folded;

        if (!store_fold(op->name, strlen(op->name), &folded))
                return -EINVAL;
        sqlite3_stmt *q = bind_named(s, ENTRY_PUT, is_volatile, op, &folded, layer);
        database_bind_guid(q, 6, op->code == STORE_CREATE_ENTRY ? &op->target : &(struct guid){ 0 });
        store_forget(s, CACHE_ENTRIES, &op->guid, &folded);
        return database_run(store_database(s), q);
}

int store_put_value(
        struct store *s, const struct store_op *op, int64_t layer, bool is_volatile, bool is_only)
{
        struct folded folded;

        if (!store_fold(op->name, strlen(op->name), &folded))
                return -EINVAL;
        sqlite3_stmt *q = bind_named(s, VALUE_PUT, is_volatile, op, &folded, layer);
        database_bind_u64(q, 6, op->type);
        database_bind_data(q, 7, op->data, op->size);
        int r = database_run(store_database(s), q);
        if (r == 0 && is_only)
                store_remember_value(s, op, &folded, layer);
        else
                store_forget(s, CACHE_VALUES, &op->guid, &folded);
        return r;
}

int store_put_blanket(struct store *s, const struct store_op *op, int64_t layer, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(store_database(s), BLANKET_PUT, is_volatile);

        database_bind_guid(q, 1, &op->guid);
        (void)sqlite3_bind_int64(q, 2, layer);
        database_bind_u64(q, 3, op->sequence);
        store_forget(s, CACHE_BLANKETS, &op->guid, NULL);
        return database_run(store_database(s), q);
}

int store_put_file(struct store *s, const struct store_op *op, int64_t layer)
{
        sqlite3_stmt *q = database_statement(store_database(s), FILE_PUT, store_moment(s) != NULL);

        (void)sqlite3_bind_int64(q, 1, layer);
        database_bind_text(q, 2, op->name, strlen(op->name));
        database_bind_u64(q, 3, op->precedence);
        database_bind_u64(q, 4, op->set);
        store_bind_seal(q, 5, &op->seal);
        return database_run(store_database(s), q);
}

/* ---- Deleting ---- */

int store_run(struct store *s, enum statement id, const struct guid *key, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(store_database(s), id, is_volatile);

        database_bind_guid(q, 1, key);
        store_forget(s, CACHE_KEY, key, NULL);
        return database_run(store_database(s), q);
}

int store_delete(struct store *s, enum statement id, const struct guid *key, const struct folded *name,
        int64_t layer, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(store_database(s), id, is_volatile);

        database_bind_guid(q, 1, key);
        if (name)
                database_bind_text(q, 2, name->text, name->len);
        (void)sqlite3_bind_int64(q, name ? 3 : 2, layer);
        store_forget(s,
                id == ENTRY_DELETE   ? CACHE_ENTRIES
                : id == VALUE_DELETE ? CACHE_VALUES
                                     : CACHE_BLANKETS,
                key, name);
        return database_run(store_database(s), q);
}

int store_delete_file(struct store *s, int64_t layer)
{
        sqlite3_stmt *q = database_statement(store_database(s), FILE_DELETE, store_moment(s) != NULL);

        (void)sqlite3_bind_int64(q, 1, layer);
        return database_run(store_database(s), q);
}

bool store_has_number(struct store *s, const struct guid *key, uint64_t sequence, bool is_volatile)
{
        sqlite3_stmt *q = database_statement(store_database(s), VALUE_HAS_SEQUENCE, is_volatile);
        bool found = false;

        database_bind_guid(q, 1, key);
        database_bind_u64(q, 2, sequence);
        while (database_row(store_database(s), q))
                found = true;
        return found;
}

size_t store_format_file(bool enabled, const struct seal *seal, char ret[static STORE_FILE_DATA_MAX])
{
        int n = 1;

        ret[0] = enabled;
        if (seal->serial != 0)
                n += snprintf(
                        ret + 1, STORE_FILE_DATA_MAX - 1, "%" PRIu64 " %s", seal->serial, seal->signer);
        return (size_t)n;
}

/* A NUL follows the data. */
void store_parse_file(const void *data, size_t size, bool *ret_enabled, struct seal *ret_seal)
{
        char signer[SEAL_SIGNER_MAX] = "";
        const char *text = data;
        uint64_t serial = 0;

        *ret_enabled = size > 0 && text[0] != 0;
        if (size > 1)
                (void)sscanf(text + 1, "%" SCNu64 " %16s", &serial, signer);
        *ret_seal = seal_of(serial, signer);
}

int store_was_file(struct store *s, int64_t layer, struct history_was *ret)
{
        sqlite3_stmt *q = database_statement(store_database(s), FILE_GET, false);

        (void)sqlite3_bind_int64(q, 1, layer);
        while (database_row(store_database(s), q)) {
                char data[STORE_FILE_DATA_MAX];
                struct seal seal;
                store_column_seal(q, 3, &seal);
                const size_t size = store_format_file(sqlite3_column_int(q, 2) != 0, &seal, data);
                *ret = (struct history_was){ .is = true,
                        .name = store_column_text(s, q, 0),
                        .type = (uint32_t)sqlite3_column_int64(q, 1),
                        .data = store_copy(s, data, size),
                        .size = size };
        }
        return store_database(s)->error;
}

#define NSEC_PER_MSEC 1000000u

int guid_new(struct guid *ret)
{
        struct guid g;
        struct timespec now;
        ssize_t n;

        do
                n = getrandom(g.bytes, sizeof(g.bytes), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if ((size_t)n != sizeof(g.bytes))
                return -EIO;
        (void)clock_gettime(CLOCK_REALTIME, &now);
        const uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NSEC_PER_MSEC;
        /* 4096ths of a millisecond. */
        const uint64_t part = (uint64_t)now.tv_nsec % NSEC_PER_MSEC * 4096 / NSEC_PER_MSEC;
        for (unsigned i = 0; i < 6; i++)
                g.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
        g.bytes[6] = (uint8_t)(0x70 | part >> 8);
        g.bytes[7] = (uint8_t)part;
        g.bytes[8] = (uint8_t)((g.bytes[8] & 0x3F) | 0x80);
        *ret = g;
        return 0;
}

static bool is_dash(size_t byte)
{
        return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void guid_format(const struct guid *g, char ret[static 37])
{
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < sizeof(g->bytes); i++) {
                if (is_dash(i))
                        *ret++ = '-';
                *ret++ = digits[g->bytes[i] >> 4];
                *ret++ = digits[g->bytes[i] & 0x0F];
        }
        *ret = '\0';
}

uint32_t guid_hash(const struct guid *g)
{
        return hashmap_hash(g->bytes, sizeof(g->bytes), hashmap_seed());
}
