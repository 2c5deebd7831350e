/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "../../schema/base/privileges.h"
#include "../../schema/names/fold.h"
#include "config.h"
#include "registryd.h"

/* First of all: that process has nothing of ours, and we keep nothing of what it needs. */
static int start_exe_reader(struct exe_reader **ret)
{
        int r = exe_reader_new(ret);
        if (r < 0)
                log_warning("the process that reads which program a caller runs cannot be started (%s): "
                            "programs are not recorded",
                        strerror(-r));
        return privileges_drop(PRIVILEGE(CAP_SYS_PTRACE));
}

static int answer(const struct options_line *line)
{
        char version[128];

        (void)snprintf(version, sizeof(version), "%s (Unicode %s)", PROJECT_VERSION, fold_unicode_version);
        return options_answer(&registryd_options_program, line, version);
}

int main(int argc, char **argv)
{
        struct registryd_options options = REGISTRYD_OPTIONS_INIT;
        struct options_line line;
        _cleanup_(registryd_freep) struct registryd *daemon = NULL;
        struct diag d = { 0 };

        log_setup("peios-registryd", LOG_INFO);
        int r = options_parse(&registryd_options_program, argc, argv, &options, &line, &d);
        if (r == 0 && (line.help || line.version))
                return answer(&line);
        if (options.debug)
                log_setup("peios-registryd", LOG_DEBUG);
        struct registryd_config config = {
                .root = options.root,
                .admin_group = options.admin_group,
                .value_max = options.value_max,
        };
        if (r == 0)
                r = start_exe_reader(&config.exe_reader);
        if (r == 0)
                r = loop_hold_signals();
        if (r == 0)
                r = registryd_new(&config, &daemon, &d);
        if (r == 0)
                r = registryd_run(daemon);
        if (r < 0)
                return log_failure(EXIT_FAILURE, "%s", d.text[0] ? d.text : strerror(-r));
        return EXIT_SUCCESS;
}
