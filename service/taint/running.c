/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "running.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../../schema/values/value.h"
#include "letters.h"

#define MASK_TEXT_MAX 64u

/* The first line. */
static int read_line(const char *root, const char *file, size_t max, struct buf *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, file);

        int r = path ? file_read(AT_FDCWD, path, max, ret, NULL, d) : -ENOMEM;
        if (r < 0)
                return d && d->text[0] ? r : diag_set(d, -r, "%s: %s", file, strerror(-r));
        ret->data[strcspn(ret->data, "\n")] = '\0';
        return 0;
}

int running_mask(const char *root, uint64_t *ret, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        int r = read_line(root, LAYOUT_SYSCTL "/kernel/tainted", MASK_TEXT_MAX, &text, d);
        if (r == 0 && number_parse(text.data, strlen(text.data), UINT64_MAX, ret) < 0)
                r = diag_set(d, EINVAL, LAYOUT_SYSCTL "/kernel/tainted: '%s' is no mask", text.data);
        return r;
}

/* What the letters say; those of a kernel that is not ours may be of bits that have none here. */
static bool tells_of(const char *letters, uint64_t mask)
{
        const struct taint_kernel anything = { 0 };
        struct taint_reading reading = { 0 };

        taint_read_letters(letters, strlen(letters), &anything, false, &reading);
        return reading.unknown[0] || reading.mask == mask;
}

const char *running_letters(
        const char *root, uint64_t mask, bool *ret_differs, char s[static TAINT_LETTERS_MAX])
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        *ret_differs = false;
        if (read_line(root, LAYOUT_SYSCTL "/kernel/tainted_chars", TAINT_LETTERS_MAX, &text, NULL) < 0 ||
                strlen(text.data) >= TAINT_LETTERS_MAX)
                return taint_columns(mask, s);
        *ret_differs = !tells_of(text.data, mask);
        return strcpy(s, text.data);
}
