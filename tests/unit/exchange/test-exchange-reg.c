/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .reg texts: what is read and what it means, shown as YAML; what is forgiven, what is refused, and where.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/exchange/exchange.h"
#include "suite.h"

#define V5 "Windows Registry Editor Version 5.00\n\n"
#define V4 "REGEDIT4\n\n"
#define A "[HKEY_LOCAL_MACHINE\\A]\n"

static const char *const hives[] = { "Users", "Site", NULL };
static const struct exchange_root roots[] = { { "HKEY_CURRENT_USER", "Users\\S-1-5-21-7" },
        { "", "Machine\\Software" } };

static void show(const struct hive_file *f, struct buf *out)
{
        struct diag d = { 0 };
        int r = exchange_write(
                &(struct exchange_writing){ .form = EXCHANGE_YAML, .hives = hives }, f, out, &d);
        ck_assert_msg(r == 0, "%s", d.text);
}

/* `expected` is what YAML has below `keys:`. */
static void check_reading(
        const char *text, size_t size, const struct exchange_reading *how, const char *expected)
{
        static const char head[] = "peios-registry: 1\nhives: [Users, Site]\nkeys:";
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;

        int r = exchange_read("t", text, size, how, &f, &problems);
        ck_assert_msg(r == 0, "%.60s: %s", text, problems.n > 0 ? problems.list[0] : strerror(-r));
        show(f, &out);
        ck_assert(strncmp(buf_str(&out), head, strlen(head)) == 0);
        ck_assert_str_eq(buf_str(&out) + strlen(head) + 1, expected);
}

struct text {
        const char *text, *yaml;
};

static void check_texts(const struct text *texts, size_t n)
{
        const struct exchange_reading how = { .hives = hives, .roots = roots, .n_roots = ARRAY_SIZE(roots) };

        for (size_t i = 0; i < n; i++)
                check_reading(texts[i].text, strlen(texts[i].text), &how, texts[i].yaml);
}

#define KEY_A "  Machine\\A:\n"
#define IN_A(yaml) KEY_A "    " yaml "\n"

TEST(keys)
{
        static const struct text texts[] = {
                { V5 A, KEY_A },
                { V5 "[HKLM\\A]\n[hkey_local_machine\\B]\n", KEY_A "  Machine\\B:\n" },
                { V5 "[HKEY_USERS\\X\\Y]\n[hku\\X]\n", "  Users\\X\\Y:\n  Users\\X:\n" },
                { V5 "[HKEY_LOCAL_MACHINE]\n", "  Machine:\n" },
                { V5 "[Site\\A]\n", "  Site\\A:\n" },
                { V5 "[HKEY_CURRENT_USER\\Env]\n[hkey_current_user]\n",
                        "  Users\\S-1-5-21-7\\Env:\n  Users\\S-1-5-21-7:\n" },
                /* hivexregedit without a prefix */
                { V5 "[\\Peios]\n", "  Machine\\Software\\Peios:\n" },
                { V5 "[HKEY_LOCAL_MACHINE\\\\A\\]\n", KEY_A },
                { V5 "[HKEY_LOCAL_MACHINE\\a]b]\n", "  \"Machine\\\\a]b\":\n" },
                { V5 "  [HKEY_LOCAL_MACHINE\\A]   ; why\n", KEY_A },
                { V5 "[HKEY_LOCAL_MACHINE\\A];[1\n", KEY_A },
                { V5 "[-HKEY_LOCAL_MACHINE\\A]\n", "  Machine\\A: !delete\n" },
                { V5 "[HKEY_LOCAL_MACHINE\\-A]\n", "  Machine\\-A:\n" },
                /* What comes again: the last line about something is what it says. */
                { V5 A "\"V\"=\"1\"\n\"W\"=\"2\"\n[HKLM\\B]\n[hklm\\a]\n\"v\"=\"3\"\n",
                        KEY_A "    W: !sz 2\n    v: !sz 3\n  Machine\\B:\n" },
                { V5 A "\"V\"=\"1\"\n[-HKLM\\A]\n" A "\"W\"=\"2\"\n",
                        "  Machine\\A: !replace\n    W: !sz 2\n" },
                { V5 "[HKLM\\A\\B]\n\"V\"=\"1\"\n[-HKLM\\A\\C]\n[-HKLM\\A]\n", "  Machine\\A: !delete\n" },
                { V5 "[-HKLM\\A]\n[HKLM\\A\\B]\n\"V\"=\"1\"\n",
                        "  Machine\\A: !delete\n  Machine\\A\\B:\n    V: !sz 1\n" },
                { V5 A "\"V\"=\"1\"\n\"V\"=-\n", IN_A("V: !delete \"\"") },
        };
        check_texts(texts, ARRAY_SIZE(texts));
}

