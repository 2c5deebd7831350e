/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state-text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/crc32c.h"
#include "../../schema/values/value.h"
#include "../../schema/yaml/yaml.h"

#define FORMAT_KEY "peios-taint-state"
#define FORMAT_VERSION "2"
#define CHECKSUM_MARK "# crc32c: "
#define CHECKSUM_FORMAT CHECKSUM_MARK "%08" PRIx32 "\n"
#define CHECKSUM_BYTES (sizeof("# crc32c: 01234567\n") - 1)

void state_done(struct state *s)
{
        history_done(&s->history);
}

static void put_number(struct buf *out, const char *name, uint64_t v)
{
        buf_printf(out, "    %s: %" PRIu64 "\n", name, v);
}

static void put_text(struct buf *out, const char *name, const char *text)
{
        buf_printf(out, "    %s: ", name);
        yaml_quote(out, text, strlen(text));
        buf_putc(out, '\n');
}

static void format_event(const struct taint_event *e, const struct history_mark *mark, struct buf *out)
{
        buf_puts(out, "  -\n");
#define EVENT_NUMBER(name, type, member, max) put_number(out, name, (uint64_t)(member));
#define EVENT_TEXT(name, member) put_text(out, name, member);
#define EVENT_NAME(name, member, prefix) put_text(out, name, prefix##_name(member));
#define EVENT_OWNED(name, member)                                                                           \
        if (member)                                                                                         \
                put_text(out, name, member);
#include "event-fields.def"
#undef EVENT_NUMBER
#undef EVENT_TEXT
#undef EVENT_NAME
#undef EVENT_OWNED
}

void state_format_event(const struct state *s, struct buf *out)
{
        size_t at = s->history.n - 1;

        format_event(&s->history.events[at], &s->history.marks[at], out);
}

void state_format_told(const struct state *s, struct buf *out)
{
        const struct history *h = &s->history;

        buf_puts(out, "  -\n");
        put_number(out, "told", s->told);
        put_number(out, "blind", s->blind);
        put_number(out, "seqno", h->n > 0 ? h->events[h->n - 1].seqno : 0);
}

void state_format(const struct state *s, struct buf *out)
{
        buf_puts(out, FORMAT_KEY ": " FORMAT_VERSION "\nboot: ");
        yaml_quote(out, s->boot_id, strlen(s->boot_id));
        buf_printf(out, "\ntold: %" PRIu64 "\nblind: %d\nevents:\n", s->told, s->blind);
        for (size_t i = 0; i < s->history.n; i++)
                format_event(&s->history.events[i], &s->history.marks[i], out);
}

uint32_t state_add_sum(uint32_t sum, struct buf *piece)
{
        size_t body = piece->len;

        sum = crc32c(sum, buf_str(piece), body);
        buf_printf(piece, CHECKSUM_FORMAT, sum);
        return crc32c(sum, buf_str(piece) + body, piece->len - body);
}

static bool is_plain(const struct yaml_node *node, enum yaml_kind kind)
{
        return node && node->kind == kind && !node->tag;
}

/* A field of the map; *fields counts what was found, so that a field too many shows. */
static const struct yaml_node *field(const struct yaml_node *map, const char *name, unsigned *fields)
{
        const struct yaml_node *node = yaml_get(map, name);

        if (!is_plain(node, YAML_SCALAR))
                return NULL;
        ++*fields;
        return node;
}

static bool get_number(
        const struct yaml_node *map, const char *name, uint64_t max, uint64_t *ret, unsigned *fields)
{
        const struct yaml_node *node = field(map, name, fields);

        return node && number_parse(node->text, node->len, max, ret) == 0;
}

/* A text that grew (what was no UTF-8 became U+FFFD) is cut. */
static bool get_text(const struct yaml_node *map, const char *name, char *ret, size_t size, unsigned *fields)
{
        const struct yaml_node *node = field(map, name, fields);

        if (!node)
                return false;
        (void)snprintf(ret, size, "%s", node->text);
        return true;
}

