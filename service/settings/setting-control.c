/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A setting and its control: writing, watching, and what somebody else writes: put back or reported, with
 * who it was. */

#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/log.h"
#include "../daemon/policy-bus.h"
#include "../daemon/taints.h"
#include "../monitor/bpf-source.h"
#include "settings.h"

/* The report of a write comes on a way of its own, and may come behind the hint: on a busy machine so late
 * that it is waited for longer where there is none. */
#define REPORT_USEC UINT64_C(50000)
#define LATE_REPORT_USEC UINT64_C(300000)

/* A drift as it is going to be recorded. */
struct setting_unrecorded {
        char *expected, *found;
        const char *action;
        bool success;
        char detail[256];
        uint64_t since, until; /* then it was written, µs since 1970 */
        struct actor writer;
        uint64_t written; /* by the writer; 0: not known */
        bool is_late;     /* it is waited for longer */
};

struct setting_unrecorded *setting_unrecorded_free(struct setting_unrecorded *u)
{
        if (!u)
                return NULL;
        free(u->expected);
        free(u->found);
        free(u);
        return NULL;
}

static void emit(struct setting *s, enum record_kind kind, const char *old_text, const char *new_text,
        const char *reason, const char *detail, bool success)
{
        const struct record record = {
                .kind = kind,
                .path = s->path,
                .old_text = old_text,
                .new_text = new_text,
                .control = control_name(s->control),
                .reason = reason,
                .success = success,
                .detail = detail,
        };

        auditlog_emit(s->all->auditlog, &record);
}

void setting_flush(struct setting *s)
{
        struct setting_unrecorded *u = STEAL_PTR(s->unrecorded);

        if (!u)
                return;
        s->record_timer = sd_event_source_disable_unref(s->record_timer);
        s->drifts++;
        const struct record record = {
                .kind = RECORD_CONTROL_DRIFT,
                .path = s->path,
                .old_text = u->expected,
                .new_text = u->found,
                .control = control_name(s->control),
                .reason = u->action,
                .count = s->drifts,
                .detail = u->detail[0] ? u->detail : NULL,
                .actor = u->written > 0 ? &u->writer : NULL,
                .when = u->written > 0 ? u->written : u->until,
                .success = u->success,
        };
        auditlog_emit(s->all->auditlog, &record);
        setting_changed(s, SETTING_COUNTERS | SETTING_LIVE);
        policy_bus_drift_detected(s, u->found, u->action);
        (void)setting_unrecorded_free(u);
}

static void look(struct setting *s, bool is_hint);

static void on_hint(void *userdata)
{
        look(userdata, true);
}

/* While it is absent its directory is watched: procfs says nothing there, but a timer and uevents stand
 * behind. */
static void watch_control(struct setting *s)
{
        _cleanup_free_ char *dir = strdup(control_path(s->control));
        bool present = control_present(s->control);

        s->watch = fswatch_free(s->watch);
        if (!dir)
                return;
        *strrchr(dir, '/') = '\0';
        int r = fswatch_new(s->all->event, present ? FSWATCH_CONTROL : FSWATCH_DIRECTORY,
                present ? control_path(s->control) : dir, on_hint, s, &s->watch);
        if (r < 0)
                log_debug("%s cannot be watched: %s; the timer remains", control_path(s->control),
                        strerror(-r));
}

static void set_error(struct setting *s, const struct control_result *result)
{
        const char *name = control_name(s->control);

        switch (result->outcome) {
        case CONTROL_HOLDS:
        case CONTROL_WRITTEN:
                s->last_error[0] = '\0';
                break;
        case CONTROL_ABSENT:
                (void)snprintf(s->last_error, sizeof(s->last_error),
                        s->was_present ? "the control %s went away" : "this kernel has no control %s", name);
                break;
        case CONTROL_REFUSED:
        case CONTROL_FAILED:
                (void)snprintf(s->last_error, sizeof(s->last_error), "%s: %s", name,
                        control_strerror(result->error));
                break;
        case CONTROL_DIFFERENT:
                (void)snprintf(s->last_error, sizeof(s->last_error), "%s reads back as '%.100s'", name,
                        result->now);
                break;
        }
}

/* A failure is recorded when it begins, not at every try. */
static void record_failure(struct setting *s, const struct control_result *result, const char *text)
{
        bool failed = result->outcome != CONTROL_HOLDS && result->outcome != CONTROL_WRITTEN &&
                      result->outcome != CONTROL_ABSENT;

        if (failed && !s->failure_recorded)
                emit(s, RECORD_CONTROL_FAILED, result->now, text,
                        result->outcome == CONTROL_FAILED      ? "write-failed"
                        : result->outcome == CONTROL_DIFFERENT ? "reads-back-different"
                                                               : "kernel-refused",
                        s->last_error, false);
        s->failure_recorded = failed;
}

