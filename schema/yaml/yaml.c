/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "yaml-problem.h"
#include "yaml-tree.h"

#define CORE_TAG_PREFIX "tag:yaml.org,"

static void parser_done(yaml_parser_t *parser)
{
        yaml_parser_delete(parser);
}

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

/* Anchor and tag, which scalars, lists and maps have alike. */
static int set_properties(
        struct yaml_builder *b, struct yaml_node *node, const yaml_char_t *anchor, const yaml_char_t *tag)
{
        if (anchor)
                return yaml_error(b->doc, node, b->diag, "anchor `&%s`, expected the value without one",
                        yaml_show((const char *)anchor, strlen((const char *)anchor)).text);
        if (!tag)
                return 0;
        const char *text = (const char *)tag;
        if (strncmp(text, CORE_TAG_PREFIX, strlen(CORE_TAG_PREFIX)) == 0)
                return yaml_error(b->doc, node, b->diag,
                        "tag `!!%s` of YAML's own types, expected a tag with one `!` or none",
                        yaml_show(strrchr(text, ':') + 1, strlen(strrchr(text, ':') + 1)).text);
        return yaml_set_tag(b->doc, node, text);
}

static int check_key(struct yaml_builder *b, const struct yaml_node *key)
{
        if (key->tag)
                return yaml_error(b->doc, key, b->diag,
                        "tag `%s` on the name, expected it on the value: `name: %s value`",
                        yaml_show(key->tag, strlen(key->tag)).text,
                        yaml_show(key->tag, strlen(key->tag)).text);
        if (!key->quoted && strcmp(key->text, "<<") == 0)
                return yaml_error(b->doc, key, b->diag,
                        "merge key `<<`, expected the values written out (a value of that name is \"<<\")");
        return 0;
}

static int add_node(struct yaml_builder *b, const yaml_event_t *e, struct yaml_node **ret)
{
        return yaml_add(b, (uint32_t)e->start_mark.line + 1, (uint32_t)e->start_mark.column + 1, ret);
}

static int on_scalar(struct yaml_builder *b, const yaml_event_t *e)
{
        bool is_key = yaml_at_key(b);
        struct yaml_node *node;
        int r = add_node(b, e, &node);
        if (r < 0)
                return r;
        const char *text = (const char *)e->data.scalar.value;
        node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        r = set_properties(b, node, e->data.scalar.anchor, e->data.scalar.tag);
        if (r < 0)
                return r;
        if (memchr(text, '\0', e->data.scalar.length))
                return yaml_error(b->doc, node, b->diag, "text with a NUL character, expected none");
        r = yaml_set_text(b->doc, node, text, e->data.scalar.length);
        if (r < 0 || !is_key)
                return r;
        r = check_key(b, node);
        return r < 0 ? r : yaml_take_key(b, node);
}

static int on_collection(struct yaml_builder *b, const yaml_event_t *e, enum yaml_kind kind,
        const yaml_char_t *anchor, const yaml_char_t *tag)
{
        bool is_key = yaml_at_key(b);
        struct yaml_node *node;
        int r = add_node(b, e, &node);
        if (r < 0)
                return r;
        node->kind = kind;
        if (is_key)
                return yaml_error(b->doc, node, b->diag, "a %s as a key, expected a single text",
                        kind == YAML_MAP ? "map" : "list");
        r = set_properties(b, node, anchor, tag);
        return r < 0 ? r : yaml_open(b, node);
}

static int refuse(struct yaml_builder *b, const yaml_event_t *e, const char *text)
{
        return diag_set(b->diag, EINVAL, "%s:%zu:%zu: %s", b->doc->name, e->start_mark.line + 1,
                e->start_mark.column + 1, text);
}

static int on_document(struct yaml_builder *b, const yaml_event_t *e)
{
        if (b->doc->root)
                return refuse(b, e, "a second document, expected one in a file");
        if (e->data.document_start.version_directive ||
                e->data.document_start.tag_directives.start != e->data.document_start.tag_directives.end)
                return refuse(b, e, "a `%` directive, expected none in this file");
        return 0;
}

static int on_event(struct yaml_builder *b, const yaml_event_t *e)
{
        switch (e->type) {
        case YAML_DOCUMENT_START_EVENT:
                return on_document(b, e);
        case YAML_SCALAR_EVENT:
                return on_scalar(b, e);
        case YAML_SEQUENCE_START_EVENT:
                return on_collection(
                        b, e, YAML_LIST, e->data.sequence_start.anchor, e->data.sequence_start.tag);
        case YAML_MAPPING_START_EVENT:
                return on_collection(
                        b, e, YAML_MAP, e->data.mapping_start.anchor, e->data.mapping_start.tag);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                yaml_close(b);
                return 0;
        case YAML_ALIAS_EVENT:
                return refuse(b, e, "an alias (`*name`), expected the value written out");
        default:
                return 0;
        }
}

static int build(struct yaml_builder *b, const char *data, size_t size, size_t skipped)
{
        _cleanup_(parser_done) yaml_parser_t parser;
        if (!yaml_parser_initialize(&parser)) {
                memset(&parser, 0, sizeof(parser));
                return -ENOMEM;
        }
        yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&parser, (const unsigned char *)data, size);
        for (;;) {
                yaml_event_t event;
                if (!yaml_parser_parse(&parser, &event))
                        return yaml_problem(&parser, b->doc->name, data, size, skipped, b->diag);
                yaml_event_type_t type = event.type;
                int r = on_event(b, &event);
                yaml_event_delete(&event);
                if (r < 0 || type == YAML_STREAM_END_EVENT)
                        return r;
        }
}

/* Where the text begins: after a byte-order mark of UTF-8. Others mean UTF-16, which nobody should guess. */
static int skip_mark(const char *name, const char *data, size_t size, size_t *ret, struct diag *d)
{
        *ret = 0;
        if (size >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
                return diag_set(
                        d, EINVAL, "%s:1:1: UTF-16 text, expected UTF-8 (save the file as UTF-8)", name);
        if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
                *ret = 3;
        if (size > UINT32_MAX)
                return diag_set(d, EFBIG, "%s: %zu bytes, expected less than 4 GiB", name, size);
        return 0;
}

int yaml_parse(const char *name, const void *data, size_t size, struct yaml_doc **ret, struct diag *d)
{
        size_t start;
        int r = skip_mark(name, data, size, &start, d);
        if (r < 0)
                return r;
        _cleanup_yaml_ struct yaml_doc *doc = calloc(1, sizeof(*doc));
        if (!doc)
                return -ENOMEM;
        doc->name = strdup(name);
        if (!doc->name)
                return -ENOMEM;
        _cleanup_(yaml_builder_done) struct yaml_builder b = { .doc = doc, .diag = d };
        r = build(&b, (const char *)data + start, size - start, start);
        if (r < 0)
                return r;
        const struct yaml_node *root = doc->root;
        if (root && root->kind == YAML_SCALAR && root->len == 0 && !root->quoted && !root->tag)
                doc->root = NULL;
        *ret = STEAL_PTR(doc);
        return 0;
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
