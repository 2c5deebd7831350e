/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ReadTree: a key and all below it, effective or of one layer, in pages; and what Transact says of how much
 * it changed. */
#include <stdio.h>
#include <string.h>

#include "../../registry-provider/reg/tree-key.h"
#include "client.h"
#include "dropin.h"

#define KEY "\\T"

/* Pages are put together: "path flags name=value …" a line, sequences left out. */
static const char *tree(sd_bus *bus, const char *key, const char *option, const char *text, unsigned *pages)
{
        static struct buf out = BUF_INIT;
        _cleanup_buf_ struct buf next = BUF_INIT;

        buf_clear(&out);
        *pages = 0;
        do {
                _cleanup_message_ sd_bus_message *m = NULL;
                _cleanup_tree_key_ struct tree_key k = { 0 };
                struct tree_value v;
                const char *after;
                int r;
                if (option && next.len > 0)
                        m = answer(bus, "ReadTree", "sa{sv}", key, 2, option, "s", text, "after", "s",
                                buf_str(&next));
                else if (option)
                        m = answer(bus, "ReadTree", "sa{sv}", key, 1, option, "s", text);
                else if (next.len > 0)
                        m = answer(bus, "ReadTree", "sa{sv}", key, 1, "after", "s", buf_str(&next));
                else
                        m = answer(bus, "ReadTree", "sa{sv}", key, 0);
                ck_assert_int_ge(tree_page_enter(m), 0);
                while ((r = tree_key_next(m, &k)) > 0) {
                        buf_printf(&out, "%s %u", k.path, k.flags);
                        while (tree_value_next(&k, &v)) {
                                ck_assert_uint_gt(v.sequence, 0);
                                buf_printf(&out, " %s:%u:%s", v.name, v.value.type, v.layer);
                        }
                        buf_putc(&out, '\n');
                }
                ck_assert_int_eq(r, 0);
                ck_assert_int_ge(sd_bus_message_read(m, "s", &after), 0);
                buf_clear(&next);
                buf_puts(&next, after);
                (*pages)++;
        } while (next.len > 0);
        ck_assert_int_eq(out.error, 0);
        return buf_str(&out);
}

static void start_with_a_layer(void)
{
        registryd_start(NULL);
        (void)set_number(world.bus, "\\System\\Registry\\Layers\\trial", "Precedence", 5);
}

START_TEST(effective_and_of_a_layer)
{
        unsigned pages;

        start_with_a_layer();
        set_string(world.bus, KEY "\\b\\Deep", "V", "1");
        set_string(world.bus, KEY "\\A", "", "default");
        set_string(world.bus, KEY, "one", "1");
        set_in_layer(world.bus, "trial", KEY "\\b", "x", "2");
        set_in_layer(world.bus, "trial", KEY, "ONE", "2");
        succeeds(world.bus, "Set", "ssuva{sv}", KEY "\\A", "", REG_TOMBSTONE, "ay", 0, 1, "layer", "s",
                "trial");
        ck_assert_str_eq(tree(world.bus, "/t", NULL, NULL, &pages),
                "Machine\\T 1 ONE:1:trial\nMachine\\T\\A 1\nMachine\\T\\b 1 x:1:trial\n"
                "Machine\\T\\b\\Deep 1 V:1:base\n");
        ck_assert_uint_eq(pages, 1);
        ck_assert_str_eq(tree(world.bus, KEY, "layer", "base", &pages),
                "Machine\\T 1 one:1:base\nMachine\\T\\A 1 :1:base\nMachine\\T\\b 1\n"
                "Machine\\T\\b\\Deep 1 V:1:base\n");
        ck_assert_str_eq(tree(world.bus, KEY, "layer", "TRIAL", &pages),
                "Machine\\T 1 ONE:1:trial\nMachine\\T\\A 1 :65535:trial\nMachine\\T\\b 1 x:1:trial\n");
        /* Behind a key; also behind one that is not there. */
        ck_assert_str_eq(tree(world.bus, KEY, "after", "\\T\\A", &pages),
                "Machine\\T\\b 1 x:1:trial\nMachine\\T\\b\\Deep 1 V:1:base\n");
        ck_assert_str_eq(tree(world.bus, KEY, "after", "\\T\\AA\\none", &pages),
                "Machine\\T\\b 1 x:1:trial\nMachine\\T\\b\\Deep 1 V:1:base\n");
        ck_assert_str_eq(tree(world.bus, KEY, "after", "\\T\\b\\Z", &pages), "");
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "ReadTree", "sa{sv}", "\\None", 0);
        refused(world.bus, ERROR_NOT_FOUND, "there is no layer called 'no'", "ReadTree", "sa{sv}", KEY, 1,
                "layer", "s", "no");
        refused(world.bus, ERROR_INVALID_NAME, "is not below", "ReadTree", "sa{sv}", KEY, 1, "after", "s",
                "\\System");
        refused(world.bus, ERROR_INVALID_VALUE,
                "there is no option 'depth'; there are layer (s), after (s), whole (b) and no-follow (b)",
                "ReadTree", "sa{sv}", KEY, 1, "depth", "u", 1u);
}
END_TEST

