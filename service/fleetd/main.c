/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"
#include "config.h"
#include "fleetd.h"

int main(int argc, char **argv)
{
        struct fleetd_options options = { 0 };
        struct options_line line;
        _cleanup_(fleetd_freep) struct fleetd *f = NULL;
        struct diag d = { 0 };

        log_setup("peios-fleetd", LOG_INFO);
        int r = options_parse(&fleetd_options_program, argc, argv, &options, &line, &d);
        if (r == 0 && (line.help || line.version))
                return options_answer(&fleetd_options_program, &line, PROJECT_VERSION);
        if (options.verbose)
                log_setup("peios-fleetd", LOG_DEBUG);
        if (r == 0)
                r = loop_hold_signals();
        if (r == 0)
                r = fleetd_new(options.root, &f, &d);
        if (r == 0)
                r = fleetd_run(f);
        if (r < 0)
                return log_failure(EXIT_FAILURE, "%s", d.text[0] ? d.text : strerror(-r));
        return EXIT_SUCCESS;
}
