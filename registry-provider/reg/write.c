/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* set, new and del. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../registry/registry.h"
#include "acceptance.h"
#include "change.h"
#include "commands.h"
#include "entry.h"

/* Does the layer that was written to count? */
static bool is_effective(const struct session *s, const struct outcome *o)
{
        const char *layer = change_layer(s);

        return fold_equal(o->layer, strlen(o->layer), layer, strlen(layer));
}

static void outcome_to_json(
        struct json *j, const struct session *s, const struct outcome *o, const struct acceptance *a)
{
        json_key(j, "sequence");
        json_number(j, o->sequence);
        json_key(j, "changed");
        json_bool(j, o->changed);
        if (o->layer) {
                json_key(j, "effective");
                json_bool(j, is_effective(s, o));
                json_key(j, "effective_layer");
                json_string(j, o->layer[0] ? o->layer : NULL);
        }
        if (!a)
                return;
        json_key(j, "accepted");
        if (a->sv)
                json_bool(j, !a->refused);
        else
                json_null(j);
}

static int echo_json(struct session *s, const char *verb, const struct change *c, const struct outcome *o,
        const struct acceptance *a)
{
        _cleanup_path_ struct path path = { 0 };
        struct json j = json_on(&s->out);

        int code = session_path(s, c->key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        json_begin_object(&j);
        json_key(&j, "action");
        json_string(&j, verb);
        json_key(&j, "path");
        json_string(&j, path.text);
        if (c->name) {
                json_key(&j, "name");
                json_string(&j, path_word_of_value_name(c->name));
        }
        if (c->value)
                value_to_json(&j, c->value);
        json_key(&j, "layer");
        json_string(&j, change_layer(s));
        outcome_to_json(&j, s, o, a);
        json_end_object(&j);
        buf_putc(&s->out, '\n');
        return EXIT_CODE_OK;
}

/* What was read from a file need not be shown whole. */
#define SHOWN_BYTES_MAX 1024u

static void format_written(struct buf *out, const struct value *v)
{
        if (v->size > SHOWN_BYTES_MAX)
                buf_printf(out, "%s, %zu bytes", value_type_symbol(v->type), v->size);
        else
                format_typed(out, v);
}

static int echo(struct session *s, const char *verb, const struct change *c, const struct outcome *o,
        const struct acceptance *a)
{
        const char *layer = change_layer(s);

        if (s->options.json)
                return echo_json(s, verb, c, o, a);
        buf_printf(&s->out, "%s ", verb);
        format_key(&s->out, c->key);
        if (c->name) {
                buf_puts(&s->out, "  ");
                format_safe(
                        &s->out, path_word_of_value_name(c->name), strlen(path_word_of_value_name(c->name)));
        }
        if (c->value) {
                buf_puts(&s->out, " = ");
                format_written(&s->out, c->value);
        }
        buf_puts(&s->out, "   (layer ");
        format_safe(&s->out, layer, strlen(layer));
        buf_printf(&s->out, ", sequence %" PRIu64 ")\n", o->sequence);
        return EXIT_CODE_OK;
}

/* `a` is NULL for what is no set. */
static int perform(struct session *s, const char *verb, const struct change *c, const struct acceptance *a,
        bool quiet, struct outcome *ret)
{
        if (s->options.dry_run)
                return change_preview(s, c);
        int code = change_send(s, c, ret);
        return code == EXIT_CODE_OK && !quiet ? echo(s, verb, c, ret, a) : code;
}

static void tell_binding(const struct reg_options *o, const struct acceptance *a)
{
        static const char *const when[] = {
                [SCHEMA_LIVE] = "at once",
                [SCHEMA_RESTART] = "after a restart of its reader",
                [SCHEMA_REBOOT] = "after a reboot",
        };

        if (!o->verbose || !a->sv)
                return;
        if (a->sv->control)
                complain("bound to the control %s, applied %s; `peios-reg why` shows whether it is live",
                        a->sv->control->name, when[a->sv->apply]);
        else
                complain("known to the schema (%s), applied %s", a->sv->source, when[a->sv->apply]);
}

/* What was written is not what anybody reads. That it cannot be asked is no failure of the write. */
static void tell_shadowed(struct session *s, const struct change *c, const struct outcome *o)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = c->name };
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *layer = change_layer(s);

        if (!o->reply || is_effective(s, o))
                return;
        if (!o->layer[0]) {
                warn("written, but a layer above %s masks the value or its key; `peios-reg why` shows it",
                        layer);
                return;
        }
        if (session_new_call(s, "Get", c->key, c->name, &m) != EXIT_CODE_OK ||
                session_call(s, m, &reply) != EXIT_CODE_OK || entry_read(reply, &e) < 0)
                return;
        const struct value v = entry_value(&e);
        format_written(&text, &v);
        if (strcmp(o->layer, LAYER_DEFAULT) == 0)
                warn("written, but a layer above %s masks the value or its key, and the default %s is in force; "
                     "`peios-reg why` shows it",
                        layer, buf_str(&text));
        else
                warn("written, but layer %s wins over %s with %s; `peios-reg why` shows them all", o->layer,
                        layer, buf_str(&text));
}

