/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/base/table.h"
#include "../../schema/names/fold.h"
#include "../../schema/taint/taint.h"
#include "../../schema/values/value.h"
#include "../taint/letters.h"

/* Calls `fn` for each loaded module that carries letters. False where they cannot be looked at, which is
 * said. */
static bool each_module(
        const char *root, void (*fn)(const char *name, const char *letters, void *userdata), void *userdata)
{
        _cleanup_free_ char *path = file_path(root, "/sys/module");
        DIR *dir = path ? opendir(path) : NULL;
        const struct dirent *entry;

        if (!dir && errno != ENOENT) {
                log_error("%s: %m; the modules are not looked at", path ? path : "/sys/module");
                return false;
        }
        while (dir && (entry = readdir(dir))) {
                _cleanup_buf_ struct buf file = BUF_INIT, text = BUF_INIT;
                if (entry->d_name[0] == '.')
                        continue;
                buf_printf(&file, "%s/taint", entry->d_name);
                if (file.error || file_read_line(dirfd(dir), buf_str(&file), 256, &text, NULL) < 0)
                        continue;
                if (text.len > 0)
                        fn(entry->d_name, buf_str(&text), userdata);
        }
        if (dir)
                (void)closedir(dir);
        return true;
}

static void text_module(const char *name, const char *letters, void *userdata)
{
        struct table *t = userdata;

        buf_puts(table_cell(t), "  ");
        utf8_put_safe(&t->text, name, strlen(name));
        utf8_put_safe(table_cell(t), letters, strlen(letters));
}

static void json_module(const char *name, const char *letters, void *userdata)
{
        struct json *j = userdata;

        json_begin_object(j);
        json_add_string(j, "name", name);
        json_add_string(j, "taints", letters);
        json_end_object(j);
}

/* The newest event that set the bit; NULL where none is known. */
static const struct shown_event *newest_event(const struct events *events, unsigned bit)
{
        for (size_t i = events->n; i-- > 0;)
                if (events->list[i].bit == bit && !events->list[i].cleared)
                        return &events->list[i];
        return NULL;
}

/* On a terminal that has not asked for plain text the word is marked. */
static void text_severity(struct buf *out, const struct taint_flag *flag)
{
        static const char *const colours[] = { "", "", "\x1b[33m", "\x1b[31m", "\x1b[1;31m" };
        const char *plain = getenv("NO_COLOR");
        bool marks = isatty(STDOUT_FILENO) && !(plain && plain[0]) && colours[flag->severity][0];

        buf_printf(out, "      %s%s%s: %s\n", marks ? colours[flag->severity] : "",
                taint_severity_name(flag->severity), marks ? "\x1b[0m" : "", flag->advice);
}

static void text_bit(struct buf *out, unsigned bit, const struct shown_event *e)
{
        const struct taint_flag *flag = taint_flag_by_bit(bit);
        char name[TAINT_NAME_MAX];

        buf_printf(out, "  %2u  %-28s %s\n", bit, taint_name(flag, bit, name),
                flag ? flag->meaning : "not known here");
        if (flag)
                text_severity(out, flag);
        if (taint_is_unreachable(flag, TAINT_ANY))
                buf_puts(out, "      no standard Peios build can set it\n");
        if (e)
                events_text(out, "      ", e);
}

static void json_bit(struct json *j, unsigned bit, const struct shown_event *e)
{
        const struct taint_flag *flag = taint_flag_by_bit(bit);
        char name[TAINT_NAME_MAX];

        json_begin_object(j);
        json_add_number(j, "bit", bit);
        json_add_string(j, "taint", taint_name(flag, bit, name));
        json_add_string(j, "meaning", flag ? flag->meaning : NULL);
        json_add_string(j, "severity", flag ? taint_severity_name(flag->severity) : NULL);
        json_add_string(j, "advice", flag ? flag->advice : NULL);
        json_key(j, "event");
        events_json(j, e);
        json_end_object(j);
}

static void json_taint(
        struct buf *out, const char *root, uint64_t mask, const char *letters, const struct events *events)
{
        struct json j = json_on(out);

        json_begin_object(&j);
        json_add_number(&j, "mask", mask);
        json_add_string(&j, "letters", letters);
        json_open_array(&j, "bits");
        for (unsigned bit = 0; bit < 64; bit++)
                if (mask >> bit & 1)
                        json_bit(&j, bit, newest_event(events, bit));
        json_end_array(&j);
        json_open_array(&j, "modules");
        (void)each_module(root, json_module, &j);
        json_end_array(&j);
        json_end_object(&j);
        buf_putc(out, '\n');
}

