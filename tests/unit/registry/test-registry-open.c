/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, and keys that live in memory only. */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../schema/base/file.h"
#include "suite.h"
#include "registry-world.h"

/* What cannot be opened says why. */
TEST(no_directory)
{
        world_close(&w);
        scratch_done(&w.root);
        ck_assert_int_lt(world_open(&w), 0);
        ck_assert_ptr_nonnull(strstr(w.d.text, "registry.db"));
        ck_assert_int_eq(mkdir(w.root.root, 0700), 0);
}

TEST(in_memory)
{
        const char *file = world_file(&w);

        world_close(&w);
        w.in_memory = true;
        ck_assert_int_eq(unlink(file), 0);
        ck_assert_int_eq(world_open(&w), 0);
        world_do(&w, "set - \\App V 1\nvset - \\Tmp V 2");
        world_write(&w, "etc/peios/registry.d/50-site.yaml",
                "peios-registry: 1\nlayer: site\nkeys: { \\App: { A: !dword 5 } }\n");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "5@site");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "NOT_FOUND");
        ck_assert_int_eq(access(file, F_OK), -1);
}

TEST(first_start)
{
        ck_assert_uint_eq(registry_hives(w.r)->n, 1);
        ck_assert_uint_eq(world_keys(&w), 1);
        struct dump before = world_dump(&w, false);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after the first start");
        dump_done(&before);
        dump_done(&after);
}

/* In the database or its log. */
static bool disk_has(const char *text)
{
        static const char *const names[] = { "registry.db", "registry.db-wal" };
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                const char *path = scratch_path(&w.root, names[i]);
                _cleanup_buf_ struct buf bytes = BUF_INIT;
                ck_assert_int_eq(file_read(AT_FDCWD, path, SIZE_MAX / 4, &bytes, NULL, NULL), 0);
                found |= memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
        }
        return found;
}

TEST(volatile_keys)
{
        struct dump before, after;

        world_do(&w, "set - \\Kept V kept-text");
        world_expect(&w, "vset - \\Tmp\\Run V brief-text",
                "subkey-created Machine Tmp\n"
                "subkey-created Machine\\Tmp Run\n"
                "value-set Machine\\Tmp\\Run V='brief-text'@base\n");
        /* Children of a volatile key are volatile too. */
        world_do(&w, "set - \\Tmp\\Run\\Child V brief-text\nmk - \\Tmp\\Other");
        world_do(&w, "set - \\Tmp\\Run V other\ndel - \\Tmp\\Run V");
        world_do(&w, "rmr - \\Tmp\\Run");
        world_do(&w, "vmk - \\Kept\\Brief");
        world_do(&w, "rm - \\Kept\\Brief");
        ck_assert(disk_has("kept-text"));
        ck_assert(!disk_has("brief-text"));

        /* In a key that is kept, the value is. */
        world_do(&w, "vset - \\Kept W 2\nvset - \\Kept\\Run V 3");
        world_do(&w, "vset - \\Kept\\Run W 3\nset - \\Last V 4");
        before = world_dump(&w, true);
        uint64_t sequence = registry_sequence(w.r);
        world_crash(&w);
        after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
        ck_assert_str_eq(world_get(&w, "\\Kept", "W"), "2@base");
        ck_assert_str_eq(world_get(&w, "\\Kept\\Run", "V"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Other", "V"), "NOT_FOUND");
        /* A write that is kept takes the counter of the others along. */
        ck_assert_uint_eq(registry_sequence(w.r), sequence);
        world_do(&w, "set - \\Tmp\\Run V 1");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Run", "V"), "1@base");
}

TEST(volatile_in_two_layers)
{
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w, "vset - \\Tmp\\Run V 1\nset high \\Tmp\\Run V 2\nset high \\Own V 1");
        world_do(&w, "rmr - \\Tmp");
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Run", "V"), "2@high");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Run", "V"), "NOT_FOUND");
        ck_assert_str_eq(world_get(&w, "\\Own", "V"), "1@high");
        world_do(&w, "vset high \\Tmp\\Run V 1");
        world_do(&w, "rm - \\System\\Registry\\Layers\\high");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\Own", "V"), "NOT_FOUND");
        ck_assert_uint_eq(registry_layers(w.r)->n, 1);
}

Suite *test_suite(void)
{
        return suite_with("registry-open", world_setup, world_teardown);
}
