/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-reg: the registry from the command line. */

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "commands.h"
#include "config.h"

static const struct {
        int (*run)(struct session *s);
        bool writes, lists;
} commands[] = {
#define COMMAND(symbol, function, ...) [REG_##symbol] = { function, __VA_ARGS__ },
#include "commands.def"
#undef COMMAND
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

        return text && array_has_word(yes, text);
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
        return session_error(s, EXIT_CODE_USAGE, "%s: '%s' is no separator, expected \\ or /",
                given ? "--sep" : "REG_SEP", o->separator_shown);
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
