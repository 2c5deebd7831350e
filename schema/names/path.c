/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path.h"

#include <errno.h>
#include <string.h>

static bool is_separator(char c)
{
        return c == '\\' || c == '/';
}

static size_t component_length(const char *s, size_t len)
{
        size_t n = 0;
        while (n < len && !is_separator(s[n]))
                n++;
        return n;
}

/* Messages give offsets, not the name: what is refused may not be fit to print. */
static int name_check(const char *s, size_t len, struct diag *d)
{
        if (len == 0)
                return 0;
        if (len > NAME_BYTES_MAX)
                return diag_set(
                        d, ENAMETOOLONG, "%zu bytes long, at most %u are allowed", len, NAME_BYTES_MAX);
        if (memchr(s, '\0', len))
                return diag_set(d, EINVAL, "a NUL in it, expected UTF-8 without one");
        size_t valid = utf8_valid_prefix(s, len);
        if (valid < len)
                return diag_set(d, EINVAL, "not valid UTF-8 at byte %zu (0x%02x)", valid, (uint8_t)s[valid]);
        return 0;
}

static int sendable_check(const char *s, size_t len, struct diag *d)
{
        uint32_t c;
        size_t good = utf8_sendable_prefix(s, len);
        if (good == len || utf8_decode(s + good, len - good, &c) == 0)
                return 0;
        return diag_set(d, EINVAL,
                "the noncharacter U+%04X at byte %zu, expected characters only, as D-Bus carries no other",
                (unsigned)c, good);
}

static int component_form(const char *s, size_t len, struct diag *d)
{
        if (len == 0)
                return diag_set(d, EINVAL, "empty, expected 1 to %u bytes", NAME_BYTES_MAX);
        if (component_length(s, len) < len)
                return diag_set(d, EINVAL, "a separator (\\ or /) in it, expected a single name");
        return name_check(s, len, d);
}

int path_check_component(const char *s, size_t len, struct diag *d)
{
        int r = component_form(s, len, d);
        return r < 0 ? r : sendable_check(s, len, d);
}

int path_check_value_name(const char *s, size_t len, struct diag *d)
{
        int r = name_check(s, len, d);
        if (r == 0)
                r = sendable_check(s, len, d);
        if (r < 0)
                diag_prefix(d, "value name");
        return r;
}

#define AT '@'

static bool is_all_at(const char *s, size_t len)
{
        size_t n = 0;
        while (n < len && s[n] == AT)
                n++;
        return n == len;
}

const char *path_value_name_of_word(const char *word)
{
        return word[0] == AT && is_all_at(word, strlen(word)) ? word + 1 : word;
}

const char *path_word_of_value_name(const char *name)
{
        static char word[NAME_BYTES_MAX + 2];
        size_t len = strlen(name);

        if (len > NAME_BYTES_MAX || !is_all_at(name, len))
                return name;
        memset(word, AT, sizeof(word) - 1);
        return word + sizeof(word) - 2 - len;
}

bool path_component_is_storable(const char *s, size_t len)
{
        return component_form(s, len, NULL) == 0;
}

bool path_value_name_is_storable(const char *s, size_t len)
{
        return name_check(s, len, NULL) == 0;
}

/* How many there are, or a negative errno. `before`: components that stood in front of them. */
static int check_components(const char *s, size_t len, size_t before, size_t max, struct diag *d)
{
        size_t n = 0;
        for (size_t at = 0; at <= len; n++) {
                size_t component = component_length(s + at, len - at), number = before + n + 1;
                if (n == max)
                        return diag_set(d, ENAMETOOLONG,
                                "the path has more than %u components with its hive", PATH_DEPTH_MAX);
                if (component == 0)
                        return diag_set(d, EINVAL,
                                "component %zu of the path: empty, expected no doubled or trailing separator",
                                number);
                int r = path_check_component(s + at, component, d);
                if (r < 0) {
                        diag_prefix(d, "component %zu of the path", number);
                        return r;
                }
                at += component + 1;
        }
        return (int)n;
}

