/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness-internal.h"
#include "shell.h"

static struct daemon server = { .name = "tmux", .notify_fd = -1 };

_printf_(1, 2) static const char *tmux(const char *format, ...)
{
        _cleanup_free_ char *words = NULL, *line = NULL;
        va_list ap;

        va_start(ap, format);
        ck_assert(vasprintf(&words, format, ap) > 0);
        va_end(ap);
        ck_assert(asprintf(&line, "\"$PEIOS_TMUX\" -S tmux %s", words) > 0);
        return shell_output(0, line);
}

static void start_server(void)
{
        _cleanup_free_ char *socket = NULL;

        ck_assert(asprintf(&socket, "%s/tmux", world.dir) > 0);
        ck_assert(asprintf(&server.log, "%s/tmux.log", world.dir) > 0);
        char *const arguments[] = { (char *)program_of("PEIOS_TMUX"), (char *)"-f", (char *)"/dev/null",
                (char *)"-S", socket, (char *)"-D", NULL };
        daemon_spawn(&server, arguments[0], arguments);
        WAIT(world_has("/../tmux"));
}

/* The shell outlives the program: one that dies of the same hangup has the kernel send it SIGCONT, and if
 * LeakSanitizer has just stopped it, for its report, then that waits for the stop for ever. */
void terminal_start(unsigned columns, unsigned lines, const char *how, const char *arguments)
{
        if (server.pid == 0)
                start_server();
        (void)tmux(
                "new-session -d -x %u -y %u \"trap : HUP; LC_ALL=C.UTF-8 %s \\\"\\$PEIOS_REGEDIT\\\" %s; echo ended with \\$?; exec cat\"",
                columns, lines, how, arguments);
}

void terminal_ends(int code)
{
        char text[32];

        (void)snprintf(text, sizeof(text), "ended with %d", code);
        terminal_shows(text);
        (void)tmux("kill-session");
}

/* The shell is the only parent of the program. */
static pid_t pid_of_program(void)
{
        int shell = atoi(tmux("display-message -p '#{pane_pid}'"));
        _cleanup_free_ char *line = NULL;

        ck_assert(asprintf(&line, "cat /proc/%d/task/%d/children", shell, shell) > 0);
        int pid = atoi(shell_output(0, line));
        ck_assert_int_gt(pid, 0);
        return pid;
}

void terminal_signal(int number)
{
        ck_assert_int_eq(kill(pid_of_program(), number), 0);
}

void terminal_goes_away(void)
{
        const pid_t pid = pid_of_program();

        (void)tmux("kill-session");
        WAIT(kill(pid, 0) < 0 && errno == ESRCH);
}

/* As tmux calls it. */
static const char *name_of(const char *key)
{
        static const char *const names[][2] = { { "PgUp", "PPage" }, { "PgDn", "NPage" }, { "Del", "DC" },
                { "Esc", "Escape" }, { "Backspace", "BSpace" } };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(key, names[i][0]) == 0)
                        return names[i][1];
        return key;
}

void terminal_press(const char *key)
{
        if (key[0] == '^')
                (void)tmux("send-keys 'C-%c'", key[1] | 0x20);
        else
                (void)tmux("send-keys '%s'", name_of(key));
}

void terminal_type(const char *text)
{
        (void)tmux("send-keys -l -- '%s'", text);
}

void terminal_resize(unsigned columns, unsigned lines)
{
        (void)tmux("resize-window -x %u -y %u", columns, lines);
}

const char *terminal_screen(void)
{
        return tmux("capture-pane -p");
}

const char *terminal_attributes(void)
{
        return tmux("capture-pane -p -e");
}

/* `^` in front: at the begin of the first line. */
static bool has(const char *text)
{
        const char *screen = terminal_screen();

        return text[0] == '^' ? strncmp(screen, text + 1, strlen(text + 1)) == 0
                              : strstr(screen, text) != NULL;
}

static void wait_for(const char *text, bool is_there)
{
        uint64_t end = deadline() - UINT64_C(1000000) * (WAIT_SECONDS - 20);

        while (has(text) != is_there) {
                ck_assert_msg(!is_past(end), "waited in vain for `%s`%s on:\n%.3000s", text,
                        is_there ? "" : " not to be", terminal_screen());
                bus_turn(world.bus);
        }
}

void terminal_shows(const char *text)
{
        wait_for(text, true);
}

void terminal_hides(const char *text)
{
        wait_for(text, false);
}
