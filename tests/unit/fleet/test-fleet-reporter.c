/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a machine reports, and how long its lease is. Etcd is a stand-in, which is asked one thing at a time.
 */
#include "../../../service/fleet/reporter.h"

#include <stdio.h>
#include <string.h>

#include "../../../schema/base/clock.h"
#include "../../../service/fleet/agent.h"
#include "../lib/suite.h"

#define PERIOD_USEC UINT64_C(20000000)

/* What was asked last. */
struct etcd_call {
        const char *what; /* NULL: nothing, or it was answered */
        char key[64];
        uint64_t lease, ttl;
        etcd_fn fn;
        void *userdata;
};

static struct etcd_call asked;
static struct reporter *reporter;

/* ---- the stand-ins ---- */

static bool keeps;

void etcd_keep(_unused_ struct etcd *e, bool does)
{
        keeps = does;
}

/* All but the verdict have another call behind them. */
static int ask(const struct etcd_call *call, struct etcd_call **ret)
{
        ck_assert_ptr_null(asked.what);
        ck_assert(keeps == !strstr(call->key, "/verdict"));
        asked = *call;
        *ret = &asked;
        return 0;
}

int etcd_put(_unused_ struct etcd *e, const char *key, _unused_ const void *value, _unused_ size_t n,
        uint64_t lease, etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        struct etcd_call call = { .what = "put", .lease = lease, .fn = fn, .userdata = userdata };

        (void)snprintf(call.key, sizeof(call.key), "%s", key);
        return ask(&call, ret);
}

int etcd_lease_grant(
        _unused_ struct etcd *e, uint64_t ttl, etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        return ask(&(struct etcd_call){ .what = "grant", .ttl = ttl, .fn = fn, .userdata = userdata }, ret);
}

int etcd_lease_keepalive(
        _unused_ struct etcd *e, uint64_t lease, etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        return ask(
                &(struct etcd_call){ .what = "keep", .lease = lease, .fn = fn, .userdata = userdata }, ret);
}

struct etcd_call *etcd_cancel(_unused_ struct etcd_call *call)
{
        asked = (struct etcd_call){ 0 };
        return NULL;
}

void agent_plan(_unused_ struct agent *a)
{
}

const char *standing_text(_unused_ const struct standing *s)
{
        return "";
}

/* ---- the world ---- */

static void setup(void)
{
        const struct agent_config config = {
                .machine = "m", .prefix = "/peios", .report_usec = PERIOD_USEC
        };

        asked = (struct etcd_call){ 0 };
        ck_assert_int_eq(reporter_new(NULL, NULL, &config, &reporter), 0);
        reporter_work(reporter, reporter_due(reporter));
}

static void teardown(void)
{
        reporter = reporter_free(reporter);
}

static void answer(enum etcd_status status, uint64_t lease, uint64_t ttl)
{
        const struct etcd_answer a = { .status = status, .text = "", .lease = lease, .ttl = ttl };
        const struct etcd_call call = asked;

        ck_assert_ptr_nonnull(call.what);
        asked = (struct etcd_call){ 0 };
        call.fn(&a, call.userdata);
}

static void assert_asked(const char *what, const char *key, uint64_t lease)
{
        ck_assert_str_eq(asked.what, what);
        ck_assert_str_eq(asked.key, key);
        ck_assert_uint_eq(asked.lease, lease);
}

static void begin_reports(void)
{
        assert_asked("grant", "", 0);
        answer(ETCD_OK, 5, 60);
        assert_asked("put", "/peios/machines/m/alive", 5);
        answer(ETCD_OK, 0, 0);
        assert_asked("put", "/peios/machines/m/verdict", 0);
        answer(ETCD_OK, 0, 0);
        ck_assert_ptr_null(asked.what);
}

TEST(the_lease_is_three_periods)
{
        ck_assert_uint_eq(asked.ttl, 3 * PERIOD_USEC / 1000000);
        begin_reports();
}

TEST(the_lease_is_kept_and_taken_anew)
{
        begin_reports();
        const uint64_t due = reporter_due(reporter);
        ck_assert_uint_ge(due, clock_usec() + PERIOD_USEC - 5000000);
        reporter_work(reporter, due);
        assert_asked("keep", "", 5);
        answer(ETCD_OK, 5, 60);
        assert_asked("put", "/peios/machines/m/verdict", 0);
        answer(ETCD_OK, 0, 0);
        /* It is gone. */
        reporter_work(reporter, reporter_due(reporter));
        assert_asked("keep", "", 5);
        answer(ETCD_OK, 5, 0);
        begin_reports();
        /* And may be, with its key, after a failure. */
        reporter_work(reporter, reporter_due(reporter));
        answer(ETCD_DOWN, 0, 0);
        ck_assert_ptr_null(asked.what);
        reporter_work(reporter, reporter_due(reporter));
        begin_reports();
}

TEST(one_report_a_second)
{
        begin_reports();
        const uint64_t sent = reporter_due(reporter) - PERIOD_USEC;
        reporter_changed(reporter);
        ck_assert_uint_eq(reporter_due(reporter), sent + REPORTER_LEAST_USEC);
        reporter_work(reporter, sent + REPORTER_LEAST_USEC - 1);
        ck_assert_ptr_null(asked.what);
        reporter_work(reporter, sent + REPORTER_LEAST_USEC);
        assert_asked("put", "/peios/machines/m/verdict", 0);
        answer(ETCD_OK, 0, 0);
        ck_assert_uint_ge(reporter_due(reporter), sent + PERIOD_USEC);
}

Suite *test_suite(void)
{
        return suite_with("fleet-reporter", setup, teardown);
}
