/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set, new and del: one change, sent to the provider, or only tried out (--dry-run). */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "acceptance.h"
#include "card.h"
#include "commands.h"
#include "entry.h"
#include "preview.h"
#include "words.h"
#include "write.h"

/* The bus takes no message of more than 32 MiB. */
#define MESSAGE_MIB_MAX 30u
#define MIB (1024.0 * 1024.0)

/* The method that does it (NULL: Transact), its name in a list of changes, and what is shown. */
static const struct {
        const char *method, *action, *verb;
} kinds[] = {
        [WRITE_SET] = { "Set", "set", "set" },
        [WRITE_DELETE] = { "Delete", "delete", "del" },
        [WRITE_CREATE_KEY] = { "CreateKey", "create-key", "new" },
        [WRITE_DELETE_KEY] = { "DeleteKey", "delete-key", "del" },
        [WRITE_MASK] = { NULL, "set", "mask" },
        [WRITE_UNMASK] = { NULL, "delete", "unmask" },
        [WRITE_MASK_VALUES] = { NULL, "mask-values", "mask" },
        [WRITE_UNMASK_VALUES] = { NULL, "unmask-values", "unmask" },
        [WRITE_HIDE_KEY] = { NULL, "hide-key", "hide" },
        [WRITE_SHOW_KEY] = { NULL, "show-key", "unhide" },
        [WRITE_CREATE_LINK] = { NULL, "create-link", "link" },
};

struct change {
        enum write_kind kind;
        const char *key;
        const char *name;          /* of a value; NULL for a key */
        const struct value *value; /* WRITE_SET; WRITE_MASK: a tombstone; WRITE_CREATE_LINK: the target */
};

/* What became of it. */
struct outcome {
        uint64_t sequence;
        int changed;       /* something effective */
        const char *layer; /* whose entry of the value counts now: "" nobody's; NULL for a key */
        struct acceptance acceptance;
        sd_bus_message *reply;
};

static void outcome_done(struct outcome *o)
{
        o->reply = sd_bus_message_unref(o->reply);
}
#define _cleanup_outcome_ _cleanup_(outcome_done)

