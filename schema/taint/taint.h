/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernel's taint bits: what each is called, its letter, since when, who sets it. All of it comes from
 * taint-flags.def. Masks have 64 bits; a bit without a name is shown as `bit N` and never dropped. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/diag.h"
#include "../base/macro.h"

/* Kernel versions as one number that can be compared; 0 where it is not known. */
#define TAINT_VERSION(a, b, c) ((uint32_t)(a) << 24 | (uint32_t)(b) << 12 | (uint32_t)(c))

/* Bits that the upstream kernel has, from 0 without a gap. */
#define TAINT_UPSTREAM_BITS 20U

#define TAINT_NAME_MAX 40    /* of taint_name(), with the NUL */
#define TAINT_LETTERS_MAX 65 /* of the letter strings, with the NUL */
#define TAINT_VERSION_TEXT_MAX 24

enum taint_distro {
        TAINT_ANY, /* not known; never in the table */
        TAINT_UPSTREAM,
        TAINT_RHEL, /* and Fedora, CentOS, … */
        TAINT_SUSE,
        TAINT_UBUNTU,
};

enum taint_actor {
        TAINT_ACTOR_TASK,    /* the task that did it is the actor */
        TAINT_ACTOR_MAYBE,   /* a task, or nobody where it came with the boot */
        TAINT_ACTOR_CONTEXT, /* what was running, perhaps only interrupted */
        TAINT_ACTOR_NONE,    /* a running task is a bystander */
};

enum taint_severity {
        TAINT_SEVERITY_INFO,
        TAINT_SEVERITY_NOTICE,
        TAINT_SEVERITY_WARNING,
        TAINT_SEVERITY_SERIOUS,
        TAINT_SEVERITY_CRITICAL,
};

struct taint_flag {
        enum taint_distro distro;
        uint8_t bit, column;
        char letter, clear;
        bool module, reachable;
        uint32_t since, until; /* until: 0 for none */
        enum taint_actor actor;
        const char *symbol, *older; /* without TAINT_; older: NULL for none */
        enum taint_severity severity;
        const char *set_by, *meaning, *advice, *note;
};

/* The table: upstream's bits in order (index = bit), then those of distributions. */
const struct taint_flag *taint_flags(size_t *ret_n);

/* Upstream's flag for the bit, or NULL. */
const struct taint_flag *taint_flag_by_bit(unsigned bit);

/* What this distribution's kernel of this version means by the bit: its own flag, else upstream's, else
 * NULL. With TAINT_ANY upstream's, else the only or newest distribution's. */
const struct taint_flag *taint_flag_for(enum taint_distro distro, uint32_t version, unsigned bit);

/* "critical" and the like. */
const char *taint_severity_name(enum taint_severity severity);

/* Whether to say that no standard Peios build can set it: of a kernel that is not known to be another's. */
bool taint_is_unreachable(const struct taint_flag *flag, enum taint_distro distro);

/* By name, with or without TAINT_, the older name too; case matters. NULL where there is none. */
const struct taint_flag *taint_flag_by_symbol(const char *name, size_t n);

/* "TAINT_WARN", or "bit 42". flag may be NULL. Returns `name`. */
const char *taint_name(const struct taint_flag *flag, unsigned bit, char name[static TAINT_NAME_MAX]);

/* The letters of a mask, as the kernel prints them. Bits without a letter do not show, as they do not in the
 * kernel. Each returns `s`. */
/* Upstream's, one character a column, "" for the mask 0: "P        W  O       ". */
const char *taint_columns(uint64_t mask, char s[static TAINT_LETTERS_MAX]);
/* As behind a module's name, without blanks and G: "PWO"; with those of the distribution, where it has its
 * own. */
const char *taint_letters(
        uint64_t mask, enum taint_distro distro, uint32_t version, char s[static TAINT_LETTERS_MAX]);

/* "upstream", "rhel", …; by name also "debian", "fedora", "centos", "mainline". NULL, or false, where there
 * is none. */
const char *taint_distro_name(enum taint_distro distro);
bool taint_distro_parse(const char *name, enum taint_distro *ret);

/* "2.6.21", "3.15": the last number is left out where it is 0. Returns `s`. */
const char *taint_version_format(uint32_t version, char s[static TAINT_VERSION_TEXT_MAX]);
/* The leading numbers of a release: "4.18.0-348.el8" gives 4.18. 0 where it does not start with two numbers.
 */
uint32_t taint_version_parse(const char *release, size_t n);
/* What a release's text says of the distribution: ".el8", "-generic", … TAINT_ANY where it says nothing.
 * `n` may reach beyond the release: the build number behind it says it, too. */
enum taint_distro taint_distro_of_release(const char *release, size_t n);

/* Taints that an operator knows of and accepts: they are reported as all others are, but are no alarm. Each
 * acceptance is a line,
 *
 *     OE module=zfs until=2027-01-31 reason=INC-4711, the vendor will sign it
 *
 * of bits, a module, or both (the bits that this module sets), the end, and the reason, which is the rest of
 * the line. Bits are letters as they stand behind a module's name, symbols, or numbers, with commas between.
 * A day counts until it is over in local time; a time of the day may follow it, and a zone. Pure but for the
 * zone. */

#define ACCEPTED_TAINTS_MAX 256u
#define ACCEPTED_TAINT_BYTES_MAX 512u
#define ACCEPTED_TAINT_MODULE_MAX 64u /* with the NUL */
#define ACCEPTED_TAINT_EXAMPLE "OE module=zfs until=2027-01-31 reason=INC-4711"

struct accepted_taint {
        char *text;                             /* without blanks at its ends; owned */
        uint64_t bits;                          /* 0: any */
        char module[ACCEPTED_TAINT_MODULE_MAX]; /* "": whatever sets them */
        int64_t end;                            /* µs since 1970; INT64_MAX for none */
};

struct accepted_taints {
        struct accepted_taint *list;
        size_t n;
};

/* Adds one, if it is not blank. 0, -EINVAL with what is wrong and what was expected in d, or -ENOMEM. */
_must_check_ int accepted_taints_add(struct accepted_taints *a, const char *s, size_t n, struct diag *d);
/* All of a text, with `|` between two. On an error `ret` is empty. */
_must_check_ int accepted_taints_parse(const char *s, size_t n, struct accepted_taints *ret, struct diag *d);
void accepted_taints_done(struct accepted_taints *a);
#define _cleanup_accepted_taints_ _cleanup_(accepted_taints_done)

bool accepted_taint_ended(const struct accepted_taint *a, int64_t now);
/* The first that covers this bit, set by this module ("" where it is not known, or was none). From 64 on it
 * is a bit that has no name here. NULL: it is not accepted. */
const struct accepted_taint *accepted_taints_find(
        const struct accepted_taints *a, unsigned bit, const char *module, int64_t now);
/* Bits that something may set and be accepted. */
uint64_t accepted_taints_bits(const struct accepted_taints *a, int64_t now);
/* When the next one ends after `now`; INT64_MAX for never. */
int64_t accepted_taints_next_end(const struct accepted_taints *a, int64_t now);
