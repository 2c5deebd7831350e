/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"

/* More than a record can have; a shorter buffer would get EINVAL. */
#define READ_MAX 16384u
/* A flood is taken in portions, so that everything else goes on. */
#define READS_AT_ONCE 512u
/* More than any buffer holds, but an end: records may come faster than they are read. */
#define READS_OF_RING 1000000u

struct kmsg {
        struct kmsg_callbacks callbacks;
        int fd;
        sd_event_source *source;
        uint64_t next_seq;
        bool any;      /* a record was read: next_seq holds */
        bool complete; /* the first record read was number 0 */
        uint64_t lost;
        bool dead;
        size_t used;
        bool skipping; /* to the end of a line that is too long */
        char data[READ_MAX];
};

struct kmsg *kmsg_free(struct kmsg *k)
{
        if (!k)
                return NULL;
        sd_event_source_disable_unref(k->source);
        closep(&k->fd);
        free(k);
        return NULL;
}

int kmsg_open(const char *root, const struct kmsg_callbacks *callbacks, struct kmsg **ret, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, "/dev/kmsg");
        struct kmsg *k = path ? calloc(1, sizeof(*k)) : NULL;
        if (!k)
                return -ENOMEM;
        k->callbacks = *callbacks;
        k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (k->fd < 0) {
                int error = errno;
                (void)kmsg_free(k);
                return diag_set(d, error, "%s: cannot be opened: %s", path, strerror(error));
        }
        *ret = k;
        return 0;
}

static void note_sequence(struct kmsg *k, uint64_t seq)
{
        if (!k->any)
                k->complete = seq == 0;
        else if (seq > k->next_seq)
                k->lost += seq - k->next_seq;
        k->any = true;
        k->next_seq = seq + 1;
}

static void take_line(struct kmsg *k, const char *line, size_t n)
{
        struct kmsg_record r;

        /* The lines of a record behind its first hold a dictionary and begin with a blank. */
        if (n == 0 || line[0] == ' ' || !kmsg_record_parse(line, n, &r))
                return;
        note_sequence(k, r.seq);
        k->callbacks.record(&r, k->callbacks.userdata);
}

/* The device gives whole records; whatever else stands there may give any part. */
static void take_lines(struct kmsg *k)
{
        size_t done = 0;

        for (;;) {
                char *newline = memchr(k->data + done, '\n', k->used - done);
                if (!newline)
                        break;
                size_t n = (size_t)(newline - (k->data + done));
                if (!k->skipping)
                        take_line(k, k->data + done, n);
                k->skipping = false;
                done += n + 1;
        }
        k->used -= done;
        memmove(k->data, k->data + done, k->used);
        if (k->used == sizeof(k->data)) {
                k->used = 0;
                k->skipping = true;
        }
}

static void die(struct kmsg *k, int error)
{
        log_warning("the kernel log cannot be read any more: %s", error ? strerror(error) : "it ended");
        k->source = sd_event_source_disable_unref(k->source);
        k->dead = true;
}

/* True while there may be more. */
static bool read_some(struct kmsg *k)
{
        ssize_t n = read(k->fd, k->data + k->used, sizeof(k->data) - k->used);

        if (n > 0) {
                k->used += (size_t)n;
                take_lines(k);
                return true;
        }
        /* EPIPE: the next record was overwritten; the sequence shows how many. */
        if (n < 0 && (errno == EINTR || errno == EPIPE))
                return true;
        if (n < 0 && errno == EAGAIN)
                return false;
        /* A device has no end; at that of a file nobody is waiting. */
        if (n < 0 || k->source)
                die(k, n < 0 ? errno : 0);
        return false;
}

static void read_up_to(struct kmsg *k, unsigned reads)
{
        for (unsigned i = 0; i < reads && !k->dead; i++)
                if (!read_some(k))
                        return;
}

void kmsg_drain(struct kmsg *k)
{
        read_up_to(k, READS_AT_ONCE);
}

void kmsg_read_ring(struct kmsg *k)
{
        read_up_to(k, READS_OF_RING);
}

static int on_readable(
        _unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct kmsg *k = userdata;

        kmsg_drain(k);
        k->callbacks.woken(k->callbacks.userdata);
        return 0;
}

int kmsg_watch(struct kmsg *k, sd_event *event)
{
        return sd_event_add_io(event, &k->source, k->fd, EPOLLIN, on_readable, k);
}

bool kmsg_alive(const struct kmsg *k)
{
        return !k->dead;
}

uint64_t kmsg_lost(const struct kmsg *k)
{
        return k->lost;
}

bool kmsg_complete(const struct kmsg *k)
{
        return k->complete && k->lost == 0;
}
