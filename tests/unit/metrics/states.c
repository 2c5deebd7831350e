/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "states.h"

#include <check.h>
#include <string.h>

#define NASTY "a\"b\\c\nd\x01\xff\xc3"

static struct taint_event events[4];
static struct metrics_setting settings[2];

const struct schema_value *state_entry(const char *key, const char *name)
{
        static struct schema *schema;
        _cleanup_path_ struct path path = { 0 };

        if (!schema)
                ck_assert_int_eq(schema_load_builtin(&schema), 0);
        ck_assert_int_eq(path_parse(key, strlen(key), NULL, NULL, &path, NULL), 0);
        const struct schema_value *sv = schema_find(schema, &path, name);
        ck_assert_ptr_nonnull(sv);
        return sv;
}

static struct metrics_registry registry;

void state_registry(struct metrics_registry *ret)
{
        *ret = (struct metrics_registry){ .is_up = true,
                .layers = 3,
                .layers_ending = 1,
                .sequence = 42,
                .subscriptions = 2,
                .store_bytes = 81920,
                .backup_time = 1000000,
                .backup_sequence = 42,
                .commits = 5,
                .commit_usec = 1234567,
                .buckets = { { 1000, 4 }, { 2500000, 5 } },
                .n_buckets = 2 };
}

void state_begin(struct metrics_state *s)
{
        settings[0] = (struct metrics_setting){ .path = "\\System\\Audit\\Modules\\TaintEvents",
                .control = "kernel.audit_taint_events",
                .applies = true,
                .live = true,
                .changes = 1,
                .no_ops = 2,
                .refusals = 3,
                .drifts = 4 };
        settings[1] =
                (struct metrics_setting){ .path = "\\System\\Process\\PidMax", .control = "kernel.pid_max" };
        memset(events, 0, sizeof(events));
        *s = (struct metrics_state){
                .version = "1.2",
                .monitor = { .readable = true, .backend = "bpf", .misses = 5, .drops = 6 },
                .events = events,
                .policy = { state_entry("\\System\\Audit\\Modules", "TaintEvents"), "enabled" },
                .capture = { state_entry("\\System\\Audit\\Modules", "TaintCapture"), "standard" },
                .settings = settings,
                .n_settings = ARRAY_SIZE(settings),
                .audit = { .sent = 7, .lost = 8, .kept = 9 },
        };
}

static void clean(struct metrics_state *s)
{
        s->monitor.tainted = 0;
}

static void module(struct metrics_state *s)
{
        s->monitor.tainted = UINT64_C(0x3000);
        events[0] = (struct taint_event){
                .bit = 12, .time_usec = UINT64_C(1700000000000042), .module = "vboxdrv"
        };
        events[1] = (struct taint_event){ .bit = 13, .time_usec = 0, .module = "vboxdrv" };
        s->accepted = UINT64_C(0x2000);
        events[2] = (struct taint_event){ .bit = 12, .time_usec = 1, .module = "second" };
        s->n_events = 3;
}

static void nasty(struct metrics_state *s)
{
        s->monitor.tainted = UINT64_C(0x1000);
        events[0] = (struct taint_event){ .bit = 12, .time_usec = 1500000, .module = NASTY };
        s->n_events = 1;
        s->version = NASTY;
        settings[1].path = NASTY;
        settings[1].control = "";
}

static void unknown_bits(struct metrics_state *s)
{
        s->monitor.tainted = UINT64_C(1) << 63 | UINT64_C(1) << 40;
        events[0] = (struct taint_event){ .bit = 63, .time_usec = UINT64_C(2000000) };
        s->n_events = 1;
}

static void cleared(struct metrics_state *s)
{
        s->monitor.tainted = UINT64_C(0x200);
        events[0] = (struct taint_event){ .bit = 12, .cleared = true, .time_usec = 1000000 };
        events[1] = (struct taint_event){ .bit = 9, .cleared = true, .time_usec = 1000000 };
        events[2] = (struct taint_event){ .bit = 9, .time_usec = 3000000 };
        events[3] = (struct taint_event){ .bit = 11, .time_usec = 4000000 };
        s->n_events = 4;
}

static void blind(struct metrics_state *s)
{
        s->monitor = (struct monitor_status){ .readable = false, .tainted = 1, .backend = "hints" };
}

static void nothing(struct metrics_state *s)
{
        *s = (struct metrics_state){ .version = "" };
}

static void largest(struct metrics_state *s)
{
        settings[1].applies = true;
        s->monitor.tainted = UINT64_MAX;
        s->monitor.misses = UINT64_MAX;
        s->audit.sent = UINT64_MAX;
        settings[0].changes = UINT64_MAX;
        s->policy.text = "failure-only";
        s->capture.text = "forensic";
}

static void provider(struct metrics_state *s)
{
        state_registry(&registry);
        s->registry = &registry;
}

static void provider_down(struct metrics_state *s)
{
        registry = (struct metrics_registry){ 0 };
        s->registry = &registry;
}

const struct state_case state_cases[] = {
        { "clean", clean },
        { "module", module },
        { "nasty", nasty },
        { "unknown-bits", unknown_bits },
        { "cleared", cleared },
        { "blind", blind },
        { "nothing", nothing },
        { "largest", largest },
        { "provider", provider },
        { "provider-down", provider_down },
};
const size_t n_state_cases = ARRAY_SIZE(state_cases);

void state_text(const struct state_case *c, struct buf *out)
{
        struct metrics_state s;

        state_begin(&s);
        c->make(&s);
        ck_assert_int_eq(metrics_text(&s, out), 0);
}
