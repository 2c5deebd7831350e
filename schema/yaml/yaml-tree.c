/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yaml-tree.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../names/fold.h"

#define CHUNK_MIN ((size_t)8192)
#define CHUNK_MAX ((size_t)1024 * 1024)
#define YAML_KEYS_LINEAR 12u

struct yaml_chunk {
        struct yaml_chunk *next;
        size_t size;
        size_t nodes; /* grows from the front, aligned */
        size_t texts; /* comes down from the end */
        alignas(max_align_t) char data[];
};

static size_t chunk_room(const struct yaml_chunk *c)
{
        return c ? c->texts - c->nodes : 0;
}

/* All pages at once: a fault for each costs more than what is written there. It is a hint. */
static void populate(void *memory, size_t n)
{
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)memory & ~(page - 1);

        (void)madvise((void *)at, (uintptr_t)memory + n - at, MADV_POPULATE_WRITE);
}

static int make_room(struct yaml_doc *doc, size_t n)
{
        if (chunk_room(doc->chunks) >= n)
                return 0;
        size_t size = doc->chunks ? doc->chunks->size * 2 : CHUNK_MIN;
        if (size > CHUNK_MAX)
                size = CHUNK_MAX;
        if (size < n)
                size = n;
        struct yaml_chunk *c = malloc(sizeof(*c) + size);
        if (!c)
                return -ENOMEM;
        populate(c, sizeof(*c) + size);
        *c = (struct yaml_chunk){ .next = doc->chunks, .size = size, .texts = size };
        doc->chunks = c;
        return 0;
}

static const char *copy_text(struct yaml_doc *doc, const char *s, size_t n)
{
        if (make_room(doc, n + 1) < 0)
                return NULL;
        doc->chunks->texts -= n + 1;
        char *text = doc->chunks->data + doc->chunks->texts;
        memcpy(text, s, n);
        text[n] = '\0';
        return text;
}

struct yaml_doc *yaml_doc_free(struct yaml_doc *doc)
{
        if (!doc)
                return NULL;
        for (struct yaml_chunk *c = doc->chunks, *next; c; c = next) {
                next = c->next;
                free(c);
        }
        free(doc->name);
        free(doc);
        return NULL;
}

void yaml_builder_done(struct yaml_builder *b)
{
        for (; b->depth > 0; b->depth--)
                hashmap_done(&b->stack[b->depth - 1].keys);
}

bool yaml_at_key(const struct yaml_builder *b)
{
        const struct yaml_frame *f = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
        return f && f->node->kind == YAML_MAP && !f->key;
}

static void append(struct yaml_frame *f, struct yaml_node *node)
{
        if (f->last)
                f->last->next = node;
        else
                f->node->first = node;
        f->last = node;
        f->node->n++;
        node->key = STEAL_PTR(f->key);
}

int yaml_add(struct yaml_builder *b, uint32_t line, uint32_t column, struct yaml_node **ret)
{
        struct yaml_doc *doc = b->doc;
        if (doc->n_nodes >= YAML_NODES_MAX)
                return diag_set(b->diag, EFBIG, "%s:%u:%u: more than %u values and keys, expected fewer",
                        doc->name, line, column, YAML_NODES_MAX);
        int r = make_room(doc, sizeof(struct yaml_node));
        if (r < 0)
                return r;
        struct yaml_node *node = (struct yaml_node *)(void *)(doc->chunks->data + doc->chunks->nodes);
        doc->chunks->nodes += sizeof(*node);
        doc->n_nodes++;
        *node = (struct yaml_node){ .line = line, .column = column };

        struct yaml_frame *f = b->depth > 0 ? &b->stack[b->depth - 1] : NULL;
        if (!f)
                doc->root = node;
        else if (f->node->kind == YAML_LIST || f->key)
                append(f, node);
        *ret = node;
        return 0;
}

int yaml_set_text(struct yaml_doc *doc, struct yaml_node *node, const char *s, size_t n)
{
        node->text = copy_text(doc, s, n);
        node->len = (uint32_t)n;
        return node->text ? 0 : -ENOMEM;
}

int yaml_set_tag(struct yaml_doc *doc, struct yaml_node *node, const char *tag)
{
        for (size_t i = 0; i < doc->n_tags; i++)
                if (strcmp(doc->tags[i], tag) == 0) {
                        node->tag = doc->tags[i];
                        return 0;
                }
        node->tag = copy_text(doc, tag, strlen(tag));
        if (!node->tag)
                return -ENOMEM;
        if (doc->n_tags < YAML_TAGS_KEPT)
                doc->tags[doc->n_tags++] = node->tag;
        return 0;
}

