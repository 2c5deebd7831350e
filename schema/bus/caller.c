/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/log.h"
#include "cleanup.h"
#include "peer.h"

#define DRIVER "org.freedesktop.DBus"
/* Far below a watchdog's time, and below that of a caller who waits as long as is usual. */
#define CREDENTIALS_USEC UINT64_C(10000000)

struct callers {
        sd_bus *bus;
        struct exe_reader *exe_reader;
        struct account *account;
        struct beginnings *beginnings;
        caller_changed_t changed;
        void *userdata;
        struct hashmap by_name;
        struct hashmap users;
        uint32_t next_user; /* to be looked at */
        sd_bus_slot *left;
};

static uint32_t name_hash(const char *name)
{
        return hashmap_hash(name, strlen(name), hashmap_seed());
}

static bool name_matches(const void *entry, const void *key)
{
        return strcmp(((const struct caller *)entry)->name, key) == 0;
}

static uint32_t uid_hash(uint32_t uid)
{
        return hashmap_hash(&uid, sizeof(uid), hashmap_seed());
}

static bool user_matches(const void *entry, const void *key)
{
        return ((const struct caller_user *)entry)->uid == *(const uint32_t *)key;
}

/* Nobody gets rid of what he owes by hanging up. */
static bool is_kept(struct caller_user *u)
{
        return u->callers > 0 || account_budget_left(&u->budget, clock_usec()) < ACCOUNT_BUDGET_MOST_USEC;
}

static void user_drop(struct callers *cs, struct caller_user *u)
{
        if (is_kept(u))
                return;
        (void)hashmap_remove(&cs->users, uid_hash(u->uid), u);
        free(u);
}

/* More than come. */
static void drop_some(struct callers *cs)
{
        for (unsigned n = 0; n < 4; n++) {
                struct caller_user *u = hashmap_next(&cs->users, &cs->next_user);
                if (u)
                        user_drop(cs, u);
                else
                        cs->next_user = 0;
        }
}

static struct caller_user *user_ref(struct callers *cs, uint32_t uid)
{
        struct caller_user *u = callers_user(cs, uid);

        if (!u) {
                drop_some(cs);
                u = calloc(1, sizeof(*u));
                if (!u || hashmap_put(&cs->users, uid_hash(uid), u) < 0) {
                        free(u);
                        return NULL;
                }
                u->uid = uid;
                u->account.is_root = uid == 0;
                u->budget = account_budget_new(clock_usec());
        }
        u->callers++;
        return u;
}

static void user_unref(struct callers *cs, struct caller_user *u)
{
        if (!u)
                return;
        u->callers--;
        user_drop(cs, u);
}

static struct caller *caller_free(struct caller *c)
{
        if (!c)
                return NULL;
        account_client_remove(&c->account);
        sd_bus_slot_unref(c->question);
        exe_question_cancel(c->exe_question);
        user_unref(c->owner, c->user);
        free(c->name);
        free(c);
        return NULL;
}

static void end_caller(struct caller *c)
{
        struct callers *cs = c->owner;

        c->state = CALLER_GONE;
        c->question = sd_bus_slot_unref(c->question);
        (void)hashmap_remove(&cs->by_name, name_hash(c->name), c);
        cs->changed(c, cs->userdata);
        (void)caller_free(c);
}

static int on_left(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const char *name = peer_left(m);
        struct caller *c = name ? callers_find(userdata, name) : NULL;

        if (c)
                end_caller(c);
        return 0;
}

int callers_new(sd_bus *bus, struct exe_reader *exe_reader, struct account *account,
        caller_changed_t changed, void *userdata, struct callers **ret)
{
        struct callers *cs = calloc(1, sizeof(*cs));
        if (!cs)
                return -ENOMEM;
        *cs = (struct callers){ .bus = sd_bus_ref(bus),
                .exe_reader = exe_reader,
                .account = account,
                .changed = changed,
                .userdata = userdata };
        int r = peer_watch_leaving(bus, &cs->left, on_left, cs);
        if (r >= 0)
                r = beginnings_new(bus, &cs->beginnings);
        if (r < 0) {
                (void)callers_free(cs);
                return r;
        }
        *ret = cs;
        return 0;
}

struct callers *callers_free(struct callers *cs)
{
        struct caller_user *u;
        struct caller *c;

        if (!cs)
                return NULL;
        for (uint32_t i = 0; (c = hashmap_next(&cs->by_name, &i));)
                (void)caller_free(c);
        for (uint32_t i = 0; (u = hashmap_next(&cs->users, &i));)
                free(u);
        sd_bus_slot_unref(cs->left);
        cs->beginnings = beginnings_free(cs->beginnings);
        hashmap_done(&cs->by_name);
        hashmap_done(&cs->users);
        sd_bus_unref(cs->bus);
        free(cs);
        return NULL;
}

