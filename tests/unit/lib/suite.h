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

/* Of START_TEST names, each run in a process of its own, and of 120 s at most. */
Suite *suite_of(const char *name, const TTest *const *tests, size_t n);
/* The same with a checked fixture around each test. */
Suite *suite_with(
        const char *name, const TTest *const *tests, size_t n, void (*setup)(void), void (*teardown)(void));
/* The same of tests that mostly wait: four wait at the same time. */
Suite *suite_waiting(
        const char *name, const TTest *const *tests, size_t n, void (*setup)(void), void (*teardown)(void));
/* To the suite that was made last: a test that runs n times, with _i from 0. */
void suite_loop(const TTest *test, size_t n);

/* A number below n, as srandom() has it. */
unsigned pick(unsigned n);
