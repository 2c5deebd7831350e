/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is read: trees, positions, quoting, limits. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/buf.h"
#include "../../../schema/yaml/yaml.h"
#include "alloc-faults.h"
#include "suite.h"

#define TEXT(s) s, sizeof(s) - 1

/* `tag text`, in "…" where it was quoted, {k: v}, [a]. */
static void dump(struct buf *out, const struct yaml_node *n)
{
        if (n->tag)
                buf_printf(out, "%s ", n->tag);
        if (n->kind == YAML_SCALAR) {
                ck_assert_uint_eq(strlen(n->text), n->len);
                buf_printf(out, n->quoted ? "\"%s\"" : "%s", n->text);
                return;
        }
        size_t count = 0;
        buf_putc(out, n->kind == YAML_MAP ? '{' : '[');
        for (const struct yaml_node *c = n->first; c; c = c->next, count++) {
                if (count > 0)
                        buf_puts(out, ", ");
                ck_assert_int_eq(c->key != NULL, n->kind == YAML_MAP);
                if (c->key) {
                        dump(out, c->key);
                        buf_puts(out, ": ");
                }
                dump(out, c);
        }
        buf_putc(out, n->kind == YAML_MAP ? '}' : ']');
        ck_assert_uint_eq(count, n->n);
}

static const struct {
        const char *text;
        size_t size;
        const char *tree; /* NULL: no root */
} good[] = {
        { TEXT(""), NULL },
        { TEXT("\n\n"), NULL },
        { TEXT("# only a comment\n"), NULL },
        { TEXT("---\n"), NULL },
        { TEXT("---\n...\n"), NULL },
        { TEXT("\xef\xbb\xbf"), NULL },
        { TEXT("''\n"), "\"\"" },
        { TEXT("!x\n"), "!x " },
        { TEXT("a"), "a" },
        { TEXT("a: b"), "{a: b}" },
        { TEXT("--- \na: b\n...\n"), "{a: b}" },
        { TEXT("\xef\xbb\xbf"
               "a: b\n"),
                "{a: b}" },
        { TEXT("a: b\r\nc: d\r\n"), "{a: b, c: d}" },
        { TEXT("a:\r\n  - b\r\n"), "{a: [b]}" },
        /* Nothing is anything else than text. */
        { TEXT("a: no\nb: off\nc: 0\nd: null\ne: ~\nf: 012\ng: 1e3\nh: 2001-01-01\n"),
                "{a: no, b: off, c: 0, d: null, e: ~, f: 012, g: 1e3, h: 2001-01-01}" },
        { TEXT("no: yes\ntrue: false\n"), "{no: yes, true: false}" },
        { TEXT("a:\nb: ''\n"), "{a: , b: \"\"}" },
        { TEXT("a: \"<<\"\n\"<<\": b\n"), "{a: \"<<\", \"<<\": b}" },
        { TEXT("a: <<\n"), "{a: <<}" },
        { TEXT("a: !sz b\nc: !hex \"00 ff\"\nd: !sz\n"), "{a: !sz b, c: !hex \"00 ff\", d: !sz }" },
        { TEXT("a: !multi [b, 'c', \"d\", !x e]\n"), "{a: !multi [b, \"c\", \"d\", !x e]}" },
        { TEXT("a: !hidden {}\nb: !blanket\n  c: d\n"), "{a: !hidden {}, b: !blanket {c: d}}" },
        { TEXT("a: ! b\n"), "{a: ! b}" },
        { TEXT("a: !<!sz> b\n"), "{a: !sz b}" },
        { TEXT("a: !0x8 \"ff\"\n"), "{a: !0x8 \"ff\"}" },
        { TEXT("\\System\\Audit\\Modules:\n  TaintEvents: !sz disabled\n"),
                "{\\System\\Audit\\Modules: {TaintEvents: !sz disabled}}" },
        { TEXT("'C:\\a': \"C:\\\\a\"\n"), "{\"C:\\a\": \"C:\\a\"}" },
        { TEXT("\"\\x41\\u00e9\\U0001f600\\t\\n\\e\"\n"), "\"A\u00e9\U0001f600\t\n\x1b\"" },
        { TEXT("'it''s'\n"), "\"it's\"" },
        { TEXT("a: |\n  b\n  c\n"), "{a: \"b\nc\n\"}" },
        { TEXT("a: >-\n  b\n  c\n"), "{a: \"b c\"}" },
        { TEXT("a: b\n  c\n"), "{a: b c}" },
        { TEXT("- a\n- - b\n  - c\n- {}\n- []\n"), "[a, [b, c], {}, []]" },
        { TEXT("{a: {b: [c, {d: e}]}, f: g}\n"), "{a: {b: [c, {d: e}]}, f: g}" },
        { TEXT("[a, b: c]\n"), "[a, {b: c}]" },
        { TEXT("a:\tb\n"), "{a: b}" },
        { TEXT("a: b\t# c\n"), "{a: b}" },
        { TEXT("a: b # c\n# d\n\n#\te\n"), "{a: b}" },
        { TEXT("a: b#c\n"), "{a: b#c}" },
        { TEXT("? a\n: b\n? c\n"), "{a: b, c: }" },
        { TEXT("a: b\nA: c\n"), "{a: b, A: c}" },
        { TEXT("\u00e9: \u6f22\U0001f600\n"), "{\u00e9: \u6f22\U0001f600}" },
        { TEXT("a: \"\xef\xbb\xbf\"\n"), "{a: \"\xef\xbb\xbf\"}" },
};

