/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which modules are loaded and which taint letters each carries: proc/modules and sys/module/<name>/taint
 * together, as a module can be hidden from one of them. A failed load is in neither. */

#include <stdbool.h>
#include <stddef.h>

#include "../../schema/base/buf.h"

#define MODULE_NAME_MAX 64u
#define MODULE_TAINTS_MAX 24u
#define MODULES_MAX 8192u

struct module {
        char name[MODULE_NAME_MAX];
        char taints[MODULE_TAINTS_MAX]; /* its letters; "" for none */
};

struct modules {
        struct module *list; /* by name */
        size_t n;
};

void modules_done(struct modules *m);

/* Appends what proc/modules says; lines that are not its form are skipped. Pure. 0 or -ENOMEM. */
_must_check_ int modules_parse(struct modules *m, const char *text);
/* Sorts, and makes one of the same name twice. Pure. */
void modules_settle(struct modules *m);

/* Reads both. What cannot be read is left out. 0 or -ENOMEM. */
_must_check_ int modules_read(const char *root, struct modules *ret);

const struct module *modules_find(const struct modules *m, const char *name);

/* A file of the module's directory in sysfs. 0 or negative errno. */
_must_check_ int module_read_attribute(
        const char *root, const char *name, const char *file, struct buf *ret);
/* The letters of one, as sys/module has them now; "" where it has none or is not there. */
void module_read_taints(const char *root, const char *name, char ret[static MODULE_TAINTS_MAX]);

/* Adds the letter of a bit that the module has just set: the kernel shows it only a little later. Nothing
 * for a bit that no module carries. */
void module_add_letter(char taints[static MODULE_TAINTS_MAX], unsigned bit);

/* Does it carry a letter of this bit, in whatever distribution? */
bool module_carries(const struct module *module, unsigned bit);

/* Is `file` (with or without folder, suffixes, with - for _) the file of this module? */
bool module_file_matches(const char *file, const char *module);