TEST(values)
{
        static const struct text texts[] = {
                { V5 A "@=\"d\"\n\"@\"=\"at\"\n", KEY_A "    \"@\": !sz d\n    \"@@\": !sz at\n" },
                { V5 A "\"a\\\\b\\\"c\"=\"x\\\\y\\\"\"\n", IN_A("\"a\\\\b\\\"c\": !sz \"x\\\\y\\\"\"") },
                { V5 A "\"V\"=\"\"\n", IN_A("V: !sz \"\"") },
                { V5 A "\"\"=\"named by nothing\"\n", IN_A("\"@\": !sz named by nothing") },
                { V5 A "\"V\"=-\n@=-\n", KEY_A "    V: !delete \"\"\n    \"@\": !delete \"\"\n" },
                { V5 A "\"V\"=dword:0000001f\n", IN_A("V: !dword 31") },
                { V5 A "\"V\"=DWORD:fF\n", IN_A("V: !dword 255") },
                { V5 A "\"V\"=dword: 1 ; one\n", IN_A("V: !dword 1") },
                { V5 A "\"V\"=hex:00,fF,1\n", IN_A("V: !hex \"00ff01\"") },
                { V5 A "\"V\"=hex:\n", IN_A("V: !hex \"\"") },
                { V5 A "\"V\"=hex(3):01\n", IN_A("V: !hex \"01\"") },
                { V5 A "\"V\"=hex(0):\n", IN_A("V: !none \"\"") },
                { V5 A "\"V\"=hex(0):01\n", IN_A("V: !0x0 \"01\"") },
                { V5 A "\"V\"=hex(4):1f,00,00,00\n", IN_A("V: !dword 31") },
                { V5 A "\"V\"=hex(5):00,00,00,1f\n", IN_A("V: !dword-be 31") },
                { V5 A "\"V\"=hex(b):00,00,00,00,01,00,00,00\n", IN_A("V: !qword 4294967296") },
                { V5 A "\"V\"=hex(0000000B):1,0,0,0,0,0,0,0\n", IN_A("V: !qword 1") },
                { V5 A "\"V\"=hex(8):01\n", IN_A("V: !0x8 \"01\"") },
                { V5 A "\"V\"=hex(a):\n", IN_A("V: !0xa \"\"") },
                { V5 A "\"V\"=hex(1):61,00,e4,00,00,00\n", IN_A("V: !sz \"a\xc3\xa4\"") },
                { V5 A "\"V\"=hex(1):61,00\n", IN_A("V: !sz a") },
                { V5 A "\"V\"=hex(1):61,00,00,00,00,00\n", IN_A("V: !0x1 \"6100\"") },
                { V5 A "\"V\"=hex(1):00,00\n", IN_A("V: !sz \"\"") },
                { V5 A "\"V\"=hex(1):\n", IN_A("V: !sz \"\"") },
                { V5 A "\"V\"=hex(2):25,00,41,00,25,00,00,00\n", IN_A("V: !expand \"%A%\"") },
                { V5 A "\"V\"=hex(7):61,00,00,00,62,00,00,00,00,00\n", IN_A("V: !multi [a, b]") },
                { V5 A "\"V\"=hex(7):61,00,00,00,00,00,62,00\n", IN_A("V: !multi [a, b]") },
                { V5 A "\"V\"=hex(7):00,00\n", IN_A("V: !multi []") },
                { V5 A "\"V\"=hex(1):3d,d8,00,de,00,00\n", IN_A("V: !sz \"\xf0\x9f\x98\x80\"") },
                /* The version, not the encoding, says how wide a character is. */
                { V4 A "\"V\"=hex(1):61,e4,00\n", IN_A("V: !sz \"a\xc3\xa4\"") },
                { V4 A "\"V\"=hex(2):25,41,25,00\n", IN_A("V: !expand \"%A%\"") },
                { V4 A "\"V\"=hex(7):61,00,80,00,00\n", IN_A("V: !multi [a, \"\xe2\x82\xac\"]") },
        };
        check_texts(texts, ARRAY_SIZE(texts));
}

