/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "log.h"

char *file_path(const char *root, const char *path)
{
        size_t n = root ? strlen(root) : 0;
        while (n > 0 && root[n - 1] == '/')
                n--;
        char *ret = malloc(n + strlen(path) + 1);
        if (!ret)
                return NULL;
        if (n > 0)
                memcpy(ret, root, n);
        (void)stpcpy(ret + n, path);
        return ret;
}

int file_exec_beside(const char *name, char *const *arguments)
{
        char self[PATH_MAX], program[PATH_MAX];
        struct stat st;

        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n < 0)
                return -errno;
        self[n] = '\0';
        char *own = strrchr(self, '/');
        if (!own || snprintf(program, sizeof(program), "%.*s/%s", (int)(own - self), self, name) >= PATH_MAX)
                return -ENAMETOOLONG;
        *own = '\0';
        if (stat(self, &st) < 0)
                return -errno;
        if (st.st_mode & S_IWOTH)
                return -ENOENT;
        (void)execv(program, arguments);
        return -errno;
}

int file_check_root(const char *root, struct diag *d)
{
        struct stat st;

        if (root[0] == '\0')
                return diag_set(d, EINVAL, "--root=: expected a directory; the real root is /");
        if (stat(root, &st) < 0) {
                int error = errno;
                return diag_set(d, error, "--root=%s: %s", root, strerror(error));
        }
        return S_ISDIR(st.st_mode) ? 0 : diag_set(d, ENOTDIR, "--root=%s: expected a directory", root);
}

int file_read_fd(int fd, size_t limit, struct buf *ret)
{
        for (;;) {
                if (ret->size - ret->len < 2 && buf_reserve(ret, 16384) < 0)
                        return ret->error;
                ssize_t n = read(fd, ret->data + ret->len, ret->size - ret->len - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                ret->len += (size_t)n;
                ret->data[ret->len] = '\0';
                if (ret->len > limit)
                        return -EFBIG;
        }
}

static int check_regular(const char *path, const struct stat *st, struct diag *d)
{
        if (S_ISDIR(st->st_mode))
                return diag_set(d, EISDIR, "%s: is a directory, expected a regular file", path);
        if (!S_ISREG(st->st_mode))
                return diag_set(d, EINVAL,
                        "%s: is not a regular file (a FIFO, socket or device), expected one", path);
        return 0;
}

int file_open(int dir_fd, const char *path, int flags, mode_t mode, struct stat *ret_st, struct diag *d)
{
        /* O_NONBLOCK: opening a FIFO whose other end nobody has must not hang. */
        _cleanup_close_ int fd = openat(dir_fd, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0) {
                int error = errno;
                return diag_set(d, error, "%s: cannot be opened: %s", path, strerror(error));
        }

        struct stat st;
        if (fstat(fd, &st) < 0)
                return diag_set(d, errno, "%s: fstat failed", path);
        int r = check_regular(path, &st, d);
        if (r < 0)
                return r;
        if (ret_st)
                *ret_st = st;
        return steal_fd(&fd);
}

int file_read(
        int dir_fd, const char *path, size_t limit, struct buf *ret, struct stat *ret_st, struct diag *d)
{
        struct stat st = { 0 };
        _cleanup_close_ int fd = file_open(dir_fd, path, O_RDONLY, 0, &st, d);
        if (fd < 0)
                return fd;
        if (st.st_size > 0 && (uint64_t)st.st_size > limit)
                return diag_set(d, EFBIG, "%s: is %lld bytes large, at most %zu are read", path,
                        (long long)st.st_size, limit);
        /* With room for the read that finds the end. */
        if (st.st_size > 0)
                (void)buf_reserve(ret, (size_t)st.st_size + 1);
        int r = file_read_fd(fd, limit, ret);
        if (r == -EFBIG)
                return diag_set(d, EFBIG, "%s: is larger than %zu bytes", path, limit);
        if (r < 0)
                return diag_set(d, -r, "%s: cannot be read: %s", path, strerror(-r));
        if (ret_st)
                *ret_st = st;
        return 0;
}

int file_read_line(int dir_fd, const char *path, size_t limit, struct buf *ret, struct diag *d)
{
        int r = file_read(dir_fd, path, limit, ret, NULL, d);
        if (r == 0 && ret->data) {
                ret->len = strcspn(ret->data, "\n");
                ret->data[ret->len] = '\0';
        }
        return r;
}

int file_write_all(int fd, const void *data, size_t n)
{
        for (const char *p = data; n > 0;) {
                ssize_t w = write(fd, p, n);
                if (w < 0 && errno == EINTR)
                        continue;
                if (w < 0)
                        return -errno;
                if (w == 0) /* no error, no progress: trying again could go on for ever */
                        return -EIO;
                p += w;
                n -= (size_t)w;
        }
        return 0;
}

int file_copy(int from, int to)
{
        char bytes[64 * 1024];

        for (;;) {
                ssize_t n = read(from, bytes, sizeof(bytes));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                int r = file_write_all(to, bytes, (size_t)n);
                if (r < 0)
                        return r;
        }
}

static int write_and_sync(int dir_fd, const char *temporary, const void *data, size_t n, mode_t mode)
{
        _cleanup_close_ int fd =
                openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0)
                return -errno;
        int r = file_write_all(fd, data, n);
        if (r < 0)
                return r;
        return fsync(fd) < 0 ? -errno : 0;
}

