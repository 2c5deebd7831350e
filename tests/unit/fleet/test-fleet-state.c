/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is remembered: serials of keys that are there, refusals once each, and a file that is whole or set
 * aside. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/layout.h"
#include "../../../service/fleet/fleet-state.h"
#include "alloc-faults.h"
#include "scratch.h"
#include "suite.h"

static struct fleet_policy policy(const char *group, uint8_t key, uint64_t serial, uint8_t signature)
{
        struct fleet_policy p = { .serial = serial, .is_signed = true };

        (void)snprintf(p.group, sizeof(p.group), "%s", group);
        memset(p.key, key, sizeof(p.key));
        memset(p.signature, signature, sizeof(p.signature));
        return p;
}

static void accept(struct fleet_state *s, const char *group, uint8_t key, uint64_t serial, uint8_t signature)
{
        const struct fleet_policy p = policy(group, key, serial, signature);
        ck_assert_int_eq(fleet_state_accept(s, &p), 0);
}

static bool is_good(
        const struct fleet_state *s, const char *group, uint8_t key, uint64_t serial, uint8_t signature)
{
        const struct fleet_policy p = policy(group, key, serial, signature);
        return fleet_state_check(s, &p) == FLEET_GOOD;
}

static struct fleet_keys keys_of(uint8_t a, uint8_t b)
{
        struct fleet_keys keys = { .n = 2, .is_complete = true };

        memset(keys.list[0].number, a, SIGNED_KEY_BYTES);
        memset(keys.list[1].number, b, SIGNED_KEY_BYTES);
        return keys;
}

TEST(serials)
{
        _cleanup_fleet_state_ struct fleet_state s = { 0 };

        ck_assert(is_good(&s, "web", 1, 1, 1));
        accept(&s, "web", 1, 7, 1);
        ck_assert(is_good(&s, "web", 1, 8, 2));
        ck_assert(is_good(&s, "web", 2, 8, 2));
        ck_assert(is_good(&s, "web", 1, 7, 1)); /* the same */
        ck_assert(!is_good(&s, "web", 1, 7, 2));
        ck_assert(!is_good(&s, "web", 2, 7, 1));
        ck_assert(!is_good(&s, "web", 1, 6, 1));
        ck_assert(is_good(&s, "db", 1, 1, 1));
        ck_assert_uint_eq(fleet_state_serial(&s, "web"), 7);
        ck_assert_uint_eq(fleet_state_serial(&s, "db"), 0);
        /* Another key goes on where the first one was. */
        accept(&s, "web", 2, 8, 3);
        ck_assert(!is_good(&s, "web", 1, 7, 1));
        ck_assert(!is_good(&s, "web", 1, 8, 3));
        ck_assert(is_good(&s, "web", 2, 8, 3));
        ck_assert(is_good(&s, "web", 1, UINT64_MAX, 3));
}

TEST(keys_that_went)
{
        const struct fleet_keys both = keys_of(1, 2), second = keys_of(2, 3);
        _cleanup_fleet_state_ struct fleet_state s = { 0 };

        accept(&s, "web", 1, UINT64_MAX, 1); /* who had the key was far ahead */
        accept(&s, "web", 2, 5, 1);
        accept(&s, "db", 1, 3, 1);
        ck_assert(!fleet_state_forget(&s, &both));
        ck_assert(!is_good(&s, "web", 2, 6, 2));
        ck_assert(fleet_state_forget(&s, &second));
        ck_assert(is_good(&s, "web", 2, 6, 2));
        ck_assert(!is_good(&s, "web", 2, 4, 2));
        ck_assert_uint_eq(fleet_state_serial(&s, "db"), 0);
}

static int refuse(struct fleet_state *s, const char *group, enum fleet_verdict why, const char *text)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        buf_puts(&file, text);
        const struct fleet_refused refused = fleet_refused_of(group, why, 9, &file);
        return fleet_state_refuse(s, &refused);
}

TEST(refusals_once)
{
        _cleanup_fleet_state_ struct fleet_state s = { 0 };
        char text[16];

        ck_assert_int_eq(refuse(&s, "web", FLEET_EXPIRED, "a"), 1);
        ck_assert_int_eq(refuse(&s, "web", FLEET_EXPIRED, "a"), 0);
        ck_assert_int_eq(refuse(&s, "web", FLEET_ROLLED_BACK, "a"), 1);
        ck_assert_int_eq(refuse(&s, "web", FLEET_EXPIRED, "b"), 1);
        ck_assert_int_eq(refuse(&s, "", FLEET_EXPIRED, "a"), 1);
        ck_assert_int_eq(refuse(&s, "", FLEET_EXPIRED, "a"), 0);
        ck_assert_int_eq(refuse(&s, "web", FLEET_EXPIRED, "a"), 0);
        for (unsigned i = 0; i < FLEET_REFUSED_MAX; i++) {
                (void)snprintf(text, sizeof(text), "x%u", i);
                ck_assert_int_eq(refuse(&s, "web", FLEET_UNSIGNED, text), 1);
        }
        ck_assert_uint_eq(s.n_refused, FLEET_REFUSED_MAX);
        ck_assert_int_eq(refuse(&s, "web", FLEET_UNSIGNED, "x0"), 0);
        ck_assert_int_eq(refuse(&s, "web", FLEET_EXPIRED, "a"), 1);
}

