/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the policy service says of the values that it follows. It is never started for a question. */

#include "session.h"

/* A value's own line of ListSettings(); strings are borrowed from the reply. */
struct policy_setting {
        const char *written, *layer, *accepted, *pending, *control, *control_value, *error, *why;
        int live;
        sd_bus_message *reply; /* NULL: the service says nothing of this value */
};

void policy_setting_done(struct policy_setting *p);
#define _cleanup_policy_setting_ _cleanup_(policy_setting_done)

enum policy_answer {
        POLICY_SAID,
        POLICY_NOTHING_TO_SAY, /* the service does not follow the value */
        POLICY_ABSENT,         /* the service is not running */
        POLICY_FAILED,         /* the session's diag says why */
};

enum policy_answer policy_setting_get(
        struct session *s, const char *key, const char *name, struct policy_setting *ret);

/* What a write of `v` (NULL: the value goes away), won by the layer, would do: lines, each with a newline,
 * appended to `ret`.
 */
enum policy_answer policy_preview(struct session *s, const char *key, const char *name,
        const struct value *v, const char *layer, struct buf *ret);
