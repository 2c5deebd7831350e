/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a value that is written: refused, accepted, kept, and handed to what takes it. */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../daemon/policy-bus.h"
#include "../daemon/taints.h"
#include "../metrics/metrics.h"

#define DEFAULT_LAYER "default"

/* A kernel that does not take the record within this time does not keep the operator from turning auditing
 * off: the journal has the entry, and the record stays queued. */
#define TURN_OFF_TIMEOUT_USEC UINT64_C(5000000)

int setting_replace(char **at, const char *text)
{
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
                return -ENOMEM;
        free(*at);
        *at = copy;
        return 0;
}

void setting_changed(struct setting *s, unsigned changes)
{
        policy_bus_changed(s, changes);
        metrics_changed(s->all->metrics);
}

/* What was kept, unless the schema means something else by it now. NULL: nothing. 0 or -ENOMEM. */
static int recall(const struct setting *s, const char *kept, char **ret)
{
        *ret = NULL;
        int r = kept ? schema_canonical(s->sv, kept, strlen(kept), ret, NULL) : 0;
        return r == -ENOMEM ? r : 0;
}

static int set_pending(struct setting *s, bool is_pending, const char *text)
{
        int r = setting_replace(&s->pending, is_pending ? text : NULL);
        if (r == 0)
                r = accepted_set_pending(&s->all->accepted, s->sv, is_pending, text);
        if (r == 0)
                s->is_pending = is_pending;
        s->all->is_stored = false;
        setting_changed(s, SETTING_PENDING);
        return r;
}

/* In force and kept, or neither. */
static int keep(struct setting *s, const char *text)
{
        _cleanup_free_ char *copy = NULL;

        int r = setting_replace(&copy, text);
        if (r == 0)
                r = accepted_set(&s->all->accepted, s->sv, text);
        if (r < 0)
                return r;
        free(s->accepted);
        s->accepted = STEAL_PTR(copy);
        return 0;
}

/* The moment is there for what waited. */
static int begin_with_pending(struct setting *s, const char *kept, const char *text)
{
        const char *moment = setting_waits_for(s);
        const struct record record = {
                .kind = RECORD_POLICY_CHANGED,
                .op = s->control ? s->sv->control->audit_op : NULL,
                .path = s->path,
                .old_text = setting_shown(kept),
                .new_text = setting_shown(text),
                .reason = moment[0] ? moment : "changed-while-away",
                .success = true,
        };

        auditlog_emit(s->all->auditlog, &record);
        int r = keep(s, text);
        return r < 0 ? r : set_pending(s, false, NULL);
}

static int begin_kept(struct setting *s)
{
        _cleanup_free_ char *kept = NULL, *next = NULL;
        const char *waits = NULL;

        int r = recall(s, accepted_get(&s->all->accepted, s->sv), &kept);
        bool is_pending = accepted_pending(&s->all->accepted, s->sv, &waits);
        if (r == 0)
                r = recall(s, waits, &next);
        if (r < 0)
                return r;
        bool is_good = is_pending && (next || !waits);
        if (is_good && s->begins)
                return begin_with_pending(s, kept, next);
        r = setting_replace(&s->accepted, kept);
        if (r == 0 && is_pending)
                r = set_pending(s, is_good, next);
        if (r < 0 || s->accepted || s->control || !s->sv->has_default)
                return r;
        /* A part of the service itself cannot be left alone: it begins with its default, and that is no
         * change. */
        r = setting_replace(&s->accepted, s->sv->default_text);
        if (r < 0 || !s->all->ran_before)
                return r;
        s->all->is_stored = false;
        return accepted_set(&s->all->accepted, s->sv, s->accepted);
}

/* "\System\Audit\Modules\TaintEvents": without the hive where it is the default one. */
static int describe_path(const struct schema_value *sv, char **ret)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        size_t len;

        (void)path_component(&sv->key, 0, &len);
        bool machine = fold_equal(sv->key.text, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE));
        buf_printf(&path, "%s%s\\%s", machine ? "" : "\\", sv->key.text + (machine ? len : 0), sv->name);
        return buf_finish(&path, ret, NULL);
}

