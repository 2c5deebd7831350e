/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "definitions/builtin.h"
#include "layout.h"
#include "overlay.h"
#include "schema-internal.h"

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

static int load_file(struct schema *s, const struct overlay *o, const struct overlay_file *f, struct diag *d)
{
        if (f->error)
                return diag_set(d, EINVAL, "%s", f->error);
        _cleanup_buf_ struct buf text = BUF_INIT;
        int r = overlay_read(o, f, SCHEMA_FILE_BYTES_MAX, &text, NULL, d);
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : schema_add(s, f->path, buf_str(&text), text.len, d);
}

int schema_load(const char *root, void (*on_error)(const char *text, void *userdata), void *userdata,
        struct schema **ret)
{
        _cleanup_schema_ struct schema *s = NULL;
        _cleanup_(overlay_done) struct overlay o = { .fds = { -1, -1 } };

        int r = schema_load_builtin(&s);
        if (r == 0)
                r = overlay_list(root, LAYOUT_SCHEMA_VENDOR, LAYOUT_SCHEMA_ADMIN, SCHEMA_FILES_MAX, &o);
        if (r < 0)
                return r;
        /* The vendor's first, so that the administrator's entries replace them whatever the files' names. */
        for (int admin = 0; admin < 2; admin++)
                for (size_t i = 0; i < o.n; i++) {
                        struct diag d = { 0 };
                        if (o.list[i].admin != admin)
                                continue;
                        r = load_file(s, &o, &o.list[i], &d);
                        if (r == -ENOMEM)
                                return r;
                        if (r < 0 && on_error)
                                on_error(d.text, userdata);
                }
        *ret = STEAL_PTR(s);
        return 0;
}
