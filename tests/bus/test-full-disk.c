/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk on which something does not fit: what is told of it, and that it is over when there is room. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dropin.h"

#define KEY "\\Test\\Key"
/* A directory of the name under which the next snapshot is written: it cannot be. */
#define OBSTACLE LAYOUT_STATE "/.snapshot-0000000000000002.tmp"

#define LARGE_VALUES 1000u
#define HURRIED_SECONDS 9u /* below the time after which it is tried again anyway */

static void set_megabytes(const char *prefix, unsigned n)
{
        _cleanup_free_ char *megabyte = repeat("x", 1u << 20);
        for (unsigned i = 0; i < n; i++) {
                char name[16];
                (void)snprintf(name, sizeof(name), "%s%u", prefix, i);
                set_string(world.bus, KEY, name, megabyte);
        }
}

static unsigned count_files(const char *prefix)
{
        unsigned n = 0;
        DIR *d = opendir(world_path(LAYOUT_STATE));
        ck_assert_ptr_nonnull(d);
        for (const struct dirent *e; (e = readdir(d));)
                n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
        (void)closedir(d);
        return n;
}

START_TEST(snapshot_does_not_fit)
{
        registryd_start(NULL);
        ck_assert_int_eq(mkdir(world_path(OBSTACLE), 0700), 0);
        set_megabytes("V", 17);
        WAIT(!no_problems());
        char *problems = strdupa(registry_property(world.bus, "Problems"));
        ck_assert_msg(strncmp(problems, "[('snapshot' '", 14) == 0 &&
                              strstr(problems, "it goes on growing, and nothing is lost"),
                "%s", problems);
        for (unsigned i = 0; i < 30; i++)
                set_string(world.bus, KEY, "small", i % 2 ? "odd" : "even");
        ck_assert_str_eq(registry_property(world.bus, "Problems"), problems);
        ck_assert_uint_eq(count_files("journal-"), 1);
        ck_assert_uint_eq(daemon_count(&world.registryd, "cannot be folded"), 1);
        ck_assert_uint_eq(daemon_count(&world.registryd, "is damaged"), 0);

        /* As much again, and it is tried again. */
        ck_assert_int_eq(rmdir(world_path(OBSTACLE)), 0);
        set_megabytes("W", 15);
        ck_assert_uint_eq(count_files("snapshot-"), 0);
        set_megabytes("X", 3);
        WAIT(no_problems());
        ck_assert_uint_eq(count_files("snapshot-"), 1);
        ck_assert_uint_eq(count_files("journal-"), 2);
        daemon_kill(&world.registryd);
        registryd_start(NULL);
        ck_assert(no_problems());
        ck_assert_str_eq(get_text(world.bus, KEY, "small"), "odd base");
}
END_TEST

/* Nothing can be written, with this limit. */
static void limit_files(const struct rlimit *limit, struct rlimit *ret_old)
{
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, limit, ret_old), 0);
}

static void start_with_a_dropin_that_does_not_fit(struct rlimit *ret_old)
{
        registryd_start(NULL);
        limit_files(NULL, ret_old);
        limit_files(&(struct rlimit){ .rlim_cur = 0, .rlim_max = ret_old->rlim_max }, NULL);
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        WAIT(!no_problems());
}

START_TEST(dropin_does_not_fit)
{
        struct rlimit old;

        start_with_a_dropin_that_does_not_fit(&old);
        char *problems = strdupa(registry_property(world.bus, "Problems"));
        ck_assert_msg(strstr(problems, "[('" LAYOUT_DROPINS_ADMIN "' '") == problems &&
                              strstr(problems, "the last good contents stay"),
                "%s", problems);
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "enabled default");
        /* A write that fails is no reason to try it again; one that does not is. */
        refused(world.bus, ERROR_STORAGE, LAYOUT_STATE, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s",
                "lost", 0);
        limit_files(&old, NULL);
        uint64_t limit = deadline() - (WAIT_SECONDS - 10) * UINT64_C(1000000);
        set_string(world.bus, KEY, "V", "kept");
        WAIT(no_problems());
        ck_assert_msg(!is_past(limit), "only the timer read them again");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled site");
}
END_TEST

/* Nobody writes: the timer alone. */
START_TEST(dropin_waits_for_room)
{
        struct rlimit old;

        start_with_a_dropin_that_does_not_fit(&old);
        limit_files(&old, NULL);
        WAIT(no_problems());
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled site");
}
END_TEST

/* So many values of a page each: a frame that does not fit where a small one does. */
static void write_large_dropin(void)
{
        _cleanup_free_ char *page = repeat("x", 4096);
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, "peios-registry: 1\nlayer: large\nkeys:\n  \\Large:\n");
        for (unsigned i = 0; i < LARGE_VALUES; i++)
                buf_printf(&text, "    v%u: !sz %s\n", i, page);
        dropin_write("large.yaml", buf_str(&text));
}

/* Others write all the time: one of them hurries it, and not each. An attempt takes a number for each value.
 */
START_TEST(writes_hurry_once)
{
        struct rlimit old;
        unsigned writes = 0;

        registryd_start(NULL);
        set_number(world.bus, KEY, "N", 0);
        limit_files(NULL, &old);
        limit_files(&(struct rlimit){ .rlim_cur = 2 * 1024 * 1024, .rlim_max = old.rlim_max }, NULL);
        write_large_dropin();
        WAIT(has_problem("the last good contents stay"));
        uint64_t first = set_number(world.bus, KEY, "N", 1), last = first;
        uint64_t end = deadline() - (WAIT_SECONDS - HURRIED_SECONDS) * UINT64_C(1000000);
        while (!is_past(end)) {
                bus_turn(world.bus);
                last = set_number(world.bus, KEY, "N", ++writes % 2);
        }
        ck_assert_uint_ge(last - first, LARGE_VALUES);
        ck_assert_uint_lt(last - first, 2 * LARGE_VALUES + writes);
}
END_TEST

/* The file alone makes the journal long. */
START_TEST(dropins_are_folded)
{
        registryd_start(NULL);
        ck_assert_uint_eq(count_files("snapshot-"), 0);
        write_large_dropin();
        WAIT(count_files("snapshot-") == 1);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { snapshot_does_not_fit, dropin_does_not_fit, dropin_waits_for_room,
                writes_hurry_once, dropins_are_folded };
        Suite *suite = suite_create("full-disk");
        harness_add(suite, tests, ARRAY_SIZE(tests));
        return harness_main(suite);
}
