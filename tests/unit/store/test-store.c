/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "../../../schema/values/value.h"
#include "store-util.h"
#include "suite.h"

static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789012345678901234567890123456789"
                                "0123456789012345678901234567890123456789012345";

static const struct {
        const char *what;
        struct store_op op;
        int result;
        const char *diff;
} cases[] = {
        { "unknown operation", { .code = 0x99 }, -EINVAL, "" },

        { "create entry for an orphan", { OP_ENTRY(1, "Loose", "base", 4, 20) }, 0,
                "-key 04 in 01 Loose sd= time=0\n+key 04 in 01 Loose sd= time=0 named\n"
                "+path 01 Loose base seq=20 -> 04\n" },
        { "create entry before its key", { OP_ENTRY(2, "New", "base", 9, 20) }, 0,
                "+path 02 New base seq=20 -> 09\n" },
        { "create entry replaces the layer's own, whatever the case", { OP_ENTRY(1, "APP", "SITE", 4, 20) },
                0,
                "-key 04 in 01 Loose sd= time=0\n+key 04 in 01 Loose sd= time=0 named\n"
                "+key 05 in 01 app sd= time=0\n-key 05 in 01 app sd= time=0 named\n"
                "+path 01 APP site seq=20 -> 04\n-path 01 app site seq=4 -> 05\n" },
        { "create entry over a hidden one", { OP_ENTRY(1, "gone", "base", 4, 20) }, 0,
                "-key 04 in 01 Loose sd= time=0\n+key 04 in 01 Loose sd= time=0 named\n"
                "-path 01 Gone base seq=3 hidden\n+path 01 gone base seq=20 -> 04\n" },
        { "create entry again", { OP_ENTRY(1, "App", "base", 2, 1) }, 0, "" },
        { "create entry, no such parent", { OP_ENTRY(99, "App", "base", 2, 20) }, -ENOENT, "" },
        { "create entry, zero target", { OP_ENTRY(1, "App", "base", 0, 20) }, -EINVAL, "" },
        { "create entry, another's child", { OP_ENTRY(2, "App", "base", 4, 20) }, -EINVAL, "" },
        { "create entry, itself", { OP_ENTRY(2, "App", "base", 2, 20) }, -EINVAL, "" },
        { "create entry, a root", { OP_ENTRY(2, "App", "base", 1, 20) }, -EINVAL, "" },
        { "create entry, another layer's sequence", { OP_ENTRY(1, "aPP", "base", 2, 4) }, -EINVAL, "" },
        { "create entry, sequence 0", { OP_ENTRY(1, "App", "base", 2, 0) }, -EINVAL, "" },
        { "create entry, no name", { OP_ENTRY(1, "", "base", 2, 20) }, -EINVAL, "" },
        { "create entry, separator", { OP_ENTRY(1, "a\\b", "base", 2, 20) }, -EINVAL, "" },
        { "create entry, not UTF-8", { OP_ENTRY(1, "a\xff", "base", 2, 20) }, -EINVAL, "" },
        { "create entry, too long", { OP_ENTRY(1, long_name, "base", 2, 20) }, -EINVAL, "" },
        { "create entry, bad layer", { OP_ENTRY(1, "App", "", 2, 20) }, -EINVAL, "" },

        { "hide a child", { OP_HIDE(1, "APP", "Site", 20) }, 0,
                "+key 05 in 01 app sd= time=0\n-key 05 in 01 app sd= time=0 named\n"
                "+path 01 APP site seq=20 hidden\n-path 01 app site seq=4 -> 05\n" },
        { "hide what never was", { OP_HIDE(2, "x", "base", 20) }, 0, "+path 02 x base seq=20 hidden\n" },
        { "hide, no such parent", { OP_HIDE(99, "x", "base", 20) }, -ENOENT, "" },
        { "hide, another layer's sequence", { OP_HIDE(1, "App", "Site", 1) }, -EINVAL, "" },

        { "delete entry", { OP_DELETE(STORE_DELETE_ENTRY, 1, "aPP", "BASE") }, 0,
                "+key 02 in 01 App sd= time=0\n-key 02 in 01 App sd= time=0 named\n"
                "-path 01 App base seq=1 -> 02\n" },
        { "delete hidden entry", { OP_DELETE(STORE_DELETE_ENTRY, 1, "Gone", "base") }, 0,
                "-path 01 Gone base seq=3 hidden\n" },
        { "delete entry, not of this layer", { OP_DELETE(STORE_DELETE_ENTRY, 1, "Tmp", "Site") }, 0, "" },
        { "delete entry, no such layer", { OP_DELETE(STORE_DELETE_ENTRY, 1, "Tmp", "Other") }, 0, "" },
        { "delete entry, no such name", { OP_DELETE(STORE_DELETE_ENTRY, 1, "Tmpx", "base") }, 0, "" },
        { "delete entry, no such parent", { OP_DELETE(STORE_DELETE_ENTRY, 99, "Tmp", "base") }, -ENOENT,
                "" },

        { "create key", { OP_KEY(9, 2, "New"), .time = 77 }, 0, "+key 09 in 02 New sd= time=77\n" },
        { "create key, all fields",
                { .code = STORE_CREATE_KEY,
                        .guid = { { 9 } },
                        .target = { { 3 } },
                        .name = "N",
                        .data = "abc",
                        .size = 3,
                        .is_volatile = true,
                        .is_link = true },
                0, "+key 09 in 03 N sd=abc volatile link time=0\n" },
        { "create a root", { OP_KEY(9, 0, "Users") }, 0, "+key 09 in 00 Users sd= time=0\n" },
        { "create key, GUID taken", { OP_KEY(2, 1, "App") }, -EEXIST, "" },
        { "create key, no such parent", { OP_KEY(9, 99, "New") }, -ENOENT, "" },
        { "create key, its own parent", { OP_KEY(9, 9, "New") }, -ENOENT, "" },
        { "create key, persistent below volatile", { OP_KEY(9, 3, "New") }, -EINVAL, "" },
        { "create key, zero GUID", { OP_KEY(0, 1, "New") }, -EINVAL, "" },
        { "create key, no name", { OP_KEY(9, 1, "") }, -EINVAL, "" },

        { "write key: SD",
                { .code = STORE_WRITE_KEY,
                        .guid = { { 3 } },
                        .mask = 1,
                        .data = "xyz",
                        .size = 3,
                        .time = 5 },
                0,
                "-key 03 in 01 Tmp sd=sd volatile time=9 named\n"
                "+key 03 in 01 Tmp sd=xyz volatile time=9 named\n" },
        { "write key: time",
                { .code = STORE_WRITE_KEY,
                        .guid = { { 3 } },
                        .mask = 2,
                        .data = "xyz",
                        .size = 3,
                        .time = 5 },
                0,
                "+key 03 in 01 Tmp sd=sd volatile time=5 named\n"
                "-key 03 in 01 Tmp sd=sd volatile time=9 named\n" },
        { "write key: both, and nothing else",
                { .code = STORE_WRITE_KEY, .guid = { { 3 } }, .mask = 3, .is_link = true }, 0,
                "+key 03 in 01 Tmp sd= volatile time=0 named\n"
                "-key 03 in 01 Tmp sd=sd volatile time=9 named\n" },
        { "write key: nothing", { .code = STORE_WRITE_KEY, .guid = { { 3 } }, .time = 5 }, 0, "" },
        { "write key: a flag", { .code = STORE_WRITE_KEY, .guid = { { 3 } }, .mask = 4 }, -EINVAL, "" },
        { "write key, no such key", { .code = STORE_WRITE_KEY, .guid = { { 99 } }, .mask = 1 }, -ENOENT,
                "" },

        { "drop key with a value", { .code = STORE_DROP_KEY, .guid = { { 4 } } }, 0,
                "-key 04 in 01 Loose sd= time=0\n-value 04 Limit site seq=15 type=1 data=three\n" },
        { "drop key that is named", { .code = STORE_DROP_KEY, .guid = { { 3 } } }, -EINVAL, "" },
        { "drop key with children", { .code = STORE_DROP_KEY, .guid = { { 1 } } }, -ENOTEMPTY, "" },
        { "drop key, no such key", { .code = STORE_DROP_KEY, .guid = { { 99 } } }, 0, "" },

        { "set value", { OP_VALUE(3, "A", "base", REG_DWORD, "1234", 20), .time = 77 }, 0,
                "+key 03 in 01 Tmp sd=sd volatile time=77 named\n"
                "-key 03 in 01 Tmp sd=sd volatile time=9 named\n"
                "+value 03 A base seq=20 type=4 data=1234\n" },
        { "set value replaces the layer's own", { OP_VALUE(2, "LIMIT", "Base", REG_QWORD, "z", 20) }, 0,
                "+value 02 LIMIT base seq=20 type=11 data=z\n"
                "-value 02 Limit base seq=10 type=1 data=one\n" },
        { "set value beside others", { OP_VALUE(2, "Limit", "third", REG_SZ, "z", 5) }, 0,
                "+value 02 Limit third seq=5 type=1 data=z\n" },
        { "set value to a tombstone", { OP_VALUE(2, "Limit", "Site", REG_TOMBSTONE, "", 20) }, 0,
                "+value 02 Limit site seq=20 type=65535 data=\n"
                "-value 02 limit site seq=11 type=1 data=two\n" },
        { "set value, largest", { OP_VALUE(2, "a\\b/c", "Site", REG_SZ, "0123456789abcdef", 20) }, 0,
                "+value 02 a\\b/c site seq=20 type=1 data=0123456789abcdef\n" },
        { "set value, too large", { OP_VALUE(2, "x", "Site", REG_SZ, "0123456789abcdefg", 20) }, -EFBIG,
                "" },
        { "set value, tombstone with data", { OP_VALUE(2, "x", "Site", REG_TOMBSTONE, "x", 20) }, -EINVAL,
                "" },
        { "set value, type 12", { OP_VALUE(2, "x", "Site", 12, "x", 20) }, -EDOM, "" },
        { "set value, type 0xfffe", { OP_VALUE(2, "x", "Site", 0xfffe, "x", 20) }, -EDOM, "" },
        { "set value, type 0xffffffff", { OP_VALUE(2, "x", "Site", UINT32_MAX, "x", 20) }, -EDOM, "" },
        { "set value, name too long", { OP_VALUE(2, long_name, "Site", REG_SZ, "x", 20) }, -EDOM, "" },
        { "set value, layer too long", { OP_VALUE(2, "x", long_name, REG_SZ, "x", 20) }, -EINVAL, "" },
        { "set value, no such key", { OP_VALUE(99, "x", "Site", REG_SZ, "x", 20) }, -ENOENT, "" },
        { "set value, another layer's sequence", { OP_VALUE(2, "LIMIT", "base", REG_SZ, "x", 11) }, -EINVAL,
                "" },
        { "set value, a blanket's sequence", { OP_VALUE(2, "x", "Site", REG_SZ, "x", 12) }, -EINVAL, "" },
        { "set value, sequence 0", { OP_VALUE(2, "x", "Site", REG_SZ, "x", 0) }, -EINVAL, "" },
        { "set value, not UTF-8", { OP_VALUE(2, "\xff", "Site", REG_SZ, "x", 20) }, -EINVAL, "" },
        { "set value, bad layer", { OP_VALUE(2, "x", "a/b", REG_SZ, "x", 20) }, -EINVAL, "" },

        { "delete value", { OP_DELETE(STORE_DELETE_VALUE, 2, "LIMIT", "SITE"), .time = 77 }, 0,
                "-key 02 in 01 App sd= time=0 named\n+key 02 in 01 App sd= time=77 named\n"
                "-value 02 limit site seq=11 type=1 data=two\n" },
        { "delete value, not there", { OP_DELETE(STORE_DELETE_VALUE, 2, "", "SITE"), .time = 77 }, 0, "" },
        { "delete value, no such key", { OP_DELETE(STORE_DELETE_VALUE, 99, "", "base") }, -ENOENT, "" },

        { "set blanket", { OP_BLANKET(2, "Site", true, 20) }, 0, "+blanket 02 site seq=20\n" },
        { "set blanket again", { OP_BLANKET(2, "base", true, 20) }, 0,
                "-blanket 02 base seq=12\n+blanket 02 base seq=20\n" },
        { "unset blanket", { OP_BLANKET(2, "base", false, 20) }, 0, "-blanket 02 base seq=12\n" },
        { "unset blanket, not there", { OP_BLANKET(2, "Site", false, 20) }, 0, "" },
        { "set blanket, no such key", { OP_BLANKET(99, "base", true, 20) }, -ENOENT, "" },
        { "set blanket, another's sequence", { OP_BLANKET(2, "Site", true, 12) }, -EINVAL, "" },
        { "set blanket, a value's sequence", { OP_BLANKET(2, "x", true, 10) }, -EINVAL, "" },
        { "set blanket, sequence 0", { OP_BLANKET(2, "x", true, 0) }, -EINVAL, "" },

        { "delete layer", { .code = STORE_DELETE_LAYER, .layer = "SITE" }, 0,
                "+key 05 in 01 app sd= time=0\n-key 05 in 01 app sd= time=0 named\n"
                "-path 01 app site seq=4 -> 05\n-value 02 limit site seq=11 type=1 data=two\n"
                "-value 04 Limit site seq=15 type=1 data=three\n" },
        { "delete layer with everything", { .code = STORE_DELETE_LAYER, .layer = "deep" }, 0,
                "-blanket 02 deep seq=19\n-path 02 Hidden deep seq=17 hidden\n"
                "-value 02 Limit deep seq=18 type=1 data=x\n-value 03 x deep seq=16 type=1 data=y\n" },
        { "delete layer: not the base layer", { .code = STORE_DELETE_LAYER, .layer = "BASE" }, -EINVAL, "" },
        { "delete layer, unknown", { .code = STORE_DELETE_LAYER, .layer = "other" }, 0, "" },

        { "set file", { OP_FILE("new layer", "10-new.yaml", 7, true) }, 0,
                "+file new layer 10-new.yaml precedence=7 seal=0\n" },
        { "set file again", { OP_FILE("SITE", "other.yaml", UINT32_MAX, false) }, 0,
                "+file site other.yaml precedence=4294967295 disabled seal=0\n-file site site.yaml precedence=5 seal=0\n" },
        { "set file, signed", { OP_FILE("site", "site.yaml", 5, true), .seal = { 7, "187d88b7353d4092" } },
                0,
                "-file site site.yaml precedence=5 seal=0\n"
                "+file site site.yaml precedence=5 seal=7187d88b7353d4092\n" },
        { "set file, bad layer", { OP_FILE("a/b", "x.yaml", 7, true) }, -EINVAL, "" },
        { "forget file", { .code = STORE_FORGET_FILE, .layer = "SITE" }, 0,
                "-file site site.yaml precedence=5 seal=0\n" },
        { "forget file, not there", { .code = STORE_FORGET_FILE, .layer = "deep" }, 0, "" },
        { "forget file, no such layer", { .code = STORE_FORGET_FILE, .layer = "other" }, 0, "" },
};

