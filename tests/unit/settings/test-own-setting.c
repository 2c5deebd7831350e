/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service's own settings: the same as those that are bound to a control, but that a part of the service
 * takes them. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/layout.h"
#include "alloc-faults.h"
#include "setting-world.h"
#include "suite.h"

#define AUDIT DEFAULT_HIVE "\\System\\Audit"
#define MODULES AUDIT "\\Modules"
#define ALLOCATIONS_MAX 600u

static const struct actor somebody = { .pid = 10, .uid = 1000 };

static int tell(const char *text, const struct actor *actor)
{
        return world_tell(MODULES, "TaintCapture", text, actor);
}

static const struct setting *capture(void)
{
        return world.settings.capture;
}

static struct setting *text_file(void)
{
        for (size_t i = 0; i < world.settings.n; i++)
                if (world.settings.list[i]->kind == SETTING_TEXT_FILE)
                        return world.settings.list[i];
        ck_abort_msg("no TextFile");
        return NULL;
}

/* The last record. */
static void recorded(const char *path, const char *old_text, const char *new_text, const char *reason)
{
        ck_assert_uint_gt(world.n_records, 0);
        const struct told_record *r = &world.records[world.n_records - 1];
        ck_assert_str_eq(r->path, path);
        ck_assert_str_eq(r->old_text, old_text);
        ck_assert_str_eq(r->new_text, new_text);
        ck_assert_str_eq(r->reason, reason);
}

TEST(live)
{
        ck_assert(!world.forensic);
        ck_assert_uint_eq(world.n_captures, 1);
        ck_assert_int_eq(tell("FORENSIC", &somebody), 0);
        ck_assert(world.forensic);
        ck_assert_str_eq(capture()->accepted, "forensic");
        ck_assert(capture()->live);
        recorded("\\System\\Audit\\Modules\\TaintCapture", "standard", "forensic", "");
        ck_assert_uint_eq(world.records[0].actor.uid, 1000);
        ck_assert_uint_eq(world.n_changed, 1);
        ck_assert_uint_eq(capture()->changes, 1);
        ck_assert_int_eq(tell("forensic", NULL), 0);
        ck_assert_uint_eq(capture()->no_ops, 0);
        ck_assert_int_eq(tell("forensic", &somebody), 0);
        ck_assert_uint_eq(capture()->no_ops, 1);
        ck_assert_uint_eq(world.n_records, 1);
        ck_assert_uint_eq(world.n_captures, 2);
        ck_assert_int_eq(tell(NULL, &somebody), 0);
        ck_assert(!world.forensic);
        ck_assert_uint_eq(world.n_changed, 2);
}

TEST(of_another)
{
        ck_assert_int_eq(world_tell(MODULES "\\X", "TaintCapture", "forensic", &somebody), 0);
        ck_assert_int_eq(world_tell(AUDIT, "TaintCapture", "forensic", &somebody), 0);
        ck_assert_uint_eq(world.n_captures, 1);
        ck_assert_uint_eq(world.n_records, 0);
}

TEST(refused)
{
        ck_assert_int_eq(tell("forensic", &somebody), 0);
        ck_assert_int_eq(tell("all", &somebody), 0);
        recorded("\\System\\Audit\\Modules\\TaintCapture", "forensic", "all", "invalid-value");
        ck_assert_str_eq(capture()->accepted, "forensic");
        ck_assert_str_eq(capture()->written, "all");
        ck_assert_uint_eq(world.n_refused, 1);
        /* Again by somebody: told again. Found again: not. */
        ck_assert_int_eq(tell("all", &somebody), 0);
        ck_assert_uint_eq(world.n_refused, 2);
        world_restart();
        ck_assert(world.forensic);
        size_t n = world.n_records;
        ck_assert_int_eq(tell("all", NULL), 0);
        ck_assert_uint_eq(world.n_records, n);
        ck_assert_int_eq(tell("forensic", &somebody), 0);
        ck_assert_uint_eq(world.n_records, n);
        ck_assert_int_eq(tell("all", NULL), 0);
        ck_assert_uint_eq(world.n_refused, 3);
}

/* A list is in force as one text. */
TEST(accepted_taints)
{
        static const char items[] = "O reason=a\0  W reason=b, c \0", bad[] = "O reason=a\0W\0",
                          path[] = "\\System\\Audit\\Modules\\Accepted",
                          both[] = "O reason=a | W reason=b, c";

        ck_assert_str_eq(world.accepted, "");
        ck_assert_int_eq(world_tell_items(MODULES, "Accepted", items, sizeof(items) - 1), 0);
        ck_assert_str_eq(world.accepted, both);
        recorded(path, "unset", both, "changed-while-away");
        ck_assert_int_eq(world_tell_items(MODULES, "Accepted", bad, sizeof(bad) - 1), 0);
        recorded(path, both, "O reason=a, W", "invalid-value");
        ck_assert_str_eq(world.accepted, both);
        world.accepted[0] = '\0';
        world_restart();
        ck_assert_str_eq(world.accepted, both);
        ck_assert_int_eq(world_tell(MODULES, "Accepted", NULL, &somebody), 0);
        recorded(path, both, "unset", "");
        ck_assert_str_eq(world.accepted, "");
}

static const char *explained(const struct setting *s)
{
        static char text[512];
        _cleanup_buf_ struct buf b = BUF_INIT;

        ck_assert_int_eq(setting_explain(s, &b), 0);
        (void)snprintf(text, sizeof(text), "%s", buf_str(&b));
        return text;
}

