/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../base/array.h"
#include "../base/buf.h"
#include "../base/file.h"
#include "../base/log.h"

/* A file that something else filled is not read to its end. */
#define READ_MAX (64u * 1024u * 1024u)

struct entry {
        struct sender_record record; /* its text is below, its cookie the number */
        char *text;
};

struct spool {
        pthread_mutex_t lock;
        char *file;
        int fd;
        off_t size;
        off_t rewrite_at;   /* at this size */
        struct entry *list; /* not marked; by number */
        size_t n;
};

/* A record that comes back has an older number than others that are there. */
static int remember(struct spool *s, const struct entry *e)
{
        if (array_grow(&s->list, s->n, sizeof(*s->list)) < 0)
                return -ENOMEM;
        size_t i = s->n++;
        for (; i > 0 && s->list[i - 1].record.cookie > e->record.cookie; i--)
                s->list[i] = s->list[i - 1];
        s->list[i] = *e;
        return 0;
}

static bool forget(struct spool *s, uint64_t number)
{
        for (size_t i = 0; i < s->n; i++) {
                if (s->list[i].record.cookie != number)
                        continue;
                free(s->list[i].text);
                s->n--;
                memmove(&s->list[i], &s->list[i + 1], (s->n - i) * sizeof(*s->list));
                return true;
        }
        return false;
}

static int add_entry(struct spool *s, const struct sender_record *record)
{
        struct entry e = { .record = *record, .text = strdup(record->text) };

        if (!e.text)
                return -ENOMEM;
        e.record.text = e.text;
        /* One whose mark could not be written stands there still. */
        (void)forget(s, record->cookie);
        int r = remember(s, &e);
        if (r < 0)
                free(e.text);
        return r;
}

/* What follows `+NUMBER`. */
static bool parse_rest(const char *text, struct sender_record *r)
{
        char *end;

        if (text[0] != ' ' || (text[1] != '0' && text[1] != '1') || text[2] != ' ')
                return false;
        errno = 0;
        r->success = text[1] == '1';
        r->since = strtoll(text + 3, &end, 10);
        r->text = end + 1;
        return errno == 0 && end != text + 3 && *end == ' ';
}

/* 0, also for a line that is none of ours, or -ENOMEM. */
static int take_line(struct spool *s, const char *line, uint64_t *last)
{
        struct sender_record record = { 0 };
        char *end;
        int r = 0;

        if (*line != '+' && *line != '-')
                return 0;
        errno = 0;
        record.cookie = strtoull(line + 1, &end, 10);
        if (errno != 0 || end == line + 1)
                return 0;
        if (*line == '-')
                (void)forget(s, record.cookie);
        else if (parse_rest(end, &record))
                r = add_entry(s, &record);
        else
                return 0;
        if (record.cookie > *last)
                *last = record.cookie;
        return r;
}

static int take_file(struct spool *s, struct buf *text, uint64_t *last)
{
        char *line = text->data, *end;

        s->size = 0;
        while (text->len > 0 && (end = memchr(line, '\n', text->len - (size_t)(line - text->data)))) {
                *end = '\0';
                int r = take_line(s, line, last);
                if (r < 0)
                        return r;
                line = end + 1;
                s->size = line - text->data;
        }
        return ftruncate(s->fd, s->size) < 0 ? -errno : 0;
}

static void put_line(struct buf *line, const struct sender_record *r)
{
        buf_printf(line, "+%" PRIu64 " %d %" PRId64 " ", r->cookie, r->success, r->since);
        buf_puts(line, r->text);
        buf_putc(line, '\n');
}

/* A part of a line would make the next one unreadable. */
static int append(struct spool *s, const struct buf *line)
{
        if (line->error)
                return line->error;
        int r = file_write_all(s->fd, line->data, line->len);
        if (r == 0)
                s->size += (off_t)line->len;
        else if (ftruncate(s->fd, s->size) < 0)
                return -errno;
        return r;
}

