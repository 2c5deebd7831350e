/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of a command: its arguments, its output, and the bus connection, opened when it is first wanted.
 * Functions that return `int` return an enum exit_code; what went wrong is in the session's diag, for main()
 * to report. */

#include "../../schema/base/ending.h"
#include "../../schema/base/json.h"
#include "../../schema/bus/client.h"
#include "words.h"
#include "reg-options.h"

struct session {
        char **arguments; /* the program's, as it was started; options are taken out of argv */
        struct reg_options options;
        struct options_line line;
        enum reg_command command;
        struct buf out;
        struct diag diag;
        sd_bus *bus;
        char **hives;                                /* NULL: not asked yet */
        char ends[ENDING_TEXT_MAX];                  /* what --for and --until say; "": nothing */
        char temporary[sizeof(LAYER_TEMPORARY) + 8]; /* the layer's name, where nobody gave one */
        bool only_key; /* the one word that names something has a separator at its end: it is no value */
};

void session_done(struct session *s);
#define _cleanup_session_ _cleanup_(session_done)

/* First of all: descriptors 0, 1 and 2 are not handed to a socket. */
void session_guard_descriptors(void);

/* To standard error, as `peios-reg: …`, with control characters escaped. */
_printf_(1, 2) void session_complain(const char *format, ...);
_printf_(1, 2) void session_warn(const char *format, ...);

/* Sets the diag to `what` (may be NULL) and strerror() of a negative errno; EXIT_CODE_FAILURE. */
int session_fail(struct session *s, int r, const char *what);
/* Sets the diag, and returns the code. */
_printf_(3, 4) int session_error(struct session *s, int code, const char *format, ...);
/* For input that was refused with the diag set; only -ENOMEM is not the input's fault. */
int session_refuse(struct session *s, int r);

/* How many of the words name a key (the first), or a key and a value; the rest are data or files. A single
 * word of `set` has both. */
size_t session_n_names(const struct session *s);

/* Only for those who need the bus itself: calls connect it. */
_must_check_ int session_connect(struct session *s);

/* Whether the words can be a key's path and a value's name, before anybody is asked: all calls rely on that.
 * A separator behind a key is cut off. */
_must_check_ int session_check_words(struct session *s);

/* A call of the registry provider's `method` that begins with these strings (name may be NULL, and then key
 * too). */
_must_check_ int session_new_call(
        struct session *s, const char *method, const char *key, const char *name, sd_bus_message **ret);
_must_check_ int session_call(struct session *s, sd_bus_message *m, sd_bus_message **ret_reply);
/* The same in two steps, as client_call_begin(). */
_must_check_ int session_call_begin(struct session *s, sd_bus_message *m, struct client_call *ret);
_must_check_ int session_call_end(struct session *s, struct client_call *call, sd_bus_message **ret_reply);
/* What an option, as it is written, says of a moment: the number of a change, or a time. */
_must_check_ int session_moment(
        struct session *s, const char *option, const char *text, struct words_moment *ret);
/* Both in one, for a method that takes no more than these strings. With --at what can be read of an earlier
 * moment is, and with --no-follow of a link itself. */
_must_check_ int session_ask(struct session *s, const char *method, const char *key, const char *name,
        sd_bus_message **ret_reply);
/* For a reply that is not what the interface promises. */
int session_bad_reply(struct session *s, int r);

/* Writes what has been put into `out`. */
_must_check_ int session_flush(struct session *s);

/* A file that the command line names, all of it, at most `limit` bytes; `-` is standard input. The diag says
 * what is wrong; a FIFO or device is refused, and may be standard input. */
_must_check_ int session_read(struct session *s, const char *word, size_t limit, struct buf *ret);
/* How messages call it. */
const char *session_file_name(const char *word);

/* The key's path with its hive, as JSON and listings show it. Asks the provider for the names of its hives
 * only where the first component is not the default one. */
_must_check_ int session_path(struct session *s, const char *key, struct path *ret);

/* The path of the key itself, whatever links lead there, and whether it is there or not. `ret_links` (may be
 * NULL): a message at those links, (ss) each. */
_must_check_ int session_find(
        struct session *s, const char *key, struct path *ret, sd_bus_message **ret_links);

/* For a question before something is done: that path, and not the one that was given. */
_must_check_ int session_format_meant(struct session *s, const char *key, struct buf *out);

/* Fills in `hives`, once; without a provider, with those that regedit's roots mean. */
_must_check_ int session_ask_hives(struct session *s);
_must_check_ int session_assume_hives(struct session *s);

/* Whether the provider has the key, or (name not NULL) the value, be it a default. */
_must_check_ int session_has(struct session *s, const char *key, const char *name, bool *ret);

/* The command's one or two words as key and value name: KEY, KEY\VALUE or KEY VALUE. *ret_name is NULL for a
 * key: a path that names a key is that key, else its last component is the name of a value. Both malloc()ed.
 */
_must_check_ int session_target(struct session *s, char **ret_key, char **ret_name);

/* The layer that the options name, for people. */
const char *session_layer(const struct session *s);

/* Begins a JSON object with the key's path, and ends it with its line. */
_must_check_ int session_begin_json(struct session *s, const char *key, struct json *ret);
void session_end_json(struct session *s, struct json *j);

/* A property of the provider's; the message is at its variant. */
_must_check_ int session_get_property(struct session *s, const char *name, sd_bus_message **ret);
/* Of a property a(ss): the text that goes with a name, borrowed; NULL: there is none, or no message. */
const char *session_find_text(sd_bus_message *property, const char *name);
/* What is wrong with the registry's files, as the provider knows it. A broken file is no layer that is
 * missing: what it said last stays in force, and nothing else would show that. */
_must_check_ int session_get_problems(struct session *s, sd_bus_message **ret);
/* Asks, and warns of each on standard error; nothing with --quiet, or of an earlier moment. */
_must_check_ int session_report_problems(struct session *s);

/* Somebody can be asked: standard input and standard error are terminals. */
bool session_interactive(void);
/* Asks, on standard error: `QUESTION [y/N]`. */
_printf_(1, 2) bool session_confirms(const char *format, ...);
/* The same with other choices, as `y/n/e`: one of these letters, 'n' for whatever else is answered. */
_printf_(2, 3) char session_choose(const char *choices, const char *format, ...);
