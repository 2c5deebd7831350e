/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface of the whole: its table, its properties, subscriptions and Reload(). Reads are reader.c's,
 * changes writer.c's. */
#include "registry1.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/audit/auditlog.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/bus/wire.h"
#include "../../schema/names/fold.h"
#include "answer.h"
#include "config.h"
#include "past.h"
#include "reader.h"
#include "upkeep-calls.h"
#include "writer.h"

struct registry1 {
        struct registry1_config config;
        struct gate *gate;
        struct subscriptions *subscriptions;
        struct refusals *refusals;
        struct reader reader;
        struct past *past;
        struct writer writer;
        struct upkeep_calls upkeep_calls;
};

/* ---- Properties ---- */

/* Of the answer that sd-bus makes to the call that is being worked, if one is. */
static void count_answer(struct registry1 *b, const char *one, const char *other)
{
        sd_bus_message *m = sd_bus_get_current_message(b->config.bus);

        if (m)
                gate_answered(b->gate, m, answer_value_bytes(&(struct value){ 0 }, one, other));
}

static int property_version(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, _unused_ void *userdata,
        _unused_ sd_bus_error *error)
{
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

static int property_sequence(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry1 *b = userdata;

        writer_flush(&b->writer);
        return sd_bus_message_append(reply, "t", registry_sequence(b->config.registry));
}

static int property_subscriptions(_unused_ sd_bus *bus, _unused_ const char *path,
        _unused_ const char *interface, _unused_ const char *property, sd_bus_message *reply, void *userdata,
        _unused_ sd_bus_error *error)
{
        const struct registry1 *b = userdata;
        return sd_bus_message_append(reply, "u", (uint32_t)subscriptions_count(b->subscriptions));
}

static int property_hives(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry1 *b = userdata;

        writer_flush(&b->writer);
        const struct hives *hives = registry_hives(b->config.registry);
        int r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; r >= 0 && i < hives->n; i++)
                r = sd_bus_message_append(reply, "s", hives->list[i].name);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_layers(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry1 *b = userdata;

        writer_flush(&b->writer);
        const struct layers *layers = registry_layers(b->config.registry);
        int r = sd_bus_message_open_container(reply, 'a', "(substs)");
        for (size_t i = 0; r >= 0 && i < layers->n; i++) {
                const struct layer *l = &layers->list[i];
                const char *file = l->file ? l->file : "";
                count_answer(b, l->name, file);
                r = sd_bus_message_append(reply, "(substs)", l->name, l->precedence, (int)l->enabled, file,
                        l->seal.serial, l->seal.signer);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_layer_ends(_unused_ sd_bus *bus, _unused_ const char *path,
        _unused_ const char *interface, _unused_ const char *property, sd_bus_message *reply, void *userdata,
        _unused_ sd_bus_error *error)
{
        struct registry1 *b = userdata;

        writer_flush(&b->writer);
        const struct layers *layers = registry_layers(b->config.registry);
        int r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < layers->n; i++) {
                const struct layer *l = &layers->list[i];
                char text[ENDING_TEXT_MAX];
                if (!l->has_end)
                        continue;
                count_answer(b, l->name, ending_format(&l->end, text));
                r = sd_bus_message_append(reply, "(ss)", l->name, text);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_problems(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface,
        _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry1 *b = userdata;
        const struct problems *p = b->config.problems;

        int r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < p->n; i++) {
                count_answer(b, p->list[i].file, p->list[i].text);
                r = sd_bus_message_append(reply, "(ss)", p->list[i].file, p->list[i].text);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- Methods ---- */

static int method_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry1 *b = userdata;
        _cleanup_path_ struct path path = { 0 };
        struct wire_options options = { 0 };
        struct caller *caller = gate_caller(b->gate, m);
        struct diag d = { 0 };
        const char *key;
        int subtree;
        uint64_t id;

        int r = sd_bus_message_read(m, "sb", &key, &subtree);
        if (r >= 0)
                r = wire_read_options(m, &options, &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        if (!caller)
                return -ESRCH;
        writer_flush(&b->writer);
        r = registry_path(b->config.registry, key, &path, &d);
        if (r == 0 && options.check)
                r = registry_judge(b->config.registry, CHANGE_CREATE_KEY,
                        &(struct registry_write){ .path = &path, .of_link = options.no_follow },
                        strcmp(options.check, WIRE_CHECK_REPORT) == 0, &(struct registry_verdict){ 0 }, &d);
        if (r != 0)
                return answer_fail(b->config.registry, r, &d, error);
        const struct subscription_wish wish = {
                .subtree = subtree != 0, .unchanged = options.unchanged, .of_link = options.no_follow
        };
        r = subscriptions_add(b->subscriptions, caller, &path, &wish, &id, error);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "tt", id, registry_sequence(b->config.registry));
}

static int method_unsubscribe(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry1 *b = userdata;
        struct caller *caller = gate_caller(b->gate, m);
        uint64_t id;

        int r = sd_bus_message_read(m, "t", &id);
        if (r < 0)
                return r;
        if (!caller || !subscriptions_remove(b->subscriptions, caller, id))
                return sd_bus_error_setf(error, ERROR_NOT_FOUND, "this client has no subscription %llu",
                        (unsigned long long)id);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct registry1 *b = userdata;
        struct caller *caller = gate_caller(b->gate, m);

        if (!caller)
                return -ESRCH;
        if (caller->actor.uid != 0) {
                refusals_note(b->refusals, &caller->actor, "Reload()", NULL, "not root");
                return sd_bus_error_set(
                        error, ERROR_ACCESS_DENIED, "only root may have the files read again");
        }
        b->config.reload(b->config.userdata);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_health(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct registry1 *b = userdata;

        writer_flush(&b->writer);
        return upkeep_calls_health(&b->config, subscriptions_count(b->subscriptions), m);
}

/* ---- The table ---- */

#define UNPRIVILEGED SD_BUS_VTABLE_UNPRIVILEGED
#define READER offsetof(struct registry1, reader)
#define PAST offsetof(struct registry1, past)
#define WRITER offsetof(struct registry1, writer)
#define UPKEEP_CALLS offsetof(struct registry1, upkeep_calls)

static const sd_bus_vtable registry_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Sequence", "t", property_sequence, 0, 0),
        SD_BUS_PROPERTY("Hives", "as", property_hives, 0, 0),
        SD_BUS_PROPERTY("Layers", "a(substs)", property_layers, 0, 0),
        SD_BUS_PROPERTY("LayerEnds", "a(ss)", property_layer_ends, 0, 0),
        SD_BUS_PROPERTY("Subscriptions", "u", property_subscriptions, 0, 0),
        SD_BUS_PROPERTY("Problems", "a(ss)", property_problems, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),

        SD_BUS_METHOD_WITH_ARGS_OFFSET("Get", SD_BUS_ARGS("s", key, "s", name),
                SD_BUS_RESULT("u", type, "v", data, "t", sequence, "s", layer), reader_get, READER,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("GetMany", SD_BUS_ARGS("a(ss)", names),
                SD_BUS_RESULT("a(ssuvts)", values), reader_get_many, READER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("List", SD_BUS_ARGS("s", key),
                SD_BUS_RESULT("as", subkeys, "a(suvts)", values), reader_list, READER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("ReadTree", SD_BUS_ARGS("s", key, "a{sv}", options),
                SD_BUS_RESULT("a(" REGISTRY_TREE_KEY ")", keys, "s", next, "t", sequence), past_call, PAST,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Info", SD_BUS_ARGS("s", key), SD_BUS_RESULT("a{sv}", info),
                reader_info, READER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Resolve", SD_BUS_ARGS("s", key, "s", name),
                SD_BUS_RESULT(
                        "b", exists, "s", path, "a(sustuvsts)", entries, "a{sv}", origin, "a(ss)", links),
                reader_resolve, READER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("History", SD_BUS_ARGS("s", key, "b", subtree, "a{sv}", options),
                SD_BUS_RESULT("a(ttssssbbuvuva{sv})", changes, "t", cursor), reader_history, READER,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Describe", SD_BUS_ARGS("s", key, "s", name),
                SD_BUS_RESULT("b", known, "s", path, "a{sv}", description, "a(sss)", choices),
                reader_describe, READER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("ListKnown", SD_BUS_ARGS("s", key, "b", subtree),
                SD_BUS_RESULT("as", subkeys, "a(sa{sv}a(sss))", values), reader_list_known, READER,
                UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS_OFFSET("GetAt", SD_BUS_ARGS("s", key, "s", name, "a{sv}", moment),
                SD_BUS_RESULT("u", type, "v", data, "t", sequence, "s", layer), past_call, PAST,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("ListAt", SD_BUS_ARGS("s", key, "a{sv}", moment),
                SD_BUS_RESULT("as", subkeys, "a(suvts)", values), past_call, PAST, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("ReadTreeAt", SD_BUS_ARGS("s", key, "a{sv}", moment),
                SD_BUS_RESULT("a(" REGISTRY_TREE_KEY ")", keys, "s", next, "t", sequence), past_call, PAST,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("InfoAt", SD_BUS_ARGS("s", key, "a{sv}", moment),
                SD_BUS_RESULT("a{sv}", info), past_call, PAST, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("ResolveAt", SD_BUS_ARGS("s", key, "s", name, "a{sv}", moment),
                SD_BUS_RESULT(
                        "b", exists, "s", path, "a(sustuvsts)", entries, "a{sv}", origin, "a(ss)", links),
                past_call, PAST, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS_OFFSET("Set",
                SD_BUS_ARGS("s", key, "s", name, "u", type, "v", data, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed, "s", layer, "a{sv}", verdict), writer_write,
                WRITER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Delete", SD_BUS_ARGS("s", key, "s", name, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed, "s", layer), writer_write, WRITER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("CreateKey", SD_BUS_ARGS("s", key, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed), writer_write, WRITER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("DeleteKey", SD_BUS_ARGS("s", key, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed), writer_write, WRITER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Transact", SD_BUS_ARGS("a(sssuv)", changes, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed, "a{su}", counts), writer_write, WRITER,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Preview", SD_BUS_ARGS("a(sssuv)", changes, "a{sv}", options),
                SD_BUS_RESULT("a(sssuvsts)", events, "s", access, "a{su}", counts, "a{sv}", verdict),
                writer_preview, WRITER, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS_OFFSET("Undo", SD_BUS_ARGS("a{sv}", what),
                SD_BUS_RESULT("t", sequence, "b", changed, "a{su}", counts, "u", left_out), writer_write,
                WRITER, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("PreviewUndo", SD_BUS_ARGS("a{sv}", what),
                SD_BUS_RESULT(
                        "a(sssuvsts)", events, "s", access, "a{su}", counts, "u", left_out, "t", sequence),
                writer_preview, WRITER, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS_OFFSET("Restore", SD_BUS_ARGS("h", database, "a{sv}", options),
                SD_BUS_RESULT("t", sequence, "b", changed, "a{su}", counts, "u", left_out), past_call, PAST,
                UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("PreviewRestore", SD_BUS_ARGS("h", database, "a{sv}", options),
                SD_BUS_RESULT(
                        "a(sssuvsts)", events, "s", access, "a{su}", counts, "u", left_out, "t", sequence),
                past_call, PAST, UNPRIVILEGED),

        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_ARGS("s", key, "b", subtree, "a{sv}", options),
                SD_BUS_RESULT("t", subscription, "t", sequence), method_subscribe, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_ARGS("t", subscription), SD_BUS_NO_RESULT,
                method_unsubscribe, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Backup", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", database),
                upkeep_calls_backup, UPKEEP_CALLS, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Check", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", findings),
                upkeep_calls_check, UPKEEP_CALLS, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("Repair", SD_BUS_NO_ARGS,
                SD_BUS_RESULT("s", outcome, "as", findings, "as", left, "s", text), upkeep_calls_repair,
                UPKEEP_CALLS, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS_OFFSET("PreviewRepair", SD_BUS_NO_ARGS,
                SD_BUS_RESULT("s", outcome, "as", findings, "as", left, "s", text), upkeep_calls_repair,
                UPKEEP_CALLS, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Health", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", health), method_health, UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, UNPRIVILEGED),

        SD_BUS_SIGNAL_WITH_ARGS("Changed",
                SD_BUS_ARGS("t", subscription, "t", sequence, "a{sv}", origin, "a(sssuvsts)", events), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Started", SD_BUS_ARGS("t", sequence), 0),
        SD_BUS_SIGNAL_WITH_ARGS("SchemaReloaded", SD_BUS_NO_ARGS, 0),
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

/* ---- What the gate has to know and to say ---- */

/* A Get alone can be worked for whoever it is. */
static enum gate_need call_need(sd_bus_message *m)
{
        static const char *const writing[] = { "Set", "Delete", "CreateKey", "DeleteKey", "Transact",
                "Preview", "Undo", "PreviewUndo", "Backup", "Check", "Repair", "PreviewRepair", "Restore",
                "PreviewRestore", "Reload" };
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
        struct registry1 *b = userdata;

        static const char *const whole[] = { "Reload", "Undo", "Backup", "Check", "Repair", "Restore" };
        const char *member = sd_bus_message_get_member(m);
        _cleanup_buf_ struct buf name = BUF_INIT;

        for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
                if (strcmp(member, whole[i]) == 0) {
                        buf_printf(&name, "%s()", member);
                        refusals_note(b->refusals, actor, buf_str(&name), NULL, why);
                        return;
                }
        request_refused_unread(&b->writer, m, actor, why);
}

static void on_read(struct caller *c, bool lost, void *userdata)
{
        const struct registry1 *b = userdata;

        subscriptions_caller_reads(b->subscriptions, c, lost);
}

static void on_gone(struct caller *c, void *userdata)
{
        struct registry1 *b = userdata;

        writer_drop_caller(&b->writer, c->name);
        past_drop_caller(b->past, c->name);
        subscriptions_drop_caller(b->subscriptions, c);
}

/* ---- Life ---- */

static int open_parts(struct registry1 *b)
{
        const struct registry1_config *config = &b->config;
        const struct gate_config gate = {
                .bus = config->bus,
                .exe_reader = config->exe_reader,
                .group = config->admin_group,
                .need = call_need,
                .refused = on_refused,
                .read = on_read,
                .gone = on_gone,
                .userdata = b,
        };

        int r = subscriptions_new(config->bus, config->registry, &b->subscriptions);
        if (r >= 0)
                r = gate_new(&gate, &b->gate);
        if (r >= 0)
                r = refusals_new(sd_bus_get_event(config->bus), auditlog_emit_refusal, config->auditlog,
                        &b->refusals);
        if (r >= 0)
                r = writer_init(&b->writer, config, b->gate, b->subscriptions, b->refusals);
        b->upkeep_calls.writer = &b->writer;
        b->reader = (struct reader){ .registry = config->registry, .gate = b->gate, .writer = &b->writer };
        return r < 0 ? r : past_new(&b->reader, config->file, &b->past);
}

int registry1_new(const struct registry1_config *config, struct registry1 **ret)
{
        struct registry1 *b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;
        b->config = *config;

        int r = open_parts(b);
        if (r >= 0)
                r = sd_bus_add_fallback_vtable(
                        config->bus, NULL, REGISTRY_PATH, REGISTRY_INTERFACE, registry_vtable, find_top, b);
        if (r >= 0)
                r = reader_register(&b->reader, config->bus);
        if (r < 0) {
                (void)registry1_free(b);
                return r;
        }
        *ret = b;
        return 0;
}

struct registry1 *registry1_free(struct registry1 *b)
{
        if (!b)
                return NULL;
        writer_done(&b->writer);
        upkeep_calls_end(&b->upkeep_calls);
        b->past = past_free(b->past);
        b->subscriptions = subscriptions_free(b->subscriptions);
        b->refusals = refusals_free(b->refusals);
        b->gate = gate_free(b->gate);
        free(b);
        return NULL;
}

void registry1_copied(struct registry1 *b, int error, const char *text, int fd)
{
        upkeep_calls_copied(&b->upkeep_calls, error, text, fd);
}

void registry1_inspected(struct registry1 *b, int error, const char *text, struct diags *found)
{
        upkeep_calls_inspected(&b->upkeep_calls, error, text, found);
}

void registry1_flush(struct registry1 *b)
{
        writer_flush(&b->writer);
}

void registry1_problems_changed(struct registry1 *b)
{
        int r = sd_bus_emit_properties_changed(
                b->config.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Problems", NULL);
        if (r < 0)
                log_warning("cannot signal the change of Problems: %s; ignoring", strerror(-r));
}

void registry1_schema_reloaded(struct registry1 *b)
{
        int r = sd_bus_emit_signal(b->config.bus, REGISTRY_PATH, REGISTRY_INTERFACE, "SchemaReloaded", NULL);
        if (r < 0)
                log_warning("cannot signal that the schema was read again: %s; ignoring", strerror(-r));
}

void registry1_changed(
        struct registry1 *b, const struct registry_events *events, const struct store_author *author)
{
        subscriptions_dispatch(b->subscriptions, events, author);
}
