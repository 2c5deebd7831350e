/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "taints.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/log.h"
#include "../metrics/metrics.h"
#include "policy-bus.h"

#define MASK_TEXT_MAX 20

struct taints {
        struct settings *settings;
        struct monitor *monitor;
        bool started;
        uint64_t audited_until; /* µs since 1970: what happened by then is audited, whenever it is seen */
        struct accepted_taints accepted;
        sd_event_source *accepted_timer; /* the next end of an acceptance */
        int64_t accepted_usec;           /* µs since 1970: ends were looked at until then */
        uint64_t past; /* bits that were set when nothing was audited: nor are they, seen later */
};

static bool is_scratch(const char *root)
{
        return root && root[0] && strcmp(root, "/") != 0;
}

/* Where the kernel's control holds the policy the kernel writes the records: a second one would double them.
 * A control on a scratch root is a file and audits nothing. */
static bool kernel_audits(const struct taints *t)
{
        const struct setting *policy = t->settings->taint_events;
        return policy->live && control_present(policy->control) && !is_scratch(t->settings->root);
}

static bool is_audited(const struct taints *t)
{
        const struct setting *policy = t->settings->taint_events;
        const char *off = policy->sv->control->audit_off, *in_force = policy->accepted;

        /* Before the registry is heard for the first time, so that nothing is missed. */
        if (!in_force && policy->begins && policy->sv->has_default)
                in_force = policy->sv->default_text;
        return in_force && (!off || strcmp(in_force, off) != 0) && !kernel_audits(t);
}

static const char *mask_text(uint64_t mask, char text[static MASK_TEXT_MAX])
{
        (void)snprintf(text, MASK_TEXT_MAX, "0x%" PRIx64, mask);
        return text;
}

/* A cleared bit is tampering, which no policy silences. What waits for its cause falls under the policy of
 * the moment in which it happened. */
static bool is_recorded(const struct taints *t, const struct taint_event *e)
{
        if (e->cleared || (e->time_usec > 0 && e->time_usec <= t->audited_until))
                return true;
        return is_audited(t) && !(t->past >> e->bit & 1);
}

static int64_t now(void)
{
        return (int64_t)clock_of(CLOCK_REALTIME);
}

const struct accepted_taints *taints_accepted(const struct taints *t)
{
        return &t->accepted;
}

/* A bit that was cleared is an alarm in any case. */
const char *taints_acceptance(const struct taints *t, const struct taint_event *e)
{
        const struct accepted_taint *a =
                e->cleared ? NULL : accepted_taints_find(&t->accepted, e->bit, e->module, now());
        return a ? a->text : NULL;
}

static bool is_bit_accepted(const struct taints *t, unsigned bit)
{
        bool any = accepted_taints_find(&t->accepted, bit, "", now()) != NULL;
        size_t n;
        const struct taint_event *events = monitor_events(t->monitor, &n);

        for (size_t i = 0; i < n; i++) {
                if (events[i].bit != bit || events[i].cleared)
                        continue;
                if (!taints_acceptance(t, &events[i]))
                        return false;
                any = true;
        }
        return any;
}

uint64_t taints_accepted_mask(const struct taints *t)
{
        uint64_t tainted = monitor_status(t->monitor).tainted, mask = 0;

        for (unsigned bit = 0; bit < 64 && t->accepted.n > 0; bit++)
                if (tainted >> bit & 1 && is_bit_accepted(t, bit))
                        mask |= UINT64_C(1) << bit;
        return mask;
}

static void on_changed(void *userdata)
{
        const struct taints *t = userdata;

        policy_bus_taint_changed(t->settings->bus);
        metrics_changed(t->settings->metrics);
}

static void on_transition(struct taint_event *e, void *userdata)
{
        struct taints *t = userdata;
        char name[TAINT_NAME_MAX], old_mask[MASK_TEXT_MAX], new_mask[MASK_TEXT_MAX];
        const char *acceptance = taints_acceptance(t, e);
        struct diag detail;
        (void)diag_set(&detail, 0, "%s%s%s%s", e->detail, acceptance && e->detail[0] ? "; " : "",
                acceptance ? "accepted: " : "", acceptance ? acceptance : "");
        const struct record r = {
                .kind = e->cleared ? RECORD_TAINT_CLEARED : RECORD_TAINT_SET,
                .taint = taint_name(taint_flag_by_bit(e->bit), e->bit, name),
                .bit = e->bit,
                .old_text = mask_text(e->old_mask, old_mask),
                .new_text = mask_text(e->new_mask, new_mask),
                .reason = e->reason,
                .module = e->module,
                .module_taints = e->module_taints,
                .attribution = taint_attribution_name(e->attribution),
                .context = taint_context_name(e->context),
                .actor = &e->actor,
                .stack = e->stack,
                .properties = e->properties,
                .accepted = acceptance ? "yes" : "no",
                .detail = detail.text[0] ? detail.text : NULL,
                .when = e->time_usec > 0 ? e->time_usec : (uint64_t)now(),
                .success = true,
        };

        if (e->seqno == 0 && is_recorded(t, e))
                e->seqno = auditlog_send(t->settings->auditlog, &r);
        if (e->seqno > 0)
                auditlog_enter(t->settings->auditlog, &r, e->seqno);
        t->past &= ~(UINT64_C(1) << e->bit);
}

