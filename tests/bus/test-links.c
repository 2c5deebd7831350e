/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files behind links, and folders that are links: what is swapped, renamed and replaced on the way
 * is in force at once. */
#include <stdio.h>
#include <unistd.h>

#include "dropin.h"

#define FILE_NAME "50-site.yaml"
#define MOUNTED "/mnt/cfg"

static const char *setting(const char *value)
{
        return dropin_text("50-site", 10, value);
}

static void link_to(const char *target, const char *path)
{
        ck_assert_msg(symlink(target, world_path(path)) == 0, "%s: %m", path);
}

static void begin(void)
{
        registryd_start(NULL);
        policyd_start(NULL);
        ck_assert(control_is("3"));
}

START_TEST(target_edited)
{
        begin();
        world_write("/srv/a.yaml", setting("disabled"));
        link_to(world_path("/srv/a.yaml"), dropin_path(FILE_NAME));
        WAIT(control_is("0"));
        world_write("/srv/a.yaml", setting("success-only"));
        WAIT(control_is("1"));
        world_replace("/srv/a.yaml", setting("failure-only"));
        WAIT(control_is("2"));
        /* While there is none, the last good content stays, and it is said; it comes again. */
        world_remove("/srv");
        WAIT(has_problem("a link to a file that is not there"));
        world_write("/srv/a.yaml", setting("disabled"));
        WAIT(control_is("0"));
        WAIT(no_problems());
}
END_TEST

static void fill_map(const char *folder, const char *generation, const char *value)
{
        _cleanup_free_ char *file = NULL;

        ck_assert(asprintf(&file, "%s/%s/" FILE_NAME, folder, generation) > 0);
        world_write(file, setting(value));
}

static void swap_map(const char *folder, const char *generation, const char *old)
{
        _cleanup_free_ char *tmp = NULL, *data = NULL, *old_folder = NULL;

        ck_assert(asprintf(&tmp, "%s/..data_tmp", folder) > 0);
        ck_assert(asprintf(&data, "%s/..data", folder) > 0);
        ck_assert(asprintf(&old_folder, "%s/%s", folder, old) > 0);
        link_to(generation, tmp);
        world_rename(tmp, data);
        world_remove(old_folder);
}

/* As Kubernetes does it. */
static void try_map(const char *folder)
{
        fill_map(folder, "..2", "success-only");
        swap_map(folder, "..2", "..1");
        WAIT(control_is("1"));
        fill_map(folder, "..3", "failure-only");
        swap_map(folder, "..3", "..2");
        WAIT(control_is("2"));
}

START_TEST(config_map_elsewhere)
{
        begin();
        fill_map(MOUNTED, "..1", "disabled");
        swap_map(MOUNTED, "..1", "..0");
        link_to("..data/" FILE_NAME, MOUNTED "/" FILE_NAME);
        link_to(world_path(MOUNTED "/" FILE_NAME), dropin_path(FILE_NAME));
        WAIT(control_is("0"));
        try_map(MOUNTED);
}
END_TEST

START_TEST(config_map_in_the_folder)
{
        begin();
        fill_map(LAYOUT_DROPINS_ADMIN, "..1", "disabled");
        swap_map(LAYOUT_DROPINS_ADMIN, "..1", "..0");
        link_to("..data/" FILE_NAME, dropin_path(FILE_NAME));
        WAIT(control_is("0"));
        try_map(LAYOUT_DROPINS_ADMIN);
}
END_TEST

/* The service keeps what it accepted in there, and makes the folder anew for that. */
static bool put_back(void)
{
        const char *from = world_path("/etc/peios.old"), *to = world_path("/etc/peios");

        world_remove("/etc/peios");
        return rename(from, to) == 0;
}

START_TEST(parent_renamed)
{
        begin();
        dropin_write(FILE_NAME, setting("disabled"));
        WAIT(control_is("0"));
        world_rename("/etc/peios", "/etc/peios.old");
        WAIT(control_is("3"));
        WAIT(put_back());
        WAIT(control_is("0"));
}
END_TEST

START_TEST(folder_is_a_link)
{
        world_remove(LAYOUT_DROPINS_ADMIN);
        world_write("/one/" FILE_NAME, setting("disabled"));
        world_write("/two/" FILE_NAME, setting("success-only"));
        link_to(world_path("/one"), LAYOUT_DROPINS_ADMIN);
        registryd_start(NULL);
        policyd_start(NULL);
        WAIT(control_is("0"));
        link_to(world_path("/two"), "/next");
        world_rename("/next", LAYOUT_DROPINS_ADMIN);
        WAIT(control_is("1"));
        /* A folder takes its place. */
        world_remove(LAYOUT_DROPINS_ADMIN);
        dropin_write(FILE_NAME, setting("failure-only"));
        WAIT(control_is("2"));
        dropin_write(FILE_NAME, setting("disabled"));
        WAIT(control_is("0"));
}
END_TEST

START_TEST(masked)
{
        world_write(LAYOUT_DROPINS_VENDOR "/" FILE_NAME, setting("disabled"));
        registryd_start(NULL);
        policyd_start(NULL);
        WAIT(control_is("0"));
        link_to("/dev/null", dropin_path(FILE_NAME));
        WAIT(control_is("3"));
        world_remove(dropin_path(FILE_NAME));
        WAIT(control_is("0"));
        /* By a link of a link as well. */
        link_to("/dev/null", "/etc/mask");
        link_to("../../mask", dropin_path(FILE_NAME));
        WAIT(control_is("3"));
        world_remove("/etc/mask");
        world_write("/etc/mask", setting("success-only"));
        WAIT(control_is("1"));
}
END_TEST

/* More than can be watched is said, and no longer when it is over. */
START_TEST(too_many_folders)
{
        char link[64], target[64];

        registryd_start(NULL);
        for (unsigned i = 0; i < 300; i++) {
                (void)snprintf(target, sizeof(target), "/many/%u/file", i);
                world_write(target, "");
                (void)snprintf(link, sizeof(link), "%u.yaml", i);
                link_to(world_path(target), dropin_path(link));
        }
        WAIT(has_problem(
                "/etc/peios/registry.d/*.yaml: not all that is read can be watched, changes there are "
                "seen at Reload(): more than 256 folders"));
        world_remove(LAYOUT_DROPINS_ADMIN);
        WAIT(no_problems());
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { target_edited, config_map_elsewhere, config_map_in_the_folder,
                parent_renamed, folder_is_a_link, masked, too_many_folders };
        return harness_main(tests, ARRAY_SIZE(tests));
}
