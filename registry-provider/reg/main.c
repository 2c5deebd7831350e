/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-reg: the registry from the command line. */

#include <errno.h>
#include <string.h>

#include "commands.h"
#include "config.h"

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
        [REG_BACKUP] = { command_backup, false, false },
        [REG_RESTORE] = { command_restore, false, false },
        [REG_CHECK] = { command_check, false, false },
        [REG_REPAIR] = { command_repair, false, false },
        [REG_LAYER_LS] = { command_layer_ls, false, true },
        [REG_LAYER_NEW] = { command_layer_new, false, false },
        [REG_LAYER_SET] = { command_layer_set, false, false },
        [REG_LAYER_DEL] = { command_layer_del, false, false },
        [REG_LINT] = { command_lint, false, false },
        [REG_APPLY] = { command_apply, true, false },
        [REG_IMPORT] = { command_apply, true, false },
        [REG_EDIT] = { command_edit, true, false },
        [REG_EXPORT] = { command_export, false, false },
        [REG_DIFF] = { command_diff, false, false },
        [REG_ADD] = { command_add, true, false },
        [REG_QUERY] = { command_query, false, true },
        [REG_DELETE] = { command_delete, true, false },
        [REG_COPY] = { command_copy, true, false },
        [REG_COMPARE] = { command_compare, false, true },
        [REG_MASK] = { command_mask, true, false },
        [REG_UNMASK] = { command_unmask, true, false },
        [REG_HIDE] = { command_hide, true, false },
        [REG_UNHIDE] = { command_unhide, true, false },
        [REG_NEW_LINK] = { command_link, true, false },
};

static const char *variable(const char *name)
{
        const char *text = getenv(name);

        return text && text[0] ? text : NULL;
}

/* As Peios's own `reg` takes them. */
static bool is_switched_on(const char *name)
{
        static const char *const yes[] = { "1", "true", "yes" };
        const char *text = variable(name);

        for (size_t i = 0; text && i < ARRAY_SIZE(yes); i++)
                if (strcmp(text, yes[i]) == 0)
                        return true;
        return false;
}

/* What is not given as an option. */
static int take_environment(struct session *s)
{
        struct reg_options *o = &s->options;
        bool given = o->separator_shown;

        o->json |= is_switched_on("REG_JSON");
        o->verbose |= is_switched_on("REG_VERBOSE");
        o->yes |= is_switched_on("REG_ASSUME_YES");
        if (!given)
                o->separator_shown = variable("REG_SEP");
        if (!o->separator_shown || words_set_separator(o->separator_shown) == 0)
                return EXIT_CODE_OK;
        (void)diag_set(&s->diag, EINVAL, "%s: '%s' is no separator, expected \\ or /",
                given ? "--sep" : "REG_SEP", o->separator_shown);
        return EXIT_CODE_USAGE;
}

/* The option, else a variable; it goes over the bus as a string, so it must be one. With an end it is made.
 */
static int choose_layer(struct session *s)
{
        struct reg_options *o = &s->options;
        int code = layer_take_end(s);

        if (code == EXIT_CODE_OK && s->ends[0] && !o->layer)
                code = layer_name_temporary(s);
        if (code != EXIT_CODE_OK)
                return code;
        if (!o->layer)
                o->layer = variable("PEIOS_REG_LAYER");
        if (!o->layer)
                o->layer = variable("REG_LAYER");
        int r = o->layer ? path_check_component(o->layer, strlen(o->layer), &s->diag) : 0;
        if (r < 0)
                diag_prefix(&s->diag, "layer");
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

static int run(struct session *s)
{
        s->command = (enum reg_command)(s->line.command - reg_options_program.commands);
        int code = take_environment(s);
        if (code == EXIT_CODE_OK)
                code = session_check_words(s);
        if (code == EXIT_CODE_OK && commands[s->command].writes)
                code = choose_layer(s);
        if (code == EXIT_CODE_OK)
                code = commands[s->command].run(s);
        if (code == EXIT_CODE_OK && commands[s->command].lists)
                code = session_report_problems(s);
        return code;
}

static char **copy(int argc, char **argv)
{
        const size_t n = ((size_t)argc + 1) * sizeof(*argv);
        char **ret = malloc(n);

        return ret ? memcpy(ret, argv, n) : NULL;
}

int main(int argc, char **argv)
{
        _cleanup_session_ struct session s = { .arguments = copy(argc, argv), .options = REG_OPTIONS_INIT };
        int code = EXIT_CODE_OK;

        session_guard_descriptors();
        if (!s.arguments)
                code = session_fail(&s, -ENOMEM, NULL);
        else if (options_parse(&reg_options_program, argc, argv, &s.options, &s.line, &s.diag) < 0)
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
