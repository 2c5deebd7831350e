/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .reg texts that are written, byte by byte, for each of those who read them; and what cannot be written. */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/exchange/exchange.h"
#include "suite.h"

static const char *const hives[] = { "Users", "Site", NULL };
static const struct exchange_root roots[] = { { "HKEY_CURRENT_USER", "Users\\S-1-5-21-7" } };

static const char sample[] =
        "peios-registry: 1\n"
        "hives: [Users, Site]\n"
        "keys:\n"
        "  Machine\\A\\B:\n"
        "    \"@\": !sz default\n"
        "    \"@@\": !sz at\n"
        "    \"q\\\"\\\\\": !sz \"q\\\"\\\\\"\n"
        "    \xc3\xa4: !sz \xc3\xa4\n"
        "    Lines: !sz \"a\\nb\"\n"
        "    Ended: !0x1 \"6100\"\n"
        "    E: !expand \"%A%\"\n"
        "    M: !multi [a, b]\n"
        "    D: !dword 31\n"
        "    BE: !dword-be 31\n"
        "    Q: !qword 1\n"
        "    N: !none \"\"\n"
        "    X: !hex \"00010203040506070809101112131415161718192021222324252627282930\"\n"
        "    R: !0x8 \"ff\"\n"
        "    Gone: !delete \"\"\n"
        "  Users\\S-1-5-21-7\\Env:\n"
        "  Users\\S-1-5-21-77: !delete\n"
        "  Site: \n"
        "  Machine\\A\\C: !replace\n"
        "    V: !dword 0xffffffff\n";

static struct hive_file *read_yaml(const char *text)
{
        _cleanup_(diags_done) struct diags problems = { 0 };
        struct hive_file *f = NULL;
        int r = exchange_read(
                "t", text, strlen(text), &(struct exchange_reading){ .hives = hives }, &f, &problems);
        ck_assert_msg(r == 0, "%s", problems.n > 0 ? problems.list[0] : strerror(-r));
        return f;
}

#define HEX_X(end)                                                                                          \
        "\"X\"=hex:00,01,02,03,04,05,06,07,08,09,10,11,12,13,14,15,16,17,18,19,20,21,22,\\" end             \
        "  23,24,25,26,27,28,29,30" end

