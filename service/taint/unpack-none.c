/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "source.h"

int unpack_open(
        _unused_ unpack_read_fn read, _unused_ void *userdata, _unused_ struct unpack **ret, struct diag *d)
{
        return diag_set(d, EOPNOTSUPP, "this program is built without libarchive; unpack it first");
}

struct unpack *unpack_close(_unused_ struct unpack *u)
{
        return NULL;
}

int unpack_next(_unused_ struct unpack *u, _unused_ const char **ret_name, _unused_ struct diag *d)
{
        return 0;
}

bool unpack_time(_unused_ const struct unpack *u, _unused_ int64_t *ret)
{
        return false;
}

ssize_t unpack_data(
        _unused_ struct unpack *u, _unused_ void *buf, _unused_ size_t n, _unused_ struct diag *d)
{
        return 0;
}
