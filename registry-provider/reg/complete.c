/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* complete: what the shells offer for a word that is being typed, one candidate a line. They need know
 * nothing of names: what is there or known, in any case, is found here. A key ends in the separator that
 * leads on. */

#include <errno.h>
#include <string.h>

#include "commands.h"
#include "listing.h"

struct complete {
        struct session *s;
        const char *typed; /* the word so far */
        size_t parent;     /* so much of it stands before the name */
        char folded[FOLDED_BYTES(NAME_BYTES_MAX)];
};

/* No name has more bytes than one may have: then nothing begins so. */
static bool begin(struct complete *c, const char *typed, size_t parent)
{
        size_t n = strlen(typed + parent);

        c->typed = typed;
        c->parent = parent;
        c->folded[0] = '\0';
        return n == 0 || (n <= NAME_BYTES_MAX && utf8_valid_prefix(typed + parent, n) == n &&
                                 fold_text(typed + parent, n, c->folded, sizeof(c->folded)) > 0);
}

static bool is_line(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        return false;
        return true;
}

static bool begins(const struct complete *c, const char *name)
{
        char folded[FOLDED_BYTES(NAME_BYTES_MAX)];
        size_t n = strlen(name);

        if (!is_line(name))
                return false;
        return !c->folded[0] || (n <= NAME_BYTES_MAX && fold_text(name, n, folded, sizeof(folded)) > 0 &&
                                        strncmp(folded, c->folded, strlen(c->folded)) == 0);
}

static void offer(struct complete *c, const char *name, const char *end)
{
        if (begins(c, name))
                buf_printf(&c->s->out, "%.*s%s%s\n", (int)c->parent, c->typed, name, end);
}

/* ---- Values, layers and data ---- */

/* The values that are there, then those that are only known. `in_path`: as the last part of one. */
static int offer_values(struct complete *c, struct listing *l, bool in_path)
{
        _cleanup_entry_ struct entry e = { 0 };
        int r;

        while ((r = listing_next(l, &e)) > 0)
                if (!in_path || !strpbrk(e.name, "\\/"))
                        offer(c, path_word_of_value_name(e.name), "");
        for (size_t i = 0; r == 0 && i < l->known.n; i++) {
                const struct known *k = &l->known.list[i];
                if (!k->is_set && (!in_path || !strpbrk(k->d.sv.name, "\\/")))
                        offer(c, path_word_of_value_name(k->d.sv.name), "");
        }
        return r < 0 ? session_bad_reply(c->s, r) : EXIT_CODE_OK;
}

static int complete_layer(struct complete *c)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *name, *file;
        uint32_t precedence;
        int enabled;

        int code = session_connect(c->s);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_get_property(c->s->bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE,
                "Layers", &error, &reply, "a(substs)");
        if (r < 0)
                return (int)client_explain(r, &error, REGISTRY_SERVICE_WORDS, &c->s->diag);
        r = sd_bus_message_enter_container(reply, 'a', "(substs)");
        /* A file's layer takes no writes. */
        while (r >= 0 && (r = sd_bus_message_read(
                                  reply, "(substs)", &name, &precedence, &enabled, &file, NULL, NULL)) > 0)
                if (!file[0])
                        offer(c, name, "");
        return r < 0 ? session_bad_reply(c->s, r) : EXIT_CODE_OK;
}

/* The words that are allowed; where nothing is known, how the types begin. */
static int complete_data(struct complete *c, const char *key, const char *name)
{
        static const char *const types[] = {
                "sz:", "expand:", "dword:", "qword:", "dword-be:", "multi:", "hex:", "link:", "none:"
        };
        _cleanup_known_ struct known k = { 0 };

        int code = known_get(c->s, key, name, &k);
        for (size_t i = 0; code == EXIT_CODE_OK && i < k.d.sv.n_choices; i++)
                offer(c, k.d.sv.choices[i].value, "");
        for (size_t i = 0; code == EXIT_CODE_OK && !k.is_known && i < ARRAY_SIZE(types); i++)
                offer(c, types[i], "");
        return code;
}

static int complete_value(struct complete *c, const char *key)
{
        _cleanup_listing_ struct listing l = { 0 };

        int code = listing_get(c->s, key, &l);
        /* What a layer that is not there yet can have. */
        bool is_layer = code == EXIT_CODE_NOT_FOUND && l.known.n > 0;
        return code == EXIT_CODE_OK || is_layer ? offer_values(c, &l, false) : code;
}

/* Behind `set`: a value of the key, or the data of a value that the first word has. */
static int complete_operand(struct complete *c, const char *word)
{
        _cleanup_free_ char *key = NULL, *name = NULL;

        int code = complete_value(c, word);
        if (code != EXIT_CODE_NOT_FOUND || words_split(word, &key, &name, NULL) < 0)
                return code;
        return complete_data(c, key, name);
}

