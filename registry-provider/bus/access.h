/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may write: root, members of the administrators' group, and whom polkit allows (asked over D-Bus,
 * without blocking the loop). Everybody may read. Where polkit is not there, the first two remain. */

#include <systemd/sd-bus.h>

#include "../../schema/base/diag.h"
#include "../../schema/audit/record.h"

/* Setting layers' metadata (precedence above all) is its own action: it needs more than writing a value. */
#define ACCESS_ACTION_WRITE "org.peios.Registry1.write"
#define ACCESS_ACTION_LAYERS "org.peios.Registry1.manage-layers"

enum access_verdict {
        ACCESS_ALLOWED,
        ACCESS_ASK_POLKIT,
        ACCESS_DENIED,
};

/* Without polkit: uid 0 always; members of the administrators' group for ACCESS_ACTION_WRITE only. */
enum access_verdict access_decide(uint32_t uid, bool is_member, const char *action);

/* Called once; `allowed` is false with the reason in `why` (also when polkit does not answer). */
typedef void (*access_done_t)(bool allowed, const char *why, void *userdata);

/* Asks polkit about the owner of `unique_name`. `interactive`: the caller allows a dialogue. 0 (done will be
 * called), or negative errno. The userdata must stay good until then; `ret_slot` cancels when it is
 * released. */
_must_check_ int access_ask_polkit(sd_bus *bus, const char *unique_name, const char *action,
        bool interactive, access_done_t done, void *userdata, sd_bus_slot **ret_slot);