static void on_reported(const struct taint_event *e, void *userdata)
{
        struct taints *t = userdata;

        policy_bus_taint_event(t->settings, e);
        on_changed(t);
}

static void on_blind(const char *text, void *userdata)
{
        struct taints *t = userdata;

        if (!text) {
                log_notice("the kernel's taint mask can be read again");
                return;
        }
        const struct record record = {
                .kind = RECORD_TAINT_BLIND, .reason = "cannot-be-read", .detail = text
        };
        (void)auditlog_emit(t->settings->auditlog, &record);
}

static uint64_t last_seqno(void *userdata)
{
        const struct taints *t = userdata;
        return auditlog_last_seqno(t->settings->auditlog);
}

static void on_sysctl_written(const struct sysctl_write *w, void *userdata)
{
        struct taints *t = userdata;
        settings_sysctl_written(t->settings, w);
}

int taints_new(
        struct settings *settings, uint64_t recheck_usec, bool use_bpf, struct taints **ret, struct diag *d)
{
        struct taints *t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->settings = settings;
        const struct monitor_config config = {
                .root = settings->root,
                .event = settings->event,
                .recheck_usec = recheck_usec,
                /* The programs see this kernel, whatever the root is. */
                .use_bpf = use_bpf && !is_scratch(settings->root),
                .callbacks = { .transition = on_transition,
                        .reported = on_reported,
                        .blind = on_blind,
                        .changed = on_changed,
                        .last_seqno = last_seqno,
                        .sysctl_written = on_sysctl_written,
                        .userdata = t },
        };
        int r = monitor_new(&config, &t->monitor, d);
        if (r < 0) {
                (void)taints_free(t);
                return r;
        }
        *ret = t;
        return 0;
}

int taints_start(struct taints *t, struct diag *d)
{
        int r = monitor_start(t->monitor, d);
        t->started = r >= 0;
        return r;
}

struct taints *taints_free(struct taints *t)
{
        if (!t)
                return NULL;
        t->monitor = monitor_free(t->monitor);
        sd_event_source_disable_unref(t->accepted_timer);
        accepted_taints_done(&t->accepted);
        free(t);
        return NULL;
}

bool taints_writes_are_reported(const struct taints *t)
{
        return t && monitor_status(t->monitor).writes_reported;
}

void taints_set_forensic(struct taints *t, bool forensic)
{
        if (t)
                monitor_set_forensic(t->monitor, forensic);
}

static int on_accepted_end(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata);

static void arm_accepted(struct taints *t)
{
        uint64_t end = (uint64_t)accepted_taints_next_end(&t->accepted, t->accepted_usec);
        int r = t->accepted_timer ? sd_event_source_set_time(t->accepted_timer, end)
                                  : sd_event_add_time(t->settings->event, &t->accepted_timer, CLOCK_REALTIME,
                                            end, 1, on_accepted_end, t);

        if (r >= 0)
                r = sd_event_source_set_enabled(
                        t->accepted_timer, end == INT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        if (r < 0)
                log_error("cannot set a timer: %s; the end of an acceptance is not reported", strerror(-r));
}

static void look_at_accepted(struct taints *t)
{
        int64_t since = t->accepted_usec;

        t->accepted_usec = now();
        for (size_t i = 0; i < t->accepted.n; i++) {
                const struct accepted_taint *a = &t->accepted.list[i];
                if (!accepted_taint_ended(a, since) && accepted_taint_ended(a, t->accepted_usec))
                        log_notice("no longer accepted, its time is over: %s", a->text);
        }
        arm_accepted(t);
        policy_bus_accepted_changed(t->settings->bus);
        metrics_changed(t->settings->metrics);
}

static int on_accepted_end(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        look_at_accepted(userdata);
        return 0;
}

void taints_set_accepted(struct taints *t, const char *text)
{
        struct accepted_taints accepted;

        if (!t)
                return;
        int r = accepted_taints_parse(text ? text : "", text ? strlen(text) : 0, &accepted, NULL);
        if (r < 0) {
                log_error("the new list of accepted taints cannot be used: %s; the previous one stays",
                        strerror(-r));
                return;
        }
        accepted_taints_done(&t->accepted);
        t->accepted = accepted;
        t->accepted_usec = 0;
        look_at_accepted(t);
}

bool taints_mask(struct taints *t, uint64_t *ret)
{
        if (!t || !t->started)
                return false;
        monitor_check(t->monitor);
        struct monitor_status status = monitor_status(t->monitor);
        if (is_audited(t))
                t->audited_until = clock_of(CLOCK_REALTIME);
        else
                t->past = status.tainted;
        *ret = status.tainted;
        return status.readable;
}

struct monitor *taints_monitor(struct taints *t)
{
        return t->monitor;
}