int setting_new(struct settings *all, const struct schema_value *sv, enum setting_kind kind, bool begins,
        struct setting **ret)
{
        struct diag d = { 0 };
        struct setting *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct setting){ .all = all, .sv = sv, .kind = kind, .begins = begins };

        int r = describe_path(sv, &s->path);
        if (r == 0)
                r = setting_replace(&s->written, "");
        if (r == 0)
                r = setting_replace(&s->layer, DEFAULT_LAYER);
        if (r == 0)
                r = setting_replace(&s->refused, accepted_get(&all->refused, sv));
        if (r == 0 && kind == SETTING_CONTROL)
                r = control_new(all->root, sv->control->name, &s->control, &d);
        if (r == 0)
                r = begin_kept(s);
        if (r < 0) {
                if (d.text[0])
                        log_error("%s: %s", s->path, d.text);
                (void)setting_free(s);
                return r;
        }
        if (s->control)
                setting_begin_control(s);
        *ret = s;
        return 0;
}

struct setting *setting_free(struct setting *s)
{
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->off_timer);
        s->watch = fswatch_free(s->watch);
        s->control = control_free(s->control);
        free(s->path);
        free(s->written);
        free(s->layer);
        free(s->accepted);
        free(s->pending);
        free(s->refused);
        free(s->drift_found);
        free(s->off_text);
        free(s->turning_off);
        free(s->queued);
        sd_event_source_disable_unref(s->record_timer);
        s->unrecorded = setting_unrecorded_free(s->unrecorded);
        free(s);
        return NULL;
}

void setting_set_error(struct setting *s, const char *error)
{
        s->live = !error;
        (void)snprintf(s->last_error, sizeof(s->last_error), "%s", error ? error : "");
        setting_changed(s, SETTING_LIVE);
}

void setting_take(struct setting *s)
{
        const char *text = s->accepted;

        if (s->control) {
                if (text)
                        (void)setting_write(s, text);
                return;
        }
        /* TextFile alone can fail, and says so itself. */
        s->live = true;
        s->last_error[0] = '\0';
        if (s->kind == SETTING_DRIFT)
                setting_set_reapply(
                        s->of, text ? strcmp(text, "reapply") == 0 : s->of->sv->control->drift_reapply);
        else if (s->kind == SETTING_CAPTURE)
                taints_set_forensic(s->all->taints, text && strcmp(text, "forensic") == 0);
        else if (s->kind == SETTING_ACCEPTED_TAINTS)
                taints_set_accepted(s->all->taints, text);
        else
                metrics_set_path(s->all->metrics, text);
        setting_changed(s, SETTING_LIVE);
}

/* Nobody had looked before: what is found is how it began, and no change. That nothing is audited is one all
 * the same, unless it is so already. */
static int begin_found(struct setting *s, const struct setting_input *in)
{
        struct policy_decision decision = { 0 };

        int r = policy_decide(s->sv, s->accepted, in->value, &decision);
        if (r < 0)
                return r;
        const char *text = decision.verdict == POLICY_CHANGE                         ? decision.text
                           : s->accepted                                             ? s->accepted
                           : decision.verdict == POLICY_REFUSE && s->sv->has_default ? s->sv->default_text
                                                                                     : NULL;
        if (text && (!decision.turns_off || setting_came_with_boot(s, text))) {
                bool is_same = s->accepted && strcmp(s->accepted, text) == 0;
                s->all->is_stored = false;
                r = keep(s, text);
                if (r == 0 && !is_same) {
                        setting_take(s);
                        setting_changed(s, SETTING_ACCEPTED);
                }
        }
        policy_decision_done(&decision);
        return r;
}

static int keep_and_store(struct setting *s, const char *text)
{
        int r = keep(s, text);
        if (r < 0)
                return r;
        if (s->is_pending)
                r = set_pending(s, false, NULL);
        settings_store(s->all);
        return r;
}

