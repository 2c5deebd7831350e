/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands: each returns an enum exit_code, and the session's diag says what went wrong. */

#include "../../schema/names/seal.h"
#include "../../schema/schema.h"
#include "../hive/hive.h"
#include "session.h"

#define COMMAND(symbol, function, ...) int function(struct session *s);
#include "commands.def"
#undef COMMAND

/* What `why` prints of one value. */
int why_show(struct session *s, const char *key, const char *name);
/* What it prints of a key and all below it, from a time on, µs since 1970. */
int reg_history_show_since(struct session *s, const char *key, uint64_t time);
/* Shows what was done (repair_word()), or would be. */
int reg_repaired_show(struct session *s, const char *outcome, const struct diags *found,
        const struct diags *left, const char *text);
/* Without the provider: what is wrong in a database that somebody has; and the registry's is put right. */
int reg_store_check(struct session *s, const char *file, struct diags *ret);
int reg_store_repair(struct session *s);
/* What `diff --json` prints; returns how many differences there are. */
struct difference_walk;
size_t diff_to_json(struct session *s, struct difference_walk *w);
/* A line of what it prints without. */
struct difference;
void diff_to_text(struct buf *out, const struct difference *d);
/* What `export` writes as YAML of what was read, which is not nothing, of the layer of the options. */
struct subtree;
int export_to_yaml(struct session *s, const struct subtree *tree, struct buf *out);

/* *ret is the file that the layer is the contents of, malloc()ed; NULL: it is no file's. */
int layer_find_file(struct session *s, const char *layer, char **ret);
/* What --for and --until say of an end goes into the session. */
int layer_take_end(struct session *s);
/* A name that nobody else has. */
int layer_name_temporary(struct session *s);
/* Of what the registry says of an end the time alone, behind `before`; nothing where `ends` is NULL or "".
 */
void layer_put_end(struct buf *out, const char *before, const char *ends);
/* The member "ends"; `ends` may be NULL. */
void layer_end_to_json(struct json *j, const char *ends);

/* Group, serial and signer of a layer from the fleet, behind `before`; nothing of any other. */
void layer_put_seal(struct buf *out, const char *before, const char *layer, const struct seal *seal);
/* The members "group", "serial" and "signer". */
void layer_seal_to_json(struct json *j, const char *layer, const struct seal *seal);

/* The layers that have a say in a value, as `why` shows them. */
int why_show_layers(struct session *s, const char *key, const char *name);
/* What is behind a key, where that is a link and is meant itself: nothing, or ` -> ` and its target. */
int read_link(struct session *s, const char *key, struct buf *ret);
/* `get` of one value. */
int read_value(struct session *s, const char *key, const char *name);

/* ---- What can be said of a document without a provider: the schema is read from its files ---- */

/* Below --root. *ret is to be freed with schema_free(). */
_must_check_ int lint_read_schema(struct session *s, struct schema **ret);

/* Adds what readers will refuse, and names that nobody may have meant, as `name:line:column: …`. 0 or
 * -ENOMEM. */
_must_check_ int lint_warn(
        const struct schema *schema, const char *name, const struct hive_file *file, struct diags *ret);

/* ---- With reg.exe's names and options ---- */

/* The value that /v or /ve names; NULL where none of them does, or /va. An enum exit_code. */
_must_check_ int reg_exe_value(struct session *s, const char **ret);

struct reg_exe_style {
        const char *between;   /* a value's name, type and data */
        const char *separator; /* of the items of a list; NULL: \0 */
        bool numbered;         /* the type's code behind its name */
};

/* As reg.exe prints them: the long name of the root in front, and of a value, the default one's name being
 * "(Default)". */
void reg_exe_put_path(struct buf *out, const char *path);
void reg_exe_put_value(
        struct buf *out, const char *name, const struct value *v, const struct reg_exe_style *style);
