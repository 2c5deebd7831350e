/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From letters back to bits. A letter alone can mean several things: X was E for a while, SUSE and Red Hat
 * have letters of their own. The column in which it stands, the kernel's version and the distribution settle
 * it where they are known; where they do not, upstream's meaning is taken and the letter is reported as
 * ambiguous. No I/O, no allocation. */

#include <stdbool.h>

#include "../../schema/base/diag.h"
#include "../../schema/taint/taint.h"

#define TAINT_CANDIDATES_MAX 6
#define TAINT_AMBIGUOUS_MAX 8
#define TAINT_UNKNOWN_MAX 16

/* What is known of the kernel that printed the letters. */
struct taint_kernel {
        enum taint_distro distro; /* TAINT_ANY: not known */
        uint32_t version;         /* 0: not known */
};

struct taint_ambiguous {
        char letter;
        size_t n;
        const struct taint_flag *candidates[TAINT_CANDIDATES_MAX]; /* the first is the one that was taken */
};

struct taint_reading {
        uint64_t mask;
        const struct taint_flag *flags[64]; /* whose meaning was taken; NULL for a bit without a name */
        struct taint_ambiguous ambiguous[TAINT_AMBIGUOUS_MAX];
        size_t n_ambiguous;
        char unknown[TAINT_UNKNOWN_MAX + 1]; /* letters without a meaning, each once */
        bool columns;                        /* each letter stood in its column */
};

/* True for a letter that some row of the table has, also as the clear letter (G). */
bool taint_is_letter(char c);

/* Whether a kernel may have printed this: each letter once, in the order of the columns. */
bool taint_letters_plausible(const char *s, size_t n);

/* Reads letters, with or without blanks. `-` and blanks fill columns. `squeezed`: do not trust the columns.
 * Adds to what is in `r`, which starts as { 0 }. */
void taint_read_letters(
        const char *s, size_t n, const struct taint_kernel *context, bool squeezed, struct taint_reading *r);

/* The letters behind a module's name. `U` of Red Hat's old kernels says that the module is not signed, which
 * is no taint. */
void taint_read_module(const char *s, size_t n, const struct taint_kernel *context, struct taint_reading *r);

/* One flag of the table. */
void taint_read_flag(const struct taint_flag *f, struct taint_reading *r);

/* A bare mask. A bit that distributions use for different things is ambiguous too. */
void taint_read_mask(uint64_t mask, const struct taint_kernel *context, struct taint_reading *r);

/* One flag by its symbol, of the form `[W]=WARN`. An unknown symbol is read by its letter. */
void taint_read_symbol(char letter, const char *symbol, size_t n, const struct taint_kernel *context,
        struct taint_reading *r);

/* What the running kernel says of itself below proc/sys/kernel. `root` may be NULL. */

/* The taint mask. 0, or negative errno with d set. */
_must_check_ int taint_running_mask(const char *root, uint64_t *ret, struct diag *d);

/* The letters of the mask: as the kernel itself has them, in `tainted_chars`, which not all kernels have;
 * else as taint_columns() makes them. *ret_differs: the kernel's are there, and say another mask.
 * Returns `s`. */
const char *taint_running_letters(
        const char *root, uint64_t mask, bool *ret_differs, char s[static TAINT_LETTERS_MAX]);
