/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An item and its control: writing, watching, putting back. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../schema/base/log.h"
#include "item-internal.h"

uint64_t item_clock(clockid_t clock)
{
        struct timespec ts;
        (void)clock_gettime(clock, &ts);
        return (uint64_t)ts.tv_sec * UINT64_C(1000000) + (uint64_t)ts.tv_nsec / 1000;
}

static void changed(struct item *item, unsigned changes)
{
        item->context->changed(item, changes, item->context->userdata);
}

static void emit(struct item *item, enum record_kind kind, const char *old_text, const char *new_text,
        const char *reason, const char *detail, bool success)
{
        auditlog_emit(item->context->auditlog, &(struct record){ .kind = kind,
                                                       .path = item->path,
                                                       .old_text = old_text,
                                                       .new_text = new_text,
                                                       .control = control_name(item->control),
                                                       .reason = reason,
                                                       .success = success,
                                                       .detail = detail });
}

static void look(struct item *item, bool is_hint);

static void on_hint(void *userdata)
{
        look(userdata, true);
}

/* While it is absent its directory is watched: procfs says nothing there, but a timer and uevents stand
 * behind. */
static void watch_control(struct item *item)
{
        _cleanup_free_ char *dir = strdup(control_path(item->control));
        bool present = control_present(item->control);

        item->watch = fswatch_free(item->watch);
        if (!dir)
                return;
        *strrchr(dir, '/') = '\0';
        int r = fswatch_new(item->context->event, present ? FSWATCH_CONTROL : FSWATCH_DIRECTORY,
                present ? control_path(item->control) : dir, on_hint, item, &item->watch);
        if (r < 0)
                log_debug("%s cannot be watched: %s; the timer is left", control_path(item->control),
                        strerror(-r));
}

static void set_error(struct item *item, const struct control_result *result)
{
        const char *name = control_name(item->control);

        switch (result->outcome) {
        case CONTROL_HOLDS:
        case CONTROL_WRITTEN:
                item->last_error[0] = '\0';
                break;
        case CONTROL_ABSENT:
                (void)snprintf(item->last_error, sizeof(item->last_error),
                        item->was_present ? "the control %s went away" : "this kernel has no control %s",
                        name);
                break;
        case CONTROL_REFUSED:
        case CONTROL_FAILED:
                (void)snprintf(
                        item->last_error, sizeof(item->last_error), "%s: %s", name, strerror(result->error));
                break;
        case CONTROL_DIFFERENT:
                (void)snprintf(item->last_error, sizeof(item->last_error), "%s reads back as '%.100s'", name,
                        result->now);
                break;
        }
}

/* A failure is recorded when it begins, not at every try. */
static void tell_failure(struct item *item, const struct control_result *result, const char *text)
{
        bool failed = result->outcome != CONTROL_HOLDS && result->outcome != CONTROL_WRITTEN &&
                      result->outcome != CONTROL_ABSENT;

        if (failed && !item->failed_told)
                emit(item, RECORD_CONTROL_FAILED, result->now, text,
                        result->outcome == CONTROL_FAILED      ? "write-failed"
                        : result->outcome == CONTROL_DIFFERENT ? "reads-back-different"
                                                               : "kernel-refused",
                        item->last_error, false);
        item->failed_told = failed;
}

/* Each coming and going is recorded once, whoever sees it first. */
static void note_presence(struct item *item, bool success)
{
        bool present = control_present(item->control);

        if (present == item->was_present)
                return;
        item_flush(item);
        item->was_present = present;
        if (present)
                emit(item, RECORD_CONTROL_APPEARED, NULL, item->control_value, NULL, item->last_error,
                        success);
        else
                emit(item, RECORD_CONTROL_VANISHED, NULL, NULL, NULL, NULL, true);
}

enum control_outcome item_write(struct item *item, const char *text)
{
        struct control_result result;
        _cleanup_free_ char *control_text = NULL;

        if (schema_control_text(item->sv, text, &control_text) < 0) {
                log_error("%s: '%s' cannot be said to %s", item->path, text, control_name(item->control));
                return CONTROL_FAILED;
        }
        if (control_refresh(item->control) || !item->watch)
                watch_control(item);
        uint64_t asked = item_clock(CLOCK_REALTIME);
        control_apply(item->control, control_text, &result);
        item->live = result.outcome == CONTROL_HOLDS || result.outcome == CONTROL_WRITTEN;
        if (item->live)
                item->held_usec = asked;
        if (result.outcome == CONTROL_WRITTEN)
                item->last_applied = item_clock(CLOCK_REALTIME);
        set_error(item, &result);
        memcpy(item->control_value, result.now, sizeof(item->control_value));
        note_presence(item, item->live);
        /* A new value that the kernel refuses is not accepted, and that is told instead. */
        if (result.outcome != CONTROL_REFUSED || (item->accepted && strcmp(item->accepted, text) == 0))
                tell_failure(item, &result, control_text);
        changed(item, ITEM_CONTROL);
        return result.outcome;
}

void item_let_go(struct item *item)
{
        item->live = false;
        item->last_error[0] = '\0';
        item->drift = (struct drift){ 0 };
}

void item_begin(struct item *item)
{
        (void)control_refresh(item->control);
        watch_control(item);
        item->was_present = control_present(item->control);
        if (item_wanted(item))
                (void)item_write(item, item_wanted(item));
        else if (control_read(item->control, item->control_value, sizeof(item->control_value)) < 0)
                item->control_value[0] = '\0';
}

void item_apply(struct item *item)
{
        item->drift = (struct drift){ 0 };
        if (item_wanted(item) && !item->turning_off)
                (void)item_write(item, item_wanted(item));
}

static void came_or_went(struct item *item)
{
        bool present = control_present(item->control);

        watch_control(item);
        if (present == item->was_present)
                return;
        item_flush(item);
        if (!present) {
                item->live = false;
                item->control_value[0] = '\0';
                set_error(item, &(struct control_result){ .outcome = CONTROL_ABSENT });
        } else if (item_wanted(item))
                (void)item_write(item, item_wanted(item));
        note_presence(item, !item_wanted(item));
        changed(item, ITEM_CONTROL);
}

static void look(struct item *item, bool is_hint)
{
        char now[CONTROL_TEXT_MAX];
        _cleanup_free_ char *expected = NULL;

        if (control_refresh(item->control) || control_present(item->control) != item->was_present)
                came_or_went(item);
        if (!control_present(item->control) || item->turning_off)
                return;
        uint64_t asked = item_clock(CLOCK_REALTIME);
        if (control_read(item->control, now, sizeof(now)) < 0)
                return;
        bool is_news = strcmp(now, item->control_value) != 0;
        if (is_news) {
                memcpy(item->control_value, now, sizeof(now));
                changed(item, ITEM_CONTROL);
        }
        if (!item_wanted(item) || schema_control_text(item->sv, item_wanted(item), &expected) < 0)
                return;
        if (!control_text_equal(now, expected)) {
                /* What it held when our own write failed is nobody else's doing. The write is tried again on
                 * the timer alone: opening the file for it is a hint too. */
                if (!item->failed_told || is_news)
                        item_on_drift(item, expected, now);
                else if (!is_hint)
                        (void)item_write(item, item_wanted(item));
                return;
        }
        item->held_usec = asked;
        if (!item->live) {
                item->live = true;
                item->failed_told = false;
                item->last_error[0] = '\0';
                free(item->drift_found);
                item->drift_found = NULL;
                changed(item, ITEM_CONTROL);
        }
}

void item_check(struct item *item)
{
        look(item, false);
}
