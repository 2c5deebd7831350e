/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/crc32c.h"
#include "../../../service/monitor/state-text.h"
#include "../policy/failing-alloc.h"

#define BOOT "0f0e0d0c-1111-2222-3333-444455556666"

static void full_event(struct taint_event *e, unsigned bit)
{
        *e = (struct taint_event){ .bit = bit,
                .cleared = bit & 1,
                .old_mask = 0x1000,
                .new_mask = UINT64_MAX,
                .tie = true,
                .time_usec = 1234567890123456,
                .seqno = 7,
                .reason = "module-load",
                .module = "vbox\"drv\\\n",
                .module_taints = "OE",
                .attribution = ATTRIBUTION_LIKELY,
                .context = CONTEXT_TASK,
                .actor = { .pid = 4242,
                        .uid = 0,
                        .loginuid = 1000,
                        .session = 3,
                        .comm = "insmod: 'x'",
                        .exe = "/usr/bin/kmod",
                        .context = "kernel" },
                .detail = "vboxdrv: loading out-of-tree module taints kernel." };
        e->stack = strdup("a+0x1/0x2\nb+0x3/0x4\n");
        e->properties = strdup("PEIOS_MODULE_VERSION=1: # \"\n");
        ck_assert(e->stack && e->properties);
}

static void add(struct state *s, unsigned bit, bool telling)
{
        struct taint_event e;
        size_t at;

        full_event(&e, bit);
        ck_assert_int_eq(
                history_add(&s->history, &e, (struct history_mark){ .telling = telling, .before = 6 }, &at),
                0);
        ck_assert_uint_eq(at, s->history.n - 1);
        taint_event_done(&e);
}

static void same_event(const struct taint_event *a, const struct taint_event *b)
{
        ck_assert_uint_eq(a->bit, b->bit);
        ck_assert_int_eq(a->cleared, b->cleared);
        ck_assert_int_eq(a->tie, b->tie);
        ck_assert_uint_eq(a->old_mask, b->old_mask);
        ck_assert_uint_eq(a->new_mask, b->new_mask);
        ck_assert_uint_eq(a->time_usec, b->time_usec);
        ck_assert_uint_eq(a->seqno, b->seqno);
        ck_assert_str_eq(a->reason, b->reason);
        ck_assert_str_eq(a->module, b->module);
        ck_assert_str_eq(a->module_taints, b->module_taints);
        ck_assert_int_eq(a->attribution, b->attribution);
        ck_assert_int_eq(a->context, b->context);
        ck_assert_mem_eq(&a->actor, &b->actor, sizeof(uint32_t) * 4);
        ck_assert_str_eq(a->actor.comm, b->actor.comm);
        ck_assert_str_eq(a->actor.exe, b->actor.exe);
        ck_assert_str_eq(a->actor.context, b->actor.context);
        ck_assert_str_eq(a->detail, b->detail);
        ck_assert_str_eq(a->stack, b->stack);
        ck_assert_str_eq(a->properties, b->properties);
}

START_TEST(what_is_written_is_read)
{
        struct state s = { .boot_id = BOOT, .told = UINT64_MAX, .blind = true }, back = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        for (unsigned bit = 0; bit < 64; bit += 7)
                add(&s, bit, bit == 63);
        ck_assert_int_eq(state_format(&s, &text), 0);
        ck_assert_msg(state_parse("x", text.data, text.len, &back, &d) == 0, "%s", d.text);
        ck_assert_str_eq(back.boot_id, BOOT);
        ck_assert_uint_eq(back.told, UINT64_MAX);
        ck_assert(back.blind);
        ck_assert_uint_eq(back.history.n, s.history.n);
        for (size_t i = 0; i < s.history.n; i++) {
                same_event(&s.history.events[i], &back.history.events[i]);
                ck_assert_int_eq(back.history.marks[i].telling, i == 9);
                ck_assert_uint_eq(back.history.marks[i].before, 6);
        }
        state_done(&s);
        state_done(&back);
}
END_TEST

