/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-reg: the registry from the command line. */

#include <string.h>

#include "commands.h"
#include "config.h"

#define LAYER_VARIABLE "PEIOS_REG_LAYER"

static const struct {
        int (*run)(struct session *s);
        bool writes;
        bool lists; /* what is wrong with the registry's files is said beside it */
} commands[] = {
        [REG_GET] = { command_get, false, false },
        [REG_SET] = { command_set, true, false },
        [REG_DEL] = { command_del, true, false },
        [REG_LS] = { command_ls, false, true },
        [REG_TREE] = { command_tree, false, true },
        [REG_INFO] = { command_info, false, true },
        [REG_NEW] = { command_new, true, false },
        [REG_WATCH] = { command_watch, false, false },
        [REG_WHY] = { command_why, false, false },
        [REG_MAN] = { command_man, false, false },
        [REG_HISTORY] = { command_history, false, false },
        [REG_COMPLETE] = { command_complete, false, false },
        [REG_UNDO] = { command_undo, false, false },
        [REG_LINT] = { command_lint, false, false },
        [REG_APPLY] = { command_apply, true, false },
        [REG_IMPORT] = { command_apply, true, false },
        [REG_EXPORT] = { command_export, false, false },
        [REG_DIFF] = { command_diff, false, false },
};

/* The option, else the variable; it goes over the bus as a string, so it must be one. */
static int choose_layer(struct session *s)
{
        const char *variable = getenv(LAYER_VARIABLE);
        struct reg_options *o = &s->options;

        if (!o->layer && variable && variable[0])
                o->layer = variable;
        int r = o->layer ? path_check_component(o->layer, strlen(o->layer), &s->diag) : 0;
        if (r < 0)
                diag_prefix(&s->diag, "layer");
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

static int run(struct session *s)
{
        s->command = (enum reg_command)(s->line.command - reg_options_program.commands);
        int code = session_check_words(s);
        if (code == EXIT_CODE_OK && commands[s->command].writes)
                code = choose_layer(s);
        if (code == EXIT_CODE_OK)
                code = commands[s->command].run(s);
        if (code == EXIT_CODE_OK && commands[s->command].lists)
                code = session_tell_problems(s);
        return code;
}

int main(int argc, char **argv)
{
        _cleanup_session_ struct session s = { .options = REG_OPTIONS_INIT };
        int code = EXIT_CODE_OK;

        session_guard_descriptors();
        if (options_parse(&reg_options_program, argc, argv, &s.options, &s.line, &s.diag) < 0)
                code = EXIT_CODE_USAGE;
        else if (s.line.help)
                options_help(&reg_options_program, s.line.command, &s.out);
        else if (s.line.version)
                buf_printf(&s.out, "peios-reg %s (Unicode %s)\n", PROJECT_VERSION, fold_unicode_version);
        else
                code = run(&s);
        if (code == EXIT_CODE_OK)
                code = session_flush(&s);
        if (code != EXIT_CODE_OK && s.diag.text[0])
                session_complain("%s", s.diag.text);
        return code;
}
