/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What Info() says of a key. */

#include "../../schema/base/json.h"
#include "../../schema/bus/wire.h"

struct key_info {
        const char *path, *guid; /* borrowed from the reply */
        uint32_t subkeys, values;
        uint64_t last_write_usec;
        int is_volatile, is_link;
        sd_bus_message *reply;
};

void key_info_done(struct key_info *i);
#define _cleanup_key_info_ _cleanup_(key_info_done)

/* `ret` is empty, and done() in any case. 0 or negative errno. */
_must_check_ int key_info_read(sd_bus_message *reply, struct key_info *ret);
/* Members of the open object: all but the path. */
void key_info_to_json(struct json *j, const struct key_info *i);
/* A line a member. */
void key_info_format(struct buf *out, const struct key_info *i);
