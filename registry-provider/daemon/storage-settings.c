/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The provider's own settings, which are values of its own registry. One that is refused leaves what was in
 * force. */
#include "storage-settings.h"

#include <inttypes.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "manager-internal.h"

#define HISTORY_KEY "\\System\\Registry\\History"
#define BACKUPS_KEY "\\System\\Registry\\Backups"
#define DAY_USEC UINT64_C(86400000000)
#define HOUR_USEC UINT64_C(3600000000)

static void refuse(struct manager *m, const char *path, const struct registry_value *v, uint64_t in_force,
        const struct diag *why)
{
        _cleanup_buf_ struct buf value = BUF_INIT, text = BUF_INIT, old = BUF_INIT;

        buf_printf(&old, "%" PRIu64, in_force);
        value_format(&value, &v->value, true);
        buf_printf(&text, "%s (layer %s): %s; what was in force stays", path, v->layer, why->text);
        report_problem(m, path, buf_str(&text),
                &(struct record){ .kind = RECORD_POLICY_REFUSED,
                        .path = path,
                        .old_text = buf_str(&old),
                        .new_text = buf_str(&value),
                        .layer = v->layer,
                        .reason = "invalid-value",
                        .detail = buf_str(&text) });
}

/* A number as the schema allows it. */
static void load_number(struct manager *m, const char *key, const char *name, uint64_t unit, uint64_t *ret)
{
        _cleanup_store_scope_ struct store_scope scope = registry_scope(m->registry);
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf full = BUF_INIT;
        _cleanup_free_ char *text = NULL;
        struct registry_value v;
        struct diag why = { 0 };
        uint32_t number;

        buf_printf(&full, "%s\\%s", key, name);
        if (full.error < 0 || registry_path(m->registry, key, &path, NULL) < 0 ||
                registry_get(m->registry, &path, name, &v, NULL) < 0)
                return;
        const struct schema_value *sv = schema_find(m->schema, &path, name);
        if (!sv)
                return;
        if (schema_check(sv, &v.value, &text, &why) < 0 || value_get_u32(&v.value, &number) < 0) {
                refuse(m, buf_str(&full), &v, *ret / unit, &why);
                return;
        }
        *ret = number * unit;
        if (clear_problem(m, buf_str(&full)))
                log_notice("%s is good again", buf_str(&full));
}

void storage_settings_load(struct manager *m)
{
        struct store_prune_limits *history = &m->settings.history;
        struct upkeep_config upkeep = m->settings.upkeep;
        uint64_t kept = upkeep.backups_kept;

        load_number(m, HISTORY_KEY, "Days", DAY_USEC, &history->age);
        load_number(m, HISTORY_KEY, "Rows", 1, &history->rows);
        load_number(m, HISTORY_KEY, "Megabytes", 1 << 20, &history->bytes);
        load_number(m, HISTORY_KEY, "PolicyMegabytes", 1 << 20, &history->policy_bytes);
        load_number(m, BACKUPS_KEY, "Hours", HOUR_USEC, &upkeep.backup_interval);
        load_number(m, BACKUPS_KEY, "Kept", 1, &kept);
        upkeep.backups_kept = kept;
        if (memcmp(&upkeep, &m->settings.upkeep, sizeof(upkeep)) != 0)
                upkeep_configure(m->upkeep, &upkeep);
        m->settings.upkeep = upkeep;
}
