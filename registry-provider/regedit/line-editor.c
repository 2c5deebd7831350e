/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "line-editor.h"

#include <string.h>

#include "../../schema/names/fold.h"

void line_editor_done(struct line_editor *e)
{
        buf_done(&e->text);
}

void line_editor_set(struct line_editor *e, const char *text)
{
        buf_clear(&e->text);
        buf_puts(&e->text, text);
        e->at = e->text.len;
}

static size_t before(const struct line_editor *e)
{
        size_t at = e->at;

        while (at > 0 && ((unsigned char)e->text.data[--at] & 0xC0) == 0x80)
                ;
        return at;
}

static size_t behind(const struct line_editor *e)
{
        size_t at = e->at;

        if (at < e->text.len)
                at++;
        while (at < e->text.len && ((unsigned char)e->text.data[at] & 0xC0) == 0x80)
                at++;
        return at;
}

/* The begin of the word before the cursor. */
static size_t word_before(const struct line_editor *e)
{
        static const char between[] = " \\/,:";
        size_t at = e->at;

        while (at > 0 && strchr(between, e->text.data[at - 1]))
                at--;
        while (at > 0 && !strchr(between, e->text.data[at - 1]))
                at--;
        return at;
}

static void cut(struct line_editor *e, size_t from, size_t to)
{
        if (from == to)
                return;
        memmove(e->text.data + from, e->text.data + to, e->text.len - to + 1);
        e->text.len -= to - from;
        e->at = from;
}

static void insert(struct line_editor *e, const char *text, size_t n)
{
        if (buf_reserve(&e->text, n) < 0)
                return;
        memmove(e->text.data + e->at + n, e->text.data + e->at, e->text.len - e->at);
        memcpy(e->text.data + e->at, text, n);
        e->text.len += n;
        e->text.data[e->text.len] = '\0';
        e->at += n;
}

static bool is(const char *key, const char *one, const char *other)
{
        return strcmp(key, one) == 0 || strcmp(key, other) == 0;
}

/* Names of keys are longer than one character. */
static bool insert_key(struct line_editor *e, const char *key)
{
        uint32_t c;
        const char *text = strcmp(key, "Space") == 0 ? " " : key;
        size_t n = strlen(text);

        if (utf8_decode(text, n, &c) != n)
                return false;
        insert(e, text, n);
        return true;
}

bool line_editor_key(struct line_editor *e, const char *key)
{
        if (is(key, "Left", "^B"))
                e->at = before(e);
        else if (is(key, "Right", "^F"))
                e->at = behind(e);
        else if (is(key, "Home", "^A"))
                e->at = 0;
        else if (is(key, "End", "^E"))
                e->at = e->text.len;
        else if (is(key, "Backspace", "^H"))
                cut(e, before(e), e->at);
        else if (is(key, "Del", "^D"))
                cut(e, e->at, behind(e));
        else if (is(key, "^U", "^U"))
                cut(e, 0, e->at);
        else if (is(key, "^K", "^K"))
                cut(e, e->at, e->text.len);
        else if (is(key, "^W", "^W"))
                cut(e, word_before(e), e->at);
        else
                return insert_key(e, key);
        return true;
}
