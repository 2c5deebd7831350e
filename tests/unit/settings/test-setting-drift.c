/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who changed the control: the reports of writes come before or behind the hint, or not at all. */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "setting-world.h"
#include "suite.h"

#define MS UINT64_C(1000)

/* Above all PIDs that the kernel gives: one of the service itself is not reported. */
static const struct actor mallory = {
        .pid = 4194305, .uid = 0, .loginuid = 1000, .session = 3, .comm = "sysctl", .exe = "/usr/sbin/sysctl"
};
static const struct actor eve = {
        .pid = 4194306, .uid = 0, .loginuid = 1001, .session = 4, .comm = "tee", .exe = "/usr/bin/tee"
};

static void setup(void)
{
        world_setup();
        world.reports_writes = true;
}

static void report_as(const struct actor *actor, const char *name, int result, uint64_t usec)
{
        struct sysctl_write w = { .actor = *actor, .result = result, .time_usec = usec };

        (void)strcpy(w.name, name);
        settings_sysctl_written(&world.settings, &w);
}

static void report(const struct actor *actor)
{
        report_as(actor, "kernel.audit_taint_events", 2, world_now());
}

/* The hint; the control is put back at once, whatever is still to be told. */
static void look(void)
{
        setting_check(world.setting);
        ck_assert_str_eq(world_control(), "3");
}

static const struct told_record *told(size_t n)
{
        ck_assert_uint_eq(world.n_records, n);
        ck_assert_uint_eq(world.n_drifts, n);
        ck_assert_uint_eq(world.setting->drifts, n);
        const struct told_record *r = &world.records[n - 1];
        ck_assert_int_eq(r->kind, RECORD_CONTROL_DRIFT);
        ck_assert_str_eq(r->old_text, "3");
        ck_assert_str_eq(r->control, "3");
        return r;
}

static void told_of(size_t n, const struct actor *actor)
{
        const struct told_record *r = told(n);

        ck_assert(r->has_actor == (actor != NULL));
        if (actor)
                ck_assert_mem_eq(&r->actor, actor, sizeof(*actor));
}

TEST(the_report_before_the_hint)
{
        world_poke("0\n");
        report(&mallory);
        look();
        world_run(100 * MS);
        told_of(1, &mallory);
        ck_assert_str_eq(world.records[0].new_text, "0");
        ck_assert_str_eq(world.records[0].reason, "put-back");
        ck_assert(world.records[0].success);
}

/* Through another procfs, where inotify is deaf. */
TEST(the_report_is_a_hint)
{
        world_poke("0\n");
        report(&mallory);
        ck_assert_str_eq(world_control(), "3");
        world_run(100 * MS);
        told_of(1, &mallory);
}

TEST(the_report_behind_the_hint)
{
        world_poke("0\n");
        uint64_t written = world_now();
        look();
        ck_assert_uint_eq(world.n_records, 0);
        report_as(&mallory, "kernel.audit_taint_events", 2, written);
        world_run(100 * MS);
        told_of(1, &mallory);
        /* Then it was, not when the record was made. */
        ck_assert_uint_eq(world.records[0].when, written);
}

/* On a busy machine. */
TEST(a_late_report)
{
        world_poke("0\n");
        uint64_t written = world_now();
        look();
        world_run(150 * MS);
        ck_assert_uint_eq(world.n_records, 0);
        report_as(&mallory, "kernel.audit_taint_events", 2, written);
        told_of(1, &mallory);
        ck_assert_uint_eq(world.records[0].when, written);
}

TEST(no_report_at_all)
{
        world_poke("0\n");
        uint64_t before = world_now();
        look();
        uint64_t behind = world_now();
        ck_assert_uint_eq(world.n_records, 0);
        world_run(400 * MS);
        told_of(1, NULL);
        ck_assert_uint_ge(world.records[0].when, before);
        ck_assert_uint_le(world.records[0].when, behind);
        /* Too late is too late. */
        report(&mallory);
        world_run(100 * MS);
        told_of(1, NULL);
}

TEST(nobody_waits_where_nothing_is_reported)
{
        world.reports_writes = false;
        world_poke("0\n");
        look();
        told_of(1, NULL);
}

static const struct {
        const char *name;
        int result;
        bool own;
} innocent[] = {
        { "kernel.audit_taint_events", 2, true },
        { "kernel.audit_taint_events", -EINVAL, false },
        { "kernel.audit_taint_events", 0, false },
        { "kernel.tainted", 2, false },
};

