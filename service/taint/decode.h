/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Decodes what a person has in hand: a number, letters, a line of a log, a list of modules, a whole log. */

#include "../../schema/base/diag.h"
#include "line.h"

/* No list of modules grows beyond this, and no more different things are reported of one text. */
#define TAINT_MODULES_MAX 4096
#define TAINT_FOUND_MAX 65536

struct taint_tainter {
        struct taint_module module;
        uint64_t mask;
};

/* All pointers are into the text, but `modules`, which taint_decoded_done() frees. */
struct taint_decoded {
        const char *input; /* what was decoded, without blanks and newline around it */
        size_t input_len;
        struct taint_reading reading;
        struct taint_kernel context; /* what was known of the kernel in the end */
        struct taint_tainter *modules;
        size_t n_modules;
        bool unreadable; /* it is tainted, and by what got lost: the mask says nothing */
        char note[160];  /* for people; "" where there is none */
};

void taint_decoded_done(struct taint_decoded *d);
#define _cleanup_decoded_ _cleanup_(taint_decoded_done)

/* One thing. 0, -EINVAL with d set where it is nothing of the kind, or -ENOMEM. */
_must_check_ int taint_decode_one(const char *text, size_t n, const struct taint_kernel *context,
        struct taint_decoded *ret, struct diag *d);

/* Every different thing of a text, in its order; a text of one line is one thing. A non-zero value of `each`
 * ends the walk and is returned. 0, -EINVAL with d set where the text holds nothing of the kind, or -ENOMEM.
 */
typedef int (*taint_decoded_fn)(const struct taint_decoded *decoded, void *userdata);
_must_check_ int taint_decode_text(const char *text, size_t n, const struct taint_kernel *context,
        taint_decoded_fn each, void *userdata, struct diag *d);
