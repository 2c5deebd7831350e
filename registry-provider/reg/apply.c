/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply and import: what a file says becomes what a layer has, all in one transaction or nothing. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "../../schema/schema.h"
#include "apply.h"
#include "commands.h"
#include "document.h"
#include "known.h"

struct apply {
        struct session *s;
        const char *name; /* of the file */
        struct hive_file *file;
        struct write_batch batch;
};

/* ---- The changes ---- */

static int add_values(struct write_batch *b, const struct hive_key *key)
{
        int code = EXIT_CODE_OK;

        for (size_t i = 0; i < key->n_values && code == EXIT_CODE_OK; i++) {
                const struct hive_value *v = &key->values[i];
                /* That of a link is set with it. */
                if (key->is_link && !v->deleted)
                        continue;
                code = v->deleted ? write_batch_add(b, WRITE_DELETE, key->path.text, v->name, NULL)
                                  : write_batch_add(b, WRITE_SET, key->path.text, v->name, &v->value);
        }
        return code;
}

static bool sets_a_value(const struct hive_key *key)
{
        for (size_t i = 0; i < key->n_values; i++)
                if (!key->values[i].deleted)
                        return true;
        return false;
}

/* NULL: the layer has none. */
static const struct value *target_of(const struct hive_key *key)
{
        return sets_a_value(key) ? &key->values[0].value : NULL;
}

/* A key of the file. What replaces another one has been compared with that. */
static int add_key(struct write_batch *b, const struct hive_key *key)
{
        const char *path = key->path.text;
        int code = EXIT_CODE_OK;

        if (key->deleted && !key->made)
                code = write_batch_add(b, WRITE_DELETE_KEY, path, NULL, NULL);
        /* To set a value makes the key. */
        if (code == EXIT_CODE_OK && key->made && key->is_link)
                code = write_batch_add(b, WRITE_CREATE_LINK, path, NULL, target_of(key));
        else if (code == EXIT_CODE_OK && key->made && (key->blanket || !sets_a_value(key)))
                code = write_batch_add(b, WRITE_CREATE_KEY, path, NULL, NULL);
        if (code == EXIT_CODE_OK && key->hidden)
                code = write_batch_add(b, WRITE_HIDE_KEY, path, NULL, NULL);
        if (code == EXIT_CODE_OK && key->blanket)
                code = write_batch_add(b, WRITE_MASK_VALUES, path, NULL, NULL);
        return code == EXIT_CODE_OK ? add_values(b, key) : code;
}

static int add_keys(struct write_batch *b, const struct hive_file *file)
{
        int code = EXIT_CODE_OK;

        for (size_t i = 0; i < file->n_keys && code == EXIT_CODE_OK; i++)
                code = add_key(b, &file->keys[i]);
        return code;
}

/* ---- What the layer has and the file has not ---- */

/* Where it goes: with --prune at and below all of the file's keys, else those that the file replaces. */
static int find_roots(const struct apply *a, const struct path ***ret, size_t *ret_n)
{
        const struct hive_file *f = a->file;
        const struct path **roots;
        size_t n = 0;

        if (a->s->options.prune)
                return document_roots(f->keys, f->n_keys, ret, ret_n);
        roots = calloc(f->n_keys + 1, sizeof(*roots));
        if (!roots)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_keys; i++)
                if (f->keys[i].deleted && f->keys[i].made &&
                        (n == 0 || !path_is_below(&f->keys[i].path, roots[n - 1])))
                        roots[n++] = &f->keys[i].path;
        *ret = roots;
        *ret_n = n;
        return 0;
}