START_TEST(text_that_is_no_utf8_is_kept_readable)
{
        struct state s = { .boot_id = "" }, back = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct taint_event e = { .reason = "x", .actor = ACTOR_UNKNOWN };
        size_t at;

        memset(e.actor.comm, 0xff, sizeof(e.actor.comm) - 1);
        ck_assert_int_eq(history_add(&s.history, &e, (struct history_mark){ 0 }, &at), 0);
        ck_assert_int_eq(state_format(&s, &text), 0);
        ck_assert_int_eq(state_parse("x", text.data, text.len, &back, NULL), 0);
        ck_assert_int_eq(strncmp(back.history.events[0].actor.comm, "\xef\xbf\xbd", 3), 0);
        ck_assert_ptr_null(back.history.events[0].stack);
        state_done(&s);
        state_done(&back);
}
END_TEST

START_TEST(history_is_bounded)
{
        struct history h = { 0 };
        struct taint_event e = { .reason = "x" };
        size_t at = 0;

        for (unsigned i = 0; i < MONITOR_EVENTS_MAX + 10; i++) {
                e.seqno = i;
                ck_assert_int_eq(history_add(&h, &e, (struct history_mark){ .before = i }, &at), 0);
        }
        ck_assert_uint_eq(h.n, MONITOR_EVENTS_MAX);
        ck_assert_uint_eq(at, MONITOR_EVENTS_MAX - 1);
        ck_assert_uint_eq(h.events[0].seqno, 10);
        ck_assert_uint_eq(h.marks[0].before, 10);
        ck_assert_uint_eq(h.events[at].seqno, MONITOR_EVENTS_MAX + 9);
        history_done(&h);
}
END_TEST

START_TEST(long_stacks_are_cut_at_a_line)
{
        struct history h = { 0 };
        struct taint_event e = { .reason = "x" };
        _cleanup_buf_ struct buf stack = BUF_INIT;
        size_t at = 0;

        while (stack.len < 3 * HISTORY_STACK_MAX)
                buf_puts(&stack, "a_function+0x10/0x20\n");
        e.stack = stack.data;
        ck_assert_int_eq(history_add(&h, &e, (struct history_mark){ 0 }, &at), 0);
        size_t n = strlen(h.events[0].stack);
        ck_assert_uint_le(n, HISTORY_STACK_MAX);
        ck_assert_uint_gt(n, HISTORY_STACK_MAX - 30);
        ck_assert_int_eq(h.events[0].stack[n - 1], '\n');
        history_done(&h);
}
END_TEST

static void with_sum(struct buf *text)
{
        buf_printf(text, "# crc32c: %08" PRIx32 "\n", crc32c(0, buf_str(text), text->len));
}

/* Good text with one place changed, and a sum that fits. */
static int parse_changed(const char *from, const char *to)
{
        struct state s = { .boot_id = BOOT, .told = 1 }, back = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT, changed = BUF_INIT;
        struct diag d = { 0 };

        add(&s, 3, false);
        ck_assert_int_eq(state_format(&s, &text), 0);
        state_done(&s);
        text.data[text.len - strlen("# crc32c: 01234567\n")] = '\0';
        char *at = strstr(text.data, from);
        ck_assert_msg(at != NULL, "no %s in the text", from);
        buf_add(&changed, text.data, (size_t)(at - text.data));
        buf_puts(&changed, to);
        buf_puts(&changed, at + strlen(from));
        with_sum(&changed);
        int r = state_parse("x", changed.data, changed.len, &back, &d);
        if (r == 0)
                state_done(&back);
        else
                ck_assert_msg(d.text[0] != '\0', "no reason for %s -> %s", from, to);
        return r;
}

