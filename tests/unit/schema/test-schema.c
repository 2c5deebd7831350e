/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading and finding. What is refused in a file is in test-schema-errors.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/schema.h"
#include "alloc-faults.h"
#include "suite.h"
#include "schema-util.h"
#include "scratch.h"

#define TEXT(s) s, sizeof(s) - 1
#define VENDOR "/usr/lib/peios/schema.d/"
#define ADMIN "/etc/peios/schema.d/"
#define MODULES "\\System\\Audit\\Modules"

static void check_sorted(const struct schema *s)
{
        for (size_t i = 1; i < s->n; i++) {
                const struct schema_value *a = &s->values[i - 1], *b = &s->values[i];
                int c = fold_compare(a->key.text, a->key.len, b->key.text, b->key.len);
                ck_assert(c < 0 ||
                          (c == 0 && fold_compare(a->name, strlen(a->name), b->name, strlen(b->name)) < 0));
        }
}

TEST(builtin_taint_events)
{
        static const struct {
                const char *value, *control;
        } choices[] = { { "enabled", "3" }, { "success-only", "1" }, { "failure-only", "2" },
                { "disabled", "0" } };
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        check_sorted(s);
        const struct schema_value *sv = schema_util_need(s, "machine/system/AUDIT/modules", "TAINTevents");
        ck_assert_str_eq(sv->key.text, "Machine" MODULES);
        ck_assert_str_eq(sv->name, "TaintEvents");
        ck_assert_str_eq(sv->source, "built-in/audit.yaml");
        ck_assert_uint_eq(sv->type, REG_SZ);
        ck_assert(sv->has_default && !sv->has_range);
        ck_assert_str_eq(sv->default_text, "enabled");
        ck_assert_int_eq(sv->apply, SCHEMA_LIVE);
        ck_assert_uint_eq(sv->n_choices, ARRAY_SIZE(choices));
        for (size_t i = 0; i < sv->n_choices; i++) {
                ck_assert_str_eq(sv->choices[i].value, choices[i].value);
                ck_assert_str_eq(sv->choices[i].control, choices[i].control);
                ck_assert_ptr_nonnull(sv->choices[i].meaning);
        }
        ck_assert_ptr_nonnull(strstr(sv->choices[2].meaning, "Taint events are audited"));
        ck_assert_ptr_nonnull(sv->control);
        ck_assert_str_eq(sv->control->name, "kernel.audit_taint_events");
        ck_assert_int_eq(sv->control->encoding, SCHEMA_ENCODE_CHOICE);
        ck_assert_str_eq(sv->control->drift_value, "TaintEventsOnDrift");
        ck_assert(sv->control->drift_reapply);
        ck_assert_str_eq(sv->control->audit_op, "changed-taint-audit-policy");
        ck_assert_str_eq(sv->control->audit_off, "disabled");
}

TEST(builtin_pid_max)
{
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        const struct schema_value *sv = schema_util_need(s, "\\System\\Process", "PidMax");
        ck_assert_uint_eq(sv->type, REG_DWORD);
        ck_assert(!sv->has_default && sv->has_range);
        ck_assert_ptr_null(sv->default_text);
        ck_assert_uint_eq(sv->min, 301);
        ck_assert_uint_eq(sv->max, 4194304);
        ck_assert_str_eq(sv->control->name, "kernel.pid_max");
        ck_assert_int_eq(sv->control->encoding, SCHEMA_ENCODE_NUMBER);
        ck_assert_str_eq(sv->control->audit_op, "changed-kernel-setting");
        ck_assert_ptr_null(sv->control->audit_off);
        ck_assert(!sv->control->drift_reapply);
        ck_assert_ptr_null(schema_util_find(s, "\\System\\Process", "PidMi"));
        ck_assert_ptr_null(schema_util_find(s, "\\System\\Process\\X", "PidMax"));
        ck_assert_ptr_null(schema_util_find(s, "\\System", "PidMax"));
}

TEST(builtin_kallsyms_restrict)
{
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        const struct schema_value *sv = schema_util_need(s, "\\System\\Audit", "KallsymsRestrict");
        ck_assert_uint_eq(sv->type, REG_DWORD);
        ck_assert(!sv->has_default);
        ck_assert_uint_eq(sv->n_choices, 3);
        for (uint32_t i = 0; i <= 3; i++) {
                const uint8_t bytes[] = { (uint8_t)i, 0, 0, 0 };
                const struct value v = { .type = REG_DWORD, .size = sizeof(bytes), .data = bytes };
                _cleanup_free_ char *text = NULL, *control = NULL;
                ck_assert_int_eq(schema_check(sv, &v, &text, NULL), i < 3 ? 0 : -EINVAL);
                if (i == 3)
                        break;
                ck_assert_int_eq(schema_control_text(sv, text, &control), 0);
                ck_assert_uint_eq(strtoul(control, NULL, 10), i);
        }
        ck_assert_str_eq(sv->control->name, "kernel.kptr_restrict");
        ck_assert_ptr_null(sv->control->drift_value);
        ck_assert(!sv->control->drift_reapply);
        ck_assert_str_eq(sv->control->audit_op, "changed-kernel-setting");
}

