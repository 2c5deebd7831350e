/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What makes one document of registry contents another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../registry-provider/exchange/difference.h"
#include "../../../registry-provider/exchange/exchange.h"
#include "suite.h"

static struct hive_file *document(const char *keys)
{
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct hive_file *file = NULL;

        buf_printf(&text, "peios-registry: 1\nkeys:\n%s", keys);
        int r = exchange_read(
                "d.yaml", buf_str(&text), text.len, &(struct exchange_reading){ 0 }, &file, &problems);
        ck_assert_msg(r == 0, "%s: %s", keys, problems.n > 0 ? problems.list[0] : "");
        difference_sort(file->keys, file->n_keys);
        return file;
}

static void put(struct buf *out, const struct difference *d)
{
        static const char marks[] = "+-~+-~==";
        const struct hive_value *v = d->after_value ? d->after_value : d->before_value;

        buf_printf(out, "%c%s", marks[d->kind], (d->before ? d->before : d->after)->path.text);
        if (v)
                buf_printf(out, ":%s", v->name);
        buf_putc(out, '\n');
}

static void differ(const char *before, const char *after, bool effective, const char *expected)
{
        _cleanup_hive_file_ struct hive_file *a = document(before), *b = document(after);
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct difference_walk w = {
                .before = { a->keys, a->n_keys }, .after = { b->keys, b->n_keys }, .effective = effective
        };
        struct difference d;

        while (difference_next(&w, &d))
                put(&out, &d);
        ck_assert_str_eq(buf_str(&out), expected);
}

/* Of one value, whatever becomes of keys and other ones. */
TEST(one_name)
{
        _cleanup_hive_file_ struct hive_file *a = document("  \\A: {V: !sz a, W: !sz a}\n  \\B: {}\n");
        _cleanup_hive_file_ struct hive_file *b =
                document("  \\A: {V: !sz b, W: !sz b}\n  \\C: {v: !sz c}\n");
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct difference_walk w = {
                .before = { a->keys, a->n_keys }, .after = { b->keys, b->n_keys }, .name = "v"
        };
        struct difference d;

        while (difference_next(&w, &d))
                put(&out, &d);
        ck_assert_str_eq(buf_str(&out), "~Machine\\A:V\n+Machine\\C:v\n");
}

TEST(what_is_the_same)
{
        _cleanup_hive_file_ struct hive_file *a = document("  \\A: {V: !sz a, W: !sz a}\n  \\A\\B: {}\n");
        _cleanup_hive_file_ struct hive_file *b = document("  \\A: {v: !sz a, W: !sz b}\n  \\A\\B\\C: {}\n");
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct difference_walk w = {
                .before = { a->keys, a->n_keys }, .after = { b->keys, b->n_keys }, .all = true
        };
        struct difference d;

        while (difference_next(&w, &d))
                put(&out, &d);
        ck_assert_str_eq(buf_str(&out),
                "=Machine\\A\n=Machine\\A:v\n~Machine\\A:W\n=Machine\\A\\B\n+Machine\\A\\B\\C\n");
}

TEST(keys_and_values)
{
        differ("  \\A: {V: !sz a}\n", "  \\a: {v: !sz a}\n", false, "");
        differ("  \\A: {V: !sz a, W: !dword 1}\n", "  \\A: {V: !sz b, X: !dword 1}\n", false,
                "~Machine\\A:V\n-Machine\\A:W\n+Machine\\A:X\n");
        /* Another type is another value. */
        differ("  \\A: {V: !dword 1}\n", "  \\A: {V: !qword 1}\n", false, "~Machine\\A:V\n");
        differ("  \\A: {}\n  \\C: {V: !sz a}\n", "  \\B: {}\n  \\C: {V: !sz a}\n", false,
                "-Machine\\A\n+Machine\\B\n");
        differ("  \\A\\B: {V: !sz a}\n", "  \\A\\C: {}\n", false,
                "-Machine\\A\\B\n-Machine\\A\\B:V\n+Machine\\A\\C\n");
}

/* A key above one that is there is there. */
TEST(keys_on_the_way)
{
        differ("  \\A\\B\\C: {}\n", "  \\A: {}\n  \\A\\B: {}\n  \\A\\B\\C: {}\n", false, "");
        differ("  \\A: {}\n  \\A\\B: {}\n  \\A\\B\\C: {}\n", "  \\A\\B\\C: {}\n", false, "");
        differ("  \\A: {V: !sz a}\n  \\A\\B: {}\n", "  \\A\\B: {}\n", false, "-Machine\\A:V\n");
        differ("  \\A: {}\n  \\A\\B: {}\n", "  \\A: {}\n", false, "-Machine\\A\\B\n");
}

/* `\` sorts among letters; components do not. */
TEST(order)
{
        differ("  \\A B: {}\n  \\A\\Z: {}\n  \\AB: {}\n", "  \\AB: {}\n  \\A\\Z: {}\n  \\A B: {}\n", false,
                "");
        differ("  \\A\\Z: {}\n", "  \\A B: {}\n  \\A\\Z: {}\n", false, "+Machine\\A B\n");
}

