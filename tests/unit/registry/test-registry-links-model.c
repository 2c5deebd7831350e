/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random trees with links in them, in two layers, against a resolver that only rewrites text. What is
 * changed through a link is changed where the model says that it leads. */

#include <stdio.h>
#include <string.h>

#include "registry-world.h"
#include "suite.h"

#define TREES 60u
#define CHANGES 120u
#define QUESTIONS 12u
#define NAMES 3u
#define NODES (3u + 9u + 27u)
#define TEXT 1024u

enum {
        BASE,
        HIGH,
        LAYERS_N
};
static const char *const layers[] = { "base", "high" };

/* A key of the tree, whether it is there or not. */
static struct node {
        char path[32];
        bool is_named[LAYERS_N], is_link;
        char target[LAYERS_N][32]; /* "" none, "!" a tombstone */
        unsigned value[LAYERS_N];  /* of V; 0: none */
} nodes[NODES];

static unsigned followed, refused, circles, changed;

static void setup(void)
{
        world_init(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\high Precedence 5");
}

static void make_nodes(void)
{
        size_t n = 0;

        memset(nodes, 0, sizeof(nodes));
        for (unsigned i = 0; i < NAMES; i++)
                (void)snprintf(nodes[n++].path, sizeof(nodes[0].path), "Machine\\%c", 'A' + (int)i);
        for (size_t above = 0; n < NODES; above++)
                for (unsigned i = 0; i < NAMES; i++) {
                        char path[sizeof(nodes[0].path)];
                        memcpy(path, nodes[above].path, sizeof(path));
                        (void)snprintf(nodes[n++].path, sizeof(path), "%.25s\\%c", path, 'A' + (int)i);
                }
}

static struct node *node_of(const char *path, size_t len)
{
        for (size_t i = 0; i < NODES; i++)
                if (strlen(nodes[i].path) == len && memcmp(nodes[i].path, path, len) == 0)
                        return &nodes[i];
        return NULL;
}

static bool is_there(const struct node *n)
{
        return n && (n->is_named[BASE] || n->is_named[HIGH]);
}

static const char *target_of(const struct node *n)
{
        return n->target[HIGH][0] ? n->target[HIGH] : n->target[BASE];
}

/* Component by component; a link that is met is replaced, and all begins anew. */
static int model_follow(const char *path, bool of_link, unsigned links, char ret[static TEXT])
{
        for (size_t at = strlen("Machine\\"), end;; at = end + 1) {
                end = at + strcspn(path + at, "\\");
                const bool is_last = path[end] == '\0';
                const struct node *n = node_of(path, end);
                if (is_there(n) && n->is_link && !(is_last && of_link)) {
                        char next[TEXT];
                        const char *target = target_of(n);
                        if (links == REGISTRY_LINKS_MAX)
                                return REGISTRY_LINK_LOOP;
                        if (!target[0] || target[0] == '!')
                                return REGISTRY_BAD_LINK;
                        ck_assert_int_lt(snprintf(next, sizeof(next), "%s%s", target, path + end), TEXT);
                        return model_follow(next, of_link, links + 1, ret);
                }
                if (is_last || !is_there(n))
                        break;
        }
        (void)snprintf(ret, TEXT, "%s", path);
        return 0;
}

static const char *random_path(void)
{
        return nodes[pick(NODES)].path;
}

static int follow(const char *text, bool of_link, struct registry_way *way)
{
        struct path path;

        ck_assert_int_eq(registry_path(w.r, text, &path, NULL), 0);
        int r = registry_follow(w.r, &path, of_link, way, &w.d);
        if (way->path == &path)
                way->path = &way->followed;
        if (way->followed.n == 0)
                way->followed = path;
        else
                path_done(&path);
        return r;
}

static void ask(void)
{
        _cleanup_way_ struct registry_way way = { 0 };
        char expected[TEXT], text[TEXT];
        const bool of_link = pick(3) == 0;

        (void)snprintf(text, sizeof(text), "%s%s", random_path(), pick(2) ? "" : "\\B");
        const int e = model_follow(text, of_link, 0, expected), r = follow(text, of_link, &way);
        ck_assert_msg(r == e, "%s: %s, expected %s: %s", text, error_name(r), error_name(e), w.d.text);
        circles += r == REGISTRY_LINK_LOOP;
        refused += r == REGISTRY_BAD_LINK;
        if (r != 0)
                return;
        followed += way.n > 0;
        ck_assert_str_eq(way.path->text, expected);
        const struct node *n = node_of(expected, strlen(expected));
        const unsigned value = !is_there(n) ? 0 : n->value[HIGH] ? n->value[HIGH] : n->value[BASE];
        const char *got = world_get(&w, text, of_link ? ">V" : "V");
        ck_assert_msg(strtoul(got, NULL, 10) == value, "%s: %s, expected %u", text, got, value);
}

/* ---- Changes: what each must return, done to the model ---- */

static void name_all(const struct node *n, unsigned layer)
{
        for (size_t i = 0; i < NODES; i++) {
                const size_t len = strlen(nodes[i].path);
                if (strncmp(n->path, nodes[i].path, len) == 0 && (!n->path[len] || n->path[len] == '\\'))
                        nodes[i].is_named[layer] = true;
        }
}

static void withdraw(const struct node *n, unsigned layer)
{
        const size_t len = strlen(n->path);

        for (size_t i = 0; i < NODES; i++) {
                struct node *below = &nodes[i];
                if (strncmp(below->path, n->path, len) != 0 ||
                        (below->path[len] && below->path[len] != '\\'))
                        continue;
                below->is_named[layer] = false;
                below->target[layer][0] = '\0';
                below->value[layer] = 0;
                below->is_link = below->is_link && is_there(below);
        }
}

static int make(struct node *n, unsigned layer)
{
        if (n->is_named[layer])
                return REGISTRY_EXISTS;
        name_all(n, layer);
        return 0;
}

static int make_link(struct node *n, unsigned layer, const char *target)
{
        if (n->is_named[layer] || (is_there(n) && !n->is_link))
                return REGISTRY_EXISTS;
        name_all(n, layer);
        n->is_link = true;
        (void)snprintf(n->target[layer], sizeof(n->target[0]), "%.31s", target);
        return 0;
}

static int set(struct node *n, unsigned layer, unsigned number)
{
        name_all(n, layer);
        n->value[layer] = number;
        return 0;
}

static int aim(struct node *n, unsigned layer, const char *target)
{
        name_all(n, layer);
        (void)snprintf(n->target[layer], sizeof(n->target[0]), "%.31s", target);
        return 0;
}

static int delete_tree(const struct node *n, unsigned layer)
{
        if (!n->is_named[layer])
                return REGISTRY_NOT_FOUND;
        withdraw(n, layer);
        return 0;
}

/* A line for the registry; what it must return. Negative: it is not to be done. */
static int invent(const char *path, char line[static TEXT])
{
        static const struct {
                const char *word;
                bool of_link;
        } words[] = { { "ln", true }, { "ln", true }, { "mk", false }, { "set", false }, { "set", false },
                { "lset", true }, { "lrmr", true } };
        const unsigned what = pick(ARRAY_SIZE(words)), layer = pick(LAYERS_N), number = 1 + pick(9);
        const char *target = words[what].word[1] == 's' && pick(4) == 0 ? "!" : random_path();
        char text[TEXT];

        const int e = model_follow(path, words[what].of_link, 0, text);
        struct node *n = e == 0 ? node_of(text, strlen(text)) : NULL;
        int at = snprintf(line, TEXT, "%s %s %s", words[what].word, layers[layer], path);
        if (what < 2)
                (void)snprintf(line + at, TEXT - (size_t)at, " %s", target);
        if (what == 3 || what == 4)
                (void)snprintf(line + at, TEXT - (size_t)at, " V %u", number);
        if (what == 5)
                (void)snprintf(line + at, TEXT - (size_t)at, " @ %s%s", target[0] == '!' ? "" : ">", target);
        if (e != 0 || !n)
                return e ? e : -1;
        switch (what) {
        case 0:
        case 1:
                return make_link(n, layer, target);
        case 2:
                return make(n, layer);
        case 3:
        case 4:
                return set(n, layer, number);
        case 5:
                return is_there(n) && n->is_link ? aim(n, layer, target) : -1;
        default:
                return delete_tree(n, layer);
        }
}

static void change(void)
{
        char line[TEXT];
        const int e = invent(random_path(), line);

        if (e < 0)
                return;
        _cleanup_free_ char *got = world_run(&w, line);
        if (e == 0)
                ck_assert_msg(got[0] == '\0' || got[0] > 'Z', "%s: %s", line, got);
        else
                ck_assert_msg(strncmp(got, error_name(e), strlen(error_name(e))) == 0, "%s: %s, expected %s",
                        line, got, error_name(e));
        changed += e == 0;
}

TEST(random_trees)
{
        for (unsigned tree = 0; tree < TREES; tree++) {
                srandom(tree + 1);
                make_nodes();
                for (unsigned i = 0; i < CHANGES; i++) {
                        change();
                        for (unsigned j = 0; j < QUESTIONS; j++)
                                ask();
                }
                world_check(&w);
                for (unsigned i = 0; i < NAMES; i++)
                        for (unsigned layer = 0; layer < LAYERS_N; layer++)
                                free(world_run(&w, textf("lrmr %s %.*s", layers[layer],
                                                           (int)sizeof(nodes[i].path), nodes[i].path)));
        }
        ck_assert_uint_gt(changed, 1000);
        ck_assert_uint_gt(followed, 1000);
        ck_assert_uint_gt(refused, 100);
        ck_assert_uint_gt(circles, 100);
}

Suite *test_suite(void)
{
        return suite_with("registry-links-model", setup, world_teardown);
}
