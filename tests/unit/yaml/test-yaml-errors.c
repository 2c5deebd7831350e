/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is refused: the place and what was expected. */
#include <errno.h>
#include <string.h>

#include "../../../schema/base/buf.h"
#include "../../../schema/yaml/yaml.h"
#include "suite.h"

#define TEXT(s) s, sizeof(s) - 1

static const struct {
        const char *text;
        size_t size;
        const char *at;
        const char *says; /* is part of the message */
} bad[] = {
        /* Anchors, aliases, merge keys, YAML's own tags. */
        { TEXT("a: &x 1\n"), "t:1:4:", "anchor `&x`, expected" },
        { TEXT("a: &x {b: c}\n"), "t:1:4:", "anchor `&x`, expected" },
        { TEXT("a: &x [b]\n"), "t:1:4:", "anchor `&x`, expected" },
        { TEXT("&k a: b\n"), "t:1:1:", "anchor `&k`, expected" },
        { TEXT("a: b\nc: *x\n"), "t:2:4:", "an alias (`*name`), expected" },
        { TEXT("a: &x [*x]\n"), "t:1:4:", "anchor `&x`, expected" },
        { TEXT("*x\n"), "t:1:1:", "an alias (`*name`), expected" },
        { TEXT("*x : a\n"), "t:1:1:", "an alias (`*name`), expected" },
        { TEXT("a:\n  <<: {b: c}\n"), "t:2:3:", "merge key `<<`, expected" },
        { TEXT("a: !!str b\n"), "t:1:4:", "tag `!!str` of YAML's own types, expected" },
        { TEXT("a: !!map {}\n"), "t:1:4:", "tag `!!map` of YAML's own types, expected" },
        { TEXT("a: !<tag:yaml.org,2002:int> 1\n"), "t:1:4:", "tag `!!int` of YAML's own types, expected" },
        { TEXT("a: !x!y b\n"), "t:1:4:", "a tag with a prefix of its own, expected" },
        { TEXT("!sz a: b\n"), "t:1:1:", "tag `!sz` on the name, expected" },
        /* Directives and documents. */
        { TEXT("%YAML 1.1\n---\na: b\n"), "t:1:1:", "a `%` directive, expected" },
        { TEXT("# c\n%YAML 2.0\n---\na: b\n"), "t:2:1:", "a `%` directive, expected" },
        { TEXT("%TAG ! tag:x,2000:\n---\na: !b c\n"), "t:1:1:", "a `%` directive, expected" },
        { TEXT("%FOO bar\n---\na: b\n"), "t:1:5:", "a `%` directive, expected" },
        { TEXT("a: b\n---\nc: d\n"), "t:2:1:", "a second document, expected" },
        { TEXT("a: b\n...\n---\nc: d\n"), "t:3:1:", "a second document, expected" },
        { TEXT("a\n...\nb\n"), "t:3:1:", "text after the end of the document, expected" },
        { TEXT("---\n---\n"), "t:2:1:", "a second document, expected" },
        /* Ends of lines that an editor shows as none: what looks like a comment would be read. */
        { TEXT("a: b # c\xe2\x80\xa8"
               "d: e\n"),
                "t:1:9:", "expected a line feed, or `\\L` in double quotes" },
        { TEXT("a: b\n# \xe2\x80\xa9"
               "d: e\n"),
                "t:2:3:", "expected a line feed, or `\\P` in double quotes" },
        { TEXT("a: \"b\xc2\x85\"\n"), "t:1:6:", "expected a line feed, or `\\N` in double quotes" },
        { TEXT("a: \xc2\xa0\xe2\x80\xa6\xc2\xa0 # \xe2\x80\xa8"
               "d: e \xe2\x80\xa6"),
                "t:1:10:", "expected a line feed, or `\\L` in double quotes" },
        { TEXT("a: b # c\rd: e\r\n"), "t:1:9:", "expected a line feed, or `\\r` in double quotes" },
        { TEXT("a: b\r\nd: e\r\r\n"), "t:2:5:", "expected a line feed, or `\\r` in double quotes" },
        { TEXT("a: b\r"), "t:1:5:", "expected a line feed, or `\\r` in double quotes" },
        /* Duplicate keys. */
        { TEXT("a: 1\nb: 2\na: 3\n"), "t:3:1:",
                "`a` is here a second time, the first is in line 1; expected each name once in a map" },
        { TEXT("x: {a: 1, b: 2, \"a\": 3}\n"), "t:1:17:",
                "`a` is here a second time, the first is in line 1; expected each name once in a map" },
        { TEXT("x:\n  a: 1\n\n  'a': {b: c}\n"), "t:4:3:",
                "`a` is here a second time, the first is in line 2; expected each name once in a map" },
        { TEXT("{a: 1, ? a : 2}\n"), "t:1:10:",
                "`a` is here a second time, the first is in line 1; expected each name once in a map" },
        { TEXT("\"\": 1\n: 2\n"), "t:2:1:", "not a key of the map that begins in line 1, expected" },
        /* Keys that are no text. */
        { TEXT("? [a, b]\n: c\n"), "t:1:3:", "a list as a key, expected" },
        { TEXT("{a: b}: c\n"), "t:1:1:", "a map as a key, expected" },
        /* Tabs. */
        { TEXT("a:\n\tb: c\n"), "t:2:1:", "tab used for indentation; YAML allows only spaces" },
        { TEXT("a:\n  b: c\n\td: e\n"), "t:3:1:", "tab used for indentation; YAML allows only spaces" },
        { TEXT("a: b\n\tc\n"), "t:2:1:", "tab used for indentation; YAML allows only spaces" },
        { TEXT("a: |\n\tb\n"), "t:2:1:", "tab used for indentation; YAML allows only spaces" },
        { TEXT("- \ta: b\n"), "t:1:3:", "tab used for indentation; YAML allows only spaces" },
        /* Bytes. */
        { TEXT("a: \xff\n"), "t:1:4:", "byte 0xff at offset 3 is not UTF-8, expected" },
        { TEXT("a: b\nc: \xc3\x28\n"), "t:2:4:", "byte 0xc3 at offset 8 is not UTF-8, expected" },
        { TEXT("a: \xe2\x82"), "t:1:4:", "byte 0xe2 at offset 3 is not UTF-8, expected" },
        { TEXT("\xef\xbb\xbf"
               "a: \xf8\n"),
                "t:1:4:", "byte 0xf8 at offset 6 is not UTF-8, expected" },
        { TEXT("a: \xed\xa0\x80\n"), "t:1:4:", "byte 0xed at offset 3 is not UTF-8, expected" },
        { TEXT("a: \xc0\x80\n"), "t:1:4:", "byte 0xc0 at offset 3 is not UTF-8, expected" },
        { TEXT("a: b\nc: d\0e\n"), "t:2:5:", "NUL byte at offset 9 (a binary file, or UTF-16?), expected" },
        { TEXT("\0"), "t:1:1:", "NUL byte at offset 0 (a binary file, or UTF-16?), expected" },
        { TEXT("a: \x01\n"), "t:1:4:", "control character at offset 3, expected" },
        { TEXT("a: \xc2\x81\n"), "t:1:4:", "control character at offset 3, expected" },
        { TEXT("a: \xef\xbf\xbe\n"), "t:1:4:", "control character at offset 3, expected" },
        { TEXT("a: \"b\\0c\"\n"), "t:1:4:", "text with a NUL character, expected" },
        { TEXT("\"a\\0\": b\n"), "t:1:1:", "text with a NUL character, expected" },
        { TEXT("\xff\xfe"
               "a\0:\0"),
                "t:1:1:", "UTF-16 text, expected" },
        { TEXT("\xfe\xff\0a\0:"), "t:1:1:", "UTF-16 text, expected" },
        { TEXT("a\0:\0 \0b\0"), "t:1:2:", "NUL byte at offset 1 (a binary file, or UTF-16?), expected" },
        { TEXT("\x7f"
               "ELF\x02\x01\x01\0\0\0"),
                "t:1:1:", "control character at offset 0, expected" },
        /* Shape. */
        { TEXT("a: b: c\n"), "t:1:5:", "a `: ` is not possible here, expected" },
        { TEXT("a: b\n  c: d\n"), "t:2:4:", "a `: ` is not possible here, expected" },
        { TEXT("a:\n    b: c\n  d: e\n"), "t:3:3:", "not a key of the map that begins in line 1, expected" },
        { TEXT("a: [b, c\nd: e\n"), "t:2:2:", "expected `,` or `]` in the list that begins in line 1" },
        { TEXT("a: {b: c\n"), "t:2:1:", "expected `,` or `}` in the map that begins in line 1" },
        { TEXT("a: [b, c"), "t:2:1:", "expected `,` or `]` in the list that begins in line 1" },
        { TEXT("a: ]\n"), "t:1:4:", "found nothing that can be a value, expected" },
        { TEXT("a: \"b\n"), "t:2:1:", "the quotes that begin in line 1 are not closed, expected" },
        { TEXT("x: y\na: 'b\nc: d\n"),
                "t:4:1:", "the quotes that begin in line 2 are not closed, expected" },
        { TEXT("a: \"b\n---\n"),
                "t:2:1:", "`---` or `...` inside the quotes that begin in line 1, expected" },
        { TEXT("a: \"C:\\Windows\"\n"), "t:1:7:", "an escape that YAML does not have, expected" },
        { TEXT("a: \"\\xzz\"\n"), "t:1:7:", "expected hexadecimal digits after \\x, \\u or \\U" },
        { TEXT("a: \"\\ud800\"\n"), "t:1:7:", "an escape that is no Unicode character, expected" },
        { TEXT("a: @b\n"), "t:1:4:", "a text cannot begin with `@` unless it is in quotes, expected" },
        { TEXT("@: b\n"), "t:1:1:", "a text cannot begin with `@` unless it is in quotes, expected" },
        { TEXT("a: %PATH%\n"), "t:1:4:", "a text cannot begin with `%` unless it is in quotes, expected" },
        { TEXT("a: `b`\n"), "t:1:4:", "a text cannot begin with ``` unless it is in quotes, expected" },
        { TEXT("a\nb: c\n"), "t:2:2:", "a `: ` is not possible here, expected" },
        { TEXT("a: b\nc\n"), "t:2:1:", "no `: ` after this key, expected" },
        { TEXT("- a\nb: c\n"), "t:2:1:", "not an item of the list that begins in line 1, expected" },
        { TEXT("a: - b\n"), "t:1:4:", "a `- ` is not possible here, expected" },
        { TEXT("a: b\n- c\n"), "t:2:1:", "not a key of the map that begins in line 1, expected" },
        { TEXT("a: |x\n  b\n"),
                "t:1:5:", "while scanning a block scalar: did not find expected comment or line break" },
        { TEXT("a: |0\n  b\n"),
                "t:1:5:", "while scanning a block scalar: found an indentation indicator equal to 0" },
        { TEXT("a: \"b\" c\n"), "t:1:8:", "not a key of the map that begins in line 1, expected" },
        { TEXT("a: [b, , c]\n"), "t:1:8:", "found nothing that can be a value, expected" },
        { TEXT("? a\n? a\n"), "t:2:3:",
                "`a` is here a second time, the first is in line 1; expected each name once in a map" },
        { TEXT("a: !\x41\xc3\xa4 b\n"), "t:1:6:", "something right after a tag, expected" },
};

