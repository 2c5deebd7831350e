/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the unit tests share: running a list of tests, and allocations that fail on demand. */

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* Runs the tests (START_TEST names), each in a process of its own; the value is main()'s. */
int run_tests(const char *name, const TTest *const *tests, size_t n);

/* The same with a checked fixture around each test. */
int run_tests_with(
        const char *name, const TTest *const *tests, size_t n, void (*setup)(void), void (*teardown)(void));

/* In a program that is linked with alloc_wrap_args: the n-th allocation from now (1 is the next) fails,
 * once. */
void alloc_fail_at(unsigned n);
/* Ends that and says whether an allocation did fail. */
bool alloc_failed(void);
