/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/names/fold.h"
#include "../../schema/values/value.h"
#include "../taint/taint.h"
#include "event-read.h"

#define EVENTS_MAX 512u

struct events {
        struct shown_event list[EVENTS_MAX];
        size_t n;
};

static int read_events(sd_bus_message *m, struct events *ret)
{
        int r = sd_bus_message_enter_container(m, 'a', "a{sv}");

        ret->n = 0;
        while (r >= 0 && (r = sd_bus_message_at_end(m, false)) == 0 && ret->n < EVENTS_MAX)
                r = event_read(m, &ret->list[ret->n++]);
        return r < 0 ? r : 0;
}

/* NULL with *ret_code set; the service's absence is an answer for `taint`. */
static sd_bus_message *list_events(sd_bus *bus, struct diag *d, enum exit_code *ret_code)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        int r = sd_bus_call_method(
                bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "ListEvents", &error, &reply, "");
        *ret_code = r < 0 ? client_explain(r, &error, POLICY_SERVICE_WORDS, d) : EXIT_CODE_OK;
        sd_bus_error_free(&error);
        return r < 0 ? NULL : reply;
}

static enum exit_code read_mask(const char *root, uint64_t *ret)
{
        _cleanup_free_ char *path = root_path(root, "/proc/sys/kernel/tainted");
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        int r = path ? read_file(AT_FDCWD, path, 64, &text, NULL, &d) : -ENOMEM;
        if (r == 0) {
                text.data[strcspn(text.data, "\n")] = '\0';
                r = number_parse(text.data, strlen(text.data), UINT64_MAX, ret);
        }
        if (r == 0)
                return EXIT_CODE_OK;
        log_error("%s: %s", path ? path : "tainted", d.text[0] ? d.text : strerror(-r));
        return EXIT_CODE_FAILURE;
}

/* Calls `fn` for each loaded module that carries letters. */
static void each_tainting_module(
        const char *root, void (*fn)(const char *name, const char *letters, void *userdata), void *userdata)
{
        _cleanup_free_ char *path = root_path(root, "/sys/module");
        DIR *dir = path ? opendir(path) : NULL;
        const struct dirent *entry;

        while (dir && (entry = readdir(dir))) {
                _cleanup_buf_ struct buf file = BUF_INIT, text = BUF_INIT;
                if (entry->d_name[0] == '.')
                        continue;
                buf_printf(&file, "%s/taint", entry->d_name);
                if (file.error || read_file(dirfd(dir), buf_str(&file), 256, &text, NULL, NULL) < 0)
                        continue;
                text.data[strcspn(text.data, "\n")] = '\0';
                if (text.data[0])
                        fn(entry->d_name, text.data, userdata);
        }
        if (dir)
                (void)closedir(dir);
}

static void text_module(const char *name, const char *letters, void *userdata)
{
        _cleanup_buf_ struct buf safe = BUF_INIT;

        format_safe(&safe, name, strlen(name));
        buf_printf(userdata, "  %-24s ", buf_str(&safe));
        format_safe(userdata, letters, strlen(letters));
        buf_putc(userdata, '\n');
}

static void json_module(const char *name, const char *letters, void *userdata)
{
        struct json *j = userdata;

        json_begin_object(j);
        json_key(j, "name");
        json_string(j, name);
        json_key(j, "taints");
        json_string(j, letters);
        json_end_object(j);
}

static const struct shown_event *find_event(const struct events *events, unsigned bit)
{
        for (size_t i = events->n; i-- > 0;)
                if (events->list[i].bit == bit && !events->list[i].cleared)
                        return &events->list[i];
        return NULL;
}

static void text_bit(struct buf *out, unsigned bit, const struct shown_event *e)
{
        const struct taint_flag *flag = taint_flag_by_bit(bit);
        char name[TAINT_NAME_MAX];

        buf_printf(out, "  %2u  %-28s %s\n", bit, taint_name(flag, bit, name),
                flag ? flag->meaning : "not known here");
        if (flag && !flag->reachable)
                buf_puts(out, "      no standard Peios build can set it\n");
        if (e) {
                buf_puts(out, "      ");
                event_text(out, e);
        }
}

static void json_bit(struct json *j, unsigned bit, const struct shown_event *e)
{
        const struct taint_flag *flag = taint_flag_by_bit(bit);
        char name[TAINT_NAME_MAX];

        json_begin_object(j);
        json_key(j, "bit");
        json_number(j, bit);
        json_key(j, "taint");
        json_string(j, taint_name(flag, bit, name));
        json_key(j, "meaning");
        json_string(j, flag ? flag->meaning : NULL);
        json_key(j, "event");
        if (e)
                event_json(j, e);
        else
                json_null(j);
        json_end_object(j);
}

