/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subscribers that do not read, or not at once: neither the provider nor those who read wait for them. */

#include "client.h"

#define KEY "\\Test\\Key"
#define UID_DAEMON 1u
#define UID_BIN 2u
#define WINDOW 256u          /* signals that a client has not read */
#define QUESTIONS 64u        /* whether somebody reads, under way at one time */
#define ASKED_SECONDS 14u    /* two times that an answer is waited for, and more */
#define OF_A_LARGE_VALUE 36u /* subscriptions to it */
#define OF_ROOT 20u
#define LARGE (1u << 20)
#define LARGE_SENT 31u /* so many stay below 32 MiB */

static void set_times(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                set_string(world.bus, KEY, "V", textf("%u", i));
}

/* As many clients as are asked at one time never answer: one that reads is asked after all, and misses
 * nothing from then on. */
START_TEST(clients_that_do_not_answer)
{
        sd_bus *silent[QUESTIONS];
        _cleanup_ear_ struct ear ear = { 0 };

        registryd_start(NULL);
        for (unsigned i = 0; i < QUESTIONS; i++) {
                silent[i] = world_connect(i % 2 == 0 ? UID_NOBODY : UID_DAEMON);
                subscribe(silent[i], KEY, false);
        }
        set_times(WINDOW);
        _cleanup_bus_ sd_bus *reader = world_connect(UID_BIN);
        ear_on_changes(&ear, reader);
        subscribe(reader, KEY, false);
        set_times(WINDOW + 1);
        WAIT_ON(reader, ear.n == WINDOW);
        WAIT_ON(reader, ear_heard(&ear, "'overflow'"));
        set_string(world.bus, KEY, "V", "news");
        WAIT_ON(reader, ear_heard(&ear, "'news'"));
        for (unsigned i = 0; i < QUESTIONS; i++)
                sd_bus_flush_close_unref(silent[i]);
}
END_TEST

static int on_ping(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        unsigned *n = userdata;
        *n += sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Peer", "Ping") > 0;
        return 0;
}

/* The bus counts each question until it is answered, and takes so many: one that is not answered in time is
 * not asked again. */
START_TEST(asked_once)
{
        uint64_t end = deadline() - (WAIT_SECONDS - ASKED_SECONDS) * UINT64_C(1000000);
        _cleanup_ear_ struct ear ear = { 0 };
        unsigned asked = 0;

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *silent = world_connect(UID_NOBODY);
        ear_on_changes(&ear, silent);
        ck_assert_int_ge(sd_bus_add_filter(silent, NULL, on_ping, &asked), 0);
        subscribe(silent, KEY, false);
        set_times(WINDOW + 1);
        WAIT(is_past(end));
        WAIT_ON(silent, ear_heard(&ear, "'overflow'"));
        ck_assert_uint_eq(asked, 1);
}
END_TEST

/* What was sent is known to be read: a question is answered behind each answer to the provider's own. */
static void catch_up(sd_bus *reader)
{
        for (unsigned i = 0; i < 4; i++) {
                (void)registry_property(reader, "Subscriptions");
                bus_turn(reader);
        }
}

static void hear_large(sd_bus *writer, sd_bus *reader, struct ear *ear, const char *letter, unsigned missed)
{
        _cleanup_free_ char *bytes = repeat(letter, LARGE);

        set_string(writer, KEY, "V", bytes);
        WAIT_ON(reader, ear->n == OF_A_LARGE_VALUE);
        ck_assert_uint_eq(ear_count(ear, "'overflow'"), missed);
        ear_clear(ear);
        catch_up(reader);
}

/* One user's subscriptions to the same large value do not become as many copies of it at once. */
START_TEST(large_events)
{
        _cleanup_ear_ struct ear ear = { 0 }, root_ear = { 0 };

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *first = world_connect(UID_NOBODY);
        ear_on_changes(&ear, first);
        subscribe_many(first, KEY, OF_A_LARGE_VALUE);
        hear_large(world.bus, first, &ear, "a", OF_A_LARGE_VALUE - LARGE_SENT);
        hear_large(world.bus, first, &ear, "b", OF_A_LARGE_VALUE - LARGE_SENT);

        /* Another connection gives no more, and who subscribed last is told first; root's services have room
         * of their own. */
        _cleanup_bus_ sd_bus *second = world_connect(UID_NOBODY);
        ear_on_changes(&root_ear, world.bus);
        subscribe_many(second, KEY, LARGE_SENT);
        subscribe_many(world.bus, KEY, OF_ROOT);
        hear_large(world.bus, first, &ear, "c", OF_A_LARGE_VALUE);
        WAIT(root_ear.n == OF_ROOT);
        ck_assert_uint_eq(ear_count(&root_ear, "'overflow'"), 0);
}
END_TEST

/* The bus would read no more from the provider. */
START_TEST(large_events_that_nobody_reads)
{
        _cleanup_free_ char *bytes = repeat("a", LARGE);
        _cleanup_ear_ struct ear ear = { 0 };

        registryd_start(NULL);
        _cleanup_bus_ sd_bus *silent = world_connect(UID_NOBODY);
        ear_on_changes(&ear, silent);
        subscribe(silent, KEY, false);
        for (unsigned i = 0; i < 140; i++) {
                bytes[0] = i % 2 == 0 ? 'b' : 'c';
                set_string(world.bus, KEY, "V", bytes);
        }
        WAIT_ON(silent, ear_heard(&ear, "'overflow'"));
        ck_assert_uint_lt(ear.n, 40);
        set_string(world.bus, KEY, "V", "news");
        WAIT_ON(silent, ear_heard(&ear, "'news'"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { clients_that_do_not_answer, asked_once, large_events,
                large_events_that_nobody_reads };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "what who does not read may hold up was not tried");
        return harness_main(NULL, 0);
}
