/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much a client may be sent, when it is asked whether it reads, and how much of the time a user has. The
 * client is at the other end of a socket, and reads when the test says so. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "../../../schema/bus/caller.h"
#include "suite.h"

#define HALF (ACCOUNT_ROOM / 2)
#define SEC UINT64_C(1000000)

static sd_event *event;
static sd_bus *bus, *other;
static struct account *account;
static unsigned reads;

static void on_read(_unused_ struct account_client *c, bool lost, _unused_ void *userdata)
{
        ck_assert(!lost);
        reads++;
}

static void setup(void)
{
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_new(&other), 0);
        ck_assert_int_ge(sd_bus_set_fd(other, fds[1], fds[1]), 0);
        ck_assert_int_ge(sd_bus_set_server(other, true,
                                 SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 10)),
                0);
        ck_assert_int_ge(sd_bus_start(other), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL), 0);
        ck_assert_int_eq(account_new(bus, on_read, NULL, &account), 0);
        reads = 0;
}

static void teardown(void)
{
        account = account_free(account);
        sd_bus_close_unref(bus);
        sd_bus_close_unref(other);
        sd_event_unref(event);
}

/* It reads what was sent, and answers. */
static void let_read(void)
{
        for (unsigned quiet = 0; quiet < 20;) {
                int r = sd_event_run(event, 1000);
                int s = sd_bus_process(other, NULL);
                ck_assert(r >= 0 && s >= 0);
                quiet = r > 0 || s > 0 ? 0 : quiet + 1;
        }
}

static struct account_client *client_new(struct account_user *user)
{
        struct account_client *c = calloc(1, sizeof(*c));

        ck_assert_ptr_nonnull(c);
        c->name = ":1.1";
        c->user = user;
        ck_assert_int_eq(account_client_add(account, c), 0);
        return c;
}

static void client_end(struct account_client *c)
{
        account_client_remove(c);
        free(c);
}

/* The first has half of the room, the next half of what is left, and nobody nothing. */
TEST(users_share)
{
        struct account_user first = { 0 }, second = { 0 }, third = { 0 };
        struct account_client *a = client_new(&first), *b = client_new(&first), *c = client_new(&second),
                              *d = client_new(&third);

        ck_assert_uint_eq(account_room(a), HALF);
        account_sent(a, HALF);
        ck_assert_uint_eq(account_room(a), 0);
        ck_assert_uint_eq(account_room(b), 0);
        ck_assert_uint_eq(account_room(c), HALF / 2);
        account_sent(c, HALF / 2);
        ck_assert_uint_eq(account_room(c), 0);
        ck_assert_uint_eq(account_room(d), HALF / 4);
        /* What went with its client is no more. */
        client_end(a);
        ck_assert_uint_eq(account_room(b), (ACCOUNT_ROOM - HALF / 2) / 2);
        client_end(b);
        client_end(c);
        client_end(d);
        ck_assert_uint_eq(first.unread, 0);
        ck_assert_uint_eq(second.unread, 0);
}

/* Root's clients have a room of their own, which each shares with the others. */
TEST(root_apart)
{
        struct account_user root = { .is_root = true }, user = { 0 };
        struct account_client *a = client_new(&root), *b = client_new(&root), *c = client_new(&user);

        account_sent(c, HALF);
        ck_assert_uint_eq(account_room(a), ACCOUNT_ROOT_ROOM / 2);
        account_sent(a, ACCOUNT_ROOT_ROOM / 2);
        ck_assert_uint_eq(account_room(a), 0);
        ck_assert_uint_eq(account_room(b), ACCOUNT_ROOT_ROOM / 4);
        client_end(a);
        client_end(b);
        client_end(c);
}

TEST(known_later)
{
        struct account_user unknown = { 0 }, user = { 0 };
        struct account_client *a = client_new(&unknown);

        account_sent(a, 1000);
        account_client_move(a, &user);
        ck_assert_uint_eq(unknown.unread, 0);
        ck_assert_uint_eq(user.unread, 1000);
        ck_assert_uint_eq(account_room(a), (ACCOUNT_ROOM - 2000) / 2);
        client_end(a);
        ck_assert_uint_eq(user.unread, 0);
}