/* Each coming and going is recorded once, whoever sees it first. */
static void note_presence(struct setting *s, bool success)
{
        bool present = control_present(s->control);

        if (present == s->was_present)
                return;
        setting_flush(s);
        s->was_present = present;
        if (present)
                emit(s, RECORD_CONTROL_APPEARED, NULL, s->control_value, NULL, s->last_error, success);
        else
                emit(s, RECORD_CONTROL_VANISHED, NULL, NULL, NULL, NULL, true);
}

enum control_outcome setting_write(struct setting *s, const char *text)
{
        struct control_result result;
        _cleanup_free_ char *control_text = NULL;

        if (schema_control_text(s->sv, text, &control_text) < 0) {
                log_error("%s: '%s' cannot be expressed for %s", s->path, text, control_name(s->control));
                return CONTROL_FAILED;
        }
        if (control_refresh(s->control) || !s->watch)
                watch_control(s);
        uint64_t asked = clock_of(CLOCK_REALTIME);
        control_apply(s->control, control_text, &result);
        s->live = result.outcome == CONTROL_HOLDS || result.outcome == CONTROL_WRITTEN;
        if (s->live)
                s->held_usec = asked;
        if (result.outcome == CONTROL_WRITTEN)
                s->last_applied = clock_of(CLOCK_REALTIME);
        set_error(s, &result);
        memcpy(s->control_value, result.now, sizeof(s->control_value));
        note_presence(s, s->live);
        /* A new value that the kernel refuses is not accepted, and that is recorded instead. */
        if (result.outcome != CONTROL_REFUSED || (s->accepted && strcmp(s->accepted, text) == 0))
                record_failure(s, &result, control_text);
        setting_changed(s, SETTING_LIVE);
        return result.outcome;
}

static int on_record_due(sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct setting *s = userdata;
        struct setting_unrecorded *u = s->unrecorded;

        if (u && u->written == 0 && !u->is_late) {
                u->is_late = true;
                if (sd_event_source_set_time_relative(source, LATE_REPORT_USEC - REPORT_USEC) >= 0 &&
                        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT) >= 0)
                        return 0;
        }
        setting_flush(s);
        return 0;
}

/* Of several the newest made the control what was found. */
static void take_writer(struct setting_unrecorded *u, const struct actor *writer, uint64_t usec)
{
        if (usec <= u->since || usec > u->until)
                return;
        u->writer = *writer;
        u->written = usec;
}

static void record_drift(
        struct setting *s, const char *expected, const char *found, const char *action, uint64_t since)
{
        const struct settings *all = s->all;
        struct setting_unrecorded *u = calloc(1, sizeof(*u));

        if (!u || !(u->expected = strdup(expected)) || !(u->found = strdup(found))) {
                log_error("%s: out of memory; a drift is not recorded", s->path);
                (void)setting_unrecorded_free(u);
                return;
        }
        u->action = action;
        u->success = s->live || strcmp(action, "reported") == 0;
        /* What the control holds is in the record; why it could not be put back is not. */
        if (strcmp(action, "put-back-failed") == 0)
                (void)snprintf(u->detail, sizeof(u->detail), "%s", s->last_error);
        u->since = since;
        u->until = clock_of(CLOCK_REALTIME);
        s->unrecorded = u;
        if (s->writer_usec > 0)
                take_writer(u, &s->writer, s->writer_usec);
        if (!taints_writes_are_reported(all->taints) ||
                sd_event_add_time_relative(all->event, &s->record_timer, CLOCK_MONOTONIC, REPORT_USEC, 1000,
                        on_record_due, s) < 0)
                setting_flush(s);
}

static void on_drift(struct setting *s, const char *expected, const char *found)
{
        uint64_t since = s->held_usec;

        setting_flush(s);
        s->live = false;
        (void)snprintf(s->last_error, sizeof(s->last_error), "%s holds '%.100s', not '%.100s'",
                control_name(s->control), found, expected);
        if (!s->reapply) {
                bool again = s->drift_found && strcmp(s->drift_found, found) == 0;
                if (!again && setting_replace(&s->drift_found, found) == 0)
                        record_drift(s, expected, found, "reported", since);
                return;
        }
        switch (policy_drift(&s->drift, clock_usec())) {
        case DRIFT_PUT_BACK:
                (void)setting_write(s, s->accepted);
                record_drift(s, expected, found, s->live ? "put-back" : "put-back-failed", since);
                break;
        case DRIFT_GIVE_UP:
                log_warning("%s: somebody keeps writing to %s; it is left alone for a while", s->path,
                        control_name(s->control));
                record_drift(s, expected, found, "gave-up", since);
                break;
        case DRIFT_PAUSED:
                setting_changed(s, SETTING_LIVE);
                break;
        }
}

