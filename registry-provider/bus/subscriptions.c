/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "subscriptions-internal.h"

#include <errno.h>
#include <string.h>

static uint32_t id_hash(uint64_t id)
{
        return hashmap_hash(&id, sizeof(id), hashmap_seed());
}

static bool id_matches(const void *entry, const void *key)
{
        return ((const struct subscription *)entry)->id == *(const uint64_t *)key;
}

static uint32_t name_hash(const char *name)
{
        return hashmap_hash(name, strlen(name), hashmap_seed());
}

static bool client_matches(const void *entry, const void *key)
{
        return strcmp(((const struct client *)entry)->caller->name, key) == 0;
}

static uint32_t uid_hash(uint32_t uid)
{
        return hashmap_hash(&uid, sizeof(uid), hashmap_seed());
}

static bool user_matches(const void *entry, const void *key)
{
        return ((const struct user *)entry)->uid == *(const uint32_t *)key;
}

int subscriptions_new(sd_bus *bus, struct subscriptions **ret)
{
        struct subscriptions *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        *ret = s;
        return 0;
}

static struct user *user_ref(struct subscriptions *s, uint32_t uid)
{
        struct user *u = hashmap_get(&s->users, uid_hash(uid), user_matches, &uid);

        if (!u) {
                u = calloc(1, sizeof(*u));
                if (!u || hashmap_put(&s->users, uid_hash(uid), u) < 0) {
                        free(u);
                        return NULL;
                }
                u->uid = uid;
        }
        u->clients++;
        return u;
}

static void user_unref(struct subscriptions *s, struct user *u)
{
        if (!u || --u->clients > 0)
                return;
        (void)hashmap_remove(&s->users, uid_hash(u->uid), u);
        free(u);
}

static void client_free(struct client *c)
{
        user_unref(c->owner, c->user);
        free(c);
}

static void client_put(struct client *c)
{
        if (c->n > 0)
                return;
        (void)hashmap_remove(&c->owner->clients, name_hash(c->caller->name), c);
        client_free(c);
}

static void link_client(struct client *c, struct subscription *sub)
{
        sub->client_next = c->first;
        if (c->first)
                c->first->client_prev = sub;
        c->first = sub;
        c->n++;
        c->user->subscriptions++;
        c->user->paths += path_bytes(&sub->path);
        if (c->user->uid != 0)
                c->owner->paths += path_bytes(&sub->path);
}

static void unlink_client(struct client *c, struct subscription *sub)
{
        if (sub->client_prev)
                sub->client_prev->client_next = sub->client_next;
        else
                c->first = sub->client_next;
        if (sub->client_next)
                sub->client_next->client_prev = sub->client_prev;
        c->n--;
        c->user->subscriptions--;
        c->user->paths -= path_bytes(&sub->path);
        if (c->user->uid != 0)
                c->owner->paths -= path_bytes(&sub->path);
}

static void subscription_free(struct subscriptions *s, struct subscription *sub)
{
        topics_remove(&s->topics, sub);
        (void)hashmap_remove(&s->by_id, id_hash(sub->id), sub);
        unlink_client(sub->client, sub);
        path_done(&sub->path);
        free(sub);
}

struct subscriptions *subscriptions_free(struct subscriptions *s)
{
        struct client *c;
        struct subscription *sub;
        uint32_t i = 0;

        if (!s)
                return NULL;
        while ((sub = hashmap_next(&s->by_id, &i))) {
                path_done(&sub->path);
                free(sub);
        }
        for (i = 0; (c = hashmap_next(&s->clients, &i));)
                client_free(c);
        hashmap_done(&s->by_id);
        topics_done(&s->topics);
        hashmap_done(&s->clients);
        hashmap_done(&s->users);
        sd_bus_unref(s->bus);
        free(s);
        return NULL;
}

size_t subscriptions_count(const struct subscriptions *s)
{
        return s->by_id.used;
}

static struct client *client_find(const struct subscriptions *s, const char *name)
{
        return hashmap_get(&s->clients, name_hash(name), client_matches, name);
}

