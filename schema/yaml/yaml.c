/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "../base/file.h"
#include "../names/fold.h"
#include "yaml-tree.h"

/* libyaml's words on the left; `%zu` on the right is the line where the construct begins. */
static const struct {
        const char *problem;
        const char *text;
} texts[] = {
        { "could not find expected ':'",
                "no `: ` after this key, expected `key: value` on one line (a key of more than 1024 characters "
                "is written as `? key`)" },
        { "mapping values are not allowed in this context",
                "a `: ` is not possible here, expected a single value (a text that holds `: ` needs quotes) or "
                "the indentation of the key above (a key of more than 1024 characters is written as `? key`)" },
        { "mapping keys are not allowed in this context", "a `? ` is not possible here, expected a value" },
        { "block sequence entries are not allowed in this context",
                "a `- ` is not possible here, expected a value, or the list on a line of its own" },
        { "did not find expected key",
                "not a key of the map that begins in line %zu, expected `key: value` at its indentation" },
        { "did not find expected '-' indicator",
                "not an item of the list that begins in line %zu, expected `- item` at its indentation" },
        { "did not find expected ',' or ']'", "expected `,` or `]` in the list that begins in line %zu" },
        { "did not find expected ',' or '}'", "expected `,` or `}` in the map that begins in line %zu" },
        { "did not find expected node content", "found nothing that can be a value, expected one" },
        { "did not find expected <document start>",
                "text after the end of the document, expected one document in a file" },
        { "found unexpected end of stream",
                "the quotes that begin in line %zu are not closed, expected a quotation mark" },
        { "found unexpected document indicator",
                "`---` or `...` inside the quotes that begin in line %zu, expected a quotation mark before" },
        { "found unknown escape character",
                "an escape that YAML does not have, expected \\\\ for a backslash in double quotes (in single "
                "quotes and without quotes a backslash is just that)" },
        { "did not find expected hexdecimal number", "expected hexadecimal digits after \\x, \\u or \\U" },
        { "found invalid Unicode character escape code",
                "an escape that is no Unicode character, expected at most 10ffff and no surrogate" },
        { "did not find expected whitespace or line break",
                "something right after a tag, expected `!tag`, a blank and the value" },
        { "found undefined tag handle", "a tag with a prefix of its own, expected `!name`" },
        { "found unknown directive name", "a `%` directive, expected none in this file" },
        { "found incompatible YAML document", "a `%` directive, expected none in this file" },
};

struct place {
        size_t line, column;
};

static size_t find_character(const char *data, size_t size, size_t index)
{
        size_t i = 0;
        for (; i < size; i++)
                if (((unsigned char)data[i] & 0xc0) != 0x80 && index-- == 0)
                        break;
        return i;
}

static struct place place_of_offset(const char *data, size_t offset)
{
        struct place p = { .line = 1, .column = 1 };
        for (size_t i = 0; i < offset; i++) {
                if (data[i] == '\n')
                        p = (struct place){ .line = p.line + 1, .column = 1 };
                else if (((unsigned char)data[i] & 0xc0) != 0x80)
                        p.column++;
        }
        return p;
}

static int reader_problem(const yaml_parser_t *parser, const char *name, const char *data, size_t size,
        size_t skipped, struct diag *d)
{
        bool is_control = strncmp(parser->problem, "control", 7) == 0;
        /* libyaml may point at the byte that should have gone on with a character. */
        size_t at = is_control ? parser->problem_offset : utf8_valid_prefix(data, size);
        if (at >= size)
                return diag_set(d, EINVAL, "%s:1:1: %s, expected UTF-8 text", name, parser->problem);
        struct place p = place_of_offset(data, at);
        unsigned byte = (unsigned char)data[at], c = (unsigned)parser->problem_value;
        if (byte == 0)
                return diag_set(d, EINVAL,
                        "%s:%zu:%zu: NUL byte at offset %zu (a binary file, or UTF-16?), expected UTF-8 text",
                        name, p.line, p.column, at + skipped);
        if (is_control)
                return diag_set(d, EINVAL,
                        "%s:%zu:%zu: control character at offset %zu, expected it as \\%c%0*x in double quotes",
                        name, p.line, p.column, at + skipped, c <= 0xff ? 'x' : 'u', c <= 0xff ? 2 : 4, c);
        return diag_set(d, EINVAL, "%s:%zu:%zu: byte 0x%02x at offset %zu is not UTF-8, expected UTF-8 text",
                name, p.line, p.column, byte, at + skipped);
}

/* libyaml has one sentence for everything that cannot begin a value. */
static void say_character(char c, char *ret, size_t size)
{
        if (c == '\t')
                (void)snprintf(ret, size, "tab used for indentation; YAML allows only spaces");
        else
                (void)snprintf(ret, size,
                        "a text cannot begin with `%c` unless it is in quotes, expected \"%c…\"", c, c);
}