static int open_file(const char *file, int flags, struct diag *d)
{
        return file_open(AT_FDCWD, file, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | flags, 0600, NULL, d);
}

/* What is not marked in a file of its own, which takes the old one's place. */
static int rewrite(struct spool *s)
{
        _cleanup_buf_ struct buf text = BUF_INIT, name = BUF_INIT;

        for (size_t i = 0; i < s->n; i++)
                put_line(&text, &s->list[i].record);
        buf_printf(&name, "%s.new", s->file);
        if (text.error || name.error)
                return -ENOMEM;
        (void)unlink(name.data);
        _cleanup_close_ int fd = open_file(name.data, O_EXCL, NULL);
        int r = fd < 0 ? fd : file_write_all(fd, buf_str(&text), text.len);
        if (r == 0 && rename(name.data, s->file) < 0)
                r = -errno;
        if (r < 0)
                return r;
        (void)close(s->fd);
        s->fd = steal_fd(&fd);
        s->size = (off_t)text.len;
        return 0;
}

static bool empty(struct spool *s)
{
        if (ftruncate(s->fd, 0) < 0)
                return false;
        s->size = 0;
        return true;
}

/* Not after each record: to take the page away and to make it anew costs ten times what the lines do, while
 * somebody waits. */
static void tidy(struct spool *s)
{
        if (s->n == 0 && s->size >= SPOOL_MARKED_MAX)
                (void)empty(s);
        if (s->size < s->rewrite_at)
                return;
        if (rewrite(s) < 0)
                log_debug("%s cannot be rewritten and keeps growing", s->file);
        s->rewrite_at = 2 * s->size > SPOOL_BYTES_MAX ? 2 * s->size : SPOOL_BYTES_MAX;
}

int spool_open(const char *file, uint64_t *ret_last, struct spool **ret, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct spool *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        (void)pthread_mutex_init(&s->lock, NULL);
        s->rewrite_at = SPOOL_BYTES_MAX;
        s->fd = open_file(file, 0, d);
        s->file = strdup(file);
        int r = s->fd < 0 ? s->fd : s->file ? file_read_fd(s->fd, READ_MAX, &text) : -ENOMEM;
        *ret_last = 0;
        if (r == 0)
                r = take_file(s, &text, ret_last);
        if (r < 0) {
                (void)spool_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct spool *spool_free(struct spool *s)
{
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n; i++)
                free(s->list[i].text);
        free(s->list);
        free(s->file);
        if (s->fd >= 0)
                (void)close(s->fd);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
}

int spool_next(struct spool *s, uint64_t after, struct sender_record *ret, char **ret_text)
{
        int r = 0;

        (void)pthread_mutex_lock(&s->lock);
        for (size_t i = 0; r == 0 && i < s->n; i++) {
                const struct entry *e = &s->list[i];
                if (e->record.cookie <= after)
                        continue;
                *ret = e->record;
                ret->text = *ret_text = strdup(e->text);
                r = *ret_text ? 1 : -ENOMEM;
        }
        (void)pthread_mutex_unlock(&s->lock);
        return r;
}

int spool_add(struct spool *s, const struct sender_record *record)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        (void)pthread_mutex_lock(&s->lock);
        int r = add_entry(s, record);
        if (r == 0) {
                put_line(&line, record);
                r = append(s, &line);
                if (r < 0)
                        (void)forget(s, record->cookie);
        }
        (void)pthread_mutex_unlock(&s->lock);
        return r;
}

void spool_mark(struct spool *s, uint64_t number)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        buf_printf(&line, "-%" PRIu64 "\n", number);
        (void)pthread_mutex_lock(&s->lock);
        if (forget(s, number)) {
                /* An empty file marks it, too. */
                if (append(s, &line) < 0 && (s->n > 0 || !empty(s)))
                        log_debug("%s: record %" PRIu64 " cannot be marked; a restart sends it again",
                                s->file, number);
                tidy(s);
        }
        (void)pthread_mutex_unlock(&s->lock);
}
