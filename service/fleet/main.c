/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-fleet: policies for many machines. */
#include <sys/stat.h>

#include "../../schema/base/log.h"
#include "config.h"
#include "fleet-options.h"

static enum exit_code run(const struct fleet_options *o, const struct options_line *line)
{
        switch ((enum fleet_command)(line->command - fleet_options_program.commands)) {
        case FLEET_VERIFY:
                return verify_files(o, line->words, line->n_words);
        case FLEET_PUBLISH:
                return publish_policy(o, line->words[0]);
        case FLEET_WITHDRAW:
                return publish_policy(o, NULL);
        case FLEET_DIFF:
                return policy_diff(o, line->words[0]);
        case FLEET_STATUS:
                return machines_status(o);
        case FLEET_SHOW:
                return machines_show(o, line->words[0]);
        case FLEET_FORGET:
                return machines_forget(o, line->words[0]);
        }
        return EXIT_CODE_USAGE;
}

int main(int argc, char **argv)
{
        struct fleet_options options = { .prefix = "/peios" };
        struct options_line line;
        struct diag d = { 0 };

        log_setup("peios-fleet", LOG_INFO);
        /* The provider, which is another user, reads what is installed. */
        (void)umask(022);
        if (options_parse(&fleet_options_program, argc, argv, &options, &line, &d) < 0)
                return log_failure(EXIT_CODE_USAGE, "%s", d.text);
        if (line.help || line.version)
                return options_answer(&fleet_options_program, &line, PROJECT_VERSION) == EXIT_SUCCESS
                               ? EXIT_CODE_OK
                               : EXIT_CODE_FAILURE;
        return (int)run(&options, &line);
}