static bool find_text(const char *problem, size_t *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                if (strcmp(texts[i].problem, problem) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

static void say(const yaml_parser_t *parser, char c, char *ret, size_t size)
{
        const char *problem = parser->problem ? parser->problem : "not YAML";
        size_t i;

        if (strcmp(problem, "found character that cannot start any token") == 0)
                say_character(c, ret, size);
        else if (c == '\t' || strstr(problem, "a tab character"))
                say_character('\t', ret, size);
        else if (!find_text(problem, &i))
                (void)snprintf(ret, size, "%s%s%s", parser->context ? parser->context : "",
                        parser->context ? ": " : "", problem);
        else {
                const char *at = strstr(texts[i].text, "%zu");
                int head = at ? (int)(at - texts[i].text) : (int)strlen(texts[i].text);
                (void)snprintf(ret, size, "%.*s", head, texts[i].text);
                if (at)
                        (void)snprintf(ret + head, size - (size_t)head, "%zu%s",
                                parser->context_mark.line + 1, at + 3);
        }
}

/* After yaml_parser_parse() failed on these bytes, before which `skipped` others stand in the file. */
static int problem(const yaml_parser_t *parser, const char *name, const char *data, size_t size,
        size_t skipped, struct diag *d)
{
        /* Where libyaml fails and says nothing, a copy of a string has failed. */
        if (parser->error == YAML_MEMORY_ERROR || parser->error == YAML_NO_ERROR)
                return -ENOMEM;
        if (parser->error == YAML_READER_ERROR)
                return reader_problem(parser, name, data, size, skipped, d);
        /* That the colon is missing shows only lines later. */
        bool no_colon = parser->problem && strcmp(parser->problem, "could not find expected ':'") == 0;
        const yaml_mark_t *mark = no_colon ? &parser->context_mark : &parser->problem_mark;
        size_t at = find_character(data, size, mark->index);
        char text[512];
        say(parser, at < size ? data[at] : '\0', text, sizeof(text));
        return diag_set(d, EINVAL, "%s:%zu:%zu: %s", name, mark->line + 1, mark->column + 1, text);
}

#define CORE_TAG_PREFIX "tag:yaml.org,"

static void parser_done(yaml_parser_t *parser)
{
        yaml_parser_delete(parser);
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
                        return problem(&parser, b->doc->name, data, size, skipped, b->diag);
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

/* Faster than memmem() by far where not even the first byte is there. */
static const char *find_bytes(const char *data, const char *end, const char *bytes, size_t n)
{
        while ((data = memchr(data, bytes[0], (size_t)(end - data))) &&
                ((size_t)(end - data) < n || memcmp(data, bytes, n) != 0))
                data++;
        return data;
}

/* What YAML takes for the end of a line, and editors and terminals do not: a comment with one says more than
 * it shows. */
static int check_breaks(const char *name, const char *data, size_t size, struct diag *d)
{
        static const struct {
                const char *bytes, *escape;
        } breaks[] = { { "\r", "\\r" }, { "\xc2\x85", "\\N" }, { "\xe2\x80\xa8", "\\L" },
                { "\xe2\x80\xa9", "\\P" } };
        const char *const end = data + size;

        for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
                const size_t n = strlen(breaks[i].bytes);
                const char *at = find_bytes(data, end, breaks[i].bytes, n);
                while (at && *at == '\r' && end - at > 1 && at[1] == '\n')
                        at = find_bytes(at + 1, end, breaks[i].bytes, n);
                if (!at)
                        continue;
                struct place p = place_of_offset(data, (size_t)(at - data));
                return diag_set(d, EINVAL,
                        "%s:%zu:%zu: an end of line that most programs do not show as one, expected a line "
                        "feed, or `%s` in double quotes",
                        name, p.line, p.column, breaks[i].escape);
        }
        return 0;
}

int yaml_parse(const char *name, const void *data, size_t size, struct yaml_doc **ret, struct diag *d)
{
        size_t start;
        int r = skip_mark(name, data, size, &start, d);
        if (r == 0)
                r = check_breaks(name, (const char *)data + start, size - start, d);
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

int yaml_parse_summed(const char *path, const struct buf *file, struct yaml_doc **ret, struct diag *d)
{
        size_t sound = 0;

        int r = file_sum_check(path, buf_str(file), file->len, &sound, d);
        if (r == 0 && sound < file->len)
                r = diag_set(d, EINVAL, "%s: is damaged or was edited after byte %zu", path, sound);
        return r < 0 ? r : yaml_parse(path, buf_str(file), sound, ret, d);
}
