/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ls and info: one key, and what is directly in it. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/table.h"
#include "../../schema/bus/wire.h"
#include "commands.h"
#include "listing.h"

struct key_info {
        const char *path, *guid; /* borrowed from the reply */
        uint32_t subkeys, values;
        uint64_t last_write_usec;
        int is_volatile, is_link;
        sd_bus_message *reply;
};

static void key_info_done(struct key_info *i)
{
        sd_bus_message_unref(i->reply);
}
#define _cleanup_key_info_ _cleanup_(key_info_done)

static int read_info(sd_bus_message *m, struct key_info *i)
{
        const struct wire_member members[] = {
                { "Path", "s", &i->path },
                { "Guid", "s", &i->guid },
                { "Subkeys", "u", &i->subkeys },
                { "Values", "u", &i->values },
                { "LastWriteUSec", "t", &i->last_write_usec },
                { "Volatile", "b", &i->is_volatile },
                { "Link", "b", &i->is_link },
        };

        int r = wire_read_dict(m, members, ARRAY_SIZE(members));
        return r < 0 ? r : i->path && i->guid ? 0 : -EBADMSG;
}

static int key_info_get(struct session *s, const char *key, struct key_info *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        struct key_info i = { 0 };

        int code = session_new_call(s, "Info", key, NULL, &m);
        if (code == EXIT_CODE_OK)
                code = session_call(s, m, &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = read_info(reply, &i);
        if (r < 0)
                return session_bad_reply(s, r);
        i.reply = STEAL_PTR(reply);
        *ret = i;
        return EXIT_CODE_OK;
}

static void info_to_json(struct json *j, const struct key_info *i)
{
        _cleanup_buf_ struct buf time = BUF_INIT;

        format_time(&time, i->last_write_usec);
        json_key(j, "guid");
        json_string(j, i->guid);
        json_key(j, "n_subkeys");
        json_number(j, i->subkeys);
        json_key(j, "n_values");
        json_number(j, i->values);
        json_key(j, "last_write");
        json_string(j, buf_str(&time));
        json_key(j, "last_write_usec");
        json_number(j, i->last_write_usec);
        json_key(j, "volatile");
        json_bool(j, i->is_volatile);
        json_key(j, "link");
        json_bool(j, i->is_link);
}

int command_info(struct session *s)
{
        _cleanup_key_info_ struct key_info i = { 0 };
        struct json j = json_on(&s->out);

        int code = key_info_get(s, s->line.words[0], &i);
        if (code != EXIT_CODE_OK)
                return code;
        if (s->options.json) {
                json_begin_object(&j);
                json_key(&j, "path");
                json_string(&j, i.path);
                info_to_json(&j, &i);
                json_end_object(&j);
                buf_putc(&s->out, '\n');
                return EXIT_CODE_OK;
        }
        buf_puts(&s->out, "Path:       ");
        format_safe(&s->out, i.path, strlen(i.path));
        buf_printf(&s->out,
                "\nGUID:       %s\nSubkeys:    %" PRIu32 "\nValues:     %" PRIu32 "\nLast write: ", i.guid,
                i.subkeys, i.values);
        format_time(&s->out, i.last_write_usec);
        buf_printf(&s->out, "\nVolatile:   %s\nLink:       %s\n", i.is_volatile ? "yes" : "no",
                i.is_link ? "yes" : "no");
        return EXIT_CODE_OK;
}

/* A subkey may go while the list is being read: then it is left out. */
static int subkey_info(struct session *s, const char *parent, const char *name, struct key_info *ret)
{
        _cleanup_buf_ struct buf key = BUF_INIT;

        buf_printf(&key, "%s\\%s", parent, name);
        return key.error ? session_fail(s, key.error, NULL) : key_info_get(s, buf_str(&key), ret);
}

static int subkey_to_json(struct session *s, const char *parent, const char *name, struct json *j)
{
        _cleanup_key_info_ struct key_info i = { 0 };
        bool long_form = s->options.long_form;

        int code = long_form ? subkey_info(s, parent, name, &i) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK)
                return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
        json_begin_object(j);
        json_key(j, "name");
        json_string(j, name);
        if (long_form)
                info_to_json(j, &i);
        json_end_object(j);
        return EXIT_CODE_OK;
}