START_TEST(other_text_is_refused)
{
        static const struct {
                const char *from, *to;
        } bad[] = {
                { "peios-taint-state: 1", "peios-taint-state: 2" },
                { "peios-taint-state: 1", "peios-taint: 1" },
                { "told: 1\n", "" },
                { "told: 1\n", "told: 18446744073709551616\n" },
                { "told: 1\n", "told: x\n" },
                { "told: 1\n", "told: 1\nmore: 1\n" },
                { "told: 1\n", "told: 1\nblind: 2\n" },
                { "told: 1\n", "told: 1\nblind: []\n" },
                { BOOT, BOOT "0" },
                { "bit: 3\n", "bit: 64\n" },
                { "bit: 3\n", "bit: -1\n" },
                { "bit: 3\n", "bit: !x 3\n" },
                { "bit: 3\n", "bit: [3]\n" },
                { "bit: 3\n", "bit: 3\n    bit: 3\n" },
                { "bit: 3\n", "bit: 3\n    other: 3\n" },
                { "cleared: 1\n", "cleared: 2\n" },
                { "pid: 4242\n", "pid: 4294967296\n" },
                { "\"likely\"", "\"surely\"" },
                { "\"task\"", "\"\"" },
                { "    reason: \"module-load\"\n", "" },
                { "events:\n", "events: []\nmore:\n" },
        };

        ck_assert_int_eq(parse_changed("told: 1\n", "told: 2\n"), 0);
        ck_assert_int_eq(parse_changed("told: 1\n", "told: 1\nblind: 0\n"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(parse_changed(bad[i].from, bad[i].to) == -EINVAL, "%s -> %s was taken",
                        bad[i].from, bad[i].to);
}
END_TEST

START_TEST(damage_of_any_byte_shows)
{
        struct state s = { .boot_id = BOOT, .told = 1 }, back;
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d;

        add(&s, 3, false);
        ck_assert_int_eq(state_format(&s, &text), 0);
        state_done(&s);
        for (size_t i = 0; i < text.len; i++) {
                text.data[i] = (char)(text.data[i] ^ 1);
                ck_assert_int_eq(state_parse("x", text.data, text.len, &back, &d), -EINVAL);
                text.data[i] = (char)(text.data[i] ^ 1);
                ck_assert_int_eq(state_parse("x", text.data, i, &back, &d), -EINVAL);
        }
}
END_TEST

START_TEST(too_many_events_are_refused)
{
        struct state s = { .boot_id = BOOT }, back;
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        for (unsigned i = 0; i < MONITOR_EVENTS_MAX; i++)
                add(&s, 1, false);
        s.history.events = reallocarray(s.history.events, MONITOR_EVENTS_MAX + 1, sizeof(*s.history.events));
        s.history.marks = reallocarray(s.history.marks, MONITOR_EVENTS_MAX + 1, sizeof(*s.history.marks));
        full_event(&s.history.events[s.history.n], 1);
        s.history.marks[s.history.n++] = (struct history_mark){ 0 };
        ck_assert_int_eq(state_format(&s, &text), 0);
        ck_assert_int_eq(state_parse("x", text.data, text.len, &back, &d), -EINVAL);
        ck_assert_ptr_nonnull(strstr(d.text, "at most 256"));
        state_done(&s);
}
END_TEST

START_TEST(failing_allocations_leave_nothing_behind)
{
        struct state s = { .boot_id = BOOT, .told = 8 };
        _cleanup_buf_ struct buf text = BUF_INIT;

        for (unsigned bit = 0; bit < 6; bit++)
                add(&s, bit, false);
        ck_assert_int_eq(state_format(&s, &text), 0);
        for (unsigned n = 1;; n++) {
                struct state back = { .told = 99 };
                alloc_fail_at(n);
                int r = state_parse("x", text.data, text.len, &back, NULL);
                if (!alloc_failed()) {
                        ck_assert_int_eq(r, 0);
                        state_done(&back);
                        ck_assert_uint_gt(n, 20);
                        break;
                }
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert_uint_eq(back.told, 99);
        }
        for (unsigned n = 1;; n++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                alloc_fail_at(n);
                int r = state_format(&s, &out);
                if (!alloc_failed())
                        break;
                ck_assert_int_eq(r, -ENOMEM);
        }
        state_done(&s);
}
END_TEST

START_TEST(an_event_that_finds_no_memory_changes_nothing)
{
        struct taint_event e;

        full_event(&e, 3);
        for (unsigned n = 1;; n++) {
                struct history h = { 0 };
                size_t at = 77;
                alloc_fail_at(n);
                int r = history_add(&h, &e, (struct history_mark){ 0 }, &at);
                bool failed = alloc_failed();
                ck_assert_int_eq(r, failed ? -ENOMEM : 0);
                ck_assert_uint_eq(h.n, failed ? 0 : 1);
                ck_assert_uint_eq(at, failed ? 77 : 0);
                history_done(&h);
                if (!failed)
                        break;
        }
        taint_event_done(&e);
}
END_TEST

START_TEST(names_of_events)
{
        for (int i = 0; i <= ATTRIBUTION_EXACT; i++) {
                enum attribution back;
                ck_assert(attribution_parse(attribution_name((enum attribution)i), &back));
                ck_assert_int_eq(back, i);
        }
        for (int i = 0; i <= CONTEXT_BOOT; i++) {
                enum taint_context back;
                ck_assert(taint_context_parse(taint_context_name((enum taint_context)i), &back));
                ck_assert_int_eq(back, i);
        }
        ck_assert_str_eq(attribution_name((enum attribution)99), "unknown");
        ck_assert_str_eq(taint_context_name((enum taint_context)99), "unknown");
}
END_TEST

/* The text of an event is kept from when it changes no more, and not before. */
START_TEST(the_text_is_made_once)
{
        _cleanup_buf_ struct buf first = BUF_INIT, second = BUF_INIT, third = BUF_INIT;
        struct state s = { .boot_id = "0f0e0d0c-1111-2222-3333-444455556666" };
        struct taint_event e = { .bit = 12, .actor = ACTOR_UNKNOWN };
        size_t at;
        ck_assert_int_eq(history_add(&s.history, &e, (struct history_mark){ .telling = true }, &at), 0);
        ck_assert_int_eq(state_format(&s, &first), 0);
        ck_assert_ptr_null(s.history.marks[at].text);
        s.history.events[at].seqno = 42;
        s.history.marks[at].telling = false;
        ck_assert_int_eq(state_format(&s, &second), 0);
        ck_assert_ptr_nonnull(strstr(second.data, "seqno: 42\n"));
        ck_assert_ptr_nonnull(strstr(second.data, "telling: 0\n"));
        ck_assert_ptr_nonnull(s.history.marks[at].text);
        ck_assert_int_eq(state_format(&s, &third), 0);
        ck_assert_str_eq(second.data, third.data);
        state_done(&s);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("taint-state");
        TCase *tc = tcase_create("taint-state");
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, what_is_written_is_read);
        tcase_add_test(tc, text_that_is_no_utf8_is_kept_readable);
        tcase_add_test(tc, the_text_is_made_once);
        tcase_add_test(tc, history_is_bounded);
        tcase_add_test(tc, long_stacks_are_cut_at_a_line);
        tcase_add_test(tc, other_text_is_refused);
        tcase_add_test(tc, damage_of_any_byte_shows);
        tcase_add_test(tc, too_many_events_are_refused);
        tcase_add_test(tc, failing_allocations_leave_nothing_behind);
        tcase_add_test(tc, an_event_that_finds_no_memory_changes_nothing);
        tcase_add_test(tc, names_of_events);
        suite_add_tcase(s, tc);
        SRunner *sr = srunner_create(s);
        srunner_run_all(sr, CK_NORMAL);
        int failed = srunner_ntests_failed(sr);
        srunner_free(sr);
        return failed > 0;
}
