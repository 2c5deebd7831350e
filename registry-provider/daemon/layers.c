/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a change of the layers entails: metadata that are refused are told of, and drop-in files that were
 * refused are tried again. */
#include <string.h>

#include "../../schema/base/log.h"
#include "manager-internal.h"

#define METADATA "\\System\\Registry\\Layers\\"

struct check {
        struct manager *m;
        struct problems found;
};

static void on_refused(const struct layers_refused *refused, void *userdata)
{
        struct check *c = userdata;
        _cleanup_buf_ struct buf path = BUF_INIT, value = BUF_INIT, in_force = BUF_INIT, text = BUF_INIT;
        uint32_t number;

        buf_printf(&path, METADATA "%s\\%s", refused->layer, refused->name);
        buf_printf(&in_force, "%u", refused->in_force);
        value_format(&value, &refused->value, true);
        buf_printf(&text, "%s: a %s of ", buf_str(&path), value_type_symbol(refused->value.type));
        if (value_get_u32(&refused->value, &number) == 0)
                buf_printf(&text, "%u", number);
        else
                buf_printf(&text, "%zu bytes", refused->value.size);
        buf_printf(&text, ", expected %s; %s is in force instead", refused->expected, buf_str(&in_force));
        (void)problems_set(&c->found, buf_str(&path), buf_str(&text));
        report_problem(c->m, buf_str(&path), buf_str(&text),
                &(struct record){ .kind = RECORD_POLICY_REFUSED,
                        .path = buf_str(&path),
                        .old_text = buf_str(&in_force),
                        .new_text = buf_str(&value),
                        .layer = refused->layer,
                        .reason = "invalid-value",
                        .detail = buf_str(&text) });
}

void check_metadata(struct manager *m)
{
        struct check c = { .m = m };

        int r = layers_each_refused(
                registry_store(m->registry), registry_layers(m->registry), on_refused, &c);
        if (r < 0)
                log_warning("layers' metadata cannot be read: %s; ignoring", strerror(-r));
        for (size_t i = 0; r == 0 && i < m->problems.n;) {
                const char *path = m->problems.list[i].file;
                if (strncmp(path, METADATA, strlen(METADATA)) != 0 || problems_clear(&c.found, path)) {
                        i++;
                        continue;
                }
                log_notice("%s is good again", path);
                (void)clear_problem(m, path);
        }
        problems_done(&c.found);
}

void follow_layers(struct manager *m)
{
        uint64_t version = registry_layers_version(m->registry);

        if (version == m->layers_version)
                return;
        m->layers_version = version;
        if (m->refused)
                load_dropins(m);
        else
                check_metadata(m);
}