TEST(for_people)
{
        static const char expected[] = "Windows Registry Editor Version 5.00\n"
                                       "\n"
                                       "[HKEY_LOCAL_MACHINE\\A\\B]\n"
                                       "@=\"default\"\n"
                                       "\"@\"=\"at\"\n"
                                       "\"q\\\"\\\\\"=\"q\\\"\\\\\"\n"
                                       "\"\xc3\xa4\"=\"\xc3\xa4\"\n"
                                       "\"Lines\"=hex(1):61,00,0a,00,62,00,00,00\n"
                                       "\"Ended\"=hex(1):61,00,00,00,00,00\n"
                                       "\"E\"=hex(2):25,00,41,00,25,00,00,00\n"
                                       "\"M\"=hex(7):61,00,00,00,62,00,00,00,00,00\n"
                                       "\"D\"=dword:0000001f\n"
                                       "\"BE\"=hex(5):00,00,00,1f\n"
                                       "\"Q\"=hex(b):01,00,00,00,00,00,00,00\n"
                                       "\"N\"=hex(0):\n" HEX_X("\n") "\"R\"=hex(8):ff\n"
                                                                     "\"Gone\"=-\n"
                                                                     "\n"
                                                                     "[HKEY_CURRENT_USER\\Env]\n"
                                                                     "\n"
                                                                     "[-HKEY_USERS\\S-1-5-21-77]\n"
                                                                     "\n"
                                                                     "[Site]\n"
                                                                     "\n"
                                                                     "[-HKEY_LOCAL_MACHINE\\A\\C]\n"
                                                                     "\n"
                                                                     "[HKEY_LOCAL_MACHINE\\A\\C]\n"
                                                                     "\"V\"=dword:ffffffff\n"
                                                                     "\n";
        _cleanup_hive_file_ struct hive_file *f = read_yaml(sample);
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct diag d = { 0 };
        int r = exchange_write(&(struct exchange_writing){ .form = EXCHANGE_REG,
                                       .variant = EXCHANGE_UTF8,
                                       .hives = hives,
                                       .roots = roots,
                                       .n_roots = 1 },
                f, &out, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_str_eq(buf_str(&out), expected);
}

static const char small[] =
        "peios-registry: 1\nkeys:\n"
        "  Machine\\A\\B:\n    V: !sz \xc3\xa4\n    W: !sz a\n    E: !expand a\n    M: !multi [a]\n"
        "  Machine\\A\\B\\C:\n"
        "  Machine\\A\\D:\n";

static void write_small(enum exchange_variant variant, const char *encoding, struct buf *out)
{
        _cleanup_hive_file_ struct hive_file *f = read_yaml(small);
        struct diag d = { 0 };
        int r = exchange_write(
                &(struct exchange_writing){ .form = EXCHANGE_REG, .variant = variant, .encoding = encoding },
                f, out, &d);
        ck_assert_msg(r == 0, "%s", d.text);
}

TEST(for_windows)
{
        static const char expected[] =
                "Windows Registry Editor Version 5.00\r\n\r\n"
                "[HKEY_LOCAL_MACHINE\\A\\B]\r\n\"V\"=\"\xe4\"\r\n\"W\"=\"a\"\r\n"
                "\"E\"=hex(2):61,00,00,00\r\n\"M\"=hex(7):61,00,00,00,00,00\r\n\r\n"
                "[HKEY_LOCAL_MACHINE\\A\\B\\C]\r\n\r\n[HKEY_LOCAL_MACHINE\\A\\D]\r\n\r\n";
        _cleanup_buf_ struct buf out = BUF_INIT;

        write_small(EXCHANGE_WINDOWS, NULL, &out);
        ck_assert_uint_eq(out.len, 2 + 2 * strlen(expected));
        ck_assert(memcmp(out.data, "\xff\xfe", 2) == 0);
        for (size_t i = 0; expected[i]; i++)
                ck_assert_msg(
                        out.data[2 + 2 * i] == expected[i] && out.data[3 + 2 * i] == '\0', "at %zu", i);
}

TEST(for_hivexregedit)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        write_small(EXCHANGE_ASCII, NULL, &out);
        ck_assert_str_eq(buf_str(&out),
                "Windows Registry Editor Version 5.00\n"
                "\n[HKEY_LOCAL_MACHINE\\A]\n"
                "\n[HKEY_LOCAL_MACHINE\\A\\B]\n\"V\"=hex(1):e4,00,00,00\n\"W\"=\"a\"\n"
                "\"E\"=hex(2):61,00,00,00\n\"M\"=hex(7):61,00,00,00,00,00\n"
                "\n[HKEY_LOCAL_MACHINE\\A\\B\\C]\n\n[HKEY_LOCAL_MACHINE\\A\\D]\n\n");
}

TEST(of_version_4)
{
        _cleanup_buf_ struct buf out = BUF_INIT, dos = BUF_INIT;

        write_small(EXCHANGE_REGEDIT4, NULL, &out);
        ck_assert_str_eq(buf_str(&out),
                "REGEDIT4\r\n"
                "\r\n[HKEY_LOCAL_MACHINE\\A\\B]\r\n\"V\"=\"\xe4\"\r\n\"W\"=\"a\"\r\n"
                "\"E\"=hex(2):61,00\r\n\"M\"=hex(7):61,00,00\r\n"
                "\r\n[HKEY_LOCAL_MACHINE\\A\\B\\C]\r\n\r\n[HKEY_LOCAL_MACHINE\\A\\D]\r\n\r\n");
        write_small(EXCHANGE_REGEDIT4, "CP850", &dos);
        ck_assert_ptr_nonnull(strstr(buf_str(&dos), "\"V\"=\"\x84\"\r\n"));
        int r = exchange_write(
                &(struct exchange_writing){
                        .form = EXCHANGE_REG, .variant = EXCHANGE_REGEDIT4, .encoding = "KLINGON" },
                &(struct hive_file){ 0 }, &out, NULL);
        ck_assert_int_eq(r, -EINVAL);
}

#define IN(yaml) "peios-registry: 1\nhives: [Users, Site]\nkeys:\n" yaml
#define VALUE(yaml) IN("  Machine\\A:\n    " yaml "\n")

