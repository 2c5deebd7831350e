/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "standing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/utsname.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/base/json.h"
#include "../../schema/layout.h"
#include "../fleet/fleet-state.h"

/* Members of an object whose braces somebody else writes. */
static struct json begin_members(struct buf *out)
{
        return (struct json){ .out = out };
}

static void add_text(struct json *j, const char *name, const char *text)
{
        size_t n = strlen(text);

        json_key(j, name);
        json_string_n(j, text, n < STANDING_TEXT_MAX ? n : STANDING_TEXT_MAX);
}

int standing_text_machine(const char *root, struct buf *out)
{
        struct json j = begin_members(out);
        char boot[BOOT_ID_MAX];
        struct utsname names;

        (void)clock_boot_id(root, boot);
        if (uname(&names) < 0)
                return -errno;
        add_text(&j, "host", names.nodename);
        add_text(&j, "kernel", names.release);
        add_text(&j, "boot", boot);
        return out->error;
}

/* ---- properties ---- */

/* Reads one property, whose variant is entered. */
typedef int (*property_fn)(sd_bus_message *m, struct json *j, const char *member);

static int put_number(sd_bus_message *m, struct json *j, const char *member)
{
        uint64_t v;
        int r = sd_bus_message_read(m, "t", &v);

        if (r >= 0)
                json_add_number(j, member, v);
        return r;
}

static int put_text(sd_bus_message *m, struct json *j, const char *member)
{
        const char *v;
        int r = sd_bus_message_read(m, "s", &v);

        if (r >= 0)
                add_text(j, member, v);
        return r;
}

static int put_texts(sd_bus_message *m, struct json *j, const char *member)
{
        const char *v;
        int r = sd_bus_message_enter_container(m, 'a', "s");

        json_key(j, member);
        json_begin_array(j);
        while (r >= 0 && (r = sd_bus_message_read(m, "s", &v)) > 0)
                json_string(j, v);
        json_end_array(j);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int put_problems(sd_bus_message *m, struct json *j, const char *member)
{
        const char *where, *text;
        size_t n = 0;
        int r = sd_bus_message_enter_container(m, 'a', "(ss)");

        json_key(j, member);
        json_begin_array(j);
        while (r >= 0 && (r = sd_bus_message_read(m, "(ss)", &where, &text)) > 0) {
                if (n++ >= STANDING_PROBLEMS_MAX)
                        continue;
                json_begin_object(j);
                add_text(j, "where", where);
                add_text(j, "text", text);
                json_end_object(j);
        }
        json_end_array(j);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

struct property {
        const char *name, *signature, *member;
        property_fn put;
};

static int put_property(
        sd_bus_message *m, struct json *j, const struct property *list, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++) {
                if (strcmp(list[i].name, name) != 0)
                        continue;
                int r = sd_bus_message_enter_container(m, 'v', list[i].signature);
                if (r >= 0)
                        r = list[i].put(m, j, list[i].member);
                return r < 0 ? r : sd_bus_message_exit_container(m);
        }
        return sd_bus_message_skip(m, "v");
}

/* a{sv} of GetAll(). */
static int put_properties(sd_bus_message *m, struct json *j, const struct property *list, size_t n)
{
        const char *name;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0)
                        r = put_property(m, j, list, n, name);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : j->out->error;
}

int standing_text_policy(sd_bus_message *m, struct buf *out)
{
        static const struct property list[] = {
                { "Version", "s", "policy-service", put_text },
                { "Tainted", "t", "tainted", put_number },
                { "TaintAccepted", "t", "taint-accepted", put_number },
                { "TaintFlags", "as", "taints", put_texts },
                { "Drifts", "t", "drifts", put_number },
                { "Refused", "t", "refused-values", put_number },
                { "Problems", "a(ss)", "policy-problems", put_problems },
        };
        struct json j = begin_members(out);

        return put_properties(m, &j, list, ARRAY_SIZE(list));
}

static void put_value(struct json *j, const char *const texts[10], bool live)
{
        json_begin_object(j);
        add_text(j, "value", texts[0]);
        add_text(j, "written", texts[1]);
        add_text(j, "layer", texts[2]);
        add_text(j, "accepted", texts[3]);
        if (texts[4][0])
                add_text(j, "pending", texts[4]);
        json_add_bool(j, "live", live);
        if (texts[7][0])
                add_text(j, "error", texts[7]);
        json_end_object(j);
}

int standing_text_values(sd_bus_message *m, struct buf *out)
{
        struct json j = begin_members(out);
        const char *t[10] = { 0 };
        size_t n = 0;
        int live, r = sd_bus_message_enter_container(m, 'a', "(ssssssbsssts)");

        json_key(&j, "values");
        json_begin_array(&j);
        while (r >= 0 && (r = sd_bus_message_read(m, "(ssssssbsssts)", &t[0], &t[1], &t[2], &t[3], &t[4],
                                  &t[5], &live, &t[6], &t[7], &t[8], NULL, NULL)) > 0)
                if (n++ < STANDING_VALUES_MAX)
                        put_value(&j, t, live);
        json_end_array(&j);
        return r < 0 ? r : out->error;
}

/* a(substs): the fleet's, whatever file they are from, and what stands above all of those. */
struct layer {
        const char *name, *file;
        uint32_t precedence;
        int enabled;
        uint64_t serial; /* of the policy that the registry has taken; 0: it is none of the fleet's */
};