TEST(good_documents)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_yaml_ struct yaml_doc *doc = NULL;
                _cleanup_buf_ struct buf out = BUF_INIT;
                struct diag d = { 0 };
                int r = yaml_parse("t", good[i].text, good[i].size, &doc, &d);
                ck_assert_msg(r == 0, "%zu: %s", i, d.text);
                ck_assert_str_eq(yaml_name(doc), "t");
                ck_assert_msg((yaml_root(doc) == NULL) == (good[i].tree == NULL), "%zu", i);
                if (!good[i].tree)
                        continue;
                dump(&out, yaml_root(doc));
                ck_assert_msg(strcmp(out.data, good[i].tree) == 0, "%zu: %s", i, out.data);
                ck_assert_ptr_null(yaml_root(doc)->next);
                ck_assert_ptr_null(yaml_root(doc)->key);
        }
}

static void check_at(const struct yaml_node *n, uint32_t line, uint32_t column)
{
        ck_assert_ptr_nonnull(n);
        ck_assert_uint_eq(n->line, line);
        ck_assert_uint_eq(n->column, column);
}

TEST(positions)
{
        static const char text[] =
                "\xef\xbb\xbf# é\r\nä:  !sz b\r\n\r\nlist:\r\n- é: {x: y}\r\n- z\r\nnone:\r\nend: [\r\n]\r\n";
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        ck_assert_int_eq(yaml_parse("t", text, sizeof(text) - 1, &doc, NULL), 0);
        const struct yaml_node *root = yaml_root(doc);
        check_at(root, 2, 1);
        check_at(yaml_get(root, "ä"), 2, 5);
        check_at(yaml_get(root, "ä")->key, 2, 1);
        const struct yaml_node *list = yaml_get(root, "list");
        check_at(list, 5, 1);
        check_at(list->first, 5, 3);
        check_at(yaml_get(list->first, "é"), 5, 6);
        check_at(yaml_get(yaml_get(list->first, "é"), "x"), 5, 10);
        check_at(list->first->next, 6, 3);
        check_at(yaml_get(root, "none"), 7, 6);
        check_at(yaml_get(root, "end"), 8, 6);
        ck_assert_ptr_null(yaml_get(root, "lis"));
        ck_assert_ptr_null(yaml_get(root, "lists"));
        ck_assert_ptr_null(yaml_get(list, "z"));
}

