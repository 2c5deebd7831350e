/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a file of a program's table of options when the project is built: `generate OUTPUT INPUT…`. The
 * inputs are copied one after the other; a line `%bash%`, `%zsh%`, `%fish%` or `%mdoc%` becomes that form of
 * the table, and %PROGRAM% and %FUNCTION% the program's name, as it is and as a part of a function's name.
 */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/buf.h"
#include "options.h"

/* From Meson: the table, which is linked. */
extern const struct options_program OPTIONS_PROGRAM;
static const struct options_program *const program = &OPTIONS_PROGRAM;

static bool takes(size_t command, const struct options_row *row)
{
        return row->commands & UINT64_C(1) << command;
}

/* Its words, where they are below this command: "taint" has "check" and "scan". */
static void add_below(const struct options_command *c, struct buf *out)
{
        size_t len = strlen(c->name);

        for (size_t i = 0; i < program->n_commands; i++)
                if (strncmp(program->commands[i].name, c->name, len) == 0 &&
                        program->commands[i].name[len] == ' ')
                        buf_printf(
                                out, "%s%s", out->len > 0 ? " " : "", program->commands[i].name + len + 1);
}

static bool is_below(const struct options_command *c)
{
        return strchr(c->name, ' ') != NULL;
}

static const char *offered_for(const struct options_command *c, size_t word, struct buf *below)
{
        if (word == 0)
                add_below(c, below);
        return below->len > 0 ? buf_str(below) : c->offered[word] ? c->offered[word] : "";
}

static void add_is_below(struct buf *out)
{
        buf_puts(out, "_%FUNCTION%_is_below() {\n        case $1 in\n");
        for (size_t c = 0; c < program->n_commands; c++)
                if (is_below(&program->commands[c]))
                        buf_printf(out, "        '%s') return 0 ;;\n", program->commands[c].name);
        buf_puts(out, "        esac\n        return 1\n}\n");
}

/* ---- bash ---- */

/* What a slash means hangs on the command, which the completion knows as `command`. */
static void bash_slashes(struct buf *out, bool with_argument)
{
        for (size_t i = 0; i < program->n_rows; i++) {
                const struct options_row *row = &program->rows[i];
                for (size_t c = 0; row->is_slash && c < program->n_commands; c++)
                        if (takes(c, row) && with_argument == !!row->metavar)
                                buf_printf(out, "        '%s /%s') kind='%s' ;;\n",
                                        program->commands[c].name, row->name,
                                        row->offered ? row->offered : "");
        }
}

static void bash_arguments(struct buf *out)
{
        buf_puts(out, "_%FUNCTION%_argument() {\n        case $1 in\n");
        for (size_t i = 0; i < program->n_rows; i++)
                if (program->rows[i].metavar && !program->rows[i].is_slash)
                        buf_printf(out, "        --%s) kind='%s' ;;\n", program->rows[i].name,
                                program->rows[i].offered ? program->rows[i].offered : "");
        buf_puts(out, "        /*) case \"$command ${1,,}\" in\n");
        bash_slashes(out, true);
        buf_puts(out, "        *) return 1 ;;\n        esac ;;\n        *) return 1 ;;\n        esac\n}\n\n"
                      "_%FUNCTION%_slash() {\n        local kind\n        case \"$command ${1,,}\" in\n");
        bash_slashes(out, false);
        buf_puts(out, "        *) return 1 ;;\n        esac\n}\n\n");
}