static void put_layer(struct json *j, const struct layer *l)
{
        json_begin_object(j);
        add_text(j, "layer", l->name);
        json_add_number(j, "precedence", l->precedence);
        if (l->file[0])
                add_text(j, "file", l->file);
        if (l->serial != 0)
                json_add_number(j, "serial", l->serial);
        if (!l->enabled)
                json_add_bool(j, "enabled", false);
        json_end_object(j);
}

/* The first round finds out how high the fleet's stand; the second writes. */
static int read_layers(sd_bus_message *m, struct json *j, bool of_fleet, uint32_t *highest)
{
        struct layer l;
        int r = sd_bus_message_enter_container(m, 'a', "(substs)");

        while (r >= 0 && (r = sd_bus_message_read(m, "(substs)", &l.name, &l.precedence, &l.enabled, &l.file,
                                  &l.serial, NULL)) > 0) {
                const bool is_of_fleet = path_is_fleet_layer(l.name, strlen(l.name));
                if (is_of_fleet != of_fleet || (!of_fleet && (!l.enabled || l.precedence < *highest)))
                        continue;
                if (of_fleet && l.enabled && l.precedence > *highest)
                        *highest = l.precedence;
                put_layer(j, &l);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r;
}

static int put_layers(sd_bus_message *m, struct json *j, const char *member)
{
        uint32_t highest = 0;

        json_key(j, member);
        json_begin_array(j);
        int r = read_layers(m, j, true, &highest);
        json_end_array(j);
        if (r < 0 || highest == 0)
                return r;
        r = sd_bus_message_rewind(m, false);
        if (r < 0)
                return r;
        json_key(j, "above");
        json_begin_array(j);
        r = read_layers(m, j, false, &highest);
        json_end_array(j);
        return r;
}

int standing_text_registry(sd_bus_message *m, struct buf *out)
{
        static const struct property list[] = {
                { "Version", "s", "registry", put_text },
                { "Layers", "a(substs)", "layers", put_layers },
                { "Problems", "a(ss)", "registry-problems", put_problems },
        };
        struct json j = begin_members(out);

        return put_properties(m, &j, list, ARRAY_SIZE(list));
}

/* ---- the fleet's policies ---- */

static bool is_accepted(const struct fleet_serial *accepted, const struct buf *text)
{
        struct signed_text parts;

        return accepted && signed_split(buf_str(text), text->len, &parts) &&
               memcmp(parts.signature, accepted->signature, sizeof(parts.signature)) == 0;
}

/* What was fetched last, where it was judged and is not what was accepted last; NULL: it is, or was not. */
static const struct fleet_refused *find_left_out(const char *root, const struct fleet_state *state,
        const char *group, const struct fleet_serial *accepted)
{
        _cleanup_buf_ struct buf name = BUF_INIT, text = BUF_INIT;
        _cleanup_free_ char *path = NULL;

        buf_printf(&name, LAYOUT_FLEET_INCOMING "/%s.yaml", group);
        path = name.error ? NULL : file_path(root, buf_str(&name));
        if (!path || file_read(AT_FDCWD, path, FLEET_POLICY_BYTES_MAX, &text, NULL, NULL) < 0 ||
                is_accepted(accepted, &text))
                return NULL;
        const struct fleet_refused fetched = fleet_refused_of(group, FLEET_GOOD, 0, &text);
        return fleet_state_refusal(state, &fetched);
}

static bool is_highest(const struct fleet_state *state, const struct fleet_serial *s)
{
        return fleet_state_serial(state, s->group) == s->serial;
}

static void put_group(struct json *j, const char *root, const struct fleet_state *state, const char *group,
        const struct fleet_serial *serial)
{
        const struct fleet_refused *left_out = find_left_out(root, state, group, serial);
        char key[SEAL_SIGNER_MAX];

        json_begin_object(j);
        add_text(j, "group", group);
        if (serial) {
                json_add_number(j, "serial", serial->serial);
                json_add_string(j, "key", signed_key_text(serial->key, key));
        }
        if (left_out && left_out->why == FLEET_STAGED)
                json_add_number(j, "staged", left_out->serial);
        else if (left_out)
                json_add_string(j, "refused", fleet_verdict_reason(left_out->why));
        json_end_object(j);
}

/* Of a group of which nothing was accepted yet the refusal is all. */
static bool is_first_refusal(const struct fleet_state *state, size_t at)
{
        const char *group = state->refused[at].group;

        for (size_t i = 0; i < at; i++)
                if (strcmp(state->refused[i].group, group) == 0)
                        return false;
        return fleet_group_is_valid(group, strlen(group)) && fleet_state_serial(state, group) == 0;
}

int standing_text_groups(const char *root, struct buf *out)
{
        _cleanup_fleet_state_ struct fleet_state state = { 0 };
        struct json j = begin_members(out);
        struct diag d = { 0 };

        int r = fleet_state_load(root, &state, &d);
        if (r < 0)
                return r;
        json_key(&j, "groups");
        json_begin_array(&j);
        for (size_t i = 0; i < state.n_serials; i++)
                if (is_highest(&state, &state.serials[i]))
                        put_group(&j, root, &state, state.serials[i].group, &state.serials[i]);
        for (size_t i = 0; i < state.n_refused; i++)
                if (is_first_refusal(&state, i))
                        put_group(&j, root, &state, state.refused[i].group, NULL);
        json_end_array(&j);
        return out->error;
}
