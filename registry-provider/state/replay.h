/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What files say into the store, the hives and the layers: here a frame of a journal. */

#include "frame.h"
#include "state.h"

struct replay {
        struct store *store;
        struct state_hives *hives;
        struct layers *layers;
        size_t left_out; /* values that no store holds (store_value_is_refused()) */
};

/* All or nothing, but for the values that are left out; the frame's sequence counter is left to the caller.
 * -EBADMSG (not records, or the store refuses one), -EFBIG (a value above the store's limit), or -ENOMEM. */
_must_check_ int replay_frame(struct replay *to, const struct frame *f);
