/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* undo: a change, or all since a moment, is taken back in one change; what that comes to is shown first. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "../../schema/bus/cleanup.h"
#include "commands.h"
#include "preview.h"

struct undo {
        struct session *s;
        struct words_moment moment;
        const char *what; /* the option's name */
        uint64_t until;   /* what was shown; 0: nothing was */
        uint32_t left_out;
};

static int read_words(struct undo *u)
{
        struct session *s = u->s;
        const char *since = s->options.since;
        const bool has_word = s->line.n_words > 0;

        if (has_word == (since != NULL)) {
                (void)diag_set(&s->diag, EINVAL, "which change: its number, or --since=TIME|SEQUENCE");
                return EXIT_CODE_USAGE;
        }
        if (since) {
                int code = session_moment(s, "--since", since, &u->moment);
                u->what = u->moment.is_time ? "since-time" : "since";
                return code;
        }
        u->what = "sequence";
        if (words_parse_moment(s->line.words[0], 0, &u->moment) && !u->moment.is_time)
                return EXIT_CODE_OK;
        (void)diag_set(&s->diag, EINVAL, "'%s' is no number of a change; `peios-reg history` shows them",
                s->line.words[0]);
        return EXIT_CODE_USAGE;
}

static int call(struct undo *u, const char *method, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_new_call(u->s, method, NULL, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", u->what, "t", u->moment.number, "force", "b",
                        (int)u->s->options.force);
        if (r >= 0 && u->until != 0 && u->s->line.n_words == 0)
                r = sd_bus_message_append(m, "{sv}", "until", "t", u->until);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? session_fail(u->s, r, NULL) : session_call(u->s, m, ret);
}

static void tell_left_out(const struct undo *u)
{
        if (u->left_out > 0 && !u->s->options.quiet)
                session_warn("%" PRIu32
                             " changes are left out: of drop-in files, of volatile keys, or of keys that "
                             "somebody has written to since",
                        u->left_out);
}

/* What it comes to. */
static int show(struct undo *u)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct preview_counts counts;

        int code = call(u, "PreviewUndo", &reply);
        if (code == EXIT_CODE_OK)
                code = preview_show(u->s, reply, &counts);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "ut", &u->left_out, &u->until);
        if (r < 0)
                return session_bad_reply(u->s, r);
        code = session_flush(u->s);
        if (code == EXIT_CODE_OK && u->s->options.dry_run)
                tell_left_out(u);
        return code;
}

/* Never without somebody to answer. */
static bool confirmed(const struct session *s)
{
        char answer[16];

        if (s->options.yes || !session_interactive())
                return true;
        fprintf(stderr, "peios-reg: take that back? [y/N] ");
        return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int read_answer(struct undo *u, sd_bus_message *reply)
{
        struct json j = json_on(&u->s->out);
        struct preview_counts counts;
        uint64_t sequence;
        int changed;

        int r = sd_bus_message_read(reply, "tb", &sequence, &changed);
        if (r >= 0)
                r = preview_read_counts(reply, &counts);
        if (r >= 0)
                r = sd_bus_message_read(reply, "u", &u->left_out);
        if (r < 0)
                return session_bad_reply(u->s, r);
        if (u->s->options.json) {
                json_begin_object(&j);
                preview_counts_to_json(&j, &counts);
                json_add_bool(&j, "effective", changed);
                json_add_number(&j, "sequence", sequence);
                json_add_number(&j, "left_out", u->left_out);
                session_end_json(u->s, &j);
        } else if (!u->s->options.quiet)
                buf_printf(&u->s->out,
                        "taken back: %" PRIu64 " entries are others now   (sequence %" PRIu64 ")\n",
                        preview_sum(&counts), sequence);
        int code = session_flush(u->s);
        if (code == EXIT_CODE_OK)
                tell_left_out(u);
        return code;
}

int command_undo(struct session *s)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct undo u = { .s = s };

        int code = read_words(&u);
        /* One JSON document is enough. */
        if (code == EXIT_CODE_OK && (s->options.dry_run || (!s->options.json && !s->options.quiet)))
                code = show(&u);
        if (code != EXIT_CODE_OK || s->options.dry_run)
                return code;
        if (!confirmed(s)) {
                session_complain("nothing is taken back");
                return EXIT_CODE_OK;
        }
        code = call(&u, "Undo", &reply);
        return code == EXIT_CODE_OK ? read_answer(&u, reply) : code;
}