void setting_let_go(struct setting *s)
{
        s->live = false;
        s->last_error[0] = '\0';
        s->drift = (struct drift){ 0 };
}

void setting_begin_control(struct setting *s)
{
        s->reapply = s->sv->control->drift_reapply;
        (void)control_refresh(s->control);
        watch_control(s);
        s->was_present = control_present(s->control);
        if (s->accepted)
                (void)setting_write(s, s->accepted);
        else if (control_read(s->control, s->control_value, sizeof(s->control_value)) < 0)
                s->control_value[0] = '\0';
}

bool setting_came_with_boot(struct setting *s, const char *text)
{
        _cleanup_free_ char *wanted = NULL;
        char now[CONTROL_TEXT_MAX];

        return s->control && !s->accepted && text && schema_control_text(s->sv, text, &wanted) == 0 &&
               control_read(s->control, now, sizeof(now)) == 0 && control_text_equal(now, wanted);
}

bool setting_has_to_wait(struct setting *s, const char *text)
{
        return s->sv->apply != SCHEMA_LIVE && !setting_came_with_boot(s, text);
}

void setting_apply(struct setting *s)
{
        s->drift = (struct drift){ 0 };
        if (s->control && s->accepted && !s->turning_off)
                (void)setting_write(s, s->accepted);
}

static void came_or_went(struct setting *s)
{
        bool present = control_present(s->control);

        watch_control(s);
        if (present == s->was_present)
                return;
        setting_flush(s);
        if (!present) {
                s->live = false;
                s->control_value[0] = '\0';
                set_error(s, &(struct control_result){ .outcome = CONTROL_ABSENT });
        } else if (s->accepted)
                (void)setting_write(s, s->accepted);
        note_presence(s, !s->accepted);
        setting_changed(s, SETTING_LIVE);
}

static void look(struct setting *s, bool is_hint)
{
        char now[CONTROL_TEXT_MAX];
        _cleanup_free_ char *expected = NULL;

        if (control_refresh(s->control) || control_present(s->control) != s->was_present)
                came_or_went(s);
        if (!control_present(s->control) || s->turning_off)
                return;
        uint64_t asked = clock_of(CLOCK_REALTIME);
        if (control_read(s->control, now, sizeof(now)) < 0)
                return;
        bool is_news = strcmp(now, s->control_value) != 0;
        if (is_news) {
                memcpy(s->control_value, now, sizeof(now));
                setting_changed(s, SETTING_LIVE);
        }
        if (!s->accepted || schema_control_text(s->sv, s->accepted, &expected) < 0)
                return;
        if (!control_text_equal(now, expected)) {
                /* What it held when our own write failed is nobody else's doing. The write is tried again on
                 * the timer alone: opening the file for it is a hint too. */
                if (!s->failure_recorded || is_news)
                        on_drift(s, expected, now);
                else if (!is_hint)
                        (void)setting_write(s, s->accepted);
                return;
        }
        s->held_usec = asked;
        if (!s->live) {
                s->live = true;
                s->failure_recorded = false;
                s->last_error[0] = '\0';
                free(s->drift_found);
                s->drift_found = NULL;
                setting_changed(s, SETTING_LIVE);
        }
}

void setting_check(struct setting *s)
{
        if (s->control)
                look(s, false);
}

void setting_set_reapply(struct setting *s, bool reapply)
{
        if (s->reapply == reapply)
                return;
        s->reapply = reapply;
        s->drift = (struct drift){ 0 };
        setting_check(s);
}

void settings_sysctl_written(struct settings *all, const struct sysctl_write *w)
{
        /* Ours, or nothing was written. */
        if (w->actor.pid == (uint32_t)getpid() || w->result <= 0)
                return;
        for (size_t i = 0; i < all->n; i++) {
                struct setting *s = all->list[i];
                if (!s->control || strcmp(w->name, control_name(s->control)) != 0)
                        continue;
                s->writer = w->actor;
                s->writer_usec = w->time_usec;
                if (s->unrecorded) {
                        take_writer(s->unrecorded, &w->actor, w->time_usec);
                        if (s->unrecorded->is_late && s->unrecorded->written != 0)
                                setting_flush(s);
                }
                /* inotify says nothing of what comes through another procfs. */
                setting_check(s);
        }
}
