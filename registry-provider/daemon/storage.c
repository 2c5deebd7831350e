/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../store/recovery.h"

#define QUIET_USEC UINT64_C(10000000)
/* Between two parts of a longer work. */
#define PART_USEC UINT64_C(50000)

/* The boot-time apply holds the lock while it reads, a few milliseconds. */
#define LOCK_TRIES 40u
#define LOCK_WAIT_USEC 25000u

#define HISTORY_KEY "\\System\\Registry\\History"
#define BACKUPS_KEY "\\System\\Registry\\Backups"
#define DAY_USEC UINT64_C(86400000000)
#define HOUR_USEC UINT64_C(3600000000)

static int take_lock(struct storage *s, const char *path, struct diag *d)
{
        int error = 0;

        s->lock_fd = file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, NULL, d);
        if (s->lock_fd < 0)
                return s->lock_fd;
        for (unsigned i = 0; i < LOCK_TRIES; i++) {
                if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
                        return 0;
                error = errno;
                if (error != EWOULDBLOCK)
                        break;
                (void)usleep(LOCK_WAIT_USEC);
        }
        return diag_set(d, error == EWOULDBLOCK ? EBUSY : error, "%s: %s", path,
                error == EWOULDBLOCK ? "another peios-registryd uses this folder" : strerror(error));
}

static void report_damage(struct storage *s, const char *reason, const char *text)
{
        registryd_report(s->daemon, LAYOUT_STORE, text,
                &(struct record){ .kind = RECORD_STATE_DAMAGED,
                        .path = LAYOUT_STORE,
                        .reason = reason,
                        .detail = text });
}

static int open_store(struct storage *s, struct diag *d)
{
        struct recovery recovery;
        struct diag text;

        int r = recovery_open(s->file, s->value_max, &s->store, &recovery, d);
        if (r <= 0)
                return r;
        recovery_describe(&recovery, &text);
        report_damage(s, recovery.backup[0] ? "backup-loaded" : "begun-anew", text.text);
        return 0;
}

/* Done or failed, and reported once either way. */
static void note_work(struct storage *s, const char *file, const struct upkeep_report *report)
{
        if (report->error < 0)
                registryd_report(s->daemon, file, report->text.text,
                        &(struct record){ .kind = RECORD_STATE_DAMAGED,
                                .path = file,
                                .reason = "upkeep-failed",
                                .detail = report->text.text });
        else
                registryd_mended(s->daemon, file);
}

static void note_report(struct storage *s, struct upkeep_report *report)
{
        switch (report->work) {
        case UPKEEP_CHECKPOINT:
                note_work(s, LAYOUT_STORE "-wal", report);
                break;
        case UPKEEP_CHECK:
                if (report->error == -EUCLEAN) {
                        store_set_damage(s->store, report->text.text);
                        report_damage(s, "damaged", report->text.text);
                } else
                        note_work(s, LAYOUT_STORE ": check", report);
                break;
        case UPKEEP_BACKUP:
                note_work(s, LAYOUT_STORE ": backup", report);
                if (report->error == 0)
                        log_debug("backup made: %s", report->text.text);
                break;
        case UPKEEP_COPY:
                registry1_copied(s->registry1, report->error, report->text.text, report->fd);
                break;
        case UPKEEP_INSPECT:
                registry1_inspected(s->registry1, report->error, report->text.text, &report->found);
                break;
        case UPKEEP_WORKS_N:
                break;
        }
}

static int on_upkeep(
        _unused_ sd_event_source *source, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct storage *s = userdata;
        struct upkeep_report report;

        while (upkeep_next(s->upkeep, &report))
                note_report(s, &report);
        return 0;
}

int storage_open(struct storage *s, struct diag *d)
{
        _cleanup_free_ char *folder = file_path(s->root, LAYOUT_STATE);
        _cleanup_free_ char *lock = file_path(s->root, LAYOUT_STORE_LOCK);
        if (!s->file)
                s->file = file_path(s->root, LAYOUT_STORE);
        if (!folder || !lock || !s->file)
                return -ENOMEM;
        int r = file_make_dirs(folder);
        if (r < 0)
                return diag_set(d, -r, "%s cannot be made: %s", folder, strerror(-r));
        r = s->lock_fd < 0 ? take_lock(s, lock, d) : 0;
        if (r == 0)
                r = open_store(s, d);
        if (r < 0)
                return r;
        r = upkeep_new(s->file, &s->settings, &s->upkeep, d);
        if (r == 0)
                r = sd_event_add_io(
                        s->event, &s->upkeep_source, upkeep_fd(s->upkeep), EPOLLIN, on_upkeep, s);
        if (r < 0)
                s->store = store_close(s->store);
        return r < 0 && !d->text[0] ? diag_set(d, -r, "cannot start: %s", strerror(-r)) : r;
}

int storage_mark(const struct storage *s, const char *why)
{
        return recovery_mark(s->file, why);
}

void storage_close(struct storage *s)
{
        s->upkeep_source = sd_event_source_disable_unref(s->upkeep_source);
        s->upkeep = upkeep_free(s->upkeep);
}

/* ---- Settings, which are values of its own registry ---- */

