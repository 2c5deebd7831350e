/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Texts of .reg files: what encoding they are in, and the way between it and UTF-8, which is iconv(3)'s. */

#include <iconv.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/diag.h"

#define EXCHANGE_UTF16 "UTF-16LE"
#define EXCHANGE_ANSI "CP1252" /* of REGEDIT4, unless somebody says otherwise */
/* Stands in UTF-8 for what was no character: it is not valid there. */
#define EXCHANGE_NO_CHARACTER '\xff'

struct exchange_codec {
        iconv_t cd;
        size_t unit; /* bytes that are left out where there is no character */
};

/* 0, -EINVAL for an encoding that is not known here, or -ENOMEM. */
_must_check_ int exchange_codec_open(struct exchange_codec *ret, const char *to, const char *from);
void exchange_codec_close(struct exchange_codec *c);
/* Appends the converted text, EXCHANGE_NO_CHARACTER for what is none. True if there was nothing of that
 * kind. */
bool exchange_codec_convert(struct exchange_codec *c, const char *s, size_t n, struct buf *out);

/* The versions of .reg. */
enum exchange_version {
        EXCHANGE_NO_HEADER,
        EXCHANGE_V4,
        EXCHANGE_V5,
        EXCHANGE_OTHER_VERSION, /* of somebody's, not read here */
};

/* Of the first line of a text that is no comment, and whether it begins as a key. *ret_at is where it
 * begins. */
enum exchange_version exchange_version_of(const char *s, size_t n, size_t *ret_at);

struct exchange_text {
        struct buf text;       /* UTF-8, without a mark */
        const char *code_page; /* of 8-bit texts in it */
        char coding[32];       /* that it names itself */
};

/* `encoding` (may be NULL) counts where there is no mark. 0, -ENOMEM, or -EINVAL with d set. */
_must_check_ int exchange_text_decode(const char *name, const void *data, size_t size, const char *encoding,
        struct exchange_text *ret, struct diag *d);
void exchange_text_done(struct exchange_text *t);
