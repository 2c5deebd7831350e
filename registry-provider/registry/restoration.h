/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A copy of the database that somebody has handed over, and in what the registry differs from it. What is
 * handed over may change while it is read, or be anything: it is copied, into a file that nobody else has,
 * and that is looked at as a whole before anything of it is believed. */

#include "registry.h"

struct restoration;

/* A copy that a process which was killed has left behind is removed: it may be as large as half of what is
 * free. */
void restoration_clean_up(const char *file);

/* `fd` is borrowed; `key`, which it is about (empty: all), is taken over on success. 0 or -ENOMEM. */
_must_check_ int restoration_new(int fd, struct path *key, struct restoration **ret);
struct restoration *restoration_free(struct restoration *t);

/* Takes the copy, once, and compares it with the registry's database, `file`. For a thread that may be
 * interrupted: it takes as long as both are large. 0, REGISTRY_INVALID_VALUE (it is no copy, or one that is
 * not as it should be), REGISTRY_TOO_LARGE, or a negative errno, with d set. */
_must_check_ int restoration_gather(struct restoration *t, const char *file, struct diag *d);
/* For how long nothing has come of the file that is handed over, µs; 0: nothing is read of it now. From any
 * thread. */
uint64_t restoration_waited(const struct restoration *t);
/* Compares again; as often as that comes to nothing because somebody changes the registry meanwhile, it
 * counts.
 */
_must_check_ int restoration_compare(struct restoration *t, const char *file, struct diag *d);
unsigned restoration_tries(const struct restoration *t);
/* Whether it is the registry as it is now that was compared. */
bool restoration_is_current(const struct restoration *t, const struct registry *r);

/* In a transaction; see registry_restore(). */
_must_check_ int restoration_apply(
        struct restoration *t, struct registry *r, struct registry_undone *ret, struct diag *d);
