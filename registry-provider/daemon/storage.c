/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store's folder: taken for this process, opened, and kept up in quiet moments. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/events/timer.h"
#include "../../schema/layout.h"
#include "manager-internal.h"

#define QUIET_USEC UINT64_C(10000000)

/* The boot-time apply holds the lock while it reads, a few milliseconds. */
#define LOCK_TRIES 40u
#define LOCK_WAIT_USEC 25000u

static int take_lock(struct manager *m, const char *path, struct diag *d)
{
        int error = 0;

        m->lock_fd = open_regular(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, NULL, d);
        if (m->lock_fd < 0)
                return m->lock_fd;
        for (unsigned i = 0; i < LOCK_TRIES; i++) {
                if (flock(m->lock_fd, LOCK_EX | LOCK_NB) == 0)
                        return 0;
                error = errno;
                if (error != EWOULDBLOCK)
                        break;
                (void)usleep(LOCK_WAIT_USEC);
        }
        return diag_set(d, error == EWOULDBLOCK ? EBUSY : error, "%s: %s", path,
                error == EWOULDBLOCK ? "another peios-registryd uses this folder" : strerror(error));
}

/* SQLite would make it readable for everybody, and open whatever stands there. */
static int make_file(const char *path, struct diag *d)
{
        int fd = open_regular(AT_FDCWD, path, O_RDWR | O_CREAT, 0600, NULL, d);

        if (fd < 0)
                return fd;
        (void)close(fd);
        return 0;
}

int storage_open(struct manager *m, struct store **ret, struct diag *d)
{
        _cleanup_free_ char *folder = root_path(m->root, LAYOUT_STATE);
        _cleanup_free_ char *lock = root_path(m->root, LAYOUT_STORE_LOCK);
        _cleanup_free_ char *file = root_path(m->root, LAYOUT_STORE);

        if (!folder || !lock || !file)
                return -ENOMEM;
        int r = make_dirs(folder);
        if (r < 0)
                return diag_set(d, -r, "%s cannot be made: %s", folder, strerror(-r));
        r = take_lock(m, lock, d);
        if (r == 0)
                r = make_file(file, d);
        return r < 0 ? r : store_open(file, STORE_WRITE, m->value_max, ret, d);
}

static void set_timer(struct manager *m)
{
        int r = timer_start(m->quiet_timer, QUIET_USEC);
        if (r < 0)
                log_warning("cannot set the timer for quiet moments: %s; ignoring", strerror(-r));
}

static int on_quiet(_unused_ sd_event_source *s, _unused_ uint64_t usec, _unused_ void *userdata)
{
        /* Loading and previews take memory for a moment; an idle service gives it back. */
        (void)malloc_trim(0);
        return 0;
}

int storage_start(struct manager *m)
{
        return timer_new(m->event, 1000000, on_quiet, m, &m->quiet_timer);
}

void storage_changed(struct manager *m)
{
        set_timer(m);
}

/* Who asks again and again must not put it off. */
void storage_tried(struct manager *m)
{
        if (!timer_runs(m->quiet_timer))
                set_timer(m);
}
