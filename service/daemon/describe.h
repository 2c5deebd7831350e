/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What records and signals say of a value. */

#include "item.h"

/* "\System\Audit\Modules\TaintEvents": without the hive where it is the default one. 0 or -ENOMEM. */
_must_check_ int describe_path(const struct schema_value *sv, char **ret);
/* For the journal: the file behind a change that no caller made, and whose it is. NULL where there is none;
 * else the text in d. */
const char *describe_file(const struct item_input *input, struct diag *d);
