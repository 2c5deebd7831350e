/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A setting for people and records: what is in force and why, and what a write would do. Changes nothing. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../daemon/taints.h"
#include "settings.h"

const char *setting_shown(const char *text)
{
        return text && *text ? text : "unset";
}

const char *setting_or_empty(const struct setting *s)
{
        return s->accepted ? s->accepted : "";
}

const char *setting_control_name(const struct setting *s)
{
        return s->control ? control_name(s->control) : "";
}

const char *setting_pending(const struct setting *s)
{
        return s->is_pending ? setting_shown(s->pending) : "";
}

const char *setting_waits_for(const struct setting *s)
{
        static const char *const words[] = {
                [SCHEMA_LIVE] = "", [SCHEMA_RESTART] = "restart", [SCHEMA_REBOOT] = "reboot"
        };

        return words[s->sv->apply];
}

const struct seal *setting_input_seal(const struct setting_input *in)
{
        return in->seal.serial != 0 ? &in->seal : &in->cause;
}

struct record setting_change_record(const struct setting *s, const char *new_text,
        const struct setting_input *in, struct setting_change_text *text)
{
        uint64_t mask;
        /* Only of what turns auditing on and off; and then what came before is seen before the change. */
        bool tainted = s->control && s->sv->control->audit_off && taints_mask(s->all->taints, &mask);

        if (tainted)
                (void)snprintf(text->tainted, sizeof(text->tainted), "0x%" PRIx64, mask);
        if (in->file && in->file_owner == AUDIT_ID_UNSET)
                (void)diag_set(&text->file, 0, "%s", in->file);
        else if (in->file)
                (void)diag_set(&text->file, 0, "%s, owned by uid %u", in->file, in->file_owner);
        return (struct record){
                .kind = RECORD_POLICY_CHANGED,
                .op = s->control ? s->sv->control->audit_op : NULL,
                .path = s->path,
                .old_text = setting_shown(s->accepted),
                .new_text = setting_shown(new_text),
                .layer = in->layer,
                .serial = setting_input_seal(in)->serial,
                .signer = setting_input_seal(in)->signer,
                .reason = in->actor && !in->actor->nobody && !in->is_resync ? NULL : in->reason,
                .tainted = tainted ? text->tainted : NULL,
                .detail = in->file ? text->file.text : NULL,
                .actor = in->actor,
                .success = true,
        };
}

struct record setting_pending_record(const struct setting *s, const char *new_text,
        const struct setting_input *in, struct setting_change_text *text)
{
        struct record record = setting_change_record(s, new_text, in, text);

        record.kind = RECORD_POLICY_PENDING;
        record.op = NULL;
        record.tainted = NULL;
        return record;
}

const char *setting_meaning(const struct setting *s)
{
        for (size_t i = 0; s->accepted && i < s->sv->n_choices; i++)
                if (strcmp(s->sv->choices[i].value, s->accepted) == 0)
                        return s->sv->choices[i].meaning;
        return "";
}

static const char *or_nothing(const char *text)
{
        return text && text[0] ? text : "nothing";
}

static void put_layer(const struct setting *s, struct buf *out)
{
        buf_printf(out, "layer %s", s->layer);
        if (s->seal.serial != 0)
                buf_printf(out, " (serial %" PRIu64 ", signed by %s)", s->seal.serial, s->seal.signer);
}

static void explain_acceptance(const struct setting *s, struct buf *out)
{
        const char *accepted = or_nothing(s->accepted);

        if (!s->is_heard)
                buf_printf(out, "What is written is not known yet; %s %s in force", accepted,
                        s->is_pending ? "stays" : "is");
        else if (s->refusal.text[0]) {
                buf_printf(out, "What is written (%s, ", s->written);
                put_layer(s, out);
                buf_printf(out, ") is refused: %s; %s stays in force", s->refusal.text, accepted);
        } else if (s->is_pending && strcmp(s->layer, "default") == 0)
                buf_printf(out, "Nothing is written; %s stays in force", accepted);
        else if (s->is_pending) {
                buf_printf(out, "%s is accepted, from ", s->written);
                put_layer(s, out);
                buf_printf(out, "; %s stays in force", accepted);
        } else if (strcmp(s->layer, "default") == 0)
                buf_printf(out, "Nothing is written; %s is in force%s", accepted,
                        s->accepted ? ", the default of the schema" : "");
        else {
                buf_printf(out, "%s is in force, from ", accepted);
                put_layer(s, out);
        }
        if (setting_meaning(s)[0])
                buf_printf(out, " (%s)", setting_meaning(s));
        if (s->is_pending)
                buf_printf(
                        out, " until the next %s, then %s is", setting_waits_for(s), or_nothing(s->pending));
}

