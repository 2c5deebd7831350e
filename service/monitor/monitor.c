/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../taint/letters.h"
#include "capture.h"
#include "monitor-internal.h"

static void note_kept(struct monitor *m, int r, const struct diag *d)
{
        if (r < 0 && !m->store_failed)
                log_error("what was reported of taints cannot be kept: %s; a restart will report it again",
                        d->text[0] ? d->text : strerror(-r));
        m->store_failed = r < 0;
}

static void keep_event(struct monitor *m)
{
        struct diag d = { 0 };

        note_kept(m, taint_state_keep_event(&m->file, m->root, &m->state, &d), &d);
}

/* Keeps what was reported for the next start: nothing is being reported. */
static void keep_reported(struct monitor *m)
{
        struct diag d = { 0 };

        m->state.reported = m->tracker.reported;
        note_kept(m, taint_state_keep_reported(&m->file, m->root, &m->state, &d), &d);
}

static void follow(struct monitor *m, const struct taint_event *e, bool early)
{
        if (e->cleared)
                mask_tracker_clear(&m->tracker, e->bit);
        else if (early)
                mask_tracker_report_early(&m->tracker, e->bit, clock_usec());
        else
                mask_tracker_report(&m->tracker, e->bit);
        m->baseline &= ~TAINT_MASK(e->bit);
        m->sysctl_bits &= ~TAINT_MASK(e->bit);
}

static void capture(struct monitor *m, struct taint_event *e, uint64_t started_before)
{
        if (!m->forensic) {
                free(STEAL_PTR(e->stack));
                return;
        }
        if (!e->properties && capture_properties(m->root, e, started_before, &e->properties) < 0)
                log_warning("bit %u: out of memory; its details are not captured", e->bit);
}

/* Fills in what forensic capture asks for, keeps, reports, keeps: taint-state.h has why in this order.
 * `early`: the mask need not show it yet. */
static void report_event(struct monitor *m, struct taint_event *e, uint64_t started_before, bool early)
{
        const struct monitor_callbacks *callbacks = &m->config.callbacks;
        struct taint_state_mark mark = { .reporting = true,
                .before = callbacks->last_seqno(callbacks->userdata) };
        struct taint_state *s = &m->state;
        size_t at;

        if (e->module[0] && !e->cleared)
                module_add_letter(e->module_taints, e->bit);
        capture(m, e, started_before);
        int r = taint_state_add(s, e, mark, &at);
        if (r == 0)
                keep_event(m);
        else
                log_error("bit %u: out of memory; it is not kept", e->bit);
        callbacks->transition(r == 0 ? &s->events[at] : e, callbacks->userdata);
        if (r == 0)
                s->marks[at].reporting = false;
        follow(m, e, early);
        keep_reported(m);
        callbacks->reported(r == 0 ? &s->events[at] : e, callbacks->userdata);
}

/* Ends what a kill interrupted. */
static void recover(struct monitor *m)
{
        const struct monitor_callbacks *callbacks = &m->config.callbacks;
        struct taint_state *s = &m->state;
        bool any = false;

        m->tracker.reported = m->state.reported;
        for (size_t i = 0; i < s->n; i++) {
                struct taint_state_mark *mark = &s->marks[i];
                struct taint_event *e = &s->events[i];
                if (!mark->reporting)
                        continue;
                bool has_record = m->recovered_seqno > mark->before;
                if (has_record)
                        e->seqno = mark->before + 1;
                callbacks->transition(e, callbacks->userdata);
                mark->reporting = false;
                follow(m, e, false);
                if (!has_record)
                        callbacks->reported(e, callbacks->userdata);
                any = true;
        }
        if (any)
                keep_reported(m);
}

static void add_hook(struct monitor_status *s, bool there, const char *name)
{
        size_t n = strlen(s->hooks);

        if (there)
                (void)snprintf(s->hooks + n, sizeof(s->hooks) - n, "%s%s", n > 0 ? " " : "", name);
}

struct monitor_status monitor_status(const struct monitor *m)
{
        struct monitor_status s = { .readable = m->readable, .tainted = m->tainted, .backend = "hints" };

        bool differs;

        (void)taint_running_letters(m->root, m->tainted, &differs, s.letters);
        if (m->bpf) {
                struct bpf_source_status bpf = bpf_source_status(m->bpf);
                s.backend = "bpf";
                s.misses = bpf.misses;
                s.drops = bpf.drops;
                s.writes_reported = bpf.reports_writes;
                add_hook(&s, bpf.hooks[0], bpf.hooks);
        }
        if (m->kmsg)
                s.misses += kmsg_lost(m->kmsg);
        add_hook(&s, m->kmsg && kmsg_alive(m->kmsg), "kmsg");
        add_hook(&s, m->uevents, "uevent");
        add_hook(&s, m->watch, "inotify");
        add_hook(&s, m->recheck, "timer");
        return s;
}