TEST(bad_documents)
{
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct yaml_doc *doc = NULL;
                struct diag d = { 0 };
                int r = yaml_parse("t", bad[i].text, bad[i].size, &doc, &d);
                ck_assert_msg(r == -EINVAL, "%zu: %s: %d", i, bad[i].text, r);
                ck_assert_ptr_null(doc);
                ck_assert_msg(strncmp(d.text, bad[i].at, strlen(bad[i].at)) == 0, "%zu: %s", i, d.text);
                ck_assert_msg(strstr(d.text, bad[i].says) != NULL, "%zu: %s", i, d.text);
                ck_assert_int_eq(yaml_parse("t", bad[i].text, bad[i].size, &doc, NULL), -EINVAL);
        }
}

/* Cut at every byte, a document is refused with a place or read, never more. */
TEST(cut_documents)
{
        static const char text[] =
                "# c\nkeys:\n  \\A\\B:\n    \"x\\ty\": !multi [a, 'b', \"c\"]\n    z: |\n      é\n    ? q\n    : {}\n";
        for (size_t n = 0; n < sizeof(text); n++) {
                _cleanup_yaml_ struct yaml_doc *doc = NULL;
                _cleanup_free_ char *copy = strndup(text, n); /* so that a read past the end is seen */
                struct diag d = { 0 };
                int r = yaml_parse("t", copy, n, &doc, &d);
                ck_assert(r == 0 || (r == -EINVAL && strncmp(d.text, "t:", 2) == 0));
        }
}