START_TEST(hidden_keys_and_blankets)
{
        unsigned pages;

        registryd_start(NULL);
        set_string(world.bus, KEY "\\A\\B", "V", "1");
        set_string(world.bus, KEY "\\C", "V", "1");
        dropin_write("50-hide.yaml", "peios-registry: 1\nlayer: 50-hide\nprecedence: 9\nkeys:\n"
                                     "  \\T\\A: !hidden\n  \\T\\C: !blanket\n    W: !dword 7\n");
        WAIT(strstr(registry_property(world.bus, "Layers"), "50-hide"));
        ck_assert_str_eq(
                tree(world.bus, KEY, NULL, NULL, &pages), "Machine\\T 1\nMachine\\T\\C 1 W:4:50-hide\n");
        ck_assert_str_eq(tree(world.bus, KEY, "layer", "50-hide", &pages),
                "Machine\\T 1\nMachine\\T\\A 2\nMachine\\T\\C 5 W:4:50-hide\n");
}
END_TEST

#define MANY 3000u

/* More than one page, and more names than are looked up at once; all of it, each key once, in order. */
START_TEST(page_by_page)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_free_ char *long_text = repeat("x", 600);
        unsigned n, n_keys = 0;

        registryd_start(NULL);
        _cleanup_message_ sd_bus_message *m = transact_begin(world.bus);
        for (unsigned i = 0; i < MANY; i++)
                ck_assert_int_ge(
                        sd_bus_message_append(m, "(sssuv)", "set", textf("\\T\\Key%06u", i * 7919u % MANY),
                                "V", REG_SZ, "s", long_text),
                        0);
        ck_assert_int_ge(transact_call(world.bus, m, NULL, &reply), 0);
        const char *text = message_text(reply);
        ck_assert_msg(
                strstr(text, "['values-set'=3000, 'values-deleted'=0, 'keys-created'=3001,"), "%s", text);
        const char *all = tree(world.bus, KEY, NULL, NULL, &n), *at = all;
        ck_assert_msg(strncmp(at, "Machine\\T 1\n", 12) == 0, "%.100s", at);
        for (at += 12; *at; at = strchr(at, '\n') + 1) {
                char line[64];
                (void)snprintf(line, sizeof(line), "Machine\\T\\Key%06u 1 V:1:base\n", n_keys++);
                ck_assert_msg(strncmp(at, line, strlen(line)) == 0, "expected %s, not %.100s", line, at);
        }
        ck_assert_uint_eq(n_keys, MANY);
        ck_assert_uint_gt(n, 1);
}
END_TEST

static int on_whole(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        *(sd_bus_message **)userdata = sd_bus_message_ref(m);
        return 0;
}