/* The default of a drift value stands in two places of a file. */
TEST(builtin_drift_values)
{
        _cleanup_schema_ struct schema *s = NULL;
        size_t n = 0;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        for (size_t i = 0; i < s->n; i++) {
                const struct schema_value *sv = &s->values[i];
                ck_assert_ptr_nonnull(sv->description);
                if (!sv->control || !sv->control->drift_value)
                        continue;
                const struct schema_value *drift = schema_find(s, &sv->key, sv->control->drift_value);
                ck_assert_ptr_nonnull(drift);
                ck_assert_str_eq(drift->default_text, sv->control->drift_reapply ? "reapply" : "report");
                ck_assert_uint_eq(drift->n_choices, 2);
                n++;
        }
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(s->n, BUILTIN_VALUES);
}

/* The tables that were made at build time, beside the files that they were made of. */
TEST(builtin_is_as_the_files)
{
        _cleanup_schema_ struct schema *s = NULL, *read = calloc(1, sizeof(*read));
        struct diag d = { 0 };
        char names[] = DEFINITION_NAMES, *rest = names;
        ck_assert_ptr_nonnull(read);
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        for (const char *file; (file = strsep(&rest, " "));) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                char path[1024], name[256];
                (void)snprintf(path, sizeof(path), DEFINITIONS "/%s", file);
                ck_assert_msg(file_read(AT_FDCWD, path, SCHEMA_FILE_BYTES_MAX, &text, NULL, &d) == 0, "%s",
                        d.text);
                (void)snprintf(name, sizeof(name), "built-in/%s", file);
                ck_assert_msg(schema_add(read, name, buf_str(&text), text.len, &d) == 0, "%s", d.text);
        }
        ck_assert(schema_equal(s, read));
        for (size_t i = 0; i < s->n; i++) {
                const struct path *a = &s->values[i].key, *b = &read->values[i].key;
                ck_assert(a->len == b->len && a->n == b->n);
                ck_assert_mem_eq(a->ends, b->ends, a->n * sizeof(*a->ends));
        }
}

/* Each of the texts says something of its own. */
TEST(same_again)
{
#define VALUE(members) SCHEMA_HEAD "  \\T:\n    V: {description: d, " members "}\n"
#define CHOSEN(members)                                                                                     \
        VALUE("type: sz, choices: {a: {control: x, meaning: m}}, control: {name: a.b, encoding: " members   \
              "}")
        static const char *const texts[] = {
                SCHEMA_HEAD "  \\t:\n    V: {description: d, type: dword}\n",
                SCHEMA_HEAD "  \\T:\n    v: {description: d, type: dword}\n",
                SCHEMA_HEAD "  \\T:\n    V: {description: e, type: dword}\n",
                SCHEMA_HEAD
                "  \\T:\n    V: {description: d, type: dword}\n    W: {description: d, type: dword}\n",
                VALUE("type: dword"),
                VALUE("type: qword"),
                VALUE("type: dword, range: [0, 1]"),
                VALUE("type: dword, range: [0, 2]"),
                VALUE("type: dword, range: [1, 2]"),
                VALUE("type: dword, default: 0"),
                VALUE("type: dword, default: 1"),
                VALUE("type: dword, apply: reboot"),
                VALUE("type: dword, choices: {0: {meaning: m}}"),
                VALUE("type: dword, choices: {0: {meaning: n}}"),
                VALUE("type: dword, choices: {1: {meaning: m}}"),
                VALUE("type: dword, choices: {0: {meaning: m}, 1: {meaning: m}}"),
                VALUE("type: sz"),
                VALUE("type: sz, path: {}"),
                VALUE("type: sz, path: {suffix: .a}"),
                VALUE("type: sz, path: {suffix: .b}"),
                VALUE("type: multi, items: accepted-taint"),
                VALUE("type: sz, control: {name: a.b, encoding: string}"),
                VALUE("type: sz, control: {name: a.c, encoding: string}"),
                VALUE("type: sz, choices: {a: {control: y, meaning: m}}, control: {name: a.b, encoding: choice}"),
                CHOSEN("choice"),
                CHOSEN("choice, drift: reapply"),
                CHOSEN("choice, drift-value: W"),
                CHOSEN("choice, audit-op: changed"),
                CHOSEN("choice, audit-off: a"),
        };
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_schema_ struct schema *s = schema_util_load(texts[i]);
                for (size_t k = 0; k < ARRAY_SIZE(texts); k++) {
                        _cleanup_schema_ struct schema *other = schema_util_load(texts[k]);
                        ck_assert_msg(schema_equal(s, other) == (i == k), "%s%s", texts[i], texts[k]);
                }
        }
        _cleanup_schema_ struct schema *s = schema_util_load(texts[0]),
                                       *elsewhere = calloc(1, sizeof(*elsewhere));
        ck_assert_ptr_nonnull(elsewhere);
        ck_assert_int_eq(schema_add(elsewhere, "other", texts[0], strlen(texts[0]), NULL), 0);
        ck_assert(!schema_equal(s, elsewhere));
}

