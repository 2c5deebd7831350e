/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The world `w` of each test of a suite, with these for suite_with(). */

#include "world.h"

static struct world w;

static inline void world_setup(void)
{
        world_new(&w);
}

static inline void world_teardown(void)
{
        world_done(&w);
}
