/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prometheus' own tool takes the alerts, and each is fired by what the service prints, and it alone; nothing
 * is by a machine that is well. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../schema/base/file.h"
#include "states.h"
#include "suite.h"

static char tool[2048], rules[2048];

static int promtool(const char *arguments, const char *file)
{
        const int status = system(textf("'%s' %s '%s' 2>&1", tool, arguments, file));
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- What happens: the state changes after an hour, and an hour later it is asked ---- */

static struct taint_event event = { .bit = 12, .time_usec = 1000000 };
static struct metrics_setting setting;
static struct metrics_registry registry;

static void tainted(struct metrics_state *s)
{
        s->monitor.tainted = 1 << 12;
        s->events = &event;
        s->n_events = 1;
}

static void tainted_and_accepted(struct metrics_state *s)
{
        tainted(s);
        s->accepted = 1 << 12;
}

static void unreadable(struct metrics_state *s)
{
        s->monitor.readable = false;
}

static void missed(struct metrics_state *s)
{
        s->monitor.misses++;
}

static void dropped(struct metrics_state *s)
{
        s->monitor.drops++;
}

static void not_live(_unused_ struct metrics_state *s)
{
        setting.live = false;
}

static void pending(_unused_ struct metrics_state *s)
{
        setting.pending = true;
}

static void refused(_unused_ struct metrics_state *s)
{
        setting.refusals++;
}

static void drifted(_unused_ struct metrics_state *s)
{
        setting.drifts++;
}

static void kept(struct metrics_state *s)
{
        s->audit.kept = 1;
}

static void lost(struct metrics_state *s)
{
        s->audit.lost++;
}

static void down(_unused_ struct metrics_state *s)
{
        registry.is_up = false;
}

static void broken_file(_unused_ struct metrics_state *s)
{
        registry.problems++;
}

static void refused_value(_unused_ struct metrics_state *s)
{
        registry.problems++;
        registry.refused++;
}

static void many_layers(_unused_ struct metrics_state *s)
{
        registry.layers = 901;
}

static void enough_layers(_unused_ struct metrics_state *s)
{
        registry.layers = 900;
}

static void not_backed_up(_unused_ struct metrics_state *s)
{
        registry.sequence++;
}

static void slow(_unused_ struct metrics_state *s)
{
        registry.commits += 10;
        registry.commit_usec += 20000000;
        registry.buckets[1].n += 10;
}

static void quick(_unused_ struct metrics_state *s)
{
        registry.commits += 10;
        registry.commit_usec += 10000;
        registry.buckets[0].n += 10;
        registry.buckets[1].n += 10;
}

static void large(_unused_ struct metrics_state *s)
{
        registry.store_bytes = UINT64_C(5000000000);
}

static void changed(struct metrics_state *s)
{
        setting.changes++;
        setting.no_ops++;
        s->audit.sent++;
        s->capture.text = "forensic";
        s->policy.text = "disabled";
}

static const struct {
        const char *alert; /* NULL: none */
        void (*make)(struct metrics_state *s);
        unsigned minutes; /* since then */
} cases[] = {
        { NULL, changed, 20 },
        { NULL, tainted_and_accepted, 20 },
        { "PeiosKernelTainted", tainted, 20 },
        { "PeiosTaintMaskUnreadable", unreadable, 20 },
        { NULL, unreadable, 4 },
        { "PeiosTaintsMissed", missed, 20 },
        { "PeiosTaintsMissed", dropped, 20 },
        { "PeiosPolicyNotLive", not_live, 20 },
        { NULL, not_live, 4 },
        { NULL, pending, 6 * 24 * 60 },
        { "PeiosPolicyPending", pending, 8 * 24 * 60 },
        { "PeiosPolicyRefused", refused, 20 },
        { "PeiosControlDrift", drifted, 20 },
        { "PeiosAuditRecordsWaiting", kept, 20 },
        { NULL, kept, 14 },
        { "PeiosAuditRecordsLost", lost, 20 },
        { "PeiosRegistryDown", down, 20 },
        { NULL, down, 4 },
        { "PeiosRegistryProblems", broken_file, 20 },
        { "PeiosRegistryValuesRefused", refused_value, 20 },
        { "PeiosRegistryLayersFull", many_layers, 1 },
        { NULL, enough_layers, 1 },
        { NULL, not_backed_up, 2 * 24 * 60 },
        { "PeiosRegistryBackupOld", not_backed_up, 4 * 24 * 60 },
        { NULL, changed, 4 * 24 * 60 },
        { "PeiosRegistryCommitsSlow", slow, 5 },
        { NULL, quick, 5 },
        { NULL, large, 50 },
        { "PeiosRegistryStoreLarge", large, 70 },
};

/* ---- As promtool wants it ---- */

static void print_state(void (*make)(struct metrics_state *s), struct buf *out)
{
        struct metrics_state s;

        state_begin(&s);
        setting = s.settings[0];
        s.settings = &setting;
        s.n_settings = 1;
        s.audit.kept = 0;
        state_registry(&registry);
        s.registry = &registry;
        if (make)
                make(&s);
        ck_assert_int_eq(metrics_text(&s, out), 0);
}

/* The sample that is called as the one in `line` up to its value; NULL: it is not there. */
static const char *find_sample(const char *text, const char *line, size_t n)
{
        for (const char *at = text; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
                if (strncmp(at, line, n) == 0)
                        return at + n;
        return NULL;
}

static void add_series(
        struct buf *out, const char *line, size_t n, const char *before, const char *after, unsigned minutes)
{
        buf_puts(out, "  - series: '");
        for (size_t i = 0; i < n; i++)
                buf_printf(out, line[i] == '\'' ? "''" : "%c", line[i]);
        buf_puts(out, "'\n    values: '");
        if (before)
                buf_printf(out, "%.*sx60 ", (int)strcspn(before, "\n"), before);
        else
                buf_puts(out, "_x61 ");
        if (after)
                buf_printf(out, "%.*sx%u", (int)strcspn(after, "\n"), after, minutes + 1);
        buf_puts(out, "'\n");
}

/* Of `text`, each sample that `other` has not, or all. */
static void add_samples(
        struct buf *out, const char *text, const char *other, bool is_before, unsigned minutes)
{
        for (const char *at = text, *end; *at; at = end + 1) {
                end = strchr(at, '\n');
                const char *value = memrchr(at, ' ', (size_t)(end - at)) + 1;
                if (*at == '#')
                        continue;
                const size_t n = (size_t)(value - at);
                const char *same = find_sample(other, at, n);
                if (is_before)
                        add_series(out, at, n - 1, value, same, minutes);
                else if (!same)
                        add_series(out, at, n - 1, NULL, value, minutes);
        }
}

static void write_test(const char *file, size_t i)
{
        _cleanup_buf_ struct buf before = BUF_INIT, after = BUF_INIT, out = BUF_INIT;

        print_state(NULL, &before);
        print_state(cases[i].make, &after);
        buf_printf(&out,
                "rule_files: ['%s']\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n",
                rules);
        add_samples(&out, buf_str(&before), buf_str(&after), true, cases[i].minutes);
        add_samples(&out, buf_str(&after), buf_str(&before), false, cases[i].minutes);
        buf_printf(&out,
                "  promql_expr_test:\n  - expr: count by (alertname) (ALERTS{alertstate=\"firing\"})\n"
                "    eval_time: %um\n    exp_samples: [%s%s%s]\n",
                60 + cases[i].minutes, cases[i].alert ? "{labels: '{alertname=\"" : "",
                cases[i].alert ? cases[i].alert : "", cases[i].alert ? "\"}', value: 1}" : "");
        FILE *f = fopen(file, "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(out.data, 1, out.len, f), out.len);
        ck_assert_int_eq(fclose(f), 0);
}

TEST_EACH(fired, ARRAY_SIZE(cases))
{
        char file[4096];

        (void)snprintf(file, sizeof(file), "%s/peios-alerts-XXXXXX", suite_scratch());
        int fd = mkstemp(file);
        ck_assert_int_ge(fd, 0);
        (void)close(fd);
        write_test(file, (size_t)_i);
        const int code = promtool("test rules", file);
        (void)unlink(file);
        ck_assert_msg(code == 0, "case %d: %s", _i, cases[_i].alert ? cases[_i].alert : "none");
}

TEST(taken)
{
        ck_assert_int_eq(promtool("check rules", rules), 0);
}

/* Each alert has a case. */
TEST(all_of_them)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        ck_assert_int_eq(file_read(AT_FDCWD, rules, 1 << 20, &text, NULL, NULL), 0);
        for (const char *at = buf_str(&text); (at = strstr(at, "alert: "));) {
                size_t i = 0;
                at += strlen("alert: ");
                const size_t n = strcspn(at, "\n");
                while (i < ARRAY_SIZE(cases) && !(cases[i].alert && strlen(cases[i].alert) == n &&
                                                        strncmp(cases[i].alert, at, n) == 0))
                        i++;
                ck_assert_msg(i < ARRAY_SIZE(cases), "%.*s", (int)n, at);
        }
}

Suite *test_suite(void)
{
        if (!suite_argument || sscanf(suite_argument, "%2047[^:]:%2047[^:]", rules, tool) != 2) {
                (void)fprintf(
                        stderr, "promtool is missing (Debian: prometheus): nobody has tried the alerts\n");
                return NULL;
        }
        return suite_of("metrics-alerts");
}
