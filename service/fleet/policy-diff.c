/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-options.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../registry-provider/exchange/difference.h"
#include "../../schema/base/file.h"
#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/names/fold.h"
#include "fleet-policy.h"
#include "fleet-session.h"

/* As of `peios-reg diff`. */
#define EXIT_CODE_DIFFERENT 1

struct comparison {
        const struct fleet_options *options;
        struct buf published; /* empty: nothing is */
        struct hive_file *before, *after;
        struct buf out;
        struct json json;
        size_t n;
};

static void comparison_done(struct comparison *c)
{
        c->before = hive_file_free(c->before);
        c->after = hive_file_free(c->after);
        buf_done(&c->published);
        buf_done(&c->out);
}

/* ---- Showing it ---- */

static void put_value(struct buf *out, const struct hive_value *v)
{
        if (!v || v->value.type == REG_TOMBSTONE) {
                buf_puts(out, v ? "masked" : "");
                return;
        }
        buf_printf(out, "%s ", value_type_symbol(v->value.type));
        value_format(out, &v->value, true);
}

static const char *how_key_is(const struct hive_key *key)
{
        return !key ? "" : key->hidden ? "hidden" : key->blanket ? "all values masked" : "there";
}

/* One change: what, from what, to what; "" for nothing. */
static void put_change(struct comparison *c, const char *what, const char *before, const char *after)
{
        struct json *j = &c->json;

        c->n++;
        if (c->options->json) {
                json_begin_object(j);
                json_add_string(j, "what", what);
                json_add_string(j, "before", before[0] ? before : NULL);
                json_add_string(j, "after", after[0] ? after : NULL);
                json_end_object(j);
                return;
        }
        buf_printf(&c->out, "%c ", !before[0] ? '+' : !after[0] ? '-' : '~');
        utf8_put_safe(&c->out, what, strlen(what));
        buf_printf(&c->out, " = %s%s%s\n", before, before[0] && after[0] ? " -> " : "", after);
}

static void put_difference(struct comparison *c, const struct difference *d)
{
        const struct hive_value *one = difference_value(d);
        _cleanup_buf_ struct buf what = BUF_INIT, before = BUF_INIT, after = BUF_INIT;

        buf_printf(&what, "\\%s", path_without_default(difference_key(d)->path.text));
        if (one) {
                buf_printf(&what, "\\%s", path_word_of_value_name(one->name));
                put_value(&before, d->before_value);
                put_value(&after, d->after_value);
        } else {
                buf_puts(&before, how_key_is(d->before));
                buf_puts(&after, how_key_is(d->after));
        }
        if (what.error || before.error || after.error)
                c->out.error = -ENOMEM;
        put_change(c, buf_str(&what), buf_str(&before), buf_str(&after));
}

static void put_members(struct comparison *c)
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT;

        if (!c->before)
                return;
        if (c->before->enabled != c->after->enabled)
                put_change(c, "enabled", c->before->enabled ? "true" : "false",
                        c->after->enabled ? "true" : "false");
        if (c->before->precedence == c->after->precedence)
                return;
        buf_printf(&before, "%u", c->before->precedence);
        buf_printf(&after, "%u", c->after->precedence);
        put_change(c, "precedence", buf_str(&before), buf_str(&after));
}

static struct difference_document document_of(struct hive_file *f)
{
        if (!f)
                return (struct difference_document){ 0 };
        difference_sort(f->keys, f->n_keys);
        return (struct difference_document){ f->keys, f->n_keys };
}

static enum exit_code show(struct comparison *c)
{
        struct difference_walk w = { .before = document_of(c->before), .after = document_of(c->after) };
        struct difference d;

        c->json = json_on(&c->out);
        if (c->options->json)
                json_begin_array(&c->json);
        put_members(c);
        while (difference_next(&w, &d))
                put_difference(c, &d);
        if (c->options->json) {
                json_end_array(&c->json);
                buf_putc(&c->out, '\n');
        }
        int r = c->out.error;
        if (r == 0)
                r = file_write_all(STDOUT_FILENO, buf_str(&c->out), c->out.len);
        if (r < 0)
                log_error("cannot write to standard output: %s", strerror(-r));
        return r < 0 ? EXIT_CODE_FAILURE : c->n > 0 ? EXIT_CODE_DIFFERENT : EXIT_CODE_OK;
}

/* ---- The two ---- */

static void take_published(const struct etcd_answer *a, void *userdata)
{
        struct comparison *c = userdata;

        if (a->n_pairs > 0)
                buf_add(&c->published, a->pairs[0].value, a->pairs[0].value_len);
}

static enum exit_code read_published(struct comparison *c)
{
        _cleanup_session_ struct fleet_session s = { 0 };
        _cleanup_free_ char *key = NULL;
        struct diag d = { 0 };

        enum exit_code code = fleet_session_open(&s, c->options);
        if (code != EXIT_CODE_OK)
                return code;
        key = fleet_session_key(&s, "policy", c->options->group);
        code = key ? fleet_session_get(&s, key, take_published, c) : EXIT_CODE_FAILURE;
        if (code != EXIT_CODE_OK || c->published.len == 0)
                return code;
        int r = signed_parse(key, &c->published, VALUE_BYTES_DEFAULT_MAX, &c->before, &d);
        if (r < 0)
                log_error("what is published is no policy: %s", d.text[0] ? d.text : strerror(-r));
        return r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

static enum exit_code read_file(struct comparison *c, const char *file)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        int r = file_read(AT_FDCWD, file, FLEET_POLICY_BYTES_MAX, &text, NULL, &d);
        if (r == -ENOENT)
                return log_failure(EXIT_CODE_NOT_FOUND, "%s: %s", file, strerror(ENOENT));
        const bool is_read = r == 0;
        if (is_read)
                r = hive_parse(file, buf_str(&text), text.len, VALUE_BYTES_DEFAULT_MAX, &c->after, &d);
        if (r == 0)
                return EXIT_CODE_OK;
        log_error("%s", d.text[0] ? d.text : strerror(-r));
        return is_read && r != -ENOMEM ? EXIT_CODE_INVALID : EXIT_CODE_FAILURE;
}

enum exit_code policy_diff(const struct fleet_options *o, const char *file)
{
        _cleanup_(comparison_done) struct comparison c = { .options = o };

        if (!o->group || !fleet_group_is_valid(o->group, strlen(o->group)))
                return log_failure(
                        EXIT_CODE_USAGE, o->group ? "`%s` is no group" : "--group is needed", o->group);
        enum exit_code code = read_file(&c, file);
        if (code == EXIT_CODE_OK)
                code = read_published(&c);
        return code == EXIT_CODE_OK ? show(&c) : code;
}
