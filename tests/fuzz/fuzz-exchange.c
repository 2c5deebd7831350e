/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents in any form: a refusal says where, and what was read comes back when it is written in a form
 * that can say it. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "../../registry-provider/exchange/exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const hives[] = { "Users", NULL };
static const struct exchange_root roots[] = { { "HKEY_CURRENT_USER", "Users\\S-1-5-21-7" },
        { "", "Machine\\X" } };

static void check(bool holds)
{
        if (!holds)
                abort();
}

static void check_problems(const struct diags *problems)
{
        for (size_t i = 0; i < problems->n; i++) {
                const char *text = problems->list[i];
                check(strncmp(text, "file:", 5) == 0);
                check(utf8_valid_prefix(text, strlen(text)) == strlen(text));
        }
}

static void check_file(const struct hive_file *f)
{
        for (size_t i = 0; i < f->n_keys; i++) {
                const struct hive_key *k = &f->keys[i];
                check(k->path.n > 0 && k->line > 0 && k->column > 0);
                check(k->made || k->n_values == 0);
                check(!k->hidden || !k->made);
                for (size_t n = 0; n < k->n_values; n++) {
                        const struct hive_value *v = &k->values[n];
                        check(path_check_value_name(v->name, strlen(v->name), NULL) == 0);
                        check(v->value.size <= 4096 && v->line > 0 && v->column > 0);
                        check(v->deleted || value_type_known(v->value.type) ||
                                v->value.type == REG_TOMBSTONE);
                }
        }
}

/* JSON can say everything: what comes back says the same in YAML. */
static void check_there_and_back(const struct hive_file *f)
{
        static const enum exchange_form forms[] = { EXCHANGE_JSON, EXCHANGE_YAML };
        struct buf first = BUF_INIT, second = BUF_INIT, text = BUF_INIT;

        /* A file can name other hives. */
        if (exchange_write(&(struct exchange_writing){ .form = EXCHANGE_YAML, .hives = hives }, f, &first,
                    NULL) < 0) {
                buf_done(&first);
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct hive_file *again = NULL;
                struct diags problems = { 0 };
                buf_clear(&text);
                buf_clear(&second);
                check(exchange_write(&(struct exchange_writing){ .form = forms[i], .hives = hives }, f,
                              &text, NULL) == 0);
                check(exchange_read("file", text.data, text.len,
                              &(struct exchange_reading){ .hives = hives }, &again, &problems) == 0);
                check(exchange_write(&(struct exchange_writing){ .form = EXCHANGE_YAML, .hives = hives },
                              again, &second, NULL) == 0);
                check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
                hive_file_free(again);
        }
        buf_done(&first);
        buf_done(&second);
        buf_done(&text);
}

/* What .reg cannot say is refused; what it says is read. */
static void check_reg(const struct hive_file *f)
{
        for (unsigned variant = 0; variant <= EXCHANGE_REGEDIT4; variant++) {
                struct buf text = BUF_INIT;
                struct hive_file *again = NULL;
                struct diags problems = { 0 };
                const struct exchange_writing how = {
                        .form = EXCHANGE_REG, .variant = variant, .hives = hives, .as_hex = true
                };
                const struct exchange_reading back = { .hives = hives,
                        .encoding = variant == EXCHANGE_REGEDIT4 ? "CP1252" : NULL };
                int r = exchange_write(&how, f, &text, NULL);
                check(r == 0 || r == -EINVAL);
                if (r == 0)
                        check(exchange_read("file", text.data, text.len, &back, &again, &problems) == 0);
                hive_file_free(again);
                diags_done(&problems);
                buf_done(&text);
        }
}

static void read_one(const uint8_t *data, size_t size, bool keep_going)
{
        const struct exchange_reading how = { .value_max = 4096,
                .hives = hives,
                .roots = roots,
                .n_roots = ARRAY_SIZE(roots),
                .keep_going = keep_going };
        struct hive_file *f = NULL;
        struct diags problems = { 0 };
        int r = exchange_read("file", data, size, &how, &f, &problems);

        check(r == 0 || r == -EINVAL);
        check((r == 0) == (f != NULL));
        check(r == 0 ? keep_going || problems.n == 0 : problems.n > 0);
        check_problems(&problems);
        if (f) {
                check_file(f);
                check_there_and_back(f);
                check_reg(f);
        }
        hive_file_free(f);
        diags_done(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        read_one(data, size, false);
        read_one(data, size, true);
        return 0;
}
