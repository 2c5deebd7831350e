/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same document through the programs that others read and write .reg with, in both directions:
 * hivexregedit and reglookup (of libwin-hivex-perl and reglookup) on a hive file, and Samba's `net registry`
 * (samba-common-bin) on a registry of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../registry-provider/exchange/exchange.h"
#include "../../../schema/base/file.h"
#include "scratch.h"
#include "suite.h"

static const char document[] =
        "peios-registry: 1\n"
        "keys:\n"
        "  Machine\\SOFTWARE:\n"
        "  Machine\\SOFTWARE\\Peios:\n"
        "    \"@\": !sz default\n"
        "    \"@@\": !sz named at\n"
        "    Quoted: !sz \"C:\\\\dir \\\"x\\\" a=b; [c]\"\n"
        "    \"a\\\\b\\\"=\": !sz name\n"
        "    Empty: !sz \"\"\n"
        "    Umlaut: !sz J\xc3\xb6rg\n"
        "    Lines: !sz \"two\\nlines\"\n"
        "    Home: !expand \"%HOME%\\\\x\"\n"
        "    List: !multi [one, \"two, three\", \"vi\xc3\xa8r\"]\n"
        "    Nobody: !multi []\n"
        "    Count: !dword 4294967295\n"
        "    Network: !dword-be 258\n"
        "    Large: !qword 18446744073709551615\n"
        "    Nothing: !none \"\"\n"
        "    Something: !0x0 \"01\"\n"
        "    Bytes: !hex \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20ff\"\n"
        "    NoBytes: !hex \"\"\n"
        "    Special: !0x8 \"deadbeef\"\n"
        "  Machine\\SOFTWARE\\Peios\\Sub]:\n"
        "  Machine\\SOFTWARE\\Peios\\Sub]\\Deep:\n"
        "    V: !dword 1\n";

#define PREFIX "'HKEY_LOCAL_MACHINE\\SOFTWARE'"

/* In the scratch folder. Fails the test unless it succeeds. */
_printf_(1, 2) static void run(const char *format, ...)
{
        _cleanup_buf_ struct buf command = BUF_INIT, said = BUF_INIT;
        char text[1024];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        buf_printf(&command, "cd %s && { %s; } 2>said", scratch_root.root, text);
        int status = system(buf_str(&command)); /* NOLINT */
        (void)scratch_read(&scratch_root, "/said", &said);
        ck_assert_msg(status == 0, "%s: %d: %s", text, status, buf_str(&said));
}

static struct hive_file *parse(const char *name, const struct buf *text, const struct exchange_reading *how)
{
        _cleanup_(diags_done) struct diags problems = { 0 };
        struct hive_file *f = NULL;
        int r = exchange_read(name, buf_str(text), text->len, how, &f, &problems);
        ck_assert_msg(r == 0, "%s\n%s", problems.n > 0 ? problems.list[0] : strerror(-r), buf_str(text));
        return f;
}

static struct hive_file *read_file(const char *path, const struct exchange_reading *how)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        ck_assert(scratch_read(&scratch_root, path, &text));
        return parse(path, &text, how);
}

static struct hive_file *ours(void)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        buf_puts(&text, document);
        return parse("ours", &text, &(struct exchange_reading){ 0 });
}

static void write_file(const char *path, const struct hive_file *f, const struct exchange_writing *how)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct diag d = { 0 };
        int r = exchange_write(how, f, &out, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        scratch_write(&scratch_root, path, out.data, out.len);
}

static const struct hive_key *find_key(const struct hive_file *f, const struct path *path)
{
        for (size_t i = 0; i < f->n_keys; i++)
                if (path_equal(&f->keys[i].path, path))
                        return &f->keys[i];
        return NULL;
}

static const struct hive_value *find_value(const struct hive_key *key, const char *name)
{
        for (size_t i = 0; i < key->n_values; i++)
                if (strcmp(key->values[i].name, name) == 0)
                        return &key->values[i];
        return NULL;
}

/* They sort what they write. */
static void check_same(const struct hive_file *want, const struct hive_file *have)
{
        ck_assert_uint_eq(have->n_keys, want->n_keys);
        for (size_t i = 0; i < want->n_keys; i++) {
                const struct hive_key *a = &want->keys[i], *b = find_key(have, &a->path);
                ck_assert_msg(b && strcmp(a->path.text, b->path.text) == 0, "no key %s", a->path.text);
                ck_assert_msg(a->n_values == b->n_values, "%s: %zu values", a->path.text, b->n_values);
                for (size_t k = 0; k < a->n_values; k++) {
                        const struct hive_value *v = find_value(b, a->values[k].name);
                        ck_assert_msg(v && value_equal(&v->value, &a->values[k].value), "%s: %s, %zu bytes",
                                a->path.text, a->values[k].name, v ? v->value.size : 0);
                }
        }
}

