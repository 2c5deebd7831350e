/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies of the fleet: nothing that is not signed gets past the signature, and what stands behind one is
 * read within its limits. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../service/fleet/fleet-policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

/* A key that never signed anything, with the number that the file names. */
static void try_verdict(const struct buf *text)
{
        struct fleet_keys keys = { .n = 1, .is_complete = true };
        struct signed_text parts;
        struct fleet_policy p;
        enum fleet_verdict verdict;
        struct diag d = { 0 };

        const bool is_signed = signed_split(buf_str(text), text->len, &parts);
        if (is_signed) {
                memcpy(keys.list[0].number, parts.key, sizeof(parts.key));
                check(parts.message + parts.size == text->data + text->len);
        }
        check(fleet_policy_read("file", text, &keys, NULL, 1, &p, &verdict, &d) == 0);
        check(verdict == (is_signed ? FLEET_WRONG_SIGNATURE : FLEET_UNSIGNED));
        check(p.is_signed == is_signed && p.group[0] == '\0' && p.serial == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_hive_file_ struct hive_file *f = NULL;
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct signed_key key;
        struct diag d = { 0 };

        buf_add(&text, data, size);
        check(text.error == 0);
        try_verdict(&text);
        (void)signed_read_key(buf_str(&text), size, &key);
        int r = signed_parse("file", &text, 4096, &f, &d);
        check(r == 0 || r == -EINVAL || r == -EFBIG);
        check(r == 0 || strncmp(d.text, "file:", 5) == 0);
        check(r < 0 || path_is_fleet_layer(f->layer, strlen(f->layer)) ||
                (f->seal.serial == 0 && f->expires == 0));
        return 0;
}
