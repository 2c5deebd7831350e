/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup: a copy of the registry's database, with its history, made while others write. check: whether the
 * database, or such a copy, is as it should be. repair: what is not is put right. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "commands.h"

/* Each takes as long as the database is large. */
#define TIMEOUT_USEC UINT64_C(600000000)

/* What is half written does not stay. Peios's own, with a key, replaces what is there. */
static int write_file(struct session *s, const char *file, bool replaces, int from)
{
        _cleanup_free_ char *new = NULL;

        if (asprintf(&new, "%s%s", file, replaces ? ".XXXXXX" : "") < 0)
                return session_fail(s, -ENOMEM, NULL);
        _cleanup_close_ int to =
                replaces ? mkostemp(new, O_CLOEXEC)
                         : open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return session_fail(s, -errno, new);
        int r = file_copy(from, to);
        if (r == 0 && (fsync(to) < 0 || (replaces && rename(new, file) < 0)))
                r = -errno;
        if (r < 0)
                (void)unlink(new);
        return r < 0 ? session_fail(s, r, file) : EXIT_CODE_OK;
}

static void report_copied(struct session *s, const char *key, const char *file)
{
        struct json j = json_on(&s->out);

        if (s->options.json) {
                json_begin_object(&j);
                if (key)
                        words_path_to_json(&j, "backup", key);
                json_add_string(&j, "file", file);
                session_end_json(s, &j);
        } else if (key && !s->options.quiet) {
                buf_puts(&s->out, "backed up ");
                words_format_key(&s->out, key);
                utf8_put_between(&s->out, " -> ", file, "\n");
        }
}

/* Before the work is done. */
static int check_words(struct session *s, struct path *ret_key, const char *file)
{
        _cleanup_message_ sd_bus_message *info = NULL;

        if (s->line.n_words == 1)
                return access(file, F_OK) == 0 ? session_fail(s, -EEXIST, file) : EXIT_CODE_OK;
        int code = session_path(s, s->line.words[0], ret_key);
        return code == EXIT_CODE_OK ? session_ask(s, "Info", ret_key->text, NULL, &info) : code;
}

static int ask_slowly(struct session *s, const char *method, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_new_call(s, method, NULL, NULL, &m);
        return code == EXIT_CODE_OK ? (int)client_call(s->bus, m, TIMEOUT_USEC, ret, &s->diag) : code;
}

int command_backup(struct session *s)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_path_ struct path key = { 0 };
        const char *file = s->line.words[s->line.n_words - 1];
        int from;

        int code = check_words(s, &key, file);
        if (code == EXIT_CODE_OK)
                code = s->options.dry_run ? session_connect(s) : ask_slowly(s, "Backup", &reply);
        if (code != EXIT_CODE_OK || s->options.dry_run)
                return code;
        int r = sd_bus_message_read(reply, "h", &from);
        if (r < 0)
                return session_bad_reply(s, r);
        code = write_file(s, file, key.text != NULL, from);
        if (code == EXIT_CODE_OK)
                report_copied(s, key.text, file);
        return code;
}

/* ---- check ---- */

static int read_findings(struct session *s, sd_bus_message *reply, struct diags *ret)
{
        const char *text;

        int r = sd_bus_message_enter_container(reply, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(reply, "s", &text)) > 0) {
                struct diag d;
                (void)diag_set(&d, 0, "%s", text);
                r = diags_add(ret, &d);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

static int ask_for_check(struct session *s, struct diags *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        int code = ask_slowly(s, "Check", &reply);
        return code == EXIT_CODE_OK ? read_findings(s, reply, ret) : code;
}

static void show_findings(struct session *s, const struct diags *found)
{
        struct json j = json_on(&s->out);

        if (s->options.json) {
                json_begin_object(&j);
                words_findings_to_json(&j, "findings", found);
                session_end_json(s, &j);
                return;
        }
        words_put_findings(&s->out, found);
        if (found->n == 0 && !s->options.quiet)
                buf_puts(&s->out, "all is as it should be\n");
}

int command_check(struct session *s)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        const char *file = s->line.n_words > 0 ? s->line.words[0] : NULL;

        int code = file ? reg_store_check(s, file, &found) : ask_for_check(s, &found);
        if (code != EXIT_CODE_OK)
                return code;
        show_findings(s, &found);
        code = session_flush(s);
        /* Files and layers' metadata that do not count are no fault of the database. */
        if (code == EXIT_CODE_OK && !file)
                code = session_report_problems(s);
        if (code != EXIT_CODE_OK || found.n == 0)
                return code;
        return session_error(s, EXIT_CODE_INVALID, "%s: %zu %s not as it should be",
                file ? file : "the registry", found.n, found.n == 1 ? "thing is" : "things are");
}

/* ---- repair ---- */

int reg_repaired_show(struct session *s, const char *outcome, const struct diags *found,
        const struct diags *left, const char *text)
{
        const bool is_done = strcmp(outcome, "stop-first") != 0 && strcmp(outcome, "impossible") != 0;
        const bool is_loss = strcmp(outcome, "backup-loaded") == 0;
        struct json j = json_on(&s->out);

        if (s->options.json) {
                json_begin_object(&j);
                json_add_string(&j, "outcome", outcome);
                json_add_bool(&j, "dry_run", s->options.dry_run);
                json_add_string(&j, "text", text);
                words_findings_to_json(&j, "findings", found);
                words_findings_to_json(&j, "left", left);
                session_end_json(s, &j);
        } else {
                if (!s->options.quiet)
                        words_put_findings(&s->out, found);
                if (is_done && (!s->options.quiet || is_loss)) {
                        utf8_put_safe(&s->out, text, strlen(text));
                        buf_putc(&s->out, '\n');
                }
                if (!is_done)
                        (void)diag_set(&s->diag, EUCLEAN, "%s (%s)", text,
                                left->n > 0 ? left->list[0] : found->list[0]);
        }
        int code = session_flush(s);
        return code == EXIT_CODE_OK && !is_done ? EXIT_CODE_INVALID : code;
}

static int ask_for_repair(struct session *s)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_(diags_done) struct diags found = { 0 }, left = { 0 };
        const char *outcome, *text;

        int code = ask_slowly(s, s->options.dry_run ? "PreviewRepair" : "Repair", &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "s", &outcome);
        if (r < 0)
                return session_bad_reply(s, r);
        code = read_findings(s, reply, &found);
        if (code == EXIT_CODE_OK)
                code = read_findings(s, reply, &left);
        if (code != EXIT_CODE_OK)
                return code;
        r = sd_bus_message_read(reply, "s", &text);
        return r < 0 ? session_bad_reply(s, r) : reg_repaired_show(s, outcome, &found, &left, text);
}

/* It is not started for that: it may be what cannot be started. */
static bool provider_runs(struct session *s)
{
        struct diag before = s->diag;

        int code = session_connect(s);
        s->diag = before;
        return code == EXIT_CODE_OK && sd_bus_get_name_creds(s->bus, REGISTRY_BUS_NAME, 0, NULL) >= 0;
}

int command_repair(struct session *s)
{
        return !s->options.root && provider_runs(s) ? ask_for_repair(s) : reg_store_repair(s);
}