static int remember_refused(struct setting *s, const char *text)
{
        struct accepted *refused = &s->all->refused;
        struct diag d = { 0 };

        if (!text && !s->refused)
                return 0;
        int r = setting_replace(&s->refused, text);
        if (r == 0)
                r = accepted_set(refused, s->sv, text);
        if (r == 0 && accepted_store(s->all->root, LAYOUT_REFUSED_NAME, refused, &d) < 0)
                log_warning("the next start records refused values again: %s", d.text);
        return r;
}

static int refuse(struct setting *s, const struct setting_input *in, const char *why, const char *reason)
{
        bool again = s->refused && strcmp(s->refused, s->written) == 0;

        (void)diag_set(&s->refusal, EINVAL, "%s", why);
        if (again && in->is_resync)
                return 0;
        int r = remember_refused(s, s->written);
        if (r < 0)
                return r;
        s->refusals++;
        const struct record record = {
                .kind = RECORD_POLICY_REFUSED,
                .path = s->path,
                .old_text = setting_shown(s->accepted),
                .new_text = s->written,
                .layer = in->layer,
                .serial = setting_input_seal(in)->serial,
                .signer = setting_input_seal(in)->signer,
                .reason = reason,
                .detail = why,
                .actor = in->actor,
        };
        auditlog_emit(s->all->auditlog, &record);
        setting_changed(s, SETTING_COUNTERS);
        policy_bus_policy_refused(s, s->written, why);
        return 0;
}

static void announce(struct setting *s, const char *old, const struct actor *actor)
{
        s->changes++;
        setting_changed(s, SETTING_ACCEPTED | SETTING_LIVE | SETTING_COUNTERS);
        policy_bus_policy_changed(s, old, actor);
}

/* The control first, then the record with the result. A kernel that does not take the value refuses it for
 * us all. */
static int accept_now(struct setting *s, const char *text, const struct setting_input *in)
{
        struct setting_change_text change;
        struct record record = setting_change_record(s, text, in, &change);
        _cleanup_free_ char *old = strdup(record.old_text);
        if (!old)
                return -ENOMEM;

        enum control_outcome outcome = s->control && text ? setting_write(s, text) : CONTROL_HOLDS;
        if (outcome == CONTROL_REFUSED) {
                _cleanup_buf_ struct buf why = BUF_INIT;
                buf_printf(&why, "the kernel refuses '%s' for %s: %s", text, control_name(s->control),
                        s->last_error);
                return why.error ? why.error : refuse(s, in, buf_str(&why), "kernel-refused");
        }
        record.old_text = old;
        record.success = outcome != CONTROL_FAILED && outcome != CONTROL_DIFFERENT;
        int r = keep_and_store(s, text);
        if (r < 0)
                return r;
        if (!s->control)
                setting_take(s);
        else if (!text)
                setting_let_go(s);
        auditlog_emit(s->all->auditlog, &record);
        announce(s, old, in->actor);
        return 0;
}

static void turn_off_now(struct setting *s)
{
        _cleanup_free_ struct setting_input *in = STEAL_PTR(s->turning_off), *queued = STEAL_PTR(s->queued);
        _cleanup_free_ char *old = NULL, *text = STEAL_PTR(s->off_text);
        struct setting_change_text change;
        struct record failed = setting_change_record(s, text, in, &change);

        failed.layer = s->layer;
        failed.reason = "control-failed";
        failed.detail = NULL;
        failed.success = false;
        s->off_timer = sd_event_source_disable_unref(s->off_timer);
        old = STEAL_PTR(s->accepted);
        enum control_outcome outcome = setting_write(s, text);
        if (keep_and_store(s, text) < 0)
                log_error("out of memory; the value in force cannot be kept");
        if (outcome == CONTROL_FAILED || outcome == CONTROL_DIFFERENT || outcome == CONTROL_REFUSED)
                auditlog_emit(s->all->auditlog, &failed);
        announce(s, setting_shown(old), in->actor);
        policy_bus_settled(s);
        if (queued && setting_input(s, queued) < 0)
                log_error("%s: out of memory; the value in force stays", s->path);
}

/* Completions come in the order of the records: one that comes late, after its time ran out, must not let a
 * later turning off go before its own. */