/* ---- A hive file ---- */

static void put_le(char *to, uint32_t v)
{
        for (size_t i = 0; i < 4; i++)
                to[i] = (char)(v >> (8 * i));
}

/* The smallest: a root key with a security descriptor, in one page behind that of the head. */
static void make_hive(const char *path)
{
        enum {
                PAGE = 4096,
                ROOT = 0x20,
                ROOT_SIZE = 88,
                SECURITY = ROOT + ROOT_SIZE,
                SECURITY_SIZE = 48,
                FREE = SECURITY + SECURITY_SIZE
        };
        static const char descriptor[20] = "\1\0\0\x80";
        static char hive[2 * PAGE];
        char *page = hive + PAGE, *root = page + ROOT + 4, *security = page + SECURITY + 4;
        uint32_t sum = 0;

        memset(hive, 0, sizeof(hive));
        memcpy(hive, "regf\1\0\0\0\1\0\0", 12);
        put_le(hive + 20, 1);
        put_le(hive + 24, 3);
        put_le(hive + 32, 1);
        put_le(hive + 36, ROOT);
        put_le(hive + 40, PAGE);
        put_le(hive + 44, 1);
        for (size_t i = 0; i < 508; i += 4) {
                uint32_t word;
                memcpy(&word, hive + i, 4);
                sum ^= le32toh(word);
        }
        put_le(hive + 508, sum);

        memcpy(page, "hbin", 4);
        put_le(page + 8, PAGE);
        put_le(page + ROOT, (uint32_t)-ROOT_SIZE);
        memcpy(root, "nk\x2c\0", 4);
        for (const uint8_t *at = (const uint8_t[]){ 28, 32, 40, 48, 0 }; *at; at++)
                put_le(root + *at, UINT32_MAX);
        put_le(root + 44, SECURITY);
        root[72] = 4;
        memcpy(root + 76, "ROOT", 4);
        put_le(page + SECURITY, (uint32_t)-SECURITY_SIZE);
        memcpy(security, "sk\0\0", 4);
        put_le(security + 4, SECURITY);
        put_le(security + 8, SECURITY);
        put_le(security + 12, 1);
        put_le(security + 16, sizeof(descriptor));
        memcpy(security + 20, descriptor, sizeof(descriptor));
        put_le(page + FREE, PAGE - FREE);
        scratch_write(&scratch_root, path, hive, sizeof(hive));
}

static const struct exchange_writing ascii = { .form = EXCHANGE_REG, .variant = EXCHANGE_ASCII };

TEST(hivexregedit)
{
        static const struct exchange_root bare[] = { { "", "Machine\\SOFTWARE" } };
        _cleanup_hive_file_ struct hive_file *f = ours(), *back = NULL, *without = NULL;

        make_hive("/hive");
        write_file("/in.reg", f, &ascii);
        run("hivexregedit --merge --prefix " PREFIX " hive in.reg");
        run("hivexregedit --export --prefix " PREFIX " hive '\\' >out.reg");
        back = read_file("/out.reg", &(struct exchange_reading){ 0 });
        check_same(f, back);
        /* Its paths then begin with a separator. */
        run("hivexregedit --export hive '\\Peios' >bare.reg");
        without = read_file("/bare.reg", &(struct exchange_reading){ .roots = bare, .n_roots = 1 });
        ck_assert_uint_eq(without->n_keys, f->n_keys - 1);
}

/* What goes there goes, and keys on the way are made. */
TEST(hivexregedit_deletes)
{
        static const char changes[] =
                "peios-registry: 1\nkeys:\n"
                "  Machine\\SOFTWARE\\Peios:\n    Count: !delete \"\"\n    \"@\": !delete \"\"\n"
                "  Machine\\SOFTWARE\\Peios\\Sub]: !delete\n"
                "  Machine\\SOFTWARE\\New\\Below:\n    V: !sz x\n";
        _cleanup_hive_file_ struct hive_file *f = ours(), *change = NULL, *back = NULL;
        _cleanup_buf_ struct buf text = BUF_INIT;

        make_hive("/hive");
        write_file("/in.reg", f, &ascii);
        buf_puts(&text, changes);
        change = parse("changes", &text, &(struct exchange_reading){ 0 });
        write_file("/change.reg", change, &ascii);
        run("hivexregedit --merge --prefix " PREFIX " hive in.reg change.reg");
        run("hivexregedit --export --prefix " PREFIX " hive '\\' >out.reg");
        back = read_file("/out.reg", &(struct exchange_reading){ 0 });
        ck_assert_uint_eq(back->n_keys, 4);
        const struct hive_key *key = find_key(back, &f->keys[1].path);
        ck_assert(key && key->n_values == f->keys[1].n_values - 2);
        ck_assert(!find_value(key, "Count") && !find_value(key, "") && find_value(key, "@"));
        ck_assert_ptr_nonnull(find_key(back, &change->keys[2].path));
}