static int parse_nested(const char *open, unsigned depth, struct diag *d)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        _cleanup_buf_ struct buf text = BUF_INIT;
        for (unsigned i = 0; i < depth; i++)
                buf_puts(&text, open);
        for (unsigned i = 0; i < depth; i++)
                buf_putc(&text, open[0] == '[' ? ']' : '}');
        return yaml_parse("t", text.data, text.len, &doc, d);
}

TEST(depth)
{
        struct diag d;
        ck_assert_int_eq(parse_nested("[", YAML_DEPTH_MAX, &d), 0);
        ck_assert_int_eq(parse_nested("{a: ", YAML_DEPTH_MAX, &d), 0);
        ck_assert_int_eq(parse_nested("[", YAML_DEPTH_MAX + 1, &d), -EINVAL);
        ck_assert_str_eq(d.text, "t:1:33: nested deeper than 32 levels, expected fewer");
        ck_assert_int_eq(parse_nested("{a: ", 100000, &d), -EINVAL);
        ck_assert_str_eq(d.text, "t:1:129: nested deeper than 32 levels, expected fewer");
}

/* The map is large enough for its keys to be in the table. */
TEST(duplicate_in_large_map)
{
        for (unsigned first = 0; first < 40; first++) {
                _cleanup_yaml_ struct yaml_doc *doc = NULL;
                _cleanup_buf_ struct buf text = BUF_INIT;
                struct diag d;
                for (unsigned i = 0; i < 40; i++)
                        buf_printf(&text, "k%u: {a: 1}\n", i);
                buf_printf(&text, "k%u: 2\n", first);
                ck_assert_int_eq(yaml_parse("t", text.data, text.len, &doc, &d), -EINVAL);
                _cleanup_buf_ struct buf expected = BUF_INIT;
                buf_printf(&expected,
                        "t:41:1: `k%u` is here a second time, the first is in line %u; expected each name once in a map",
                        first, first + 1);
                ck_assert_str_eq(d.text, expected.data);
        }
}

