/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../schema/base/log.h"
#include "monitor-internal.h"

#define PIN_DIR "/sys/fs/bpf/peios-audit-policyd"
#define ACCURACY_USEC 1000u
#define SYSCTL_SAME_USEC UINT64_C(100000)
#define RECHECK_ACCURACY_USEC UINT64_C(1000000)

static const uint64_t series[SERIES_STEPS] = { 10000, 100000, 1000000 };

/* Behind a hint the mask is read at once and then a few times more: some lines come before their bit. */
static void begin_series(struct monitor *m)
{
        m->step = 0;
        m->series_usec = clock_usec();
}

static void take_log(struct monitor *m, unsigned reads)
{
        struct kmsg_record r;

        while (kmsg_next(m->kmsg, &reads, &r))
                if (hints_add(&m->hints, &r, m->based ? clock_usec() : r.usec) < 0)
                        log_warning("out of memory; a line of the kernel log is not looked at");
}

void monitor_drain_log(struct monitor *m)
{
        if (m->kmsg)
                take_log(m, KMSG_READS_AT_ONCE);
}

static int on_log(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct monitor *m = userdata;

        monitor_drain_log(m);
        begin_series(m);
        monitor_check(m);
        return 0;
}

/* A module came or went. */
static int on_uevent(_unused_ sd_device_monitor *monitor, _unused_ sd_device *device, void *userdata)
{
        struct monitor *m = userdata;

        m->modules_stale = true;
        begin_series(m);
        monitor_check(m);
        return 0;
}

static void look_behind_sysctl(struct monitor *m)
{
        m->sysctl_looking = true;
        monitor_check(m);
        m->sysctl_looking = false;
}

static void on_sysctl(void *userdata)
{
        struct monitor *m = userdata;
        uint64_t now = clock_usec();

        /* BPF reports the same write, and by whom. */
        if (now > m->sysctl_usec + SYSCTL_SAME_USEC)
                m->sysctl_actor = ACTOR_UNKNOWN;
        m->sysctl_usec = now;
        look_behind_sysctl(m);
}

static void on_bpf_transition(const struct taint_event *e, void *userdata)
{
        monitor_take_exact(userdata, e);
}

static void on_bpf_sysctl(const struct sysctl_write *w, void *userdata)
{
        struct monitor *m = userdata;
        const struct monitor_callbacks *callbacks = &m->config.callbacks;

        if (strcmp(w->name, "kernel.tainted") == 0 && w->result >= 0) {
                m->sysctl_usec = clock_usec();
                m->sysctl_actor = w->actor;
                look_behind_sysctl(m);
        }
        callbacks->sysctl_written(w, callbacks->userdata);
}

static int on_soon(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct monitor *m = userdata;
        uint64_t now = clock_usec();

        while (m->step < SERIES_STEPS && now >= m->series_usec + series[m->step])
                m->step++;
        monitor_check(m);
        return 0;
}

