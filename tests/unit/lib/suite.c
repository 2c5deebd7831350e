/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "suite.h"

#include <stdlib.h>
#include <unistd.h>

#define SKIPPED 77

const char *suite_scratch(void)
{
        const char *folder = getenv("TMPDIR");

        return folder ? folder : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

Suite *suite_with(
        const char *name, const TTest *const *tests, size_t n, void (*setup)(void), void (*teardown)(void))
{
        Suite *suite = suite_create(name);
        TCase *cases = tcase_create(name);

        if (setup)
                tcase_add_checked_fixture(cases, setup, teardown);
        for (size_t i = 0; i < n; i++)
                tcase_add_test(cases, tests[i]);
        tcase_set_timeout(cases, 60);
        suite_add_tcase(suite, cases);
        return suite;
}

Suite *suite_of(const char *name, const TTest *const *tests, size_t n)
{
        return suite_with(name, tests, n, NULL, NULL);
}

const char *suite_argument;

int main(int argc, char **argv)
{
        if (argc > 1)
                suite_argument = argv[1];
        Suite *suite = test_suite();
        if (!suite)
                return SKIPPED;

        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}
