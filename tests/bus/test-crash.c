/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kill -9 of the provider during a stream of sets, many times: what was answered is there afterwards. */
#include <signal.h>
#include <stdio.h>

#include "client.h"

#define ROUNDS 200u
#define NAMES 4u
#define IN_FLIGHT 60u
#define KEY "\\Test\\Key"

/* For each name the number that was answered last, and the last that was sent. */
static struct {
        unsigned answered, sent;
        uint64_t sequence;
} names[NAMES];

struct set {
        unsigned name, number;
};
static struct set sets[IN_FLIGHT];
static unsigned open_sets, answers, unanswered;

static int on_set(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const struct set *set = userdata;
        uint64_t sequence;

        open_sets--;
        if (sd_bus_message_read(m, "t", &sequence) < 0) {
                unanswered++;
                return 0;
        }
        answers++;
        ck_assert_uint_gt(set->number, names[set->name].answered);
        ck_assert_uint_gt(sequence, names[set->name].sequence);
        names[set->name].answered = set->number;
        names[set->name].sequence = sequence;
        return 0;
}

static void send_sets(void)
{
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
                char name[8], text[16];
                sets[i] = (struct set){ .name = i % NAMES, .number = ++names[i % NAMES].sent };
                (void)snprintf(name, sizeof(name), "V%u", sets[i].name);
                (void)snprintf(text, sizeof(text), "%u", sets[i].number);
                ck_assert_int_ge(sd_bus_call_method_async(world.bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                         REGISTRY_INTERFACE, "Set", on_set, &sets[i], "ssuva{sv}", KEY, name,
                                         (uint32_t)REG_SZ, "s", text, 0),
                        0);
                open_sets++;
        }
}

/* What is there is what was answered last, or one that was sent after it and got no answer. */
static void check(void)
{
        for (unsigned i = 0; i < NAMES; i++) {
                char name[8];
                unsigned number = 0;
                (void)snprintf(name, sizeof(name), "V%u", i);
                const char *text = get_text(world.bus, KEY, name);
                ck_assert_msg(sscanf(text, "%u base", &number) == 1 || names[i].answered == 0, "%s: %s",
                        name, text);
                ck_assert_msg(number >= names[i].answered && number <= names[i].sent,
                        "%s is %u, answered was %u, sent was %u", name, number, names[i].answered,
                        names[i].sent);
                names[i].answered = number;
        }
        ck_assert_str_eq(registry_property(world.bus, "Problems"), "[]");
}

START_TEST(kill_during_sets)
{
        unsigned in_the_middle = 0;

        registryd_start(NULL);
        for (unsigned round = 0; round < ROUNDS; round++) {
                unsigned before = answers;
                send_sets();
                /* Another moment each time: from before the first answer to after the last. */
                WAIT(answers - before >= round % (IN_FLIGHT + 1));
                daemon_signal(&world.registryd, SIGKILL);
                in_the_middle += open_sets > 0;
                WAIT(open_sets == 0);
                ck_assert_int_eq(daemon_end(&world.registryd), 128 + SIGKILL);
                registryd_start(NULL);
                check();
        }
        ck_assert_uint_gt(in_the_middle, ROUNDS / 4);
        (void)printf("%u rounds, %u of them in the middle; %u sets were answered, %u were not\n", ROUNDS,
                in_the_middle, answers, unanswered);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { kill_during_sets };
        return harness_main(tests, ARRAY_SIZE(tests));
}
