/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"

#include <errno.h>
#include <string.h>

#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "access.h"

struct request *request_free(struct request *q)
{
        if (!q)
                return NULL;
        for (size_t i = 0; i < q->n; i++)
                path_done(&q->list[i].path);
        free(q->list);
        free(q->texts);
        buf_done(&q->bytes);
        registry_events_done(&q->events);
        sd_bus_slot_unref(q->polkit);
        sd_bus_message_unref(q->m);
        free(q);
        return NULL;
}

static int add_change(struct request *q, enum change_action action, const char *key, const char *name,
        struct change **ret, struct diag *d)
{
        if (q->n == CHANGES_MAX)
                return diag_set(d, EFBIG, "more than %u changes in one transaction", CHANGES_MAX);
        if ((q->n & (q->n - 1)) == 0) {
                struct change *list = reallocarray(q->list, q->n ? q->n * 2 : 1, sizeof(*list));
                if (!list)
                        return -ENOMEM;
                q->list = list;
        }
        struct change c = { .action = action, .name = name };
        int r = registry_path(q->rb->config.registry, key, &c.path, d);
        if (r == 0)
                r = path_check_value_name(name, strlen(name), d);
        if (r < 0) {
                path_done(&c.path);
                return r;
        }
        q->list[q->n] = c;
        *ret = &q->list[q->n++];
        return 0;
}

static int read_data(struct request *q, struct change *c, struct diag *d)
{
        const struct registry *registry = q->rb->config.registry;
        size_t max = c->action == CHANGE_SET ? registry_value_max(registry) : 0;

        c->at = q->bytes.len;
        int r = wire_read_value_within(q->m, max, &q->bytes, &c->type, &c->size, d);
        if (r == -EINVAL)
                return -EDOM;
        if (r < 0 || c->action != CHANGE_SET)
                return r;
        r = registry_check_size(registry, &c->path, c->name, c->size, d);
        if (r < 0)
                return r;
        if (c->type == REG_TOMBSTONE && c->size > 0)
                return diag_set(
                        d, EDOM, "%s: a tombstone has no data, expected an empty 'ay'", c->path.text);
        if (c->type != REG_TOMBSTONE && !value_type_known(c->type))
                return diag_set(d, EDOM,
                        "%s: no value has type code %u, expected 0 to %u, or %u for a tombstone",
                        c->path.text, c->type, VALUE_TYPE_MAX, REG_TOMBSTONE);
        return 0;
}

static int parse_action(const char *s, enum change_action *ret, struct diag *d)
{
        static const char *const names[] = {
                [CHANGE_SET] = "set",
                [CHANGE_DELETE] = "delete",
                [CHANGE_CREATE_KEY] = "create-key",
                [CHANGE_DELETE_KEY] = "delete-key",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(s, names[i]) == 0) {
                        *ret = (enum change_action)i;
                        return 0;
                }
        return diag_set(
                d, EDOM, "there is no action '%s'; there are set, delete, create-key and delete-key", s);
}