/* What people paste out of regedit. `hive` NULL: there is none here that it could mean. */
static const struct root {
        const char *abbreviation, *name, *hive;
} roots[] = {
        { "HKLM", "HKEY_LOCAL_MACHINE", DEFAULT_HIVE },
        { "HKU", "HKEY_USERS", "Users" },
        { "HKCU", "HKEY_CURRENT_USER", NULL },
        { "HKCR", "HKEY_CLASSES_ROOT", NULL },
        { "HKCC", "HKEY_CURRENT_CONFIG", NULL },
        { "HKPD", "HKEY_PERFORMANCE_DATA", NULL },
        { "HKDD", "HKEY_DYN_DATA", NULL },
};

static bool is_same(const char *name, size_t len, const char *of)
{
        return strlen(of) == len && strncasecmp(name, of, len) == 0;
}

/* PowerShell puts a colon behind it. */
static const struct root *find_root(const char *name, size_t len)
{
        if (len > 0 && name[len - 1] == ':')
                len--;
        for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
                if (is_same(name, len, roots[i].abbreviation) || is_same(name, len, roots[i].name))
                        return &roots[i];
        return NULL;
}

bool path_is_root(const char *name, size_t len)
{
        return find_root(name, len) != NULL;
}

const char *path_root_name(const char *name, size_t len)
{
        const struct root *root = find_root(name, len);
        return root ? root->name : NULL;
}

static const struct root *root_of(const char *input, size_t len, size_t *ret_taken)
{
        static const char computer[] = "Computer";
        size_t at = 0, n = component_length(input, len);
        const struct root *root = find_root(input, n);

        /* What regedit's address bar has in front. */
        if (!root && n == strlen(computer) && n < len && strncasecmp(input, computer, n) == 0) {
                at = n + 1;
                n = component_length(input + at, len - at);
                root = find_root(input + at, n);
        }
        *ret_taken = at + n;
        return root;
}

bool path_is_reserved(const char *name, size_t len)
{
        return fold_equal(name, len, RESERVED_HIVE, strlen(RESERVED_HIVE));
}

static bool begins(const char *name, size_t len, const char *with)
{
        const size_t n = strlen(with);

        return len >= n && fold_equal(name, n, with, n);
}

bool path_is_fleet_layer(const char *name, size_t len)
{
        return begins(name, len, LAYER_FLEET);
}

const char *path_fleet_group(const char *layer)
{
        return path_is_fleet_layer(layer, strlen(layer)) ? layer + strlen(LAYER_FLEET) : NULL;
}

bool path_is_temporary_layer(const char *name, size_t len)
{
        return begins(name, len, LAYER_TEMPORARY);
}

const char *path_root_hive(const char *path, size_t *ret_taken)
{
        const struct root *root = root_of(path, strlen(path), ret_taken);
        return root ? root->hive : NULL;
}

const char *path_root_of_hive(const char *hive, size_t len)
{
        for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
                if (roots[i].hive && fold_equal(hive, len, roots[i].hive, strlen(roots[i].hive)))
                        return roots[i].name;
        return NULL;
}

bool path_any_hive(_unused_ const char *name, _unused_ size_t len, _unused_ void *userdata)
{
        return true;
}

static bool names_hive(const char *name, size_t len, path_is_hive_t is_hive, void *userdata)
{
        return fold_equal(name, len, DEFAULT_HIVE, strlen(DEFAULT_HIVE)) ||
               (is_hive && is_hive(name, len, userdata));
}

/* What stands in front of the path that was written, in place of its first `taken` bytes. */
struct front {
        const char *text;
        size_t n; /* components of it */
        size_t taken;
};

static int root_front(const struct root *root, const char *input, size_t taken, path_is_hive_t is_hive,
        void *userdata, struct front *ret, struct diag *d)
{
        if (!root->hive)
                return diag_set(d, EINVAL,
                        "%.*s: a root of regedit that has no counterpart here, expected a key in " DEFAULT_HIVE,
                        (int)taken, input);
        if (!names_hive(root->hive, strlen(root->hive), is_hive, userdata))
                return diag_set(d, EINVAL,
                        "%.*s: means the hive %s, which is not there, expected a key in " DEFAULT_HIVE,
                        (int)taken, input, root->hive);
        *ret = (struct front){ root->hive, 1, taken };
        return 0;
}

