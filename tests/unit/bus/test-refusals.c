/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which refused calls are recorded, and when. Time passes when the test says so. */
#include <string.h>
#include <unistd.h>

#include "../../../schema/base/buf.h"
#include "../../../schema/base/clock.h"
#include "../../../schema/bus/refusals.h"
#include "suite.h"

#define DAY_WINDOWS (24u * 60u)
/* The longest record of this kind that is sent, without its header. */
#define RECORD_BYTES 1200u
#define DAY_BYTES_MAX (2u * 1024u * 1024u)

static struct {
        sd_event_time_handler_t fn;
        void *userdata;
        bool runs;
} timer;

/* What was recorded: `uid path count detail users`, a line each. */
static struct buf records;
static size_t n_records;
static uint64_t noted_when; /* the last one */

int __wrap_loop_timer_new(sd_event *event, uint64_t accuracy, sd_event_time_handler_t fn, void *userdata,
        sd_event_source **ret);
int __wrap_loop_timer_start(sd_event_source *source, uint64_t usec);
bool __wrap_loop_timer_runs(sd_event_source *source);

int __wrap_loop_timer_new(_unused_ sd_event *event, _unused_ uint64_t accuracy, sd_event_time_handler_t fn,
        void *userdata, sd_event_source **ret)
{
        timer.fn = fn;
        timer.userdata = userdata;
        timer.runs = false;
        *ret = NULL;
        return 0;
}

int __wrap_loop_timer_start(_unused_ sd_event_source *source, uint64_t usec)
{
        ck_assert_uint_eq(usec, REFUSAL_WINDOW_USEC);
        timer.runs = true;
        return 0;
}

bool __wrap_loop_timer_runs(_unused_ sd_event_source *source)
{
        return timer.runs;
}

static void pass(unsigned windows)
{
        while (windows-- > 0 && timer.runs) {
                timer.runs = false;
                ck_assert_int_ge(timer.fn(NULL, 0, timer.userdata), 0);
        }
}

static void on_record(const struct refusals_record *t, _unused_ void *userdata)
{
        n_records++;
        noted_when = t->when;
        buf_printf(&records, "%u %s %llu %s %s\n", t->actor->uid, t->path, (unsigned long long)t->count,
                t->why, t->users ? t->users : "-");
}

static struct refusals *begin(void)
{
        struct refusals *r;

        ck_assert_int_eq(refusals_new(NULL, on_record, NULL, &r), 0);
        return r;
}

static void forget(void)
{
        buf_done(&records);
        records = (struct buf)BUF_INIT;
        n_records = 0;
}

static bool was_told(const char *line)
{
        return strstr(buf_str(&records), line) != NULL;
}

static void refuse(struct refusals *r, uint32_t uid, const char *path)
{
        struct actor actor = ACTOR_UNKNOWN;

        actor.uid = uid;
        refusals_note(r, &actor, path, "base", "no");
}

static void refuse_many(struct refusals *r, uint32_t uid, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                refuse(r, uid, textf("\\Junk%u", i));
}

TEST(the_same_again)
{
        struct refusals *r = begin();
        uint64_t before = clock_of(CLOCK_REALTIME);

        for (unsigned i = 0; i < 21; i++)
                refuse(r, 1000, "\\A");
        refuse(r, 1000, "\\B");
        refuse(r, 1000, "\\B");
        uint64_t behind = clock_of(CLOCK_REALTIME);
        (void)usleep(1000);
        ck_assert_str_eq(buf_str(&records), "1000 \\A 0 no -\n1000 \\B 0 no -\n");
        forget();
        pass(1);
        ck_assert_str_eq(buf_str(&records), "1000 \\A 20 the same again, 20 times -\n"
                                            "1000 \\B 1 the same again, 1 time -\n");
        /* The newest of them was then, not when they were counted. */
        ck_assert_uint_ge(noted_when, before);
        ck_assert_uint_le(noted_when, behind);
        (void)refusals_free(r);
        ck_assert_uint_eq(n_records, 2);
        forget();
}

/* Whatever one user does: another one's is records at once, with what it was. */
TEST(nobody_hides_another)
{
        struct refusals *r = begin();

        refuse_many(r, 1000, 10000);
        ck_assert_uint_eq(n_records, REFUSALS_PER_USER);
        refuse(r, 1001, "\\Wanted");
        ck_assert(was_told("1001 \\Wanted 0 no -\n"));
        forget();
        (void)refusals_free(r);
        ck_assert_str_eq(buf_str(&records),
                "1000 \\Junk9999 9984 of many kinds, of which this is the newest, 9984 times -\n");
        forget();
}

/* More users than there are places for: each is named. */
TEST(a_crowd)
{
        struct refusals *r = begin();

        for (uint32_t uid = 100000; uid < 100000 + REFUSAL_USERS_MAX + 200; uid++)
                refuse(r, uid, "\\Junk");
        refuse(r, 1000, "\\Wanted");
        refuse(r, UINT32_MAX, "\\Junk");
        refuse(r, 1000, "\\Wanted");
        ck_assert_uint_eq(n_records, REFUSAL_USERS_MAX);
        forget();
        pass(1);
        ck_assert_str_eq(buf_str(&records),
                "1000 \\Wanted 203 of many users, of which this is the newest, 203 times "
                "1000,100256-100455,4294967295\n");
        forget();
        /* All were silent since: there are places again. */
        refuse(r, 1000, "\\Wanted");
        ck_assert_str_eq(buf_str(&records), "1000 \\Wanted 0 no -\n");
        (void)refusals_free(r);
        forget();
}

/* As many ranges as fit: those that lie closest together are one, and nobody is in none. */
TEST(scattered_users)
{
        static const uint32_t uids[] = { 70, 10, 40, 41, 43, 20, 30, 50, 60, 71, 1000, 500, 42 };
        struct refusals *r = begin();

        for (uint32_t uid = 0; uid < REFUSAL_USERS_MAX; uid++)
                refuse(r, 200000 + uid, "\\Junk");
        for (size_t i = 0; i < ARRAY_SIZE(uids); i++)
                refuse(r, uids[i], "\\Wanted");
        forget();
        (void)refusals_free(r);
        ck_assert_msg(was_told(" 10,20,30,40-50,60,70-71,500,1000\n"), "%s", buf_str(&records));
        forget();
}

/* One who goes on for a day costs little; whoever stops is records of at once again, later. */
TEST(windows_grow_and_shrink)
{
        struct refusals *r = begin();

        for (unsigned i = 0; i < DAY_WINDOWS; i++) {
                refuse_many(r, 1000, 200);
                pass(1);
        }
        /* 1 + 2 + 4 + … + 32, then 22 times 60; what the last one begins with is what the first one lacks.
         */
        ck_assert_uint_eq(n_records, (6 + 22) * (2 * REFUSALS_PER_USER + 1));
        ck_assert_uint_lt(n_records * RECORD_BYTES, DAY_BYTES_MAX);
        forget();
        /* The window in which it stopped, and 60, 30, 15, 7, 3, 1 of silence. */
        pass(60 + 60 + 30 + 15 + 7 + 3 + 1);
        ck_assert(!timer.runs);
        forget();
        refuse(r, 1000, "\\Junk1");
        ck_assert_str_eq(buf_str(&records), "1000 \\Junk1 0 no -\n");
        (void)refusals_free(r);
        forget();
}

Suite *test_suite(void)
{
        return suite_of("refusals");
}
