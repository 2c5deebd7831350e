/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libauparse reads our records: the fields it finds are ours, in our order, and each says what went in. */
#include <auparse.h>
#include <check.h>
#include <libaudit.h>
#include <stdio.h>
#include <string.h>

#include "samples.h"
#include "suite.h"

static const char *const before[] = { "type", "pid", "uid", "auid", "ses" };
static const char *const after[][2] = {
        { "exe", SAMPLE_EXE },
        { "hostname", "?" },
        { "addr", "?" },
        { "terminal", "?" },
        { "res", NULL },
};

/* What a reader of `hex:` gets. */
static void decode_word(const char *word, struct buf *out)
{
        if (strncmp(word, "hex:", 4) != 0) {
                buf_puts(out, word);
                return;
        }
        for (const char *p = word + 4; *p; p += 2) {
                unsigned byte;
                ck_assert_int_eq(sscanf(p, "%2x", &byte), 1);
                buf_putc(out, (char)byte);
        }
}

static void check_field(auparse_state_t *au, const struct record *r, enum record_field f)
{
        struct field_value want = record_field(r, f);
        const char *raw = auparse_get_field_str(au);
        _cleanup_buf_ struct buf got = BUF_INIT;

        ck_assert_str_eq(auparse_get_field_name(au), record_fields[f].name);
        switch (record_fields[f].encoding) {
        case ENCODE_TEXT:
                buf_puts(&got, auparse_interpret_field(au));
                break;
        case ENCODE_WORD:
                decode_word(raw, &got);
                break;
        case ENCODE_STACK:
                record_add_stack(&got, "stack", want.text, record_fields[f].max);
                ck_assert_str_eq(raw, strchr(buf_str(&got), '=') + 1);
                return;
        case ENCODE_TIME:
                ck_assert_str_eq(raw, SAMPLE_WHEN);
                return;
        default:
                if (want.known || record_fields[f].encoding == ENCODE_ID)
                        ck_assert_uint_eq(strtoull(raw, NULL, 10), want.number);
                else
                        ck_assert_str_eq(raw, "?");
                return;
        }
        ck_assert_str_eq(buf_str(&got), want.known ? want.text : "?");
        if (!want.known)
                ck_assert_str_eq(raw, "?");
}

TEST_EACH(fields_come_back, ARRAY_SIZE(samples))
{
        const struct record complete = sample_complete(&samples[_i]), *r = &complete;
        _cleanup_buf_ struct buf line = BUF_INIT;

        sample_line(&line, r, 1);
        auparse_state_t *au = auparse_init(AUSOURCE_BUFFER, line.data);
        ck_assert_ptr_nonnull(au);
        auparse_set_escape_mode(au, AUPARSE_ESC_RAW);
        ck_assert_int_eq(auparse_next_event(au), 1);
        ck_assert_uint_eq(auparse_get_num_records(au), 1);
        ck_assert_int_eq(auparse_get_type(au), AUDIT_USYS_CONFIG);

        ck_assert_int_eq(auparse_first_field(au), 1);
        for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
                ck_assert_str_eq(auparse_get_field_name(au), before[i]);
                ck_assert_int_eq(auparse_next_field(au), 1);
        }
        for (enum record_field f = 0; f < RECORD_FIELDS_N; f++)
                if (record_carries(r, f)) {
                        if (f == FIELD_SEQNO) {
                                ck_assert_str_eq(auparse_get_field_name(au), "late");
                                ck_assert_str_eq(auparse_get_field_str(au), "17");
                                ck_assert_int_eq(auparse_next_field(au), 1);
                        }
                        check_field(au, r, f);
                        ck_assert_int_eq(auparse_next_field(au), 1);
                }
        for (size_t i = 0; i < ARRAY_SIZE(after); i++) {
                ck_assert_str_eq(auparse_get_field_name(au), after[i][0]);
                const char *value = after[i][1] ? after[i][1] : r->success ? "success" : "failed";
                ck_assert_str_eq(auparse_interpret_field(au), value);
                ck_assert_int_eq(auparse_next_field(au), i + 1 < ARRAY_SIZE(after));
        }
        ck_assert_int_eq(auparse_next_event(au), 0);
        auparse_destroy(au);
}

Suite *test_suite(void)
{
        return suite_of("record-auparse");
}
