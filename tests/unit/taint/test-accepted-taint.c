/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../schema/base/macro.h"
#include "../../../schema/taint/taint.h"
#include "alloc-faults.h"
#include "suite.h"

#define SECOND INT64_C(1000000)
#define BIT(n) (UINT64_C(1) << (n))
#define OPEN INT64_MAX

static int parse(const char *text, struct accepted_taints *ret, struct diag *d)
{
        return accepted_taints_parse(text, strlen(text), ret, d);
}

TEST(given)
{
        static const struct {
                const char *text;
                uint64_t bits;
                const char *module;
                int64_t end; /* seconds, or OPEN */
        } cases[] = {
                { "O reason=x", BIT(12), "", OPEN },
                { "OE reason=x", BIT(12) | BIT(13), "", OPEN },
                { "O,E,W reason=x", BIT(12) | BIT(13) | BIT(9), "", OPEN },
                { "WN reason=x", BIT(9) | BIT(18), "", OPEN },
                { "TAINT_WARN reason=x", BIT(9), "", OPEN },
                { "TAINT_WARN,DIE,OOT_MODULE reason=x", 0, NULL, 0 }, /* DIE could be three letters */
                { "TAINT_WARN,OOT_MODULE reason=x", BIT(9) | BIT(12), "", OPEN },
                { "UNSAFE_SMP reason=x", BIT(2), "", OPEN },
                { "0 reason=x", BIT(0), "", OPEN },
                { "12,63 reason=x", BIT(12) | BIT(63), "", OPEN },
                { "module=zfs reason=x", 0, "zfs", OPEN },
                { "OE module=zfs reason=INC-1, = and | are no matter", 0, NULL, 0 },
                { "OE module=zfs reason=INC-1, = and module= until= are text", BIT(12) | BIT(13), "zfs",
                        OPEN },
                { "  OE   until=2026-01-31T10:00Z   module=zfs   reason=  x  ", BIT(12) | BIT(13), "zfs",
                        1769853600 },
                { "O until=2026-01-31 reason=x", BIT(12), "", 1769904000 },
                { "O until=2026-01-31T11:00+01:00 reason=\xc3\xa9", BIT(12), "", 1769853600 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_accepted_taints_ struct accepted_taints a = { 0 };
                struct diag d = { 0 };
                int r = parse(cases[i].text, &a, &d);
                ck_assert_msg(r == (cases[i].module ? 0 : -EINVAL), "%s: %s", cases[i].text, d.text);
                if (r < 0)
                        continue;
                ck_assert_uint_eq(a.n, 1);
                ck_assert_msg(a.list[0].bits == cases[i].bits, "%s", cases[i].text);
                ck_assert_str_eq(a.list[0].module, cases[i].module);
                ck_assert_msg(a.list[0].end == (cases[i].end == OPEN ? OPEN : cases[i].end * SECOND), "%s",
                        cases[i].text);
        }
}

/* What, where, and what was expected. */
TEST(refused)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "O", "acceptance 1: `O`: no reason is given, expected `reason=` and the reason at the end" },
                { "O reason=", "acceptance 1: `O reason=`: no reason is given" },
                { "O reason", "acceptance 1: `O reason`: no reason is given" },
                { "reason=x",
                        "acceptance 1: `reason=x`: neither bits nor a module are named, expected one" },
                { "until=2027-01-31 reason=x",
                        "acceptance 1: `until=2027-01-31 reason=x`: neither bits nor" },
                { "O reason=x | P resaon=x",
                        "acceptance 2: `P resaon=x`: `resaon=x` is not known, expected bits first, "
                        "then `module=`, `until=` and `reason=`" },
                { "O E reason=x", "acceptance 1: `O E reason=x`: `E` is not known, expected bits first" },
                { "module=a O reason=x",
                        "acceptance 1: `module=a O reason=x`: `O` is not known, expected bits first" },
                { "Q reason=x",
                        "acceptance 1: `Q reason=x`: `Q` names no bits, expected letters like OE, names like "
                        "TAINT_WARN, or numbers from 0 to 63, with commas between" },
                { "o reason=x", "acceptance 1: `o reason=x`: `o` names no bits" },
                { "G reason=x", "acceptance 1: `G reason=x`: `G` names no bits" },
                { "O,,E reason=x", "acceptance 1: `O,,E reason=x`: `` names no bits" },
                { "O, reason=x", "acceptance 1: `O, reason=x`: `` names no bits" },
                { "64 reason=x", "acceptance 1: `64 reason=x`: `64` names no bits" },
                { "TAINT_NONE reason=x", "acceptance 1: `TAINT_NONE reason=x`: `TAINT_NONE` names no bits" },
                { "WARN reason=x",
                        "acceptance 1: `WARN reason=x`: `WARN` is a name and letters, expected TAINT_WARN, or "
                        "commas between the letters" },
                { "module= reason=x",
                        "acceptance 1: `module= reason=x`: `module=` names no module, expected a name of 1 "
                        "to 63 bytes" },
                { "module=a module=b reason=x",
                        "acceptance 1: `module=a module=b reason=x`: `module=` is there twice, expected" },
                { "O until=soon reason=x",
                        "acceptance 1: `O until=soon reason=x`: `until=soon` is no date, expected one like "
                        "2027-01-31 or 2027-01-31T12:00Z" },
                { "O until=2027-02-29 reason=x",
                        "acceptance 1: `O until=2027-02-29 reason=x`: `until=2027-02-29` is no" },
                { "O until= reason=x", "acceptance 1: `O until= reason=x`: `until=` is no date" },
                { "O until=2027-01-01 until=2027-01-02 reason=x",
                        "acceptance 1: `O until=2027-01-01 until=2027-01-02 reason=x`: `until=` is there twice" },
                { "O reason=a\tb",
                        "acceptance 1: `O reason=a\\x09b`: a control character or `|` is in it, expected one line" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_accepted_taints_ struct accepted_taints a = { 0 };
                struct diag d = { 0 };
                ck_assert_int_eq(parse(cases[i].text, &a, &d), -EINVAL);
                ck_assert_msg(strncmp(d.text, cases[i].says, strlen(cases[i].says)) == 0, "%s", d.text);
                ck_assert_uint_eq(a.n, 0);
        }
}