static enum fleet_verdict refusal(const struct fleet_state *s, const char *group, const char *text)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        buf_puts(&file, text);
        const struct fleet_refused like = fleet_refused_of(group, FLEET_GOOD, 0, &file);
        const struct fleet_refused *found = fleet_state_refusal(s, &like);
        ck_assert(!found || found->serial == 9);
        return found ? found->why : FLEET_GOOD;
}

/* Whoever owns etcd can put one group's policy where another's is; and a reason can come back, as with a
 * clock that is wrong for a while. */
TEST(last_refusal_of_a_group)
{
        _cleanup_fleet_state_ struct fleet_state s = { 0 };

        ck_assert_int_eq(refuse(&s, "web", FLEET_STAGED, "a"), 1);
        ck_assert_int_eq(refuse(&s, "db", FLEET_OTHER_GROUP, "a"), 1);
        ck_assert_int_eq(refusal(&s, "web", "a"), FLEET_STAGED);
        ck_assert_int_eq(refusal(&s, "db", "a"), FLEET_OTHER_GROUP);
        ck_assert_int_eq(refusal(&s, "we", "a"), FLEET_GOOD);
        ck_assert_int_eq(refusal(&s, "web", "b"), FLEET_GOOD);
        ck_assert_int_eq(refuse(&s, "web", FLEET_EXPIRED, "a"), 1);
        ck_assert_int_eq(refusal(&s, "web", "a"), FLEET_EXPIRED);
        ck_assert_int_eq(refuse(&s, "web", FLEET_STAGED, "a"), 0);
        ck_assert_int_eq(refusal(&s, "web", "a"), FLEET_STAGED);
        ck_assert_uint_eq(s.n_refused, 3);
}

/* Whoever can choose a text can choose its CRC. */
TEST(forgeries_of_one_sum)
{
        static const char *const texts[] = { "forged 1441e896", "forged fca1a963" };
        _cleanup_fleet_state_ struct fleet_state s = { 0 };

        ck_assert_uint_eq(file_sum(0, texts[0], strlen(texts[0])), file_sum(0, texts[1], strlen(texts[1])));
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                ck_assert_int_eq(refuse(&s, "web", FLEET_WRONG_SIGNATURE, texts[i]), 1);
}

TEST(there_and_back)
{
        _cleanup_scratch_ struct scratch root = { 0 };
        _cleanup_fleet_state_ struct fleet_state s = { 0 }, again = { 0 };
        struct diag d = { 0 };

        scratch_new(&root);
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(fleet_state_load(root.root, &again, &d), 0);
                ck_assert_uint_eq(again.n_serials, 0);
                ck_assert_int_eq(fleet_state_store(root.root, &again, &d), 0);
        }
        accept(&s, "web", 1, UINT64_MAX, 0xab);
        accept(&s, "0", 2, 1, 0);
        ck_assert_int_eq(refuse(&s, "", FLEET_UNSIGNED, "a"), 1);
        ck_assert_int_eq(refuse(&s, "web-1.x_y", FLEET_NO_FILE, ""), 1);
        ck_assert_int_eq(fleet_state_store(root.root, &s, &d), 0);
        ck_assert_int_eq(fleet_state_load(root.root, &again, &d), 0);
        ck_assert_uint_eq(again.n_serials, 2);
        ck_assert(memcmp(again.serials, s.serials, 2 * sizeof(*s.serials)) == 0);
        ck_assert_uint_eq(again.n_refused, 2);
        ck_assert_uint_eq(again.refused[1].serial, 9);
        ck_assert_int_eq(refuse(&again, "", FLEET_UNSIGNED, "a"), 0);
        ck_assert_int_eq(refuse(&again, "web-1.x_y", FLEET_NO_FILE, ""), 0);
}

#define SIGNATURE                                                                                            \
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
        "000000000000000000000000000000"
#define DIGEST "0000000000000000000000000000000000000000000000000000000000000000"
#define GOOD_LINE "web 0101010101010101 7 " SIGNATURE