static void bash(struct buf *out)
{
        buf_puts(out, "_%FUNCTION%_options() {\n        case $1 in\n");
        for (size_t c = 0; c <= program->n_commands; c++) {
                bool any = c == program->n_commands;
                buf_printf(out, "        %s%s%s) options='", any ? "" : "'",
                        any ? "*" : program->commands[c].name, any ? "" : "'");
                for (size_t i = 0; i < program->n_rows; i++)
                        if (!program->rows[i].is_slash && (any || takes(c, &program->rows[i])))
                                buf_printf(out, " --%s%s", program->rows[i].name,
                                        program->rows[i].metavar ? "=" : "");
                buf_puts(out, "' slashes='");
                for (size_t i = 0; !any && i < program->n_rows; i++)
                        if (program->rows[i].is_slash && takes(c, &program->rows[i]))
                                buf_printf(out, " /%s", program->rows[i].name);
                buf_puts(out, "' ;;\n");
        }
        buf_puts(out, "        esac\n}\n\n");
        bash_arguments(out);
        buf_printf(out, "_%%FUNCTION%%_word() {\n        case $1:$2 in\n        :0) kind='%s",
                program->offered ? program->offered : "");
        for (size_t c = 0; c < program->n_commands; c++)
                if (!is_below(&program->commands[c]))
                        buf_printf(out, "%s%s", c > 0 ? " " : "", program->commands[c].name);
        buf_puts(out, "' ;;\n");
        for (size_t c = 0; c < program->n_commands; c++)
                for (size_t i = 0; i < OPTIONS_WORDS_MAX; i++) {
                        const struct options_command *command = &program->commands[c];
                        _cleanup_buf_ struct buf below = BUF_INIT;
                        const char *offered = offered_for(command, i, &below);
                        bool rest = command->max_words == OPTIONS_UNLIMITED && i == 0;
                        if (offered[0])
                                buf_printf(out, "        '%s':%.*s) kind='%s' ;;\n", command->name, 1,
                                        rest     ? "*"
                                        : i == 0 ? "0"
                                        : i == 1 ? "1"
                                                 : "2",
                                        offered);
                }
        buf_puts(out, "        esac\n}\n\n");
        add_is_below(out);
}

/* ---- zsh ---- */

static void add_escaped(struct buf *out, const char *text, const char *special)
{
        for (; *text; text++)
                if (*text == '\'')
                        buf_puts(out, "'\\''");
                else
                        buf_printf(out, "%s%c", strchr(special, *text) ? "\\" : "", *text);
}

static void zsh_action(struct buf *out, const char *offered)
{
        if (!offered || !offered[0])
                buf_putc(out, ' ');
        else if (strcmp(offered, OPTIONS_FILES) == 0)
                buf_puts(out, "_files");
        else if (strcmp(offered, OPTIONS_FOLDERS) == 0)
                buf_puts(out, "_files -/");
        else if (offered[0] == '<')
                buf_printf(out, "_%%FUNCTION%%_%.*s", (int)strlen(offered) - 2, offered + 1);
        else
                buf_printf(out, "(%s)", offered);
}

static void zsh_rows(struct buf *out, size_t command)
{
        for (size_t i = 0; i < program->n_rows; i++) {
                const struct options_row *row = &program->rows[i];
                if (row->is_slash || (command < program->n_commands && !takes(command, row)))
                        continue;
                if (row->letter)
                        buf_printf(out, " \\\n                '(-%c --%s)'{-%c,--%s}'[", row->letter,
                                row->name, row->letter, row->name);
                else
                        buf_printf(out, " \\\n                '--%s%s[", row->name, row->metavar ? "=" : "");
                add_escaped(out, row->help, "[]:\\");
                buf_puts(out, "]");
                if (row->metavar) {
                        buf_printf(out, ":%s:", row->metavar);
                        zsh_action(out, row->offered);
                }
                buf_putc(out, '\'');
        }
}

static void zsh_command(struct buf *out, size_t c)
{
        const struct options_command *command = &program->commands[c];

        buf_printf(out, "        '%s')\n                ", command->name);
        if (command->takes_slashes) {
                buf_puts(out, "[[ $PREFIX == /* ]] && compadd --");
                for (size_t i = 0; i < program->n_rows; i++)
                        if (program->rows[i].is_slash && takes(c, &program->rows[i]))
                                buf_printf(out, " '/%s'", program->rows[i].name);
                buf_puts(out, " && ret=0\n                ");
        }
        buf_puts(out, "_arguments -s -S");
        zsh_rows(out, c);
        for (size_t i = 0; i < OPTIONS_WORDS_MAX && i < command->max_words; i++) {
                bool rest = command->max_words == OPTIONS_UNLIMITED;
                buf_printf(out, " \\\n                '%.*s:word:", 1,
                        rest     ? "*"
                        : i == 0 ? "1"
                        : i == 1 ? "2"
                                 : "3");
                zsh_action(out, command->offered[i]);
                buf_putc(out, '\'');
                if (rest)
                        break;
        }
        buf_puts(out, " && ret=0\n                ;;\n");
}

