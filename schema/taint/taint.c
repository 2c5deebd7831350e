/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAKE_VERSION(v) TAINT_VERSION v

static const struct taint_flag flags[] = {
#define TAINT_FLAG(WHO, BIT, COLUMN, LETTER, CLEAR, MODULE, SINCE, UNTIL, SYMBOL, OLDER, ACTOR, REACHABLE,  \
        SET_BY, MEANING, SEVERITY, ADVICE, NOTE)                                                            \
        { .distro = TAINT_##WHO,                                                                            \
                .bit = (BIT),                                                                               \
                .column = (COLUMN),                                                                         \
                .letter = (LETTER),                                                                         \
                .clear = (CLEAR),                                                                           \
                .module = (MODULE),                                                                         \
                .since = MAKE_VERSION(SINCE),                                                               \
                .until = MAKE_VERSION(UNTIL),                                                               \
                .symbol = (SYMBOL),                                                                         \
                .older = (OLDER),                                                                           \
                .actor = TAINT_ACTOR_##ACTOR,                                                               \
                .reachable = (REACHABLE),                                                                   \
                .set_by = (SET_BY),                                                                         \
                .meaning = (MEANING),                                                                       \
                .severity = TAINT_SEVERITY_##SEVERITY,                                                      \
                .advice = (ADVICE),                                                                         \
                .note = (NOTE) },
#include "taint-flags.def"
#undef TAINT_FLAG
};

const struct taint_flag *taint_flags(size_t *ret_n)
{
        *ret_n = ARRAY_SIZE(flags);
        return flags;
}

const struct taint_flag *taint_flag_by_bit(unsigned bit)
{
        return bit < TAINT_UPSTREAM_BITS ? &flags[bit] : NULL;
}

const char *taint_severity_name(enum taint_severity severity)
{
        static const char *const names[] = { "info", "notice", "warning", "serious", "critical" };

        return names[severity];
}

bool taint_is_unreachable(const struct taint_flag *flag, enum taint_distro distro)
{
        return flag && !flag->reachable && flag->distro == TAINT_UPSTREAM && distro == TAINT_ANY;
}

const struct taint_flag *taint_flag_for(enum taint_distro distro, uint32_t version, unsigned bit)
{
        const struct taint_flag *best = taint_flag_by_bit(bit);

        if (distro == TAINT_ANY && best)
                return best;
        for (size_t i = TAINT_UPSTREAM_BITS; i < ARRAY_SIZE(flags); i++) {
                const struct taint_flag *f = &flags[i];
                if (f->bit != bit || (distro != TAINT_ANY && f->distro != distro))
                        continue;
                if (version == 0 ? f->until == 0 || !best
                                 : f->since <= version && (f->until == 0 || version < f->until))
                        best = f;
        }
        return best;
}

const struct taint_flag *taint_flag_by_symbol(const char *name, size_t n)
{
        static const char prefix[] = "TAINT_";

        if (n > sizeof(prefix) - 1 && memcmp(name, prefix, sizeof(prefix) - 1) == 0) {
                name += sizeof(prefix) - 1;
                n -= sizeof(prefix) - 1;
        }
        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                const char *const names[] = { flags[i].symbol, flags[i].older };
                for (size_t k = 0; k < ARRAY_SIZE(names); k++)
                        if (names[k] && strlen(names[k]) == n && memcmp(names[k], name, n) == 0)
                                return &flags[i];
        }
        return NULL;
}

const char *taint_name(const struct taint_flag *flag, unsigned bit, char name[static TAINT_NAME_MAX])
{
        if (flag)
                (void)snprintf(name, TAINT_NAME_MAX, "TAINT_%s", flag->symbol);
        else
                (void)snprintf(name, TAINT_NAME_MAX, "bit %u", bit);
        return name;
}

const char *taint_columns(uint64_t mask, char s[static TAINT_LETTERS_MAX])
{
        size_t n = 0;

        for (unsigned bit = 0; mask != 0 && bit < TAINT_UPSTREAM_BITS; bit++)
                s[n++] = mask >> bit & 1 ? flags[bit].letter : flags[bit].clear;
        s[n] = '\0';
        return s;
}

const char *taint_letters(
        uint64_t mask, enum taint_distro distro, uint32_t version, char s[static TAINT_LETTERS_MAX])
{
        size_t n = 0;

        for (unsigned bit = 0; bit < 64; bit++) {
                const struct taint_flag *f = mask >> bit & 1 ? taint_flag_for(distro, version, bit) : NULL;
                if (f)
                        s[n++] = f->letter;
        }
        s[n] = '\0';
        return s;
}

