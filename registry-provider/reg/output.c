/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "names.h"

void output_init(void)
{
        /* Opened the wrong way round on purpose: a write to a closed standard output is still an error. */
        for (int fd = 0; fd <= 2; fd++)
                if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
                        (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int output_flush(struct buf *out)
{
        int r = out->error;
        if (r == 0)
                r = file_write_all(STDOUT_FILENO, buf_str(out), out->len);
        buf_clear(out);
        return r;
}

_printf_(2, 0) static void say(const char *prefix, const char *format, va_list ap)
{
        _cleanup_buf_ struct buf line = BUF_INIT;
        char *text = NULL;

        int n = vasprintf(&text, format, ap);
        buf_printf(&line, "peios-reg: %s", prefix);
        if (n >= 0)
                format_safe(&line, text, (size_t)n);
        buf_putc(&line, '\n');
        free(n >= 0 ? text : NULL);
        /* There is nobody left to tell that standard error does not work. */
        (void)!file_write_all(STDERR_FILENO, buf_str(&line), line.len);
}

void complain(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        say("", format, ap);
        va_end(ap);
}

void warn(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        say("warning: ", format, ap);
        va_end(ap);
}
