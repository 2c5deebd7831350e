/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-regedit: the registry on a whole terminal. */

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "../../schema/base/clock.h"
#include "../../schema/events/loop.h"
#include "config.h"
#include "regedit-options.h"
#include "screen.h"

static int on_input(sd_event_source *source, _unused_ int fd, uint32_t revents, void *userdata)
{
        char key[SCREEN_KEY_MAX];

        while (screen_next_key(key))
                regedit_press(userdata, key);
        /* The terminal is gone. */
        return revents & (EPOLLHUP | EPOLLERR) ? sd_event_exit(sd_event_source_get_event(source), 0) : 0;
}

static int on_resize(
        _unused_ sd_event_source *source, _unused_ const struct signalfd_siginfo *si, void *userdata)
{
        struct regedit *r = userdata;

        screen_resize();
        r->is_changed = true;
        return 0;
}

static int watch_terminal(sd_event *event, struct regedit *r)
{
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGWINCH);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        int e = sd_event_add_signal(event, NULL, SIGWINCH, on_resize, r);
        if (e >= 0)
                e = sd_event_add_signal(event, NULL, SIGHUP, NULL, NULL);
        return e < 0 ? e : sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_input, r);
}

/* However much comes in, it is drawn as often. */
#define DRAW_USEC UINT64_C(40000)

/* What has changed is drawn when all that came in was worked. */
static int run(sd_event *event, struct regedit *r)
{
        int e = 0;

        while (e >= 0 && sd_event_get_state(event) != SD_EVENT_FINISHED) {
                if (r->is_changed) {
                        r->is_changed = false;
                        screen_draw(r);
                        regedit_ask_layers(r);
                }
                e = sd_event_run(event, UINT64_MAX);
                const uint64_t end = clock_usec() + DRAW_USEC;
                while (e > 0 && sd_event_get_state(event) != SD_EVENT_FINISHED && clock_usec() < end)
                        e = sd_event_run(event, 0);
        }
        return e;
}

/* `key`: to begin at; NULL for the first one. */
static int start(const struct regedit_options *o, const char *key, struct diag *d)
{
        struct regedit r = { 0 };
        sd_event *event = NULL;

        int e = screen_open(d);
        if (e < 0)
                return e;
        e = loop_new(&event);
        if (e >= 0)
                e = regedit_init(&r, event, key, o->layer);
        if (e >= 0)
                e = watch_terminal(event, &r);
        if (e >= 0)
                e = run(event, &r);
        screen_close();
        regedit_done(&r);
        sd_event_unref(event);
        return e < 0 ? diag_set(d, -e, "%s", strerror(-e)) : 0;
}

static int list_keys(void)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        actions_list(&out);
        return fputs(buf_str(&out), stdout) < 0 || fflush(stdout) != 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
        struct regedit_options o = { 0 };
        struct options_line line;
        struct diag d = { 0 };
        int code = EXIT_CODE_OK;

        (void)setlocale(LC_CTYPE, "");
        if (options_parse(&regedit_options_program, argc, argv, &o, &line, &d) < 0)
                code = EXIT_CODE_USAGE;
        else if (line.help || line.version)
                return options_answer(&regedit_options_program, &line, PROJECT_VERSION);
        else if (o.keys)
                return list_keys();
        else if (o.layer && path_check_component(o.layer, strlen(o.layer), &d) < 0)
                code = EXIT_CODE_INVALID;
        else if (start(&o, line.words[0], &d) < 0)
                code = EXIT_CODE_FAILURE;
        if (code != EXIT_CODE_OK)
                (void)fprintf(stderr, "peios-regedit: %s\n", d.text);
        return code;
}
