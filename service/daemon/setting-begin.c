/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a setting begins with: what was accepted last, or, where nothing was, the registry's first word. */
#include "setting-internal.h"

#include <errno.h>
#include <string.h>

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
        int r = setting_replace(&s->accepted, text);
        if (r == 0)
                r = accepted_set(&s->all->accepted, s->sv, text);
        return r < 0 ? r : setting_set_pending(s, false, NULL);
}

/* A part of the service itself cannot be left alone: it begins with its default, and that is no change. */
static int begin_own(struct setting *s)
{
        if (s->accepted || s->control || !s->sv->has_default)
                return 0;
        int r = setting_replace(&s->accepted, s->sv->default_text);
        if (r < 0 || !s->all->ran_before)
                return r;
        s->all->is_stored = false;
        return accepted_set(&s->all->accepted, s->sv, s->accepted);
}

int setting_begin_kept(struct setting *s)
{
        _cleanup_free_ char *kept = NULL, *next = NULL;
        const char *waits = NULL;

        int r = setting_recall(s, accepted_get(&s->all->accepted, s->sv), &kept);
        bool is_pending = accepted_pending(&s->all->accepted, s->sv, &waits);
        if (r == 0)
                r = setting_recall(s, waits, &next);
        if (r < 0)
                return r;
        bool is_good = is_pending && (next || !waits);
        if (is_good && s->begins)
                return begin_with_pending(s, kept, next);
        r = setting_replace(&s->accepted, kept);
        if (r == 0 && is_pending)
                r = setting_set_pending(s, is_good, next);
        return r < 0 ? r : begin_own(s);
}

static int begin_as(struct setting *s, const char *text)
{
        bool is_same = s->accepted && strcmp(s->accepted, text) == 0;
        _cleanup_free_ char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        s->all->is_stored = false;
        int r = accepted_set(&s->all->accepted, s->sv, text);
        if (r < 0 || is_same)
                return r;
        free(s->accepted);
        s->accepted = STEAL_PTR(copy);
        setting_take(s);
        setting_changed(s, SETTING_ACCEPTED);
        return 0;
}

int setting_begin_found(struct setting *s, const struct link_value *in)
{
        struct policy_decision decision = { 0 };

        int r = policy_decide(s->sv, s->accepted, in->value, &decision);
        if (r < 0)
                return r;
        const char *text = decision.verdict == POLICY_CHANGE                         ? decision.text
                           : s->accepted                                             ? s->accepted
                           : decision.verdict == POLICY_REFUSE && s->sv->has_default ? s->sv->default_text
                                                                                     : NULL;
        if (text && (!decision.turns_off || setting_came_with_boot(s, text)))
                r = begin_as(s, text);
        policy_decision_done(&decision);
        return r;
}
