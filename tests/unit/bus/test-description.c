/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of a value arrives: each member of each entry, of the built-in ones and of one of each kind.
 */
#include <errno.h>
#include <string.h>

#include "../../../schema/bus/cleanup.h"
#include "../../../schema/bus/description.h"
#include "../schema/schema-util.h"
#include "alloc-faults.h"
#include "message.h"
#include "suite.h"

static sd_bus_message *sent(const struct schema_value *sv, const struct description_hints *hints)
{
        sd_bus_message *m = message_new("C");

        ck_assert_int_eq(description_append(m, sv, hints), 0);
        message_seal(m);
        return m;
}

static void same_text(const char *a, const char *b)
{
        ck_assert_msg((!a && !b) || (a && b && strcmp(a, b) == 0), "'%s' became '%s'", a, b);
}

static void same(const struct schema_value *a, const struct schema_value *b)
{
        same_text(a->name, b->name);
        same_text(a->default_text, b->default_text);
        same_text(a->suffix, b->suffix);
        same_text(a->description, b->description);
        same_text(a->source, b->source);
        ck_assert_uint_eq(a->type, b->type);
        ck_assert_int_eq(a->has_default, b->has_default);
        ck_assert_int_eq(a->has_range, b->has_range);
        ck_assert(!a->has_range || (a->min == b->min && a->max == b->max));
        ck_assert_int_eq(a->is_path, b->is_path);
        ck_assert_int_eq(a->items, b->items);
        ck_assert_int_eq(a->apply, b->apply);
        ck_assert_uint_eq(a->n_choices, b->n_choices);
        for (size_t i = 0; i < a->n_choices; i++) {
                same_text(a->choices[i].value, b->choices[i].value);
                same_text(a->choices[i].control, b->choices[i].control);
                same_text(a->choices[i].meaning, b->choices[i].meaning);
        }
        ck_assert_int_eq(!a->control, !b->control);
        if (!a->control)
                return;
        same_text(a->control->name, b->control->name);
        same_text(a->control->drift_value, b->control->drift_value);
        same_text(a->control->audit_op, b->control->audit_op);
        same_text(a->control->audit_off, b->control->audit_off);
        ck_assert_int_eq(a->control->encoding, b->control->encoding);
        ck_assert_int_eq(a->control->drift_reapply, b->control->drift_reapply);
}

static void arrives(const struct schema_value *sv)
{
        _cleanup_message_ sd_bus_message *m = sent(sv, NULL);
        _cleanup_(description_done) struct description d = { 0 };

        ck_assert_int_eq(description_read(m, &d), 0);
        same(sv, &d.sv);
        ck_assert_ptr_null(d.hints.meant_key);
        ck_assert(!d.hints.is_key && !d.hints.key_is_value);
}

TEST(entries)
{
        _cleanup_schema_ struct schema *builtin = NULL, *types = schema_util_load(schema_util_types);

        ck_assert_int_eq(schema_load_builtin(&builtin), 0);
        for (size_t i = 0; i < builtin->n; i++)
                arrives(&builtin->values[i]);
        for (size_t i = 0; i < types->n; i++)
                arrives(&types->values[i]);
}

/* All numbers, or the largest alone, are a range as well. */
TEST(all_ranges)
{
        static const char *const ranges[] = { "[0, 18446744073709551615]",
                "[18446744073709551615, 18446744073709551615]", "[0, 0]" };

        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                buf_printf(&text,
                        SCHEMA_HEAD
                        "  \\T:\n    N: {type: REG_QWORD, range: %s, description: d, apply: reboot}\n",
                        ranges[i]);
                _cleanup_schema_ struct schema *s = schema_util_load(buf_str(&text));
                arrives(schema_util_need(s, "\\T", "N"));
        }
}

