/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/layout.h"
#include "../../../service/daemon/settings.h"
#include "failing-alloc.h"
#include "scratch.h"

#define KEY DEFAULT_HIVE "\\System\\Audit\\Modules"
#define NAME "TaintCapture"
#define ALLOCATIONS_MAX 300u

static struct {
        struct scratch root;
        struct schema *schema;
        struct accepted accepted, refused;
        struct settings settings;
        struct setting *setting;
        char applied[32];
        unsigned n_applied, n_changed, n_refused, n_records, n_same;
        char record[256]; /* the last one: kind, old, new, reason, uid */
} world;

static const struct actor somebody = { .pid = 10, .uid = 1000 };

uint64_t auditlog_emit(_unused_ struct auditlog *log, const struct record *r)
{
        (void)snprintf(world.record, sizeof(world.record), "%s %s %s->%s %s %u %s", record_op(r), r->path,
                r->old_text, r->new_text, r->reason ? r->reason : "-", r->actor ? r->actor->uid : 0,
                r->success ? "yes" : "no");
        return ++world.n_records;
}

uint64_t auditlog_emit_then(
        struct auditlog *log, const struct record *r, _unused_ auditlog_done_t done, _unused_ void *userdata)
{
        return auditlog_emit(log, r);
}

static void on_changed(_unused_ const struct setting *s, _unused_ const char *old, _unused_ const char *text,
        _unused_ const struct actor *actor, _unused_ void *userdata)
{
        world.n_changed++;
}

static void on_refused(_unused_ const struct setting *s, _unused_ const char *refused,
        _unused_ const char *kept, _unused_ const char *why, _unused_ void *userdata)
{
        world.n_refused++;
}

static void on_same(_unused_ void *userdata)
{
        world.n_same++;
}

static void on_apply(const char *text, _unused_ void *userdata)
{
        world.n_applied++;
        (void)snprintf(world.applied, sizeof(world.applied), "%s", text ? text : "none");
}

static int no_forensics;

static int on_check(const char *text, struct diag *d)
{
        return no_forensics && strcmp(text, "forensic") == 0 ? diag_set(d, EINVAL, "not here") : 0;
}

static int start(void)
{
        struct path path = { 0 };

        world.settings = (struct settings){ .root = world.root.root,
                .accepted = &world.accepted,
                .refused = &world.refused,
                .changed = on_changed,
                .told_refused = on_refused,
                .same = on_same };
        int r = accepted_load(world.root.root, LAYOUT_ACCEPTED_NAME, &world.accepted, NULL);
        if (r == 0)
                r = accepted_load(world.root.root, LAYOUT_REFUSED_NAME, &world.refused, NULL);
        if (r == 0)
                r = path_parse(KEY, strlen(KEY), NULL, NULL, &path, NULL);
        const struct setting_config config = { .sv = r == 0 ? schema_find(world.schema, &path, NAME) : NULL,
                .check = on_check,
                .apply = on_apply };
        if (r == 0)
                r = settings_add(&world.settings, &config, &world.setting);
        path_done(&path);
        return r;
}

static void stop(void)
{
        settings_done(&world.settings);
        accepted_done(&world.accepted);
        accepted_done(&world.refused);
        world.accepted = world.refused = (struct accepted){ 0 };
}

static void setup(void)
{
        memset(&world, 0, sizeof(world));
        no_forensics = 0;
        scratch_new(&world.root);
        ck_assert_int_eq(schema_load_builtin(&world.schema), 0);
        ck_assert_int_eq(start(), 0);
}

static void teardown(void)
{
        stop();
        world.schema = schema_free(world.schema);
        scratch_done(&world.root);
}

static void restart(void)
{
        stop();
        world.n_changed = world.n_refused = world.n_records = 0;
        ck_assert_int_eq(start(), 0);
}

/* NULL: nothing is written. */
static int tell(const char *text, bool is_resync)
{
        const struct value value = { .type = REG_SZ, .data = text, .size = text ? strlen(text) : 0 };
        const struct item_input input = { .value = text ? &value : NULL,
                .layer = text ? "base" : "",
                .actor = is_resync ? NULL : &somebody,
                .reason = is_resync ? "changed-while-away" : NULL,
                .file_owner = AUDIT_ID_UNSET,
                .is_resync = is_resync };
        return settings_input(&world.settings, KEY, NAME, &input);
}

