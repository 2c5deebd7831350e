/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../store/history.h"
#include "answer.h"

static void change_done(struct change *c)
{
        if (!c->shares_path)
                path_done(&c->path);
}

static void changes_done(struct request *q)
{
        for (size_t i = 0; i < q->n; i++)
                change_done(&q->list[i]);
        free(q->list);
}

struct request *request_free(struct request *q)
{
        if (!q)
                return NULL;
        changes_done(q);
        free(q->texts);
        buf_done(&q->bytes);
        registry_events_done(&q->events);
        registry_verdict_done(&q->verdict);
        sd_bus_slot_unref(q->polkit);
        sd_bus_message_unref(q->m);
        free(q);
        return NULL;
}

static int add_change(struct request *q, enum registry_action action, const char *key, const char *name,
        struct change **ret, sd_bus_error *error)
{
        const struct registry *registry = q->writer->config->registry;
        struct diag d = { 0 };

        if (q->n == REGISTRY_CHANGES_MAX)
                return sd_bus_error_setf(error, ERROR_TOO_LARGE, "more than %u changes in one transaction",
                        REGISTRY_CHANGES_MAX);
        if (array_grow(&q->list, q->n, sizeof(*q->list)) < 0)
                return -ENOMEM;
        struct change c = { .action = action, .name = name };
        int r = 0;
        /* Who sets many values in a key names it once, or for each. */
        if (q->n > 0 && (key[0] == '\0' || strcmp(key, q->key) == 0)) {
                c.path = q->list[q->n - 1].path;
                c.shares_path = true;
        } else {
                q->key = key;
                r = registry_path(registry, key, &c.path, &d);
        }
        if (r == 0 && path_check_value_name(name, strlen(name), &d) < 0)
                r = REGISTRY_INVALID_NAME;
        if (r != 0) {
                change_done(&c);
                return answer_fail(registry, r, &d, error);
        }
        q->list[q->n] = c;
        *ret = &q->list[q->n++];
        return 0;
}

