/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "capture.h"
#include "monitor-internal.h"

static void note_kept(struct monitor *m, int r, const struct diag *d)
{
        if (r < 0 && !m->store_failed)
                log_error("what was told of taints cannot be kept: %s; a restart will tell it again",
                        d->text[0] ? d->text : strerror(-r));
        m->store_failed = r < 0;
}

static void keep_event(struct monitor *m)
{
        struct diag d = { 0 };

        note_kept(m, state_file_keep_event(&m->file, m->root, &m->state, &d), &d);
}

void monitor_keep_told(struct monitor *m)
{
        struct diag d = { 0 };

        m->state.told = m->tracker.told;
        note_kept(m, state_file_keep_told(&m->file, m->root, &m->state, &d), &d);
}

static void follow(struct monitor *m, const struct taint_event *e, bool early)
{
        if (e->cleared)
                tracker_clear(&m->tracker, e->bit);
        else if (early)
                tracker_tell_early(&m->tracker, e->bit, clock_usec());
        else
                tracker_tell(&m->tracker, e->bit);
        m->baseline &= ~TAINT_MASK(e->bit);
        m->sysctl_bits &= ~TAINT_MASK(e->bit);
}

static void capture(struct monitor *m, struct taint_event *e, uint64_t started_before)
{
        if (m->capture != CAPTURE_FORENSIC) {
                free(STEAL_PTR(e->stack));
                return;
        }
        if (!e->properties && capture_properties(m->root, e, started_before, &e->properties) < 0)
                log_warning("bit %u: out of memory; its details are not captured", e->bit);
}

void monitor_tell(struct monitor *m, struct taint_event *e, uint64_t started_before, bool early)
{
        const struct monitor_callbacks *callbacks = &m->config.callbacks;
        struct history_mark mark = { .telling = true,
                .before = callbacks->last_seqno ? callbacks->last_seqno(callbacks->userdata) : 0 };
        struct history *h = &m->state.history;
        size_t at;

        if (e->module[0] && !e->cleared)
                module_add_letter(e->module_taints, e->bit);
        capture(m, e, started_before);
        int r = history_add(h, e, mark, &at);
        if (r == 0)
                keep_event(m);
        else
                log_error("bit %u: out of memory; it is not kept", e->bit);
        callbacks->transition(r == 0 ? &h->events[at] : e, callbacks->userdata);
        if (r == 0)
                h->marks[at].telling = false;
        follow(m, e, early);
        monitor_keep_told(m);
}

static void tell_again(struct monitor *m, struct taint_event *e)
{
        const struct monitor_callbacks *callbacks = &m->config.callbacks;

        if (!callbacks->last_seqno)
                detail_append(e, "; the service ended while this was told: it may be the second time");
        callbacks->transition(e, callbacks->userdata);
}

void monitor_recover(struct monitor *m)
{
        struct history *h = &m->state.history;
        bool any = false;

        m->tracker.told = m->state.told;
        for (size_t i = 0; i < h->n; i++) {
                struct history_mark *mark = &h->marks[i];
                struct taint_event *e = &h->events[i];
                if (!mark->telling)
                        continue;
                if (m->config.callbacks.last_seqno && m->recovered_seqno > mark->before)
                        e->seqno = mark->before + 1;
                else
                        tell_again(m, e);
                mark->telling = false;
                follow(m, e, false);
                any = true;
        }
        if (any)
                monitor_keep_told(m);
}
