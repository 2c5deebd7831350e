/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "config.h"
#include "policyd.h"

#define APPLY_NAME "peios-policy-apply"

/* Runs the program beside this one, which alone reads the registry's store. Returns where it cannot. */
static int apply(const struct policyd_options *o)
{
        _cleanup_buf_ struct buf root = BUF_INIT;
        const char *arguments[4] = { APPLY_NAME }, **next = arguments + 1;

        if (o->root) {
                buf_printf(&root, "--root=%s", o->root);
                *next++ = buf_str(&root);
        }
        if (o->verbose)
                *next++ = "--verbose";
        int r = root.error ? root.error : file_exec_beside(APPLY_NAME, (char *const *)arguments);
        return log_failure(EXIT_FAILURE, APPLY_NAME ": cannot be run: %s", strerror(-r));
}

int main(int argc, char **argv)
{
        struct policyd_options options = { .admin_group = ADMIN_GROUP,
                .recheck_seconds = RECHECK_DEFAULT_USEC / 1000000 };
        struct options_line line;
        _cleanup_(policyd_freep) struct policyd *p = NULL;
        struct diag d = { 0 };

        log_setup("peios-audit-policyd", LOG_INFO);
        int r = options_parse(&policyd_options_program, argc, argv, &options, &line, &d);
        if (r == 0 && (line.help || line.version))
                return options_answer(&policyd_options_program, &line, PROJECT_VERSION);
        if (r == 0 && options.apply)
                return apply(&options);
        if (options.verbose)
                log_setup("peios-audit-policyd", LOG_DEBUG);
        const struct policyd_config config = {
                .root = options.root,
                .admin_group = options.admin_group,
                .use_bpf = !options.no_bpf,
                .recheck_usec = options.recheck_seconds * 1000000,
        };
        if (r == 0)
                r = loop_hold_signals();
        if (r == 0)
                r = policyd_new(&config, &p, &d);
        if (r == 0)
                r = policyd_run(p);
        if (r < 0)
                return log_failure(EXIT_FAILURE, "%s", d.text[0] ? d.text : strerror(-r));
        return EXIT_SUCCESS;
}
