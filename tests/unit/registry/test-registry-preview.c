/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a preview must not do: use up numbers, or memory. That it tells what the transaction does is in
 * test-registry-transaction.c. */

#include <stdio.h>

#include "../../../registry-provider/store/store-internal.h"
#include "suite.h"
#include "registry-world.h"

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
        world_do(&w, "set - \\App V 1");
}

/* However it ends, it takes no number. */
TEST(previews_take_no_number)
{
        uint64_t sequence = registry_sequence(w.r);
        struct registry_events events;

        ck_assert_int_eq(registry_begin_preview(w.r, SIZE_MAX), 0);
        ck_assert_int_eq(
                world_change(&w, "set - \\App V 2\nset - \\New V 1\ndel - \\App None"), REGISTRY_NOT_FOUND);
        ck_assert_uint_gt(registry_sequence(w.r), sequence);
        registry_abort(w.r);
        ck_assert_uint_eq(registry_sequence(w.r), sequence);
        ck_assert_int_eq(registry_begin_preview(w.r, SIZE_MAX), 0);
        ck_assert_int_eq(world_change(&w, "set - \\App V 2"), 0);
        ck_assert_int_eq(registry_end_preview(w.r, &events), 0);
        registry_events_done(&events);
        ck_assert_uint_eq(registry_sequence(w.r), sequence);
        /* The next transaction is none. */
        world_do(&w, "set - \\App V 2");
        ck_assert_uint_eq(registry_sequence(w.r), sequence + 1);
}

/* Whatever takes the room, it is refused at once, and undone. */
TEST(previews_have_limited_room)
{
        static const char *const scripts[] = {
                "mk - \\A\\B\\C\\D\\E\\F\\G\\H",
                "set - \\App V 2\nset - \\App W 2\nset - \\App X 2\nset - \\App Y 2",
                "rmr - \\Many",
                "rmr - \\System\\Registry\\Layers\\high",
                "set - \\System\\Registry\\Layers\\high Enabled 0",
        };
        struct registry_events events;

        for (char k = 'a'; k < 'k'; k++) {
                char script[64];
                (void)snprintf(
                        script, sizeof(script), "set - \\Many\\%c V 1\nset high \\Many\\%c V 2", k, k);
                world_do(&w, script);
        }
        struct dump before = world_dump(&w, false);
        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                ck_assert_int_eq(registry_begin_preview(w.r, 2048), 0);
                int r = world_change(&w, scripts[i]);
                if (r == 0)
                        r = registry_end_preview(w.r, &events);
                registry_abort(w.r);
                ck_assert_int_eq(r, REGISTRY_TOO_LARGE);
                ck_assert_uint_eq(registry_room(w.r), 0);
                /* Transactions are not limited, nor is a preview with room. */
                _cleanup_free_ char *text = world_preview(&w, scripts[i]);
                ck_assert_str_ne(text, "");
                ck_assert_uint_gt(registry_room(w.r), SIZE_MAX / 2);
        }
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after previews");
        dump_done(&before);
        dump_done(&after);
}

/* Beside what is kept, the database holds each page that changes, and what it was before. */
TEST(previews_take_about_their_room)
{
        static const size_t room = 256u * 1024u;
        _cleanup_buf_ struct buf script = BUF_INIT;

        for (unsigned i = 0; i < 2000; i++)
                buf_printf(&script, "set - \\Many\\K%u V 1\n", i);
        world_do(&w, buf_str(&script));
        world_restart(&w);
        sqlite3 *sqlite = registry_store(w.r)->db->sqlite;
        ck_assert_int_eq(sqlite3_exec(sqlite, "PRAGMA cache_size = 10", NULL, NULL, NULL), SQLITE_OK);
        const sqlite3_int64 before = sqlite3_memory_used();
        (void)sqlite3_memory_highwater(true);
        ck_assert_int_eq(registry_begin_preview(w.r, room), 0);
        ck_assert_int_eq(world_change(&w, "rmr - \\Many"), REGISTRY_TOO_LARGE);
        ck_assert_uint_eq(registry_room(w.r), 0);
        registry_abort(w.r);
        ck_assert_int_lt(sqlite3_memory_highwater(false) - before, 2 * (sqlite3_int64)room);
}

Suite *test_suite(void)
{
        return suite_with("registry-preview", setup, world_teardown);
}
