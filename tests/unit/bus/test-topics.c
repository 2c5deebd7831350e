/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events reach which subscriptions, compared with a plain rule, and how much is looked at for it. */
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/bus/topics.h"
#include "suite.h"

#define MANY 4096u
/* Enough for a few binary searches among MANY, far below one look at each. */
#define LOOKS_MAX 200u
#define ROUNDS 120u
#define SUBSCRIPTIONS 60u
#define EVENTS 12u

/* Of one that comes or goes, beside all others. */
#define MOVED_MAX 256u

static size_t looks, moved;

bool __real_fold_equal(const char *a, size_t a_len, const char *b, size_t b_len);
int __real_fold_compare(const char *a, size_t a_len, const char *b, size_t b_len);
uint32_t __real_fold_hash(const char *s, size_t n, uint32_t seed);
bool __wrap_fold_equal(const char *a, size_t a_len, const char *b, size_t b_len);
int __wrap_fold_compare(const char *a, size_t a_len, const char *b, size_t b_len);
uint32_t __wrap_fold_hash(const char *s, size_t n, uint32_t seed);
void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);

void *__wrap_memmove(void *to, const void *from, size_t n)
{
        moved += n;
        return __real_memmove(to, from, n);
}

bool __wrap_fold_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
        looks++;
        return __real_fold_equal(a, a_len, b, b_len);
}

int __wrap_fold_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
        looks++;
        return __real_fold_compare(a, a_len, b, b_len);
}

uint32_t __wrap_fold_hash(const char *s, size_t n, uint32_t seed)
{
        looks++;
        return __real_fold_hash(s, n, seed);
}

static struct topic_listener subs[MANY];
static struct topics topics;
static struct registry_event list[TOPIC_EVENTS_MAX * 2];

static bool is_hive(const char *name, size_t len, _unused_ void *userdata)
{
        return __real_fold_equal(name, len, "Users", 5);
}

static void add(struct topic_listener *sub, const char *path, bool subtree, bool unchanged)
{
        *sub = (struct topic_listener){ .subtree = subtree, .unchanged = unchanged };
        ck_assert_int_eq(path_parse(path, strlen(path), is_hive, NULL, &sub->path, NULL), 0);
        ck_assert_int_eq(topics_add(&topics, sub), 0);
}

static void drop(struct topic_listener *sub)
{
        topics_remove(&topics, sub);
        path_done(&sub->path);
        sub->topic = NULL;
}

static void drop_all(size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (subs[i].topic)
                        drop(&subs[i]);
        ck_assert_ptr_null(topics.tree);
        ck_assert_uint_eq(topics.by_path.used, 0);
        topics_done(&topics);
}

static struct registry_event event(enum registry_event_kind kind, const char *path, const char *name)
{
        return (struct registry_event){ .kind = kind, .path = path, .name = name };
}

static struct topic *gather(size_t n)
{
        const struct registry_events events = { .list = list, .n = n };
        looks = 0;
        return topics_gather(&topics, &events);
}

static const char *long_path(size_t i)
{
        static char path[PATH_BYTES_MAX + 1];
        int n = snprintf(path, sizeof(path), "Machine\\Zz%05zu", i);

        while (n + 201 < 16300)
                n += snprintf(path + n, sizeof(path) - (size_t)n, "\\%0200d", 0);
        return path;
}

TEST(others_cost_nothing)
{
        for (size_t i = 0; i < MANY; i++)
                add(&subs[i], long_path(i), true, false);
        list[0] = event(EVENT_SUBKEY_CREATED, "Machine\\A1", "k");
        list[1] = event(EVENT_KEY_DELETED, "Machine\\Zz1", "");
        list[2] = event(EVENT_VALUE_SET, "Machine\\Zz00001", "v");
        ck_assert_ptr_null(gather(3));
        ck_assert_msg(looks <= LOOKS_MAX, "%zu looks", looks);

        list[0] = event(EVENT_KEY_DELETED, "Machine\\zZ00007", "");
        struct topic *first = gather(1);
        ck_assert_msg(looks <= LOOKS_MAX, "%zu looks", looks);
        ck_assert_ptr_eq(first, subs[7].topic);
        ck_assert_ptr_null(first->next_gathered);
        topics_scatter(first);
        drop_all(MANY);
}

/* A link that many listen behind leads elsewhere: each of them is somewhere else then. */
TEST(moves_cost_what_is_moved)
{
        char path[64];

        for (size_t i = 0; i < MANY; i++) {
                (void)snprintf(path, sizeof(path), "Machine\\Here\\%zu", i);
                add(&subs[i], path, false, false);
        }
        looks = moved = 0;
        for (size_t i = 0; i < MANY; i++) {
                drop(&subs[i]);
                (void)snprintf(path, sizeof(path), "Machine\\Elsewhere\\%zu", i);
                add(&subs[i], path, false, false);
        }
        ck_assert_msg(looks <= MANY * LOOKS_MAX, "%zu looks", looks);
        ck_assert_msg(moved <= MANY * MOVED_MAX, "%zu bytes", moved);
        drop_all(MANY);
}

