/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signatures in front of a policy, as signify(1) 31 of Debian wrote them: what is one, and where what
 * follows begins. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/hive/signed.h"
#include "alloc-faults.h"
#include "signed-front.h"
#include "suite.h"

#define LINE                                                                                                \
        "RWRHr/CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8gA="
#define COMMENT "untrusted comment: verify with a.pub\n"
#define MESSAGE "peios-registry: 1\nlayer: fleet-web\n"
#define KEY "RWRHr/CroWZUXxaVPQWFeD8Irh+Hhz2KkuU+fvK6Nj5NAn6kKCRfjR8x"

TEST(split)
{
        static const char text[] = COMMENT LINE "\n" MESSAGE;
        struct signed_text parts;
        char key[SEAL_SIGNER_MAX];

        ck_assert(signed_split(text, strlen(text), &parts));
        ck_assert_str_eq(signed_key_text(parts.key, key), "47aff0aba166545f");
        ck_assert_uint_eq(parts.signature[0], 0xff);
        ck_assert_uint_eq(parts.signature[63], 0x00);
        ck_assert_uint_eq(parts.signature[62], 0xf2);
        ck_assert_str_eq(parts.message, MESSAGE);
        ck_assert_uint_eq(parts.size, strlen(MESSAGE));
        /* A message may be empty. */
        ck_assert(signed_split(text, strlen(COMMENT LINE "\n"), &parts));
        ck_assert_uint_eq(parts.size, 0);
        for (size_t n = 0; n < strlen(COMMENT LINE "\n"); n++)
                ck_assert_msg(!signed_split(text, n, &parts), "cut after %zu bytes", n);
}

TEST(no_signatures)
{
        static const char *const texts[] = {
                "",
                "\n\n",
                MESSAGE,
                LINE "\n" MESSAGE,
                "trusted comment: x\n" LINE "\n" MESSAGE,
                " " COMMENT LINE "\n" MESSAGE,
                COMMENT KEY "\n" MESSAGE,
                COMMENT LINE "\r\n" MESSAGE,
                COMMENT LINE " \n" MESSAGE,
                COMMENT LINE "=\n" MESSAGE,
                COMMENT "\n" LINE "\n" MESSAGE,
                /* Another algorithm. */
                COMMENT
                "RX"
                "RHr/CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8gA=\n",
                /* Bits behind the last byte, padding and alphabet. */
                COMMENT
                "RWRHr/CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8gB=\n",
                COMMENT
                "RWRHr/CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8gAA\n",
                COMMENT
                "RWRHr_CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8gA=\n",
                COMMENT
                "RWRHr/CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8==A\n",
        };
        struct signed_text parts;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                ck_assert_msg(!signed_split(texts[i], strlen(texts[i]), &parts), "%s", texts[i]);
        static const char nul[] =
                COMMENT "RWRHr\0CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5"
                        "eg7MwkPkpVFNhgCwgCuVkQucgifc8gA=\n";
        ck_assert(!signed_split(nul, sizeof(nul) - 1, &parts));
}

TEST(public_keys)
{
        static const char good[] = "untrusted comment: signify public key\n" KEY "\n";
        static const char *const bad[] = { "", KEY "\n", "untrusted comment: x\n" KEY,
                "untrusted comment: x\n" KEY "\nmore", "untrusted comment: x\n" LINE "\n" };
        struct signed_key key;
        char text[SEAL_SIGNER_MAX];

        ck_assert(signed_read_key(good, strlen(good), &key));
        ck_assert_str_eq(signed_key_text(key.number, text), "47aff0aba166545f");
        ck_assert_uint_eq(key.public[0], 0x16);
        ck_assert_uint_eq(key.public[31], 0x31);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!signed_read_key(bad[i], strlen(bad[i]), &key), "%s", bad[i]);
}

static int parse(const char *text, struct hive_file **ret, struct diag *d)
{
        _cleanup_buf_ struct buf copy = BUF_INIT;

        buf_puts(&copy, text);
        return signed_parse("t", &copy, 4096, ret, d);
}

