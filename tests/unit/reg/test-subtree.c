/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tree is read page by page: the next one is asked for before this one is handed out, and all of it begins
 * anew where something was changed meanwhile. The provider is the test's. */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/reg/subtree.h"
#include "message.h"
#include "suite.h"

/* An answer: one key with one value, if there is a key. */
struct answer {
        const char *key, *next;
        uint64_t sequence;
        int code;
};

static const struct answer *answers; /* those that come next */
static struct buf asked;             /* "ROOT[>AFTER][!]" each, the last for "whole" */
static sd_bus_message *call;         /* that is on its way */

int session_new_call(_unused_ struct session *s, const char *method, const char *key, const char *name,
        sd_bus_message **ret)
{
        ck_assert_str_eq(method, "ReadTree");
        ck_assert_ptr_null(name);
        *ret = message_new(method);
        ck_assert_int_ge(sd_bus_message_append(*ret, "s", key), 0);
        return EXIT_CODE_OK;
}

int session_call_begin(_unused_ struct session *s, sd_bus_message *m, _unused_ struct client_call *ret)
{
        const char *key, *option;

        ck_assert_ptr_null(call);
        call = sd_bus_message_ref(m);
        message_seal(m);
        ck_assert_int_gt(sd_bus_message_read(m, "s", &key), 0);
        buf_printf(&asked, "%s%s", asked.len > 0 ? " " : "", key);
        ck_assert_int_gt(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                const char *after;
                ck_assert_int_gt(sd_bus_message_read(m, "s", &option), 0);
                if (strcmp(option, "after") == 0) {
                        ck_assert_int_gt(sd_bus_message_read(m, "v", "s", &after), 0);
                        buf_printf(&asked, ">%s", after);
                } else {
                        ck_assert_int_gt(sd_bus_message_skip(m, "v"), 0);
                        buf_puts(&asked, strcmp(option, "whole") == 0 ? "!" : "");
                }
                ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
        }
        return EXIT_CODE_OK;
}

static void append_key(sd_bus_message *m, const char *path)
{
        ck_assert_int_ge(sd_bus_message_append(m, "(" REGISTRY_TREE_KEY ")", path, 1u, 1, "base", 1,
                                 (uint32_t)REG_SZ, 1, UINT64_C(1), 1, 0u, 1, 1u, 1, 'x', 2, 'V', 0),
                0);
}

int session_call_end(struct session *s, _unused_ struct client_call *of, sd_bus_message **ret_reply)
{
        const struct answer *a = answers++;

        ck_assert_ptr_nonnull(call);
        call = sd_bus_message_unref(call);
        if (a->code != EXIT_CODE_OK) {
                (void)diag_set(&s->diag, ENOENT, "there is none");
                return a->code;
        }
        sd_bus_message *m = message_new("P");
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(" REGISTRY_TREE_KEY ")"), 0);
        if (a->key)
                append_key(m, a->key);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "st", a->next, a->sequence), 0);
        message_seal(m);
        *ret_reply = m;
        return EXIT_CODE_OK;
}

int session_fail(_unused_ struct session *s, int r, _unused_ const char *what)
{
        ck_abort_msg("%s", strerror(-r));
}

int session_error(struct session *s, int code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        diag_setv(&s->diag, format, ap);
        va_end(ap);
        return code;
}

int session_bad_reply(_unused_ struct session *s, int r)
{
        ck_abort_msg("%s", strerror(-r));
}

void client_call_drop(_unused_ struct client_call *dropped)
{
        call = sd_bus_message_unref(call);
}

static struct session session;
static struct path roots[2];
static const struct path *const at_roots[] = { &roots[0], &roots[1] };

static void setup(void)
{
        message_setup();
        session = (struct session){ 0 };
        for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
                ck_assert_int_eq(
                        path_parse(i == 0 ? "M\\A" : "M\\B", 3, path_any_hive, NULL, &roots[i], NULL), 0);
}

static void teardown(void)
{
        for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
                path_done(&roots[i]);
        buf_done(&asked);
        ck_assert_ptr_null(call);
        message_teardown();
}

/* The keys, each with its value. */
static const char *keys_of(const struct subtree *t)
{
        static char text[256];

        text[0] = '\0';
        for (size_t i = 0; i < t->n; i++) {
                const struct hive_key *key = &t->keys[i];
                ck_assert_uint_eq(key->n_values, 1);
                ck_assert_str_eq(key->values->name, "V");
                ck_assert_mem_eq(key->values->value.data, "x", 1);
                ck_assert_str_eq(subtree_from(t, key->values), "base");
                (void)strcat(strcat(text, i > 0 ? " " : ""), key->path.text);
        }
        return text;
}

static struct subtree_query query_of(size_t n)
{
        return (struct subtree_query){ .roots = at_roots, .n_roots = n, .follows = true };
}

TEST(pages_of_roots_are_put_together)
{
        static const struct answer list[] = { { "M\\A", "M\\A", 7, 0 }, { "M\\A\\1", "M\\A\\1", 7, 0 },
                { NULL, "", 7, 0 }, { "M\\B", "", 7, 0 } };
        _cleanup_subtree_ struct subtree t = { 0 };
        const struct subtree_query query = query_of(2);

        answers = list;
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_OK);
        ck_assert_str_eq(keys_of(&t), "M\\A M\\A\\1 M\\B");
        ck_assert_uint_eq(t.sequence, 7);
        ck_assert_str_eq(buf_str(&asked), "M\\A M\\A>M\\A M\\A>M\\A\\1 M\\B");
}

