/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drop-in files, read again: what changed, who is told of it, and what is wrong with them. */
#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "manager-internal.h"

/* After an error that is none of a file's: again after this time, and soon when a write shows that the disk
 * takes something again. */
#define RETRY_USEC UINT64_C(15000000)
#define RETRY_SOON_USEC UINT64_C(2000000)

/* What the files changed, a batch for each file. */
static int tell_files(struct manager *m, const struct registry_events *events, const struct dropins *files)
{
        struct registry_event *list = calloc(events->n, sizeof(*list));
        const char *file = NULL;
        uid_t owner = (uid_t)-1;
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < events->n; i++) {
                uid_t next_owner;
                const char *next = edits_blame(&m->edits, files, events->list[i].layer, &next_owner);
                if (!next)
                        next = LAYOUT_DROPINS_ADMIN;
                if (n > 0 && strcmp(next, file) != 0) {
                        registry_bus_tell(m->registry_bus,
                                &(struct registry_events){ events->sequence, list, n }, "hive-edited", file,
                                owner);
                        n = 0;
                }
                list[n++] = events->list[i];
                file = next;
                owner = next_owner;
        }
        if (n > 0)
                registry_bus_tell(m->registry_bus, &(struct registry_events){ events->sequence, list, n },
                        "hive-edited", file, owner);
        free(list);
        return 0;
}

static void note_files(struct manager *m, const struct dropins *files)
{
        for (size_t i = 0; i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                if (in->error)
                        report_problem(m, in->path, in->error,
                                &(struct record){ .kind = RECORD_FILE_REFUSED,
                                        .path = in->path,
                                        .reason = "broken-file",
                                        .detail = in->error });
                else if (clear_problem(m, in->path))
                        log_notice("%s is good again", in->path);
        }
}

#define ALL_IN(dir) dir "/*.yaml"

static void note_watch(struct manager *m, const char *files, const struct fswatch *w)
{
        const char *why = w ? fswatch_problem(w) : "";
        struct diag text = { 0 };

        if (!why[0]) {
                (void)clear_problem(m, files);
                return;
        }
        (void)diag_set(&text, 0,
                "%s: not all that is read can be watched, changes there are seen at Reload(): %s", files,
                why);
        report_problem(m, files, text.text, NULL);
}

/* A problem of a file that is gone is none any more. Damage of the database stays until the restart. */
static void forget_gone(struct manager *m, const struct dropins *files)
{
        for (size_t i = 0; i < m->problems.n;) {
                const char *file = m->problems.list[i].file;
                bool is_dropin = strncmp(file, LAYOUT_DROPINS_ADMIN, strlen(LAYOUT_DROPINS_ADMIN)) == 0 ||
                                 strncmp(file, LAYOUT_DROPINS_VENDOR, strlen(LAYOUT_DROPINS_VENDOR)) == 0;
                bool there = strcmp(file, ALL_IN(LAYOUT_DROPINS_ADMIN)) == 0 ||
                             strcmp(file, ALL_IN(LAYOUT_DROPINS_VENDOR)) == 0;
                for (size_t k = 0; k < files->n; k++)
                        there |= strcmp(files->list[k].path, file) == 0;
                if (!is_dropin || there || !clear_problem(m, file))
                        i++;
        }
}

static size_t count_good(const struct dropins *files)
{
        size_t n = 0;
        for (size_t i = 0; i < files->n; i++)
                n += files->list[i].file != NULL;
        return n;
}

static void set_retry(struct manager *m, uint64_t usec)
{
        int r = loop_timer_start(m->reload_timer, usec);
        if (r < 0)
                log_warning("cannot set the timer for reading the drop-in files again: %s; ignoring",
                        strerror(-r));
}

static int on_retry(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        log_debug("the drop-in files are tried again");
        load_dropins(userdata);
        return 0;
}

int reload_start(struct manager *m)
{
        return loop_timer_new(m->event, 100000, on_retry, m, &m->reload_timer);
}

void reload_changed(struct manager *m)
{
        /* Once: a stream of writes must not put it off. */
        if (m->reload != RELOAD_LATER)
                return;
        m->reload = RELOAD_SOON;
        set_retry(m, RETRY_SOON_USEC);
}

/* No file is to blame, so the directory is; forget_gone() takes it out again. */
static void note_failure(struct manager *m, int error, const struct diag *d)
{
        struct diag text = { 0 };

        (void)diag_set(&text, -error, "%s: drop-in files cannot be applied, the last good contents stay: %s",
                LAYOUT_DROPINS_ADMIN, d->text[0] ? d->text : strerror(-error));
        report_problem(m, LAYOUT_DROPINS_ADMIN, text.text, NULL);
        m->reload = m->reload == RELOAD_DONE ? RELOAD_LATER : RELOAD_AGAIN;
        set_retry(m, RETRY_USEC);
}

static void note_success(struct manager *m, const struct dropins *files, bool is_changed)
{
        forget_gone(m, files);
        m->reload = RELOAD_DONE;
        storage_settings_load(m);
        if (is_changed)
                storage_changed(m);
        else
                storage_tried(m);
        (void)sd_event_source_set_enabled(m->reload_timer, SD_EVENT_OFF);
}

void load_dropins(struct manager *m)
{
        struct dropins files = { 0 };
        struct registry_events events = { 0 };
        struct diag d = { 0 };

        if (m->registry_bus)
                registry_bus_flush(m->registry_bus);
        int r = dropins_load(m->root, m->value_max, &files);
        size_t n_good = count_good(&files);
        if (r == 0)
                r = registry_apply_dropins(m->registry, &files, &events, &d);
        const bool is_changed = registry_pending(m->registry);
        if (r == 0)
                r = registry_sync(m->registry, &d);
        m->refused = count_good(&files) < n_good;
        m->layers_version = registry_layers_version(m->registry);
        note_files(m, &files);
        note_watch(m, ALL_IN(LAYOUT_DROPINS_ADMIN), m->admin);
        note_watch(m, ALL_IN(LAYOUT_DROPINS_VENDOR), m->vendor);
        check_metadata(m);
        if (r < 0)
                note_failure(m, r, &d);
        else
                note_success(m, &files, is_changed);
        if (r == 0)
                r = edits_update(&m->edits, m->root, &files);
        if (r == 0 && events.n > 0 && m->registry_bus)
                r = tell_files(m, &events, &files);
        if (r == -ENOMEM)
                log_error("out of memory: subscribers were not told of what the drop-in files changed");
        registry_events_done(&events);
        dropins_done(&files);
}
