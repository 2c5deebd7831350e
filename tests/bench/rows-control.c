/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Controls: live and at boot. */

#include "rows.h"

/* Of the network namespace that run.sh makes, so that nothing else sees them; any number will do. */
#define OURS "/proc/sys/net/ipv4/tcp_max_tw_buckets"
#define THEIRS "/proc/sys/net/ipv4/tcp_max_syn_backlog"
#define THEIR_NAME "net.ipv4.tcp_max_syn_backlog"
#define STEP_NAME "net.ipv4.igmp_max_memberships"
#define KEY "\\Bench"
#define NAME "Control"

void row_control(const struct bench *b)
{
        struct lane reg = { .name = "peios-reg set" }, bus = { .name = "a Set on the bus" };
        struct lane sysctl = { .name = "sysctl -w" },
                    chain = { .name = "sh -c echo >file, inotifywait | sh, sysctl -w" };
        struct lane dconf = { .name = "dconf write, dconf watch | sh, sysctl -w", .every = 4 };
        struct lane notice = { .name = "a Set until another connection has the signal" };
        struct lane step = { .name = "the follower's own step" };
        struct lane floor = { .name = "libsystemd, one Set" };
        struct lane *lanes[] = { &reg, &floor, &sysctl, &bus, &chain, &notice, &step, &dconf };
        const struct target targets[] = {
                { TARGET_RATIO, &reg, &sysctl, 2 },
                { TARGET_RATIO, &reg, &chain, 1.3 },
                { TARGET_RATIO, &reg, &dconf, 0.08 },
                { TARGET_RATIO, &reg, &floor, 1.2 },
                /* Where this is missed, so is the first. */
                { TARGET_RATIO, &floor, &sysctl, 2 },
                { TARGET_USEC, &step, NULL, 25 },
        };

        char *order = text(">'%s/chain' echo ", b->scratch);

        lane_control_command(&reg, OURS,
                COMMAND(bench_program(b, "registry-provider/reg/peios-reg"), "-q", "set", KEY, NAME,
                        "dword:"),
                "dword:");
        lane_control_command(
                &floor, OURS, COMMAND(bench_program(b, "tests/bench/floor"), KEY, NAME, ""), "");
        lane_control_bus(&bus, OURS, bench_bus(b, "10k"), KEY, NAME);
        lane_bus_notice(&notice, &registry_server, bench_bus(b, "10k"), 10);
        lane_control_apply(&step, STEP_NAME);
        if (bench_have(b, &sysctl, "procps"))
                lane_control_command(
                        &sysctl, THEIRS, COMMAND("sysctl", "-q", "-w", THEIR_NAME "="), THEIR_NAME "=");
        if (bench_have(b, &chain, "chain"))
                lane_control_command(&chain, THEIRS, COMMAND("sh", "-c", order), order);
        if (bench_have(b, &dconf, "10k/dconf-chain"))
                lane_control_command(&dconf, THEIRS, COMMAND("dconf", "write", "/chain/control", ""), "");
        RUN_ROW("row 4: a policy is set, until the control holds it", lanes, targets, b->rounds);
}

static void lane_apply(const struct bench *b, struct lane *lane, const char *store)
{
        char *reset = text("%s/boot-%s/reset", b->scratch, store);

        lane_process_reset(lane,
                COMMAND(bench_program(b, "service/daemon/peios-policy-apply"),
                        text("--root=%s/boot-%s/root", b->scratch, store)),
                reset);
}

static void boot(const struct bench *b, const char *n, double procps_most, double systemd_most)
{
        struct lane apply = { .name = "peios-policy-apply" }, bare = { .name = "bare C" };
        struct lane procps = { .name = "sysctl -p" }, systemd = { .name = "systemd-sysctl" };
        struct lane *lanes[] = { &apply, &bare, &procps, &systemd };
        const struct target targets[] = {
                { TARGET_RATIO, &apply, &procps, procps_most },
                { TARGET_RATIO, &apply, &systemd, systemd_most },
        };
        char *reset = text("%s/boot-%s/reset", b->scratch, n),
             *conf = text("%s/boot-%s/sysctl.conf", b->scratch, n);
        _cleanup_free_ char *title = text("row 5: boot-time apply, settings: %s", n);

        lane_apply(b, &apply, n);
        lane_process_reset(&bare,
                COMMAND(bench_program(b, "tests/bench/bare-apply"), text("%s/boot-%s/bare", b->scratch, n)),
                reset);
        if (bench_have(b, &procps, "procps"))
                lane_process_reset(&procps, COMMAND("sysctl", "-q", "-p", conf), reset);
        if (bench_have(b, &systemd, "systemd-sysctl"))
                lane_process_reset(&systemd, COMMAND("/lib/systemd/systemd-sysctl", conf), reset);
        RUN_ROW(title, lanes, targets, b->rounds);
}

static void boot_of_stores(const struct bench *b)
{
        struct lane large = { .name = "a store of 1M values" }, empty = { .name = "an empty store" };
        struct lane *lanes[] = { &large, &empty };
        const struct target targets[] = { { TARGET_RATIO, &large, &empty, 1.2 } };

        lane_apply(b, &large, "large");
        lane_apply(b, &empty, "empty");
        RUN_ROW("row 5: boot-time apply, 1 setting", lanes, targets, b->rounds);
}

void row_boot(const struct bench *b)
{
        boot(b, "1", 1.6, 0.35);
        boot(b, "100", 1.5, 0.5);
        boot_of_stores(b);
}
