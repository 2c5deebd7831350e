/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The commands: each returns an enum exit_code, and the session's diag says what went wrong. */

#include "../../schema/names/seal.h"
#include "session.h"

int command_get(struct session *s);
int command_set(struct session *s);
int command_del(struct session *s);
int command_ls(struct session *s);
int command_tree(struct session *s);
int command_info(struct session *s);
int command_new(struct session *s);
int command_watch(struct session *s);
int command_man(struct session *s);
int command_why(struct session *s);
/* What `why` prints of one value. */
int why_show(struct session *s, const char *key, const char *name);
int command_history(struct session *s);
/* What it prints of a key and all below it, from a time on, µs since 1970. */
int reg_history_show_since(struct session *s, const char *key, uint64_t time);
int command_complete(struct session *s);
int command_undo(struct session *s);
int command_backup(struct session *s);
int command_restore(struct session *s);
int command_check(struct session *s);
int command_repair(struct session *s);
/* Shows what was done (repair_word()), or would be. */
int reg_repaired_show(struct session *s, const char *outcome, const struct diags *found,
        const struct diags *left, const char *text);
/* Without the provider: what is wrong in a database that somebody has; and the registry's is put right. */
int reg_store_check(struct session *s, const char *file, struct diags *ret);
int reg_store_repair(struct session *s);
int command_lint(struct session *s);
int command_apply(struct session *s);
int command_export(struct session *s);
int command_diff(struct session *s);
/* What `diff --json` prints; returns how many differences there are. */
struct difference_walk;
size_t diff_to_json(struct session *s, struct difference_walk *w);
/* A line of what it prints without. */
struct difference;
void diff_to_text(struct buf *out, const struct difference *d);
/* What `export` writes as YAML of what was read, which is not nothing, of the layer of the options. */
struct subtree;
int export_to_yaml(struct session *s, const struct subtree *tree, struct buf *out);
int command_edit(struct session *s);
int command_add(struct session *s);
int command_query(struct session *s);
int command_delete(struct session *s);
int command_copy(struct session *s);
int command_compare(struct session *s);
int command_mask(struct session *s);
int command_unmask(struct session *s);
int command_hide(struct session *s);
int command_unhide(struct session *s);
int command_link(struct session *s);

int command_layer_ls(struct session *s);
int command_layer_new(struct session *s);
int command_layer_set(struct session *s);
int command_layer_del(struct session *s);

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
