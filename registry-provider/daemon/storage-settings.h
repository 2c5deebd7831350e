/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much of the history and which backups are kept. */

#include "../store/store.h"
#include "../store/upkeep.h"

struct storage_settings {
        struct store_prune_limits history;
        struct upkeep_config upkeep;
};

#define STORAGE_SETTINGS_DEFAULT                                                                            \
        ((struct storage_settings){ .history = STORE_PRUNE_LIMITS_DEFAULT, .upkeep = UPKEEP_CONFIG_DEFAULT })