/* Neither are they the culprit, nor do they take the place of the one who is. */
TEST_EACH(writes_that_did_not_do_it, ARRAY_SIZE(innocent))
{
        for (size_t i = 0; i < 2; i++) {
                struct actor other = eve;

                if (innocent[_i].own)
                        other.pid = (uint32_t)getpid();
                world_poke("0\n");
                if (i > 0)
                        report(&mallory);
                report_as(&other, innocent[_i].name, innocent[_i].result, world_now());
                look();
                report_as(&other, innocent[_i].name, innocent[_i].result, world_now());
                world_run((i > 0 ? 100 : 400) * MS);
                told_of(i + 1, i > 0 ? &mallory : NULL);
        }
}

TEST(an_older_write_is_none)
{
        report(&mallory);
        world_run(2 * MS);
        setting_check(world.setting); /* the control holds what it is to */
        world_poke("0\n");
        look();
        world_run(400 * MS);
        told_of(1, NULL);
        /* What was put back was held, too. */
        report_as(&mallory, "kernel.audit_taint_events", 2, world.setting->held_usec - 1);
        world_poke("1\n");
        look();
        world_run(400 * MS);
        told_of(2, NULL);
}

TEST(the_newest_of_several)
{
        world_poke("1\n");
        uint64_t first = world_now();
        (void)usleep(2000);
        world_poke("0\n");
        uint64_t second = world_now();
        report_as(&mallory, "kernel.audit_taint_events", 2, first);
        report_as(&eve, "kernel.audit_taint_events", 2, second);
        world_run(100 * MS);
        told_of(1, &eve);
        ck_assert_str_eq(world.records[0].new_text, "0");
}

/* Each drift has its own; the first is told before the second is dealt with. */
TEST(one_behind_the_other)
{
        world_poke("0\n");
        uint64_t first = world_now();
        look();
        world_poke("2\n");
        uint64_t second = world_now();
        report_as(&mallory, "kernel.audit_taint_events", 2, first);
        report_as(&eve, "kernel.audit_taint_events", 2, second);
        look();
        world_run(100 * MS);
        told_of(2, &eve);
        ck_assert_mem_eq(&world.records[0].actor, &mallory, sizeof(mallory));
        ck_assert_str_eq(world.records[0].new_text, "0");
        ck_assert_str_eq(world.records[1].new_text, "2");
}

TEST(a_drift_is_told_before_what_comes_next)
{
        world_poke("0\n");
        look();
        world_input("success-only", &eve);
        ck_assert_uint_eq(world.n_records, 2);
        ck_assert_int_eq(world.records[0].kind, RECORD_CONTROL_DRIFT);
        ck_assert_int_eq(world.records[1].kind, RECORD_POLICY_CHANGED);
        world_poke("0\n");
        setting_check(world.setting);
        scratch_remove(&world.root, CONTROL);
        setting_check(world.setting);
        ck_assert_uint_eq(world.n_records, 4);
        ck_assert_int_eq(world.records[2].kind, RECORD_CONTROL_DRIFT);
        ck_assert_int_eq(world.records[3].kind, RECORD_CONTROL_VANISHED);
        /* As at the end of the service. */
        setting_flush(world.setting);
        world_run(100 * MS);
        ck_assert_uint_eq(world.n_records, 4);
}

TEST(reported_only)
{
        setting_set_reapply(world.setting, false);
        world_poke("0\n");
        report(&mallory);
        setting_check(world.setting);
        world_run(100 * MS);
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_str_eq(world.records[0].reason, "reported");
        ck_assert_str_eq(world.records[0].detail, "");
        ck_assert(world.records[0].has_actor);
        ck_assert_str_eq(world_control(), "0");
}

TEST(given_up_is_explained)
{
        _cleanup_buf_ struct buf why = BUF_INIT;

        world.reports_writes = false;
        for (unsigned i = 0; i <= DRIFT_ROUNDS; i++) {
                ck_assert_int_eq(setting_explain(world.setting, &why), 0);
                ck_assert_ptr_null(strstr(buf_str(&why), "given up"));
                world_poke("0\n");
                setting_check(world.setting);
                ck_assert_uint_eq(world.n_records, i + 1);
        }
        ck_assert_str_eq(world.records[DRIFT_ROUNDS].reason, "gave-up");
        ck_assert_str_eq(world.records[DRIFT_ROUNDS].detail, "");
        ck_assert_int_eq(setting_explain(world.setting, &why), 0);
        ck_assert_ptr_nonnull(strstr(
                buf_str(&why), "; it was put back 5 times and then given up, and is put back again in"));
        setting_apply(world.setting);
        buf_done(&why);
        ck_assert_int_eq(setting_explain(world.setting, &why), 0);
        ck_assert_ptr_null(strstr(buf_str(&why), "given up"));
}

Suite *test_suite(void)
{
        return suite_with("setting-drift", setup, world_teardown);
}
