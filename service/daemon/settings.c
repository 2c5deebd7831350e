/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "describe.h"
#include "item-internal.h"

#define UNSET "unset"

static const char *shown(const char *text)
{
        return text && *text ? text : UNSET;
}

static struct setting *setting_free(struct setting *s)
{
        if (!s)
                return NULL;
        free(s->path);
        free(s->text);
        free(s->refused);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(struct setting *, setting_free, setting_freep);

static int check(const struct setting *s, const char *text, struct diag *d)
{
        return text && s->config.check ? s->config.check(text, d) : 0;
}

/* What was accepted last, unless the schema or the service means something else by it now. */
static int recall(struct setting *s, const char *kept)
{
        const struct schema_value *sv = s->config.sv;
        const struct value v = { .type = REG_SZ, .data = kept, .size = kept ? strlen(kept) : 0 };
        _cleanup_free_ char *text = NULL;

        int r = kept ? schema_check(sv, &v, &text, NULL) : -ENOENT;
        if (r == 0)
                r = check(s, text, NULL);
        if (r == -ENOMEM)
                return r;
        s->known = r == 0;
        return item_replace(&s->text, s->known ? text : sv->has_default ? sv->default_text : NULL);
}

int settings_add(struct settings *all, const struct setting_config *config, struct setting **ret)
{
        _cleanup_(setting_freep) struct setting *s = calloc(1, sizeof(*s));
        struct setting **list = realloc(all->list, (all->n + 1) * sizeof(*list));

        if (list)
                all->list = list;
        if (!s || !list)
                return -ENOMEM;
        s->config = *config;
        int r = describe_path(config->sv, &s->path);
        if (r == 0)
                r = recall(s, accepted_get(all->accepted, config->sv));
        if (r == 0)
                r = item_replace(&s->refused, accepted_get(all->refused, config->sv));
        if (r < 0)
                return r;
        config->apply(s->text, config->userdata);
        if (ret)
                *ret = s;
        all->list[all->n++] = STEAL_PTR(s);
        return 0;
}

void settings_done(struct settings *all)
{
        for (size_t i = 0; i < all->n; i++)
                (void)setting_free(all->list[i]);
        free(all->list);
        all->list = NULL;
        all->n = 0;
}

/* For the next start, which would otherwise tell of it again. */
static int keep(const struct settings *all, struct accepted *in, const char *name,
        const struct schema_value *sv, const char *text)
{
        struct diag d = { 0 };

        int r = accepted_set(in, sv, text);
        if (r < 0)
                return r;
        r = accepted_store(all->root, name, in, &d);
        if (r < 0)
                log_warning("%s\\%s cannot be kept for the next start: %s", sv->key.text, sv->name,
                        d.text[0] ? d.text : strerror(-r));
        return 0;
}

static int remember_refused(const struct settings *all, struct setting *s, const char *text)
{
        if (!text && !s->refused)
                return 0;
        int r = item_replace(&s->refused, text);
        return r < 0 ? r : keep(all, all->refused, LAYOUT_REFUSED_NAME, s->config.sv, text);
}

static int refuse(
        const struct settings *all, struct setting *s, const struct item_input *input, const char *why)
{
        _cleanup_buf_ struct buf written = BUF_INIT;

        value_format(&written, input->value, true);
        if (written.error)
                return written.error;
        if (input->is_resync && s->refused && strcmp(s->refused, buf_str(&written)) == 0)
                return 0;
        int r = remember_refused(all, s, buf_str(&written));
        if (r < 0)
                return r;
        const struct record record = {
                .kind = RECORD_POLICY_REFUSED,
                .path = s->path,
                .old_text = shown(s->text),
                .new_text = buf_str(&written),
                .layer = input->layer,
                .reason = "invalid-value",
                .detail = why,
                .actor = input->actor,
        };
        auditlog_emit(all->auditlog, &record);
        all->told_refused(s, buf_str(&written), shown(s->text), why, all->userdata);
        return 0;
}

static int accept(
        const struct settings *all, struct setting *s, const char *text, const struct item_input *input)
{
        _cleanup_free_ char *old = NULL, *copy = NULL;
        bool was_known = s->known;
        struct diag file;

        int r = item_replace(&copy, text);
        if (r == 0)
                r = keep(all, all->accepted, LAYOUT_ACCEPTED_NAME, s->config.sv, text);
        if (r < 0)
                return r;
        old = STEAL_PTR(s->text);
        s->text = STEAL_PTR(copy);
        s->known = true;
        s->config.apply(s->text, s->config.userdata);
        /* At the very first start nothing changes: what is found is what was there. */
        if (!was_known && input->is_resync)
                return 0;
        const struct record record = {
                .kind = RECORD_POLICY_CHANGED,
                .path = s->path,
                .old_text = shown(old),
                .new_text = shown(text),
                .layer = input->layer,
                .reason = input->reason,
                .detail = describe_file(input, &file),
                .actor = input->actor,
                .success = true,
        };
        auditlog_emit(all->auditlog, &record);
        all->changed(s, shown(old), shown(text), input->actor, all->userdata);
        return 0;
}

static int stay(struct settings *all, struct setting *s, const struct item_input *input)
{
        if (!input->is_resync) {
                all->no_ops++;
                all->same(all->userdata);
        }
        if (s->known)
                return 0;
        s->known = true;
        return keep(all, all->accepted, LAYOUT_ACCEPTED_NAME, s->config.sv, s->text);
}

static int decide(struct settings *all, struct setting *s, const struct item_input *input)
{
        struct policy_decision decision = { 0 };

        int r = policy_decide(s->config.sv, s->text, input->value, &decision);
        if (r < 0)
                return r;
        if (decision.verdict == POLICY_CHANGE && check(s, decision.text, &decision.why) < 0)
                decision.verdict = POLICY_REFUSE;
        if (decision.verdict == POLICY_REFUSE)
                r = refuse(all, s, input, decision.why.text);
        else
                r = remember_refused(all, s, NULL);
        if (r == 0 && decision.verdict == POLICY_CHANGE)
                r = accept(all, s, decision.text, input);
        else if (r == 0 && decision.verdict == POLICY_SAME)
                r = stay(all, s, input);
        policy_decision_done(&decision);
        return r;
}

int settings_input(struct settings *all, const char *key, const char *name, const struct item_input *input)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < all->n; i++) {
                const struct schema_value *sv = all->list[i]->config.sv;
                if (strcmp(sv->key.text, key) == 0 && strcmp(sv->name, name) == 0)
                        r = decide(all, all->list[i], input);
        }
        return r;
}