/* 0, -ENOMEM, or -EINVAL with the field that is missing or wrong in *ret_bad. */
static int parse_fields(const struct yaml_node *map, struct taint_event *e, struct history_mark *mark,
        unsigned *fields, const char **ret_bad)
{
        const struct yaml_node *node;
        uint64_t number;

#define EVENT_NUMBER(name, type, member, max)                                                               \
        if (!get_number(map, *ret_bad = name, max, &number, fields))                                        \
                return -EINVAL;                                                                             \
        member = (type)number;
#define EVENT_TEXT(name, member)                                                                            \
        if (!get_text(map, *ret_bad = name, member, sizeof(member), fields))                                \
                return -EINVAL;
#define EVENT_NAME(name, member, prefix)                                                                    \
        node = field(map, *ret_bad = name, fields);                                                         \
        if (!node || !prefix##_parse(node->text, &member))                                                  \
                return -EINVAL;
#define EVENT_OWNED(name, member)                                                                           \
        node = field(map, *ret_bad = name, fields);                                                         \
        if (node && !(member = strdup(node->text)))                                                         \
                return -ENOMEM;
#include "event-fields.def"
#undef EVENT_NUMBER
#undef EVENT_TEXT
#undef EVENT_NAME
#undef EVENT_OWNED
        return 0;
}

static int parse_event(
        const struct yaml_doc *doc, const struct yaml_node *map, struct history *h, struct diag *d)
{
        if (!is_plain(map, YAML_MAP))
                return yaml_error(doc, map, d, "expected the fields of an event");

        struct taint_event e = { 0 };
        struct history_mark mark = { 0 };
        const char *bad = NULL;
        unsigned fields = 0;
        size_t at;
        int r = parse_fields(map, &e, &mark, &fields, &bad);
        if (r == -EINVAL)
                (void)yaml_error(
                        doc, map, d, "'%s' of an event is missing or is not what it should be", bad);
        else if (r == 0 && fields != map->n)
                r = yaml_error(doc, map, d, "an event has a field that is not known here");
        if (r == 0)
                r = history_add(h, &e, mark, &at);
        taint_event_done(&e);
        return r;
}

/* Where the file was written anew and in each piece behind that. */
static bool parse_told(const struct yaml_node *map, struct state *s, unsigned *fields)
{
        uint64_t blind = 0;

        if (!get_number(map, "told", UINT64_MAX, &s->told, fields) ||
                !get_number(map, "blind", 1, &blind, fields))
                return false;
        s->blind = blind == 1;
        return true;
}

static int parse_piece(
        const struct yaml_doc *doc, const struct yaml_node *map, struct state *s, struct diag *d)
{
        struct history *h = &s->history;
        unsigned fields = 0;
        uint64_t seqno;

        if (!is_plain(map, YAML_MAP) || !yaml_get(map, "told"))
                return parse_event(doc, map, h, d);
        if (!parse_told(map, s, &fields) || !get_number(map, "seqno", UINT64_MAX, &seqno, &fields) ||
                fields != map->n)
                return yaml_error(doc, map, d, "expected 'told', 'blind' and 'seqno', and no more fields");
        if (h->n > 0) {
                h->events[h->n - 1].seqno = seqno;
                h->marks[h->n - 1].telling = false;
        }
        return 0;
}

static int parse_root(
        const struct yaml_doc *doc, const struct yaml_node *root, struct state *s, struct diag *d)
{
        char version[8];
        unsigned fields = 1; /* events */

        if (!is_plain(root, YAML_MAP) || !get_text(root, FORMAT_KEY, version, sizeof(version), &fields) ||
                strcmp(version, FORMAT_VERSION) != 0)
                return diag_set(
                        d, EINVAL, "%s: expected '" FORMAT_KEY ": " FORMAT_VERSION "'", yaml_name(doc));
        const struct yaml_node *boot = field(root, "boot", &fields);
        if (!boot || boot->len >= sizeof(s->boot_id) || !parse_told(root, s, &fields))
                return yaml_error(doc, root, d, "expected 'boot', 'told' and 'blind'");
        (void)strcpy(s->boot_id, boot->text);
        const struct yaml_node *events = yaml_get(root, "events");
        bool none = is_plain(events, YAML_SCALAR) && events->len == 0;
        if ((!none && !is_plain(events, YAML_LIST)) || fields != root->n)
                return yaml_error(doc, root, d, "expected 'events' to be a list, and no more fields");
        for (const struct yaml_node *piece = events->first; piece; piece = piece->next) {
                int r = parse_piece(doc, piece, s, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_sum(const char *name, const char *line, size_t n, uint32_t sum, struct diag *d)
{
        char expected[CHECKSUM_BYTES + 1];

        (void)snprintf(expected, sizeof(expected), CHECKSUM_FORMAT, sum);
        if (n == CHECKSUM_BYTES && memcmp(line, expected, CHECKSUM_BYTES) == 0)
                return 0;
        return diag_set(d, EINVAL, "%s: is damaged or was edited, expected '%.*s'", name,
                (int)CHECKSUM_BYTES - 1, expected);
}

static int damaged(const char *name, size_t at, struct diag *d)
{
        return diag_set(d, EINVAL, "%s: is damaged or was edited behind byte %zu", name, at);
}

static bool ends_in_sum(const char *text, size_t n)
{
        return n >= CHECKSUM_BYTES && text[n - 1] == '\n' &&
               memcmp(text + n - CHECKSUM_BYTES, CHECKSUM_MARK, strlen(CHECKSUM_MARK)) == 0;
}

/* *ret: the bytes that have their sum. Behind those may stand what a kill cut short: a sum is the last line
 * of its piece, and the others of what was appended are indented. */
static int check_sums(const char *name, const char *text, size_t n, size_t *ret, struct diag *d)
{
        uint32_t sum = 0;
        size_t sound = 0;

        for (size_t at = 0, next; at < n; at = next) {
                const char *end = memchr(text + at, '\n', n - at);
                next = end ? (size_t)(end - text) + 1 : n;
                if (text[at] == '#' && (end || next - at >= CHECKSUM_BYTES)) {
                        int r = check_sum(name, text + at, next - at, sum, d);
                        if (r < 0)
                                return r;
                        sound = next;
                } else if (sound > 0 && text[at] != ' ' && text[at] != '#') {
                        return damaged(name, at, d);
                }
                sum = crc32c(sum, text + at, next - at);
        }
        if (sound == 0)
                return diag_set(d, EINVAL, "%s: is cut short, expected a checksum line", name);
        *ret = sound;
        return ends_in_sum(text + sound, n - sound) ? damaged(name, sound, d) : 0;
}

int state_parse(const char *name, const char *text, size_t n, struct state *ret, struct diag *d)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct state s = { 0 };
        size_t body = 0;

        int r = check_sums(name, text, n, &body, d);
        if (r == 0)
                r = yaml_parse(name, text, body, &doc, d);
        if (r == 0)
                r = parse_root(doc, yaml_root(doc), &s, d);
        if (r < 0) {
                state_done(&s);
                return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = s;
        return 0;
}
