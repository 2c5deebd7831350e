/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy's file: each reason to refuse it, one by one, and that nothing is looked into before it is
 * verified. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../service/fleet/fleet-policy.h"
#include "alloc-faults.h"
#include "signer.h"
#include "suite.h"
#include "scratch.h"

#define NOW (INT64_C(1772366400) * 1000000) /* 2026-03-01T12:00:00Z */

/* signify(1) 31 of Debian wrote these; nobody has the secret key any more. */
static const char real_key[] = "untrusted comment: site public key\n"
                               "RWQYfYi3NT1AkpDR80sv6Tp+PZrmQRWkPzgCPsY69QoxNZn3v4GlKmCO\n";
static const char real_policy[] =
        "untrusted comment: verify with a.pub\n"
        "RWQYfYi3NT1AknvAyT9HMKeaN/pIIkPYKKvJIwqwaui4kIEePQ31vOp9XtLs+gPuKPwYFAU9/SdvJGCt08kyTDJpxBrxuf6ssAo=\n"
        "peios-registry: 1\nlayer: fleet-web\nprecedence: 1000\nserial: 7\nexpires: 2100-01-31T10:00:00Z\n"
        "keys:\n  \\System\\Audit\\Modules:\n    TaintEvents: !sz disabled\n";

static struct fleet_keys keys_of(const struct signer *s)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct fleet_keys keys = { .n = 1, .is_complete = true };

        signer_put_key(s, &text);
        ck_assert(signed_read_key(text.data, text.len, &keys.list[0]));
        return keys;
}

static enum fleet_verdict read_text(const char *text, size_t n, const struct fleet_keys *keys,
        const char *group, struct fleet_policy *ret, struct diag *d)
{
        _cleanup_buf_ struct buf copy = BUF_INIT;
        enum fleet_verdict verdict;

        buf_add(&copy, text, n);
        ck_assert_int_eq(fleet_policy_read("t", &copy, keys, group, NOW, ret, &verdict, d), 0);
        ck_assert(copy.len == n && memcmp(buf_str(&copy), text, n) == 0);
        return verdict;
}

TEST(known_answer)
{
        struct fleet_keys keys = { .n = 1, .is_complete = true };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct fleet_policy p;
        struct diag d = { 0 };
        char number[SEAL_SIGNER_MAX];

        ck_assert(signed_read_key(real_key, strlen(real_key), &keys.list[0]));
        ck_assert_int_eq(read_text(real_policy, strlen(real_policy), &keys, "web", &p, &d), FLEET_GOOD);
        ck_assert_str_eq(p.group, "web");
        ck_assert_uint_eq(p.serial, 7);
        ck_assert_int_eq(p.expires, INT64_C(4105072800) * 1000000);
        ck_assert_str_eq(signed_key_text(p.key, number), "187d88b7353d4092");
        /* Each bit of each byte counts, but for the comment's. */
        const size_t comment = (size_t)(strchr(real_policy, '\n') - real_policy);
        buf_puts(&text, real_policy);
        for (size_t i = strlen("untrusted comment: "); i < text.len; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        if (i == comment)
                                continue;
                        text.data[i] = (char)(text.data[i] ^ (1 << bit));
                        enum fleet_verdict v = read_text(text.data, text.len, &keys, "web", &p, &d);
                        text.data[i] = (char)(text.data[i] ^ (1 << bit));
                        /* The comment may have its end earlier. */
                        if (i < comment)
                                ck_assert(v == FLEET_GOOD || v == FLEET_UNSIGNED);
                        else
                                ck_assert_msg(v == FLEET_WRONG_SIGNATURE || v == FLEET_UNSIGNED ||
                                                      v == FLEET_UNKNOWN_KEY,
                                        "byte %zu, bit %u: %s", i, bit, fleet_verdict_reason(v));
                }
        for (size_t n = 0; n < text.len; n++)
                ck_assert_int_ne(read_text(text.data, n, &keys, "web", &p, &d), FLEET_GOOD);
        buf_putc(&text, '\n');
        ck_assert_int_eq(read_text(text.data, text.len, &keys, "web", &p, &d), FLEET_WRONG_SIGNATURE);
}

#define HEAD "peios-registry: 1\n"
#define REST "precedence: 1000\nserial: 7\n"

