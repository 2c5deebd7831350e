/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is too large, for the registry, for the bus, for the disk: refused, and nothing is lost by it. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client.h"

#define KEY "\\Test\\Key"
#define SZ ((uint32_t)REG_SZ)

static void set_bytes(size_t n, const char *error, const char *text)
{
        _cleanup_free_ char *bytes = repeat("x", n);

        if (error)
                refused(world.bus, error, text, "Set", "ssuva{sv}", KEY, "V", SZ, "s", bytes, 0);
        else
                set_string(world.bus, KEY, "V", bytes);
}

START_TEST(sizes)
{
        registryd_start(NULL);
        set_bytes(1u << 20, NULL, NULL);
        set_bytes((1u << 20) + 1, ERROR_TOO_LARGE,
                "Machine\\Test\\Key: value 'V' has 1048577 bytes, at most 1048576 are kept");
}
END_TEST

START_TEST(smaller_sizes)
{
        registryd_start("--value-max=4096");
        set_bytes(4097, ERROR_TOO_LARGE, "at most 4096 are kept");
        set_bytes(4096, NULL, NULL);
}
END_TEST

START_TEST(large_transactions)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        registryd_start(NULL);
        _cleanup_message_ sd_bus_message *m = transact_begin(world.bus);
        for (unsigned i = 0; i <= 250000; i++)
                ck_assert_int_ge(sd_bus_message_append(m, "(sssuv)", "set", "\\T", "V", SZ, "s", "x"), 0);
        ck_assert_int_lt(transact_call(world.bus, m, &error, NULL), 0);
        ck_assert_str_eq(error.name, ERROR_TOO_LARGE);
        ck_assert_str_eq(error.message, "more than 250000 changes in one transaction");
        sd_bus_error_free(&error);
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", "\\T");
}
END_TEST

START_TEST(full_disk)
{
        struct rlimit old, full;

        registryd_start(NULL);
        set_string(world.bus, KEY, "V", "kept");
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, NULL, &old), 0);
        full = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &full, NULL), 0);
        refused(world.bus, ERROR_STORAGE, LAYOUT_STATE, "Set", "ssuva{sv}", KEY, "V", SZ, "s", "lost", 0);
        refused(world.bus, ERROR_STORAGE, LAYOUT_STATE, "CreateKey", "sa{sv}", "\\Lost", 0);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "kept base");
        refused(world.bus, ERROR_NOT_FOUND, "no such key", "Info", "s", "\\Lost");
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &old, NULL), 0);
        set_string(world.bus, KEY, "W", "after");
        daemon_kill(&world.registryd);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "kept base");
        ck_assert_str_eq(get_text(world.bus, KEY, "W"), "after base");
}
END_TEST

struct answers {
        unsigned n;
        char names[2][64];
};

static int on_answer(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct answers *answers = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        (void)snprintf(answers->names[answers->n++], sizeof(answers->names[0]), "%s", e ? e->name : "");
        return 0;
}

/* The second call is refused for what the first has changed, and that is not stored. */
START_TEST(what_is_not_stored_refuses_nothing)
{
        struct answers answers = { 0 };
        struct rlimit old;

        registryd_start(NULL);
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, NULL, &old), 0);
        ck_assert_int_eq(kill(world.registryd.pid, SIGSTOP), 0);
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE,
                                 &(struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max }, NULL),
                0);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_ge(
                        sd_bus_call_method_async(world.bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                REGISTRY_INTERFACE, "CreateKey", on_answer, &answers, "sa{sv}", "\\Lost", 0),
                        0);
        ck_assert_int_ge(sd_bus_flush(world.bus), 0);
        (void)usleep(100000);
        ck_assert_int_eq(kill(world.registryd.pid, SIGCONT), 0);
        WAIT_ON(world.bus, answers.n == 2);
        ck_assert_str_eq(answers.names[0], ERROR_STORAGE);
        ck_assert_str_eq(answers.names[1], ERROR_STORAGE);
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, &old, NULL), 0);
        succeeds(world.bus, "CreateKey", "sa{sv}", "\\Lost", 0);
}
END_TEST

/* dbus-daemon drops a connection that sends more than 32 MiB at once: whoever can make the provider do so
 * ends it. */
START_TEST(large_answers)
{
        _cleanup_free_ char *megabyte = repeat("x", 1u << 20);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        registryd_start(NULL);
        _cleanup_ear_ struct ear ear = { 0 };
        ear_on_changes(&ear, world.bus);
        for (unsigned i = 0; i < 40; i++) {
                char name[16];
                (void)snprintf(name, sizeof(name), "V%u", i);
                set_string(world.bus, KEY, name, megabyte);
        }
        refused(world.bus, ERROR_TOO_LARGE, "at most", "List", "s", KEY);
        ck_assert_int_ge(sd_bus_message_new_method_call(world.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, "GetMany"),
                0);
        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(ss)"), 0);
        for (unsigned i = 0; i < 40; i++)
                ck_assert_int_ge(sd_bus_message_append(m, "(ss)", KEY, "V1"), 0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_lt(sd_bus_call(world.bus, m, 0, &error, &reply), 0);
        ck_assert_str_eq(error.name, ERROR_TOO_LARGE);
        sd_bus_error_free(&error);
        ck_assert_int_lt(sd_bus_get_property(world.bus, REGISTRY_BUS_NAME, REGISTRY_PATH "/Machine/Test/Key",
                                 REGISTRY_KEY_INTERFACE, "Values", &error, &reply, "a{s(uv)}"),
                0);
        ck_assert_str_eq(error.name, ERROR_TOO_LARGE);
        sd_bus_error_free(&error);
        /* What goes in one call's deletion comes out in one signal, without data; a layer's coming back is
         * too much. */
        subscribe(world.bus, "\\Test", true);
        set_number(world.bus, "\\System\\Registry\\Layers\\top", "Precedence", 5);
        for (unsigned i = 0; i < 40; i++)
                set_in_layer(world.bus, "top", KEY, textf("V%u", i), "small");
        WAIT(ear.n == 40);
        refused(world.bus, ERROR_TOO_LARGE, "at most", "Preview", "a(sssuv)a{sv}", 1, "set",
                "\\System\\Registry\\Layers\\top", "Enabled", (uint32_t)REG_DWORD, "u", 0u, 0);
        ear_clear(&ear);
        set_number(world.bus, "\\System\\Registry\\Layers\\top", "Enabled", 0);
        WAIT(ear.n > 0);
        ck_assert_str_eq(ear.heard[0], "[('overflow' 'Machine\\Test' '' 0 ay:[] '' 0 '')]");
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { sizes, smaller_sizes, large_transactions, full_disk,
                what_is_not_stored_refuses_nothing };
        const TTest *const privileged[] = { large_answers };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "how much fits into a message");
        return harness_main(tests, ARRAY_SIZE(tests));
}