static int ls_json(struct session *s, const char *key, struct listing *l)
{
        _cleanup_path_ struct path path = { 0 };
        struct json j = json_on(&s->out);

        int code = session_path(s, key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        json_begin_object(&j);
        json_key(&j, "path");
        json_string(&j, path.text);
        json_key(&j, "subkeys");
        json_begin_array(&j);
        for (char **name = l->subkeys; *name && code == EXIT_CODE_OK; name++)
                code = subkey_to_json(s, path.text, *name, &j);
        json_end_array(&j);
        if (code == EXIT_CODE_OK)
                code = listing_values_to_json(s, l, &j);
        json_end_object(&j);
        buf_putc(&s->out, '\n');
        return code;
}

/* A key's size is how many values it has, and where it is from is when it was written last. */
static const struct table_column long_columns[] = { { "TYPE", false }, { "SIZE", true }, { "FROM", false },
        { "NAME", false } };

static int long_subkey(struct session *s, const char *parent, const char *name, struct table *t)
{
        _cleanup_key_info_ struct key_info i = { 0 };

        int code = subkey_info(s, parent, name, &i);
        if (code != EXIT_CODE_OK)
                return code == EXIT_CODE_NOT_FOUND ? EXIT_CODE_OK : code;
        buf_puts(table_cell(t), i.is_link ? "link" : i.is_volatile ? "volatile key" : "key");
        buf_printf(table_cell(t), "%" PRIu32, i.values);
        format_time(table_cell(t), i.last_write_usec);
        format_safe(table_cell(t), name, strlen(name));
        buf_putc(&t->text, '\\');
        return EXIT_CODE_OK;
}

static void long_value(struct table *t, const struct entry *e)
{
        const struct value v = entry_value(e);
        const char *name = path_word_of_value_name(e->name);

        buf_puts(table_cell(t), value_type_symbol(v.type));
        buf_printf(table_cell(t), "%zu", v.size);
        format_safe(table_cell(t), e->layer, strlen(e->layer));
        buf_printf(&t->text, " %" PRIu64, e->sequence);
        format_safe(table_cell(t), name, strlen(name));
        buf_puts(&t->text, " = ");
        value_format(&t->text, &v, true);
        format_nuls(&t->text, &v);
}

static int ls_long(struct session *s, const char *key, struct listing *l)
{
        _cleanup_entry_ struct entry e = { 0 };
        _cleanup_table_ struct table t = TABLE(long_columns);
        int code = EXIT_CODE_OK, r;

        for (char **name = l->subkeys; *name && code == EXIT_CODE_OK; name++)
                code = long_subkey(s, key, *name, &t);
        if (code != EXIT_CODE_OK)
                return code;
        while ((r = entry_read_next(l->reply, &e)) > 0)
                long_value(&t, &e);
        table_format(&t, isatty(STDOUT_FILENO), &s->out);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

static void show_names(struct session *s, char *const *names)
{
        for (char *const *name = names; *name; name++) {
                format_safe(&s->out, *name, strlen(*name));
                buf_puts(&s->out, "\\\n");
        }
}

/* A lone separator is no key: what is there are the hives. */
static int ls_hives(struct session *s)
{
        struct json j = json_on(&s->out);

        int code = session_ask_hives(s);
        if (code != EXIT_CODE_OK)
                return code;
        if (!s->options.json) {
                show_names(s, s->hives);
                return EXIT_CODE_OK;
        }
        json_begin_object(&j);
        json_key(&j, "hives");
        json_begin_array(&j);
        for (char **name = s->hives; *name; name++)
                json_string(&j, *name);
        json_end_array(&j);
        json_end_object(&j);
        buf_putc(&s->out, '\n');
        return EXIT_CODE_OK;
}

int command_ls(struct session *s)
{
        _cleanup_listing_ struct listing l = { 0 };
        const char *key = s->line.words[0];

        if (strcmp(key, "\\") == 0 || strcmp(key, "/") == 0)
                return ls_hives(s);
        int code = listing_get(s, key, &l);
        if (code != EXIT_CODE_OK)
                return code;
        if (s->options.json)
                return ls_json(s, key, &l);
        if (s->options.long_form)
                return ls_long(s, key, &l);
        show_names(s, l.subkeys);
        return listing_values_to_text(s, &l, 0);
}