/* What the first word can be. */
static void zsh_first(struct buf *out)
{
        buf_puts(out, "_%FUNCTION%_first() {\n        ");
        if (program->n_commands == 0) {
                zsh_action(out, program->offered);
                buf_puts(out, "\n}\n\n");
                return;
        }
        buf_puts(out, "local -a commands=(\n");
        for (size_t c = 0; c < program->n_commands; c++)
                if (!is_below(&program->commands[c])) {
                        buf_printf(out, "                '%s:", program->commands[c].name);
                        add_escaped(out, program->commands[c].summary, "");
                        buf_puts(out, "'\n");
                }
        buf_puts(out, "        )\n        _describe command commands\n}\n\n");
}

static void zsh(struct buf *out)
{
        zsh_first(out);
        buf_puts(out, "_%FUNCTION%_below() {\n        local -a commands\n        case $1 in\n");
        for (size_t c = 0; c < program->n_commands; c++) {
                _cleanup_buf_ struct buf below = BUF_INIT;
                add_below(&program->commands[c], &below);
                if (below.len > 0)
                        buf_printf(out, "        '%s') commands=(%s) ;;\n", program->commands[c].name,
                                buf_str(&below));
        }
        buf_puts(out, "        esac\n        (( $#commands )) && _describe command commands\n}\n\n"
                      "typeset -ga _%FUNCTION%_rows=(");
        zsh_rows(out, program->n_commands);
        buf_puts(out, "\n)\n\n_%FUNCTION%_of() {\n        local ret=1\n        case $1 in\n");
        for (size_t c = 0; c < program->n_commands; c++)
                zsh_command(out, c);
        buf_puts(out, "        esac\n        return ret\n}\n\n");
        add_is_below(out);
}

/* ---- fish ---- */

static void fish_action(struct buf *out, const char *offered)
{
        if (!offered || !offered[0])
                buf_puts(out, " -x");
        else if (strcmp(offered, OPTIONS_FILES) == 0)
                buf_puts(out, " -r -F");
        else if (strcmp(offered, OPTIONS_FOLDERS) == 0)
                buf_puts(out, " -x -a '(__fish_complete_directories)'");
        else if (offered[0] == '<')
                buf_printf(out, " -x -a '(__%%FUNCTION%%_%.*s)'", (int)strlen(offered) - 2, offered + 1);
        else
                buf_printf(out, " -x -a '%s'", offered);
}

static void fish_text(struct buf *out, const char *text)
{
        buf_puts(out, " -d '");
        for (; *text; text++)
                buf_printf(out, "%s%c", strchr("'\\", *text) ? "\\" : "", *text);
        buf_putc(out, '\'');
}

static void fish_row(struct buf *out, const struct options_row *row)
{
        buf_puts(out, "complete -c %PROGRAM%");
        if (row->commands != OPTIONS_ALL) {
                buf_puts(out, " -n '__%FUNCTION%_in");
                for (size_t c = 0; c < program->n_commands; c++)
                        if (takes(c, row))
                                buf_printf(out, " \"%s\"", program->commands[c].name);
                buf_putc(out, '\'');
        }
        if (row->is_slash)
                buf_printf(out, " -a '/%s'", row->name);
        else
                buf_printf(out, " -l %s", row->name);
        if (row->letter)
                buf_printf(out, " -s %c", row->letter);
        if (row->metavar && !row->is_slash)
                fish_action(out, row->offered);
        fish_text(out, row->help);
        buf_putc(out, '\n');
}

static void fish(struct buf *out)
{
        buf_puts(out, "set -g __%FUNCTION%_with_argument");
        for (size_t i = 0; i < program->n_rows; i++)
                if (program->rows[i].metavar && !program->rows[i].is_slash)
                        buf_printf(out, " --%s", program->rows[i].name);
        buf_puts(out, "\ncomplete -c %PROGRAM% -f\n");
        for (size_t i = 0; i < program->n_rows; i++)
                fish_row(out, &program->rows[i]);
        if (program->offered) {
                buf_puts(out, "complete -c %PROGRAM% -n '__%FUNCTION%_at \"\" 0'");
                fish_action(out, program->offered);
                buf_putc(out, '\n');
        }
        for (size_t c = 0; c < program->n_commands; c++) {
                const struct options_command *command = &program->commands[c];
                const char *blank = strchr(command->name, ' ');
                buf_printf(out, "complete -c %%PROGRAM%% -n '__%%FUNCTION%%_at \"%.*s\" 0' -a '%s'",
                        blank ? (int)(blank - command->name) : 0, command->name,
                        blank ? blank + 1 : command->name);
                fish_text(out, command->summary);
                buf_putc(out, '\n');
                for (size_t i = 0; i < OPTIONS_WORDS_MAX && command->offered[i]; i++) {
                        buf_printf(
                                out, "complete -c %%PROGRAM%% -n '__%%FUNCTION%%_at \"%s\" ", command->name);
                        if (command->max_words == OPTIONS_UNLIMITED)
                                buf_puts(out, "any'");
                        else
                                buf_printf(out, "%zu'", i);
                        fish_action(out, command->offered[i]);
                        buf_putc(out, '\n');
                }
        }
}

