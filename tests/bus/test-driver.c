/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The test is the bus: whoever it does not tell of, or tells of late, keeps nobody else waiting. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "client.h"

#define DRIVER "org.freedesktop.DBus"
#define KEY "\\Test\\Key"
#define SZ ((uint32_t)REG_SZ)
#define ROOT ":1.10"
#define LATE ":1.20"
#define NEVER ":1.30"
#define HELD 128u
#define TOO_MANY 10u
#define PREVIEWS 30u
#define PREVIEWED 64u
#define FIRST 25u /* by then root is answered */
#define ANSWERS_MAX 1024u

struct answer {
        uint64_t cookie; /* of the call */
        bool is_error;
        char text[64]; /* the error's name, or the value of a Get */
};

/* The only connection is the daemon's. */
static struct {
        sd_bus *bus;
        bool is_ready; /* it has its name */
        sd_bus_message *late;
        struct answer answers[ANSWERS_MAX];
        size_t n;
} driver;

static int tell(sd_bus_message *m, uint32_t uid)
{
        return sd_bus_reply_method_return(
                m, "a{sv}", 2, "UnixUserID", "u", uid, "ProcessID", "u", (uint32_t)getpid());
}

static int answer_credentials(sd_bus_message *m)
{
        const char *name;

        ck_assert_int_ge(sd_bus_message_read(m, "s", &name), 0);
        if (strcmp(name, ROOT) == 0)
                return tell(m, 0);
        if (strcmp(name, LATE) == 0)
                driver.late = sd_bus_message_ref(m);
        return 1;
}

static void note_answer(sd_bus_message *m, uint64_t cookie)
{
        struct answer a = { .cookie = cookie, .is_error = sd_bus_message_is_method_error(m, NULL) > 0 };
        const char *text = NULL;

        if (a.is_error)
                text = sd_bus_message_get_error(m)->name;
        else if (sd_bus_message_has_signature(m, "uvts") > 0)
                ck_assert(sd_bus_message_skip(m, "u") >= 0 && sd_bus_message_read(m, "v", "s", &text) >= 0);
        (void)snprintf(a.text, sizeof(a.text), "%s", text ? text : "");
        ck_assert_uint_lt(driver.n, ANSWERS_MAX);
        driver.answers[driver.n++] = a;
}

static int on_message(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        uint64_t cookie;

        if (sd_bus_message_get_reply_cookie(m, &cookie) >= 0) {
                note_answer(m, cookie);
                return 1;
        }
        if (sd_bus_message_is_method_call(m, DRIVER, "Hello"))
                return sd_bus_reply_method_return(m, "s", ":1.1");
        if (sd_bus_message_is_method_call(m, DRIVER, "GetConnectionCredentials"))
                return answer_credentials(m);
        if (sd_bus_message_is_method_call(m, DRIVER, "RequestName")) {
                driver.is_ready = true;
                return sd_bus_reply_method_return(m, "u", 1u);
        }
        return sd_bus_message_is_method_call(m, DRIVER, NULL) ? sd_bus_reply_method_return(m, NULL) : 0;
}

static void driver_start(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_free_ char *text = NULL;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        memset(&driver, 0, sizeof(driver));
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/driver", world.dir);
        ck_assert(asprintf(&text, "unix:path=%s", address.sun_path) > 0);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1), 0);
        registryd_spawn();
        int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        ck_assert_msg(connection >= 0, "accept: %m");
        (void)close(fd);
        ck_assert_int_ge(sd_bus_new(&driver.bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(driver.bus, connection, connection), 0);
        ck_assert_int_ge(
                sd_bus_set_server(driver.bus, true,
                        SD_ID128_MAKE(01, 23, 45, 67, 89, ab, cd, ef, 01, 23, 45, 67, 89, ab, cd, ef)),
                0);
        ck_assert_int_ge(sd_bus_add_filter(driver.bus, NULL, on_message, NULL), 0);
        ck_assert_int_ge(sd_bus_start(driver.bus), 0);
        WAIT_ON(driver.bus, driver.is_ready);
}

static void driver_stop(void)
{
        daemon_stop(&world.registryd);
        sd_bus_message_unref(driver.late);
        sd_bus_close_unref(driver.bus);
}

static uint64_t send_as(const char *sender, sd_bus_message *m)
{
        uint64_t cookie = 0;

        ck_assert_int_ge(sd_bus_message_set_sender(m, sender), 0);
        ck_assert_int_ge(sd_bus_send(driver.bus, m, &cookie), 0);
        sd_bus_message_unref(m);
        return cookie;
}

static sd_bus_message *new_call(const char *method)
{
        sd_bus_message *m = NULL;
        ck_assert_int_ge(sd_bus_message_new_method_call(driver.bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH,
                                 REGISTRY_INTERFACE, method),
                0);
        return m;
}

static uint64_t get_as(const char *sender)
{
        sd_bus_message *m = new_call("Get");
        ck_assert_int_ge(sd_bus_message_append(m, "ss", KEY, "V"), 0);
        return send_as(sender, m);
}

