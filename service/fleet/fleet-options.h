/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What peios-fleet takes on its command line. */

#include "../../schema/options/options.h"

enum fleet_command {
        FLEET_VERIFY,
        FLEET_PUBLISH,
        FLEET_WITHDRAW,
        FLEET_DIFF,
        FLEET_STATUS,
        FLEET_SHOW,
        FLEET_FORGET,
};

struct fleet_options {
        const char *root;
        bool json;
        bool install;
        bool incoming;
        const char *group, *key;
        uint64_t serial;  /* 0: the next one */
        uint64_t percent; /* of the machines; 0: all */
        bool all;
        struct options_list endpoints; /* of etcd */
        const char *prefix;
        const char *ca_file, *cert_file, *key_file, *user, *password_file;
        uint64_t settle;
};

extern const struct options_program fleet_options_program;
