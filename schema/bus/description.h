/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the schema says of a value, on D-Bus: "a{sv}a(sss)". The dictionary has the members of a schema file
 * that an entry has, under their names there, and its `name`, `type` (u) and `source`; a range is `least`
 * and `most` (t), and what is in a control stands beside it. Then the choices: value, text for the control,
 * meaning. */

#include <systemd/sd-bus.h>

#include "../schema.h"

/* Beside it, of the names that were asked for. */
struct description_hints {
        const char *meant_key, *meant_name; /* of an unknown value: the one that was probably meant; NULL */
        const char *layer; /* only what this one has of the value counts; NULL: any layer's */
        int key_is_value;  /* the key's path is that of a value that the schema knows */
        int is_key;        /* the value's path is that of a key in which, or below which, it knows values */
};

struct description {
        struct schema_value sv; /* without its key; strings are the message's */
        struct description_hints hints;
};

/* At most so many bytes of a message. */
size_t description_bytes(const struct schema_value *sv, const struct description_hints *hints);
/* `sv` is NULL for an unknown value, and `hints` may be. 0 or negative errno. */
_must_check_ int description_append(
        sd_bus_message *m, const struct schema_value *sv, const struct description_hints *hints);
/* `ret` is empty, and done() in any case. 0 or negative errno. */
_must_check_ int description_read(sd_bus_message *m, struct description *ret);
/* The next of an a(sa{sv}a(sss)) that was entered: a value and its key's path. > 0; 0: there is none any
 * more; or negative errno. `ret` is empty, and done() in any case. */
_must_check_ int description_next(sd_bus_message *m, const char **ret_key, struct description *ret);
#define DESCRIPTION_ROW "sa{sv}a(sss)"
void description_done(struct description *d);
