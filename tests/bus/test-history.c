/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who changed what, and when: History() and peios-reg history, over restarts. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "dropin.h"

#define KEY "\\Test\\Key"

struct asked {
        const char *key;
        bool subtree, backwards, with_origins;
        const char *name;
        uint32_t limit; /* of a page; 0: none */
        const char *bound;
        uint64_t time;
};

static sd_bus_message *page_of(const struct asked *a, uint64_t cursor)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m, *reply = NULL;

        int r = sd_bus_message_new_method_call(
                world.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "History");
        ck_assert_int_ge(r, 0);
        r = sd_bus_message_append(m, "sb", a->key, (int)a->subtree);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}", "backwards", "b", (int)a->backwards, "cursor",
                        "t", cursor, "limit", "u", a->limit);
        if (r >= 0 && a->name)
                r = sd_bus_message_append(m, "{sv}", "name", "s", a->name);
        if (r >= 0 && a->bound)
                r = sd_bus_message_append(m, "{sv}", a->bound, "t", a->time);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call(world.bus, m, 0, &error, &reply);
        ck_assert_msg(r >= 0, "%s", error.message);
        sd_bus_message_unref(m);
        return reply;
}

static void put_rows(struct buf *out, sd_bus_message *m, bool with_origins)
{
        uint64_t time, sequence;

        ck_assert_int_gt(sd_bus_message_enter_container(m, 'a', "(ttssssbbuvuva{sv})"), 0);
        while (sd_bus_message_enter_container(m, 'r', "ttssssbbuvuva{sv}") > 0) {
                ck_assert_int_gt(sd_bus_message_read(m, "tt", &time, &sequence), 0);
                ck_assert_uint_gt(time, UINT64_C(1000000) * 1000000);
                const char *row = message_text(m), *origin = strstr(row, " ['actor'");
                buf_add(out, row, with_origins ? strlen(row) : (size_t)(origin - row));
                buf_putc(out, '\n');
                ck_assert_int_gt(sd_bus_message_exit_container(m), 0);
        }
        ck_assert_int_gt(sd_bus_message_exit_container(m), 0);
}

/* The rows without their times and sequences, one a line, of all pages: on a busy machine there may be more
 * than one. Good until the next call. */
static const char *history(const struct asked *a, unsigned *ret_pages)
{
        static struct buf text;
        uint64_t cursor = 0;

        buf_clear(&text);
        *ret_pages = 0;
        do {
                _cleanup_message_ sd_bus_message *m = page_of(a, cursor);
                put_rows(&text, m, a->with_origins);
                ck_assert_int_gt(sd_bus_message_read(m, "t", &cursor), 0);
                ++*ret_pages;
        } while (cursor != 0);
        return buf_str(&text);
}
#define HISTORY(...) history(&(const struct asked){ __VA_ARGS__ }, &(unsigned){ 0 })

#define NOTHING " 4294967295 ay:[]"
#define VALUE(change, name, layer, effective, old, new)                                                     \
        "'" change "' 'Machine\\Test\\Key' '" name "' '" layer "' " effective " false" old new "\n"

static void tells(const char *key, bool subtree, const char *expected)
{
        ck_assert_str_eq(HISTORY(.key = key, .subtree = subtree), expected);
}

START_TEST(values_of_a_key)
{
        registryd_start(NULL);
        set_number(world.bus, "\\System\\Registry\\Layers\\Low", "Precedence", 0);
        set_number(world.bus, "\\System\\Registry\\Layers\\High", "Precedence", 5);
        set_string(world.bus, KEY, "V", "one");
        set_in_layer(world.bus, "High", KEY, "V", "two");
        set_string(world.bus, KEY, "v", "three");
        delete_value(world.bus, KEY, "V");
        succeeds(world.bus, "Delete", "ssa{sv}", KEY, "V", 1, "layer", "s", "High");
        for (int i = 0; i < 2; i++) {
                tells(KEY, false,
                        "'key-created' 'Machine\\Test\\Key' '' '' true false" NOTHING NOTHING
                        "\n" VALUE("value-set", "V", "base", "true", NOTHING, " 1 s:'one'") VALUE(
                                "value-set", "V", "High", "true", NOTHING, " 1 s:'two'")
                                VALUE("value-set", "v", "base", "false", " 1 s:'one'", " 1 s:'three'") VALUE(
                                        "value-deleted", "v", "base", "false", " 1 s:'three'", NOTHING)
                                        VALUE("value-deleted", "V", "High", "true", " 1 s:'two'", NOTHING));
                daemon_stop(&world.registryd);
                registryd_start(NULL);
        }
}
END_TEST