/* What many subscriptions hear alike is found out once for all of them, up to what one signal may have. */
TEST(same_for_many)
{
        for (size_t i = 0; i < MANY; i++)
                add(&subs[i], i % 2 ? "Machine" : "MACHINE", true, false);
        ck_assert_uint_eq(topics.by_path.used, 1);
        ck_assert_ptr_null(topics.tree->next);

        for (size_t i = 0; i < ARRAY_SIZE(list); i++)
                list[i] = event(EVENT_VALUE_SET, "Machine\\A", "v");

        struct topic *first = gather(TOPIC_EVENTS_MAX);
        ck_assert_uint_eq(first->n, TOPIC_EVENTS_MAX);
        ck_assert(!first->too_much);
        ck_assert_msg(looks <= 4 * TOPIC_EVENTS_MAX, "%zu looks", looks);
        topics_scatter(first);

        first = gather(TOPIC_EVENTS_MAX + 1);
        ck_assert(first->too_much);
        ck_assert_uint_eq(first->n, 0);
        ck_assert_ptr_null(first->next_gathered);
        topics_scatter(first);
        ck_assert(!first->too_much);
        drop_all(MANY);
}

static bool is_at_or_below(const char *inner, const char *outer)
{
        _cleanup_path_ struct path a = { 0 }, b = { 0 };

        ck_assert_int_eq(path_parse(inner, strlen(inner), is_hive, NULL, &a, NULL), 0);
        ck_assert_int_eq(path_parse(outer, strlen(outer), is_hive, NULL, &b, NULL), 0);
        return path_is_below(&a, &b);
}

static bool concerns(const struct topic_listener *sub, const struct registry_event *e)
{
        const char *path = sub->path.text;
        char child[256];

        if (e->kind == EVENT_VALUE_UNCHANGED && !sub->unchanged)
                return false;
        bool is_below = is_at_or_below(e->path, path);
        if (is_below && (sub->subtree || is_at_or_below(path, e->path)))
                return true;
        if (e->kind == EVENT_KEY_DELETED)
                return is_at_or_below(path, e->path);
        (void)snprintf(child, sizeof(child), "%s\\%s", e->path, e->name);
        return e->kind == EVENT_SUBKEY_CREATED && is_at_or_below(path, child);
}

static bool is_among(const struct topic *first, const struct topic *topic)
{
        while (first && first != topic)
                first = first->next_gathered;
        return first != NULL;
}

/* The key came, or went, or one above it. */
static bool is_another(const struct topic_listener *sub, const struct registry_event *e)
{
        return (e->kind == EVENT_KEY_DELETED && is_at_or_below(sub->path.text, e->path)) ||
               (e->kind == EVENT_SUBKEY_CREATED &&
                       is_at_or_below(sub->path.text, textf("%s\\%s", e->path, e->name)));
}

static void check_topic(const struct topic *first, const struct topic_listener *sub, size_t n)
{
        size_t heard = 0;
        bool others = false;

        for (size_t i = 0; i < n; i++) {
                others |= is_another(sub, &list[i]);
                if (!concerns(sub, &list[i]))
                        continue;
                ck_assert_msg(heard < sub->topic->n && sub->topic->events[heard] == &list[i],
                        "%s does not hear %s of %s", sub->path.text, registry_event_name(list[i].kind),
                        list[i].path);
                heard++;
        }
        ck_assert_uint_eq(sub->topic->n, heard);
        ck_assert_int_eq(sub->topic->is_another, others);
        ck_assert_int_eq(is_among(first, sub->topic), heard > 0);
        if (sub->next) {
                ck_assert_int_eq(sub->next->subtree, sub->subtree);
                ck_assert_ptr_eq(sub->next->topic, sub->topic);
        }
}

static unsigned any(unsigned n)
{
        static uint32_t state = 1;
        state = state * UINT32_C(1664525) + UINT32_C(1013904223);
        return (state >> 8) % n;
}

/* Names that sort before and after the separator, that fold alike, and whose folded length differs. */
static const char *any_path(char *to, size_t size)
{
        static const char *const names[] = { "a", "A", "a-", "a b", "a\x7f", "az", "ß", "ẞ", "é", "k",
                "\u212a" };
        int n = snprintf(to, size, "%s", any(4) ? "Machine" : "uSERS");

        for (unsigned depth = any(4); depth > 0; depth--)
                n += snprintf(to + n, size - (size_t)n, "\\%s", names[any(ARRAY_SIZE(names))]);
        return to;
}

TEST(like_the_plain_rule)
{
        static char paths[EVENTS][128];
        char path[128];

        for (unsigned round = 0; round < ROUNDS; round++) {
                for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
                        if (subs[i].topic && any(3) == 0)
                                drop(&subs[i]);
                        else if (!subs[i].topic)
                                add(&subs[i], any_path(path, sizeof(path)), any(2), any(2));
                }
                for (size_t i = 0; i < EVENTS; i++)
                        list[i] = event((enum registry_event_kind)any(EVENT_KEY_DELETED + 1),
                                any_path(paths[i], sizeof(paths[i])), any(2) ? "A" : "K");
                struct topic *first = gather(EVENTS);
                for (size_t i = 0; i < SUBSCRIPTIONS; i++)
                        if (subs[i].topic)
                                check_topic(first, &subs[i], EVENTS);
                topics_scatter(first);
        }
        drop_all(SUBSCRIPTIONS);
}

Suite *test_suite(void)
{
        return suite_of("topics");
}
