/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema files: a refusal says where and changes nothing, and what was read is whole. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
        if (!holds)
                abort();
}

static void check_control(const struct schema_value *sv, const char *text)
{
        _cleanup_free_ char *control = NULL, *again = NULL;
        if (!sv->control)
                return;
        check(sv->control->name && sv->control->audit_op);
        check(schema_control_text(sv, text, &control) == 0);
        check(strpbrk(control, "\n") == NULL);
        /* Two choices may have one text: the first is shown. */
        check(schema_control_meaning(sv, control, &again) == 0);
}

static void check_value(const struct schema *s, const struct schema_value *sv)
{
        _cleanup_buf_ struct buf allowed = BUF_INIT;
        _cleanup_free_ char *text = NULL;
        uint8_t scratch[8];
        struct value v;

        check(schema_find(s, &sv->key, sv->name) == sv);
        check(sv->description && sv->source && (sv->has_default == (sv->default_text != NULL)));
        schema_describe_allowed(sv, &allowed);
        check(allowed.len > 0);
        if (schema_default_value(sv, scratch, &v) == 0) {
                check(schema_check(sv, &v, &text, NULL) == 0 && strcmp(text, sv->default_text) == 0);
                check_control(sv, text);
        }
        for (size_t i = 0; i < sv->n_choices; i++) {
                check(sv->choices[i].value && sv->choices[i].meaning);
                check_control(sv, sv->choices[i].value);
        }
}

/* The same bytes as a list of accepted taints: what is taken is taken again as it is shown. */
static void check_items(const struct schema *s, const char *text, size_t size)
{
        _cleanup_free_ char *once = NULL, *twice = NULL;
        struct diag d = { 0 };
        size_t i = 0;

        while (i < s->n && s->values[i].items != SCHEMA_ITEMS_ACCEPTED_TAINT)
                i++;
        check(i < s->n);
        if (schema_canonical(&s->values[i], text, size, &once, &d) < 0) {
                check(strncmp(d.text, "acceptance ", strlen("acceptance ")) == 0 &&
                        strstr(d.text, ", expected "));
                return;
        }
        check(schema_canonical(&s->values[i], once, strlen(once), &twice, NULL) == 0);
        check(strcmp(once, twice) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_schema_ struct schema *s = NULL;
        struct diag d = { 0 };

        if (schema_load_builtin(&s) < 0)
                abort();
        check_items(s, (const char *)data, size);
        size_t n = s->n;
        int r = schema_add(s, "file", data, size, &d);
        if (r < 0) {
                check((r == -EINVAL || r == -EFBIG) && s->n == n);
                check(strncmp(d.text, "file:", 5) == 0);
                check(utf8_valid_prefix(d.text, strlen(d.text)) == strlen(d.text));
        }
        for (size_t i = 0; i < s->n; i++)
                check_value(s, &s->values[i]);
        return 0;
}
