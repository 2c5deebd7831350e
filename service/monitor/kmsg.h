/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only reader of dev/kmsg: hands over what the kernel logged, from the beginning of its buffer on. Wakes
 * for new records alone. Needs CAP_SYSLOG while it is made where the kernel restricts its log. */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "../../schema/base/diag.h"

#define KMSG_TEXT_MAX 1024u
/* A flood is taken in portions, so that everything else goes on. */
#define KMSG_READS_AT_ONCE 512u
/* More than any buffer holds, but an end: records may come faster than they are read. */
#define KMSG_READS_OF_RING 1000000u

enum kmsg_caller {
        KMSG_CALLER_UNKNOWN,
        KMSG_CALLER_TASK, /* printed in this task */
        KMSG_CALLER_CPU,  /* printed in an interrupt on this processor */
};

/* Facility 0 is the kernel's own, and nobody else's: what is written to /dev/kmsg gets another one, so that
 * a line that is made up shows. */
struct kmsg_record {
        unsigned level, facility;
        uint64_t seq;
        uint64_t usec; /* the log's clock: about CLOCK_MONOTONIC */
        enum kmsg_caller caller_kind;
        uint32_t caller;
        char text[KMSG_TEXT_MAX]; /* cut; may hold newlines */
};

/* A line as the device gives it, without its newline:
 * `<priority>,<sequence>,<µs>,<flags>[,caller=T12];<text>`, the text with \xNN for what is not printable.
 * Pure. False: it is none of the kernel's making. */
bool kmsg_record_parse(const char *line, size_t n, struct kmsg_record *ret);

struct kmsg;

/* Opens it; nothing is read or watched yet. 0, or negative errno with the reason in d. */
_must_check_ int kmsg_open(const char *root, struct kmsg **ret, struct diag *d);
struct kmsg *kmsg_free(struct kmsg *k);

/* From now on new records wake, and so does the log's end. 0 or negative errno: -EPERM for a file that
 * cannot be waited for. */
_must_check_ int kmsg_watch(struct kmsg *k, sd_event *event, sd_event_io_handler_t woken, void *userdata);

/* The next record that is there; false where none is left, the log broke, or *reads, which counts down, is
 * 0: the next waking brings the rest. */
bool kmsg_next(struct kmsg *k, unsigned *reads, struct kmsg_record *ret);

/* False once it broke. */
bool kmsg_alive(const struct kmsg *k);
/* Records that were overwritten before they could be read. */
uint64_t kmsg_lost(const struct kmsg *k);
/* The beginning of the boot is there: nothing was overwritten before the first record. */
bool kmsg_complete(const struct kmsg *k);
