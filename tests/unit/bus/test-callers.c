/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is made of the bus's word for who calls. The bus is played by the test: newer ones tell more than the
 * one that is installed. */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/bus/caller.h"
#include "suite.h"

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define NAME ":1.7"

/* What the bus says of NAME. */
static struct {
        uint32_t uid, pid;
        int pidfd;         /* -1: not state_seen */
        const char *label; /* NULL: not state_seen */
        bool refuses;
} word;

static sd_event *event;
static sd_bus *driver, *client;
static struct account *account;
static struct callers *callers;
static enum caller_state state_seen; /* what on_changed() saw last */

static int on_hello(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        return sd_bus_reply_method_return(m, "s", ":1.1");
}

static int on_match(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        return sd_bus_reply_method_return(m, NULL);
}

static int append_label(sd_bus_message *m)
{
        int r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "LinuxSecurityLabel");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', word.label, strlen(word.label) + 1);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int on_credentials(sd_bus_message *m, _unused_ void *userdata, sd_bus_error *error)
{
        sd_bus_message *reply = NULL;

        if (word.refuses)
                return sd_bus_error_set(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER, "nobody has it");
        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "Something", "as", 1, "new", "UnixUserID",
                        "u", word.uid, "ProcessID", "u", word.pid);
        if (r >= 0 && word.label)
                r = append_label(reply);
        if (r >= 0 && word.pidfd >= 0)
                r = sd_bus_message_append(reply, "{sv}", "ProcessFD", "h", word.pidfd);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

static const sd_bus_vtable driver_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Hello", "", "s", on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AddMatch", "s", "", on_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RemoveMatch", "s", "", on_match, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetConnectionCredentials", "s", "a{sv}", on_credentials, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void on_changed(struct caller *c, _unused_ void *userdata)
{
        state_seen = c->state;
}

static void on_read(_unused_ struct account_client *c, _unused_ bool lost, _unused_ void *userdata)
{
}

static sd_bus *open_end(int fd, bool is_driver)
{
        sd_bus *bus;

        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fd, fd), 0);
        ck_assert_int_ge(sd_bus_negotiate_fds(bus, true), 0);
        ck_assert_int_ge(is_driver ? sd_bus_set_server(bus, true,
                                             SD_ID128_MAKE(1, 2, 3, 4, 5, 6, 7, 8, 9, a, b, c, d, e, f, 0))
                                   : sd_bus_set_bus_client(bus, true),
                0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        ck_assert_int_ge(sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL), 0);
        return bus;
}

static void turn(void)
{
        ck_assert_int_ge(sd_event_run(event, UINT64_C(10000000)), 1);
}

static bool settled;

static int on_settled(_unused_ sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        settled = true;
        return 0;
}

/* What was sent before has been seen then, by either end. */
static void settle(void)
{
        settled = false;
        ck_assert_int_ge(sd_bus_call_method_async(client, NULL, DRIVER, DRIVER_PATH, DRIVER, "AddMatch",
                                 on_settled, NULL, "s", "type='signal'"),
                0);
        while (!settled)
                turn();
}

static void setup(void)
{
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        ck_assert_int_ge(sd_event_new(&event), 0);
        driver = open_end(fds[0], true);
        ck_assert_int_ge(
                sd_bus_add_object_vtable(driver, NULL, DRIVER_PATH, DRIVER, driver_vtable, NULL), 0);
        client = open_end(fds[1], false);
        ck_assert_int_ge(account_new(client, on_read, NULL, &account), 0);
        ck_assert_int_ge(callers_new(client, NULL, account, on_changed, NULL, &callers), 0);
        settle();
        word = (typeof(word)){ .uid = geteuid(), .pid = (uint32_t)getpid(), .pidfd = -1 };
}

static void teardown(void)
{
        callers = callers_free(callers);
        account = account_free(account);
        client = sd_bus_close_unref(client);
        driver = sd_bus_close_unref(driver);
        event = sd_event_unref(event);
}

