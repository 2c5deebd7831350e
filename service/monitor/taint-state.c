/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taint-state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../../schema/values/value.h"
#include "../../schema/yaml/yaml.h"

#define STATE_NAME "taint-state"
#define STATE_BYTES_MAX (32u * 1024u * 1024u)
#define FORMAT_KEY "peios-taint-state"
#define FORMAT_VERSION "2"

void taint_state_done(struct taint_state *s)
{
        for (size_t i = 0; i < s->n; i++)
                taint_event_done(&s->events[i]);
        free(s->events);
        free(s->marks);
        *s = (struct taint_state){ 0 };
}

static int grow(struct taint_state *s)
{
        int r = array_grow(&s->events, s->n, sizeof(*s->events));

        return r < 0 ? r : array_grow(&s->marks, s->n, sizeof(*s->marks));
}

static void cut_at_line(char *text, size_t max)
{
        if (!text || strlen(text) <= max)
                return;
        text[max] = '\0';
        char *newline = strrchr(text, '\n');
        if (newline)
                newline[1] = '\0';
}

static void drop_oldest(struct taint_state *s)
{
        taint_event_done(&s->events[0]);
        s->n--;
        memmove(s->events, s->events + 1, s->n * sizeof(*s->events));
        memmove(s->marks, s->marks + 1, s->n * sizeof(*s->marks));
}

int taint_state_add(
        struct taint_state *s, const struct taint_event *e, struct taint_state_mark mark, size_t *ret)
{
        struct taint_event copy;

        int r = s->n < TAINT_STATE_EVENTS_MAX ? grow(s) : 0;
        if (r == 0)
                r = taint_event_copy(e, &copy);
        if (r < 0)
                return r;
        cut_at_line(copy.stack, TAINT_STATE_STACK_MAX);
        cut_at_line(copy.properties, TAINT_STATE_PROPERTIES_MAX);
        if (s->n == TAINT_STATE_EVENTS_MAX)
                drop_oldest(s);
        s->events[s->n] = copy;
        s->marks[s->n] = mark;
        *ret = s->n++;
        return 0;
}

static void put_name(struct buf *out, const char *name)
{
        buf_puts(out, "    ");
        buf_puts(out, name);
        buf_puts(out, ": ");
}

static void put_number(struct buf *out, const char *name, uint64_t v)
{
        put_name(out, name);
        buf_number(out, v);
        buf_putc(out, '\n');
}

static void put_text(struct buf *out, const char *name, const char *text)
{
        put_name(out, name);
        yaml_quote(out, text, strlen(text));
        buf_putc(out, '\n');
}

static void format_event(const struct taint_event *e, const struct taint_state_mark *mark, struct buf *out)
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

void taint_state_format_event(const struct taint_state *s, struct buf *out)
{
        size_t at = s->n - 1;

        format_event(&s->events[at], &s->marks[at], out);
}

void taint_state_format_reported(const struct taint_state *s, struct buf *out)
{
        buf_puts(out, "  -\n");
        put_number(out, "reported", s->reported);
        put_number(out, "blind", s->blind);
        put_number(out, "seqno", s->n > 0 ? s->events[s->n - 1].seqno : 0);
}