static void explain_control(const struct setting *s, struct buf *out)
{
        uint64_t now = clock_usec();

        if (!s->accepted && s->begins && s->sv->has_default)
                buf_printf(out, "; %s is left alone until the registry answers, for %u seconds at most",
                        control_name(s->control), REGISTRY_WAIT_SECONDS);
        else if (!s->accepted)
                buf_printf(out, "; %s is left alone", control_name(s->control));
        else if (s->live)
                buf_printf(out, "; %s holds %s", control_name(s->control), s->control_value);
        else if (s->turning_off)
                buf_puts(out, "; auditing goes off as soon as the record of it is handed over");
        else {
                buf_printf(out, "; not live: %s%s", s->last_error[0] ? s->last_error : "not applied yet",
                        control_present(s->control) ? "" : "; it is applied the moment the control appears");
                if (now < s->drift.paused_until)
                        buf_printf(out,
                                "; it was put back %u times and then given up, and is put back again in %" PRIu64
                                " s",
                                DRIFT_ROUNDS, (s->drift.paused_until - now + 999999) / 1000000);
        }
}

int setting_explain(const struct setting *s, struct buf *out)
{
        explain_acceptance(s, out);
        if (s->control)
                explain_control(s, out);
        else if (!s->live)
                buf_printf(out, "; not live: %s", s->last_error);
        if (s->all->registry_missed)
                buf_puts(out, "; the registry does not answer: what is written meanwhile is not known");
        if (s->all->keep_error[0])
                buf_printf(out, "; it is not kept for the next boot: %s", s->all->keep_error);
        buf_putc(out, '.');
        return out->error;
}

static void preview_control(struct setting *s, const char *text, struct buf *out)
{
        _cleanup_free_ char *wanted = NULL;
        char now[CONTROL_TEXT_MAX];

        if (!s->control)
                return;
        if (!text)
                buf_printf(out, "%s is left as it is\n", control_name(s->control));
        else if (schema_control_text(s->sv, text, &wanted) < 0)
                buf_printf(out, "'%s' cannot be expressed for %s\n", text, control_name(s->control));
        else if (control_read(s->control, now, sizeof(now)) < 0)
                buf_printf(out, "%s would be written to %s when it is there\n", wanted,
                        control_name(s->control));
        else if (control_text_equal(now, wanted))
                buf_printf(out, "%s holds %s already: no write\n", control_name(s->control), now);
        else
                buf_printf(out, "%s would be written to %s, which holds %s\n", wanted,
                        control_name(s->control), now);
}

static void preview_record(const struct record *r, struct buf *out)
{
        buf_puts(out, "audit record: ");
        if (record_format(r, out) < 0)
                out->error = -ENOMEM;
        buf_putc(out, '\n');
}

static void preview_pending(
        const struct setting *s, const char *text, const struct setting_input *in, struct buf *out)
{
        struct setting_change_text change;
        const struct record record = setting_pending_record(s, text, in, &change);

        preview_record(&record, out);
}

static void preview_stay(const struct setting *s, const struct setting_input *in, struct buf *out)
{
        if (!s->is_pending) {
                buf_printf(out, "%s is in force already: no write, no record\n",
                        s->accepted ? s->accepted : "nothing");
                return;
        }
        buf_printf(out, "%s would stay in force, and %s would no longer wait for the next %s\n",
                or_nothing(s->accepted), or_nothing(s->pending), setting_waits_for(s));
        preview_pending(s, s->accepted, in, out);
}

static void preview_refusal(
        const struct setting *s, const char *why, const struct setting_input *in, struct buf *out)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        value_format(&text, in->value, true);
        const struct record record = {
                .kind = RECORD_POLICY_REFUSED,
                .path = s->path,
                .old_text = setting_shown(s->accepted),
                .new_text = buf_str(&text),
                .layer = in->layer,
                .reason = "invalid-value",
                .actor = in->actor,
        };
        buf_printf(out, "stored, but refused: %s; %s stays in force\n", why, record.old_text);
        preview_record(&record, out);
        if (text.error)
                out->error = text.error;
}

static void preview_change(struct setting *s, const struct policy_decision *decision,
        const struct setting_input *in, struct buf *out)
{
        const char *text = decision->text;
        struct setting_change_text change;

        if (!setting_has_to_wait(s, text)) {
                const struct record record = setting_change_record(s, text, in, &change);
                buf_printf(out, "%s would come into force in place of %s\n", text ? text : "nothing",
                        record.old_text);
                if (decision->turns_off)
                        buf_puts(out, "auditing would go off, after the record of it\n");
                preview_control(s, text, out);
                preview_record(&record, out);
        } else if (s->is_pending && strcmp(setting_shown(s->pending), setting_shown(text)) == 0) {
                buf_printf(out, "%s waits for the next %s already: no write, no record\n", or_nothing(text),
                        setting_waits_for(s));
        } else {
                buf_printf(out, "%s would be accepted; %s stays in force until the next %s\n",
                        or_nothing(text), setting_shown(s->accepted), setting_waits_for(s));
                preview_pending(s, text, in, out);
        }
}

int setting_preview(struct setting *s, const struct value *value, const char *layer,
        const struct actor *actor, struct buf *out)
{
        const struct setting_input in = { .value = value, .layer = layer[0] ? layer : NULL, .actor = actor };
        struct policy_decision decision = { 0 };

        int r = policy_decide(s->sv, s->accepted, value, &decision);
        if (r < 0)
                return r;
        if (decision.verdict == POLICY_SAME)
                preview_stay(s, &in, out);
        else if (decision.verdict == POLICY_REFUSE)
                preview_refusal(s, decision.why.text, &in, out);
        else
                preview_change(s, &decision, &in, out);
        policy_decision_done(&decision);
        return out->error;
}