TEST(members)
{
        _cleanup_hive_file_ struct hive_file *file = NULL;
        struct diag d = { 0 };

        ck_assert_int_eq(
                parse(SIGNED_FRONT MESSAGE
                        "serial: 18446744073709551615\npercent: 99\nexpires: 2026-01-31T10:00:00Z\n",
                        &file, &d),
                0);
        ck_assert_str_eq(file->layer, "fleet-web");
        ck_assert_uint_eq(file->layer_line, 4);
        ck_assert_uint_eq(file->seal.serial, UINT64_MAX);
        ck_assert_str_eq(file->seal.signer, "0000000000000000");
        ck_assert_int_eq(file->expires, INT64_C(1769853600000000));
        ck_assert_uint_eq(file->percent, 99);
}

TEST(refused)
{
        static const struct {
                const char *text, *error;
        } cases[] = {
                { MESSAGE, "t:1:1: no signature, expected `untrusted comment: …` and" },
                { SIGNED_FRONT MESSAGE "serial: 0\n", "t:5:9: serial `0`, expected a number from 1 to" },
                { SIGNED_FRONT MESSAGE "serial: 18446744073709551616\n",
                        "t:5:9: serial `18446744073709551616`" },
                { SIGNED_FRONT MESSAGE "expires: 2026-02-31T10:00:00Z\n",
                        "t:5:10: expires `2026-02-31T10:00:00Z`" },
                { SIGNED_FRONT MESSAGE "expires: 2026-01-31 10:00:00\n",
                        "t:5:10: expires `2026-01-31 10:00:00`, "
                        "expected a time of UTC" },
                { SIGNED_FRONT MESSAGE "percent: 100\n",
                        "t:5:10: percent `100`, expected a number from 1 to 99" },
                { SIGNED_FRONT MESSAGE "percent: 0\n", "t:5:10: percent `0`" },
                { SIGNED_FRONT "peios-registry: 1\nlayer: own\npercent: 1\n",
                        "t:5:1: `percent` in a file whose layer is not the fleet's" },
                { SIGNED_FRONT "peios-registry: 1\nlayer: own\nserial: 1\n",
                        "t:5:1: `serial` in a file whose layer is not the fleet's" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct hive_file *file = NULL;
                struct diag d = { 0 };
                ck_assert_int_eq(parse(cases[i].text, &file, &d), -EINVAL);
                ck_assert_msg(strncmp(d.text, cases[i].error, strlen(cases[i].error)) == 0, "%s", d.text);
        }
}

/* The comment is not signed: nothing of it is read, wherever YAML takes its line for ended. */
TEST(comment_says_nothing)
{
        static const char *const breaks[] = { "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xff",
                "\x01" };

        for (size_t i = 0; i < ARRAY_SIZE(breaks); i++) {
                _cleanup_hive_file_ struct hive_file *file = NULL;
                struct diag d = { 0 };
                char text[512];
                (void)snprintf(text, sizeof(text), "untrusted comment: %sserial: 9%s#\n" LINE "\n" MESSAGE,
                        breaks[i], breaks[i]);
                ck_assert_msg(parse(text, &file, &d) == 0, "%zu: %s", i, d.text);
                ck_assert_msg(file->seal.serial == 0, "%zu: the comment's serial counts", i);
        }
}

TEST(failing_allocation)
{
        bool failed = true;
        for (unsigned n = 1; failed; n++) {
                _cleanup_hive_file_ struct hive_file *file = NULL;
                _cleanup_buf_ struct buf text = BUF_INIT;
                struct diag d = { 0 };
                buf_puts(&text, SIGNED_FRONT MESSAGE "serial: 1\n");
                ck_assert_int_eq(text.error, 0);
                alloc_fail_at(n);
                failed = alloc_fails(signed_parse("t", &text, 4096, &file, &d), n, 5);
                ck_assert(failed == (file == NULL));
        }
}

Suite *test_suite(void)
{
        return suite_with("signed", NULL, NULL);
}
