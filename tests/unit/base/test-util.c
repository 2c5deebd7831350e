/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-util.h"

int run_tests_with(
        const char *name, const TTest *const *tests, size_t n, void (*setup)(void), void (*teardown)(void))
{
        TCase *cases = tcase_create(name);
        if (setup)
                tcase_add_checked_fixture(cases, setup, teardown);
        for (size_t i = 0; i < n; i++)
                tcase_add_test(cases, tests[i]);
        tcase_set_timeout(cases, 60);

        Suite *suite = suite_create(name);
        suite_add_tcase(suite, cases);
        SRunner *runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}

int run_tests(const char *name, const TTest *const *tests, size_t n)
{
        return run_tests_with(name, tests, n, NULL, NULL);
}
