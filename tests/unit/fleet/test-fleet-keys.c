/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of public keys: what counts, and that nobody takes what cannot be read for what is not there.
 */
#include <stdio.h>
#include <string.h>

#include "../../../schema/layout.h"
#include "../../../service/fleet/fleet-policy.h"
#include "alloc-faults.h"
#include "signer.h"
#include "suite.h"
#include "scratch.h"

#define FOLDER LAYOUT_FLEET_KEYS "/"

static void put_key(const char *path, uint8_t number)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        const struct signer s = signer_new(number);

        signer_put_key(&s, &text);
        scratch_puts(&scratch_root, path, buf_str(&text));
}

static struct fleet_keys load(void)
{
        struct fleet_keys keys;

        ck_assert_int_eq(fleet_keys_load(scratch_root.root, &keys), 0);
        return keys;
}

TEST(none)
{
        struct fleet_keys keys = load();
        ck_assert_uint_eq(keys.n, 0);
        ck_assert(keys.is_complete);
        scratch_folder(&scratch_root, LAYOUT_FLEET_KEYS);
        keys = load();
        ck_assert_uint_eq(keys.n, 0);
        ck_assert(keys.is_complete);
}

TEST(what_counts)
{
        put_key(FOLDER "a.pub", 1);
        put_key(FOLDER "b.pub", 2);
        put_key(FOLDER ".c.pub", 3);
        put_key(FOLDER "d.pub~", 4);
        put_key("/srv/e.pub", 5);
        scratch_link(&scratch_root, FOLDER "e.pub", "../../../srv/e.pub");
        const struct fleet_keys keys = load();
        ck_assert_uint_eq(keys.n, 3);
        ck_assert(keys.is_complete);
        for (uint8_t i = 1; i <= 5; i++)
                ck_assert_int_eq(fleet_keys_has(&keys, signer_new(i).number), i != 3 && i != 4);
}

static void put_broken(void)
{
        scratch_puts(&scratch_root, FOLDER "x.pub", "untrusted comment: x\nRWQ=\n");
}

static void put_fifo(void)
{
        scratch_fifo(&scratch_root, FOLDER "x.pub");
}

static void put_folder(void)
{
        scratch_folder(&scratch_root, FOLDER "x.pub");
}

static void put_dangling(void)
{
        scratch_link(&scratch_root, FOLDER "x.pub", "nowhere");
}

static void put_huge(void)
{
        scratch_sparse(&scratch_root, FOLDER "x.pub", 4097);
}

static void (*const no_keys[])(void) = { put_broken, put_fifo, put_folder, put_dangling, put_huge };

TEST_EACH(what_is_no_key, ARRAY_SIZE(no_keys))
{
        put_key(FOLDER "a.pub", 1);
        no_keys[_i]();
        const struct fleet_keys keys = load();
        ck_assert_uint_eq(keys.n, 1);
        ck_assert(!keys.is_complete);
}

TEST(no_folder)
{
        scratch_puts(&scratch_root, LAYOUT_FLEET_KEYS, "a file");
        const struct fleet_keys keys = load();
        ck_assert_uint_eq(keys.n, 0);
        ck_assert(!keys.is_complete);
}

TEST(too_many)
{
        for (unsigned i = 0; i <= FLEET_KEYS_MAX; i++) {
                _cleanup_free_ char *path = NULL;
                ck_assert(asprintf(&path, FOLDER "%u.pub", i) > 0);
                put_key(path, (uint8_t)i);
        }
        const struct fleet_keys keys = load();
        ck_assert_uint_eq(keys.n, FLEET_KEYS_MAX);
        ck_assert(!keys.is_complete);
}

/* Two keys of one number: either may have signed. */
TEST(one_number)
{
        const struct signer a = signer_new(1);
        struct signer b = signer_new(2);
        const struct signer *const both[] = { &a, &b };
        memcpy(b.number, a.number, sizeof(b.number));
        for (size_t i = 0; i < 2; i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                signer_put_key(both[i], &text);
                scratch_puts(&scratch_root, i ? FOLDER "b.pub" : FOLDER "a.pub", buf_str(&text));
        }
        const struct fleet_keys keys = load();
        for (size_t i = 0; i < 2; i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                struct signed_text parts;
                signer_sign(both[i], "message", &text);
                ck_assert(signed_split(text.data, text.len, &parts));
                ck_assert(fleet_keys_verify(&keys, &parts));
                parts.signature[0] ^= 1;
                ck_assert(!fleet_keys_verify(&keys, &parts));
        }
}

TEST(failing_allocation)
{
        put_key(FOLDER "a.pub", 1);
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                struct fleet_keys keys;
                alloc_fail_at(n);
                failed = alloc_fails(fleet_keys_load(scratch_root.root, &keys), n, 1);
                ck_assert(failed || (keys.n == 1 && keys.is_complete));
        }
}

Suite *test_suite(void)
{
        return suite_with("fleet-keys", scratch_setup, scratch_teardown);
}
