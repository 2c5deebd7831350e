/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../../../service/policy/policy.h"
#include "entry.h"
#include "alloc-faults.h"
#include "suite.h"

#define MODULES "Machine\\System\\Audit\\Modules"

static struct schema *schema;

static const char document[] = "peios-schema: 1\n"
                               "keys:\n"
                               "  \\Machine\\Test:\n"
                               "    Number:\n"
                               "      type: REG_QWORD\n"
                               "      default: 7\n"
                               "      apply: live\n"
                               "      description: A number.\n"
                               "      control:\n"
                               "        name: test.number\n"
                               "        encoding: number\n"
                               "        audit-op: changed-test\n"
                               "    String:\n"
                               "      type: REG_SZ\n"
                               "      default: core\n"
                               "      apply: live\n"
                               "      description: A string.\n"
                               "      control:\n"
                               "        name: test.string\n"
                               "        encoding: string\n"
                               "        audit-op: changed-test\n"
                               "    OffByDefault:\n"
                               "      type: REG_SZ\n"
                               "      default: \"off\"\n"
                               "      apply: live\n"
                               "      description: Off until it is set.\n"
                               "      choices:\n"
                               "        \"on\":\n"
                               "          control: 1\n"
                               "          meaning: It is on.\n"
                               "        \"off\":\n"
                               "          control: 0\n"
                               "          meaning: It is off.\n"
                               "      control:\n"
                               "        name: test.off_by_default\n"
                               "        encoding: choice\n"
                               "        audit-op: changed-test\n"
                               "        audit-off: \"off\"\n"
                               "    Free:\n"
                               "      type: REG_SZ\n"
                               "      apply: live\n"
                               "      description: Bound to nothing, without a default.\n"
                               "      choices:\n"
                               "        \"on\":\n"
                               "          meaning: It is on.\n"
                               "        \"off\":\n"
                               "          meaning: It is off.\n";

static void setup(void)
{
        struct diag d = { 0 };

        ck_assert_int_eq(schema_load_builtin(&schema), 0);
        int r = schema_add(schema, "test.yaml", document, sizeof(document) - 1, &d);
        ck_assert_msg(r == 0, "%s", d.text);
}

static void teardown(void)
{
        schema = schema_free(schema);
}

static const struct schema_value *find(const char *key, const char *name)
{
        _cleanup_entry_ struct schema_value entry = entry_new(key, name);
        const struct schema_value *sv = schema_find(schema, &entry.key, name);

        ck_assert_msg(sv != NULL, "%s: no '%s'", key, name);
        return sv;
}

/* The literal's own NUL is not part of the value. */
#define BYTES(type_code, literal)                                                                           \
        {                                                                                                   \
                .type = (type_code), .size = sizeof(literal) - 1, .data = (literal)                         \
        }
#define NOTHING                                                                                             \
        {                                                                                                   \
                .type = REG_TOMBSTONE                                                                       \
        }

struct decide_case {
        const char *key, *name;
        const char *in_force;
        struct value written; /* NOTHING: there is none */
        enum policy_verdict verdict;
        const char *text;
        bool turns_off;
        const char *why; /* part of what a refusal says */
};

#define TAINT MODULES, "TaintEvents"
#define ALLOWED "enabled, success-only, failure-only, disabled"

