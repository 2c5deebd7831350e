/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* undo: a change, or all since a moment, is taken back in one change; what that comes to is shown first.
 * restore: in the same way the registry, or a key and all below it, becomes what a copy has. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/bus/cleanup.h"
#include "commands.h"
#include "preview.h"

/* A large copy is looked at as a whole. */
#define TIMEOUT_USEC UINT64_C(600000000)

struct undo {
        struct session *s;
        const char *method, *preview;
        const char *question, *done;
        int fd;          /* of a copy; -1: none */
        const char *key; /* which is all that it is about; NULL: it is about all */
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

        if (has_word == (since != NULL))
                return session_error(
                        s, EXIT_CODE_USAGE, "which change: its number, or --since=TIME|SEQUENCE");
        if (since) {
                int code = session_moment(s, "--since", since, &u->moment);
                u->what = u->moment.is_time ? "since-time" : "since";
                return code;
        }
        u->what = "sequence";
        if (words_parse_moment(s->line.words[0], 0, &u->moment) && !u->moment.is_time)
                return EXIT_CODE_OK;
        return session_error(s, EXIT_CODE_USAGE,
                "'%s' is no number of a change; `peios-reg history` shows them", s->line.words[0]);
}

static int append_options(const struct undo *u, sd_bus_message *m)
{
        int r = u->fd >= 0 ? sd_bus_message_append(m, "h", u->fd) : 0;
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && u->key)
                r = sd_bus_message_append(m, "{sv}", "key", "s", u->key);
        if (r >= 0 && u->what)
                r = sd_bus_message_append(m, "{sv}{sv}", u->what, "t", u->moment.number, "force", "b",
                        (int)u->s->options.force);
        if (r >= 0 && u->until != 0 && u->s->line.n_words == 0)
                r = sd_bus_message_append(m, "{sv}", "until", "t", u->until);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int call(struct undo *u, const char *method, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_new_call(u->s, method, NULL, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = append_options(u, m);
        if (r < 0)
                return session_fail(u->s, r, NULL);
        return (int)client_call(u->s->bus, m, TIMEOUT_USEC, ret, &u->s->diag);
}

static void report_left_out(const struct undo *u)
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

        int code = call(u, u->preview, &reply);
        if (code == EXIT_CODE_OK)
                code = preview_show(u->s, reply, &counts);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "ut", &u->left_out, &u->until);
        if (r < 0)
                return session_bad_reply(u->s, r);
        code = session_flush(u->s);
        if (code == EXIT_CODE_OK && u->s->options.dry_run)
                report_left_out(u);
        return code;
}

/* Never without somebody to answer. */
static bool confirmed(const struct undo *u)
{
        return u->s->options.yes || !session_interactive() || session_confirms("%s", u->question);
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
                if (u->key) {
                        words_path_to_json(&j, "restore", u->key);
                        json_add_string(&j, "file", u->s->line.words[1]);
                }
                preview_counts_to_json(&j, &counts);
                json_add_bool(&j, "effective", changed);
                json_add_number(&j, "sequence", sequence);
                json_add_number(&j, "left_out", u->left_out);
                session_end_json(u->s, &j);
        } else if (!u->s->options.quiet)
                buf_printf(&u->s->out, "%s: %" PRIu64 " entries are others now   (sequence %" PRIu64 ")\n",
                        u->done, preview_sum(&counts), sequence);
        int code = session_flush(u->s);
        if (code == EXIT_CODE_OK)
                report_left_out(u);
        return code;
}

static int run(struct undo *u)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct session *s = u->s;
        int code = EXIT_CODE_OK;

        /* One JSON document is enough. */
        if (s->options.dry_run || (!s->options.json && !s->options.quiet))
                code = show(u);
        if (code != EXIT_CODE_OK || s->options.dry_run)
                return code;
        if (!confirmed(u)) {
                session_complain("nothing is done");
                return EXIT_CODE_OK;
        }
        code = call(u, u->method, &reply);
        return code == EXIT_CODE_OK ? read_answer(u, reply) : code;
}

int command_undo(struct session *s)
{
        struct undo u = { .s = s,
                .method = "Undo",
                .preview = "PreviewUndo",
                .question = "take that back?",
                .done = "taken back",
                .fd = -1 };

        int code = read_words(&u);
        return code == EXIT_CODE_OK ? run(&u) : code;
}

int command_restore(struct session *s)
{
        const size_t n = s->line.n_words;
        const char *file = s->line.words[n - 1];
        _cleanup_path_ struct path path = { 0 };
        struct undo u = { .s = s,
                .method = "Restore",
                .preview = "PreviewRestore",
                .question = "restore that?",
                .done = "restored" };

        int code = n > 1 ? session_path(s, s->line.words[0], &path) : EXIT_CODE_OK;
        if (code != EXIT_CODE_OK)
                return code;
        u.key = path.text;
        _cleanup_close_ int fd = file_open(AT_FDCWD, file, O_RDONLY, 0, NULL, &s->diag);
        if (fd < 0)
                return s->diag.text[0] ? EXIT_CODE_FAILURE : session_fail(s, fd, file);
        u.fd = fd;
        return run(&u);
}
