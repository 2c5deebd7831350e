/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whole-file reads and durable writes. Every path that a program touches is made here, below its --root. */

#include <stdint.h>
#include <sys/stat.h>

#include "buf.h"
#include "diag.h"

/* `root` (NULL or "" or "/" for the real one) + `path`, malloc()ed; `path` is absolute. NULL on ENOMEM. */
_must_check_ char *file_path(const char *root, const char *path);

/* What --root was given: an empty text, which would mean the real root, and what is no directory are
 * refused. 0 or a negative errno with d set. */
_must_check_ int file_check_root(const char *root, struct diag *d);

/* Opens a regular file, and never waits: what else stands there (a FIFO, a device, a directory) is refused,
 * and so is a link where `flags` have O_NOFOLLOW. `mode` counts with O_CREAT. The only way to a file that
 * somebody else may have put there. A descriptor, -ENOENT (and d untouched), -EISDIR, -EINVAL for what is no
 * regular file, or another negative errno, with the reason in d. `ret_st` may be NULL. */
_must_check_ int file_open(
        int dir_fd, const char *path, int flags, mode_t mode, struct stat *ret_st, struct diag *d);

/* Reads a regular file of at most `limit` bytes, NUL bytes and all; opened as above, links followed.
 * `ret_st` (may be NULL) is the file that was read. Returns 0, -ENOENT (and d untouched), -EISDIR, -EFBIG,
 * or another negative errno, with the reason in d. */
_must_check_ int file_read(
        int dir_fd, const char *path, size_t limit, struct buf *ret, struct stat *ret_st, struct diag *d);

/* As file_read(), and the first line alone, without its end. */
_must_check_ int file_read_line(int dir_fd, const char *path, size_t limit, struct buf *ret, struct diag *d);

/* Reads until EOF or `limit` from an open descriptor (short reads and EINTR are handled). -EFBIG past it. */
_must_check_ int file_read_fd(int fd, size_t limit, struct buf *ret);

/* write(2) until everything is written; 0 or negative errno (-EIO where a write makes no progress). */
_must_check_ int file_write_all(int fd, const void *data, size_t n);
/* The rest of one into the other, the same way. */
_must_check_ int file_copy(int from, int to);

/* Replaces `name` in the directory `dir_fd` so that after a power cut either the old or the new file is
 * there, whole: temporary file, fsync, rename, fsync of the directory. 0 or negative errno; on error no
 * temporary file stays and the old file is untouched, unless it was the last step that failed: then the new
 * file is there and a power cut may bring the old one back. */
_must_check_ int file_replace(int dir_fd, const char *name, const void *data, size_t n, mode_t mode);

/* Makes `path` and its parents (mode 0755) where they are missing. 0 or negative errno, -ENOTDIR where
 * something else has the name. */
_must_check_ int file_make_dirs(const char *path);
/* The same, and a descriptor of it, or negative errno. */
_must_check_ int file_make_folder(const char *path);

/* Makes a daemon's own directory and takes it for this process, as long as *ret_fd is open. -EBUSY with d
 * set where another one has it; 0 and -1 where it cannot be had at all, which is logged. */
_must_check_ int file_take_run_dir(const char *path, int *ret_fd, struct diag *d);

/* Runs the program of this name beside this one, in this one's place; none where anybody may put one there,
 * as beside a copy in /tmp. Returns a negative errno. */
int file_exec_beside(const char *name, char *const *arguments);

/* Text files that end in a checksum line, `# crc32c: 01234567`, of all that stands before it. What is
 * appended later ends in one as well. */

/* CRC-32C (Castagnoli, as in RFC 3720 B.4). Start with crc 0; chain by passing the previous result. */
uint32_t file_sum(uint32_t crc, const void *data, size_t n);

/* Ends the piece with its line; `sum` is of what the file holds before it (0: nothing). Returns the sum of
 * both. */
uint32_t file_sum_end(uint32_t sum, struct buf *piece);

/* *ret: how many bytes have their sum. Behind those may stand what a kill cut short of a piece that was
 * appended, whose lines but the last are indented. 0; -EINVAL with d set: damaged, or no sum is there. */
_must_check_ int file_sum_check(const char *path, const char *text, size_t n, size_t *ret, struct diag *d);

/* Renames a file that cannot be understood, never over an earlier one: it may be the only trace of what went
 * wrong. d says so in front of what it says already. */
void file_set_aside(const char *path, struct diag *d);
