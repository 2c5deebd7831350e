/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup: a copy of the registry's database, with its history, made while others write. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "commands.h"

/* Making it takes as long as the database is large. */
#define TIMEOUT_USEC UINT64_C(600000000)

static int copy(int from, int to)
{
        char bytes[64 * 1024];

        for (;;) {
                ssize_t n = read(from, bytes, sizeof(bytes));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : fsync(to) < 0 ? -errno : 0;
                int r = file_write_all(to, bytes, (size_t)n);
                if (r < 0)
                        return r;
        }
}

/* What is half written does not stay. */
static int write_file(struct session *s, const char *file, int from)
{
        _cleanup_close_ int to = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (to < 0)
                return session_fail(s, -errno, file);
        int r = copy(from, to);
        if (r < 0)
                (void)unlink(file);
        return r < 0 ? session_fail(s, r, file) : EXIT_CODE_OK;
}

int command_backup(struct session *s)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        const char *file = s->line.words[0];
        struct json j;
        int from;

        /* Before the work is done. */
        if (access(file, F_OK) == 0)
                return session_fail(s, -EEXIST, file);
        int code = session_new_call(s, "Backup", NULL, NULL, &m);
        if (code != EXIT_CODE_OK || s->options.dry_run)
                return code;
        code = (int)client_call(s->bus, m, TIMEOUT_USEC, &reply, &s->diag);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "h", &from);
        if (r < 0)
                return session_bad_reply(s, r);
        code = write_file(s, file, from);
        if (code == EXIT_CODE_OK && s->options.json) {
                j = json_on(&s->out);
                json_begin_object(&j);
                json_add_string(&j, "file", file);
                session_end_json(s, &j);
        }
        return code;
}
