/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../base/test-util.h"
#include "state-util.h"

/* clang takes no constant object as an initializer. */
#define A                                                                                                   \
        {                                                                                                   \
                {                                                                                           \
                        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16                               \
                }                                                                                           \
        }
#define B                                                                                                   \
        {                                                                                                   \
                {                                                                                           \
                        0xff, 0, 0xff                                                                       \
                }                                                                                           \
        }

#define RECORD_OP(...)                                                                                      \
        {                                                                                                   \
                .kind = STATE_OP, .op = { __VA_ARGS__ }                                                     \
        }

static const struct state_record records[] = {
        RECORD_OP(.code = STORE_CREATE_ENTRY, .guid = A, .target = B, .name = "child", .layer = "base",
                .sequence = UINT64_C(0x0123456789abcdef)),
        RECORD_OP(.code = STORE_HIDE_ENTRY, .guid = A, .name = "\xc3\xa9", .layer = "l", .sequence = 1),
        RECORD_OP(.code = STORE_DELETE_ENTRY, .guid = A, .name = "x", .layer = "base"),
        RECORD_OP(.code = STORE_CREATE_KEY, .guid = A, .target = B, .name = "k", .data = "sd\0x", .size = 4,
                .time = UINT64_MAX, .is_link = true),
        RECORD_OP(.code = STORE_CREATE_KEY, .guid = A, .name = "k", .is_volatile = true),
        RECORD_OP(.code = STORE_WRITE_KEY, .guid = A, .mask = STORE_MASK_SD | STORE_MASK_TIME, .data = "s",
                .size = 1, .time = 9),
        RECORD_OP(.code = STORE_DROP_KEY, .guid = B),
        RECORD_OP(.code = STORE_SET_VALUE, .guid = A, .name = "", .layer = "base", .type = 0xfffffffe,
                .data = "\0\0", .size = 2, .sequence = 7, .expected = 6, .time = 5),
        RECORD_OP(.code = STORE_SET_VALUE, .guid = A, .name = "empty", .layer = "base", .type = 1,
                .sequence = 8),
        RECORD_OP(.code = STORE_DELETE_VALUE, .guid = A, .name = "v", .layer = "base", .time = 3),
        RECORD_OP(.code = STORE_SET_BLANKET, .guid = A, .layer = "base", .set = true, .sequence = 4),
        RECORD_OP(.code = STORE_SET_BLANKET, .guid = A, .layer = "base"),
        RECORD_OP(.code = STORE_DELETE_LAYER, .layer = "gone"),
        { .kind = STATE_HIVE, .name = "Machine", .root = A },
        { .kind = STATE_LAYER, .name = "50-site", .precedence = 0xfffffffe, .enabled = true, .file = "/f" },
        { .kind = STATE_LAYER, .name = "60", .file = "/g" },
        { .kind = STATE_LAYER_GONE, .name = "50-site" },
};

static void assert_same_text(const char *x, const char *y)
{
        if (!x || !y)
                ck_assert_ptr_eq(x, y);
        else
                ck_assert_str_eq(x, y);
}

static void assert_same(const struct state_record *x, const struct state_record *y)
{
        const struct store_op *o = &x->op, *p = &y->op;

        ck_assert_int_eq(x->kind, y->kind);
        assert_same_text(x->name, y->name);
        assert_same_text(x->file, y->file);
        ck_assert(guid_equal(&x->root, &y->root));
        ck_assert_uint_eq(x->precedence, y->precedence);
        ck_assert_int_eq(x->enabled, y->enabled);
        ck_assert_uint_eq(o->code, p->code);
        ck_assert_int_eq(o->is_volatile, p->is_volatile);
        ck_assert_int_eq(o->is_link, p->is_link);
        ck_assert_int_eq(o->set, p->set);
        ck_assert_uint_eq(o->mask, p->mask);
        ck_assert_uint_eq(o->type, p->type);
        ck_assert(guid_equal(&o->guid, &p->guid));
        ck_assert(guid_equal(&o->target, &p->target));
        assert_same_text(o->name, p->name);
        assert_same_text(o->layer, p->layer);
        ck_assert_uint_eq(o->size, p->size);
        ck_assert(o->size == 0 || memcmp(o->data, p->data, o->size) == 0);
        ck_assert_uint_eq(o->sequence, p->sequence);
        ck_assert_uint_eq(o->expected, p->expected);
        ck_assert_uint_eq(o->time, p->time);
}

START_TEST(round_trip)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        for (size_t i = 0; i < ARRAY_SIZE(records); i++)
                state_encode(&out, &records[i]);
        ck_assert_int_eq(out.error, 0);

        size_t at = 0, used;
        for (size_t i = 0; i < ARRAY_SIZE(records); i++, at += used) {
                struct state_record r;
                ck_assert_int_eq(state_decode(out.data + at, out.len - at, &r, &used), 0);
                assert_same(&records[i], &r);
        }
        ck_assert_uint_eq(at, out.len);
}
END_TEST

/* Each cut in memory of its own, so that the sanitizer sees a read behind the end. */
START_TEST(cut_at_every_byte)
{
        for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                state_encode(&out, &records[i]);
                for (size_t n = 0; n < out.len; n++) {
                        struct state_record r;
                        size_t used;
                        char *part = malloc(n ? n : 1);
                        ck_assert_ptr_nonnull(part);
                        memcpy(part, out.data, n);
                        ck_assert_int_eq(state_decode(part, n, &r, &used), -EBADMSG);
                        free(part);
                }
        }
}
END_TEST

START_TEST(every_byte_garbled)
{
        for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                state_encode(&out, &records[i]);
                for (size_t n = 0; n < out.len; n++)
                        for (unsigned x = 1; x < 256; x <<= 1) {
                                struct state_record r;
                                size_t used = 0;
                                char *copy = malloc(out.len);
                                ck_assert_ptr_nonnull(copy);
                                memcpy(copy, out.data, out.len);
                                copy[n] ^= (char)x;
                                int e = state_decode(copy, out.len, &r, &used);
                                ck_assert(e == -EBADMSG || (e == 0 && used <= out.len));
                                free(copy);
                        }
        }
}
END_TEST

START_TEST(refused)
{
        static const struct {
                const char *bytes;
                size_t size;
        } cases[] = {
                { "\0", 1 }, { "\5", 1 }, { "\x01\x99\x99\0", 4 }, /* unknown operation */
                { "\x01\x50\0\1\1\0\0\0x\0", 10 },                 /* flags that DELETE_LAYER has not */
                { "\x01\x50\0\0\1\0\0\0\xff\0", 10 },              /* not UTF-8 */
                { "\x01\x50\0\0\1\0\0\0xy", 10 },                  /* no NUL behind it */
                { "\x01\x50\0\0\2\0\0\0x\0\0", 11 },               /* a NUL in it */
                { "\x01\x50\0\0\xff\xff\xff\xffx\0", 10 },         /* longer than there is */
                { "\x03\1\0\0\0l\0\0\0\0\0\2\1\0\0\0f\0", 18 },    /* enabled: neither 0 nor 1 */
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct state_record r;
                size_t used;
                ck_assert_msg(
                        state_decode(cases[i].bytes, cases[i].size, &r, &used) == -EBADMSG, "case %zu", i);
        }
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { round_trip, cut_at_every_byte, every_byte_garbled, refused };
        return run_tests("state-codec", tests, ARRAY_SIZE(tests));
}
