/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the text of a kernel release tells: its version and whose kernel it is. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "taint.h"

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