static const struct decide_case taint_cases[] = {
        /* Each of the four, in other spellings too. */
        { TAINT, "disabled", BYTES(REG_SZ, "enabled"), POLICY_CHANGE, "enabled", false, NULL },
        { TAINT, "enabled", BYTES(REG_SZ, "success-only"), POLICY_CHANGE, "success-only", false, NULL },
        { TAINT, "enabled", BYTES(REG_SZ, "failure-only"), POLICY_CHANGE, "failure-only", false, NULL },
        { TAINT, "enabled", BYTES(REG_SZ, "disabled"), POLICY_CHANGE, "disabled", true, NULL },
        { TAINT, "disabled", BYTES(REG_SZ, "ENABLED"), POLICY_CHANGE, "enabled", false, NULL },
        { TAINT, "enabled", BYTES(REG_SZ, "Success-Only"), POLICY_CHANGE, "success-only", false, NULL },
        { TAINT, "enabled", BYTES(REG_SZ, "FAILURE-only"), POLICY_CHANGE, "failure-only", false, NULL },
        { TAINT, "success-only", BYTES(REG_SZ, "Disabled"), POLICY_CHANGE, "disabled", true, NULL },
        { TAINT, "failure-only", BYTES(REG_SZ, "disabled"), POLICY_CHANGE, "disabled", true, NULL },
        /* The same again. */
        { TAINT, "enabled", BYTES(REG_SZ, "enabled"), POLICY_SAME, NULL, false, NULL },
        { TAINT, "success-only", BYTES(REG_SZ, "SUCCESS-ONLY"), POLICY_SAME, NULL, false, NULL },
        { TAINT, "failure-only", BYTES(REG_SZ, "Failure-Only"), POLICY_SAME, NULL, false, NULL },
        { TAINT, "disabled", BYTES(REG_SZ, "dIsAbLeD"), POLICY_SAME, NULL, false, NULL },
        /* With the NUL of Peios's clients, or two. */
        { TAINT, "enabled", BYTES(REG_SZ, "disabled\0"), POLICY_CHANGE, "disabled", true, NULL },
        { TAINT, "enabled", BYTES(REG_SZ, "Disabled\0\0"), POLICY_CHANGE, "disabled", true, NULL },
        { TAINT, "disabled", BYTES(REG_SZ, "disabled\0"), POLICY_SAME, NULL, false, NULL },
        /* The first time. */
        { TAINT, NULL, BYTES(REG_SZ, "enabled"), POLICY_CHANGE, "enabled", false, NULL },
        { TAINT, NULL, BYTES(REG_SZ, "disabled"), POLICY_CHANGE, "disabled", true, NULL },
        { TAINT, NULL, NOTHING, POLICY_CHANGE, "@", false, NULL },
        /* Deletion. */
        { TAINT, "@", NOTHING, POLICY_SAME, NULL, false, NULL },
        { TAINT, "success-only", NOTHING, POLICY_CHANGE, "@", false, NULL },
        { TAINT, "disabled", NOTHING, POLICY_CHANGE, "@", false, NULL },
        /* No value of the set. */
        { TAINT, "enabled", BYTES(REG_SZ, ""), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "enable"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "enabledd"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, " enabled"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "disabled "), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "disabled\n"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "0"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "none"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, NULL, BYTES(REG_SZ, "none"), POLICY_REFUSE, NULL, false, ALLOWED },
        /* Bad bytes. */
        { TAINT, "enabled", BYTES(REG_SZ, "disabled\0\0\0"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "disabled\0x"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "dis\0abled"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "\0disabled"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "disabled\xff"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "\xc0\xaf"), POLICY_REFUSE, NULL, false, ALLOWED },
        { TAINT, "enabled", BYTES(REG_SZ, "\xed\xa0\x80"), POLICY_REFUSE, NULL, false, ALLOWED },
};

#define PIDMAX "Machine\\System\\Process", "PidMax"
#define NUMBER "Machine\\Test", "Number"
#define STRING "Machine\\Test", "String"
#define FREE "Machine\\Test", "Free"