START_TEST(live)
{
        ck_assert_str_eq(world.applied, "standard");
        ck_assert_int_eq(tell("FORENSIC", false), 0);
        ck_assert_str_eq(world.applied, "forensic");
        ck_assert_str_eq(world.setting->text, "forensic");
        ck_assert_str_eq(world.record,
                "changed-policy \\System\\Audit\\Modules\\TaintCapture standard->forensic - 1000 yes");
        ck_assert_uint_eq(world.n_changed, 1);
        ck_assert_uint_eq(world.n_same, 0);
        ck_assert_int_eq(tell("forensic", true), 0);
        ck_assert_uint_eq(world.settings.no_ops, 0);
        ck_assert_int_eq(tell("forensic", false), 0);
        ck_assert_uint_eq(world.settings.no_ops, 1);
        ck_assert_uint_eq(world.n_same, 1);
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_uint_eq(world.n_applied, 2);
        ck_assert_int_eq(tell(NULL, false), 0);
        ck_assert_str_eq(world.applied, "standard");
        ck_assert_uint_eq(world.n_changed, 2);
}
END_TEST

START_TEST(of_another)
{
        const struct value value = { .type = REG_SZ, .data = "forensic", .size = 8 };
        const struct item_input input = { .value = &value, .layer = "base" };

        ck_assert_int_eq(settings_input(&world.settings, KEY, "TaintEvents", &input), 0);
        ck_assert_int_eq(settings_input(&world.settings, KEY "\\X", NAME, &input), 0);
        ck_assert_uint_eq(world.n_applied, 1);
}
END_TEST

START_TEST(refused)
{
        ck_assert_int_eq(tell("forensic", false), 0);
        ck_assert_int_eq(tell("all", false), 0);
        ck_assert_str_eq(world.record,
                "refused-policy-value \\System\\Audit\\Modules\\TaintCapture forensic->all invalid-value 1000 no");
        ck_assert_str_eq(world.setting->text, "forensic");
        ck_assert_uint_eq(world.n_refused, 1);
        /* Again by somebody: told again. Found again: not. */
        ck_assert_int_eq(tell("all", false), 0);
        ck_assert_uint_eq(world.n_refused, 2);
        restart();
        ck_assert_str_eq(world.applied, "forensic");
        ck_assert_int_eq(tell("all", true), 0);
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_int_eq(tell("forensic", false), 0);
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_int_eq(tell("all", true), 0);
        ck_assert_uint_eq(world.n_refused, 1);
}
END_TEST

START_TEST(own_check)
{
        no_forensics = 1;
        ck_assert_int_eq(tell("forensic", false), 0);
        ck_assert_uint_eq(world.n_refused, 1);
        ck_assert_str_eq(world.applied, "standard");
        /* What was good once is not good now: the default. */
        no_forensics = 0;
        ck_assert_int_eq(tell("forensic", false), 0);
        no_forensics = 1;
        restart();
        ck_assert_str_eq(world.applied, "standard");
}
END_TEST

START_TEST(first_start)
{
        ck_assert_int_eq(tell("forensic", true), 0);
        ck_assert_str_eq(world.applied, "forensic");
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_uint_eq(world.n_changed, 0);
        restart();
        ck_assert_str_eq(world.applied, "forensic");
        ck_assert_int_eq(tell("forensic", true), 0);
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_int_eq(tell(NULL, true), 0);
        ck_assert_uint_eq(world.n_changed, 1);
        ck_assert_ptr_nonnull(strstr(world.record, "forensic->standard changed-while-away"));
}
END_TEST

/* The default that was found at the first start is known from then on. */
START_TEST(first_start_with_the_default)
{
        ck_assert_int_eq(tell(NULL, true), 0);
        restart();
        ck_assert_int_eq(tell("forensic", true), 0);
        ck_assert_uint_eq(world.n_changed, 1);
}
END_TEST

START_TEST(failing_allocation)
{
        unsigned n = 0;

        for (bool failed = true; failed; n++) {
                ck_assert_uint_lt(n, ALLOCATIONS_MAX);
                ck_assert_int_eq(tell("standard", false), 0);
                unsigned before = world.n_changed;
                alloc_fail_at(n + 1);
                int r = tell("forensic", false);
                failed = alloc_failed();
                ck_assert(r == 0 || (failed && r == -ENOMEM));
                /* Changed and told, or neither. */
                ck_assert_str_eq(world.setting->text, r == 0 ? "forensic" : "standard");
                ck_assert_str_eq(world.applied, world.setting->text);
                ck_assert_uint_eq(world.n_changed, before + (r == 0));
        }
        ck_assert_uint_gt(n, 3);
        n = 0;
        for (bool failed = true; failed; n++) {
                stop();
                ck_assert_uint_lt(n, ALLOCATIONS_MAX);
                alloc_fail_at(n + 1);
                int r = start();
                failed = alloc_failed();
                ck_assert(r == 0 || (failed && r == -ENOMEM));
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("setting");
        TCase *tcase = tcase_create("setting");
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, live);
        tcase_add_test(tcase, of_another);
        tcase_add_test(tcase, refused);
        tcase_add_test(tcase, own_check);
        tcase_add_test(tcase, first_start);
        tcase_add_test(tcase, first_start_with_the_default);
        tcase_add_test(tcase, failing_allocation);
        suite_add_tcase(suite, tcase);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