static char *repeat(const char *what, size_t n)
{
        size_t len = strlen(what);
        char *text = calloc(n * len + 1, 1);

        ck_assert_ptr_nonnull(text);
        for (size_t i = 0; i < n; i++)
                memcpy(text + i * len, what, len);
        return text;
}

TEST(limits)
{
        for (size_t over = 0; over < 2; over++) {
                _cleanup_accepted_taints_ struct accepted_taints a = { 0 };
                _cleanup_free_ char *many = repeat("O reason=x|", ACCEPTED_TAINTS_MAX + over);
                struct diag d = { 0 };
                ck_assert_int_eq(parse(many, &a, &d), over ? -EINVAL : 0);
                ck_assert_uint_eq(a.n, over ? 0 : ACCEPTED_TAINTS_MAX);
        }
        for (size_t over = 0; over < 2; over++) {
                _cleanup_accepted_taints_ struct accepted_taints a = { 0 };
                _cleanup_free_ char *text = repeat("x", ACCEPTED_TAINT_BYTES_MAX + over);
                struct diag d = { 0 };
                memcpy(text, "O reason=", strlen("O reason="));
                ck_assert_int_eq(parse(text, &a, &d), over ? -EINVAL : 0);
        }
}

TEST(found)
{
        static const char text[] =
                "E module=spl_a reason=1 | WN reason=2 | module=zfs until=2026-01-31T10:00Z reason=3 | | "
                "63 reason=4";
        static const struct {
                unsigned bit;
                const char *module;
                int64_t when; /* from the end of the third, in seconds */
                const char *reason;
        } cases[] = {
                { 13, "spl_a", 0, "1" },
                { 13, "spl-a", 0, "1" }, /* the kernel makes no difference */
                { 13, "spl", 0, NULL },
                { 13, "spl_ab", 0, NULL },
                { 13, "", 0, NULL },
                { 12, "spl_a", 0, NULL },
                { 9, "", 0, "2" },
                { 9, "whatever", 0, "2" },
                { 12, "zfs", -1, "3" },
                { 12, "zfs", 0, NULL }, /* over */
                { 64, "zfs", -1, "3" },
                { 64, "spl_a", -1, NULL },
                { 63, "", 0, "4" },
                { 62, "", 0, NULL },
        };
        const int64_t end = INT64_C(1769853600) * SECOND;
        _cleanup_accepted_taints_ struct accepted_taints a = { 0 };

        ck_assert_int_eq(parse(text, &a, NULL), 0);
        ck_assert_uint_eq(a.n, 4);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct accepted_taint *t =
                        accepted_taints_find(&a, cases[i].bit, cases[i].module, end + cases[i].when);
                ck_assert_msg(!t == !cases[i].reason, "%zu", i);
                if (t)
                        ck_assert_str_eq(strstr(t->text, "reason=") + 7, cases[i].reason);
        }
        ck_assert_int_eq(accepted_taints_next_end(&a, end - 1), end);
        ck_assert_int_eq(accepted_taints_next_end(&a, end), INT64_MAX);
        const uint64_t always = BIT(13) | BIT(9) | BIT(18) | BIT(63);
        ck_assert_uint_eq(accepted_taints_bits(&a, end), always);
        /* Any that a module may set. */
        ck_assert_uint_eq(accepted_taints_bits(&a, end - 1), always | 0x5b403);
}

TEST(no_memory)
{
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_accepted_taints_ struct accepted_taints a = { 0 };
                alloc_fail_at(n);
                failed = alloc_fails(parse("O reason=x|E reason=y", &a, NULL), n, 1);
                ck_assert(failed == (a.list == NULL));
        }
}

Suite *test_suite(void)
{
        (void)setenv("TZ", "UTC", 1);
        tzset();
        return suite_of("accepted-taint");
}