TEST(what_is_masked)
{
        differ("  \\A: {V: !tombstone ''}\n", "  \\A: {}\n", false, "-Machine\\A:V\n");
        differ("  \\A: {V: !tombstone ''}\n", "  \\A: {}\n", true, "");
        differ("  \\A: {V: !tombstone ''}\n", "  \\A: {V: !sz a}\n", true, "+Machine\\A:V\n");
        differ("  \\A: !hidden\n", "  \\A: {}\n", false, "+Machine\\A\n");
        differ("  \\A: !hidden\n", "  \\B: {}\n", true, "+Machine\\B\n");
        differ("  \\A: !blanket {}\n", "  \\A: {}\n", false, "~Machine\\A\n");
        differ("  \\A: !blanket {}\n", "  \\A: {}\n", true, "");
        differ("  \\A: !link {}\n", "  \\A: {}\n", true, "~Machine\\A\n");
        /* What is said to go is not there. */
        differ("  \\A: {V: !delete ''}\n", "  \\A: {}\n", false, "");
        differ("  \\A: !delete\n", "  \\A: {}\n", false, "+Machine\\A\n");
}

/* ---- Random documents, beside sets of lines ---- */

#define KEYS 40u
#define LINES_MAX 2000u

struct lines {
        char *list[LINES_MAX];
        size_t n;
};

static void lines_done(struct lines *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->list[i]);
}

static bool has(const struct lines *l, const char *line)
{
        for (size_t i = 0; i < l->n; i++)
                if (strcmp(l->list[i], line) == 0)
                        return true;
        return false;
}

static void add_line(struct lines *l, const char *line)
{
        if (has(l, line))
                return;
        ck_assert_uint_lt(l->n, LINES_MAX);
        l->list[l->n] = strdup(line);
        ck_assert_ptr_nonnull(l->list[l->n++]);
}

/* What is there: "Machine\A" and "Machine\A:V=2"; in `*names`, "Machine\A:V". */
static void random_document(unsigned seed, struct buf *text, struct lines *there, struct lines *listed)
{
        srandom(seed);
        for (unsigned i = 0; i < KEYS; i++) {
                char path[64] = "Machine", line[128];
                bool fresh = true;
                for (long depth = 1 + random() % 4; depth > 0; depth--) {
                        add_line(there, path);
                        (void)snprintf(path + strlen(path), 8, "\\%c%s", (int)('A' + random() % 3),
                                random() % 3 ? "" : " x");
                }
                (void)snprintf(line, sizeof(line), "\n  %s:", path);
                fresh = !strstr(buf_str(text), line);
                add_line(there, path);
                if (!fresh)
                        continue;
                add_line(listed, path);
                buf_printf(text, "%s {", line);
                for (char name = 'A'; name < 'E'; name++) {
                        if (random() % 2)
                                continue;
                        int data = (int)(random() % 3);
                        (void)snprintf(line, sizeof(line), "%s:%c=%d", path, name, data);
                        add_line(there, line);
                        buf_printf(text, "%c: !dword %d, ", name, data);
                }
                buf_puts(text, "}\n");
        }
}

/* A key that is not listed is told by those below it. */
static void expect(
        const struct lines *from, const struct lines *to, const struct lines *listed, struct lines *ret)
{
        char line[160];

        for (size_t i = 0; i < from->n; i++) {
                bool is_key = !strchr(from->list[i], ':');
                if (has(to, from->list[i]) || (is_key && !has(&listed[0], from->list[i])))
                        continue;
                size_t name = strcspn(from->list[i], "=");
                bool changed = false;
                for (size_t k = 0; from->list[i][name] && k < to->n; k++)
                        changed |= strncmp(to->list[k], from->list[i], name + 1) == 0;
                (void)snprintf(line, sizeof(line), "%c%.*s", changed ? '~' : '-', (int)name, from->list[i]);
                add_line(ret, line);
        }
        for (size_t i = 0; i < to->n; i++) {
                size_t name = strcspn(to->list[i], "=");
                bool is_key = !strchr(to->list[i], ':');
                (void)snprintf(line, sizeof(line), "~%.*s", (int)name, to->list[i]);
                if ((is_key && !has(&listed[1], to->list[i])) || has(from, to->list[i]) || has(ret, line))
                        continue;
                line[0] = '+';
                add_line(ret, line);
        }
}

TEST(random_documents)
{
        for (unsigned seed = 1; seed <= 300; seed++) {
                _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;
                struct lines listed[2] = { 0 };
                struct lines from = { .n = 0 }, to = { .n = 0 }, expected = { .n = 0 }, got = { .n = 0 };
                random_document(seed * 2, &before, &from, &listed[0]);
                random_document(seed * 2 + (seed % 10 != 0), &after, &to, &listed[1]);
                expect(&from, &to, listed, &expected);
                _cleanup_hive_file_ struct hive_file *a = document(buf_str(&before)),
                                                     *b = document(buf_str(&after));
                struct difference_walk w = { .before = { a->keys, a->n_keys },
                        .after = { b->keys, b->n_keys } };
                struct difference d;
                size_t n = 0;
                for (; difference_next(&w, &d); n++) {
                        _cleanup_buf_ struct buf line = BUF_INIT;
                        put(&line, &d);
                        line.data[line.len - 1] = '\0';
                        add_line(&got, line.data);
                        ck_assert_msg(
                                has(&expected, line.data), "seed %u: %s is not expected", seed, line.data);
                }
                ck_assert_uint_eq(n, got.n);
                for (size_t i = 0; i < expected.n; i++)
                        ck_assert_msg(has(&got, expected.list[i]), "seed %u: %s is missing", seed,
                                expected.list[i]);
                ck_assert(seed % 10 != 0 || n == 0);
                lines_done(&listed[0]);
                lines_done(&listed[1]);
                lines_done(&from);
                lines_done(&to);
                lines_done(&expected);
                lines_done(&got);
        }
}

Suite *test_suite(void)
{
        return suite_of("difference");
}
