/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One effective change, as Changed signals and Preview() deliver it, and who made it. */

#include "../../schema/names/seal.h"
#include "entry.h"

struct event {
        const char *kind;   /* "value-set" …; strings are borrowed from the message */
        const char *key;    /* with its hive */
        struct entry entry; /* without a sequence */
        struct seal seal;   /* of its layer, where the fleet has it */
};

/* Reads the next struct of "a(sssuvsts)": 1, 0 at the end, or negative errno. An event may be read into
 * again and again; its entry is done() at the end. */
int event_read_next(sd_bus_message *m, struct event *ret);

/* Of a value as people write it, else as it is: of a layer, or "". */
const char *event_name(const struct event *e);
bool event_is(const struct event *e, const char *kind);
/* There is a value after the change. */
bool event_has_value(const struct event *e);

/* "value-set  Machine\System\Audit\Modules  TaintEvents = REG_SZ disabled"; no newline. */
void event_format(struct buf *out, const struct event *e);
/* The members of the open object: event, path, name, type, data or hex, layer. */
void event_to_json(struct json *j, const struct event *e);

/* The a{sv} of Changed signals, Resolve() and History(): reads it, and appends "uid 1000, pid 321, comm
 * peios-reg" (`verbose`: all members; nothing for an empty one) to `out`, or writes an object with all
 * members where `j` is not NULL. 0 or negative errno. */
_must_check_ int event_read_origin(sd_bus_message *m, bool verbose, struct buf *out, struct json *j);

/* ---- A change of the history, as History() delivers it ---- */

/* The type of what is not there, or not given. */
#define CHANGE_ROW_NOTHING UINT32_MAX

/* Strings are borrowed from the reply. */
struct change_row {
        uint64_t time, sequence;
        struct event event; /* kind, key, name and layer; the entry's value is the new one */
        int effective, dataless;
        struct entry old;
};

void change_row_done(struct change_row *row);
/* Reads "ttssssbbuvuv", the members before the origin. 0 or negative errno. A row may be read into again and
 * again. */
_must_check_ int change_row_read(sd_bus_message *m, struct change_row *row);
/* A line, with the origin (of which `verbose` shows all members), which is read behind it. 0 or negative
 * errno. */
_must_check_ int change_row_format(
        struct buf *out, const struct change_row *row, sd_bus_message *m, bool verbose);
