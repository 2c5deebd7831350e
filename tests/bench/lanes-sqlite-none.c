/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lanes.h"

void lane_sqlite_set(struct lane *lane, _unused_ const char *file, _unused_ unsigned n_values)
{
        lane->absent = "built without libsqlite3-dev";
}

void lane_sqlite_load(struct lane *lane, _unused_ const char *file)
{
        lane->absent = "built without libsqlite3-dev";
}
