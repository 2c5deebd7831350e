/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives and compressed files: read whole, cut off, damaged, packed twice and three times, larger than
 * their bounds, and of kinds that are not read. */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../service/taint/source.h"
#include "scratch.h"
#include "suite.h"
#include "scan-folder.h"

static const char report[] =
        "[    1.000000] Modules linked in: nvidia(POE) ext4\n"
        "[    1.000001] CPU: 0 PID: 1 Comm: init Tainted: P           OE      6.1.0-13-amd64 #1\n";
static const char other[] = "[    2.000001] CPU: 0 PID: 9 Comm: kthreadd Not tainted 6.1.0-14-amd64 #1\n";

struct file {
        const char *name;
        const void *data;
        size_t n;
};

static void pack(const char *path, int filter, int format, const struct file *files, size_t n_files)
{
        struct archive *a = archive_write_new();

        ck_assert_int_eq(archive_write_add_filter(a, filter), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_set_format(a, format), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_open_filename(a, path), ARCHIVE_OK);
        for (size_t i = 0; i < n_files; i++) {
                struct archive_entry *e = archive_entry_new();
                archive_entry_set_pathname(e, files[i].name);
                archive_entry_set_filetype(e, AE_IFREG);
                archive_entry_set_perm(e, 0644);
                archive_entry_set_size(e, (la_int64_t)files[i].n);
                ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
                ck_assert_int_eq(archive_write_data(a, files[i].data, files[i].n), (la_ssize_t)files[i].n);
                archive_entry_free(e);
        }
        ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
        archive_write_free(a);
}

static void pack_one(const char *path, int filter, const void *data, size_t n)
{
        pack(path, filter, ARCHIVE_FORMAT_RAW, &(struct file){ "x", data, n }, 1);
}

static const struct {
        const char *name;
        int code;
} filters[] = { { "gzip", ARCHIVE_FILTER_GZIP }, { "bzip2", ARCHIVE_FILTER_BZIP2 },
        { "xz", ARCHIVE_FILTER_XZ }, { "lzma", ARCHIVE_FILTER_LZMA }, { "zstd", ARCHIVE_FILTER_ZSTD },
        { "lz4", ARCHIVE_FILTER_LZ4 } };

TEST(compressed)
{
        for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
                struct scan s;
                pack_one("log", filters[i].code, report, sizeof(report) - 1);
                scan_of(&s, "log");
                ck_assert_msg(
                        s.n_skipped == 0, "%s: %s", filters[i].name, s.n_skipped ? s.skipped[0].reason : "");
                ck_assert_uint_eq(s.n_files, 1);
                ck_assert_str_eq(s.files[0], "log");
                ck_assert_uint_eq(s.bytes, sizeof(report) - 1);
                ck_assert_uint_eq(s.flags[13].reports, 1);
                ck_assert_uint_eq(s.modules.map.used, 1);
                scan_done(&s);
        }
}

static const struct file sos[] = {
        { "sos/dmesg", report, sizeof(report) - 1 },
        { "sos/empty", "", 0 },
        { "sos/messages", other, sizeof(other) - 1 },
};

/* A tarball and its folder give the same counts. */
TEST(archives)
{
        static const struct {
                int filter, format;
        } cases[] = { { ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_USTAR },
                { ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_GNUTAR },
                { ARCHIVE_FILTER_XZ, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED },
                { ARCHIVE_FILTER_GZIP, ARCHIVE_FORMAT_CPIO_SVR4_NOCRC },
                { ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_ZIP } };
        struct scan folder;

        ck_assert_int_eq(mkdir("sos", 0755), 0);
        for (size_t i = 0; i < ARRAY_SIZE(sos); i++)
                put(sos[i].name, sos[i].data, sos[i].n);
        scan_of(&folder, "sos");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct scan s;
                pack("report", cases[i].filter, cases[i].format, sos, ARRAY_SIZE(sos));
                scan_of(&s, "report");
                ck_assert_msg(s.n_skipped == 0 && s.n_files == folder.n_files && s.bytes == folder.bytes &&
                                      s.reports == folder.reports && s.clean == folder.clean,
                        "case %zu: %u files, %lu bytes, %lu tainted, %lu clean", i, s.n_files, s.bytes,
                        s.reports, s.clean);
                ck_assert_str_eq(s.files[0], "report/sos/dmesg");
                ck_assert_str_eq(s.files[2], "report/sos/messages");
                scan_done(&s);
        }
        scan_done(&folder);
}

static size_t read_back(const char *path, char *buf, size_t size)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, buf, size);

        ck_assert_int_gt(n, 0);
        return (size_t)n;
}

/* A rotated log in an archive is read; what is packed once more is named. */
static void scan_with(struct scan *s, const char *name, const struct source_limits *limits)
{
        _cleanup_free_ char *path = strdup(name);
        char *const paths[] = { path, NULL };

        ck_assert_int_eq(scan_init(s, &scan_anything), 0);
        s->limits = *limits;
        ck_assert_int_eq(scan_paths(s, paths), 0);
}

