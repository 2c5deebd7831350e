/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which form it is, and what all forms have in common. */
#include "exchange.h"

#include <errno.h>
#include <string.h>

#include "exchange-writer.h"

enum exchange_form exchange_detect(const void *data, size_t size)
{
        (void)data;
        (void)size;
        return EXCHANGE_YAML;
}

int exchange_read(const char *name, const void *data, size_t size, const struct exchange_reading *how,
        struct hive_file **ret, struct diags *problems)
{
        size_t value_max = how->value_max > 0 ? how->value_max : VALUE_BYTES_DEFAULT_MAX;

        return hive_parse_changes(name, data, size, value_max, how->hives, how->keep_going, ret, problems);
}

int exchange_writer_new(
        const struct exchange_writing *how, struct buf *out, struct exchange_writer **ret, struct diag *d)
{
        if (how->form != EXCHANGE_YAML)
                return diag_set(d, EINVAL, "only YAML can be written");
        _cleanup_exchange_writer_ struct exchange_writer *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->how = *how;
        w->out = out;
        *ret = STEAL_PTR(w);
        return 0;
}

struct exchange_writer *exchange_writer_free(struct exchange_writer *w)
{
        free(w);
        return NULL;
}

static void begin(struct exchange_writer *w)
{
        if (!w->begun)
                exchange_yaml_begin(w);
        w->begun = true;
}

void exchange_write_comment(struct exchange_writer *w, const char *text)
{
        exchange_yaml_comment(w, text);
}

/* Else the path would be read as one below Machine. */
static int check_hive(const struct exchange_writer *w, const struct path *path, struct diag *d)
{
        size_t len;
        const char *hive = path_component(path, 0, &len);

        if (fold_equal(hive, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE)))
                return 0;
        for (const char *const *h = w->how.hives; h && *h; h++)
                if (fold_equal(hive, len, *h, strlen(*h)))
                        return 0;
        return diag_set(d, EINVAL, "%s: in a hive that the document does not name", path->text);
}

int exchange_write_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d)
{
        if (!key->made && !key->hidden && !key->deleted)
                return 0;
        int r = check_hive(w, &key->path, d);
        if (r < 0)
                return r;
        begin(w);
        r = exchange_yaml_key(w, key, d);
        if (r == 0)
                w->any = true;
        return r;
}

int exchange_write_value(
        struct exchange_writer *w, const struct hive_value *value, const char *from, struct diag *d)
{
        (void)d;
        exchange_yaml_value(w, value, from);
        return 0;
}

int exchange_write_end(struct exchange_writer *w)
{
        begin(w);
        exchange_yaml_end(w);
        return w->out->error;
}

static int write_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d)
{
        int r = exchange_write_key(w, key, d);

        for (size_t i = 0; r == 0 && i < key->n_values; i++)
                r = exchange_write_value(w, &key->values[i], NULL, d);
        return r;
}

int exchange_write(
        const struct exchange_writing *how, const struct hive_file *file, struct buf *out, struct diag *d)
{
        _cleanup_exchange_writer_ struct exchange_writer *w = NULL;
        int r = exchange_writer_new(how, out, &w, d);

        for (size_t i = 0; r == 0 && i < file->n_keys; i++)
                r = write_key(w, &file->keys[i], d);
        return r < 0 ? r : exchange_write_end(w);
}