TEST(forgiven)
{
        static const struct text texts[] = {
                { "Windows Registry Editor Version 5.00\n" A "\"V\"=\"1\"\n" A "\"W\"=\"2\"",
                        KEY_A "    V: !sz 1\n    W: !sz 2\n" },
                { "\n \tREGEDIT4\t \n" A, KEY_A },
                { "; by hand\n# too\n" V5 "; c\n# c\n" A "# c\n  ; c\n\"V\"=\"1\" ; c\n", IN_A("V: !sz 1") },
                { V5 A "\"V\"  =\t \"1\"  \n", IN_A("V: !sz 1") },
                { V5 A "  @ = dword:1\n", IN_A("\"@\": !dword 1") },
                { V5 A "\"V\"=\"a;b\";c\n", IN_A("V: !sz \"a;b\"") },
                { V5 A "\"V\"= hex: 01 , 02 ,\\ \n   03\t,04,\n", IN_A("V: !hex \"01020304\"") },
                { V5 A "\"V\"=hex:\\\n  01,02,\\\n  03\n", IN_A("V: !hex \"010203\"") },
                { V5 A "\"V\"=hex:01\\\n,02\n", IN_A("V: !hex \"0102\"") },
                { V5 A "\"V\"=hex:01,\\ ; why\n  02 ; end\n", IN_A("V: !hex \"0102\"") },
                /* Samba */
                { V5 A "\"V\"=\"two\nlines\"\n\"W\"=\"2\"\n",
                        KEY_A "    V: !sz \"two\\nlines\"\n    W: !sz 2\n" },
                { V5 A "\"V\"=\"1\"\n;Local Variables:\n;coding: UTF-8\n;End:\n", IN_A("V: !sz 1") },
                { "Windows Registry Editor Version 5.00\r\r\n\r\r\n[HKLM\\A]\r\r\n\"V\"=hex:1,\\\r\r\n2\r\r\n",
                        IN_A("V: !hex \"0102\"") },
                { "REGEDIT4\r[HKLM\\A]\r\"V\"=hex:1,\\\r2\r", IN_A("V: !hex \"0102\"") },
                { "REGEDIT4\r\n[HKLM\\A]\r\n\"V\"=hex:1,\\\r\n2\r\n", IN_A("V: !hex \"0102\"") },
                { V5 "[HKLM\\A]\n\"V\"=\"\xc3\xa4\"\n", IN_A("V: !sz \"\xc3\xa4\"") },
                { "\xef\xbb\xbf" V5 A "\"\xc3\xa4\"=\"\"\n", IN_A("\"\xc3\xa4\": !sz \"\"") },
        };
        check_texts(texts, ARRAY_SIZE(texts));
}

static void to_utf16(const char *s, struct buf *out)
{
        buf_add(out, "\xff\xfe", 2);
        for (; *s; s++) {
                buf_putc(out, *s);
                buf_putc(out, '\0');
        }
}

