/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Paths, literals and values from bytes that somebody else chose. Beside not crashing, what comes out must
 * be what the contracts say. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "../../schema/values/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* A path that was taken is canonical: read again, it is itself. */
static void feed_path(const char *s, size_t n)
{
        _cleanup_path_ struct path p = { 0 }, again = { 0 };
        struct diag d = { 0 };
        if (path_parse(s, n, NULL, NULL, &p, &d) < 0) {
                require(utf8_valid_prefix(d.text, strlen(d.text)) == strlen(d.text));
                return;
        }
        require(path_parse(p.text, p.len, NULL, NULL, &again, NULL) == 0);
        require(strcmp(p.text, again.text) == 0 && p.n == again.n);
        require(path_equal(&p, &again) && path_is_below(&p, &again));
        require(fold_hash(p.text, p.len, 1) == fold_hash(again.text, again.len, 1));
}

static void feed_value(const struct value *v)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        value_format(&out, v, v->size % 2);
        struct json j = json_on(&out);
        json_begin_object(&j);
        value_to_json(&j, v);
        json_end_object(&j);
        require(utf8_valid_prefix(buf_str(&out), out.len) == out.len);
        require(memchr(buf_str(&out), '\0', out.len) == NULL);
}

static void feed_literal(const char *s)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct diag d = { 0 };
        uint32_t type;
        bool inferred;
        if (literal_parse(s, &bytes, &type, &inferred, &d) < 0) {
                require(d.text[0] != '\0' && bytes.len == 0);
                return;
        }
        const struct value v = { .type = type, .size = bytes.len, .data = buf_str(&bytes) };
        require(type != REG_TOMBSTONE);
        /* Only 0x<code>: can give a type bytes that are not its own. */
        require(value_decodes(&v) || strncmp(s, "0x", 2) == 0 || strncmp(s, "0X", 2) == 0);
        feed_value(&v);
}

/* The two halves of the input as names. */
static void feed_names(const char *s, size_t n)
{
        const char *b = s + n / 2;
        size_t b_len = n - n / 2;
        int order = fold_compare(s, n / 2, b, b_len);
        require(fold_compare(b, b_len, s, n / 2) == -order);
        if (order == 0)
                require(fold_hash(s, n / 2, 1) == fold_hash(b, b_len, 1));
        bool slip = fold_is_slip(s, n / 2, b, b_len);
        require(fold_is_slip(b, b_len, s, n / 2) == slip && !(slip && order == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_free_ char *text = malloc(size + 1);
        if (!text)
                return 0;
        if (size > 0)
                memcpy(text, data, size);
        text[size] = '\0';

        feed_path(text, size);
        feed_names(text, size);
        feed_literal(text);
        if (size > 0)
                feed_value(&(struct value){ .type = data[0] % 16u, .size = size - 1, .data = data + 1 });
        return 0;
}
