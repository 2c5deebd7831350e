/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../base/log.h"
#include "../base/thread.h"
#include "../events/loop.h"

#define GROUPS_MAX 1024
#define TEXT_MAX 65536u

/* Shared with the thread, which outlives the rest where the database does not answer. */
struct looker {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        char *group;
        int fd; /* eventfd: something was found out */
        unsigned refs;
        bool is_ended; /* nobody wants to know any more */
        bool is_asked, is_answered;
        uint32_t uid;
        bool is_member;
};

struct question {
        uint32_t uid;
        uint64_t until;
};

struct members {
        struct looker *looker;
        members_answer_t answer;
        void *userdata;
        bool runs; /* the thread */
        bool is_looking;
        struct question waiting[MEMBERS_WAITING]; /* a ring, oldest first */
        unsigned first, n;
        sd_event_source *found, *timeout;
};

static void looker_unref(struct looker *l)
{
        (void)pthread_mutex_lock(&l->lock);
        bool last = --l->refs == 0;
        (void)pthread_mutex_unlock(&l->lock);
        if (!last)
                return;
        (void)pthread_mutex_destroy(&l->lock);
        (void)pthread_cond_destroy(&l->wake);
        closep(&l->fd);
        free(l->group);
        free(l);
}

/* The user database decides, not the caller's process: a process keeps the groups of its login. */
static bool is_member(uint32_t uid, const char *group)
{
        _cleanup_free_ char *text = malloc(2 * TEXT_MAX);
        gid_t groups[GROUPS_MAX];
        struct group g, *found_group = NULL;
        struct passwd pw, *found_user = NULL;
        int n = GROUPS_MAX;

        if (!text || getgrnam_r(group, &g, text, TEXT_MAX, &found_group) != 0 || !found_group)
                return false;
        if (getpwuid_r(uid, &pw, text + TEXT_MAX, TEXT_MAX, &found_user) != 0 || !found_user)
                return false;
        if (getgrouplist(pw.pw_name, pw.pw_gid, groups, &n) < 0)
                return false;
        for (int i = 0; i < n; i++)
                if (groups[i] == g.gr_gid)
                        return true;
        return false;
}

static void *look(void *userdata)
{
        struct looker *l = userdata;

        (void)pthread_mutex_lock(&l->lock);
        while (!l->is_ended) {
                if (!l->is_asked) {
                        (void)pthread_cond_wait(&l->wake, &l->lock);
                        continue;
                }
                uint32_t uid = l->uid;
                l->is_asked = false;
                (void)pthread_mutex_unlock(&l->lock);
                bool found = is_member(uid, l->group);
                (void)pthread_mutex_lock(&l->lock);
                l->is_member = found;
                l->is_answered = true;
                (void)eventfd_write(l->fd, 1);
        }
        (void)pthread_mutex_unlock(&l->lock);
        looker_unref(l);
        return NULL;
}

static struct looker *looker_new(const char *group)
{
        struct looker *l = calloc(1, sizeof(*l));
        if (!l)
                return NULL;
        *l = (struct looker){
                .group = strdup(group), .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .refs = 1
        };
        (void)pthread_mutex_init(&l->lock, NULL);
        (void)pthread_cond_init(&l->wake, NULL);
        if (l->group && l->fd >= 0)
                return l;
        looker_unref(l);
        return NULL;
}

static int start_thread(struct members *m)
{
        pthread_t thread;

        if (m->runs)
                return 0;
        m->looker->refs++;
        int r = thread_start(&thread, look, m->looker);
        if (r < 0) {
                m->looker->refs--;
                return r;
        }
        (void)pthread_detach(thread);
        m->runs = true;
        return 0;
}