TEST(the_next_page_is_asked_for_first)
{
        static const struct answer list[] = { { "M\\A", "M\\A", 7, 0 }, { "M\\A\\1", "", 7, 0 } };
        const struct subtree_query query = query_of(1);
        _cleanup_subtree_reading_ struct subtree_reading reading = { .query = &query };
        _cleanup_subtree_ struct subtree t = { 0 };

        answers = list;
        ck_assert_int_eq(subtree_next(&session, &reading, &t), EXIT_CODE_OK);
        ck_assert_str_eq(keys_of(&t), "M\\A");
        ck_assert_str_eq(buf_str(&asked), "M\\A M\\A>M\\A");
        ck_assert(!subtree_is_read(&reading));
        subtree_clear(&t);
        ck_assert_int_eq(subtree_next(&session, &reading, &t), EXIT_CODE_OK);
        ck_assert_str_eq(keys_of(&t), "M\\A\\1");
        ck_assert(subtree_is_read(&reading));
}

/* What was given so far is void, and is given again: the first page says so. */
TEST(a_change_begins_it_anew)
{
        static const struct answer list[] = { { "M\\A", "M\\A", 7, 0 }, { "M\\A\\1", "M\\A\\1", 8, 0 },
                { "M\\A", "M\\A", 8, 0 }, { "M\\A\\2", "", 8, 0 } };
        static const size_t n_pages[] = { 1, 0, 1, 2 };
        const struct subtree_query query = query_of(1);
        _cleanup_subtree_reading_ struct subtree_reading reading = { .query = &query };
        _cleanup_subtree_ struct subtree t = { 0 };

        answers = list;
        for (size_t i = 0; i < ARRAY_SIZE(n_pages); i++) {
                ck_assert(!subtree_is_read(&reading));
                ck_assert_int_eq(subtree_next(&session, &reading, &t), EXIT_CODE_OK);
                ck_assert_uint_eq(reading.n_pages, n_pages[i]);
        }
        ck_assert(subtree_is_read(&reading));
        ck_assert_str_eq(keys_of(&t), "M\\A M\\A\\2");
        ck_assert_str_eq(buf_str(&asked), "M\\A M\\A>M\\A M\\A M\\A>M\\A");
}

/* Half of it is nothing that ever was. */
TEST(a_root_that_goes_meanwhile_is_not_there)
{
        static const struct answer list[] = { { "M\\A", "M\\A", 7, 0 }, { .code = EXIT_CODE_NOT_FOUND },
                { .code = EXIT_CODE_NOT_FOUND } };
        const struct subtree_query query = query_of(1);
        _cleanup_subtree_ struct subtree t = { 0 };

        answers = list;
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_OK);
        ck_assert_str_eq(keys_of(&t), "");
        ck_assert_str_eq(buf_str(&asked), "M\\A M\\A>M\\A M\\A");
        ck_assert_str_eq(session.diag.text, "");
}

/* Three times in pages, then whole; ten times in all. */
TEST(changes_without_end_are_a_conflict)
{
        struct answer list[20];
        const struct subtree_query query = query_of(1);
        _cleanup_subtree_ struct subtree t = { 0 };
        _cleanup_buf_ struct buf expected = BUF_INIT;

        for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
                list[i] = (struct answer){ "M\\A", "M\\A", i, 0 };
                buf_printf(
                        &expected, "%sM\\A%s%s", i > 0 ? " " : "", i % 2 ? ">M\\A" : "", i < 6 ? "" : "!");
        }
        answers = list;
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_CONFLICT);
        ck_assert_str_eq(session.diag.text,
                "M\\A: the registry was changed each of the 10 times that it was read: try again");
        ck_assert_str_eq(buf_str(&asked), buf_str(&expected));
}

TEST(a_root_that_is_not_there_has_nothing)
{
        static const struct answer list[] = { { .code = EXIT_CODE_NOT_FOUND }, { "M\\B", "", 7, 0 } };
        _cleanup_subtree_ struct subtree t = { 0 };
        struct subtree_query query = query_of(2);

        answers = list;
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_OK);
        ck_assert_str_eq(keys_of(&t), "M\\B");
        ck_assert_str_eq(session.diag.text, "");
        /* Of a layer, it is the layer. */
        query.layer = "none";
        answers = list;
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_NOT_FOUND);
        query = query_of(0);
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_OK);
}

TEST(a_root_stands_for_itself_unless_links_are_followed)
{
        static const struct answer list[] = { { "M\\C", "", 7, 0 } };
        _cleanup_subtree_ struct subtree t = { 0 };
        struct subtree_query query = query_of(1);

        query.follows = false;
        answers = list;
        ck_assert_int_eq(subtree_read(&session, &query, &t), EXIT_CODE_INVALID);
        ck_assert_str_eq(session.diag.text,
                "M\\A: links lead to another key, M\\C is below that; expected the key's own path");
}

Suite *test_suite(void)
{
        return suite_with("subtree", setup, teardown);
}
