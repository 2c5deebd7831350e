/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Log lines that the kernel writes when it taints itself, from taint-messages.def. No I/O, no allocation. */

#include <stdbool.h>
#include <stddef.h>

struct taint_message {
        unsigned bit;
        const char *module; /* points into the line; NULL where the line names none */
        size_t module_len;
};

/* True if the line is one of them. */
bool taint_message_parse(const char *line, size_t n, struct taint_message *ret);
