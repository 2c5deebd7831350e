/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taint.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "../base/date.h"
#include "../values/value.h"
#include "../yaml/yaml.h"

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

/* What the text of a kernel release says: its version and whose kernel it is. */
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

#define SEPARATOR '|'
#define BITS 64u

/* What is being read: a member moves it behind itself. */
struct line {
        const char *p, *end;
};

static struct yaml_shown show(const char *s, const char *end)
{
        return yaml_show(s, (size_t)(end - s));
}

static void trim(struct line *l)
{
        while (l->p < l->end && *l->p == ' ')
                l->p++;
        while (l->p < l->end && l->end[-1] == ' ')
                l->end--;
}

static const char *find_end(const char *p, const char *end, char c)
{
        const char *found = memchr(p, c, (size_t)(end - p));
        return found ? found : end;
}

static bool is(const char *s, const char *end, const char *word)
{
        return (size_t)(end - s) == strlen(word) && memcmp(s, word, strlen(word)) == 0;
}

static const struct taint_flag *find_letter(char letter)
{
        for (unsigned bit = 0; bit < TAINT_UPSTREAM_BITS; bit++)
                if (taint_flag_by_bit(bit)->letter == letter)
                        return taint_flag_by_bit(bit);
        return NULL;
}

static bool read_letters(const char *s, const char *end, uint64_t *ret)
{
        uint64_t bits = 0;

        for (; s < end; s++) {
                const struct taint_flag *flag = find_letter(*s);
                if (!flag)
                        return false;
                bits |= UINT64_C(1) << flag->bit;
        }
        *ret = bits;
        return true;
}

/* WARN is a name, and four letters. */
static int read_bit_word(const char *s, const char *end, uint64_t *ret, struct diag *d)
{
        const struct taint_flag *flag = taint_flag_by_symbol(s, (size_t)(end - s));
        uint64_t number;
        bool letters = s < end && read_letters(s, end, ret);

        if (flag && letters)
                return diag_set(d, EINVAL,
                        "`%s` is a name and letters, expected TAINT_%s, or commas between the letters",
                        show(s, end).text, flag->symbol);
        if (letters)
                return 0;
        if (flag)
                number = flag->bit;
        else if (number_parse(s, (size_t)(end - s), BITS - 1, &number) < 0)
                return diag_set(d, EINVAL,
                        "`%s` names no bits, expected letters like OE, names like TAINT_WARN, or numbers "
                        "from 0 to 63, with commas between",
                        show(s, end).text);
        *ret = UINT64_C(1) << number;
        return 0;
}

static int read_bits(const char *s, const char *end, struct accepted_taint *a, struct diag *d)
{
        for (const char *comma;; s = comma + 1) {
                uint64_t bits = 0;
                comma = find_end(s, end, ',');
                int r = read_bit_word(s, comma, &bits, d);
                if (r < 0)
                        return r;
                a->bits |= bits;
                if (comma == end)
                        return 0;
        }
}

static int read_module(const char *s, const char *end, struct accepted_taint *a, struct diag *d)
{
        size_t n = (size_t)(end - s);

        if (a->module[0])
                return diag_set(
                        d, EINVAL, "`module=` is there twice, expected an acceptance for each module");
        if (n == 0 || n >= sizeof(a->module))
                return diag_set(d, EINVAL, "`module=%s` names no module, expected a name of 1 to %zu bytes",
                        show(s, end).text, sizeof(a->module) - 1);
        memcpy(a->module, s, n);
        a->module[n] = '\0';
        return 0;
}

static int read_end(const char *s, const char *end, struct accepted_taint *a, struct diag *d)
{
        if (a->end != INT64_MAX)
                return diag_set(d, EINVAL, "`until=` is there twice, expected one end");
        if (!date_parse_end(s, (size_t)(end - s), &a->end))
                return diag_set(d, EINVAL,
                        "`until=%s` is no date, expected one like 2027-01-31 or 2027-01-31T12:00Z",
                        show(s, end).text);
        return 0;
}

static int read_members(struct line l, struct accepted_taint *a, struct diag *d)
{
        for (bool first = true;; first = false) {
                const char *end, *equals;
                int r;
                trim(&l);
                end = find_end(l.p, l.end, ' ');
                equals = find_end(l.p, end, '=');
                if (is(l.p, equals, "reason") && equals < end && equals + 1 < l.end)
                        return 0;
                if (l.p == l.end || is(l.p, equals, "reason"))
                        return diag_set(d, EINVAL,
                                "no reason is given, expected `reason=` and the reason at the end");
                if (is(l.p, equals, "module") && equals < end)
                        r = read_module(equals + 1, end, a, d);
                else if (is(l.p, equals, "until") && equals < end)
                        r = read_end(equals + 1, end, a, d);
                else if (first && equals == end)
                        r = read_bits(l.p, end, a, d);
                else
                        r = diag_set(d, EINVAL,
                                "`%s` is not known, expected bits first, then `module=`, `until=` and `reason=`",
                                show(l.p, end).text);
                if (r < 0)
                        return r;
                l.p = end;
        }
}

