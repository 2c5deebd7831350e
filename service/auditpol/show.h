/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands of peios-auditpol. Each prints its result on standard output and what went wrong on standard
 * error. */

#include "../../schema/base/json.h"
#include "../../schema/bus/client.h"
#include "../taint/letters.h"
#include "auditpol-options.h"

/* A member of what the service sends as a{sv}: its names there and in JSON, and its place in a struct, where
 * a string is borrowed from the message and a `b` is an int. */
struct shown_member {
        const char *name, *json, *type;
        size_t offset;
};

/* Strings that do not come are "", all else is left as it is. 0 or negative errno. */
_must_check_ int show_read(sd_bus_message *m, const struct shown_member *members, size_t n, void *ret);
/* As members of the open object. An id that is not set is null, and so is an empty string with
 * `empty_is_null`. */
void show_members(
        struct json *j, const struct shown_member *members, size_t n, bool empty_is_null, const void *from);

/* Writes the buffer to standard output. */
enum exit_code show_print(const struct buf *out);

enum exit_code show_status(const struct auditpol_options *o);
enum exit_code show_get(const struct auditpol_options *o);
enum exit_code show_set(const struct auditpol_options *o, const char *value);
enum exit_code show_explain(const struct auditpol_options *o);

/* Taint events, and `events` of peios-auditpol. */

/* One event of ListEvents() or a TaintSet signal; strings are borrowed from the message. */
struct shown_event {
        const char *taint, *reason, *module, *module_taints, *attribution, *context, *actor, *comm, *exe,
                *detail, *stack, *properties, *accepted;
        uint32_t bit, pid, uid, loginuid, session;
        int cleared;
        uint64_t old_mask, new_mask, time_usec, seqno;
};

/* Each line begins with `indent`. */
void events_text(struct buf *out, const char *indent, const struct shown_event *e);
/* `e` NULL: null. */
void events_json(struct json *j, const struct shown_event *e);

#define EVENTS_MAX 512u

/* This boot's events, as the service keeps them. */
struct events {
        struct shown_event list[EVENTS_MAX];
        size_t n;
};

/* NULL with *ret_code and d set: the service's absence is an answer for some. */
sd_bus_message *events_list(sd_bus *bus, struct diag *d, enum exit_code *ret_code);
/* Borrows from the message. 0 or negative errno. */
_must_check_ int events_read(sd_bus_message *m, struct events *ret);

enum exit_code events_show(const struct auditpol_options *o);

/* The commands `taint …` of peios-auditpol. */

/* This kernel's taints, and what the service knows of them. */
enum exit_code taint_show(const struct auditpol_options *o);
/* What of them is not accepted. EXIT_CODE_OK where all is, and 2 where something is left over. */
enum exit_code taint_check(const struct auditpol_options *o);

/* These two ask no service. `arguments` are what follows the command, NULL-terminated; `-` is standard
 * input. 0, EXIT_CODE_USAGE, EXIT_CODE_INVALID where an argument is no taint (the others are shown),
 * EXIT_CODE_FAILURE. */
enum exit_code taint_decode(const struct auditpol_options *o, int n, char *const *arguments);

/* The same for files and folders; EXIT_CODE_FAILURE also where one could not be read (the rest is shown). */
enum exit_code taint_scan(const struct auditpol_options *o, int n, char *const *arguments);

/* --era and --distro. EXIT_CODE_OK, or EXIT_CODE_USAGE after a message. */
enum exit_code taint_context_of(const struct auditpol_options *o, struct taint_kernel *ret);