static int find_front(const char *input, size_t len, path_is_hive_t is_hive, void *userdata,
        struct front *ret, struct diag *d)
{
        size_t taken, first = component_length(input, len);
        const struct root *root = root_of(input, len, &taken);

        if (root)
                return root_front(root, input, taken, is_hive, userdata, ret, d);
        /* The first component decides whether a hive goes in front, but nothing may look at it unchecked. */
        bool is_name = first > 0 && path_check_component(input, first, NULL) == 0;
        if (is_name && path_is_reserved(input, first))
                return diag_set(d, EINVAL,
                        RESERVED_HIVE
                        ": reserved for the caller's own hive, and none is served by that name; "
                        "expected a key in " DEFAULT_HIVE);
        bool has_hive = is_name && names_hive(input, first, is_hive, userdata);
        *ret = has_hive ? (struct front){ "", 0, 0 } : (struct front){ DEFAULT_HIVE "\\", 1, 0 };
        return 0;
}

static int build(const char *prefix, const char *s, size_t len, size_t n, struct path *ret)
{
        size_t total = strlen(prefix) + len;
        _cleanup_path_ struct path p = { .text = malloc(total + 1), .ends = calloc(n, sizeof(uint16_t)) };
        if (!p.text || !p.ends)
                return -ENOMEM;

        memcpy(stpcpy(p.text, prefix), s, len);
        p.text[total] = '\0';
        for (size_t i = 0; i <= total; i++) {
                if (i < total && !is_separator(p.text[i]))
                        continue;
                if (i < total)
                        p.text[i] = '\\';
                p.ends[p.n++] = (uint16_t)i;
        }
        p.len = total;
        *ret = p;
        p = (struct path){ 0 };
        return 0;
}

int path_parse(const char *input, size_t len, path_is_hive_t is_hive, void *userdata, struct path *ret,
        struct diag *d)
{
        struct front front = { 0 };

        if (len > 0 && is_separator(*input)) {
                input++;
                len--;
        }
        if (len == 0)
                return diag_set(d, EINVAL, "the path is empty, expected Hive\\Name\\…");
        int r = find_front(input, len, is_hive, userdata, &front, d);
        if (r < 0)
                return r;
        input += front.taken;
        len -= front.taken;

        size_t total = strlen(front.text) + len;
        if (total > PATH_BYTES_MAX)
                return diag_set(d, ENAMETOOLONG,
                        "the path is %zu bytes long with its hive, at most %u are allowed", total,
                        PATH_BYTES_MAX);
        /* Behind a root that was replaced there is its separator, or nothing. */
        size_t skip = front.taken > 0;
        int n = len < skip ? 0
                           : check_components(input + skip, len - skip, skip, PATH_DEPTH_MAX - front.n, d);
        if (n < 0)
                return n;
        return build(front.text, input, len, (size_t)n + front.n, ret);
}

const char *path_without_default(const char *path)
{
        size_t len = strlen(path), first = component_length(path, len), taken;

        if (first == len || !fold_equal(path, first, DEFAULT_HIVE, strlen(DEFAULT_HIVE)))
                return path;
        const char *rest = path + first + 1;
        len -= first + 1;
        bool is_taken =
                names_hive(rest, component_length(rest, len), NULL, NULL) || root_of(rest, len, &taken);
        return is_taken ? path : rest;
}

void path_done(struct path *p)
{
        free(p->text);
        free(p->ends);
        *p = (struct path){ 0 };
}

size_t path_bytes(const struct path *p)
{
        return p->len + 1 + p->n * sizeof(*p->ends);
}

const char *path_component(const struct path *p, size_t i, size_t *ret_len)
{
        size_t start = i > 0 ? (size_t)p->ends[i - 1] + 1 : 0;
        *ret_len = p->ends[i] - start;
        return p->text + start;
}

bool path_equal(const struct path *a, const struct path *b)
{
        return a->n == b->n && path_is_below(a, b);
}

/* Nothing folds to or from a separator, so a folded comparison of the text cannot cross a component. */
bool path_is_below(const struct path *inner, const struct path *outer)
{
        return inner->n >= outer->n &&
               fold_equal(inner->text, inner->ends[outer->n - 1], outer->text, outer->len);
}
