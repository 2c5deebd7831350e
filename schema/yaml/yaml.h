/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only user of libyaml: reads one strict YAML document into a tree of nodes with positions. Refused,
 * each with file:line:column, what was found and what was expected: anchors, aliases, merge keys (`<<`),
 * more than one document, %YAML/%TAG directives, duplicate mapping keys (both lines named; keys compare
 * byte by byte here, callers fold), tabs as indentation, bad UTF-8, NUL bytes, nesting, size and node
 * counts above the limits. There are no implicit types: every scalar is a string as written. A UTF-8 BOM
 * and CRLF line ends are accepted, and no other line ends (a CR alone, NEL, LS, PS). Which tags are allowed
 * is the caller's business; the tag is handed over as written (`!sz` -> "!sz"), NULL when there is none.
 * `!!str` and other tag:yaml.org tags are refused here, and so is a tag on the key of a map. A key of more
 * than 1024 characters must be written as `? key`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/diag.h"

#define YAML_DEPTH_MAX 32u
#define YAML_NODES_MAX 4000000u

enum yaml_kind {
        YAML_SCALAR,
        YAML_LIST,
        YAML_MAP,
};

/* One cache line: a large document is read at the speed of memory. */
struct yaml_node {
        enum yaml_kind kind;
        bool quoted;           /* scalar written with quotes or as a block */
        uint32_t line, column; /* 1-based */
        uint32_t len;
        uint32_t n;                    /* children */
        const char *text;              /* scalar: NUL-terminated, without inner NUL */
        const char *tag;               /* borrowed from the document, or NULL */
        const struct yaml_node *key;   /* in a map: this entry's key (a scalar), else NULL */
        const struct yaml_node *first; /* list: items; map: values */
        const struct yaml_node *next;  /* next sibling */
};

/* Whether it is there, of this kind, and without a tag. */
static inline bool yaml_is(const struct yaml_node *node, enum yaml_kind kind)
{
        return node && node->kind == kind && !node->tag;
}

struct yaml_doc;

/* `name` is only for messages. An empty document (nothing but comments) gives *ret with a NULL root.
 * 0, -ENOMEM, or -EINVAL / -EFBIG with d set. */
_must_check_ int yaml_parse(
        const char *name, const void *data, size_t size, struct yaml_doc **ret, struct diag *d);
/* The same of a whole file that file_sum_end() ended: -EINVAL, too, where it says something else now. */
_must_check_ int yaml_parse_summed(
        const char *path, const struct buf *file, struct yaml_doc **ret, struct diag *d);
/* Not yaml_free(): libyaml exports a function of that name. */
struct yaml_doc *yaml_doc_free(struct yaml_doc *doc);
DEFINE_CLEANUP(struct yaml_doc *, yaml_doc_free, yaml_doc_freep);
#define _cleanup_yaml_ _cleanup_(yaml_doc_freep)

const struct yaml_node *yaml_root(const struct yaml_doc *doc);
const char *yaml_name(const struct yaml_doc *doc);
/* The map's value for this key (byte for byte), or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* d = "name:line:column: …"; returns -EINVAL, so that a reader can return it. */
_printf_(4, 5) int yaml_error(
        const struct yaml_doc *doc, const struct yaml_node *at, struct diag *d, const char *format, ...);

/* Appends `s` as a double-quoted YAML scalar (always valid, whatever the bytes of a UTF-8 string without
 * NUL; bytes that are not UTF-8 become U+FFFD). As a key of more than 1024 characters it needs `? `. */
struct buf;
void yaml_quote(struct buf *out, const char *s, size_t n);

/* Somebody's text for a message: control characters and what is not UTF-8 as \xNN, cut with `…`. */
struct yaml_shown {
        char text[128];
};
struct yaml_shown yaml_show(const char *s, size_t n);
