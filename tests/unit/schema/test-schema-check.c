/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values and texts against entries. */
#include <errno.h>
#include <string.h>

#include "../../../schema/schema.h"
#include "alloc-faults.h"
#include "suite.h"
#include "schema-util.h"

static const struct {
        const char *name;
        struct value value;
        const char *text; /* NULL: refused */
        const char *says;
} checks[] = {
#define ROW(name, type, data, text, says)                                                                   \
        {                                                                                                   \
                name, { type, sizeof(data) - 1, data }, text, says                                          \
        }
        ROW("String", REG_SZ, "x", "x", NULL),
        ROW("String", REG_SZ, "", "", NULL),
        ROW("String", REG_SZ, "a\nb", "a\nb", NULL),
        ROW("String", REG_EXPAND_SZ, "x", NULL, "type REG_EXPAND_SZ instead of REG_SZ, expected a string"),
        ROW("String", REG_SZ, "\xff", NULL, "bytes that are not UTF-8 text without NUL, expected a string"),
        ROW("String", REG_SZ, "a\0", "a", NULL),
        ROW("String", REG_SZ, "a\0\0", "a", NULL),
        ROW("String", REG_SZ, "a\0\0\0", NULL,
                "bytes that are not UTF-8 text without NUL, expected a string"),
        ROW("String", REG_SZ, "a\0b\0", NULL,
                "bytes that are not UTF-8 text without NUL, expected a string"),
        ROW("", REG_SZ, "x", "x", NULL),
        ROW("Line", REG_SZ, "a\tb", "a\tb", NULL),
        ROW("Line", REG_SZ, "a\nb", NULL,
                "`a\\x0ab` is not allowed, expected a string of one line and at most 4094 bytes"),
        ROW("Expand", REG_EXPAND_SZ, "%Y%", "%Y%", NULL),
        ROW("Expand", REG_EXPAND_SZ, "%Y%\0", "%Y%", NULL),
        ROW("Dword", REG_DWORD, "\1\0\0\0", "1", NULL),
        ROW("Dword", REG_DWORD, "\xff\xff\xff\xff", "4294967295", NULL),
        ROW("Dword", REG_DWORD, "\1\0\0", NULL,
                "3 bytes that are no REG_DWORD, expected a number from 0 to 4294967295"),
        ROW("Dword", REG_QWORD, "\1\0\0\0\0\0\0\0", NULL,
                "type REG_QWORD instead of REG_DWORD, expected a number from 0 to 4294967295"),
        ROW("Dword", REG_SZ, "1", NULL, "type REG_SZ instead of REG_DWORD, expected a number"),
        ROW("Big", REG_DWORD_BIG_ENDIAN, "\0\0\1\0", "256", NULL),
        ROW("Big", REG_DWORD_BIG_ENDIAN, "\0\0\1\x2c", "300", NULL),
        ROW("Big", REG_DWORD_BIG_ENDIAN, "\0\0\1\x2d", NULL,
                "301 is not allowed, expected a number from 0 to 300"),
        ROW("Qword", REG_QWORD, "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", NULL),
        ROW("Switch", REG_DWORD, "\0\0\0\0", "0", NULL),
        ROW("Switch", REG_DWORD, "\2\0\0\0", NULL, "2 is not allowed, expected one of 0, 1"),
        ROW("Word", REG_SZ, "JA", "Ja", NULL),
        ROW("Word", REG_SZ, "nein", "nein", NULL),
        ROW("Word", REG_SZ, "NEIN\0", "nein", NULL),
        ROW("Word", REG_SZ, "\0", NULL, "`` is not allowed, expected one of Ja, nein"),
        ROW("Word", REG_SZ, "nein ", NULL, "`nein ` is not allowed, expected one of Ja, nein"),
        ROW("Word", REG_SZ, "", NULL, "`` is not allowed, expected one of Ja, nein"),
        ROW("Known", REG_MULTI_SZ, "", "", NULL),
        ROW("Known", REG_MULTI_SZ, "\0", "", NULL),
        ROW("Known", REG_MULTI_SZ, " O reason=x \0module=zfs  until=2027-01-31 reason=a, b\0 \0\0",
                "O reason=x | module=zfs  until=2027-01-31 reason=a, b", NULL),
        ROW("Known", REG_MULTI_SZ, "O reason=x\0O reason=\0", NULL,
                "acceptance 2: `O reason=`: no reason is given, expected `reason=` and the reason at the end"),
        ROW("Known", REG_MULTI_SZ, "O reason=x|y\0", NULL, "acceptance 1: `O reason=x|y`: "),
        ROW("Known", REG_MULTI_SZ, "O reason=\xff\0", NULL,
                "bytes that are not UTF-8 text, expected items like `OE module=zfs "),
        ROW("Known", REG_SZ, "O reason=x", NULL,
                "type REG_SZ instead of REG_MULTI_SZ, expected items like `OE module=zfs "),
        ROW("Words", REG_MULTI_SZ, "", "", NULL),
        ROW("Words", REG_MULTI_SZ, "a\0\0https://b:1\0\0", "a | https://b:1", NULL),
        ROW("Words", REG_MULTI_SZ, "a b\0", NULL,
                "`a b` is no word, expected at most 64 words of at most 512 bytes"),
        ROW("Words", REG_MULTI_SZ, "a|b\0", NULL, "`a|b` is no word"),
        ROW("Words", REG_MULTI_SZ, "a\x7f\0", NULL, "`a\\x7f` is no word"),
        ROW("Words", REG_MULTI_SZ, "\xff\0", NULL, "bytes that are not UTF-8 text, expected at most 64"),
        ROW("Words", REG_SZ, "a", NULL, "type REG_SZ instead of REG_MULTI_SZ, expected at most 64"),
        ROW("Word", REG_TOMBSTONE, "", NULL, "type REG_0xffff instead of REG_SZ, expected one of Ja, nein"),
#undef ROW
};

