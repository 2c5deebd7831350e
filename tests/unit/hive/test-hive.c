/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-ins that are read, and values there and back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/hive/hive.h"
#include "../../../schema/yaml/yaml.h"
#include "alloc-faults.h"
#include "suite.h"

#define TEXT(s) s, sizeof(s) - 1

static const char sample[] = "\xef\xbb\xbf# A comment.\r\n"
                             "peios-registry: 1\r\n"
                             "layer: 50-Site\r\n"
                             "precedence: 0x10\r\n"
                             "enabled: false\r\n"
                             "keys:\r\n"
                             "  \\System\\Audit\\Modules: !blanket\r\n"
                             "    TaintEvents: !sz disabled\r\n"
                             "    \"@\": !sz \"\"\r\n"
                             "    Odd: !multi [a, \"\", 'c']\r\n"
                             "  users/Someone:\r\n"
                             "    Old: !tombstone \"\"\r\n"
                             "    Gone: !tombstone\r\n"
                             "    'a\\b/c': !qword 0xffffffffffffffff\r\n"
                             "  System\\Hidden: !hidden\r\n"
                             "  Machine\\System\\Hidden2: !hidden {}\r\n"
                             "  \\Empty:\r\n"
                             "  \\Empty2: !blanket {}\r\n"
                             "hives: [Users]\r\n";

static const struct hive_value *find(const struct hive_key *k, const char *name)
{
        for (size_t i = 0; i < k->n_values; i++)
                if (strcmp(k->values[i].name, name) == 0)
                        return &k->values[i];
        ck_abort_msg("no value %s", name);
}

static void check_value(const struct hive_value *v, uint32_t type, const void *data, size_t n, uint32_t line)
{
        ck_assert_uint_eq(v->value.type, type);
        ck_assert_uint_eq(v->value.size, n);
        ck_assert(n == 0 || memcmp(v->value.data, data, n) == 0);
        ck_assert_uint_eq(v->line, line);
}

TEST(file_contents)
{
        static const struct {
                const char *path;
                bool hidden, blanket;
                size_t n_values;
                uint32_t line;
        } keys[] = {
                { "Machine\\System\\Audit\\Modules", false, true, 3, 7 },
                { "users\\Someone", false, false, 3, 11 },
                { "Machine\\System\\Hidden", true, false, 0, 15 },
                { "Machine\\System\\Hidden2", true, false, 0, 16 },
                { "Machine\\Empty", false, false, 0, 17 },
                { "Machine\\Empty2", false, true, 0, 18 },
        };
        _cleanup_hive_file_ struct hive_file *f = NULL;
        struct diag d = { 0 };
        int r = hive_parse("t", TEXT(sample), VALUE_BYTES_DEFAULT_MAX, &f, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_str_eq(f->layer, "50-Site");
        ck_assert_uint_eq(f->layer_line, 3);
        ck_assert_uint_eq(f->layer_column, 8);
        ck_assert_uint_eq(f->precedence, 16);
        ck_assert(!f->enabled);
        ck_assert_uint_eq(f->n_keys, ARRAY_SIZE(keys));
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                const struct hive_key *k = &f->keys[i];
                ck_assert_str_eq(k->path.text, keys[i].path);
                ck_assert_int_eq(k->hidden, keys[i].hidden);
                ck_assert_int_eq(k->blanket, keys[i].blanket);
                ck_assert_uint_eq(k->n_values, keys[i].n_values);
                ck_assert_uint_eq(k->line, keys[i].line);
        }
        check_value(find(&f->keys[0], "TaintEvents"), REG_SZ, TEXT("disabled"), 8);
        check_value(find(&f->keys[0], ""), REG_SZ, "", 0, 9);
        check_value(find(&f->keys[0], "Odd"), REG_MULTI_SZ, TEXT("a\0\0c\0"), 10);
        check_value(find(&f->keys[1], "Old"), REG_TOMBSTONE, NULL, 0, 12);
        check_value(find(&f->keys[1], "Gone"), REG_TOMBSTONE, NULL, 0, 13);
        check_value(find(&f->keys[1], "a\\b/c"), REG_QWORD, TEXT("\xff\xff\xff\xff\xff\xff\xff\xff"), 14);
}