static void refuse(struct storage *s, const char *path, const struct registry_value *v, uint64_t in_force,
        const struct diag *why)
{
        _cleanup_buf_ struct buf value = BUF_INIT, text = BUF_INIT, old = BUF_INIT;

        buf_printf(&old, "%" PRIu64, in_force);
        value_format(&value, &v->value, true);
        buf_printf(&text, "%s (layer %s): %s; what was in force stays", path, v->layer, why->text);
        registryd_report(s->daemon, path, buf_str(&text),
                &(struct record){ .kind = RECORD_POLICY_REFUSED,
                        .path = path,
                        .old_text = buf_str(&old),
                        .new_text = buf_str(&value),
                        .layer = v->layer,
                        .reason = "invalid-value",
                        .detail = buf_str(&text) });
}

/* A number as the schema allows it. */
static void load_number(struct storage *s, const char *key, const char *name, uint64_t unit, uint64_t *ret)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(s->registry);
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf full = BUF_INIT;
        _cleanup_free_ char *text = NULL;
        struct registry_value v;
        struct diag why = { 0 };
        uint32_t number;

        buf_printf(&full, "%s\\%s", key, name);
        if (full.error < 0 || registry_path(s->registry, key, &path, NULL) != 0 ||
                registry_get(s->registry, &path, name, &v, NULL) != 0)
                return;
        const struct schema_value *sv = schema_find(registry_schema(s->registry), &path, name);
        if (!sv)
                return;
        if (schema_check(sv, &v.value, &text, &why) < 0 || value_get_u32(&v.value, &number) < 0) {
                refuse(s, buf_str(&full), &v, *ret / unit, &why);
                return;
        }
        *ret = number * unit;
        registryd_mended(s->daemon, buf_str(&full));
}

void storage_load_settings(struct storage *s)
{
        struct store_prune_limits *history = &s->history;
        struct upkeep_config upkeep = s->settings;
        uint64_t kept = upkeep.backups_kept;

        load_number(s, HISTORY_KEY, "Days", DAY_USEC, &history->age);
        load_number(s, HISTORY_KEY, "Rows", 1, &history->rows);
        load_number(s, HISTORY_KEY, "Megabytes", 1 << 20, &history->bytes);
        load_number(s, HISTORY_KEY, "PolicyMegabytes", 1 << 20, &history->policy_bytes);
        load_number(s, BACKUPS_KEY, "Hours", HOUR_USEC, &upkeep.backup_interval);
        load_number(s, BACKUPS_KEY, "Kept", 1, &kept);
        upkeep.backups_kept = kept;
        if (memcmp(&upkeep, &s->settings, sizeof(upkeep)) != 0)
                upkeep_configure(s->upkeep, &upkeep);
        s->settings = upkeep;
}

/* ---- Quiet moments ---- */

static void set_timer(struct storage *s, uint64_t usec)
{
        int r = loop_timer_start(s->quiet_timer, usec);
        if (r < 0)
                log_warning("cannot set the timer for quiet moments: %s; ignoring", strerror(-r));
}

/* One part at a time: whoever asks meanwhile waits for no more. */
static bool prune(struct storage *s)
{
        bool more = false;
        struct diag d = { 0 };

        registry1_flush(s->registry1);
        const unsigned pages = store_log_pages(s->store);
        int r = registry_prune(s->registry, &s->history, &more, &d);
        if (r != 0)
                storage_failed(s, r, d.text);
        /* Or the log would grow by all that is removed. */
        else if (store_log_pages(s->store) != pages)
                upkeep_changed(s->upkeep, s->store);
        return r == 0 && more;
}

static int on_quiet(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct storage *s = userdata;

        storage_load_settings(s);
        if (prune(s))
                set_timer(s, PART_USEC);
        /* Loading and previews take memory for a moment; an idle service gives it back. */
        else
                (void)malloc_trim(0);
        return 0;
}

/* Steady writing must not put it off. */
void storage_tried(struct storage *s)
{
        if (!loop_timer_runs(s->quiet_timer))
                set_timer(s, QUIET_USEC);
}

void storage_changed(struct storage *s)
{
        upkeep_changed(s->upkeep, s->store);
        if (registryd_clear(s->daemon, LAYOUT_STATE))
                log_notice("changes can be stored again");
        storage_tried(s);
}

void storage_copy(struct storage *s)
{
        upkeep_copy(s->upkeep);
}

void storage_inspect(struct storage *s)
{
        upkeep_inspect(s->upkeep);
}

void storage_failed(struct storage *s, int error, const char *text)
{
        if (error != -EUCLEAN) {
                registryd_report(s->daemon, LAYOUT_STATE, text,
                        &(struct record){ .kind = RECORD_STATE_DAMAGED,
                                .path = LAYOUT_STATE,
                                .reason = "not-stored",
                                .detail = text });
                return;
        }
        /* Whoever meets it next says it otherwise: what was found first is reported, by on_upkeep(). */
        upkeep_damaged(s->upkeep, text);
}

int storage_init(
        struct storage *s, struct registryd *daemon, sd_event *event, const char *root, size_t value_max)
{
        *s = (struct storage){ .daemon = daemon,
                .event = event,
                .root = root,
                .value_max = value_max,
                .lock_fd = -1,
                .history = STORE_PRUNE_LIMITS_DEFAULT,
                .settings = UPKEEP_CONFIG_DEFAULT };
        return loop_timer_new(event, PART_USEC, on_quiet, s, &s->quiet_timer);
}

void storage_done(struct storage *s)
{
        storage_close(s);
        sd_event_source_disable_unref(s->quiet_timer);
        closep(&s->lock_fd);
        free(STEAL_PTR(s->file));
}