TEST(check_values)
{
        _cleanup_schema_ struct schema *s = schema_util_load(schema_util_types);
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
                _cleanup_free_ char *text = NULL;
                struct diag d = { 0 };
                int r = schema_check(
                        schema_util_need(s, "\\T", checks[i].name), &checks[i].value, &text, &d);
                ck_assert_msg(r == (checks[i].text ? 0 : -EINVAL), "%zu: %s", i, d.text);
                if (checks[i].text)
                        ck_assert_str_eq(text, checks[i].text);
                else
                        ck_assert_msg(strncmp(d.text, checks[i].says, strlen(checks[i].says)) == 0,
                                "%zu: %s", i, d.text);
        }
}

TEST(paths)
{
        static const struct {
                const char *path, *why; /* NULL: accepted */
        } rows[] = {
                { "", NULL },
                { "/x.prom", NULL },
                { "/var/lib/prometheus/node-exporter/peios.prom", NULL },
                { "/a b/\xc3\xa9.prom", NULL },
                { "x.prom", "`x.prom` is no absolute path" },
                { "./x.prom", "`./x.prom` is no absolute path" },
                { "/x", "`/x` does not end in the name of such a file" },
                { "/x.PROM", "`/x.PROM` does not end in" },
                { "/.prom", "`/.prom` does not end in" },
                { "/dir/.prom", "`/dir/.prom` does not end in" },
                { "/x.prom/", "`/x.prom/` does not end in" },
                { "/x.prom.gz", "`/x.prom.gz` does not end in" },
                { "/x\n.prom", "`/x\\x0a.prom` has a control character in it" },
                { "/x\x7f.prom", "`/x\\x7f.prom` has a control character in it" },
                { "/", "`/` does not end in" },
        };
        static const char expected[] =
                ", expected the absolute path of a file that ends in .prom, or nothing";
        _cleanup_schema_ struct schema *s = NULL;
        char name[SCHEMA_PATH_MAX + 2];

        ck_assert_int_eq(schema_load_builtin(&s), 0);
        const struct schema_value *sv = schema_util_need(s, "\\System\\Audit\\Metrics", "TextFile");
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct value v = {
                        .type = REG_SZ, .data = rows[i].path, .size = strlen(rows[i].path)
                };
                _cleanup_free_ char *text = NULL;
                struct diag d = { 0 };
                ck_assert_int_eq(schema_check(sv, &v, &text, &d), rows[i].why ? -EINVAL : 0);
                if (rows[i].why) {
                        ck_assert_msg(strncmp(d.text, rows[i].why, strlen(rows[i].why)) == 0, "%s", d.text);
                        ck_assert_ptr_nonnull(strstr(d.text, expected));
                } else
                        ck_assert_str_eq(text, rows[i].path);
        }
        for (size_t over = 0; over < 2; over++) {
                _cleanup_free_ char *text = NULL, *whole = NULL;
                memset(name, 'n', sizeof(name));
                name[0] = '/';
                (void)strcpy(name + SCHEMA_COMPONENT_MAX - 4 + over, ".prom");
                ck_assert_int_eq(schema_canonical(sv, name, strlen(name), &text, NULL), over ? -EINVAL : 0);
                for (size_t i = 0; i < sizeof(name); i++)
                        name[i] = i % 100 ? 'n' : '/';
                (void)strcpy(name + SCHEMA_PATH_MAX - 5 + over, ".prom");
                ck_assert_int_eq(schema_canonical(sv, name, strlen(name), &whole, NULL), over ? -EINVAL : 0);
        }
}

