/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lossy-kernel.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../../schema/base/clock.h"
#include "textf.h"

struct fake_kernel fake;

void lock(void)
{
        (void)pthread_mutex_lock(&fake.lock);
}

void unlock(void)
{
        (void)pthread_cond_broadcast(&fake.changed);
        (void)pthread_mutex_unlock(&fake.lock);
}

void lock_when_it_hangs(void)
{
        lock();
        while (!fake.blocking)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
}

static int fake_open(void *ctx _unused_)
{
        lock();
        fake.opens++;
        unlock();
        return 1000;
}

static void fake_close(void *ctx _unused_, int fd)
{
        ck_assert_int_eq(fd, 1000);
        lock();
        fake.closes++;
        unlock();
}

static void add(char *log, const char *before, const char *text)
{
        size_t n = strlen(log);
        (void)snprintf(log + n, LOG_MAX - n, "%s%s ", before, text);
}

static int fake_send(
        void *ctx _unused_, int fd _unused_, const char *text, bool success, char *reason, size_t size)
{
        ck_assert(success == (strcmp(text, "2") != 0));
        lock();
        fake.sends++;
        int r = fake.answer;
        if (r > 0)
                add(fake.log, "", text);
        else
                (void)snprintf(reason, size, "refused by the test");
        if (r > 0 && fake.loses)
                fake.loses_later++;
        fake.asked_at_once = r > 0;
        unlock();
        return r;
}

static const char *last_word(const char *log)
{
        size_t n = strlen(log);

        while (n > 1 && log[n - 2] != ' ')
                n--;
        return n > 0 ? log + n - 1 : log;
}

static void hang_while(const bool *on)
{
        while (*on) {
                fake.blocking = true;
                (void)pthread_cond_broadcast(&fake.changed);
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        }
}

static void look(void)
{
        fake.looks++;
        hang_while(&fake.block);
        fake.lost += fake.loses_later;
        fake.loses_later = 0;
}

static int fake_status(void *ctx _unused_, int fd, struct sender_kernel *ret)
{
        ck_assert_int_eq(fd, 1000);
        lock();
        const bool enabled = !fake.disabled;
        int r = fake.asked_at_once && fake.fails_at_once ? fake.fails_at_once : fake.status_answer;
        if (fake.asked_at_once) {
                /* Whoever kills the sender now finds that the record was taken. */
                ck_assert(fake.tight || strcmp(last_word(fake.handed_over) + 1, last_word(fake.log)) == 0);
                hang_while(&fake.block_at_once);
        } else {
                look();
        }
        /* One that failed is asked again, by a connection that is opened anew. */
        fake.asked_at_once = fake.asked_at_once && r < 0;
        if (r == 0)
                *ret = (struct sender_kernel){ .enabled = enabled,
                        .fetched = !fake.nobody_fetches,
                        .tight = fake.tight,
                        .lost = fake.lost };
        unlock();
        return r;
}

static struct sender_backend backend;
struct sender *sender;
unsigned n_outcomes, n_kept;
char outcomes[LOG_MAX];

static void on_outcome(uint64_t cookie, enum sender_outcome outcome, void *userdata _unused_)
{
        add(outcomes, "",
                textf("%u%c", (unsigned)cookie,
                        outcome == SENDER_SENT   ? 's'
                        : outcome == SENDER_KEPT ? 'k'
                                                 : 'l'));
        n_outcomes++;
        n_kept += outcome == SENDER_KEPT;
}

static void on_handed_over(const struct sender_record *r, bool sent, void *userdata _unused_)
{
        ck_assert_str_eq(r->text, textf("%u", (unsigned)r->cookie));
        ck_assert(r->success == (r->cookie != 2));
        lock();
        add(fake.handed_over, sent ? "+" : "-", r->text);
        unlock();
}

void start(unsigned retry_ms, unsigned settle_ms)
{
        (void)memset(&fake, 0, sizeof(fake));
        (void)pthread_mutex_init(&fake.lock, NULL);
        (void)pthread_cond_init(&fake.changed, NULL);
        fake.answer = 1;
        fake.lost = 7;
        n_outcomes = n_kept = 0;
        outcomes[0] = '\0';
        backend = (struct sender_backend){
                .open = fake_open,
                .send = fake_send,
                .close = fake_close,
                .status = fake_status,
                .settle_ms = settle_ms,
        };
        ck_assert_int_eq(sender_new(&backend, retry_ms, on_handed_over, on_outcome, NULL, &sender), 0);
}

void stop(void)
{
        sender = sender_stop(sender, PATIENCE_MS);
        ck_assert_uint_eq(fake.opens, fake.closes);
}

static int64_t now(void)
{
        return (int64_t)clock_of(CLOCK_BOOTTIME);
}

void submit(unsigned first, unsigned last)
{
        for (unsigned i = first; i <= last; i++) {
                char text[32];
                (void)snprintf(text, sizeof(text), "%u", i);
                const struct sender_record r = {
                        .cookie = i, .success = i != 2, .since = now(), .text = text
                };
                ck_assert_int_eq(sender_submit(sender, &r, false), 0);
        }
}

void dispatch_one(int timeout_ms)
{
        struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };
        ck_assert_msg(poll(&p, 1, timeout_ms) == 1, "only: %s", outcomes);
        sender_dispatch(sender);
}

void wait_outcomes(const char *want)
{
        while (strlen(outcomes) < strlen(want))
                dispatch_one(PATIENCE_MS);
        ck_assert_str_eq(outcomes, want);
}

void wait_n_outcomes(unsigned n)
{
        while (n_outcomes < n)
                dispatch_one(PATIENCE_MS);
        ck_assert_uint_eq(n_outcomes, n);
}

void set_loses(bool on)
{
        lock();
        fake.loses = on;
        unlock();
}

void lose(void)
{
        lock();
        fake.lost++;
        unlock();
}

void wait_looks(unsigned n)
{
        lock();
        while (fake.looks < n)
                (void)pthread_cond_wait(&fake.changed, &fake.lock);
        unlock();
}

void check_quiet(unsigned looks, unsigned sends)
{
        struct pollfd p = { .fd = sender_fd(sender), .events = POLLIN };

        /* It may be woken once more for what it has heard already. */
        if (poll(&p, 1, 150) == 1)
                sender_dispatch(sender);
        ck_assert_int_eq(poll(&p, 1, 150), 0);
        lock();
        ck_assert_uint_eq(fake.looks, looks);
        ck_assert_uint_eq(fake.sends, sends);
        unlock();
}

void check_log(const char *want, const char *handed_over)
{
        lock();
        ck_assert_str_eq(fake.log, want);
        ck_assert_str_eq(fake.handed_over, handed_over);
        unlock();
}

void check_status(uint64_t sent, uint64_t kept, bool in_doubt, const char *problem)
{
        struct sender_status st = sender_status(sender);

        ck_assert_uint_eq(st.sent, sent);
        ck_assert_uint_eq(st.kept, kept);
        ck_assert_uint_eq(st.lost, 0);
        ck_assert_int_eq(st.in_doubt, in_doubt);
        ck_assert_str_eq(st.problem, problem);
}