/* What the text of a kernel release tells: its version and whose kernel it is. */
static const struct {
        const char *name;
        enum taint_distro distro;
} names[] = {
        { "upstream", TAINT_UPSTREAM },
        { "rhel", TAINT_RHEL },
        { "suse", TAINT_SUSE },
        { "ubuntu", TAINT_UBUNTU },
        /* the first name of each is the one that is shown */
        { "mainline", TAINT_UPSTREAM },
        { "debian", TAINT_UPSTREAM },
        { "arch", TAINT_UPSTREAM },
        { "redhat", TAINT_RHEL },
        { "fedora", TAINT_RHEL },
        { "centos", TAINT_RHEL },
        { "rocky", TAINT_RHEL },
        { "almalinux", TAINT_RHEL },
        { "oracle", TAINT_RHEL },
        { "opensuse", TAINT_SUSE },
        { "sles", TAINT_SUSE },
};

const char *taint_distro_name(enum taint_distro distro)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (names[i].distro == distro)
                        return names[i].name;
        return NULL;
}

bool taint_distro_parse(const char *name, enum taint_distro *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i].name, name) == 0) {
                        *ret = names[i].distro;
                        return true;
                }
        return false;
}

const char *taint_version_format(uint32_t version, char s[static TAINT_VERSION_TEXT_MAX])
{
        unsigned a = version >> 24, b = version >> 12 & 0xfff, c = version & 0xfff;

        if (c > 0)
                (void)snprintf(s, TAINT_VERSION_TEXT_MAX, "%u.%u.%u", a, b, c);
        else
                (void)snprintf(s, TAINT_VERSION_TEXT_MAX, "%u.%u", a, b);
        return s;
}

/* Up to `limit`; false where there is no number, or one too large for a version. */
static bool take_number(const char **p, const char *end, unsigned limit, unsigned *ret)
{
        unsigned v = 0;
        const char *start = *p;

        for (; *p < end && isdigit((unsigned char)**p); (*p)++) {
                v = v * 10 + (unsigned)(**p - '0');
                if (v > limit)
                        return false;
        }
        *ret = v;
        return *p > start;
}

uint32_t taint_version_parse(const char *release, size_t n)
{
        const char *p = release, *end = release + n;
        unsigned a, b, c = 0;

        if (!take_number(&p, end, 0xff, &a) || p == end || *p++ != '.' || !take_number(&p, end, 0xfff, &b))
                return 0;
        if (p + 1 < end && *p == '.' && isdigit((unsigned char)p[1])) {
                p++;
                if (!take_number(&p, end, 0xfff, &c))
                        c = 0;
        }
        return TAINT_VERSION(a, b, c);
}

enum follow {
        ANYTHING,
        NUMBER,
        END
};

static bool has_mark(const char *s, size_t n, const char *mark, enum follow follow)
{
        const char *hit = memmem(s, n, mark, strlen(mark));

        if (!hit)
                return false;
        hit += strlen(mark);
        int c = hit < s + n ? (unsigned char)*hit : ' ';
        return follow == ANYTHING || (follow == NUMBER ? isdigit(c) : isspace(c) || c == ')');
}

enum taint_distro taint_distro_of_release(const char *release, size_t n)
{
        static const struct {
                const char *mark;
                enum follow follow;
                enum taint_distro distro;
        } marks[] = {
                { ".el", NUMBER, TAINT_RHEL },
                { ".fc", NUMBER, TAINT_RHEL },
                { "_FC", NUMBER, TAINT_RHEL },
                { "_EL", ANYTHING, TAINT_RHEL }, /* 2.4.21-32.0.1.ELsmp has a dot */
                { ".EL", ANYTHING, TAINT_RHEL },
                { ".eln", NUMBER, TAINT_RHEL },
                { "SLE", NUMBER, TAINT_SUSE },
                { "SUSE", ANYTHING, TAINT_SUSE },
                { "-default", END, TAINT_SUSE },
                { "-Ubuntu", ANYTHING, TAINT_UBUNTU },
                { "-generic", ANYTHING, TAINT_UBUNTU },
                { "-lowlatency", ANYTHING, TAINT_UBUNTU },
                { "Debian", ANYTHING, TAINT_UPSTREAM },
                { "-arch", NUMBER, TAINT_UPSTREAM },
        };

        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                if (has_mark(release, n, marks[i].mark, marks[i].follow))
                        return marks[i].distro;
        return TAINT_ANY;
}
