/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bus client of the tests: sd-bus alone, none of the project's own marshalling. What comes back is
 * turned into text, so that tables can say what they expect. */

#include "../../schema/base/buf.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/values/value.h"
#include "harness.h"

static inline void bus_closep(sd_bus **bus)
{
        sd_bus_flush_close_unref(*bus);
}
#define _cleanup_bus_ _cleanup_(bus_closep)

/* A method of the registry's interface, which must answer. */
sd_bus_message *answer(sd_bus *bus, const char *method, const char *types, ...);
void succeeds(sd_bus *bus, const char *method, const char *types, ...);
/* …which must fail with this error, and `text` in its message. */
void refused(sd_bus *bus, const char *error, const char *text, const char *method, const char *types, ...);
/* …which may fail, and what is asked while the value N of the key is set to *i, *i + 1 and so on. */
sd_bus_message *answer_while_writing(
        sd_bus *bus, const char *key, uint32_t *i, const char *method, const char *types, ...);
sd_bus_message *policy_answer(sd_bus *bus, const char *method, const char *types, ...);

/* Writes, and returns the sequence. */
uint64_t set_string(sd_bus *bus, const char *key, const char *name, const char *text);
uint64_t set_in_layer(sd_bus *bus, const char *layer, const char *key, const char *name, const char *text);
uint64_t set_number(sd_bus *bus, const char *key, const char *name, uint32_t number);
/* 0 to n - 1, one after the other, in one transaction. */
void set_numbers(sd_bus *bus, const char *key, const char *name, uint32_t n);
/* A Transact() to which changes, "(sssuv)", are appended; and its call, without options, as sd_bus_call().
 */
sd_bus_message *transact_begin(sd_bus *bus);
int transact_call(sd_bus *bus, sd_bus_message *m, sd_bus_error *error, sd_bus_message **ret);
/* A list of one item, or of two. */
uint64_t set_list(sd_bus *bus, const char *key, const char *name, const char *first, const char *second);
uint64_t delete_value(sd_bus *bus, const char *key, const char *name);
/* "enabled base" or "-" when there is no such value. Good until the fourth next call. */
const char *get_text(sd_bus *bus, const char *key, const char *name);

/* The rest of a message as text: `u1 v's:abc' t12 s"base"`. Containers are (), [] and {}. */
const char *message_text(sd_bus_message *m);

/* So many times; malloc()ed. */
char *repeat(const char *what, size_t n);

/* A property of one of the two services, as text. */
const char *registry_property(sd_bus *bus, const char *name);
const char *policy_property(sd_bus *bus, const char *name);
bool policy_is(const char *name, const char *text);
/* The answer of Explain, as text, has this in it. */
bool explained(const char *text);
/* The answer of ListSettings, as text, has this in it. */
bool settings_have(const char *text);

/* Sets the property TaintEvents. 0, or negative with the error. */
int set_taint_events(sd_bus *bus, const char *type, const char *value, sd_bus_error *ret);

/* ---- What was heard ---- */

#define HEARD_MAX 8192u

struct ear {
        sd_bus_slot *slot;
        char *heard[HEARD_MAX];       /* in order, as message_text() */
        uint64_t sequence[HEARD_MAX]; /* of a Changed signal */
        size_t n;
};

/* Changed signals to this connection: their text leaves out the sequence and the origin. */
void ear_on_changes(struct ear *e, sd_bus *bus);
/* Any signal of a service; `member` NULL for PropertiesChanged. */
void ear_on(struct ear *e, sd_bus *bus, const char *path, const char *interface, const char *member);
void ear_done(struct ear *e);
void ear_clear(struct ear *e);
/* Is there one that holds the text? */
bool ear_heard(const struct ear *e, const char *text);
unsigned ear_count(const struct ear *e, const char *text);
#define _cleanup_ear_ _cleanup_(ear_done)

uint64_t subscribe(sd_bus *bus, const char *key, bool subtree);
/* So many to the same key, many at a time. */
void subscribe_many(sd_bus *bus, const char *key, unsigned n);
