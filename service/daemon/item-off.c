/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turning auditing off: the record first, the control when it has gone out. Input that comes in between
 * waits. */

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "item-internal.h"

/* A kernel that does not take the record within this time does not keep the operator from turning auditing
 * off: the journal has the entry, and the record stays queued. */
#define TURN_OFF_TIMEOUT_USEC UINT64_C(5000000)

struct item_queued {
        struct item_input input; /* points into the members below */
        struct value value;
        struct actor actor;
        char *layer, *reason, *file;
        char data[];
};

struct item_queued *item_queued_free(struct item_queued *q)
{
        if (!q)
                return NULL;
        free(q->layer);
        free(q->reason);
        free(q->file);
        free(q);
        return NULL;
}

static bool copy_text(const char *from, char **ret)
{
        *ret = from ? strdup(from) : NULL;
        return !from || *ret;
}

int item_queue(struct item *item, const struct item_input *input)
{
        size_t size = input->value ? input->value->size : 0;
        struct item_queued *q = calloc(1, sizeof(*q) + size);

        if (!q || !copy_text(input->layer, &q->layer) || !copy_text(input->reason, &q->reason) ||
                !copy_text(input->file, &q->file)) {
                (void)item_queued_free(q);
                return -ENOMEM;
        }
        q->input = *input;
        q->input.layer = q->layer;
        q->input.reason = q->reason;
        q->input.file = q->file;
        if (input->value) {
                if (size > 0)
                        memcpy(q->data, input->value->data, size);
                q->value = (struct value){ .type = input->value->type, .size = size, .data = q->data };
                q->input.value = &q->value;
        }
        if (input->actor) {
                q->actor = *input->actor;
                q->input.actor = &q->actor;
        }
        (void)item_queued_free(item->queued);
        item->queued = q;
        return 0;
}

static void turn_off_now(struct item *item)
{
        _cleanup_free_ char *old = NULL, *text = STEAL_PTR(item->pending);
        char text_of_mask[ITEM_MASK_MAX];
        const char *tainted = item_tainted(item, text_of_mask);

        item->turning_off = false;
        item->off_timer = sd_event_source_disable_unref(item->off_timer);
        old = STEAL_PTR(item->accepted);
        enum control_outcome outcome = item_write(item, text);
        if (item_keep_accepted(item, text) < 0)
                log_error("out of memory; the value in force cannot be kept");
        if (outcome == CONTROL_FAILED || outcome == CONTROL_DIFFERENT || outcome == CONTROL_REFUSED)
                auditlog_emit(item->context->auditlog,
                        &(struct record){ .kind = RECORD_POLICY_CHANGED,
                                .op = item->sv->control->audit_op,
                                .path = item->path,
                                .old_text = old,
                                .new_text = text,
                                .layer = item->layer,
                                .reason = "control-failed",
                                .tainted = tainted,
                                .actor = item->pending_has_actor ? &item->pending_actor : NULL,
                                .success = false });
        item_told(item, old ? old : "unset", item->pending_has_actor ? &item->pending_actor : NULL);
        item->context->settled(item, item->context->userdata);

        struct item_queued *queued = STEAL_PTR(item->queued);
        if (queued && item_input(item, &queued->input) < 0)
                log_error("%s: out of memory; the value in force stays", item->path);
        (void)item_queued_free(queued);
}

/* Completions come in the order of the records: one that comes late, after its time ran out, must not let a
 * later turning off go before its own. */
static void on_off_recorded(void *userdata)
{
        struct item *item = userdata;
        if (--item->off_waiting == 0 && item->turning_off)
                turn_off_now(item);
}

static int on_off_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct item *item = userdata;
        log_warning("%s: the kernel did not take the record in time; auditing goes off all the same",
                item->path);
        if (item->turning_off)
                turn_off_now(item);
        return 0;
}

/* Turning auditing off is recorded before it takes effect. */
int item_turn_off(struct item *item, const char *text, const struct item_input *input)
{
        struct item_change_text change;
        const struct record record = item_change_record(item, text, input, &change);

        int r = item_replace(&item->pending, text);
        if (r == 0)
                r = sd_event_add_time_relative(item->context->event, &item->off_timer, CLOCK_MONOTONIC,
                        TURN_OFF_TIMEOUT_USEC, 1000, on_off_timer, item);
        if (r < 0)
                return r;
        item->turning_off = true;
        item->off_waiting++;
        item->pending_has_actor = input->actor != NULL;
        if (input->actor)
                item->pending_actor = *input->actor;
        auditlog_emit_then(item->context->auditlog, &record, on_off_recorded, item);
        return 0;
}
