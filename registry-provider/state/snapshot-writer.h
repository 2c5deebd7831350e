/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of the snapshot writer. */

#include "snapshot.h"

struct snapshot_writer {
        const struct store *store;
        snapshot_sink_t sink;
        void *userdata;
        uint32_t crc;
        int error; /* the first one; it sticks */
        struct buf text;
        size_t document; /* bytes of this document that were handed to the sink */
        struct buf path; /* of the key being written, for its comment */
        const struct store_key **keys;
        size_t n_keys;
        const struct store_value_entry **values; /* of one key; kept for the next */
        size_t values_size;
};

/* Hands the text to the sink. */
void snapshot_flush(struct snapshot_writer *w);
void snapshot_begin_document(struct snapshot_writer *w);
/* Between two items: a document that is large enough is ended, and true returned. */
bool snapshot_next_item(struct snapshot_writer *w);

/* A key with everything that it holds: one item, or more for a large one. */
void snapshot_put_key(struct snapshot_writer *w, const struct store_key *key);

void put_indent(struct buf *out, unsigned indent);
/* Bare where YAML allows it, else in quotes. */
void put_name(struct buf *out, const char *s);
/* `name:`, or the long form for a name that is too long for a line's key; `indent` is where it stands. */
void put_key(struct buf *out, unsigned indent, const char *name);
void put_guid(struct buf *out, const struct guid *g);
void put_number(struct buf *out, uint64_t v);
/* A path, on a line of its own. */
void put_comment(struct buf *out, const struct buf *path);
