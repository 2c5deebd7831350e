/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/values/value.h"

/* More than a record can have; a shorter buffer would get EINVAL. */
#define READ_MAX 16384u

struct kmsg {
        int fd;
        sd_event_source *source;
        uint64_t next_seq;
        bool any;      /* a record was read: next_seq holds */
        bool complete; /* the first record read was number 0 */
        uint64_t lost;
        bool dead;
        size_t at, used; /* what was not taken yet is between them */
        bool skipping;   /* to the end of a line that is too long */
        char data[READ_MAX];
};

/* The number up to `stop`; moves *s behind it. */
static bool take_number(const char **s, const char *end, char stop, uint64_t max, uint64_t *ret)
{
        const char *p = memchr(*s, stop, (size_t)(end - *s));

        if (!p || number_parse(*s, (size_t)(p - *s), max, ret) < 0)
                return false;
        *s = p + 1;
        return true;
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(const char *s, const char *end, char *ret, size_t size)
{
        size_t n = 0;

        while (s < end && n + 1 < size) {
                int high = end - s >= 4 && s[0] == '\\' && s[1] == 'x' ? hex_digit(s[2]) : -1;
                int low = high >= 0 ? hex_digit(s[3]) : -1;
                if (low < 0) {
                        ret[n++] = *s++;
                        continue;
                }
                char c = (char)(high << 4 | low);
                ret[n++] = c == '\0' ? '?' : c;
                s += 4;
        }
        while (n > 0 && (ret[n - 1] == ' ' || ret[n - 1] == '\n'))
                n--;
        ret[n] = '\0';
}

static void parse_caller(const char *s, const char *end, struct kmsg_record *r)
{
        static const char key[] = "caller=";
        const char *at = memmem(s, (size_t)(end - s), key, sizeof(key) - 1);
        uint64_t number;

        if (!at || end - at < (ptrdiff_t)sizeof(key) + 1)
                return;
        at += sizeof(key) - 1;
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if ((*at != 'T' && *at != 'C') ||
                number_parse(at + 1, (size_t)(stop - at - 1), INT32_MAX, &number) < 0)
                return;
        r->caller_kind = *at == 'T' ? KMSG_CALLER_TASK : KMSG_CALLER_CPU;
        r->caller = (uint32_t)number;
}

bool kmsg_record_parse(const char *line, size_t n, struct kmsg_record *ret)
{
        const char *end = line + n, *s = line;
        const char *text = memchr(line, ';', n);
        uint64_t priority, seq, usec;

        if (!text || memchr(line, '\0', n))
                return false;
        if (!take_number(&s, text, ',', UINT32_MAX, &priority) ||
                !take_number(&s, text, ',', UINT64_MAX, &seq) ||
                !take_number(&s, text, ',', UINT64_MAX, &usec))
                return false;
        *ret = (struct kmsg_record){ .level = (unsigned)priority & 7,
                .facility = (unsigned)priority >> 3,
                .seq = seq,
                .usec = usec };
        parse_caller(s, text, ret);
        unescape(text + 1, end, ret->text, sizeof(ret->text));
        return true;
}

struct kmsg *kmsg_free(struct kmsg *k)
{
        if (!k)
                return NULL;
        sd_event_source_disable_unref(k->source);
        closep(&k->fd);
        free(k);
        return NULL;
}

int kmsg_open(const char *root, struct kmsg **ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, "/dev/kmsg");
        struct kmsg *k = path ? calloc(1, sizeof(*k)) : NULL;
        if (!k)
                return -ENOMEM;
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

/* The device gives whole records; whatever else stands there may give any part. */
static bool next_buffered(struct kmsg *k, struct kmsg_record *ret)
{
        char *newline;

        while ((newline = memchr(k->data + k->at, '\n', k->used - k->at))) {
                const char *line = k->data + k->at;
                size_t n = (size_t)(newline - line);
                bool skip = k->skipping;
                k->at += n + 1;
                k->skipping = false;
                /* The lines of a record behind its first hold a dictionary and begin with a blank. */
                if (skip || n == 0 || line[0] == ' ' || !kmsg_record_parse(line, n, ret))
                        continue;
                note_sequence(k, ret->seq);
                return true;
        }
        k->used -= k->at;
        memmove(k->data, k->data + k->at, k->used);
        k->at = 0;
        if (k->used == sizeof(k->data)) {
                k->used = 0;
                k->skipping = true;
        }
        return false;
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

bool kmsg_next(struct kmsg *k, unsigned *reads, struct kmsg_record *ret)
{
        while (!next_buffered(k, ret)) {
                if (k->dead || *reads == 0 || !read_some(k))
                        return false;
                --*reads;
        }
        return true;
}

int kmsg_watch(struct kmsg *k, sd_event *event, sd_event_io_handler_t woken, void *userdata)
{
        return sd_event_add_io(event, &k->source, k->fd, EPOLLIN, woken, userdata);
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
