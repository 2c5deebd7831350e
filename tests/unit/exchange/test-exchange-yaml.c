/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of changes as hive YAML: what is read, every bad entry named, and what is written. */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/exchange/exchange.h"
#include "suite.h"

static const char *const users[] = { "Users", NULL };

static int read_text(
        const char *text, const struct exchange_reading *how, struct hive_file **ret, struct diags *problems)
{
        return exchange_read("t", text, strlen(text), how, ret, problems);
}

TEST(one_of_everything)
{
        static const char text[] = "peios-registry: 1\n"
                                   "layer: 20-example\n"
                                   "precedence: 5\n"
                                   "enabled: false\n"
                                   "hives: [Users]\n"
                                   "keys:\n"
                                   "  Machine\\Example:\n"
                                   "    \"@\": !sz \"\"\n"
                                   "    \"@@\": !sz at\n"
                                   "    Text: !sz no\n"
                                   "    Words: !sz two words\n"
                                   "    \" Odd: name\": !expand \"%HOME%/x\"\n"
                                   "    Path: !sz C:\\dir\n"
                                   "    Lines: !sz \"a\\nb \\\" # c\"\n"
                                   "    Count: !dword 4294967295\n"
                                   "    Network: !dword-be 10\n"
                                   "    Large: !qword 18446744073709551615\n"
                                   "    Servers: !multi [one, \"two, three\"]\n"
                                   "    Nobody: !multi []\n"
                                   "    Ended: !0x1 \"6100\"\n"
                                   "    Short: !0x4 \"ff\"\n"
                                   "    Bytes: !hex \"00ff10\"\n"
                                   "    None: !none \"\"\n"
                                   "    Some: !0x0 \"01\"\n"
                                   "    Special: !0x8 \"deadbeef\"\n"
                                   "    Link: !link Machine\\Other\n"
                                   "    Masked: !tombstone \"\"\n"
                                   "    Gone: !delete \"\"\n"
                                   "  Machine\\Empty:\n"
                                   "  Machine\\Hidden: !hidden\n"
                                   "  Machine\\Fresh: !blanket\n"
                                   "    Only: !sz this\n"
                                   "  Machine\\Old: !delete\n"
                                   "  Machine\\New: !replace\n"
                                   "    A: !sz b\n"
                                   "  \"Users\\\\J\xc3\xb6rg\":\n";
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct diag d = { 0 };

        /* A plain text may hold a colon, but need not: what is written has it in quotes. */
        _cleanup_buf_ struct buf expected = BUF_INIT;
        const char *at = strstr(text, "C:\\dir");
        buf_add(&expected, text, (size_t)(at - text));
        buf_puts(&expected, "\"C:\\\\dir\"");
        buf_puts(&expected, at + strlen("C:\\dir"));

        int r = read_text(text, &(struct exchange_reading){ 0 }, &f, &problems);
        ck_assert_msg(r == 0, "%s", problems.n > 0 ? problems.list[0] : "");
        ck_assert_uint_eq(f->n_keys, 7);
        ck_assert(f->keys[4].deleted && !f->keys[4].made && f->keys[5].deleted && f->keys[5].made);
        r = exchange_write(&(struct exchange_writing){ .form = EXCHANGE_YAML,
                                   .hives = users,
                                   .layer = f->layer,
                                   .precedence = &f->precedence,
                                   .enabled = &f->enabled },
                f, &out, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_str_eq(buf_str(&out), buf_str(&expected));
}

static const char bad[] = "peios-registry: 1\n"
                          "keys:\n"
                          "  Good:\n"
                          "    A: !sz a\n"
                          "    B: !dword x\n"
                          "    a: !sz twice\n"
                          "    C: !delete data\n"
                          "    D: !sz d\n"
                          "  bad\\\\path:\n"
                          "    A: !sz a\n"
                          "  Odd: !gone\n"
                          "  Down: !hidden\n"
                          "  Down\\Below:\n"
                          "    A: !sz a\n"
                          "  Away: !delete\n"
                          "    A: !sz a\n"
                          "  machine: !delete\n"
                          "  Last:\n"
                          "    Z: !sz z\n";

TEST(every_bad_entry_is_named)
{
        static const char *const expected[] = { "t:5:8: `x` is not a number",
                "t:6:5: value `a` is here a second", "t:7:8: `!delete` with data",
                "t:9:3: key: component 2 of the path: empty",
                "t:11:8: unknown tag `!gone` on a key, expected !hidden, !blanket or !link, !delete or !replace",
                "t:16:5: a value in a key that is !delete", "t:17:12: a hive itself cannot be !delete",
                "t:13:3: key `Machine\\Down\\Below` is in `Machine\\Down`, which line 12 hides" };
        struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };

        ck_assert_int_eq(read_text(bad, &(struct exchange_reading){ 0 }, &f, &problems), -EINVAL);
        ck_assert_ptr_null(f);
        for (size_t i = 0; i < problems.n; i++)
                ck_assert_msg(i < ARRAY_SIZE(expected) &&
                                      strncmp(problems.list[i], expected[i], strlen(expected[i])) == 0,
                        "%s", problems.list[i]);
        ck_assert_uint_eq(problems.n, ARRAY_SIZE(expected));
        ck_assert_uint_eq(problems.n_all, ARRAY_SIZE(expected));
}

