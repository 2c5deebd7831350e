/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, as in RFC 3720 B.4). Start with crc 0; chain by passing the previous result. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);
