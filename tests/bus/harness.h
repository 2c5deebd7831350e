/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A world of its own for each test: a scratch root, a private bus with the system bus's policy, and the
 * daemons under test as child processes. Nothing sleeps for a fixed time: everything waits for a condition,
 * for WAIT_SECONDS at most. Failures are Check's; the scratch directories of failed tests are printed
 * (daemons' logs) before they are removed. */

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "../../schema/base/macro.h"
#include "../../schema/dbus/names.h"
#include "../../schema/layout.h"
#include "../unit/lib/textf.h"

#define WAIT_SECONDS 120
#define TEST_SECONDS 120
#define UID_NOBODY 65534u

struct daemon {
        const char *name;
        pid_t pid; /* 0: not running */
        char *log;
        int notify_fd;
};

struct world {
        char *dir, *root, *address;
        struct daemon bus_daemon, registryd, policyd;
        sd_bus *bus; /* as the test's own user */
};

/* Runs these tests and those that were added: scratch directory, Check, logs of what failed, and away with
 * it all. Returns the exit code. */
int harness_main(const TTest *const *tests, size_t n);
/* What is done before and after each test, in its world; NULL: nothing. Said before any are added. */
void harness_around(void (*begin)(void), void (*end)(void));
/* For harness_around(): a registry without arguments. */
void harness_registry(void);
/* Tests that need root: without it they are left out, which is said, and the exit code is that of a skipped
 * test (unless another test fails). */
void harness_add_privileged(const TTest *const *tests, size_t n, const char *missed);
/* Tests that need a program: the same. */
void harness_add_with(const TTest *const *tests, size_t n, const char *program, const char *missed);

/* The world of the running test: root and bus are there, but no daemon yet. After a test, what still runs is
 * stopped and must end well. */
extern struct world world;
/* The same by hand, in a new directory of this one, for a process that is to have one. */
void world_open(const char *folder);
void world_close(void);

/* Both wait for READY=1; `argument` may be NULL. */
void registryd_start(const char *argument);
void policyd_start(const char *argument);
/* Waits until it has heard all that the registry says. */
void policyd_follow(void);
/* So often has it heard all of that by now. */
bool is_connected(unsigned times);
/* The same without waiting, for daemons that cannot become ready. */
void registryd_spawn(void);
void policyd_spawn(void);
/* Runs a program to its end, and returns its exit code; what it says goes into its log. */
int run_program(struct daemon *d, const char *variable, const char *argument);
/* The same without waiting for its end; the arguments end with the first NULL. */
void spawn_program(
        struct daemon *d, const char *variable, const char *first, const char *second, const char *third);

/* SIGTERM; must exit with 0. */
void daemon_stop(struct daemon *d);
void daemon_kill(struct daemon *d);
void daemon_signal(const struct daemon *d, int sig);
/* Waits for its end and returns the exit code, 128 + signal. */
int daemon_end(struct daemon *d);
bool daemon_said(const struct daemon *d, const char *text);
/* How often. */
unsigned daemon_count(const struct daemon *d, const char *text);
/* Records go to standard error only where there is no journal. */
bool records_are_logged(void);

/* A connection as that user: the bus sees who connects. */
sd_bus *world_connect(uid_t uid);

/* Files below the root; the names are as the daemons see them. Text is written in place. */
const char *world_path(const char *path);
void world_write(const char *path, const char *text);
/* In one write(2) without truncating, as into a sysctl: watchers see one change. The file must be there, and
 * as long. */
void world_poke(const char *path, const char *text);
/* All at once, over what is there. */
void world_replace(const char *path, const char *text);
void world_remove(const char *path);
void world_rename(const char *from, const char *to);
/* The contents without the newline at the end; "" when it is not there. Good until the fourth next call. */
const char *world_read(const char *path);
bool world_has(const char *path);

/* What the file that stands for the control holds. */
bool control_is(const char *text);

/* One step of waiting: what came in on the connection is dispatched. */
void bus_turn(sd_bus *bus);
uint64_t deadline(void);
bool is_past(uint64_t when);

#define WAIT_ON(connection, condition)                                                                      \
        do {                                                                                                \
                uint64_t _end = deadline();                                                                 \
                while (!(condition)) {                                                                      \
                        ck_assert_msg(!is_past(_end), "waited in vain for: %s", #condition);                \
                        bus_turn(connection);                                                               \
                }                                                                                           \
        } while (0)
#define WAIT(condition) WAIT_ON(world.bus, condition)

#define CONTROL_FILE LAYOUT_SYSCTL "/kernel/audit_taint_events"
/* The number of the policy service's last record. */
#define SEQNO_FILE LAYOUT_POLICY_RUN "/seqno"
#define PID_MAX_FILE LAYOUT_SYSCTL "/kernel/pid_max"
#define MODULES "\\System\\Audit\\Modules"
