/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/audit/record-fields.h"
#include "suite.h"

static struct buf catalog;

static void load(void)
{
        struct diag d = { 0 };

        ck_assert_msg(file_read(AT_FDCWD, CATALOG, 1u << 20, &catalog, NULL, &d) == 0, "%s", d.text);
}

static void unload(void)
{
        buf_done(&catalog);
}

/* Where the entry of this id begins, after its `-- id` line; NULL where there is none. */
static const char *find_entry(const char *id)
{
        char line[40];

        (void)snprintf(line, sizeof(line), "\n-- %s\n", id);
        const char *at = strstr(catalog.data, line);
        return at ? at + strlen(line) : NULL;
}

static bool always_sent(enum record_kind kind, const char *name, size_t n)
{
        if (n == strlen("PEIOS_RESULT") && memcmp(name, "PEIOS_RESULT", n) == 0)
                return true;
        for (enum record_field f = 0; f < RECORD_FIELDS_N; f++)
                if (strlen(record_fields[f].journal) == n && memcmp(record_fields[f].journal, name, n) == 0)
                        return record_kinds[kind].fields & (UINT32_C(1) << f);
        return false;
}

TEST_EACH(every_kind_is_explained, RECORD_KINDS_N)
{
        const char *headers[] = { "Subject: ", "Defined-By: ", "Support: ", "Documentation: " };
        enum record_kind kind = (enum record_kind)_i;
        const char *entry = find_entry(record_message_id(kind));

        ck_assert_msg(entry, "no entry for %s (%s)", record_message_id(kind), record_kinds[kind].op);
        _cleanup_free_ char *text = strdup(entry);
        char *end = strstr(text, "\n-- ");
        if (end)
                *end = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
                ck_assert_msg(
                        strncmp(entry, headers[i], strlen(headers[i])) == 0, "%s is missing", headers[i]);
                entry = strchr(entry, '\n') + 1;
        }
        /* A blank line and the text. */
        ck_assert_int_eq(entry[0], '\n');
        ck_assert_int_ne(entry[1], '\n');
        /* A number alone stands for one record of each boot. */
        ck_assert_msg(strstr(text, "under seqno @PEIOS_SEQNO@\nof boot @PEIOS_BOOT@."), "%s",
                record_kinds[kind].op);
        /* The journal shows the bare name of a field that an entry does not have. */
        for (char *at = strchr(text, '@'); at; at = strchr(at, '@')) {
                char *close = strchr(++at, '@');
                ck_assert_ptr_nonnull(close);
                *close = '\0';
                ck_assert_msg(always_sent(kind, at, strlen(at)), "%s: @%s@", record_kinds[kind].op, at);
                at = close + 1;
        }
}

TEST(every_entry_is_a_kind)
{
        unsigned n = 0;

        for (const char *at = catalog.data; (at = strstr(at, "\n-- ")); n++) {
                bool known = false;
                at += 4;
                for (enum record_kind k = 0; k < RECORD_KINDS_N; k++)
                        known |= strncmp(at, record_message_id(k), 32) == 0 && at[32] == '\n';
                ck_assert_msg(known, "%.32s is no kind", at);
        }
        ck_assert_uint_eq(n, RECORD_KINDS_N);
}

Suite *test_suite(void)
{
        return suite_with("catalog", load, unload);
}
