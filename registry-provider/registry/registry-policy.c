/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which changes are policy: their rows stay in the history longer. A key's place is found once in a
 * transaction, and only beside those that are policy does that need its path. */

#include <errno.h>
#include <string.h>

#include "registry-internal.h"

#define TREE_DEPTH 3u

static const char *const trees[][TREE_DEPTH] = {
        { DEFAULT_HIVE, "System", "Audit" },
        { DEFAULT_HIVE, "System", "Registry" },
};

static enum policy_place place_in_tree(const struct path *path, const char *const tree[TREE_DEPTH])
{
        for (size_t i = 0; i < TREE_DEPTH && i < path->n; i++) {
                size_t len;
                const char *name = path_component(path, i, &len);
                if (!fold_equal(name, len, tree[i], strlen(tree[i])))
                        return POLICY_ELSEWHERE;
        }
        return path->n < TREE_DEPTH ? POLICY_ABOVE : POLICY_WITHIN;
}

static enum policy_place find_place(const struct registry *r, const struct path *path)
{
        for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
                enum policy_place place = place_in_tree(path, trees[i]);
                if (place != POLICY_ELSEWHERE)
                        return place;
        }
        return schema_has_key(r->schema, path) ? POLICY_ABOVE : POLICY_ELSEWHERE;
}

/* What the path of a touched key begins with is a hive, also if it was made a moment ago. */
static bool is_hive(_unused_ const char *name, _unused_ size_t len, _unused_ void *userdata)
{
        return true;
}

int registry_place_child(
        const struct registry *r, const struct touched_key *parent, const char *name, enum policy_place *ret)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_path_ struct path path = { 0 };

        if (parent && parent->place != POLICY_ABOVE) {
                *ret = parent->place;
                return 0;
        }
        text = parent ? touched_path(parent, name) : strdup(name);
        int e = text ? path_parse(text, strlen(text), is_hive, NULL, &path, NULL) : -ENOMEM;
        if (e == -ENOMEM)
                return e;
        /* What could not be written today is not policy. */
        *ret = e == 0 ? find_place(r, &path) : POLICY_ELSEWHERE;
        return 0;
}

static int is_child_policy(struct registry *r, const struct guid *parent, const char *name, bool *ret)
{
        struct touched_key *key = NULL;
        enum policy_place place = POLICY_ELSEWHERE;
        const bool is_root = guid_is_zero(parent);

        int e = is_root ? 0 : touch_key(r, parent, &key);
        if (e == 0 && (key || is_root))
                e = registry_place_child(r, key, name, &place);
        *ret = place != POLICY_ELSEWHERE;
        return e;
}

static int is_key_policy(struct registry *r, const struct guid *guid, bool *ret)
{
        const struct store_key *key = store_key(r->store, guid);

        *ret = false;
        return key ? is_child_policy(r, &key->parent, key->name, ret) : store_error(r->store, NULL);
}

static int is_bound(const struct registry *r, const struct touched_key *key, const char *name, bool *ret)
{
        _cleanup_free_ char *text = touched_path(key, NULL);
        _cleanup_path_ struct path path = { 0 };

        int e = text ? path_parse(text, strlen(text), is_hive, NULL, &path, NULL) : -ENOMEM;
        if (e < 0)
                return e;
        const struct schema_value *sv = schema_find(r->schema, &path, name);
        *ret = sv && sv->control;
        return 0;
}

/* `name`: NULL for all that are in the key. */
static int are_values_policy(struct registry *r, const struct guid *guid, const char *name, bool *ret)
{
        struct touched_key *key;

        int e = touch_key(r, guid, &key);
        if (e == 0 && key && name && key->place == POLICY_ABOVE)
                return is_bound(r, key, name, ret);
        *ret = e == 0 && key && key->place != POLICY_ELSEWHERE;
        return e;
}

int registry_is_policy(struct registry *r, const struct store_op *op, bool *ret)
{
        _cleanup_store_scope_ struct store_scope scope = store_scope_begin(r->store);

        switch (op->code) {
        case STORE_CREATE_ENTRY:
        case STORE_HIDE_ENTRY:
        case STORE_DELETE_ENTRY:
                return is_child_policy(r, &op->guid, op->name, ret);
        case STORE_CREATE_KEY:
                return is_child_policy(r, &op->target, op->name, ret);
        case STORE_DROP_KEY:
                return is_key_policy(r, &op->guid, ret);
        case STORE_SET_VALUE:
        case STORE_DELETE_VALUE:
                return are_values_policy(r, &op->guid, op->name, ret);
        case STORE_SET_BLANKET:
                return are_values_policy(r, &op->guid, NULL, ret);
        default:
                /* The store knows of the others. */
                *ret = false;
                return 0;
        }
}
