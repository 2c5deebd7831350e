/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Parts of the provider's messages. Strings are borrowed from the message. */

#include <systemd/sd-bus.h>

#include "../../schema/values/value.h"
#include "../../schema/audit/record.h"

/* a{sv} of who or what made a change. *ret_known becomes true for a caller. Members that are not there leave
 * their output alone. */
_must_check_ int link_read_origin(sd_bus_message *m, struct actor *ret, bool *ret_known,
        const char **ret_reason, const char **ret_file, uint32_t *ret_file_owner);

/* a(sustuvs) of Resolve(): the first entry, which wins where the value exists; its bytes go into `bytes`. */
_must_check_ int link_read_winner(sd_bus_message *m, bool exists, struct buf *bytes, struct value *ret,
        const char **ret_layer, uint64_t *ret_sequence);
