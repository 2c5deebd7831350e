/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boot-time apply: no bus, no daemon, no libsystemd. Schema, drop-ins and the registry's database are
 * read from disk, every bound value is decided and written to its control. Where the database is not there
 * (/var is a file system of its own and not mounted yet), or cannot be read, the accepted values on the root
 * file system are applied. */

/* Prints one line a failure on standard error; `verbose` a line a value on standard output. Returns the exit
 * code: 0 all applied or legitimately absent (no such control, nothing set), 1 otherwise. */
int boot_apply(const char *root, int verbose);