TEST(encodings)
{
        static const char ansi[] = V4 A "\"V\"=\"\xe4\x80\"\n", shift[] = V4 A "\"V\"=\"\x83\x5c\"\n";
        const struct exchange_reading plain = { .hives = hives };
        _cleanup_buf_ struct buf wide = BUF_INIT;

        check_reading(ansi, strlen(ansi), &plain, IN_A("V: !sz \"\xc3\xa4\xe2\x82\xac\""));
        check_reading(ansi, strlen(ansi), &(struct exchange_reading){ .hives = hives, .encoding = "CP437" },
                IN_A("V: !sz \"\xce\xa3\xc3\x87\""));
        /* The second byte of this character is a backslash, and is none. */
        check_reading(shift, strlen(shift),
                &(struct exchange_reading){ .hives = hives, .encoding = "CP932" },
                IN_A("V: !sz \"\xe3\x82\xbd\""));
        /* Version 4 in UTF-16 has 8-bit texts in hex all the same. */
        to_utf16("REGEDIT4\r\n\r\n[HKLM\\A]\r\n\"V\"=hex(1):e4,00\r\n", &wide);
        check_reading(wide.data, wide.len, &plain, IN_A("V: !sz \"\xc3\xa4\""));
        buf_clear(&wide);
        to_utf16("Windows Registry Editor Version 5.00\r\n\r\n[HKLM\\A]\r\n\"V\"=\"?\"\r\n", &wide);
        wide.data[wide.len - 8] = '\xac';
        wide.data[wide.len - 7] = '\x20';
        check_reading(wide.data, wide.len, &plain, IN_A("V: !sz \"\xe2\x82\xac\""));
        /* Samba says behind the keys what it wrote. */
        static const char samba[] = V4 A
                "\"V\"=\"\x84\"\r\n\"W\"=hex(1):84,00\r\n;Local Variables:\r\n;coding: CP850\r\n;End:\r\n";
        check_reading(
                samba, strlen(samba), &plain, KEY_A "    V: !sz \"\xc3\xa4\"\n    W: !sz \"\xc3\xa4\"\n");
        /* Asked for, UTF-16 needs no mark. */
        check_reading(wide.data + 2, wide.len - 2,
                &(struct exchange_reading){ .hives = hives, .encoding = "UTF-16LE" },
                IN_A("V: !sz \"\xe2\x82\xac\""));
}

