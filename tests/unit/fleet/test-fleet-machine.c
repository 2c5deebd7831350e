/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies come into force, stay, are replaced and leave; whatever fails or is killed in between, the last
 * good one is there, and none that was replaced comes back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../../schema/layout.h"
#include "../../../service/fleet/fleet-machine.h"
#include "alloc-faults.h"
#include "io-faults.h"
#include "scratch.h"
#include "signer.h"
#include "suite.h"

#define WEB LAYOUT_DROPINS_FLEET "/fleet-web.yaml"

static struct scratch root;

static void put_key(uint8_t number)
{
        const struct signer s = signer_new(number);
        _cleanup_buf_ struct buf text = BUF_INIT;

        signer_put_key(&s, &text);
        scratch_puts(&root, textf(LAYOUT_FLEET_KEYS "/%u.pub", number), buf_str(&text));
}

static void remove_key(uint8_t number)
{
        scratch_remove(&root, textf(LAYOUT_FLEET_KEYS "/%u.pub", number));
}

static void setup(void)
{
        scratch_new(&root);
        put_key(1);
}

static void teardown(void)
{
        scratch_done(&root);
}

static void publish(uint8_t key, uint64_t serial, const char *more, struct buf *ret)
{
        const struct signer s = signer_new(key);

        buf_clear(ret);
        signer_publish(&s, "web", serial, more, ret);
}

/* As one run of the program. Negative errno, or what became of it. */
static int install(const struct buf *text, struct diag *d)
{
        _cleanup_fleet_machine_ struct fleet_machine m = { .lock_fd = -1, .policy_fd = -1 };
        enum fleet_verdict verdict = FLEET_VERDICTS_N;
        struct fleet_policy p;
        bool is_new;

        int r = fleet_machine_open(root.root, true, &m, d);
        if (r == 0)
                r = fleet_machine_judge(&m, "t", text, NULL, &p, &verdict, d);
        if (r == 0)
                r = verdict == FLEET_GOOD ? fleet_machine_install(&m, &p, text, &is_new, d)
                                          : fleet_machine_refuse(&m, p.group, verdict, p.serial, text);
        if (r >= 0)
                r = fleet_machine_store(&m, d);
        return r < 0 ? r : (int)verdict;
}

static void expect(uint8_t key, uint64_t serial, const char *more, enum fleet_verdict expected)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        publish(key, serial, more, &text);
        int r = install(&text, &d);
        ck_assert_msg(r == (int)expected, "serial %u: %d %s", (unsigned)serial, r, d.text);
}

static bool in_force(const char *what)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        return scratch_read(&root, WEB, &text) && strstr(buf_str(&text), what) != NULL;
}

static void drop(void)
{
        _cleanup_fleet_machine_ struct fleet_machine m = { .lock_fd = -1, .policy_fd = -1 };
        struct diag d = { 0 };

        ck_assert_int_eq(fleet_machine_open(root.root, true, &m, &d), 0);
        ck_assert_msg(fleet_machine_drop(&m, &d) == 0, "%s", d.text);
        ck_assert_msg(fleet_machine_store(&m, &d) == 0, "%s", d.text);
}

TEST(one_after_the_other)
{
        struct stat before, after;

        expect(1, 7, "", FLEET_GOOD);
        ck_assert(in_force("serial: 7\n"));
        ck_assert_int_eq(stat(scratch_path(&root, WEB), &before), 0);
        ck_assert_uint_eq(before.st_mode & 07777, 0644);
        expect(1, 7, "", FLEET_GOOD);
        ck_assert_int_eq(stat(scratch_path(&root, WEB), &after), 0);
        ck_assert_uint_eq(before.st_ino, after.st_ino);
        expect(1, 7, "enabled: false\n", FLEET_ROLLED_BACK);
        expect(1, 6, "", FLEET_ROLLED_BACK);
        expect(1, 8, "precedence: 1\n", FLEET_BROKEN);
        expect(2, 8, "", FLEET_UNKNOWN_KEY);
        ck_assert(in_force("serial: 7\n"));
        expect(1, 8, "", FLEET_GOOD);
        expect(1, 7, "", FLEET_ROLLED_BACK);
        ck_assert(in_force("serial: 8\n"));
        /* Somebody took it away: it comes back, and nothing older does. */
        scratch_remove(&root, WEB);
        expect(1, 7, "", FLEET_ROLLED_BACK);
        expect(1, 8, "", FLEET_GOOD);
        ck_assert(in_force("serial: 8\n"));
}

/* Its comment is nobody's. */
TEST(same_with_another_comment)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct stat before, after;
        struct diag d = { 0 };

        publish(1, 7, "", &text);
        ck_assert_int_eq(install(&text, &d), FLEET_GOOD);
        ck_assert_int_eq(stat(scratch_path(&root, WEB), &before), 0);
        text.data[strlen("untrusted comment: ")] ^= 1;
        ck_assert_int_eq(install(&text, &d), FLEET_GOOD);
        ck_assert_int_eq(stat(scratch_path(&root, WEB), &after), 0);
        ck_assert_uint_eq(before.st_ino, after.st_ino);
}