TEST(unknown_value)
{
        static const struct description_hints hints = { .meant_key = "Machine\\T",
                .meant_name = "Number",
                .layer = "base",
                .key_is_value = 1,
                .is_key = 1 };
        _cleanup_message_ sd_bus_message *m = sent(NULL, &hints);
        _cleanup_(description_done) struct description d = { 0 };

        ck_assert_int_eq(description_read(m, &d), 0);
        same_text(d.hints.meant_key, hints.meant_key);
        same_text(d.hints.meant_name, hints.meant_name);
        same_text(d.hints.layer, hints.layer);
        ck_assert(d.hints.key_is_value && d.hints.is_key);
        ck_assert_ptr_null(d.sv.name);
        ck_assert_uint_eq(d.sv.n_choices, 0);
}

TEST(many)
{
        _cleanup_schema_ struct schema *types = schema_util_load(schema_util_types);
        _cleanup_message_ sd_bus_message *m = message_new("C");
        const char *key;

        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(" DESCRIPTION_ROW ")"), 0);
        for (size_t i = 0; i < types->n; i++) {
                ck_assert_int_ge(sd_bus_message_open_container(m, 'r', DESCRIPTION_ROW), 0);
                ck_assert_int_ge(sd_bus_message_append(m, "s", types->values[i].key.text), 0);
                ck_assert_int_eq(description_append(m, &types->values[i], NULL), 0);
                ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        }
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        message_seal(m);
        ck_assert_int_gt(sd_bus_message_enter_container(m, 'a', "(" DESCRIPTION_ROW ")"), 0);
        for (size_t i = 0; i <= types->n; i++) {
                _cleanup_(description_done) struct description d = { 0 };
                ck_assert_int_eq(description_next(m, &key, &d), i < types->n);
                if (i == types->n)
                        break;
                ck_assert_str_eq(key, types->values[i].key.text);
                same(&types->values[i], &d.sv);
        }
}

/* From a provider of another version: words that are not known are no words. */
TEST(other_words)
{
        static const char *const members[] = { "apply", "encoding", "drift", "items" };

        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                _cleanup_message_ sd_bus_message *m = message_new("C");
                _cleanup_(description_done) struct description d = { 0 };
                ck_assert_int_ge(
                        sd_bus_message_append(m, "a{sv}a(sss)", 1, members[i], "s", "another", 0), 0);
                message_seal(m);
                ck_assert_int_eq(description_read(m, &d), -EBADMSG);
        }
}

TEST(no_memory)
{
        _cleanup_schema_ struct schema *builtin = NULL;

        ck_assert_int_eq(schema_load_builtin(&builtin), 0);
        const struct schema_value *sv = schema_util_need(builtin, "\\System\\Audit\\Modules", "TaintEvents");
        ck_assert_uint_eq(sv->n_choices, 4);
        for (unsigned n = 1; n <= 4; n++) {
                _cleanup_message_ sd_bus_message *m = sent(sv, NULL);
                _cleanup_(description_done) struct description d = { 0 };
                alloc_fail_at(n);
                int r = description_read(m, &d);
                ck_assert(alloc_failed());
                ck_assert_int_eq(r, -ENOMEM);
        }
}

/* What an answer is taken for is never less than it is. */
TEST(bytes)
{
        _cleanup_schema_ struct schema *builtin = NULL;

        ck_assert_int_eq(schema_load_builtin(&builtin), 0);
        for (size_t i = 0; i < builtin->n; i++) {
                const struct schema_value *sv = &builtin->values[i];
                size_t texts = strlen(sv->name) + strlen(sv->description) + strlen(sv->source);
                for (size_t k = 0; k < sv->n_choices; k++)
                        texts += strlen(sv->choices[k].value) + strlen(sv->choices[k].meaning);
                ck_assert_uint_gt(description_bytes(sv, NULL), texts);
        }
        const struct description_hints hints = { .meant_key = "k", .meant_name = "n" };
        ck_assert_uint_eq(description_bytes(NULL, &hints), description_bytes(NULL, NULL) + 2);
}

Suite *test_suite(void)
{
        return suite_with("description", message_setup, message_teardown);
}
