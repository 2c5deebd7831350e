/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values and texts against an entry, and what an entry says, without a file. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "schema.h"
#include "taint/taint.h"
#include "yaml/yaml.h"

const char *const schema_items_words[SCHEMA_ITEMS_N] = { [SCHEMA_ITEMS_NONE] = "",
        [SCHEMA_ITEMS_ACCEPTED_TAINT] = "accepted-taint",
        [SCHEMA_ITEMS_WORD] = "word" };

const char *const schema_apply_words[SCHEMA_APPLY_N] = {
        [SCHEMA_LIVE] = "live", [SCHEMA_RESTART] = "restart", [SCHEMA_REBOOT] = "reboot"
};

const char *const schema_encoding_words[SCHEMA_ENCODING_N] = { [SCHEMA_ENCODE_CHOICE] = "choice",
        [SCHEMA_ENCODE_NUMBER] = "number",
        [SCHEMA_ENCODE_STRING] = "string" };

const char *const schema_drift_words[SCHEMA_DRIFT_N] = { "report", "reapply" };

static bool is_number(const struct schema_value *sv)
{
        return sv->type == REG_DWORD || sv->type == REG_DWORD_BIG_ENDIAN || sv->type == REG_QWORD;
}

static uint64_t largest(const struct schema_value *sv)
{
        return sv->has_range ? sv->max : sv->type == REG_QWORD ? UINT64_MAX : UINT32_MAX;
}

void schema_describe_allowed(const struct schema_value *sv, struct buf *out)
{
        for (size_t i = 0; i < sv->n_choices; i++)
                buf_printf(out, "%s%s", i > 0 ? ", " : "one of ", sv->choices[i].value);
        if (sv->n_choices > 0)
                return;
        if (is_number(sv))
                buf_printf(out, "a number from %llu to %llu",
                        sv->has_range ? (unsigned long long)sv->min : 0, (unsigned long long)largest(sv));
        else if (sv->items == SCHEMA_ITEMS_WORD)
                buf_printf(out, "at most %u words of at most %u bytes", SCHEMA_WORDS_MAX, SCHEMA_WORD_MAX);
        else if (sv->items == SCHEMA_ITEMS_ACCEPTED_TAINT)
                buf_puts(out, "items like `" ACCEPTED_TAINT_EXAMPLE "`");
        else if (sv->is_path && sv->suffix)
                buf_printf(out, "the absolute path of a file that ends in %s, or nothing", sv->suffix);
        else if (sv->is_path)
                buf_puts(out, "an absolute path, or nothing");
        else if (sv->control)
                buf_printf(out, "a string of one line and at most %u bytes", SCHEMA_TEXT_MAX);
        else
                buf_puts(out, "a string");
}

_printf_(3, 4) static int refuse(const struct schema_value *sv, struct diag *d, const char *format, ...)
{
        _cleanup_buf_ struct buf allowed = BUF_INIT;
        struct diag what;
        va_list ap;

        schema_describe_allowed(sv, &allowed);
        if (allowed.error)
                return allowed.error;
        va_start(ap, format);
        (void)vsnprintf(what.text, sizeof(what.text), format, ap);
        va_end(ap);
        return diag_set(d, EINVAL, "%s, expected %s", what.text, buf_str(&allowed));
}

