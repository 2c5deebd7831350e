/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taint.h"

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