/* The answer says that what came before the question was read, and nothing of what came behind it. */
TEST(asked)
{
        struct account_user user = { 0 };
        struct account_client *a = client_new(&user);

        account_sent(a, ACCOUNT_ASK_BYTES - 1);
        ck_assert(!a->is_asked);
        account_sent_signal(a, 1);
        ck_assert(a->is_asked);
        account_sent_signal(a, 10);
        ck_assert_uint_eq(a->signals, 2);
        let_read();
        ck_assert(!a->is_asked);
        ck_assert_uint_eq(reads, 1);
        ck_assert_uint_eq(a->unread, 10);
        ck_assert_uint_eq(a->signals, 1);
        ck_assert_uint_eq(user.unread, 10);
        /* Asked once, however much follows. */
        account_sent(a, ACCOUNT_ASK_BYTES);
        account_sent(a, ACCOUNT_ASK_BYTES);
        ck_assert_uint_eq(user.asked, 1);
        let_read();
        ck_assert_uint_eq(a->unread, 0);
        ck_assert_uint_eq(user.asked, 0);
        client_end(a);
}

static int on_question(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        uint64_t *cookie = userdata;

        return sd_bus_message_get_cookie(m, cookie);
}

/* Nobody can answer a question that he has not read: the number of the next one does not follow from the
 * last one's, nor from that of any other message. */
TEST(unforeseen)
{
        struct account_user user = { 0 };
        struct account_client *a = client_new(&user);
        uint64_t cookies[4] = { 0 }, cookie = 0;

        ck_assert_int_ge(sd_bus_add_filter(other, NULL, on_question, &cookie), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cookies); i++) {
                account_ask(a);
                let_read();
                ck_assert(!a->is_asked);
                cookies[i] = cookie;
        }
        uint64_t near = 0;
        for (size_t i = 1; i < ARRAY_SIZE(cookies); i++)
                near += cookies[i] - cookies[i - 1] + 1000 < 2000;
        ck_assert_uint_lt(near, ARRAY_SIZE(cookies) - 1);
        client_end(a);
}

/* The bus keeps a question that is not answered: a user takes half of the places that are left. */
TEST(questions_are_shared)
{
        enum {
                N = 100
        };
        struct account_user first = { 0 }, second = { 0 };
        struct account_client *clients[2 * N];

        for (unsigned i = 0; i < 2 * N; i++) {
                clients[i] = client_new(i < N ? &first : &second);
                account_ask(clients[i]);
        }
        ck_assert_uint_gt(first.asked, 10);
        ck_assert_uint_gt(second.asked, 10);
        for (unsigned i = 0; i < 2 * N; i++)
                client_end(clients[i]);
        ck_assert_uint_eq(first.asked, 0);
}

TEST(errors_are_few)
{
        struct account_user user = { 0 };
        struct account_client *a = client_new(&user);

        account_sent(a, HALF);
        for (unsigned i = 0; i < ACCOUNT_ERRORS; i++)
                ck_assert(account_take_error(a));
        ck_assert(!account_take_error(a));
        let_read();
        ck_assert(account_take_error(a));
        client_end(a);
}

