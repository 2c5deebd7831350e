/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Documents of registry contents: `struct hive_file`, read from a text and written as one. Pure, and no
 * store, bus or file is known. peios-reg-files(5) says what each form looks like; each can be read for what
 * the others say, but for what .reg has no words for (layers, tombstones, hidden keys, links).
 *
 *     form             | written by
 *     EXCHANGE_YAML    | people: as a drop-in file, and `!delete` for what goes
 *     EXCHANGE_JSON    | programs: the document of Peios's own `reg`, and a few members more
 *     EXCHANGE_REG     | regedit, reg.exe, Wine, Samba, hivexregedit: versions 5 and 4 (REGEDIT4) */

#include "../hive/hive.h"

enum exchange_form {
        EXCHANGE_YAML,
        EXCHANGE_JSON,
        EXCHANGE_REG,
};

/* For whom a .reg text is: in what encoding, and what is written as hex, as they would misread it. */
enum exchange_variant {
        EXCHANGE_WINDOWS,  /* version 5 in UTF-16LE with a mark, CR LF: Windows, Wine, Samba */
        EXCHANGE_UTF8,     /* version 5 in UTF-8, LF: people, git, Samba */
        EXCHANGE_ASCII,    /* version 5 in ASCII, LF: hivexregedit; keys on the way are written, too */
        EXCHANGE_REGEDIT4, /* REGEDIT4 in a code page, CR LF */
};

/* A first component of a .reg path that means a key here: "HKEY_CURRENT_USER" is "Users\S-1-5-21-7". */
struct exchange_root {
        const char *name, *path;
};

/* ---- Reading ---- */

struct exchange_reading {
        size_t value_max;         /* largest value in bytes; 0: VALUE_BYTES_DEFAULT_MAX */
        const char *const *hives; /* beside Machine, ended by NULL; may be NULL */
        const char *encoding; /* of .reg without a byte order mark, as iconv(3) names it; NULL: find out */
        const struct exchange_root *roots; /* these first; HKEY_LOCAL_MACHINE and HKEY_USERS are known */
        size_t n_roots;
        bool keep_going; /* leave out what is bad; each is a problem all the same */
};

/* What the contents say it is: the first line of .reg; a `keys` that is a list, JSON; else YAML. */
enum exchange_form exchange_detect(const void *data, size_t size);

/* Each bad line becomes a problem, `name:line:column: what, what was expected`. 0 with *ret to be freed with
 * hive_file_free(), also where `keep_going` left something out; -EINVAL where something is bad (problems->n
 * >= 1); -ENOMEM. */
_must_check_ int exchange_read(const char *name, const void *data, size_t size,
        const struct exchange_reading *how, struct hive_file **ret, struct diags *problems);

/* ---- Writing ---- */

struct exchange_writing {
        enum exchange_form form;
        enum exchange_variant variant;
        const char *encoding;     /* of EXCHANGE_REGEDIT4; NULL: CP1252 */
        bool as_hex;              /* .reg: what it cannot say of a value's type goes, its bytes are kept */
        const char *const *hives; /* beside Machine that keys may be in, ended by NULL; may be NULL */
        const struct exchange_root
                *roots; /* .reg: what is at or below such a path is written under that name */
        size_t n_roots;
        const char *layer;          /* NULL: none is named */
        const uint32_t *precedence; /* of the layer; NULL: not said */
        const bool *enabled;
};

/* Appends to `out`, key by key: whoever calls writes `out` away and clears it whenever it likes, so that a
 * document of any length takes the memory of one value. Keys and values come in order, parents before what
 * is below them. */
struct exchange_writer;
_must_check_ int exchange_writer_new(
        const struct exchange_writing *how, struct buf *out, struct exchange_writer **ret, struct diag *d);
struct exchange_writer *exchange_writer_free(struct exchange_writer *w);
DEFINE_CLEANUP(struct exchange_writer *, exchange_writer_free, exchange_writer_freep);
#define _cleanup_exchange_writer_ _cleanup_(exchange_writer_freep)

/* A line of comment before what comes next. JSON has none: nothing is written. */
void exchange_write_comment(struct exchange_writer *w, const char *text);
/* The key without its values, and each value then. -EINVAL with the reason in d where the form cannot say
 * it: nothing is written of it (of a key's values neither, which then must not come), and the writer goes
 * on. */
_must_check_ int exchange_write_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d);
/* `from` (may be NULL): the layer that it comes from, as a comment. */
_must_check_ int exchange_write_value(
        struct exchange_writer *w, const struct hive_value *value, const char *from, struct diag *d);
/* The end of the text; then `out->error` says whether memory failed on the way. */
_must_check_ int exchange_write_end(struct exchange_writer *w);

/* All of it. -EINVAL at the first thing that the form cannot say. */
_must_check_ int exchange_write(
        const struct exchange_writing *how, const struct hive_file *file, struct buf *out, struct diag *d);
