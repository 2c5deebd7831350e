/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A setting for people: what is in force and why, and what a write would do. Changes nothing. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "settings.h"

const char *setting_meaning(const struct setting *s)
{
        for (size_t i = 0; s->accepted && i < s->sv->n_choices; i++)
                if (strcmp(s->sv->choices[i].value, s->accepted) == 0)
                        return s->sv->choices[i].meaning;
        return "";
}

static void explain_acceptance(const struct setting *s, struct buf *out)
{
        const char *accepted = s->accepted && s->accepted[0] ? s->accepted : "nothing";

        if (s->refusal.text[0])
                buf_printf(out, "What is written (%s, layer %s) is refused: %s; %s stays in force",
                        s->written, s->layer, s->refusal.text, accepted);
        else if (strcmp(s->layer, "default") == 0)
                buf_printf(out, "Nothing is written; %s is in force%s", accepted,
                        s->accepted ? ", the default of the schema" : "");
        else
                buf_printf(out, "%s is in force, from layer %s", accepted, s->layer);
        if (setting_meaning(s)[0])
                buf_printf(out, " (%s)", setting_meaning(s));
}

static void explain_pause(const struct setting *s, struct buf *out)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        uint64_t now = (uint64_t)ts.tv_sec * UINT64_C(1000000) + (uint64_t)ts.tv_nsec / 1000;

        if (now < s->drift.paused_until)
                buf_printf(out,
                        "; it was put back %u times and then given up, and is put back again in %" PRIu64
                        " s",
                        DRIFT_ROUNDS, (s->drift.paused_until - now + 999999) / 1000000);
}

static void explain_control(const struct setting *s, struct buf *out)
{
        if (!s->accepted)
                buf_printf(out, "; %s is left alone", control_name(s->control));
        else if (s->live)
                buf_printf(out, "; %s holds %s", control_name(s->control), s->control_value);
        else if (s->turning_off)
                buf_puts(out, "; auditing goes off as soon as the record of it is handed over");
        else {
                buf_printf(out, "; not live: %s%s", s->last_error[0] ? s->last_error : "not applied yet",
                        control_present(s->control) ? "" : "; it is applied the moment the control appears");
                explain_pause(s, out);
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
                buf_printf(out, "'%s' cannot be said to %s\n", text, control_name(s->control));
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

int setting_preview(struct setting *s, const struct value *value, const char *layer,
        const struct actor *actor, struct buf *out)
{
        struct policy_decision decision = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        char tainted[SETTING_MASK_MAX];
        struct record record = {
                .op = s->control ? s->sv->control->audit_op : NULL,
                .path = s->path,
                .old_text = setting_shown(s->accepted),
                .layer = layer[0] ? layer : NULL,
                .actor = actor,
        };

        int r = policy_decide(s->sv, s->accepted, value, &decision);
        if (r < 0)
                return r;
        switch (decision.verdict) {
        case POLICY_SAME:
                buf_printf(out, "%s is in force already: no write, no record\n",
                        s->accepted ? s->accepted : "nothing");
                break;
        case POLICY_REFUSE:
                value_format(&text, value, true);
                buf_printf(out, "stored, but refused: %s; %s stays in force\n", decision.why.text,
                        record.old_text);
                record.kind = RECORD_POLICY_REFUSED;
                record.op = NULL;
                record.new_text = buf_str(&text);
                record.reason = "invalid-value";
                preview_record(&record, out);
                break;
        case POLICY_CHANGE:
                buf_printf(out, "%s would come into force in place of %s\n",
                        decision.text ? decision.text : "nothing", record.old_text);
                if (decision.turns_off)
                        buf_puts(out, "auditing would go off, after the record of it\n");
                preview_control(s, decision.text, out);
                record.kind = RECORD_POLICY_CHANGED;
                record.new_text = setting_shown(decision.text);
                record.tainted = setting_tainted(s, tainted);
                record.success = true;
                preview_record(&record, out);
                break;
        }
        policy_decision_done(&decision);
        return text.error ? text.error : out->error;
}