static const struct decide_case other_cases[] = {
        /* No default: nothing in force until somebody sets it, and again after its deletion. */
        { PIDMAX, NULL, NOTHING, POLICY_SAME, NULL, false, NULL },
        { PIDMAX, NULL, BYTES(REG_DWORD, "\x00\x10\x00\x00"), POLICY_CHANGE, "4096", false, NULL },
        { PIDMAX, "4096", BYTES(REG_DWORD, "\x00\x10\x00\x00"), POLICY_SAME, NULL, false, NULL },
        { PIDMAX, "4096", NOTHING, POLICY_CHANGE, NULL, false, NULL },
        { PIDMAX, "4096", BYTES(REG_DWORD, "\x2c\x01\x00\x00"), POLICY_REFUSE, NULL, false, "301" },
        { PIDMAX, "4096", BYTES(REG_DWORD, "\x2d\x01\x00\x00"), POLICY_CHANGE, "301", false, NULL },
        { PIDMAX, "4096", BYTES(REG_DWORD, "\x00\x00\x40\x00"), POLICY_CHANGE, "4194304", false, NULL },
        { PIDMAX, "4096", BYTES(REG_DWORD, "\x01\x00\x40\x00"), POLICY_REFUSE, NULL, false, "4194304" },
        { PIDMAX, "4096", BYTES(REG_DWORD, "\x00\x10\x00"), POLICY_REFUSE, NULL, false, "301" },
        { PIDMAX, "4096", BYTES(REG_DWORD, ""), POLICY_REFUSE, NULL, false, "301" },
        { PIDMAX, "4096", BYTES(REG_SZ, "4096"), POLICY_REFUSE, NULL, false, "301" },
        { PIDMAX, NULL, BYTES(REG_SZ, "4096"), POLICY_REFUSE, NULL, false, "301" },
        /* A number with a default. */
        { NUMBER, NULL, NOTHING, POLICY_CHANGE, "7", false, NULL },
        { NUMBER, "7", NOTHING, POLICY_SAME, NULL, false, NULL },
        { NUMBER, "7", BYTES(REG_QWORD, "\x07\0\0\0\0\0\0\0"), POLICY_SAME, NULL, false, NULL },
        { NUMBER, "7", BYTES(REG_QWORD, "\0\0\0\0\0\0\0\0"), POLICY_CHANGE, "0", false, NULL },
        { NUMBER, "7", BYTES(REG_QWORD, "\xff\xff\xff\xff\xff\xff\xff\xff"), POLICY_CHANGE,
                "18446744073709551615", false, NULL },
        { NUMBER, "7", BYTES(REG_QWORD, "\x08\0\0\0"), POLICY_REFUSE, NULL, false, "number" },
        /* Strings keep their spelling. */
        { STRING, NULL, NOTHING, POLICY_CHANGE, "core", false, NULL },
        { STRING, "core", BYTES(REG_SZ, "core"), POLICY_SAME, NULL, false, NULL },
        { STRING, "core", BYTES(REG_SZ, "Core"), POLICY_CHANGE, "Core", false, NULL },
        { STRING, "core", BYTES(REG_SZ, "core "), POLICY_CHANGE, "core ", false, NULL },
        { STRING, "core", BYTES(REG_SZ, ""), POLICY_CHANGE, "", false, NULL },
        { STRING, "", BYTES(REG_SZ, ""), POLICY_SAME, NULL, false, NULL },
        { STRING, "", NOTHING, POLICY_CHANGE, "core", false, NULL },
        { STRING, "core", BYTES(REG_SZ, "\xf0\x9f\x90\xa7"), POLICY_CHANGE, "\xf0\x9f\x90\xa7", false,
                NULL },
        { STRING, "core", BYTES(REG_SZ, "core\0"), POLICY_SAME, NULL, false, NULL },
        { STRING, "core", BYTES(REG_SZ, "core\0\0\0"), POLICY_REFUSE, NULL, false, "string" },
        { STRING, "core", BYTES(REG_SZ, "\xff"), POLICY_REFUSE, NULL, false, "string" },
        { STRING, "core", BYTES(REG_SZ, "two\nlines"), POLICY_REFUSE, NULL, false, "string of one line" },
        { STRING, "core", BYTES(REG_DWORD, "core"), POLICY_REFUSE, NULL, false, "string" },
        /* Bound to no control: it turns nothing off. */
        { FREE, "on", BYTES(REG_SZ, "off"), POLICY_CHANGE, "off", false, NULL },
        { FREE, "off", NOTHING, POLICY_CHANGE, NULL, false, NULL },
};

