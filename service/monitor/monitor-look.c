/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "monitor-internal.h"

/* Lines that are older explain nothing any more. */
#define HINTS_KEPT_USEC UINT64_C(10000000)

/* A moment of the clock that shows `now`, on another clock. */
static uint64_t on_clock(clockid_t clock, uint64_t usec, uint64_t now)
{
        uint64_t ago = now > usec ? now - usec : 0, there = clock_of(clock);

        return there > ago ? there - ago : 0;
}

static struct cause_sources sources_of(
        const struct monitor *m, unsigned bit, const struct modules *after, uint64_t now)
{
        return (struct cause_sources){
                .hints = &m->hints,
                .hints_since = m->clear_usec > LINE_BEFORE_USEC ? m->clear_usec - LINE_BEFORE_USEC : 0,
                .before = &m->modules,
                .after = after,
                .sysctl_written = (m->sysctl_bits & TAINT_MASK(bit)) != 0,
                .now = now,
        };
}

static void set_stack(struct taint_event *e, const struct cause *cause)
{
        if (cause->stack && !(e->stack = strdup(cause->stack)))
                log_warning("bit %u: out of memory; its stack is left out", e->bit);
}

static struct taint_event new_event(const struct monitor *m, unsigned bit)
{
        return (struct taint_event){ .bit = bit,
                .old_mask = m->tracker.told,
                .new_mask = m->tracker.told | TAINT_MASK(bit),
                .actor = ACTOR_UNKNOWN };
}

static void tell_set(struct monitor *m, unsigned bit, const struct cause *cause, uint64_t now)
{
        uint64_t when = cause->usec > 0 ? cause->usec : m->tracker.since[bit];
        uint64_t started_before = on_clock(CLOCK_BOOTTIME, when, now);
        struct taint_event e = new_event(m, bit);

        e.time_usec = on_clock(CLOCK_REALTIME, when, now);
        attribute(m->root, cause, started_before, &e);
        if (strcmp(e.reason, "sysctl-write") == 0)
                e.actor = m->sysctl_actor;
        set_stack(&e, cause);
        monitor_tell(m, &e, started_before, false);
        taint_event_done(&e);
}

static void tell_baseline(struct monitor *m, unsigned bit, struct cause *cause, uint64_t now)
{
        struct taint_event e = new_event(m, bit);

        /* The one that loads a module now is not the one that did it then. */
        cause->loader = false;
        if (cause->usec > 0)
                e.time_usec = on_clock(CLOCK_REALTIME, cause->usec, now);
        /* The log's clock stands still while the machine sleeps, so its time is early rather than late, as
         * is wanted here. */
        attribute_baseline(m->root, cause, cause->usec, m->kmsg && kmsg_complete(m->kmsg), &e);
        if (m->state_damaged)
                detail_append(&e, "; what was told of in this boot is lost: it may be the second time");
        set_stack(&e, cause);
        monitor_tell(m, &e, cause->usec, false);
        taint_event_done(&e);
}

static void tell_cleared(struct monitor *m, unsigned bit)
{
        struct taint_event e = new_event(m, bit);

        e.cleared = true;
        e.old_mask = m->tracker.told;
        e.new_mask = m->tracker.told & ~TAINT_MASK(bit);
        e.time_usec = clock_of(CLOCK_REALTIME);
        (void)strcpy(e.reason, "cleared");
        (void)strcpy(e.detail, "nothing in the kernel clears a bit: somebody hides that it was set");
        monitor_tell(m, &e, 0, false);
        taint_event_done(&e);
}

/* What BPF has seen happen and is about to report, as it does once a bit and boot. */
static uint64_t waits_for_report(struct monitor *m)
{
        return m->bpf ? bpf_source_status(m->bpf).claimed & ~m->reported : 0;
}

static bool is_due(struct monitor *m, unsigned bit, const struct cause *cause, uint64_t waited)
{
        if (waited < GRACE_REPORT_USEC && waits_for_report(m) & TAINT_MASK(bit))
                return false;
        if (waited >= GRACE_USEC)
                return true;
        if (m->bpf)
                return false;
        return cause->quality == CAUSE_GOOD || (cause->quality == CAUSE_WEAK && waited >= GRACE_WEAK_USEC);
}

/* `must`: now, whatever is known. */
static void try_tell(struct monitor *m, unsigned bit, const struct modules *after, uint64_t now, bool must)
{
        struct cause_sources sources = sources_of(m, bit, after, now);
        struct cause cause;

        cause_find(bit, &sources, &cause);
        if (!must && !is_due(m, bit, &cause, tracker_waited(&m->tracker, bit, now)))
                return;
        if (m->baseline & TAINT_MASK(bit))
                tell_baseline(m, bit, &cause, now);
        else
                tell_set(m, bit, &cause, now);
}

static void read_modules(struct monitor *m, struct modules *ret)
{
        *ret = (struct modules){ 0 };
        if (modules_read(m->root, ret) < 0)
                log_warning("out of memory; the modules are not looked at");
}

