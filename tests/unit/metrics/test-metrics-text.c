/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <string.h>

#include "../../../schema/names/fold.h"
#include "states.h"
#include "suite.h"

static const struct state_case *find_case(const char *name)
{
        for (size_t i = 0; i < n_state_cases; i++)
                if (strcmp(state_cases[i].name, name) == 0)
                        return &state_cases[i];
        ck_abort_msg("no case %s", name);
}

/* A whole line of the text? */
static bool has_line(const struct buf *text, const char *line)
{
        size_t n = strlen(line);

        for (const char *at = buf_str(text); (at = strstr(at, line)); at++)
                if ((at == text->data || at[-1] == '\n') && at[n] == '\n')
                        return true;
        return false;
}

TEST(lines)
{
        static const struct {
                const char *name, *line;
                bool there;
        } cases[] = {
                { "clean", "peios_audit_policyd_info{version=\"1.2\"} 1", true },
                { "clean", "peios_kernel_taint_readable 1", true },
                { "clean", "peios_registry_up 0", false },
                { "provider-down", "peios_registry_up 0", true },
                { "provider-down", "peios_registry_layers 0", false },
                { "provider", "peios_registry_up 1", true },
                { "provider", "peios_registry_backup_time_seconds 1", true },
                { "provider", "peios_registry_commit_seconds_bucket{le=\"0.001000\"} 4", true },
                { "provider", "peios_registry_commit_seconds_bucket{le=\"+Inf\"} 5", true },
                { "provider", "peios_registry_commit_seconds_sum 1.234567", true },
                { "provider", "peios_registry_commit_seconds_count 5", true },
                { "clean", "peios_kernel_taint_set{bit=\"0\",flag=\"TAINT_PROPRIETARY_MODULE\"} 0", true },
                { "clean", "peios_kernel_taint_set{bit=\"19\",flag=\"TAINT_FWCTL\"} 0", true },
                { "clean", "# TYPE peios_kernel_taint_first_set_time_seconds gauge", false },
                { "clean", "peios_taint_events_policy{value=\"enabled\"} 1", true },
                { "clean", "peios_taint_events_policy{value=\"disabled\"} 0", true },
                { "clean", "peios_taint_capture{value=\"standard\"} 1", true },
                { "clean", "peios_taint_capture{value=\"forensic\"} 0", true },
                { "clean",
                        "peios_policy_live{setting=\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\","
                        "control=\"kernel.audit_taint_events\"} 1",
                        true },
                { "clean",
                        "peios_policy_live{setting=\"\\\\System\\\\Process\\\\PidMax\",control=\"kernel.pid_max\"} 0",
                        false },
                { "clean", "peios_policy_changes_total{setting=\"\\\\System\\\\Process\\\\PidMax\"} 0",
                        true },
                { "largest",
                        "peios_policy_live{setting=\"\\\\System\\\\Process\\\\PidMax\",control=\"kernel.pid_max\"} 0",
                        true },
                { "clean",
                        "peios_policy_changes_total{setting=\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\"} 1",
                        true },
                { "clean",
                        "peios_policy_no_op_writes_total{setting=\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\"} 2",
                        true },
                { "clean",
                        "peios_policy_refusals_total{setting=\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\"} 3",
                        true },
                { "clean",
                        "peios_policy_drifts_total{setting=\"\\\\System\\\\Audit\\\\Modules\\\\TaintEvents\"} 4",
                        true },
                { "clean", "peios_taint_monitor_misses_total 5", true },
                { "clean", "peios_taint_monitor_drops_total 6", true },
                { "clean", "peios_audit_records_sent_total 7", true },
                { "clean", "peios_audit_records_lost_total 8", true },
                { "clean", "peios_audit_records_kept 9", true },
                { "clean", "peios_taint_monitor_backend{value=\"bpf\"} 1", true },
                { "clean", "peios_taint_monitor_backend{value=\"hints\"} 0", true },
                { "module",
                        "peios_kernel_taint_set{bit=\"12\",flag=\"TAINT_OOT_MODULE\",module=\"vboxdrv\"} 1",
                        true },
                { "module",
                        "peios_kernel_taint_first_set_time_seconds{bit=\"12\",flag=\"TAINT_OOT_MODULE\"} "
                        "1700000000.000042",
                        true },
                { "module",
                        "peios_kernel_taint_set{bit=\"13\",flag=\"TAINT_UNSIGNED_MODULE\",module=\"vboxdrv\"} 1",
                        true },
                { "nasty",
                        "peios_kernel_taint_set{bit=\"12\",flag=\"TAINT_OOT_MODULE\",module=\"a\\\"b\\\\c\\nd"
                        "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"} 1",
                        true },
                { "module", "peios_kernel_taint_accepted{bit=\"12\",flag=\"TAINT_OOT_MODULE\"} 0", true },
                { "module", "peios_kernel_taint_accepted{bit=\"13\",flag=\"TAINT_UNSIGNED_MODULE\"} 1",
                        true },
                { "clean", "# TYPE peios_kernel_taint_accepted gauge", false },
                { "blind", "# TYPE peios_kernel_taint_accepted gauge", false },
                { "unknown-bits", "peios_kernel_taint_set{bit=\"40\",flag=\"bit 40\"} 1", true },
                { "unknown-bits",
                        "peios_kernel_taint_first_set_time_seconds{bit=\"63\",flag=\"bit 63\"} 2.000000",
                        true },
                { "cleared", "peios_kernel_taint_set{bit=\"12\",flag=\"TAINT_OOT_MODULE\"} 0", true },
                { "cleared",
                        "peios_kernel_taint_first_set_time_seconds{bit=\"9\",flag=\"TAINT_WARN\"} 3.000000",
                        true },
                { "blind", "peios_kernel_taint_readable 0", true },
                { "blind", "# TYPE peios_kernel_taint_set gauge", false },
                { "nothing", "peios_audit_policyd_info 1", true },
                { "nothing", "# TYPE peios_taint_events_policy gauge", false },
                { "largest", "peios_audit_records_sent_total 18446744073709551615", true },
                { "largest", "peios_taint_events_policy{value=\"failure-only\"} 1", true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                state_text(find_case(cases[i].name), &text);
                ck_assert_msg(has_line(&text, cases[i].line) == cases[i].there, "%s: %s in\n%s",
                        cases[i].name, cases[i].line, buf_str(&text));
        }
}

