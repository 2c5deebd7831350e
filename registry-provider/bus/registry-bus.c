/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/bus/wire.h"

/* A loop that is never idle must not keep writers waiting. */
#define FLUSH_MOST_USEC UINT64_C(2000)

int bus_fail(sd_bus_error *error, int r, const struct diag *d)
{
        static const struct {
                int code;
                const char *name;
        } map[] = {
                { ENOENT, ERROR_NOT_FOUND },
                { EEXIST, ERROR_EXISTS },
                { EINVAL, ERROR_INVALID_NAME },
                { ENAMETOOLONG, ERROR_INVALID_NAME },
                { EFBIG, ERROR_TOO_LARGE },
                { EACCES, ERROR_ACCESS_DENIED },
                { EROFS, ERROR_READ_ONLY },
                { ENOTEMPTY, ERROR_NOT_EMPTY },
                { EAGAIN, ERROR_CONFLICT },
                { EBADMSG, ERROR_CORRUPT },
                { EDQUOT, ERROR_LIMIT },
                { EDOM, ERROR_INVALID_VALUE },
                { EIO, ERROR_STORAGE },
                { ENOSPC, ERROR_STORAGE },
                { EUCLEAN, ERROR_STORAGE },
                { EBUSY, ERROR_STORAGE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(map); i++)
                if (map[i].code == -r)
                        return sd_bus_error_set(
                                error, map[i].name, d && d->text[0] ? d->text : strerror(-r));
        return sd_bus_error_set_errno(error, r);
}

void registry_bus_failed(struct registry_bus *rb, int r, const struct diag *d)
{
        if (store_is_failure(r))
                rb->config.failed(r, d->text[0] ? d->text : strerror(-r), rb->config.userdata);
}

size_t wire_bytes(const struct value *v, const char *name, const char *other)
{
        /* Numbers, lengths and padding; an empty string in a list is one byte here and eight there. */
        return 96 + strlen(name) + strlen(other) + v->size * (v->type == REG_MULTI_SZ ? 8 : 1);
}

int take_room(size_t *taken, size_t bytes, struct diag *d)
{
        if (bytes > MESSAGE_BYTES_MAX - *taken)
                return diag_set(d, EFBIG,
                        "the answer does not fit into one message of at most %u bytes; ask for less",
                        MESSAGE_BYTES_MAX);
        *taken += bytes;
        return 0;
}

void count_answer(struct registry_bus *rb, sd_bus *bus, size_t bytes)
{
        sd_bus_message *m = sd_bus_get_current_message(bus);

        if (m)
                gate_answered(rb->gate, m, bytes);
}

int append_actor(sd_bus_message *m, const struct actor *a)
{
        int r = daemon_bus_append_actor(m, a);
        return r < 0 ? r : daemon_bus_append_text(m, "context", a->context);
}

void format_value_path(struct buf *out, const char *key, const char *name)
{
        /* As people and the documentation write it. */
        buf_printf(out, "\\%s", path_without_default(key));
        if (name)
                buf_printf(out, "\\%s", path_word_of_value_name(name));
}

int append_author(sd_bus_message *m, const struct store_author *a)
{
        if (!a->file)
                return append_actor(m, &a->actor);
        int r = sd_bus_message_append(
                m, "{sv}{sv}", "actor", "s", actor_state(NULL), "reason", "s", a->reason);
        if (r >= 0)
                r = daemon_bus_append_text(m, "file", a->file);
        return r < 0 ? r : sd_bus_message_append(m, "{sv}", "file-owner", "u", a->actor.uid);
}

static int method_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        _cleanup_path_ struct path path = { 0 };
        struct wire_options options = { 0 };
        struct caller *caller = gate_caller(rb->gate, m);
        struct diag d = { 0 };
        const char *key;
        int subtree;
        uint64_t id;

        int r = sd_bus_message_read(m, "sb", &key, &subtree);
        if (r < 0)
                return r;
        r = wire_read_options(m, &options, &d);
        if (r == -EINVAL)
                return bus_fail(error, -EDOM, &d);
        if (r < 0)
                return r;
        if (!caller)
                return -ESRCH;
        registry_bus_flush(rb);
        r = registry_path(rb->config.registry, key, &path, &d);
        if (r == 0)
                r = subscriptions_add(
                        rb->subscriptions, caller, &path, subtree != 0, options.unchanged, &id, &d);
        if (r < 0)
                return bus_fail(error, r, &d);
        return sd_bus_reply_method_return(m, "tt", id, registry_sequence(rb->config.registry));
}

