/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sender-internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../base/clock.h"

/* Signals belong to the owner's thread. */
static int start_thread(struct sender *s)
{
        sigset_t all, before;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        int r = pthread_create(&s->thread, NULL, sender_main, s);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int sender_new(const struct sender_backend *backend, unsigned retry_ms, sender_handed_over_t handed_over,
        sender_done_t done, void *userdata, struct sender **ret)
{
        _cleanup_close_ int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (event_fd < 0)
                return -errno;
        struct sender *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->backend = backend;
        s->retry_nsec = (uint64_t)retry_ms * UINT64_C(1000000);
        s->handed_over = handed_over;
        s->done = done;
        s->userdata = userdata;
        s->event_fd = event_fd;
        s->fd = -1;
        s->events_end = &s->events;
        atomic_init(&s->refs, 2);

        pthread_condattr_t attr;
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_mutex_init(&s->lock, NULL);
        (void)pthread_cond_init(&s->wake, &attr);
        (void)pthread_cond_init(&s->ended, &attr);
        (void)pthread_condattr_destroy(&attr);

        int r = start_thread(s);
        if (r < 0) {
                atomic_store(&s->refs, 1);
                sender_release(s);
                return r;
        }
        (void)steal_fd(&event_fd);
        *ret = s;
        return 0;
}

/* Nothing that is still there will be sent. The one that is being sent may yet get through, but nobody will
 * know. */
static void lose_rest(struct sender *s)
{
        struct sender_item *i;

        /* Sent again by the next start rather than missed. */
        if (s->status.in_doubt || s->abandoned || (s->kernel_error < 0 && s->kernel_error != -EPERM))
                sender_take_back(s);
        while ((i = sender_list_take(&s->kept)))
                sender_post_final(s, i, SENDER_LOST);
        while ((i = sender_list_take(&s->fresh)))
                sender_post_final(s, i, SENDER_LOST);
        if (!s->current)
                return;
        if (s->current_taken && s->handed_over)
                s->handed_over(&s->current->record, false, s->userdata);
        sender_post_final(s, s->current, SENDER_LOST);
}

struct sender *sender_stop(struct sender *s, unsigned timeout_ms)
{
        if (!s)
                return NULL;
        struct timespec until = sender_timespec(sender_now() + (uint64_t)timeout_ms * UINT64_C(1000000));
        int r = 0;

        (void)pthread_mutex_lock(&s->lock);
        s->stopping = true;
        s->retrying = true; /* the kept ones have a last try */
        (void)pthread_cond_signal(&s->wake);
        while (!s->exited && r == 0)
                r = pthread_cond_timedwait(&s->ended, &s->lock, &until);
        bool exited = s->exited;
        s->abandoned = !exited;
        lose_rest(s);
        (void)pthread_mutex_unlock(&s->lock);

        sender_dispatch(s);
        (void)close(s->event_fd);
        /* A thread in the middle of sendto() can be held there for a minute and cannot be cancelled safely.
         * It is let go: it frees the rest when it comes back, and where it never does, that memory and its
         * socket are left to the end of the process. */
        if (exited)
                (void)pthread_join(s->thread, NULL);
        else
                (void)pthread_detach(s->thread);
        sender_release(s);
        return NULL;
}

static int submit(struct sender *s, const struct sender_record *r, bool late)
{
        if (strlen(r->text) >= SENDER_TEXT_MAX)
                return -EMSGSIZE;
        struct sender_item *i = sender_item_new(r);
        if (!i)
                return -ENOMEM;

        i->late = late;
        (void)pthread_mutex_lock(&s->lock);
        if (s->stopping) {
                (void)pthread_mutex_unlock(&s->lock);
                free(i);
                return -ESHUTDOWN;
        }
        sender_make_room(s, 1);
        i->order = s->submitted++;
        sender_list_append(&s->fresh, i);
        (void)pthread_cond_signal(&s->wake);
        (void)pthread_mutex_unlock(&s->lock);
        return 0;
}

int sender_submit(struct sender *s, const char *text, bool success, uint64_t cookie)
{
        const struct sender_record r = {
                .cookie = cookie,
                .success = success,
                .since = (int64_t)clock_of(CLOCK_BOOTTIME),
                .text = text,
        };

        return submit(s, &r, false);
}

int sender_submit_kept(struct sender *s, const struct sender_record *r)
{
        return submit(s, r, true);
}

int sender_fd(const struct sender *s)
{
        return s->event_fd;
}

void sender_dispatch(struct sender *s)
{
        eventfd_t count;

        (void)eventfd_read(s->event_fd, &count);
        (void)pthread_mutex_lock(&s->lock);
        struct sender_event *e = STEAL_PTR(s->events);
        s->events_end = &s->events;
        /* What the thread is still reading is freed by sender_release(). */
        const struct sender_item *in_use = s->abandoned ? s->current : NULL;
        (void)pthread_mutex_unlock(&s->lock);

        while (e) {
                struct sender_item *i = e->item;
                struct sender_event *next = e->next;
                s->done(i->record.cookie, e->outcome, s->userdata);
                if (e == &i->final && i != in_use)
                        free(i);
                e = next;
        }
}

struct sender_status sender_status(struct sender *s)
{
        (void)pthread_mutex_lock(&s->lock);
        struct sender_status status = s->status;
        (void)pthread_mutex_unlock(&s->lock);
        return status;
}

void sender_kick(struct sender *s)
{
        (void)pthread_mutex_lock(&s->lock);
        /* A round that waits for the kernel's word goes on by itself. */
        if (!s->paused)
                s->retrying = s->kicked = true;
        (void)pthread_cond_signal(&s->wake);
        (void)pthread_mutex_unlock(&s->lock);
}