TEST(always_utf8)
{
        for (size_t i = 0; i < n_state_cases; i++) {
                _cleanup_buf_ struct buf text = BUF_INIT, again = BUF_INIT;
                state_text(&state_cases[i], &text);
                ck_assert_uint_eq(utf8_valid_prefix(text.data, text.len), text.len);
                ck_assert_uint_eq(strlen(text.data), text.len);
                state_text(&state_cases[i], &again);
                ck_assert_str_eq(text.data, again.data);
        }
}

static size_t lines_of(const struct buf *text)
{
        size_t n = 0;

        for (size_t i = 0; i < text->len; i++)
                n += text->data[i] == '\n';
        return n;
}

/* Each byte, each pair. */
TEST(any_bytes)
{
        _cleanup_buf_ struct buf plain = BUF_INIT;

        ck_assert_int_eq(metrics_text(&(const struct metrics_state){ .version = "1" }, &plain), 0);
        for (unsigned a = 1; a < 256; a++) {
                _cleanup_buf_ struct buf pairs = BUF_INIT, out = BUF_INIT;
                for (unsigned b = 1; b < 256; b++)
                        buf_printf(&pairs, "%c%c.", (char)a, (char)b);
                const struct metrics_state state = { .version = buf_str(&pairs) };
                ck_assert_int_eq(metrics_text(&state, &out), 0);
                bool good = utf8_valid_prefix(out.data, out.len) == out.len &&
                            lines_of(&out) == lines_of(&plain);
                for (size_t i = 0; i < out.len; i++)
                        good &= (unsigned char)out.data[i] >= 0x20 || out.data[i] == '\n';
                ck_assert_msg(good, "byte %02x", a);
        }
}

Suite *test_suite(void)
{
        return suite_of("metrics-text");
}
