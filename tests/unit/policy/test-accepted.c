/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/file.h"
#include "../../../schema/layout.h"
#include "entry.h"
#include "scratch.h"
#include "suite.h"

#define FILE_PATH LAYOUT_ACCEPTED_DIR "/" LAYOUT_ACCEPTED_NAME
#define BAD_PATH FILE_PATH ".bad"
#define MODULES "Machine\\System\\Audit\\Modules"

static void store(const struct accepted *a)
{
        struct diag d = { 0 };
        int r = accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, a, &d);

        ck_assert_msg(r == 0, "%s", d.text);
}

static void load(struct accepted *ret)
{
        struct diag d = { 0 };
        int r = accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, ret, &d);

        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_str_eq(d.text, "");
        ck_assert(!scratch_exists(&scratch_root, BAD_PATH));
}

TEST(missing_file_is_an_empty_list)
{
        _cleanup_accepted_ struct accepted a = { .n = 99 };

        load(&a);
        ck_assert_uint_eq(a.n, 0);
        ck_assert_ptr_null(entry_get(&a, MODULES, "TaintEvents"));
        ck_assert_uint_eq(scratch_count(&scratch_root, ""), 0);

        store(&a);
        load(&a);
        ck_assert_uint_eq(a.n, 0);
}

TEST(set_replace_forget)
{
        _cleanup_accepted_ struct accepted a = { 0 };

        entry_set(&a, MODULES, "TaintEvents", "enabled");
        entry_set(&a, MODULES, "Other", "1");
        entry_set(&a, MODULES "\\Deeper", "TaintEvents", "2");
        ck_assert_uint_eq(a.n, 3);
        ck_assert_str_eq(entry_get(&a, "machine\\SYSTEM\\audit\\modules", "taintEVENTS"), "enabled");
        ck_assert_ptr_null(entry_get(&a, MODULES, "TaintEvent"));
        ck_assert_ptr_null(entry_get(&a, "Machine\\System\\Audit", "TaintEvents"));

        entry_set(&a, "MACHINE\\System\\Audit\\Modules", "TAINTEVENTS", "disabled");
        ck_assert_uint_eq(a.n, 3);
        ck_assert_str_eq(entry_get(&a, MODULES, "TaintEvents"), "disabled");

        entry_set(&a, MODULES, "TaintEvents", NULL);
        entry_set(&a, MODULES, "NeverThere", NULL);
        ck_assert_uint_eq(a.n, 2);
        ck_assert_ptr_null(entry_get(&a, MODULES, "TaintEvents"));
        ck_assert_str_eq(entry_get(&a, MODULES, "Other"), "1");
        ck_assert_str_eq(entry_get(&a, MODULES "\\Deeper", "TaintEvents"), "2");
}

TEST(file_is_as_documented)
{
        static const char body[] = "peios-accepted: 1\n"
                                   "values:\n"
                                   "  \"\\\\Machine\\\\A\":\n"
                                   "    \"one\": \"1\"\n"
                                   "    \"Two\": \"a \\\"b\\\"\"\n"
                                   "  \"\\\\Machine\\\\B\":\n"
                                   "    \"\": \"no\"\n";
        _cleanup_accepted_ struct accepted a = { 0 };
        entry_set(&a, "Machine\\B", "", "no");
        entry_set(&a, "MACHINE\\a", "Two", "a \"b\"");
        entry_set(&a, "Machine\\A", "one", "1");
        store(&a);

        _cleanup_buf_ struct buf expected = BUF_INIT, file = BUF_INIT;
        buf_printf(&expected, "%s# crc32c: %08" PRIx32 "\n", body, file_sum(0, body, strlen(body)));
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &file));
        ck_assert_str_eq(buf_str(&file), buf_str(&expected));

        struct stat st;
        ck_assert_int_eq(stat(scratch_path(&scratch_root, FILE_PATH), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(scratch_count(&scratch_root, LAYOUT_ACCEPTED_DIR), 1);
}

TEST(what_waits)
{
        static const char body[] = "peios-accepted: 1\n"
                                   "values:\n"
                                   "  \"\\\\Machine\\\\A\":\n"
                                   "    \"one\": \"1\"\n"
                                   "    \"two\": \"2\"\n"
                                   "pending:\n"
                                   "  \"\\\\Machine\\\\A\":\n"
                                   "    \"one\": \"\"\n"
                                   "    \"two\": {}\n"
                                   "  \"\\\\Machine\\\\B\":\n"
                                   "    \"three\": \"3\"\n"
                                   "boot: \"01234567-1111-2222-3333-444455556666\"\n";
        _cleanup_accepted_ struct accepted a = { .boot = "01234567-1111-2222-3333-444455556666" }, b = { 0 };
        _cleanup_buf_ struct buf expected = BUF_INIT, file = BUF_INIT;

        entry_set(&a, "Machine\\A", "one", "1");
        entry_set(&a, "Machine\\A", "two", "2");
        entry_set_pending(&a, "Machine\\a", "ONE", true, "");
        entry_set_pending(&a, "Machine\\A", "two", true, NULL);
        entry_set_pending(&a, "Machine\\B", "three", true, "3");
        store(&a);
        buf_printf(&expected, "%s# crc32c: %08" PRIx32 "\n", body, file_sum(0, body, strlen(body)));
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &file));
        ck_assert_str_eq(buf_str(&file), buf_str(&expected));
        load(&b);
        ck_assert_str_eq(b.boot, a.boot);
        ck_assert_str_eq(entry_pending(&b, "Machine\\A", "one"), "");
        ck_assert_ptr_null(entry_pending(&b, "Machine\\A", "two"));
        ck_assert_str_eq(entry_pending(&b, "Machine\\B", "three"), "3");
        ck_assert_ptr_null(entry_get(&b, "Machine\\B", "three"));
        ck_assert_str_eq(entry_pending(&b, MODULES, "TaintEvents"), "none");

        /* Each half goes by itself, and the entry with the second. */
        entry_set(&b, "Machine\\A", "two", NULL);
        ck_assert_ptr_null(entry_pending(&b, "Machine\\A", "two"));
        entry_set_pending(&b, "Machine\\A", "one", false, NULL);
        ck_assert_str_eq(entry_get(&b, "Machine\\A", "one"), "1");
        ck_assert_uint_eq(b.n, 3);
        entry_set_pending(&b, "Machine\\A", "two", false, NULL);
        entry_set_pending(&b, "Machine\\B", "three", false, NULL);
        ck_assert_uint_eq(b.n, 1);
        store(&b);
}