static void note_status(struct monitor *m)
{
        struct monitor_status now = monitor_status(m);
        bool same = now.readable == m->status.readable && strcmp(now.hooks, m->status.hooks) == 0 &&
                    now.misses == m->status.misses && now.drops == m->status.drops && m->status.backend &&
                    strcmp(now.backend, m->status.backend) == 0;

        m->status = now;
        if (!same)
                m->config.callbacks.changed(m->config.callbacks.userdata);
}

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
                .old_mask = m->tracker.reported,
                .new_mask = m->tracker.reported | TAINT_MASK(bit),
                .actor = ACTOR_UNKNOWN };
}

static void report_set(struct monitor *m, unsigned bit, const struct cause *cause, uint64_t now)
{
        uint64_t when = cause->usec > 0 ? cause->usec : m->tracker.since[bit];
        uint64_t started_before = on_clock(CLOCK_BOOTTIME, when, now);
        struct taint_event e = new_event(m, bit);

        e.time_usec = on_clock(CLOCK_REALTIME, when, now);
        cause_attribute(m->root, cause, started_before, &e);
        if (strcmp(e.reason, "sysctl-write") == 0)
                e.actor = m->sysctl_actor;
        set_stack(&e, cause);
        report_event(m, &e, started_before, false);
        taint_event_done(&e);
}

static void report_baseline(struct monitor *m, unsigned bit, struct cause *cause, uint64_t now)
{
        struct taint_event e = new_event(m, bit);

        /* The one that loads a module now is not the one that did it then. */
        cause->loader = false;
        if (cause->usec > 0)
                e.time_usec = on_clock(CLOCK_REALTIME, cause->usec, now);
        /* The log's clock stands still while the machine sleeps, so its time is early rather than late, as
         * is wanted here. */
        cause_attribute_baseline(m->root, cause, cause->usec, m->kmsg && kmsg_complete(m->kmsg), &e);
        if (m->state_damaged)
                taint_event_add_detail(
                        &e, "; what was reported in this boot is lost: it may be the second time");
        set_stack(&e, cause);
        report_event(m, &e, cause->usec, false);
        taint_event_done(&e);
}

static void report_cleared(struct monitor *m, unsigned bit)
{
        struct taint_event e = new_event(m, bit);

        e.cleared = true;
        e.old_mask = m->tracker.reported;
        e.new_mask = m->tracker.reported & ~TAINT_MASK(bit);
        e.time_usec = clock_of(CLOCK_REALTIME);
        (void)strcpy(e.reason, "cleared");
        (void)strcpy(e.detail, "nothing in the kernel clears a bit: somebody hides that it was set");
        report_event(m, &e, 0, false);
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
static void try_report(struct monitor *m, unsigned bit, const struct modules *after, uint64_t now, bool must)
{
        struct cause_sources sources = sources_of(m, bit, after, now);
        struct cause cause;

        cause_find(bit, &sources, &cause);
        if (!must && !is_due(m, bit, &cause, mask_tracker_waited(&m->tracker, bit, now)))
                return;
        if (m->baseline & TAINT_MASK(bit))
                report_baseline(m, bit, &cause, now);
        else
                report_set(m, bit, &cause, now);
}

static void read_modules(struct monitor *m, struct modules *ret)
{
        *ret = (struct modules){ 0 };
        if (modules_read(m->root, ret) < 0)
                log_warning("out of memory; the modules are not looked at");
}

static void report_waiting(struct monitor *m, uint64_t must, uint64_t now)
{
        struct modules after;

        read_modules(m, &after);
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if (m->tracker.waiting & TAINT_MASK(bit))
                        try_report(m, bit, &after, now, must & TAINT_MASK(bit));
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
        struct mask_change change = mask_tracker_see(&m->tracker, mask, now);
        uint64_t must = change.cleared;

        m->tainted = mask;
        /* The kernel sets the bits of a write before it reports the write. */
        if (m->sysctl_looking)
                m->sysctl_bits |= m->tracker.waiting;
        if (!m->based) {
                m->baseline = change.appeared;
                /* What is set already waits only where BPF has seen it happen. */
                must |= change.appeared & ~waits_for_report(m);
        } else if (change.appeared) {
                monitor_drain_log(m);
        }
        if (m->tracker.waiting)
                report_waiting(m, must, now);
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if (change.cleared & TAINT_MASK(bit))
                        report_cleared(m, bit);
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
                keep_reported(m);
                return;
        }
        if (m->unreadable_since == 0)
                m->unreadable_since = now;
        if (m->state.blind || now < m->unreadable_since + BLIND_USEC)
                return;
        callbacks->blind(problem, callbacks->userdata);
        m->state.blind = true;
        keep_reported(m);
}