struct caller *callers_find(struct callers *cs, const char *name)
{
        return hashmap_get(&cs->by_name, name_hash(name), name_matches, name);
}

struct caller_user *callers_user(struct callers *cs, uint32_t uid)
{
        return hashmap_get(&cs->users, uid_hash(uid), user_matches, &uid);
}

/* ---- Credentials ---- */

static int read_label(sd_bus_message *m, struct actor *a)
{
        const void *bytes;
        size_t n;

        int r = sd_bus_message_enter_container(m, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &bytes, &n);
        if (r < 0)
                return r;
        n = strnlen(bytes, n < sizeof(a->context) ? n : sizeof(a->context) - 1);
        memcpy(a->context, bytes, n);
        return sd_bus_message_exit_container(m);
}

/* *ret_pidfd stays the message's. */
static int read_credential(sd_bus_message *m, struct actor *a, int *ret_pidfd)
{
        const char *name;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (strcmp(name, "UnixUserID") == 0)
                return sd_bus_message_read(m, "v", "u", &a->uid);
        if (strcmp(name, "ProcessID") == 0)
                return sd_bus_message_read(m, "v", "u", &a->pid);
        if (strcmp(name, "LinuxSecurityLabel") == 0)
                return read_label(m, a);
        if (strcmp(name, "ProcessFD") == 0)
                return sd_bus_message_read(m, "v", "h", ret_pidfd);
        return sd_bus_message_skip(m, "v");
}

static int read_credentials(sd_bus_message *m, struct actor *ret, int *ret_pidfd)
{
        struct actor a = ACTOR_UNKNOWN;

        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_credential(m, &a, ret_pidfd);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0 && a.uid == AUDIT_ID_UNSET)
                r = -ENODATA;
        if (r >= 0)
                *ret = a;
        return r;
}

static void on_exe(const char *exe, void *userdata)
{
        struct caller *c = userdata;

        c->exe_question = NULL;
        (void)snprintf(c->actor.exe, sizeof(c->actor.exe), "%s", exe);
        c->owner->changed(c, c->owner->userdata);
}

/* What can be had of the process, if it is the one that made the connection. */
static void read_process(struct caller *c, int pidfd)
{
        struct callers *cs = c->owner;
        const struct process_claim claim = {
                .pid = c->actor.pid,
                .uid = c->actor.uid,
                .started_before = beginnings_find(cs->beginnings, c->name),
                .pidfd = pidfd,
        };
        _cleanup_close_ int dir = -1;

        if (process_read_caller("", &claim, &c->actor, &dir) < 0 ||
                exe_reader_ask(cs->exe_reader, dir, on_exe, c, &c->exe_question) == 0)
                return;
        ssize_t n = readlinkat(dir, "exe", c->actor.exe, sizeof(c->actor.exe) - 1);
        c->actor.exe[n > 0 ? n : 0] = '\0';
}

static int become_known(struct caller *c, sd_bus_message *m)
{
        int pidfd = -1;

        if (sd_bus_message_is_method_error(m, NULL))
                return -ESRCH;
        int r = read_credentials(m, &c->actor, &pidfd);
        if (r < 0)
                return r;
        struct caller_user *u = user_ref(c->owner, c->actor.uid), *unknown = c->user;
        if (!u)
                return -ENOMEM;
        account_client_move(&c->account, &u->account);
        u->held_bytes += c->held_bytes;
        unknown->held_bytes -= c->held_bytes;
        c->user = u;
        user_unref(c->owner, unknown);
        c->state = CALLER_KNOWN;
        read_process(c, pidfd);
        return 0;
}

static int on_credentials(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct caller *c = userdata;

        c->question = sd_bus_slot_unref(c->question);
        int r = become_known(c, m);
        if (r < 0) {
                if (r != -ESRCH)
                        log_warning("the bus's credentials of %s cannot be used: %s", c->name, strerror(-r));
                end_caller(c);
                return 0;
        }
        c->owner->changed(c, c->owner->userdata);
        return 0;
}

int caller_ask(struct caller *c)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        sd_bus *bus = c->owner->bus;

        if (c->state != CALLER_UNKNOWN || c->question)
                return 0;
        int r = sd_bus_message_new_method_call(
                bus, &m, DRIVER, "/org/freedesktop/DBus", DRIVER, "GetConnectionCredentials");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", c->name);
        if (r >= 0)
                r = sd_bus_call_async(bus, &c->question, m, on_credentials, c, CREDENTIALS_USEC);
        return r < 0 ? r : 0;
}

