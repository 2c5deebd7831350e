/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the user database says, and that nobody waits for one that says nothing. */
#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "../../../schema/bus/gate.h"
#include "suite.h"

#define ASKED 3u

static sd_event *event;
static bool hangs;
static struct {
        uint32_t uid;
        bool is_member;
} answers[MEMBERS_WAITING];
static unsigned n_answers;

int __real_getgrnam_r(const char *name, struct group *group, char *text, size_t size, struct group **ret);
int __wrap_getgrnam_r(const char *name, struct group *group, char *text, size_t size, struct group **ret);

int __wrap_getgrnam_r(const char *name, struct group *group, char *text, size_t size, struct group **ret)
{
        while (hangs)
                (void)pause();
        return __real_getgrnam_r(name, group, text, size, ret);
}

static void on_answer(uint32_t uid, bool is_member, _unused_ void *userdata)
{
        answers[n_answers].uid = uid;
        answers[n_answers++].is_member = is_member;
}

static void setup(void)
{
        ck_assert_int_ge(sd_event_new(&event), 0);
        n_answers = 0;
        hangs = false;
}

static void teardown(void)
{
        sd_event_unref(event);
}

static void wait_for(unsigned n)
{
        while (n_answers < n)
                ck_assert_int_ge(sd_event_run(event, UINT64_MAX), 0);
}

/* In the order of the questions, and once. */
TEST(answered_in_order)
{
        struct members *m = NULL;

        ck_assert_int_eq(members_new(event, "root", on_answer, NULL, &m), 0);
        ck_assert_int_eq(members_ask(m, 0), 0);
        ck_assert_int_eq(members_ask(m, 65534), 0);
        ck_assert_int_eq(members_ask(m, 4294967290u), 0);
        ck_assert_int_eq(members_ask(m, 65534), 0);
        ck_assert_int_eq(members_ask(m, 0), 0);
        ck_assert_uint_eq(n_answers, 0);
        wait_for(ASKED);
        ck_assert(answers[0].uid == 0 && answers[0].is_member);
        ck_assert(answers[1].uid == 65534 && !answers[1].is_member);
        ck_assert(answers[2].uid == 4294967290u && !answers[2].is_member);
        m = members_free(m);
        ck_assert_int_eq(members_new(event, "no-such-group", on_answer, NULL, &m), 0);
        ck_assert_int_eq(members_ask(m, 0), 0);
        wait_for(ASKED + 1);
        ck_assert(!answers[ASKED].is_member);
        (void)members_free(m);
}

/* The loop goes on, whoever is asked about is taken for no member, and the end does not wait either. */
TEST(a_database_that_hangs)
{
        struct members *m = NULL;

        hangs = true;
        ck_assert_int_eq(members_new(event, "root", on_answer, NULL, &m), 0);
        for (uint32_t uid = 0; uid < MEMBERS_WAITING; uid++)
                ck_assert_int_eq(members_ask(m, uid), 0);
        /* Who asks again and again takes nobody's place. */
        ck_assert_int_eq(members_ask(m, 1), 0);
        ck_assert_int_eq(members_ask(m, MEMBERS_WAITING), -ENOBUFS);
        wait_for(MEMBERS_WAITING);
        ck_assert(!answers[0].is_member);
        ck_assert_int_eq(members_ask(m, 1), 0);
        (void)members_free(m);
}

Suite *test_suite(void)
{
        return suite_with("members", setup, teardown);
}
