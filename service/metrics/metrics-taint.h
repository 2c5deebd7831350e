/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metrics-text.h"

/* The taint bits: which are set, by what, since when. */
void metrics_taint(const struct metrics_state *s, struct buf *out);
