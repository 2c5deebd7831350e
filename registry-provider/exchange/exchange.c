/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which form it is, and what all forms have in common. */
#include "exchange.h"

#include <errno.h>
#include <string.h>

#include "exchange-reg.h"
#include "exchange-writer.h"

/* ---- Reading ---- */

static bool begins(const char *s, size_t n, const char *with)
{
        return n >= strlen(with) && memcmp(s, with, strlen(with)) == 0;
}

static bool begins_with_one_of(const char *s, size_t n, const char *const *with)
{
        for (; *with; with++)
                if (begins(s, n, *with))
                        return true;
        return false;
}

/* A key without a header before it is still .reg, and not YAML. */
enum exchange_form exchange_detect(const void *data, size_t size)
{
        static const char *const keys[] = { "[HK", "[-HK", "[hk", "[-hk", NULL };
        static const char *const marks[] = { "\xff\xfe", "\xfe\xff", NULL };
        const char *s = data;
        size_t at, skip = begins(s, size, "\xef\xbb\xbf") ? 3 : 0;

        if (begins_with_one_of(s, size, marks) || (size >= 2 && (s[0] == '\0' || s[1] == '\0')))
                return EXCHANGE_REG;
        s += skip;
        size -= skip;
        if (exchange_version_of(s, size, &at) != EXCHANGE_NO_HEADER ||
                begins_with_one_of(s + at, size - at, keys))
                return EXCHANGE_REG;
        return at < size && s[at] == '{' ? EXCHANGE_JSON : EXCHANGE_YAML;
}

/* Peios's other form, which its own `reg` writes and does not read. */
static bool is_peios_text(const char *s, size_t n)
{
        static const char *const words[] = { "[key ", "[layer ", "[delete-key ", NULL };
        size_t at;

        (void)exchange_version_of(s, n, &at);
        return begins_with_one_of(s + at, n - at, words);
}

static int refuse(const char *name, const char *text, struct diags *problems)
{
        struct diag d;
        int r = diag_set(&d, EINVAL, "%s:1:1: %s", name, text);
        int added = diags_add(problems, &d);
        return added < 0 ? added : r;
}

int exchange_read(const char *name, const void *data, size_t size, const struct exchange_reading *how,
        struct hive_file **ret, struct diags *problems)
{
        size_t value_max = how->value_max > 0 ? how->value_max : VALUE_BYTES_DEFAULT_MAX;

        if (exchange_detect(data, size) == EXCHANGE_REG)
                return exchange_reg_read(name, data, size, how, ret, problems);
        if (is_peios_text(data, size))
                return refuse(name,
                        "the text form of Peios's reg, which nobody reads, expected its JSON (`reg export --json`)",
                        problems);
        return hive_parse_changes(name, data, size, value_max, how->hives, how->keep_going, ret, problems);
}

/* ---- Writing ---- */

int exchange_writer_new(
        const struct exchange_writing *how, struct buf *out, struct exchange_writer **ret, struct diag *d)
{
        _cleanup_exchange_writer_ struct exchange_writer *w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->how = *how;
        w->out = out;
        int r = how->form == EXCHANGE_REG ? exchange_reg_open(w, d) : 0;
        if (r < 0)
                return r;
        *ret = STEAL_PTR(w);
        return 0;
}

struct exchange_writer *exchange_writer_free(struct exchange_writer *w)
{
        if (!w)
                return NULL;
        exchange_reg_close(w);
        free(w);
        return NULL;
}

static void begin(struct exchange_writer *w)
{
        if (w->begun)
                return;
        w->begun = true;
        switch (w->how.form) {
        case EXCHANGE_YAML:
                exchange_yaml_begin(w);
                break;
        case EXCHANGE_JSON:
                exchange_json_begin(w);
                break;
        case EXCHANGE_REG:
                exchange_reg_begin(w);
        }
}

void exchange_write_comment(struct exchange_writer *w, const char *text)
{
        if (w->how.form == EXCHANGE_REG) {
                begin(w);
                exchange_reg_comment(w, text);
        } else if (w->how.form == EXCHANGE_YAML)
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
        return diag_set(d, EINVAL, "key `%s`: in a hive that the document does not name", path->text);
}

int exchange_write_key(struct exchange_writer *w, const struct hive_key *key, struct diag *d)
{
        if (!key->made && !key->hidden && !key->deleted)
                return 0;
        int r = check_hive(w, &key->path, d);
        if (r == 0 && key->blanket && key->deleted)
                r = diag_set(d, EINVAL, "key `%s`: replaced and with a blanket, expected one of them",
                        key->path.text);
        if (r == 0 && key->is_link && key->blanket)
                r = diag_set(d, EINVAL, "key `%s`: a link and with a blanket, expected one of them",
                        key->path.text);
        if (r < 0)
                return r;
        begin(w);
        if (w->how.form == EXCHANGE_REG)
                r = exchange_reg_key(w, key, d);
        else if (w->how.form == EXCHANGE_JSON)
                exchange_json_key(w, key);
        else
                exchange_yaml_key(w, key);
        if (r == 0)
                w->any = true;
        return r;
}

int exchange_write_value(
        struct exchange_writer *w, const struct hive_value *value, const char *from, struct diag *d)
{
        if (w->how.form == EXCHANGE_REG)
                return exchange_reg_value(w, value, from, d);
        if (w->how.form == EXCHANGE_JSON)
                exchange_json_value(w, value, from);
        else
                exchange_yaml_value(w, value, from);
        return 0;
}

int exchange_write_end(struct exchange_writer *w)
{
        begin(w);
        if (w->how.form == EXCHANGE_REG)
                exchange_reg_end(w);
        else if (w->how.form == EXCHANGE_JSON)
                exchange_json_end(w);
        else
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