/* "first value, last value, whether the volatile key is there, next page" of all keys at once. */
static const char *ends_of(sd_bus_message *m)
{
        _cleanup_tree_key_ struct tree_key k = { 0 };
        struct tree_value v;
        const char *next, *line = "";
        int r;

        ck_assert_int_ge(tree_page_enter(m), 0);
        while ((r = tree_key_next(m, &k)) > 0) {
                if (k.flags & TREE_KEY_IS_VOLATILE)
                        line = textf("%s volatile", line);
                while (tree_value_next(&k, &v))
                        if (strcmp(v.name, "N") == 0)
                                line = textf("%s %.*s", line, (int)v.value.size, (const char *)v.value.data);
        }
        ck_assert_int_eq(r, 0);
        ck_assert_int_ge(sd_bus_message_read(m, "s", &next), 0);
        return textf("%s '%s'", line, next);
}

/* Who may only look can have all at once, too, of one moment: what is written meanwhile, and does not wait
 * for him, is not in it. Volatile keys are. */
START_TEST(all_at_once)
{
        _cleanup_free_ char *long_text = repeat("x", 600);
        _cleanup_bus_ sd_bus *nobody = NULL;
        _cleanup_message_ sd_bus_message *call = NULL, *whole = NULL;
        unsigned n = 0;

        registryd_start(NULL);
        for (unsigned i = 0; i < 2500; i++)
                set_string(world.bus, textf("\\T\\Key%06u", i), "V", long_text);
        succeeds(world.bus, "CreateKey", "sa{sv}", KEY "\\Live", 1, "volatile", "b", 1);
        for (const char *const *at = (const char *const[]){ KEY "\\A", KEY "\\Live", KEY "\\Z", NULL }; *at;
                at++)
                set_string(world.bus, *at, "N", "0");
        nobody = world_connect(UID_NOBODY);
        ck_assert_int_ge(sd_bus_message_new_method_call(nobody, &call, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, "ReadTree"),
                0);
        ck_assert_int_ge(sd_bus_message_append(call, "sa{sv}", KEY, 1, "whole", "b", 1), 0);
        ck_assert_int_ge(sd_bus_call_async(nobody, NULL, call, on_whole, &whole, 0), 0);
        ck_assert_int_ge(sd_bus_flush(nobody), 0);
        for (; !whole; n++) {
                const char *text = textf("%u", n + 1);
                _unused_ _cleanup_message_ sd_bus_message *m = answer(world.bus, "Transact", "a(sssuv)a{sv}",
                        3, "set", KEY "\\A", "N", REG_SZ, "s", text, "set", KEY "\\Live", "N", REG_SZ, "s",
                        text, "set", KEY "\\Z", "N", REG_SZ, "s", text, 0);
                while (sd_bus_process(nobody, NULL) > 0)
                        ;
        }
        ck_assert_uint_gt(n, 0);
        const char *line = ends_of(whole);
        unsigned first, live, last;
        char end[4] = "";
        ck_assert_msg(sscanf(line, " %u volatile %u %u %3s", &first, &live, &last, end) == 4 &&
                              first == live && first == last && first < n && strcmp(end, "''") == 0,
                "%s after %u", line, n);
}
END_TEST

START_TEST(only_what_is_needed)
{
        _unused_ _cleanup_message_ sd_bus_message *first = NULL, *second = NULL;

        registryd_start(NULL);
        set_string(world.bus, KEY "\\Old", "V", "1");
        refused(world.bus, ERROR_NOT_FOUND, "has no value 'None'", "Transact", "a(sssuv)a{sv}", 1, "delete",
                KEY "\\Old", "None", 0u, "ay", 0, 0);
        /* An empty key is that of the change before. */
        refused(world.bus, ERROR_INVALID_NAME, "empty", "Transact", "a(sssuv)a{sv}", 1, "set", "", "V", 1u,
                "s", "a", 0);
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_message_ sd_bus_message *m = answer(world.bus, "Transact", "a(sssuv)a{sv}", 4,
                        "delete-key", KEY "\\Old", "", 0u, "ay", 0, "delete", KEY "\\None", "None", 0u, "ay",
                        0, "create-key", KEY "\\New", "", 0u, "ay", 0, "set", "", "V", 1u, "s", "a", 2,
                        "if-needed", "b", 1, "recursive", "b", 1);
                ck_assert_str_eq(strchr(message_text(m), ' ') + 1,
                        i == 0 ? "true ['values-set'=1, 'values-deleted'=1, 'keys-created'=1, 'keys-deleted'=1, 'masks'=0]"
                               : "false ['values-set'=0, 'values-deleted'=0, 'keys-created'=0, 'keys-deleted'=0, 'masks'=0]");
        }
}
END_TEST

