/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A store with one key, Machine (01), and layers: base 0, low 0, high 10, twin 10, off 20 (disabled), file 5
 * (of a drop-in); `ghost` is unknown. */

#include "../../../registry-provider/resolve/resolve.h"
#include "../store/store-util.h"

extern struct store *s;
extern struct layers l;
extern const struct guid machine;

/* With a scope for the whole test. */
void setup(void);
void teardown(void);
/* Ends the scope and begins another. */
void renew_scope(void);
void put_value(unsigned key, const char *name, const char *layer, uint32_t type, uint64_t sequence);
/* The store keeps the sequences of a name's layers apart, so corrupt data has to be made by hand. `table`:
 * value or path_entry; names are folded. */
void corrupt(const char *table, const char *name, const char *layer, uint64_t sequence);