static int append_item(sd_bus_message *m, const struct change *c)
{
        const struct value none = { .type = REG_NONE };

        int r = sd_bus_message_open_container(m, 'r', "sssuv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', kinds[c->kind].action);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', c->key);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', c->name ? c->name : "");
        if (r >= 0)
                r = wire_append_value(m, c->value ? c->value : &none);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_change(sd_bus_message *m, const struct change *c)
{
        int r = sd_bus_message_open_container(m, 'a', "(sssuv)");
        if (r >= 0)
                r = append_item(m, c);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* What the schema speaks against is written with --force only. */
static const char *check_of(const struct session *s, enum write_kind kind)
{
        return kind != WRITE_SET && kind != WRITE_CREATE_KEY ? NULL
               : s->options.force                            ? WIRE_CHECK_REPORT
                                                             : WIRE_CHECK_REFUSE;
}

/* ---- What was done ---- */

/* Does the layer that was written to count? */
static bool is_effective(const struct session *s, const struct outcome *o)
{
        const char *layer = session_layer(s);

        return fold_same(o->layer, layer);
}

static void outcome_to_json(
        struct json *j, const struct session *s, const struct change *c, const struct outcome *o)
{
        json_add_number(j, "sequence", o->sequence);
        json_add_bool(j, "changed", o->changed);
        if (o->layer) {
                json_add_bool(j, "effective", is_effective(s, o));
                json_add_string(j, "effective_layer", o->layer[0] ? o->layer : NULL);
        }
        if (c->kind != WRITE_SET)
                return;
        json_key(j, "accepted");
        if (o->acceptance.accepted || o->acceptance.why)
                json_bool(j, o->acceptance.accepted);
        else
                json_null(j);
}

/* As Peios's own `reg` calls what we call otherwise. */
static void names_of_peios_to_json(struct json *j, const struct change *c, const char *path)
{
        const char *name = c->name ? path_word_of_value_name(c->name) : NULL;

        switch (c->kind) {
        case WRITE_SET:
                words_path_to_json(j, "set", path);
                (void)value_data_to_json(j, "value", c->value);
                return;
        case WRITE_DELETE:
                json_add_string(j, "deleted_value", name);
                break;
        case WRITE_CREATE_KEY:
                json_add_bool(j, "created", true);
                break;
        case WRITE_DELETE_KEY:
                words_path_to_json(j, "deleted_key", path);
                return;
        case WRITE_MASK:
        case WRITE_UNMASK:
                json_add_string(j, "value", name);
                json_add_bool(j, "masked", c->kind == WRITE_MASK);
                break;
        case WRITE_MASK_VALUES:
        case WRITE_UNMASK_VALUES:
                json_add_bool(j, "blanket", c->kind == WRITE_MASK_VALUES);
                break;
        case WRITE_HIDE_KEY:
        case WRITE_SHOW_KEY:
                json_add_bool(j, "hidden", c->kind == WRITE_HIDE_KEY);
                break;
        case WRITE_CREATE_LINK:
                json_add_bool(j, "created", true);
                (void)value_data_to_json(j, "target", c->value);
                break;
        }
        words_path_to_json(j, "key", path);
}

static int echo_json(struct session *s, const struct change *c, const struct outcome *o)
{
        _cleanup_path_ struct path path = { 0 };
        struct json j = json_on(&s->out);

        int code = session_path(s, c->key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        json_begin_object(&j);
        json_add_string(&j, "action", kinds[c->kind].verb);
        words_path_to_json(&j, "path", path.text);
        if (c->name)
                json_add_string(&j, "name", path_word_of_value_name(c->name));
        if (c->kind == WRITE_SET)
                value_to_json(&j, c->value);
        names_of_peios_to_json(&j, c, path.text);
        json_add_string(&j, "layer", session_layer(s));
        if (s->ends[0])
                layer_end_to_json(&j, s->ends);
        outcome_to_json(&j, s, c, o);
        session_end_json(s, &j);
        return EXIT_CODE_OK;
}

static int echo(struct session *s, const struct change *c, const struct outcome *o)
{
        const char *layer = session_layer(s);

        if (s->options.json)
                return echo_json(s, c, o);
        buf_printf(&s->out, "%s ", kinds[c->kind].verb);
        words_format_key(&s->out, c->key);
        if (c->name) {
                buf_puts(&s->out, "  ");
                utf8_put_safe(
                        &s->out, path_word_of_value_name(c->name), strlen(path_word_of_value_name(c->name)));
        }
        if (c->kind == WRITE_SET) {
                buf_puts(&s->out, " = ");
                entry_format_short(&s->out, c->value);
        }
        if (c->kind == WRITE_CREATE_LINK) {
                buf_puts(&s->out, " -> ");
                words_put_path(&s->out, c->value->data);
        }
        buf_puts(&s->out, "   (layer ");
        utf8_put_safe(&s->out, layer, strlen(layer));
        buf_printf(&s->out, ", sequence %" PRIu64, o->sequence);
        layer_put_end(&s->out, ", until ", s->ends);
        buf_puts(&s->out, ")\n");
        return EXIT_CODE_OK;
}

/* Reads what became of it, and shows it. */
static int finish(struct session *s, const struct change *c, bool quiet, struct outcome *o)
{
        const bool is_tried = s->options.dry_run;
        struct preview_counts counts;
        int r = 0;

        if (is_tried) {
                int code = preview_show(s, o->reply, &counts);
                if (code != EXIT_CODE_OK)
                        return code;
        } else {
                r = sd_bus_message_read(o->reply, "tb", &o->sequence, &o->changed);
                if (r >= 0 && c->name && kinds[c->kind].method)
                        r = sd_bus_message_read(o->reply, "s", &o->layer);
        }
        if (r >= 0 && c->kind == WRITE_SET)
                r = acceptance_read(o->reply, &o->acceptance);
        if (r < 0)
                return session_bad_reply(s, r);
        return quiet || is_tried ? EXIT_CODE_OK : echo(s, c, o);
}

/* With --dry-run it is only tried out, and what it would do is shown. */
static int perform(struct session *s, const struct change *c, bool quiet, struct outcome *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const struct reg_options *options = &s->options;
        const char *method = options->dry_run ? NULL : kinds[c->kind].method;

        int code = session_new_call(s,
                options->dry_run ? "Preview"
                : method         ? method
                                 : "Transact",
                method ? c->key : NULL, method ? c->name : NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = !method ? append_change(m, c) : c->value ? wire_append_value(m, c->value) : 0;
        if (r >= 0)
                r = wire_append_options(m, &(struct wire_options){ .layer = options->layer,
                                                   .ends = s->ends[0] ? s->ends : NULL,
                                                   .check = check_of(s, c->kind),
                                                   .expected = options->expected,
                                                   .is_volatile = options->is_volatile,
                                                   .no_follow = options->no_follow,
                                                   .recursive = options->recursive });
        if (r < 0)
                return session_fail(s, r, NULL);
        code = session_call(s, m, &ret->reply);
        return code == EXIT_CODE_OK ? finish(s, c, quiet, ret) : code;
}

static void print_binding(struct session *s, const struct change *c, const struct acceptance *a)
{
        _cleanup_known_ struct known k = { 0 };

        if (!s->options.verbose || (!a->accepted && !a->why) ||
                known_get(s, c->key, c->name, &k) != EXIT_CODE_OK)
                return;
        const struct schema_value *sv = &k.d.sv;
        if (sv->control)
                session_complain(
                        "bound to the control %s, applied %s; `peios-reg why` shows whether it is live",
                        sv->control->name, card_when(sv));
        else
                session_complain("known to the schema (%s), applied %s", sv->source, card_when(sv));
}

/* What was written is not what anybody reads. That it cannot be asked is no failure of the write. */
static void print_shadowed(struct session *s, const struct change *c, const struct outcome *o)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = c->name };
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *layer = session_layer(s);

        if (!o->layer || is_effective(s, o))
                return;
        if (!o->layer[0]) {
                session_warn(
                        "written, but a layer above %s masks the value or its key; `peios-reg why` shows it",
                        layer);
                return;
        }
        if (session_ask(s, "Get", c->key, c->name, &reply) != EXIT_CODE_OK || entry_read(reply, &e) < 0)
                return;
        const struct value v = entry_value(&e);
        entry_format_short(&text, &v);
        if (strcmp(o->layer, LAYER_DEFAULT) == 0)
                session_warn(
                        "written, but a layer above %s masks the value or its key, and the default %s is in force; "
                        "`peios-reg why` shows it",
                        layer, buf_str(&text));
        else if (path_fleet_group(o->layer))
                session_warn(
                        "written, but the fleet's policy for group %s wins over layer %s with %s; `peios-reg why` "
                        "shows them all",
                        path_fleet_group(o->layer), layer, buf_str(&text));
        else
                session_warn("written, but layer %s wins over %s with %s; `peios-reg why` shows them all",
                        o->layer, layer, buf_str(&text));
}

int write_value(struct session *s, const char *key, const char *name, const char *word)
{
        const struct reg_options *o = &s->options;
        _cleanup_outcome_ struct outcome outcome = { 0 };
        _cleanup_data_ struct data data = { 0 };

        int code = acceptance_get_data(s, word, &data);
        if (code != EXIT_CODE_OK)
                return code;
        const struct value v = { .type = data.type, .data = data.bytes.data, .size = data.bytes.len };
        const struct change change = { WRITE_SET, key, name, &v };
        bool surprising = data.inferred && data.type != REG_SZ && words_surprise(data.literal);
        code = perform(s, &change, o->quiet && !surprising, &outcome);
        if (code == EXIT_CODE_UNACCEPTED)
                return acceptance_refused(s, key, name, &data);
        /* The warnings come after what they are about, on a terminal too. */
        if (code == EXIT_CODE_OK)
                code = session_flush(s);
        if (code != EXIT_CODE_OK)
                return code;
        if (!o->quiet)
                print_shadowed(s, &change, &outcome);
        acceptance_warn_of_data(s, &data);
        acceptance_warn(s, &outcome.acceptance, key, name, &data);
        print_binding(s, &change, &outcome.acceptance);
        return EXIT_CODE_OK;
}

/* `set KEY NAME` without data looks like `set KEY\NAME DATA`. */
static int refuse_key(
        struct session *s, const char *word, const char *key, const char *name, const char *data)
{
        _cleanup_known_ struct known k = { 0 };
        _cleanup_buf_ struct buf shown = BUF_INIT, parent = BUF_INIT;
        bool is_key = false;

        int code = session_has(s, word, NULL, &is_key);
        if (code == EXIT_CODE_OK && !is_key)
                code = known_get(s, key, name, &k);
        /* Also where nobody wrote anything there yet, but the schema knows the key. */
        if (code != EXIT_CODE_OK || (!is_key && !k.d.hints.is_key))
                return code;
        words_format_key(&shown, word);
        words_format_key(&parent, key);
        return session_error(s, EXIT_CODE_USAGE,
                "'%s' is a key. A value in it wants its name and data: set '%s' %s DATA. A value of that name in the "
                "key above is written with three words: set '%s' %s %s",
                buf_str(&shown), buf_str(&shown), data ? data : "VALUE", buf_str(&parent),
                path_word_of_value_name(name), data ? data : "--from=FILE");
}

int command_set(struct session *s)
{
        char *const *words = s->line.words;
        _cleanup_free_ char *key = NULL, *name = NULL;
        const char *data = s->options.from ? NULL : words[s->line.n_words - 1];

        if (session_n_names(s) == 2)
                return write_value(s, words[0], path_value_name_of_word(words[1]), data);
        int r = words_split(words[0], &key, &name, &s->diag);
        if (r < 0)
                return session_refuse(s, r);
        int code = refuse_key(s, words[0], key, name, data);
        return code == EXIT_CODE_OK ? write_value(s, key, name, data) : code;
}

int write_key(struct session *s, const char *key)
{
        int code = write_change(s, WRITE_CREATE_KEY, key, NULL);

        return code == EXIT_CODE_UNACCEPTED ? acceptance_refused(s, key, NULL, NULL) : code;
}

int command_new(struct session *s)
{
        return write_key(s, s->line.words[0]);
}

/* Never without somebody to answer: a script is not asked. */
static int confirm(struct session *s, const char *key, bool *ret)
{
        const struct reg_options *o = &s->options;
        _cleanup_buf_ struct buf path = BUF_INIT;

        *ret = true;
        if (!o->recursive || o->yes || o->dry_run || !session_interactive())
                return EXIT_CODE_OK;
        int code = session_format_meant(s, key, &path);
        if (code == EXIT_CODE_OK)
                *ret = session_confirms("delete %s and everything below it?", buf_str(&path));
        return code;
}

int write_delete(struct session *s, const char *key, const char *name)
{
        const struct reg_options *o = &s->options;
        _cleanup_outcome_ struct outcome outcome = { 0 };

        if (name ? o->recursive : o->expected.given)
                return session_error(s, EXIT_CODE_USAGE, "%s: '%s' is a %s",
                        name ? "-r is for keys" : "--expected-seq is for values", s->line.words[0],
                        name ? "value" : "key");
        bool yes = true;
        int code = name ? EXIT_CODE_OK : confirm(s, key, &yes);
        if (!yes)
                session_complain("nothing is deleted");
        if (code != EXIT_CODE_OK || !yes)
                return code;
        code = perform(s, &(struct change){ name ? WRITE_DELETE : WRITE_DELETE_KEY, key, name, NULL },
                o->quiet, &outcome);
        if (code == EXIT_CODE_NOT_FOUND && name)
                acceptance_hint(s, key, name);
        return code;
}

/* The word names a key; where it names a value as well, nobody knows which of the two is meant. */
static int check_one_thing(struct session *s, const char *word)
{
        _cleanup_free_ char *key = NULL, *name = NULL;
        bool is_value = false;

        if (s->only_key || words_split(word, &key, &name, NULL) < 0)
                return EXIT_CODE_OK;
        int code = session_has(s, key, name, &is_value);
        if (code != EXIT_CODE_OK || !is_value)
                return code;
        return session_error(s, EXIT_CODE_USAGE,
                "'%s' is a key, and a value in the key above: write a separator behind the key, or the value's name "
                "as a word of its own",
                word);
}

int command_del(struct session *s)
{
        _cleanup_free_ char *key = NULL, *name = NULL;
        bool one_word = s->line.n_words == 1;
        bool maybe_hidden = one_word && !s->options.expected.given;

        if (one_word && s->options.recursive)
                return write_delete(s, s->line.words[0], NULL);
        int code = session_target(s, &key, &name);
        if (code == EXIT_CODE_OK && one_word && !name)
                code = check_one_thing(s, key);
        if (code == EXIT_CODE_OK)
                code = write_delete(s, key, name);
        if (code != EXIT_CODE_NOT_FOUND || !name || !maybe_hidden)
                return code;
        /* No value: then it may be a key that the layer has and another one hides. */
        const struct diag no_value = s->diag;
        s->diag = (struct diag){ 0 };
        code = write_delete(s, s->line.words[0], NULL);
        if (code == EXIT_CODE_NOT_FOUND)
                s->diag = no_value;
        return code;
}

int write_change(struct session *s, enum write_kind kind, const char *key, const char *name)
{
        const struct value tombstone = { .type = REG_TOMBSTONE };
        _cleanup_outcome_ struct outcome outcome = { 0 };
        const struct change change = { kind, key, name, kind == WRITE_MASK ? &tombstone : NULL };

        return perform(s, &change, s->options.quiet, &outcome);
}

/* The target with its hive, whatever stands for that here. */
int command_link(struct session *s)
{
        _cleanup_outcome_ struct outcome outcome = { 0 };
        _cleanup_path_ struct path target = { 0 };

        int code = session_path(s, s->line.words[1], &target);
        if (code != EXIT_CODE_OK)
                return code;
        const struct value v = { .type = REG_LINK, .data = target.text, .size = target.len };
        const struct change change = { WRITE_CREATE_LINK, s->line.words[0], NULL, &v };
        return perform(s, &change, s->options.quiet, &outcome);
}

/* ---- Several at once ---- */

void write_batch_done(struct write_batch *b)
{
        b->m = sd_bus_message_unref(b->m);
        buf_done(&b->key);
}

static bool is_too_large(const struct write_batch *b)
{
        return b->n > REGISTRY_CHANGES_MAX || (double)b->bytes > MESSAGE_MIB_MAX * MIB;
}

static int begin(struct write_batch *b)
{
        bool is_preview = b->is_preview || b->s->options.dry_run;
        int code = session_new_call(b->s, is_preview ? "Preview" : "Transact", NULL, NULL, &b->m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_open_container(b->m, 'a', "(sssuv)");
        return r < 0 ? session_fail(b->s, r, NULL) : EXIT_CODE_OK;
}

int write_batch_add(struct write_batch *b, enum write_kind kind, const char *key, const char *name,
        const struct value *value)
{
        int code = b->m ? EXIT_CODE_OK : begin(b);
        if (code != EXIT_CODE_OK)
                return code;
        const char *sent = strcmp(key, buf_str(&b->key)) == 0 ? "" : key;
        b->n++;
        b->bytes += 64 + strlen(sent) + (name ? strlen(name) : 0);
        if (value)
                b->bytes += value->size * (value->type == REG_MULTI_SZ ? 8 : 1);
        if (is_too_large(b))
                return EXIT_CODE_OK;
        if (sent[0]) {
                buf_clear(&b->key);
                buf_puts(&b->key, key);
        }
        int r = b->key.error ? b->key.error : append_item(b->m, &(struct change){ kind, sent, name, value });
        return r < 0 ? session_fail(b->s, r, key) : EXIT_CODE_OK;
}

int write_batch_call(struct write_batch *b, sd_bus_message **ret)
{
        struct session *s = b->s;

        if (is_too_large(b))
                return session_error(s, EXIT_CODE_INVALID,
                        "%s%snothing is done: it comes to %zu changes and %.1f MiB, and a transaction has %u and %u "
                        "MiB at most; applied in parts, each is one of its own",
                        b->what ? b->what : "", b->what ? ": " : "", b->n, (double)b->bytes / MIB,
                        REGISTRY_CHANGES_MAX, MESSAGE_MIB_MAX);
        int r = sd_bus_message_close_container(b->m);
        if (r >= 0)
                r = wire_append_options(
                        b->m, &(struct wire_options){ .layer = b->layer ? b->layer : s->options.layer,
                                      .registry = b->registry,
                                      .if_needed = !b->is_strict,
                                      .no_follow = true,
                                      .recursive = b->recursive });
        return r < 0 ? session_fail(s, r, NULL) : session_call(s, b->m, ret);
}

int write_batch_send(struct write_batch *b, struct preview_counts *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct session *s = b->s;
        uint64_t sequence;
        int changed;

        *ret = (struct preview_counts){ 0 };
        if (!b->m)
                return EXIT_CODE_OK;
        int code = write_batch_call(b, &reply);
        if (code != EXIT_CODE_OK || s->options.dry_run)
                return code == EXIT_CODE_OK ? preview_show(s, reply, ret) : code;
        int r = sd_bus_message_read(reply, "tb", &sequence, &changed);
        if (r >= 0)
                r = preview_read_counts(reply, ret);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}
