/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder of configuration is watched with everything on the way to it and behind its links: each test
 * makes the change and waits until it is told. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/base/file.h"
#include "../../../schema/events/fswatch.h"
#include "suite.h"

#define WAIT_USEC UINT64_C(40000000)
#define UID_NOBODY 65534u
#define FOLDER "/etc/peios/registry.d"

static struct {
        char root[64];
        sd_event *event;
        struct fswatch *watch;
        unsigned told;
} world;

/* ---- Files below the scratch root; good until the fourth next call ---- */

static const char *at(const char *path)
{
        static char slots[4][PATH_MAX];
        static unsigned next;
        char *slot = slots[next++ % ARRAY_SIZE(slots)];

        (void)snprintf(slot, sizeof(slots[0]), "%s%s", world.root, path);
        return slot;
}

static void put(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ck_assert_msg(fd >= 0, "%s: %m", path);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void folder(const char *path)
{
        ck_assert_int_eq(file_make_dirs(at(path)), 0);
}

static void link_to(const char *target, const char *path)
{
        ck_assert_msg(symlink(target, at(path)) == 0, "%s: %m", path);
}

static void rename_to(const char *from, const char *to)
{
        ck_assert_msg(rename(at(from), at(to)) == 0, "%s: %m", from);
}

static int remove_one(
        const char *path, _unused_ const struct stat *st, _unused_ int kind, _unused_ struct FTW *ftw)
{
        return remove(path);
}

static void remove_all(const char *path)
{
        (void)nftw(at(path), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- The watch ---- */

static void on_change(_unused_ void *userdata)
{
        world.told++;
}

static void watch_path(const char *path)
{
        ck_assert_int_eq(
                fswatch_new(world.event, FSWATCH_DIRECTORY, path, on_change, NULL, &world.watch), 0);
}

static void watch(void)
{
        watch_path(at(FOLDER));
}

/* Whether anything happened. */
static bool turn(uint64_t usec)
{
        int r = sd_event_run(world.event, usec);

        ck_assert_int_ge(r, 0);
        return r > 0;
}

/* Until what was made before is told, if it is. Others may be busy in /tmp all the time. */
static void settle(void)
{
        uint64_t end = clock_usec() + 6 * FSWATCH_QUIET_USEC;

        while (clock_usec() < end)
                (void)turn(FSWATCH_QUIET_USEC);
        while (turn(0))
                ;
}

static void wait_told(unsigned before, const char *what)
{
        uint64_t end = clock_usec() + WAIT_USEC;

        while (world.told == before) {
                ck_assert_msg(clock_usec() < end, "not told of: %s", what);
                (void)turn(FSWATCH_QUIET_USEC);
        }
}

/* A change is made, and is told. */
#define TOLD(...)                                                                                           \
        do {                                                                                                \
                unsigned _before = world.told;                                                              \
                __VA_ARGS__;                                                                                \
                wait_told(_before, #__VA_ARGS__);                                                           \
        } while (0)

#define NOT_TOLD(...)                                                                                       \
        do {                                                                                                \
                settle();                                                                                   \
                unsigned _before = world.told;                                                              \
                __VA_ARGS__;                                                                                \
                settle();                                                                                   \
                ck_assert_msg(world.told == _before, "told of: %s", #__VA_ARGS__);                          \
        } while (0)

static void setup(void)
{
        (void)snprintf(world.root, sizeof(world.root), "/tmp/peios-fswatch-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(world.root));
        ck_assert_int_eq(chmod(world.root, 0755), 0);
        ck_assert_int_eq(sd_event_new(&world.event), 0);
        folder(FOLDER);
}

static void teardown(void)
{
        world.watch = fswatch_free(world.watch);
        world.event = sd_event_unref(world.event);
        remove_all("");
}

/* ---- Tests ---- */

TEST(plain_files)
{
        watch();
        TOLD(put(FOLDER "/a.yaml", "1"));
        TOLD(put(FOLDER "/a.yaml", "2"));
        put("/new", "3");
        TOLD(rename_to("/new", FOLDER "/a.yaml"));
        TOLD(ck_assert_int_eq(chmod(at(FOLDER "/a.yaml"), 0600), 0));
        TOLD(remove_all(FOLDER "/a.yaml"));
}

TEST(target_edited)
{
        folder("/srv");
        put("/srv/a", "1");
        watch();
        TOLD(link_to(at("/srv/a"), FOLDER "/a.yaml"));
        TOLD(put("/srv/a", "2"));
        put("/srv/b", "3");
        TOLD(rename_to("/srv/b", "/srv/a"));
        TOLD(put("/srv/a", "4"));
        TOLD(remove_all("/srv/a"));
        TOLD(put("/srv/a", "5"));
        /* A link of links, by ways that are relative. */
        link_to("../srv/./x/../a", "/etc/chain");
        folder("/srv/x");
        TOLD(link_to("../../chain", FOLDER "/b.yaml"));
        TOLD(remove_all(FOLDER "/a.yaml"));
        TOLD(put("/srv/a", "6"));
        link_to("peios/other", "/etc/chain2");
        TOLD(rename_to("/etc/chain2", "/etc/chain"));
        TOLD(put("/etc/peios/other", "7"));
}

/* What Kubernetes does: one link is swapped, and what it led to is removed. */
static void swap_data(const char *folder_of_map, unsigned n)
{
        _cleanup_free_ char *new_folder = NULL, *old_folder = NULL, *file = NULL, *tmp = NULL, *data = NULL;
        char target[16];

        (void)snprintf(target, sizeof(target), "..%u", n);
        ck_assert(asprintf(&new_folder, "%s/..%u", folder_of_map, n) > 0);
        ck_assert(asprintf(&old_folder, "%s/..%u", folder_of_map, n - 1) > 0);
        ck_assert(asprintf(&file, "%s/a.yaml", new_folder) > 0);
        ck_assert(asprintf(&tmp, "%s/..data_tmp", folder_of_map) > 0);
        ck_assert(asprintf(&data, "%s/..data", folder_of_map) > 0);
        folder(new_folder);
        put(file, target);
        link_to(target, tmp);
        rename_to(tmp, data);
        remove_all(old_folder);
}

TEST(config_map_elsewhere)
{
        folder("/mnt/cfg");
        swap_data("/mnt/cfg", 1);
        link_to("..data/a.yaml", "/mnt/cfg/a.yaml");
        link_to(at("/mnt/cfg/a.yaml"), FOLDER "/a.yaml");
        watch();
        for (unsigned n = 2; n < 6; n++)
                TOLD(swap_data("/mnt/cfg", n));
        TOLD(put("/mnt/cfg/..5/a.yaml", "edited"));
}

TEST(config_map_in_the_folder)
{
        swap_data(FOLDER, 1);
        link_to("..data/a.yaml", FOLDER "/a.yaml");
        watch();
        for (unsigned n = 2; n < 6; n++)
                TOLD(swap_data(FOLDER, n));
        TOLD(put(FOLDER "/..5/a.yaml", "edited"));
}

TEST(config_map_as_the_folder)
{
        folder("/mnt/cfg");
        swap_data("/mnt/cfg", 1);
        remove_all(FOLDER);
        link_to(at("/mnt/cfg/..data"), FOLDER);
        watch();
        for (unsigned n = 2; n < 6; n++)
                TOLD(swap_data("/mnt/cfg", n));
        TOLD(put("/mnt/cfg/..5/b.yaml", "new"));
}

TEST(parents_renamed)
{
        put(FOLDER "/a.yaml", "1");
        watch();
        TOLD(rename_to("/etc/peios", "/etc/old"));
        NOT_TOLD(put("/etc/old/registry.d/a.yaml", "2"));
        TOLD(rename_to("/etc/old", "/etc/peios"));
        TOLD(put(FOLDER "/a.yaml", "3"));
        TOLD(rename_to("/etc", "/old"));
        TOLD(rename_to("/old", "/etc"));
        TOLD(put(FOLDER "/a.yaml", "4"));
        TOLD(remove_all("/etc"));
        /* Step by step, or all at once. */
        TOLD(folder("/etc"));
        TOLD(folder("/etc/peios"));
        TOLD(folder(FOLDER));
        TOLD(put(FOLDER "/a.yaml", "5"));
        TOLD(remove_all("/etc"));
        TOLD(folder(FOLDER));
        TOLD(put(FOLDER "/a.yaml", "6"));
}

TEST(folder_is_a_link)
{
        folder("/one");
        folder("/two");
        remove_all(FOLDER);
        link_to(at("/one"), FOLDER);
        watch();
        TOLD(put("/one/a.yaml", "1"));
        link_to(at("/two"), "/next");
        TOLD(rename_to("/next", FOLDER));
        NOT_TOLD(put("/one/a.yaml", "2"));
        TOLD(put("/two/a.yaml", "3"));
        /* A folder takes its place, and a link the folder's. */
        TOLD(remove_all(FOLDER); folder(FOLDER));
        TOLD(put(FOLDER "/a.yaml", "4"));
        NOT_TOLD(put("/two/a.yaml", "5"));
        TOLD(remove_all(FOLDER); link_to("../../one", FOLDER));
        TOLD(put("/one/a.yaml", "6"));
}

/* As NixOS has it: one link above everything is swapped. */
TEST(static_tree)
{
        remove_all("/etc/peios");
        folder("/store/1/peios/registry.d");
        folder("/store/2/peios/registry.d");
        put("/store/file1", "1");
        put("/store/file2", "2");
        link_to(at("/store/file1"), "/store/1/peios/registry.d/a.yaml");
        link_to(at("/store/file2"), "/store/2/peios/registry.d/a.yaml");
        link_to(at("/store/1"), "/etc/static");
        link_to("static/peios", "/etc/peios");
        watch();
        link_to(at("/store/2"), "/etc/static.tmp");
        TOLD(rename_to("/etc/static.tmp", "/etc/static"));
        TOLD(put("/store/file2", "3"));
        NOT_TOLD(put("/store/file1", "4"));
}

TEST(masks)
{
        _cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        link_to("/dev/null", FOLDER "/a.yaml");
        watch();
        NOT_TOLD(ck_assert_int_eq(write(null, "x", 1), 1));
        put("/file", "1");
        TOLD(remove_all(FOLDER "/a.yaml"); link_to(at("/file"), FOLDER "/a.yaml"));
        TOLD(put("/file", "2"));
        TOLD(remove_all(FOLDER "/a.yaml"); link_to("/dev/null", FOLDER "/a.yaml"));
        NOT_TOLD(put("/file", "3"));
        ck_assert_str_eq(fswatch_problem(world.watch), "");
}

TEST(dangling)
{
        link_to(at("/far/away/a"), FOLDER "/a.yaml");
        link_to("loop2", FOLDER "/loop1");
        link_to("loop1", FOLDER "/loop2");
        link_to("loop1", FOLDER "/loop.yaml");
        watch();
        ck_assert_str_eq(fswatch_problem(world.watch), "");
        TOLD(folder("/far"));
        TOLD(folder("/far/away"));
        TOLD(put("/far/away/a", "1"));
        TOLD(put("/far/away/a", "2"));
        TOLD(rename_to("/far", "/further"));
        /* No folder, but a file. */
        TOLD(put("/far", "3"));
        TOLD(remove_all("/far"));
        TOLD(rename_to("/further", "/far"));
        TOLD(put("/far/away/a", "4"));
}

/* Only what is on the way counts, however busy the folders are. */
TEST(other_names)
{
        folder("/srv/deep");
        put("/srv/deep/a", "1");
        put("/srv/deep/other", "1");
        put("/srv/backup", "1");
        link_to(at("/srv/deep/a"), FOLDER "/a.yaml");
        link_to(at("/srv/backup"), FOLDER "/a.yaml.bak");
        watch();
        NOT_TOLD(for (unsigned i = 0; i < 100; i++) {
                put("/other", "1");
                put("/etc/other", "1");
                put("/etc/peios/other", "1");
                put("/srv/other", "1");
                put("/srv/deep/other", "2");
                put("/srv/deep/a.new", "2");
                put("/srv/backup", "2");
                remove_all("/etc/other");
                remove_all("/srv/deep/a.new");
        });
        TOLD(put("/srv/deep/a", "2"));
}

/* A burst is told once, or a few times where it is long. */
TEST(bursts)
{
        folder("/srv");
        link_to(at("/srv/a"), FOLDER "/a.yaml");
        watch();
        TOLD(for (unsigned i = 0; i < 200; i++) put("/srv/a", "1"));
        settle();
        ck_assert_uint_lt(world.told, 50);
}

static void link_folders(unsigned from, unsigned to)
{
        for (unsigned i = from; i < to; i++) {
                char path[128], link[64];
                (void)snprintf(path, sizeof(path), "/many/%u", i);
                folder(path);
                (void)snprintf(link, sizeof(link), FOLDER "/%u.yaml", i);
                (void)snprintf(path, sizeof(path), "%s/many/%u/file", world.root, i);
                link_to(path, link);
        }
}

TEST(too_many)
{
        link_folders(0, 10);
        watch();
        ck_assert_str_eq(fswatch_problem(world.watch), "");
        TOLD(link_folders(10, FOLDERS_MAX));
        ck_assert_str_eq(fswatch_problem(world.watch),
                "more than 256 folders, or 4096 names in them, would have to be watched");
        /* What there is room for is watched all the same, and so is the folder. */
        TOLD(put(FOLDER "/plain.yaml", "1"));
        TOLD(remove_all(FOLDER); folder(FOLDER); link_folders(10, 20));
        ck_assert_str_eq(fswatch_problem(world.watch), "");
        TOLD(put("/many/15/file", "1"));
}

TEST(unreadable)
{
        char expected[PATH_MAX];

        folder("/srv/closed");
        put("/srv/closed/a", "1");
        link_to(at("/srv/closed/a"), FOLDER "/a.yaml");
        ck_assert_int_eq(chmod(at("/srv/closed"), 0311), 0);
        if (geteuid() == 0)
                ck_assert_int_eq(seteuid(UID_NOBODY), 0);
        watch();
        (void)snprintf(
                expected, sizeof(expected), "%s cannot be watched: Permission denied", at("/srv/closed"));
        ck_assert_str_eq(fswatch_problem(world.watch), expected);
        ck_assert_int_eq(seteuid(getuid()), 0);
        TOLD(ck_assert_int_eq(chmod(at("/srv/closed"), 0755), 0));
        ck_assert_str_eq(fswatch_problem(world.watch), "");
        TOLD(put("/srv/closed/a", "2"));
}

TEST(relative_path)
{
        ck_assert_int_eq(chdir(at("/etc")), 0);
        watch_path("peios//./registry.d/");
        TOLD(put(FOLDER "/a.yaml", "1"));
        TOLD(rename_to("/etc/peios", "/etc/old"));
        TOLD(rename_to("/etc/old", "/etc/peios"));
        TOLD(put(FOLDER "/a.yaml", "2"));
        ck_assert_int_eq(chdir("/"), 0);
}

/* Two who watch the same do not take it from each other. */
TEST(two_watches)
{
        struct fswatch *first;

        folder("/srv");
        put("/srv/a", "1");
        link_to(at("/srv/a"), FOLDER "/a.yaml");
        watch();
        first = world.watch;
        watch();
        unsigned before = world.told;
        put("/srv/a", "2");
        while (world.told < before + 2)
                (void)turn(FSWATCH_QUIET_USEC);
        (void)fswatch_free(first);
        TOLD(put("/srv/a", "3"));
        TOLD(rename_to("/srv", "/old"));
        TOLD(rename_to("/old", "/srv"));
        TOLD(put("/srv/a", "4"));
}

TEST(control)
{
        put("/control", "1");
        ck_assert_int_eq(
                fswatch_new(world.event, FSWATCH_CONTROL, at("/none"), on_change, NULL, &world.watch),
                -ENOENT);
        ck_assert_int_eq(
                fswatch_new(world.event, FSWATCH_CONTROL, at("/control"), on_change, NULL, &world.watch), 0);
        TOLD(put("/control", "2"));
}

Suite *test_suite(void)
{
        return suite_waiting("fswatch", setup, teardown);
}
