/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scratch folder with a store's file in it, and what tests do to such a file behind the store's back. */

#include <check.h>

#include "../../../registry-provider/store/backup.h"
#include "../../../registry-provider/store/store.h"

struct scratch {
        char folder[32];
        char file[48];
};

void scratch_init(struct scratch *s);
void scratch_done(struct scratch *s);
#define _cleanup_scratch_ _cleanup_(scratch_done)

/* The one of each test, with these for suite_with(). */
extern struct scratch here;
void here_make(void);
void here_remove(void);

/* Names in the folder, in order, each with a space behind it; those that begin with `prefix`. To be freed.
 */
char *scratch_list(const struct scratch *s, const char *prefix);
/* Asserts that those are they. */
void expect_files(const struct scratch *s, const char *prefix, const char *names);
/* The path of a name in it, good until the next call. */
const char *scratch_path(const struct scratch *s, const char *name);

struct store *open_store(const struct scratch *s);
/* Sets values `from` to `to` of the one key, which is made where it is missing, each in a turn of its own.
 */
void put_values(struct store *s, unsigned from, unsigned to);
/* As many values of `size` bytes in one turn. */
void put_large(struct store *s, unsigned from, unsigned to, size_t size);
/* How many values the key has. */
size_t count_values(const struct store *s);
/* A closed store with that many. */
void make_store(const struct scratch *s, unsigned n);

struct backup make_backup(const struct scratch *s);

/* By another program, as it were. */
void run_sql(const char *path, const char *sql);
int64_t get_number(const char *path, const char *sql);
/* Overwrites bytes of a file. */
void overwrite(const char *path, long at, const char *bytes, size_t n);
/* Overwrites every page that holds the text. */
void damage_pages_with(const char *path, const char *text);
