/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A snapshot as text: everything that is not volatile, in the style of a hive file (schema/hive-format.md).
 * The text is a stream of YAML documents of about a MiB, each read by itself, so that neither writing nor
 * reading needs memory for more than one of them beside the store. The last line is a checksum of all
 * before it. No file I/O here. */

#include "../../schema/base/buf.h"
#include "replay.h"

#define SNAPSHOT_FORMAT_VERSION 1u

/* Takes the next part of the text; a negative errno ends the writing. */
typedef int (*snapshot_sink_t)(const void *data, size_t n, void *userdata);

/* *ret_crc is the checksum in the last line. 0, -ENOMEM, or what the sink returned. */
_must_check_ int snapshot_write(const struct store *store, const struct state_hives *hives,
        const struct layers *layers, uint64_t generation, snapshot_sink_t sink, void *userdata,
        uint32_t *ret_crc);

/* Whether the last line is the checksum of all before it. 0 or -EBADMSG with d set. */
_must_check_ int snapshot_check(const char *text, size_t size, uint32_t *ret_crc, struct diag *d);

/* Reads a text that snapshot_check() found right. All or nothing, but for the values that are left out: on
 * an error the store (but for its sequence counter), hives and layers are as they were. -EBADMSG (contents
 * are wrong), -EPROTONOSUPPORT (another format version), -EFBIG (a value above the store's limit) with d
 * set, or -ENOMEM. `name` is for messages. *ret_left_out is how many values were left out, which no store
 * holds. */
_must_check_ int snapshot_read(const char *name, const char *text, size_t size, uint64_t generation,
        struct replay *to, struct diag *d);