static struct store *prepared(unsigned begins)
{
        struct store *s = fixture_new();

        APPLY(s, OP_VALUE(3, "x", "deep", REG_SZ, "y", 16));
        APPLY(s, OP_HIDE(2, "Hidden", "deep", 17));
        APPLY(s, OP_VALUE(2, "Limit", "deep", REG_SZ, "x", 18));
        APPLY(s, OP_BLANKET(2, "deep", true, 19));
        APPLY(s, OP_FILE("Site", "site.yaml", 5, true));
        sync_store(s);
        for (unsigned i = 0; i < begins; i++)
                begin(s);
        return s;
}

static struct store *applied(const struct store_op *op, int result, unsigned begins)
{
        struct store *s = prepared(begins);

        ck_assert_int_eq(store_apply(s, op), result);
        return s;
}

static void check_dump(const struct store *s, const struct dump *before, const char *diff)
{
        _cleanup_dump_ struct dump after = dump_store(s);
        _cleanup_free_ char *found = dump_diff(before, &after);
        ck_assert_str_eq(found, diff);
}

TEST_EACH(operations, ARRAY_SIZE(cases))
{
        const struct store_op *op = &cases[_i].op;
        const int result = cases[_i].result;
        _cleanup_store_ struct store *untouched = prepared(0), *s = applied(op, result, 1);
        _cleanup_dump_ struct dump before = dump_store(untouched);
        const uint64_t sequence = op->sequence > 19 && cases[_i].diff[0] ? op->sequence : 19;

        check_dump(s, &before, cases[_i].diff);
        ck_assert_uint_eq(store_last_sequence(s), sequence);
        store_rollback(s);
        check_dump(s, &before, "");
        ck_assert_uint_eq(store_last_sequence(s), 19);

        store_close(s);
        s = applied(op, result, 2);
        commit(s);
        store_rollback(s);
        check_dump(s, &before, "");

        store_close(s);
        s = applied(op, result, 2);
        commit(s);
        commit(s);
        check_dump(s, &before, cases[_i].diff);
        sync_store(s);
        check_dump(s, &before, cases[_i].diff);
        ck_assert_uint_eq(store_last_sequence(s), sequence);

        /* A store may go while a transaction is open. */
        store_close(s);
        s = applied(op, result, 1);
}

