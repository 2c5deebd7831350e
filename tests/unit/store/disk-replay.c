/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512u

enum state {
        LOOSE,  /* not synced yet */
        LOST,   /* a sync failed: no later one will do */
        DURABLE /* behind one that is lost */
};

struct held {
        const struct disk_entry *entry;
        enum state state;
};

struct contents {
        unsigned char *data;
        size_t size, room;
};

struct file {
        struct contents durable;
        struct held *held; /* what came after it, in order */
        size_t n_held;
        bool has_name; /* durably */
};

struct disk_replay {
        const struct disk_log *log;
        size_t position;
        struct file files[DISK_FILES_MAX];
        size_t directory_synced; /* position */
};

static void resize(struct contents *c, size_t size)
{
        if (size > c->room) {
                c->room = size * 2;
                c->data = realloc(c->data, c->room);
                assert(c->data);
        }
        if (size > c->size)
                memset(c->data + c->size, 0, size - c->size);
        c->size = size;
}

/* Bytes that were written: new, as they were, or anything. */
static void put_part(struct contents *c, const struct disk_entry *e, size_t from, size_t to, uint64_t chance)
{
        for (size_t i = from; chance % 3 != 0 && i < to; i++)
                c->data[e->offset + i] =
                        chance % 3 == 1 ? e->data[i] : (unsigned char)(disk_random(&chance) >> 8);
}

static void put_torn(struct contents *c, const struct disk_entry *e, uint64_t *random)
{
        size_t at = disk_random(random) % 2 ? disk_random(random) % e->size : 0;

        if (c->size < e->offset + e->size)
                resize(c, e->offset + e->size);
        if (at > 0) {
                put_part(c, e, 0, at, disk_random(random));
                put_part(c, e, at, e->size, disk_random(random));
                return;
        }
        for (size_t end; at < e->size; at = end) {
                end = (e->offset + at) / SECTOR * SECTOR + SECTOR - e->offset;
                end = end < e->size ? end : e->size;
                put_part(c, e, at, end, disk_random(random));
        }
}

static void put(struct contents *c, const struct disk_entry *e)
{
        if (e->event == DISK_CUT) {
                resize(c, e->offset);
                return;
        }
        if (c->size < e->offset + e->size)
                resize(c, e->offset + e->size);
        memcpy(c->data + e->offset, e->data, e->size);
}

struct disk_replay *disk_replay_new(const struct disk_log *log)
{
        struct disk_replay *r = calloc(1, sizeof(*r));

        assert(r);
        r->log = log;
        for (unsigned i = 0; i < log->n_files; i++) {
                struct file *f = &r->files[i];
                f->has_name = log->files[i].was_there;
                resize(&f->durable, log->files[i].size);
                if (log->files[i].size > 0)
                        memcpy(f->durable.data, log->files[i].data, log->files[i].size);
        }
        return r;
}

void disk_replay_free(struct disk_replay *r)
{
        for (unsigned i = 0; i < DISK_FILES_MAX; i++) {
                free(r->files[i].durable.data);
                free(r->files[i].held);
        }
        free(r);
}

static void hold(struct file *f, const struct disk_entry *e)
{
        if ((f->n_held & (f->n_held - 1)) == 0) {
                f->held = reallocarray(f->held, f->n_held ? f->n_held * 2 : 1, sizeof(*f->held));
                assert(f->held);
        }
        f->held[f->n_held++] = (struct held){ .entry = e };
}

static void sync_file(struct file *f, enum state state)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n_held; i++)
                if (f->held[i].state == LOOSE)
                        f->held[i].state = state;
        while (n < f->n_held && f->held[n].state == DURABLE)
                put(&f->durable, f->held[n++].entry);
        f->n_held -= n;
        memmove(f->held, f->held + n, f->n_held * sizeof(*f->held));
}

/* ---- Names ---- */

/* One name has one file. */
static void name_file(const struct disk_replay *r, const struct disk_entry *e, bool *has_name)
{
        for (unsigned i = 0; e->event == DISK_MADE && i < r->log->n_files; i++)
                if (strcmp(r->log->files[i].name, r->log->files[e->file].name) == 0)
                        has_name[i] = false;
        has_name[e->file] = e->event == DISK_MADE;
}

