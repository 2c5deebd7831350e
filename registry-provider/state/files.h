/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of the state directory by name. Nothing here ever overwrites a file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../schema/base/macro.h"

enum file_kind {
        FILE_JOURNAL,
        FILE_SNAPSHOT,
};

#define FILE_NAME_SIZE 40u
/* Generations above this are not ours (and counting up never overflows). */
#define GENERATION_MAX (UINT64_C(1) << 62)

struct file_id {
        enum file_kind kind;
        uint64_t generation;
};

void file_name(enum file_kind kind, uint64_t generation, char ret[static FILE_NAME_SIZE]);
/* The name under which a file is written until it is whole. */
void file_temporary_name(enum file_kind kind, uint64_t generation, char ret[static FILE_NAME_SIZE]);

struct file_list {
        struct file_id *list; /* by generation */
        size_t n;
};

void file_list_done(struct file_list *l);
#define _cleanup_file_list_ _cleanup_(file_list_done)
/* With `clean`, temporary files of an earlier run are removed. */
_must_check_ int file_list_read(int dir_fd, bool clean, struct file_list *ret);

/* Renames unless the new name is taken (-EEXIST). */
_must_check_ int file_rename(int dir_fd, const char *from, const char *to);
/* Renames to the first free `<name>.corrupt-<n>`. */
_must_check_ int file_set_aside(int dir_fd, const char *name);

/* pwrite(2) until everything is written. */
_must_check_ int pwrite_all(int fd, const void *data, size_t n, size_t offset);
