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
#define FORMAT_VERSION "1"
#define CHECKSUM_FORMAT "# crc32c: %08" PRIx32 "\n"
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

/* Where there is no memory to keep the text it is made again. */
static void put_event(const struct taint_event *e, struct history_mark *mark, struct buf *out)
{
        size_t begin = out->len;

        if (mark->text) {
                buf_puts(out, mark->text);
                return;
        }
        format_event(e, mark, out);
        if (!mark->telling && !out->error)
                mark->text = strdup(out->data + begin);
}

int state_format(struct state *s, struct buf *out)
{
        buf_puts(out, FORMAT_KEY ": " FORMAT_VERSION "\nboot: ");
        yaml_quote(out, s->boot_id, strlen(s->boot_id));
        buf_printf(out, "\ntold: %" PRIu64 "\n", s->told);
        if (s->blind)
                buf_puts(out, "blind: 1\n");
        buf_puts(out, s->history.n > 0 ? "events:\n" : "events: []\n");
        for (size_t i = 0; i < s->history.n; i++)
                put_event(&s->history.events[i], &s->history.marks[i], out);
        buf_printf(out, CHECKSUM_FORMAT, crc32c(0, buf_str(out), out->len));
        return out->error;
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
        else if (r == 0 && h->n == MONITOR_EVENTS_MAX)
                r = yaml_error(doc, map, d, "expected at most %u events", MONITOR_EVENTS_MAX);
        if (r == 0)
                r = history_add(h, &e, mark, &at);
        taint_event_done(&e);
        return r;
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
        if (!boot || boot->len >= sizeof(s->boot_id) ||
                !get_number(root, "told", UINT64_MAX, &s->told, &fields))
                return yaml_error(doc, root, d, "expected 'boot' and 'told'");
        uint64_t blind = 0;
        if (yaml_get(root, "blind") && !get_number(root, "blind", 1, &blind, &fields))
                return yaml_error(doc, root, d, "expected 'blind' to be 0 or 1");
        s->blind = blind == 1;
        (void)strcpy(s->boot_id, boot->text);
        const struct yaml_node *events = yaml_get(root, "events");
        if (!is_plain(events, YAML_LIST) || fields != root->n)
                return yaml_error(doc, root, d, "expected 'events' to be a list, and no more fields");
        for (const struct yaml_node *event = events->first; event; event = event->next) {
                int r = parse_event(doc, event, &s->history, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_sum(const char *name, const char *text, size_t n, size_t *ret_body, struct diag *d)
{
        if (n < CHECKSUM_BYTES)
                return diag_set(d, EINVAL, "%s: is cut short, expected a checksum line at its end", name);

        size_t body = n - CHECKSUM_BYTES;
        char line[CHECKSUM_BYTES + 1];
        (void)snprintf(line, sizeof(line), CHECKSUM_FORMAT, crc32c(0, text, body));
        if (memcmp(text + body, line, CHECKSUM_BYTES) != 0)
                return diag_set(d, EINVAL, "%s: is damaged or was edited, expected '%.*s' as its last line",
                        name, (int)CHECKSUM_BYTES - 1, line);
        *ret_body = body;
        return 0;
}

int state_parse(const char *name, const char *text, size_t n, struct state *ret, struct diag *d)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct state s = { 0 };
        size_t body = 0;

        int r = check_sum(name, text, n, &body, d);
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
