/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../../schema/base/file.h"
#include "suite.h"

void world_init(struct world *w)
{
        *w = (struct world){ 0 };
        scratch_new(&w->root);
        ck_assert_int_eq(schema_load_builtin(&w->schema), 0);
        int r = world_open(w);
        ck_assert_msg(r == 0, "%s", w->d.text);
}

const char *world_file(const struct world *w)
{
        return scratch_path(&w->root, "registry.db");
}

void world_write(struct world *w, const char *path, const char *text)
{
        if (text)
                scratch_puts(&w->root, path, text);
        else
                scratch_remove(&w->root, path);
}

int world_open(struct world *w)
{
        struct registry_config config = { .schema = w->schema, .value_max = WORLD_VALUE_MAX };

        w->d = (struct diag){ 0 };
        int r = store_open(
                w->in_memory ? NULL : world_file(w), STORE_WRITE, WORLD_VALUE_MAX, &config.store, &w->d);
        if (r == 0 && w->forgets)
                store_limit_cache(config.store, 2000);
        return r < 0 ? r : registry_open(&config, &w->r, &w->d);
}

void world_close(struct world *w)
{
        w->r = registry_close(w->r);
}

void world_done(struct world *w)
{
        world_close(w);
        dropins_done(&w->files);
        w->schema = schema_free(w->schema);
        scratch_done(&w->root);
}

static void must_open(struct world *w)
{
        int r = world_open(w);
        ck_assert_msg(r == 0, "%s", w->d.text);
}

void world_restart(struct world *w)
{
        world_close(w);
        must_open(w);
}

void world_crash(struct world *w)
{
        struct scratch copy;

        scratch_new(&copy);
        scratch_copy(&copy, &w->root);
        world_close(w);
        scratch_done(&w->root);
        w->root = copy;
        must_open(w);
}

static int parse_value(const char *text, struct buf *bytes, uint32_t *ret_type)
{
        char *end;
        unsigned long n = strtoul(text, &end, 10);

        if (strcmp(text, "!") == 0) {
                *ret_type = REG_TOMBSTONE;
        } else if (text[0] == '>') {
                *ret_type = REG_LINK;
                buf_puts(bytes, text + 1);
        } else if (*text && *end == '\0') {
                *ret_type = REG_DWORD;
                value_put_number(bytes, REG_DWORD, (uint32_t)n);
        } else {
                *ret_type = REG_SZ;
                buf_puts(bytes, text);
        }
        return bytes->error;
}

static int change_value(struct world *w, struct registry_write *write, const char *text)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct value v;

        ck_assert_int_eq(parse_value(text, &bytes, &v.type), 0);
        v.data = bytes.data;
        v.size = bytes.len;
        write->value = &v;
        return registry_change(w->r, CHANGE_SET, write, &w->d);
}

static int make_link(struct world *w, struct registry_write *write, const char *target)
{
        const struct value v = { .type = REG_LINK, .data = target, .size = strlen(target) };

        if (strcmp(target, "-") != 0)
                write->value = &v;
        return registry_change(w->r, CHANGE_CREATE_LINK, write, &w->d);
}

static int change(struct world *w, char *line)
{
        char *save = NULL, *verb = strtok_r(line, " ", &save), *layer = strtok_r(NULL, " ", &save);
        const char *key = strtok_r(NULL, " ", &save), *name = strtok_r(NULL, " ", &save);
        _cleanup_path_ struct path path = { 0 };

        ck_assert_ptr_nonnull(key);
        int r = registry_path(w->r, key, &path, &w->d);
        if (r != 0)
                return r;
        struct registry_write write = { .path = &path,
                .name = name && strcmp(name, "@") != 0 ? name : "",
                .layer = strcmp(layer, "-") == 0 ? NULL : layer,
                .is_volatile = verb[0] == 'v',
                .of_link = verb[0] == 'l' && verb[1] != 'n' };
        verb += write.is_volatile || write.of_link;
        write.recursive = strcmp(verb, "rmr") == 0;
        if (strcmp(verb, "ln") == 0)
                return make_link(w, &write, name);
        if (strcmp(verb, "set") == 0)
                return change_value(w, &write, strtok_r(NULL, "", &save));
        if (strcmp(verb, "del") == 0)
                return registry_change(w->r, CHANGE_DELETE, &write, &w->d);
        if (strcmp(verb, "mk") == 0)
                return registry_change(w->r, CHANGE_CREATE_KEY, &write, &w->d);
        if (strcmp(verb, "hide") == 0)
                return registry_change(w->r, CHANGE_HIDE_KEY, &write, &w->d);
        if (strcmp(verb, "show") == 0)
                return registry_change(w->r, CHANGE_SHOW_KEY, &write, &w->d);
        if (strcmp(verb, "mask") == 0)
                return registry_change(w->r, CHANGE_MASK_VALUES, &write, &w->d);
        if (strcmp(verb, "unmask") == 0)
                return registry_change(w->r, CHANGE_UNMASK_VALUES, &write, &w->d);
        ck_assert(strcmp(verb, "rm") == 0 || write.recursive);
        return registry_change(w->r, CHANGE_DELETE_KEY, &write, &w->d);
}

int world_change(struct world *w, const char *script)
{
        _cleanup_free_ char *copy = strdup(script);
        char *save = NULL;
        int r = 0;

        w->d = (struct diag){ 0 };
        for (char *line = strtok_r(copy, "\n", &save); r == 0 && line; line = strtok_r(NULL, "\n", &save))
                r = change(w, line);
        return r;
}

