/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store's folder: taken for this process, opened, and kept up in quiet moments. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../store/recovery.h"
#include "manager-internal.h"

#define QUIET_USEC UINT64_C(10000000)
/* Between two parts of a longer work. */
#define PART_USEC UINT64_C(50000)

/* The boot-time apply holds the lock while it reads, a few milliseconds. */
#define LOCK_TRIES 40u
#define LOCK_WAIT_USEC 25000u

static int take_lock(struct manager *m, const char *path, struct diag *d)
{
        int error = 0;

        m->lock_fd = file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, NULL, d);
        if (m->lock_fd < 0)
                return m->lock_fd;
        for (unsigned i = 0; i < LOCK_TRIES; i++) {
                if (flock(m->lock_fd, LOCK_EX | LOCK_NB) == 0)
                        return 0;
                error = errno;
                if (error != EWOULDBLOCK)
                        break;
                (void)usleep(LOCK_WAIT_USEC);
        }
        return diag_set(d, error == EWOULDBLOCK ? EBUSY : error, "%s: %s", path,
                error == EWOULDBLOCK ? "another peios-registryd uses this folder" : strerror(error));
}

static void report_damage(struct manager *m, const char *reason, const char *text)
{
        report_problem(m, LAYOUT_STORE, text,
                &(struct record){ .kind = RECORD_STATE_DAMAGED,
                        .path = LAYOUT_STORE,
                        .reason = reason,
                        .detail = text });
}

static int open_store(struct manager *m, const char *file, struct diag *d)
{
        struct recovery recovery;
        struct diag text;

        int r = recovery_open(file, m->value_max, &m->store, &recovery, d);
        if (r <= 0)
                return r;
        recovery_describe(&recovery, &text);
        report_damage(m, recovery.backup[0] ? "backup-loaded" : "begun-anew", text.text);
        return 0;
}

/* Done or failed, and told once either way. */
static void note_work(struct manager *m, const char *file, const struct upkeep_report *report)
{
        if (report->error < 0)
                report_problem(m, file, report->text.text,
                        &(struct record){ .kind = RECORD_STATE_DAMAGED,
                                .path = file,
                                .reason = "upkeep-failed",
                                .detail = report->text.text });
        else if (clear_problem(m, file))
                log_notice("%s is good again", file);
}

static void note_report(struct manager *m, const struct upkeep_report *report)
{
        switch (report->work) {
        case UPKEEP_CHECKPOINT:
                note_work(m, LAYOUT_STORE "-wal", report);
                break;
        case UPKEEP_CHECK:
                if (report->error == -EUCLEAN) {
                        store_set_damage(m->store, report->text.text);
                        report_damage(m, "damaged", report->text.text);
                } else
                        note_work(m, LAYOUT_STORE ": check", report);
                break;
        case UPKEEP_BACKUP:
                note_work(m, LAYOUT_STORE ": backup", report);
                if (report->error == 0)
                        log_debug("backup made: %s", report->text.text);
                break;
        case UPKEEP_WORKS_N:
                break;
        }
}

static int on_upkeep(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct manager *m = userdata;
        struct upkeep_report report;

        while (upkeep_next(m->upkeep, &report))
                note_report(m, &report);
        return 0;
}

int storage_open(struct manager *m, struct diag *d)
{
        _cleanup_free_ char *folder = file_path(m->root, LAYOUT_STATE);
        _cleanup_free_ char *lock = file_path(m->root, LAYOUT_STORE_LOCK);
        _cleanup_free_ char *file = file_path(m->root, LAYOUT_STORE);

        if (!folder || !lock || !file)
                return -ENOMEM;
        int r = file_make_dirs(folder);
        if (r < 0)
                return diag_set(d, -r, "%s cannot be made: %s", folder, strerror(-r));
        r = m->lock_fd < 0 ? take_lock(m, lock, d) : 0;
        if (r == 0)
                r = open_store(m, file, d);
        if (r < 0)
                return r;
        r = upkeep_new(file, &m->settings.upkeep, &m->upkeep, d);
        if (r == 0)
                r = sd_event_add_io(
                        m->event, &m->upkeep_source, upkeep_fd(m->upkeep), EPOLLIN, on_upkeep, m);
        if (r < 0)
                m->store = store_close(m->store);
        return r < 0 && !d->text[0] ? diag_set(d, -r, "cannot start: %s", strerror(-r)) : r;
}

int storage_mark(struct manager *m, const char *why)
{
        _cleanup_free_ char *file = file_path(m->root, LAYOUT_STORE);

        return file ? recovery_mark(file, why) : -ENOMEM;
}

void storage_close(struct manager *m)
{
        m->upkeep_source = sd_event_source_disable_unref(m->upkeep_source);
        m->upkeep = upkeep_free(m->upkeep);
}

static void set_timer(struct manager *m, uint64_t usec)
{
        int r = loop_timer_start(m->quiet_timer, usec);
        if (r < 0)
                log_warning("cannot set the timer for quiet moments: %s; ignoring", strerror(-r));
}

/* One part at a time: whoever asks meanwhile waits for no more. */
static bool prune(struct manager *m)
{
        bool more = false;
        struct diag d = { 0 };

        registry_bus_flush(m->registry_bus);
        const unsigned pages = store_log_pages(m->store);
        int r = registry_prune(m->registry, &m->settings.history, &more, &d);
        if (r < 0)
                storage_failed(r, d.text, m);
        /* Or the log would grow by all that is removed. */
        else if (store_log_pages(m->store) != pages)
                upkeep_changed(m->upkeep, m->store);
        return r == 0 && more;
}

static int on_quiet(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct manager *m = userdata;

        storage_settings_load(m);
        if (prune(m))
                set_timer(m, PART_USEC);
        /* Loading and previews take memory for a moment; an idle service gives it back. */
        else
                (void)malloc_trim(0);
        return 0;
}

int storage_start(struct manager *m)
{
        return loop_timer_new(m->event, 1000000, on_quiet, m, &m->quiet_timer);
}

/* Steady writing must not put it off. */
void storage_tried(struct manager *m)
{
        if (!loop_timer_runs(m->quiet_timer))
                set_timer(m, QUIET_USEC);
}

void storage_changed(struct manager *m)
{
        upkeep_changed(m->upkeep, m->store);
        if (clear_problem(m, LAYOUT_STATE))
                log_notice("changes can be stored again");
        storage_tried(m);
}

void storage_failed(int error, const char *text, void *userdata)
{
        struct manager *m = userdata;

        if (error != -EUCLEAN) {
                report_problem(m, LAYOUT_STATE, text,
                        &(struct record){ .kind = RECORD_STATE_DAMAGED,
                                .path = LAYOUT_STATE,
                                .reason = "not-stored",
                                .detail = text });
                return;
        }
        /* Whoever meets it next says it otherwise: what was found first is reported, by on_upkeep(). */
        upkeep_damaged(m->upkeep, text);
}