int file_replace(int dir_fd, const char *name, const void *data, size_t n, mode_t mode)
{
        char temporary[NAME_MAX + 1];
        int len = snprintf(temporary, sizeof(temporary), ".%s.tmp", name);
        if (len < 0 || (size_t)len >= sizeof(temporary))
                return -ENAMETOOLONG;

        /* One writer a directory: a temporary file that is there was left behind by one that was killed. */
        (void)unlinkat(dir_fd, temporary, 0);
        int r = write_and_sync(dir_fd, temporary, data, n, mode);
        if (r == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return fsync(dir_fd) < 0 ? -errno : 0;
}

static int make_dir(const char *path)
{
        struct stat st;
        if (mkdir(path, 0755) == 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        if (stat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_make_dirs(const char *path)
{
        if (*path == '\0')
                return -ENOENT;
        _cleanup_free_ char *copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1;; p++) {
                if (*p != '/' && *p != '\0')
                        continue;
                char c = *p;
                *p = '\0';
                int r = make_dir(copy);
                if (r < 0 || c == '\0')
                        return r;
                *p = c;
        }
}

int file_make_folder(const char *path)
{
        int r = file_make_dirs(path);
        int fd = r < 0 ? r : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 && r == 0 ? -errno : fd;
}

int file_take_run_dir(const char *path, int *ret_fd, struct diag *d)
{
        int fd = file_make_folder(path);
        int r = fd < 0 ? fd : flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;

        if (r == 0) {
                *ret_fd = fd;
                return 0;
        }
        if (fd >= 0)
                (void)close(fd);
        *ret_fd = -1;
        if (r == -EWOULDBLOCK)
                return diag_set(d, EBUSY, "%s: another instance uses this directory", path);
        log_warning("%s: %s; ignoring", path, strerror(-r));
        return 0;
}

#define POLYNOMIAL_REFLECTED UINT32_C(0x82F63B78)
#define SUM_MARK "# crc32c: "
#define SUM_FORMAT SUM_MARK "%08" PRIx32 "\n"
#define SUM_BYTES (sizeof(SUM_MARK "01234567\n") - 1)
#define BAD_FILES_MAX 100u

/* Slicing by four: a table of 4 x 256 entries, made on first use. Building it twice in a race would write
 * the same values, and all callers are on one thread anyway. */
static uint32_t table[4][256];

static void make_table(void)
{
        for (uint32_t i = 0; i < 256; i++) {
                uint32_t c = i;
                for (int k = 0; k < 8; k++)
                        c = (c & 1) ? (c >> 1) ^ POLYNOMIAL_REFLECTED : c >> 1;
                table[0][i] = c;
        }
        for (uint32_t i = 0; i < 256; i++)
                for (size_t t = 1; t < ARRAY_SIZE(table); t++)
                        table[t][i] = (table[t - 1][i] >> 8) ^ table[0][table[t - 1][i] & 0xFF];
}

uint32_t file_sum(uint32_t crc, const void *data, size_t n)
{
        const uint8_t *p = data;

        if (table[0][1] == 0)
                make_table();
        crc = ~crc;
        for (; n >= 4; n -= 4, p += 4) {
                crc ^= (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
                crc = table[3][crc & 0xFF] ^ table[2][(crc >> 8) & 0xFF] ^ table[1][(crc >> 16) & 0xFF] ^
                      table[0][crc >> 24];
        }
        for (; n > 0; n--, p++)
                crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xFF];
        return ~crc;
}

uint32_t file_sum_end(uint32_t sum, struct buf *piece)
{
        size_t body = piece->len;

        sum = file_sum(sum, buf_str(piece), body);
        buf_printf(piece, SUM_FORMAT, sum);
        return file_sum(sum, buf_str(piece) + body, piece->len - body);
}

static int check_line(const char *path, const char *line, size_t n, uint32_t sum, struct diag *d)
{
        char expected[SUM_BYTES + 1];

        (void)snprintf(expected, sizeof(expected), SUM_FORMAT, sum);
        if (n == SUM_BYTES && memcmp(line, expected, SUM_BYTES) == 0)
                return 0;
        return diag_set(d, EINVAL, "%s: is damaged or was edited, expected '%.*s'", path, (int)SUM_BYTES - 1,
                expected);
}

static int damaged(const char *path, size_t at, struct diag *d)
{
        return diag_set(d, EINVAL, "%s: is damaged or was edited after byte %zu", path, at);
}

int file_sum_check(const char *path, const char *text, size_t n, size_t *ret, struct diag *d)
{
        uint32_t sum = 0;
        size_t sound = 0;

        for (size_t at = 0, next; at < n; at = next) {
                const char *end = memchr(text + at, '\n', n - at);
                next = end ? (size_t)(end - text) + 1 : n;
                if (text[at] == '#' && (end || next - at >= SUM_BYTES)) {
                        int r = check_line(path, text + at, next - at, sum, d);
                        if (r < 0)
                                return r;
                        sound = next;
                } else if (sound > 0 && text[at] != ' ' && text[at] != '#') {
                        return damaged(path, at, d);
                }
                sum = file_sum(sum, text + at, next - at);
        }
        if (sound == 0)
                return diag_set(d, EINVAL, "%s: is cut short, expected a checksum line", path);
        *ret = sound;
        /* A whole line of a sum is not what was cut short. */
        bool ends_in_sum = n - sound >= SUM_BYTES && text[n - 1] == '\n' &&
                           memcmp(text + n - SUM_BYTES, SUM_MARK, sizeof(SUM_MARK) - 1) == 0;
        return ends_in_sum ? damaged(path, sound, d) : 0;
}

void file_set_aside(const char *path, struct diag *d)
{
        for (unsigned i = 0; i < BAD_FILES_MAX; i++) {
                _cleanup_buf_ struct buf to = BUF_INIT;
                buf_printf(&to, i == 0 ? "%s.bad" : "%s.bad.%u", path, i);
                if (to.error == 0 && renameat2(AT_FDCWD, path, AT_FDCWD, to.data, RENAME_NOREPLACE) == 0) {
                        diag_prefix(d, "set aside as '%s'", to.data);
                        return;
                }
                if (to.error < 0 || errno != EEXIST)
                        break;
        }
        diag_prefix(d, "ignored, and cannot be set aside");
}
