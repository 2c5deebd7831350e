/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-service.h"

void policy_setting_done(struct policy_setting *p)
{
        sd_bus_message_unref(p->reply);
        *p = (struct policy_setting){ 0 };
}

static enum policy_answer failed(struct session *s, int r)
{
        (void)session_fail(s, r, POLICY_SERVICE_WORDS);
        return POLICY_FAILED;
}

static enum policy_answer call(struct session *s, sd_bus_message *m, sd_bus_message **ret)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        int r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0)
                r = sd_bus_call(s->bus, m, 0, &error, ret);
        if (r >= 0)
                return POLICY_SAID;
        if (client_service_absent(&error))
                return POLICY_ABSENT;
        (void)client_explain(r, &error, POLICY_SERVICE_WORDS, &s->diag);
        return POLICY_FAILED;
}

static int find_setting(sd_bus_message *m, const char *path, struct policy_setting *p)
{
        const char *its_path;

        int r = sd_bus_message_enter_container(m, 'a', "(ssssssbsssts)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "(ssssssbsssts)", &its_path, &p->written, &p->layer, &p->accepted,
                        &p->pending, &p->control, &p->live, &p->control_value, &p->error, &p->why, NULL,
                        NULL)) > 0)
                if (fold_same(its_path, path))
                        return 1;
        return r;
}

enum policy_answer policy_setting_get(
        struct session *s, const char *key, const char *name, struct policy_setting *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_buf_ struct buf path = BUF_INIT;
        struct policy_setting p = { 0 };

        words_format_key(&path, key);
        buf_printf(&path, "\\%s", name);
        int r = path.error;
        if (r == 0)
                r = sd_bus_message_new_method_call(
                        s->bus, &m, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "ListSettings");
        if (r < 0)
                return failed(s, r);
        enum policy_answer answer = call(s, m, &reply);
        if (answer != POLICY_SAID)
                return answer;
        r = find_setting(reply, buf_str(&path), &p);
        if (r < 0)
                return failed(s, r);
        if (r == 0)
                return POLICY_NOTHING_TO_SAY;
        p.reply = STEAL_PTR(reply);
        *ret = p;
        return POLICY_SAID;
}

static int read_lines(sd_bus_message *m, struct buf *ret)
{
        const char *line;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &line)) > 0)
                buf_printf(ret, "%s\n", line);
        return r < 0 ? r : ret->error;
}

enum policy_answer policy_preview(struct session *s, const char *key, const char *name,
        const struct value *v, const char *layer, struct buf *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const struct value none = { .type = REG_TOMBSTONE };
        size_t before = ret->len;

        int r = sd_bus_message_new_method_call(
                s->bus, &m, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "Preview");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", key, name);
        if (r >= 0)
                r = wire_append_value(m, v ? v : &none);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", layer);
        if (r < 0)
                return failed(s, r);
        enum policy_answer answer = call(s, m, &reply);
        if (answer != POLICY_SAID)
                return answer;
        r = read_lines(reply, ret);
        if (r < 0)
                return failed(s, r);
        return ret->len > before ? POLICY_SAID : POLICY_NOTHING_TO_SAY;
}
