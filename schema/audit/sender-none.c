/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In place of sender-libaudit.c where Meson found no libaudit. */
#include "sender.h"

#include <stdio.h>

static int open_none(void *ctx _unused_)
{
        return 0;
}

static int send_none(void *ctx _unused_, int fd _unused_, const char *text _unused_, bool success _unused_,
        char *reason, size_t size)
{
        (void)snprintf(reason, size, "built without libaudit: nothing can be sent to the kernel");
        return 0;
}

static void close_none(void *ctx _unused_, int fd _unused_)
{
}

const struct sender_backend sender_libaudit = {
        .open = open_none,
        .send = send_none,
        .close = close_none,
};
