/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../schema/base/fileio.h"
#include "bpf-source.h"
#include "bpf/programs.h"
#include "bpf/report-event.h"

struct bpf_source {
        struct bpf_source_callbacks callbacks;
        struct programs *programs;
        struct ring_buffer *ring;
        sd_event_source *wake, *later;
        uint64_t not_ours; /* claimed by us and not by the programs */
        uint64_t left;     /* in slots that somebody before us did not get to tell */
        uint64_t drops;    /* when the slots were last looked at */
        bool draining;
};

/* The clocks are read again for every report: the wall clock may have been set. */
static int64_t clock_offset_usec(void)
{
        struct timespec wall, boot;

        (void)clock_gettime(CLOCK_REALTIME, &wall);
        (void)clock_gettime(CLOCK_BOOTTIME, &boot);
        return (int64_t)(wall.tv_sec - boot.tv_sec) * 1000000 + (wall.tv_nsec - boot.tv_nsec) / 1000;
}

static bool is_ready(const struct report_slot *slot)
{
        return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) == REPORT_READY;
}

static uint64_t ready_bits(const struct report_slot *slots)
{
        uint64_t bits = 0;

        for (size_t i = 0; i < REPORT_BITS; i++)
                if (is_ready(&slots[i]))
                        bits |= UINT64_C(1) << i;
        return bits;
}

static struct report_slot *oldest_ready(struct report_slot *slots)
{
        struct report_slot *oldest = NULL;

        for (size_t i = 0; i < REPORT_BITS; i++)
                if (is_ready(&slots[i]) && (!oldest || slots[i].boot_nsec < oldest->boot_nsec))
                        oldest = &slots[i];
        return oldest;
}

/* A slot is told before it is marked: who is killed between the two is told it again, by its pinned slot. */
static void drain(struct bpf_source *s)
{
        struct report_slot *slots = programs_slots(s->programs), *slot;

        if (s->draining)
                return;
        s->draining = true;
        s->drops = programs_drops(s->programs);
        while ((slot = oldest_ready(slots))) {
                struct taint_event e;

                /* Without memory it stays ready for the next time. */
                if (report_to_event(slot, (unsigned)(slot - slots), clock_offset_usec(), &e) < 0)
                        break;
                s->callbacks.transition(&e, s->callbacks.userdata);
                free(e.stack);
                __atomic_store_n(&slot->state, REPORT_TOLD, __ATOMIC_RELEASE);
        }
        s->draining = false;
}

static int on_report(void *userdata, void *data, size_t n)
{
        struct bpf_source *s = userdata;
        const struct report_sysctl *report = data;
        struct sysctl_write w;

        drain(s);
        if (report->kind != REPORT_SYSCTL || n < sizeof(*report))
                return 0;
        report_to_sysctl_write(report, clock_offset_usec(), &w);
        s->callbacks.sysctl_written(&w, s->callbacks.userdata);
        return 0;
}

static int on_wake(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct bpf_source *s = userdata;

        (void)source;
        (void)fd;
        (void)revents;
        (void)ring_buffer__consume(s->ring);
        return 0;
}

static int on_later(sd_event_source *source, void *userdata)
{
        (void)source;
        drain(userdata);
        return 0;
}

static int listen_to(struct bpf_source *s, sd_event *event, struct diag *d)
{
        int r;

        s->ring = ring_buffer__new(programs_ring_fd(s->programs), on_report, s, NULL);
        if (!s->ring)
                return diag_set(d, errno, "cannot map the BPF ring: %s", strerror(errno));
        r = sd_event_add_io(event, &s->wake, ring_buffer__epoll_fd(s->ring), EPOLLIN, on_wake, s);
        if (r >= 0)
                r = sd_event_add_defer(event, &s->later, on_later, s);
        if (r < 0)
                return diag_set(d, -r, "cannot wait for BPF reports: %s", strerror(-r));
        return 0;
}

/* Bits that came between the caller's look at the mask and the programs. Where the kernel hides the mask's
 * address from the programs, nothing else keeps them from looking new when they are set once more. */
static int claim_what_is_set(struct bpf_source *s, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        int r = read_file(AT_FDCWD, "/proc/sys/kernel/tainted", 64, &text, NULL, d);

        if (r < 0)
                return r;
        s->not_ours |= programs_claim(s->programs, strtoull(buf_str(&text), NULL, 10));
        return 0;
}

int bpf_source_new(sd_event *event, uint64_t set_before, const char *pin_dir,
        const struct bpf_source_callbacks *callbacks, struct bpf_source **ret, struct diag *d)
{
        struct bpf_source *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return diag_set(d, ENOMEM, "out of memory");
        s->callbacks = *callbacks;
        s->not_ours = set_before;
        r = programs_new(set_before, pin_dir, &s->programs, d);
        if (r >= 0)
                s->left = ready_bits(programs_slots(s->programs)) & s->not_ours;
        if (r >= 0)
                r = claim_what_is_set(s, d);
        if (r >= 0)
                r = listen_to(s, event, d);
        if (r < 0) {
                bpf_source_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct bpf_source *bpf_source_free(struct bpf_source *s)
{
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->wake);
        sd_event_source_disable_unref(s->later);
        ring_buffer__free(s->ring);
        programs_free(s->programs);
        free(s);
        return NULL;
}

struct bpf_source_status bpf_source_status(struct bpf_source *s)
{
        struct bpf_source_status status = {
                .misses = programs_misses(s->programs),
                .drops = programs_drops(s->programs),
                .claimed = (programs_claimed(s->programs) & ~s->not_ours) | s->left,
                .pinned = programs_pinned(s->programs),
                .reports_writes = programs_report_writes(s->programs),
        };

        (void)snprintf(status.hooks, sizeof(status.hooks), "%s", programs_hooks(s->programs));
        /* Nobody was woken for these. */
        if (status.drops != s->drops)
                (void)sd_event_source_set_enabled(s->later, SD_EVENT_ONESHOT);
        return status;
}
