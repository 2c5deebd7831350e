/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-policy-apply: the boot-time apply, without bus or daemon. Schema, drop-ins and the registry's
 * database are read from disk, every bound value is decided and written to its control. Where the database
 * is not there (/var is a file system of its own and not mounted yet), or cannot be read, the accepted
 * values on the root file system are applied. A program of its own, because at boot every library that is
 * linked costs time; also run by `peios-audit-policyd --apply`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../../schema/options/options.h"
#include "../policy/control.h"
#include "boot-values.h"
#include "config.h"

static void on_error(_unused_ const char *file, const char *text, void *userdata)
{
        unsigned *failures = userdata;
        log_error("%s", text);
        (*failures)++;
}

/* 0: applied, or there is nothing to apply it to. */
static int apply_one(const char *root, const struct boot_value *v, bool verbose)
{
        _cleanup_control_ struct control *control = NULL;
        _cleanup_free_ char *text = NULL;
        struct control_result result;
        struct diag d = { 0 };
        const char *name = v->sv->control->name;

        if (!v->text) {
                if (verbose)
                        (void)printf("%s: not set, left alone\n", name);
                return 0;
        }
        int r = schema_control_text(v->sv, v->text, &text);
        if (r == 0)
                r = control_new(root, name, &control, &d);
        if (r < 0) {
                log_error(
                        "%s: '%s' cannot be applied: %s", name, v->text, d.text[0] ? d.text : strerror(-r));
                return r;
        }
        control_open_once(control);
        control_apply(control, text, &result);
        switch (result.outcome) {
        case CONTROL_HOLDS:
        case CONTROL_WRITTEN:
        case CONTROL_ABSENT:
                if (verbose)
                        (void)printf("%s: %s (%s)%s\n", name, text, v->text,
                                result.outcome == CONTROL_HOLDS     ? ", held already"
                                : result.outcome == CONTROL_WRITTEN ? ", written"
                                                                    : ", this kernel has no such control");
                return 0;
        case CONTROL_REFUSED:
        case CONTROL_FAILED:
                log_error("%s: %s (%s) could not be written to %s: %s", name, text, v->text,
                        control_path(control), control_strerror(result.error));
                return -EIO;
        case CONTROL_DIFFERENT:
                log_error("%s: %s (%s) was written to %s, but '%s' reads back", name, text, v->text,
                        control_path(control), result.now);
                return -EIO;
        }
        return -EIO;
}

/* A line a failure on standard error; `verbose`: a line a value on standard output. Returns the exit code: 0
 * where all is applied or legitimately absent (no such control, nothing set). */
static int apply(const char *root, bool verbose)
{
        _cleanup_accepted_ struct accepted accepted = { 0 };
        _cleanup_schema_ struct schema *schema = NULL;
        struct boot_values values = { 0 };
        struct diag d = { 0 };
        unsigned failures = 0;

        int r = schema_load(root, NULL, on_error, &failures, &schema);
        if (r < 0) {
                log_error("the schema cannot be loaded: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        if (accepted_load(root, LAYOUT_ACCEPTED_NAME, &accepted, &d) < 0)
                on_error(NULL, d.text, &failures);
        d.text[0] = '\0';
        r = boot_values_load(root, schema, &accepted, &values, &d);
        if (r < 0)
                on_error(NULL, d.text[0] ? d.text : strerror(-r), &failures);
        for (size_t i = 0; i < values.n; i++)
                failures += apply_one(root, &values.list[i], verbose) < 0;
        failures += values.failures;
        boot_values_done(&values);
        return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct apply_options {
        const char *root;
        bool verbose;
};

static const struct options_row rows[] = {
        { "root", .kind = OPTIONS_ROOT, .offset = offsetof(struct apply_options, root),
                .commands = OPTIONS_ALL, .metavar = "DIR", .help = "Every path is below DIR" },
        { "verbose", 'v', .kind = OPTIONS_FLAG, .offset = offsetof(struct apply_options, verbose),
                .commands = OPTIONS_ALL, .help = "A line for each value" },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this" },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version" },
};

static const struct options_program program = {
        .name = "peios-policy-apply",
        .purpose = "Applies the registry's policy to the kernel's controls, from what is on disk.",
        .notes = "See peios-audit-policyd(8), --apply.",
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};

int main(int argc, char **argv)
{
        struct apply_options options = { 0 };
        struct options_line line;
        struct diag d = { 0 };

        log_setup("peios-policy-apply", LOG_INFO);
        if (options_parse(&program, argc, argv, &options, &line, &d) < 0) {
                log_error("%s", d.text);
                return EXIT_FAILURE;
        }
        if (line.help || line.version)
                return options_answer(&program, &line, PROJECT_VERSION);
        return apply(options.root, options.verbose);
}
