/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way to a folder of configuration, hop by hop: through every parent, and through every link to where it
 * leads. A folder is watched before a name is looked up in it, so that what was read afterwards is never
 * older than what is watched. */

#include "folders.h"

/* Watches all that `path` leads through, the folder at its end, and what the links in there lead through (of
 * those names that overlay_list() takes). What is missing on the way may come: it is watched for as well. A
 * link to /dev/null leads nowhere. 0 or -ENOMEM. */
_must_check_ int hops_follow(struct folders *f, const char *path);
