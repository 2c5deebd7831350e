/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One value as the bus delivers it: its bytes, and where they come from. */

#include "../../schema/base/json.h"
#include "../../schema/values/value.h"
#include "../../schema/bus/wire.h"

struct entry {
        const char *name; /* borrowed from the message */
        const char *layer;
        uint64_t sequence;
        uint32_t type;
        struct buf bytes;
};

void entry_done(struct entry *e);
#define _cleanup_entry_ _cleanup_(entry_done)

/* An entry may be read into again and again; its memory is kept. */

/* Reads "uvts". 0 or negative errno. */
_must_check_ int entry_read(sd_bus_message *m, struct entry *ret);
/* Reads the next struct of "a(suvts)": 1, 0 at the end, or negative errno. */
int entry_read_next(sd_bus_message *m, struct entry *ret);

struct value entry_value(const struct entry *e);

/* "REG_SZ disabled" */
void entry_format_typed(struct buf *out, const struct value *v);
/* The same, but of what is long only how much it is. */
void entry_format_short(struct buf *out, const struct value *v);
/* "   (9 bytes with their NULs)" for a text that ends with a NUL, as Peios's own clients write it. */
void entry_format_nuls(struct buf *out, const struct value *v);
/* "TaintEvents = REG_SZ disabled" and, with `origin`, "   (layer base, sequence 12)"; a newline. */
void entry_format(struct buf *out, const struct entry *e, bool origin);
/* The members of the open object: name, type, data or hex, layer, sequence. */
void entry_to_json(struct json *j, const struct entry *e);

/* "2026-01-31T12:00:00Z" of µs since 1970. */
void entry_format_time(struct buf *out, uint64_t usec);
