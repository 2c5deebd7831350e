/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One frame of a journal into the store, the hives and the layers. */

#include "frame.h"
#include "state.h"

struct replay {
        struct store *store;
        struct state_hives *hives;
        struct layers *layers;
};

/* All or nothing; the frame's sequence counter is left to the caller. -EBADMSG (not records, or the store
 * refuses one), -EFBIG (a value above the store's limit), or -ENOMEM. */
_must_check_ int replay_frame(const struct replay *to, const struct frame *f);