static bool key_is(const void *entry, const void *key)
{
        const struct yaml_node *a = entry, *b = key;
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static uint32_t key_hash(const struct yaml_node *key)
{
        return hashmap_hash(key->text, key->len, hashmap_seed());
}

/* The keys that were compared one by one until now. */
static int index_keys(struct yaml_frame *f)
{
        int r = hashmap_reserve(&f->keys, YAML_KEYS_LINEAR * 2);
        for (const struct yaml_node *n = f->node->first; n && r == 0; n = n->next)
                r = hashmap_put(&f->keys, key_hash(n->key), (void *)(uintptr_t)n->key);
        return r;
}

static int find_or_index(struct yaml_frame *f, struct yaml_node *key, const struct yaml_node **ret_same)
{
        *ret_same = NULL;
        if (f->node->n < YAML_KEYS_LINEAR) {
                for (const struct yaml_node *n = f->node->first; n; n = n->next)
                        if (key_is(n->key, key))
                                *ret_same = n->key;
                return 0;
        }
        if (!f->keys.slots) {
                int r = index_keys(f);
                if (r < 0)
                        return r;
        }
        uint32_t hash = key_hash(key);
        *ret_same = hashmap_get(&f->keys, hash, key_is, key);
        return *ret_same ? 0 : hashmap_put(&f->keys, hash, key);
}

int yaml_take_key(struct yaml_builder *b, struct yaml_node *key)
{
        struct yaml_frame *f = &b->stack[b->depth - 1];
        const struct yaml_node *same;
        int r = find_or_index(f, key, &same);
        if (r < 0)
                return r;
        if (same)
                return yaml_error(b->doc, key, b->diag,
                        "`%s` is here a second time, the first is in line %u; expected each name once in a map",
                        yaml_show(key->text, key->len).text, same->line);
        f->key = key;
        return 0;
}

int yaml_open(struct yaml_builder *b, struct yaml_node *node)
{
        if (b->depth >= YAML_DEPTH_MAX)
                return yaml_error(b->doc, node, b->diag, "nested deeper than %u levels, expected fewer",
                        YAML_DEPTH_MAX);
        b->stack[b->depth++] = (struct yaml_frame){ .node = node };
        return 0;
}

void yaml_close(struct yaml_builder *b)
{
        hashmap_done(&b->stack[--b->depth].keys);
}

const struct yaml_node *yaml_root(const struct yaml_doc *doc)
{
        return doc->root;
}

const char *yaml_name(const struct yaml_doc *doc)
{
        return doc->name;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
        size_t len = strlen(key);
        for (const struct yaml_node *n = map->first; n; n = n->next)
                if (n->key && n->key->len == len && memcmp(n->key->text, key, len) == 0)
                        return n;
        return NULL;
}

/* ---- Texts, for documents and for messages ---- */

int yaml_error(
        const struct yaml_doc *doc, const struct yaml_node *at, struct diag *d, const char *format, ...)
{
        char text[sizeof(d->text)];
        va_list ap;
        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return diag_set(d, EINVAL, "%s:%u:%u: %s", doc->name, at ? at->line : 1, at ? at->column : 1, text);
}

/* What YAML lets stand in double quotes and no reader takes for a line break or drops. */
static bool is_plain(uint32_t c)
{
        if (c < 0x20 || c == '"' || c == '\\')
                return false;
        if (c < 0x7f)
                return true;
        return c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

static void escape(struct buf *out, uint32_t c)
{
        switch (c) {
        case '"':
        case '\\':
                buf_putc(out, '\\');
                buf_putc(out, (char)c);
                break;
        case '\n':
                buf_puts(out, "\\n");
                break;
        case '\r':
                buf_puts(out, "\\r");
                break;
        case '\t':
                buf_puts(out, "\\t");
                break;
        default:
                buf_printf(out, c <= 0xff ? "\\x%02x" : "\\u%04x", c);
        }
}

void yaml_quote(struct buf *out, const char *s, size_t n)
{
        size_t done = 0, i = 0;

        buf_putc(out, '"');
        while (i < n) {
                uint32_t c;
                size_t len = utf8_decode(s + i, n - i, &c);
                if (len > 0 && is_plain(c)) {
                        i += len;
                        continue;
                }
                buf_add(out, s + done, i - done);
                if (len > 0)
                        escape(out, c);
                else
                        buf_puts(out, "\\ufffd");
                i += len > 0 ? len : 1;
                done = i;
        }
        if (i > done)
                buf_add(out, s + done, i - done);
        buf_putc(out, '"');
}

struct yaml_shown yaml_show(const char *s, size_t n)
{
        static const char more[] = "…";
        struct yaml_shown ret;
        size_t at = 0;

        for (size_t i = 0; i < n;) {
                uint32_t c;
                size_t len = utf8_decode(s + i, n - i, &c);
                bool as_is = len > 0 && c >= 0x20 && (c < 0x7f || c >= 0xa0);
                if (at + 4 + sizeof(more) > sizeof(ret.text)) {
                        memcpy(ret.text + at, more, sizeof(more) - 1);
                        at += sizeof(more) - 1;
                        break;
                }
                len = len > 0 ? len : 1;
                if (as_is) {
                        memcpy(ret.text + at, s + i, len);
                        at += len;
                } else {
                        at += (size_t)snprintf(ret.text + at, 5, "\\x%02x", (unsigned char)s[i]);
                        len = 1;
                }
                i += len;
        }
        ret.text[at] = '\0';
        return ret;
}