static void owner_changes(const char *old, const char *new)
{
        sd_bus_message *m = NULL;

        ck_assert_int_ge(sd_bus_message_new_signal(driver, &m, DRIVER_PATH, DRIVER, "NameOwnerChanged"), 0);
        ck_assert_int_ge(sd_bus_message_set_sender(m, DRIVER), 0);
        ck_assert_int_ge(sd_bus_message_append(m, "sss", NAME, old, new), 0);
        ck_assert_int_ge(sd_bus_send(driver, m, NULL), 0);
        sd_bus_message_unref(m);
        settle();
}

/* The connection begins now. */
static void begin(void)
{
        owner_changes("", NAME);
}

static const struct actor *ask(void)
{
        struct caller *c;

        state_seen = CALLER_UNKNOWN;
        ck_assert_int_eq(callers_get(callers, NAME, &c), 0);
        ck_assert_int_eq(caller_ask(c), 0);
        while (state_seen == CALLER_UNKNOWN)
                turn();
        ck_assert_int_eq(state_seen, CALLER_KNOWN);
        ck_assert_uint_eq(c->actor.uid, word.uid);
        ck_assert_uint_eq(c->actor.pid, word.pid);
        return &c->actor;
}

/* Start times are state_seen in hundredths of a second. */
static pid_t start_child(void)
{
        (void)usleep(50000);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void)pause();
                _exit(0);
        }
        return pid;
}

static void end(pid_t pid)
{
        (void)kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

TEST(a_process_that_is_older)
{
        begin();
        word.label = "from_the_bus";
        const struct actor *a = ask();
        ck_assert_str_ne(a->comm, "");
        ck_assert_str_ne(a->exe, "");
        ck_assert_str_eq(a->context, "from_the_bus");
}

TEST(a_process_that_is_younger)
{
        begin();
        pid_t pid = start_child();
        word.pid = (uint32_t)pid;
        const struct actor *a = ask();
        ck_assert_str_eq(a->comm, "");
        ck_assert_str_eq(a->exe, "");
        end(pid);
}

/* What a descriptor says is surer than the time: the bus has it from the connection itself. */
TEST(a_descriptor)
{
        begin();
        pid_t pid = start_child();
        word.pid = (uint32_t)pid;
        word.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        ck_assert_int_ge(word.pidfd, 0);
        ck_assert_str_ne(ask()->comm, "");
        (void)close(word.pidfd);
        end(pid);
}

TEST(a_descriptor_of_one_that_ended)
{
        begin();
        pid_t pid = start_child();
        word.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        ck_assert_int_ge(word.pidfd, 0);
        end(pid);
        /* This process plays the one that has the pid now, and is older than the connection. */
        ck_assert_str_eq(ask()->comm, "");
        (void)close(word.pidfd);
}

TEST(another_users_process)
{
        begin();
        word.uid = geteuid() + 1;
        ck_assert_str_eq(ask()->comm, "");
}

TEST(nobody_has_that_name)
{
        struct caller *c;

        word.refuses = true;
        state_seen = CALLER_UNKNOWN;
        ck_assert_int_eq(callers_get(callers, NAME, &c), 0);
        ck_assert_int_eq(caller_ask(c), 0);
        while (state_seen == CALLER_UNKNOWN)
                turn();
        ck_assert_int_eq(state_seen, CALLER_GONE);
        ck_assert_ptr_null(callers_find(callers, NAME));
}

/* It comes back as it went, unless it owed nothing. */
TEST(a_user_who_hangs_up)
{
        begin();
        (void)ask();
        owner_changes(NAME, "");
        ck_assert_ptr_null(callers_user(callers, word.uid));
        begin();
        (void)ask();
        struct caller_user *u = callers_user(callers, word.uid);
        account_budget_take(&u->budget, ACCOUNT_BUDGET_DEBT_USEC, clock_usec());
        owner_changes(NAME, "");
        ck_assert_ptr_null(callers_find(callers, NAME));
        begin();
        (void)ask();
        ck_assert_ptr_eq(callers_user(callers, word.uid), u);
        ck_assert_uint_eq(u->callers, 1);
        ck_assert_int_lt(account_budget_left(&u->budget, clock_usec()), 0);
}

Suite *test_suite(void)
{
        return suite_with("callers", setup, teardown);
}
