/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What peios-fleet takes on its command line, and its commands. */

#include "../../schema/bus/wire.h"
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

/* Judged, brought into force, refused; with the option `incoming`, the files of the incoming folder. */
enum exit_code verify_files(const struct fleet_options *o, char *const *files, size_t n);

/* The policy gets the next serial, is signed, and goes into etcd unless somebody else was quicker. `file`
 * NULL: withdraws. */
enum exit_code publish_policy(const struct fleet_options *o, const char *file);

/* What a hive file would change in what its group has now. */
enum exit_code policy_diff(const struct fleet_options *o, const char *file);

/* The machines, as they say themselves. */
enum exit_code machines_status(const struct fleet_options *o);
enum exit_code machines_show(const struct fleet_options *o, const char *machine);
enum exit_code machines_forget(const struct fleet_options *o, const char *machine);