TEST(entries_replace)
{
        _cleanup_schema_ struct schema *s = NULL;
        struct diag d = { 0 };
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        size_t n = s->n;
        static const char text[] =
                SCHEMA_HEAD "  system/process:\n    PIDMAX: {type: REG_QWORD, description: mine,\n"
                            "      control: {name: kernel.pid_max, encoding: number}}\n"
                            "  \\A:\n    New: {type: sz, description: d}\n";
        ck_assert_msg(schema_add(s, "mine.yaml", TEXT(text), &d) == 0, "%s", d.text);
        ck_assert_uint_eq(s->n, n + 1);
        check_sorted(s);
        const struct schema_value *sv = schema_util_need(s, "\\System\\Process", "PidMax");
        ck_assert_uint_eq(sv->type, REG_QWORD);
        ck_assert_str_eq(sv->source, "mine.yaml");
        ck_assert_str_eq(sv->description, "mine");
}

TEST(nothing_changes_on_error)
{
        static const char *const bad[] = {
                SCHEMA_HEAD "  \\A:\n    New: {type: sz, description: d}\n    Old: {type: sz}\n",
                SCHEMA_HEAD
                "  \\A:\n    New: {type: sz, description: d, control: {name: kernel.pid_max, encoding: string}}\n",
        };
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct diag d = { 0 };
                ck_assert_int_eq(schema_add(s, "t", bad[i], strlen(bad[i]), &d), -EINVAL);
                ck_assert_uint_eq(s->n, BUILTIN_VALUES);
                ck_assert_ptr_null(schema_util_find(s, "\\A", "New"));
                ck_assert_str_eq(
                        schema_util_need(s, "\\System\\Process", "PidMax")->source, "built-in/process.yaml");
        }
}

static void collect(_unused_ const char *file, const char *text, void *userdata)
{
        struct buf *out = userdata;
        buf_printf(out, "%s\n", text);
}

#define ENTRY(name, text) SCHEMA_HEAD "  \\A:\n    " name ": {type: sz, description: " text "}\n"

TEST(directories)
{
        _cleanup_buf_ struct buf errors = BUF_INIT;
        _cleanup_schema_ struct schema *s = NULL;
        /* The administrator's entry wins although its file comes first by name. */
        scratch_puts(&scratch_root, VENDOR "50-a.yaml", ENTRY("X", "vendor"));
        scratch_puts(&scratch_root, ADMIN "10-a.yaml", ENTRY("x", "admin"));
        scratch_puts(&scratch_root, VENDOR "60-b.yaml", ENTRY("Y", "vendor"));
        scratch_puts(&scratch_root, ADMIN "60-b.yaml", ENTRY("Z", "admin"));
        scratch_puts(&scratch_root, VENDOR "70-c.yaml", ENTRY("Masked", "vendor"));
        scratch_link(&scratch_root, ADMIN "70-c.yaml", "/dev/null");
        scratch_puts(&scratch_root, ADMIN "80-d.yaml", "a: [\n");
        scratch_sparse(&scratch_root, ADMIN "90-e.yaml", SCHEMA_FILE_BYTES_MAX + 1);
        scratch_fifo(&scratch_root, VENDOR "95-f.yaml");
        ck_assert_int_eq(schema_load(scratch_root.root, NULL, collect, &errors, &s), 0);
        check_sorted(s);
        ck_assert_uint_eq(s->n, BUILTIN_VALUES + 2);
        ck_assert_str_eq(schema_util_need(s, "\\A", "X")->description, "admin");
        ck_assert_str_eq(schema_util_need(s, "\\A", "X")->source, ADMIN "10-a.yaml");
        ck_assert_str_eq(schema_util_need(s, "\\A", "Z")->description, "admin");
        ck_assert_ptr_null(schema_util_find(s, "\\A", "Y"));
        ck_assert_ptr_null(schema_util_find(s, "\\A", "Masked"));
        ck_assert_str_eq(errors.data,
                VENDOR "95-f.yaml: is not a regular file (a FIFO, socket or device), expected one\n" ADMIN
                       "80-d.yaml:2:1: found nothing that can be a value, expected one\n" ADMIN
                       "90-e.yaml: is 1048577 bytes large, at most 1048576 are read\n");

        struct schema *again = NULL;
        ck_assert_int_eq(schema_load(scratch_root.root, NULL, NULL, NULL, &again), 0);
        ck_assert_uint_eq(again->n, BUILTIN_VALUES + 2);
        schema_free(again);
}

