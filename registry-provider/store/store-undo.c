/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of changes since the oldest open mark. Without a mark nothing is logged and what goes is freed at
 * once. */

#include "store-internal.h"

#include <assert.h>
#include <errno.h>

/* A log that a big import made grow is not kept. */
#define LOG_KEEP 1024u

enum undo_step {
        UNDO_ATTACH,
        UNDO_DETACH,
        UNDO_TIME,
        UNDO_SD,
};

struct undo {
        enum undo_step step;
        enum object_kind kind;
        void *object;
        union {
                uint64_t time;
                struct {
                        void *sd;
                        size_t sd_size;
                };
        };
};

int undo_reserve(struct store *s, size_t n)
{
        if (s->n_marks == 0 || s->log_size - s->n_log >= n)
                return 0;
        size_t size = s->log_size * 2;
        if (size < s->n_log + n)
                size = s->n_log + n + 8;
        struct undo *log = reallocarray(s->log, size, sizeof(*log));
        if (!log)
                return -ENOMEM;
        s->log = log;
        s->log_size = size;
        return 0;
}

static void push(struct store *s, struct undo u)
{
        assert(s->n_log < s->log_size);
        s->log[s->n_log++] = u;
}

void object_attach(struct store *s, enum object_kind kind, void *object)
{
        object_link(s, kind, object);
        if (s->n_marks > 0)
                push(s, (struct undo){ .step = UNDO_ATTACH, .kind = kind, .object = object });
}

void object_detach(struct store *s, enum object_kind kind, void *object)
{
        object_unlink(s, kind, object);
        if (s->n_marks > 0)
                push(s, (struct undo){ .step = UNDO_DETACH, .kind = kind, .object = object });
        else
                object_free(s, kind, object);
}

void key_set_time(struct store *s, struct key *key, uint64_t time)
{
        if (key->view.last_write == time)
                return;
        if (s->n_marks > 0)
                push(s, (struct undo){ .step = UNDO_TIME, .object = key, .time = key->view.last_write });
        key->view.last_write = time;
}

void key_set_sd(struct store *s, struct key *key, void *sd, size_t size)
{
        void *old = (void *)key->view.sd;
        if (s->n_marks > 0)
                push(s, (struct undo){
                                .step = UNDO_SD, .object = key, .sd = old, .sd_size = key->view.sd_size });
        else
                free(old);
        key->view.sd = sd;
        key->view.sd_size = size;
}

static void take_back(struct store *s, const struct undo *u)
{
        struct key *key = u->object;

        switch (u->step) {
        case UNDO_ATTACH:
                object_unlink(s, u->kind, u->object);
                object_free(s, u->kind, u->object);
                break;
        case UNDO_DETACH:
                object_link(s, u->kind, u->object);
                break;
        case UNDO_TIME:
                key->view.last_write = u->time;
                break;
        case UNDO_SD:
                free((void *)key->view.sd);
                key->view.sd = u->sd;
                key->view.sd_size = u->sd_size;
                break;
        }
}

static void forget(struct store *s)
{
        for (size_t i = 0; i < s->n_log; i++)
                if (s->log[i].step == UNDO_DETACH)
                        object_free(s, s->log[i].kind, s->log[i].object);
                else if (s->log[i].step == UNDO_SD)
                        free(s->log[i].sd);
        s->n_log = 0;
        if (s->log_size > LOG_KEEP) {
                free(STEAL_PTR(s->log));
                s->log_size = 0;
        }
}

int store_begin(struct store *s)
{
        if (s->n_marks == s->marks_size) {
                size_t size = s->marks_size ? s->marks_size * 2 : 4;
                size_t *marks = reallocarray(s->marks, size, sizeof(*marks));
                if (!marks)
                        return -ENOMEM;
                s->marks = marks;
                s->marks_size = size;
        }
        s->marks[s->n_marks++] = s->n_log;
        return 0;
}

void store_commit(struct store *s)
{
        assert(s->n_marks > 0);
        if (--s->n_marks == 0)
                forget(s);
}

void store_rollback(struct store *s)
{
        assert(s->n_marks > 0);
        size_t mark = s->marks[--s->n_marks];
        while (s->n_log > mark)
                take_back(s, &s->log[--s->n_log]);
}

void undo_done(struct store *s)
{
        forget(s);
        free(s->log);
        free(s->marks);
}
