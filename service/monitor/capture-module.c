/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../schema/base/fileio.h"
#include "process.h"
#include "sha256.h"

#define FILE_MAX 65536u
#define DEPENDENCIES_MAX (16u * 1024u * 1024u)
#define MODULE_FILE_MAX (UINT64_C(256) * 1024u * 1024u)
#define BUILD_ID_MAX 64u
#define NOTE_TYPE_BUILD_ID 3u

static const char signature_mark[] = "~Module signature appended~\n";

/* A file of the module's directory in sysfs. False where there is none. */
static bool read_attribute(const char *root, const char *module, const char *name, struct buf *ret)
{
        _cleanup_buf_ struct buf relative = BUF_INIT;
        buf_printf(&relative, "/sys/module/%s/%s", module, name);
        _cleanup_free_ char *path = relative.error == 0 ? root_path(root, relative.data) : NULL;

        return path && read_file(AT_FDCWD, path, FILE_MAX, ret, NULL, NULL) == 0;
}

static void put_attribute(
        const char *root, const char *module, const char *name, const char *property, struct buf *out)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (!read_attribute(root, module, name, &text) || text.len == 0)
                return;
        text.data[strcspn(text.data, "\n")] = '\0';
        capture_put(out, property, text.data);
}

/* An ELF note: three words (name's size, contents' size, type), the name, the contents. */
static void put_build_id(const char *root, const char *module, struct buf *out)
{
        _cleanup_buf_ struct buf note = BUF_INIT;
        uint32_t head[3];
        char text[2 * BUILD_ID_MAX + 1];

        if (!read_attribute(root, module, "notes/.note.gnu.build-id", &note) || note.len < sizeof(head) + 4)
                return;
        memcpy(head, note.data, sizeof(head));
        size_t at = sizeof(head) + 4;
        if (head[0] != 4 || head[1] > BUILD_ID_MAX || head[2] != NOTE_TYPE_BUILD_ID ||
                note.len < at + head[1])
                return;
        for (size_t i = 0; i < head[1]; i++)
                (void)snprintf(text + 2 * i, 3, "%02x", (unsigned char)note.data[at + i]);
        if (head[1] > 0)
                capture_put(out, "PEIOS_MODULE_BUILD_ID", text);
}

/* Only an absolute one can be told from here. */
static bool path_of_command(const char *command_line, const char *module, struct buf *ret)
{
        for (const char *s = command_line; *s != '\0';) {
                size_t n = strcspn(s, " ");
                _cleanup_free_ char *arg = strndup(s, n);
                if (arg && arg[0] == '/' && strstr(arg, ".ko") && module_file_matches(arg, module)) {
                        buf_puts(ret, arg);
                        return true;
                }
                s += n + strspn(s + n, " ");
        }
        return false;
}

/* lib/modules/<release>/modules.dep: `kernel/fs/a.ko.xz: kernel/fs/b.ko.xz …`. */
static bool path_of_release(const char *root, const char *module, struct buf *ret)
{
        _cleanup_buf_ struct buf release = BUF_INIT, folder = BUF_INIT, text = BUF_INIT;
        _cleanup_free_ char *file = root_path(root, "/proc/sys/kernel/osrelease");

        if (!file || read_file(AT_FDCWD, file, FILE_MAX, &release, NULL, NULL) < 0 || release.len == 0)
                return false;
        release.data[strcspn(release.data, "\n")] = '\0';
        buf_printf(&folder, "/lib/modules/%s/", release.data);
        _cleanup_buf_ struct buf name = BUF_INIT;
        buf_printf(&name, "%smodules.dep", buf_str(&folder));
        _cleanup_free_ char *path = name.error == 0 ? root_path(root, name.data) : NULL;
        if (!path || read_file(AT_FDCWD, path, DEPENDENCIES_MAX, &text, NULL, NULL) < 0 || text.len == 0)
                return false;
        char *rest = text.data;
        for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
                line[strcspn(line, ":")] = '\0';
                if (!strstr(line, ".ko") || !module_file_matches(line, module))
                        continue;
                buf_printf(ret, "%s%s", line[0] == '/' ? "" : folder.data, line);
                return true;
        }
        return false;
}

static void put_signature(int fd, uint64_t size, struct buf *out)
{
        char end[sizeof(signature_mark) - 1];

        if (size < sizeof(end) ||
                pread(fd, end, sizeof(end), (off_t)(size - sizeof(end))) != (ssize_t)sizeof(end))
                return;
        capture_put(out, "PEIOS_MODULE_SIGNATURE",
                memcmp(end, signature_mark, sizeof(end)) == 0 ? "appended" : "none");
}

/* The file as it is now: it may have been replaced since it was loaded. */
static void put_file(const char *root, const char *file, struct buf *out)
{
        _cleanup_free_ char *path = root_path(root, file);
        char sum[SHA256_TEXT_MAX];
        struct stat st;

        _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return;
        /* A compressed one has its signature inside. */
        if (strcmp(file + strlen(file) - 3, ".ko") == 0)
                put_signature(fd, (uint64_t)st.st_size, out);
        if (sha256_fd(fd, MODULE_FILE_MAX, sum) == 0)
                capture_put(out, "PEIOS_MODULE_SHA256", sum);
}

void capture_module(const char *root, const char *module, const char *command_line, struct buf *out)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        /* A name out of the log leads nowhere but into the module's own folder. */
        if (strchr(module, '/') || module[0] == '.')
                return;
        put_attribute(root, module, "version", "PEIOS_MODULE_VERSION", out);
        put_attribute(root, module, "srcversion", "PEIOS_MODULE_SRCVERSION", out);
        put_attribute(root, module, "coresize", "PEIOS_MODULE_SIZE", out);
        put_build_id(root, module, out);

        bool by_command = path_of_command(command_line, module, &file);
        if ((!by_command && !path_of_release(root, module, &file)) || file.error < 0)
                return;
        capture_put(out, "PEIOS_MODULE_PATH", file.data);
        capture_put(out, "PEIOS_MODULE_PATH_FROM", by_command ? "command-line" : "modules.dep");
        put_file(root, file.data, out);
}