/* Written and taken back in one transaction. */
START_TEST(a_transaction_is_effective_as_a_whole)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        succeeds(world.bus, "Transact", "a(sssuv)a{sv}", 3, "set", KEY, "V", REG_SZ, "s", "two", "set", KEY,
                "W", REG_SZ, "s", "w", "set", KEY, "V", REG_SZ, "s", "one", 0);
        tells(KEY, false,
                "'key-created' 'Machine\\Test\\Key' '' '' true false" NOTHING NOTHING
                "\n" VALUE("value-set", "V", "base", "true", NOTHING, " 1 s:'one'")
                        VALUE("value-set", "V", "base", "false", " 1 s:'one'", " 1 s:'two'")
                                VALUE("value-set", "W", "base", "true", NOTHING, " 1 s:'w'") VALUE(
                                        "value-set", "V", "base", "false", " 1 s:'two'", " 1 s:'one'"));
}
END_TEST

START_TEST(a_key_that_is_gone)
{
        registryd_start(NULL);
        set_string(world.bus, KEY "\\Sub", "V", "one");
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 1, "recursive", "b", 1);
        tells(KEY "\\Sub", false,
                "'key-created' 'Machine\\Test\\Key\\Sub' '' '' true false" NOTHING NOTHING
                "\n'value-set' 'Machine\\Test\\Key\\Sub' 'V' 'base' true false" NOTHING " 1 s:'one'"
                "\n'value-deleted' 'Machine\\Test\\Key\\Sub' 'V' 'base' true false 1 s:'one'" NOTHING
                "\n'key-deleted' 'Machine\\Test\\Key\\Sub' '' '' true false" NOTHING NOTHING "\n");
        set_string(world.bus, KEY "\\Sub", "V", "two");
        ck_assert_str_eq(HISTORY(.key = KEY, .subtree = true, .name = "v", .backwards = true),
                "'value-set' 'Machine\\Test\\Key\\Sub' 'V' 'base' true false" NOTHING " 1 s:'two'"
                "\n'value-deleted' 'Machine\\Test\\Key\\Sub' 'V' 'base' true false 1 s:'one'" NOTHING
                "\n'value-set' 'Machine\\Test\\Key\\Sub' 'V' 'base' true false" NOTHING " 1 s:'one'\n");
}
END_TEST

START_TEST(pages)
{
        const struct asked asked = { .key = KEY, .name = "V", .limit = 10 };
        unsigned n = 0, calls;

        registryd_start(NULL);
        for (uint32_t i = 0; i < 25; i++)
                set_number(world.bus, KEY, "V", i);
        const char *text = history(&asked, &calls);
        for (const char *end; (end = strchr(text, '\n')); text = end + 1, n++) {
                char new[32];
                int len = snprintf(new, sizeof(new), " 4 u:%u", n);
                ck_assert_int_eq(strncmp(end - len, new, (size_t)len), 0);
        }
        ck_assert_uint_eq(n, 25);
        ck_assert_uint_ge(calls, 3);
}
END_TEST

START_TEST(options)
{
        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        const uint64_t now = (uint64_t)time(NULL) * 1000000;
        const struct {
                const char *option;
                uint64_t time;
                bool found;
        } cases[] = {
                { "since", now - 60000000, true },
                { "since", now + 60000000, false },
                { "until", now + 60000000, true },
                { "until", now - 60000000, false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *rows = HISTORY(.key = KEY, .bound = cases[i].option, .time = cases[i].time);
                ck_assert_int_eq(rows[0] != '\0', cases[i].found);
        }
        refused(world.bus, ERROR_INVALID_VALUE, "there is no option 'sense'; there are since (t),",
                "History", "sba{sv}", KEY, 0, 1, "sense", "t", now);
        refused(world.bus, ERROR_INVALID_VALUE, "option 'since' is of the wrong type", "History", "sba{sv}",
                KEY, 0, 1, "since", "s", "x");
        refused(world.bus, ERROR_INVALID_NAME, "", "History", "sba{sv}", "\\A\\\\B", 0, 0);
        tells("\\Never\\There", true, "");
}
END_TEST

/* A service's name for who wrote the value lasts over restarts, and it says when. */
START_TEST(resolve_names_the_writer)
{
        _cleanup_buf_ struct buf expected = BUF_INIT;

        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "one");
        /* Nobody's name is forgotten for what came later. */
        for (uint32_t i = 0; i < 300; i++)
                set_number(world.bus, KEY, "Other", i);
        daemon_stop(&world.registryd);
        registryd_start(NULL);
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", KEY, "V");
        const char *text = message_text(why);
        buf_printf(&expected, "['actor'=s:'known', 'pid'=u:%d, 'uid'=u:%u, ", getpid(), geteuid());
        ck_assert_msg(strstr(text, buf_str(&expected)), "no %s in %s", buf_str(&expected), text);
        ck_assert_msg(strstr(text, ", 'time'=t:1"), "%s", text);
}
END_TEST