#define NOTHING "", 0u, "ay", 0

/* What a file can say, a transaction can. */
START_TEST(hiding_and_masking)
{
        unsigned pages;

        start_with_a_layer();
        set_string(world.bus, KEY "\\A\\B", "V", "1");
        set_string(world.bus, KEY "\\C", "V", "1");
        set_in_layer(world.bus, "trial", KEY "\\A", "Mine", "2");
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_message_ sd_bus_message *m = answer(world.bus, "Transact", "a(sssuv)a{sv}", 3,
                        "hide-key", KEY "\\A", NOTHING, "mask-values", KEY "\\C", NOTHING, "set", KEY "\\C",
                        "W", REG_SZ, "s", "2", 1, "layer", "s", "trial");
                ck_assert_str_eq(strchr(message_text(m), ' ') + 1,
                        i == 0 ? "true ['values-set'=1, 'values-deleted'=1, 'keys-created'=1, 'keys-deleted'=1, 'masks'=2]"
                               : "false ['values-set'=0, 'values-deleted'=0, 'keys-created'=0, 'keys-deleted'=0, 'masks'=0]");
        }
        ck_assert_str_eq(
                tree(world.bus, KEY, NULL, NULL, &pages), "Machine\\T 1\nMachine\\T\\C 1 W:1:trial\n");
        ck_assert_str_eq(tree(world.bus, KEY, "layer", "trial", &pages),
                "Machine\\T 1\nMachine\\T\\A 2\nMachine\\T\\C 5 W:1:trial\n");
        ck_assert_str_eq(tree(world.bus, "\\None", "layer", "trial", &pages), "");
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 2, "show-key", KEY "\\A", NOTHING, "unmask-values",
                KEY "\\C", NOTHING, 1, "layer", "s", "trial");
        ck_assert_str_eq(tree(world.bus, KEY, NULL, NULL, &pages),
                "Machine\\T 1\nMachine\\T\\A 1\nMachine\\T\\A\\B 1 V:1:base\n"
                "Machine\\T\\C 1 V:1:base W:1:trial\n");
        refused(world.bus, ERROR_NOT_FOUND, "layer trial does not hide the key", "Transact", "a(sssuv)a{sv}",
                1, "show-key", KEY "\\A", NOTHING, 1, "layer", "s", "trial");
        refused(world.bus, ERROR_NOT_FOUND, "layer trial does not mask the values", "Transact",
                "a(sssuv)a{sv}", 1, "unmask-values", KEY "\\C", NOTHING, 1, "layer", "s", "trial");
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 2, "show-key", KEY "\\A", NOTHING, "unmask-values",
                KEY "\\C", NOTHING, 2, "layer", "s", "trial", "if-needed", "b", 1);
        refused(world.bus, ERROR_INVALID_NAME, "cannot be hidden", "Transact", "a(sssuv)a{sv}", 1,
                "hide-key", "\\System\\Registry", NOTHING, 1, "layer", "s", "trial");
        refused(world.bus, ERROR_INVALID_NAME, "a hive cannot be hidden", "Transact", "a(sssuv)a{sv}", 1,
                "hide-key", "Machine", NOTHING, 1, "layer", "s", "trial");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { effective_and_of_a_layer, hidden_keys_and_blankets, page_by_page,
                only_what_is_needed, hiding_and_masking };
        const TTest *const privileged[] = { all_at_once };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "that others get all at once");
        return harness_main(tests, ARRAY_SIZE(tests));
}
