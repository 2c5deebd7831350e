/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "item-internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "describe.h"

#define DEFAULT_LAYER "default"

int item_replace(char **at, const char *text)
{
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
                return -ENOMEM;
        free(*at);
        *at = copy;
        return 0;
}

int item_new(const struct item_context *context, const struct schema_value *sv, const char *initial,
        struct item **ret)
{
        struct diag d = { 0 };
        struct item *item = calloc(1, sizeof(*item));
        if (!item)
                return -ENOMEM;
        item->context = context;
        item->sv = sv;
        item->reapply = sv->control->drift_reapply;

        const char *accepted = accepted_get(context->accepted, sv);
        int r = describe_path(sv, &item->path);
        if (r == 0)
                r = item_replace(&item->written, "");
        if (r == 0)
                r = item_replace(&item->layer, DEFAULT_LAYER);
        if (r == 0)
                r = item_replace(&item->accepted, context->ran_before ? accepted : initial);
        if (r == 0 && context->ran_before && initial && (!accepted || strcmp(accepted, initial) != 0))
                r = item_replace(&item->starting, initial);
        /* From the first start on it can be told what changed while the service was away. */
        if (r == 0 && !context->ran_before && initial)
                r = item_keep_accepted(item, initial);
        if (r == 0)
                r = item_replace(&item->refused, accepted_get(context->refused, sv));
        if (r == 0)
                r = control_new(context->root, sv->control->name, &item->control, &d);
        if (r < 0) {
                if (d.text[0])
                        log_error("%s: %s", item->path, d.text);
                (void)item_free(item);
                return r;
        }
        item_begin(item);
        *ret = item;
        return 0;
}

struct item *item_free(struct item *item)
{
        if (!item)
                return NULL;
        sd_event_source_disable_unref(item->off_timer);
        item->watch = fswatch_free(item->watch);
        item->control = control_free(item->control);
        free(item->path);
        free(item->written);
        free(item->layer);
        free(item->accepted);
        free(item->refused);
        free(item->drift_found);
        free(item->pending);
        free(item->starting);
        item->queued = item_queued_free(item->queued);
        sd_event_source_disable_unref(item->untold_timer);
        item->untold = item_untold_free(item->untold);
        free(item);
        return NULL;
}

int item_keep_accepted(struct item *item, const char *text)
{
        struct diag d = { 0 };

        int r = item_replace(&item->accepted, text);
        if (r == 0)
                r = accepted_set(item->context->accepted, item->sv, text);
        if (r < 0)
                return r;
        item->keep_error[0] = '\0';
        if (accepted_store(item->context->root, LAYOUT_ACCEPTED_NAME, item->context->accepted, &d) < 0) {
                log_error("the value in force cannot be kept for the next boot: %s", d.text);
                (void)snprintf(item->keep_error, sizeof(item->keep_error), "%.*s",
                        (int)sizeof(item->keep_error) - 1, d.text);
        }
        return 0;
}

static int remember_refused(struct item *item, const char *text)
{
        struct accepted *refused = item->context->refused;
        struct diag d = { 0 };

        if (!text && !item->refused)
                return 0;
        int r = item_replace(&item->refused, text);
        if (r == 0)
                r = accepted_set(refused, item->sv, text);
        if (r == 0 && accepted_store(item->context->root, LAYOUT_REFUSED_NAME, refused, &d) < 0)
                log_warning("the next start will tell of refused values again: %s", d.text);
        return r;
}

static int refuse(struct item *item, const struct item_input *input, const char *why, const char *reason)
{
        bool again = item->refused && strcmp(item->refused, item->written) == 0;

        (void)diag_set(&item->refusal, EINVAL, "%s", why);
        if (again && input->is_resync)
                return 0;
        int r = remember_refused(item, item->written);
        if (r < 0)
                return r;
        item->refusals++;
        auditlog_emit(item->context->auditlog, &(struct record){
                                                       .kind = RECORD_POLICY_REFUSED,
                                                       .path = item->path,
                                                       .old_text = item->accepted ? item->accepted : "unset",
                                                       .new_text = item->written,
                                                       .layer = input->layer,
                                                       .reason = reason,
                                                       .detail = why,
                                                       .actor = input->actor,
                                                       .success = false,
                                               });
        item->context->changed(item, ITEM_COUNTERS, item->context->userdata);
        item->context->policy_refused(item, item->written, why, item->context->userdata);
        return 0;
}

