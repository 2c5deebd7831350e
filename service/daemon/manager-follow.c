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

        if (settings_input(&m->settings, v) < 0)
                log_error("%s\\%s: out of memory; the value in force stays", v->key, v->name);
}

static void on_link_state(bool connected, const char *problem, void *userdata)
{
        struct manager *m = userdata;

        if (connected)
                log_info("following the registry");
        else if (!m->settings.registry_missed)
                log_warning("the registry does not answer (%s); the policy in force stays", problem);
        m->settings.registry_missed = !connected;
        if (connected)
                settings_end_start(&m->settings);
        (void)sd_notifyf(0, "STATUS=%s, TaintEvents is %s",
                connected ? "Following the registry" : "No registry",
                setting_shown(m->settings.taint_events->accepted));
}

int manager_follow(struct manager *m)
{
        size_t n = m->settings.n;
        _cleanup_free_ const struct path **keys = calloc(n, sizeof(*keys));
        _cleanup_free_ const char **names = calloc(n, sizeof(*names));

        if (!keys || !names)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                keys[i] = &m->settings.list[i]->sv->key;
                names[i] = m->settings.list[i]->sv->name;
        }
        const struct link_config config = {
                .bus = m->bus,
                .keys = keys,
                .names = names,
                .n = n,
                .told = on_told,
                .state = on_link_state,
                .userdata = m,
        };
        int r = m->link ? link_follow(m->link, keys, names, n) : link_new(&config, &m->link);
        if (r < 0)
                return r;
        free(m->followed_keys);
        free(m->followed_names);
        m->followed_keys = STEAL_PTR(keys);
        m->followed_names = STEAL_PTR(names);
        return 0;
}