int callers_get(struct callers *cs, const char *name, struct caller **ret)
{
        struct caller *c = callers_find(cs, name);

        if (c) {
                *ret = c;
                return 0;
        }
        if (name[0] != ':')
                return -EINVAL;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->owner = cs;
        c->actor = ACTOR_UNKNOWN;
        c->name = strdup(name);
        c->user = user_ref(cs, AUDIT_ID_UNSET);
        int r = c->name && c->user ? 0 : -ENOMEM;
        if (r == 0) {
                c->account.name = c->name;
                c->account.user = &c->user->account;
                r = account_client_add(cs->account, &c->account);
        }
        if (r == 0)
                r = hashmap_put(&cs->by_name, name_hash(name), c);
        if (r < 0) {
                (void)caller_free(c);
                return r;
        }
        *ret = c;
        return 0;
}

/* ---- Calls that wait ---- */

struct caller_call *caller_call_free(struct caller_call *h)
{
        if (!h)
                return NULL;
        sd_bus_message_unref(h->m);
        sd_bus_message_unref(h->error);
        free(h->person);
        free(h);
        return NULL;
}

static void link_waiting(struct callers_waiting *w, struct caller *c)
{
        c->prev = w->last;
        c->next = NULL;
        if (w->last)
                w->last->next = c;
        else
                w->first = c;
        w->last = c;
}

static void unlink_waiting(struct callers_waiting *w, struct caller *c)
{
        if (c->prev)
                c->prev->next = c->next;
        else
                w->first = c->next;
        if (c->next)
                c->next->prev = c->prev;
        else
                w->last = c->prev;
        c->next = c->prev = NULL;
}

void callers_wait(struct callers_waiting *w, struct caller *c, struct caller_call *h, bool first)
{
        if (!c->held)
                link_waiting(w, c);
        if (first || !c->held) {
                h->next = c->held;
                c->held = h;
                if (!h->next)
                        c->held_last = h;
        } else {
                c->held_last->next = h;
                c->held_last = h;
        }
        c->n_held++;
        c->held_bytes += h->bytes;
        c->user->held_bytes += h->bytes;
        w->bytes += h->bytes;
}

struct caller_call *callers_take(struct callers_waiting *w, struct caller *c)
{
        struct caller_call *h = c->held;

        c->held = h->next;
        c->n_held--;
        c->held_bytes -= h->bytes;
        c->user->held_bytes -= h->bytes;
        w->bytes -= h->bytes;
        unlink_waiting(w, c);
        /* Others are next. */
        if (c->held)
                link_waiting(w, c);
        return h;
}

#define NAME_SIZE 24 /* `:1.` and a number */

struct beginning {
        char name[NAME_SIZE]; /* "": none */
        uint64_t usec;
};

struct beginnings {
        sd_bus_slot *match;
        struct beginning list[BEGINNINGS_MAX]; /* a ring */
        unsigned next;
        uint64_t horizon; /* who is not in the list began then or earlier; UINT64_MAX: that is not known */
};

static int on_began(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        const char *name = peer_came(m);

        if (name)
                beginnings_add(userdata, name, clock_of(CLOCK_BOOTTIME));
        return 0;
}

/* Who connected before this was asked for was not reported. */
static int on_watched(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct beginnings *b = userdata;

        if (sd_bus_message_is_method_error(m, NULL)) {
                log_warning("the bus does not say when connections begin (%s): the time of their first "
                            "call is taken instead",
                        sd_bus_message_get_error(m)->message);
                return 0;
        }
        b->horizon = clock_of(CLOCK_BOOTTIME);
        return 0;
}

int beginnings_new(sd_bus *bus, struct beginnings **ret)
{
        struct beginnings *b = calloc(1, sizeof(*b));

        if (!b)
                return -ENOMEM;
        b->horizon = UINT64_MAX;
        int r = peer_watch_coming(bus, &b->match, on_began, on_watched, b);
        if (r < 0) {
                (void)beginnings_free(b);
                return r;
        }
        *ret = b;
        return 0;
}

struct beginnings *beginnings_free(struct beginnings *b)
{
        if (!b)
                return NULL;
        sd_bus_slot_unref(b->match);
        free(b);
        return NULL;
}

uint64_t beginnings_find(const struct beginnings *b, const char *name)
{
        for (unsigned i = 0; i < BEGINNINGS_MAX; i++)
                if (b->list[i].name[0] != '\0' && strcmp(b->list[i].name, name) == 0)
                        return b->list[i].usec;
        uint64_t now = clock_of(CLOCK_BOOTTIME);
        return b->horizon < now ? b->horizon : now;
}

static void raise_horizon(struct beginnings *b, uint64_t usec)
{
        if (b->horizon < usec)
                b->horizon = usec;
}

void beginnings_add(struct beginnings *b, const char *name, uint64_t usec)
{
        size_t n = strlen(name);

        if (n >= NAME_SIZE) {
                raise_horizon(b, usec);
                return;
        }
        struct beginning *oldest = &b->list[b->next++ % BEGINNINGS_MAX];
        if (oldest->name[0] != '\0')
                raise_horizon(b, oldest->usec);
        memcpy(oldest->name, name, n + 1);
        oldest->usec = usec;
}
