/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tests/data/taint-strings.tsv: what public reports hold, decoded. Each failure is printed with its line. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../service/taint/decode.h"
#include "suite.h"

/* Rows with a public source. */
#define CITED_MIN 300U

enum column {
        TEXT,
        OPTIONS,
        BITS,
        AMBIGUOUS,
        UNKNOWN,
        SOURCE,
        COLUMNS
};

struct found {
        uint64_t mask;
        char ambiguous[64], unknown[64];
        bool names_missing, unreadable;
};

static int collect(const struct taint_decoded *d, void *userdata)
{
        struct found *f = userdata;

        f->mask |= d->reading.mask;
        f->unreadable |= d->unreadable;
        for (size_t i = 0; i < d->reading.n_ambiguous; i++)
                if (!strchr(f->ambiguous, d->reading.ambiguous[i].letter))
                        f->ambiguous[strlen(f->ambiguous)] = d->reading.ambiguous[i].letter;
        strncat(f->unknown, d->reading.unknown, sizeof(f->unknown) - strlen(f->unknown) - 1);
        for (unsigned bit = 0; bit < 64; bit++)
                if (d->reading.mask >> bit & 1 && !d->reading.flags[bit])
                        f->names_missing = true;
        return 0;
}

static size_t unescape(char *s)
{
        char *out = s;

        for (const char *p = s; *p; p++)
                if (*p == '\\' && strchr("nt\\", p[1])) {
                        p++;
                        *out++ = *p == 'n' ? '\n' : *p == 't' ? '\t' : '\\';
                } else
                        *out++ = *p;
        *out = '\0';
        return (size_t)(out - s);
}

static uint64_t mask_of(const char *bits)
{
        uint64_t mask = 0;
        char *end;

        if (strcmp(bits, "-") == 0 || strcmp(bits, "unreadable") == 0)
                return 0;
        for (const char *p = bits; *p; p = *end ? end + 1 : end)
                mask |= UINT64_C(1) << strtoul(p, &end, 10);
        return mask;
}

static struct taint_kernel context_of(char *options)
{
        struct taint_kernel c = { 0 };
        char *save = NULL;

        for (char *o = strtok_r(options, ",", &save); o; o = strtok_r(NULL, ",", &save))
                if (strncmp(o, "distro=", 7) == 0)
                        ck_assert(taint_distro_parse(o + 7, &c.distro));
                else if (strncmp(o, "era=", 4) == 0)
                        c.version = taint_version_parse(o + 4, strlen(o + 4));
                else
                        ck_assert_str_eq(o, "-");
        return c;
}

static bool check_row(char *row, unsigned number)
{
        char *fields[COLUMNS], *save = NULL;
        struct found f = { 0 };
        struct diag d = { 0 };

        for (int i = 0; i < COLUMNS; i++) {
                fields[i] = strtok_r(i == 0 ? row : NULL, "\t", &save);
                ck_assert_msg(fields[i], "line %u has %d columns", number, i);
        }
        struct taint_kernel context = context_of(fields[OPTIONS]);
        size_t n = unescape(fields[TEXT]);
        int r = taint_decode_text(fields[TEXT], n, &context, collect, &f, &d);
        const char *ambiguous = f.ambiguous[0] ? f.ambiguous : "-",
                   *unknown = f.unknown[0] ? f.unknown : "-";
        if (r == 0 && f.mask == mask_of(fields[BITS]) && strcmp(ambiguous, fields[AMBIGUOUS]) == 0 &&
                strcmp(unknown, fields[UNKNOWN]) == 0 && !f.names_missing &&
                f.unreadable == (strcmp(fields[BITS], "unreadable") == 0))
                return true;
        (void)fprintf(stderr, "line %u: %s\n  expected %s %s %s, got %d 0x%llx %s %s %s\n", number,
                fields[TEXT], fields[BITS], fields[AMBIGUOUS], fields[UNKNOWN], r,
                (unsigned long long)f.mask, ambiguous, unknown, d.text);
        return false;
}

/* An address, or OWNER/REPOSITORY PATH; else `constructed`. */
static bool is_cited(const char *row)
{
        const char *source = strrchr(row, '\t');

        ck_assert_ptr_nonnull(source);
        source++;
        if (strcmp(source, "constructed") == 0)
                return false;
        if (strncmp(source, "https://", 8) != 0) {
                size_t owner = strcspn(source, "/ "), repository = strcspn(source, " ");
                ck_assert_msg(owner > 0 && owner + 1 < repository && source[repository] != '\0' &&
                                      source[repository + 1] != '\0',
                        "no source: %s", source);
        }
        return true;
}

TEST(strings)
{
        _cleanup_buf_ struct buf file = BUF_INIT;
        struct diag d = { 0 };
        unsigned number = 0, rows = 0, cited = 0, failures = 0;

        ck_assert_msg(file_read(AT_FDCWD, TAINT_STRINGS, 1 << 20, &file, NULL, &d) == 0, "%s", d.text);
        for (char *line = file.data, *next; line; line = next) {
                next = strchr(line, '\n');
                if (next)
                        *next++ = '\0';
                number++;
                if ((rows == 0 && *line == '#') || *line == '\0')
                        continue;
                rows++;
                cited += is_cited(line) ? 1 : 0;
                failures += check_row(line, number) ? 0 : 1;
        }
        ck_assert_uint_ge(cited, CITED_MIN);
        ck_assert_msg(failures == 0, "%u of %u strings", failures, rows);
}

Suite *test_suite(void)
{
        return suite_of("taint-strings");
}
