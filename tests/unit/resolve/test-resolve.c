/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "../../../schema/values/value.h"
#include "resolve-util.h"
#include "suite.h"

#define V(layer_, seq)                                                                                      \
        {                                                                                                   \
                .layer = (layer_), .sequence = (seq), .type = REG_SZ                                        \
        }
#define T(layer_, seq)                                                                                      \
        {                                                                                                   \
                .layer = (layer_), .sequence = (seq), .type = REG_TOMBSTONE                                 \
        }
#define B(layer_, seq)                                                                                      \
        {                                                                                                   \
                .layer = (layer_), .sequence = (seq), .blanket = true                                       \
        }

/* The entries of one value name and the sequence of the one that must win. */
static const struct {
        const char *what;
        struct {
                const char *layer;
                uint64_t sequence;
                uint32_t type;
                bool blanket;
        } entries[4];
        int result;
        uint64_t winner; /* 0: none is handed out */
} values[] = {
        { "nothing", { { 0 } }, -ENOENT, 0 },
        { "one", { V("base", 1) }, 0, 1 },
        { "one, layer's case", { V("BASE", 1) }, 0, 1 },
        { "precedence before sequence", { V("high", 1), V("base", 2) }, 0, 1 },
        { "sequence among equals", { V("base", 1), V("low", 2) }, 0, 2 },
        { "sequence among equals, the other way", { V("base", 4), V("low", 2) }, 0, 4 },
        { "three", { V("base", 4), V("file", 3), V("twin", 2) }, 0, 2 },
        { "disabled", { V("off", 3), V("base", 1) }, 0, 1 },
        { "only disabled", { V("off", 3) }, -ENOENT, 0 },
        { "unknown", { V("ghost", 3), V("base", 1) }, 0, 1 },
        { "only unknown", { V("ghost", 3) }, -ENOENT, 0 },
        { "a tombstone does not fall through", { T("high", 1), V("base", 2) }, -ENOENT, 1 },
        { "a lower tombstone", { V("high", 1), T("base", 2) }, 0, 1 },
        { "a disabled tombstone", { T("off", 3), V("base", 1) }, 0, 1 },
        { "blanket above", { B("high", 1), V("base", 2) }, -ENOENT, 0 },
        { "blanket below", { V("high", 1), B("base", 2) }, 0, 1 },
        { "blanket of the same layer, older", { B("base", 1), V("base", 2) }, 0, 2 },
        { "blanket of the same layer, newer", { B("base", 3), V("base", 2) }, -ENOENT, 0 },
        { "blanket of an equal layer, newer", { B("twin", 3), V("high", 2) }, -ENOENT, 0 },
        { "blanket, disabled", { B("off", 3), V("high", 2) }, 0, 2 },
        { "blanket, unknown", { B("ghost", 3), V("high", 2) }, 0, 2 },
        { "tombstone over blanket", { B("base", 3), T("high", 2) }, -ENOENT, 2 },
        { "only a blanket", { B("base", 3) }, -ENOENT, 0 },
};

TEST_EACH(value, ARRAY_SIZE(values))
{
        static const struct store_value_entry untouched;
        const struct store_value_entry *found = &untouched;

        for (size_t i = 0; i < 4 && values[_i].entries[i].layer; i++)
                if (values[_i].entries[i].blanket)
                        apply(s, (struct store_op){ .code = STORE_SET_BLANKET,
                                         .guid = machine,
                                         .set = true,
                                         .layer = values[_i].entries[i].layer,
                                         .sequence = values[_i].entries[i].sequence });
                else
                        put_value(1, "Größe", values[_i].entries[i].layer, values[_i].entries[i].type,
                                values[_i].entries[i].sequence);

        ck_assert_int_eq(resolve_value(s, &l, &machine, "GRÖSSE", strlen("GRÖSSE"), &found), -ENOENT);
        ck_assert_ptr_null(found);
        int r = resolve_value(s, &l, &machine, "GRÖẞE", strlen("GRÖẞE"), &found);
        ck_assert_msg(r == values[_i].result, "%s: %d", values[_i].what, r);
        ck_assert_uint_eq(found ? found->sequence : 0, values[_i].winner);
}

