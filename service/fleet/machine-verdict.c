/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine-verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "../../schema/layout.h"

#define DEPTH_MAX 12

const char *const machine_state_words[MACHINE_STATES_N] = {
        [MACHINE_SILENT] = "silent",
        [MACHINE_NONSENSE] = "nonsense",
        [MACHINE_REFUSED] = "refused",
        [MACHINE_BEHIND] = "behind",
        [MACHINE_BEATEN] = "beaten",
        [MACHINE_DRIFTED] = "drifted",
        [MACHINE_TAINTED] = "tainted",
        [MACHINE_IN_FORCE] = "in-force",
};

struct machine_verdict {
        struct json_object *root; /* NULL: it is no object */
};

/* ---- JSON ---- */

static struct json_object *member(struct json_object *o, const char *name, enum json_type type)
{
        struct json_object *found = NULL;

        if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, name, &found))
                return NULL;
        return json_object_is_type(found, type) ? found : NULL;
}

static const char *text_of(struct json_object *o, const char *name)
{
        struct json_object *found = member(o, name, json_type_string);

        return found ? json_object_get_string(found) : "";
}

static uint64_t number_of(struct json_object *o, const char *name)
{
        struct json_object *found = member(o, name, json_type_int);

        return found ? json_object_get_uint64(found) : 0;
}

static size_t length(struct json_object *list)
{
        return list ? json_object_array_length(list) : 0;
}

static struct json_object *list_of(const struct machine_verdict *v, const char *name)
{
        return member(v->root, name, json_type_array);
}

int machine_verdict_read(const char *text, size_t n, struct machine_verdict **ret)
{
        struct machine_verdict *v = calloc(1, sizeof(*v));
        struct json_tokener *tokener = v && n <= INT32_MAX ? json_tokener_new_ex(DEPTH_MAX) : NULL;

        if (!tokener) {
                free(v);
                return -ENOMEM;
        }
        json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
        v->root = json_tokener_parse_ex(tokener, text, (int)n);
        json_tokener_free(tokener);
        if (v->root && !json_object_is_type(v->root, json_type_object)) {
                (void)json_object_put(v->root);
                v->root = NULL;
        }
        *ret = v;
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

static bool is_refused(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        const char *reason = text_of(find(list_of(v, "groups"), "group", g->name), "refused");

        if (reason[0])
                buf_printf(why, "%s: %s", g->name, reason);
        return reason[0];
}

static bool is_behind(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        uint64_t serial = number_of(find(list_of(v, "groups"), "group", g->name), "serial");

        if (g->serial == 0 || serial == g->serial)
                return false;
        buf_printf(why, "%s: serial %" PRIu64 ", published is %" PRIu64, g->name, serial, g->serial);
        return true;
}

/* A file of the same name elsewhere is in place of it, or another layer won a value. */
static bool is_beaten(const struct machine_verdict *v, const struct machine_group *g, struct buf *why)
{
        struct json_object *above = list_of(v, "above"), *values = list_of(v, "values");
        _cleanup_buf_ struct buf layer = BUF_INIT;

        buf_printf(&layer, "fleet-%s", g->name);
        struct json_object *own = find(list_of(v, "layers"), "layer", buf_str(&layer));
        const char *file = text_of(own, "file");
        if (number_of(find(list_of(v, "groups"), "group", g->name), "serial") == 0)
                return false;
        if (!own || (file[0] && strncmp(file, LAYOUT_DROPINS_FLEET "/", strlen(LAYOUT_DROPINS_FLEET) + 1) !=
                                        0)) {
                buf_printf(why, "%s: %s", g->name, file[0] ? file : "its layer is masked");
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

static bool is_drifted(const struct machine_verdict *v, struct buf *why)
{
        struct json_object *values = list_of(v, "values");
        uint64_t drifts = number_of(v->root, "drifts");

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
        uint64_t bits = number_of(v->root, "tainted") & ~number_of(v->root, "taint-accepted");

        if (bits != 0)
                buf_printf(why, "0x%" PRIx64, bits);
        return bits != 0;
}

enum machine_state machine_verdict_judge(const struct machine_verdict *v, bool is_alive,
        const struct machine_group *published, size_t n_published, struct buf *ret_why)
{
        static const struct {
                bool (*is)(const struct machine_verdict *v, const struct machine_group *g, struct buf *why);
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
                for (size_t k = 0; k < n_published; k++)
                        if (machine_verdict_is_in(v, published[k].name) &&
                                of_groups[i].is(v, &published[k], ret_why))
                                return of_groups[i].state;
        if (is_drifted(v, ret_why))
                return MACHINE_DRIFTED;
        return is_tainted(v, ret_why) ? MACHINE_TAINTED : MACHINE_IN_FORCE;
}