static void text_taint(
        struct buf *out, const char *root, uint64_t mask, const char *letters, const struct events *events)
{
        static const struct table_column columns[] = { { "  MODULE", false }, { "LETTERS", false } };
        _cleanup_table_ struct table modules = TABLE(columns);

        if (mask == 0)
                buf_puts(out, "0: Not tainted\n");
        else
                buf_printf(out, "%" PRIu64 ": Tainted: %s\n", mask, letters);
        for (unsigned bit = 0; bit < 64; bit++)
                if (mask >> bit & 1)
                        text_bit(out, bit, newest_event(events, bit));
        (void)each_module(root, text_module, &modules);
        if (modules.n > 0) {
                buf_puts(out, "loaded modules that carry letters:\n");
                table_format(&modules, isatty(STDOUT_FILENO), out);
        }
}

/* What a service that sees nothing says of causes is old: says so. */
static void warn_blind(sd_bus *bus)
{
        int readable;

        if (sd_bus_get_property_trivial(bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "TaintReadable",
                    NULL, 'b', &readable) >= 0 &&
                !readable)
                log_warning("the service cannot read the taint mask: newer causes are not known");
}

enum exit_code taint_show(const struct auditpol_options *o)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_free_ struct events *events = calloc(1, sizeof(*events));
        _cleanup_buf_ struct buf out = BUF_INIT;
        char letters[TAINT_LETTERS_MAX];
        enum exit_code asked;
        bool differs;
        struct diag d = { 0 };
        uint64_t mask;

        if (!events)
                return EXIT_CODE_FAILURE;
        if (taint_running_mask(o->root, &mask, &d) < 0)
                return log_failure(EXIT_CODE_FAILURE, "%s", d.text);
        if (client_connect(&bus, &d) == 0)
                reply = events_list(bus, &d, &asked);
        if (!reply || events_read(reply, events) < 0)
                log_notice("causes are not known: %s", d.text);
        else
                warn_blind(bus);
        (void)taint_running_letters(o->root, mask, &differs, letters);
        if (differs)
                log_warning("the kernel's own letters, '%s', are not those of its mask, %" PRIu64, letters,
                        mask);
        if (o->json)
                json_taint(&out, o->root, mask, letters, events);
        else
                text_taint(&out, o->root, mask, letters, events);
        return show_print(&out);
}

/* taint check: what of the running kernel's taints is not accepted. The service says which bits are; of
 * modules that came when a bit was set already it says nothing, so each loaded one is looked at here. */

/* A script can distinguish it from everything that can go wrong. */
#define LEFT_OVER ((enum exit_code)2)

struct check {
        uint64_t mask, accepted; /* bits */
        struct accepted_taints items;
        int64_t now;
        struct events *events;
        sd_bus_message *reply; /* what the events point into */
        struct json *j;        /* NULL: text */
        struct buf *out;
        bool left_over;
        bool failed; /* something could not be looked at */
};

static void check_done(struct check *c)
{
        accepted_taints_done(&c->items);
        sd_bus_message_unref(c->reply);
        free(c->events);
}
#define _cleanup_check_ _cleanup_(check_done)

static int read_items(sd_bus_message *m, struct accepted_taints *ret)
{
        const char *text;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &text)) > 0)
                r = accepted_taints_add(ret, text, strlen(text), NULL);
        return r;
}

static enum exit_code ask_accepted(sd_bus *bus, struct check *c, struct diag *d)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *items = NULL;

        int r = sd_bus_get_property(
                bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "Accepted", &error, &items, "as");
        if (r >= 0)
                r = read_items(items, &c->items);
        if (r >= 0)
                r = sd_bus_get_property_trivial(bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE,
                        "TaintAccepted", &error, 't', &c->accepted);
        return r < 0 ? client_explain(r, &error, POLICY_SERVICE_WORDS, d) : EXIT_CODE_OK;
}

/* The mask first: a bit that is set meanwhile is one of the next check. */
static enum exit_code learn(const char *root, struct check *c, struct diag *d)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        enum exit_code code = EXIT_CODE_FAILURE;

        c->now = (int64_t)clock_of(CLOCK_REALTIME);
        c->events = calloc(1, sizeof(*c->events));
        if (!c->events) {
                (void)diag_set(d, 0, "%s", strerror(ENOMEM));
                return code;
        }
        if (taint_running_mask(root, &c->mask, d) < 0 || client_connect(&bus, d) < 0)
                return code;
        code = ask_accepted(bus, c, d);
        if (code == EXIT_CODE_OK)
                c->reply = events_list(bus, d, &code);
        if (code == EXIT_CODE_OK && events_read(c->reply, c->events) < 0) {
                (void)diag_set(d, 0, "the service's events cannot be read");
                return EXIT_CODE_FAILURE;
        }
        if (code == EXIT_CODE_OK)
                warn_blind(bus);
        return code;
}

