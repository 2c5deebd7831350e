/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/process/process.h"
#include "modules.h"
#include "sha256.h"

#define PARENTS_MAX 16u
#define FILE_MAX 65536u
#define DEPENDENCIES_MAX (16u * 1024u * 1024u)
/* Summed up in the event loop, under the watchdog: what the slowest machines do in a second. No module of
 * any distribution comes near it but with its debugging information. */
#define MODULE_FILE_MAX (UINT64_C(32) * 1024u * 1024u)
#define LEFT_OUT "PEIOS_MODULE_SHA256_LEFT_OUT"
#define BUILD_ID_MAX 64u
#define NOTE_TYPE_BUILD_ID 3u
#define COMMAND_LINE_MAX 2048u

static void put(struct buf *out, const char *name, const char *value)
{
        if (*value == '\0')
                return;
        buf_printf(out, "%s=", name);
        for (const char *c = value; *c != '\0'; c++)
                buf_putc(out, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
        buf_putc(out, '\n');
}

static const char signature_mark[] = "~Module signature appended~\n";

static void put_attribute(
        const char *root, const char *module, const char *name, const char *property, struct buf *out)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (module_read_attribute(root, module, name, &text) < 0 || text.len == 0)
                return;
        text.data[strcspn(text.data, "\n")] = '\0';
        put(out, property, text.data);
}

/* An ELF note: three words (name's size, contents' size, type), the name, the contents. */
static void put_build_id(const char *root, const char *module, struct buf *out)
{
        _cleanup_buf_ struct buf note = BUF_INIT;
        uint32_t head[3];
        char text[2 * BUILD_ID_MAX + 1];

        if (module_read_attribute(root, module, "notes/.note.gnu.build-id", &note) < 0 ||
                note.len < sizeof(head) + 4)
                return;
        memcpy(head, note.data, sizeof(head));
        size_t at = sizeof(head) + 4;
        if (head[0] != 4 || head[1] > BUILD_ID_MAX || head[2] != NOTE_TYPE_BUILD_ID ||
                note.len < at + head[1])
                return;
        for (size_t i = 0; i < head[1]; i++)
                (void)snprintf(text + 2 * i, 3, "%02x", (unsigned char)note.data[at + i]);
        if (head[1] > 0)
                put(out, "PEIOS_MODULE_BUILD_ID", text);
}

/* Only an absolute one can be found from here. */
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
        _cleanup_free_ char *file = file_path(root, "/proc/sys/kernel/osrelease");

        if (!file || file_read_line(AT_FDCWD, file, FILE_MAX, &release, NULL) < 0 || release.len == 0)
                return false;
        buf_printf(&folder, "/lib/modules/%s/", release.data);
        _cleanup_buf_ struct buf name = BUF_INIT;
        buf_printf(&name, "%smodules.dep", buf_str(&folder));
        _cleanup_free_ char *path = name.error == 0 ? file_path(root, name.data) : NULL;
        if (!path || file_read(AT_FDCWD, path, DEPENDENCIES_MAX, &text, NULL, NULL) < 0 || text.len == 0)
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
        put(out, "PEIOS_MODULE_SIGNATURE",
                memcmp(end, signature_mark, sizeof(end)) == 0 ? "appended" : "none");
}

/* Opening a device or a FIFO does something, and who named the path may be hostile: nothing is opened before
 * it is known to be a file. */
