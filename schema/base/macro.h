/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Compiler attributes and the few macros that every module uses. Nothing here depends on another header of
 * the project. */

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _must_check_ __attribute__((warn_unused_result))
#define _unused_ __attribute__((unused))

/* Hands a pointer over: evaluates to its value and leaves NULL behind. */
#define STEAL_PTR(p)                                                                                        \
        ({                                                                                                  \
                __typeof__(p) *_pp = &(p);                                                                  \
                __typeof__(p) _v = *_pp;                                                                    \
                *_pp = NULL;                                                                                \
                _v;                                                                                         \
        })

/* The same for a file descriptor, -1 stays behind. */
static inline int steal_fd(int *fd)
{
        int v = *fd;
        *fd = -1;
        return v;
}

/* Defines `name`, for _cleanup_(name), from a destructor that takes a pointer and accepts NULL. */
#define DEFINE_CLEANUP(type, destructor, name)                                                              \
        static inline void name(type *p)                                                                    \
        {                                                                                                   \
                if (*p)                                                                                     \
                        destructor(*p);                                                                     \
        }                                                                                                   \
        _Static_assert(1, "")

static inline void freep(void *p)
{
        free(*(void **)p);
}

static inline void closep(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
