/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-ins: a refusal says where, and what was read is within the limits. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../registry-provider/hive/hive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_hive_file_ struct hive_file *f = NULL;
        struct diag d = { 0 };

        int r = hive_parse("file", data, size, 4096, &f, &d);
        if (r < 0) {
                check(r == -EINVAL || r == -EFBIG);
                check(strncmp(d.text, "file:", 5) == 0);
                check(utf8_valid_prefix(d.text, strlen(d.text)) == strlen(d.text));
                return 0;
        }
        check(path_check_component(f->layer, strlen(f->layer), NULL) == 0);
        for (size_t i = 0; i < f->n_keys; i++) {
                const struct hive_key *k = &f->keys[i];
                check(k->path.n > 0 && k->line > 0 && !(k->hidden && k->n_values > 0));
                for (size_t n = 0; n < k->n_values; n++) {
                        check(path_check_value_name(k->values[n].name, strlen(k->values[n].name), NULL) ==
                                0);
                        check(k->values[n].value.size <= 4096);
                }
        }
        return 0;
}
