/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody else wrote to the control: put back or reported, and told of with who it was. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../monitor/bpf-source.h"
#include "item-internal.h"

/* The report of a write comes on a way of its own, and may come behind the hint. */
#define REPORT_USEC UINT64_C(50000)

/* A drift as it is going to be told. */
struct item_untold {
        char *expected, *found;
        const char *action;
        bool success;
        char detail[256];
        uint64_t since, until; /* then it was written, µs since 1970 */
        struct actor writer;
        bool writer_known;
};

struct item_untold *item_untold_free(struct item_untold *u)
{
        if (!u)
                return NULL;
        free(u->expected);
        free(u->found);
        free(u);
        return NULL;
}

void item_flush(struct item *item)
{
        struct item_untold *u = STEAL_PTR(item->untold);

        if (!u)
                return;
        item->untold_timer = sd_event_source_disable_unref(item->untold_timer);
        item->drifts++;
        auditlog_emit(item->context->auditlog, &(struct record){ .kind = RECORD_CONTROL_DRIFT,
                                                       .path = item->path,
                                                       .old_text = u->expected,
                                                       .new_text = u->found,
                                                       .control = control_name(item->control),
                                                       .reason = u->action,
                                                       .count = item->drifts,
                                                       .detail = u->detail[0] ? u->detail : NULL,
                                                       .actor = u->writer_known ? &u->writer : NULL,
                                                       .success = u->success });
        item->context->changed(item, ITEM_COUNTERS | ITEM_CONTROL, item->context->userdata);
        item->context->drift_detected(item, u->found, u->action, item->context->userdata);
        (void)item_untold_free(u);
}

static int on_untold(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        item_flush(userdata);
        return 0;
}

/* Of several the newest made the control what was found. */
static void take_writer(struct item_untold *u, const struct actor *writer, uint64_t usec)
{
        if (usec <= u->since || usec > u->until)
                return;
        u->writer = *writer;
        u->writer_known = true;
}

void item_sysctl_written(struct item *item, const struct sysctl_write *w)
{
        if (strcmp(w->name, control_name(item->control)) != 0)
                return;
        /* Ours, or nothing was written. */
        if (w->actor.pid == (uint32_t)getpid() || w->result <= 0)
                return;
        item->writer = w->actor;
        item->writer_usec = w->time_usec;
        if (item->untold)
                take_writer(item->untold, &w->actor, w->time_usec);
        /* inotify says nothing of what comes through another procfs. */
        item_check(item);
}

static void tell(
        struct item *item, const char *expected, const char *found, const char *action, uint64_t since)
{
        const struct item_context *context = item->context;
        struct item_untold *u = calloc(1, sizeof(*u));

        if (!u || !(u->expected = strdup(expected)) || !(u->found = strdup(found))) {
                log_error("%s: out of memory; a drift is not told of", item->path);
                (void)item_untold_free(u);
                return;
        }
        u->action = action;
        u->success = item->live || strcmp(action, "reported") == 0;
        /* What the control holds is in the record; why it could not be put back is not. */
        if (strcmp(action, "put-back-failed") == 0)
                (void)snprintf(u->detail, sizeof(u->detail), "%s", item->last_error);
        u->since = since;
        u->until = item_clock(CLOCK_REALTIME);
        item->untold = u;
        if (item->writer_usec > 0)
                take_writer(u, &item->writer, item->writer_usec);
        if (!context->writes_are_reported(context->userdata) ||
                sd_event_add_time_relative(context->event, &item->untold_timer, CLOCK_MONOTONIC, REPORT_USEC,
                        1000, on_untold, item) < 0)
                item_flush(item);
}

void item_on_drift(struct item *item, const char *expected, const char *found)
{
        uint64_t since = item->held_usec;

        item_flush(item);
        item->live = false;
        (void)snprintf(item->last_error, sizeof(item->last_error), "%s holds '%.100s', not '%.100s'",
                control_name(item->control), found, expected);
        if (!item->reapply) {
                bool again = item->drift_found && strcmp(item->drift_found, found) == 0;
                if (!again && item_replace(&item->drift_found, found) == 0)
                        tell(item, expected, found, "reported", since);
                return;
        }
        switch (drift_decide(&item->drift, item_clock(CLOCK_MONOTONIC))) {
        case DRIFT_PUT_BACK:
                (void)item_write(item, item_wanted(item));
                tell(item, expected, found, item->live ? "put-back" : "put-back-failed", since);
                break;
        case DRIFT_GIVE_UP:
                log_warning("%s: somebody keeps writing to %s; it is left alone for a while", item->path,
                        control_name(item->control));
                tell(item, expected, found, "gave-up", since);
                break;
        case DRIFT_PAUSED:
                item->context->changed(item, ITEM_CONTROL, item->context->userdata);
                break;
        }
}