static int method_unsubscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        uint64_t id;

        int r = sd_bus_message_read(m, "t", &id);
        if (r < 0)
                return r;
        if (subscriptions_remove(rb->subscriptions, sd_bus_message_get_sender(m), id) < 0)
                return sd_bus_error_setf(error, ERROR_NOT_FOUND, "this client has no subscription %llu",
                        (unsigned long long)id);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry_bus *rb = userdata;
        struct caller *caller = gate_caller(rb->gate, m);

        if (!caller)
                return -ESRCH;
        if (caller->actor.uid != 0) {
                refusals_tell(rb->refusals, &caller->actor, "Reload()", NULL, "not root");
                return sd_bus_error_set(
                        error, ERROR_ACCESS_DENIED, "only root may have the files read again");
        }
        rb->config.reload(rb->config.userdata);
        return sd_bus_reply_method_return(m, NULL);
}

#define UNPRIVILEGED SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable registry_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Sequence", "t", property_sequence, 0, 0),
        SD_BUS_PROPERTY("Hives", "as", property_hives, 0, 0),
        SD_BUS_PROPERTY("Layers", "a(subs)", property_layers, 0, 0),
        SD_BUS_PROPERTY("Subscriptions", "u", property_subscriptions, 0, 0),
        SD_BUS_PROPERTY("Problems", "a(ss)", property_problems, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),

        SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("s", key, "s", name),
                SD_BUS_RESULT("u", type, "v", data, "t", sequence, "s", layer), method_get, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMany", SD_BUS_ARGS("a(ss)", names), SD_BUS_RESULT("a(buvts)", values),
                method_get_many, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("s", key),
                SD_BUS_RESULT("as", subkeys, "a(suvts)", values), method_list, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Info", SD_BUS_ARGS("s", key), SD_BUS_RESULT("a{sv}", info), method_info, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resolve", SD_BUS_ARGS("s", key, "s", name),
                SD_BUS_RESULT("b", exists, "s", path, "a(sustuvs)", entries, "a{sv}", origin),
                method_resolve, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS("History", SD_BUS_ARGS("s", key, "b", subtree, "a{sv}", options),
                SD_BUS_RESULT("a(ttssssbbuvuva{sv})", changes, "t", cursor), method_history, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS("Set",
                SD_BUS_ARGS("s", key, "s", name, "u", type, "v", data, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed, "s", layer), method_write, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", key, "s", name, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed, "s", layer), method_write, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CreateKey", SD_BUS_ARGS("s", key, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed), method_write, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DeleteKey", SD_BUS_ARGS("s", key, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed), method_write, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Transact", SD_BUS_ARGS("a(sssuv)", changes, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed), method_write, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Preview", SD_BUS_ARGS("a(sssuv)", changes, "a{sv}", options),
                SD_BUS_RESULT("a(sssuvs)", events, "s", access), method_preview, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_ARGS("s", key, "b", subtree, "a{sv}", options),
                SD_BUS_RESULT("t", subscription, "t", sequence), method_subscribe, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_ARGS("t", subscription), SD_BUS_NO_RESULT,
                method_unsubscribe, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, UNPRIVILEGED),

        SD_BUS_SIGNAL_WITH_ARGS("Changed",
                SD_BUS_ARGS("t", subscription, "t", sequence, "a{sv}", origin, "a(sssuvs)", events), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Started", SD_BUS_ARGS("t", sequence), 0),
        SD_BUS_VTABLE_END,
};

/* The registry itself is at the top alone. (The keys below are a fallback of the same node, and sd-bus wants
 * all interfaces of a node to be of one kind.) */
static int find_top(_unused_ sd_bus *bus, const char *path, _unused_ const char *interface, void *userdata,
        void **ret_found, _unused_ sd_bus_error *error)
{
        if (strcmp(path, REGISTRY_PATH) != 0)
                return 0;
        *ret_found = userdata;
        return 1;
}

static void on_flush(void *userdata)
{
        registry_bus_flush(userdata);
}

/* A Get alone can be worked for whoever it is. */
static enum gate_need call_need(sd_bus_message *m)
{
        static const char *const writing[] = { "Set", "Delete", "CreateKey", "DeleteKey", "Transact",
                "Preview", "Reload" };
        const char *member = sd_bus_message_get_member(m);

        if (sd_bus_message_is_method_call(m, REGISTRY_INTERFACE, "Get"))
                return GATE_NOBODY;
        for (size_t i = 0; i < ARRAY_SIZE(writing); i++)
                if (strcmp(member, writing[i]) == 0)
                        return GATE_WRITER;
        return GATE_USER;
}

static void on_refused(sd_bus_message *m, const struct actor *actor, const char *why, void *userdata)
{
        struct registry_bus *rb = userdata;

        if (strcmp(sd_bus_message_get_member(m), "Reload") == 0)
                refusals_tell(rb->refusals, actor, "Reload()", NULL, why);
        else
                request_refused_unread(rb, m, actor, why);
}

static void on_read(const char *name, bool lost, void *userdata)
{
        const struct registry_bus *rb = userdata;

        subscriptions_client_reads(rb->subscriptions, name, lost);
}

static void on_gone(const char *name, void *userdata)
{
        struct registry_bus *rb = userdata;

        requests_drop_client(rb, name);
        subscriptions_drop_client(rb->subscriptions, name);
}

static int open_gate(struct registry_bus *rb)
{
        const struct gate_config config = {
                .bus = rb->config.bus,
                .exe_reader = rb->config.exe_reader,
                .group = rb->config.admin_group,
                .need = call_need,
                .refused = on_refused,
                .read = on_read,
                .gone = on_gone,
                .userdata = rb,
        };

        return gate_new(&config, &rb->gate);
}

int registry_bus_new(const struct registry_bus_config *config, struct registry_bus **ret)
{
        struct registry_bus *rb = calloc(1, sizeof(*rb));
        if (!rb)
                return -ENOMEM;
        rb->config = *config;
        rb->waiting_tail = &rb->waiting;

        int r = subscriptions_new(config->bus, &rb->subscriptions);
        if (r >= 0)
                r = open_gate(rb);
        if (r >= 0)
                r = refusals_new(
                        sd_bus_get_event(config->bus), config->refused, config->userdata, &rb->refusals);
        /* After everything else that is ready: the calls that came together share one sync. */
        if (r >= 0)
                r = loop_deferred_new(sd_bus_get_event(config->bus), SD_EVENT_PRIORITY_IDLE, FLUSH_MOST_USEC,
                        on_flush, rb, &rb->flush);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(
                        config->bus, NULL, REGISTRY_PATH, REGISTRY_INTERFACE, registry_vtable, find_top, rb);
        if (r >= 0)
                r = keys_register(rb);
        if (r < 0) {
                (void)registry_bus_free(rb);
                return r;
        }
        *ret = rb;
        return 0;
}

struct registry_bus *registry_bus_free(struct registry_bus *rb)
{
        if (!rb)
                return NULL;
        requests_free(rb);
        rb->flush = loop_deferred_free(rb->flush);
        rb->subscriptions = subscriptions_free(rb->subscriptions);
        rb->refusals = refusals_free(rb->refusals);
        rb->gate = gate_free(rb->gate);
        free(rb);
        return NULL;
}

void registry_bus_problems_changed(struct registry_bus *rb)
{
        int r = sd_bus_emit_properties_changed(
                rb->config.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Problems", NULL);
        if (r < 0)
                log_warning("cannot signal the change of Problems: %s; ignoring", strerror(-r));
}

static int append_file_origin(sd_bus_message *m, void *userdata)
{
        return append_author(m, userdata);
}

void registry_bus_tell(struct registry_bus *rb, const struct registry_events *events, const char *reason,
        const char *file, uid_t owner)
{
        struct store_author author = { .reason = reason, .file = file, .actor.uid = owner };
        subscriptions_dispatch(rb->subscriptions, events, append_file_origin, &author);
}