/* Each is one problem, at that place. */
TEST(refused)
{
        static const struct {
                const char *text, *problem;
        } bad[] = {
                { "[HKEY_LOCAL_MACHINE\\A]\n", "t:1:1: no header" },
                { "Windows Registry Editor Version 6.00\n", "t:1:1: a version that is not read" },
                { "REGEDIT\n", "t:1:1: a version that is not read" },
                { "WINE REGISTRY Version 2\n", "t:1:1: a version that is not read" },
                { V5 "[HKEY_CLASSES_ROOT\\A]\n", "t:3:1: HKEY_CLASSES_ROOT has no counterpart" },
                { V5 "[HKEY_USERS\\A]\n", "t:3:1: HKEY_USERS means the hive Users, which is not there" },
                { V5 "[machine\\A]\n", "t:3:1: `machine` is no root" },
                { V5 "[Site\\A]\n", "t:3:1: `Site` is no root" },
                { V5 "[\\A]\n", "t:3:1: `` is no root" },
                { V5 "[HKEY_LOCAL_MACHINE\\HKEY_CURRENT_USER\\A]\n",
                        "t:3:1: the root `HKEY_CURRENT_USER` inside a path" },
                { V5 "[HKLM\\a/b]\n", "t:3:1: key `HKLM\\a/b`: `/` separates keys" },
                { V5 "[HKLM\\A\n", "t:3:1: a key without its end" },
                { V5 "[HKLM\\A] x\n", "t:3:1: text behind the key" },
                { V5 "[HKLM\\A] ; [x]\n", "t:3:1: `]` and `;` before another `]`" },
                { V5 "[-HKLM]\n", "t:3:1: a hive itself cannot be deleted" },
                { V5 "\"V\"=\"1\"\n", "t:3:1: a value before the first key" },
                { V5 "[-HKLM\\A]\n\"V\"=\"1\"\n", "t:4:1: a value in a key that is deleted" },
                { V5 A "V=1\n", "t:4:1: not a line of .reg" },
                { V5 A "\"V\"\n", "t:4:4: a name without `=`" },
                { V5 A "\"V\"=\n", "t:4:5: nothing behind `=`" },
                { V5 A "\"V\"=1\n", "t:4:5: data that .reg does not have" },
                { V5 A "\"V\"=\"C:\\new\"\n", "t:4:8: a single backslash in a text" },
                { V5 A "\"V\"=\"a\" b\n", "t:4:9: text behind the data" },
                { V5 A "\"V\"=- x\n", "t:4:7: text behind the data" },
                { V5 A "\"V\"=\"a\n", "t:4:5: quotes that are not closed" },
                { V5 A "\"V=dword:1\n", "t:4:1: quotes that are not closed" },
                { V5 A "\"V\"=dword:\n", "t:4:11: `dword:` without a number" },
                { V5 A "\"V\"=dword:-1\n", "t:4:11: `dword:` without a number" },
                { V5 A "\"V\"=dword:000000001\n", "t:4:11: `dword:` with 9 digits" },
                { V5 A "\"V\"=dword:1x\n", "t:4:12: text behind the data" },
                { V5 A "\"V\"=hex(6):41,00\n", "t:4:5: a link as bytes" },
                { V5 A "\"V\"=hex(c):00\n", "t:4:5: no value has this type" },
                { V5 A "\"V\"=hex(ffff):\n", "t:4:5: no value has this type" },
                { V5 A "\"V\"=hex(100000007):\n", "t:4:5: no value has this type" },
                { V5 A "\"V\"=hex():00\n", "t:4:5: `hex` and no type" },
                { V5 A "\"V\"=hex(7:00\n", "t:4:5: `hex` and no type" },
                { V5 A "\"V\"=hex:0g\n", "t:4:10: text behind a byte" },
                { V5 A "\"V\"=hex:001\n", "t:4:9: a byte of 3 digits" },
                { V5 A "\"V\"=hex:00,,01\n", "t:4:12: not a byte" },
                { V5 A "\"V\"=hex:00 01\n", "t:4:12: text behind a byte" },
                { V5 A "\"V\"=hex(4):00\n", "t:4:5: REG_DWORD of 1 bytes, expected 4" },
                { V5 A "\"V\"=hex(5):\n", "t:4:5: REG_DWORD_BIG_ENDIAN of 0 bytes, expected 4" },
                { V5 A "\"V\"=hex(b):00,00,00,00\n", "t:4:5: REG_QWORD of 4 bytes, expected 8" },
                { V5 A "\"V\"=hex(1):61\n", "t:4:5: REG_SZ of 1 bytes, expected UTF-16" },
                { V5 A "\"V\"=hex(1):00,d8\n", "t:4:5: REG_SZ that is no text, expected UTF-16" },
                { V5 A "\"V\"=hex(7):00,dc,00,00\n", "t:4:5: REG_MULTI_SZ that is no text" },
                { V4 A "\"V\"=hex(1):81\n", "t:4:5: REG_SZ that is no text, expected CP1252" },
                { V5 A "\"V\"=hex(1):61,00,00,00,62,00\n", "t:4:5: REG_SZ with text behind a NUL" },
                { V5 A "\"V\"=hex:00,\\\n", "t:4:12: the value ends here" },
                { V5 A "\"V\"=hex:00,\\", "t:4:12: the value ends here" },
                { V5 A "\"V\"=hex:00,\\\n\n\"W\"=\"1\"\n", "t:4:12: the value ends here" },
                { V5 A "\"V\"=hex:00,\\\n[HKLM\\B]\n\"W\"=\"1\"\n",
                        "t:4:12: `\\` says that the value goes on, but line 5" },
                { V5 A "\"V\"=hex:00,\\ x\n", "t:4:12: text behind the `\\`" },
                { V5 A "\"V\"=hex:0g,\\\n  00,\\\n  00\n\"W\"=\"1\"\n", "t:4:10: text behind a byte" },
                { V5 A "\"V\"=\"a\n\"W\"=\"1\"\n",
                        "t:4:5: quotes that are not closed in this line, and text behind the next ones in line 5" },
                { V5 A "\"\xef\xbf\xbe\"=\"1\"\n", "t:4:1: value name: the noncharacter U+FFFE" },
                { V5 "[HKLM\\\xef\xbf\xbe]\n", "t:3:1: key: component 2 of the path: the noncharacter" },
                { V5 A "\"V\"=\"0123456789\"\n", "t:4:5: a value of 10 bytes, expected at most 8" },
                { V5 A "\"V\xe4\"=\"1\"\n", "t:4:3: byte 0xe4 is not UTF-8" },
                { V4 A "\"V\"=\"\x81\"\n", "t:4:6: what is no character" },
                { "\xef\xbb\xbf" V5 A "\"V\"=\"a\xe4\"\n", "t:4:7: what is no character" },
                { "\xfe\xff\0R", "t:1:1: big-endian UTF-16" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(diags_done) struct diags problems = { 0 };
                struct hive_file *f = NULL;
                int r = exchange_read("t", bad[i].text, strlen(bad[i].text),
                        &(struct exchange_reading){ .value_max = 8 }, &f, &problems);
                ck_assert_msg(r == -EINVAL && problems.n == 1 && !f, "%s: %d, %zu problems, %s", bad[i].text,
                        r, problems.n, problems.n > 0 ? problems.list[problems.n - 1] : "");
                ck_assert_msg(strncmp(problems.list[0], bad[i].problem, strlen(bad[i].problem)) == 0,
                        "%s:\n%s\n%s", bad[i].text, problems.list[0], bad[i].problem);
        }
}

TEST(refused_as_a_whole)
{
        static const char nul[] = V5 A "\"V\"=\"a\0b\"\n", plain[] = "R\0E\0G\0";
        _cleanup_(diags_done) struct diags problems = { 0 };
        struct hive_file *f = NULL;
        const struct exchange_reading how = { 0 }, odd = { .encoding = "KLINGON" };

        ck_assert_int_eq(exchange_read("t", nul, sizeof(nul) - 1, &how, &f, &problems), -EINVAL);
        ck_assert_ptr_nonnull(strstr(problems.list[0], "t:4:7: a NUL in a text"));
        ck_assert_int_eq(exchange_read("t", plain, sizeof(plain) - 1, &how, &f, &problems), -EINVAL);
        ck_assert_ptr_nonnull(strstr(problems.list[1], "t:1:1: UTF-16 without a byte order mark"));
        ck_assert_int_eq(exchange_read("t", V4, strlen(V4), &odd, &f, &problems), -EINVAL);
        ck_assert_ptr_nonnull(strstr(problems.list[2], "encoding `KLINGON` is not known"));
}

static const char spoilt[] = V5 "\"first\"=\"1\"\n"
                                "[HKLM\\A]\n"
                                "\"V\"=\"C:\\new\"\n"
                                "\"W\"=\"2\"\n"
                                "junk\n"
                                "\"X\"=hex:00,\\\n"
                                "[HKCR\\B]\n"
                                "\"Y\"=\"3\"\n"
                                "\"Z\"=dword:x\n"
                                "[HKLM\\C]\n"
                                "\"Q\"=\"a\n"
                                "\"R\"=\"4\"\n"
                                "\"S\"=hex:0,x,\\\n"
                                "  00,\\\n"
                                "  00\n"
                                "\"T\"=\"5\"\n";

/* All bad lines are named, and no good one is; with --keep-going the rest is what Windows would have taken.
 */
TEST(every_bad_line_is_named)
{
        static const unsigned lines[] = { 3, 5, 7, 8, 9, 11, 13, 15 };
        _cleanup_(diags_done) struct diags problems = { 0 }, again = { 0 };
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;

        ck_assert_int_eq(
                exchange_read("t", spoilt, strlen(spoilt), &(struct exchange_reading){ 0 }, &f, &problems),
                -EINVAL);
        ck_assert_ptr_null(f);
        for (size_t i = 0; i < problems.n; i++) {
                char begin[16];
                (void)snprintf(begin, sizeof(begin), "t:%u:", i < ARRAY_SIZE(lines) ? lines[i] : 0);
                ck_assert_msg(strncmp(problems.list[i], begin, strlen(begin)) == 0, "%s", problems.list[i]);
        }
        ck_assert_uint_eq(problems.n, ARRAY_SIZE(lines));
        ck_assert_int_eq(exchange_read("t", spoilt, strlen(spoilt),
                                 &(struct exchange_reading){ .keep_going = true }, &f, &again),
                0);
        ck_assert_uint_eq(again.n, problems.n);
        show(f, &out);
        ck_assert_ptr_nonnull(strstr(
                out.data, "keys:\n" KEY_A "    W: !sz 2\n  Machine\\C:\n    R: !sz 4\n    T: !sz 5\n"));
}

TEST(places)
{
        static const char text[] = V5 " [HKLM\\A]\n\n  \"\xc3\xa4\"=\"1\"\n";
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_hive_file_ struct hive_file *f = NULL;

        ck_assert_int_eq(
                exchange_read("t", text, strlen(text), &(struct exchange_reading){ 0 }, &f, &problems), 0);
        ck_assert(f->keys[0].line == 3 && f->keys[0].column == 2);
        ck_assert(f->keys[0].values[0].line == 5 && f->keys[0].values[0].column == 3);
}

Suite *test_suite(void)
{
        return suite_of("exchange-reg");
}
