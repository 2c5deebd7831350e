/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Hive files (schema/hive-format.md): text to contents. Reads nothing from disk and knows no store. A
 * drop-in file is one layer, whole; a document of changes (exchange/exchange.h), which may have been written
 * as another text, can also say what goes.
 *
 *     peios-registry: 1
 *     layer: 50-site-audit
 *     precedence: 10
 *     keys:
 *       \System\Audit\Modules:
 *         TaintEvents: !sz disabled
 *
 * Values carry their type as a tag: !sz !expand !link !dword !dword-be !qword !multi [a, b] !hex "00 ff"
 * !none "" !0x8 "hex" (any known type) and !tombstone "". A key may be tagged `!hidden` (hides the key, no
 * values), `!blanket` (a blanket tombstone beside the values that follow) or `!link` (its default value is
 * the path of the key that it stands for). `"@"` (YAML wants the quotes)
 * is the default value. */

#include "../../schema/base/diag.h"
#include "../../schema/names/path.h"
#include "../../schema/names/seal.h"
#include "../../schema/values/value.h"

#define HIVE_FILE_BYTES_MAX (64u * 1024u * 1024u)
#define HIVE_HIVES_MAX 64u
#define HIVE_FORMAT_VERSION 1

struct hive_value {
        const char *name;   /* "" is the default value */
        struct value value; /* type REG_TOMBSTONE for a tombstone; nothing where it is deleted */
        bool deleted;       /* the layer's entry goes (never in a drop-in file) */
        uint32_t line, column;
};

/* In this order: what is there goes, the key is made, its values are set. */
struct hive_key {
        struct path path;
        bool deleted; /* the key goes, with all that is in it and below it (never in a drop-in file) */
        bool made;    /* not for one that is hidden, or only deleted */
        bool hidden;
        bool blanket;
        bool is_link;     /* it is made as one; it has no value but its default one */
        bool is_volatile; /* a note of what was read of a registry, which no document keeps */
        uint32_t line, column;
        struct hive_value *values;
        size_t n_values;
};

/* Each key once, and each value once in its key. Nothing is below a key that is hidden; what is below one
 * that is deleted stands behind it. */
struct hive_file {
        char *layer; /* NULL: changes that name none */
        uint32_t layer_line, layer_column;
        uint32_t precedence; /* 0 when the file does not say */
        bool enabled;        /* true when the file does not say */
        /* Of the fleet's layers alone. */
        struct seal
                seal;    /* without a serial when the file does not say; with a signer from signed_parse() */
        int64_t expires; /* µs since 1970; 0 when the file does not say */
        unsigned percent; /* of the machines, which take it; 0 when the file does not say */
        struct hive_key *keys;
        size_t n_keys;
        struct hive_arena *arena; /* owns names and bytes */
};

/* Every path of the file is parsed with all first components that the file lists under `hives:` (optional
 * list of names; Machine is always one). `value_max` is the largest value in bytes. 0 with *ret to be freed
 * with hive_file_free(), -ENOMEM, or -EINVAL / -EFBIG with file:line:column in d. */
_must_check_ int hive_parse(const char *name, const void *data, size_t size, size_t value_max,
        struct hive_file **ret, struct diag *d);
struct hive_file *hive_file_free(struct hive_file *f);
DEFINE_CLEANUP(struct hive_file *, hive_file_free, hive_file_freep);
#define _cleanup_hive_file_ _cleanup_(hive_file_freep)

/* The same of a document of changes: `layer` may be missing or be base, `!delete` and `!replace` are known,
 * `keys` may be the list that JSON has (hive-json.c), and every bad entry becomes a problem, not the first
 * one only. `hives` (ended by NULL; may be NULL) are hives beside those of the file. What is good comes back
 * if `keep_going` or nothing is bad; else -EINVAL, with one problem at least. What is bad about the document
 * as a whole is never passed over. */
_must_check_ int hive_parse_changes(const char *name, const void *data, size_t size, size_t value_max,
        const char *const *hives, bool keep_going, struct hive_file **ret, struct diags *problems);

/* A node that carries one of our tags, to type and bytes (appended to ret_bytes). 0, -EINVAL with d set, or
 * -ENOMEM. Sizes and type codes are the caller's to judge. */
struct yaml_doc;
struct yaml_node;
_must_check_ int hive_parse_value(const struct yaml_doc *doc, const struct yaml_node *node,
        struct buf *ret_bytes, uint32_t *ret_type, struct diag *d);
