/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-auditpol: looks at the audit policy and sets it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "config.h"
#include "show.h"

static enum exit_code run(const struct auditpol_options *o, const struct options_line *line)
{
        switch ((enum auditpol_command)(line->command - auditpol_options_program.commands)) {
        case AUDITPOL_STATUS:
                return show_status(o);
        case AUDITPOL_GET:
                return show_get(o);
        case AUDITPOL_SET:
                return show_set(o, line->words[0]);
        case AUDITPOL_EXPLAIN:
                return show_explain(o);
        case AUDITPOL_EVENTS:
                return events_show(o);
        case AUDITPOL_TAINT:
                return taint_show(o);
        case AUDITPOL_TAINT_CHECK:
                return taint_check(o);
        case AUDITPOL_TAINT_DECODE:
                return taint_decode(o, (int)line->n_words, line->words);
        case AUDITPOL_TAINT_SCAN:
                return taint_scan(o, (int)line->n_words, line->words);
        }
        return EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
        struct auditpol_options options = { 0 };
        struct options_line line;
        struct diag d = { 0 };

        log_setup("peios-auditpol", LOG_INFO);
        if (options_parse(&auditpol_options_program, argc, argv, &options, &line, &d) < 0)
                return log_failure(EXIT_CODE_USAGE, "%s", d.text);
        if (line.help || line.version)
                return options_answer(&auditpol_options_program, &line, PROJECT_VERSION) == EXIT_SUCCESS
                               ? EXIT_CODE_OK
                               : EXIT_CODE_FAILURE;
        enum exit_code code = run(&options, &line);
        if (fflush(stdout) != 0 && code == EXIT_CODE_OK) {
                log_error("standard output: %s", strerror(errno));
                code = EXIT_CODE_FAILURE;
        }
        return (int)code;
}
