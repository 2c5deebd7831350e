/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../service/monitor/taint-state.h"
#include "alloc-faults.h"
#include "suite.h"

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

static void add(struct taint_state *s, unsigned bit, bool reporting)
{
        struct taint_event e;
        size_t at;

        full_event(&e, bit);
        ck_assert_int_eq(taint_state_add(s, &e,
                                 (struct taint_state_mark){ .reporting = reporting, .before = 6 }, &at),
                0);
        ck_assert_uint_eq(at, s->n - 1);
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

static void with_sum(struct buf *text)
{
        buf_printf(text, "# crc32c: %08" PRIx32 "\n", file_sum(0, buf_str(text), text->len));
}

static void format_all(const struct taint_state *s, struct buf *out)
{
        taint_state_format(s, out);
        with_sum(out);
        ck_assert_int_eq(out->error, 0);
}

TEST(what_is_written_is_read)
{
        struct taint_state s = { .boot_id = BOOT, .reported = UINT64_MAX, .blind = true }, back = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        for (unsigned bit = 0; bit < 64; bit += 7)
                add(&s, bit, bit == 63);
        format_all(&s, &text);
        ck_assert_msg(taint_state_parse("x", text.data, text.len, &back, &d) == 0, "%s", d.text);
        ck_assert_str_eq(back.boot_id, BOOT);
        ck_assert_uint_eq(back.reported, UINT64_MAX);
        ck_assert(back.blind);
        ck_assert_uint_eq(back.n, s.n);
        for (size_t i = 0; i < s.n; i++) {
                same_event(&s.events[i], &back.events[i]);
                ck_assert_int_eq(back.marks[i].reporting, i == 9);
                ck_assert_uint_eq(back.marks[i].before, 6);
        }
        taint_state_done(&s);
        taint_state_done(&back);
}

TEST(text_that_is_no_utf8_is_kept_readable)
{
        struct taint_state s = { .boot_id = "" }, back = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct taint_event e = { .reason = "x", .actor = ACTOR_UNKNOWN };
        size_t at;

        memset(e.actor.comm, 0xff, sizeof(e.actor.comm) - 1);
        ck_assert_int_eq(taint_state_add(&s, &e, (struct taint_state_mark){ 0 }, &at), 0);
        format_all(&s, &text);
        ck_assert_int_eq(taint_state_parse("x", text.data, text.len, &back, NULL), 0);
        ck_assert_int_eq(strncmp(back.events[0].actor.comm, "\xef\xbf\xbd", 3), 0);
        ck_assert_ptr_null(back.events[0].stack);
        taint_state_done(&s);
        taint_state_done(&back);
}

TEST(history_is_bounded)
{
        struct taint_state h = { 0 };
        struct taint_event e = { .reason = "x" };
        size_t at = 0;

        for (unsigned i = 0; i < TAINT_STATE_EVENTS_MAX + 10; i++) {
                e.seqno = i;
                ck_assert_int_eq(taint_state_add(&h, &e, (struct taint_state_mark){ .before = i }, &at), 0);
        }
        ck_assert_uint_eq(h.n, TAINT_STATE_EVENTS_MAX);
        ck_assert_uint_eq(at, TAINT_STATE_EVENTS_MAX - 1);
        ck_assert_uint_eq(h.events[0].seqno, 10);
        ck_assert_uint_eq(h.marks[0].before, 10);
        ck_assert_uint_eq(h.events[at].seqno, TAINT_STATE_EVENTS_MAX + 9);
        taint_state_done(&h);
}

TEST(long_stacks_are_cut_at_a_line)
{
        struct taint_state h = { 0 };
        struct taint_event e = { .reason = "x" };
        _cleanup_buf_ struct buf stack = BUF_INIT;
        size_t at = 0;

        while (stack.len < 3 * TAINT_STATE_STACK_MAX)
                buf_puts(&stack, "a_function+0x10/0x20\n");
        e.stack = stack.data;
        ck_assert_int_eq(taint_state_add(&h, &e, (struct taint_state_mark){ 0 }, &at), 0);
        size_t n = strlen(h.events[0].stack);
        ck_assert_uint_le(n, TAINT_STATE_STACK_MAX);
        ck_assert_uint_gt(n, TAINT_STATE_STACK_MAX - 30);
        ck_assert_int_eq(h.events[0].stack[n - 1], '\n');
        taint_state_done(&h);
}

/* Good text with one place changed, and a sum that fits. */
static int parse_changed(const char *from, const char *to)
{
        struct taint_state s = { .boot_id = BOOT, .reported = 1 }, back = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT, changed = BUF_INIT;
        struct diag d = { 0 };

        add(&s, 3, false);
        taint_state_format(&s, &text);
        s.reported = 5;
        taint_state_format_reported(&s, &text);
        taint_state_done(&s);
        char *at = strstr(text.data, from);
        ck_assert_msg(at != NULL, "no %s in the text", from);
        buf_add(&changed, text.data, (size_t)(at - text.data));
        buf_puts(&changed, to);
        buf_puts(&changed, at + strlen(from));
        with_sum(&changed);
        int r = taint_state_parse("x", changed.data, changed.len, &back, &d);
        if (r == 0)
                taint_state_done(&back);
        else
                ck_assert_msg(d.text[0] != '\0', "no reason for %s -> %s", from, to);
        return r;
}

TEST(other_text_is_refused)
{
        static const struct {
                const char *from, *to;
        } bad[] = {
                { "peios-taint-state: 2", "peios-taint-state: 1" },
                { "peios-taint-state: 2", "peios-taint: 2" },
                { "reported: 1\n", "" },
                { "reported: 1\n", "reported: 18446744073709551616\n" },
                { "reported: 1\n", "reported: x\n" },
                { "reported: 1\n", "reported: 1\nmore: 1\n" },
                { "blind: 0\n", "" },
                { "blind: 0\n", "blind: 2\n" },
                { "blind: 0\n", "blind: []\n" },
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
                { "reported: 5\n", "reported: x\n" },
                { "reported: 5\n", "reported: 5\n    more: 1\n" },
                { "reported: 5\n    blind: 0\n", "reported: 5\n" },
                { "reported: 5\n    blind: 0\n", "reported: 5\n    blind: 2\n" },
                { "blind: 0\n    seqno: 7\n", "blind: 0\n" },
        };

        ck_assert_int_eq(parse_changed("reported: 1\n", "reported: 2\n"), 0);
        ck_assert_int_eq(parse_changed("blind: 0\n", "blind: 1\n"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(parse_changed(bad[i].from, bad[i].to) == -EINVAL, "%s -> %s was taken",
                        bad[i].from, bad[i].to);
}

/* A file and two pieces behind it: a second event that is being reported, and that it is reported, as
 * number 42. The ends of the three are in `end`. */
static void format_pieces(struct buf *out, size_t end[static 3])
{
        _cleanup_buf_ struct buf event = BUF_INIT, reported = BUF_INIT;
        struct taint_state s = { .boot_id = BOOT, .reported = 8 };

        add(&s, 3, false);
        taint_state_format(&s, out);
        uint32_t sum = file_sum_end(0, out);
        end[0] = out->len;
        add(&s, 4, true);
        taint_state_format_event(&s, &event);
        sum = file_sum_end(sum, &event);
        buf_add(out, event.data, event.len);
        end[1] = out->len;
        s.reported = 24;
        s.blind = true;
        s.events[1].seqno = 42;
        taint_state_format_reported(&s, &reported);
        (void)file_sum_end(sum, &reported);
        buf_add(out, reported.data, reported.len);
        end[2] = out->len;
        ck_assert_int_eq(out->error | event.error | reported.error, 0);
        taint_state_done(&s);
}

static void check_pieces(const char *text, size_t n, unsigned pieces)
{
        struct taint_state s = { 0 };
        struct diag d = { 0 };

        ck_assert_msg(taint_state_parse("x", text, n, &s, &d) == 0, "%zu bytes: %s", n, d.text);
        ck_assert_str_eq(s.boot_id, BOOT);
        ck_assert_uint_eq(s.reported, pieces == 3 ? 24 : 8);
        ck_assert_int_eq(s.blind, pieces == 3);
        ck_assert_uint_eq(s.n, pieces == 1 ? 1 : 2);
        ck_assert_uint_eq(s.events[0].seqno, 7);
        ck_assert(!s.marks[0].reporting);
        if (pieces > 1) {
                ck_assert_int_eq(s.marks[1].reporting, pieces == 2);
                ck_assert_uint_eq(s.marks[1].before, 6);
                ck_assert_uint_eq(s.events[1].seqno, pieces == 3 ? 42 : 7);
        }
        taint_state_done(&s);
}

TEST(a_piece_that_is_cut_short_is_left_out)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        size_t end[3];
        struct taint_state s;
        struct diag d;

        format_pieces(&text, end);
        for (size_t n = 0; n < end[0]; n++)
                ck_assert_int_eq(taint_state_parse("x", text.data, n, &s, &d), -EINVAL);
        for (size_t n = end[0]; n <= end[2]; n++)
                check_pieces(text.data, n, n < end[1] ? 1 : n < end[2] ? 2 : 3);
}

TEST(damage_of_any_byte_shows)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        size_t end[3];
        struct taint_state s;
        struct diag d;

        format_pieces(&text, end);
        for (size_t i = 0; i < text.len; i++) {
                text.data[i] = (char)(text.data[i] ^ 1);
                for (unsigned piece = 0; piece < 3; piece++)
                        if (i < end[piece])
                                ck_assert_msg(
                                        taint_state_parse("x", text.data, end[piece], &s, &d) == -EINVAL,
                                        "byte %zu of %zu", i, end[piece]);
                text.data[i] = (char)(text.data[i] ^ 1);
        }
}

TEST(nothing_of_a_cut_piece_is_between_others)
{
        _cleanup_buf_ struct buf text = BUF_INIT, joined = BUF_INIT;
        size_t end[3];
        struct taint_state s;
        struct diag d;

        format_pieces(&text, end);
        buf_add(&joined, text.data, end[1] - 5);
        buf_add(&joined, text.data + end[1], end[2] - end[1]);
        ck_assert_int_eq(taint_state_parse("x", joined.data, joined.len, &s, &d), -EINVAL);
        ck_assert_ptr_nonnull(strstr(d.text, "is damaged or was edited"));
}

TEST(before_the_first_event)
{
        _cleanup_buf_ struct buf text = BUF_INIT, reported = BUF_INIT;
        struct taint_state s = { .boot_id = BOOT }, back = { 0 };

        taint_state_format(&s, &text);
        uint32_t sum = file_sum_end(0, &text);
        ck_assert_int_eq(taint_state_parse("x", text.data, text.len, &back, NULL), 0);
        ck_assert(!back.blind);
        s.blind = true;
        taint_state_format_reported(&s, &reported);
        (void)file_sum_end(sum, &reported);
        buf_add(&text, reported.data, reported.len);
        ck_assert_int_eq(taint_state_parse("x", text.data, text.len, &back, NULL), 0);
        ck_assert(back.blind);
        ck_assert_uint_eq(back.n, 0);
}

TEST(of_too_many_events_the_oldest_go)
{
        struct taint_state s = { .boot_id = BOOT }, back;
        _cleanup_buf_ struct buf text = BUF_INIT, event = BUF_INIT;
        struct diag d = { 0 };

        for (unsigned i = 0; i < TAINT_STATE_EVENTS_MAX; i++)
                add(&s, i == 0 ? 1 : 2, false);
        taint_state_format(&s, &text);
        uint32_t sum = file_sum_end(0, &text);
        add(&s, 3, false);
        taint_state_format_event(&s, &event);
        (void)file_sum_end(sum, &event);
        buf_add(&text, event.data, event.len);
        ck_assert_msg(taint_state_parse("x", text.data, text.len, &back, &d) == 0, "%s", d.text);
        ck_assert_uint_eq(back.n, TAINT_STATE_EVENTS_MAX);
        ck_assert_uint_eq(back.events[0].bit, 2);
        ck_assert_uint_eq(back.events[TAINT_STATE_EVENTS_MAX - 1].bit, 3);
        taint_state_done(&s);
        taint_state_done(&back);
}

TEST(failing_allocations_leave_nothing_behind)
{
        struct taint_state s = { .boot_id = BOOT, .reported = 8 };
        _cleanup_buf_ struct buf text = BUF_INIT;

        for (unsigned bit = 0; bit < 6; bit++)
                add(&s, bit, false);
        format_all(&s, &text);
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                struct taint_state back = { .reported = 99 };
                alloc_fail_at(n);
                failed = alloc_fails(taint_state_parse("x", text.data, text.len, &back, NULL), n, 20);
                ck_assert(failed == (back.reported == 99));
                taint_state_done(&back);
        }
        failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                alloc_fail_at(n);
                taint_state_format(&s, &out);
                (void)file_sum_end(0, &out);
                failed = alloc_fails(out.error, n, 1);
        }
        taint_state_done(&s);
}

