/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Documents of registry contents in files: hive YAML, JSON or .reg. */

#include "../exchange/exchange.h"
#include "session.h"

/* A .reg file in UTF-16 takes twice the bytes. */
#define DOCUMENT_BYTES_MAX (2u * HIVE_FILE_BYTES_MAX)

/* What --map says. */
struct document_map {
        struct exchange_root roots[OPTIONS_LIST_MAX];
        size_t n;
        struct path paths[OPTIONS_LIST_MAX];
        char *names[OPTIONS_LIST_MAX];
};
_must_check_ int document_map_read(struct session *s, struct document_map *ret);
void document_map_done(struct document_map *map);
#define _cleanup_document_map_ _cleanup_(document_map_done)

/* A text, put into order (exchange/difference.h). What is bad in it is a problem each; then nothing comes
 * back, EXIT_CODE_INVALID with the diag saying how many, unless it is --keep-going. */
_must_check_ int document_parse(struct session *s, const char *name, const struct buf *text,
        struct hive_file **ret, struct diags *problems);
/* To standard error. */
void document_report(const struct diags *problems);
/* Both, of a file that the command line names: *ret_left_out says how many were left out. */
_must_check_ int document_read(
        struct session *s, const char *word, struct hive_file **ret, size_t *ret_left_out);

/* The end of a command that did its work: EXIT_CODE_OK, or EXIT_CODE_INVALID with the diag saying of `what`
 * that so many entries were left out. */
_must_check_ int document_end(struct session *s, const char *what, size_t left_out);

/* The keys of a document that no other one is above; of a hive that has no value of its own, those below it.
 * malloc()ed. 0 or -ENOMEM. */
_must_check_ int document_roots(
        const struct hive_key *keys, size_t n, const struct path ***ret, size_t *ret_n);