static const char *const damaged[] = {
        "",
        "peios-fleet: 1\n",
        "[",
        "peios-fleet: 2\nserials: []\nrefused: []\n",
        "peios-fleet: 1\nserials: []\n",
        "peios-fleet: 1\nserials: []\nrefused: []\nmore: 1\n",
        "peios-fleet: 1\nserials: {}\nrefused: []\n",
        "peios-fleet: 1\nserials: [web]\nrefused: []\n",
        "peios-fleet: 1\nserials: [[web]]\nrefused: []\n",
        "peios-fleet: 1\nserials: [" GOOD_LINE " more]\nrefused: []\n",
        "peios-fleet: 1\nserials: [Web 0101010101010101 7 " SIGNATURE "]\nrefused: []\n",
        "peios-fleet: 1\nserials: [web 01010101010101 7 " SIGNATURE "]\nrefused: []\n",
        "peios-fleet: 1\nserials: [web 0101010101010101 0 " SIGNATURE "]\nrefused: []\n",
        "peios-fleet: 1\nserials: [web 0101010101010101 18446744073709551616 " SIGNATURE "]\nrefused: []\n",
        "peios-fleet: 1\nserials: [web 0101010101010101 7 " SIGNATURE "00]\nrefused: []\n",
        "peios-fleet: 1\nserials: []\nrefused: [web expired 0 0000]\n",
        "peios-fleet: 1\nserials: []\nrefused: [web expired 0 " DIGEST " more]\n",
        "peios-fleet: 1\nserials: []\nrefused: [web expired " DIGEST "]\n",
        "peios-fleet: 1\nserials: []\nrefused: [web expired x " DIGEST "]\n",
};

static void put(const struct scratch *root, const char *text, bool with_sum)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        buf_puts(&file, text);
        if (with_sum)
                (void)file_sum_end(0, &file);
        scratch_write(root, LAYOUT_FLEET_STATE, buf_str(&file), file.len);
}

TEST(damage)
{
        static const char good[] = "peios-fleet: 1\nserials: [" GOOD_LINE "]\n"
                                   "refused: [web expired 0 " DIGEST ", web of-later 9 " DIGEST "]\n";
        _cleanup_scratch_ struct scratch root = { 0 };
        _cleanup_fleet_state_ struct fleet_state s = { 0 };
        struct diag d = { 0 };

        scratch_new(&root);
        put(&root, good, true);
        ck_assert_int_eq(fleet_state_load(root.root, &s, &d), 0);
        ck_assert_uint_eq(s.n_serials, 1);
        ck_assert_uint_eq(s.n_refused, 1);
        fleet_state_done(&s);
        for (size_t i = 0; i <= ARRAY_SIZE(damaged); i++) {
                put(&root, i == 0 ? good : damaged[i - 1], i > 0);
                ck_assert_int_eq(fleet_state_load(root.root, &s, &d), 1);
                ck_assert_uint_eq(s.n_serials, 0);
                ck_assert_msg(strstr(d.text, "set aside as '") != NULL, "%s", d.text);
                ck_assert(!scratch_exists(&root, LAYOUT_FLEET_STATE));
        }
        ck_assert_uint_eq(scratch_count(&root, LAYOUT_FLEET_DIR), ARRAY_SIZE(damaged) + 1);
        /* What is no file is not set aside. */
        scratch_puts(&root, LAYOUT_FLEET_STATE "/x", "");
        ck_assert_int_lt(fleet_state_load(root.root, &s, &d), 0);
        ck_assert(scratch_exists(&root, LAYOUT_FLEET_STATE "/x"));
}

TEST(failing_allocation)
{
        _cleanup_scratch_ struct scratch root = { 0 };

        scratch_new(&root);
        put(&root, "peios-fleet: 1\nserials: [" GOOD_LINE "]\nrefused: [web expired 0 " DIGEST "]\n", true);
        for (unsigned n = 1;; n++) {
                _cleanup_fleet_state_ struct fleet_state s = { 0 };
                const struct fleet_policy p = policy("db", 1, 1, 1);
                struct diag d = { 0 };
                alloc_fail_at(n);
                int r = fleet_state_load(root.root, &s, &d);
                if (r == 0)
                        r = fleet_state_accept(&s, &p);
                if (r == 0)
                        r = fleet_state_store(root.root, &s, &d);
                if (!alloc_failed()) {
                        ck_assert_int_eq(r, 0);
                        break;
                }
                ck_assert_int_eq(r, -ENOMEM);
                ck_assert_uint_eq(scratch_count(&root, LAYOUT_FLEET_DIR), 1);
        }
}

Suite *test_suite(void)
{
        return suite_with("fleet-state", NULL, NULL);
}
