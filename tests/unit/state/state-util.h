/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of registry-provider/state share: a state directory with a store on it, a script of batches
 * that use every kind of record, and the contents as comparable text. */

#include <check.h>
#include <stdbool.h>

#include "../../../registry-provider/state/state.h"

struct world {
        struct store *store;
        struct state_hives hives;
        struct layers layers;
        struct state *state;
        struct buf reports; /* "kind file\n" each */
        unsigned folded;    /* how often "fold-failed" was over */
        struct diag d;
};

/* A directory of this test alone; `sub` below it. Both are malloc()ed and removed by scratch_remove(). */
char *scratch_make(void);
void scratch_remove(char *scratch);
char *scratch_path(const char *scratch, const char *name);

/* state_open() with a fresh store. */
int world_open(struct world *w, const char *dir, bool read_only);
void world_close(struct world *w);
bool world_reported(const struct world *w, const char *kind);

/* Applies to the store and adds to the batch. */
void world_op(struct world *w, struct store_op op);
/* Batch number i of the script (0 … SCRIPT_BATCHES - 1), not synced. */
#define SCRIPT_BATCHES 6u
void world_script(struct world *w, unsigned i);
/* Batches [first, end), each synced. */
void world_run(struct world *w, unsigned first, unsigned end);
/* The script's batch i, synced; on an error rolled back as the registry does. */
int world_try(struct world *w, unsigned i);
/* A batch that is larger than a frame, the same way. Its last value is what counts. */
int world_try_large(struct world *w);
int world_fold(struct world *w);
/* Opens with the whole script: journals 1, 2 and 3 hold two batches each, and snapshots 2 and 3 what is
 * before them. (Journal 1 is gone: it is older than the previous generation.) */
void world_three_generations(struct world *w, const char *dir);

/* Everything that must survive, sorted, one line each; malloc()ed. */
char *world_contents(const struct world *w);
/* The same of a directory, read without touching it. NULL if it cannot be opened. */
char *directory_contents(const char *dir);
/* What the script leaves after `n` batches; malloc()ed. */
char *script_contents(unsigned n);

struct guid test_guid(unsigned n);

/* Files. */
void copy_directory(const char *from, const char *to);
char *read_whole(const char *dir, const char *name, size_t *ret_size);
void write_whole(const char *dir, const char *name, const void *data, size_t size);
bool file_exists(const char *dir, const char *name);
/* Names, sizes, times and contents of all files but the lock; malloc()ed. */
char *directory_print(const char *dir);