void taint_state_format(const struct taint_state *s, struct buf *out)
{
        buf_puts(out, FORMAT_KEY ": " FORMAT_VERSION "\nboot: ");
        yaml_quote(out, s->boot_id, strlen(s->boot_id));
        buf_printf(out, "\nreported: %" PRIu64 "\nblind: %d\nevents:\n", s->reported, s->blind);
        for (size_t i = 0; i < s->n; i++)
                format_event(&s->events[i], &s->marks[i], out);
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
static int parse_fields(const struct yaml_node *map, struct taint_event *e, struct taint_state_mark *mark,
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
        const struct yaml_doc *doc, const struct yaml_node *map, struct taint_state *s, struct diag *d)
{
        if (!is_plain(map, YAML_MAP))
                return yaml_error(doc, map, d, "expected the fields of an event");

        struct taint_event e = { 0 };
        struct taint_state_mark mark = { 0 };
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
                r = taint_state_add(s, &e, mark, &at);
        taint_event_done(&e);
        return r;
}

/* Where the file was written anew and in each piece behind that. */
static bool parse_reported(const struct yaml_node *map, struct taint_state *s, unsigned *fields)
{
        uint64_t blind = 0;

        if (!get_number(map, "reported", UINT64_MAX, &s->reported, fields) ||
                !get_number(map, "blind", 1, &blind, fields))
                return false;
        s->blind = blind == 1;
        return true;
}

static int parse_piece(
        const struct yaml_doc *doc, const struct yaml_node *map, struct taint_state *s, struct diag *d)
{
        unsigned fields = 0;
        uint64_t seqno;

        if (!is_plain(map, YAML_MAP) || !yaml_get(map, "reported"))
                return parse_event(doc, map, s, d);
        if (!parse_reported(map, s, &fields) || !get_number(map, "seqno", UINT64_MAX, &seqno, &fields) ||
                fields != map->n)
                return yaml_error(
                        doc, map, d, "expected 'reported', 'blind' and 'seqno', and no more fields");
        if (s->n > 0) {
                s->events[s->n - 1].seqno = seqno;
                s->marks[s->n - 1].reporting = false;
        }
        return 0;
}

static int parse_root(
        const struct yaml_doc *doc, const struct yaml_node *root, struct taint_state *s, struct diag *d)
{
        char version[8];
        unsigned fields = 1; /* events */

        if (!is_plain(root, YAML_MAP) || !get_text(root, FORMAT_KEY, version, sizeof(version), &fields) ||
                strcmp(version, FORMAT_VERSION) != 0)
                return diag_set(
                        d, EINVAL, "%s: expected '" FORMAT_KEY ": " FORMAT_VERSION "'", yaml_name(doc));
        const struct yaml_node *boot = field(root, "boot", &fields);
        if (!boot || boot->len >= sizeof(s->boot_id) || !parse_reported(root, s, &fields))
                return yaml_error(doc, root, d, "expected 'boot', 'reported' and 'blind'");
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

int taint_state_parse(const char *name, const char *text, size_t n, struct taint_state *ret, struct diag *d)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct taint_state s = { 0 };
        size_t body = 0;

        int r = file_sum_check(name, text, n, &body, d);
        if (r == 0)
                r = yaml_parse(name, text, body, &doc, d);
        if (r == 0)
                r = parse_root(doc, yaml_root(doc), &s, d);
        if (r < 0) {
                taint_state_done(&s);
                return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = s;
        return 0;
}

int taint_state_load(const char *root, const char *boot_id, struct taint_state *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_POLICY_RUN "/" STATE_NAME);
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct taint_state s = { 0 };

        if (!path)
                return -ENOMEM;
        int r = file_read(AT_FDCWD, path, STATE_BYTES_MAX, &text, NULL, d);
        if (r == 0)
                r = taint_state_parse(path, buf_str(&text), text.len, &s, d);
        else if (r == -EFBIG || r == -EISDIR)
                r = -EINVAL;
        if (r == -EINVAL)
                file_set_aside(path, d);
        else if (r < 0 && r != -ENOENT)
                return r;
        if (r < 0 || strcmp(s.boot_id, boot_id) != 0) {
                taint_state_done(&s);
                s = (struct taint_state){ 0 };
                (void)snprintf(s.boot_id, sizeof(s.boot_id), "%s", boot_id);
        }
        *ret = s;
        return r == -EINVAL ? r : 0;
}

void taint_state_file_done(struct taint_state_file *f)
{
        closep(&f->fd);
        f->fd = -1;
}

static int fail(const char *root, int error, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_POLICY_RUN "/" STATE_NAME);

        return diag_set(d, -error, "%s: cannot be written: %s", path ? path : STATE_NAME, strerror(-error));
}

static int keep_all(
        struct taint_state_file *f, const char *root, const struct taint_state *s, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_POLICY_RUN);
        _cleanup_buf_ struct buf text = BUF_INIT;

        taint_state_format(s, &text);
        f->sum = file_sum_end(0, &text);
        if (!path || text.error)
                return -ENOMEM;
        _cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = dir < 0 ? -errno : file_replace(dir, STATE_NAME, text.data, text.len, 0600);
        if (r < 0)
                return fail(root, r, d);
        f->fd = openat(dir, STATE_NAME, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
        f->size = (off_t)text.len;
        f->rewrite_at = f->size + TAINT_STATE_APPENDED_MAX;
        return 0;
}

/* Nobody has removed it, put another in its place or written to it. */
static bool is_as_left(const struct taint_state_file *f)
{
        struct stat st;

        return fstat(f->fd, &st) == 0 && st.st_nlink == 1 && st.st_size == f->size;
}

static int append(struct taint_state_file *f, const char *root, struct buf *piece, struct diag *d)
{
        uint32_t sum = file_sum_end(f->sum, piece);
        int r = piece->error ? piece->error : file_write_all(f->fd, piece->data, piece->len);

        if (r < 0) {
                /* A part of it may stand there. */
                taint_state_file_done(f);
                return r == -ENOMEM ? r : fail(root, r, d);
        }
        f->sum = sum;
        f->size += (off_t)piece->len;
        return 0;
}

static int keep(struct taint_state_file *f, const char *root, const struct taint_state *s,
        void (*format)(const struct taint_state *s, struct buf *out), struct diag *d)
{
        _cleanup_buf_ struct buf piece = BUF_INIT;

        if (f->fd < 0)
                return keep_all(f, root, s, d);
        format(s, &piece);
        return append(f, root, &piece, d);
}

/* Somebody waits: whether the file is still the one that was left is seen by what follows, which writes all
 * of it where it is not. */
int taint_state_keep_event(
        struct taint_state_file *f, const char *root, const struct taint_state *s, struct diag *d)
{
        return keep(f, root, s, taint_state_format_event, d);
}

int taint_state_keep_reported(
        struct taint_state_file *f, const char *root, const struct taint_state *s, struct diag *d)
{
        if (f->fd >= 0 && (f->size >= f->rewrite_at || !is_as_left(f)))
                taint_state_file_done(f);
        return keep(f, root, s, taint_state_format_reported, d);
}
