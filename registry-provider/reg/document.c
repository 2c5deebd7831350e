/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../exchange/difference.h"

/* ---- Roots ---- */

void document_map_done(struct document_map *map)
{
        for (size_t i = 0; i < map->n; i++) {
                path_done(&map->paths[i]);
                free(map->names[i]);
        }
}

/* It is written into files of any encoding, between brackets and before a separator. */
static bool can_be_root(const char *name, size_t len)
{
        for (size_t i = 0; i < len; i++)
                if (name[i] < ' ' || name[i] > '~' || strchr("\\/[]", name[i]))
                        return false;
        return len > 0;
}

static bool is_mapped(const struct document_map *map, const char *name)
{
        for (size_t i = 0; i < map->n; i++)
                if (strcasecmp(map->names[i], name) == 0)
                        return true;
        return false;
}

/* ROOT=KEY */
static int add_root(struct session *s, struct document_map *map, const char *word)
{
        size_t len = strcspn(word, "="), i = map->n;
        const char *full = path_root_name(word, len);

        if (!word[len] || !can_be_root(word, len))
                return session_error(s, EXIT_CODE_USAGE,
                        "--map: '%s' is no ROOT=KEY, as HKEY_CURRENT_USER=/Users/S-1-5-21-7", word);
        int code = session_path(s, word + len + 1, &map->paths[i]);
        if (code != EXIT_CODE_OK)
                return code;
        char *name = full ? strdup(full) : strndup(word, len);
        bool twice = name && is_mapped(map, name);
        map->names[map->n++] = name;
        map->roots[i] = (struct exchange_root){ name, map->paths[i].text };
        if (!name)
                return session_fail(s, -ENOMEM, NULL);
        if (twice)
                (void)diag_set(&s->diag, EINVAL, "--map: %s is given twice", name);
        return twice ? EXIT_CODE_USAGE : EXIT_CODE_OK;
}

int document_map_read(struct session *s, struct document_map *ret)
{
        const struct options_list *roots = &s->options.roots;
        int code = EXIT_CODE_OK;

        for (size_t i = 0; i < roots->n && code == EXIT_CODE_OK; i++)
                code = add_root(s, ret, roots->list[i]);
        return code;
}

/* ---- Reading ---- */

void document_report(const struct diags *problems)
{
        for (size_t i = 0; i < problems->n; i++)
                session_complain("%s", problems->list[i]);
        if (problems->n_all > problems->n)
                session_complain("… and %zu more", problems->n_all - problems->n);
}

static int parse(struct session *s, const char *name, const struct buf *text, struct hive_file **ret,
        struct diags *problems)
{
        _cleanup_document_map_ struct document_map map = { 0 };
        struct exchange_reading how = {
                .value_max = VALUE_BYTES_DEFAULT_MAX,
                .hives = (const char *const *)s->hives,
                .encoding = s->options.encoding,
                .roots = map.roots,
                .keep_going = s->options.keep_going,
        };

        int code = document_map_read(s, &map);
        if (code != EXIT_CODE_OK)
                return code;
        how.n_roots = map.n;
        int r = exchange_read(name, buf_str(text), text->len, &how, ret, problems);
        if (r == 0)
                return EXIT_CODE_OK;
        if (r != -EINVAL)
                return session_fail(s, r, name);
        return session_error(s, EXIT_CODE_INVALID, "%s: %zu bad %s; nothing is done%s", name,
                problems->n_all, problems->n_all == 1 ? "entry" : "entries",
                s->options.keep_going ? "" : " (--keep-going takes the rest)");
}

/* A path that begins with no hive would be taken for one below the default hive. */
static int check_hives(struct session *s, const char *name, const struct hive_file *file)
{
        for (size_t i = 0; i < file->n_keys; i++) {
                const struct hive_key *key = &file->keys[i];
                bool is_known = false;
                size_t len;
                const char *hive = path_component(&key->path, 0, &len);
                for (char **h = s->hives; *h && !is_known; h++)
                        is_known = fold_equal(hive, len, *h, strlen(*h));
                if (is_known)
                        continue;
                return session_error(s, EXIT_CODE_INVALID,
                        "%s:%u:%u: %s: there is no hive called %.*s; nothing is done", name, key->line,
                        key->column, key->path.text, (int)len, hive);
        }
        return EXIT_CODE_OK;
}

int document_parse(struct session *s, const char *name, const struct buf *text, struct hive_file **ret,
        struct diags *problems)
{
        int code = session_ask_hives(s);
        if (code == EXIT_CODE_OK)
                code = parse(s, name, text, ret, problems);
        if (code == EXIT_CODE_OK)
                code = check_hives(s, name, *ret);
        if (code == EXIT_CODE_OK)
                difference_sort((*ret)->keys, (*ret)->n_keys);
        return code;
}

int document_read(struct session *s, const char *word, struct hive_file **ret, size_t *ret_left_out)
{
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;

        int code = session_read(s, word, DOCUMENT_BYTES_MAX, &text);
        if (code == EXIT_CODE_OK)
                code = document_parse(s, session_file_name(word), &text, ret, &problems);
        document_report(&problems);
        *ret_left_out = problems.n_all;
        return code;
}

int document_end(struct session *s, const char *what, size_t left_out)
{
        int code = left_out > 0 ? session_flush(s) : EXIT_CODE_OK;

        if (code != EXIT_CODE_OK || left_out == 0)
                return code;
        return session_error(s, EXIT_CODE_INVALID, "%s: %zu bad %s left out", what, left_out,
                left_out == 1 ? "entry was" : "entries were");
}

int document_roots(const struct hive_key *keys, size_t n, const struct path ***ret, size_t *ret_n)
{
        const struct path **roots = calloc(n + 1, sizeof(*roots));
        size_t n_roots = 0;

        if (!roots)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                bool is_bare_hive = keys[i].path.n == 1 && keys[i].n_values == 0;
                if (!is_bare_hive && (n_roots == 0 || !path_is_below(&keys[i].path, roots[n_roots - 1])))
                        roots[n_roots++] = &keys[i].path;
        }
        *ret = roots;
        *ret_n = n_roots;
        return 0;
}
