/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between decoding one thing and walking a text. d->input is what is decoded. */

#include "decode.h"

/* Takes blanks and newlines off both ends. */
void decode_trim(const char **s, size_t *n);

/* What stands alone: numbers and letters, too short to be looked for in a log. 1 if it is that, 0 if not;
 * -EINVAL with the reason in diag. */
_must_check_ int decode_bare(struct taint_decoded *d, struct diag *diag);

/* What tools, this project's too, make of a mask or of letters: a word in front of them tells. */
bool decode_form(struct taint_decoded *d);

/* A name of the table, `TAINT_WARN`, anywhere in the line: in this project's records, journal entries,
 * metrics and JSON. */
bool decode_named(struct taint_decoded *d);

/* What a line of a log can be. `text_end`: how far a wrapped line may be followed. The same values, or
 * -ENOMEM. */
_must_check_ int decode_line(struct taint_decoded *d, const char *text_end, struct diag *diag);

/* `[W]=WARN…`: names without what stands in front of them. */
bool decode_begins_names(const char *s, size_t n);
