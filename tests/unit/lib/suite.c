/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "suite.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../schema/base/array.h"

#define SKIPPED 77
#define WORKERS 4u

const char *suite_scratch(void)
{
        const char *folder = getenv("TMPDIR");

        return folder ? folder : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

unsigned pick(unsigned n)
{
        return (unsigned)random() % n;
}

static struct listed {
        const TTest *test;
        size_t n; /* 0: once */
} * listed;
static size_t n_listed;

void suite_list(const TTest *test, size_t n)
{
        if (array_grow(&listed, n_listed, sizeof(*listed)) < 0)
                abort();
        listed[n_listed++] = (struct listed){ test, n };
}

static unsigned workers = 1, worker;

Suite *suite_with(const char *name, void (*setup)(void), void (*teardown)(void))
{
        Suite *suite = suite_create(name);
        TCase *cases = tcase_create(name);
        unsigned whose = 0;

        if (setup)
                tcase_add_checked_fixture(cases, setup, teardown);
        for (size_t i = 0; i < n_listed; i++) {
                const size_t n = listed[i].n;
                if (n > 0)
                        tcase_add_loop_test(cases, listed[i].test, (int)(n * worker / workers),
                                (int)(n * (worker + 1) / workers));
                else if (whose++ % workers == worker)
                        tcase_add_test(cases, listed[i].test);
        }
        tcase_set_timeout(cases, 120);
        suite_add_tcase(suite, cases);
        return suite;
}

Suite *suite_of(const char *name)
{
        return suite_with(name, NULL, NULL);
}

Suite *suite_waiting(const char *name, void (*setup)(void), void (*teardown)(void))
{
        workers = WORKERS;
        return suite_with(name, setup, teardown);
}

static int run(Suite *suite)
{
        SRunner *runner = srunner_create(suite);

        srunner_run_all(runner, CK_ENV);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed != 0;
}

/* This process has the first share of the tests already. */
static int run_with_others(Suite *suite)
{
        pid_t others[WORKERS];
        int status, failed = 0;

        for (worker = 1; worker < workers; worker++) {
                others[worker] = fork();
                if (others[worker] < 0)
                        return EXIT_FAILURE;
                if (others[worker] == 0)
                        exit(run(test_suite()));
        }
        failed = run(suite);
        for (unsigned i = 1; i < workers; i++)
                failed |= waitpid(others[i], &status, 0) < 0 || status != 0;
        return failed;
}

const char *suite_argument;

int main(int argc, char **argv)
{
        if (argc > 1)
                suite_argument = argv[1];
        Suite *suite = test_suite();
        return !suite ? SKIPPED : workers > 1 ? run_with_others(suite) : run(suite);
}
