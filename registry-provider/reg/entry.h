/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the bus delivers of a value, of the layers' entries that compete for it, and of a key. */

#include "../../schema/base/json.h"
#include "../../schema/values/value.h"
#include "../../schema/bus/wire.h"
#include "../../schema/names/seal.h"

/* One value: its bytes, and where they come from. */
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

/* ---- Those that compete, as Resolve() delivers them ---- */

/* A layer's entry of a value; strings are borrowed from the reply. */
struct contender {
        const char *file, *state;
        uint32_t precedence;
        struct seal seal;
        struct entry entry;
};

/* Reads the next struct of "a(sustuvsts)": 1, 0 at the end, or negative errno. One may be read into again
 * and again; its entry is done() at the end. */
int contender_read_next(sd_bus_message *m, struct contender *ret);
bool contender_wins(const struct contender *c);
bool contender_is_tombstone(const struct contender *c);
/* What it says, and its state where it does not win. */
void contender_format(struct buf *out, const struct contender *c);

/* All of them, the winner first, and the reply that they borrow from. Empty is { 0 }. */
struct contenders {
        struct contender *list;
        size_t n;
        sd_bus_message *reply;
};

void contenders_done(struct contenders *c);
/* Reads "a(sustuvsts)"; `ret` is empty, and done() in any case. 0 or negative errno. */
_must_check_ int contenders_read(sd_bus_message *reply, struct contenders *ret);

/* ---- A key, as Info() delivers it ---- */

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
