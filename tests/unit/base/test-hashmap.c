/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "../../../schema/base/hashmap.h"
#include "alloc-faults.h"
#include "suite.h"

#define KEYS 600

static bool is_key(const void *entry, const void *key)
{
        return *(const unsigned *)entry == *(const unsigned *)key;
}

/* The model: entries by key, NULL when absent. */
struct model {
        unsigned entries[2][KEYS]; /* two distinct entries a key, for replacing */
        unsigned *present[KEYS];
        unsigned n;
};

static void model_init(struct model *model)
{
        *model = (struct model){ 0 };
        for (unsigned key = 0; key < KEYS; key++)
                model->entries[0][key] = model->entries[1][key] = key;
}

static void check_walk(const struct hashmap *m, const struct model *model)
{
        bool seen[KEYS] = { false };
        unsigned n = 0, *entry;
        for (uint32_t i = 0; (entry = hashmap_next(m, &i)); n++) {
                ck_assert_ptr_eq(entry, model->present[*entry]);
                ck_assert(!seen[*entry]);
                seen[*entry] = true;
        }
        ck_assert_uint_eq(n, model->n);
        ck_assert_uint_eq(m->used, model->n);
}

static void check_lookups(const struct hashmap *m, const struct model *model, uint32_t (*hash)(unsigned))
{
        for (unsigned key = 0; key < KEYS; key++)
                ck_assert_ptr_eq(hashmap_get(m, hash(key), is_key, &key), model->present[key]);
}

static void toggle(struct hashmap *m, struct model *model, unsigned key, uint32_t hash)
{
        if (model->present[key]) {
                ck_assert(hashmap_remove(m, hash, model->present[key]));
                ck_assert(!hashmap_remove(m, hash, model->present[key]));
                model->present[key] = NULL;
                model->n--;
        } else {
                model->present[key] = &model->entries[0][key];
                ck_assert_int_eq(hashmap_put(m, hash, model->present[key]), 0);
                model->n++;
        }
}

static void replace(struct hashmap *m, struct model *model, unsigned key, uint32_t hash)
{
        unsigned *old = model->present[key];
        unsigned *other = old == &model->entries[0][key] ? &model->entries[1][key] : &model->entries[0][key];
        ck_assert_int_eq(hashmap_replace(m, hash, old ? old : other, other), old != NULL);
        if (old)
                model->present[key] = other;
}

static void random_walk(uint32_t (*hash)(unsigned), unsigned keys)
{
        static struct model model;
        struct hashmap m = { 0 };
        uint64_t random = 0x9E3779B97F4A7C15;

        model_init(&model);
        for (unsigned step = 0; step < 20000; step++) {
                random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
                unsigned key = (unsigned)(random >> 33) % keys;
                if ((random >> 24 & 7) == 0)
                        replace(&m, &model, key, hash(key));
                else
                        toggle(&m, &model, key, hash(key));
                ck_assert_ptr_eq(hashmap_get(&m, hash(key), is_key, &key), model.present[key]);
                if (step % 100 == 0) {
                        check_walk(&m, &model);
                        check_lookups(&m, &model, hash);
                }
        }
        hashmap_done(&m);
}

static uint32_t good_hash(unsigned key)
{
        return hashmap_hash(&key, sizeof(key), 1);
}

static uint32_t one_hash(_unused_ unsigned key)
{
        return 0xFFFFFFFF;
}

/* Home slots at the end of the table, so that runs wrap around. */
static uint32_t wrapping_hash(unsigned key)
{
        return UINT32_MAX - key % 3;
}

static uint32_t clustered_hash(unsigned key)
{
        return key / 4;
}

TEST(agrees_with_a_list)
{
        random_walk(good_hash, KEYS);
        random_walk(clustered_hash, KEYS);
        random_walk(one_hash, 40);
        random_walk(wrapping_hash, 40);
}

TEST(empty_map)
{
        struct hashmap m = { 0 };
        unsigned key = 1;
        uint32_t i = 0;
        ck_assert_ptr_null(hashmap_get(&m, 1, is_key, &key));
        ck_assert(!hashmap_remove(&m, 1, &key));
        ck_assert(!hashmap_replace(&m, 1, &key, &key));
        ck_assert_ptr_null(hashmap_next(&m, &i));
        hashmap_done(&m);
        hashmap_done(&m);
}

TEST(failed_allocation_changes_nothing)
{
        struct model model;
        struct hashmap m = { 0 };
        unsigned failures = 0;

        model_init(&model);
        for (unsigned key = 0; key < KEYS; key++) {
                alloc_fail_at(1);
                int r = hashmap_put(&m, good_hash(key), &model.entries[0][key]);
                if (alloc_failed()) {
                        ck_assert_int_eq(r, -ENOMEM);
                        check_walk(&m, &model);
                        check_lookups(&m, &model, good_hash);
                        failures++;
                        r = hashmap_put(&m, good_hash(key), &model.entries[0][key]);
                }
                ck_assert_int_eq(r, 0);
                model.present[key] = &model.entries[0][key];
                model.n++;
        }
        check_lookups(&m, &model, good_hash);
        ck_assert_uint_ge(failures, 5);
        hashmap_done(&m);
}

TEST(reserved_room_needs_no_allocation)
{
        static unsigned entries[KEYS];
        for (uint32_t extra = 0; extra < KEYS; extra += 7) {
                struct hashmap m = { 0 };
                ck_assert_int_eq(hashmap_reserve(&m, extra), 0);
                int r = 0;
                alloc_fail_at(1);
                for (uint32_t i = 0; i < extra; i++)
                        r |= hashmap_put(&m, good_hash(i), &entries[i]);
                ck_assert(!alloc_failed());
                ck_assert_int_eq(r, 0);
                hashmap_done(&m);
        }
        struct hashmap m = { 0 };
        ck_assert_int_eq(hashmap_reserve(&m, UINT32_MAX), -ENOMEM);
        hashmap_done(&m);
}

TEST(hashes_of_bytes)
{
        uint8_t data[64] = { 0 };
        ck_assert_uint_eq(hashmap_hash("abc", 3, 5), hashmap_hash("abc", 3, 5));
        ck_assert_uint_ne(hashmap_hash("abc", 3, 5), hashmap_hash("abc", 3, 6));
        ck_assert_uint_eq(hashmap_hash(NULL, 0, 5), hashmap_hash("", 0, 5));
        for (size_t n = 1; n <= sizeof(data); n++) {
                uint32_t clean = hashmap_hash(data, n, 5);
                ck_assert_uint_ne(clean, hashmap_hash(data, n - 1, 5));
                data[n - 1] = 1;
                ck_assert_uint_ne(clean, hashmap_hash(data, n, 5));
                data[n - 1] = 0;
        }
        ck_assert_uint_ne(hashmap_seed(), 0);
        ck_assert_uint_eq(hashmap_seed(), hashmap_seed());
}

Suite *test_suite(void)
{
        return suite_of("hashmap");
}
