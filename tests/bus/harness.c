/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "harness-internal.h"

#define LOG_MAX (64u * 1024u * 1024u)
#define LOG_SHOWN_MAX (32u * 1024u)
#define TURN_USEC 5000

struct world world;

/* What Meson takes for a skipped test. */
#define EXIT_SKIPPED 77
static bool left_out;

static char scratch[] = "/tmp/peios-bus-XXXXXX";

uint64_t deadline(void)
{
        return clock_usec() + UINT64_C(1000000) * WAIT_SECONDS;
}

bool is_past(uint64_t when)
{
        return clock_usec() > when;
}

void bus_turn(sd_bus *bus)
{
        int r = sd_bus_process(bus, NULL);
        if (r == 0)
                r = sd_bus_wait(bus, TURN_USEC);
        ck_assert_msg(r >= 0 || r == -EINTR, "the connection broke: %s", strerror(-r));
}

static void show(const char *path)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (file_read(AT_FDCWD, path, LOG_MAX, &text, NULL, NULL) == 0 && text.len > 0)
                (void)fprintf(stderr, "---- the end of %s\n%s\n", path,
                        buf_str(&text) + (text.len > LOG_SHOWN_MAX ? text.len - LOG_SHOWN_MAX : 0));
}

static int show_log(const char *path, _unused_ const struct stat *st, int kind, struct FTW *at)
{
        size_t len = strlen(path);

        if (kind == FTW_F && at->level == 2 && len > 4 && strcmp(path + len - 4, ".log") == 0)
                show(path);
        return 0;
}

static int remove_one(
        const char *path, _unused_ const struct stat *st, _unused_ int kind, _unused_ struct FTW *at)
{
        (void)remove(path);
        return 0;
}

void world_remove(const char *path)
{
        (void)nftw(world_path(path), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static Suite *suite(void)
{
        static Suite *made;

        if (!made)
                made = suite_create(program_invocation_short_name);
        return made;
}

static void make_root(const char *folder)
{
        static const char *const dirs[] = { LAYOUT_DROPINS_VENDOR, LAYOUT_DROPINS_ADMIN,
                LAYOUT_SYSCTL "/kernel" };

        ck_assert(asprintf(&world.dir, "%s/XXXXXX", folder) > 0);
        ck_assert_msg(mkdtemp(world.dir) && chmod(world.dir, 0755) == 0, "%s: %m", world.dir);
        ck_assert(asprintf(&world.root, "%s/root", world.dir) > 0);
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                ck_assert_int_eq(file_make_dirs(world_path(dirs[i])), 0);
        world_write(CONTROL_FILE, "3\n");
        world_write(PID_MAX_FILE, "32768\n");
}

void world_open(const char *folder)
{
        world = (struct world){
                .bus_daemon = { .name = "dbus-daemon", .notify_fd = -1 },
                .registryd = { .name = "registryd", .notify_fd = -1 },
                .policyd = { .name = "policyd", .notify_fd = -1 },
        };
        make_root(folder);
        ck_assert(asprintf(&world.bus_daemon.log, "%s/bus.log", world.dir) > 0);
        ck_assert(asprintf(&world.registryd.log, "%s/registryd.log", world.dir) > 0);
        ck_assert(asprintf(&world.policyd.log, "%s/policyd.log", world.dir) > 0);
        bus_daemon_start();
        world.bus = world_connect(geteuid());
}

static void world_start(void)
{
        /* Check's own process may be killed for taking too long. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        world_open(scratch);
}

static void daemon_done(struct daemon *d)
{
        free(d->log);
        closep(&d->notify_fd);
}

void world_close(void)
{
        world.bus = sd_bus_flush_close_unref(world.bus);
        daemon_stop(&world.policyd);
        daemon_stop(&world.registryd);
        daemon_kill(&world.bus_daemon);
        daemon_done(&world.policyd);
        daemon_done(&world.registryd);
        daemon_done(&world.bus_daemon);
        (void)nftw(world.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(world.dir);
        free(world.root);
        free(world.address);
}

static void (*begin_each)(void), (*end_each)(void);

void harness_around(void (*begin)(void), void (*end)(void))
{
        begin_each = begin;
        end_each = end;
}

void harness_registry(void)
{
        registryd_start(NULL);
}

static void add(const TTest *const *tests, size_t n)
{
        TCase *tc = tcase_create("bus");
        tcase_set_timeout(tc, TEST_SECONDS);
        tcase_add_checked_fixture(tc, world_start, world_close);
        tcase_add_checked_fixture(tc, begin_each, end_each);
        for (size_t i = 0; i < n; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite(), tc);
}

static void leave_out(const char *why, const char *missed)
{
        (void)fprintf(stderr, "SKIP: %s, so it was not tried %s\n", why, missed);
        left_out = true;
}

void harness_add_with(const TTest *const *tests, size_t n, const char *program, const char *missed)
{
        _cleanup_free_ char *line = NULL, *why = NULL;

        if (asprintf(&line, "command -v %s >/dev/null", program) < 0 ||
                asprintf(&why, "%s is missing", program) < 0)
                abort();
        if (system(line) == 0)
                add(tests, n);
        else
                leave_out(why, missed);
}

void harness_add_privileged(const TTest *const *tests, size_t n, const char *missed)
{
        if (geteuid() == 0)
                add(tests, n);
        else
                leave_out("not root", missed);
}

int harness_main(const TTest *const *tests, size_t n)
{
        add(tests, n);
        if (!mkdtemp(scratch) || chmod(scratch, 0755) < 0) {
                perror(scratch);
                return EXIT_FAILURE;
        }
        SRunner *runner = srunner_create(suite());
        srunner_run_all(runner, CK_NORMAL);
        int failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        /* What a good test leaves is removed by itself: these are the others'. */
        (void)nftw(scratch, show_log, 16, FTW_PHYS);
        (void)nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return failed > 0 ? EXIT_FAILURE : left_out ? EXIT_SKIPPED : EXIT_SUCCESS;
}
