/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only code that touches a control, a file below /proc/sys. Read, compare, write value and newline in
 * one write(2) only where they differ, read back. A descriptor stays open, because an inotify watch dies
 * silently with the inode. */

#include <stdbool.h>
#include <sys/types.h>

#include "../../schema/base/diag.h"

#define CONTROL_TEXT_MAX 4096u

enum control_outcome {
        CONTROL_HOLDS,     /* it held the value already: nothing was written */
        CONTROL_WRITTEN,   /* written, and reads back as wanted; `now` is "" where it cannot be read */
        CONTROL_ABSENT,    /* no such control: a normal state */
        CONTROL_REFUSED,   /* EINVAL or ERANGE: the kernel does not take this value */
        CONTROL_FAILED,    /* EPERM, EIO, …: see error */
        CONTROL_DIFFERENT, /* written, but another value reads back */
};

struct control_result {
        enum control_outcome outcome;
        int error;                    /* positive errno of FAILED and REFUSED, else 0 */
        char found[CONTROL_TEXT_MAX]; /* what it held before; "" where it could not be read */
        char now[CONTROL_TEXT_MAX];   /* what it holds after; "" where it could not be read */
};

/* What went wrong, for people; of EPERM also what is missing. */
const char *control_strerror(int error);

struct control;

/* `name` is a sysctl name: dots separate, a slash stands for a dot. -EINVAL for an empty part, `.` or `..`;
 * -ENOMEM. The control itself need not exist. */
_must_check_ int control_new(const char *root, const char *name, struct control **ret, struct diag *d);
struct control *control_free(struct control *c);
DEFINE_CLEANUP(struct control *, control_free, control_freep);
#define _cleanup_control_ _cleanup_(control_freep)

const char *control_name(const struct control *c);
const char *control_path(const struct control *c); /* with the root in front */

/* For whom one apply is all: the control of that moment is opened for reading and writing at once, and its
 * path is not looked up again. Where that cannot be done nothing has changed, and the apply says why. */
void control_open_once(struct control *c);

/* Opens it, or finds that it went away or is another inode now. True when something changed since the last
 * call: watch anew. Afterwards control_present() is true or false. */
bool control_refresh(struct control *c);
bool control_present(const struct control *c);

/* The text without the newline, runs of blanks as one and none at the ends. 0, -ENOENT, or another negative
 * errno. */
_must_check_ int control_read(struct control *c, char *ret, size_t size);

/* Is `found`, as control_read() gives it, what `text` says? Runs of blanks make no difference. */
bool control_text_equal(const char *found, const char *text);

/* Brings it to `text`; runs of blanks and a newline at the end make no difference. A failed read does not
 * stop the write. FAILED with ELOOP, EISDIR or ENXIO: a symbolic link, a directory, or something else that
 * is no control stands at the path; E2BIG: the text is too long. */
void control_apply(struct control *c, const char *text, struct control_result *ret);
