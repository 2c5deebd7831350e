/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is asked of the provider, and when, and what becomes of answers that come late, or fail. The feed is
 * a stand-in that keeps what it is asked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "../../../registry-provider/regedit/regedit.h"
#include "../../../schema/bus/cleanup.h"
#include "../../../schema/dbus/names.h"
#include "suite.h"

static struct asked {
        char method[32], key[128], name[16];
        feed_fn fn;
} asked[64], taken;
static size_t n_asked;
static sd_bus *bus;
static int fds[2];
static sd_event *event;
static struct regedit regedit;

/* ---- The stand-in ---- */

int feed_new(_unused_ sd_event *e, _unused_ struct regedit *r, struct feed **ret)
{
        *ret = NULL;
        return 0;
}

struct feed *feed_free(_unused_ struct feed *f)
{
        return NULL;
}

int feed_begin_anew(_unused_ struct feed *f, const struct diag *why)
{
        regedit_lose_provider(&regedit, why);
        return 0;
}

static sd_bus_message *new_message(const char *member)
{
        sd_bus_message *m = NULL;

        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", member), 0);
        return m;
}

static void note(const char *method, const char *key, const char *name, feed_fn fn)
{
        ck_assert_uint_lt(n_asked, ARRAY_SIZE(asked));
        struct asked *a = &asked[n_asked++];
        (void)snprintf(a->method, sizeof(a->method), "%s", method);
        (void)snprintf(a->key, sizeof(a->key), "%s", key);
        (void)snprintf(a->name, sizeof(a->name), "%s", name ? name : "");
        a->fn = fn;
}

int feed_new_call(_unused_ struct feed *f, const char *method, sd_bus_message **ret)
{
        *ret = new_message(method);
        return 0;
}

int feed_send(_unused_ struct feed *f, sd_bus_message *m, const char *key, const char *name, feed_fn fn)
{
        note(sd_bus_message_get_member(m), key, name, fn);
        return 0;
}

int feed_ask(_unused_ struct feed *f, const char *method, const char *key, const char *name, feed_fn fn,
        const char *types, ...)
{
        _cleanup_message_ sd_bus_message *m = new_message(method);
        va_list ap;

        va_start(ap, types);
        ck_assert_int_ge(sd_bus_message_appendv(m, types, ap), 0);
        va_end(ap);
        note(method, key, name, fn);
        return 0;
}

int feed_ask_property(_unused_ struct feed *f, const char *name, feed_fn fn)
{
        note(name, "", NULL, fn);
        return 0;
}

int feed_ask_polkit(_unused_ struct feed *f, feed_fn fn)
{
        note("CheckAuthorization", "", NULL, fn);
        return 0;
}

/* ---- Answers ---- */

/* The first question of this method about this key, which is taken out. */
static feed_fn take(const char *method, const char *key)
{
        for (size_t i = 0; i < n_asked; i++)
                if (strcmp(asked[i].method, method) == 0 && strcmp(asked[i].key, key) == 0) {
                        taken = asked[i];
                        memmove(&asked[i], &asked[i + 1], (--n_asked - i) * sizeof(*asked));
                        return taken.fn;
                }
        ck_abort_msg("%s was not asked for %s", method, key);
}

static size_t count(const char *method)
{
        size_t n = 0;

        for (size_t i = 0; i < n_asked; i++)
                n += strcmp(asked[i].method, method) == 0;
        return n;
}

