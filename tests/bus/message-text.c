/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages as text, and what was heard of signals. */
#include <inttypes.h>
#include <string.h>

#include "client.h"

static void put_basic(struct buf *out, sd_bus_message *m, char type)
{
        union {
                const char *s;
                uint64_t t;
                uint32_t u;
                int b;
                uint8_t y;
        } v = { 0 };

        ck_assert_int_ge(sd_bus_message_read_basic(m, type, &v), 0);
        switch (type) {
        case 's':
        case 'o':
        case 'g':
                buf_printf(out, "'%s'", v.s);
                break;
        case 't':
                buf_printf(out, "%" PRIu64, v.t);
                break;
        case 'u':
                buf_printf(out, "%u", v.u);
                break;
        case 'b':
                buf_puts(out, v.b ? "true" : "false");
                break;
        case 'y':
                buf_printf(out, "%02x", v.y);
                break;
        default:
                ck_abort_msg("type %c", type);
        }
}

static void put_all(struct buf *out, sd_bus_message *m, const char *between);

static void put_container(struct buf *out, sd_bus_message *m, char type, const char *contents)
{
        static const struct {
                char type;
                const char *open, *close, *between;
        } kinds[] = {
                { 'a', "[", "]", ", " },
                { 'r', "(", ")", " " },
                { 'e', "", "", "=" },
        };

        ck_assert_int_ge(sd_bus_message_enter_container(m, type, contents), 0);
        if (type == 'v') {
                buf_printf(out, "%s:", contents);
                put_all(out, m, "");
        }
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (type == kinds[i].type) {
                        buf_puts(out, kinds[i].open);
                        put_all(out, m, strcmp(contents, "y") == 0 ? "" : kinds[i].between);
                        buf_puts(out, kinds[i].close);
                }
        ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
}

static void put_all(struct buf *out, sd_bus_message *m, const char *between)
{
        const char *contents;
        bool first = true;
        char type;

        while (sd_bus_message_peek_type(m, &type, &contents) > 0) {
                if (!first)
                        buf_puts(out, between);
                first = false;
                if (contents)
                        put_container(out, m, type, contents);
                else
                        put_basic(out, m, type);
        }
}

const char *message_text(sd_bus_message *m)
{
        static struct buf slots[8];
        static unsigned next;
        struct buf *out = &slots[next++ % ARRAY_SIZE(slots)];

        buf_clear(out);
        put_all(out, m, " ");
        ck_assert_int_eq(out->error, 0);
        return buf_str(out);
}

static void remember(struct ear *e, const char *text, uint64_t sequence)
{
        ck_assert_uint_lt(e->n, HEARD_MAX);
        e->sequence[e->n] = sequence;
        e->heard[e->n] = strdup(text);
        ck_assert_ptr_nonnull(e->heard[e->n]);
        e->n++;
}

static int on_change(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        uint64_t id, sequence;

        ck_assert_int_ge(sd_bus_message_read(m, "tt", &id, &sequence), 0);
        ck_assert_int_ge(sd_bus_message_skip(m, "a{sv}"), 0);
        remember(userdata, message_text(m), sequence);
        return 0;
}

static int on_signal(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        remember(userdata, message_text(m), 0);
        return 0;
}

void ear_on_changes(struct ear *e, sd_bus *bus)
{
        *e = (struct ear){ 0 };
        ck_assert_int_ge(sd_bus_match_signal(bus, &e->slot, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, "Changed", on_change, e),
                0);
}

void ear_on(struct ear *e, sd_bus *bus, const char *path, const char *interface, const char *member)
{
        *e = (struct ear){ 0 };
        ck_assert_int_ge(sd_bus_match_signal(bus, &e->slot, NULL, path,
                                 member ? interface : "org.freedesktop.DBus.Properties",
                                 member ? member : "PropertiesChanged", on_signal, e),
                0);
}

void ear_clear(struct ear *e)
{
        for (size_t i = 0; i < e->n; i++)
                free(e->heard[i]);
        e->n = 0;
}

void ear_done(struct ear *e)
{
        ear_clear(e);
        e->slot = sd_bus_slot_unref(e->slot);
}

unsigned ear_count(const struct ear *e, const char *text)
{
        unsigned n = 0;

        for (size_t i = 0; i < e->n; i++)
                n += strstr(e->heard[i], text) != NULL;
        return n;
}

bool ear_heard(const struct ear *e, const char *text)
{
        return ear_count(e, text) > 0;
}