/* A key that the layer names goes with all that the layer has below, which need not be said again. */
static int prune_difference(struct write_batch *b, const struct difference *d, const struct path **gone)
{
        const struct hive_key *key = d->before;
        bool is_gone = *gone && key && path_is_below(&key->path, *gone);
        int code = EXIT_CODE_OK;

        if (!key || is_gone)
                return EXIT_CODE_OK;
        switch (d->kind) {
        case DIFFERENCE_KEY_REMOVED:
                *gone = &key->path;
                return write_batch_add(b, WRITE_DELETE_KEY, key->path.text, NULL, NULL);
        case DIFFERENCE_VALUE_REMOVED:
                return write_batch_add(b, WRITE_DELETE, key->path.text, d->before_value->name, NULL);
        case DIFFERENCE_KEY_CHANGED:
                if (d->after && key->is_link != d->after->is_link) {
                        *gone = &key->path;
                        return write_batch_add(b, WRITE_DELETE_KEY, key->path.text, NULL, NULL);
                }
                if (key->hidden && !(d->after && d->after->hidden))
                        code = write_batch_add(b, WRITE_SHOW_KEY, key->path.text, NULL, NULL);
                if (code == EXIT_CODE_OK && key->blanket && !(d->after && d->after->blanket))
                        code = write_batch_add(b, WRITE_UNMASK_VALUES, key->path.text, NULL, NULL);
                return code;
        default:
                return EXIT_CODE_OK;
        }
}

static int add_key_difference(
        struct write_batch *b, const struct difference *d, const struct hive_key **anew)
{
        const struct hive_key *key = d->after, *before = d->before;
        const bool is_replaced = before && before->made && key->made && before->is_link != key->is_link;
        const bool is_new = key->made && (is_replaced || !before || !before->made);
        int code = EXIT_CODE_OK;

        if (is_replaced)
                *anew = key;
        if (is_new && key->is_link)
                code = write_batch_add(b, WRITE_CREATE_LINK, key->path.text, NULL, target_of(key));
        else if (is_new && (key->blanket || !sets_a_value(key)))
                code = write_batch_add(b, WRITE_CREATE_KEY, key->path.text, NULL, NULL);
        if (code == EXIT_CODE_OK && key->hidden && !(before && before->hidden))
                code = write_batch_add(b, WRITE_HIDE_KEY, key->path.text, NULL, NULL);
        if (code == EXIT_CODE_OK && key->blanket && !(before && before->blanket)) {
                *anew = key;
                code = write_batch_add(b, WRITE_MASK_VALUES, key->path.text, NULL, NULL);
        }
        return code;
}

/* *anew: the key that has lost its values, which are the layer's own, so that all are set again. */
static int add_difference(struct write_batch *b, const struct difference *d, const struct hive_key **anew)
{
        const struct hive_key *key = d->after;

        if (!key)
                return EXIT_CODE_OK;
        switch (d->kind) {
        case DIFFERENCE_KEY_ADDED:
        case DIFFERENCE_KEY_CHANGED:
        case DIFFERENCE_KEY_SAME:
                return add_key_difference(b, d, anew);
        case DIFFERENCE_VALUE_SAME:
        case DIFFERENCE_VALUE_ADDED:
        case DIFFERENCE_VALUE_CHANGED:
                if (d->kind == DIFFERENCE_VALUE_SAME && *anew != key)
                        return EXIT_CODE_OK;
                return key->is_link
                               ? write_batch_add(b, WRITE_CREATE_LINK, key->path.text, NULL, target_of(key))
                               : write_batch_add(b, WRITE_SET, key->path.text, d->after_value->name,
                                         &d->after_value->value);
        default:
                return EXIT_CODE_OK;
        }
}

int apply_differences(struct write_batch *b, const struct subtree *now, const struct hive_file *file)
{
        struct difference_walk w = {
                .before = { now->keys, now->n }, .after = { file->keys, file->n_keys }, .all = true
        };
        const struct path *gone = NULL;
        const struct hive_key *anew = NULL;
        struct difference d;
        int code = EXIT_CODE_OK;

        while (code == EXIT_CODE_OK && difference_next(&w, &d)) {
                code = prune_difference(b, &d, &gone);
                if (code == EXIT_CODE_OK)
                        code = add_difference(b, &d, &anew);
        }
        return code;
}

static int prune(struct apply *a)
{
        _cleanup_free_ const struct path **roots = NULL;
        _cleanup_subtree_ struct subtree now = { 0 };
        struct subtree_query query = { .layer = a->batch.layer };
        const struct path *gone = NULL;
        struct difference d;

        int r = find_roots(a, &roots, &query.n_roots);
        if (r < 0)
                return session_fail(a->s, r, NULL);
        if (query.n_roots == 0)
                return EXIT_CODE_OK;
        query.roots = roots;
        int code = subtree_read(a->s, &query, &now);
        struct difference_walk w = { .before = { now.keys, now.n },
                .after = { a->file->keys, a->file->n_keys } };
        while (code == EXIT_CODE_OK && difference_next(&w, &d))
                code = prune_difference(&a->batch, &d, &gone);
        return code;
}