const char *error_name(int r)
{
        static const char *const names[] = {
                [REGISTRY_NOT_FOUND] = "NOT_FOUND",
                [REGISTRY_EXISTS] = "EXISTS",
                [REGISTRY_INVALID_NAME] = "INVALID_NAME",
                [REGISTRY_INVALID_VALUE] = "INVALID_VALUE",
                [REGISTRY_TOO_LARGE] = "TOO_LARGE",
                [REGISTRY_READ_ONLY] = "READ_ONLY",
                [REGISTRY_NOT_EMPTY] = "NOT_EMPTY",
                [REGISTRY_CONFLICT] = "CONFLICT",
                [REGISTRY_LIMIT] = "LIMIT",
                [REGISTRY_CORRUPT] = "CORRUPT",
                [REGISTRY_NOT_KEPT] = "NOT_KEPT",
                [REGISTRY_LINK_LOOP] = "LINK_LOOP",
                [REGISTRY_BAD_LINK] = "BAD_LINK",
        };

        return r > 0 ? names[r] : strerrorname_np(-r);
}

char *error_text(const struct world *w, int r)
{
        struct buf out = BUF_INIT;
        buf_printf(&out, "%s %s", error_name(r), w->d.text);
        return take_text(&out);
}

/* Of the transaction that is open. */
static char *run(
        struct world *w, const char *script, int (*end)(struct registry *, struct registry_events *))
{
        struct registry_events events = { 0 };

        registry_end_with_failure(w->r);
        int r = world_change(w, script);
        if (r != 0)
                registry_abort(w->r);
        else
                r = end(w->r, &events);
        if (r == 0)
                r = registry_sync(w->r, &w->d);
        if (r != 0) {
                registry_events_done(&events);
                return error_text(w, r);
        }
        ck_assert_uint_eq(events.sequence, registry_sequence(w->r));
        char *text = events_text(&events);
        registry_events_done(&events);
        return text;
}

char *world_run(struct world *w, const char *script)
{
        ck_assert_int_eq(registry_begin(w->r, NULL), 0);
        return run(w, script, registry_end);
}

char *world_preview(struct world *w, const char *script)
{
        ck_assert_int_eq(registry_begin_preview(w->r, SIZE_MAX), 0);
        return run(w, script, registry_end_preview);
}

void world_expect(struct world *w, const char *script, const char *expected)
{
        _cleanup_free_ char *text = world_run(w, script);
        ck_assert_msg(strcmp(text, expected) == 0, "%s\ngives:\n%s\nexpected:\n%s", script, text, expected);
}

/* Events begin with a word in small letters. */
static bool is_error(const char *text)
{
        return text[0] >= 'A' && text[0] <= 'Z';
}

void world_do(struct world *w, const char *script)
{
        _cleanup_free_ char *text = world_run(w, script);
        ck_assert_msg(!is_error(text), "%s\ngives: %s", script, text);
}

static int get(struct world *w, const char *key, const char *name, struct registry_value *ret)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_way_ struct registry_way way = { 0 };
        const bool of_link = name[0] == '>';

        ck_assert_int_eq(registry_path(w->r, key, &path, NULL), 0);
        w->d = (struct diag){ 0 };
        int r = registry_follow(w->r, &path, of_link, &way, &w->d);
        if (r == 0)
                r = registry_get(
                        w->r, way.path, strcmp(name + of_link, "@") == 0 ? "" : name + of_link, ret, &w->d);
        r = registry_explain_way(&way, r, &w->d);
        ck_assert_msg((r == 0) == (w->d.text[0] == '\0'), "%d: '%s'", r, w->d.text);
        return r;
}

const char *world_get(struct world *w, const char *key, const char *name)
{
        static char ring[4][256];
        static unsigned next;
        char *text = ring[next++ % 4];
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w->r);
        struct registry_value v;
        _cleanup_buf_ struct buf out = BUF_INIT;

        int r = get(w, key, name, &v);
        if (r != 0)
                return error_name(r);
        value_text(&out, v.value.type, v.value.data, v.value.size);
        (void)snprintf(text, sizeof(ring[0]), "%s@%s", buf_str(&out), v.layer);
        return text;
}

uint64_t world_sequence_of(struct world *w, const char *key, const char *name)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w->r);
        struct registry_value v;

        ck_assert_int_eq(get(w, key, name, &v), 0);
        return v.sequence;
}

int world_undo(struct world *w, const struct registry_undo *what, uint32_t *ret_left_out)
{
        struct registry_undone undone = { 0 };
        struct registry_events events = { 0 };

        w->d = (struct diag){ 0 };
        ck_assert_int_eq(registry_begin(w->r, NULL), 0);
        registry_end_with_failure(w->r);
        int r = registry_undo(w->r, what, &undone, &w->d);
        if (r != 0) {
                registry_abort(w->r);
                return r;
        }
        ck_assert_int_eq(registry_end(w->r, &events), 0);
        registry_events_done(&events);
        ck_assert_int_eq(registry_sync(w->r, &w->d), 0);
        if (ret_left_out)
                *ret_left_out = undone.left_out;
        return 0;
}

void world_undo_since(struct world *w, int64_t row)
{
        const struct registry_undo what = {
                .after = row, .until = last_row(registry_store(w->r)), .may_layers = true
        };
        int r = world_undo(w, &what, NULL);
        ck_assert_msg(r == 0, "%s: %s", error_name(r), w->d.text);
}
