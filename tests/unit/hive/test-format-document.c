/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The examples of schema/hive-format.md and peios-schema(5) are read as they stand there. */
#include <fcntl.h>
#include <string.h>

#include "../../../registry-provider/hive/hive.h"
#include "../../../schema/base/file.h"
#include "../../../schema/schema.h"
#include "suite.h"

#define FENCE "```yaml\n"

static bool begins(const struct buf *text, const char *line)
{
        const char *found = strstr(text->data, line);
        return found && (found == text->data || found[-1] == '\n');
}

static void check_example(const char *s, size_t n)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };
        int r;
        if (*s == 'k')
                buf_puts(&text, "peios-registry: 1\nlayer: x\n");
        buf_add(&text, s, n);
        if (begins(&text, "peios-schema:")) {
                _cleanup_schema_ struct schema *schema = NULL;
                ck_assert_int_eq(schema_load_builtin(&schema), 0);
                r = schema_add(schema, "example", text.data, text.len, &d);
        } else {
                _cleanup_hive_file_ struct hive_file *f = NULL;
                r = hive_parse("example", text.data, text.len, VALUE_BYTES_DEFAULT_MAX, &f, &d);
        }
        ck_assert_msg(r == 0, "%s\n%s", d.text, text.data);
}

TEST(examples)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };
        size_t n = 0;
        int r = file_read(AT_FDCWD, FORMAT_DOCUMENT, 1024 * 1024, &text, NULL, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        for (const char *s = text.data; (s = strstr(s, FENCE)); n++) {
                s += strlen(FENCE);
                const char *end = strstr(s, "```\n");
                ck_assert_ptr_nonnull(end);
                check_example(s, (size_t)(end - s));
                s = end;
        }
        ck_assert_uint_ge(n, 3);
}

#define LITERAL ".Bd -literal -offset indent\n"

/* A page writes a backslash as \e. */
static void unescape(struct buf *out, const char *s, size_t n)
{
        for (const char *end = s + n; s < end; s++)
                if (*s == '\\' && s[1] == 'e') {
                        buf_putc(out, '\\');
                        s++;
                } else
                        buf_putc(out, *s);
}

TEST(examples_of_the_page)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        size_t n = 0;

        ck_assert_int_eq(file_read(AT_FDCWD, SCHEMA_PAGE, 1024 * 1024, &text, NULL, NULL), 0);
        for (const char *s = text.data; (s = strstr(s, LITERAL));) {
                _cleanup_buf_ struct buf example = BUF_INIT;
                const char *end = strstr(s, ".Ed\n");
                ck_assert_ptr_nonnull(end);
                s += strlen(LITERAL);
                unescape(&example, s, (size_t)(end - s));
                s = end;
                if (!schema_is_text(buf_str(&example)))
                        continue;
                check_example(example.data, example.len);
                n++;
        }
        ck_assert_uint_ge(n, 1);
}

Suite *test_suite(void)
{
        return suite_of("format-document");
}