static int read_list(struct request *q, struct diag *d)
{
        const char *action, *key, *name;
        struct change *c;

        int r = sd_bus_message_enter_container(q->m, 'a', "(sssuv)");
        while (r >= 0 && (r = sd_bus_message_enter_container(q->m, 'r', "sssuv")) > 0) {
                enum change_action parsed = CHANGE_SET;
                r = sd_bus_message_read(q->m, "sss", &action, &key, &name);
                if (r >= 0)
                        r = parse_action(action, &parsed, d);
                if (r >= 0)
                        r = add_change(q, parsed, key, name, &c, d);
                if (r >= 0)
                        r = read_data(q, c, d);
                if (r >= 0)
                        r = sd_bus_message_exit_container(q->m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(q->m);
}

static int read_single(struct request *q, enum change_action action, struct diag *d)
{
        const char *key, *name = "";
        struct change *c;

        int r = sd_bus_message_read(q->m, "s", &key);
        q->of_value = action == CHANGE_SET || action == CHANGE_DELETE;
        if (r >= 0 && q->of_value)
                r = sd_bus_message_read(q->m, "s", &name);
        if (r >= 0)
                r = add_change(q, action, key, name, &c, d);
        return r >= 0 && action == CHANGE_SET ? read_data(q, c, d) : r;
}

static int read_changes(struct request *q, struct diag *d)
{
        static const struct {
                const char *member;
                enum change_action action;
        } singles[] = {
                { "Set", CHANGE_SET },
                { "Delete", CHANGE_DELETE },
                { "CreateKey", CHANGE_CREATE_KEY },
                { "DeleteKey", CHANGE_DELETE_KEY },
        };

        for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
                if (strcmp(sd_bus_message_get_member(q->m), singles[i].member) == 0)
                        return read_single(q, singles[i].action, d);
        return read_list(q, d);
}

void request_describe(const struct request *q, struct buf *out)
{
        const struct change *c = q->list;

        if (q->n > 0)
                format_value_path(out, c->path.text,
                        c->action == CHANGE_SET || c->action == CHANGE_DELETE ? c->name : NULL);
}

void request_refused(const struct request *q, const char *why)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        /* A preview would have changed nothing. */
        if (sd_bus_message_is_method_call(q->m, NULL, "Preview"))
                return;
        request_describe(q, &path);
        refusals_tell(q->rb->refusals, &q->actor, buf_str(&path),
                q->options.layer ? q->options.layer : LAYER_BASE, why);
}

/* Of a list no more than its first change is read. */
static int read_first(struct request *q, struct diag *d)
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
        return r < 0 ? r : add_change(q, name[0] ? CHANGE_SET : CHANGE_CREATE_KEY, key, name, &c, d);
}

void request_refused_unread(
        struct registry_bus *rb, sd_bus_message *m, const struct actor *actor, const char *why)
{
        struct request q = { .rb = rb, .m = m, .actor = *actor };

        /* Where not even that can be read, nothing would have been written. */
        if (read_first(&q, NULL) >= 0)
                request_refused(&q, why);
        for (size_t i = 0; i < q.n; i++)
                path_done(&q.list[i].path);
        free(q.list);
}

/* A service that writes for somebody says for whom; only root's services are believed. */
static int find_person(struct request *q, struct caller **c, struct diag *d)
{
        if ((*c)->actor.uid != 0) {
                q->actor = (*c)->actor;
                request_refused(q, "on behalf of another client");
                return diag_set(d, EACCES, "only root may write on behalf of another bus client");
        }
        int r = gate_person(q->rb->gate, q->m, q->options.on_behalf_of, c);
        if (r >= 0)
                return r;
        request_refused(q, "whoever it is on behalf of hung up before it was known");
        return diag_set(d, EACCES, "the caller %s is gone", q->options.on_behalf_of);
}

/* 1; 0: it is not known yet, and the call waits; or negative with d set. */
static int find_caller(struct request *q, struct diag *d)
{
        struct caller *c = gate_caller(q->rb->gate, q->m);

        int r = c ? 1 : diag_set(d, EACCES, "the caller is gone");
        if (r > 0 && q->options.on_behalf_of)
                r = find_person(q, &c, d);
        if (r > 0) {
                q->actor = c->actor;
                q->is_member = c->user->is_member;
        }
        return r;
}

int request_new(struct registry_bus *rb, sd_bus_message *m, struct request **ret, sd_bus_error *error)
{
        struct diag d = { 0 };
        struct request *q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->rb = rb;
        q->actor = ACTOR_UNKNOWN;
        q->m = sd_bus_message_ref(m);

        int r = read_changes(q, &d);
        if (r >= 0) {
                r = wire_read_options(m, &q->options, &d);
                if (r == -EINVAL)
                        r = -EDOM;
        }
        if (r >= 0 && q->options.layer)
                r = path_check_component(q->options.layer, strlen(q->options.layer), &d);
        if (r >= 0)
                r = find_caller(q, &d);
        if (r <= 0) {
                (void)request_free(q);
                return r < 0 ? bus_fail(error, r, &d) : 0;
        }
        *ret = q;
        return 1;
}

