/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Schema entries of which only key and name matter. */

#include "../../../service/policy/accepted.h"

struct schema_value entry_new(const char *key, const char *name);
void entry_done(struct schema_value *sv);
#define _cleanup_entry_ _cleanup_(entry_done)

/* Through such an entry. */
void entry_set(struct accepted *a, const char *key, const char *name, const char *text);
void entry_set_pending(
        struct accepted *a, const char *key, const char *name, bool pending, const char *text);
/* "none" where nothing waits, NULL where nothing will be in force. */
const char *entry_pending(const struct accepted *a, const char *key, const char *name);
const char *entry_get(const struct accepted *a, const char *key, const char *name);
