/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How large a message is: sd-bus does not say. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "../base/macro.h"

struct measure {
        size_t values; /* numbers, texts, arrays of numbers, which are one each, and empty arrays in others
                        */
        size_t bytes;  /* that they take */
};

/* Reads from the beginning, no further than the limit allows, and goes back to the beginning. 1: within the
 * limit, *ret says how large; 0: larger; or negative errno: not a valid message. */
_must_check_ int measure_message(sd_bus_message *m, const struct measure *limit, struct measure *ret);

/* An answer that is complete and not sent yet. 0 or negative errno. */
_must_check_ int measure_answer(sd_bus_message *m, size_t *ret_bytes);

/* What sd-bus may put into an answer that it makes by itself to this call, beside what every message takes.
 */
size_t measure_made_answer(sd_bus_message *m);
