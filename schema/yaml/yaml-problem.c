/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "yaml-problem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../base/macro.h"
#include "../names/fold.h"

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
                "something right behind a tag, expected `!tag`, a blank and the value" },
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
                bool end = data[i] == '\n' || (data[i] == '\r' && data[i + 1] != '\n');
                if (end)
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

int yaml_problem(const yaml_parser_t *parser, const char *name, const char *data, size_t size,
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
