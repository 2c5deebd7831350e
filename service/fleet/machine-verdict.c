/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/layout.h"
#include "../../schema/names/path.h"
#include "json-read.h"

const char *const machine_state_words[MACHINE_STATES_N] = {
        [MACHINE_SILENT] = "silent",
        [MACHINE_NONSENSE] = "nonsense",
        [MACHINE_REFUSED] = "refused",
        [MACHINE_BEHIND] = "behind",
        [MACHINE_BEATEN] = "beaten",
        [MACHINE_DRIFTED] = "drifted",
        [MACHINE_TAINTED] = "tainted",
        [MACHINE_STAGED] = "staged",
        [MACHINE_IN_FORCE] = "in-force",
};

struct machine_verdict {
        struct json_object *root; /* NULL: it is no object */
};

/* ---- JSON ---- */

static const char *text_of(struct json_object *o, const char *name)
{
        const char *found = json_read_text(o, name);

        return found ? found : "";
}

static size_t length(struct json_object *list)
{
        return list ? json_object_array_length(list) : 0;
}

static struct json_object *list_of(const struct machine_verdict *v, const char *name)
{
        return json_read_member(v->root, name, json_type_array);
}

int machine_verdict_read(const char *text, size_t n, struct machine_verdict **ret)
{
        _cleanup_(machine_verdict_freep) struct machine_verdict *v = calloc(1, sizeof(*v));
        const char *why;

        int r = v ? json_read(text, n, &v->root, &why) : -ENOMEM;
        if (r < 0)
                return r;
        if (v->root && !json_object_is_type(v->root, json_type_object)) {
                (void)json_object_put(v->root);
                v->root = NULL;
        }
        *ret = STEAL_PTR(v);
        return 0;
}

struct machine_verdict *machine_verdict_free(struct machine_verdict *v)
{
        if (!v)
                return NULL;
        if (v->root)
                (void)json_object_put(v->root);
        free(v);
        return NULL;
}

const char *machine_verdict_text(const struct machine_verdict *v, const char *name)
{
        return text_of(v->root, name);
}

const char *machine_verdict_pretty(const struct machine_verdict *v)
{
        return v->root ? json_object_to_json_string_ext(
                                 v->root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED)
                       : "null";
}

/* ---- what it comes to ---- */

bool machine_verdict_is_in(const struct machine_verdict *v, const char *group)
{
        struct json_object *list = list_of(v, "member-of");

        for (size_t i = 0; i < length(list); i++) {
                struct json_object *o = json_object_array_get_idx(list, i);
                if (json_object_is_type(o, json_type_string) &&
                        strcmp(json_object_get_string(o), group) == 0)
                        return true;
        }
        return false;
}

static struct json_object *find(struct json_object *list, const char *member_name, const char *text)
{
        for (size_t i = 0; i < length(list); i++) {
                struct json_object *o = json_object_array_get_idx(list, i);
                if (strcmp(text_of(o, member_name), text) == 0)
                        return o;
        }
        return NULL;
}

static struct json_object *group_of(const struct machine_verdict *v, const struct machine_group *g)
{
        return find(list_of(v, "groups"), "group", g->name);
}

static struct json_object *layer_of(const struct machine_verdict *v, const struct machine_group *g)
{
        _cleanup_buf_ struct buf layer = BUF_INIT;

        buf_printf(&layer, LAYER_FLEET "%s", g->name);
        return find(list_of(v, "layers"), "layer", buf_str(&layer));
}

/* By the machine, or by its registry, which has limits that nobody knows who signs. */
static bool is_refused(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        _cleanup_buf_ struct buf file = BUF_INIT;

        buf_printf(&file, LAYOUT_DROPINS_FLEET "/" LAYER_FLEET "%s.yaml", g->name);
        const char *reason = text_of(group_of(v, g), "refused");
        if (!reason[0])
                reason = text_of(find(list_of(v, "registry-problems"), "where", buf_str(&file)), "text");
        if (reason[0])
                buf_printf(why, "%s: %s", g->name, reason);
        return reason[0];
}

