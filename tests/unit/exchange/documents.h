/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Documents that are made by chance, of whatever a form can say, and compared. */

#include "../../../registry-provider/exchange/exchange.h"

enum document_characters {
        DOCUMENT_ASCII,
        DOCUMENT_CP1252,
        DOCUMENT_UNICODE,
};

struct document_kind {
        enum document_characters characters;
        bool reg;  /* only what .reg has words for */
        bool flat; /* no key below another */
};

/* In a static place; the next call takes it back. */
const struct hive_file *document_make(uint64_t seed, const struct document_kind *kind);
/* Fails the test where they differ. */
void document_check_equal(const struct hive_file *a, const struct hive_file *b, const char *text);
