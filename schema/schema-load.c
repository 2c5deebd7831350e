/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "definitions/builtin.h"
#include "base/array.h"
#include "layout.h"
#include "overlay.h"
#include "schema.h"
#include "base/ending.h"

int schema_load_builtin(struct schema **ret)
{
        _cleanup_schema_ struct schema *s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->values = calloc(schema_n_builtins, sizeof(*s->values));
        if (!s->values)
                return -ENOMEM;
        memcpy(s->values, schema_builtins, schema_n_builtins * sizeof(*s->values));
        s->n = schema_n_builtins;
        *ret = STEAL_PTR(s);
        return 0;
}

void schema_files_done(struct schema_files *f)
{
        for (size_t i = 0; i < f->n; i++) {
                free(f->list[i].path);
                free(f->list[i].text);
        }
        free(f->list);
        *f = (struct schema_files){ 0 };
}

static struct schema_file *find(const struct schema_files *f, const char *path)
{
        for (size_t i = 0; f && i < f->n; i++)
                if (strcmp(f->list[i].path, path) == 0)
                        return &f->list[i];
        return NULL;
}

/* Takes the text over. */
static int keep(struct schema_files *f, const char *path, struct buf *text)
{
        struct schema_file *file = find(f, path);

        if (!f)
                return 0;
        if (!file) {
                if (array_grow(&f->list, f->n, sizeof(*f->list)) < 0)
                        return -ENOMEM;
                file = &f->list[f->n];
                *file = (struct schema_file){ .path = strdup(path) };
                if (!file->path)
                        return -ENOMEM;
                f->n++;
        }
        free(file->text);
        *file = (struct schema_file){ .path = file->path, .size = text->len, .is_there = true };
        return buf_finish(text, &file->text, NULL);
}

static void forget_gone(struct schema_files *f)
{
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++)
                if (f->list[i].is_there) {
                        f->list[n++] = f->list[i];
                } else {
                        free(f->list[i].path);
                        free(f->list[i].text);
                }
        f->n = n;
}

/* What it said may not go together with the others any more. 0 or -ENOMEM. */
static int load_last(struct schema *s, struct schema_file *last)
{
        last->is_there = true;
        return schema_add(s, last->path, last->text, last->size, NULL) == -ENOMEM ? -ENOMEM : 0;
}

/* Of a folder that cannot be read it is not known what went from it: all that was good counts. */
static int load_last_of(struct schema *s, struct schema_files *files, const char *folder)
{
        size_t n = strlen(folder);
        int r = 0;

        for (size_t i = 0; r == 0 && files && i < files->n; i++)
                if (strncmp(files->list[i].path, folder, n) == 0 && files->list[i].path[n] == '/')
                        r = load_last(s, &files->list[i]);
        return r;
}

static int load_file(struct schema *s, struct schema_files *files, const struct overlay *o,
        const struct overlay_file *f, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct schema_file *last = find(files, f->path);

        if (f->error && f->name[0] == '\0' && load_last_of(s, files, f->path) < 0)
                return -ENOMEM;
        int r = f->error ? diag_set(d, EINVAL, "%s", f->error)
                         : overlay_read(o, f, SCHEMA_FILE_BYTES_MAX, &text, NULL, d);
        if (r == -ENOENT)
                return 0;
        if (r == 0)
                r = schema_add(s, f->path, buf_str(&text), text.len, d);
        if (r == 0)
                return keep(files, f->path, &text);
        if (r == -ENOMEM || !last)
                return r;
        return load_last(s, last) < 0 ? -ENOMEM : r;
}

int schema_load(const char *root, struct schema_files *files, schema_error_t on_error, void *userdata,
        struct schema **ret)
{
        _cleanup_schema_ struct schema *s = NULL;
        static const char *const dirs[] = { LAYOUT_SCHEMA_VENDOR, LAYOUT_SCHEMA_ADMIN };
        _cleanup_(overlay_done) struct overlay o = OVERLAY_INIT;

        int r = schema_load_builtin(&s);
        if (r == 0)
                r = overlay_list(root, dirs, ARRAY_SIZE(dirs), SCHEMA_FILES_MAX, &o);
        if (r < 0)
                return r;
        for (size_t i = 0; files && i < files->n; i++)
                files->list[i].is_there = false;
        /* The vendor's first, so that the administrator's entries replace them whatever the files' names. */
        for (unsigned dir = 0; dir < o.n_dirs; dir++)
                for (size_t i = 0; i < o.n; i++) {
                        struct diag d = { 0 };
                        if (o.list[i].dir != dir)
                                continue;
                        r = load_file(s, files, &o, &o.list[i], &d);
                        if (r == -ENOMEM)
                                return r;
                        if (r < 0 && on_error)
                                on_error(o.list[i].path, d.text, userdata);
                }
        if (files)
                forget_gone(files);
        *ret = STEAL_PTR(s);
        return 0;
}

static const char layers_key[] = DEFAULT_HIVE LAYERS_KEY;

/* How many components it has. */
#define LAYERS_KEY_N 4u

static struct schema_choice enabled[] = {
        { .value = "0", .meaning = "The layer is kept, and nothing in it counts." },
        { .value = "1", .meaning = "What is in the layer counts, by its precedence." },
};

static const struct schema_value values[SCHEMA_LAYER_N] = {
        { .name = "Enabled",
                .type = REG_DWORD,
                .choices = enabled,
                .n_choices = ARRAY_SIZE(enabled),
                .description = "Whether the layer counts. Not set, what its file says does, else 1.",
                .source = "the registry's layers" },
        { .name = "Ends",
                .type = REG_SZ,
                .description = "When the layer is deleted, with all that is in it: " ENDING_EXPECTED
                               ". Not set, never.",
                .source = "the registry's layers" },
        { .name = "Precedence",
                .type = REG_DWORD,
                .description =
                        "The layer with the highest wins, among equals the later write. Not set, what "
                        "the layer's file says counts, else 0.",
                .source = "the registry's layers" },
};

bool schema_layer_is_fixed(const char *name, size_t len)
{
        return fold_equal(name, len, LAYER_BASE, strlen(LAYER_BASE)) ||
               fold_equal(name, len, LAYER_DEFAULT, strlen(LAYER_DEFAULT)) || path_is_fleet_layer(name, len);
}

const struct schema_value *schema_layer_values(const struct path *key)
{
        size_t len, above = strlen(layers_key);

        if (key->n != LAYERS_KEY_N + 1)
                return NULL;
        const char *name = path_component(key, LAYERS_KEY_N, &len);
        bool is_layer =
                (size_t)(name - key->text) == above + 1 && fold_equal(key->text, above, layers_key, above);
        return is_layer && !schema_layer_is_fixed(name, len) ? values : NULL;
}

const struct schema_value *schema_layer_find(const struct path *key, const char *name)
{
        const struct schema_value *list = schema_layer_values(key);

        for (size_t i = 0; list && i < SCHEMA_LAYER_N; i++)
                if (fold_same(list[i].name, name))
                        return &list[i];
        return NULL;
}
