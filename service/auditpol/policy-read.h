/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy as the service's properties tell it; strings are borrowed from the message. */

#include <systemd/sd-bus.h>

#include "../../schema/base/json.h"

struct policy {
        const char *taint_events, *meaning, *written, *source, *pending, *control_path, *control_value,
                *last_error;
        int live, taint_readable;
        uint64_t last_applied, changes, no_ops, refused, drifts, sent, kept, lost;
};

/* Reads the answer of GetAll(). 0 or negative errno. */
_must_check_ int policy_read(sd_bus_message *m, struct policy *ret);
/* Members of an object that is open. */
void policy_json(struct json *j, const struct policy *p);
void policy_text(struct buf *out, const struct policy *p);
