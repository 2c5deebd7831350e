/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "../../schema/base/date.h"
#include "../../schema/values/value.h"

int words_check_key(const char *word, struct diag *d)
{
        _cleanup_path_ struct path path = { 0 };

        return path_parse(word, strlen(word), path_any_hive, NULL, &path, d);
}

static bool is_separator(char c)
{
        return c == '\\' || c == '/';
}

bool words_trim_key(char *word)
{
        size_t len = strlen(word);

        if (len < 2 || !is_separator(word[len - 1]))
                return false;
        word[len - 1] = '\0';
        return true;
}

int words_split(const char *word, char **ret_key, char **ret_name, struct diag *d)
{
        size_t len = strlen(word), at = len;

        while (at > 0 && !is_separator(word[at - 1]))
                at--;
        /* A lone leading separator is not one between a key and a value. */
        if (at <= 1)
                return diag_set(
                        d, EINVAL, "'%s' names no value: expected KEY\\VALUE, or KEY and VALUE", word);
        if (at == len)
                return diag_set(d, EINVAL,
                        "'%s' ends in a separator: expected a name after it ('@' is the default value)",
                        word);

        _cleanup_buf_ struct buf key = BUF_INIT, name = BUF_INIT;
        _cleanup_free_ char *key_text = NULL;
        buf_add(&key, word, at - 1);
        buf_puts(&name, path_value_name_of_word(word + at));
        int r = buf_finish(&key, &key_text, NULL);
        if (r == 0)
                r = buf_finish(&name, ret_name, NULL);
        if (r == 0)
                *ret_key = STEAL_PTR(key_text);
        return r;
}

static char separator = '\\';

int words_set_separator(const char *word)
{
        if (strcmp(word, "\\") == 0 || strcmp(word, "backslash") == 0)
                separator = '\\';
        else if (strcmp(word, "/") == 0 || strcmp(word, "slash") == 0)
                separator = '/';
        else
                return -EINVAL;
        return 0;
}

void words_put_separator(struct buf *out)
{
        buf_putc(out, separator);
}

void words_put_path(struct buf *out, const char *path)
{
        while (*path) {
                size_t n = strcspn(path, "\\/");
                utf8_put_safe(out, path, n);
                path += n;
                if (*path) {
                        words_put_separator(out);
                        path++;
                }
        }
}

void words_path_to_json(struct json *j, const char *name, const char *path)
{
        _cleanup_buf_ struct buf shown = BUF_INIT;

        buf_puts(&shown, path);
        for (size_t i = 0; i < shown.len; i++)
                if (shown.data[i] == '\\')
                        shown.data[i] = separator;
        if (shown.error)
                j->out->error = shown.error;
        if (name)
                json_key(j, name);
        json_string(j, buf_str(&shown));
}

void words_format_key(struct buf *out, const char *key)
{
        const char *rest = is_separator(key[0]) ? key + 1 : key;
        size_t taken;
        const char *hive = path_root_hive(rest, &taken);

        words_put_separator(out);
        if (!hive) {
                words_put_path(out, path_without_default(rest));
                return;
        }
        rest += taken;
        if (!*rest || strcmp(hive, DEFAULT_HIVE) != 0)
                buf_puts(out, hive);
        else
                rest++;
        words_put_path(out, rest);
}

void words_format_value(struct buf *out, const char *key, const char *name)
{
        words_format_key(out, key);
        buf_putc(out, '\\');
        name = path_word_of_value_name(name);
        utf8_put_safe(out, name, strlen(name));
}

bool words_surprise(const char *literal)
{
        bool hex = literal[0] == '0' && (literal[1] | 0x20) == 'x';
        bool padded = literal[0] == '0' && literal[1] != '\0';

        return hex || padded;
}

bool words_look_typed(const char *literal)
{
        const char *colon = strchr(literal, ':');
        size_t len = colon ? (size_t)(colon - literal) : 0;
        char word[32];
        uint32_t type;

        if (len == 0 || len >= sizeof(word))
                return false;
        for (size_t i = 0; i < len; i++)
                word[i] = (char)tolower((unsigned char)literal[i]);
        return value_type_parse(word, len, &type) == 0 || strncmp(word, "hex(", 4) == 0;
}

bool words_are_regedit_number(const char *literal)
{
        static const char prefix[] = "dword:";

        if (strncmp(literal, prefix, strlen(prefix)) != 0)
                return false;
        const char *digits = literal + strlen(prefix);
        return digits[0] == '0' && strspn(digits, "0123456789") == 8 && strlen(digits) == 8 &&
               strspn(digits, "0") < 7;
}

bool words_are_oversized_number(const char *literal)
{
        uint64_t v;

        return number_parse(literal, strlen(literal), UINT64_MAX, &v) == -ERANGE;
}

bool words_parse_moment(const char *text, uint64_t now, struct words_moment *ret)
{
        int64_t time;

        ret->is_time = text[strspn(text, "0123456789")] != '\0';
        if (!ret->is_time)
                return number_parse(text, strlen(text), INT64_MAX, &ret->number) == 0;
        if (!date_parse(text, (int64_t)now, &time) || time < 0)
                return false;
        ret->number = (uint64_t)time;
        return true;
}

void words_put_findings(struct buf *out, const struct diags *found)
{
        for (size_t i = 0; i < found->n; i++)
                utf8_put_between(out, "", found->list[i], "\n");
}

void words_findings_to_json(struct json *j, const char *name, const struct diags *found)
{
        json_open_array(j, name);
        for (size_t i = 0; i < found->n; i++)
                json_string_n(j, found->list[i], strlen(found->list[i]));
        json_end_array(j);
}