static const struct {
        const char *key, *name, *text;
} awkward[] = {
        { MODULES, "TaintEvents", "failure-only" },
        { MODULES, "", "" },
        { MODULES, "no", "off" },
        { MODULES, "~", "null" },
        { MODULES, "<<", "*anchor" },
        { MODULES, " blanks ", "  two blanks  " },
        { MODULES, "name: with # signs", "value: with # signs" },
        { MODULES, "back\\slash/and/slash", "C:\\path\\" },
        { MODULES, "quotes\"'", "\"'\\\"" },
        { MODULES, "line\nbreak", "a\nb\r\nc\n\n" },
        { MODULES, "tab\t", "\t\ta\t" },
        { MODULES, "control \x01\x02\x1b\x7f", "\x01\x1f\x7f" },
        { MODULES, "next line \xc2\x85", "\xc2\x85\xe2\x80\xa8\xe2\x80\xa9" },
        { MODULES, "mark \xef\xbb\xbf", "\xef\xbb\xbf\xef\xbf\xbe\xef\xbf\xbf" },
        { MODULES, "\xc3\xa9", "e\xcc\x81 \xf0\x9f\x90\xa7" },
        { MODULES, "# crc32c: 00000000", "# crc32c: 00000000\n" },
        { "Users\\S-1\\Machine", "x", "another hive" },
        { "Machine\\Users\\S-1\\Machine", "x", "not that hive" },
        { "Machine", "x", "the hive itself" },
        { "Machine\\a: b\\\"c\\# d\\- e", "x", "odd components" },
};

TEST(round_trip)
{
        _cleanup_accepted_ struct accepted a = { 0 };
        for (size_t i = 0; i < ARRAY_SIZE(awkward); i++)
                entry_set(&a, awkward[i].key, awkward[i].name, awkward[i].text);
        ck_assert_uint_eq(a.n, ARRAY_SIZE(awkward));
        store(&a);

        _cleanup_accepted_ struct accepted b = { 0 };
        load(&b);
        ck_assert_uint_eq(b.n, a.n);
        for (size_t i = 0; i < ARRAY_SIZE(awkward); i++) {
                const char *text = entry_get(&b, awkward[i].key, awkward[i].name);
                ck_assert_msg(text && strcmp(text, awkward[i].text) == 0, "case %zu: '%s'", i, text);
        }
        for (size_t i = 0; i < a.n; i++) {
                ck_assert_str_eq(b.list[i].key, a.list[i].key);
                ck_assert_str_eq(b.list[i].name, a.list[i].name);
        }
}