static const struct refusal_case {
        enum fleet_verdict verdict;
        const char *message, *group, *text;
} cases[] = {
        { FLEET_GOOD, HEAD "layer: fleet-web\n" REST, "web", "" },
        { FLEET_GOOD, HEAD "layer: fleet-web\n" REST, NULL, "" },
        { FLEET_GOOD, HEAD "layer: fleet-w.e_b-1\nprecedence: 4294967295\nserial: 1\nenabled: false\n", NULL,
                "" },
        { FLEET_GOOD, HEAD "layer: fleet-web\n" REST "expires: 2026-03-01T12:00:01Z\n", "web", "" },
        { FLEET_EXPIRED, HEAD "layer: fleet-web\n" REST "expires: 2026-03-01T12:00:00Z\n", "web", "" },
        { FLEET_EXPIRED, HEAD "layer: fleet-web\n" REST "expires: 1999-03-01T12:00:00Z\n", "web", "" },
        { FLEET_OTHER_GROUP, HEAD "layer: fleet-web\n" REST, "we", "" },
        { FLEET_OTHER_GROUP, HEAD "layer: fleet-web\n" REST, "db", "" },
        { FLEET_OTHER_LAYER, HEAD "layer: web\nprecedence: 1000\n", "web", "" },
        { FLEET_OTHER_LAYER, HEAD "layer: Fleet-web\n" REST, "web", "" },
        { FLEET_OTHER_LAYER, HEAD "layer: fleet-\n" REST, NULL, "" },
        { FLEET_OTHER_LAYER, HEAD "layer: fleet-Web\n" REST, NULL, "" },
        { FLEET_OTHER_LAYER, HEAD "layer: fleet-.web\n" REST, NULL, "" },
        { FLEET_OTHER_LAYER, HEAD "layer: \"fleet-a b\"\n" REST, NULL, "" },
        { FLEET_LOW_PRECEDENCE, HEAD "layer: fleet-web\nprecedence: 999\nserial: 7\n", "web", "" },
        { FLEET_LOW_PRECEDENCE, HEAD "layer: fleet-web\nserial: 7\n", "web", "" },
        { FLEET_NO_SERIAL, HEAD "layer: fleet-web\nprecedence: 1000\n", "web", "" },
        { FLEET_BROKEN, HEAD "layer: fleet-web\nprecedence: many\n", "web", "t:5:13: precedence `many`" },
        { FLEET_BROKEN, "", "web", "t:1:1: an empty file" },
        { FLEET_BROKEN, "keys: [\n", "web", "t:4:1: " },
};

TEST_EACH(contents, ARRAY_SIZE(cases))
{
        const struct refusal_case *c = &cases[_i];
        const struct signer s = signer_new(1);
        const struct fleet_keys keys = keys_of(&s);
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct fleet_policy p;
        struct diag d = { 0 };

        signer_sign(&s, c->message, &text);
        enum fleet_verdict v = read_text(text.data, text.len, &keys, c->group, &p, &d);
        ck_assert_msg(v == c->verdict, "%s: %s", c->message, fleet_verdict_reason(v));
        ck_assert_msg(strncmp(d.text, c->text, strlen(c->text)) == 0, "%s", d.text);
        ck_assert(p.is_signed);
        ck_assert_int_eq(p.group[0] != '\0', v != FLEET_BROKEN && v != FLEET_OTHER_LAYER);
}

