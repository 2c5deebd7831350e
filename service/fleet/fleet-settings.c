/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-settings.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/bus/client.h"
#include "fleet-policy.h"

#define ANSWER_USEC UINT64_C(30000000)

void fleet_settings_done(struct fleet_settings *s)
{
        for (size_t i = 0; s->groups && s->groups[i]; i++)
                free(s->groups[i]);
        free(s->groups);
        *s = (struct fleet_settings){ 0 };
}

/* What is effective; a type that nothing has where it is not set. */
static int get(sd_bus *bus, const char *name, struct buf *ret_bytes, struct value *ret, struct diag *d)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int r = client_new_call(bus, "Get", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", FLEET_KEY, name);
        if (r < 0)
                return diag_set(d, -r, "%s", strerror(-r));
        enum exit_code code = client_call(bus, m, ANSWER_USEC, &reply, d);
        *ret = (struct value){ .type = REG_TOMBSTONE };
        if (code == EXIT_CODE_NOT_FOUND)
                return 0;
        if (code != EXIT_CODE_OK)
                return -EIO;
        r = wire_read_value(reply, ret_bytes, &ret->type, d);
        ret->data = ret_bytes->data;
        ret->size = ret_bytes->len;
        return r < 0 && !d->text[0] ? diag_set(d, -r, "%s", strerror(-r)) : r;
}

static int load_drops(sd_bus *bus, struct fleet_settings *s, struct diag *d)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct value value;
        const char *text;
        size_t n;

        int r = get(bus, "OnExpiry", &bytes, &value, d);
        if (r < 0 || value.type == REG_TOMBSTONE)
                return r;
        const bool is_text = value_get_string(&value, &text, &n) == 0;
        s->drops = is_text && fold_equal(text, n, "drop", 4);
        if (!s->drops && !(is_text && fold_equal(text, n, "keep", 4)))
                log_warning(FLEET_KEY "\\OnExpiry: expected `keep` or `drop`; `keep` is in force instead");
        return 0;
}

static int add_group(struct fleet_settings *s, size_t *n, const char *name, size_t len)
{
        if (!fleet_group_is_valid(name, len)) {
                log_warning(FLEET_KEY "\\Groups: '%.*s' can be no group's name; ignoring", (int)len, name);
                return 0;
        }
        char **list = reallocarray(s->groups, *n + 2, sizeof(*list));
        if (!list)
                return -ENOMEM;
        s->groups = list;
        list[*n] = strndup(name, len);
        list[*n + 1] = NULL;
        if (!list[*n])
                return -ENOMEM;
        (*n)++;
        return 0;
}

static int load_groups(sd_bus *bus, struct fleet_settings *s, struct diag *d)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct value value;
        const char *name;
        size_t i = 0, len, n = 0;

        s->groups = calloc(1, sizeof(*s->groups));
        int r = s->groups ? get(bus, "Groups", &bytes, &value, d) : -ENOMEM;
        if (r < 0 || value.type == REG_TOMBSTONE)
                return r;
        while (r == 0 && (r = value_next_string(&value, &i, &name, &len)) > 0)
                r = add_group(s, &n, name, len);
        if (r == -EINVAL) {
                log_warning(FLEET_KEY "\\Groups: expected a REG_MULTI_SZ of names; ignoring the rest");
                r = 0;
        }
        return r;
}

int fleet_settings_load(struct fleet_settings *ret, struct diag *d)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_fleet_settings_ struct fleet_settings s = { 0 };

        int r = client_connect(&bus, d);
        if (r >= 0)
                r = load_drops(bus, &s, d);
        if (r >= 0)
                r = load_groups(bus, &s, d);
        if (r < 0)
                return d->text[0] ? r : diag_set(d, -r, "%s", strerror(-r));
        *ret = s;
        s = (struct fleet_settings){ 0 };
        return 0;
}