static const char *layer_of(const struct session *s, const struct hive_file *file)
{
        return s->options.layer ? s->options.layer : file->layer ? file->layer : LAYER_BASE;
}

/* ---- What readers would refuse ---- */

static struct hive_value *find_value(
        const struct hive_file *f, const struct path *path, const char *name, struct hive_key **ret_key)
{
        size_t at = difference_find(f->keys, f->n_keys, path);

        if (at == f->n_keys || !path_equal(&f->keys[at].path, path))
                return NULL;
        *ret_key = &f->keys[at];
        for (size_t i = 0; i < f->keys[at].n_values; i++) {
                struct hive_value *v = &f->keys[at].values[i];
                if (fold_same(v->name, name))
                        return v->deleted || v->value.type == REG_TOMBSTONE ? NULL : v;
        }
        return NULL;
}

static void leave_out(struct hive_key *key, struct hive_value *v)
{
        size_t behind = key->n_values - (size_t)(v - key->values) - 1;

        memmove(v, v + 1, behind * sizeof(*v));
        key->n_values--;
}

/* Adds what is wrong with the file's. 0 or negative errno. */
static int check_value(struct session *s, const char *name, struct hive_file *file, const struct path *path,
        const struct schema_value *sv, struct diags *ret)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ struct buf shown = BUF_INIT;
        struct hive_key *key;
        struct diag why = { 0 }, problem;

        struct hive_value *v = find_value(file, path, sv->name, &key);
        int r = v ? schema_check(sv, &v->value, &text, &why) : 0;
        if (r != -EINVAL)
                return r;
        words_format_value(&shown, path->text, sv->name);
        (void)diag_set(&problem, EINVAL, "%s:%u:%u: %s: its reader would refuse it: %s", name, v->line,
                v->column, buf_str(&shown), why.text);
        if (s->options.keep_going && !s->options.force)
                leave_out(key, v);
        return diags_add(ret, &problem);
}

static int check_known(struct session *s, const char *name, struct hive_file *file, const struct known *k,
        struct diags *ret)
{
        _cleanup_path_ struct path path = { 0 };
        const struct schema_value *sv = known_value(k);

        int r = sv ? path_parse(k->path, strlen(k->path), NULL, NULL, &path, NULL) : -EINVAL;
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return check_value(s, name, file, &path, sv, ret);
}

/* Of other layers than base they do not count, whatever they are. */
static int check_layers(struct session *s, const char *name, struct hive_file *file, struct diags *ret)
{
        const char *layer = layer_of(s, file);
        bool counts = fold_same(layer, LAYER_BASE);
        int r = 0;

        for (size_t i = 0; i < file->n_keys && counts; i++) {
                const struct path *path = &file->keys[i].path;
                const struct schema_value *list = schema_layer_values(path);
                for (size_t k = 0; list && k < SCHEMA_LAYER_N && r == 0; k++)
                        r = check_value(s, name, file, path, &list[k], ret);
        }
        return r;
}

int apply_check_values(struct session *s, const char *name, struct hive_file *file, struct diags *ret)
{
        _cleanup_known_list_ struct known_list known = { 0 };
        int r = 0;

        int code = known_list_get(s, DEFAULT_HIVE, true, &known);
        if (code != EXIT_CODE_OK)
                return code;
        for (size_t i = 0; i < known.n && r == 0; i++)
                r = check_known(s, name, file, &known.list[i], ret);
        if (r == 0)
                r = check_layers(s, name, file, ret);
        return r < 0 ? session_fail(s, r, NULL) : EXIT_CODE_OK;
}

/* As a set: they are stored with --force only. */
static int check_values(const struct apply *a, size_t *left_out)
{
        _cleanup_(diags_done) struct diags problems = { 0 };

        int code = apply_check_values(a->s, a->name, a->file, &problems);
        document_report(&problems);
        if (code != EXIT_CODE_OK || problems.n_all == 0 || a->s->options.force)
                return code;
        *left_out += problems.n_all;
        if (a->s->options.keep_going)
                return EXIT_CODE_OK;
        return session_error(a->s, EXIT_CODE_INVALID, "%s: nothing is done (--force writes %s)", a->name,
                problems.n_all == 1 ? "it" : "them");
}

