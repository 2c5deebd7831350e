/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values: a type code and exact bytes. The store never judges the bytes; the functions here read them as
 * their type says, for people and for readers of configuration, and report when they do not decode. Pure.
 *
 * Strings (REG_SZ, REG_EXPAND_SZ, REG_LINK) are UTF-8, and written here without a NUL at the end. A
 * REG_MULTI_SZ is its strings, each followed by one NUL; no bytes is the empty list. Peios's own clients end
 * a REG_SZ, a REG_EXPAND_SZ and a list with one NUL more: readers forgive that NUL, missing or doubled, and
 * drop the empty items of a list. A REG_LINK has none. */

#include <stdbool.h>
#include <stdint.h>

#include "../base/buf.h"
#include "../base/diag.h"
#include "../base/json.h"

enum value_type {
#define VALUE_TYPE(symbol, code, keyword) symbol = code,
#include "value-types.def"
#undef VALUE_TYPE
        REG_TOMBSTONE = 0xFFFF, /* internal: masks lower entries, never has data */
};

#define VALUE_TYPE_MAX REG_QWORD
#define VALUE_BYTES_DEFAULT_MAX (1024u * 1024u)

struct value {
        uint32_t type;
        size_t size;
        const void *data; /* borrowed; may be NULL when size is 0 */
};

/* Whether a value can be of that type: 0 to 11. A tombstone is none. */
bool value_type_known(uint32_t type);
/* "REG_SZ" for 1; "REG_0x2a" (in a static ring of 4 buffers) for a code without a name. */
const char *value_type_symbol(uint32_t type);
/* "sz" for 1; "0x2a" (same ring) for a code without a keyword. */
const char *value_type_keyword(uint32_t type);
/* Takes a keyword, a symbol (case-insensitive), `bin`/`binary`, or 0x<code> of a known type. 0 or -EINVAL.
 */
_must_check_ int value_type_parse(const char *s, size_t len, uint32_t *ret);

/* Strings and lists of them. */
bool value_is_text(uint32_t type);

/* Reading. -EINVAL where the type is another or the bytes do not decode (wrong length, bad UTF-8, a NUL that
 * is not forgiven). This is the text of a value for all readers. */
_must_check_ int value_get_u32(const struct value *v, uint32_t *ret); /* REG_DWORD, …_BIG_ENDIAN */
_must_check_ int value_get_u64(const struct value *v, uint64_t *ret); /* those and REG_QWORD */
_must_check_ int value_get_string(
        const struct value *v, const char **ret, size_t *ret_len); /* borrowed, no NUL */
/* Walks the items of a REG_MULTI_SZ that are not empty: start with *i = 0; 1 and a borrowed string, 0 at the
 * end, -EINVAL on bad bytes. */
int value_next_string(const struct value *v, size_t *i, const char **ret, size_t *ret_len);
/* Whether the bytes decode as the type says. REG_NONE and REG_TOMBSTONE have none; the bytes of REG_BINARY,
 * of the resource lists and of a code without a name are opaque and always do. */
bool value_decodes(const struct value *v);
/* Whether the bytes decode, and are those that this text is written with here: nothing was forgiven. */
bool value_is_plain(const struct value *v);
/* Of type and bytes: two values of one text may differ. */
bool value_equal(const struct value *a, const struct value *b);

/* Writing: the bytes of a typed value, appended to `ret`. */
void value_put_number(struct buf *ret, uint32_t type, uint64_t v); /* REG_QWORD, REG_DWORD or -BIG_ENDIAN */
void value_put_multi_item(struct buf *ret, const char *s, size_t n);

/* Decimal or 0x hex, at most `max`; no sign, no blanks, no octal. 0, -EINVAL or -ERANGE. */
_must_check_ int number_parse(const char *s, size_t len, uint64_t max, uint64_t *ret);
/* Hex pairs, appended; blanks, `:` and `-` between pairs are skipped. 0, or -EINVAL (nothing is appended) or
 * -ENOMEM. */
_must_check_ int number_parse_hex(const char *s, size_t len, struct buf *ret);
void number_format_hex(struct buf *out, const void *data, size_t n);

/* One literal of the command line. `type:` forces a type (sz expand dword qword dword-be multi hex bin link
 * none, and 0x<code>:HEX for any known type); without one, all digits or 0x… is a number (REG_DWORD if it
 * fits, else REG_QWORD), anything else REG_SZ, as is a number that no type can hold. `multi:` is
 * comma-separated,
 * `\,` a comma and `\\` a backslash; nothing after it is the empty list. Strings must be UTF-8. The bytes
 * are appended, nothing on an error. *ret_inferred (may be NULL) says that no prefix was there. 0 or -EINVAL
 * / -ERANGE with what was expected in d, or -ENOMEM. */
_must_check_ int literal_parse(
        const char *s, struct buf *ret_bytes, uint32_t *ret_type, bool *ret_inferred, struct diag *d);

/* The literal, always with its type, that literal_parse() makes this value of. */
void literal_format(struct buf *out, const struct value *v);

/* For people: the string, the decimal number, multi-strings one a line unless `single_line` (then as `a,
 * b`), else hex. Bytes that do not decode as their type are shown as hex. Control characters are shown as
 * \xNN. */
void value_format(struct buf *out, const struct value *v, bool single_line);

/* Members "type" and "data" of the object that is open: a string, a number (a string from 2^53 up), an array
 * of strings, hex digits for REG_BINARY (whose type is "binary", as Peios's own tools have it), null for
 * REG_NONE. "hex" instead of "data" where the bytes do not decode and for the other opaque types, and beside
 * it where the bytes are not the plain ones. */
void value_to_json(struct json *j, const struct value *v);
/* The data alone, as a member of this name; false, and nothing, where there would be "hex" instead. */
bool value_data_to_json(struct json *j, const char *name, const struct value *v);

/* What a compare-and-swap wants to find. All zero: no check. */
struct expected {
        bool given;
        uint64_t sequence; /* of the layer's entry; 0: it has none yet */
};
