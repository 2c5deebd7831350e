/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is followed from the registry. */

#include "manager-internal.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "../../schema/base/log.h"

static void on_told(const struct link_value *v, void *userdata)
{
        struct manager *m = userdata;
        const struct item_input input = {
                .value = v->value,
                .layer = v->layer,
                .actor = v->actor,
                .reason = v->actor && !v->is_resync ? NULL : v->reason,
                .file = v->file,
                .file_owner = v->file_owner,
                .sequence = v->sequence,
                .is_resync = v->is_resync,
        };

        int r = settings_input(&m->settings, v->key, v->name, &input);
        for (size_t i = 0; r >= 0 && i < m->n_items; i++) {
                const struct schema_value *sv = m->items[i]->sv;
                if (strcmp(sv->key.text, v->key) == 0 && strcmp(sv->name, v->name) == 0)
                        r = item_input(m->items[i], &input);
        }
        if (r < 0)
                log_error("%s\\%s: out of memory; the value in force stays", v->key, v->name);
}

static void on_link_state(bool connected, const char *problem, void *userdata)
{
        struct manager *m = userdata;

        if (connected)
                log_info("following the registry");
        else if (!m->context.registry_missed)
                log_warning("the registry does not answer (%s); the policy in force stays", problem);
        m->context.registry_missed = !connected;
        for (size_t i = 0; !connected && i < m->n_items; i++)
                item_registry_absent(m->items[i]);
        (void)sd_notifyf(0, "STATUS=%s, TaintEvents is %s",
                connected ? "Following the registry" : "No registry",
                m->taint_events->accepted ? m->taint_events->accepted : "unset");
}

static void add(struct manager *m, const struct schema_value *sv)
{
        m->followed_keys[m->n_followed] = &sv->key;
        m->followed_names[m->n_followed++] = sv->name;
}

int manager_follow(struct manager *m)
{
        size_t n = m->n_items + m->settings.n;

        m->followed_keys = calloc(n, sizeof(*m->followed_keys));
        m->followed_names = calloc(n, sizeof(*m->followed_names));
        if (!m->followed_keys || !m->followed_names)
                return -ENOMEM;
        for (size_t i = 0; i < m->n_items; i++)
                add(m, m->items[i]->sv);
        for (size_t i = 0; i < m->settings.n; i++)
                add(m, m->settings.list[i]->config.sv);
        const struct link_config config = {
                .bus = m->bus,
                .keys = m->followed_keys,
                .names = m->followed_names,
                .n = m->n_followed,
                .told = on_told,
                .state = on_link_state,
                .userdata = m,
        };
        return link_new(&config, &m->link);
}
