/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../../schema/base/buf.h"
#include "commands.h"

static void format_options(struct buf *out, uint32_t of_commands, uint32_t not_of)
{
        for (size_t i = 0; i < n_option_rows; i++) {
                const struct option_row *row = &option_rows[i];
                _cleanup_buf_ struct buf name = BUF_INIT;
                if (!(row->commands & of_commands) || (row->commands & not_of))
                        continue;
                buf_printf(&name, "--%s%s%s", row->name, row->metavar ? "=" : "",
                        row->metavar ? row->metavar : "");
                if (row->letter)
                        buf_printf(out, "  -%c, %-18s %s\n", row->letter, buf_str(&name), row->help);
                else
                        buf_printf(out, "      %-18s %s\n", buf_str(&name), row->help);
        }
}

/* A bit that no command has: only what all commands take has it. */
#define OF_ALL (1u << 31)

static void format_overview(struct buf *out)
{
        buf_puts(out,
                "peios-reg [OPTION...] COMMAND WORD...\n\nReads and writes the Peios registry.\n\nCommands:\n");
        for (const struct command *c = commands; c->name; c++)
                buf_printf(out, "  %-8s%-14s %s\n", c->name, c->synopsis, c->summary);
        buf_puts(out, "\nOptions of all commands:\n");
        format_options(out, OF_ALL, 0);
        buf_puts(out,
                "\nA KEY is written \\Hive\\A\\B or /Hive/A/B; without a hive it is in Machine. A value can be a\n"
                "word of its own or the last component of the key's path; @ is a key's default value, @@ one that\n"
                "is called @.\n"
                "`peios-reg COMMAND --help` shows a command's own options.\n"
                "\nExit status: 0 done, 1 usage, 2 not found, 3 denied, 4 invalid, 5 service or I/O failure,\n"
                "6 another sequence than expected.\n");
}

void format_help(struct buf *out, const struct command *c)
{
        if (!c) {
                format_overview(out);
                return;
        }
        buf_printf(out, "peios-reg %s [OPTION...] %s\n\n%s.\n", c->name, c->synopsis, c->summary);
        if (c->details)
                buf_printf(out, "%s\n", c->details);
        _cleanup_buf_ struct buf own = BUF_INIT;
        format_options(&own, c->id, OF_ALL);
        if (own.len > 0)
                buf_printf(out, "\nOptions:\n%s", buf_str(&own));
        buf_puts(out, "\nOptions of all commands:\n");
        format_options(out, OF_ALL, 0);
}