static int read_data(struct request *q, struct change *c, sd_bus_error *error)
{
        const struct registry *registry = q->writer->config->registry;
        const bool has_data = c->action == CHANGE_SET || c->action == CHANGE_CREATE_LINK;
        size_t max = has_data ? registry_value_max(registry) : 0;
        struct diag d = { 0 };

        c->at = q->bytes.len;
        int r = wire_read_value_within(q->m, max, &q->bytes, &c->type, &c->size, &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        if (!has_data)
                return r;
        r = registry_check_size(registry, &c->path, c->name, c->size, &d);
        if (r != 0)
                return answer_fail(registry, r, &d, error);
        if (c->type == REG_TOMBSTONE && c->size > 0)
                return sd_bus_error_setf(error, ERROR_INVALID_VALUE,
                        "%s: a tombstone has no data, expected an empty 'ay'", c->path.text);
        if (c->type != REG_TOMBSTONE && !value_type_known(c->type))
                return sd_bus_error_setf(error, ERROR_INVALID_VALUE,
                        "%s: no value has type code %u, expected 0 to %u, or %u for a tombstone",
                        c->path.text, c->type, VALUE_TYPE_MAX, REG_TOMBSTONE);
        return 0;
}

static int parse_action(const char *s, enum registry_action *ret, sd_bus_error *error)
{
        static const char *const names[] = {
                [CHANGE_SET] = "set",
                [CHANGE_DELETE] = "delete",
                [CHANGE_CREATE_KEY] = "create-key",
                [CHANGE_CREATE_LINK] = "create-link",
                [CHANGE_DELETE_KEY] = "delete-key",
                [CHANGE_HIDE_KEY] = "hide-key",
                [CHANGE_SHOW_KEY] = "show-key",
                [CHANGE_MASK_VALUES] = "mask-values",
                [CHANGE_UNMASK_VALUES] = "unmask-values",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(s, names[i]) == 0) {
                        *ret = (enum registry_action)i;
                        return 0;
                }
        return sd_bus_error_setf(error, ERROR_INVALID_VALUE,
                "there is no action '%s'; there are set, delete, create-key, create-link, delete-key, hide-key, show-key, "
                "mask-values and unmask-values",
                s);
}

static int read_list(struct request *q, sd_bus_error *error)
{
        const char *action, *key, *name;
        struct change *c;

        int r = sd_bus_message_enter_container(q->m, 'a', "(sssuv)");
        while (r >= 0 && (r = sd_bus_message_enter_container(q->m, 'r', "sssuv")) > 0) {
                enum registry_action parsed = CHANGE_SET;
                r = sd_bus_message_read_basic(q->m, 's', &action);
                if (r >= 0)
                        r = sd_bus_message_read_basic(q->m, 's', &key);
                if (r >= 0)
                        r = sd_bus_message_read_basic(q->m, 's', &name);
                if (r >= 0)
                        r = parse_action(action, &parsed, error);
                if (r >= 0)
                        r = add_change(q, parsed, key, name, &c, error);
                if (r >= 0)
                        r = read_data(q, c, error);
                if (r >= 0)
                        r = sd_bus_message_exit_container(q->m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(q->m);
}

static int read_single(struct request *q, enum registry_action action, sd_bus_error *error)
{
        const char *key, *name = "";
        struct change *c;

        int r = sd_bus_message_read(q->m, "s", &key);
        q->of_value = action == CHANGE_SET || action == CHANGE_DELETE;
        if (r >= 0 && q->of_value)
                r = sd_bus_message_read(q->m, "s", &name);
        if (r >= 0)
                r = add_change(q, action, key, name, &c, error);
        return r >= 0 && action == CHANGE_SET ? read_data(q, c, error) : r;
}

/* Which rows is asked when it is done: it takes time, and those who may not write have none. */
static int read_undo(struct request *q, sd_bus_error *error)
{
        struct request_undo *u = &q->undo;
        const struct wire_member members[] = {
                { "sequence", "t", &u->sequence },
                { "since", "t", &u->since },
                { "since-time", "t", &u->since_time },
                { "until", "t", &u->until },
                { "force", "b", &u->force },
        };
        struct diag d = { 0 };

        *u = (struct request_undo){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 0 };
        q->is_undo = true;
        q->author.reason = "undo";
        int r = wire_read_strict(q->m, members, ARRAY_SIZE(members), &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        if ((u->sequence != UINT64_MAX) + (u->since != UINT64_MAX) + (u->since_time != UINT64_MAX) != 1)
                return sd_bus_error_set(error, ERROR_INVALID_VALUE,
                        "one of the options sequence, since and since-time says what is to be taken back");
        return 0;
}

static bool is_undo(const struct request *q)
{
        return strcmp(sd_bus_message_get_member(q->m), "Undo") == 0 ||
               strcmp(sd_bus_message_get_member(q->m), "PreviewUndo") == 0;
}

static int read_changes(struct request *q, sd_bus_error *error)
{
        static const struct {
                const char *member;
                enum registry_action action;
        } singles[] = {
                { "Set", CHANGE_SET },
                { "Delete", CHANGE_DELETE },
                { "CreateKey", CHANGE_CREATE_KEY },
                { "DeleteKey", CHANGE_DELETE_KEY },
        };

        for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
                if (strcmp(sd_bus_message_get_member(q->m), singles[i].member) == 0)
                        return read_single(q, singles[i].action, error);
        return read_list(q, error);
}

void request_describe(const struct request *q, struct buf *out)
{
        const struct change *c = q->list;

        if (q->is_undo)
                buf_puts(out, "Undo()");
        if (q->is_restore)
                buf_puts(out, "Restore()");
        if (q->n > 0)
                answer_format_path(out, c->path.text,
                        c->action == CHANGE_SET || c->action == CHANGE_DELETE ? c->name : NULL);
}

void request_refused(const struct request *q, const char *why)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        /* A preview would have changed nothing. */
        if (strncmp(sd_bus_message_get_member(q->m), "Preview", strlen("Preview")) == 0)
                return;
        request_describe(q, &path);
        refusals_note(q->writer->refusals, &q->author.actor, buf_str(&path),
                q->options.layer ? q->options.layer : LAYER_BASE, why);
}

/* Of a list no more than its first change is read. */
static int read_first(struct request *q)
{
        const char *member = sd_bus_message_get_member(q->m), *action, *key, *name = "";
        struct change *c;

        int r = sd_bus_message_rewind(q->m, true);
        if (r >= 0 && strcmp(member, "Transact") == 0) {
                r = sd_bus_message_enter_container(q->m, 'a', "(sssuv)");
                if (r >= 0)
                        r = sd_bus_message_enter_container(q->m, 'r', "sssuv");
                if (r >= 0)
                        r = sd_bus_message_read(q->m, "s", &action);
        }
        if (r >= 0)
                r = sd_bus_message_read(q->m, "s", &key);
        if (r >= 0 && !strstr(member, "Key"))
                r = sd_bus_message_read(q->m, "s", &name);
        return r < 0 ? r : add_change(q, name[0] ? CHANGE_SET : CHANGE_CREATE_KEY, key, name, &c, NULL);
}

void request_refused_unread(struct writer *w, sd_bus_message *m, const struct actor *actor, const char *why)
{
        struct request q = { .writer = w, .m = m, .author.actor = *actor };

        /* Where not even that can be read, nothing would have been written. */
        if (read_first(&q) >= 0)
                request_refused(&q, why);
        changes_done(&q);
}

/* A service that writes for somebody says for whom; only root's services are believed. */
static int find_person(struct request *q, struct caller **c, sd_bus_error *error)
{
        if ((*c)->actor.uid != 0) {
                q->author.actor = (*c)->actor;
                request_refused(q, "on behalf of another client");
                return sd_bus_error_set(
                        error, ERROR_ACCESS_DENIED, "only root may write on behalf of another bus client");
        }
        int r = gate_person(q->writer->gate, q->m, q->options.on_behalf_of, c);
        if (r >= 0)
                return r;
        request_refused(q, "the client that it is on behalf of hung up before it was known");
        return sd_bus_error_setf(
                error, ERROR_ACCESS_DENIED, "the caller %s is gone", q->options.on_behalf_of);
}

/* 1; 0: it is not known yet, and the call waits; or negative with `error` set. */
static int find_caller(struct request *q, sd_bus_error *error)
{
        struct caller *c = gate_caller(q->writer->gate, q->m);

        int r = c ? 1 : sd_bus_error_set(error, ERROR_ACCESS_DENIED, "the caller is gone");
        if (r > 0 && q->options.on_behalf_of)
                r = find_person(q, &c, error);
        if (r > 0) {
                q->author.actor = c->actor;
                q->is_member = c->user->is_member;
        }
        return r;
}

int request_new(struct writer *w, sd_bus_message *m, struct request **ret, sd_bus_error *error)
{
        _cleanup_(request_freep) struct request *q = calloc(1, sizeof(*q));
        struct diag d = { 0 };

        if (!q)
                return -ENOMEM;
        q->writer = w;
        q->author = (struct store_author){ .reason = "set", .actor = ACTOR_UNKNOWN };
        q->m = sd_bus_message_ref(m);

        int r = is_undo(q) ? read_undo(q, error) : read_changes(q, error);
        if (r < 0)
                return r;
        r = q->is_undo ? 0 : wire_read_options(m, &q->options, &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        if (q->options.layer && path_check_component(q->options.layer, strlen(q->options.layer), &d) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_NAME, d.text);
        if (q->options.ends && !q->options.layer)
                return sd_bus_error_set(error, ERROR_INVALID_VALUE,
                        "the option ends is of the layer that is made, expected the option layer, too");
        r = find_caller(q, error);
        if (r > 0)
                *ret = STEAL_PTR(q);
        return r;
}

int request_new_restore(struct writer *w, sd_bus_message *m, struct restoration *copy, struct request **ret,
        sd_bus_error *error)
{
        _cleanup_(request_freep) struct request *q = calloc(1, sizeof(*q));

        if (!q)
                return -ENOMEM;
        q->writer = w;
        q->author = (struct store_author){ .reason = "restore", .actor = ACTOR_UNKNOWN };
        q->m = sd_bus_message_ref(m);
        q->copy = copy;
        q->is_restore = true;
        int r = find_caller(q, error);
        if (r > 0)
                *ret = STEAL_PTR(q);
        return r;
}

/* `ret_value` is what it points to. */
static struct registry_write write_of(struct request *q, const struct change *c, struct value *ret_value)
{
        const bool is_bare_link = c->action == CHANGE_CREATE_LINK && c->type == REG_NONE && c->size == 0;

        *ret_value = (struct value){
                .type = c->type, .data = q->bytes.data ? q->bytes.data + c->at : NULL, .size = c->size
        };
        return (struct registry_write){
                .path = &c->path,
                .name = c->name,
                .layer = q->options.layer,
                .expected = q->options.expected,
                .is_volatile = q->options.is_volatile,
                .recursive = q->options.recursive,
                .if_needed = q->options.if_needed,
                .of_link = q->options.no_follow,
                .value = is_bare_link ? NULL : ret_value,
                .ret_sequence = &q->sequence,
        };
}

int request_judge(struct request *q, struct diag *d)
{
        const char *check = q->options.check;
        struct value v;

        if (!check)
                return 0;
        if (q->n != 1)
                return registry_fail(
                        d, REGISTRY_INVALID_VALUE, "option 'check' is for one change, not for %zu", q->n);
        const struct registry_write w = write_of(q, q->list, &v);
        return registry_judge(q->writer->config->registry, q->list->action, &w,
                strcmp(check, WIRE_CHECK_REPORT) == 0, &q->verdict, d);
}

/* Somebody who may not write has so many rows previewed. */
#define PREVIEW_ROWS_MAX 64

/* 0 or a registry's error. */
static int find_rows(const struct request *q, bool is_bounded, struct registry_undo *ret, struct diag *d)
{
        const struct store *s = registry_store(q->writer->config->registry);
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(s);
        const struct request_undo *u = &q->undo;
        const bool by_time = u->since_time != UINT64_MAX;
        const enum history_scale scale = by_time ? HISTORY_BY_TIME : HISTORY_BY_SEQUENCE;
        const uint64_t number = by_time ? u->since_time : u->since;
        const int64_t max = is_bounded ? PREVIEW_ROWS_MAX + 1 : INT64_MAX;
        int64_t unused;
        int r;

        ret->until = history_last(s);
        if (u->sequence != UINT64_MAX)
                r = history_find_change(s, u->sequence, max, &ret->after, &ret->until, d);
        else if (is_bounded && ret->until - history_until(s, scale, number) > PREVIEW_ROWS_MAX)
                return registry_fail(d, REGISTRY_TOO_LARGE,
                        "too much has changed since to be previewed by a user who may not write");
        else
                r = history_find(s, scale, number, max, &ret->after, d);
        if (r == 0 && u->sequence == UINT64_MAX && u->until != UINT64_MAX)
                r = history_find_change(s, u->until, max, &unused, &ret->until, d);
        if (r == 0 && is_bounded && ret->until - ret->after > PREVIEW_ROWS_MAX)
                return registry_fail(d, REGISTRY_TOO_LARGE,
                        "the change is too large to be previewed by a user who may not write");
        return answer_missed(r);
}

static int take_back(struct request *q, bool is_bounded, struct diag *d)
{
        struct registry_undo what = { .force = q->undo.force != 0, .may_layers = q->author.actor.uid == 0 };
        struct registry_undone undone = { 0 };

        int r = find_rows(q, is_bounded, &what, d);
        if (r == 0)
                r = registry_undo(q->writer->config->registry, &what, &undone, d);
        q->left_out = undone.left_out;
        return r;
}

static int restore(struct request *q, struct diag *d)
{
        struct registry_undone undone = { 0 };

        int r = restoration_apply(q->copy, q->writer->config->registry, &undone, d);
        q->copy = NULL;
        q->left_out = undone.left_out;
        return r;
}

static int check_sequence(const struct request *q, struct diag *d)
{
        const struct expected *expected = &q->options.registry;
        const uint64_t now = registry_sequence(q->writer->config->registry);

        if (!expected->given || now == expected->sequence)
                return 0;
        return registry_fail(d, REGISTRY_CONFLICT,
                "the registry has sequence %" PRIu64 ", expected %" PRIu64, now, expected->sequence);
}

/* In the transaction that was begun. */
static int apply_all(struct request *q, bool is_bounded, struct diag *d)
{
        struct registry *registry = q->writer->config->registry;
        int r = check_sequence(q, d);

        registry_end_with_failure(registry);
        if (r == 0 && q->is_undo)
                r = take_back(q, is_bounded, d);
        if (r == 0 && q->copy)
                r = restore(q, d);
        if (r == 0 && q->options.ends)
                r = registry_make_layer(registry, q->options.layer, q->options.ends, q->author.actor.uid, d);
        for (size_t i = 0; r == 0 && i < q->n; i++) {
                struct value v;
                const struct registry_write w = write_of(q, &q->list[i], &v);
                r = registry_change(registry, q->list[i].action, &w, d);
        }
        if (r != 0) {
                r = registry_explain(registry, r, d);
                registry_abort(registry);
        }
        return r;
}

int request_preview(struct request *q, size_t room, struct diag *d)
{
        struct registry *registry = q->writer->config->registry;

        int r = registry_begin_preview(registry, room);
        if (r == 0)
                r = apply_all(q, room != SIZE_MAX, d);
        if (r == 0)
                r = registry_end_preview(registry, &q->events);
        if (r == REGISTRY_TOO_LARGE && registry_room(registry) == 0)
                return registry_fail(d, REGISTRY_TOO_LARGE,
                        "these changes touch too many keys and values to be previewed by a user who may not "
                        "write: what is kept and shown of them takes more than %zu bytes",
                        room);
        return registry_explain(registry, r, d);
}

int request_apply(struct request *q, struct diag *d)
{
        struct registry *registry = q->writer->config->registry;

        int r = registry_begin(registry, &q->author);
        if (r == 0)
                r = apply_all(q, false, d);
        if (r == 0)
                r = registry_end(registry, &q->events);
        if (r != 0)
                return registry_explain(registry, r, d);
        /* What a set returns is its own entry's sequence; all else the counter after the change. */
        if (q->n != 1 || q->list[0].action != CHANGE_SET)
                q->sequence = q->events.sequence;
        return 0;
}

const char *request_action(const struct request *q)
{
        const char *layer = q->options.layer;

        /* One of a name that somebody else may mean would keep that one, and files, out. */
        if (q->options.ends && !path_is_temporary_layer(layer, strlen(layer)))
                return WRITER_ACTION_LAYERS;
        for (size_t i = 0; i < q->n; i++)
                if (layers_is_metadata(&q->list[i].path, q->list[i].action == CHANGE_DELETE_KEY))
                        return WRITER_ACTION_LAYERS;
        return WRITER_ACTION_WRITE;
}

static size_t text_size(const char *s)
{
        return s ? strlen(s) + 1 : 0;
}

static size_t texts_size(const struct request *q)
{
        size_t size = text_size(q->options.layer) + text_size(q->options.ends) +
                      text_size(q->options.on_behalf_of);

        for (size_t i = 0; i < q->n; i++)
                size += text_size(q->list[i].name);
        return size;
}

size_t request_size(const struct request *q)
{
        size_t size = sizeof(*q) + q->n * sizeof(*q->list) + q->bytes.len + 1 + texts_size(q);

        for (size_t i = 0; i < q->n; i++)
                size += q->list[i].shares_path ? 0 : path_bytes(&q->list[i].path);
        return size;
}

static const char *move_text(char **at, const char *s)
{
        char *moved = *at;

        if (!s)
                return NULL;
        *at = stpcpy(moved, s) + 1;
        return moved;
}

/* Buffers grow by doubling. */
static void trim(struct request *q)
{
        struct change *list = reallocarray(q->list, q->n, sizeof(*list));
        char *data = q->bytes.data ? realloc(q->bytes.data, q->bytes.len + 1) : NULL;

        if (list)
                q->list = list;
        if (data) {
                q->bytes.data = data;
                q->bytes.size = q->bytes.len + 1;
        }
}

int request_detach(struct request *q)
{
        sd_bus_message *stub;

        if (!q->texts)
                q->texts = malloc(texts_size(q) + 1);
        int r = q->texts ? daemon_bus_stub(q->m, &stub) : -ENOMEM;
        if (r < 0)
                return r;
        char *at = q->texts;
        for (size_t i = 0; i < q->n; i++)
                q->list[i].name = move_text(&at, q->list[i].name);
        q->options.layer = move_text(&at, q->options.layer);
        q->options.ends = move_text(&at, q->options.ends);
        q->options.on_behalf_of = move_text(&at, q->options.on_behalf_of);
        q->options.check = NULL; /* that is done */
        sd_bus_message_unref(q->m);
        q->m = stub;
        trim(q);
        return 0;
}