static int set_value(struct session *s, const char *key, const char *name, const char *word)
{
        const struct reg_options *o = &s->options;
        _cleanup_outcome_ struct outcome outcome = { 0 };
        _cleanup_data_ struct data data = { 0 };
        struct acceptance acceptance;

        int code = data_get(s, word, &data);
        /* The bus greets us while the schema is being read. */
        if (code == EXIT_CODE_OK)
                code = session_connect(s);
        if (code == EXIT_CODE_OK)
                code = acceptance_check(s, key, name, &data, &acceptance);
        if (code != EXIT_CODE_OK)
                return code;
        const struct value v = data_value(&data);
        const struct change change = { CHANGE_SET, key, name, &v };
        bool surprising = data.inferred && data.type != REG_SZ && inference_surprises(data.literal);
        code = perform(s, "set", &change, &acceptance, o->quiet && !surprising, &outcome);
        if (code != EXIT_CODE_OK)
                return code;
        /* The warnings come after what they are about, on a terminal too. */
        code = session_flush(s);
        if (code != EXIT_CODE_OK)
                return code;
        if (!o->quiet)
                tell_shadowed(s, &change, &outcome);
        data_warn(s, &data);
        acceptance_warn(s, &acceptance, key, name);
        tell_binding(o, &acceptance);
        return EXIT_CODE_OK;
}

/* `set KEY NAME` without data looks like `set KEY\NAME DATA`. */
static int refuse_key(struct session *s, const char *word, const char *data)
{
        _cleanup_free_ char *key = NULL, *name = NULL;
        _cleanup_buf_ struct buf shown = BUF_INIT, parent = BUF_INIT;
        bool is_key = false;

        int code = session_is_key(s, word, &is_key);
        if (code != EXIT_CODE_OK || (!is_key && !acceptance_knows_key(s, word)))
                return code;
        int r = split_value_word(word, &key, &name, &s->diag);
        if (r < 0)
                return session_refuse(s, r);
        format_key(&shown, word);
        format_key(&parent, key);
        (void)diag_set(&s->diag, EINVAL,
                "'%s' is a key. A value in it wants its name and data: set '%s' %s DATA. A value of that name in the "
                "key above is written with three words: set '%s' %s %s",
                buf_str(&shown), buf_str(&shown), data ? data : "VALUE", buf_str(&parent),
                path_word_of_value_name(name), data ? data : "--from=FILE");
        return EXIT_CODE_USAGE;
}

