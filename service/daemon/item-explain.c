/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An item for people: what is in force and why, and what a write would do. Changes nothing. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "item-internal.h"

const char *item_meaning(const struct item *item)
{
        for (size_t i = 0; item->accepted && i < item->sv->n_choices; i++)
                if (strcmp(item->sv->choices[i].value, item->accepted) == 0)
                        return item->sv->choices[i].meaning;
        return "";
}

static void explain_acceptance(const struct item *item, struct buf *out)
{
        const char *accepted = item->accepted ? item->accepted : "nothing";

        if (item->refusal.text[0])
                buf_printf(out, "What is written (%s, layer %s) is refused: %s; %s stays in force",
                        item->written, item->layer, item->refusal.text, accepted);
        else if (strcmp(item->layer, "default") == 0)
                buf_printf(out, "Nothing is written; %s is in force%s", accepted,
                        item->accepted ? ", the default of the schema" : "");
        else
                buf_printf(out, "%s is in force, from layer %s", accepted, item->layer);
        if (item_meaning(item)[0])
                buf_printf(out, " (%s)", item_meaning(item));
}

static void explain_pause(const struct item *item, struct buf *out)
{
        uint64_t now = item_clock(CLOCK_MONOTONIC);

        if (now < item->drift.paused_until)
                buf_printf(out,
                        "; it was put back %u times and then given up, and is put back again in %" PRIu64
                        " s",
                        DRIFT_ROUNDS, (item->drift.paused_until - now + 999999) / 1000000);
}

int item_explain(const struct item *item, struct buf *out)
{
        explain_acceptance(item, out);
        if (!item->accepted)
                buf_printf(out, "; %s is left alone", control_name(item->control));
        else if (item->live)
                buf_printf(out, "; %s holds %s", control_name(item->control), item->control_value);
        else if (item->turning_off)
                buf_puts(out, "; auditing goes off as soon as the record of it is handed over");
        else {
                buf_printf(out, "; not live: %s%s",
                        item->last_error[0] ? item->last_error : "not applied yet",
                        control_present(item->control) ? ""
                                                       : "; it is applied the moment the control appears");
                explain_pause(item, out);
        }
        if (item->context->registry_missed)
                buf_puts(out, "; the registry does not answer: what is written meanwhile is not known");
        if (item->keep_error[0])
                buf_printf(out, "; it is not kept for the next boot: %s", item->keep_error);
        buf_putc(out, '.');
        return out->error;
}

static void preview_control(struct item *item, const char *text, struct buf *out)
{
        _cleanup_free_ char *wanted = NULL;
        char now[CONTROL_TEXT_MAX];

        if (!text)
                buf_printf(out, "%s is left as it is\n", control_name(item->control));
        else if (schema_control_text(item->sv, text, &wanted) < 0)
                buf_printf(out, "'%s' cannot be said to %s\n", text, control_name(item->control));
        else if (control_read(item->control, now, sizeof(now)) < 0)
                buf_printf(out, "%s would be written to %s when it is there\n", wanted,
                        control_name(item->control));
        else if (control_text_equal(now, wanted))
                buf_printf(out, "%s holds %s already: no write\n", control_name(item->control), now);
        else
                buf_printf(out, "%s would be written to %s, which holds %s\n", wanted,
                        control_name(item->control), now);
}

static void preview_record(const struct record *r, struct buf *out)
{
        buf_puts(out, "audit record: ");
        if (record_format(r, out) < 0)
                out->error = -ENOMEM;
        buf_putc(out, '\n');
}

int item_preview(struct item *item, const struct value *value, const char *layer, const struct actor *actor,
        struct buf *out)
{
        struct policy_decision decision = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        char tainted[ITEM_MASK_MAX];
        struct record record = {
                .op = item->sv->control->audit_op,
                .path = item->path,
                .old_text = item->accepted ? item->accepted : "unset",
                .layer = layer[0] ? layer : NULL,
                .actor = actor,
        };

        int r = policy_decide(item->sv, item->accepted, value, &decision);
        if (r < 0)
                return r;
        switch (decision.verdict) {
        case POLICY_SAME:
                buf_printf(out, "%s is in force already: no write, no record\n",
                        item->accepted ? item->accepted : "nothing");
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
                preview_control(item, decision.text, out);
                record.kind = RECORD_POLICY_CHANGED;
                record.new_text = decision.text ? decision.text : "unset";
                record.tainted = item_tainted(item, tainted);
                record.success = true;
                preview_record(&record, out);
                break;
        }
        policy_decision_done(&decision);
        return text.error ? text.error : out->error;
}