/* Full at first, filled by a tenth of the time, and never more than full. */
TEST(budgets)
{
        struct account_budget b = account_budget_new(SEC);

        ck_assert_int_eq(account_budget_left(&b, SEC), ACCOUNT_BUDGET_MOST_USEC);
        ck_assert_int_eq(account_budget_left(&b, 9 * SEC), ACCOUNT_BUDGET_MOST_USEC);
        account_budget_take(&b, ACCOUNT_BUDGET_MOST_USEC + 5000, 10 * SEC);
        ck_assert_int_eq(account_budget_left(&b, 10 * SEC), -5000);
        ck_assert_int_eq(account_budget_left(&b, 10 * SEC + 50000), 0);
        /* Less than a microsecond's share is not lost, however often it is looked at. */
        for (uint64_t t = 1; t <= 1000; t++)
                (void)account_budget_left(&b, 10 * SEC + 50000 + t);
        ck_assert_int_eq(b.left, 100);
        ck_assert_int_eq(account_budget_left(&b, 20 * SEC), ACCOUNT_BUDGET_MOST_USEC);
        /* A clock that went back gives nothing. */
        account_budget_take(&b, 1000, 20 * SEC);
        ck_assert_int_eq(account_budget_left(&b, 19 * SEC), ACCOUNT_BUDGET_MOST_USEC - 1000);
        /* Debt has an end. */
        account_budget_take(&b, UINT64_MAX, 20 * SEC);
        ck_assert_int_eq(b.left, -ACCOUNT_BUDGET_DEBT_USEC);
        account_budget_take(&b, UINT64_MAX, 20 * SEC);
        ck_assert_int_eq(b.left, -ACCOUNT_BUDGET_DEBT_USEC);
}

/* ---- How large messages are taken for ---- */

#define MOST ((struct account_size){ .values = SIZE_MAX, .bytes = SIZE_MAX })

static sd_bus_message *new_message(void)
{
        sd_bus_message *m = NULL;
        ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, "a.b", "/", "a.b", "C"), 0);
        return m;
}

static void seal(sd_bus_message *m)
{
        ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
}

static void measures(sd_bus_message *m, size_t values, size_t at_least)
{
        const struct account_size exact = { .values = values, .bytes = SIZE_MAX },
                                  fewer = { .values = values - 1, .bytes = SIZE_MAX };
        struct account_size found;

        seal(m);
        ck_assert_int_eq(account_measure(m, &MOST, &found), 1);
        ck_assert_uint_eq(found.values, values);
        ck_assert_uint_ge(found.bytes, at_least);
        ck_assert_int_eq(account_measure(m, &exact, &found), 1);
        if (values > 0)
                ck_assert_int_eq(account_measure(m, &fewer, &found), 0);
        const struct account_size bytes = { .values = SIZE_MAX, .bytes = found.bytes - 1 };
        if (found.bytes > 0)
                ck_assert_int_eq(account_measure(m, &bytes, &found), 0);
        /* It is read from its beginning then. */
        ck_assert_int_eq(sd_bus_message_at_end(m, false), values == 0);
        sd_bus_message_unref(m);
}

TEST(how_large_messages_are)
{
        const uint8_t bytes[1000] = { 0 };
        sd_bus_message *m = new_message();

        measures(m, 0, 0);
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append(m, "sub", "text", 1u, 1), 0);
        measures(m, 3, 4 + 8 + 8);
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append_array(m, 'y', bytes, sizeof(bytes)), 0);
        measures(m, 1, sizeof(bytes));
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append(m, "a(sssuv)a{sv}", 2, "set", "\\K", "A", 1u, "s", "x", "set",
                                 "\\K", "B", 7u, "as", 2, "x", "y", 1, "layer", "s", "l"),
                0);
        measures(m, 5 + 6 + 2, 13 * 8);
        /* Nothing is in them, and going through them takes time. */
        m = new_message();
        ck_assert_int_ge(sd_bus_message_append(m, "aas", 3, 0, 0, 0), 0);
        measures(m, 3, 3 * 8);
        m = new_message();
        ck_assert_int_ge(
                sd_bus_message_append(m, "vab", "(tav)", UINT64_C(1), 2, "s", "a", "u", 1u, 2, 0, 1), 0);
        measures(m, 3 + 2, 5 * 8);
}

TEST(how_large_answers_are)
{
        sd_bus_message *m = new_message();
        size_t n = 0;

        ck_assert_int_ge(sd_bus_message_append(m, "s", "some text"), 0);
        ck_assert_int_eq(account_measure_answer(m, &n), 0);
        ck_assert_uint_ge(n, strlen("some text"));
        sd_bus_message_unref(m);
}

Suite *test_suite(void)
{
        return suite_with("account", setup, teardown);
}