void item_told(struct item *item, const char *old, const struct actor *actor)
{
        item->changes++;
        item->context->changed(item, ITEM_ACCEPTED | ITEM_CONTROL | ITEM_COUNTERS, item->context->userdata);
        item->context->policy_changed(item, old, actor, item->context->userdata);
}

/* The control first, then the record with the result. A kernel that does not take the value refuses it for
 * us all. */
static int accept_now(struct item *item, const char *text, const struct item_input *input)
{
        struct item_change_text change;
        struct record record = item_change_record(item, text, input, &change);
        _cleanup_free_ char *old = strdup(record.old_text);
        if (!old)
                return -ENOMEM;

        enum control_outcome outcome = text ? item_write(item, text) : CONTROL_HOLDS;
        if (outcome == CONTROL_REFUSED) {
                _cleanup_buf_ struct buf why = BUF_INIT;
                buf_printf(&why, "the kernel refuses '%s' for %s: %s", text, control_name(item->control),
                        item->last_error);
                return why.error ? why.error : refuse(item, input, buf_str(&why), "kernel-refused");
        }
        record.old_text = old;
        record.success = outcome != CONTROL_FAILED && outcome != CONTROL_DIFFERENT;
        int r = item_keep_accepted(item, text);
        if (r < 0)
                return r;
        if (!text)
                item_let_go(item);
        auditlog_emit(item->context->auditlog, &record);
        item_told(item, old, input->actor);
        return 0;
}

static int note_written(struct item *item, const struct item_input *input)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *layer = input->value ? input->layer : DEFAULT_LAYER;

        if (input->value)
                value_format(&text, input->value, true);
        if (text.error)
                return text.error;
        if (strcmp(item->written, buf_str(&text)) == 0 && strcmp(item->layer, layer) == 0)
                return 0;
        int r = item_replace(&item->written, buf_str(&text));
        if (r == 0)
                r = item_replace(&item->layer, layer);
        item->context->changed(item, ITEM_WRITTEN, item->context->userdata);
        return r;
}

static int decide(struct item *item, const struct item_input *input)
{
        struct policy_decision decision = { 0 };

        int r = policy_decide(item->sv, item->accepted, input->value, &decision);
        if (r < 0)
                return r;
        switch (decision.verdict) {
        case POLICY_REFUSE:
                r = refuse(item, input, decision.why.text, "invalid-value");
                break;
        case POLICY_SAME:
                item->refusal.text[0] = '\0';
                r = remember_refused(item, NULL);
                if (!input->is_resync) {
                        item->no_ops++;
                        item->context->changed(item, ITEM_COUNTERS, item->context->userdata);
                }
                break;
        case POLICY_CHANGE:
                item->refusal.text[0] = '\0';
                r = remember_refused(item, NULL);
                if (r == 0)
                        r = decision.turns_off ? item_turn_off(item, decision.text, input)
                                               : accept_now(item, decision.text, input);
                break;
        }
        policy_decision_done(&decision);
        return r;
}

/* An entry that is new to a service that ran before, whose first written value is refused: nothing else
 * would be in force. */
static int fall_back(struct item *item)
{
        const struct item_input input = { .layer = "", .reason = "changed-while-away", .is_resync = true };

        if (item->accepted || item->refusal.text[0] == '\0' || !item->sv->has_default)
                return 0;
        return accept_now(item, item->sv->default_text, &input);
}

int item_input(struct item *item, const struct item_input *input)
{
        if (item->turning_off)
                return item_queue(item, input);
        item_flush(item);
        _cleanup_free_ char *starting = STEAL_PTR(item->starting);
        int r = note_written(item, input);
        if (r == 0)
                r = decide(item, input);
        if (r == 0 && !item->turning_off)
                r = fall_back(item);
        /* The registry says something else than the state that was read at the start. */
        if (r == 0 && !item->turning_off && starting && item->accepted &&
                strcmp(starting, item->accepted) != 0)
                (void)item_write(item, item->accepted);
        item->sequence = input->sequence;
        if (r == 0 && !item->turning_off)
                item->context->settled(item, item->context->userdata);
        return r;
}

void item_registry_absent(struct item *item)
{
        const struct item_input input = { .layer = "", .reason = "changed-while-away", .is_resync = true };
        _cleanup_free_ char *starting = STEAL_PTR(item->starting);

        item_flush(item);
        if (starting && accept_now(item, starting, &input) < 0)
                log_error("%s: out of memory; the value in force stays", item->path);
}

void item_set_reapply(struct item *item, bool reapply)
{
        if (item->reapply == reapply)
                return;
        item->reapply = reapply;
        item->drift = (struct drift){ 0 };
        item_check(item);
}
