/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* apply and import: what a file says becomes what a layer has, all in one transaction or nothing. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "../exchange/difference.h"
#include "commands.h"
#include "document.h"
#include "known.h"
#include "preview.h"
#include "subtree.h"
#include "words.h"

/* The bus takes no message of more than 32 MiB. */
#define MESSAGE_MIB_MAX 30u
#define MIB (1024.0 * 1024.0)

struct apply {
        struct session *s;
        const char *name; /* of the file */
        const char *layer;
        struct hive_file *file;
        sd_bus_message *m; /* NULL: there is no change yet */
        size_t n, bytes;   /* of all, also of what is too much */
};

/* ---- The changes ---- */

static int begin(struct apply *a)
{
        int code = session_new_call(a->s, a->s->options.dry_run ? "Preview" : "Transact", NULL, NULL, &a->m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_open_container(a->m, 'a', "(sssuv)");
        return r < 0 ? session_fail(a->s, r, NULL) : EXIT_CODE_OK;
}

static int append(
        struct apply *a, const char *action, const char *key, const char *name, const struct value *v)
{
        int r = sd_bus_message_open_container(a->m, 'r', "sssuv");
        if (r >= 0)
                r = sd_bus_message_append_basic(a->m, 's', action);
        if (r >= 0)
                r = sd_bus_message_append_basic(a->m, 's', key);
        if (r >= 0)
                r = sd_bus_message_append_basic(a->m, 's', name);
        if (r >= 0)
                r = wire_append_value(a->m, v);
        return r < 0 ? r : sd_bus_message_close_container(a->m);
}

static bool is_too_large(const struct apply *a)
{
        return a->n > REGISTRY_CHANGES_MAX || (double)a->bytes > MESSAGE_MIB_MAX * MIB;
}

/* `name` and `v` may be NULL. */
static int add(
        struct apply *a, const char *action, const struct path *key, const char *name, const struct value *v)
{
        static const struct value none = { .type = REG_NONE };

        if (!name)
                name = "";
        if (!v)
                v = &none;
        int code = a->m ? EXIT_CODE_OK : begin(a);
        if (code != EXIT_CODE_OK)
                return code;
        a->n++;
        a->bytes += 64 + key->len + strlen(name) + v->size * (v->type == REG_MULTI_SZ ? 8 : 1);
        if (is_too_large(a))
                return EXIT_CODE_OK;
        int r = append(a, action, key->text, name, v);
        return r < 0 ? session_fail(a->s, r, key->text) : EXIT_CODE_OK;
}

static int add_values(struct apply *a, const struct hive_key *key)
{
        int code = EXIT_CODE_OK;

        for (size_t i = 0; i < key->n_values && code == EXIT_CODE_OK; i++) {
                const struct hive_value *v = &key->values[i];
                code = v->deleted ? add(a, "delete", &key->path, v->name, NULL)
                                  : add(a, "set", &key->path, v->name, &v->value);
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

/* A key of the file. What replaces another one has been compared with that. */
static int add_key(struct apply *a, const struct hive_key *key)
{
        int code = EXIT_CODE_OK;

        if (key->deleted && !key->made)
                code = add(a, "delete-key", &key->path, NULL, NULL);
        /* To set a value makes the key. */
        if (code == EXIT_CODE_OK && key->made && (key->blanket || !sets_a_value(key)))
                code = add(a, "create-key", &key->path, NULL, NULL);
        if (code == EXIT_CODE_OK && key->hidden)
                code = add(a, "hide-key", &key->path, NULL, NULL);
        if (code == EXIT_CODE_OK && key->blanket)
                code = add(a, "mask-values", &key->path, NULL, NULL);
        return code == EXIT_CODE_OK ? add_values(a, key) : code;
}

static int add_keys(struct apply *a)
{
        int code = EXIT_CODE_OK;

        for (size_t i = 0; i < a->file->n_keys && code == EXIT_CODE_OK; i++)
                code = add_key(a, &a->file->keys[i]);
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
static int prune_difference(struct apply *a, const struct difference *d, const struct path **gone)
{
        const struct hive_key *key = d->before;
        bool is_gone = *gone && key && path_is_below(&key->path, *gone);

        if (!key || is_gone)
                return EXIT_CODE_OK;
        switch (d->kind) {
        case DIFFERENCE_KEY_REMOVED:
                *gone = &key->path;
                return add(a, "delete-key", &key->path, NULL, NULL);
        case DIFFERENCE_VALUE_REMOVED:
                return add(a, "delete", &key->path, d->before_value->name, NULL);
        case DIFFERENCE_KEY_CHANGED: {
                int code = EXIT_CODE_OK;
                if (key->hidden && !(d->after && d->after->hidden))
                        code = add(a, "show-key", &key->path, NULL, NULL);
                if (code == EXIT_CODE_OK && key->blanket && !(d->after && d->after->blanket))
                        code = add(a, "unmask-values", &key->path, NULL, NULL);
                return code;
        }
        default:
                return EXIT_CODE_OK;
        }
}

static int prune(struct apply *a)
{
        _cleanup_free_ const struct path **roots = NULL;
        _cleanup_subtree_ struct subtree now = { 0 };
        struct subtree_query query = { .layer = a->layer };
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
                code = prune_difference(a, &d, &gone);
        return code;
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
                if (fold_equal(v->name, strlen(v->name), name, strlen(name)))
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

/* 1: its reader would refuse what the file has; or 0, or negative errno. */
static int check_value(const struct apply *a, const struct known *k)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_free_ char *text = NULL;
        _cleanup_buf_ struct buf shown = BUF_INIT;
        const struct schema_value *sv = known_value(k);
        struct hive_key *key;
        struct diag why = { 0 };

        int r = sv ? path_parse(k->path, strlen(k->path), NULL, NULL, &path, NULL) : -EINVAL;
        struct hive_value *v = r == 0 ? find_value(a->file, &path, sv->name, &key) : NULL;
        if (!v)
                return r == -ENOMEM ? r : 0;
        r = schema_check(sv, &v->value, &text, &why);
        if (r != -EINVAL)
                return r;
        known_format_path(&shown, k->path, sv->name);
        session_complain("%s:%u:%u: %s: its reader would refuse it: %s", a->name, v->line, v->column,
                buf_str(&shown), why.text);
        if (a->s->options.keep_going && !a->s->options.force)
                leave_out(key, v);
        return 1;
}

/* As a set: they are stored with --force only. */
static int check_values(const struct apply *a, size_t *left_out)
{
        _cleanup_known_list_ struct known_list known = { 0 };
        size_t n = 0;

        int code = known_list_get(a->s, DEFAULT_HIVE, true, &known);
        for (size_t i = 0; i < known.n && code == EXIT_CODE_OK; i++) {
                int r = check_value(a, &known.list[i]);
                code = r < 0 ? session_fail(a->s, r, NULL) : EXIT_CODE_OK;
                n += r > 0;
        }
        if (code != EXIT_CODE_OK || n == 0 || a->s->options.force)
                return code;
        *left_out += n;
        if (a->s->options.keep_going)
                return EXIT_CODE_OK;
        (void)diag_set(&a->s->diag, EINVAL, "%s: nothing is done (--force writes %s)", a->name,
                n == 1 ? "it" : "them");
        return EXIT_CODE_INVALID;
}

/* ---- Sending them, and the answer ---- */

static void say_counts(struct apply *a, const struct preview_counts *c)
{
        struct buf *out = &a->s->out;

        utf8_put_safe(out, a->name, strlen(a->name));
        buf_printf(out, ": %" PRIu64 " %schanged in layer ", preview_sum(c),
                a->s->options.dry_run ? "would be " : "");
        utf8_put_safe(out, a->layer, strlen(a->layer));
        if (preview_sum(c) > 0)
                buf_printf(out,
                        " (%" PRIu32 " %s set, %" PRIu32 " deleted; %" PRIu32 " %s made, %" PRIu32
                        " deleted)",
                        c->values_set, c->values_set == 1 ? "value" : "values", c->values_deleted,
                        c->keys_created, c->keys_created == 1 ? "key" : "keys", c->keys_deleted);
        buf_putc(out, '\n');
}

static void answer_to_json(
        struct apply *a, uint64_t sequence, bool changed, const struct preview_counts *c, size_t left_out)
{
        struct json j = json_on(&a->s->out);

        json_begin_object(&j);
        json_add_string(&j, "file", a->name);
        json_add_string(&j, "layer", a->layer);
        preview_counts_to_json(&j, c);
        json_add_bool(&j, "effective", changed);
        if (sequence > 0)
                json_add_number(&j, "sequence", sequence);
        json_add_number(&j, "left_out", left_out);
        session_end_json(a->s, &j);
}

static int read_answer(struct apply *a, sd_bus_message *reply, size_t left_out)
{
        struct preview_counts counts = { 0 };
        uint64_t sequence = 0;
        int changed = 0;

        int r = reply ? sd_bus_message_read(reply, "tb", &sequence, &changed) : 0;
        if (r >= 0 && reply)
                r = preview_read_counts(reply, &counts);
        if (r < 0)
                return session_bad_reply(a->s, r);
        if (a->s->options.json)
                answer_to_json(a, sequence, changed, &counts, left_out);
        else if (!a->s->options.quiet)
                say_counts(a, &counts);
        return EXIT_CODE_OK;
}

static int send(struct apply *a, sd_bus_message **ret)
{
        const struct wire_options options = { .layer = a->layer, .recursive = true, .if_needed = true };

        if (is_too_large(a)) {
                (void)diag_set(&a->s->diag, EFBIG,
                        "%s: nothing is done: it comes to %zu changes and %.1f MiB, and a transaction has %u and %u "
                        "MiB at most; applied in parts, each is one of its own",
                        a->name, a->n, (double)a->bytes / MIB, REGISTRY_CHANGES_MAX, MESSAGE_MIB_MAX);
                return EXIT_CODE_INVALID;
        }
        int r = sd_bus_message_close_container(a->m);
        if (r >= 0)
                r = client_append_options(a->m, &options);
        return r < 0 ? session_fail(a->s, r, NULL) : session_call(a->s, a->m, ret);
}

static int show_answer(struct apply *a, sd_bus_message *reply, size_t left_out)
{
        struct preview_counts counts;

        if (!a->s->options.dry_run || !reply)
                return read_answer(a, reply, left_out);
        int code = preview_show(a->s, reply, &counts);
        if (code == EXIT_CODE_OK && !a->s->options.json)
                say_counts(a, &counts);
        return code;
}

static int run(struct apply *a, size_t left_out)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        a->layer = a->s->options.layer ? a->s->options.layer : a->file->layer ? a->file->layer : LAYER_BASE;
        int code = prune(a);
        if (code == EXIT_CODE_OK)
                code = add_keys(a);
        if (code == EXIT_CODE_OK && a->m)
                code = send(a, &reply);
        if (code == EXIT_CODE_OK)
                code = show_answer(a, reply, left_out);
        return code == EXIT_CODE_OK ? document_end(a->s, a->name, left_out) : code;
}

/* What the file says badly would be taken for what it does not say. */
static int check_prune(const struct apply *a, size_t left_out)
{
        if (left_out == 0 || !a->s->options.prune)
                return EXIT_CODE_OK;
        (void)diag_set(&a->s->diag, EINVAL,
                "%s: nothing is done: with --prune what the layer has of the %zu bad %s would go", a->name,
                left_out, left_out == 1 ? "entry" : "entries");
        return EXIT_CODE_INVALID;
}

int command_apply(struct session *s)
{
        struct apply a = { .s = s, .name = session_file_name(s->line.words[0]) };
        size_t left_out = 0;

        int code = document_read(s, s->line.words[0], &a.file, &left_out);
        if (code == EXIT_CODE_OK)
                code = check_values(&a, &left_out);
        if (code == EXIT_CODE_OK)
                code = check_prune(&a, left_out);
        if (code == EXIT_CODE_OK)
                code = run(&a, left_out);
        sd_bus_message_unref(a.m);
        a.file = hive_file_free(a.file);
        return code;
}
