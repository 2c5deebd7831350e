/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "known.h"

#include "../../schema/base/array.h"
#include "entry.h"

void known_done(struct known *k)
{
        description_done(&k->d);
        k->reply = sd_bus_message_unref(k->reply);
}

int known_get(struct session *s, const char *key, const char *name, struct known *ret)
{
        int code = session_ask(s, "Describe", key, name, &ret->reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(ret->reply, "bs", &ret->is_known, &ret->path);
        if (r >= 0)
                r = description_read(ret->reply, &ret->d);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

const struct schema_value *known_value(const struct known *k)
{
        return k->is_known ? &k->d.sv : NULL;
}

/* ---- How it is shown ---- */

/* "default REG_SZ enabled" */
static void format_default(struct buf *out, const struct schema_value *sv)
{
        uint8_t scratch[8];
        struct value v;

        if (schema_default_value(sv, scratch, &v) < 0) {
                buf_printf(out, "%s without a default", value_type_symbol(sv->type));
                return;
        }
        buf_puts(out, v.size > 0 ? "default " : "default empty ");
        entry_format_typed(out, &v);
}

static void choices_to_json(struct json *j, const struct schema_value *sv)
{
        json_open_array(j, "choices");
        for (size_t i = 0; i < sv->n_choices; i++) {
                json_begin_object(j);
                json_add_string(j, "value", sv->choices[i].value);
                json_add_string(j, "control", sv->choices[i].control);
                json_add_string(j, "meaning", sv->choices[i].meaning);
                json_end_object(j);
        }
        json_end_array(j);
}

void known_to_json(struct json *j, const struct schema_value *sv)
{
        _cleanup_buf_ struct buf allowed = BUF_INIT;

        schema_describe_allowed(sv, &allowed);
        json_add_string(j, "type", value_type_keyword(sv->type));
        json_add_string(j, "allowed", buf_str(&allowed));
        json_add_string(j, "default", sv->default_text);
        json_add_string(j, "description", sv->description);
        json_add_string(j, "source", sv->source);
        json_add_string(j, "apply", schema_apply_words[sv->apply]);
        if (sv->has_range) {
                json_add_number(j, "least", sv->min);
                json_add_number(j, "most", sv->max);
        }
        choices_to_json(j, sv);
        json_add_string(j, "control", sv->control ? sv->control->name : NULL);
        if (sv->control) {
                json_add_string(j, "drift", schema_drift_words[sv->control->drift_reapply]);
                json_add_string(j, "drift_value", sv->control->drift_value);
        }
}

/* ---- Many ---- */

void known_list_done(struct known_list *l)
{
        free(l->subkeys);
        for (size_t i = 0; i < l->n; i++)
                known_done(&l->list[i]);
        free(l->list);
        sd_bus_message_unref(l->reply);
}

static int read_list(struct known_list *l)
{
        struct known k = { .is_known = 1 };
        size_t n;
        int r = wire_read_names(l->reply, &l->subkeys, &n);

        if (r >= 0)
                r = sd_bus_message_enter_container(l->reply, 'a', "(" DESCRIPTION_ROW ")");
        while (r >= 0 && (r = description_next(l->reply, &k.path, &k.d)) > 0) {
                r = array_grow(&l->list, l->n, sizeof(*l->list));
                if (r < 0)
                        break;
                l->list[l->n++] = k;
                k.d = (struct description){ 0 };
        }
        description_done(&k.d);
        return r;
}

int known_list_get(struct session *s, const char *key, bool subtree, struct known_list *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_new_call(s, "ListKnown", key, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_append(m, "b", (int)subtree);
        if (r < 0)
                return session_fail(s, r, NULL);
        code = session_call(s, m, &ret->reply);
        if (code != EXIT_CODE_OK)
                return code;
        r = read_list(ret);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

bool known_list_is_of_key(const struct known_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                if (!l->list[i].d.hints.layer)
                        return true;
        return l->subkeys && l->subkeys[0];
}

void known_list_mark(struct known_list *l, const char *name)
{
        for (size_t i = 0; i < l->n; i++)
                if (fold_same(l->list[i].d.sv.name, name))
                        l->list[i].is_set = true;
}

void known_list_to_text(const struct known_list *l, size_t indent, struct buf *out)
{
        for (size_t i = 0; i < l->n; i++) {
                const struct schema_value *sv = &l->list[i].d.sv;
                const char *name = path_word_of_value_name(sv->name);
                if (l->list[i].is_set)
                        continue;
                buf_printf(out, "%*s", (int)indent, "");
                utf8_put_between(out, "", name, "   (not set, ");
                format_default(out, sv);
                buf_puts(out, ")\n");
        }
}

void known_list_to_json(const struct known_list *l, struct json *j)
{
        json_open_array(j, "known_values");
        for (size_t i = 0; i < l->n; i++) {
                if (l->list[i].is_set)
                        continue;
                json_begin_object(j);
                json_add_string(j, "name", path_word_of_value_name(l->list[i].d.sv.name));
                known_to_json(j, &l->list[i].d.sv);
                json_end_object(j);
        }
        json_end_array(j);
}
