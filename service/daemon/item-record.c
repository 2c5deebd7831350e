/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the record of a change says. */

#include <inttypes.h>
#include <stdio.h>

#include "describe.h"
#include "item-internal.h"

const char *item_tainted(const struct item *item, char text[static ITEM_MASK_MAX])
{
        uint64_t mask;

        if (!item->sv->control->audit_off || !item->context->tainted(&mask, item->context->userdata))
                return NULL;
        (void)snprintf(text, ITEM_MASK_MAX, "0x%" PRIx64, mask);
        return text;
}

struct record item_change_record(const struct item *item, const char *new_text,
        const struct item_input *input, struct item_change_text *text)
{
        return (struct record){
                .kind = RECORD_POLICY_CHANGED,
                .op = item->sv->control->audit_op,
                .path = item->path,
                .old_text = item->accepted ? item->accepted : "unset",
                .new_text = new_text ? new_text : "unset",
                .layer = input->layer,
                .reason = input->reason,
                .tainted = item_tainted(item, text->tainted),
                .detail = describe_file(input, &text->file),
                .actor = input->actor,
                .success = true,
        };
}
