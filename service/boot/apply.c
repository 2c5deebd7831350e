/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../policy/control.h"
#include "boot-values.h"

static void on_schema_error(_unused_ const char *file, const char *text, void *userdata)
{
        int *failures = userdata;
        log_error("%s", text);
        (*failures)++;
}

static void on_line(const char *line, void *userdata)
{
        on_schema_error(NULL, line, userdata);
}

/* 0: applied, or there is nothing to apply it to. */
static int apply_one(const char *root, const struct boot_value *v, int verbose)
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

int boot_apply(const char *root, int verbose)
{
        _cleanup_accepted_ struct accepted accepted = { 0 };
        _cleanup_schema_ struct schema *schema = NULL;
        struct boot_values values = { 0 };
        struct diag d = { 0 };
        int failures = 0;

        int r = schema_load(root, NULL, on_schema_error, &failures, &schema);
        if (r < 0) {
                log_error("the schema cannot be loaded: %s", strerror(-r));
                return EXIT_FAILURE;
        }
        if (accepted_load(root, LAYOUT_ACCEPTED_NAME, &accepted, &d) < 0)
                on_line(d.text, &failures);
        d.text[0] = '\0';
        r = boot_values_load(root, schema, &accepted, on_line, &failures, &values, &d);
        if (r < 0) {
                log_error("%s", d.text[0] ? d.text : strerror(-r));
                failures++;
        }
        for (size_t i = 0; i < values.n; i++)
                failures += apply_one(root, &values.list[i], verbose) < 0;
        boot_values_done(&values);
        return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