TEST(value_ties)
{
        const struct store_value_entry *found;
        struct why_entry *why;
        size_t n;

        put_value(1, "v", "high", REG_SZ, 2);
        put_value(1, "v", "twin", REG_SZ, 3);
        put_value(1, "v", "base", REG_SZ, 1);
        corrupt("value", "v", "twin", 2);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), -EBADMSG);
        ck_assert_int_eq(resolve_why(s, &l, &machine, "v", 1, &why, &n), -EBADMSG);
        const struct store_value_entry **list;
        ck_assert_int_eq(resolve_values(s, &l, &machine, SIZE_MAX, &list, &n), -EBADMSG);

        /* Equal sequences of different precedence, or of one layer that does not count, are no tie. */
        ck_assert_int_eq(layers_set(&l, "twin", 11, true, NULL), 0);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_str_eq(found->layer, "twin");
        ck_assert_int_eq(layers_set(&l, "twin", 10, false, NULL), 0);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_str_eq(found->layer, "high");

        /* Nor is a tie below the winner, met before it or after it. */
        ck_assert_int_eq(layers_set(&l, "twin", 0, true, NULL), 0);
        corrupt("value", "v", "twin", 1);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_str_eq(found->layer, "high");
        put_value(1, "w", "high", REG_SZ, 11);
        put_value(1, "w", "base", REG_SZ, 12);
        put_value(1, "w", "low", REG_SZ, 13);
        corrupt("value", "w", "low", 12);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "w", 1, &found), 0);
        ck_assert_str_eq(found->layer, "high");

        /* Against a blanket. */
        APPLY(s, OP_BLANKET(1, "twin", true, 20));
        ck_assert_int_eq(layers_set(&l, "twin", 10, true, NULL), 0);
        corrupt("value", "v", "high", 20);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), -EBADMSG);
}

/* What lies below shows again when an entry or a layer goes, and a latent entry when its layer comes. */
TEST(value_reexposed)
{
        const struct store_value_entry *found;

        put_value(1, "v", "base", REG_SZ, 1);
        put_value(1, "v", "file", REG_TOMBSTONE, 2);
        put_value(1, "v", "high", REG_SZ, 3);
        put_value(1, "v", "ghost", REG_SZ, 4);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_uint_eq(found->sequence, 3);
        APPLY(s, OP_DELETE(STORE_DELETE_VALUE, 1, "v", "high"));
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), -ENOENT);
        ck_assert_uint_eq(found->sequence, 2);
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = "file");
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_uint_eq(found->sequence, 1);
        ck_assert_int_eq(layers_set(&l, "ghost", 1, true, NULL), 0);
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_uint_eq(found->sequence, 4);
        ck_assert(layers_remove(&l, "ghost"));
        ck_assert_int_eq(resolve_value(s, &l, &machine, "v", 1, &found), 0);
        ck_assert_uint_eq(found->sequence, 1);
}

static void assert_child(const char *name, int result, unsigned target)
{
        const struct store_path_entry *found = NULL;
        ck_assert_int_eq(resolve_child(s, &l, &machine, name, strlen(name), &found), result);
        if (result == 0)
                ck_assert_uint_eq(found->target.bytes[0], target);
        else
                ck_assert_ptr_null(found);
}

TEST(child)
{
        assert_child("a", -ENOENT, 0);
        APPLY(s, OP_ENTRY(1, "A", "base", 2, 1));
        assert_child("a", -ENOENT, 0); /* its key is not there yet */
        APPLY(s, OP_KEY(2, 1, "A"));
        assert_child("a", 0, 2);

        /* An entry without its key does not mask the one below. */
        APPLY(s, OP_ENTRY(1, "a", "high", 3, 2));
        assert_child("a", 0, 2);
        APPLY(s, OP_KEY(3, 1, "a"));
        assert_child("a", 0, 3);
        APPLY(s, OP_HIDE(1, "A", "twin", 3));
        assert_child("a", -ENOENT, 0);
        APPLY(s, OP_HIDE(1, "A", "off", 4));
        APPLY(s, OP_HIDE(1, "A", "ghost", 5));
        APPLY(s, OP_DELETE(STORE_DELETE_ENTRY, 1, "A", "twin"));
        assert_child("a", 0, 3);
        APPLY(s, .code = STORE_DELETE_LAYER, .layer = "high");
        assert_child("a", 0, 2);
        ck_assert_int_eq(layers_set(&l, "off", 20, true, NULL), 0);
        assert_child("a", -ENOENT, 0);

        APPLY(s, OP_ENTRY(1, "a", "off", 3, 6));
        APPLY(s, OP_ENTRY(1, "a", "twin", 2, 7));
        ck_assert_int_eq(layers_set(&l, "off", 10, true, NULL), 0);
        corrupt("path_entry", "a", "twin", 6);
        assert_child("a", -EBADMSG, 0);
        size_t n;
        const struct store_path_entry **list;
        ck_assert_int_eq(resolve_children(s, &l, &machine, &list, &n), -EBADMSG);
}

Suite *test_suite(void)
{
        return suite_with("resolve", setup, teardown);
}
