/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a compare-and-swap wants to find. All zero: no check. */
struct expected {
        bool given;
        uint64_t sequence; /* of the layer's entry; 0: it has none yet */
};
