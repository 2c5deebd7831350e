/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* layer ls, new, set and del; and the ends that layers are given, also by set. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "../../schema/base/date.h"
#include "../../schema/base/table.h"
#include "commands.h"
#include "write.h"

/* ---- Ends ---- */

static int refuse_end(struct session *s, const char *option, const char *text, const char *expected)
{
        return session_error(
                s, EXIT_CODE_USAGE, "--%s: '%s' is no end, expected %s", option, text, expected);
}

static int find_end(struct session *s, const struct ending_clocks *now, struct ending *ret)
{
        const struct reg_options *o = &s->options;
        int64_t usec;

        if (o->length && (!date_parse_length(o->length, &usec) || usec == 0))
                return refuse_end(s, "for", o->length, "for how long: 30m, 12h, 7d");
        if (o->length)
                *ret = ending_in((uint64_t)usec, now);
        else {
                /* A day is over when it ends. */
                if (!date_parse_end(o->until, strlen(o->until), &usec) &&
                        !date_parse(o->until, now->wall, &usec))
                        return refuse_end(
                                s, "until", o->until, "a time: 2026-01-31, '2026-01-31 10:00', @SECONDS");
                if (usec <= now->wall)
                        return refuse_end(s, "until", o->until, "a time that is still to come");
                *ret = ending_at(usec, now);
        }
        return EXIT_CODE_OK;
}

int layer_take_end(struct session *s)
{
        const struct reg_options *o = &s->options;
        struct ending_clocks now;
        struct ending end;

        if (!o->length && !o->until)
                return EXIT_CODE_OK;
        if (o->length && o->until)
                return session_error(
                        s, EXIT_CODE_USAGE, "--for and --until both say when it ends, expected one of them");
        ending_read_clocks(&now);
        int code = find_end(s, &now, &end);
        if (code == EXIT_CODE_OK)
                (void)ending_format(&end, s->ends);
        return code;
}

int layer_name_temporary(struct session *s)
{
        uint32_t number;

        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
                return session_fail(s, -errno, NULL);
        (void)snprintf(s->temporary, sizeof(s->temporary), LAYER_TEMPORARY "%08" PRIx32, number);
        s->options.layer = s->temporary;
        return EXIT_CODE_OK;
}

void layer_put_end(struct buf *out, const char *before, const char *ends)
{
        if (!ends || !ends[0])
                return;
        buf_puts(out, before);
        utf8_put_safe(out, ends, strcspn(ends, " "));
}

void layer_end_to_json(struct json *j, const char *ends)
{
        json_key(j, "ends");
        if (ends)
                json_string_n(j, ends, strcspn(ends, " "));
        else
                json_null(j);
}

/* ---- What the fleet signed ---- */

void layer_put_seal(struct buf *out, const char *before, const char *layer, const struct seal *seal)
{
        if (seal->serial == 0)
                return;
        buf_printf(out, "%sgroup %s, serial %" PRIu64 ", signed by ", before, path_fleet_group(layer),
                seal->serial);
        utf8_put_safe(out, seal->signer, strlen(seal->signer));
}

void layer_seal_to_json(struct json *j, const char *layer, const struct seal *seal)
{
        const bool is_sealed = seal->serial != 0;

        json_add_string(j, "group", is_sealed ? path_fleet_group(layer) : NULL);
        json_key(j, "serial");
        if (is_sealed)
                json_number(j, seal->serial);
        else
                json_null(j);
        json_add_string(j, "signer", is_sealed ? seal->signer : NULL);
}

/* ---- What there is ---- */

struct row {
        const char *name, *file;
        struct seal seal;
        uint32_t precedence;
        int enabled;
        const char *ends; /* NULL: never */
};

static const struct table_column columns[] = { { "LAYER", false }, { "PRECEDENCE", true },
        { "STATE", false }, { "ENDS", false }, { "FILE", false } };

static void row_to_text(struct table *t, const struct row *r)
{
        utf8_put_safe(table_cell(t), r->name, strlen(r->name));
        buf_printf(table_cell(t), "%" PRIu32, r->precedence);
        buf_puts(table_cell(t), r->enabled ? "enabled" : "disabled");
        struct buf *cell = table_cell(t);
        if (r->ends)
                layer_put_end(cell, "", r->ends);
        else
                buf_putc(cell, '-');
        cell = table_cell(t);
        utf8_put_safe(cell, r->file, strlen(r->file));
        layer_put_seal(cell, "   ", r->name, &r->seal);
}

