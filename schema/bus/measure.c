/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure.h"

#include <string.h>

/* The text that sd-bus describes an interface with, and all fixed parts of what Properties.GetAll returns.
 */
#define INTROSPECTION_BYTES ((size_t)32 * 1024)

/* A length and padding. */
#define OVERHEAD 8u

static int read_text(sd_bus_message *m, char type, size_t *bytes)
{
        const char *text;

        int r = sd_bus_message_read_basic(m, type, &text);
        if (r > 0)
                *bytes += strlen(text);
        return r;
}

static int read_numbers(sd_bus_message *m, char type, size_t *bytes)
{
        const void *list;
        size_t size;

        int r = sd_bus_message_read_array(m, type, &list, &size);
        if (r > 0)
                *bytes += size;
        return r;
}

/* What has the type `type`, or is an array or another container of `contents`. */
static int read_value(
        sd_bus_message *m, char type, const char *contents, struct measure *measure, unsigned *depth)
{
        uint64_t number;

        if (type == 'a' && strchr("ynqiuxtd", contents[0])) {
                measure->values++;
                return read_numbers(m, contents[0], &measure->bytes);
        }
        if (strchr("avre", type)) {
                (*depth)++;
                int r = sd_bus_message_enter_container(m, type, contents);
                /* As many as there are bytes may be empty. */
                if (r > 0 && type == 'a' && *depth > 1 && sd_bus_message_at_end(m, false) > 0) {
                        measure->values++;
                        measure->bytes += OVERHEAD;
                }
                return r;
        }
        measure->values++;
        measure->bytes += OVERHEAD;
        if (strchr("sog", type))
                return read_text(m, type, &measure->bytes);
        return sd_bus_message_read_basic(m, type, &number);
}

int measure_message(sd_bus_message *m, const struct measure *limit, struct measure *ret)
{
        struct measure measure = { 0 };
        unsigned depth = 0;
        const char *contents;
        char type;

        int r = sd_bus_message_rewind(m, true);
        while (r >= 0 && measure.values <= limit->values && measure.bytes <= limit->bytes) {
                r = sd_bus_message_peek_type(m, &type, &contents);
                if (r > 0) {
                        r = read_value(m, type, contents, &measure, &depth);
                } else if (r == 0 && depth > 0) {
                        depth--;
                        r = sd_bus_message_exit_container(m);
                } else if (r == 0) {
                        *ret = measure;
                        r = sd_bus_message_rewind(m, true);
                        return r < 0 ? r : 1;
                }
        }
        if (r >= 0)
                r = sd_bus_message_rewind(m, true);
        return r < 0 ? r : 0;
}

/* Nobody answers an answer: its number is nothing to anybody. */
int measure_answer(sd_bus_message *m, size_t *ret_bytes)
{
        static const struct measure limit = { .values = SIZE_MAX, .bytes = SIZE_MAX };
        struct measure measure;

        int r = sd_bus_message_seal(m, 1, 0);
        if (r >= 0)
                r = measure_message(m, &limit, &measure);
        if (r < 0)
                return r;
        *ret_bytes = measure.bytes;
        return 0;
}

/* Errors of sd-bus's own say which object, or which interface, there is none of. */
static size_t named_bytes(sd_bus_message *m, bool is_get_all)
{
        const char *interface = "";

        if (is_get_all && sd_bus_message_read_basic(m, 's', &interface) <= 0)
                interface = "";
        (void)sd_bus_message_rewind(m, true);
        return strlen(sd_bus_message_get_path(m)) + strlen(interface);
}

size_t measure_made_answer(sd_bus_message *m)
{
        bool is_get_all = strcmp(sd_bus_message_get_member(m), "GetAll") == 0;
        bool is_long = is_get_all || strcmp(sd_bus_message_get_member(m), "Introspect") == 0;

        return named_bytes(m, is_get_all) + (is_long ? INTROSPECTION_BYTES : 0);
}
