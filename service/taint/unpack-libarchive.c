/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>

#include "source.h"

#define LIBRARY "libarchive.so.13"

#define FUNCTIONS(F)                                                                                        \
        F(archive_read_new)                                                                                 \
        F(archive_read_free)                                                                                \
        F(archive_read_open)                                                                                \
        F(archive_read_next_header)                                                                         \
        F(archive_read_data)                                                                                \
        F(archive_errno)                                                                                    \
        F(archive_error_string)                                                                             \
        F(archive_format)                                                                                   \
        F(archive_entry_mtime)                                                                              \
        F(archive_entry_mtime_is_set)                                                                       \
        F(archive_entry_pathname)                                                                           \
        F(archive_entry_filetype)                                                                           \
        FILTERS(F)                                                                                          \
        FORMATS(F)

/* A filter that runs a program in place of a library answers with a warning, and is not taken. */
#define FILTERS(F)                                                                                          \
        F(archive_read_support_filter_gzip)                                                                 \
        F(archive_read_support_filter_bzip2)                                                                \
        F(archive_read_support_filter_xz)                                                                   \
        F(archive_read_support_filter_lzma)                                                                 \
        F(archive_read_support_filter_zstd)                                                                 \
        F(archive_read_support_filter_lz4)

#define FORMATS(F)                                                                                          \
        F(archive_read_support_format_tar)                                                                  \
        F(archive_read_support_format_cpio)                                                                 \
        F(archive_read_support_format_zip_streamable)                                                       \
        F(archive_read_support_format_raw)                                                                  \
        F(archive_read_support_format_empty)

static struct {
        void *library;
#define MEMBER(name) __typeof__(name) *name;
        FUNCTIONS(MEMBER)
#undef MEMBER
} la;

struct unpack {
        struct archive *archive;
        unpack_read_fn read;
        void *userdata;
        int error; /* of the reader: not the archive's */
        bool has_time;
        int64_t time; /* µs since 1970 */
};

static int load(struct diag *d)
{
        if (la.library)
                return 0;
        void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
        if (!library)
                return diag_set(d, EOPNOTSUPP, "packed, and libarchive is not installed; unpack it first");
#define TAKE(name)                                                                                          \
        la.name = (__typeof__(name) *)dlsym(library, #name);                                                \
        if (!la.name) {                                                                                     \
                (void)dlclose(library);                                                                     \
                return diag_set(d, EOPNOTSUPP, "packed, and this libarchive has no %s", #name);             \
        }
        FUNCTIONS(TAKE)
#undef TAKE
        la.library = library;
        return 0;
}

static la_ssize_t on_read(_unused_ struct archive *a, void *userdata, const void **ret)
{
        struct unpack *u = userdata;

        ssize_t n = u->read(u->userdata, ret);
        if (n < 0)
                u->error = (int)n;
        return n < 0 ? ARCHIVE_FATAL : n;
}

/* The reader's own error, or what the library says of the archive. */
static int fail(const struct unpack *u, struct diag *d)
{
        const char *text = la.archive_error_string(u->archive);

        if (u->error < 0)
                return u->error;
        if (la.archive_errno(u->archive) == ENOMEM)
                return -ENOMEM;
        return diag_set(d, EBADMSG, "damaged or cut off; what could be read is counted (%s)",
                text ? text : "no reason given");
}

static int set_up(struct unpack *u, struct diag *d)
{
#define SUPPORT(name)                                                                                       \
        if (la.name(u->archive) != ARCHIVE_OK)                                                              \
                return diag_set(                                                                            \
                        d, EOPNOTSUPP, "packed, and this libarchive would run a program (%s)", #name);
        FILTERS(SUPPORT)
        FORMATS(SUPPORT)
#undef SUPPORT
        int r = la.archive_read_open(u->archive, u, NULL, on_read, NULL);
        return r == ARCHIVE_OK || r == ARCHIVE_WARN ? 0 : fail(u, d);
}

int unpack_open(unpack_read_fn read, void *userdata, struct unpack **ret, struct diag *d)
{
        int r = load(d);
        if (r < 0)
                return r;
        struct unpack *u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        u->read = read;
        u->userdata = userdata;
        u->archive = la.archive_read_new();
        r = u->archive ? set_up(u, d) : -ENOMEM;
        if (r < 0) {
                (void)unpack_close(u);
                return r;
        }
        *ret = u;
        return 0;
}

struct unpack *unpack_close(struct unpack *u)
{
        if (!u)
                return NULL;
        if (u->archive)
                (void)la.archive_read_free(u->archive);
        free(u);
        return NULL;
}

int unpack_next(struct unpack *u, const char **ret_name, struct diag *d)
{
        for (;;) {
                struct archive_entry *entry;
                int r = la.archive_read_next_header(u->archive, &entry);
                if (r == ARCHIVE_EOF)
                        return 0;
                if (r == ARCHIVE_RETRY)
                        continue;
                if (r < ARCHIVE_WARN)
                        return fail(u, d);
                if (la.archive_entry_filetype(entry) != AE_IFREG)
                        continue;
                bool is_raw = la.archive_format(u->archive) == ARCHIVE_FORMAT_RAW;
                const char *name = is_raw ? "" : la.archive_entry_pathname(entry);
                *ret_name = name ? name : "?";
                u->has_time = !is_raw && la.archive_entry_mtime_is_set(entry);
                u->time = u->has_time ? (int64_t)la.archive_entry_mtime(entry) * 1000000 : 0;
                return 1;
        }
}

bool unpack_time(const struct unpack *u, int64_t *ret)
{
        *ret = u->time;
        return u->has_time;
}

ssize_t unpack_data(struct unpack *u, void *buf, size_t n, struct diag *d)
{
        for (;;) {
                la_ssize_t r = la.archive_read_data(u->archive, buf, n);
                if (r >= 0)
                        return r;
                if (r != ARCHIVE_RETRY)
                        return fail(u, d);
        }
}