static void find_names(const struct disk_replay *r, enum disk_loss loss, uint64_t *random, bool *has_name)
{
        for (unsigned i = 0; i < r->log->n_files; i++)
                has_name[i] = r->files[i].has_name;
        for (size_t i = r->directory_synced; loss != DISK_NOTHING && i < r->position; i++) {
                const struct disk_entry *e = &r->log->entries[i];
                if (e->event != DISK_MADE && e->event != DISK_DELETED)
                        continue;
                if (loss != DISK_MIXED || disk_random(random) % 2)
                        name_file(r, e, has_name);
        }
}

static void sync_directory(struct disk_replay *r)
{
        bool has_name[DISK_FILES_MAX];

        find_names(r, DISK_KILL, NULL, has_name);
        for (unsigned i = 0; i < r->log->n_files; i++)
                r->files[i].has_name = has_name[i];
        r->directory_synced = r->position;
}

void disk_replay_to(struct disk_replay *r, size_t position)
{
        assert(r->position <= position && position <= r->log->n);
        for (; r->position < position; r->position++) {
                const struct disk_entry *e = &r->log->entries[r->position];
                struct file *f = &r->files[e->file];
                if (e->event == DISK_DIRECTORY_SYNCED)
                        sync_directory(r);
                else if (e->event == DISK_SYNCED || e->event == DISK_SYNC_FAILED)
                        sync_file(f, e->event == DISK_SYNCED ? DURABLE : LOST);
                else if (e->event == DISK_WRITTEN || e->event == DISK_CUT)
                        hold(f, e);
        }
}

/* ---- What is found ---- */

/* Whether it is there; if so, whether it is torn. */
static bool is_found(
        const struct held *h, enum disk_loss loss, bool is_last, uint64_t *random, bool *ret_torn)
{
        bool mixed = h->state != DURABLE && loss == DISK_MIXED;

        *ret_torn = h->entry->event == DISK_WRITTEN && h->entry->size > 0 &&
                    ((mixed && disk_random(random) % 4 == 0) ||
                            (h->state != DURABLE && loss == DISK_TORN && is_last));
        return h->state == DURABLE || loss == DISK_KILL || loss == DISK_TORN ||
               (mixed && disk_random(random) % 2);
}

static void put_held(
        struct contents *c, const struct held *h, enum disk_loss loss, bool last, uint64_t *random)
{
        bool torn;

        if (!is_found(h, loss, last, random, &torn))
                return;
        if (torn)
                put_torn(c, h->entry, random);
        else
                put(c, h->entry);
}

/* Zeros at the end, of which a log has many, are a hole. */
static void write_file(const struct contents *c, const char *directory, const char *name)
{
        size_t n = c->size;
        char path[PATH_MAX];

        while (n > 0 && c->data[n - 1] == 0)
                n--;
        (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert(fd >= 0);
        assert((n > 0 ? write(fd, c->data, n) : 0) == (ssize_t)n);
        assert(ftruncate(fd, (off_t)c->size) == 0);
        assert(close(fd) == 0);
}

void disk_replay_write(const struct disk_replay *r, enum disk_loss loss, uint64_t *random, const char *into)
{
        const struct disk_entry *last = r->position > 0 ? &r->log->entries[r->position - 1] : NULL;
        bool has_name[DISK_FILES_MAX];

        find_names(r, loss, random, has_name);
        for (unsigned i = 0; i < r->log->n_files; i++) {
                const struct file *f = &r->files[i];
                struct contents c = { 0 };
                if (!has_name[i])
                        continue;
                resize(&c, f->durable.size);
                if (c.size > 0)
                        memcpy(c.data, f->durable.data, c.size);
                for (size_t k = 0; k < f->n_held; k++)
                        put_held(&c, &f->held[k], loss, f->held[k].entry == last, random);
                write_file(&c, into, r->log->files[i].name);
                free(c.data);
        }
}
