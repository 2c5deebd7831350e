/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../registry-provider/hive/dropins.h"
#include "alloc-faults.h"
#include "signed-front.h"
#include "suite.h"
#include "scratch.h"

#define VENDOR "/usr/lib/peios/registry.d/"
#define FLEET "/var/lib/peios/registry.d/"
#define ADMIN "/etc/peios/registry.d/"
#define SIGNED(layer) SIGNED_FRONT FILE_OF(layer)
#define FILE_OF(layer) "peios-registry: 1\nlayer: " layer "\n"

static void load(struct dropins *ret)
{
        ck_assert_int_eq(dropins_load(scratch_root.root, VALUE_BYTES_DEFAULT_MAX, ret), 0);
        for (size_t i = 0; i < ret->n; i++) {
                const struct dropin *in = &ret->list[i];
                ck_assert((in->file == NULL) == (in->error != NULL));
                ck_assert(i == 0 || strcmp(ret->list[i - 1].name, in->name) <= 0);
        }
}

static const struct dropin *find(const struct dropins *d, const char *name)
{
        for (size_t i = 0; i < d->n; i++)
                if (strcmp(d->list[i].name, name) == 0)
                        return &d->list[i];
        ck_abort_msg("no entry %s", name);
}

static void check_error(const struct dropins *d, const char *name, const char *text)
{
        const struct dropin *in = find(d, name);
        ck_assert_msg(in->error != NULL, "%s", name);
        ck_assert_msg(strncmp(in->error, text, strlen(text)) == 0, "%s", in->error);
}

TEST(no_directories)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        load(&d);
        ck_assert_uint_eq(d.n, 0);
        dropins_done(&d);
        scratch_folder(&scratch_root, VENDOR "empty");
        load(&d);
        ck_assert_uint_eq(d.n, 0);
}

TEST(overlay)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_puts(&scratch_root, VENDOR "20-b.yaml", FILE_OF("b"));
        scratch_puts(&scratch_root, VENDOR "10-a.yaml", FILE_OF("a"));
        scratch_puts(&scratch_root, VENDOR "30-c.yaml", FILE_OF("vendors"));
        scratch_puts(&scratch_root, ADMIN "30-c.yaml", FILE_OF("admins"));
        scratch_puts(&scratch_root, ADMIN "15-d.yaml", FILE_OF("d"));
        load(&d);
        static const char *const expected[][3] = {
                { "10-a.yaml", VENDOR "10-a.yaml", "a" },
                { "15-d.yaml", ADMIN "15-d.yaml", "d" },
                { "20-b.yaml", VENDOR "20-b.yaml", "b" },
                { "30-c.yaml", ADMIN "30-c.yaml", "admins" },
        };
        ck_assert_uint_eq(d.n, ARRAY_SIZE(expected));
        for (size_t i = 0; i < d.n; i++) {
                ck_assert_str_eq(d.list[i].name, expected[i][0]);
                ck_assert_str_eq(d.list[i].path, expected[i][1]);
                ck_assert_msg(d.list[i].file != NULL, "%s", d.list[i].error);
                ck_assert_str_eq(d.list[i].file->layer, expected[i][2]);
                ck_assert_uint_eq(d.list[i].owner, geteuid());
        }
}

TEST(fleet)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_puts(&scratch_root, VENDOR "fleet-a.yaml", FILE_OF("vendors"));
        scratch_puts(&scratch_root, FLEET "fleet-a.yaml", SIGNED("fleet-a"));
        scratch_puts(&scratch_root, FLEET "fleet-b.yaml", SIGNED("Fleet-b"));
        scratch_puts(&scratch_root, ADMIN "fleet-b.yaml", FILE_OF("admins"));
        scratch_puts(&scratch_root, FLEET "fleet-c.yaml", SIGNED("fleet-c"));
        scratch_link(&scratch_root, ADMIN "fleet-c.yaml", "/dev/null");
        load(&d);
        ck_assert_uint_eq(d.n, 2);
        ck_assert_str_eq(d.list[0].path, FLEET "fleet-a.yaml");
        ck_assert_str_eq(d.list[0].file->layer, "fleet-a");
        ck_assert_str_eq(d.list[1].path, ADMIN "fleet-b.yaml");
        ck_assert_str_eq(d.list[1].file->layer, "admins");
}