static int on_recheck(sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        struct monitor *m = userdata;

        /* Where udev does not run nobody reports modules. */
        m->modules_stale = true;
        monitor_check(m);
        int r = sd_event_source_set_time_relative(s, m->config.recheck_usec);
        return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static uint64_t next_look(const struct monitor *m, uint64_t now)
{
        uint64_t next = m->step < SERIES_STEPS ? m->series_usec + series[m->step] : UINT64_MAX;
        uint64_t oldest = mask_tracker_oldest(&m->tracker);

        if (oldest != UINT64_MAX) {
                uint64_t due = oldest + GRACE_WEAK_USEC;
                if (now >= due)
                        due = oldest + (now < oldest + GRACE_USEC ? GRACE_USEC : GRACE_REPORT_USEC);
                next = due < next ? due : next;
        }
        if (m->tracker.early) {
                uint64_t due = now + MASK_EARLY_USEC;
                next = due < next ? due : next;
        }
        if (m->unreadable_since > 0 && !m->state.blind && m->unreadable_since + BLIND_USEC < next)
                next = m->unreadable_since + BLIND_USEC;
        return next;
}

void monitor_arm(struct monitor *m, uint64_t now)
{
        uint64_t next = next_look(m, now);
        int r;

        if (!m->soon)
                return;
        if (next == UINT64_MAX) {
                r = sd_event_source_set_enabled(m->soon, SD_EVENT_OFF);
        } else {
                r = sd_event_source_set_time(m->soon, next);
                if (r >= 0)
                        r = sd_event_source_set_enabled(m->soon, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                log_warning("cannot set a timer: %s; ignoring", strerror(-r));
}

void monitor_watch_mask(struct monitor *m)
{
        m->watch = fswatch_free(m->watch);
        int r = fswatch_new(m->config.event, FSWATCH_CONTROL, mask_path(m->mask), on_sysctl, m, &m->watch);
        if (r < 0)
                log_info("%s cannot be watched: %s; the other sources remain", mask_path(m->mask),
                        strerror(-r));
}

void monitor_open_log(struct monitor *m)
{
        struct diag d = { 0 };

        int r = kmsg_open(m->root, &m->kmsg, &d);
        if (r < 0)
                log_info("%s; causes are not read from the kernel log", d.text[0] ? d.text : strerror(-r));
        else
                take_log(m, KMSG_READS_OF_RING);
}

static void start_log(struct monitor *m)
{
        int r = m->kmsg && kmsg_alive(m->kmsg) ? kmsg_watch(m->kmsg, m->config.event, on_log, m) : 0;

        if (r >= 0)
                return;
        log_info("the kernel log cannot be waited for: %s; the other sources remain", strerror(-r));
        m->kmsg = kmsg_free(m->kmsg);
}

static void start_uevents(struct monitor *m)
{
        int r = sd_device_monitor_new(&m->uevents);
        if (r >= 0)
                r = sd_device_monitor_filter_add_match_subsystem_devtype(m->uevents, "module", NULL);
        if (r >= 0)
                r = sd_device_monitor_attach_event(m->uevents, m->config.event);
        if (r >= 0)
                r = sd_device_monitor_start(m->uevents, on_uevent, m);
        if (r >= 0)
                return;
        log_info("module uevents are not available: %s; the other sources remain", strerror(-r));
        m->uevents = sd_device_monitor_unref(m->uevents);
}

/* Bits that are set must never look new. */
static void start_bpf(struct monitor *m)
{
        const struct bpf_source_callbacks callbacks = {
                .transition = on_bpf_transition, .sysctl_written = on_bpf_sysctl, .userdata = m
        };
        struct diag d = { 0 };
        uint64_t mask;

        int seen = mask_read(m->mask, &mask, &d);
        if (seen < 0)
                mask = m->tracker.reported;
        else if (seen > 0)
                monitor_watch_mask(m);
        d.text[0] = '\0';
        int r = bpf_source_new(
                m->config.event, mask | m->tracker.reported, PIN_DIR, &callbacks, &m->bpf, &d);
        if (r < 0)
                log_info("no BPF: %s; hints remain", d.text[0] ? d.text : strerror(-r));
}

static int start_timers(struct monitor *m)
{
        uint64_t recheck = m->config.recheck_usec;
        uint64_t accuracy = recheck / 10 < RECHECK_ACCURACY_USEC ? recheck / 10 + 1 : RECHECK_ACCURACY_USEC;

        int r = sd_event_add_time(m->config.event, &m->soon, CLOCK_MONOTONIC, 0, ACCURACY_USEC, on_soon, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->soon, SD_EVENT_OFF);
        if (r >= 0 && recheck > 0)
                r = sd_event_add_time_relative(
                        m->config.event, &m->recheck, CLOCK_MONOTONIC, recheck, accuracy, on_recheck, m);
        return r;
}

int monitor_start_sources(struct monitor *m, struct diag *d)
{
        int r = start_timers(m);
        if (r < 0)
                return diag_set(d, -r, "the monitor has no timer: %s", strerror(-r));
        start_uevents(m);
        if (m->config.use_bpf)
                start_bpf(m);
        start_log(m);
        return 0;
}

void monitor_stop_sources(struct monitor *m)
{
        m->bpf = bpf_source_free(m->bpf);
        m->watch = fswatch_free(m->watch);
        m->kmsg = kmsg_free(m->kmsg);
        m->uevents = sd_device_monitor_unref(m->uevents);
        m->soon = sd_event_source_disable_unref(m->soon);
        m->recheck = sd_event_source_disable_unref(m->recheck);
}
