/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "key-tree.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/names/fold.h"

static struct key_node *node_new(struct key_node *parent, const char *name, size_t len)
{
        struct key_node *node = calloc(1, sizeof(*node) + len + 1);

        if (!node)
                return NULL;
        node->parent = parent;
        node->depth = parent && parent->parent ? parent->depth + 1 : 0;
        memcpy(node->name, name, len);
        return node;
}

/* As deep as a path may be: PATH_DEPTH_MAX calls. */
static void node_free(struct key_node *node)
{
        for (size_t i = 0; i < node->n_children; i++)
                node_free(node->children[i]);
        free(node->children);
        free(node);
}

int key_tree_init(struct key_tree *t)
{
        struct key_node *root = node_new(NULL, "", 0);

        if (!root)
                return -ENOMEM;
        root->is_open = true;
        *t = (struct key_tree){ .root = root, .selected = root, .era = 1 };
        return 0;
}

void key_tree_done(struct key_tree *t)
{
        if (t->root)
                node_free(t->root);
        free(t->rows);
        *t = (struct key_tree){ 0 };
}

/* ---- Children ---- */

static int compare_names(const void *a, const void *b)
{
        return fold_order(*(const char *const *)a, *(const char *const *)b);
}

static bool are_sorted(const char **names, size_t n)
{
        for (size_t i = 1; i < n; i++)
                if (fold_order(names[i - 1], names[i]) > 0)
                        return false;
        return true;
}

struct component {
        const char *name;
        size_t len;
};

static int compare_node(const void *node, const void *component)
{
        const struct component *c = component;
        const char *its = (*(struct key_node *const *)node)->name;

        return fold_compare(its, strlen(its), c->name, c->len);
}

/* The place of the child that is called so, or where it would be. */
static size_t find_place(const struct key_node *parent, const char *name, size_t len, bool *ret_found)
{
        const size_t n = parent->n_children;
        const struct component key = { name, len };

        /* Names mostly come in their order. */
        *ret_found = false;
        if (n == 0 || compare_node(&parent->children[n - 1], &key) < 0)
                return n;
        return array_place(parent->children, n, sizeof(*parent->children), &key, compare_node, ret_found);
}

static size_t place_of(const struct key_node *node)
{
        bool found;

        return find_place(node->parent, node->name, strlen(node->name), &found);
}

static bool is_within(const struct key_node *node, const struct key_node *outer)
{
        while (node && node != outer)
                node = node->parent;
        return node;
}

/* The next of its siblings, else the one before, else the parent. */
static struct key_node *neighbour(const struct key_node *node)
{
        struct key_node *parent = node->parent;
        size_t at = place_of(node);

        if (at + 1 < parent->n_children)
                return parent->children[at + 1];
        return at > 0 ? parent->children[at - 1] : parent;
}

static void remove_node(struct key_tree *t, struct key_node *node)
{
        struct key_node *parent = node->parent;
        size_t at = place_of(node);

        if (is_within(t->selected, node))
                t->selected = neighbour(node);
        parent->n_children--;
        memmove(&parent->children[at], &parent->children[at + 1],
                (parent->n_children - at) * sizeof(*parent->children));
        node_free(node);
        t->is_stale = true;
}

void key_tree_withdraw(struct key_tree *t, struct key_node *node, enum key_witness witness)
{
        for (size_t i = node->n_children; i > 0; i--)
                key_tree_withdraw(t, node->children[i - 1], witness);
        node->witnesses &= ~(unsigned)witness;
        if (node->witnesses == 0)
                remove_node(t, node);
}

static int insert(struct key_node *parent, size_t at, const char *name)
{
        int r = array_grow(&parent->children, parent->n_children, sizeof(*parent->children));
        struct key_node *node = r == 0 ? node_new(parent, name, strlen(name)) : NULL;

        if (!node)
                return -ENOMEM;
        memmove(&parent->children[at + 1], &parent->children[at],
                (parent->n_children - at) * sizeof(*parent->children));
        parent->children[at] = node;
        parent->n_children++;
        return 0;
}

int key_tree_add(struct key_tree *t, struct key_node *parent, const char *name, enum key_witness witness,
        struct key_node **ret)
{
        bool found;
        size_t at = find_place(parent, name, strlen(name), &found);
        int r = found ? 0 : insert(parent, at, name);

        if (r < 0)
                return r;
        t->is_stale |= !found;
        parent->children[at]->witnesses |= witness;
        *ret = parent->children[at];
        return 0;
}

static void forget_others(
        struct key_tree *t, struct key_node *parent, const char **names, size_t n, enum key_witness witness)
{
        for (size_t i = parent->n_children; i > 0; i--) {
                struct key_node *child = parent->children[i - 1];
                while (n > 0 && fold_order(names[n - 1], child->name) > 0)
                        n--;
                if (n == 0 || fold_order(names[n - 1], child->name) != 0)
                        key_tree_withdraw(t, child, witness);
        }
}

int key_tree_take(
        struct key_tree *t, struct key_node *parent, const char **names, size_t n, enum key_witness witness)
{
        struct key_node *child;
        int r = 0;

        if (!are_sorted(names, n))
                qsort(names, n, sizeof(*names), compare_names);
        forget_others(t, parent, names, n, witness);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = key_tree_add(t, parent, names[i], witness, &child);
        return r;
}

/* ---- Paths ---- */

struct key_node *key_tree_find(const struct key_tree *t, const char *path, struct key_node **ret_last)
{
        struct key_node *node = t->root;
        bool found = true;

        while (found && *path) {
                size_t n = strcspn(path, "\\"), at = find_place(node, path, n, &found);
                if (found)
                        node = node->children[at];
                path += n + (path[n] != '\0');
        }
        if (ret_last)
                *ret_last = node;
        return found ? node : NULL;
}

void key_tree_put_path(const struct key_node *node, struct buf *out)
{
        if (!node->parent)
                return;
        if (node->parent->parent) {
                key_tree_put_path(node->parent, out);
                buf_putc(out, '\\');
        }
        buf_puts(out, node->name);
}

/* ---- Rows ---- */

void key_tree_open(struct key_tree *t, struct key_node *node, bool is_open)
{
        if (node->is_open == is_open)
                return;
        node->is_open = is_open;
        t->is_stale = true;
        if (!is_open && is_within(t->selected, node))
                t->selected = node;
}

void key_tree_select(struct key_tree *t, struct key_node *node)
{
        for (struct key_node *above = node->parent; above; above = above->parent)
                key_tree_open(t, above, true);
        t->selected = node;
}

static size_t count(const struct key_node *node)
{
        size_t n = 0;

        for (size_t i = 0; node->is_open && i < node->n_children; i++)
                n += 1 + count(node->children[i]);
        return n;
}

static void fill(struct key_tree *t, struct key_node *node)
{
        for (size_t i = 0; node->is_open && i < node->n_children; i++) {
                struct key_node *child = node->children[i];
                child->row = t->n_rows;
                t->rows[t->n_rows++] = child;
                fill(t, child);
        }
}

int key_tree_count(struct key_tree *t)
{
        if (!t->is_stale)
                return 0;
        size_t n = count(t->root);
        struct key_node **rows = n > 0 ? reallocarray(t->rows, n, sizeof(*rows)) : t->rows;
        if (n > 0 && !rows)
                return -ENOMEM;
        t->rows = rows;
        t->n_rows = 0;
        fill(t, t->root);
        t->is_stale = false;
        if (!t->selected->parent && t->n_rows > 0)
                t->selected = t->rows[0];
        return 0;
}