static uint64_t set_as(const char *sender, const char *text)
{
        sd_bus_message *m = new_call("Set");
        ck_assert_int_ge(sd_bus_message_append(m, "ssuva{sv}", KEY, "V", SZ, "s", text, 0), 0);
        return send_as(sender, m);
}

static uint64_t list_as(const char *sender)
{
        sd_bus_message *m = new_call("List");
        ck_assert_int_ge(sd_bus_message_append(m, "s", KEY), 0);
        return send_as(sender, m);
}

static uint64_t preview_as(const char *sender)
{
        sd_bus_message *m = new_call("Preview");

        ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "(sssuv)"), 0);
        for (unsigned i = 0; i < PREVIEWED; i++)
                ck_assert_int_ge(
                        sd_bus_message_append(m, "(sssuv)", "set",
                                textf("\\Test\\K%u\\A\\B\\C\\D\\E\\F\\G\\H\\I", i), "V", SZ, "s", "x"),
                        0);
        ck_assert_int_ge(sd_bus_message_close_container(m), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 0), 0);
        return send_as(sender, m);
}

/* ANSWERS_MAX: there is none yet. */
static size_t place_of(uint64_t cookie)
{
        for (size_t i = 0; i < driver.n; i++)
                if (driver.answers[i].cookie == cookie)
                        return i;
        return ANSWERS_MAX;
}

static const struct answer *answer_to(uint64_t cookie)
{
        WAIT_ON(driver.bus, place_of(cookie) < driver.n);
        return &driver.answers[place_of(cookie)];
}

/* Its calls wait, in their order, and others are served meanwhile. */
START_TEST(told_late)
{
        driver_start();
        uint64_t before = get_as(LATE), first = set_as(LATE, "1"), second = set_as(LATE, "2"),
                 third = get_as(LATE);
        /* What needs nobody's word does not wait for it. */
        ck_assert_str_eq(answer_to(before)->text, ERROR_NOT_FOUND);
        ck_assert(!answer_to(set_as(ROOT, "root's"))->is_error);
        ck_assert_str_eq(answer_to(get_as(ROOT))->text, "root's");
        WAIT_ON(driver.bus, driver.late);
        ck_assert_uint_eq(place_of(first), ANSWERS_MAX);
        ck_assert_uint_eq(place_of(third), ANSWERS_MAX);
        ck_assert_int_ge(tell(driver.late, 0), 0);
        ck_assert_str_eq(answer_to(third)->text, "2");
        ck_assert(!answer_to(first)->is_error);
        ck_assert_uint_lt(place_of(first), place_of(second));
        ck_assert_uint_lt(place_of(second), place_of(third));
        driver_stop();
}
END_TEST

START_TEST(never_told)
{
        driver_start();
        uint64_t call = set_as(NEVER, "1");
        ck_assert(!answer_to(set_as(ROOT, "2"))->is_error);
        ck_assert_str_eq(answer_to(call)->text, SD_BUS_ERROR_ACCESS_DENIED);
        ck_assert_str_eq(answer_to(get_as(ROOT))->text, "2");
        driver_stop();
}
END_TEST

/* So many wait, and no more. */
START_TEST(what_waits_is_limited)
{
        unsigned refused_n = 0;

        driver_start();
        ck_assert(!answer_to(set_as(ROOT, "1"))->is_error);
        driver.n = 0;
        for (unsigned i = 0; i < HELD + TOO_MANY; i++)
                (void)list_as(LATE);
        WAIT_ON(driver.bus, driver.late);
        ck_assert_int_ge(tell(driver.late, UID_NOBODY), 0);
        WAIT_ON(driver.bus, driver.n == HELD + TOO_MANY);
        for (size_t i = 0; i < driver.n; i++) {
                ck_assert(!driver.answers[i].is_error || strcmp(driver.answers[i].text, ERROR_LIMIT) == 0);
                refused_n += driver.answers[i].is_error;
        }
        ck_assert_uint_eq(refused_n, TOO_MANY);
        driver_stop();
}
END_TEST

/* However much work came before. */
START_TEST(root_is_first)
{
        driver_start();
        ck_assert(!answer_to(set_as(ROOT, "1"))->is_error);
        uint64_t call = list_as(LATE);
        WAIT_ON(driver.bus, driver.late);
        ck_assert_int_ge(tell(driver.late, UID_NOBODY), 0);
        (void)answer_to(call);
        driver.n = 0;
        daemon_signal(&world.registryd, SIGSTOP);
        for (unsigned i = 0; i < PREVIEWS; i++)
                (void)preview_as(LATE);
        call = get_as(ROOT);
        daemon_signal(&world.registryd, SIGCONT);
        WAIT_ON(driver.bus, driver.n == PREVIEWS + 1);
        ck_assert_uint_lt(place_of(call), FIRST);
        driver_stop();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { told_late, never_told, what_waits_is_limited, root_is_first };
        return harness_main(tests, ARRAY_SIZE(tests));
}
