/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* signify(1) itself: what it signs is taken, and what the other tests sign it would take as well. */
#include <fcntl.h>
#include <stdio.h>

#include "../../../schema/base/file.h"
#include "../../../service/fleet/fleet-policy.h"
#include "signer.h"
#include "suite.h"
#include "scratch.h"

static int run(const char *arguments)
{
        _cleanup_free_ char *command = NULL;

        ck_assert(asprintf(&command, "cd '%s' && signify-openbsd %s >out 2>&1", scratch_root.root,
                          arguments) > 0);
        return system(command); // NOLINT: a fixed text and the test's own folder
}

static void read_back(const char *name, struct buf *ret)
{
        _cleanup_free_ char *path = NULL;

        ck_assert(asprintf(&path, "%s/%s", scratch_root.root, name) > 0);
        ck_assert_int_eq(file_read(AT_FDCWD, path, FLEET_POLICY_BYTES_MAX, ret, NULL, NULL), 0);
}

TEST(signed_by_signify)
{
        struct fleet_keys keys = { .n = 1, .is_complete = true };
        _cleanup_buf_ struct buf key = BUF_INIT, text = BUF_INIT;
        enum fleet_verdict verdict;
        struct fleet_policy p;
        struct diag d = { 0 };

        scratch_puts(
                &scratch_root, "/m", "peios-registry: 1\nlayer: fleet-web\nprecedence: 1000\nserial: 7\n");
        ck_assert_int_eq(run("-G -n -p k.pub -s k.sec"), 0);
        ck_assert_int_eq(run("-S -e -s k.sec -m m -x m.sig"), 0);
        read_back("k.pub", &key);
        read_back("m.sig", &text);
        ck_assert(signed_read_key(key.data, key.len, &keys.list[0]));
        ck_assert_int_eq(fleet_policy_read("m", &text, &keys, "web", 1, &p, &verdict, &d), 0);
        ck_assert_msg(verdict == FLEET_GOOD, "%s %s", fleet_verdict_reason(verdict), d.text);
        ck_assert_uint_eq(p.serial, 7);
}

TEST(verified_by_signify)
{
        const struct signer s = signer_new(1);
        _cleanup_buf_ struct buf key = BUF_INIT, text = BUF_INIT;

        signer_put_key(&s, &key);
        signer_publish(&s, "web", 7, "", &text);
        scratch_puts(&scratch_root, "/k.pub", buf_str(&key));
        scratch_puts(&scratch_root, "/m.sig", buf_str(&text));
        ck_assert_int_eq(run("-V -e -p k.pub -m m -x m.sig"), 0);
        text.data[text.len - 2] ^= 1;
        scratch_puts(&scratch_root, "/m.sig", buf_str(&text));
        ck_assert_int_ne(run("-V -e -p k.pub -m m -x m.sig"), 0);
}

Suite *test_suite(void)
{
        if (system("command -v signify-openbsd >/dev/null") != 0) { // NOLINT: a fixed text
                (void)fprintf(stderr, "SKIP: signify-openbsd is missing: nothing was signed by it\n");
                exit(77);
        }
        return suite_with("fleet-signify", scratch_setup, scratch_teardown);
}
