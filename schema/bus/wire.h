/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Registry values on D-Bus: a `u` type code and a `v` whose signature follows from the type:
 *
 *     REG_SZ, REG_EXPAND_SZ, REG_LINK   s        REG_DWORD, REG_DWORD_BIG_ENDIAN   u
 *     REG_MULTI_SZ                      as       REG_QWORD                         t
 *
 * All other types, and bytes that are not the plain ones of their text or number, are `ay`. `ay` is accepted
 * for every type on input. */

#include <systemd/sd-bus.h>

#include "../values/value.h"
#include "cleanup.h"

/* Appends "uv". 0 or negative errno. */
_must_check_ int wire_append_value(sd_bus_message *m, const struct value *v);

/* Reads "uv"; the bytes are appended to `ret_bytes`. 0, -EINVAL with d set (a variant that does not fit the
 * type), or another negative errno. */
_must_check_ int wire_read_value(
        sd_bus_message *m, struct buf *ret_bytes, uint32_t *ret_type, struct diag *d);
/* The same of a value of at most `max` bytes. More are not copied: *ret_size says how many there are. */
_must_check_ int wire_read_value_within(sd_bus_message *m, size_t max, struct buf *ret_bytes,
        uint32_t *ret_type, size_t *ret_size, struct diag *d);

/* Reads "as" into a list that ends with NULL and is the caller's; the strings are the message's. (What
 * sd_bus_message_read_strv() does for each string takes as long as there are strings before it.) 0 or
 * negative errno. */
_must_check_ int wire_read_names(sd_bus_message *m, const char ***ret, size_t *ret_n);

/* A dictionary's members, read and written by a table: s, b, u and t. */
struct wire_member {
        const char *name, *type;
        void *at; /* as sd_bus_message_read() wants it: strings are borrowed from the message, a `b` is an
                     int. To be written: NULL is left out */
};

/* Reads an a{sv}. What has no entry in the dictionary keeps its value, and what is not in the table is
 * passed over. 0; -ENXIO where a member is of another type, or another negative errno: then some may have
 * been set. */
_must_check_ int wire_read_dict(sd_bus_message *m, const struct wire_member *members, size_t n);
/* Appends an a{sv}; strings that are NULL, and flags that are 0, are left out. 0 or negative errno. */
_must_check_ int wire_append_dict(sd_bus_message *m, const struct wire_member *members, size_t n);
/* Reading options is the same: what is not in the table, or of another type, is -EINVAL, and d says what
 * there is.
 */
_must_check_ int wire_read_strict(
        sd_bus_message *m, const struct wire_member *members, size_t n, struct diag *d);

/* What the schema speaks against is refused, or only reported. */
#define WIRE_CHECK_REFUSE "refuse"
#define WIRE_CHECK_REPORT "report"

/* The options of what changes the registry, or waits for changes. Strings are borrowed from the message. */
struct wire_options {
        const char *layer;        /* "layer" s */
        const char *ends;         /* "ends" s: the layer is made, and ends then (schema/base/ending.h) */
        const char *on_behalf_of; /* "on-behalf-of" s: unique bus name */
        struct expected expected; /* "expected-sequence" t */
        struct expected registry; /* "registry-sequence" t */
        int is_volatile;          /* "volatile" b */
        int recursive;            /* "recursive" b */
        int if_needed;            /* "if-needed" b */
        int no_follow;            /* "no-follow" b: a key that is a link is meant itself */
        int unchanged;     /* "unchanged" b: Subscribe: also report writes that changed nothing effective */
        const char *check; /* "check" s: WIRE_CHECK_…; NULL: what the schema says does not matter */
};

/* As wire_read_strict() and wire_append_dict(). */
_must_check_ int wire_read_options(sd_bus_message *m, struct wire_options *ret, struct diag *d);
_must_check_ int wire_append_options(sd_bus_message *m, const struct wire_options *options);

/* Maps a bus error to the exit codes of the command-line tools. */
enum exit_code {
        EXIT_CODE_OK = 0,
        EXIT_CODE_USAGE = 1,
        EXIT_CODE_NOT_FOUND = 2,
        EXIT_CODE_DENIED = 3,
        EXIT_CODE_INVALID = 4,
        EXIT_CODE_FAILURE = 5,
        EXIT_CODE_CONFLICT = 6,
        EXIT_CODE_UNACCEPTED = 7, /* of a call with the option check: the tool ends with EXIT_CODE_INVALID */
};

enum exit_code wire_exit_code(const sd_bus_error *error);