/* ---- The manual ---- */

static void add_lower(struct buf *out, const char *text)
{
        for (; *text; text++)
                buf_putc(out, (char)tolower((unsigned char)*text));
}

static void mdoc_row(struct buf *out, const struct options_row *row)
{
        const char *comma = "";

        buf_puts(out, ".It");
        if (row->letter)
                buf_printf(out, " Fl %c ,", row->letter);
        buf_printf(out, row->is_slash ? " Cm /%s" : " Fl -%s", row->name);
        if (row->metavar) {
                buf_puts(out, row->is_slash ? " Ar " : " Ns = Ns Ar ");
                add_lower(out, row->metavar);
        }
        buf_putc(out, '\n');
        if (row->commands != OPTIONS_ALL) {
                buf_puts(out, ".Cm");
                for (size_t c = 0; c < program->n_commands; c++)
                        if (takes(c, row)) {
                                buf_printf(out, "%s %s", comma, program->commands[c].name);
                                comma = " ,";
                        }
                buf_puts(out, " :\n");
        }
        if (row->manual) {
                buf_printf(out, "%s\n", row->manual);
                return;
        }
        const char *text = row->help;
        if (row->commands != OPTIONS_ALL && islower((unsigned char)text[1])) {
                buf_putc(out, (char)tolower((unsigned char)*text));
                text++;
        }
        for (; *text; text++)
                buf_printf(out, "%s%c", *text == '-' ? "\\" : "", *text);
        buf_puts(out, ".\n");
}

static void mdoc_rows(struct buf *out, bool slashes)
{
        for (size_t i = 0; i < program->n_rows; i++)
                if (program->rows[i].is_slash == slashes)
                        mdoc_row(out, &program->rows[i]);
}

static void mdoc(struct buf *out)
{
        mdoc_rows(out, false);
}

static void mdoc_slashes(struct buf *out)
{
        mdoc_rows(out, true);
}

/* ---- The file ---- */

static void add_form(struct buf *out, const char *line)
{
        static const struct {
                const char *marker;
                void (*add)(struct buf *out);
        } forms[] = { { "%bash%", bash }, { "%zsh%", zsh }, { "%fish%", fish }, { "%mdoc%", mdoc },
                { "%mdoc-slashes%", mdoc_slashes } };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
                if (strcmp(line, forms[i].marker) == 0) {
                        forms[i].add(out);
                        return;
                }
        buf_printf(out, "%s\n", line);
}

static void write_named(FILE *f, const char *text)
{
        static const char program_mark[] = "%PROGRAM%", function_mark[] = "%FUNCTION%";

        while (*text)
                if (strncmp(text, program_mark, strlen(program_mark)) == 0) {
                        (void)fputs(program->name, f);
                        text += strlen(program_mark);
                } else if (strncmp(text, function_mark, strlen(function_mark)) == 0) {
                        for (const char *c = program->name; *c; c++)
                                (void)fputc(*c == '-' ? '_' : *c, f);
                        text += strlen(function_mark);
                } else
                        (void)fputc(*text++, f);
}

static int fail(const char *file)
{
        perror(file);
        return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        char *line = NULL;
        size_t size = 0;

        for (int i = 2; i < argc; i++) {
                FILE *f = fopen(argv[i], "re");
                if (!f)
                        return fail(argv[i]);
                while (getline(&line, &size, f) >= 0) {
                        line[strcspn(line, "\n")] = '\0';
                        add_form(&out, line);
                }
                (void)fclose(f);
        }
        free(line);
        FILE *f = argc > 2 ? fopen(argv[1], "we") : NULL;
        if (!f || out.error)
                return fail(argc > 2 ? argv[1] : "generate");
        write_named(f, buf_str(&out));
        return fclose(f) == 0 ? EXIT_SUCCESS : fail(argv[1]);
}