/* Beyond what YAML takes as a simple key. */
TEST(long_names)
{
        static char key[8000], name[NAME_BYTES_MAX + 1], text[70000];
        (void)strcpy(key, "Machine");
        for (size_t n = strlen(key); n + 200 < sizeof(key); n += 200) {
                memset(key + n, 'k', 200);
                key[n] = '\\';
        }
        memset(name, '"', sizeof(name) - 1);
        memset(text, 't', sizeof(text) - 1);

        _cleanup_accepted_ struct accepted a = { 0 };
        for (size_t n = 210; n <= 250; n += 5) {
                name[n] = '\0';
                entry_set(&a, key, name, text);
                entry_set(&a, MODULES, name, "short");
                name[n] = '"';
        }
        entry_set(&a, key, name, "the longest name");
        store(&a);

        _cleanup_accepted_ struct accepted b = { 0 };
        load(&b);
        ck_assert_uint_eq(b.n, 19);
        ck_assert_str_eq(entry_get(&b, key, name), "the longest name");
        name[220] = '\0';
        ck_assert_str_eq(entry_get(&b, key, name), text);
        ck_assert_str_eq(entry_get(&b, MODULES, name), "short");
}

/* Refused, and set aside with all its bytes. */
static void expect_bad(const void *data, size_t n, const char *what)
{
        struct accepted a = { .n = 99 };
        struct diag d = { 0 };
        _cleanup_buf_ struct buf bad = BUF_INIT;

        scratch_remove(&scratch_root, BAD_PATH);
        scratch_write(&scratch_root, FILE_PATH, data, n);
        int r = accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d);
        ck_assert_msg(r == -EINVAL, "%s: %d", what, r);
        ck_assert_msg(a.n == 99, "%s: output written", what);
        ck_assert_msg(strstr(d.text, "set aside as") && strstr(d.text, ".bad'"), "%s: %s", what, d.text);
        ck_assert_msg(strstr(d.text, FILE_PATH) != NULL, "%s: %s", what, d.text);
        ck_assert_msg(!scratch_exists(&scratch_root, FILE_PATH), "%s: still there", what);
        ck_assert(scratch_read(&scratch_root, BAD_PATH, &bad));
        ck_assert_uint_eq(bad.len, n);
        ck_assert_mem_eq(buf_str(&bad), data, n);
}

static void small_file(struct buf *ret)
{
        _cleanup_accepted_ struct accepted a = { 0 };

        entry_set(&a, MODULES, "TaintEvents", "disabled");
        entry_set(&a, "Machine\\B", "n", "1");
        entry_set_pending(&a, "Machine\\B", "n", true, "2");
        store(&a);
        ck_assert(scratch_read(&scratch_root, FILE_PATH, ret));
}

TEST(truncated_at_every_byte)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        small_file(&file);
        for (size_t n = 0; n < file.len; n++)
                expect_bad(file.data, n, "truncated");
}

TEST(garbled_at_every_byte)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        small_file(&file);
        for (size_t i = 0; i < file.len; i++) {
                file.data[i] = (char)(file.data[i] ^ 0x20);
                expect_bad(file.data, file.len, "garbled");
                file.data[i] = (char)(file.data[i] ^ 0x20);
        }
        buf_putc(&file, '\n');
        expect_bad(file.data, file.len, "one byte more");
        memset(file.data, 0, file.len);
        expect_bad(file.data, file.len, "all zero");
}

/* The checksum is right, what it covers is not. */
static const char *const wrong_bodies[] = {
        "",
        "# nothing\n",
        "just text\n",
        "- a\n- b\n",
        "peios-accepted: 1\n",
        "values: {}\n",
        "peios-accepted: 2\nvalues: {}\n",
        "peios-accepted: 01\nvalues: {}\n",
        "peios-accepted: [1]\nvalues: {}\n",
        "peios-accepted: !x 1\nvalues: {}\n",
        "peios-accepted: 1\nvalues:\n",
        "peios-accepted: 1\nvalues: text\n",
        "peios-accepted: 1\nvalues: !x {}\n",
        "peios-accepted: 1\nvalues: []\n",
        "peios-accepted: 1\nvalues: {}\nmore: 1\n",
        "peios-accepted: 1\nValues: {}\n",
        "peios-accepted: 1\nvalues: {}\nvalues: {}\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A: text\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A: [b]\n",
        "peios-accepted: 1\nvalues:\n  !x Machine\\A:\n    b: c\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A:\n    b: {}\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A:\n    b: !sz c\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A:\n    !sz b: c\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A:\n    b: c\n    b: d\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A:\n    b: c\n    B: d\n",
        "peios-accepted: 1\nvalues:\n  Machine\\A:\n    b: c\n  \\machine\\a:\n    B: d\n",
        "peios-accepted: 1\nvalues:\n  Machine\\\\A:\n    b: c\n",
        "peios-accepted: 1\nvalues:\n  \"\":\n    b: c\n",
        "peios-accepted: 1\nvalues: {}\n---\npeios-accepted: 1\nvalues: {}\n",
        "peios-accepted: &a 1\nvalues: {}\n",
        "peios-accepted: 1\nvalues: {\n",
        "peios-accepted: 1\npending: {}\n",
        "peios-accepted: 1\nvalues: {}\npending: []\n",
        "peios-accepted: 1\nvalues: {}\npending:\n  Machine\\A:\n    b: []\n",
        "peios-accepted: 1\nvalues: {}\npending:\n  Machine\\A:\n    b: {c: d}\n",
        "peios-accepted: 1\nvalues: {}\npending:\n  Machine\\A:\n    b: {}\n    B: c\n",
        "peios-accepted: 1\nvalues: {}\nboot: [a]\n",
        "peios-accepted: 1\nvalues: {}\nboot: today\n",
        "peios-accepted: 1\nvalues: {}\nboot: 01234567-1111-2222-3333-4444555566667\n",
};