static void tell_waiting(struct monitor *m, uint64_t must, uint64_t now)
{
        struct modules after;

        read_modules(m, &after);
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if (m->tracker.waiting & TAINT_MASK(bit))
                        try_tell(m, bit, &after, now, must & TAINT_MASK(bit));
        if (m->tracker.waiting == 0) {
                modules_done(&m->modules);
                m->modules = after;
                m->modules_stale = false;
        } else {
                modules_done(&after);
        }
}

/* What explains nothing any more goes; what the next look compares with is brought up to date. Modules come
 * in crowds at boot, so their list is read once for many. */
static void settle(struct monitor *m, uint64_t now)
{
        m->clear_usec = now;
        hints_forget(&m->hints, now > HINTS_KEPT_USEC ? now - HINTS_KEPT_USEC : 0);
        if (!m->modules_stale || m->step < 2)
                return;
        modules_done(&m->modules);
        read_modules(m, &m->modules);
        m->modules_stale = false;
}

/* From here on lines are of now, not of the past. */
static void end_baseline(struct monitor *m)
{
        if (m->based)
                return;
        m->based = true;
        hints_done(&m->hints);
}

static void take_mask(struct monitor *m, uint64_t mask, uint64_t now)
{
        struct tracker_change change = tracker_see(&m->tracker, mask, now);
        uint64_t must = change.cleared;

        m->tainted = mask;
        /* The kernel sets the bits of a write before it tells of the write. */
        if (m->sysctl_looking)
                m->sysctl_bits |= m->tracker.waiting;
        if (!m->based) {
                m->baseline = change.appeared;
                /* What is set already waits only where BPF has seen it happen. */
                must |= change.appeared & ~waits_for_report(m);
        } else if (change.appeared && m->kmsg) {
                kmsg_drain(m->kmsg);
        }
        if (m->tracker.waiting)
                tell_waiting(m, must, now);
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if (change.cleared & TAINT_MASK(bit))
                        tell_cleared(m, bit);
        end_baseline(m);
        if (m->tracker.waiting == 0)
                settle(m, now);
}

static void note_readable(struct monitor *m, const char *problem, uint64_t now)
{
        const struct monitor_callbacks *callbacks = &m->config.callbacks;

        if (!problem) {
                m->unreadable_since = 0;
                if (!m->state.blind)
                        return;
                callbacks->blind(NULL, callbacks->userdata);
                m->state.blind = false;
                monitor_keep_told(m);
                return;
        }
        if (m->unreadable_since == 0)
                m->unreadable_since = now;
        if (m->state.blind || now < m->unreadable_since + BLIND_USEC)
                return;
        callbacks->blind(problem, callbacks->userdata);
        m->state.blind = true;
        monitor_keep_told(m);
}

void monitor_look(struct monitor *m)
{
        struct diag d = { 0 };
        uint64_t mask, now = clock_usec();

        if (m->looking)
                return;
        m->looking = true;
        int r = mask_read(m->mask, &mask, &d);
        if (r > 0)
                monitor_watch_mask(m);
        m->readable = r >= 0;
        note_readable(m, d.text[0] ? d.text : NULL, now);
        if (r >= 0)
                take_mask(m, mask, now);
        m->looking = false;
        monitor_arm(m, now);
        monitor_note_status(m);
}

/* What the report does not say, a look would find. It says all but seldom, and this is the shortest way from
 * a bit to its record: nothing is read that is not needed. */
static void complete_exact(struct monitor *m, struct taint_event *e, uint64_t now)
{
        if (e->module[0] && e->module_taints[0] == '\0')
                module_read_taints(m->root, e->module, e->module_taints);
        if (e->reason[0] && e->detail[0])
                return;

        struct modules after;
        struct cause cause;
        if (m->kmsg)
                kmsg_drain(m->kmsg);
        read_modules(m, &after);
        struct cause_sources sources = sources_of(m, e->bit, &after, now);
        cause_find(e->bit, &sources, &cause);
        if (e->detail[0] == '\0')
                (void)strcpy(e->detail, cause.detail);
        if (e->reason[0] == '\0')
                (void)snprintf(e->reason, sizeof(e->reason), "%s", cause.reason);
        modules_done(&after);
}

void monitor_take_exact(struct monitor *m, const struct taint_event *from)
{
        uint64_t now = clock_usec();
        struct taint_event e;

        if (m->looking || from->bit >= TAINT_BITS)
                return;
        m->reported |= TAINT_MASK(from->bit);
        if (m->tracker.told & TAINT_MASK(from->bit))
                return;
        if (taint_event_copy(from, &e) < 0) {
                log_error("bit %u: out of memory; its exact cause is lost", from->bit);
                return;
        }
        m->looking = true;
        complete_exact(m, &e, now);
        uint64_t real = clock_of(CLOCK_REALTIME);
        if (e.time_usec == 0 || e.time_usec > real)
                e.time_usec = real;
        monitor_tell(m, &e, on_clock(CLOCK_BOOTTIME, e.time_usec, real), true);
        taint_event_done(&e);
        m->looking = false;
        /* While BPF starts it may tell of what happened before this start: the first look comes behind all
         * that. */
        if (m->based)
                monitor_look(m);
}
