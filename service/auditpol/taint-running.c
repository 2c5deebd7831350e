/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/base/table.h"
#include "../../schema/names/fold.h"
#include "../../schema/values/value.h"
#include "../taint/running.h"
#include "events.h"
#include "taint-running.h"

bool running_modules(
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
                if (file.error || file_read(dirfd(dir), buf_str(&file), 256, &text, NULL, NULL) < 0)
                        continue;
                text.data[strcspn(text.data, "\n")] = '\0';
                if (text.data[0])
                        fn(entry->d_name, text.data, userdata);
        }
        if (dir)
                (void)closedir(dir);
        return true;
}

static void text_module(const char *name, const char *letters, void *userdata)
{
        struct table *t = userdata;

        buf_puts(table_cell(t), "  ");
        format_safe(&t->text, name, strlen(name));
        format_safe(table_cell(t), letters, strlen(letters));
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

const struct shown_event *running_event(const struct events *events, unsigned bit)
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
                event_text(out, "      ", e);
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
        json_key(j, "severity");
        json_string(j, flag ? taint_severity_name(flag->severity) : NULL);
        json_key(j, "advice");
        json_string(j, flag ? flag->advice : NULL);
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
                        json_bit(&j, bit, running_event(events, bit));
        json_end_array(&j);
        json_key(&j, "modules");
        json_begin_array(&j);
        (void)running_modules(root, json_module, &j);
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
                        text_bit(out, bit, running_event(events, bit));
        (void)running_modules(root, text_module, &modules);
        if (modules.n > 0) {
                buf_puts(out, "loaded modules that carry letters:\n");
                table_format(&modules, isatty(STDOUT_FILENO), out);
        }
}

void running_warn_blind(sd_bus *bus)
{
        int readable;

        if (sd_bus_get_property_trivial(bus, POLICY_BUS_NAME, POLICY_PATH, POLICY_INTERFACE, "TaintReadable",
                    NULL, 'b', &readable) >= 0 &&
                !readable)
                log_warning("the service cannot read the taint mask: newer causes are not known");
}

enum exit_code show_taint(const struct auditpol_options *o, _unused_ const char *argument)
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
        if (running_mask(o->root, &mask, &d) < 0) {
                log_error("%s", d.text);
                return EXIT_CODE_FAILURE;
        }
        if (client_connect(&bus, &d) == 0)
                reply = events_list(bus, &d, &asked);
        if (!reply || events_read(reply, events) < 0)
                log_notice("causes are not known: %s", d.text);
        else
                running_warn_blind(bus);
        (void)running_letters(o->root, mask, &differs, letters);
        if (differs)
                log_warning("the kernel's own letters, '%s', are not those of its mask, %" PRIu64, letters,
                        mask);
        if (o->json)
                json_taint(&out, o->root, mask, letters, events);
        else
                text_taint(&out, o->root, mask, letters, events);
        return show_print(&out);
}
