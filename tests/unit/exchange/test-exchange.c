/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is true of every form: a document comes back as it was written, and memory may fail anywhere. */
#include <errno.h>
#include <string.h>

#include "alloc-faults.h"
#include "documents.h"
#include "suite.h"

#define RUNS 400u

static const char *const users[] = { "Users", NULL };

static const struct form {
        const char *name;
        struct exchange_writing writing;
        struct document_kind kind;
} forms[] = {
        { "YAML", { .form = EXCHANGE_YAML }, { .characters = DOCUMENT_UNICODE } },
        { "JSON", { .form = EXCHANGE_JSON }, { .characters = DOCUMENT_UNICODE } },
        { "Windows", { .form = EXCHANGE_REG }, { .characters = DOCUMENT_UNICODE, .reg = true } },
        { "UTF-8", { .form = EXCHANGE_REG, .variant = EXCHANGE_UTF8 },
                { .characters = DOCUMENT_UNICODE, .reg = true } },
        { "ASCII", { .form = EXCHANGE_REG, .variant = EXCHANGE_ASCII },
                { .characters = DOCUMENT_ASCII, .reg = true, .flat = true } },
        { "REGEDIT4", { .form = EXCHANGE_REG, .variant = EXCHANGE_REGEDIT4 },
                { .characters = DOCUMENT_CP1252, .reg = true } },
};

static void there_and_back(const struct form *form, uint64_t seed)
{
        const struct hive_file *f = document_make(seed, &form->kind);
        struct exchange_writing writing = form->writing;
        const struct exchange_reading reading = { .hives = users,
                .encoding = writing.variant == EXCHANGE_REGEDIT4 ? "CP1252" : NULL };
        _cleanup_hive_file_ struct hive_file *again = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT, twice = BUF_INIT;
        struct diag d = { 0 };

        writing.hives = users;
        int r = exchange_write(&writing, f, &text, &d);
        ck_assert_msg(r == 0, "%s %lu: %s", form->name, (unsigned long)seed, d.text);
        ck_assert_int_eq(exchange_detect(text.data, text.len), writing.form);
        r = exchange_read("t", text.data, text.len, &reading, &again, &problems);
        ck_assert_msg(r == 0, "%s %lu: %s\n%s", form->name, (unsigned long)seed,
                problems.n > 0 ? problems.list[0] : strerror(-r), text.data);
        document_check_equal(f, again, text.data);
        ck_assert_int_eq(exchange_write(&writing, again, &twice, &d), 0);
        ck_assert(text.len == twice.len && memcmp(text.data, twice.data, text.len) == 0);
}

TEST_EACH(every_document_comes_back, ARRAY_SIZE(forms))
{
        for (uint64_t seed = 1; seed <= RUNS; seed++)
                there_and_back(&forms[_i], seed);
}

/* Whatever fails: an error, nothing that leaks, and the next try succeeds. */
TEST_EACH(memory_may_fail, ARRAY_SIZE(forms))
{
        const struct form *form = &forms[_i];
        const struct hive_file *f = document_make(7, &form->kind);
        struct exchange_writing writing = form->writing;
        const struct exchange_reading reading = { .hives = users };
        _cleanup_buf_ struct buf good = BUF_INIT;
        unsigned n = 0;
        bool failed;

        writing.hives = users;
        ck_assert_int_eq(exchange_write(&writing, f, &good, NULL), 0);
        do {
                _cleanup_buf_ struct buf out = BUF_INIT;
                alloc_fail_at(++n);
                int r = exchange_write(&writing, f, &out, NULL);
                failed = alloc_failed();
                ck_assert_msg(failed ? r < 0 : r == 0, "%s: write %u: %d", form->name, n, r);
        } while (failed);
        n = 0;
        do {
                _cleanup_(diags_done) struct diags problems = { 0 };
                struct hive_file *again = NULL;
                alloc_fail_at(++n);
                int r = exchange_read("t", good.data, good.len, &reading, &again, &problems);
                failed = alloc_failed();
                ck_assert_msg(failed ? r == -ENOMEM : r == 0, "%s: read %u: %d", form->name, n, r);
                hive_file_free(again);
        } while (failed);
}

TEST(forms_are_told_by_contents)
{
        static const struct {
                const char *text;
                enum exchange_form form;
        } texts[] = {
                { "peios-registry: 1\n", EXCHANGE_YAML },
                { "# comment\n\nkeys: {}\n", EXCHANGE_YAML },
                { "", EXCHANGE_YAML },
                { "\xef\xbb\xbf \n {\"keys\": []}", EXCHANGE_JSON },
                { "REGEDIT4\n", EXCHANGE_REG },
                { "\xef\xbb\xbfREGEDIT4", EXCHANGE_REG },
                { "; by hand\r\n\r\n  Windows Registry Editor Version 5.00  \r\n", EXCHANGE_REG },
                { "Windows Registry Editor Version 9.00\n", EXCHANGE_REG },
                { "[HKEY_LOCAL_MACHINE\\X]\n", EXCHANGE_REG },
                { "\xff\xfeR", EXCHANGE_REG },
                { "[key Machine\\A]\n", EXCHANGE_YAML },
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                ck_assert_msg(exchange_detect(texts[i].text, strlen(texts[i].text)) == texts[i].form, "%s",
                        texts[i].text);
        ck_assert_int_eq(exchange_detect("R\0E\0", 4), EXCHANGE_REG);

        _cleanup_(diags_done) struct diags problems = { 0 };
        struct hive_file *f = NULL;
        static const char peios[] = "# of reg\n[key Machine\\App]\n  Build = dword:4096\n";
        ck_assert_int_eq(
                exchange_read("t", peios, strlen(peios), &(struct exchange_reading){ 0 }, &f, &problems),
                -EINVAL);
        ck_assert_ptr_nonnull(strstr(problems.list[0], "reg export --json"));
}

Suite *test_suite(void)
{
        return suite_of("exchange");
}