static int apply_one(struct request *q, const struct change *c, struct diag *d)
{
        struct registry *registry = q->rb->config.registry;
        const struct registry_write w = {
                .path = &c->path,
                .name = c->name,
                .layer = q->options.layer,
                .expected = q->options.expected,
                .is_volatile = q->options.is_volatile,
        };
        const struct value v = {
                .type = c->type, .data = q->bytes.data ? q->bytes.data + c->at : NULL, .size = c->size
        };

        switch (c->action) {
        case CHANGE_SET:
                return registry_set(registry, &w, &v, &q->sequence, d);
        case CHANGE_DELETE:
                return registry_delete(registry, &w, d);
        case CHANGE_CREATE_KEY:
                return registry_create_key(registry, &w, d);
        case CHANGE_DELETE_KEY:
                return registry_delete_key(registry, &w, q->options.recursive, d);
        }
        return -EINVAL;
}

/* In the transaction that was begun. */
static int apply_all(struct request *q, struct diag *d)
{
        struct registry *registry = q->rb->config.registry;
        int r = 0;

        registry_end_with_failure(registry);
        for (size_t i = 0; r == 0 && i < q->n; i++)
                r = apply_one(q, &q->list[i], d);
        if (r < 0) {
                r = registry_explain(registry, r, d);
                registry_abort(registry);
        }
        return r;
}

int request_preview(struct request *q, size_t room, struct diag *d)
{
        struct registry *registry = q->rb->config.registry;

        int r = registry_begin_preview(registry, room);
        if (r == 0)
                r = apply_all(q, d);
        if (r == 0)
                r = registry_end_preview(registry, &q->events);
        if (r == -EFBIG && registry_room(registry) == 0)
                return diag_set(d, EFBIG,
                        "these changes touch too many keys and values to be previewed by who may not write: "
                        "what is kept and told of them takes more than %zu bytes",
                        room);
        return registry_explain(registry, r, d);
}

int request_apply(struct request *q, struct diag *d)
{
        const struct store_author author = { .reason = "set", .actor = q->actor };
        struct registry *registry = q->rb->config.registry;

        int r = registry_begin(registry, &author);
        if (r == 0)
                r = apply_all(q, d);
        if (r == 0)
                r = registry_end(registry, &q->events);
        if (r < 0)
                return registry_explain(registry, r, d);
        /* What a set returns is its own entry's sequence; all else the counter after the change. */
        if (r == 0 && (q->n != 1 || q->list[0].action != CHANGE_SET))
                q->sequence = q->events.sequence;
        return r;
}

const char *request_action(const struct request *q)
{
        for (size_t i = 0; i < q->n; i++)
                if (layers_is_metadata(&q->list[i].path, q->list[i].action == CHANGE_DELETE_KEY))
                        return ACCESS_ACTION_LAYERS;
        return ACCESS_ACTION_WRITE;
}

static size_t text_size(const char *s)
{
        return s ? strlen(s) + 1 : 0;
}

static size_t texts_size(const struct request *q)
{
        size_t size = text_size(q->options.layer) + text_size(q->options.on_behalf_of);

        for (size_t i = 0; i < q->n; i++)
                size += text_size(q->list[i].name);
        return size;
}

size_t request_size(const struct request *q)
{
        size_t size = sizeof(*q) + q->n * sizeof(*q->list) + q->bytes.len + 1 + texts_size(q);

        for (size_t i = 0; i < q->n; i++)
                size += path_bytes(&q->list[i].path);
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
        q->options.on_behalf_of = move_text(&at, q->options.on_behalf_of);
        sd_bus_message_unref(q->m);
        q->m = stub;
        trim(q);
        return 0;
}