/* Who is not in keeps what it had, and what it did not take does not count: neither as the last serial, nor
 * as that serial's text. */
TEST(stages)
{
        struct diag d = { 0 };
        char in[32], out[32];
        sd_id128_t id;

        scratch_puts(&root, "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        ck_assert_int_eq(fleet_machine_id(root.root, &id, &d), 0);
        const unsigned place = fleet_machine_place(id);
        (void)snprintf(in, sizeof(in), "percent: %u\n", place + 1);
        (void)snprintf(out, sizeof(out), "percent: %u\n", place);
        expect(1, 7, "", FLEET_GOOD);
        expect(1, 8, out, FLEET_STAGED);
        ck_assert(in_force("serial: 7\n"));
        expect(1, 7, "", FLEET_GOOD);
        expect(1, 8, in, FLEET_GOOD);
        ck_assert(in_force("serial: 8\n"));
        expect(1, 8, out, FLEET_ROLLED_BACK);
        expect(1, 9, out, FLEET_STAGED);
        ck_assert(in_force("serial: 8\n"));
        scratch_remove(&root, "/etc/machine-id");
        expect(1, 9, "percent: 99\n", FLEET_STAGED);
        expect(1, 9, "", FLEET_GOOD);
        ck_assert(in_force("serial: 9\n"));
}

/* The last one is what the machine reports, so it is stored; one that stays is not written each hour. */
TEST(refusals_that_come_back)
{
        static const enum fleet_verdict why[] = { FLEET_STAGED, FLEET_STAGED, FLEET_EXPIRED, FLEET_STAGED };
        static const int is_new[] = { 1, 0, 1, 0 };
        static const bool is_stored[] = { true, false, true, true };
        _cleanup_buf_ struct buf text = BUF_INIT;

        publish(1, 7, "", &text);
        for (size_t i = 0; i < ARRAY_SIZE(why); i++) {
                _cleanup_fleet_machine_ struct fleet_machine m = { .lock_fd = -1, .policy_fd = -1 };
                struct diag d = { 0 };
                ck_assert_int_eq(fleet_machine_open(root.root, true, &m, &d), 0);
                ck_assert_int_eq(fleet_machine_refuse(&m, "web", why[i], 7, &text), is_new[i]);
                ck_assert_int_eq(m.is_changed, is_stored[i]);
                ck_assert_int_eq(fleet_machine_store(&m, &d), 0);
        }
}

/* The same in each version, or a stage that has begun would take others; and even: of 10,000 machines the
 * number in a tenth is 1,000 by and large. */
TEST(places)
{
        unsigned n = 0;

        ck_assert_uint_eq(fleet_machine_place(SD_ID128_MAKE(
                                  00, 00, 00, 00, 00, 2a, 4f, ff, ff, ff, ff, ff, ff, ff, ff, ff)),
                42);
        ck_assert_uint_eq(fleet_machine_place(SD_ID128_MAKE(
                                  00, 00, 00, 00, 01, 00, 40, 00, 80, 00, 00, 00, 00, 00, 00, 00)),
                56);
        for (unsigned i = 0; i < 10000; i++) {
                struct diag d = { 0 };
                sd_id128_t id;
                scratch_puts(&root, "/etc/machine-id", textf("%032x\n", i + 1));
                ck_assert_int_eq(fleet_machine_id(root.root, &id, &d), 0);
                n += fleet_machine_place(id) < 10;
        }
        ck_assert_uint_gt(n, 900);
        ck_assert_uint_lt(n, 1100);
}

TEST(new_key)
{
        expect(1, 7, "", FLEET_GOOD);
        put_key(2);
        expect(2, 7, "", FLEET_ROLLED_BACK);
        expect(2, 8, "", FLEET_GOOD);
        expect(1, 8, "", FLEET_ROLLED_BACK);
        remove_key(1);
        drop();
        ck_assert(in_force("serial: 8\n"));
        expect(1, 9, "", FLEET_UNKNOWN_KEY);
        expect(2, 7, "", FLEET_ROLLED_BACK);
}

/* A key that somebody stole, and used to run ahead. */
TEST(lost_key)
{
        expect(1, 5, "", FLEET_GOOD);
        put_key(2);
        expect(2, UINT64_MAX, "", FLEET_GOOD);
        expect(1, 6, "", FLEET_ROLLED_BACK);
        remove_key(2);
        expect(1, 5, "enabled: false\n", FLEET_ROLLED_BACK);
        ck_assert(in_force("serial: 18446744073709551615\n"));
        drop();
        ck_assert(!scratch_exists(&root, WEB));
        expect(1, 6, "", FLEET_GOOD);
        ck_assert(in_force("serial: 6\n"));
}

TEST(keys_that_cannot_be_read)
{
        expect(1, 5, "", FLEET_GOOD);
        scratch_remove(&root, LAYOUT_FLEET_KEYS "/1.pub");
        scratch_puts(&root, LAYOUT_FLEET_KEYS "/1.pub", "cut");
        drop();
        ck_assert(in_force("serial: 5\n"));
        /* What is in force would say its serial itself. */
        scratch_remove(&root, WEB);
        put_key(1);
        expect(1, 4, "", FLEET_ROLLED_BACK);
}

TEST(expiry)
{
        _cleanup_fleet_machine_ struct fleet_machine m = { .lock_fd = -1, .policy_fd = -1 };
        struct diag d = { 0 };

        expect(1, 5, "expires: 2100-01-31T10:00:00Z\n", FLEET_GOOD);
        expect(1, 6, "expires: 2001-01-31T10:00:00Z\n", FLEET_EXPIRED);
        drop();
        ck_assert(in_force("serial: 5\n"));
        ck_assert_int_eq(fleet_machine_open(root.root, true, &m, &d), 0);
        m.now = INT64_C(4105072800) * 1000000;
        ck_assert_int_eq(fleet_machine_drop(&m, &d), 0);
        ck_assert(!scratch_exists(&root, WEB));
        fleet_machine_close(&m);
        /* The clock was wrong: it comes back as it was, and nothing older. */
        expect(1, 4, "", FLEET_ROLLED_BACK);
        expect(1, 5, "expires: 2100-01-31T10:00:00Z\n", FLEET_GOOD);
}

TEST(what_is_not_ours_stays)
{
        static const char *const names[] = { "other.yaml", "fleet-Web.yaml", "fleet-.yaml",
                "fleet-web.yaml.bad" };

        expect(1, 5, "", FLEET_GOOD);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                scratch_puts(&root, textf(LAYOUT_DROPINS_FLEET "/%s", names[i]), "not ours");
        scratch_puts(&root, LAYOUT_DROPINS_FLEET "/fleet-db.yaml", "unsigned");
        drop();
        ck_assert(in_force("serial: 5\n"));
        ck_assert_uint_eq(scratch_count(&root, LAYOUT_DROPINS_FLEET), 1 + ARRAY_SIZE(names));
}

/* Whichever file was written last when the power went. */
TEST(half_of_an_installation)
{
        expect(1, 5, "", FLEET_GOOD);
        scratch_remove(&root, LAYOUT_FLEET_STATE);
        expect(1, 4, "", FLEET_ROLLED_BACK);
        expect(1, 5, "enabled: false\n", FLEET_ROLLED_BACK);
        scratch_puts(&root, LAYOUT_FLEET_STATE, "damaged");
        expect(1, 4, "", FLEET_ROLLED_BACK);
        ck_assert(scratch_exists(&root, LAYOUT_FLEET_STATE ".bad"));
        expect(1, 6, "", FLEET_GOOD);
        expect(1, 5, "", FLEET_ROLLED_BACK);
}

TEST(looking_changes_nothing)
{
        _cleanup_fleet_machine_ struct fleet_machine m = { .lock_fd = -1, .policy_fd = -1 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        enum fleet_verdict verdict;
        struct fleet_policy p;
        struct diag d = { 0 };

        publish(1, 5, "", &text);
        ck_assert_int_eq(fleet_machine_open(root.root, false, &m, &d), 0);
        ck_assert_int_eq(fleet_machine_judge(&m, "t", &text, "web", &p, &verdict, &d), 0);
        ck_assert_int_eq(verdict, FLEET_GOOD);
        ck_assert(!scratch_exists(&root, "/var"));
}

static struct io_fault *const calls[] = { &on_write, &on_read, &on_fsync, &on_rename };

/* Returns whether the n-th of these calls was made, and failed. */
static bool fail_once(struct io_fault *call, unsigned n)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        scratch_done(&root);
        setup();
        expect(1, 5, "", FLEET_GOOD);
        publish(1, 6, "", &text);
        *call = (struct io_fault){ .at = n, .error = ENOSPC };
        int r = install(&text, &d);
        const bool failed = call->calls >= n;
        io_faults_none();
        ck_assert(failed || r == FLEET_GOOD);
        return failed;
}

/* Each of these calls fails once: afterwards the old or the new one is in force, and a second try succeeds.
 */
TEST_EACH(failing_disk, ARRAY_SIZE(calls))
{
        unsigned n = 1;

        while (fail_once(calls[_i], n)) {
                ck_assert(in_force("serial: 5\n") || in_force("serial: 6\n"));
                expect(1, 6, "", FLEET_GOOD);
                expect(1, 5, "", FLEET_ROLLED_BACK);
                ck_assert(in_force("serial: 6\n"));
                n++;
        }
        ck_assert_uint_gt(n, 2);
}

TEST(failing_allocation)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        expect(1, 5, "", FLEET_GOOD);
        publish(1, 6, "", &text);
        for (unsigned n = 1;; n++) {
                struct diag d = { 0 };
                alloc_fail_at(n);
                int r = install(&text, &d);
                if (!alloc_failed()) {
                        ck_assert_int_eq(r, FLEET_GOOD);
                        ck_assert_uint_gt(n, 20);
                        break;
                }
                ck_assert_int_lt(r, 0);
                ck_assert(in_force("serial: "));
        }
}

Suite *test_suite(void)
{
        return suite_with("fleet-machine", setup, teardown);
}