TEST(nested)
{
        char gz[1024], twice[4096];
        struct scan s;

        pack_one("gz", ARCHIVE_FILTER_GZIP, report, sizeof(report) - 1);
        size_t n = read_back("gz", gz, sizeof(gz));
        const struct file files[] = { { "log/messages.1.gz", gz, n },
                { "log/messages", other, sizeof(other) - 1 } };
        pack("sos", ARCHIVE_FILTER_XZ, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED, files, 2);
        scan_of(&s, "sos");
        ck_assert_uint_eq(s.n_skipped, 0);
        ck_assert_uint_eq(s.reports, 1);
        ck_assert_uint_eq(s.clean, 1);
        ck_assert_str_eq(s.files[0], "sos/log/messages.1.gz");
        scan_done(&s);

        size_t size = read_back("sos", twice, sizeof(twice));
        const struct file deep[] = { { "sos.tar.xz", twice, size }, { "dmesg", other, sizeof(other) - 1 } };
        pack("all", ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_USTAR, deep, 2);
        scan_of(&s, "all");
        ck_assert_uint_eq(s.n_skipped, 1);
        ck_assert_str_eq(s.skipped[0].path, "all/sos.tar.xz/log/messages.1.gz");
        ck_assert_ptr_nonnull(strstr(s.skipped[0].reason, "packed more than 2 times"));
        ck_assert_uint_eq(s.clean, 2);
        ck_assert_str_eq(s.files[s.n_files - 1], "all/dmesg");
        scan_done(&s);
        for (uint64_t levels = 0; levels <= SOURCE_LEVELS_MAX; levels++) {
                scan_with(&s, "all", &(struct source_limits){ 1 << 20, 1000, 10, levels });
                ck_assert_uint_eq(s.reports, levels >= 3);
                ck_assert_uint_eq(s.clean, levels > 2 ? 2 : levels);
                ck_assert_uint_eq(s.n_skipped, levels < 3);
                scan_done(&s);
        }
}

TEST(damaged)
{
        char data[1024];

        for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
                pack_one("log", filters[i].code, report, sizeof(report) - 1);
                size_t size = read_back("log", data, sizeof(data));
                for (size_t n = 14; n < size; n += 5) {
                        struct scan s;
                        /* The last bytes of lz4 and lzma are not needed to know that it is whole. */
                        bool may_pass = n + 14 > size;
                        put("log", data, n);
                        scan_of(&s, "log");
                        ck_assert_msg(s.n_skipped == 1 || may_pass, "%s cut to %zu of %zu", filters[i].name,
                                n, size);
                        scan_done(&s);
                        data[n] = (char)(data[n] ^ 0x55);
                        put("log", data, size);
                        scan_of(&s, "log");
                        scan_done(&s);
                        data[n] = (char)(data[n] ^ 0x55);
                }
        }
}

/* A small file that unpacks to a large one ends at the bounds, and what was read until then counts. */
TEST(bombs)
{
        const size_t n = (size_t)8 << 20;
        _cleanup_free_ char *zeros = calloc(1, n);
        struct file files[3];
        struct scan s;

        (void)memcpy(zeros, report, sizeof(report) - 1);
        pack_one("bomb", ARCHIVE_FILTER_XZ, zeros, n);
        scan_with(&s, "bomb", &(struct source_limits){ n / 2, 1000000, 10, 2 });
        ck_assert_uint_eq(s.n_skipped, 1);
        ck_assert_ptr_nonnull(strstr(s.skipped[0].reason, "unpacks to more than 4194304 bytes"));
        ck_assert_uint_eq(s.reports, 1);
        ck_assert_uint_lt(s.bytes, n);
        scan_done(&s);

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                files[i] = (struct file){ "x", report, sizeof(report) - 1 };
        pack("bomb", ARCHIVE_FILTER_NONE, ARCHIVE_FORMAT_TAR_USTAR, files, 3);
        scan_with(&s, "bomb", &(struct source_limits){ n, 1000000, 2, 2 });
        ck_assert_uint_eq(s.n_skipped, 1);
        ck_assert_ptr_nonnull(strstr(s.skipped[0].reason, "holds more than 2 files"));
        ck_assert_uint_eq(s.reports, 2);
        scan_done(&s);
}

/* Taken for text they would be clean. */
TEST(unread)
{
        static const struct {
                const char *data;
                size_t n;
                const char *reason; /* NULL: text */
        } cases[] = {
                { "\x1f\x9d\x90\x41\x84\0\0\0", 8,
                        "compressed with compress, which is not read; unpack it first" },
                { "7z\xbc\xaf\x27\x1c\0\x04", 8,
                        "compressed with 7-Zip, which is not read; unpack it first" },
                { "Rar!\x1a\x07\x01\0", 8, "compressed with rar, which is not read; unpack it first" },
                { "BZh", 3, NULL },
                { "]", 1, NULL },
                { "PKCS #7 signature\n", 18, NULL },
                { "0707 is a number\n", 17, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct scan s;
                put("log", cases[i].data, cases[i].n);
                scan_of(&s, "log");
                ck_assert_uint_eq(s.n_files, cases[i].reason ? 0 : 1);
                ck_assert_uint_eq(s.n_skipped, cases[i].reason ? 1 : 0);
                if (cases[i].reason)
                        ck_assert_str_eq(s.skipped[0].reason, cases[i].reason);
                scan_done(&s);
        }
}

Suite *test_suite(void)
{
        return suite_with("taint-packed", scan_folder_make, scratch_teardown);
}