TEST(the_rest_is_kept_on_request)
{
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert_int_eq(read_text(bad, &(struct exchange_reading){ .keep_going = true }, &f, &problems), 0);
        ck_assert_uint_eq(problems.n, 8);
        ck_assert_int_eq(
                exchange_write(&(struct exchange_writing){ .form = EXCHANGE_YAML }, f, &out, NULL), 0);
        ck_assert_str_eq(buf_str(&out), "peios-registry: 1\n"
                                        "keys:\n"
                                        "  Machine\\Good:\n"
                                        "    A: !sz a\n"
                                        "    D: !sz d\n"
                                        "  Machine\\Down: !hidden\n"
                                        "  Machine\\Last:\n"
                                        "    Z: !sz z\n");
}

/* What concerns the whole document cannot be left out. */
TEST(a_bad_head_is_never_passed_over)
{
        static const char *const texts[] = { "peios-registry: 2\n", "peios-registry: 1\nlayer: default\n",
                "peios-registry: 1\nlayers: x\n", "peios-registry: 1\nkeys: [\n",
                "peios-registry: 1\nkeys: a\n" };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct hive_file *f = NULL;
                _cleanup_(diags_done) struct diags problems = { 0 };
                int r = read_text(texts[i], &(struct exchange_reading){ .keep_going = true }, &f, &problems);
                ck_assert_msg(r == -EINVAL && !f && problems.n == 1, "%s", texts[i]);
        }
}

/* The layer to which everybody writes has no drop-in file, but may be exported and applied. */
TEST(a_document_may_name_the_layer_base)
{
        static const char text[] = "peios-registry: 1\nlayer: base\nkeys: {}\n";
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        struct hive_file *dropin = NULL;

        ck_assert_int_eq(read_text(text, &(struct exchange_reading){ 0 }, &f, &problems), 0);
        ck_assert_str_eq(f->layer, "base");
        ck_assert_int_eq(hive_parse("t", text, strlen(text), 4096, &dropin, NULL), -EINVAL);
}

TEST(hives_that_are_there_need_not_be_named)
{
        static const char text[] = "peios-registry: 1\nkeys: {\"users\\\\A\": }\n";
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct diag d = { 0 };

        ck_assert_int_eq(read_text(text, &(struct exchange_reading){ .hives = users }, &f, &problems), 0);
        ck_assert_str_eq(f->keys[0].path.text, "users\\A");
        /* Written without the hive, it would be read as a key of Machine. */
        int r = exchange_write(&(struct exchange_writing){ .form = EXCHANGE_YAML }, f, &out, &d);
        ck_assert_int_eq(r, -EINVAL);
        ck_assert_str_eq(d.text, "key `users\\A`: in a hive that the document does not name");
}

TEST(comments_and_long_paths)
{
        _cleanup_exchange_writer_ struct exchange_writer *w = NULL;
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT, out = BUF_INIT;

        buf_puts(&text, "peios-registry: 1\nkeys:\n  ? Machine");
        for (unsigned i = 0; i < 600; i++)
                buf_puts(&text, "\\\xc3\xa4");
        buf_puts(&text, "\n  : !blanket\n    V: !dword 1\n");
        int r = read_text(buf_str(&text), &(struct exchange_reading){ 0 }, &f, &problems);
        ck_assert_int_eq(r, -EINVAL); /* too deep */
        diags_done(&problems);
        buf_clear(&text);
        buf_puts(&text, "peios-registry: 1\nkeys:\n  ? Machine");
        for (unsigned i = 0; i < 300; i++)
                buf_puts(&text, "\\a\xc3\xa4");
        buf_puts(&text, "\n  : !blanket\n    V: !dword 1\n");
        ck_assert_int_eq(read_text(buf_str(&text), &(struct exchange_reading){ 0 }, &f, &problems), 0);

        ck_assert_int_eq(exchange_writer_new(&(struct exchange_writing){ 0 }, &out, &w, NULL), 0);
        exchange_write_comment(w, "Exported.");
        ck_assert_int_eq(exchange_write_key(w, &f->keys[0], NULL), 0);
        exchange_write_comment(w, "\nof interest");
        ck_assert_int_eq(exchange_write_value(w, &f->keys[0].values[0], "policy", NULL), 0);
        ck_assert_int_eq(exchange_write_end(w), 0);
        const char *rest = strstr(buf_str(&out), "  : ");
        ck_assert_ptr_nonnull(rest);
        ck_assert_str_eq(rest, "  : !blanket\n  # \\x0aof interest\n    V: !dword 1  # policy\n");

        _cleanup_hive_file_ struct hive_file *again = NULL;
        r = read_text(buf_str(&out), &(struct exchange_reading){ 0 }, &again, &problems);
        ck_assert_msg(r == 0, "%s", problems.n > 0 ? problems.list[0] : "");
        ck_assert_str_eq(again->keys[0].path.text, f->keys[0].path.text);
}

Suite *test_suite(void)
{
        return suite_of("exchange-yaml");
}
