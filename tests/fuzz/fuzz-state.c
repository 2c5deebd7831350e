/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records, journals and snapshots from bytes that somebody else chose; the first byte says which. What is
 * taken must come out again as it went in. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../registry-provider/state/frame.h"
#include "../../registry-provider/state/replay.h"
#include "../../registry-provider/state/snapshot.h"
#include "../../schema/values/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
        struct store *store;
        struct state_hives hives;
        struct layers layers;
};

static void require(bool holds)
{
        if (!holds)
                abort();
}

static bool world_init(struct world *w)
{
        *w = (struct world){ 0 };
        return store_new(VALUE_BYTES_DEFAULT_MAX, &w->store) == 0 && layers_init(&w->layers) == 0;
}

static void world_done(struct world *w)
{
        w->store = store_free(w->store);
        state_hives_done(&w->hives);
        layers_done(&w->layers);
}

static void feed_records(const uint8_t *data, size_t size)
{
        for (size_t used; size > 0; data += used, size -= used) {
                _cleanup_buf_ struct buf again = BUF_INIT;
                struct state_record r;
                if (state_decode(data, size, &r, &used) < 0)
                        return;
                require(used > 0 && used <= size);
                state_encode(&again, &r);
                require(again.error || (again.len == used && memcmp(again.data, data, used) == 0));
        }
}

/* The bytes as a journal, and as the payload of a frame that is sound. */
static void feed_journal(const uint8_t *data, size_t size)
{
        struct journal_header h = { .generation = 1 };
        struct frame f;
        struct world w;

        (void)!journal_header_parse(data, size, &h);
        size_t offset = 0;
        for (uint64_t n = 1; frame_next(&h, data, size, n, &offset, &f) == FRAME_GOOD; n++)
                require(offset <= size);
        if (world_init(&w)) {
                f = (struct frame){ .number = 1, .payload = data, .size = size };
                struct replay to = { w.store, &w.hives, &w.layers, 0 };
                (void)!replay_frame(&to, &f);
        }
        world_done(&w);
}

static int to_buf(const void *data, size_t n, void *userdata)
{
        struct buf *b = userdata;
        buf_add(b, data, n);
        return b->error;
}

static bool write_text(const struct world *w, struct buf *ret)
{
        uint32_t crc;
        return snapshot_write(w->store, &w->hives, &w->layers, 1, to_buf, ret, &crc) == 0;
}

static void feed_snapshot(const char *text, size_t size)
{
        _cleanup_buf_ struct buf first = BUF_INIT, second = BUF_INIT;
        struct world w, again = { 0 };
        struct diag d = { 0 };
        bool made = world_init(&w) && world_init(&again);
        struct replay to = { w.store, &w.hives, &w.layers, 0 };
        struct replay to_again = { again.store, &again.hives, &again.layers, 0 };

        if (made && snapshot_read("input", text, size, 1, &to, &d) == 0 && write_text(&w, &first)) {
                require(snapshot_read("output", first.data, first.len, 1, &to_again, &d) == 0);
                require(to_again.left_out == 0);
                require(store_counts(w.store).values == store_counts(again.store).values);
                require(store_counts(w.store).path_entries == store_counts(again.store).path_entries);
                require(write_text(&again, &second));
                require(first.len == second.len);
        }
        world_done(&w);
        world_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size == 0)
                return 0;
        /* In memory of its own, without anything behind it. */
        _cleanup_free_ uint8_t *copy = malloc(size);
        if (!copy)
                return 0;
        memcpy(copy, data + 1, size - 1);
        switch (data[0] % 3) {
        case 0:
                feed_records(copy, size - 1);
                break;
        case 1:
                feed_journal(copy, size - 1);
                break;
        default:
                feed_snapshot((const char *)copy, size - 1);
                break;
        }
        return 0;
}
