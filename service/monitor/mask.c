/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mask.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../../schema/values/value.h"

#define TEXT_MAX 32u

struct mask {
        char *path;
        int fd; /* -1: not open */
        struct stat st;
};

int mask_new(const char *root, struct mask **ret)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_SYSCTL "/kernel/tainted");
        struct mask *m = path ? malloc(sizeof(*m)) : NULL;

        if (!m)
                return -ENOMEM;
        *m = (struct mask){ .path = STEAL_PTR(path), .fd = -1 };
        *ret = m;
        return 0;
}

struct mask *mask_free(struct mask *m)
{
        if (!m)
                return NULL;
        closep(&m->fd);
        free(m->path);
        free(m);
        return NULL;
}

const char *mask_path(const struct mask *m)
{
        return m->path;
}

static bool same_kind(int a, int b)
{
        struct statfs x, y;

        return fstatfs(a, &x) == 0 && fstatfs(b, &y) == 0 && x.f_type == y.f_type;
}

/* 0 where the descriptor is of what stands at the path, 1 where it is so now, or negative errno. */
static int hold(struct mask *m, struct diag *d)
{
        struct stat st;

        if (m->fd >= 0 && stat(m->path, &st) == 0 && st.st_dev == m->st.st_dev && st.st_ino == m->st.st_ino)
                return 0;
        _cleanup_close_ int fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return diag_set(d, errno, "%s: cannot be opened: %s", m->path, strerror(errno));
        if (!S_ISREG(st.st_mode) || (m->fd >= 0 && !same_kind(fd, m->fd)))
                return diag_set(d, ESTALE, "%s: something else stands there, expected the kernel's own file",
                        m->path);
        closep(&m->fd);
        m->fd = steal_fd(&fd);
        m->st = st;
        return 1;
}

static int read_held(struct mask *m, uint64_t *ret, struct diag *d)
{
        char text[TEXT_MAX];
        ssize_t n;

        do
                n = pread(m->fd, text, sizeof(text), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return diag_set(d, errno, "%s: cannot be read: %s", m->path, strerror(errno));
        /* Without its newline a number may be half of one. */
        if (n < 2 || text[n - 1] != '\n' || number_parse(text, (size_t)n - 1, UINT64_MAX, ret) < 0)
                return diag_set(d, EBADMSG, "%s: expected one number", m->path);
        return 0;
}

int mask_read(struct mask *m, uint64_t *ret, struct diag *d)
{
        d->text[0] = '\0';
        int held = hold(m, d);
        if (held < 0 && m->fd < 0)
                return held;
        int r = read_held(m, ret, d);
        return r < 0 ? r : held > 0;
}

struct mask_change mask_tracker_see(struct mask_tracker *t, uint64_t mask, uint64_t now)
{
        t->early &= ~mask;
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if ((t->early & TAINT_MASK(bit)) && now >= t->since[bit] + MASK_EARLY_USEC)
                        t->early &= ~TAINT_MASK(bit);
        mask |= t->early;

        uint64_t known = t->reported | t->waiting;
        struct mask_change change = { .appeared = mask & ~known, .cleared = known & ~mask };

        t->waiting |= change.appeared;
        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if (change.appeared & TAINT_MASK(bit))
                        t->since[bit] = now;
        return change;
}

void mask_tracker_report(struct mask_tracker *t, unsigned bit)
{
        t->reported |= TAINT_MASK(bit);
        t->waiting &= ~TAINT_MASK(bit);
}

void mask_tracker_report_early(struct mask_tracker *t, unsigned bit, uint64_t now)
{
        mask_tracker_report(t, bit);
        t->early |= TAINT_MASK(bit);
        t->since[bit] = now;
}

void mask_tracker_clear(struct mask_tracker *t, unsigned bit)
{
        t->reported &= ~TAINT_MASK(bit);
        t->waiting &= ~TAINT_MASK(bit);
        t->early &= ~TAINT_MASK(bit);
}

uint64_t mask_tracker_waited(const struct mask_tracker *t, unsigned bit, uint64_t now)
{
        return (t->waiting & TAINT_MASK(bit)) && now > t->since[bit] ? now - t->since[bit] : 0;
}

uint64_t mask_tracker_oldest(const struct mask_tracker *t)
{
        uint64_t oldest = UINT64_MAX;

        for (unsigned bit = 0; bit < TAINT_BITS; bit++)
                if ((t->waiting & TAINT_MASK(bit)) && t->since[bit] < oldest)
                        oldest = t->since[bit];
        return oldest;
}