static int copy(const char *s, size_t n, char **ret)
{
        char *text = strndup(s, n);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

static const struct schema_choice *find_choice(const struct schema_value *sv, const char *s, size_t n)
{
        for (size_t i = 0; i < sv->n_choices; i++)
                if (fold_equal(sv->choices[i].value, strlen(sv->choices[i].value), s, n))
                        return &sv->choices[i];
        return NULL;
}

static int canonical_number(const struct schema_value *sv, uint64_t n, char **ret, struct diag *d)
{
        char text[24];
        int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
        bool fits = sv->n_choices > 0 ? find_choice(sv, text, (size_t)len) != NULL
                                      : n >= (sv->has_range ? sv->min : 0) && n <= largest(sv);
        return fits ? copy(text, (size_t)len, ret) : refuse(sv, d, "%s is not allowed", text);
}

/* What a control takes in one write: no line of its own, no more than a page. */
static bool suits_control(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
                        return false;
        return n <= SCHEMA_TEXT_MAX;
}

/* Why the text is none; NULL: it is one. */
static const char *path_problem(const struct schema_value *sv, const char *s, size_t n)
{
        size_t component = 0, suffix = sv->suffix ? strlen(sv->suffix) : 0;

        if (n == 0)
                return NULL;
        if (s[0] != '/')
                return "is no absolute path";
        for (size_t i = 0; i < n; i++) {
                if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
                        return "has a control character in it";
                component = s[i] == '/' ? 0 : component + 1;
                if (component > SCHEMA_COMPONENT_MAX)
                        return "is too long";
        }
        if (n > SCHEMA_PATH_MAX)
                return "is too long";
        if (suffix == 0)
                return NULL;
        return component <= suffix || memcmp(s + n - suffix, sv->suffix, suffix) != 0
                       ? "does not end in the name of such a file"
                       : NULL;
}

static int canonical_string(
        const struct schema_value *sv, const char *s, size_t n, char **ret, struct diag *d)
{
        if (sv->n_choices > 0) {
                const struct schema_choice *c = find_choice(sv, s, n);
                return c ? copy(c->value, strlen(c->value), ret)
                         : refuse(sv, d, "`%s` is not allowed", yaml_show(s, n).text);
        }
        const char *problem = sv->is_path ? path_problem(sv, s, n) : NULL;
        if (problem)
                return refuse(sv, d, "`%s` %s", yaml_show(s, n).text, problem);
        if (sv->control && !suits_control(s, n))
                return refuse(sv, d, "`%s` is not allowed", yaml_show(s, n).text);
        return copy(s, n, ret);
}

static int format_accepted(const struct accepted_taints *a, char **ret)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        for (size_t i = 0; i < a->n; i++)
                buf_printf(&text, "%s%s", i > 0 ? " | " : "", a->list[i].text);
        return buf_finish(&text, ret, NULL);
}

static int canonical_accepted(const char *s, size_t n, char **ret, struct diag *d)
{
        _cleanup_accepted_taints_ struct accepted_taints a = { 0 };

        int r = accepted_taints_parse(s, n, &a, d);
        return r < 0 ? r : format_accepted(&a, ret);
}

/* They are counted in *n_words. */
static int add_word(const struct schema_value *sv, const char *s, size_t n, size_t *n_words,
        struct buf *text, struct diag *d)
{
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || s[i] == '|')
                        return refuse(sv, d, "`%s` is no word", yaml_show(s, n).text);
        if (n == 0 || n > SCHEMA_WORD_MAX || ++*n_words > SCHEMA_WORDS_MAX)
                return refuse(sv, d, n == 0 ? "an empty word" : "too much");
        buf_printf(text, "%s%.*s", *n_words > 1 ? " | " : "", (int)n, s);
        return 0;
}

/* As it is shown: with ` | ` between. Empty is none. */
static int canonical_words(
        const struct schema_value *sv, const char *s, size_t n, char **ret, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        const char *end = s + n;
        size_t n_words = 0;

        while (n > 0 && s < end) {
                const char *bar = memchr(s, '|', (size_t)(end - s)), *last = bar ? bar : end;
                while (s < last && *s == ' ')
                        s++;
                while (last > s && last[-1] == ' ')
                        last--;
                int r = add_word(sv, s, (size_t)(last - s), &n_words, &text, d);
                if (r < 0)
                        return r;
                s = bar ? bar + 1 : end;
        }
        return buf_finish(&text, ret, NULL);
}

static int check_words(const struct schema_value *sv, const struct value *v, char **ret, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        size_t at = 0, n, n_words = 0;
        const char *s;
        int r;

        while ((r = value_next_string(v, &at, &s, &n)) > 0) {
                r = add_word(sv, s, n, &n_words, &text, d);
                if (r < 0)
                        return r;
        }
        return r < 0 ? refuse(sv, d, "bytes that are not UTF-8 text") : buf_finish(&text, ret, NULL);
}

static int check_list(const struct schema_value *sv, const struct value *v, char **ret, struct diag *d)
{
        _cleanup_accepted_taints_ struct accepted_taints a = { 0 };
        const char *s;
        size_t at = 0, n;
        int r;

        while ((r = value_next_string(v, &at, &s, &n)) > 0) {
                r = accepted_taints_add(&a, s, n, d);
                if (r < 0)
                        return r;
        }
        return r < 0 ? refuse(sv, d, "bytes that are not UTF-8 text") : format_accepted(&a, ret);
}