int command_set(struct session *s)
{
        char *const *words = s->line.words;
        _cleanup_free_ char *key = NULL, *name = NULL;
        const char *data = s->options.from ? NULL : words[s->line.n_words - 1];

        if (session_n_names(s) == 2)
                return set_value(s, words[0], path_value_name_of_word(words[1]), data);
        int r = split_value_word(words[0], &key, &name, &s->diag);
        if (r < 0)
                return session_refuse(s, r);
        int code = refuse_key(s, words[0], data);
        return code == EXIT_CODE_OK ? set_value(s, key, name, data) : code;
}

int command_new(struct session *s)
{
        _cleanup_outcome_ struct outcome outcome = { 0 };
        const struct change change = { CHANGE_CREATE_KEY, s->line.words[0], NULL, NULL };

        int code = s->options.force ? EXIT_CODE_OK : acceptance_check_key(s, change.key);
        return code == EXIT_CODE_OK ? perform(s, "new", &change, NULL, s->options.quiet, &outcome) : code;
}

/* Never without somebody to answer: a script is not asked. */
static bool confirmed(const struct session *s, const char *key)
{
        const struct reg_options *o = &s->options;
        _cleanup_buf_ struct buf path = BUF_INIT;
        char answer[16];

        if (!o->recursive || o->yes || o->dry_run || !session_interactive())
                return true;
        format_key(&path, key);
        fprintf(stderr, "peios-reg: delete %s and everything below it? [y/N] ", buf_str(&path));
        return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int delete_one(struct session *s, const char *key, const char *name)
{
        const struct reg_options *o = &s->options;
        _cleanup_outcome_ struct outcome outcome = { 0 };

        if (name ? o->recursive : o->expected.given) {
                (void)diag_set(&s->diag, EINVAL, "%s: '%s' is a %s",
                        name ? "-r is for keys" : "--expected-seq is for values", s->line.words[0],
                        name ? "value" : "key");
                return EXIT_CODE_USAGE;
        }
        if (!name && !confirmed(s, key)) {
                complain("nothing is deleted");
                return EXIT_CODE_OK;
        }
        int code = perform(s, "del",
                &(struct change){ name ? CHANGE_DELETE : CHANGE_DELETE_KEY, key, name, NULL }, NULL,
                o->quiet, &outcome);
        if (code == EXIT_CODE_NOT_FOUND && name)
                acceptance_hint(s, key, name);
        return code;
}

/* One word that is no key which shows: a value, or else a key that the layer has and another one hides. */
static int delete_hidden(struct session *s, const char *word)
{
        const struct diag no_value = s->diag;

        s->diag = (struct diag){ 0 };
        int code = delete_one(s, word, NULL);
        if (code == EXIT_CODE_NOT_FOUND)
                s->diag = no_value;
        return code;
}

/* The word names a key; where it names a value as well, nobody knows which of the two is meant. */
static int check_one_thing(struct session *s, const char *word)
{
        _cleanup_free_ char *key = NULL, *name = NULL;
        bool is_value = false;

        if (s->only_key || split_value_word(word, &key, &name, NULL) < 0)
                return EXIT_CODE_OK;
        int code = session_is_value(s, key, name, &is_value);
        if (code != EXIT_CODE_OK || !is_value)
                return code;
        (void)diag_set(&s->diag, EINVAL,
                "'%s' is a key, and a value in the key above: write a separator behind the key, or the value's name "
                "as a word of its own",
                word);
        return EXIT_CODE_USAGE;
}

int command_del(struct session *s)
{
        _cleanup_free_ char *key = NULL, *name = NULL;
        bool one_word = s->line.n_words == 1;
        bool maybe_hidden = one_word && !s->options.expected.given;

        if (one_word && s->options.recursive)
                return delete_one(s, s->line.words[0], NULL);
        int code = session_target(s, &key, &name);
        if (code == EXIT_CODE_OK && one_word && !name)
                code = check_one_thing(s, key);
        if (code == EXIT_CODE_OK)
                code = delete_one(s, key, name);
        return code == EXIT_CODE_NOT_FOUND && name && maybe_hidden ? delete_hidden(s, s->line.words[0])
                                                                   : code;
}