/* The oldest question goes to the thread, if that is free. */
static void pass_on(struct members *m)
{
        struct looker *l = m->looker;

        if (m->n == 0) {
                (void)sd_event_source_set_enabled(m->timeout, SD_EVENT_OFF);
                return;
        }
        int r = sd_event_source_set_time(m->timeout, m->waiting[m->first].until);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->timeout, SD_EVENT_ONESHOT);
        if (r < 0)
                log_warning("cannot set a timer: %s; ignoring", strerror(-r));
        if (m->is_looking)
                return;
        m->is_looking = true;
        (void)pthread_mutex_lock(&l->lock);
        l->uid = m->waiting[m->first].uid;
        l->is_asked = true;
        (void)pthread_cond_signal(&l->wake);
        (void)pthread_mutex_unlock(&l->lock);
}

static void answer_first(struct members *m, bool found)
{
        uint32_t uid = m->waiting[m->first].uid;

        m->first = (m->first + 1) % MEMBERS_WAITING;
        m->n--;
        m->answer(uid, found, m->userdata);
}

static int on_found(_unused_ sd_event_source *source, int fd, _unused_ uint32_t events, void *userdata)
{
        struct members *m = userdata;
        struct looker *l = m->looker;
        eventfd_t value;

        (void)eventfd_read(fd, &value);
        (void)pthread_mutex_lock(&l->lock);
        bool is_answered = l->is_answered, found = l->is_member;
        uint32_t uid = l->uid;
        l->is_answered = false;
        (void)pthread_mutex_unlock(&l->lock);
        if (!is_answered)
                return 0;
        m->is_looking = false;
        /* The question may have been given up by now. */
        if (m->n > 0 && m->waiting[m->first].uid == uid)
                answer_first(m, found);
        pass_on(m);
        return 0;
}

static int on_timeout(_unused_ sd_event_source *source, uint64_t usec, void *userdata)
{
        struct members *m = userdata;

        while (m->n > 0 && usec >= m->waiting[m->first].until) {
                log_warning("the user database does not answer for uid %" PRIu32
                            "; it counts as no member of the group '%s'",
                        m->waiting[m->first].uid, m->looker->group);
                answer_first(m, false);
        }
        pass_on(m);
        return 0;
}

int members_new(
        sd_event *event, const char *group, members_answer_t answer, void *userdata, struct members **ret)
{
        struct members *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        *m = (struct members){ .answer = answer, .userdata = userdata, .looker = looker_new(group) };
        int r = m->looker ? sd_event_add_io(event, &m->found, m->looker->fd, EPOLLIN, on_found, m) : -ENOMEM;
        if (r >= 0)
                r = loop_timer_new(event, 0, on_timeout, m, &m->timeout);
        if (r < 0) {
                (void)members_free(m);
                return r;
        }
        *ret = m;
        return 0;
}

struct members *members_free(struct members *m)
{
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->found);
        sd_event_source_disable_unref(m->timeout);
        if (m->looker) {
                (void)pthread_mutex_lock(&m->looker->lock);
                m->looker->is_ended = true;
                (void)pthread_cond_signal(&m->looker->wake);
                (void)pthread_mutex_unlock(&m->looker->lock);
                looker_unref(m->looker);
        }
        free(m);
        return NULL;
}

static bool is_waiting(const struct members *m, uint32_t uid)
{
        for (unsigned i = 0; i < m->n; i++)
                if (m->waiting[(m->first + i) % MEMBERS_WAITING].uid == uid)
                        return true;
        return false;
}

int members_ask(struct members *m, uint32_t uid)
{
        uint64_t now;

        if (is_waiting(m, uid))
                return 0;
        if (m->n >= MEMBERS_WAITING)
                return -ENOBUFS;
        int r = start_thread(m);
        if (r >= 0)
                r = sd_event_now(sd_event_source_get_event(m->found), CLOCK_MONOTONIC, &now);
        if (r < 0)
                return r;
        m->waiting[(m->first + m->n++) % MEMBERS_WAITING] =
                (struct question){ .uid = uid, .until = now + MEMBERS_TIMEOUT_USEC };
        pass_on(m);
        return 0;
}