TEST(defaults)
{
        static const struct {
                const char *name, *text;
                struct value value;
        } rows[] = {
                { "Expand", "%X%", { REG_EXPAND_SZ, 3, "%X%" } },
                { "Dword", "16", { REG_DWORD, 4, "\x10\0\0\0" } },
                { "Big", "258", { REG_DWORD_BIG_ENDIAN, 4, "\0\0\1\2" } },
                { "Qword", "18446744073709551615", { REG_QWORD, 8, "\xff\xff\xff\xff\xff\xff\xff\xff" } },
                { "Switch", "1", { REG_DWORD, 4, "\1\0\0\0" } },
        };
        _cleanup_schema_ struct schema *s = schema_util_load(schema_util_types);
        uint8_t scratch[8];
        struct value v;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_free_ char *text = NULL;
                const struct schema_value *sv = schema_util_need(s, "\\T", rows[i].name);
                ck_assert(sv->has_default);
                ck_assert_str_eq(sv->default_text, rows[i].text);
                ck_assert_int_eq(schema_default_value(sv, scratch, &v), 0);
                ck_assert(value_equal(&v, &rows[i].value));
                ck_assert_int_eq(schema_check(sv, &v, &text, NULL), 0);
                ck_assert_str_eq(text, rows[i].text);
        }
        ck_assert_int_eq(schema_default_value(schema_util_need(s, "\\T", "String"), scratch, &v), -ENOENT);
        ck_assert_int_eq(schema_util_need(s, "\\T", "String")->apply, SCHEMA_LIVE);
        ck_assert_int_eq(schema_util_need(s, "\\T", "Expand")->apply, SCHEMA_RESTART);
        ck_assert_int_eq(schema_util_need(s, "\\T", "Dword")->apply, SCHEMA_REBOOT);
        ck_assert_str_eq(schema_util_need(s, "\\T", "Qword")->control->audit_op, "changed-kernel-setting");
        ck_assert_str_eq(schema_util_need(s, "\\T", "Qword")->control->audit_off, "0");
        ck_assert_ptr_null(schema_util_need(s, "\\T", "Qword")->control->drift_value);
}

