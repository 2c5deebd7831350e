/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "upkeep-calls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/audit/auditlog.h"
#include "../../schema/base/log.h"
#include "../../schema/bus/cleanup.h"
#include "../../schema/dbus/names.h"
#include "../../schema/layout.h"
#include "../store/backup.h"
#include "../store/repair.h"

static sd_bus_message *take_waiting(struct waiting *w)
{
        return w->n > 0 ? w->list[--w->n] : NULL;
}

static void note_reply(sd_bus_message *m, int r)
{
        if (r < 0)
                log_debug("cannot answer %s: %s; ignoring", sd_bus_message_get_sender(m), strerror(-r));
        sd_bus_message_unref(m);
}

static void fail(sd_bus_message *m, const char *text)
{
        note_reply(m, sd_bus_reply_method_errorf(m, ERROR_STORAGE, "%s", text));
}

static int append_findings(sd_bus_message *reply, const struct diags *found)
{
        int r = sd_bus_message_open_container(reply, 'a', "s");

        for (size_t i = 0; r >= 0 && i < found->n; i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                utf8_replace(&text, found->list[i], strlen(found->list[i]));
                r = text.error ? text.error : sd_bus_message_append(reply, "s", buf_str(&text));
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* ---- Copies and checks ---- */

void upkeep_calls_copied(struct upkeep_calls *u, int error, const char *text, int fd)
{
        for (sd_bus_message *m; (m = take_waiting(&u->copies));)
                if (error < 0)
                        fail(m, text);
                else
                        note_reply(m, sd_bus_reply_method_return(m, "h", fd));
        if (fd >= 0)
                (void)close(fd);
}

static int reply_checked(sd_bus_message *m, const struct diags *found)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_findings(reply, found);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* ---- Repairs ---- */

/* The file is mended, whether that can be told or not. */
static int take_in(
        struct upkeep_calls *u, const struct actor *actor, const struct repair *repair, struct diag *d)
{
        const struct registry1_config *config = u->writer->config;
        const struct store_author author = { .reason = "repair", .actor = *actor };
        struct diag note;

        repair_note(repair, &note);
        int r = registry_repaired(config->registry, note.text, &author, d);
        writer_failed(u->writer, r, d);
        subscriptions_ask_all(u->writer->subscriptions);
        auditlog_emit(config->auditlog, &(struct record){ .kind = RECORD_STATE_DAMAGED,
                                                .path = LAYOUT_STORE,
                                                .reason = "repaired",
                                                .detail = note.text });
        if (r == 0)
                config->changed(config->userdata);
        return r;
}

/* All others wait: the registry must not change meanwhile. */
static int repair(struct upkeep_calls *u, sd_bus_message *m, struct repair *repair, struct diag *d)
{
        const struct registry1_config *config = u->writer->config;
        const struct caller *caller = gate_caller(u->writer->gate, m);

        if (!caller)
                return diag_set(d, ESRCH, "the caller is gone");
        writer_flush(u->writer);
        const bool is_damaged = store_damage(registry_store(config->registry))[0] != '\0';
        int r = repair_open_store(config->file, is_damaged, repair, d);
        if (r < 0 || repair->only_looked || repair->outcome != REPAIR_MENDED)
                return r;
        return take_in(u, &caller->actor, repair, d);
}

static int reply_repaired(sd_bus_message *m, const struct repair *repair)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct diag text;

        repair_describe(repair, &text);
        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", repair_word(repair));
        if (r >= 0)
                r = append_findings(reply, &repair->found);
        if (r >= 0)
                r = append_findings(reply, &repair->left);
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", text.text);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static bool is_preview(sd_bus_message *m)
{
        return strcmp(sd_bus_message_get_member(m), "PreviewRepair") == 0;
}

/* Takes over what was found. */
static void answer_repair(struct upkeep_calls *u, sd_bus_message *m, struct diags *found)
{
        _cleanup_repair_ struct repair done = { .only_looked = is_preview(m), .found = *found };
        struct diag d = { 0 };

        *found = (struct diags){ 0 };
        int r = repair(u, m, &done, &d);
        if (r != 0)
                fail(m, d.text[0] ? d.text : strerror(-r));
        else
                note_reply(m, reply_repaired(m, &done));
}

void upkeep_calls_inspected(struct upkeep_calls *u, int error, const char *text, struct diags *found)
{
        sd_bus_message *m;

        while ((m = take_waiting(&u->checks)))
                if (error < 0)
                        fail(m, text);
                else
                        note_reply(m, reply_checked(m, found));
        while (error < 0 && (m = take_waiting(&u->repairs)))
                fail(m, text);
        if ((m = take_waiting(&u->repairs)))
                answer_repair(u, m, found);
        /* For the others it may be otherwise now. */
        if (u->repairs.n > 0)
                u->writer->config->inspect(u->writer->config->userdata);
        diags_done(found);
}

void upkeep_calls_end(struct upkeep_calls *u)
{
        static const char text[] = "the provider ends";

        upkeep_calls_copied(u, -ECANCELED, text, -1);
        upkeep_calls_inspected(u, -ECANCELED, text, &(struct diags){ 0 });
}

/* ---- Calls ---- */

static int refuse(struct upkeep_calls *u, sd_bus_message *m, const struct caller *caller, const char *what,
        sd_bus_error *error)
{
        _cleanup_buf_ struct buf name = BUF_INIT;

        buf_printf(&name, "%s()", sd_bus_message_get_member(m));
        if (!is_preview(m))
                refusals_note(u->writer->refusals, &caller->actor, buf_str(&name), NULL, "not root");
        return sd_bus_error_setf(error, ERROR_ACCESS_DENIED, "only root may have %s", what);
}

/* It keeps the maintenance busy as long as the database is large. */
static int wait_for(struct upkeep_calls *u, sd_bus_message *m, struct waiting *w, const char *what,
        void (*ask)(void *userdata), sd_bus_error *error)
{
        const struct caller *caller = gate_caller(u->writer->gate, m);

        if (!caller)
                return -ESRCH;
        if (caller->actor.uid != 0)
                return refuse(u, m, caller, what, error);
        if (w->n == ARRAY_SIZE(w->list))
                return sd_bus_error_setf(
                        error, ERROR_LIMIT, "%zu calls already wait to have %s", w->n, what);
        writer_flush(u->writer);
        w->list[w->n++] = sd_bus_message_ref(m);
        ask(u->writer->config->userdata);
        return 1;
}

/* It has all that anybody may read, and what was there once; and it takes as much room again. */
int upkeep_calls_backup(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct upkeep_calls *u = userdata;

        return wait_for(u, m, &u->copies, "a copy of the database", u->writer->config->copy, error);
}

int upkeep_calls_check(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct upkeep_calls *u = userdata;

        return wait_for(u, m, &u->checks, "the database checked", u->writer->config->inspect, error);
}

int upkeep_calls_repair(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct upkeep_calls *u = userdata;

        return wait_for(u, m, &u->repairs, "the database repaired", u->writer->config->inspect, error);
}

/* ---- Health ---- */

/* Of the file, and of the log beside it. Nothing is opened: closing it would take SQLite's locks away. */
static uint64_t store_bytes(const char *file)
{
        static const char *const suffixes[] = { "", "-wal" };
        uint64_t bytes = 0;

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_buf_ struct buf path = BUF_INIT;
                struct stat st;
                buf_printf(&path, "%s%s", file, suffixes[i]);
                if (!path.error && stat(buf_str(&path), &st) == 0)
                        bytes += (uint64_t)st.st_size;
        }
        return bytes;
}

/* All zero: there is none. */
static struct backup newest_backup(const char *file)
{
        _cleanup_free_ struct backup *list = NULL;
        size_t n;

        return backup_list(file, &list, &n) == 0 && n > 0 ? list[0] : (struct backup){ 0 };
}

/* Values that are refused. */
static uint64_t count_refused(const struct problems *p)
{
        uint64_t n = 0;

        for (size_t i = 0; i < p->n; i++)
                n += problem_is_of_value(&p->list[i]);
        return n;
}

static uint64_t count_ending(const struct layers *l)
{
        uint64_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                n += l->list[i].has_end;
        return n;
}

static int append_commits(sd_bus_message *m, const struct store_syncs *syncs)
{
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "commits-within");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(tt)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(tt)");
        for (size_t i = 0; r >= 0 && i < STORE_SYNC_BOUNDS; i++)
                r = sd_bus_message_append(m, "(tt)", store_sync_bounds[i], syncs->within[i]);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

int upkeep_calls_health(const struct registry1_config *config, size_t n_subscriptions, sd_bus_message *m)
{
        const struct store_syncs *syncs = store_syncs(registry_store(config->registry));
        const struct layers *layers = registry_layers(config->registry);
        const struct backup backup = newest_backup(config->file);
        const struct {
                const char *name;
                uint64_t value;
        } numbers[] = {
                { "problems", config->problems->n },
                { "refused", count_refused(config->problems) },
                { "layers", layers->n },
                { "layers-ending", count_ending(layers) },
                { "sequence", registry_sequence(config->registry) },
                { "subscriptions", n_subscriptions },
                { "store-bytes", store_bytes(config->file) },
                { "backup-time", backup.time },
                { "backup-sequence", backup.sequence },
                { "commits", syncs->n },
                { "commit-usec", syncs->usec },
        };
        _cleanup_message_ sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
                r = sd_bus_message_append(reply, "{sv}", numbers[i].name, "t", numbers[i].value);
        if (r >= 0)
                r = append_commits(reply, syncs);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
