/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each test program is: a suite, which the library's main() runs. */

#include <check.h>
#include <stddef.h>

#include "textf.h"

/* The program's. NULL: it cannot be run here, and has said why (exit status 77). */
Suite *test_suite(void);

/* The first word behind the program on the command line, or NULL. */
extern const char *suite_argument;

/* Where scratch folders are made: in memory if there is such a place, as each sync is a real one. */
const char *suite_scratch(void);

/* A test, which lists itself: it is run in a process of its own, for 120 s at most. TEST_EACH() is run n
 * times, with _i from 0. */
#define TEST(name) SUITE_TEST(name, 0)
#define TEST_EACH(name, n) SUITE_TEST(name, n)

#define SUITE_TEST(name, n)                                                                                 \
        static const TTest *name;                                                                           \
        __attribute__((constructor)) static void name##_list(void)                                          \
        {                                                                                                   \
                suite_list(name, n);                                                                        \
        }                                                                                                   \
        START_TEST(name)
void suite_list(const TTest *test, size_t n);

/* Of all that are listed. */
Suite *suite_of(const char *name);
/* The same with a checked fixture around each test. */
Suite *suite_with(const char *name, void (*setup)(void), void (*teardown)(void));
/* The same of tests that mostly wait: four wait at the same time. */
Suite *suite_waiting(const char *name, void (*setup)(void), void (*teardown)(void));

/* A number below n, as srandom() has it. */
unsigned pick(unsigned n);
