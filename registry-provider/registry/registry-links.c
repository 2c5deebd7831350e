/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a path with links in it stands for. All else, here and above, is done to the path that is found. */
#include "transaction.h"

#include <errno.h>
#include <string.h>

void registry_way_done(struct registry_way *w)
{
        for (size_t i = 0; i < w->n; i++) {
                free(w->links[i].path);
                free(w->links[i].target);
        }
        path_done(&w->followed);
        *w = (struct registry_way){ 0 };
}

/* A path says itself where it begins: with a separator, or a hive's name. */
static bool is_absolute(const char *target, const struct path *path)
{
        size_t len;
        const char *hive = path_component(path, 0, &len);
        const size_t given = strcspn(target, "\\/");

        return given == 0 || fold_equal(target, given, hive, len);
}

int registry_join_link(const char *target, const char *rest, path_is_hive_t is_hive, void *userdata,
        struct path *ret, struct diag *d)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf whole = BUF_INIT;

        int e = path_parse(target, strlen(target), is_hive, userdata, &path, d);
        if (e == 0 && !is_absolute(target, &path))
                return registry_fail(
                        d, REGISTRY_BAD_LINK, "'%s' begins with no hive's name, expected one", target);
        if (e == 0) {
                buf_printf(&whole, "%s%s", path.text, rest);
                e = whole.error ? whole.error
                                : path_parse(buf_str(&whole), whole.len, is_hive, userdata, ret, d);
        }
        return e < 0 && e != -ENOMEM ? REGISTRY_BAD_LINK : e;
}

static bool is_hive(const char *name, size_t len, void *userdata)
{
        return hives_find(userdata, name, len) != NULL;
}

/* The link's target with what stands behind the link. */
static int join(const struct registry *r, const struct registry_link *link, const char *rest,
        struct path *ret, struct diag *d)
{
        int e = registry_join_link(link->target, rest, is_hive, (void *)registry_hives(r), ret, d);

        if (e > 0 && d)
                diag_prefix(d, "%s: a link, whose target cannot be followed", link->path);
        return e;
}

static int read_target(
        const struct registry *r, const struct guid *key, struct registry_link *link, struct diag *d)
{
        const struct store_value_entry *v = NULL;

        int e = resolve_value(registry_store(r), registry_layers(r), key, "", 0, &v);
        if (e == -ENOENT)
                return registry_fail(d, REGISTRY_BAD_LINK,
                        "%s: a link without a target, expected a REG_LINK as its default value", link->path);
        if (e < 0)
                return registry_code(e);
        if (v->type != REG_LINK)
                return registry_fail(d, REGISTRY_BAD_LINK,
                        "%s: a link whose default value has type %u, expected a REG_LINK", link->path,
                        v->type);
        if (memchr(v->data, '\0', v->size))
                return registry_fail(d, REGISTRY_BAD_LINK,
                        "%s: a link with a NUL in its target, expected a path", link->path);
        link->target = strndup(v->data, v->size);
        return link->target ? 0 : -ENOMEM;
}

/* The last link is one too many: in a circle, or not. */
static int refuse_loop(const struct registry_way *w, struct diag *d)
{
        const char *last = w->links[w->n - 1].path;
        _cleanup_buf_ struct buf names = BUF_INIT;
        size_t first = w->n - 1;

        while (first > 0 && !fold_same(w->links[first - 1].path, last))
                first--;
        const bool is_circle = first > 0;
        for (size_t i = is_circle ? first - 1 : 0; i < w->n; i++)
                buf_printf(&names, "%s%s", names.len > 0 ? " to " : "", w->links[i].path);
        return registry_fail(d, REGISTRY_LINK_LOOP, "%s: more than %u links, one behind the other%s: %s",
                w->links[0].path, REGISTRY_LINKS_MAX, is_circle ? ", in a circle" : "",
                names.error ? last : buf_str(&names));
}

/* Component number `depth` of the path is a link. */
static int take_link(const struct registry *r, struct registry_way *w, const struct guid *key, size_t depth,
        struct diag *d)
{
        struct registry_link *link = &w->links[w->n++];
        const size_t len = w->path->ends[depth];
        struct path next = { 0 };

