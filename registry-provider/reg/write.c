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

static int echo_json(struct session *s, const char *verb, const struct change *c, uint64_t sequence)
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
                json_string(&j, value_word_of_name(c->name));
        }
        if (c->value)
                value_to_json(&j, c->value);
        json_key(&j, "layer");
        json_string(&j, change_layer(s));
        json_key(&j, "sequence");
        json_number(&j, sequence);
        json_end_object(&j);
        buf_putc(&s->out, '\n');
        return EXIT_CODE_OK;
}

static int echo(struct session *s, const char *verb, const struct change *c, uint64_t sequence)
{
        const char *layer = change_layer(s);

        if (s->args->options.json)
                return echo_json(s, verb, c, sequence);
        buf_printf(&s->out, "%s ", verb);
        format_key(&s->out, c->key);
        if (c->name) {
                buf_puts(&s->out, "  ");
                format_safe(&s->out, value_word_of_name(c->name), strlen(value_word_of_name(c->name)));
        }
        if (c->value) {
                buf_puts(&s->out, " = ");
                format_typed(&s->out, c->value);
        }
        buf_puts(&s->out, "   (layer ");
        format_safe(&s->out, layer, strlen(layer));
        buf_printf(&s->out, ", sequence %" PRIu64 ")\n", sequence);
        return EXIT_CODE_OK;
}

static int perform(struct session *s, const char *verb, const struct change *c, bool quiet)
{
        uint64_t sequence;

        if (s->args->options.dry_run)
                return change_preview(s, c);
        int code = change_send(s, c, &sequence);
        return code == EXIT_CODE_OK && !quiet ? echo(s, verb, c, sequence) : code;
}

static void tell_binding(const struct options *o, const struct acceptance *a)
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
static void tell_shadowed(struct session *s, const char *key, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = name };
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *layer = change_layer(s);

        if (session_new_call(s, "Get", key, name, &m) != EXIT_CODE_OK)
                return;
        int code = session_call(s, m, &reply);
        if (code == EXIT_CODE_NOT_FOUND)
                warn("written, but a layer above %s masks the value or its key; `peios-reg why` shows it",
                        layer);
        if (code != EXIT_CODE_OK || entry_read(reply, &e) < 0 ||
                fold_equal(e.layer, strlen(e.layer), layer, strlen(layer)))
                return;
        const struct value v = entry_value(&e);
        format_typed(&text, &v);
        if (strcmp(e.layer, LAYER_DEFAULT) == 0) {
                warn("written, but a layer above %s masks the value or its key, and the default %s is in force; "
                     "`peios-reg why` shows it",
                        layer, buf_str(&text));
                return;
        }
        warn("written, but layer %s wins over %s with %s; `peios-reg why` shows them all", e.layer, layer,
                buf_str(&text));
}

static int set_value(struct session *s, const char *key, const char *name, const char *literal)
{
        const struct options *o = &s->args->options;
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct acceptance acceptance;
        uint32_t type;
        bool inferred;

        int r = literal_parse(literal, &bytes, &type, &inferred, &s->diag);
        if (r < 0)
                return session_refuse(s, r);
        const struct value v = { .type = type, .data = bytes.data, .size = bytes.len };
        bool surprising = inferred && type != REG_SZ && inference_surprises(literal);
        int code = session_check_names(s, key, name);
        /* The bus greets us while the schema is being read. */
        if (code == EXIT_CODE_OK)
                code = session_connect(s);
        if (code == EXIT_CODE_OK)
                code = acceptance_check(s, key, name, &v, &acceptance);
        if (code != EXIT_CODE_OK)
                return code;
        code = perform(s, "set", &(struct change){ CHANGE_SET, key, name, &v }, o->quiet && !surprising);
        if (code != EXIT_CODE_OK)
                return code;
        /* The warnings come after what they are about, on a terminal too. */
        code = session_flush(s);
        if (code != EXIT_CODE_OK)
                return code;
        if (!o->quiet && !o->dry_run)
                tell_shadowed(s, key, name);
        if (inferred && is_oversized_number(literal))
                warn("%s is too large for a number and %s as text", literal,
                        o->dry_run ? "would be stored" : "stored");
        acceptance_warn(s, &acceptance, key, name, literal, inferred && type != REG_SZ);
        tell_binding(o, &acceptance);
        return EXIT_CODE_OK;
}

int command_set(struct session *s)
{
        char *const *words = s->args->words;
        _cleanup_free_ char *key = NULL, *name = NULL;

        if (s->args->n_words == 3)
                return set_value(s, words[0], value_name_of_word(words[1]), words[2]);
        int r = split_value_word(words[0], &key, &name, &s->diag);
        return r < 0 ? session_refuse(s, r) : set_value(s, key, name, words[1]);
}

int command_new(struct session *s)
{
        return perform(s, "new", &(struct change){ CHANGE_CREATE_KEY, s->args->words[0], NULL, NULL },
                s->args->options.quiet);
}

/* Never without somebody to answer: a script is not asked. */
static bool confirmed(const struct session *s, const char *key)
{
        const struct options *o = &s->args->options;
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
        const struct options *o = &s->args->options;

        if (name ? o->recursive : o->expected.given) {
                (void)diag_set(&s->diag, EINVAL, "%s: '%s' is a %s",
                        name ? "-r is for keys" : "--expected-seq is for values", s->args->words[0],
                        name ? "value" : "key");
                return EXIT_CODE_USAGE;
        }
        if (!name && !confirmed(s, key)) {
                complain("nothing is deleted");
                return EXIT_CODE_OK;
        }
        return perform(s, "del",
                &(struct change){ name ? CHANGE_DELETE : CHANGE_DELETE_KEY, key, name, NULL }, o->quiet);
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

int command_del(struct session *s)
{
        _cleanup_free_ char *key = NULL, *name = NULL;
        bool one_word = s->args->n_words == 1;
        bool maybe_hidden = one_word && !s->args->options.expected.given;

        if (one_word && s->args->options.recursive)
                return delete_one(s, s->args->words[0], NULL);
        int code = session_target(s, &key, &name);
        if (code == EXIT_CODE_OK)
                code = delete_one(s, key, name);
        return code == EXIT_CODE_NOT_FOUND && name && maybe_hidden ? delete_hidden(s, s->args->words[0])
                                                                   : code;
}
