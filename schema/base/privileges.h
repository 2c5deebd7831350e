/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Capabilities of the calling thread: each thread has its own, and gives them to those that it starts. The
 * bounding set stays: there is nothing that is executed. */

#include <stdint.h>

#include "macro.h"

#define PRIVILEGE(capability) (UINT64_C(1) << (capability))

/* Both take them out of the effective, the permitted and the inheritable set, and with them the kernel out
 * of the ambient one. Where there is nothing to take out nothing is called. 0 or negative errno. */
_must_check_ int privileges_drop(uint64_t capabilities);
_must_check_ int privileges_keep(uint64_t capabilities);