static void check_quoted(const char *s, size_t n, bool as_key)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct diag d = { 0 };
        if (as_key)
                buf_puts(&text, "? ");
        yaml_quote(&text, s, n);
        if (as_key)
                buf_puts(&text, "\n: x\n");
        int r = yaml_parse("t", text.data, text.len, &doc, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        const struct yaml_node *node = as_key ? yaml_root(doc)->first->key : yaml_root(doc);
        ck_assert_uint_eq(node->len, n);
        ck_assert_mem_eq(node->text, s, n);
        ck_assert(node->quoted);
}

static size_t put_utf8(char *p, uint32_t c)
{
        if (c < 0x80)
                return (size_t)sprintf(p, "%c", (char)c);
        if (c < 0x800)
                return (size_t)sprintf(p, "%c%c", (char)(0xc0 | c >> 6), (char)(0x80 | (c & 63)));
        if (c < 0x10000)
                return (size_t)sprintf(p, "%c%c%c", (char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 63)),
                        (char)(0x80 | (c & 63)));
        return (size_t)sprintf(p, "%c%c%c%c", (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
                (char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)));
}

/* Every character comes back, alone and between blanks, which YAML folds where it may. */
TEST(quoted_characters)
{
        for (uint32_t c = 1; c <= 0x10ffff; c += c < 0x3000 ? 1 : c >= 0xfe00 && c < 0x10100 ? 1 : 251) {
                char s[16] = "a ";
                if (c >= 0xd800 && c < 0xe000)
                        continue;
                size_t n = put_utf8(s, c);
                check_quoted(s, n, false);
                memcpy(s, "a ", 2);
                n = 2 + put_utf8(s + 2, c);
                s[n++] = ' ';
                check_quoted(s, n, false);
        }
        check_quoted("", 0, false);
        check_quoted("  \n\n  ", 6, true);
}

TEST(quoted_long)
{
        char s[16384];
        memset(s, 'x', sizeof(s));
        check_quoted(s, sizeof(s), true);
        memset(s, '\n', sizeof(s));
        check_quoted(s, sizeof(s), true);

        _cleanup_buf_ struct buf out = BUF_INIT;
        yaml_quote(&out, "a\xff\xc3", 3);
        ck_assert_str_eq(out.data, "\"a\\ufffd\\ufffd\"");
}

TEST(large_map)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        for (unsigned i = 0; i < 20000; i++)
                buf_printf(&text, "k%u: !t%u v%u\n", i, i % 40, i);
        ck_assert_int_eq(yaml_parse("t", text.data, text.len, &doc, NULL), 0);
        ck_assert_uint_eq(yaml_root(doc)->n, 20000);
        const struct yaml_node *n = yaml_get(yaml_root(doc), "k19999");
        ck_assert_str_eq(n->text, "v19999");
        ck_assert_str_eq(n->tag, "!t39");
        check_at(n, 20000, 9);
}

TEST(node_limit)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct diag d = { 0 };
        buf_puts(&text, "[a");
        for (unsigned i = 1; i < YAML_NODES_MAX; i++)
                buf_puts(&text, ",a");
        buf_putc(&text, ']');
        ck_assert_int_eq(yaml_parse("t", text.data, text.len, &doc, &d), -EFBIG);
        ck_assert_str_eq(d.text, "t:1:8000000: more than 4000000 values and keys, expected fewer");
}

TEST(failing_allocation)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        for (unsigned i = 0; i < 400; i++)
                buf_printf(&text, "key%u: !t%u {a: [b, \"%0*u\"]}\n", i, i, i == 300 ? 20000 : 1, i);
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_yaml_ struct yaml_doc *doc = NULL;
                alloc_fail_at(n);
                failed = alloc_fails(yaml_parse("t", text.data, text.len, &doc, NULL), n, 8);
                ck_assert(failed == (doc == NULL));
        }
}

Suite *test_suite(void)
{
        return suite_of("yaml");
}