/* Names in messages cannot forge lines or break a terminal, and a long one is cut. */
TEST(shown_names)
{
        static const char text[] = "\"a\\n\\e[31m\\u0085\": 1\n\"a\\n\\e[31m\\u0085\": 2\n";
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct diag d;
        ck_assert_int_eq(yaml_parse("t", text, sizeof(text) - 1, &doc, &d), -EINVAL);
        ck_assert_str_eq(d.text,
                "t:2:1: `a\\x0a\\x1b[31m\\xc2\\x85` is here a second time, the first is in line 1; expected each "
                "name once in a map");

        char many[3 * 200];
        for (size_t i = 0; i < sizeof(many); i += 3)
                memcpy(many + i, "€", 3);
        struct yaml_shown shown = yaml_show(many, sizeof(many));
        ck_assert_uint_lt(strlen(shown.text), sizeof(shown.text));
        ck_assert_str_eq(shown.text + strlen(shown.text) - 6, "€…");
        ck_assert_str_eq(yaml_show("\xff", 1).text, "\\xff");
        ck_assert_str_eq(yaml_show("", 0).text, "");
}

TEST(error_text)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct diag d;
        ck_assert_int_eq(yaml_parse("dir/f.yaml", TEXT("\n  a: b\n"), &doc, &d), 0);
        ck_assert_int_eq(yaml_error(doc, yaml_root(doc), &d, "x %d", 5), -EINVAL);
        ck_assert_str_eq(d.text, "dir/f.yaml:2:3: x 5");
        ck_assert_int_eq(yaml_error(doc, NULL, &d, "x"), -EINVAL);
        ck_assert_str_eq(d.text, "dir/f.yaml:1:1: x");
        ck_assert_int_eq(yaml_error(doc, NULL, NULL, "x"), -EINVAL);
}

Suite *test_suite(void)
{
        return suite_of("yaml-errors");
}