static int client_get(struct subscriptions *s, struct caller *caller, struct client **ret)
{
        struct client *c = client_find(s, caller->name);
        if (c) {
                *ret = c;
                return 0;
        }
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->owner = s;
        c->caller = caller;
        c->user = user_ref(s, caller->actor.uid);
        int r = c->user ? hashmap_put(&s->clients, name_hash(caller->name), c) : -ENOMEM;
        if (r < 0) {
                client_free(c);
                return r;
        }
        *ret = c;
        return 0;
}

static int subscription_link(struct subscriptions *s, struct subscription *sub)
{
        int r = hashmap_put(&s->by_id, id_hash(sub->id), sub);
        if (r < 0)
                return r;
        r = topics_add(&s->topics, sub);
        if (r < 0)
                (void)hashmap_remove(&s->by_id, id_hash(sub->id), sub);
        return r;
}

/* The path is canonical already: its first component is a hive. */
static bool any_hive(_unused_ const char *name, _unused_ size_t len, _unused_ void *userdata)
{
        return true;
}

static int check_limits(const struct subscriptions *s, const struct client *c, size_t path, struct diag *d)
{
        if (c->n >= SUBSCRIPTIONS_PER_CLIENT_MAX)
                return diag_set(d, EDQUOT,
                        "this client has %u subscriptions already, the most that one may have",
                        SUBSCRIPTIONS_PER_CLIENT_MAX);
        if (c->user->uid == 0)
                return 0;
        if (s->by_id.used >= SUBSCRIPTIONS_MAX)
                return diag_set(d, EDQUOT, "there are %u subscriptions already, the most that are served",
                        SUBSCRIPTIONS_MAX);
        if (c->user->subscriptions >= SUBSCRIPTIONS_PER_USER_MAX)
                return diag_set(d, EDQUOT,
                        "uid %u has %u subscriptions already, the most that one user may have", c->user->uid,
                        SUBSCRIPTIONS_PER_USER_MAX);
        if (s->paths + path > SUBSCRIPTION_PATHS_MAX)
                return diag_set(d, EDQUOT,
                        "the keys that are subscribed to have %zu bytes already, of %u that are served",
                        s->paths, SUBSCRIPTION_PATHS_MAX);
        if (c->user->paths + path > SUBSCRIPTION_PATHS_PER_USER_MAX)
                return diag_set(d, EDQUOT,
                        "the keys that uid %u subscribed to have %zu bytes already, of %u that one user may have",
                        c->user->uid, c->user->paths, SUBSCRIPTION_PATHS_PER_USER_MAX);
        return 0;
}

int subscriptions_add(struct subscriptions *s, struct caller *caller, const struct path *path, bool subtree,
        bool unchanged, uint64_t *ret_id, struct diag *d)
{
        struct client *c;

        int r = client_get(s, caller, &c);
        if (r < 0)
                return r;
        r = check_limits(s, c, path_bytes(path), d);
        if (r < 0) {
                client_put(c);
                return r;
        }
        struct subscription *sub = calloc(1, sizeof(*sub));
        r = sub ? path_parse(path->text, path->len, any_hive, NULL, &sub->path, d) : -ENOMEM;
        if (r == 0) {
                sub->id = ++s->last_id;
                sub->client = c;
                sub->subtree = subtree;
                sub->unchanged = unchanged;
                r = subscription_link(s, sub);
        }
        if (r < 0) {
                if (sub)
                        path_done(&sub->path);
                free(sub);
                client_put(c);
                return r;
        }
        link_client(c, sub);
        *ret_id = sub->id;
        return 0;
}

int subscriptions_remove(struct subscriptions *s, const char *client, uint64_t id)
{
        struct subscription *sub = hashmap_get(&s->by_id, id_hash(id), id_matches, &id);
        if (!sub || strcmp(sub->client->caller->name, client) != 0)
                return -ENOENT;
        struct client *c = sub->client;
        subscription_free(s, sub);
        client_put(c);
        return 0;
}

void subscriptions_drop_client(struct subscriptions *s, const char *client)
{
        struct client *c = client_find(s, client);

        if (!c)
                return;
        while (c->first)
                subscription_free(s, c->first);
        client_put(c);
}

void subscriptions_client_reads(struct subscriptions *s, const char *client, bool lost)
{
        struct client *c = client_find(s, client);

        if (!c)
                return;
        for (struct subscription *sub = lost ? c->first : NULL; sub; sub = sub->client_next)
                sub->overflowed = true;
        if (!lost)
                flush_overflows(c);
}
