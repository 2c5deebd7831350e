/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, reading without writing, and keys that live in memory only. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/base/crc32c.h"
#include "../../../schema/base/fileio.h"
#include "../base/test-util.h"
#include "registry-util.h"

#define STATE "var/lib/peios/registry"
#define DROPIN "etc/peios/registry.d/50-site.yaml"

static struct world w;

static void setup(void)
{
        world_init(&w);
}

static void teardown(void)
{
        world_done(&w);
}

/* Everything below a directory: names, times, contents. */
static void print_tree(struct dump *to, const char *dir)
{
        DIR *d = opendir(dir);
        ck_assert_msg(d != NULL, "%s", dir);
        for (const struct dirent *e; (e = readdir(d));) {
                struct stat st;
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                _cleanup_free_ char *path = path_join(dir, e->d_name);
                ck_assert_int_eq(lstat(path, &st), 0);
                _cleanup_buf_ struct buf text = BUF_INIT;
                if (S_ISREG(st.st_mode))
                        ck_assert_int_eq(read_file(AT_FDCWD, path, SIZE_MAX / 4, &text, NULL, NULL), 0);
                dump_line(to, "%s inode %ju size %jd time %jd.%09ld crc %08" PRIx32, path,
                        (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_ctim.tv_sec,
                        st.st_ctim.tv_nsec, crc32c(0, buf_str(&text), text.len));
                if (S_ISDIR(st.st_mode))
                        print_tree(to, path);
        }
        (void)closedir(d);
        dump_sort(to);
}

static void open_read_only(void)
{
        w.read_only = true;
        int r = world_open(&w);
        ck_assert_msg(r == 0, "%s", w.d.text);
        ck_assert_str_eq(w.d.text, "");
}

/* Does all that the boot-time apply and more do, and expects no trace of it. */
static void use_read_only(void)
{
        struct dump before = { 0 }, after = { 0 };
        print_tree(&before, w.root);
        open_read_only();
        world_do(&w, "set - \\New\\Key V 1");
        ck_assert_str_eq(world_get(&w, "\\New\\Key", "V"), "1@base");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_msg(text[0] != 'E', "%s", text);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "5@site");
        ck_assert_str_eq(world_get(&w, "Users\\U", "A"), "6@site");
        ck_assert_int_eq(registry_fold(w.r, 0, NULL), 0);
        registry_check_edits(w.r);
        world_close(&w);
        print_tree(&after, w.root);
        dump_assert_equal(&before, &after, "read-only");
        dump_done(&before);
        dump_done(&after);
        w.read_only = false;
}

static void write_dropin(void)
{
        world_write(&w, DROPIN,
                "peios-registry: 1\nlayer: site\nprecedence: 1\nhives: [Users]\n"
                "keys:\n  \\App: { A: !dword 5 }\n  Users\\U: { A: !dword 6 }\n");
}

START_TEST(read_only_without_state)
{
        world_close(&w);
        _cleanup_free_ char *dir = path_join(w.root, "var");
        remove_tree(dir);
        write_dropin();
        use_read_only();
        open_read_only();
        ck_assert_str_eq(world_get(&w, "\\System\\Audit\\Modules", "TaintEvents"), "'enabled'@default");
        ck_assert_str_eq(world_get(&w, "\\New\\Key", "V"), "ENOENT");
}
END_TEST

START_TEST(read_only_with_state)
{
        world_do(&w, "set - \\App V 1\nset - \\App A 1");
        write_dropin();
        world_close(&w);
        use_read_only();
        open_read_only();
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@base");
        world_close(&w);
        w.read_only = false;
        ck_assert_int_eq(world_open(&w), 0);
        ck_assert_str_eq(world_get(&w, "\\New\\Key", "V"), "ENOENT");
}
END_TEST

START_TEST(read_only_beside_a_provider)
{
        struct registry *provider;

        world_do(&w, "set - \\App V 1");
        write_dropin();
        provider = w.r;
        w.r = NULL;
        use_read_only();
        w.r = provider;
        world_do(&w, "set - \\App V 2");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@base");
}
END_TEST

START_TEST(read_only_with_a_torn_end)
{
        world_do(&w, "set - \\App V 1");
        write_dropin();
        world_close(&w);
        _cleanup_free_ char *journal = path_join(w.root, STATE "/journal-0000000000000001");
        _cleanup_close_ int fd = open(journal, O_RDWR | O_CLOEXEC);
        _cleanup_buf_ struct buf text = BUF_INIT;
        ck_assert_int_eq(read_fd(fd, SIZE_MAX / 4, &text), 0);
        while (text.len > 0 && text.data[text.len - 1] == '\0')
                text.len--;
        ck_assert_int_eq(pwrite(fd, "torn", 4, (off_t)text.len + 16), 4);
        use_read_only();
}
END_TEST