static void on_off_recorded(void *userdata)
{
        struct setting *s = userdata;
        if (--s->off_waiting == 0 && s->turning_off)
                turn_off_now(s);
}

static int on_off_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct setting *s = userdata;
        log_warning(
                "%s: the kernel did not take the record in time; auditing goes off all the same", s->path);
        if (s->turning_off)
                turn_off_now(s);
        return 0;
}

/* Turning auditing off is recorded before it takes effect: the control follows when the record has gone out,
 * and what comes in between waits. */
static int turn_off(struct setting *s, const char *text, const struct setting_input *in)
{
        struct setting_change_text change;
        const struct record record = setting_change_record(s, text, in, &change);
        _cleanup_free_ struct setting_input *copy = setting_input_copy(in);

        int r = copy ? setting_replace(&s->off_text, text) : -ENOMEM;
        if (r == 0)
                r = sd_event_add_time_relative(s->all->event, &s->off_timer, CLOCK_MONOTONIC,
                        TURN_OFF_TIMEOUT_USEC, 1000, on_off_timer, s);
        if (r < 0)
                return r;
        s->turning_off = STEAL_PTR(copy);
        s->off_waiting++;
        auditlog_emit_then(s->all->auditlog, &record, on_off_recorded, s);
        return 0;
}

/* Accepted, kept and recorded, but what is in force stays so until the moment that the schema names. The
 * same as is in force: nothing waits any more. */
static int put_off(struct setting *s, bool is_pending, const char *text, const struct setting_input *in)
{
        struct setting_change_text change;
        const struct record record = setting_pending_record(s, text, in, &change);

        int r = set_pending(s, is_pending, text);
        if (r < 0)
                return r;
        settings_store(s->all);
        auditlog_emit(s->all->auditlog, &record);
        return 0;
}

static void note_no_op(struct setting *s, const struct setting_input *in)
{
        if (in->is_resync)
                return;
        s->no_ops++;
        setting_changed(s, SETTING_COUNTERS);
}

static int change(struct setting *s, const char *text, bool turns_off, const struct setting_input *in)
{
        if (s->begins || !setting_has_to_wait(s, text))
                return turns_off ? turn_off(s, text, in) : accept_now(s, text, in);
        if (!s->is_pending || strcmp(setting_shown(s->pending), setting_shown(text)) != 0)
                return put_off(s, true, text, in);
        note_no_op(s, in);
        return 0;
}

static int note_written(struct setting *s, const struct setting_input *in)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *layer = in->value ? in->layer : DEFAULT_LAYER;
        const struct seal seal = in->value ? in->seal : (struct seal){ 0 };

        if (in->value)
                value_format(&text, in->value, true);
        if (text.error)
                return text.error;
        if (strcmp(s->written, buf_str(&text)) == 0 && strcmp(s->layer, layer) == 0 &&
                seal_equal(&s->seal, &seal))
                return 0;
        s->seal = seal;
        int r = setting_replace(&s->written, buf_str(&text));
        if (r == 0)
                r = setting_replace(&s->layer, layer);
        setting_changed(s, SETTING_WRITTEN);
        return r;
}

static const struct setting_input nobody = {
        .layer = "", .reason = "changed-while-away", .is_resync = true
};

/* An entry that is new to a service that ran before, whose first written value is refused: nothing else
 * would be in force. */
static int fall_back(struct setting *s)
{
        if (s->accepted || s->is_pending || s->refusal.text[0] == '\0' || !s->sv->has_default)
                return 0;
        return change(s, s->sv->default_text, false, &nobody);
}

static const struct setting_input reloaded = { .layer = "", .reason = "schema-reloaded", .is_resync = true };