static void json_taint(
        struct buf *out, const char *root, uint64_t mask, const char *letters, const struct events *events)
{
        struct json j = json_on(out);

        json_begin_object(&j);
        json_key(&j, "mask");
        json_number(&j, mask);
        json_key(&j, "letters");
        json_string(&j, letters);
        json_key(&j, "bits");
        json_begin_array(&j);
        for (unsigned bit = 0; bit < 64; bit++)
                if (mask >> bit & 1)
                        json_bit(&j, bit, find_event(events, bit));
        json_end_array(&j);
        json_key(&j, "modules");
        json_begin_array(&j);
        each_tainting_module(root, json_module, &j);
        json_end_array(&j);
        json_end_object(&j);
        buf_putc(out, '\n');
}

static void text_taint(
        struct buf *out, const char *root, uint64_t mask, const char *letters, const struct events *events)
{
        _cleanup_buf_ struct buf modules = BUF_INIT;

        if (mask == 0)
                buf_puts(out, "0: Not tainted\n");
        else
                buf_printf(out, "%" PRIu64 ": Tainted: %s\n", mask, letters);
        for (unsigned bit = 0; bit < 64; bit++)
                if (mask >> bit & 1)
                        text_bit(out, bit, find_event(events, bit));
        each_tainting_module(root, text_module, &modules);
        if (modules.len > 0)
                buf_printf(out, "loaded modules that carry letters:\n%s", modules.data);
}

enum exit_code show_taint(const struct show_options *o, _unused_ const char *argument)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ struct events *events = calloc(1, sizeof(*events));
        _cleanup_buf_ struct buf out = BUF_INIT;
        char letters[TAINT_LETTERS_MAX];
        enum exit_code asked;
        struct diag d = { 0 };
        uint64_t mask;

        if (!events)
                return EXIT_CODE_FAILURE;
        enum exit_code code = read_mask(o->root, &mask);
        if (code != EXIT_CODE_OK)
                return code;
        if (registry_client_connect(&bus, &d) == 0)
                reply = list_events(bus, &d, &asked);
        if (!reply || read_events(reply, events) < 0)
                log_notice("causes are not known: %s", d.text);
        (void)taint_columns(mask, letters);
        if (o->json)
                json_taint(&out, o->root, mask, letters, events);
        else
                text_taint(&out, o->root, mask, letters, events);
        return show_print(&out);
}

static enum exit_code print_event(const struct show_options *o, const struct shown_event *e)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (o->json) {
                event_json(&j, e);
                buf_putc(&out, '\n');
        } else
                event_text(&out, e);
        enum exit_code code = show_print(&out);
        (void)fflush(stdout);
        return code;
}

static int on_taint(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct shown_event e;

        return event_read(m, &e) < 0 ? 0 : print_event(userdata, &e) == EXIT_CODE_OK ? 0 : -EIO;
}

/* Until the bus or the terminal goes away. Only signals of the service's own bus name are shown. */
static enum exit_code follow(sd_bus *bus)
{
        for (;;) {
                int r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
                if (r < 0) {
                        log_error("following events: %s", strerror(-r));
                        return EXIT_CODE_FAILURE;
                }
                if (ferror(stdout))
                        return EXIT_CODE_FAILURE;
        }
}

static enum exit_code print_all(const struct show_options *o, const struct events *events)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (!o->json || o->follow) {
                for (size_t i = 0; i < events->n; i++)
                        if (print_event(o, &events->list[i]) != EXIT_CODE_OK)
                                return EXIT_CODE_FAILURE;
                return EXIT_CODE_OK;
        }
        json_begin_array(&j);
        for (size_t i = 0; i < events->n; i++)
                event_json(&j, &events->list[i]);
        json_end_array(&j);
        buf_putc(&out, '\n');
        return show_print(&out);
}

enum exit_code show_events(const struct show_options *o, _unused_ const char *argument)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ struct events *events = calloc(1, sizeof(*events));
        enum exit_code code = EXIT_CODE_FAILURE;
        struct diag d = { 0 };

        if (!events)
                return code;
        int r = registry_client_connect(&bus, &d);
        /* Listening first: what comes while the list is read is shown twice rather than never. */
        for (size_t i = 0; r >= 0 && o->follow && i < 2; i++)
                r = sd_bus_match_signal(bus, NULL, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE,
                        i == 0 ? "TaintSet" : "TaintCleared", on_taint, (void *)o);
        if (r >= 0)
                reply = list_events(bus, &d, &code);
        if (!reply || (r = read_events(reply, events)) < 0) {
                log_error("%s", d.text[0] ? d.text : strerror(-r));
                return code == EXIT_CODE_OK ? EXIT_CODE_FAILURE : code;
        }
        code = print_all(o, events);
        return code == EXIT_CODE_OK && o->follow ? follow(bus) : code;
}