TEST(places)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_puts(&scratch_root, ADMIN "10.yaml", FILE_OF("Fleet-a"));
        scratch_puts(&scratch_root, VENDOR "20.yaml", FILE_OF("fleet-"));
        scratch_puts(&scratch_root, FLEET "30.yaml", SIGNED("mine"));
        scratch_puts(&scratch_root, FLEET "40.yaml", SIGNED("fleet-a"));
        scratch_link(&scratch_root, FLEET "50.yaml", "/dev/null");
        scratch_puts(&scratch_root, FLEET "70.yaml", FILE_OF("fleet-b"));
        scratch_puts(&scratch_root, ADMIN "80.yaml", SIGNED("signed"));
        scratch_puts(&scratch_root, FLEET "90.yaml",
                SIGNED_FRONT "peios-registry: 1\nlayer: fleet-c\nserial: none\n");
        scratch_puts(&scratch_root, ADMIN "60.yaml", FILE_OF("fleet"));
        load(&d);
        check_error(&d, "10.yaml", ADMIN "10.yaml:2:8: layer `Fleet-a`: only the fleet's begin with fleet-");
        check_error(&d, "20.yaml", VENDOR "20.yaml:2:8: layer `fleet-`: only the fleet's begin with fleet-");
        check_error(&d, "30.yaml", FLEET "30.yaml:4:8: layer `mine`: files here are the fleet's");
        ck_assert_str_eq(find(&d, "40.yaml")->file->layer, "fleet-a");
        check_error(&d, "50.yaml", FLEET "50.yaml: is not a regular file");
        ck_assert_str_eq(find(&d, "60.yaml")->file->layer, "fleet");
        check_error(&d, "70.yaml", FLEET "70.yaml:1:1: no signature, expected ");
        check_error(&d, "80.yaml", ADMIN "80.yaml:");
        check_error(&d, "90.yaml", FLEET "90.yaml:5:9: serial `none`, expected a number from 1 to");
}

TEST(masks)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        for (int i = 0; i < 3; i++) {
                char path[64], text[64];
                (void)snprintf(path, sizeof(path), VENDOR "%d.yaml", i);
                (void)snprintf(text, sizeof(text), FILE_OF("l%d"), i);
                scratch_puts(&scratch_root, path, text);
        }
        scratch_link(&scratch_root, ADMIN "0.yaml", "/dev/null");
        scratch_puts(&scratch_root, ADMIN "1.yaml", "");
        scratch_link(&scratch_root, ADMIN "alone.yaml", "/dev/null");
        scratch_puts(&scratch_root, VENDOR "cut.yaml", "");
        load(&d);
        ck_assert_uint_eq(d.n, 3);
        ck_assert_ptr_nonnull(find(&d, "2.yaml")->file);
        check_error(&d, "1.yaml", ADMIN "1.yaml:1:1: an empty file, expected ");
        check_error(&d, "cut.yaml", VENDOR "cut.yaml:1:1: an empty file, expected ");
}

TEST(links)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_puts(&scratch_root, "/srv/site.txt", FILE_OF("site"));
        scratch_link(&scratch_root, ADMIN "50-site.yaml", "../../../srv/site.txt");
        scratch_link(&scratch_root, ADMIN "60-none.yaml", "nowhere");
        scratch_link(&scratch_root, ADMIN "70-loop.yaml", "70-loop.yaml");
        load(&d);
        ck_assert_uint_eq(d.n, 3);
        ck_assert_str_eq(find(&d, "50-site.yaml")->file->layer, "site");
        check_error(&d, "60-none.yaml", ADMIN "60-none.yaml: a link to a file that is not there");
        check_error(&d, "70-loop.yaml", ADMIN "70-loop.yaml: cannot be opened: ");
}

TEST(names_that_do_not_count)
{
        static const char *const names[] = { ".50-a.yaml", "50-a.yaml~", "50-a.yaml.swp", ".#50-a.yaml",
                "#50-a.yaml#", "50-a.yml", "50-a.YAML", "README", ".yaml", "50-a.yaml.tmp", "yaml" };
        _cleanup_(dropins_done) struct dropins d = { 0 };
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                scratch_puts(&scratch_root, textf(ADMIN "%s", names[i]), FILE_OF("x"));
        load(&d);
        ck_assert_uint_eq(d.n, 0);
}