static void row_to_json(struct json *j, const struct row *r)
{
        json_begin_object(j);
        json_add_string(j, "name", r->name);
        json_add_number(j, "precedence", r->precedence);
        json_add_bool(j, "enabled", r->enabled);
        layer_end_to_json(j, r->ends);
        json_add_string(j, "file", r->file[0] ? r->file : NULL);
        layer_seal_to_json(j, r->name, &r->seal);
        json_end_object(j);
}

/* 1, 0 at the end, or negative. */
static int next_row(sd_bus_message *layers, sd_bus_message *ends, struct row *ret)
{
        const char *signer;
        uint64_t serial;
        int r = sd_bus_message_read(layers, "(substs)", &ret->name, &ret->precedence, &ret->enabled,
                &ret->file, &serial, &signer);
        if (r > 0) {
                ret->ends = session_find_text(ends, ret->name);
                ret->seal = seal_of(serial, signer);
        }
        return r;
}

struct layers_read {
        sd_bus_message *layers, *ends;
};

static void layers_read_done(struct layers_read *l)
{
        l->layers = sd_bus_message_unref(l->layers);
        l->ends = sd_bus_message_unref(l->ends);
}

static int read_layers(struct session *s, struct layers_read *ret)
{
        int code = session_get_property(s, "Layers", &ret->layers);
        if (code == EXIT_CODE_OK)
                code = session_get_property(s, "LayerEnds", &ret->ends);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_enter_container(ret->layers, 'v', "a(substs)");
        if (r >= 0)
                r = sd_bus_message_enter_container(ret->layers, 'a', "(substs)");
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int command_layer_ls(struct session *s)
{
        _cleanup_(layers_read_done) struct layers_read l = { 0 };
        _cleanup_table_ struct table table = TABLE(columns);
        struct json j = json_on(&s->out);
        const bool json = s->options.json;
        struct row row;
        int r;

        int code = read_layers(s, &l);
        if (code != EXIT_CODE_OK)
                return code;
        if (json) {
                json_begin_object(&j);
                json_open_array(&j, "layers");
        }
        while ((r = next_row(l.layers, l.ends, &row)) > 0)
                if (json)
                        row_to_json(&j, &row);
                else
                        row_to_text(&table, &row);
        if (json) {
                json_end_array(&j);
                session_end_json(s, &j);
        } else
                table_format(&table, isatty(STDOUT_FILENO), &s->out);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

/* ---- Changing them ---- */

static int check_name(struct session *s, const char *name)
{
        int r = path_check_component(name, strlen(name), &s->diag);

        if (r < 0)
                diag_prefix(&s->diag, "layer");
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

/* Whether there is one; *ret_file: the file that it is the contents of, malloc()ed, or NULL. */
static int look_for(struct session *s, const char *name, bool *ret_there, char **ret_file)
{
        _cleanup_(layers_read_done) struct layers_read l = { 0 };
        struct row row;
        int r = 0;

        *ret_there = false;
        *ret_file = NULL;
        int code = check_name(s, name);
        if (code == EXIT_CODE_OK)
                code = read_layers(s, &l);
        while (code == EXIT_CODE_OK && !*ret_there && (r = next_row(l.layers, l.ends, &row)) > 0)
                *ret_there = fold_same(name, row.name);
        if (*ret_there && row.file[0] && !(*ret_file = strdup(row.file)))
                return session_fail(s, -ENOMEM, NULL);
        return r < 0 ? session_bad_reply(s, r) : code;
}

int layer_find_file(struct session *s, const char *layer, char **ret)
{
        bool is_there;

        return look_for(s, layer, &is_there, ret);
}

static int find_layer(struct session *s, const char *name, bool *ret_file)
{
        _cleanup_free_ char *file = NULL;
        bool is_there;

        int code = look_for(s, name, &is_there, &file);
        *ret_file = file != NULL;
        if (code != EXIT_CODE_OK || is_there)
                return code;
        return session_error(
                s, EXIT_CODE_NOT_FOUND, "there is no layer '%s'; `peios-reg layer ls` shows all", name);
}

static int refuse_file(struct session *s, const char *name)
{
        return session_error(
                s, EXIT_CODE_INVALID, "layer '%s' is the contents of a file, and ends with that", name);
}

static int set_number(struct write_batch *b, const char *key, const char *name, uint32_t number)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;

        value_put_number(&bytes, REG_DWORD, number);
        return bytes.error ? session_fail(b->s, bytes.error, NULL)
                           : write_batch_add(b, WRITE_SET, key, name,
                                     &(struct value){ REG_DWORD, bytes.len, bytes.data });
}

/* What the options say. */
static int set_metadata(struct write_batch *b, const char *key)
{
        const struct reg_options *o = &b->s->options;
        const char *ends = b->s->ends;
        int code = EXIT_CODE_OK;

        if (o->precedence != UINT64_MAX)
                code = set_number(b, key, "Precedence", (uint32_t)o->precedence);
        if (code == EXIT_CODE_OK && (o->enable || o->disable || o->disabled))
                code = set_number(b, key, "Enabled", o->enable);
        if (code == EXIT_CODE_OK && ends[0])
                code = write_batch_add(
                        b, WRITE_SET, key, "Ends", &(struct value){ REG_SZ, strlen(ends), ends });
        if (code == EXIT_CODE_OK && o->no_end)
                code = write_batch_add(b, WRITE_DELETE, key, "Ends", NULL);
        return code;
}

static int send(struct write_batch *b, const char *name, const char *verb, const char *member)
{
        struct session *s = b->s;
        struct preview_counts counts;
        struct json j = json_on(&s->out);

        int code = write_batch_send(b, &counts);
        if (code != EXIT_CODE_OK || s->options.dry_run || (s->options.quiet && !s->options.json))
                return code;
        if (s->options.json) {
                json_begin_object(&j);
                json_add_string(&j, "layer", name);
                json_add_bool(&j, member, true);
                layer_end_to_json(&j, s->ends[0] ? s->ends : NULL);
                session_end_json(s, &j);
                return code;
        }
        buf_printf(&s->out, "%s layer ", verb);
        utf8_put_safe(&s->out, name, strlen(name));
        layer_put_end(&s->out, ", until ", s->ends);
        buf_putc(&s->out, '\n');
        return code;
}

/* Its key alone makes a layer. */
int command_layer_new(struct session *s)
{
        _cleanup_write_batch_ struct write_batch b = { .s = s, .is_strict = true };
        _cleanup_buf_ struct buf key = BUF_INIT;
        const char *name = s->line.words[0];
        _cleanup_free_ char *file = NULL;
        bool is_there;

        int code = layer_take_end(s);
        if (code == EXIT_CODE_OK)
                code = look_for(s, name, &is_there, &file);
        if (code != EXIT_CODE_OK)
                return code;
        if (is_there)
                return session_error(s, EXIT_CODE_INVALID, "layer '%s' is there already", name);
        buf_printf(&key, DEFAULT_HIVE LAYERS_KEY "\\%s", name);
        code = write_batch_add(&b, WRITE_CREATE_KEY, buf_str(&key), NULL, NULL);
        if (code == EXIT_CODE_OK)
                code = set_metadata(&b, buf_str(&key));
        return code == EXIT_CODE_OK ? send(&b, name, "new", "created") : code;
}

int command_layer_set(struct session *s)
{
        _cleanup_write_batch_ struct write_batch b = { .s = s };
        _cleanup_buf_ struct buf key = BUF_INIT;
        const char *name = s->line.words[0];
        bool is_file;

        int code = layer_take_end(s);
        if (code == EXIT_CODE_OK)
                code = find_layer(s, name, &is_file);
        if (code != EXIT_CODE_OK)
                return code;
        if (is_file && s->ends[0])
                return refuse_file(s, name);
        if ((s->options.enable && s->options.disable) || (s->options.no_end && s->ends[0]))
                return session_error(s, EXIT_CODE_USAGE, "%s exclude each other",
                        s->options.no_end && s->ends[0] ? "--no-end and an end" : "--enable and --disable");
        buf_printf(&key, DEFAULT_HIVE LAYERS_KEY "\\%s", name);
        code = set_metadata(&b, buf_str(&key));
        if (code == EXIT_CODE_OK && !b.m)
                return session_error(s, EXIT_CODE_USAGE,
                        "expected what to change: --precedence, --enable, --disable, --for, --until or --no-end");
        return code == EXIT_CODE_OK ? send(&b, name, "set", "updated") : code;
}

int command_layer_del(struct session *s)
{
        _cleanup_write_batch_ struct write_batch b = { .s = s, .recursive = true };
        _cleanup_buf_ struct buf key = BUF_INIT;
        const struct reg_options *o = &s->options;
        const char *name = s->line.words[0];
        bool is_file;

        int code = find_layer(s, name, &is_file);
        if (code != EXIT_CODE_OK)
                return code;
        if (is_file)
                return refuse_file(s, name);
        if (!o->yes && !o->dry_run && session_interactive() &&
                !session_confirms("delete layer %s and all that is in it?", name)) {
                session_complain("nothing is deleted");
                return EXIT_CODE_OK;
        }
        buf_printf(&key, DEFAULT_HIVE LAYERS_KEY "\\%s", name);
        code = write_batch_add(&b, WRITE_DELETE_KEY, buf_str(&key), NULL, NULL);
        return code == EXIT_CODE_OK ? send(&b, name, "del", "deleted") : code;
}