/* A file that breaks counts as it was when it was good last, for who kept that. */
TEST(last_good)
{
        struct schema_files files = { 0 };
        static const struct {
                const char *text, *description, *error; /* NULL: no file; no entry; no error */
        } steps[] = {
                { "a: [\n", NULL, ADMIN "10-a.yaml:2:1: found nothing that can be a value, expected one\n" },
                { ENTRY("X", "one"), "one", "" },
                { "a: [\n", "one",
                        ADMIN "10-a.yaml:2:1: found nothing that can be a value, expected one\n" },
                { "", "one", ADMIN "10-a.yaml:1:1: no format version, expected `peios-schema: 1` first\n" },
                { ENTRY("X", "two"), "two", "" },
                { NULL, NULL, "" },
                { "", NULL, ADMIN "10-a.yaml:1:1: no format version, expected `peios-schema: 1` first\n" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                _cleanup_buf_ struct buf errors = BUF_INIT;
                _cleanup_schema_ struct schema *s = NULL;
                if (steps[i].text)
                        scratch_puts(&scratch_root, ADMIN "10-a.yaml", steps[i].text);
                else
                        scratch_remove(&scratch_root, ADMIN "10-a.yaml");
                ck_assert_int_eq(schema_load(scratch_root.root, &files, collect, &errors, &s), 0);
                ck_assert_str_eq(buf_str(&errors), steps[i].error);
                if (steps[i].description)
                        ck_assert_str_eq(schema_util_need(s, "\\A", "X")->description, steps[i].description);
                else
                        ck_assert_ptr_null(schema_util_find(s, "\\A", "X"));
        }
        schema_files_done(&files);
}

static void move_in_tree(const char *from, const char *to)
{
        char old[PATH_MAX], new[PATH_MAX];

        (void)snprintf(old, sizeof(old), "%s%s", scratch_root.root, from);
        (void)snprintf(new, sizeof(new), "%s%s", scratch_root.root, to);
        ck_assert_int_eq(rename(old, new), 0);
}

/* A folder that cannot be read is not one without files. */
TEST(last_good_of_a_folder)
{
        struct schema_files files = { 0 };
        char folder[] = ADMIN, aside[sizeof(folder) + 2];

        folder[sizeof(folder) - 2] = '\0';
        (void)snprintf(aside, sizeof(aside), "%s.x", folder);
        scratch_puts(&scratch_root, ADMIN "10-a.yaml", ENTRY("X", "one"));
        for (int step = 0; step < 3; step++) {
                _cleanup_buf_ struct buf errors = BUF_INIT;
                _cleanup_schema_ struct schema *s = NULL;
                if (step == 1) {
                        move_in_tree(folder, aside);
                        scratch_puts(&scratch_root, folder, "");
                } else if (step == 2) {
                        scratch_remove(&scratch_root, folder);
                        move_in_tree(aside, folder);
                        scratch_puts(&scratch_root, ADMIN "10-a.yaml", ENTRY("X", "two"));
                }
                ck_assert_int_eq(schema_load(scratch_root.root, &files, collect, &errors, &s), 0);
                ck_assert_str_eq(buf_str(&errors),
                        step == 1 ? "/etc/peios/schema.d: cannot be read: Not a directory\n" : "");
                ck_assert_str_eq(schema_util_need(s, "\\A", "X")->description, step == 2 ? "two" : "one");
        }
        schema_files_done(&files);
}

/* What it said goes together with what another says now, or it is left out. */
TEST(last_good_in_the_way)
{
#define BOUND(name)                                                                                         \
        SCHEMA_HEAD "  \\A:\n    " name                                                                     \
                    ": {type: dword, description: d, control: {name: kernel.x, encoding: number}}\n"
        struct schema_files files = { 0 };
        _cleanup_buf_ struct buf errors = BUF_INIT;
        struct schema *s = NULL;

        scratch_puts(&scratch_root, ADMIN "20-b.yaml", BOUND("B"));
        ck_assert_int_eq(schema_load(scratch_root.root, &files, collect, &errors, &s), 0);
        s = schema_free(s);
        scratch_puts(&scratch_root, ADMIN "10-a.yaml", BOUND("A"));
        scratch_puts(&scratch_root, ADMIN "20-b.yaml", "a: [\n");
        ck_assert_int_eq(schema_load(scratch_root.root, &files, collect, &errors, &s), 0);
        ck_assert_ptr_nonnull(schema_util_find(s, "\\A", "A"));
        ck_assert_ptr_null(schema_util_find(s, "\\A", "B"));
        ck_assert_str_eq(
                buf_str(&errors), ADMIN "20-b.yaml:2:1: found nothing that can be a value, expected one\n");
        schema_free(s);
        schema_files_done(&files);
}

TEST(no_directories)
{
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load(scratch_root.root, NULL, NULL, NULL, &s), 0);
        ck_assert_uint_eq(s->n, BUILTIN_VALUES);
        schema_free(NULL);
}

