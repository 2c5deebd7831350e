/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dropins.h"

#include <errno.h>
#include <string.h>

#include "../../schema/layout.h"
#include "../../schema/names/fold.h"
#include "../../schema/overlay.h"
#include "../../schema/yaml/yaml.h"
#include "signed.h"

const char *const dropins_dirs[DROPINS_DIRS] = { LAYOUT_DROPINS_VENDOR, LAYOUT_DROPINS_FLEET,
        LAYOUT_DROPINS_ADMIN };

static void dropin_done(struct dropin *in)
{
        free(in->name);
        free(in->path);
        free(in->error);
        in->file = hive_file_free(in->file);
}

void dropins_done(struct dropins *d)
{
        for (size_t i = 0; i < d->n; i++)
                dropin_done(&d->list[i]);
        free(d->list);
        *d = (struct dropins){ 0 };
}

static int set_error(struct dropin *in, const char *text)
{
        in->file = hive_file_free(in->file);
        in->error = strdup(text);
        return in->error ? 0 : -ENOMEM;
}

static bool is_fleet_place(const struct overlay_file *f)
{
        return strcmp(dropins_dirs[f->dir], LAYOUT_DROPINS_FLEET) == 0;
}

/* -ENOENT: the file counts for nothing. */
static int load_file(
        const struct overlay *o, const struct overlay_file *f, size_t value_max, struct dropin *in)
{
        if (f->error)
                return set_error(in, f->error);
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct stat st;
        struct diag d = { 0 };
        int r = overlay_read(o, f, HIVE_FILE_BYTES_MAX, &text, &st, &d);
        if (r == -ENOMEM || r == -ENOENT)
                return r;
        if (r < 0)
                return set_error(in, d.text);
        in->owner = st.st_uid;
        r = is_fleet_place(f) ? signed_parse(f->path, &text, value_max, &in->file, &d)
                              : hive_parse(f->path, buf_str(&text), text.len, value_max, &in->file, &d);
        if (r < 0 && r != -ENOMEM)
                return set_error(in, d.text);
        return r;
}

/* The first file that names a layer has it. */
static int check_layer(const struct dropins *earlier, const char *path, struct dropin *in)
{
        const struct hive_file *f = in->file;
        for (size_t i = 0; f && i < earlier->n; i++) {
                const struct dropin *other = &earlier->list[i];
                if (!other->file || !fold_same(other->file->layer, f->layer))
                        continue;
                struct diag d;
                (void)diag_set(&d, EEXIST,
                        "%s:%u:%u: layer `%s` belongs to %s already, expected another name", path,
                        f->layer_line, f->layer_column, yaml_show(f->layer, strlen(f->layer)).text,
                        other->path);
                return set_error(in, d.text);
        }
        return 0;
}

/* Or a local file could pass for the fleet's, and keep the fleet's own from its layer. */
static int check_place(const struct overlay_file *f, struct dropin *in)
{
        const char *layer = in->file ? in->file->layer : "";
        struct diag d;

        if (!in->file || path_is_fleet_layer(layer, strlen(layer)) == is_fleet_place(f))
                return 0;
        (void)diag_set(&d, EINVAL, "%s:%u:%u: layer `%s`: %s", f->path, in->file->layer_line,
                in->file->layer_column, yaml_show(layer, strlen(layer)).text,
                is_fleet_place(f)
                        ? "files here are the fleet's, expected a name that begins with " LAYER_FLEET
                        : "only the fleet's begin with " LAYER_FLEET ", expected another name");
        return set_error(in, d.text);
}

static int add_file(const struct overlay *o, struct overlay_file *f, size_t value_max, struct dropins *files)
{
        struct dropin in = { .owner = (uid_t)-1 };
        int r = load_file(o, f, value_max, &in);
        if (r == 0)
                r = check_place(f, &in);
        if (r == 0)
                r = check_layer(files, f->path, &in);
        if (r < 0) {
                dropin_done(&in);
                return r == -ENOENT ? 0 : r;
        }
        in.name = STEAL_PTR(f->name);
        in.path = STEAL_PTR(f->path);
        files->list[files->n++] = in;
        return 0;
}

int dropins_load(const char *root, size_t value_max, struct dropins *ret)
{
        _cleanup_(overlay_done) struct overlay o = OVERLAY_INIT;
        _cleanup_(dropins_done) struct dropins files = { 0 };

        int r = overlay_list(root, dropins_dirs, DROPINS_DIRS, DROPINS_MAX, &o);
        if (r < 0)
                return r;
        files.list = calloc(o.n + 1, sizeof(*files.list));
        if (!files.list)
                return -ENOMEM;
        for (size_t i = 0; i < o.n; i++) {
                r = add_file(&o, &o.list[i], value_max, &files);
                if (r < 0)
                        return r;
        }
        *ret = files;
        files = (struct dropins){ 0 };
        return 0;
}
