/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "files.h"

#define ALLOCATION_STEP ((size_t)1 << 20)

void journal_done(struct journal *j)
{
        closep(&j->fd);
        *j = JOURNAL_NONE;
}

/* Preallocates, so that fdatasync(2) need not write the file's new size with every frame. Best effort: where
 * it does not work, a full disk included, the write itself says what is wrong. */
static void allocate(struct journal *j, size_t need)
{
        if (need <= j->allocated || j->no_allocate)
                return;
        size_t size = (need + ALLOCATION_STEP - 1) / ALLOCATION_STEP * ALLOCATION_STEP;
        struct stat st;
        if (fallocate(j->fd, 0, 0, (off_t)size) == 0) {
                j->allocated = size;
                return;
        }
        if (errno == EOPNOTSUPP || errno == ENOSYS)
                j->no_allocate = true;
        /* It may have come a part of the way. */
        if (fstat(j->fd, &st) == 0)
                j->allocated = (size_t)st.st_size;
}

static int write_header(struct journal *j)
{
        uint8_t header[JOURNAL_HEADER_SIZE];

        journal_header_format(&j->header, header);
        allocate(j, sizeof(header));
        int r = pwrite_all(j->fd, header, sizeof(header), 0);
        if (r < 0)
                return r;
        j->end = sizeof(header);
        if (j->allocated < j->end)
                j->allocated = j->end;
        return fsync(j->fd) < 0 ? -errno : 0;
}

int journal_create(int dir_fd, const struct journal_header *h, struct journal *ret, bool *ret_named)
{
        char temporary[FILE_NAME_SIZE], name[FILE_NAME_SIZE];
        struct journal j = { .fd = -1, .header = *h };

        *ret_named = false;
        file_temporary_name(FILE_JOURNAL, h->generation, temporary);
        file_name(FILE_JOURNAL, h->generation, name);
        j.fd = openat(dir_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (j.fd < 0)
                return -errno;
        int r = write_header(&j);
        if (r == 0)
                r = file_rename(dir_fd, temporary, name);
        if (r < 0) {
                (void)unlinkat(dir_fd, temporary, 0);
                journal_done(&j);
                return r;
        }
        *ret_named = true;
        if (fsync(dir_fd) < 0) {
                r = -errno;
                journal_done(&j);
                return r;
        }
        *ret = j;
        return 0;
}

int journal_append(struct journal *j, struct buf *frame, uint64_t sequence, bool *ret_unknown)
{
        struct frame f = {
                .number = j->frames + 1,
                .sequence = sequence,
                .payload = frame->data + FRAME_HEADER_SIZE,
                .size = frame->len - FRAME_HEADER_SIZE,
        };

        *ret_unknown = false;
        frame_format(&j->header, &f, (uint8_t *)frame->data);
        allocate(j, j->end + frame->len);
        int r = pwrite_all(j->fd, frame->data, frame->len, j->end);
        if (r < 0) {
                *ret_unknown = journal_cut(j) < 0;
                return r;
        }
        if (fdatasync(j->fd) < 0) {
                r = -errno;
                *ret_unknown = true;
                return r;
        }
        j->end += frame->len;
        j->frames++;
        if (j->allocated < j->end)
                j->allocated = j->end;
        return 0;
}

int journal_cut(struct journal *j)
{
        if (ftruncate(j->fd, (off_t)j->end) < 0)
                return -errno;
        j->allocated = j->end;
        return 0;
}

bool journal_is_ours(const struct journal *j)
{
        struct stat st;
        return fstat(j->fd, &st) == 0 && st.st_nlink > 0 && st.st_size == (off_t)j->allocated;
}