TEST(metrics_file)
{
        struct setting *s = text_file();

        ck_assert_str_eq(
                explained(s), "Nothing is written; nothing is in force, the default of the schema.");
        ck_assert(s->live);
        ck_assert_int_eq(world_tell(AUDIT "\\Metrics", "TextFile", "/a.prom", &somebody), 0);
        ck_assert_str_eq(world.text_file, "/a.prom");
        recorded("\\System\\Audit\\Metrics\\TextFile", "unset", "/a.prom", "");
        ck_assert_str_eq(explained(s), "/a.prom is in force, from layer base.");
        /* What the schema does not take never comes to the metrics. */
        ck_assert_int_eq(world_tell(AUDIT "\\Metrics", "TextFile", "/a.txt", &somebody), 0);
        ck_assert_uint_eq(world.n_refused, 1);
        ck_assert_str_eq(world.text_file, "/a.prom");
        ck_assert_ptr_nonnull(strstr(explained(s),
                "expected the absolute path of a file that ends in .prom, or nothing; /a.prom stays in force"));
        /* What cannot be written is in force all the same, and says why it is not live. */
        world.file_error = "Permission denied";
        ck_assert_int_eq(world_tell(AUDIT "\\Metrics", "TextFile", "/b.prom", &somebody), 0);
        ck_assert(!s->live);
        ck_assert_str_eq(s->last_error, "Permission denied");
        ck_assert_str_eq(explained(s), "/b.prom is in force, from layer base; not live: Permission denied.");
        setting_set_error(s, NULL);
        ck_assert_str_eq(explained(s), "/b.prom is in force, from layer base.");
}

TEST(preview)
{
        const struct value value = { .type = REG_SZ, .data = "forensic", .size = 8 };
        _cleanup_buf_ struct buf b = BUF_INIT;

        ck_assert_int_eq(setting_preview(world.settings.capture, &value, "base", &somebody, &b), 0);
        ck_assert_int_eq(strncmp(buf_str(&b),
                                 "forensic would come into force in place of standard\naudit record: ", 66),
                0);
        /* And of no control. */
        ck_assert_str_eq(strchr(buf_str(&b) + 66, '\n'), "\n");
}

/* Nobody had looked before: what is found is what was there. */
TEST(first_start)
{
        scratch_remove(&world.root, LAYOUT_ACCEPTED_DIR "/" LAYOUT_ACCEPTED_NAME);
        world_restart();
        ck_assert_str_eq(capture()->accepted, "standard");
        ck_assert_int_eq(tell("forensic", NULL), 0);
        settings_end_start(&world.settings);
        ck_assert(world.forensic);
        ck_assert_uint_eq(world.n_records, 0);
        world_restart();
        ck_assert(world.forensic);
        ck_assert_int_eq(tell("forensic", NULL), 0);
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_int_eq(tell(NULL, NULL), 0);
        ck_assert_uint_eq(world.n_changed, 1);
        recorded("\\System\\Audit\\Modules\\TaintCapture", "forensic", "standard", "changed-while-away");
}

/* The default that was found at the first start is known from then on. */
TEST(changed_while_away)
{
        world_restart();
        ck_assert_str_eq(capture()->accepted, "standard");
        ck_assert_int_eq(tell("forensic", NULL), 0);
        ck_assert(world.forensic);
        ck_assert_uint_eq(world.n_changed, 1);
        recorded("\\System\\Audit\\Modules\\TaintCapture", "standard", "forensic", "changed-while-away");
}

/* Of a service that is new to it: its default is no change. */
TEST(new_entry)
{
        ck_assert_int_eq(accepted_set(&world.settings.accepted, capture()->sv, NULL), 0);
        ck_assert_int_eq(
                accepted_store(world.root.root, LAYOUT_ACCEPTED_NAME, &world.settings.accepted, NULL), 0);
        world_restart();
        ck_assert_int_eq(tell(NULL, NULL), 0);
        ck_assert_uint_eq(world.n_records, 0);
        ck_assert_int_eq(tell("forensic", NULL), 0);
        recorded("\\System\\Audit\\Modules\\TaintCapture", "standard", "forensic", "changed-while-away");
}

/* What was good once may not be now: the default. */
TEST(kept_but_not_good)
{
        ck_assert_int_eq(accepted_set(&world.settings.accepted, capture()->sv, "everything"), 0);
        ck_assert_int_eq(
                accepted_store(world.root.root, LAYOUT_ACCEPTED_NAME, &world.settings.accepted, NULL), 0);
        world_restart();
        ck_assert_str_eq(capture()->accepted, "standard");
        ck_assert(!world.forensic);
}

TEST(failing_allocation)
{
        unsigned n = 0;

        for (bool failed = true; failed; n++) {
                ck_assert_uint_lt(n, ALLOCATIONS_MAX);
                ck_assert_int_eq(tell("standard", &somebody), 0);
                unsigned before = world.n_changed;
                world.n_records = 0;
                alloc_fail_at(n + 1);
                int r = tell("forensic", &somebody);
                failed = alloc_failed();
                ck_assert(r == 0 || (failed && r == -ENOMEM));
                /* Changed and told, or neither. */
                ck_assert_str_eq(capture()->accepted, r == 0 ? "forensic" : "standard");
                ck_assert(world.forensic == (r == 0));
                ck_assert_uint_eq(world.n_changed, before + (r == 0));
                world.n_records = 0;
        }
        ck_assert_uint_gt(n, 3);
        n = 0;
        for (bool failed = true; failed; n++) {
                ck_assert_uint_lt(n, ALLOCATIONS_MAX);
                alloc_fail_at(n + 1);
                int r = world_try_restart();
                failed = alloc_failed();
                ck_assert(r == 0 || failed);
        }
}

Suite *test_suite(void)
{
        return suite_with("own-setting", world_setup, world_teardown);
}