/* ---- The answer ---- */

static void say_counts(const struct write_batch *b, const struct preview_counts *c)
{
        struct buf *out = &b->s->out;

        utf8_put_safe(out, b->what, strlen(b->what));
        buf_printf(out, ": %" PRIu64 " %schanged in layer ", preview_sum(c),
                b->s->options.dry_run ? "would be " : "");
        utf8_put_safe(out, b->layer, strlen(b->layer));
        if (preview_sum(c) > 0)
                buf_printf(out,
                        " (%" PRIu32 " %s set, %" PRIu32 " deleted; %" PRIu32 " %s made, %" PRIu32
                        " deleted)",
                        c->values_set, c->values_set == 1 ? "value" : "values", c->values_deleted,
                        c->keys_created, c->keys_created == 1 ? "key" : "keys", c->keys_deleted);
        buf_putc(out, '\n');
}

static void answer_to_json(const struct write_batch *b, uint64_t sequence, bool changed,
        const struct preview_counts *c, size_t left_out)
{
        struct json j = json_on(&b->s->out);

        json_begin_object(&j);
        json_add_string(&j, "file", b->what);
        json_add_string(&j, "layer", b->layer);
        preview_counts_to_json(&j, c);
        json_add_bool(&j, "effective", changed);
        if (sequence > 0)
                json_add_number(&j, "sequence", sequence);
        json_add_number(&j, "left_out", left_out);
        session_end_json(b->s, &j);
}

static int read_answer(const struct write_batch *b, sd_bus_message *reply, size_t left_out)
{
        struct preview_counts counts = { 0 };
        uint64_t sequence = 0;
        int changed = 0;

        int r = reply ? sd_bus_message_read(reply, "tb", &sequence, &changed) : 0;
        if (r >= 0 && reply)
                r = preview_read_counts(reply, &counts);
        if (r < 0)
                return session_bad_reply(b->s, r);
        if (b->s->options.json)
                answer_to_json(b, sequence, changed, &counts, left_out);
        else if (!b->s->options.quiet)
                say_counts(b, &counts);
        return EXIT_CODE_OK;
}

int apply_show_answer(const struct write_batch *b, sd_bus_message *reply, size_t left_out)
{
        struct preview_counts counts;

        if (!b->s->options.dry_run || !reply)
                return read_answer(b, reply, left_out);
        int code = preview_show(b->s, reply, &counts);
        if (code == EXIT_CODE_OK && !b->s->options.json)
                say_counts(b, &counts);
        return code;
}

static int run(struct apply *a, size_t left_out)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        a->batch.layer = layer_of(a->s, a->file);
        int code = prune(a);
        if (code == EXIT_CODE_OK)
                code = add_keys(&a->batch, a->file);
        if (code == EXIT_CODE_OK && a->batch.m)
                code = write_batch_call(&a->batch, &reply);
        if (code == EXIT_CODE_OK)
                code = apply_show_answer(&a->batch, reply, left_out);
        return code == EXIT_CODE_OK ? document_end(a->s, a->name, left_out) : code;
}

/* What the file says badly would be taken for what it does not say. */
static int check_prune(const struct apply *a, size_t left_out)
{
        if (left_out == 0 || !a->s->options.prune)
                return EXIT_CODE_OK;
        return session_error(a->s, EXIT_CODE_INVALID,
                "%s: nothing is done: with --prune what the layer has of the %zu bad %s would go", a->name,
                left_out, left_out == 1 ? "entry" : "entries");
}

int command_apply(struct session *s)
{
        const char *name = session_file_name(s->line.words[0]);
        struct apply a = { .s = s, .name = name, .batch = { .s = s, .what = name, .recursive = true } };
        size_t left_out = 0;

        int code = document_read(s, s->line.words[0], &a.file, &left_out);
        if (code == EXIT_CODE_OK)
                code = check_values(&a, &left_out);
        if (code == EXIT_CODE_OK)
                code = check_prune(&a, left_out);
        if (code == EXIT_CODE_OK)
                code = run(&a, left_out);
        write_batch_done(&a.batch);
        a.file = hive_file_free(a.file);
        return code;
}
