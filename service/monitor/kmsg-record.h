/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One record as /dev/kmsg gives it: `<priority>,<sequence>,<µs>,<flags>[,caller=T12];<text>`, the text with
 * \xNN for what is not printable. Pure. Facility 0 is the kernel's own, and nobody else's: what is written
 * to /dev/kmsg gets another one, so that a line that is made up shows. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMSG_TEXT_MAX 1024u

enum kmsg_caller {
        KMSG_CALLER_UNKNOWN,
        KMSG_CALLER_TASK, /* printed in this task */
        KMSG_CALLER_CPU,  /* printed in an interrupt on this processor */
};

struct kmsg_record {
        unsigned level, facility;
        uint64_t seq;
        uint64_t usec; /* the log's clock: about CLOCK_MONOTONIC */
        enum kmsg_caller caller_kind;
        uint32_t caller;
        char text[KMSG_TEXT_MAX]; /* cut; may hold newlines */
};

/* A line without its newline. False: it is none of the kernel's making. */
bool kmsg_record_parse(const char *line, size_t n, struct kmsg_record *ret);