TEST(failing_allocation)
{
        scratch_puts(&scratch_root, VENDOR "10-a.yaml", schema_util_types);
        scratch_puts(&scratch_root, ADMIN "20-b.yaml",
                SCHEMA_HEAD "  \\T:\n    line: {type: sz, description: d}\n");
        scratch_puts(&scratch_root, ADMIN "30-c.yaml", "a: [");
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_schema_ struct schema *s = NULL;
                alloc_fail_at(n);
                failed = alloc_fails(schema_load(scratch_root.root, NULL, NULL, NULL, &s), n, 100);
                ck_assert(failed ? s == NULL : s->n == BUILTIN_VALUES + 11);
        }
}

TEST(what_was_probably_meant)
{
        static const struct {
                const char *key, *name, *meant;
        } rows[] = {
                { MODULES, "TaintEvent", "TaintEvents" },
                { MODULES, "TiantEvents", "TaintEvents" },
                { MODULES, "TaintEventOnDrift", "TaintEventsOnDrift" },
                { MODULES, "TaintEvents", NULL },
                { MODULES, "Events", NULL },
                { "\\System\\Audit\\Module", "TaintEvents", "TaintEvents" },
                { "\\Systen\\Audit\\Modules", "TaintEvents", "TaintEvents" },
                { "\\System\\Audit\\Module", "TaintEvent", NULL },
                { "\\System\\Audit", "TaintEvent", NULL },
                { "\\Other\\Audit\\Modules", "TaintEvent", NULL },
                { "\\System\\Process", "PidMx", "PidMax" },
                /* Less than five letters. */
                { "\\Short", "Wor", NULL },
                { "\\Short", "Words", NULL },
        };
        static const char text[] =
                "peios-schema: 1\nkeys:\n  \\Short:\n    Word: {type: sz, description: d}\n";
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        ck_assert_int_eq(schema_add(s, "t", TEXT(text), NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_path_ struct path key = { 0 };
                ck_assert_int_eq(path_parse(rows[i].key, strlen(rows[i].key), NULL, NULL, &key, NULL), 0);
                const struct schema_value *sv = schema_suggest(s, &key, rows[i].name);
                ck_assert_msg(!sv == !rows[i].meant, "%s %s", rows[i].key, rows[i].name);
                if (sv)
                        ck_assert_str_eq(sv->name, rows[i].meant);
        }
}

TEST(values_that_are_taken_for_keys)
{
        static const struct {
                const char *key;
                bool value, is_key;
        } rows[] = {
                { MODULES "\\taintevents", true, false },
                { MODULES, false, true },
                { "\\System\\audit", false, true },
                { "\\System\\Audit\\Mod", false, false },
                { MODULES "\\TaintEvents\\x", false, false },
                { "Machine", false, true },
                { "Other\\System", false, false },
        };
        _cleanup_schema_ struct schema *s = NULL;
        ck_assert_int_eq(schema_load_builtin(&s), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_path_ struct path key = { 0 };
                ck_assert_int_eq(path_parse(rows[i].key, strlen(rows[i].key), NULL, NULL, &key, NULL), 0);
                ck_assert_msg(!schema_find_value_at(s, &key) == !rows[i].value, "%s", rows[i].key);
                ck_assert_msg(schema_has_key(s, &key) == rows[i].is_key, "%s", rows[i].key);
        }
}

Suite *test_suite(void)
{
        return suite_with("schema", scratch_setup, scratch_teardown);
}