static int check_line(struct line l, struct diag *d)
{
        if ((size_t)(l.end - l.p) > ACCEPTED_TAINT_BYTES_MAX)
                return diag_set(d, EINVAL, "it is %zu bytes long, expected at most %u",
                        (size_t)(l.end - l.p), ACCEPTED_TAINT_BYTES_MAX);
        for (const char *p = l.p; p < l.end; p++)
                if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == SEPARATOR)
                        return diag_set(d, EINVAL,
                                "a control character or `%c` is in it, expected one line without",
                                SEPARATOR);
        return 0;
}

static int read_line(struct line l, struct accepted_taint *ret, struct diag *d)
{
        struct accepted_taint a = { .end = INT64_MAX };

        int r = check_line(l, d);
        if (r == 0)
                r = read_members(l, &a, d);
        if (r == 0 && a.bits == 0 && !a.module[0])
                r = diag_set(d, EINVAL, "neither bits nor a module are named, expected one of them or both");
        if (r < 0) {
                diag_prefix(d, "`%s`", show(l.p, l.end).text);
                return r;
        }
        a.text = strndup(l.p, (size_t)(l.end - l.p));
        if (!a.text)
                return -ENOMEM;
        *ret = a;
        return 0;
}

int accepted_taints_add(struct accepted_taints *a, const char *s, size_t n, struct diag *d)
{
        struct line l = { s, s + n };

        trim(&l);
        if (l.p == l.end)
                return 0;
        if (a->n == ACCEPTED_TAINTS_MAX)
                return diag_set(
                        d, EINVAL, "too many are accepted, expected at most %u", ACCEPTED_TAINTS_MAX);
        int r = array_grow(&a->list, a->n, sizeof(*a->list));
        if (r == 0)
                r = read_line(l, &a->list[a->n], d);
        if (r == 0)
                a->n++;
        else if (r == -EINVAL)
                diag_prefix(d, "acceptance %zu", a->n + 1);
        return r;
}

int accepted_taints_parse(const char *s, size_t n, struct accepted_taints *ret, struct diag *d)
{
        const char *end = s + n;
        int r = 0;

        *ret = (struct accepted_taints){ 0 };
        for (const char *bar; r == 0 && s < end; s = bar < end ? bar + 1 : end) {
                bar = find_end(s, end, SEPARATOR);
                r = accepted_taints_add(ret, s, (size_t)(bar - s), d);
        }
        if (r < 0)
                accepted_taints_done(ret);
        return r;
}

void accepted_taints_done(struct accepted_taints *a)
{
        for (size_t i = 0; i < a->n; i++)
                free(a->list[i].text);
        free(a->list);
        *a = (struct accepted_taints){ 0 };
}

bool accepted_taint_ended(const struct accepted_taint *a, int64_t now)
{
        return a->end <= now;
}

/* To the kernel a hyphen and an underscore are one. */
static bool is_module(const char *a, const char *b)
{
        for (; *a && *b; a++, b++)
                if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
                        return false;
        return *a == *b;
}

const struct accepted_taint *accepted_taints_find(
        const struct accepted_taints *a, unsigned bit, const char *module, int64_t now)
{
        for (size_t i = 0; i < a->n; i++) {
                const struct accepted_taint *t = &a->list[i];
                bool has_bit = t->bits == 0 || (bit < BITS && t->bits >> bit & 1);
                if (has_bit && (!t->module[0] || is_module(t->module, module)) &&
                        !accepted_taint_ended(t, now))
                        return t;
        }
        return NULL;
}

/* Those that a module can set by being loaded. */
static uint64_t module_bits(void)
{
        uint64_t bits = 0;

        for (unsigned bit = 0; bit < TAINT_UPSTREAM_BITS; bit++)
                if (taint_flag_by_bit(bit)->module)
                        bits |= UINT64_C(1) << bit;
        return bits;
}

uint64_t accepted_taints_bits(const struct accepted_taints *a, int64_t now)
{
        uint64_t bits = 0;

        for (size_t i = 0; i < a->n; i++)
                if (!accepted_taint_ended(&a->list[i], now))
                        bits |= a->list[i].bits ? a->list[i].bits : module_bits();
        return bits;
}

int64_t accepted_taints_next_end(const struct accepted_taints *a, int64_t now)
{
        int64_t next = INT64_MAX;

        for (size_t i = 0; i < a->n; i++)
                if (!accepted_taint_ended(&a->list[i], now) && a->list[i].end < next)
                        next = a->list[i].end;
        return next;
}
