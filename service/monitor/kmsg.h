/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only reader of dev/kmsg: hands over what the kernel logged, from the beginning of its buffer on. Wakes
 * for new records alone. Needs CAP_SYSLOG while it is made where the kernel restricts its log. */

#include <systemd/sd-event.h>

#include "../../schema/base/diag.h"
#include "kmsg-record.h"

struct kmsg;

struct kmsg_callbacks {
        void (*record)(const struct kmsg_record *r, void *userdata);
        /* Records came, or the log cannot be read any more: look whether the mask changed. */
        void (*woken)(void *userdata);
        void *userdata;
};

/* Opens it; nothing is read or watched yet. 0, or negative errno with the reason in d. */
_must_check_ int kmsg_open(
        const char *root, const struct kmsg_callbacks *callbacks, struct kmsg **ret, struct diag *d);
struct kmsg *kmsg_free(struct kmsg *k);

/* From now on new records wake. 0 or negative errno: -EPERM for a file that cannot be waited for. */
_must_check_ int kmsg_watch(struct kmsg *k, sd_event *event);

/* Hands over what is there now, without calling woken(). In a flood kmsg_drain() takes a portion and leaves
 * the rest to the next waking; kmsg_read_ring(), for the beginning, takes all. */
void kmsg_drain(struct kmsg *k);
void kmsg_read_ring(struct kmsg *k);

/* False once it broke. */
bool kmsg_alive(const struct kmsg *k);
/* Records that were overwritten before they could be read. */
uint64_t kmsg_lost(const struct kmsg *k);
/* The beginning of the boot is there: nothing was overwritten before the first record. */
bool kmsg_complete(const struct kmsg *k);
