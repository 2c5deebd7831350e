/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-ins that are refused: the place and what was expected. */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/hive/hive.h"
#include "suite.h"

#define TEXT(s) s, sizeof(s) - 1
#define K "peios-registry: 1\nlayer: x\nkeys:\n"

static const struct {
        const char *text;
        size_t size;
        int error;
        const char *says; /* the message begins so */
} bad[] = {
        { TEXT(""), -EINVAL, "t:1:1: an empty file, expected `peios-registry: 1` first" },
        { TEXT("# nothing\n"), -EINVAL, "t:1:1: an empty file, expected `peios-registry: 1` first" },
        { TEXT("- a\n"), -EINVAL, "t:1:1: no map, expected `peios-registry: 1` first" },
        { TEXT("a\n"), -EINVAL, "t:1:1: no map, expected `peios-registry: 1` first" },
        { TEXT("{}\n"), -EINVAL, "t:1:1: no format version, expected `peios-registry: 1` first" },
        { TEXT("layer: x\n"), -EINVAL, "t:1:1: no format version, expected `peios-registry: 1` first" },
        { TEXT("peios-registry: 2\nlayer: x\n"), -EINVAL,
                "t:1:17: format version `2` is not known, expected 1" },
        { TEXT("peios-registry: one\nlayer: x\n"), -EINVAL,
                "t:1:17: format version `one` is not known, expected 1" },
        { TEXT("peios-registry:\nlayer: x\n"), -EINVAL,
                "t:1:16: format version `` is not known, expected 1" },
        { TEXT("peios-registry: [1]\nlayer: x\n"), -EINVAL,
                "t:1:17: format version `…` is not known, expected 1" },
        { TEXT("peios-registry: !dword 1\nlayer: x\n"), -EINVAL,
                "t:1:17: format version `1` is not known, expected 1" },
        { TEXT("peios-registry: 1\n"), -EINVAL,
                "t:1:1: no `layer`, expected a name of its own, usually the file's without `.yaml`" },
        { TEXT("peios-registry: 1\nlayer:\n"), -EINVAL,
                "t:2:7: `layer` is no plain text, expected a name of its own, usually the file's without `.yaml`" },
        { TEXT("peios-registry: 1\nlayer: {a: b}\n"), -EINVAL,
                "t:2:8: `layer` is no plain text, expected a name of its own, usually the file's without `.yaml`" },
        { TEXT("peios-registry: 1\nlayer: base\n"), -EINVAL,
                "t:2:8: layer `base` is the registry's own, expected a name of its own, usually the file's without `.yaml`" },
        { TEXT("peios-registry: 1\nlayer: BASE\n"), -EINVAL,
                "t:2:8: layer `BASE` is the registry's own, expected a name of its own, usually the file's without `.yaml`" },
        { TEXT("peios-registry: 1\nlayer: a/b\n"), -EINVAL,
                "t:2:8: layer: a separator (\\ or /) in it, expected a single name" },
        { TEXT("peios-registry: 1\nLayer: x\n"), -EINVAL,
                "t:2:1: unknown member `Layer`, expected one of `peios-registry`, `layer`, `precedence`, `enabled`, `hives` and `keys`" },
        { TEXT("peios-registry: 1\nlayer: x\nextra: y\n"), -EINVAL,
                "t:3:1: unknown member `extra`, expected one of `peios-registry`, `layer`, `precedence`, `enabled`, `hives` and `keys`" },
        { TEXT("peios-registry: 1\nlayer: x\nprecedence: -1\n"), -EINVAL,
                "t:3:13: precedence `-1`, expected a number from 0 to 4294967295" },
        { TEXT("peios-registry: 1\nlayer: x\nprecedence: 4294967296\n"), -EINVAL,
                "t:3:13: precedence `4294967296`, expected a number from 0 to 4294967295" },
        { TEXT("peios-registry: 1\nlayer: x\nprecedence: high\n"), -EINVAL,
                "t:3:13: precedence `high`, expected a number from 0 to 4294967295" },
        { TEXT("peios-registry: 1\nlayer: x\nenabled: yes\n"), -EINVAL,
                "t:3:10: enabled `yes`, expected `true` or `false`" },
        { TEXT("peios-registry: 1\nlayer: x\nenabled: 1\n"), -EINVAL,
                "t:3:10: enabled `1`, expected `true` or `false`" },
        { TEXT("peios-registry: 1\nlayer: x\nhives: Users\n"), -EINVAL,
                "t:3:8: `hives` is no list, expected `hives: [Users]`" },
        { TEXT("peios-registry: 1\nlayer: x\nhives: [Users, a\\b]\n"), -EINVAL,
                "t:3:16: hive: a separator (\\ or /) in it, expected a single name" },
        { TEXT("peios-registry: 1\nlayer: x\nhives: [Users, hklm]\n"), -EINVAL,
                "t:3:16: hive `hklm` is a root of regedit, expected another name" },
        { TEXT("peios-registry: 1\nlayer: x\nhives: [Users, currentUSER]\n"), -EINVAL,
                "t:3:16: hive `currentUSER` is reserved for the caller's own hive, expected another name" },
        { TEXT(K "  CurrentUser\\A:\n"), -EINVAL,
                "t:4:3: key: CurrentUser: reserved for the caller's own hive" },
        { TEXT(K "  HKCU\\A:\n"), -EINVAL,
                "t:4:3: key: HKCU: a root of regedit that has no counterpart here, expected a key in Machine" },
        { TEXT(K "  HKEY_USERS\\A:\n"), -EINVAL,
                "t:4:3: key: HKEY_USERS: means the hive Users, which is not there, expected a key in Machine" },
        { TEXT(K "  \\A:\n  HKLM\\A:\n"), -EINVAL, "t:5:3: key `Machine\\A` is here a second time" },
        { TEXT("peios-registry: 1\nlayer: x\nhives: [{}]\n"), -EINVAL,
                "t:3:9: a hive that is no plain text, expected a name" },
        { TEXT("peios-registry: 1\nlayer: x\nkeys: []\n"), -EINVAL,
                "t:3:7: `keys` is no map, expected `path:` and its values below" },
        { TEXT("peios-registry: 1\nlayer: x\nkeys: a\n"), -EINVAL,
                "t:3:7: `keys` is no map, expected `path:` and its values below" },
        { TEXT(K "  \\A: b\n"), -EINVAL,
                "t:4:7: data on the key `\\A`, expected its values below it: `name: !type data`" },
        { TEXT(K "  \\A: [b]\n"), -EINVAL,
                "t:4:7: data on the key `\\A`, expected its values below it: `name: !type data`" },
        { TEXT(K "  \\A\\V: !sz b\n"), -EINVAL,
                "t:4:9: data on the key `\\A\\V`, expected its values below it: `name: !type data`" },
        { TEXT(K "  \\A: !gone {}\n"), -EINVAL,
                "t:4:7: unknown tag `!gone` on a key, expected !hidden, !blanket or !link" },
        { TEXT(K "  \\A: !link {a: !link Machine}\n"), -EINVAL,
                "t:4:17: a link has no value but `@`, of type REG_LINK: expected the path of the key that it stands "
                "for" },
        { TEXT(K "  \\A: !link {'@': !sz Machine}\n"), -EINVAL,
                "t:4:19: a link has no value but `@`, of type REG_LINK: expected the path of the key that it stands "
                "for" },
        { TEXT(K "  \\A: !link Machine\n"), -EINVAL,
                "t:4:7: data on the key `\\A`, expected its values below it: `name: !type data`" },
        { TEXT(K "  Machine: !link {}\n"), -EINVAL,
                "t:4:12: a hive itself cannot be !link, expected a key below it" },
        { TEXT(K "  \\A: !hidden {a: !sz b}\n"), -EINVAL,
                "t:4:16: a value in a key that is !hidden, expected none" },
        { TEXT(K "  \\A: !hidden b\n"), -EINVAL,
                "t:4:7: data on the key `\\A`, expected its values below it: `name: !type data`" },
        { TEXT(K "  Machine: !hidden {}\n"), -EINVAL,
                "t:4:12: a hive itself cannot be !hidden, expected a key below it" },
        { TEXT(K "  \\A: !hidden\n  \\B: {}\n  /a/b/C: {}\n"), -EINVAL,
                "t:6:3: key `Machine\\a\\b\\C` is in `Machine\\A`, which line 4 hides, expected one of the two" },
        { TEXT(K "  \\A\\B: !hidden\n  \\A: !hidden\n"), -EINVAL,
                "t:4:3: key `Machine\\A\\B` is in `Machine\\A`, which line 5 hides, expected one of the two" },
        { TEXT(K "  \\A\\x\xEF\xB7\x90: {}\n"), -EINVAL,
                "t:4:3: key: component 2 of the path: the noncharacter U+FDD0 at byte 1, expected characters only" },
        { TEXT(K "  \\A:\n    \"\\uFFFE\": !sz a\n"), -EINVAL,
                "t:5:5: value name: the noncharacter U+FFFE at byte 0, expected characters only" },
        { TEXT("peios-registry: 1\nlayer: \"x\\uFFFF\"\n"), -EINVAL,
                "t:2:8: layer: the noncharacter U+FFFF at byte 1, expected characters only" },
        { TEXT(K "  \\A\\\\B: {}\n"), -EINVAL,
                "t:4:3: key: component 2 of the path: empty, expected no doubled or trailing separator" },
        { TEXT(K "  \\A\\: {}\n"), -EINVAL,
                "t:4:3: key: component 2 of the path: empty, expected no doubled or trailing separator" },
        { TEXT(K "  \\: {}\n"), -EINVAL, "t:4:3: key: the path is empty, expected Hive\\Name\\…" },
        { TEXT(K "  \"\": {}\n"), -EINVAL, "t:4:3: key: the path is empty, expected Hive\\Name\\…" },
        { TEXT(K "  \\A\\B: {}\n  /a/b: {}\n"), -EINVAL,
                "t:5:3: key `Machine\\a\\b` is here a second time (case and kind of separator do not count), the first is in line 4; expected each once in a file" },
        { TEXT(K "  \\A: {}\n  Machine\\A: {}\n"), -EINVAL,
                "t:5:3: key `Machine\\A` is here a second time (case and kind of separator do not count), the first is in line 4; expected each once in a file" },
        { TEXT(K "  \\\\A: {}\n"), -EINVAL,
                "t:4:3: key: component 1 of the path: empty, expected no doubled or trailing separator" },
        { TEXT(K "  \\A:\n    v: !sz a\n    w: !sz b\n    V: !sz c\n"), -EINVAL,
                "t:7:5: value `V` is here a second time (case does not count), the first is `v` in line 5; expected each once in a key" },
        { TEXT(K "  \\A: {\"@\": !sz a, \"\": !sz b}\n"), -EINVAL,
                "t:4:20: value `` is here a second time (case does not count), the first is `@` in line 4; expected each once in a key" },
        { TEXT(K "  \\A:\n    TaintEvents: disabled\n"), -EINVAL,
                "t:5:18: a type is needed on every value: write `TaintEvents: !sz disabled`, or another of !sz" },
        { TEXT(K "  \\A:\n    v: [a, b]\n"), -EINVAL,
                "t:5:8: a type is needed on every value: write `v: !multi […]`, or another of !sz" },
        { TEXT(K "  \\A:\n    v: {a: b}\n"), -EINVAL,
                "t:5:8: a type is needed on every value: write `v: !sz …`, or another of !sz" },
        { TEXT(K "  \\A:\n    v:\n"), -EINVAL,
                "t:5:7: a type is needed on every value: write `v: !sz \"\"`, or another of !sz" },
        { TEXT(K "  \\A: {v: !string a}\n"), -EINVAL,
                "t:4:11: unknown type `!string`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !REG_SZ a}\n"), -EINVAL,
                "t:4:11: unknown type `!REG_SZ`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !SZ a}\n"), -EINVAL, "t:4:11: unknown type `!SZ`, expected one of !sz" },
        { TEXT(K "  \\A: {v: ! a}\n"), -EINVAL, "t:4:11: unknown type `!`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !0xffff \"\"}\n"), -EINVAL,
                "t:4:11: unknown type `!0xffff`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !0x100000000 \"\"}\n"), -EINVAL,
                "t:4:11: unknown type `!0x100000000`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !0x \"\"}\n"), -EINVAL, "t:4:11: unknown type `!0x`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !8 \"00\"}\n"), -EINVAL, "t:4:11: unknown type `!8`, expected one of !sz" },
        { TEXT(K "  \\A: {v: !dword -1}\n"), -EINVAL,
                "t:4:11: `-1` is not a number, expected 0 to 4294967295, decimal or 0x hexadecimal" },
        { TEXT(K "  \\A: {v: !dword 4294967296}\n"), -EINVAL,
                "t:4:11: `4294967296` is too large, expected 0 to 4294967295, decimal or 0x hexadecimal" },
        { TEXT(K "  \\A: {v: !dword-be 0x100000000}\n"), -EINVAL,
                "t:4:11: `0x100000000` is too large, expected 0 to 4294967295, decimal or 0x hexadecimal" },
        { TEXT(K "  \\A: {v: !qword 18446744073709551616}\n"), -EINVAL,
                "t:4:11: `18446744073709551616` is too large, expected 0 to 18446744073709551615, decimal or 0x hexadecimal" },
        { TEXT(K "  \\A: {v: !dword 1.5}\n"), -EINVAL,
                "t:4:11: `1.5` is not a number, expected 0 to 4294967295, decimal or 0x hexadecimal" },
        { TEXT(K "  \\A: {v: !dword \"\"}\n"), -EINVAL,
                "t:4:11: `` is not a number, expected 0 to 4294967295, decimal or 0x hexadecimal" },
        { TEXT(K "  \\A: {v: !dword}\n"), -EINVAL,
                "t:4:17: something right after a tag, expected `!tag`, a blank and the value" },
        { TEXT(K "  \\A: {v: !sz }\n"), -EINVAL,
                "t:4:11: `!sz` with nothing after it, expected a value (\"\" for no text)" },
        { TEXT(K "  \\A: {v: !sz [a]}\n"), -EINVAL,
                "t:4:11: `!sz` with a list, expected `!sz` and a single text" },
        { TEXT(K "  \\A: {v: !dword {a: b}}\n"), -EINVAL,
                "t:4:11: `!dword` with a map, expected `!dword` and a single text" },
        { TEXT(K "  \\A: {v: !multi a}\n"), -EINVAL,
                "t:4:11: `!multi` without a list, expected `!multi [a, b]`" },
        { TEXT(K "  \\A: {v: !0xc '00'}\n"), -EINVAL,
                "t:4:11: `!0xc`: no value has this type code, expected !0x0 to !0xb" },
        { TEXT(K "  \\A: {v: !0xffffffff '00'}\n"), -EINVAL,
                "t:4:11: `!0xffffffff`: no value has this type code, expected !0x0 to !0xb" },
        { TEXT(K "  \\A: {v: !multi [a, [b]]}\n"), -EINVAL,
                "t:4:22: an item of `!multi` is no plain text, expected one without a tag" },
        { TEXT(K "  \\A: {v: !multi [a, !sz b]}\n"), -EINVAL,
                "t:4:22: an item of `!multi` is no plain text, expected one without a tag" },
        { TEXT(K "  \\A:\n    v: !multi\n      - a\n      -\n"), -EINVAL,
                "t:7:8: an item of `!multi` is missing, expected \"\" for an empty text" },
        { TEXT(K "  \\A: {v: !hex 0}\n"), -EINVAL,
                "t:4:11: `0` is not bytes, expected pairs of hexadecimal digits" },
        { TEXT(K "  \\A: {v: !hex \"0g\"}\n"), -EINVAL,
                "t:4:11: `0g` is not bytes, expected pairs of hexadecimal digits" },
        { TEXT(K "  \\A: {v: !0x1 \"zz\"}\n"), -EINVAL,
                "t:4:11: `zz` is not bytes, expected pairs of hexadecimal digits" },
        { TEXT(K "  \\A: {v: !0x7 [a]}\n"), -EINVAL,
                "t:4:11: `!0x7` with a list, expected `!0x7` and a single text" },
        { TEXT(K "  \\A: {v: !none \"00\"}\n"), -EINVAL,
                "t:4:11: `!none` with data, expected `!none \"\"`" },
        { TEXT(K "  \\A: {v: !tombstone x}\n"), -EINVAL,
                "t:4:11: `!tombstone` with data, expected `!tombstone \"\"`" },
        { TEXT(K "  \\A: {v: !tombstone []}\n"), -EINVAL,
                "t:4:11: `!tombstone` with a list, expected `!tombstone` and a single text" },
        { TEXT(K "  \\A: {v: !sz 123456789012345678901234567890123}\n"), -EFBIG,
                "t:4:11: value `v` has 33 bytes, expected at most 32" },
        { TEXT(K "  \\A: {v: !multi [1234567890, 1234567890, 1234567890]}\n"), -EFBIG,
                "t:4:11: value `v` has 33 bytes, expected at most 32" },
        { TEXT("peios-registry: 1\nlayer: Default\n"), -EINVAL,
                "t:2:8: layer `Default` is the registry's own" },
        { TEXT("a:\n\tb\n"), -EINVAL, "t:2:1: tab used for indentation; YAML allows only spaces" },
        { TEXT(K "  \\A: &x {}\n  \\B: *x\n"), -EINVAL, "t:4:7: anchor `&x`" },
};

