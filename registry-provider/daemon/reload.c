/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drop-in files, read again: what changed, who is told of it, and what is wrong with them. */
#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "manager-internal.h"

void report_problem(struct manager *m, const char *file, const char *text, const struct record *record)
{
        if (!problems_set(&m->problems, file, text))
                return;
        if (record)
                auditlog_emit(m->auditlog, record);
        else
                log_error("%s", text);
        if (m->registry_bus)
                registry_bus_problems_changed(m->registry_bus);
}

bool clear_problem(struct manager *m, const char *file)
{
        if (!problems_clear(&m->problems, file))
                return false;
        if (m->registry_bus)
                registry_bus_problems_changed(m->registry_bus);
        return true;
}

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

/* A problem of a file that is gone is none any more. Damage of state files stays until the restart. */
static void forget_gone(struct manager *m, const struct dropins *files)
{
        for (size_t i = 0; i < m->problems.n;) {
                const char *file = m->problems.list[i].file;
                bool is_dropin = strncmp(file, LAYOUT_DROPINS_ADMIN, strlen(LAYOUT_DROPINS_ADMIN)) == 0 ||
                                 strncmp(file, LAYOUT_DROPINS_VENDOR, strlen(LAYOUT_DROPINS_VENDOR)) == 0;
                bool there = false;
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
        if (r == 0)
                r = registry_sync(m->registry, &d);
        if (r < 0)
                log_error("drop-in files cannot be applied, the last good contents stay: %s",
                        d.text[0] ? d.text : strerror(-r));
        m->refused = count_good(&files) < n_good;
        m->layers_version = registry_layers_version(m->registry);
        note_files(m, &files);
        check_metadata(m);
        if (r == 0)
                forget_gone(m, &files);
        if (r == 0)
                r = edits_update(&m->edits, m->root, &files);
        if (r == 0 && events.n > 0 && m->registry_bus)
                r = tell_files(m, &events, &files);
        if (r == -ENOMEM)
                log_error("out of memory: subscribers were not told of what the drop-in files changed");
        registry_events_done(&events);
        dropins_done(&files);
}
