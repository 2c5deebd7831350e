/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an event of this boot is shown to people. */
#include "../../../schema/audit/record.h"
#include "../../../service/auditpol/show.h"
#include "suite.h"

static const struct shown_event nothing = { .taint = "TAINT_WARN",
        .reason = "unknown",
        .module = "",
        .module_taints = "",
        .attribution = "unknown",
        .context = "unknown",
        .actor = "unknown",
        .comm = "",
        .exe = "",
        .detail = "",
        .stack = "",
        .properties = "",
        .accepted = "",
        .pid = AUDIT_ID_UNSET,
        .uid = AUDIT_ID_UNSET };

static void is_shown(const struct shown_event *e, const char *expected)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        events_text(&out, "", e);
        ck_assert_str_eq(buf_str(&out), expected);
}

TEST(forms)
{
        struct shown_event e = nothing;

        is_shown(&e, "before the service began  TAINT_WARN set: unknown (unknown), actor not known\n");
        e.time_usec = UINT64_C(1700000000000000);
        e.cleared = 1;
        is_shown(&e, "2023-11-14T22:13:20Z  TAINT_WARN CLEARED: unknown (unknown), actor not known\n");
        e.cleared = 0;
        e.module = "vboxdrv";
        is_shown(&e, "2023-11-14T22:13:20Z  TAINT_WARN set: unknown (unknown), module vboxdrv, actor not "
                     "known\n");
        /* By nature: an interrupt is nobody. */
        e.actor = "none";
        e.context = "interrupt";
        is_shown(&e, "2023-11-14T22:13:20Z  TAINT_WARN set: unknown (unknown), module vboxdrv, no actor "
                     "(interrupt)\n");
        e.actor = "known";
        e.module_taints = "OE";
        e.pid = 42;
        is_shown(&e, "2023-11-14T22:13:20Z  TAINT_WARN set: unknown (unknown), module vboxdrv (OE), by ? "
                     "(pid 42, uid ?)\n");
        e.uid = 0;
        is_shown(&e, "2023-11-14T22:13:20Z  TAINT_WARN set: unknown (unknown), module vboxdrv (OE), by ? "
                     "(pid 42, uid 0)\n");
        e.comm = "insmod";
        e.detail = "a line";
        is_shown(&e,
                "2023-11-14T22:13:20Z  TAINT_WARN set: unknown (unknown), module vboxdrv (OE), by insmod "
                "(pid 42, uid 0)\n    a line\n");
}

/* Names are anybody's to choose, and a line of the log may hold some of them. */
TEST(nothing_for_the_terminal_to_obey)
{
        struct shown_event e = nothing;

        e.actor = "known";
        e.module = "m\x1b[31m";
        e.pid = 42;
        e.uid = 1000;
        e.comm = "a\nb\xC2\x9B";
        e.detail = "x\r\x7f";
        is_shown(&e, "before the service began  TAINT_WARN set: unknown (unknown), module m\\x1b[31m, by "
                     "a\\x0ab\\xc2\\x9b (pid 42, uid 1000)\n    x\\x0d\\x7f\n");
}

/* Below a bit: what belongs to the event stays below it. */
TEST(indented)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct shown_event e = nothing;

        e.detail = "a line";
        e.accepted = "W reason=\x1b[1m";
        events_text(&out, "      ", &e);
        ck_assert_str_eq(buf_str(&out),
                "      before the service began  TAINT_WARN set: unknown (unknown), actor not known\n"
                "          a line\n"
                "          accepted: W reason=\\x1b[1m\n");
}

/* What a script can tell apart. */
TEST(states_in_json)
{
        static const char *const states[] = { "known", "none", "unknown" };

        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT, expected = BUF_INIT;
                struct json j = json_on(&out);
                struct shown_event e = nothing;
                e.actor = states[i];
                events_json(&j, &e);
                buf_printf(&expected, "\"actor\":\"%s\"", states[i]);
                ck_assert_msg(strstr(buf_str(&out), buf_str(&expected)), "%s", buf_str(&out));
        }
}

Suite *test_suite(void)
{
        return suite_of("event-text");
}