        *link = (struct registry_link){ .path = strndup(w->path->text, len) };
        if (!link->path)
                return -ENOMEM;
        if (w->n > REGISTRY_LINKS_MAX)
                return refuse_loop(w, d);
        int e = read_target(r, key, link, d);
        if (e == 0)
                e = join(r, link, w->path->text + len, &next, d);
        if (e != 0)
                return e;
        path_done(&w->followed);
        w->followed = next;
        w->path = &w->followed;
        return 0;
}

/* 1: there is a link, and *ret_depth is its component's number; 0: none, as far as there are keys; or
 * negative errno. */
static int find_link(
        const struct registry *r, const struct path *path, bool of_link, struct guid *ret, size_t *ret_depth)
{
        size_t len;
        const char *name = path_component(path, 0, &len);
        const struct hive_root *hive = hives_find(registry_hives(r), name, len);

        return hive ? resolve_link(registry_store(r), registry_layers(r), &hive->root, path,
                              path->n - (of_link ? 1 : 0), ret, ret_depth)
                    : 0;
}

int registry_follow(const struct registry *r, const struct path *path, bool of_link,
        struct registry_way *ret, struct diag *d)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(r);
        struct guid link;
        size_t depth;
        int e;

        ret->path = path;
        while ((e = find_link(r, ret->path, of_link, &link, &depth)) > 0) {
                e = take_link(r, ret, &link, depth, d);
                if (e != 0)
                        return e;
        }
        return registry_code(e);
}

int registry_explain_way(const struct registry_way *w, int e, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (e != REGISTRY_NOT_FOUND || w->n == 0 || !d)
                return e;
        buf_puts(&text, d->text);
        for (size_t i = 0; i < w->n; i++)
                buf_printf(&text, "; %s is a link to %s", w->links[i].path, w->links[i].target);
        return registry_fail(d, e, "%s", buf_str(&text));
}

/* ---- Changes ---- */

bool transaction_knows_way(const struct transaction *tx, const struct registry_write *w)
{
        return tx->way.layer && tx->way.of_link == w->of_link &&
               strcmp(buf_str(&tx->way.path), w->path->text) == 0;
}

int transaction_follow(const struct transaction *tx, const struct registry_write *w, bool is_removed,
        struct registry_way *ret, struct diag *d)
{
        if (transaction_knows_way(tx, w)) {
                ret->path = w->path;
                return 0;
        }
        int e = registry_follow(tx->registry, w->path, w->of_link, ret, d);
        /* What two layers name in such a way that it cannot be told apart leads nowhere, and a write may
         * mend it; a link whose target is so is not the key that is meant. */
        if (e == REGISTRY_CORRUPT && (ret->n == 0 || ret->links[ret->n - 1].target))
                e = 0;
        /* Who may change those was asked of the path that was given. */
        if (e == 0 && ret->n > 0 && layers_is_metadata(ret->path, is_removed))
                return registry_fail(d, REGISTRY_INVALID_NAME,
                        "%s: what layers are made of is not changed through a link, expected %s",
                        w->path->text, ret->path->text);
        return e;
}

int transaction_check_link(const struct path *path, struct diag *d)
{
        if (path->n < 2)
                return registry_fail(d, REGISTRY_INVALID_NAME, "%s: a hive cannot be a link", path->text);
        return layers_is_metadata(path, true)
                       ? registry_fail(d, REGISTRY_INVALID_NAME,
                                 "%s: what layers are made of cannot be a link", path->text)
                       : 0;
}

int transaction_check_link_value(const struct transaction *tx, const struct guid *key,
        const struct path *path, const char *name, uint32_t type, struct diag *d)
{
        const struct store_key *k = store_key(tx->store, key);

        if (!k || !k->is_link || (name[0] == '\0' && (type == REG_LINK || type == REG_TOMBSTONE)))
                return store_error(tx->store, d);
        return registry_fail(d, REGISTRY_INVALID_VALUE,
                "%s: a link, which has no value but its default one, a REG_LINK", path->text);
}
