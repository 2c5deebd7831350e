/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-bus-internal.h"

#include <errno.h>
#include <string.h>

#include "../../schema/bus/wire.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "manager.h"

/* 1, or what to return. */
static int check_root(
        struct policy_bus *pb, sd_bus_message *m, const char *call, const char *what, sd_bus_error *error)
{
        struct caller *caller = gate_caller(pb->gate, m);

        if (!caller)
                return -ESRCH;
        if (caller->actor.uid == 0)
                return 1;
        refusals_tell(pb->refusals, &caller->actor, call, NULL, "not root");
        return sd_bus_error_setf(error, ERROR_ACCESS_DENIED, "only root may have %s", what);
}

int policy_method_apply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;

        int r = check_root(pb, m, "Apply()", "the policy applied again", error);
        if (r <= 0)
                return r;
        const struct settings *all = pb->config.settings;
        for (size_t i = 0; i < all->n; i++)
                setting_apply(all->list[i]);
        const struct setting *s = pb->config.settings->taint_events;
        if (!s->accepted)
                return sd_bus_error_set(
                        error, ERROR_NOT_LIVE, "nothing is in force: the registry has not answered yet");
        if (!s->live && control_present(s->control))
                return sd_bus_error_setf(
                        error, ERROR_NOT_LIVE, "%s is accepted, but not live: %s", s->path, s->last_error);
        return sd_bus_reply_method_return(m, NULL);
}

int policy_method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;

        int r = check_root(pb, m, "Reload()", "the schema read again", error);
        if (r <= 0)
                return r;
        manager_reload(pb->config.manager);
        return sd_bus_reply_method_return(m, NULL);
}

int policy_method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct setting *s = pb->config.settings->taint_events;
        _cleanup_buf_ struct buf why = BUF_INIT;
        _cleanup_free_ char *live = NULL;

        int r = setting_explain(s, &why);
        if (r < 0)
                return r;
        if (s->control_value[0] && schema_control_meaning(s->sv, s->control_value, &live) == -ENOMEM)
                return -ENOMEM;
        sd_bus_message *reply = NULL;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "sss", s->written, setting_or_empty(s), setting_pending(s));
        if (r >= 0)
                r = daemon_bus_append_string(reply, live ? live : s->control_value);
        if (r >= 0)
                r = daemon_bus_append_string(reply, buf_str(&why));
        if (r >= 0)
                r = policy_answer(pb, m, reply, error);
        sd_bus_message_unref(reply);
        return r;
}

static int append_setting(sd_bus_message *reply, const struct setting *s)
{
        _cleanup_buf_ struct buf why = BUF_INIT;

        int r = setting_explain(s, &why);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'r', "ssssssbsss");
        if (r >= 0)
                r = sd_bus_message_append(reply, "ssssssb", s->path, s->written, s->layer,
                        setting_or_empty(s), setting_pending(s), setting_control_name(s), (int)s->live);
        if (r >= 0)
                r = daemon_bus_append_string(reply, s->control_value);
        if (r >= 0)
                r = daemon_bus_append_string(reply, s->last_error);
        if (r >= 0)
                r = daemon_bus_append_string(reply, buf_str(&why));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int policy_method_list_settings(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        const struct settings *all = pb->config.settings;
        sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssssbsss)");
        for (size_t i = 0; r >= 0 && i < all->n; i++)
                r = append_setting(reply, all->list[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = policy_answer(pb, m, reply, error);
        sd_bus_message_unref(reply);
        return r;
}

static struct setting *find(const struct settings *all, const char *key, const char *name)
{
        _cleanup_path_ struct path path = { 0 };

        if (path_parse(key, strlen(key), NULL, NULL, &path, NULL) < 0)
                return NULL;
        for (size_t i = 0; i < all->n; i++) {
                const struct schema_value *sv = all->list[i]->sv;
                if (path_equal(&path, &sv->key) &&
                        fold_equal(sv->name, strlen(sv->name), name, strlen(name)))
                        return all->list[i];
        }
        return NULL;
}

static int reply_lines(struct policy_bus *pb, sd_bus_message *m, char *text, sd_bus_error *error)
{
        sd_bus_message *reply = NULL;
        char *save = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "s");
        for (char *line = text ? strtok_r(text, "\n", &save) : NULL; r >= 0 && line;
                line = strtok_r(NULL, "\n", &save))
                r = sd_bus_message_append(reply, "s", line);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = policy_answer(pb, m, reply, error);
        sd_bus_message_unref(reply);
        return r;
}

int policy_method_preview(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct policy_bus *pb = userdata;
        _cleanup_buf_ struct buf bytes = BUF_INIT, lines = BUF_INIT;
        struct caller *caller = gate_caller(pb->gate, m);
        struct diag d = { 0 };
        const char *key, *name, *layer;
        uint32_t type;

        int r = sd_bus_message_read(m, "ss", &key, &name);
        if (r >= 0)
                r = wire_read_value(m, &bytes, &type, &d);
        if (r == -EINVAL && d.text[0])
                return sd_bus_error_set(error, ERROR_INVALID_VALUE, d.text);
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &layer);
        if (r < 0)
                return r;
        struct setting *s = find(pb->config.settings, key, name);
        if (!s)
                return reply_lines(pb, m, NULL, error);
        const struct value value = { .type = type, .data = bytes.data, .size = bytes.len };
        if (!caller)
                return -ESRCH;
        r = setting_preview(s, type == REG_TOMBSTONE ? NULL : &value, layer, &caller->actor, &lines);
        return r < 0 ? r : reply_lines(pb, m, lines.data, error);
}