void monitor_check(struct monitor *m)
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
        note_status(m);
}

/* What the report does not say, a look would find. It says all but seldom, and this is the shortest way from
 * a bit to its record: nothing is read that is not needed. */
static void complete_exact(struct monitor *m, struct taint_event *e, uint64_t now)
{
        if (e->module[0] && e->module_taints[0] == '\0') {
                /* One whose code has run stands there for long: no need to read that again. */
                bool stands = !m->modules_stale && strcmp(e->reason, "module-code") == 0;
                const struct module *known = stands ? modules_find(&m->modules, e->module) : NULL;
                if (known)
                        (void)strcpy(e->module_taints, known->taints);
                else
                        module_read_taints(m->root, e->module, e->module_taints);
        }
        if (e->reason[0] && e->detail[0])
                return;

        struct modules after;
        struct cause cause;
        monitor_drain_log(m);
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
        if (m->tracker.reported & TAINT_MASK(from->bit))
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
        report_event(m, &e, on_clock(CLOCK_BOOTTIME, e.time_usec, real), true);
        taint_event_done(&e);
        m->looking = false;
        /* While BPF starts it may report what happened before this start: the first look comes behind all
         * that. */
        if (m->based)
                monitor_check(m);
}

static int load_state(struct monitor *m)
{
        char boot_id[BOOT_ID_MAX];
        struct diag d = { 0 };

        _cleanup_free_ char *dir = file_path(m->root, LAYOUT_POLICY_RUN);
        if (!dir)
                return -ENOMEM;
        int r = file_make_dirs(dir);
        if (r < 0)
                log_warning("%s: %s; ignoring", dir, strerror(-r));
        r = clock_boot_id(m->root, boot_id);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                log_warning("the boot has no identity: %s; ignoring", strerror(-r));
        r = taint_state_load(m->root, boot_id, &m->state, &d);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                log_error("%s; bits that were reported in this boot may be reported again",
                        d.text[0] ? d.text : strerror(-r));
                m->state_damaged = true;
                (void)snprintf(m->state.boot_id, sizeof(m->state.boot_id), "%s", boot_id);
        }
        return 0;
}

int monitor_new(const struct monitor_config *config, struct monitor **ret, struct diag *d)
{
        const struct monitor_callbacks *callbacks = &config->callbacks;
        struct monitor *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->config = *config;
        m->config.event = sd_event_ref(config->event);
        m->step = SERIES_STEPS;
        m->hints.first_only = true;
        m->modules_stale = true;
        m->sysctl_actor = ACTOR_UNKNOWN;
        m->file = (struct taint_state_file)TAINT_STATE_FILE_INIT;
        m->config.root = m->root = strdup(config->root ? config->root : "");
        /* Before anybody gives out another. */
        m->recovered_seqno = callbacks->last_seqno(callbacks->userdata);
        int r = m->root ? mask_new(m->root, &m->mask) : -ENOMEM;
        if (r == 0)
                r = load_state(m);
        if (r < 0) {
                (void)monitor_free(m);
                return diag_set(d, -r, "the monitor cannot begin: %s", strerror(-r));
        }
        *ret = m;
        return 0;
}

struct monitor *monitor_free(struct monitor *m)
{
        if (!m)
                return NULL;
        monitor_stop_sources(m);
        m->mask = mask_free(m->mask);
        taint_state_file_done(&m->file);
        taint_state_done(&m->state);
        hints_done(&m->hints);
        modules_done(&m->modules);
        sd_event_unref(m->config.event);
        free(m->root);
        free(m);
        return NULL;
}

int monitor_start(struct monitor *m, struct diag *d)
{
        /* First what a kill interrupted, as its record comes before all others; then the sources, so that
         * nothing happens between them and the first look. */
        recover(m);
        monitor_open_log(m);
        int r = monitor_start_sources(m, d);
        if (r < 0)
                return r;
        monitor_check(m);
        return 0;
}

void monitor_set_forensic(struct monitor *m, bool forensic)
{
        m->forensic = forensic;
}

const struct taint_event *monitor_events(const struct monitor *m, size_t *ret_n)
{
        *ret_n = m->state.n;
        return m->state.events;
}