/* Who has no key is not heard: not what is broken, not what is asked for. */
TEST(signatures)
{
        const struct signer s = signer_new(1), other = signer_new(2);
        const struct fleet_keys keys = keys_of(&s), none = { .is_complete = true };
        struct signer forger = other;
        _cleanup_buf_ struct buf theirs = BUF_INIT, forged = BUF_INIT, own = BUF_INIT, large = BUF_INIT;
        struct fleet_policy p;
        struct diag d = { 0 };

        signer_sign(&other, "[ broken", &theirs);
        ck_assert_int_eq(read_text(theirs.data, theirs.len, &keys, "web", &p, &d), FLEET_UNKNOWN_KEY);
        ck_assert(p.is_signed && memcmp(p.key, other.number, sizeof(p.key)) == 0 && p.serial == 0);
        memcpy(forger.number, s.number, sizeof(forger.number));
        signer_sign(&forger, "[ broken", &forged);
        ck_assert_int_eq(read_text(forged.data, forged.len, &keys, "web", &p, &d), FLEET_WRONG_SIGNATURE);
        ck_assert_int_eq(read_text("[ broken", 8, &keys, "web", &p, &d), FLEET_UNSIGNED);
        ck_assert(!p.is_signed);
        signer_publish(&s, "web", 7, "", &own);
        ck_assert_int_eq(read_text(own.data, own.len, &none, "web", &p, &d), FLEET_UNKNOWN_KEY);
        ck_assert_int_eq(read_text("", 0, &keys, "web", &p, &d), FLEET_UNSIGNED);
        ck_assert_int_eq(buf_reserve(&large, FLEET_POLICY_BYTES_MAX + 1), 0);
        memset(large.data, ' ', FLEET_POLICY_BYTES_MAX + 1);
        ck_assert_int_eq(
                read_text(large.data, FLEET_POLICY_BYTES_MAX + 1, &keys, "web", &p, &d), FLEET_TOO_LARGE);
        ck_assert_str_eq(d.text, "");
}

TEST(groups)
{
        static const char *const good[] = { "a", "0", "web-1.example_x",
                "0123456789012345678901234567890123456789012345678901234567890123" };
        static const char *const bad[] = { "", ".", "..", "-a", "_a", "A", "a/b", "a b", "ä", "a\n",
                "01234567890123456789012345678901234567890123456789012345678901234" };

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                ck_assert_msg(fleet_group_is_valid(good[i], strlen(good[i])), "%s", good[i]);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!fleet_group_is_valid(bad[i], strlen(bad[i])), "%s", bad[i]);
        ck_assert(!fleet_group_is_valid("a\0b", 3));
        ck_assert(!fleet_group_is_valid("\0b", 2));
}

static void expect_open(const char *name, int r, enum fleet_verdict expected)
{
        _cleanup_close_ int fd = open(scratch_root.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_buf_ struct buf text = BUF_INIT;
        enum fleet_verdict verdict = FLEET_VERDICTS_N;
        struct diag d = { 0 };

        ck_assert_int_eq(fleet_policy_open(fd, name, &text, &verdict, &d), r);
        ck_assert_msg(r < 0 || verdict == expected, "%s: %s", name, fleet_verdict_reason(verdict));
}

TEST(files)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        scratch_puts(&scratch_root, "/file", "x");
        scratch_sparse(&scratch_root, "/large", FLEET_POLICY_BYTES_MAX);
        scratch_sparse(&scratch_root, "/too-large", FLEET_POLICY_BYTES_MAX + 1);
        scratch_folder(&scratch_root, "/folder");
        scratch_fifo(&scratch_root, "/fifo");
        scratch_link(&scratch_root, "/link", "file");
        scratch_link(&scratch_root, "/dangling", "nowhere");
        scratch_link(&scratch_root, "/zero", "/dev/zero");
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", scratch_root.root);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        expect_open("file", 0, FLEET_GOOD);
        expect_open("large", 0, FLEET_GOOD);
        expect_open("too-large", 0, FLEET_TOO_LARGE);
        expect_open("folder", 0, FLEET_NO_FILE);
        expect_open("fifo", 0, FLEET_NO_FILE);
        expect_open("link", 0, FLEET_NO_FILE);
        expect_open("dangling", 0, FLEET_NO_FILE);
        expect_open("zero", 0, FLEET_NO_FILE);
        expect_open("socket", 0, FLEET_NO_FILE);
        expect_open("none", -ENOENT, FLEET_GOOD);
}

TEST(failing_allocation)
{
        const struct signer s = signer_new(1);
        const struct fleet_keys keys = keys_of(&s);
        _cleanup_buf_ struct buf text = BUF_INIT;

        signer_publish(&s, "web", 7, "", &text);
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                struct fleet_policy p;
                enum fleet_verdict verdict;
                struct diag d = { 0 };
                alloc_fail_at(n);
                int r = fleet_policy_read("t", &text, &keys, "web", NOW, &p, &verdict, &d);
                failed = alloc_fails(r, n, 5);
                ck_assert(failed || verdict == FLEET_GOOD);
        }
}

Suite *test_suite(void)
{
        return suite_with("fleet-policy", scratch_setup, scratch_teardown);
}