/* ---- Paths ---- */

/* Names of subkeys: of those that are there, and of those that are known. */
static size_t count_keys(const struct complete *c, const struct listing *l, const char **ret_last)
{
        const char *name;
        size_t n = 0;

        for (const char **k = l->subkeys; *k; k++)
                if (begins(c, *k)) {
                        *ret_last = *k;
                        n++;
                }
        for (size_t at = 0; (name = listing_next_known(l, &at));)
                if (begins(c, name)) {
                        *ret_last = name;
                        n++;
                }
        return n;
}

static int goes_on(struct complete *c, const char *name, bool values, bool *ret)
{
        _cleanup_listing_ struct listing l = { 0 };
        _cleanup_entry_ struct entry e = { 0 };
        _cleanup_buf_ struct buf key = BUF_INIT;

        buf_printf(&key, "%.*s%s", (int)c->parent, c->typed, name);
        int code = key.error ? session_fail(c->s, key.error, NULL) : listing_get(c->s, buf_str(&key), &l);
        if (code != EXIT_CODE_OK)
                return code;
        *ret = l.subkeys[0] || (l.known.subkeys && l.known.subkeys[0]) ||
               (values && (l.known.n > 0 || listing_next(&l, &e) > 0));
        return EXIT_CODE_OK;
}

static int offer_keys(struct complete *c, const struct listing *l, bool values)
{
        const char *separator = strchr(c->typed, '/') ? "/" : "\\", *name = NULL;
        bool leads_on = true;

        if (count_keys(c, l, &name) == 1) {
                int code = goes_on(c, name, values, &leads_on);
                if (code != EXIT_CODE_OK && code != EXIT_CODE_NOT_FOUND)
                        return code;
        }
        for (const char **k = l->subkeys; *k; k++)
                offer(c, *k, leads_on ? separator : "");
        for (size_t at = 0; (name = listing_next_known(l, &at));)
                offer(c, name, leads_on ? separator : "");
        return EXIT_CODE_OK;
}

/* At the beginning a path may go on with a hive, or below the default one. */
static int complete_first(struct complete *c, bool values)
{
        _cleanup_listing_ struct listing l = { 0 };

        int code = session_ask_hives(c->s);
        if (code == EXIT_CODE_OK)
                code = listing_get(c->s, DEFAULT_HIVE, &l);
        if (code != EXIT_CODE_OK)
                return code;
        for (char **hive = c->s->hives; *hive; hive++)
                offer(c, *hive, strchr(c->typed, '/') ? "/" : "\\");
        return offer_keys(c, &l, values);
}

static int complete_path(struct complete *c, bool values)
{
        _cleanup_listing_ struct listing l = { 0 };
        _cleanup_free_ char *parent = NULL;
        const char *typed = c->typed;
        size_t at = strlen(typed);

        while (at > 0 && typed[at - 1] != '\\' && typed[at - 1] != '/')
                at--;
        if (!begin(c, typed, at))
                return EXIT_CODE_OK;
        if (at <= 1)
                return complete_first(c, values);
        parent = strndup(typed, at - 1);
        if (!parent)
                return session_fail(c->s, -ENOMEM, NULL);
        int code = listing_get(c->s, parent, &l);
        if (code == EXIT_CODE_OK)
                code = offer_keys(c, &l, values);
        return code == EXIT_CODE_OK && values ? offer_values(c, &l, true) : code;
}

/* ---- The command: KIND, the words before, and the one that is typed ---- */

int command_complete(struct session *s)
{
        char *const *words = s->line.words;
        const size_t n = s->line.n_words;
        struct complete c = { .s = s, .typed = words[n - 1] };
        const char *kind = words[0];

        if (n == 2 && (strcmp(kind, "key") == 0 || strcmp(kind, "path") == 0))
                return complete_path(&c, kind[0] == 'p');
        if (!begin(&c, words[n - 1], 0))
                return EXIT_CODE_OK;
        if (n == 2 && strcmp(kind, "layer") == 0)
                return complete_layer(&c);
        if (n == 3 && strcmp(kind, "value") == 0)
                return complete_value(&c, words[1]);
        if (n == 3 && strcmp(kind, "operand") == 0)
                return complete_operand(&c, words[1]);
        if (n == 4 && strcmp(kind, "data") == 0)
                return complete_data(&c, words[1], path_value_name_of_word(words[2]));
        return session_error(s, EXIT_CODE_USAGE,
                "expected `key` or `path` and a word, `value` or `operand` with a key and a word, `data` with a key, a "
                "value and a word, or `layer` and a word");
}