static bool same(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

/* "@" stands for the schema's default. */
static const char *or_default(const struct schema_value *sv, const char *text)
{
        return text && strcmp(text, "@") == 0 ? sv->default_text : text;
}

static void check_case(const struct decide_case *t, size_t i)
{
        const struct schema_value *sv = find(t->key, t->name);
        struct policy_decision decision;
        memset(&decision, 0xA5, sizeof(decision));

        const struct value *written = t->written.type == REG_TOMBSTONE ? NULL : &t->written;
        ck_assert_int_eq(policy_decide(sv, or_default(sv, t->in_force), written, &decision), 0);
        ck_assert_msg(decision.verdict == t->verdict, "case %zu: verdict %d (%s)", i, (int)decision.verdict,
                decision.why.text);
        ck_assert_msg(same(decision.text, or_default(sv, t->text)), "case %zu: '%s'", i, decision.text);
        ck_assert_msg(decision.turns_off == t->turns_off, "case %zu: turns off", i);
        if (t->why)
                ck_assert_msg(
                        strstr(decision.why.text, t->why) != NULL, "case %zu: %s", i, decision.why.text);
        else
                ck_assert_str_eq(decision.why.text, "");
        policy_decision_done(&decision);
        ck_assert_ptr_null(decision.text);
        policy_decision_done(&decision);
}

TEST_EACH(decide_taint_events, ARRAY_SIZE(taint_cases))
{
        check_case(&taint_cases[_i], (size_t)_i);
}

TEST_EACH(decide_others, ARRAY_SIZE(other_cases))
{
        check_case(&other_cases[_i], (size_t)_i);
}

/* Every type but the schema's own, each with bytes that decode and would be the right text as REG_SZ. */
static const struct value wrong_types[] = {
        BYTES(REG_NONE, ""),
        BYTES(REG_NONE, "disabled"),
        BYTES(REG_EXPAND_SZ, "disabled"),
        BYTES(REG_BINARY, "disabled"),
        BYTES(REG_DWORD, "\0\0\0\0"),
        BYTES(REG_DWORD_BIG_ENDIAN, "\0\0\0\0"),
        BYTES(REG_LINK, "disabled"),
        BYTES(REG_MULTI_SZ, "disabled\0"),
        BYTES(REG_RESOURCE_LIST, "disabled"),
        BYTES(REG_FULL_RESOURCE_DESCRIPTOR, "disabled"),
        BYTES(REG_RESOURCE_REQUIREMENTS_LIST, "disabled"),
        BYTES(REG_QWORD, "disabled"),
        BYTES(12, "disabled"),
        BYTES(0x2a, "disabled"),
        BYTES(UINT32_MAX, "disabled"),
};

TEST_EACH(wrong_types_are_refused, ARRAY_SIZE(wrong_types))
{
        const struct schema_value *sv = find(TAINT);
        struct policy_decision decision;

        ck_assert_int_eq(policy_decide(sv, "enabled", &wrong_types[_i], &decision), 0);
        ck_assert_int_eq(decision.verdict, POLICY_REFUSE);
        ck_assert_ptr_null(decision.text);
        ck_assert(!decision.turns_off);
        ck_assert_ptr_nonnull(strstr(decision.why.text, "REG_SZ"));
        policy_decision_done(&decision);
}

TEST(data_may_be_null_when_empty)
{
        const struct value empty = { .type = REG_SZ };
        struct policy_decision decision;

        ck_assert_int_eq(policy_decide(find(STRING), "core", &empty, &decision), 0);
        ck_assert_int_eq(decision.verdict, POLICY_CHANGE);
        ck_assert_str_eq(decision.text, "");
        policy_decision_done(&decision);
}

/* A text that was accepted under an older schema gives way to any good one, and stays under a bad one. */
TEST(in_force_need_not_be_in_the_schema)
{
        static const struct value good = BYTES(REG_SZ, "enabled"), bad = BYTES(REG_SZ, "nonsense");
        struct policy_decision decision;

        ck_assert_int_eq(policy_decide(find(TAINT), "retired", &good, &decision), 0);
        ck_assert_int_eq(decision.verdict, POLICY_CHANGE);
        ck_assert_str_eq(decision.text, "enabled");
        policy_decision_done(&decision);
        ck_assert_int_eq(policy_decide(find(TAINT), "retired", &bad, &decision), 0);
        ck_assert_int_eq(decision.verdict, POLICY_REFUSE);
        policy_decision_done(&decision);
}

TEST(off_by_default_is_off_after_deletion)
{
        struct policy_decision decision;

        ck_assert_int_eq(policy_decide(find("Machine\\Test", "OffByDefault"), "on", NULL, &decision), 0);
        ck_assert_int_eq(decision.verdict, POLICY_CHANGE);
        ck_assert_str_eq(decision.text, "off");
        ck_assert(decision.turns_off);
        policy_decision_done(&decision);
}

/* What is accepted can be written to the control, in the entry's encoding. */
TEST(accepted_text_has_a_control_text)
{
        static const struct {
                const char *key, *name;
                struct value written;
                const char *control;
        } cases[] = {
                { TAINT, BYTES(REG_SZ, "DISABLED"), "0" },
                { NUMBER, BYTES(REG_QWORD, "\x10\0\0\0\0\0\0\0"), "16" },
                { STRING, BYTES(REG_SZ, "|/bin/x %p"), "|/bin/x %p" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct schema_value *sv = find(cases[i].key, cases[i].name);
                struct policy_decision decision;
                _cleanup_free_ char *control = NULL;
                ck_assert_int_eq(policy_decide(sv, NULL, &cases[i].written, &decision), 0);
                ck_assert_int_eq(decision.verdict, POLICY_CHANGE);
                ck_assert_int_eq(schema_control_text(sv, decision.text, &control), 0);
                ck_assert_str_eq(control, cases[i].control);
                policy_decision_done(&decision);
        }
}

TEST(failing_allocation_decides_nothing)
{
        const struct decide_case *const lists[] = { taint_cases, other_cases };
        const size_t sizes[] = { ARRAY_SIZE(taint_cases), ARRAY_SIZE(other_cases) };
        unsigned failures = 0;

        for (size_t list = 0; list < ARRAY_SIZE(lists); list++)
                for (size_t i = 0; i < sizes[list]; i++) {
                        const struct decide_case *t = &lists[list][i];
                        const struct schema_value *sv = find(t->key, t->name);
                        const struct value *written = t->written.type == REG_TOMBSTONE ? NULL : &t->written;
                        bool failed = true;
                        for (unsigned n = 1; failed; n++) {
                                struct policy_decision decision = { .text = (char *)"untouched" };
                                alloc_fail_at(n);
                                int r = policy_decide(sv, or_default(sv, t->in_force), written, &decision);
                                failed = alloc_fails(r, n, 0);
                                failures += failed;
                                if (failed) {
                                        ck_assert_str_eq(decision.text, "untouched");
                                        continue;
                                }
                                ck_assert_int_eq(decision.verdict, t->verdict);
                                policy_decision_done(&decision);
                        }
                }
        ck_assert_uint_ge(failures, 20);
}

Suite *test_suite(void)
{
        return suite_with("policy", setup, teardown);
}