static int put_layer(struct store *s, unsigned layer, const char *name, uint32_t type)
{
        char text[16];
        (void)snprintf(text, sizeof(text), "l%u", layer);
        return try_apply(s, &(struct store_op){ .code = STORE_SET_VALUE,
                                    .guid = guid_of(2),
                                    .name = name,
                                    .layer = text,
                                    .type = type,
                                    .sequence = store_take_sequence(s) });
}

TEST(layers_of_a_value)
{
        _cleanup_store_ struct store *s = fixture_new();

        for (unsigned i = 0; i < 128; i++)
                ck_assert_int_eq(put_layer(s, i, "Many", i % 2 == 0 ? REG_SZ : REG_TOMBSTONE), 0);
        ck_assert_int_eq(put_layer(s, 128, "MANY", REG_SZ), -EDQUOT);
        ck_assert_int_eq(put_layer(s, 128, "Many", REG_TOMBSTONE), -EDQUOT);
        /* What is there is replaced, and others are not concerned. */
        ck_assert_int_eq(put_layer(s, 5, "many", REG_SZ), 0);
        ck_assert_int_eq(put_layer(s, 128, "Other", REG_SZ), 0);
        APPLY(s, OP_BLANKET(2, "l129", true, store_take_sequence(s)));
        APPLY(s, OP_DELETE(STORE_DELETE_VALUE, 2, "Many", "L7"));
        ck_assert_int_eq(put_layer(s, 128, "MANY", REG_SZ), 0);
        ck_assert_int_eq(put_layer(s, 7, "MANY", REG_SZ), -EDQUOT);
}

/* Its parent went, and came as a volatile one. */
TEST(left_in_a_volatile_key)
{
        _cleanup_store_ struct store *s = fixture_new();
        const struct store_op entry = { OP_ENTRY(6, "Left", "base", 7, 20) };

        APPLY(s, OP_KEY(6, 1, "Up"));
        APPLY(s, OP_KEY(7, 6, "Left"));
        APPLY(s, .code = STORE_DROP_KEY, .guid = { { 6 } });
        APPLY(s, OP_KEY(6, 1, "Up"), .is_volatile = true);
        _cleanup_dump_ struct dump before = dump_store(s);
        ck_assert_int_eq(try_apply(s, &entry), -EINVAL);
        check_dump(s, &before, "");

        /* A volatile one may be there. */
        APPLY(s, .code = STORE_DROP_KEY, .guid = { { 7 } });
        APPLY(s, OP_KEY(7, 6, "Left"), .is_volatile = true);
        apply(s, entry);
        check_dump(s, &before,
                "-key 07 in 06 Left sd= time=0\n+key 07 in 06 Left sd= volatile time=0 named\n"
                "+path 06 Left base seq=20 -> 07\n");
}

Suite *test_suite(void)
{
        return suite_of("store");
}
