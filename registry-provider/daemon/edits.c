/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "edits.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/file.h"

static struct edit *find(const struct edits *e, const char *path)
{
        for (size_t i = 0; i < e->n; i++)
                if (strcmp(e->list[i].path, path) == 0)
                        return &e->list[i];
        return NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int add(struct edits *e, const char *path, const struct stat *st)
{
        struct edit *list = reallocarray(e->list, e->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        e->list = list;
        list[e->n] = (struct edit){ .path = strdup(path), .st = *st, .is_new = true };
        if (!list[e->n].path)
                return -ENOMEM;
        e->n++;
        return 0;
}

static int note(struct edits *e, const char *root, const struct dropin *in)
{
        _cleanup_free_ char *path = file_path(root, in->path);
        struct stat st;

        if (!path)
                return -ENOMEM;
        if (stat(path, &st) < 0)
                st = (struct stat){ .st_uid = in->owner };
        struct edit *known = find(e, in->path);
        if (!known)
                return add(e, in->path, &st);
        known->is_gone = false;
        known->is_new = !same_file(&known->st, &st);
        known->st = st;
        return 0;
}

int edits_update(struct edits *e, const char *root, const struct dropins *files)
{
        size_t n = 0;
        int r = 0;

        /* What was gone the last time is forgotten; what is there is gone until it is seen. */
        for (size_t i = 0; i < e->n; i++)
                if (e->list[i].is_gone) {
                        free(e->list[i].path);
                } else {
                        e->list[n] = e->list[i];
                        e->list[n].is_gone = true;
                        e->list[n++].is_new = false;
                }
        e->n = n;
        for (size_t i = 0; r == 0 && i < files->n; i++)
                r = note(e, root, &files->list[i]);
        return r;
}

static uid_t owner_of(const struct edit *edit)
{
        return edit->is_gone ? (uid_t)-1 : edit->st.st_uid;
}

const char *edits_blame(
        const struct edits *e, const struct dropins *files, const char *layer, uid_t *ret_owner)
{
        const struct edit *only = NULL;
        size_t n = 0;

        *ret_owner = (uid_t)-1;
        for (size_t i = 0; i < e->n; i++)
                if (e->list[i].is_new || e->list[i].is_gone) {
                        only = &e->list[i];
                        n++;
                }
        for (size_t i = 0; layer && i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                const struct edit *edit =
                        in->file && strcmp(in->file->layer, layer) == 0 ? find(e, in->path) : NULL;
                if (edit && edit->is_new) {
                        only = edit;
                        n = 1;
                }
        }
        if (n != 1)
                return NULL;
        *ret_owner = owner_of(only);
        return only->path;
}

void edits_done(struct edits *e)
{
        for (size_t i = 0; i < e->n; i++)
                free(e->list[i].path);
        free(e->list);
        *e = (struct edits){ 0 };
}
