/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the BPF source in the virtual machine and prints one line an event, for check.py to read.
 *
 *   --pin FOLDER      keep the slots there
 *   --few             make the source with the three capabilities that it needs, and no others
 *   --deaf HOOK       attach the program of this name to nothing
 *   --refuse PROGRAM  the kernel refuses this program
 * All capabilities are given up once the source is made. SIGTERM ends it. */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "../../schema/base/clock.h"
#include "../../service/monitor/bpf-source.h"
#include "faults.h"

static uint64_t tainted(void)
{
        unsigned long long mask = 0;
        FILE *f = fopen("/proc/sys/kernel/tainted", "re");

        if (f) {
                if (fscanf(f, "%llu", &mask) != 1)
                        mask = 0;
                fclose(f);
        }
        return mask;
}

static int keep_capabilities(uint64_t kept)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        for (unsigned i = 0; i < 2; i++)
                data[i] = (struct __user_cap_data_struct){
                        .effective = (uint32_t)(kept >> 32 * i),
                        .permitted = (uint32_t)(kept >> 32 * i),
                };
        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static void print_actor(const struct actor *a)
{
        printf(" pid=%d uid=%d loginuid=%d session=%d comm=%s exe=%s", (int)a->pid, (int)a->uid,
                (int)a->loginuid, (int)a->session, a->comm, a->exe);
}

static void on_transition(const struct taint_event *e, void *userdata)
{
        static const char *const contexts[] = { "unknown", "task", "kernel-thread", "soft-interrupt",
                "interrupt", "boot" };

        (void)userdata;
        printf("event bit=%u reason=%s module=%s exact=%d context=%s", e->bit, e->reason, e->module,
                e->attribution == ATTRIBUTION_EXACT, contexts[e->context]);
        print_actor(&e->actor);
        printf(" old=%llx new=%llx latency=%lld detail=%s\n", (unsigned long long)e->old_mask,
                (unsigned long long)e->new_mask, (long long)(clock_of(CLOCK_REALTIME) - e->time_usec),
                e->detail);
        for (const char *line = e->stack; line && *line; line += strcspn(line, "\n") + 1)
                printf("stack %.*s\n", (int)strcspn(line, "\n"), line);
        fflush(stdout);
}

static void on_sysctl(const struct sysctl_write *w, void *userdata)
{
        (void)userdata;
        printf("write name=%s result=%d", w->name, w->result);
        print_actor(&w->actor);
        printf("\n");
        fflush(stdout);
}

static void parse(int argc, char **argv, const char **ret_pin, bool *ret_few)
{
        static const struct option options[] = {
                { "pin", required_argument, NULL, 'p' },
                { "few", no_argument, NULL, 'f' },
                { "deaf", required_argument, NULL, 'd' },
                { "refuse", required_argument, NULL, 'r' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'p')
                        *ret_pin = optarg;
                else if (c == 'f')
                        *ret_few = true;
                else if (c == 'd')
                        fault_deaf(optarg);
                else if (c == 'r')
                        fault_refuse(optarg);
                else
                        exit(2);
        }
}

static int run(sd_event *event, const char *pin)
{
        const struct bpf_source_callbacks callbacks = { .transition = on_transition,
                .sysctl_written = on_sysctl };
        struct bpf_source *source = NULL;
        struct bpf_source_status status;
        uint64_t begin = clock_of(CLOCK_MONOTONIC), set = tainted();
        struct diag d = { 0 };
        int r;

        r = bpf_source_new(event, set, pin, &callbacks, &source, &d);
        if (r < 0) {
                printf("failed error=%d text=%s\n", r, d.text);
                return r;
        }
        r = keep_capabilities(0);
        if (r < 0)
                return r;
        status = bpf_source_status(source);
        printf("ready usec=%llu set=%llx pinned=%d hooks=%s\n",
                (unsigned long long)(clock_of(CLOCK_MONOTONIC) - begin), (unsigned long long)set,
                status.pinned, status.hooks);
        fflush(stdout);
        r = sd_event_loop(event);
        status = bpf_source_status(source);
        printf("status claimed=%llx misses=%llu drops=%llu\n", (unsigned long long)status.claimed,
                (unsigned long long)status.misses, (unsigned long long)status.drops);
        bpf_source_free(source);
        return r;
}

int main(int argc, char **argv)
{
        const uint64_t three =
                UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_PERFMON | UINT64_C(1) << CAP_SYSLOG;
        const char *pin = NULL;
        sd_event *event = NULL;
        sigset_t term;
        bool few = false;
        int r;

        parse(argc, argv, &pin, &few);
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        sigprocmask(SIG_BLOCK, &term, NULL);
        r = sd_event_new(&event);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0 && few)
                r = keep_capabilities(three);
        if (r >= 0)
                r = run(event, pin);
        sd_event_unref(event);
        if (r < 0)
                printf("end error=%d\n", r);
        return r < 0;
}