TEST(broken_files)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_folder(&scratch_root, ADMIN "dir.yaml");
        scratch_fifo(&scratch_root, ADMIN "fifo.yaml");
        scratch_link(&scratch_root, ADMIN "zero.yaml", "/dev/zero");
        scratch_sparse(&scratch_root, ADMIN "huge.yaml", (size_t)65 * 1024 * 1024);
        scratch_sparse(&scratch_root, ADMIN "sparse.yaml", 4096);
        scratch_write(&scratch_root, ADMIN "binary.yaml",
                "\x7f"
                "ELF\2\1\1\0\0\0",
                10);
        scratch_puts(&scratch_root, ADMIN "cut.yaml", "peios-registry: 1\nlayer: \"x");
        scratch_puts(
                &scratch_root, ADMIN "alias.yaml", "peios-registry: 1\nlayer: x\nkeys: &a\n  \\A: *a\n");
        scratch_puts(&scratch_root, ADMIN "base.yaml", FILE_OF("Base"));
        scratch_puts(&scratch_root, ADMIN "bad\n\xff.yaml", FILE_OF("x"));
        scratch_puts(&scratch_root, VENDOR "bad.yaml", "a: [\n");
        scratch_puts(&scratch_root, VENDOR "good.yaml", FILE_OF("good"));
        scratch_puts(&scratch_root, VENDOR "cut.yaml", FILE_OF("not to be seen"));
        load(&d);
        ck_assert_uint_eq(d.n, 12);
        check_error(&d, "dir.yaml", ADMIN "dir.yaml: is a directory, expected a regular file");
        check_error(&d, "fifo.yaml", ADMIN "fifo.yaml: is not a regular file");
        check_error(&d, "zero.yaml", ADMIN "zero.yaml: is not a regular file");
        check_error(&d, "huge.yaml", ADMIN "huge.yaml: is 68157440 bytes large, at most 67108864 are read");
        check_error(&d, "sparse.yaml", ADMIN "sparse.yaml:1:1: NUL byte at offset 0");
        check_error(&d, "binary.yaml", ADMIN "binary.yaml:1:1: control character at offset 0");
        check_error(&d, "cut.yaml", ADMIN "cut.yaml:2:10: the quotes that begin in line 2 are not closed");
        check_error(&d, "alias.yaml", ADMIN "alias.yaml:3:7: anchor `&a`");
        check_error(&d, "base.yaml", ADMIN "base.yaml:2:8: layer `Base` is the registry's own");
        check_error(&d, "bad\\x0a\\xff.yaml", "/etc/peios/registry.d/bad\\x0a\\xff.yaml: the file's name");
        check_error(&d, "bad.yaml", VENDOR "bad.yaml:2:1: ");
        ck_assert_uint_eq(find(&d, "dir.yaml")->owner, (uid_t)-1);
        ck_assert_uint_eq(find(&d, "bad.yaml")->owner, geteuid());
        ck_assert_str_eq(find(&d, "good.yaml")->file->layer, "good");
}

TEST(layer_conflicts)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_puts(&scratch_root, VENDOR "10-a.yaml", FILE_OF("Same"));
        scratch_puts(&scratch_root, ADMIN "20-b.yaml", FILE_OF("same"));
        scratch_puts(&scratch_root, ADMIN "30-c.yaml", FILE_OF("SAME"));
        scratch_puts(&scratch_root, ADMIN "40-d.yaml", FILE_OF("other"));
        load(&d);
        ck_assert_uint_eq(d.n, 4);
        ck_assert_ptr_nonnull(find(&d, "10-a.yaml")->file);
        ck_assert_ptr_nonnull(find(&d, "40-d.yaml")->file);
        check_error(
                &d, "20-b.yaml", ADMIN "20-b.yaml:2:8: layer `same` belongs to " VENDOR "10-a.yaml already");
        check_error(
                &d, "30-c.yaml", ADMIN "30-c.yaml:2:8: layer `SAME` belongs to " VENDOR "10-a.yaml already");
}

TEST(directory_that_is_none)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        scratch_puts(&scratch_root, "/etc/peios/registry.d", "a file\n");
        scratch_puts(&scratch_root, VENDOR "10-a.yaml", FILE_OF("a"));
        load(&d);
        ck_assert_uint_eq(d.n, 2);
        check_error(&d, "", "/etc/peios/registry.d: cannot be read: ");
        ck_assert_str_eq(d.list[0].path, "/etc/peios/registry.d");
        ck_assert_str_eq(find(&d, "10-a.yaml")->file->layer, "a");
}