TEST(reglookup)
{
        static const char *const lines[] = { "\n/Peios/,SZ,default,", "\n/Peios/@,SZ,named at,",
                "/Empty,SZ,,", "/Umlaut,SZ,J%00%F6%00r%00g%00%00%00,", "/Lines,SZ,two%0Alines,",
                "/Home,EXPAND_SZ,%25HOME%25\\x,", "/List,MULTI_SZ,o%00n%00e%00%00%00t%00w",
                "/Count,DWORD,0xFFFFFFFF,", "/Network,DWORD_BE,0x00000102,",
                "/Large,QWORD,0xFFFFFFFFFFFFFFFF,", "/Special,RSRC_LIST,%DE%AD%BE%EF,",
                "\n/Peios/Sub]/Deep/V,DWORD,0x00000001," };
        _cleanup_hive_file_ struct hive_file *f = ours();
        _cleanup_buf_ struct buf out = BUF_INIT;

        make_hive("/hive");
        write_file("/in.reg", f, &ascii);
        run("hivexregedit --merge --prefix " PREFIX " hive in.reg");
        run("reglookup hive >out");
        ck_assert(scratch_read(&scratch_root, "/out", &out));
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                ck_assert_msg(strstr(buf_str(&out), lines[i]), "%s in\n%s", lines[i], buf_str(&out));
}

/* ---- Samba ---- */

static void make_samba(void)
{
        _cleanup_buf_ struct buf conf = BUF_INIT;

        buf_puts(&conf, "[global]\n");
        for (const char *const *w = (const char *const[]){ "private dir", "state directory",
                     "cache directory", "lock directory", "pid directory", NULL };
                *w; w++)
                buf_printf(&conf, "%s = %s/samba\n", *w, scratch_root.root);
        scratch_write(&scratch_root, "/smb.conf", conf.data, conf.len);
        run("mkdir -m 0755 samba");
        run("net -s smb.conf registry createkey 'HKLM\\SOFTWARE' >/dev/null");
}

static const struct samba {
        struct exchange_writing writing;
        const char *options;  /* of the export */
        const char *encoding; /* for reading it */
} sambas[] = {
        { { .form = EXCHANGE_REG, .variant = EXCHANGE_WINDOWS }, "", NULL },
        { { .form = EXCHANGE_REG, .variant = EXCHANGE_UTF8 }, "enc=UTF-16LE", "UTF-16LE" },
        /* REGEDIT4 is CP850 for it, and it says so behind the keys. */
        { { .form = EXCHANGE_REG, .variant = EXCHANGE_REGEDIT4, .encoding = "CP850" }, "regedit4", NULL },
        { { .form = EXCHANGE_REG, .variant = EXCHANGE_REGEDIT4, .encoding = "CP850" }, "regedit4", "CP850" },
};

TEST_EACH(samba, ARRAY_SIZE(sambas))
{
        const struct samba *s = &sambas[_i];
        _cleanup_hive_file_ struct hive_file *f = ours(), *back = NULL;
        /* It has keys of its own in SOFTWARE. */
        const struct hive_file below = { .keys = f->keys + 1, .n_keys = f->n_keys - 1 };

        make_samba();
        write_file("/in.reg", &below, &s->writing);
        run("net -s smb.conf registry import in.reg >/dev/null");
        run("net -s smb.conf registry export 'HKLM\\SOFTWARE\\Peios' out.reg '%s' >/dev/null", s->options);
        back = read_file("/out.reg", &(struct exchange_reading){ .encoding = s->encoding });
        check_same(&below, back);
        /* And what it wrote it reads in our words. */
        write_file("/again.reg", back, &s->writing);
        run("net -s smb.conf registry import again.reg >/dev/null");
}

static bool have(const char *program, const char *package)
{
        _cleanup_buf_ struct buf command = BUF_INIT;
        buf_printf(&command, "command -v %s >/dev/null 2>&1", program);
        bool there = system(buf_str(&command)) == 0; /* NOLINT */
        if (!there)
                (void)printf("%s is missing, of the package %s\n", program, package);
        return there;
}

Suite *test_suite(void)
{
        bool all = have("hivexregedit", "libwin-hivex-perl");

        all = have("reglookup", "reglookup") && all;
        all = have("net", "samba-common-bin") && all;
        if (!all)
                return NULL;
        return suite_with("exchange-peers", scratch_setup, scratch_teardown);
}