TEST(an_event_that_finds_no_memory_changes_nothing)
{
        struct taint_event e;

        full_event(&e, 3);
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                struct taint_state h = { 0 };
                size_t at = 77;
                alloc_fail_at(n);
                failed = alloc_fails(taint_state_add(&h, &e, (struct taint_state_mark){ 0 }, &at), n, 1);
                ck_assert_uint_eq(h.n, failed ? 0 : 1);
                ck_assert_uint_eq(at, failed ? 77 : 0);
                taint_state_done(&h);
        }
        taint_event_done(&e);
}

TEST(names_of_events)
{
        for (int i = 0; i <= ATTRIBUTION_EXACT; i++) {
                enum attribution back;
                ck_assert(taint_attribution_parse(taint_attribution_name((enum attribution)i), &back));
                ck_assert_int_eq(back, i);
        }
        for (int i = 0; i <= CONTEXT_BOOT; i++) {
                enum taint_context back;
                ck_assert(taint_context_parse(taint_context_name((enum taint_context)i), &back));
                ck_assert_int_eq(back, i);
        }
        ck_assert_str_eq(taint_attribution_name((enum attribution)99), "unknown");
        ck_assert_str_eq(taint_context_name((enum taint_context)99), "unknown");
}

Suite *test_suite(void)
{
        return suite_of("taint-state");
}