static int load_unreadable(void)
{
        struct dropins d = { 0 };
        if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
                return 1;
        if (dropins_load(scratch_root.root, 4096, &d) < 0 || d.n != 3)
                return 2;
        bool ok = strcmp(d.list[0].name, "") == 0 && d.list[0].error &&
                  strcmp(d.list[0].error, "/etc/peios/registry.d: cannot be read: Permission denied") == 0 &&
                  d.list[1].file && d.list[2].error &&
                  strcmp(d.list[2].error, VENDOR "20-b.yaml: cannot be opened: Permission denied") == 0;
        dropins_done(&d);
        return ok ? 0 : 3;
}

/* Root may read everything, so another user tries. */
TEST(unreadable)
{
        char path[256];
        scratch_puts(&scratch_root, VENDOR "10-a.yaml", FILE_OF("a"));
        scratch_puts(&scratch_root, VENDOR "20-b.yaml", FILE_OF("b"));
        scratch_puts(&scratch_root, ADMIN "30-c.yaml", FILE_OF("c"));
        ck_assert_int_eq(chmod(scratch_root.root, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s" VENDOR "20-b.yaml", scratch_root.root);
        ck_assert_int_eq(chmod(path, 0), 0);
        (void)snprintf(path, sizeof(path), "%s" ADMIN, scratch_root.root);
        ck_assert_int_eq(chmod(path, 0), 0);

        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(load_unreadable());
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(chmod(path, 0755), 0);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}

TEST(too_many)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        for (unsigned i = 0; i < DROPINS_MAX + 1600; i++) {
                char path[64], text[64];
                (void)snprintf(path, sizeof(path), "%s%05u.yaml", i % 2 ? VENDOR : ADMIN, i);
                (void)snprintf(text, sizeof(text), FILE_OF("l%u"), i);
                scratch_puts(&scratch_root, path, text);
        }
        load(&d);
        ck_assert_uint_eq(d.n, DROPINS_MAX + 1);
        check_error(&d, "",
                "/etc/peios/registry.d: more than 1000 files with those of /usr/lib/peios/registry.d and "
                "/var/lib/peios/registry.d, the last are not read");
        ck_assert_str_eq(d.list[1].name, "00000.yaml");
        ck_assert_str_eq(d.list[DROPINS_MAX].name, "00999.yaml");
}

/* Hidden files of the vendor do not use up the limit. */
TEST(as_many_as_allowed)
{
        _cleanup_(dropins_done) struct dropins d = { 0 };
        for (unsigned i = 0; i < 2 * DROPINS_MAX; i++) {
                char path[64], text[64];
                (void)snprintf(path, sizeof(path), "%s%05u.yaml", i % 2 ? VENDOR : ADMIN, i / 2);
                (void)snprintf(text, sizeof(text), FILE_OF("%s%u"), i % 2 ? "v" : "a", i / 2);
                scratch_puts(&scratch_root, path, text);
        }
        load(&d);
        ck_assert_uint_eq(d.n, DROPINS_MAX);
        for (size_t i = 0; i < d.n; i++)
                ck_assert(d.list[i].file && d.list[i].file->layer[0] == 'a');
}

TEST(failing_allocation)
{
        scratch_puts(&scratch_root, VENDOR "10-a.yaml", FILE_OF("a"));
        scratch_puts(&scratch_root, VENDOR "20-b.yaml", FILE_OF("A"));
        scratch_puts(&scratch_root, ADMIN "30-c.yaml", "a: [");
        scratch_folder(&scratch_root, ADMIN "40-d.yaml");
        scratch_puts(&scratch_root, ADMIN "50-e.yaml", FILE_OF("e") "keys:\n  \\A: {b: !sz c}\n");
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_(dropins_done) struct dropins d = { 0 };
                alloc_fail_at(n);
                failed = alloc_fails(dropins_load(scratch_root.root, 4096, &d), n, 40);
                ck_assert_uint_eq(d.n, failed ? 0 : 5);
        }
}

Suite *test_suite(void)
{
        return suite_with("dropins", scratch_setup, scratch_teardown);
}
