/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../taint/running.h"
#include "monitor-internal.h"

static int load_state(struct monitor *m)
{
        char boot_id[BOOT_ID_MAX];
        struct diag d = { 0 };

        _cleanup_free_ char *dir = root_path(m->root, LAYOUT_POLICY_RUN);
        if (!dir)
                return -ENOMEM;
        int r = make_dirs(dir);
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
                log_error("%s; bits that were told of in this boot may be told of again",
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
        m->config.root = NULL;
        m->config.event = sd_event_ref(config->event);
        m->step = SERIES_STEPS;
        m->hints.first_only = true;
        m->modules_stale = true;
        m->sysctl_actor = ACTOR_UNKNOWN;
        m->file = (struct state_file)STATE_FILE_INIT;
        m->root = strdup(config->root ? config->root : "");
        /* Before anybody gives out another. */
        if (callbacks->last_seqno)
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
        state_file_done(&m->file);
        state_done(&m->state);
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
        monitor_recover(m);
        monitor_open_log(m);
        int r = monitor_start_sources(m, d);
        if (r < 0)
                return r;
        monitor_look(m);
        return 0;
}

void monitor_set_capture(struct monitor *m, enum monitor_capture capture)
{
        m->capture = capture;
}

void monitor_check(struct monitor *m)
{
        monitor_look(m);
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

        (void)running_letters(m->config.root, m->tainted, &differs, s.letters);
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

void monitor_note_status(struct monitor *m)
{
        struct monitor_status now = monitor_status(m);
        bool same = now.readable == m->status.readable && strcmp(now.hooks, m->status.hooks) == 0 &&
                    now.misses == m->status.misses && now.drops == m->status.drops && m->status.backend &&
                    strcmp(now.backend, m->status.backend) == 0;

        m->status = now;
        if (!same)
                m->config.callbacks.changed(m->config.callbacks.userdata);
}

const struct taint_event *monitor_events(const struct monitor *m, size_t *ret_n)
{
        *ret_n = m->state.history.n;
        return m->state.history.events;
}