TEST(bad_files)
{
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct hive_file *f = NULL;
                struct diag d = { 0 };
                int r = hive_parse("t", bad[i].text, bad[i].size, 32, &f, &d);
                ck_assert_msg(r == bad[i].error, "%zu: %s: %d", i, bad[i].text, r);
                ck_assert_ptr_null(f);
                ck_assert_msg(strncmp(d.text, bad[i].says, strlen(bad[i].says)) == 0, "%zu: %s", i, d.text);
                ck_assert_int_eq(hive_parse("t", bad[i].text, bad[i].size, 32, &f, NULL), bad[i].error);
        }
}

TEST(long_names)
{
        static const size_t lengths[] = { NAME_BYTES_MAX, NAME_BYTES_MAX + 1 };
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                _cleanup_hive_file_ struct hive_file *f = NULL;
                struct diag d = { 0 };
                buf_puts(&text, K "  \\A:\n    ? ");
                for (size_t n = 0; n < lengths[i]; n++)
                        buf_putc(&text, 'n');
                buf_puts(&text, "\n    : !sz x\n");
                int r = hive_parse("t", text.data, text.len, 32, &f, &d);
                ck_assert_int_eq(r, i == 0 ? 0 : -EINVAL);
                if (i == 1)
                        ck_assert_msg(strncmp(d.text, "t:5:7: value name: ", 19) == 0, "%s", d.text);
                else
                        ck_assert_uint_eq(strlen(f->keys[0].values[0].name), lengths[0]);
        }
}