TEST_EACH(strict, ARRAY_SIZE(wrong_bodies))
{
        _cleanup_buf_ struct buf file = BUF_INIT;
        const char *body = wrong_bodies[_i];

        buf_printf(&file, "%s# crc32c: %08" PRIx32 "\n", body, file_sum(0, body, strlen(body)));
        expect_bad(file.data, file.len, body);
}

TEST(earlier_bad_files_stay)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct accepted a;
        struct diag d;

        for (unsigned i = 0; i < 100; i++) {
                buf_clear(&text);
                buf_printf(&text, "bad file %u", i);
                scratch_puts(&scratch_root, FILE_PATH, text.data);
                ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EINVAL);
                ck_assert(!scratch_exists(&scratch_root, FILE_PATH));
        }
        ck_assert(scratch_read(&scratch_root, BAD_PATH, &text));
        ck_assert_str_eq(text.data, "bad file 0");
        ck_assert(scratch_read(&scratch_root, BAD_PATH ".1", &text));
        ck_assert_str_eq(text.data, "bad file 1");
        ck_assert(scratch_read(&scratch_root, BAD_PATH ".99", &text));
        ck_assert_str_eq(text.data, "bad file 99");

        /* There is an end to it; the file is not trusted all the same. */
        scratch_puts(&scratch_root, FILE_PATH, "one too many");
        ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EINVAL);
        ck_assert_ptr_nonnull(strstr(d.text, "cannot be set aside"));
        ck_assert(scratch_exists(&scratch_root, FILE_PATH));
        ck_assert_uint_eq(scratch_count(&scratch_root, LAYOUT_ACCEPTED_DIR), 101);
}

TEST(what_is_no_file_is_left_alone)
{
        struct accepted a = { .n = 99 };
        struct diag d = { 0 };

        ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), 0);
        a.n = 99;
        scratch_puts(&scratch_root, FILE_PATH "/in/it", "");
        ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EISDIR);
        ck_assert_ptr_nonnull(strstr(d.text, "is a directory"));
        ck_assert(scratch_exists(&scratch_root, FILE_PATH "/in/it"));

        scratch_remove(&scratch_root, FILE_PATH "/in/it");
        scratch_remove(&scratch_root, FILE_PATH "/in");
        scratch_remove(&scratch_root, FILE_PATH);
        ck_assert_int_eq(mkfifo(scratch_path(&scratch_root, FILE_PATH), 0600), 0);
        ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EINVAL);
        ck_assert(scratch_exists(&scratch_root, FILE_PATH));
        ck_assert(!scratch_exists(&scratch_root, BAD_PATH));
        ck_assert_uint_eq(a.n, 99);
}

TEST(too_large)
{
        static char text[3 << 20];
        _cleanup_accepted_ struct accepted a = { 0 };
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
        struct diag d = { 0 };

        small_file(&before);
        memset(text, 't', sizeof(text) - 1);
        entry_set(&a, MODULES, "one", text);
        entry_set(&a, MODULES, "two", text);
        ck_assert_int_eq(accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EFBIG);
        ck_assert_ptr_nonnull(strstr(d.text, "at most"));
        ck_assert(scratch_read(&scratch_root, FILE_PATH, &after));
        ck_assert_str_eq(after.data, before.data);

        while (before.len <= sizeof(text) * 2)
                buf_puts(&before, text);
        scratch_write(&scratch_root, FILE_PATH, before.data, before.len);
        ck_assert_int_eq(accepted_load(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), -EFBIG);
        ck_assert(scratch_exists(&scratch_root, BAD_PATH));
        ck_assert(!scratch_exists(&scratch_root, FILE_PATH));
}

TEST(directory_that_cannot_be_made)
{
        struct accepted a = { 0 };
        struct diag d = { 0 };

        scratch_puts(&scratch_root, "/etc/peios", "a file");
        ck_assert_int_lt(accepted_store(scratch_root.root, LAYOUT_ACCEPTED_NAME, &a, &d), 0);
        ck_assert_ptr_nonnull(strstr(d.text, "cannot be written"));
}

Suite *test_suite(void)
{
        return suite_with("accepted", scratch_setup, scratch_teardown);
}
