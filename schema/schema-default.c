/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schema.h"

#include <errno.h>
#include <string.h>

int schema_default_value(const struct schema_value *sv, uint8_t scratch[static 8], struct value *ret)
{
        uint64_t number = 0;

        if (!sv->has_default)
                return -ENOENT;
        *ret = (struct value){
                .type = sv->type, .data = sv->default_text, .size = strlen(sv->default_text)
        };
        if (value_is_text(sv->type))
                return 0;
        int r = number_parse(sv->default_text, ret->size, UINT64_MAX, &number);
        if (r < 0)
                return r;
        ret->data = scratch;
        ret->size = sv->type == REG_QWORD ? 8 : 4;
        for (size_t i = 0; i < ret->size; i++) {
                size_t at = sv->type == REG_DWORD_BIG_ENDIAN ? ret->size - 1 - i : i;
                scratch[at] = (uint8_t)(number >> (8 * i));
        }
        return 0;
}