TEST(component_too_long)
{
        char text[512] = K "  \\A\\";
        size_t n = strlen(text);
        memset(text + n, 'n', NAME_BYTES_MAX + 1);
        (void)stpcpy(text + n + NAME_BYTES_MAX + 1, ": {}\n");
        struct hive_file *f = NULL;
        struct diag d = { 0 };
        ck_assert_int_eq(hive_parse("t", text, strlen(text), 32, &f, &d), -EINVAL);
        ck_assert_msg(strncmp(d.text, "t:4:3: key: component 2 of the path: ", 37) == 0, "%s", d.text);
}

TEST(hive_limit)
{
        for (unsigned n = HIVE_HIVES_MAX; n <= HIVE_HIVES_MAX + 1; n++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                _cleanup_hive_file_ struct hive_file *f = NULL;
                struct diag d = { 0 };
                buf_puts(&text, "peios-registry: 1\nlayer: x\nhives:\n");
                for (unsigned i = 0; i < n; i++)
                        buf_printf(&text, "- h%u\n", i);
                int r = hive_parse("t", text.data, text.len, 32, &f, &d);
                ck_assert_int_eq(r, n == HIVE_HIVES_MAX ? 0 : -EINVAL);
        }
}

Suite *test_suite(void)
{
        return suite_of("hive-errors");
}
