/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entry.h"

#include <check.h>
#include <string.h>

struct schema_value entry_new(const char *key, const char *name)
{
        struct schema_value sv = { .name = strdup(name) };

        ck_assert_ptr_nonnull(sv.name);
        ck_assert_int_eq(path_parse(key, strlen(key), path_any_hive, NULL, &sv.key, NULL), 0);
        return sv;
}

void entry_done(struct schema_value *sv)
{
        path_done(&sv->key);
        free(sv->name);
}

void entry_set(struct accepted *a, const char *key, const char *name, const char *text)
{
        _cleanup_entry_ struct schema_value sv = entry_new(key, name);

        ck_assert_int_eq(accepted_set(a, &sv, text), 0);
}

const char *entry_get(const struct accepted *a, const char *key, const char *name)
{
        _cleanup_entry_ struct schema_value sv = entry_new(key, name);

        return accepted_get(a, &sv);
}

void entry_set_pending(struct accepted *a, const char *key, const char *name, bool pending, const char *text)
{
        _cleanup_entry_ struct schema_value sv = entry_new(key, name);

        ck_assert_int_eq(accepted_set_pending(a, &sv, pending, text), 0);
}

const char *entry_pending(const struct accepted *a, const char *key, const char *name)
{
        _cleanup_entry_ struct schema_value sv = entry_new(key, name);
        const char *text;

        return accepted_pending(a, &sv, &text) ? text : "none";
}