static int open_within(int top, const char *file, struct stat *ret)
{
        char self[sizeof("/proc/self/fd/") + 10];
        struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

        _cleanup_close_ int at = (int)syscall(SYS_openat2, top, file, &how, sizeof(how));
        if (at < 0 || fstat(at, ret) < 0 || !S_ISREG(ret->st_mode))
                return -1;
        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
        return open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* The file as it is now: it may have been replaced since it was loaded. */
static void put_file(int top, const char *file, struct buf *out)
{
        char sum[SHA256_TEXT_MAX];
        struct stat st;

        _cleanup_close_ int fd = open_within(top, file, &st);
        if (fd < 0)
                return;
        /* A compressed one has its signature inside. */
        if (strcmp(file + strlen(file) - 3, ".ko") == 0)
                put_signature(fd, (uint64_t)st.st_size, out);
        int r = (uint64_t)st.st_size > MODULE_FILE_MAX ? -EFBIG : sha256_fd(fd, MODULE_FILE_MAX, sum);
        if (r == 0)
                put(out, "PEIOS_MODULE_SHA256", sum);
        else if (r == -EFBIG)
                put(out, LEFT_OUT, "too-large");
}

static int open_directory(const char *root, const char *name)
{
        _cleanup_free_ char *path = file_path(root, name);
        return path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* Below which a path of the actor's command line is meant: a container has files of its own. Where they
 * cannot be reached (that needs the rights of a debugger over an actor that is still there) the path is
 * taken as ours, and *ret_whose says so. */
static int open_top(const char *root, bool by_command, uint32_t pid, const char **ret_whose)
{
        char name[32];
        int fd = -1;

        *ret_whose = "actor";
        (void)snprintf(name, sizeof(name), "/proc/%" PRIu32 "/root", pid);
        if (by_command)
                fd = open_directory(root, name);
        if (fd >= 0)
                return fd;
        *ret_whose = "service";
        return open_directory(root, "/");
}

void capture_module(
        const char *root, const char *module, uint32_t pid, const char *command_line, struct buf *out)
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
        put(out, "PEIOS_MODULE_PATH", file.data);
        put(out, "PEIOS_MODULE_PATH_FROM", by_command ? "command-line" : "modules.dep");
        const char *whose;
        _cleanup_close_ int top = open_top(root, by_command, pid, &whose);
        if (by_command)
                put(out, "PEIOS_MODULE_FILE_OF", whose);
        if (top >= 0)
                put_file(top, file.data, out);
}

/* The unit is the last part of the path that is one: a folder below it is the unit's own. */
static void put_unit(struct buf *out, char *cgroup)
{
        static const char *const suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap",
                ".slice" };
        char *rest = cgroup;
        const char *unit = "";

        for (char *part = strsep(&rest, "/"); part; part = strsep(&rest, "/")) {
                const char *dot = strrchr(part, '.');
                for (size_t i = 0; dot && i < ARRAY_SIZE(suffixes); i++)
                        if (strcmp(dot, suffixes[i]) == 0)
                                unit = part;
        }
        put(out, "PEIOS_ACTOR_UNIT", unit);
}

/* The line of the unified hierarchy, `0::/path`. */
static void put_cgroup(const char *root, uint32_t pid, struct buf *out)
{
        char name[64];
        (void)snprintf(name, sizeof(name), "/proc/%" PRIu32 "/cgroup", pid);
        _cleanup_free_ char *path = file_path(root, name);
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (!path || file_read(AT_FDCWD, path, FILE_MAX, &text, NULL, NULL) < 0 || text.len == 0)
                return;
        char *rest = text.data;
        for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n"))
                if (strncmp(line, "0::", 3) == 0) {
                        put(out, "PEIOS_ACTOR_CGROUP", line + 3);
                        put_unit(out, line + 3);
                        return;
                }
}

static void put_parents(const char *root, uint32_t pid, uint64_t started_before, struct buf *out)
{
        _cleanup_buf_ struct buf chain = BUF_INIT;
        struct process p;

        for (unsigned i = 0; i <= PARENTS_MAX && process_read(root, pid, started_before, &p) == 0; i++) {
                if (i > 0)
                        buf_printf(&chain, "%s%s[%" PRIu32 "]", i > 1 ? " < " : "", p.actor.comm, pid);
                if (p.parent == 0 || p.parent == pid)
                        break;
                pid = p.parent;
        }
        if (chain.error < 0)
                out->error = chain.error;
        else
                put(out, "PEIOS_ACTOR_PARENTS", buf_str(&chain));
}

static void add_actor(
        const char *root, uint32_t pid, uint64_t started_before, const char *command_line, struct buf *out)
{
        put(out, "PEIOS_ACTOR_COMMAND_LINE", command_line);
        put_cgroup(root, pid, out);
        put_parents(root, pid, started_before, out);
}

int capture_properties(const char *root, const struct taint_event *e, uint64_t started_before, char **ret)
{
        _cleanup_buf_ struct buf out = BUF_INIT, command_line = BUF_INIT;
        struct process p;

        bool there =
                e->actor.pid != AUDIT_ID_UNSET && process_read(root, e->actor.pid, started_before, &p) == 0;
        if (there && process_command_line(root, e->actor.pid, COMMAND_LINE_MAX, &command_line) == -ENOMEM)
                return -ENOMEM;
        if (e->tie)
                put(&out, "PEIOS_TAINT_TIE", "yes");
        if (e->module[0])
                capture_module(root, e->module, e->actor.pid, buf_str(&command_line), &out);
        if (there)
                add_actor(root, e->actor.pid, started_before, buf_str(&command_line), &out);
        if (out.error == 0 && out.len == 0) {
                *ret = NULL;
                return 0;
        }
        return buf_finish(&out, ret, NULL);
}