/* Refused by name; where its bytes can be kept instead of its type, only on request. */
TEST(what_cannot_be_said)
{
        static const struct {
                enum exchange_variant variant;
                const char *text, *why, *as_hex;
        } bad[] = {
                { 0, VALUE("V: !tombstone \"\""), "value `V` of type REG_TOMBSTONE: a tombstone", NULL },
                { 0, VALUE("\"@\": !link Machine"), "value `@` of type REG_LINK: a link",
                        "@=hex:4d,61,63,68,69,6e,65\n" },
                { 0, VALUE("V: !0x1 \"ff\""), "value `V` of type REG_SZ: is not text", "\"V\"=hex:ff\n" },
                { 0, VALUE("V: !0x1 \"610062\""), "value `V` of type REG_SZ: is not text",
                        "\"V\"=hex:61,00,62\n" },
                { 0, VALUE("V: !0x7 \"ff00\""), "value `V` of type REG_MULTI_SZ: is not text",
                        "\"V\"=hex:ff,00\n" },
                { 0, VALUE("V: !0x4 \"01\""), "value `V` of type REG_DWORD: has not the length",
                        "\"V\"=hex:01\n" },
                { 0, VALUE("V: !0x5 \"\""), "value `V` of type REG_DWORD_BIG_ENDIAN: has not",
                        "\"V\"=hex:\n" },
                { 0, VALUE("V: !0xb \"01\""), "value `V` of type REG_QWORD: has not the length",
                        "\"V\"=hex:01\n" },
                { 0, VALUE("\"a\\nb\": !sz \"\""), "value `a\\x0ab`: has a character", NULL },
                { EXCHANGE_REGEDIT4, VALUE("V: !sz \"\\u03a9\""),
                        "value `V` of type REG_SZ: is not text that this kind", "\"V\"=hex:ce,a9\r\n" },
                { EXCHANGE_REGEDIT4, VALUE("\"\\u03a9\": !sz \"\""), "value `\xce\xa9`: has a character",
                        NULL },
                { EXCHANGE_ASCII, VALUE("\"\\u03a9\": !sz \"\""), "value `\xce\xa9`: has a character",
                        NULL },
                { EXCHANGE_ASCII, IN("  \"Machine\\\\\\u03a9\":\n"),
                        "key `Machine\\\xce\xa9`: has a character", NULL },
                { 0, IN("  \"Machine\\\\a\\tb\":\n"), "key `Machine\\a\\x09b`: has a character", NULL },
                { 0, IN("  \"Machine\\\\a] ;b\":\n"), "key `Machine\\a] ;b`: `]` and `;`", NULL },
                { 0, IN("  Machine\\HKCU:\n"), "key `Machine\\HKCU`: the name of a root", NULL },
                { 0, IN("  Machine\\A: !hidden\n"), "key `Machine\\A`: hidden, for which", NULL },
                { 0, IN("  Machine\\A: !link\n    \"@\": !link Machine\n"),
                        "key `Machine\\A`: a link, for which", "@=hex:4d,61,63,68,69,6e,65\n" },
                { 0, IN("  Machine\\A: !blanket\n"), "key `Machine\\A`: has a blanket, for which", NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_hive_file_ struct hive_file *f = read_yaml(bad[i].text);
                _cleanup_buf_ struct buf out = BUF_INIT;
                struct exchange_writing how = {
                        .form = EXCHANGE_REG, .variant = bad[i].variant, .hives = hives
                };
                struct diag d = { 0 };
                if (how.variant == 0)
                        how.variant = EXCHANGE_UTF8;

                ck_assert_int_eq(exchange_write(&how, f, &out, &d), -EINVAL);
                ck_assert_msg(
                        strncmp(d.text, bad[i].why, strlen(bad[i].why)) == 0, "%s\n%s", d.text, bad[i].why);
                buf_clear(&out);
                how.as_hex = true;
                int r = exchange_write(&how, f, &out, &d);
                ck_assert_msg(r == (bad[i].as_hex ? 0 : -EINVAL), "%s", bad[i].text);
                ck_assert_msg(!bad[i].as_hex || strstr(out.data, bad[i].as_hex), "%s", buf_str(&out));
        }
}

/* After a refusal the text goes on as if nothing had been asked. */
TEST(a_refusal_leaves_nothing_behind)
{
        _cleanup_hive_file_ struct hive_file *f =
                read_yaml(VALUE("V: !tombstone \"\"\n    W: !dword 1\n    X: !0x1 \"ff\""));
        _cleanup_exchange_writer_ struct exchange_writer *w = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        const struct exchange_writing how = { .form = EXCHANGE_REG, .variant = EXCHANGE_UTF8 };

        ck_assert_int_eq(exchange_writer_new(&how, &out, &w, NULL), 0);
        exchange_write_comment(w, "of \xc3\xa4 \n");
        ck_assert_int_eq(exchange_write_key(w, &f->keys[0], NULL), 0);
        ck_assert_int_eq(exchange_write_value(w, &f->keys[0].values[0], "policy", NULL), -EINVAL);
        ck_assert_int_eq(exchange_write_value(w, &f->keys[0].values[1], "policy", NULL), 0);
        ck_assert_int_eq(exchange_write_value(w, &f->keys[0].values[2], "policy", NULL), -EINVAL);
        ck_assert_int_eq(exchange_write_end(w), 0);
        ck_assert_str_eq(buf_str(&out), "Windows Registry Editor Version 5.00\n; of \xc3\xa4 \\x0a\n\n"
                                        "[HKEY_LOCAL_MACHINE\\A]\n; policy\n\"W\"=dword:00000001\n\n");
}

/* For hivexregedit a comment would end the values of the key. */
TEST(no_comments_among_values_for_hivexregedit)
{
        _cleanup_hive_file_ struct hive_file *f = read_yaml(VALUE("V: !dword 1"));
        _cleanup_exchange_writer_ struct exchange_writer *w = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        const struct exchange_writing how = { .form = EXCHANGE_REG, .variant = EXCHANGE_ASCII };

        ck_assert_int_eq(exchange_writer_new(&how, &out, &w, NULL), 0);
        exchange_write_comment(w, "\xc3\xa4");
        ck_assert_int_eq(exchange_write_key(w, &f->keys[0], NULL), 0);
        exchange_write_comment(w, "here");
        ck_assert_int_eq(exchange_write_value(w, &f->keys[0].values[0], "policy", NULL), 0);
        ck_assert_int_eq(exchange_write_end(w), 0);
        ck_assert_str_eq(buf_str(&out), "Windows Registry Editor Version 5.00\n; ??\n\n"
                                        "[HKEY_LOCAL_MACHINE\\A]\n\"V\"=dword:00000001\n\n");
}

/* What is cleared on the way does not come back, and the text is whole: memory is that of one value. */
TEST(the_text_may_be_taken_away_on_the_way)
{
        static const struct exchange_writing forms[] = { { .form = EXCHANGE_YAML },
                { .form = EXCHANGE_JSON }, { .form = EXCHANGE_REG },
                { .form = EXCHANGE_REG, .variant = EXCHANGE_REGEDIT4 } };
        _cleanup_hive_file_ struct hive_file *f = read_yaml(small);

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                _cleanup_exchange_writer_ struct exchange_writer *w = NULL;
                _cleanup_buf_ struct buf part = BUF_INIT, parts = BUF_INIT, whole = BUF_INIT;
                ck_assert_int_eq(exchange_write(&forms[i], f, &whole, NULL), 0);
                ck_assert_int_eq(exchange_writer_new(&forms[i], &part, &w, NULL), 0);
                for (size_t k = 0; k < f->n_keys; k++) {
                        const struct hive_key *key = &f->keys[k];
                        ck_assert_int_eq(exchange_write_key(w, key, NULL), 0);
                        for (size_t n = 0; n < key->n_values; n++) {
                                buf_add(&parts, part.data, part.len);
                                buf_clear(&part);
                                ck_assert_int_eq(exchange_write_value(w, &key->values[n], NULL, NULL), 0);
                        }
                }
                ck_assert_int_eq(exchange_write_end(w), 0);
                buf_add(&parts, part.data, part.len);
                ck_assert(parts.len == whole.len && memcmp(parts.data, whole.data, whole.len) == 0);
        }
}

Suite *test_suite(void)
{
        return suite_of("exchange-writer");
}
