/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each test is a process of its own, and has its capabilities. Without any the functions still have to hold
 * their word. */
#include <check.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../schema/base/privileges.h"
#include "suite.h"

struct sets {
        uint64_t effective, permitted, inheritable;
};

static void get(struct sets *ret)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
        *ret = (struct sets){ data[0].effective | (uint64_t)data[1].effective << 32,
                data[0].permitted | (uint64_t)data[1].permitted << 32,
                data[0].inheritable | (uint64_t)data[1].inheritable << 32 };
}

static void set(const struct sets *s)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        for (unsigned i = 0; i < 2; i++)
                data[i] = (struct __user_cap_data_struct){ (uint32_t)(s->effective >> (32 * i)),
                        (uint32_t)(s->permitted >> (32 * i)), (uint32_t)(s->inheritable >> (32 * i)) };
        ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

static void check(const struct sets *before, uint64_t kept)
{
        struct sets now;

        get(&now);
        ck_assert_uint_eq(now.effective, before->effective & kept);
        ck_assert_uint_eq(now.permitted, before->permitted & kept);
        ck_assert_uint_eq(now.inheritable, before->inheritable & kept);
}

/* One of each half. */
#define SOME (PRIVILEGE(CAP_SYSLOG) | PRIVILEGE(CAP_CHOWN))

TEST(dropped)
{
        struct sets before;

        get(&before);
        before.inheritable = before.permitted;
        set(&before);
        ck_assert_int_eq(privileges_drop(SOME), 0);
        check(&before, ~SOME);
        ck_assert_int_eq(privileges_drop(SOME), 0);
        check(&before, ~SOME);
}

TEST(kept)
{
        struct sets before;

        get(&before);
        ck_assert_int_eq(privileges_keep(UINT64_MAX), 0);
        check(&before, UINT64_MAX);
        ck_assert_int_eq(privileges_keep(SOME), 0);
        check(&before, SOME);
        ck_assert_int_eq(privileges_keep(0), 0);
        check(&before, 0);
}

/* The effective set alone may be empty: what is permitted could be taken up again. */
TEST(permitted_ones_too)
{
        struct sets before;

        get(&before);
        before.effective = 0;
        set(&before);
        ck_assert_int_eq(privileges_drop(SOME), 0);
        check(&before, ~SOME);
}

TEST(ambient_ones_too)
{
        struct sets s;

        get(&s);
        if (!(s.permitted & PRIVILEGE(CAP_CHOWN)))
                return;
        s.inheritable |= PRIVILEGE(CAP_CHOWN);
        set(&s);
        ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), 0);
        ck_assert_int_eq(privileges_drop(PRIVILEGE(CAP_CHOWN)), 0);
        ck_assert_int_eq(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0), 0);
}

static void *keep_nothing(void *userdata)
{
        struct sets before;

        get(&before);
        *(int *)userdata = privileges_keep(0);
        check(&before, 0);
        return NULL;
}

TEST(of_one_thread)
{
        struct sets before;
        pthread_t thread;
        int r = -1;

        get(&before);
        ck_assert_int_eq(pthread_create(&thread, NULL, keep_nothing, &r), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(r, 0);
        check(&before, UINT64_MAX);
}

Suite *test_suite(void)
{
        return suite_of("privileges");
}