int schema_default_value(const struct schema_value *sv, uint8_t scratch[static 8], struct value *ret)
{
        uint64_t number = 0;

        if (!sv->has_default)
                return -ENOENT;
        *ret = (struct value){
                .type = sv->type, .data = sv->default_text, .size = strlen(sv->default_text)
        };
        if (value_is_text(sv->type))
                return 0;
        int r = number_parse(sv->default_text, ret->size, UINT64_MAX, &number);
        if (r < 0)
                return r;
        ret->data = scratch;
        ret->size = sv->type == REG_QWORD ? 8 : 4;
        for (size_t i = 0; i < ret->size; i++) {
                size_t at = sv->type == REG_DWORD_BIG_ENDIAN ? ret->size - 1 - i : i;
                scratch[at] = (uint8_t)(number >> (8 * i));
        }
        return 0;
}

int schema_canonical(const struct schema_value *sv, const char *s, size_t n, char **ret_text, struct diag *d)
{
        uint64_t number;
        if (sv->items != SCHEMA_ITEMS_NONE)
                return sv->items == SCHEMA_ITEMS_WORD ? canonical_words(sv, s, n, ret_text, d)
                                                      : canonical_accepted(s, n, ret_text, d);
        if (!is_number(sv))
                return canonical_string(sv, s, n, ret_text, d);
        if (number_parse(s, n, UINT64_MAX, &number) < 0)
                return refuse(sv, d, "`%s` is not allowed", yaml_show(s, n).text);
        return canonical_number(sv, number, ret_text, d);
}

int schema_check(const struct schema_value *sv, const struct value *v, char **ret_text, struct diag *d)
{
        const char *s;
        size_t n;
        uint64_t number;

        if (v->type != sv->type)
                return refuse(sv, d, "type %s instead of %s", value_type_symbol(v->type),
                        value_type_symbol(sv->type));
        if (sv->items != SCHEMA_ITEMS_NONE)
                return sv->items == SCHEMA_ITEMS_WORD ? check_words(sv, v, ret_text, d)
                                                      : check_list(sv, v, ret_text, d);
        if (is_number(sv))
                return value_get_u64(v, &number) == 0 ? canonical_number(sv, number, ret_text, d)
                                                      : refuse(sv, d, "%zu bytes that are no %s", v->size,
                                                                value_type_symbol(sv->type));
        return value_get_string(v, &s, &n) == 0 ? canonical_string(sv, s, n, ret_text, d)
                                                : refuse(sv, d, "bytes that are not UTF-8 text without NUL");
}

int schema_control_text(const struct schema_value *sv, const char *text, char **ret)
{
        _cleanup_free_ char *canonical = NULL;

        if (!sv->control)
                return -EINVAL;
        int r = schema_canonical(sv, text, strlen(text), &canonical, NULL);
        if (r < 0)
                return r;
        if (sv->control->encoding == SCHEMA_ENCODE_CHOICE) {
                const struct schema_choice *c = find_choice(sv, canonical, strlen(canonical));
                return c ? copy(c->control, strlen(c->control), ret) : -EINVAL;
        }
        *ret = STEAL_PTR(canonical);
        return 0;
}

int schema_control_meaning(const struct schema_value *sv, const char *control, char **ret)
{
        uint64_t number;
        char text[24];

        if (!sv->control)
                return -EINVAL;
        switch (sv->control->encoding) {
        case SCHEMA_ENCODE_CHOICE:
                for (size_t i = 0; i < sv->n_choices; i++)
                        if (strcmp(sv->choices[i].control, control) == 0)
                                return copy(sv->choices[i].value, strlen(sv->choices[i].value), ret);
                return -EINVAL;
        case SCHEMA_ENCODE_NUMBER:
                if (number_parse(control, strlen(control), UINT64_MAX, &number) < 0)
                        return -EINVAL;
                return copy(
                        text, (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)number), ret);
        case SCHEMA_ENCODE_STRING:
                return copy(control, strlen(control), ret);
        }
        return -EINVAL;
}