static int take_in(struct setting *s, const struct setting_input *in)
{
        struct policy_decision decision = { 0 };

        s->begins = s->begins && in->is_resync;
        int r = s->begins && !s->all->ran_before ? begin_found(s, in) : 0;
        if (r == 0)
                r = policy_decide(s->sv, s->accepted, in->value, &decision);
        if (r == 0 && decision.verdict == POLICY_REFUSE) {
                r = refuse(s, in, decision.why.text, "invalid-value");
        } else if (r == 0) {
                s->refusal.text[0] = '\0';
                r = remember_refused(s, NULL);
        }
        if (r == 0 && decision.verdict == POLICY_CHANGE)
                r = change(s, decision.text, decision.turns_off, in);
        else if (r == 0 && decision.verdict == POLICY_SAME && s->is_pending)
                r = put_off(s, false, s->accepted, in);
        else if (r == 0 && decision.verdict == POLICY_SAME)
                note_no_op(s, in);
        policy_decision_done(&decision);
        if (r == 0 && !s->turning_off)
                r = fall_back(s);
        s->begins = false;
        return r;
}

int setting_input(struct setting *s, const struct setting_input *heard)
{
        struct setting_input in = *heard;

        if (s->turning_off) {
                /* The newest counts, when auditing is off. */
                free(s->queued);
                s->queued = setting_input_copy(heard);
                return s->queued ? 0 : -ENOMEM;
        }
        if (s->is_reloaded && in.is_resync)
                in.reason = reloaded.reason;
        s->is_reloaded = false;
        setting_flush(s);
        s->is_heard = true;
        int r = note_written(s, &in);
        if (r == 0)
                r = take_in(s, &in);
        s->sequence = in.sequence;
        if (r == 0 && !s->turning_off)
                policy_bus_settled(s);
        return r;
}

void setting_end_start(struct setting *s)
{
        if (s->begins && (!s->accepted || !s->all->ran_before) && take_in(s, &nobody) < 0)
                log_error("%s: out of memory; the default is not in force", s->path);
        s->begins = false;
}

/* Does the control hold something else for what is in force than it did for the entry so far? */
static bool is_said_otherwise(const struct setting *s, const struct schema_value *before)
{
        _cleanup_free_ char *old = NULL, *text = NULL;

        return s->accepted && schema_control_text(s->sv, s->accepted, &text) == 0 &&
               (schema_control_text(before, s->accepted, &old) < 0 || strcmp(old, text) != 0);
}

void setting_adopt(struct setting *s, const struct schema_value *sv)
{
        _cleanup_free_ char *accepted = NULL, *pending = NULL;
        const struct schema_value *before = s->sv;

        s->sv = sv;
        /* What waited may not have to any more, and what was refused may be good. */
        s->is_reloaded |= s->is_pending || s->refusal.text[0] != '\0';
        int r = recall(s, s->accepted, &accepted);
        if (r == 0)
                r = recall(s, s->pending, &pending);
        if (r == 0 && s->pending && !pending)
                r = set_pending(s, false, NULL);
        if (r == 0 && s->accepted && !accepted && !s->turning_off)
                r = accept_now(s, sv->has_default ? sv->default_text : NULL, &reloaded);
        if (r < 0)
                log_error("%s: out of memory; the value in force stays", s->path);
        /* The same may mean something else. */
        setting_changed(s, SETTING_ACCEPTED);
        if (!s->control)
                return;
        if (!sv->control->drift_value)
                setting_set_reapply(s, sv->control->drift_reapply);
        if (!s->turning_off && is_said_otherwise(s, before))
                (void)setting_write(s, s->accepted);
}

void setting_end(struct setting *s)
{
        struct setting_change_text change;
        const struct record record = setting_change_record(s, NULL, &reloaded, &change);
        _cleanup_free_ char *old = STEAL_PTR(s->accepted);

        setting_flush(s);
        free(s->turning_off);
        s->turning_off = NULL;
        s->off_timer = sd_event_source_disable_unref(s->off_timer);
        if (accepted_set(&s->all->accepted, s->sv, NULL) < 0 || set_pending(s, false, NULL) < 0 ||
                remember_refused(s, NULL) < 0)
                log_error("%s: out of memory; it is kept as if its entry were there", s->path);
        settings_store(s->all);
        if (s->control)
                setting_let_go(s);
        if (!old)
                return;
        auditlog_emit(s->all->auditlog, &record);
        announce(s, old, NULL);
}