/* What is in force is what the registry has, and that is what was accepted only when it has taken it. */
static bool is_behind(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        struct json_object *group = group_of(v, g), *layer = layer_of(v, g);
        const uint64_t accepted = json_read_number(group, "serial");
        const bool has_another = layer && json_read_number(layer, "serial") != accepted;

        if (g->serial != 0 && accepted != g->serial && json_read_number(group, "staged") != g->serial)
                buf_printf(
                        why, "%s: serial %" PRIu64 ", published is %" PRIu64, g->name, accepted, g->serial);
        else if (accepted != 0 && !list_of(v, "layers"))
                buf_printf(
                        why, "%s: serial %" PRIu64 ", and its registry does not answer", g->name, accepted);
        else if (has_another)
                buf_printf(why, "%s: serial %" PRIu64 ", its registry has %" PRIu64, g->name, accepted,
                        json_read_number(layer, "serial"));
        return why->len > 0;
}

/* A file of the same name elsewhere is in place of it, or another layer won a value. */
static bool is_beaten(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        struct json_object *above = list_of(v, "above"), *values = list_of(v, "values");
        const char *file = text_of(layer_of(v, g), "file");

        if (json_read_number(group_of(v, g), "serial") == 0)
                return false;
        if (strncmp(file, LAYOUT_DROPINS_FLEET "/", strlen(LAYOUT_DROPINS_FLEET) + 1) != 0) {
                buf_printf(why, "%s: %s", g->name, file[0] ? file : "its registry has no such layer");
                return true;
        }
        for (size_t i = 0; i < length(values); i++) {
                struct json_object *value = json_object_array_get_idx(values, i);
                if (!find(above, "layer", text_of(value, "layer")))
                        continue;
                buf_printf(why, "%s: layer %s", text_of(value, "value"), text_of(value, "layer"));
                return true;
        }
        return false;
}

static bool is_staged(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        const uint64_t staged = json_read_number(group_of(v, g), "staged");

        if (g->serial == 0 || staged != g->serial)
                return false;
        buf_printf(why, "%s: serial %" PRIu64 ", others have %" PRIu64 " first", g->name,
                json_read_number(group_of(v, g), "serial"), staged);
        return true;
}

static bool is_drifted(const struct machine_verdict *v, struct buf *why)
{
        struct json_object *values = list_of(v, "values");
        uint64_t drifts = json_read_number(v->root, "drifts");

        for (size_t i = 0; i < length(values); i++) {
                struct json_object *value = json_object_array_get_idx(values, i);
                if (text_of(value, "error")[0] == '\0')
                        continue;
                buf_printf(why, "%s: %s", text_of(value, "value"), text_of(value, "error"));
                return true;
        }
        if (drifts > 0)
                buf_printf(why, "%" PRIu64 " foreign changes", drifts);
        return drifts > 0;
}

static bool is_tainted(const struct machine_verdict *v, struct buf *why)
{
        uint64_t bits = json_read_number(v->root, "tainted") & ~json_read_number(v->root, "taint-accepted");

        if (bits != 0)
                buf_printf(why, "0x%" PRIx64, bits);
        return bits != 0;
}

typedef bool (*group_fn)(const struct machine_verdict *v, const struct machine_group *g, struct buf *why);

static bool any_group(const struct machine_verdict *v, group_fn is, const struct machine_group *published,
        size_t n, struct buf *why)
{
        for (size_t i = 0; i < n; i++)
                if (machine_verdict_is_in(v, published[i].name) && is(v, &published[i], why))
                        return true;
        return false;
}

enum machine_state machine_verdict_judge(const struct machine_verdict *v, bool is_alive,
        const struct machine_group *published, size_t n_published, struct buf *ret_why)
{
        static const struct {
                group_fn is;
                enum machine_state state;
        } of_groups[] = {
                { is_refused, MACHINE_REFUSED },
                { is_behind, MACHINE_BEHIND },
                { is_beaten, MACHINE_BEATEN },
        };

        if (!is_alive)
                return MACHINE_SILENT;
        if (!v->root)
                return MACHINE_NONSENSE;
        for (size_t i = 0; i < ARRAY_SIZE(of_groups); i++)
                if (any_group(v, of_groups[i].is, published, n_published, ret_why))
                        return of_groups[i].state;
        if (is_drifted(v, ret_why))
                return MACHINE_DRIFTED;
        if (is_tainted(v, ret_why))
                return MACHINE_TAINTED;
        return any_group(v, is_staged, published, n_published, ret_why) ? MACHINE_STAGED : MACHINE_IN_FORCE;
}