static void show_bit(struct check *c, const char *what, unsigned bit, const struct shown_event *e)
{
        char name[TAINT_NAME_MAX];

        (void)taint_name(taint_flag_by_bit(bit), bit, name);
        if (c->j) {
                json_begin_object(c->j);
                json_add_number(c->j, "bit", bit);
                json_add_string(c->j, "taint", name);
                json_key(c->j, "event");
                events_json(c->j, e);
                json_end_object(c->j);
                return;
        }
        buf_printf(c->out, "%s: %s (bit %u)\n", what, name, bit);
        if (e)
                events_text(c->out, "      ", e);
}

static void show_bits(struct check *c, const char *what, uint64_t bits)
{
        for (unsigned bit = 0; bit < 64; bit++)
                if (bits >> bit & 1)
                        show_bit(c, what, bit, newest_event(c->events, bit));
}

static void show_cleared(struct check *c)
{
        for (size_t i = 0; i < c->events->n; i++)
                if (c->events->list[i].cleared) {
                        show_bit(c, "cleared, which the kernel never does", c->events->list[i].bit,
                                &c->events->list[i]);
                        c->left_over = true;
                }
}

/* From 64 on it is none that is known here. */
static unsigned bit_of_letter(char letter)
{
        const struct taint_kernel any = { 0 };
        struct taint_reading r = { 0 };
        unsigned bit = 0;

        taint_read_module(&letter, 1, &any, &r);
        while (bit < 64 && !(r.mask >> bit & 1))
                bit++;
        return bit;
}

static void show_module(const char *name, const char *letters, void *userdata)
{
        struct check *c = userdata;
        char left[TAINT_LETTERS_MAX];
        size_t n = 0;

        for (; *letters && n + 1 < sizeof(left); letters++)
                if (!accepted_taints_find(&c->items, bit_of_letter(*letters), name, c->now))
                        left[n++] = *letters;
        left[n] = '\0';
        if (n == 0)
                return;
        c->left_over = true;
        if (c->j) {
                json_begin_object(c->j);
                json_add_string(c->j, "name", name);
                json_add_string(c->j, "taints", left);
                json_end_object(c->j);
                return;
        }
        utf8_put_between(c->out, "left over: module ", name, ", which carries ");
        utf8_put_safe(c->out, left, n);
        buf_putc(c->out, '\n');
}

/* For the kernel's command line. It cannot distinguish modules. */
static uint64_t panic_mask(const struct check *c)
{
        return ((UINT64_C(1) << TAINT_UPSTREAM_BITS) - 1) & ~accepted_taints_bits(&c->items, c->now);
}

static void begin_list(struct check *c, const char *name)
{
        if (!c->j)
                return;
        json_open_array(c->j, name);
}

static void end_list(struct check *c)
{
        if (c->j)
                json_end_array(c->j);
}

static void show_all(struct check *c, const char *root)
{
        uint64_t left = c->mask & ~c->accepted;

        c->left_over = left != 0;
        begin_list(c, "left_over");
        show_bits(c, "left over", left);
        end_list(c);
        begin_list(c, "cleared");
        show_cleared(c);
        end_list(c);
        begin_list(c, "modules");
        c->failed = !each_module(root, show_module, c);
        end_list(c);
        begin_list(c, "accepted");
        show_bits(c, "accepted", c->mask & c->accepted);
        end_list(c);
}

static void show_check(struct check *c, const char *root)
{
        if (c->j) {
                char text[24];
                json_begin_object(c->j);
                json_add_number(c->j, "mask", c->mask);
                show_all(c, root);
                (void)snprintf(text, sizeof(text), "0x%" PRIx64, panic_mask(c));
                json_add_string(c->j, "panic_on_taint", text);
                json_end_object(c->j);
                buf_putc(c->out, '\n');
                return;
        }
        show_all(c, root);
        if (!c->left_over && !c->failed)
                buf_puts(c->out, "nothing is left over\n");
        buf_printf(c->out, "panic_on_taint=0x%" PRIx64 "\n", panic_mask(c));
}

enum exit_code taint_check(const struct auditpol_options *o)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);
        _cleanup_check_ struct check c = { .j = o->json ? &j : NULL, .out = &out };
        struct diag d = { 0 };

        enum exit_code code = learn(o->root, &c, &d);
        if (code != EXIT_CODE_OK) {
                log_error("%s", d.text);
                return code;
        }
        show_check(&c, o->root);
        code = show_print(&out);
        if (code == EXIT_CODE_OK && c.failed)
                return EXIT_CODE_FAILURE;
        return code == EXIT_CODE_OK && c.left_over ? LEFT_OVER : code;
}
