/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prometheus' own checker reads the text, and has nothing to say. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "states.h"
#include "suite.h"

static const char *promtool;

static int check_metrics(const char *text, size_t n)
{
        FILE *f = popen(textf("'%s' check metrics 2>&1", promtool), "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(text, 1, n, f), n);
        int status = pclose(f);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_EACH(each_state, n_state_cases)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        state_text(&state_cases[_i], &text);
        ck_assert_msg(check_metrics(text.data, text.len) == 0, "%s:\n%s", state_cases[_i].name, text.data);
}

/* So that it is known to look. */
TEST_EACH(finds_fault, 4)
{
        static const char *const bad[] = {
                "# HELP peios_x X.\n# TYPE peios_x counter\npeios_x 1\n",
                "# HELP peios_x X.\n# TYPE peios_x gauge\npeios_x{a=\"\xff\"} 1\n",
                "# HELP peios_x X.\n# TYPE peios_x gauge\npeios_x{a=\"b\"c\"} 1\n",
                "peios_x 1\n",
        };

        ck_assert_int_ne(check_metrics(bad[_i], strlen(bad[_i])), 0);
}

Suite *test_suite(void)
{
        if (!suite_argument) {
                (void)fprintf(stderr,
                        "promtool is missing (Debian: prometheus): nobody else has read the metrics\n");
                return NULL;
        }
        promtool = suite_argument;
        return suite_of("metrics-promtool");
}