START_TEST(one_provider)
{
        struct world second = { .root = w.root, .schema = w.schema };
        ck_assert_int_eq(world_open(&second), -EBUSY);
        ck_assert_ptr_nonnull(strstr(second.d.text, "another"));
        ck_assert_ptr_null(second.r);
}
END_TEST

START_TEST(no_directory)
{
        world_close(&w);
        _cleanup_free_ char *dir = path_join(w.root, STATE);
        remove_tree(dir);
        world_write(&w, STATE, "no directory");
        ck_assert_int_lt(world_open(&w), 0);
        ck_assert_str_ne(w.d.text, "");
        w.read_only = true;
        ck_assert_int_lt(world_open(&w), 0);
        ck_assert_str_ne(w.d.text, "");
}
END_TEST

START_TEST(first_start)
{
        ck_assert_uint_eq(registry_hives(w.r)->n, 1);
        ck_assert_uint_eq(store_counts(registry_store(w.r)).keys, 1);
        struct dump before = world_dump(&w, false);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after the first start");
        dump_done(&before);
        dump_done(&after);
}
END_TEST

START_TEST(volatile_keys)
{
        struct dump before = { 0 }, after = { 0 };

        world_do(&w, "set - \\Kept V 1");
        _cleanup_free_ char *dir = path_join(w.root, STATE);
        /* The first one sets a block of sequence numbers aside; that is all that the disk sees. */
        world_do(&w, "vset - \\First V 1");
        print_tree(&before, dir);
        world_expect(&w, "vset - \\Tmp\\Run V 1",
                "subkey-created Machine Tmp\n"
                "subkey-created Machine\\Tmp Run\n"
                "value-set Machine\\Tmp\\Run V=1@base\n");
        /* Children of a volatile key are volatile too. */
        world_do(&w, "set - \\Tmp\\Run\\Child V 1\nmk - \\Tmp\\Other");
        world_do(&w, "del - \\Tmp\\Run V");
        world_do(&w, "rmr - \\Tmp\\Run");
        world_do(&w, "vmk - \\Kept\\Brief");
        world_do(&w, "rm - \\Kept\\Brief");
        print_tree(&after, dir);
        dump_assert_equal(&before, &after, "nothing reached the disk");
        dump_done(&before);
        dump_done(&after);

        /* In a key that is kept, the value is. */
        world_do(&w, "vset - \\Kept W 2\nvset - \\Kept\\Run V 3");
        ck_assert_int_eq(registry_fold(w.r, 0, NULL), 0);
        world_do(&w, "vset - \\Kept\\Run W 3\nset - \\Last V 4");
        before = world_dump(&w, true);
        uint64_t sequence = registry_sequence(w.r);
        world_crash(&w);
        after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
        ck_assert_str_eq(world_get(&w, "\\Kept", "W"), "2@base");
        ck_assert_str_eq(world_get(&w, "\\Kept\\Run", "V"), "ENOENT");
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Other", "V"), "ENOENT");
        /* A write that is kept takes the counter of the others along. */
        ck_assert_uint_eq(registry_sequence(w.r), sequence);
        world_do(&w, "set - \\Tmp\\Run V 1");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Run", "V"), "1@base");
}
END_TEST

START_TEST(volatile_in_two_layers)
{
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w, "vset - \\Tmp\\Run V 1\nset high \\Tmp\\Run V 2\nset high \\Own V 1");
        world_do(&w, "rmr - \\Tmp");
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Run", "V"), "2@high");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\Tmp\\Run", "V"), "ENOENT");
        ck_assert_str_eq(world_get(&w, "\\Own", "V"), "1@high");
        world_do(&w, "vset high \\Tmp\\Run V 1");
        world_do(&w, "rm - \\System\\Registry\\Layers\\high");
        world_crash(&w);
        ck_assert_str_eq(world_get(&w, "\\Own", "V"), "ENOENT");
        ck_assert_uint_eq(registry_layers(w.r)->n, 1);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { read_only_without_state, read_only_with_state,
                read_only_beside_a_provider, read_only_with_a_torn_end, one_provider, no_directory,
                first_start, volatile_keys, volatile_in_two_layers };
        return run_tests_with("registry-open", tests, ARRAY_SIZE(tests), setup, teardown);
}
