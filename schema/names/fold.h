/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unicode simple case folding (CaseFolding.txt, status C and S) and UTF-8 checks. No locale, no
 * normalisation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* The Unicode version of the table, for --version and the tests. */
extern const char fold_unicode_version[];

uint32_t fold_char(uint32_t c);

/* Decodes one character at s (n > 0 bytes are there). Returns its length 1..4, or 0 when it is not valid
 * UTF-8 (overlong, surrogate, above U+10FFFF, cut short). */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

/* The offset of the first byte that is not valid UTF-8, or n. */
size_t utf8_valid_prefix(const char *s, size_t n);

/* sd-bus takes UTF-8 without Unicode's noncharacters. The prefix ends where the first thing is that it
 * refuses. */
size_t utf8_sendable_prefix(const char *s, size_t n);
bool utf8_sendable(const char *s, size_t n);
/* Appends the text so that it is sendable: what is not becomes U+FFFD, byte by byte or character by
 * character. */
void utf8_replace(struct buf *out, const char *s, size_t n);

/* Neither a control character (C0, DEL, C1), nor what separates lines or paragraphs, nor a mark that
 * reorders what is shown. */
bool utf8_is_plain(uint32_t c);
/* Appends text for a terminal, or for a line of a file: what is not plain, or not UTF-8, as \xNN. */
void utf8_put_safe(struct buf *out, const char *s, size_t n);
/* The same of a whole text, between two that are plain. */
void utf8_put_between(struct buf *out, const char *before, const char *text, const char *behind);

/* Compares two valid UTF-8 names as the registry does. fold_compare orders by folded code points. */
bool fold_equal(const char *a, size_t a_len, const char *b, size_t b_len);
int fold_compare(const char *a, size_t a_len, const char *b, size_t b_len);
/* The same of whole strings. */
bool fold_same(const char *a, const char *b);
int fold_order(const char *a, const char *b);

/* The folded name, as UTF-8 with a NUL, into `size` bytes. Returns its length; 0 too where there is no room.
 * A name of n bytes has at most FOLDED_BYTES(n) with the NUL. */
#define FOLDED_BYTES(n) ((n) / 2 * 3 + 2)
size_t fold_text(const char *s, size_t n, char *ret, size_t size);
/* Whether the names are one slip of the hand apart: one character too many, missing, another one, or two
 * that changed places. Equal names are not, nor are those of more than FOLD_SLIP_MAX bytes. */
#define FOLD_SLIP_MAX 255u
bool fold_is_slip(const char *a, size_t a_len, const char *b, size_t b_len);
/* Characters of a valid UTF-8 text. */
size_t utf8_count(const char *s, size_t n);

/* A hash that is equal for names that fold_equal() calls equal. */
uint32_t fold_hash(const char *s, size_t n, uint32_t seed);
