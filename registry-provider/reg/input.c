/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "../../schema/base/fileio.h"

static bool is_stdin(const char *word)
{
        return strcmp(word, "-") == 0;
}

const char *input_name(const char *word)
{
        return is_stdin(word) ? INPUT_STDIN_NAME : word;
}

static int describe(struct session *s, const char *word, size_t limit, int r)
{
        if (r == -EFBIG)
                return diag_set(&s->diag, EFBIG, "%s: is larger than %zu bytes", input_name(word), limit);
        return diag_set(&s->diag, -r, "%s: %s", input_name(word), strerror(-r));
}

int input_read(struct session *s, const char *word, size_t limit, struct buf *ret)
{
        int r = is_stdin(word) ? read_fd(STDIN_FILENO, limit, ret)
                               : read_file(AT_FDCWD, word, limit, ret, NULL, &s->diag);

        if (r == 0)
                return EXIT_CODE_OK;
        if (!s->diag.text[0])
                r = describe(s, word, limit, r);
        return r == -ENOENT ? EXIT_CODE_NOT_FOUND : r == -EFBIG ? EXIT_CODE_INVALID : EXIT_CODE_FAILURE;
}
