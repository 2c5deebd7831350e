/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mask, unmask, hide and unhide: what a layer hides of those below it. */

#include <errno.h>
#include <string.h>

#include "commands.h"
#include "tree-key.h"
#include "write.h"

/* What the layer itself has there. */
struct own {
        bool is_key;              /* it names the key */
        bool has_value, has_mask; /* it has the value, or its tombstone */
        uint64_t sequence;        /* of that */
};

static void read_own_values(struct tree_key *key, const char *name, struct own *o)
{
        struct tree_value v;

        while (tree_value_next(key, &v))
                if (name && fold_same(name, v.name)) {
                        o->has_mask = v.value.type == REG_TOMBSTONE;
                        o->has_value = !o->has_mask;
                        o->sequence = v.sequence;
                }
}

/* The first key of ReadTree() is the one that it was asked for, or one below where the layer has nothing in
 * that. */
static int read_own_key(sd_bus_message *m, const struct path *path, const char *name, struct own *ret)
{
        _cleanup_tree_key_ struct tree_key key = { 0 };
        struct own o = { 0 };

        int r = tree_page_enter(m);
        if (r >= 0)
                r = tree_key_next(m, &key);
        if (r > 0 && fold_equal(key.path, strlen(key.path), path->text, path->len)) {
                o.is_key = key.flags & TREE_KEY_IS_NAMED;
                read_own_values(&key, name, &o);
        }
        if (r >= 0)
                *ret = o;
        return r < 0 ? r : 0;
}

static int ask_own(struct session *s, const char *key, const char *name, struct own *ret)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_path_ struct path path = { 0 };
        const struct diag before = s->diag;

        *ret = (struct own){ 0 };
        int code = session_find(s, key, &path, NULL);
        if (code == EXIT_CODE_OK)
                code = session_new_call(s, "ReadTree", path.text, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_append(m, "a{sv}", 2, "layer", "s", session_layer(s), "no-follow", "b", 1);
        if (r < 0)
                return session_fail(s, r, NULL);
        code = session_call(s, m, &reply);
        if (code == EXIT_CODE_NOT_FOUND) {
                s->diag = before;
                return EXIT_CODE_OK;
        }
        if (code != EXIT_CODE_OK)
                return code;
        r = read_own_key(reply, &path, name, ret);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

/* To hide what the layer has itself is to lose it. */
static int check_loss(struct session *s, const char *key, const char *name, bool lost)
{
        const struct reg_options *o = &s->options;
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (!lost || o->yes || o->dry_run)
                return EXIT_CODE_OK;
        words_format_key(&path, key);
        if (session_interactive() &&
                session_confirms("lose what layer %s itself has in %s%s%s?", session_layer(s),
                        buf_str(&path), name ? "  " : "", name ? path_word_of_value_name(name) : ""))
                return EXIT_CODE_OK;
        return session_error(s, EXIT_CODE_USAGE,
                "%s: nothing is done: layer %s itself has the %s, and would lose it; expected a layer above it "
                "(--layer), or -y",
                buf_str(&path), session_layer(s), name ? "value" : "key");
}

/* The value that mask and unmask are for; NULL: all of the key. */
static int masked_name(struct session *s, const char **ret)
{
        const struct options_line *l = &s->line;

        if (s->options.all == (l->n_words == 2))
                return session_error(s, EXIT_CODE_USAGE,
                        "%s: expected the name of a value, or --all for all of the key", l->command->name);
        *ret = s->options.all ? NULL : path_value_name_of_word(l->words[1]);
        return EXIT_CODE_OK;
}

/* A slip of the hand must not make a key only to mask what is in it. */
static int check_key_is_there(struct session *s, const char *key)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        return session_ask(s, "Info", key, NULL, &reply);
}

int command_mask(struct session *s)
{
        const char *key = s->line.words[0], *name = NULL;
        struct own own;

        int code = masked_name(s, &name);
        if (code == EXIT_CODE_OK)
                code = check_key_is_there(s, key);
        if (code != EXIT_CODE_OK)
                return code;
        if (!name)
                return write_change(s, WRITE_MASK_VALUES, key, NULL);
        code = ask_own(s, key, name, &own);
        if (code == EXIT_CODE_OK)
                code = check_loss(s, key, name, own.has_value);
        return code == EXIT_CODE_OK ? write_change(s, WRITE_MASK, key, name) : code;
}

int command_unmask(struct session *s)
{
        const char *key = s->line.words[0], *name = NULL;
        struct own own;

        int code = masked_name(s, &name);
        if (code != EXIT_CODE_OK)
                return code;
        if (!name)
                return write_change(s, WRITE_UNMASK_VALUES, key, NULL);
        code = ask_own(s, key, name, &own);
        if (code != EXIT_CODE_OK)
                return code;
        if (!own.has_mask)
                return session_error(s, EXIT_CODE_NOT_FOUND, "%s: layer %s does not mask value '%s'%s", key,
                        session_layer(s), path_word_of_value_name(name),
                        own.has_value ? ", but has it: `del` withdraws it" : "");
        /* What takes its place meanwhile stays. */
        s->options.expected = (struct expected){ .given = true, .sequence = own.sequence };
        return write_change(s, WRITE_UNMASK, key, name);
}

int command_hide(struct session *s)
{
        const char *key = s->line.words[0];
        struct own own;

        int code = check_key_is_there(s, key);
        if (code == EXIT_CODE_OK)
                code = ask_own(s, key, NULL, &own);
        if (code == EXIT_CODE_OK)
                code = check_loss(s, key, NULL, own.is_key);
        return code == EXIT_CODE_OK ? write_change(s, WRITE_HIDE_KEY, key, NULL) : code;
}

int command_unhide(struct session *s)
{
        return write_change(s, WRITE_SHOW_KEY, s->line.words[0], NULL);
}
