/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "describe.h"

#include <string.h>

int describe_path(const struct schema_value *sv, char **ret)
{
        _cleanup_buf_ struct buf path = BUF_INIT;
        size_t len;

        (void)path_component(&sv->key, 0, &len);
        bool machine = fold_equal(sv->key.text, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE));
        buf_printf(&path, "%s%s\\%s", machine ? "" : "\\", sv->key.text + (machine ? len : 0), sv->name);
        return buf_finish(&path, ret, NULL);
}

const char *describe_file(const struct item_input *input, struct diag *d)
{
        if (!input->file)
                return NULL;
        if (input->file_owner == AUDIT_ID_UNSET)
                (void)diag_set(d, 0, "%s", input->file);
        else
                (void)diag_set(d, 0, "%s, owned by uid %u", input->file, input->file_owner);
        return d->text;
}