TEST(smallest_files)
{
        static const char *const files[] = { "peios-registry: 1\nlayer: x\n",
                "{layer: x, peios-registry: 1}", "peios-registry: 1\nlayer: \"x\"\nkeys:\n",
                "peios-registry: '1'\nlayer: x\nkeys: {}\nhives: []\n" };
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                _cleanup_hive_file_ struct hive_file *f = NULL;
                ck_assert_int_eq(hive_parse("t", files[i], strlen(files[i]), 4096, &f, NULL), 0);
                ck_assert_str_eq(f->layer, "x");
                ck_assert_uint_eq(f->precedence, 0);
                ck_assert(f->enabled);
                ck_assert_uint_eq(f->n_keys, 0);
        }
}

/* As they stand on the command line, too. */
TEST(names_as_people_write_them)
{
        static const char text[] = "peios-registry: 1\nlayer: x\nhives: [Users]\nkeys:\n"
                                   "  HKEY_LOCAL_MACHINE\\A:\n    '@': !sz d\n    '@@': !sz at\n"
                                   "  Computer\\HKU\\B:\n";
        _cleanup_hive_file_ struct hive_file *f = NULL;
        struct diag d = { 0 };
        int r = hive_parse("t", TEXT(text), 4096, &f, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_str_eq(f->keys[0].path.text, "Machine\\A");
        ck_assert_str_eq(f->keys[1].path.text, "Users\\B");
        check_value(find(&f->keys[0], ""), REG_SZ, "d", 1, 6);
        check_value(find(&f->keys[0], "@"), REG_SZ, "at", 2, 7);
}

static const struct {
        const char *text;
        struct value value;
} written[] = {
#define ROW(text, type, data)                                                                               \
        {                                                                                                   \
                text,                                                                                       \
                {                                                                                           \
                        type, sizeof(data) - 1, data                                                        \
                }                                                                                           \
        }
        ROW("!sz no", REG_SZ, "no"),
        ROW("!sz \"a\\tb\"", REG_SZ, "a\tb"),
        ROW("!sz 012", REG_SZ, "012"),
        ROW("!expand '%PATH%;x'", REG_EXPAND_SZ, "%PATH%;x"),
        ROW("!link \\Machine\\A", REG_LINK, "\\Machine\\A"),
        ROW("!dword 5", REG_DWORD, "\5\0\0\0"),
        ROW("!dword '0xfffffffe'", REG_DWORD, "\xfe\xff\xff\xff"),
        ROW("!dword-be 5", REG_DWORD_BIG_ENDIAN, "\0\0\0\5"),
        ROW("!qword 4294967296", REG_QWORD, "\0\0\0\0\1\0\0\0"),
        ROW("!multi []", REG_MULTI_SZ, ""),
        ROW("!multi [\"\"]", REG_MULTI_SZ, "\0"),
        ROW("!multi [a b, 'c,d']", REG_MULTI_SZ, "a b\0c,d\0"),
        ROW("!hex \"\"", REG_BINARY, ""),
        ROW("!hex 00ff", REG_BINARY, "\0\xff"),
        ROW("!hex \"00 FF:1e-0a\"", REG_BINARY, "\0\xff\x1e\n"),
        ROW("!none \"\"", REG_NONE, ""),
        ROW("!none", REG_NONE, ""),
        ROW("!0x0 \"01\"", REG_NONE, "\1"),
        ROW("!0x1 \"ff00\"", REG_SZ, "\xff\0"),
        ROW("!0xa \"01\"", REG_RESOURCE_REQUIREMENTS_LIST, "\1"),
        ROW("!0xffffffff \"\"", UINT32_MAX, ""),
        ROW("!tombstone \"\"", REG_TOMBSTONE, ""),
#undef ROW
};

static void parse_back(const char *text, size_t n, const struct value *expected)
{
        _cleanup_buf_ struct buf doc_text = BUF_INIT, bytes = BUF_INIT;
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct diag d = { 0 };
        uint32_t type = 0;
        buf_puts(&doc_text, "name: ");
        buf_add(&doc_text, text, n);
        buf_putc(&doc_text, '\n');
        int r = yaml_parse("t", doc_text.data, doc_text.len, &doc, &d);
        ck_assert_msg(r == 0, "%s: %s", text, d.text);
        buf_puts(&bytes, "before");
        r = hive_parse_value(doc, yaml_root(doc)->first, &bytes, &type, &d);
        ck_assert_msg(r == 0, "%s: %s", text, d.text);
        struct value v = { type, bytes.len - 6, bytes.data + 6 };
        ck_assert_msg(value_equal(&v, expected), "%s", text);
        ck_assert_mem_eq(bytes.data, "before", 6);
}

TEST(written_values)
{
        for (size_t i = 0; i < ARRAY_SIZE(written); i++)
                parse_back(written[i].text, strlen(written[i].text), &written[i].value);
}

TEST(value_size_limit)
{
        static const char text[] = "peios-registry: 1\nlayer: x\nkeys:\n  \\A: {v: !sz 12345678}\n";
        struct hive_file *f = NULL;
        struct diag d = { 0 };
        ck_assert_int_eq(hive_parse("t", TEXT(text), 7, &f, &d), -EFBIG);
        ck_assert_str_eq(d.text, "t:4:11: value `v` has 8 bytes, expected at most 7");
        ck_assert_int_eq(hive_parse("t", TEXT(text), 8, &f, &d), 0);
        hive_file_free(f);
}

TEST(many_keys)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_hive_file_ struct hive_file *f = NULL;
        buf_puts(&text, "peios-registry: 1\nlayer: x\nkeys:\n");
        for (unsigned i = 0; i < 3000; i++) {
                buf_printf(&text, "  \\K\\%u:\n", i);
                for (unsigned k = 0; k < i % 40; k++)
                        buf_printf(&text, "    v%u: !sz \"%u %u\"\n", k, i, k);
        }
        ck_assert_int_eq(hive_parse("t", text.data, text.len, 4096, &f, NULL), 0);
        ck_assert_uint_eq(f->n_keys, 3000);
        for (unsigned i = 0; i < 3000; i++) {
                ck_assert_uint_eq(f->keys[i].n_values, i % 40);
                for (unsigned k = 0; k < i % 40; k++) {
                        char name[16], data[32];
                        (void)snprintf(name, sizeof(name), "v%u", k);
                        int n = snprintf(data, sizeof(data), "%u %u", i, k);
                        const struct hive_value *v = &f->keys[i].values[k];
                        ck_assert_str_eq(v->name, name);
                        ck_assert_uint_eq(v->value.size, (size_t)n);
                        ck_assert_mem_eq(v->value.data, data, v->value.size);
                }
        }
}

TEST(failing_allocation)
{
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_hive_file_ struct hive_file *f = NULL;
                alloc_fail_at(n);
                failed = alloc_fails(hive_parse("t", TEXT(sample), 4096, &f, NULL), n, 15);
                ck_assert(failed == (f == NULL));
        }
}

TEST(cut_files)
{
        for (size_t n = 0; n < sizeof(sample); n++) {
                _cleanup_hive_file_ struct hive_file *f = NULL;
                _cleanup_free_ char *copy = strndup(sample, n);
                struct diag d = { 0 };
                int r = hive_parse("t", copy, n, 4096, &f, &d);
                ck_assert(r == 0 || (r == -EINVAL && strncmp(d.text, "t:", 2) == 0));
        }
        hive_file_free(NULL);
}

TEST(file_too_large)
{
        struct hive_file *f = NULL;
        struct diag d = { 0 };
        /* Nothing of the text is looked at. */
        ck_assert_int_eq(hive_parse("t", "", HIVE_FILE_BYTES_MAX + 1, 4096, &f, &d), -EFBIG);
        ck_assert_str_eq(d.text, "t: is 67108865 bytes large, expected at most 67108864");
}

Suite *test_suite(void)
{
        return suite_of("hive");
}