START_TEST(a_file_did_it)
{
        _cleanup_buf_ struct buf expected = BUF_INIT;

        dropin_write("50-site.yaml", dropin_text("site", 3, "disabled"));
        registryd_start(NULL);
        buf_printf(&expected,
                "['actor'=s:'unknown', 'reason'=s:'hive-edited', 'file'=s:'" LAYOUT_DROPINS_ADMIN
                "/50-site.yaml', 'file-owner'=u:%u",
                geteuid());
        _cleanup_message_ sd_bus_message *why = answer(world.bus, "Resolve", "ss", MODULES, "TaintEvents");
        ck_assert_ptr_nonnull(strstr(message_text(why), buf_str(&expected)));
        const char *text = HISTORY(.key = MODULES, .name = "TaintEvents", .with_origins = true);
        ck_assert_msg(strstr(text, buf_str(&expected)), "no %s in %s", buf_str(&expected), text);
        ck_assert_ptr_nonnull(strstr(text, "'TaintEvents' 'site' true false" NOTHING " 1 s:'disabled' "));
        text = HISTORY(.key = "Machine", .subtree = true);
        ck_assert_msg(strstr(text, "'file-set' '' '" LAYOUT_DROPINS_ADMIN
                                   "/50-site.yaml' 'site' true false" NOTHING " 4 u:3\n"),
                "%s", text);
}
END_TEST

START_TEST(volatile_keys_are_named_alone)
{
        registryd_start(NULL);
        succeeds(world.bus, "CreateKey", "sa{sv}", KEY, 1, "volatile", "b", 1);
        set_string(world.bus, KEY, "V", "secret");
        for (int i = 0; i < 2; i++) {
                tells(KEY, false,
                        "'key-created' 'Machine\\Test\\Key' '' '' true true" NOTHING NOTHING
                        "\n'value-set' 'Machine\\Test\\Key' 'V' 'base' true true" NOTHING NOTHING "\n");
                daemon_stop(&world.registryd);
                registryd_start(NULL);
        }
}
END_TEST

/* ---- The program ---- */

static void says(int code, const char *text, const char *a, const char *b, const char *c)
{
        struct daemon reg = { .name = "reg", .notify_fd = -1 };
        _cleanup_free_ char *log = NULL;

        ck_assert_int_gt(asprintf(&log, "%s/reg.log", world.dir), 0);
        reg.log = log;
        (void)unlink(log);
        spawn_program(&reg, "PEIOS_REG", a, b, c);
        int got = daemon_end(&reg);
        ck_assert_msg(got == code && daemon_said(&reg, text), "%d, no `%s` in %s", got, text, log);
}

START_TEST(the_program)
{
        registryd_start(NULL);
        set_number(world.bus, "\\System\\Registry\\Layers\\High", "Precedence", 5);
        set_string(world.bus, KEY, "V", "one");
        set_in_layer(world.bus, "High", KEY, "V", "two");
        set_string(world.bus, KEY, "V", "three");
        set_string(world.bus, KEY, "", "x");
        says(0,
                "Z  value-set  Machine\\Test\\Key  V = REG_SZ one -> REG_SZ three   (layer base, not effective, "
                "sequence ",
                "history", KEY "\\V", NULL);
        says(0, "Z  value-set  Machine\\Test\\Key  V = none -> REG_SZ two   (layer High, sequence ",
                "history", KEY, "V");
        says(0, "  @ = none -> REG_SZ x   (", "history", KEY, NULL);
        says(0, "\"change\":\"value-set\",\"path\":\"Machine\\\\Test\\\\Key\",\"name\":\"V\",\"layer\":\"base\",",
                "history", "--json", KEY "\\V");
        says(0,
                "\"effective\":false,\"dataless\":false,\"old\":{\"tombstone\":false,\"type\":\"sz\","
                "\"data\":\"one\"},\"new\":{",
                "history", "--json", KEY "\\V");
        says(0, "\"origin\":{\"actor\":\"known\",\"pid\":", "history", "--json", KEY);
        says(0, "no change of it is known", "history", "--since=@99999999999", KEY);
        says(1, "--since: 'soon' is no time", "history", "--since=soon", KEY);
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 0);
        succeeds(world.bus, "DeleteKey", "sa{sv}", KEY, 1, "layer", "s", "High");
        says(0, "key-deleted  Machine\\Test\\Key", "history", KEY, NULL);
}
END_TEST

static time_t written_at(void)
{
        struct stat st;

        ck_assert_int_eq(stat(world_path(LAYOUT_STORE), &st), 0);
        return st.st_mtime;
}

/* What was cut off a moment after the last change reaches the file, or the log would grow by it. */
START_TEST(what_is_pruned_reaches_the_file)
{
        registryd_start(NULL);
        set_numbers(world.bus, KEY, "V", 3000);
        set_number(world.bus, "\\System\\Registry\\History", "Rows", 1000);
        /* The changes themselves are in it after two seconds, and are pruned after ten. */
        const time_t pruned_at = time(NULL) + 8;
        WAIT(written_at() >= pruned_at);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { values_of_a_key, a_transaction_is_effective_as_a_whole,
                a_key_that_is_gone, pages, options, resolve_names_the_writer, a_file_did_it,
                volatile_keys_are_named_alone, the_program, what_is_pruned_reaches_the_file };
        return harness_main(tests, ARRAY_SIZE(tests));
}
