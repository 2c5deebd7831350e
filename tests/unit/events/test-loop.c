/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signals of a daemon, from before its loop runs on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../schema/events/loop.h"
#include "suite.h"

static int manager; /* the service manager's socket */
static unsigned n_reloads;

/* What the service manager is told next; "" for nothing. */
static const char *told(void)
{
        static char text[1024];
        ssize_t n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

        text[n > 0 ? n : 0] = '\0';
        return text;
}

static bool begins(const char *text, const char *with)
{
        return strncmp(text, with, strlen(with)) == 0;
}

static void on_reload(void *userdata)
{
        ck_assert_ptr_eq(userdata, &n_reloads);
        if (n_reloads == 0)
                ck_assert_str_eq(told(), "READY=1");
        ck_assert(begins(told(), "RELOADING=1\nMONOTONIC_USEC="));
        ck_assert_str_eq(told(), "");
        n_reloads++;
}

static int on_idle(sd_event_source *s, void *userdata)
{
        static unsigned turns;

        (void)s;
        (void)userdata;
        if (turns == 0) {
                ck_assert_uint_eq(n_reloads, 1);
                ck_assert_str_eq(told(), "READY=1");
                (void)raise(SIGHUP);
        } else if (turns == 1)
                (void)raise(SIGTERM);
        turns++;
        return 0;
}

/* One that comes before the loop runs waits for it, and one later has files read again: none ends the
 * daemon. */
TEST(hangups)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char dir[] = "/tmp/peios-loop-XXXXXX";
        sd_event *event = NULL;
        sd_event_source *idle = NULL;

        ck_assert_int_eq(loop_hold_signals(), 0);
        (void)raise(SIGHUP);
        ck_assert_ptr_nonnull(mkdtemp(dir));
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", dir);
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(manager, (const struct sockaddr *)&address, sizeof(address)), 0);

        ck_assert_int_ge(loop_new(&event), 0);
        ck_assert_int_ge(loop_on_reload(event, on_reload, &n_reloads), 0);
        ck_assert_int_ge(sd_event_add_defer(event, &idle, on_idle, NULL), 0);
        ck_assert_int_ge(sd_event_source_set_priority(idle, SD_EVENT_PRIORITY_IDLE), 0);
        ck_assert_int_ge(sd_event_source_set_enabled(idle, SD_EVENT_ON), 0);
        ck_assert_int_eq(loop_run(event, NULL), 0);
        ck_assert_uint_eq(n_reloads, 2);
        ck_assert_str_eq(told(), "READY=1");
        ck_assert_str_eq(told(), "STOPPING=1");
        sd_event_source_disable_unref(idle);
        sd_event_unref(event);
        (void)unlink(address.sun_path);
        (void)rmdir(dir);
        (void)close(manager);
}

Suite *test_suite(void)
{
        return suite_of("loop");
}
