/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values of \System\Fleet, from the registry provider as long as it is there. What it says last stays,
 * and so does what was in force where a value is none. */

#include <systemd/sd-bus.h>

#include "../../schema/schema.h"

enum fleetd_setting {
        FLEETD_ENDPOINTS,
        FLEETD_PREFIX,
        FLEETD_GROUPS,
        FLEETD_CA_FILE,
        FLEETD_CERT_FILE,
        FLEETD_KEY_FILE,
        FLEETD_USER,
        FLEETD_PASSWORD_FILE,
        FLEETD_REPORT_SECONDS,
        FLEETD_SETTINGS_N,
};

struct fleetd_settings;

/* `changed` once the provider has answered, and whenever something is otherwise than it was. 0 or negative
 * errno. */
_must_check_ int fleetd_settings_new(sd_bus *bus, const struct schema *schema,
        void (*changed)(void *userdata), void *userdata, struct fleetd_settings **ret);
struct fleetd_settings *fleetd_settings_free(struct fleetd_settings *s);

/* As the schema writes it: of a list, with ` | ` between. "" for none. */
const char *fleetd_settings_text(const struct fleetd_settings *s, enum fleetd_setting which);