/* Names of subkeys, and of values that are numbers, with blanks between them. */
static void append_names(sd_bus_message *m, const char *names, bool of_values)
{
        char *words = strdup(names);
        const uint32_t type = REG_DWORD;

        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', of_values ? "(suvts)" : "s"), 0);
        for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
                ck_assert_int_ge(of_values ? sd_bus_message_append(
                                                     m, "(suvts)", word, type, "u", 7u, UINT64_C(1), "base")
                                           : sd_bus_message_append(m, "s", word),
                        0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        free(words);
}

static void answers(const char *key, const char *subkeys, const char *values)
{
        _cleanup_message_ sd_bus_message *list = new_message("L"), *known = new_message("K");
        feed_fn on_list = take("List", key), on_known = take("ListKnown", key);

        append_names(list, subkeys, false);
        append_names(list, values, true);
        ck_assert_int_ge(sd_bus_message_seal(list, 1, 0), 0);
        ck_assert_int_ge(sd_bus_message_append(known, "asa(sa{sv}a(sss))", 0, 0), 0);
        ck_assert_int_ge(sd_bus_message_seal(known, 1, 0), 0);
        on_list(&regedit, &(const struct feed_answer){ .key = key, .reply = list });
        on_known(&regedit, &(const struct feed_answer){ .key = key, .reply = known });
}

/* Of the search: a key without values, and where the next page begins. */
static void answers_page(const char *found, const char *next)
{
        _cleanup_message_ sd_bus_message *m = new_message("P");
        feed_fn on_page = take("ReadTree", "Machine");

        ck_assert_int_ge(sd_bus_message_append(
                                 m, "a(" REGISTRY_TREE_KEY ")s", 1, found, 0u, 0, 0, 0, 0, 0, 0, 0, next),
                0);
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
        on_page(&regedit, &(const struct feed_answer){ .key = "Machine", .name = taken.name, .reply = m });
}

static void fails(const char *key, enum exit_code code)
{
        const struct feed_answer a = { .key = key, .code = code, .d = { "it failed" } };
        feed_fn on_list = take("List", key), on_known = take("ListKnown", key);

        on_list(&regedit, &a);
        on_known(&regedit, &a);
}

static void changes(const char *kind, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *m = new_message("C");

        ck_assert_int_ge(sd_bus_message_append(m, "tta{sv}a(sssuvsts)", UINT64_C(1), UINT64_C(2), 0, 1, kind,
                                 key, name, (uint32_t)REG_DWORD, "u", 8u, "base", UINT64_C(0), ""),
                0);
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
        regedit_take_changes(&regedit, m);
}

static void press(const char *keys)
{
        char *words = strdup(keys);

        for (char *key = strtok(words, " "); key; key = strtok(NULL, " "))
                regedit_press(&regedit, key);
        free(words);
}

/* The rows, and the selected one in brackets. */
static void shows(const char *expected)
{
        _cleanup_buf_ struct buf rows = BUF_INIT;

        ck_assert_int_eq(key_tree_count(&regedit.tree), 0);
        for (size_t i = 0; i < regedit.tree.n_rows; i++) {
                const struct key_node *node = regedit.tree.rows[i];
                buf_printf(&rows, node == regedit.tree.selected ? "[%s] " : "%s ", node->name);
        }
        ck_assert_str_eq(buf_str(&rows), expected);
}

static void begin(void)
{
        const char *hives[] = { "Machine" };

        n_asked = 0;
        regedit_begin(&regedit, hives, ARRAY_SIZE(hives));
}

static void setup(void)
{
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(regedit_init(&regedit, event, NULL, NULL), 0);
        begin();
        answers("Machine", "a b c d", "");
        press("Right");
        shows("[Machine] a b c d ");
}

static void teardown(void)
{
        regedit_done(&regedit);
        sd_event_unref(event);
        sd_bus_close_unref(bus);
        closep(&fds[1]);
}

/* ---- The tests ---- */

/* However far the cursor goes meanwhile, one question waits, and those that were passed are not asked for.
 */
TEST(keys_that_were_passed_are_not_asked_for)
{
        press("Down Down Down Down");
        shows("Machine a b c [d] ");
        ck_assert_uint_eq(count("List"), 1);
        answers("Machine\\a", "", "x");
        ck_assert_uint_eq(regedit.values.n, 0);
        ck_assert_uint_eq(count("List"), 1);
        answers("Machine\\d", "", "y z");
        ck_assert_uint_eq(regedit.values.n, 2);
        ck_assert_uint_eq(count("List"), 0);
}

TEST(what_fails_is_said_and_not_asked_again)
{
        press("Down");
        fails("Machine\\a", EXIT_CODE_FAILURE);
        ck_assert_uint_eq(count("List"), 0);
        ck_assert_str_eq(regedit.status.text, "it failed");
        press("Down");
        fails("Machine\\b", EXIT_CODE_NOT_FOUND);
        ck_assert_str_eq(regedit.status.text, "");
        ck_assert_uint_eq(count("List"), 0);
        press("R");
        answers("Machine\\b", "", "x");
        ck_assert_uint_eq(regedit.values.n, 1);
}

TEST(a_key_that_goes_before_its_answer_comes)
{
        press("Down Right");
        changes("subkey-deleted", "Machine", "a");
        shows("Machine [b] c d ");
        answers("Machine\\a", "x y", "z");
        shows("Machine [b] c d ");
        answers("Machine\\b", "", "v");
        ck_assert_str_eq(regedit.values.rows[0].name, "v");
}

/* A change while the answer is on its way is in the answer; one after it has the values read once more. */
TEST(changes_are_read_and_marked)
{
        press("Down");
        changes("value-set", "Machine\\A", "x");
        ck_assert_uint_eq(count("List"), 1);
        answers("Machine\\a", "", "x y");
        ck_assert_uint_eq(count("List"), 0);
        ck_assert_uint_gt(regedit.values.rows[0].marked, 0);
        ck_assert_uint_eq(regedit.values.rows[1].marked, 0);
        changes("value-set", "Machine\\a", "new");
        changes("value-set", "Machine\\b", "x");
        ck_assert_uint_eq(count("List"), 1);
        answers("Machine\\a", "", "new x y");
        ck_assert_uint_gt(regedit.values.rows[0].marked, 0);
        changes("subkey-created", "Machine", "aa");
        shows("Machine [a] aa b c d ");
        changes("overflow", "Machine", "");
        answers("Machine", "a c", "");
        shows("Machine [a] c ");
        changes("ended", "Machine", "");
        ck_assert(!regedit.is_there);
        ck_assert_ptr_nonnull(strstr(regedit.status.text, "no longer says"));
        shows("Machine [a] c ");
}

TEST(what_was_open_is_read_again_when_the_provider_is_back)
{
        press("Down Down Right");
        answers("Machine\\a", "", "");
        answers("Machine\\b", "x y", "");
        press("Down");
        shows("Machine a b [x] y c d ");
        regedit_lose_provider(&regedit, &(const struct diag){ "gone" });
        press("Down Up a e d u");
        ck_assert_str_eq(regedit.status.text, "gone");
        ck_assert_ptr_null(regedit.prompt);
        begin();
        answers("Machine", "a b e", "");
        answers("Machine\\b", "w x", "");
        shows("Machine a b w [x] e ");
        answers("Machine\\b\\x", "", "v");
        ck_assert_uint_eq(regedit.values.n, 1);
}

/* One page is asked for at a time, whatever is typed meanwhile; one of a text of before counts for nothing,
 * and what comes last before the cursor is only known at the end. */
TEST(a_search_goes_on_while_keys_are_pressed)
{
        press("End");
        n_asked = 0;
        press("/ x y");
        ck_assert_uint_eq(count("ReadTree"), 1);
        answers_page("Machine\\a\\xy", "Machine\\a\\xy");
        ck_assert_uint_eq(regedit.finder.search.n, 0);
        answers_page("Machine\\a\\xy", "Machine\\a\\xy");
        press("Enter N");
        ck_assert_str_eq(buf_str(&regedit.goal), "");
        answers_page("Machine\\b\\xy", "");
        ck_assert_str_eq(buf_str(&regedit.goal), "Machine\\b\\xy");
}

/* The cursor is on another key by then. */
TEST(a_card_is_of_the_key_that_it_was_asked_for)
{
        press("Down m Esc Down m");
        take("Info", "Machine\\a")(
                &regedit, &(const struct feed_answer){ .key = "Machine\\a", .d = { "of a" } });
        ck_assert_str_eq(buf_str(&regedit.view.text), "reading ...");
        take("Info", "Machine\\b")(
                &regedit, &(const struct feed_answer){ .key = "Machine\\b", .d = { "of b" } });
        ck_assert_str_eq(buf_str(&regedit.view.text), "of b\n");
}

/* Of a layer that has nothing in the key itself the first key may be one below it. */
TEST(a_mask_of_a_key_below_is_none_of_this_key)
{
        static const char *const keys[] = { "Machine\\a\\below", "Machine\\A" };

        press("Down");
        feed_fn on_masks = take("ReadTree", "Machine\\a");
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                _cleanup_message_ sd_bus_message *m = new_message("M");
                ck_assert_int_ge(
                        sd_bus_message_append(m, "a(" REGISTRY_TREE_KEY ")s", 1, keys[i], 0u, 1, "base", 1,
                                (uint32_t)REG_TOMBSTONE, 1, UINT64_C(1), 1, 0u, 1, 0u, 0, 2, 'x', 0, ""),
                        0);
                ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
                on_masks(&regedit, &(const struct feed_answer){ .key = "Machine\\a", .reply = m });
                ck_assert_uint_eq(regedit.values.n, i);
        }
}

Suite *test_suite(void)
{
        return suite_with("regedit-asking", setup, teardown);
}
