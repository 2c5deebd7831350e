/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What etcd answers, one by one: which answers go together, and where the watch begins. */
#include "../../../service/fleet/fetch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/clock.h"
#include "../lib/scratch.h"
#include "../lib/suite.h"

/* What was asked last. */
struct etcd_call {
        char key[64];
        uint64_t from; /* of the watch of all; 0: a range of this key */
        etcd_fn fn;
        void *userdata;
};

static struct etcd_call asked;
static struct scratch scratch;
static struct fetch *fetch;
static int folder_fd = -1;

/* ---- the stand-ins ---- */

static bool keeps;

void etcd_keep(_unused_ struct etcd *e, bool does)
{
        keeps = does;
}

int etcd_range(_unused_ struct etcd *e, const char *key, const char *end, unsigned limit, etcd_fn fn,
        void *userdata, struct etcd_call **ret)
{
        ck_assert_ptr_null(end);
        ck_assert_uint_eq(limit, 0);
        ck_assert_ptr_null(asked.fn);
        asked = (struct etcd_call){ .fn = fn, .userdata = userdata };
        (void)snprintf(asked.key, sizeof(asked.key), "%s", key);
        ck_assert(keeps == (strcmp(key, "/peios/policy/web") == 0));
        *ret = &asked;
        return 0;
}

int etcd_watch(_unused_ struct etcd *e, _unused_ const char *const *keys, size_t n, uint64_t revision,
        etcd_fn fn, void *userdata, struct etcd_call **ret)
{
        ck_assert_uint_eq(n, 2);
        asked = (struct etcd_call){ .from = revision, .fn = fn, .userdata = userdata };
        *ret = &asked;
        return 0;
}

struct etcd_call *etcd_cancel(struct etcd_call *call)
{
        if (call)
                asked = (struct etcd_call){ 0 };
        return NULL;
}

void agent_plan(_unused_ struct agent *a)
{
}

/* ---- the world ---- */

static void setup(void)
{
        static const char *const groups[] = { "web", "all" };

        scratch_new(&scratch);
        folder_fd = open(scratch.root, O_DIRECTORY | O_CLOEXEC);
        const struct agent_config config = {
                .prefix = "/peios", .groups = groups, .n_groups = 2, .incoming_fd = folder_fd
        };
        ck_assert_int_eq(fetch_new(NULL, NULL, &config, &fetch), 0);
        fetch_work(fetch, UINT64_MAX - 1);
}

static void teardown(void)
{
        fetch = fetch_free(fetch);
        closep(&folder_fd);
        scratch_done(&scratch);
}

/* A range's answer is its only one. */
static void answer(uint64_t revision, const char *key, const char *value)
{
        const struct etcd_pair pair = {
                .key = key, .value = value, .value_len = value ? strlen(value) : 0, .mod_revision = revision
        };
        const struct etcd_answer a = {
                .status = ETCD_OK, .revision = revision, .pairs = &pair, .n_pairs = key ? 1 : 0
        };
        const struct etcd_call call = asked;

        ck_assert_ptr_nonnull(call.fn);
        if (call.from == 0)
                asked = (struct etcd_call){ 0 };
        call.fn(&a, call.userdata);
}

static void assert_file(const char *name, const char *expected)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        ck_assert(scratch_read(&scratch, name, &text));
        ck_assert_str_eq(buf_str(&text), expected);
}

static void begin_watch(void)
{
        answer(7, "/peios/policy/web", "second");
        answer(9, "/peios/policy/all", "everyone");
}

TEST(the_watch_begins_behind_the_first_answer)
{
        ck_assert_str_eq(asked.key, "/peios/policy/web");
        answer(7, "/peios/policy/web", "second");
        ck_assert_str_eq(asked.key, "/peios/policy/all");
        answer(9, "/peios/policy/all", "everyone");
        assert_file("/web.yaml", "second");
        assert_file("/all.yaml", "everyone");
        ck_assert_uint_eq(asked.from, 8);
}

/* etcd was killed in between, and a copy restored: what the first group has there was not heard. */
TEST(answers_of_two_stores_are_not_mixed)
{
        answer(7, "/peios/policy/web", "second");
        answer(2, NULL, NULL);
        ck_assert_ptr_null(asked.fn);
        ck_assert_int_eq(fetch_lane(fetch)->status, ETCD_REFUSED);
        fetch_work(fetch, fetch_due(fetch));
        answer(2, "/peios/policy/web", "first");
        answer(2, NULL, NULL);
        assert_file("/web.yaml", "first");
        ck_assert_uint_eq(asked.from, 3);
}

/* The second group's answer says how far the store was, not the first one's. */
TEST(a_watch_in_an_older_store_is_left)
{
        begin_watch();
        answer(8, NULL, NULL);
        ck_assert_ptr_null(asked.fn);
        ck_assert_int_eq(fetch_lane(fetch)->status, ETCD_REFUSED);
}

TEST(a_watch_tells_what_is_new_until_its_store_is_older)
{
        begin_watch();
        answer(9, NULL, NULL);
        answer(12, "/peios/policy/web", "third");
        assert_file("/web.yaml", "third");
        ck_assert_int_eq(fetch_lane(fetch)->status, ETCD_OK);
        answer(11, "/peios/policy/web", "fourth");
        assert_file("/web.yaml", "third");
        ck_assert_ptr_null(asked.fn);
}

/* A stream may be dead without an end. */
TEST(a_watch_that_is_silent_is_left)
{
        begin_watch();
        const uint64_t due = fetch_due(fetch);
        ck_assert_uint_le(due, clock_usec() + FETCH_SILENCE_USEC);
        ck_assert_uint_ge(due, clock_usec() + FETCH_SILENCE_USEC / 2);
        fetch_work(fetch, due - 1);
        ck_assert_uint_eq(asked.from, 8);
        fetch_work(fetch, due);
        ck_assert_uint_ne(asked.from, 8);
        ck_assert_int_ne(fetch_lane(fetch)->status, ETCD_OK);
        fetch_work(fetch, fetch_due(fetch));
        begin_watch();
        ck_assert_uint_eq(asked.from, 8);
}

Suite *test_suite(void)
{
        return suite_with("fleet-fetch", setup, teardown);
}
