/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way to the provider, which nobody waits for: calls are sent, and their answers come through the event
 * loop. All changes of all hives are subscribed to. Where the provider, or the bus, goes away it is watched
 * for, and everything begins anew when it is there again. What becomes of that is for regedit.h. */

#include "../../schema/bus/client.h"

struct feed;
struct regedit;

/* 0, or negative errno with d set. Without a bus it tries again every second. */
_must_check_ int feed_new(sd_event *event, struct regedit *r, struct feed **ret);
struct feed *feed_free(struct feed *f);
/* On a new connection, within a second; the regedit is without a provider until then. 0 or negative errno.
 */
_must_check_ int feed_begin_anew(struct feed *f, const struct diag *why);

/* An answer to a call about this value of this key (NULL: of no value): at its first member, or NULL where
 * the call failed, which `code` and `d` explain. */
struct feed_answer {
        const char *key, *name;
        sd_bus_message *reply;
        enum exit_code code;
        bool is_absent; /* nobody is there to answer */
        struct diag d;
};
typedef void (*feed_fn)(struct regedit *r, const struct feed_answer *a);

/* A call of the provider's; -ENOTCONN while there is no bus. 0 or negative errno. */
_must_check_ int feed_new_call(struct feed *f, const char *method, sd_bus_message **ret);
/* `fn` runs once, unless the connection ends before. `key` and `name` (may be NULL) are copied. 0 or
 * negative errno: then it does not run. */
_must_check_ int feed_send(struct feed *f, sd_bus_message *m, const char *key, const char *name, feed_fn fn);
/* Both, with arguments as sd_bus_message_append() takes them. */
_must_check_ int feed_ask(struct feed *f, const char *method, const char *key, const char *name, feed_fn fn,
        const char *types, ...);
/* Whether polkit lets this user write, as far as it knows without asking anybody: "(bba{ss})". */
_must_check_ int feed_ask_polkit(struct feed *f, feed_fn fn);
/* A property, which comes as a variant. */
_must_check_ int feed_ask_property(struct feed *f, const char *name, feed_fn fn);
