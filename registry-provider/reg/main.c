/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-reg: the registry from the command line. */

#include <string.h>

#include "../../schema/base/fileio.h"
#include "commands.h"
#include "config.h"
#include "problems.h"
#include "session.h"

#define LAYER_VARIABLE "PEIOS_REG_LAYER"

static int tell_about_program(struct session *s)
{
        const struct args *args = s->args;

        if (args->options.help)
                format_help(&s->out, args->command);
        else
                buf_printf(&s->out, "peios-reg %s (Unicode %s)\n", PROJECT_VERSION, fold_unicode_version);
        return EXIT_CODE_OK;
}

/* The option, else the variable; it goes over the bus as a string, so it must be one. */
static int choose_layer(struct session *s, struct options *o)
{
        const char *variable = getenv(LAYER_VARIABLE);

        if (!o->layer && variable && variable[0])
                o->layer = variable;
        int r = o->layer ? component_check(o->layer, strlen(o->layer), &s->diag) : 0;
        if (r < 0)
                diag_prefix(&s->diag, "layer");
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

static int run(struct session *s, struct args *args)
{
        int code = EXIT_CODE_OK;

        if (args->options.help || args->options.version)
                code = tell_about_program(s);
        else {
                code = session_check_words(s);
                if (code == EXIT_CODE_OK && args->command->id & COMMANDS_WRITING)
                        code = choose_layer(s, &args->options);
                if (code == EXIT_CODE_OK)
                        code = args->command->run(s);
                if (code == EXIT_CODE_OK && args->command->id & COMMANDS_LISTING)
                        code = problems_tell(s);
        }
        return code == EXIT_CODE_OK ? session_flush(s) : code;
}

int main(int argc, char **argv)
{
        struct args args = { 0 };
        _cleanup_session_ struct session s = { .args = &args };

        output_init();
        int r = args_parse(argc, argv, commands, &args, &s.diag);
        if (r == 0 && args.options.root)
                r = root_check(args.options.root, &s.diag);
        int code = r < 0 ? EXIT_CODE_USAGE : run(&s, &args);
        if (code != EXIT_CODE_OK && s.diag.text[0])
                complain("%s", s.diag.text);
        return code;
}