TEST(control_texts)
{
        static const struct {
                const char *name, *text, *control; /* control NULL: refused */
                const char *meaning;               /* of the control; NULL: none */
        } rows[] = {
                { "Word", "Ja", "y", "Ja" },
                { "Word", "nein", "n", "nein" },
                { "Word", "vielleicht", NULL, NULL },
                { "Word", "y", NULL, NULL },
                { "Qword", "12", "12", "12" },
                { "Qword", "0x0c", "12", "12" },
                { "Qword", "-1", NULL, NULL },
                { "Qword", "", NULL, NULL },
                { "Line", "any text", "any text", "any text" },
                { "Line", "", "", "" },
                { "Line", "a\nb", NULL, NULL },
                { "String", "x", NULL, NULL },
        };
        _cleanup_schema_ struct schema *s = schema_util_load(schema_util_types);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_free_ char *control = NULL, *meaning = NULL;
                const struct schema_value *sv = schema_util_need(s, "\\T", rows[i].name);
                int r = schema_control_text(sv, rows[i].text, &control);
                ck_assert_int_eq(r, rows[i].control ? 0 : -EINVAL);
                if (!rows[i].control)
                        continue;
                ck_assert_str_eq(control, rows[i].control);
                ck_assert_int_eq(schema_control_meaning(sv, control, &meaning), 0);
                ck_assert_str_eq(meaning, rows[i].meaning);
        }

        char *text = NULL;
        ck_assert_int_eq(schema_control_meaning(schema_util_need(s, "\\T", "Word"), "Y", &text), -EINVAL);
        ck_assert_int_eq(schema_control_meaning(schema_util_need(s, "\\T", "Qword"), "1 2", &text), -EINVAL);
        ck_assert_int_eq(schema_control_meaning(schema_util_need(s, "\\T", "String"), "x", &text), -EINVAL);
        ck_assert_ptr_null(text);
}

/* The kernel may hold what the schema would not let anybody set: it is shown as it is. */
TEST(control_out_of_range)
{
        _cleanup_schema_ struct schema *s = NULL;
        _cleanup_free_ char *text = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        const struct schema_value *sv = schema_util_need(s, "\\System\\Process", "PidMax");
        char *none = NULL;
        ck_assert_int_eq(schema_control_text(sv, "300", &none), -EINVAL);
        ck_assert_int_eq(schema_control_text(sv, "4194305", &none), -EINVAL);
        ck_assert_int_eq(schema_control_meaning(sv, "300", &text), 0);
        ck_assert_str_eq(text, "300");
}

TEST(long_text_for_a_control)
{
        _cleanup_schema_ struct schema *s = schema_util_load(schema_util_types);
        static char text[SCHEMA_TEXT_MAX + 2];
        memset(text, 'x', SCHEMA_TEXT_MAX + 1);
        for (size_t n = SCHEMA_TEXT_MAX; n <= SCHEMA_TEXT_MAX + 1; n++) {
                _cleanup_free_ char *canonical = NULL;
                struct value v = { REG_SZ, n, text };
                ck_assert_int_eq(schema_check(schema_util_need(s, "\\T", "Line"), &v, &canonical, NULL),
                        n == SCHEMA_TEXT_MAX ? 0 : -EINVAL);
                free(STEAL_PTR(canonical));
                ck_assert_int_eq(
                        schema_check(schema_util_need(s, "\\T", "String"), &v, &canonical, NULL), 0);
        }
}

TEST(failing_allocation_in_checks)
{
        _cleanup_schema_ struct schema *s = schema_util_load(schema_util_types);
        static const struct value values[] = { { REG_SZ, 2, "ja" }, { REG_SZ, 4, "what" } };
        const struct schema_value *word = schema_util_need(s, "\\T", "Word");
        for (size_t i = 0; i < ARRAY_SIZE(values); i++)
                for (unsigned n = 1;; n++) {
                        _cleanup_free_ char *text = NULL, *control = NULL;
                        struct diag d;
                        alloc_fail_at(n);
                        int r = schema_check(word, &values[i], &text, &d);
                        if (r == 0)
                                r = schema_control_text(word, text, &control);
                        if (!alloc_failed()) {
                                ck_assert_int_eq(r, i == 0 ? 0 : -EINVAL);
                                ck_assert_uint_gt(n, 1);
                                break;
                        }
                        ck_assert(r == -ENOMEM || r == -EINVAL);
                        ck_assert_ptr_null(control);
                }
}

Suite *test_suite(void)
{
        return suite_of("schema-check");
}
