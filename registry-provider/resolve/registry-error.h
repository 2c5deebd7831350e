/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../schema/base/diag.h"

/* What a caller of the registry has to expect: positive, so that it is never taken for an errno. */
enum registry_error {
        REGISTRY_NOT_FOUND = 1, /* no such key, value (in the layer), or layer */
        REGISTRY_EXISTS,
        REGISTRY_INVALID_NAME,  /* path, value name or layer name, or one that this cannot be done with */
        REGISTRY_INVALID_VALUE, /* no such type, or bytes that do not fit it */
        REGISTRY_TOO_LARGE,     /* a value, or a transaction */
        REGISTRY_READ_ONLY,     /* a drop-in's layer */
        REGISTRY_NOT_EMPTY,     /* a key with subkeys */
        REGISTRY_CONFLICT,      /* another sequence than the expected one is there */
        REGISTRY_LIMIT,         /* a layer too many, in all or with the value */
        REGISTRY_CORRUPT,       /* two layers' entries have the same precedence and sequence */
};
/* Sets the text (d may be NULL) and returns `error`. */
#define registry_fail(d, error, ...) (-diag_set((d), (int)(error), __VA_ARGS__))
