/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lanes. Each function fills in a lane that stays for the rest of the run; they exit on errors. `name`
 * of the lane is set by the caller. */

#include "bench.h"

/* Stores are made of keys of 100 values, KEY_FORMAT with VALUE_FORMAT in each; run.sh fills the peers' the
 * same way. */
#define BENCH_KEY "\\Bench\\K%05u"
#define BENCH_VALUE "V%02u"
#define VALUES_A_KEY 100u

/* Servers on a bus: org.peios.Registry1, the proto and dconf-service. */
struct bus_server;
extern const struct bus_server registry_server, proto_server, dconf_server;

/* A set until its reply; until another connection has the signal; the greeting of a connection is not timed.
 */
void lane_bus_set(
        struct lane *lane, const struct bus_server *server, const char *address, unsigned n_values);
void lane_bus_notice(
        struct lane *lane, const struct bus_server *server, const char *address, unsigned n_values);
void lane_bus_get(struct lane *lane, const char *address, unsigned n_values);
void lane_bus_ping(struct lane *lane, const char *address);
/* The bus itself answers. */
void lane_driver_ping(struct lane *lane, const char *address);

void lane_etcd_set(struct lane *lane, unsigned port);
void lane_etcd_notice(struct lane *lane, unsigned port);

/* Built without SQLite the lane is absent. */
void lane_sqlite_set(struct lane *lane, const char *file, unsigned n_values);

/* The values of a large load, ten in a key: it comes in transactions of LOAD_BATCH. */
#define LOAD_VALUES 1000000u
#define LOAD_BATCH 10000u
#define LOAD_VENDORS 97u
struct load_name {
        unsigned vendor_number;
        char vendor[16], app[16], value[16];
};
void load_name(unsigned value, struct load_name *ret);
void load_data(unsigned value, char *ret, size_t size);
/* One transaction a round, of the next values: by Transact; and by a program that has SQLite in process,
 * with the same keys, path entries and values. */
void lane_bus_load(struct lane *lane, const char *address);
void lane_sqlite_load(struct lane *lane, const char *file);
/* So many in each transaction, again and again, until it is killed. */
void load_for_ever(const char *address, unsigned batch);
extern const struct bus_server load_server;

/* A page of the history. */
void lane_bus_history(struct lane *lane, const char *address, const char *key);
/* A provider on the bus, which has none, from its start until its name is there; it has ended before the
 * next begins. */
void lane_start(struct lane *lane, const char *address, char *const *argv);
/* Of the last one, in MB, after some gets. */
double lane_start_memory(const struct lane *lane);

/* Append of 128 bytes and fdatasync. */
void lane_append(struct lane *lane, const char *file);

/* A command from its start to its end. */
void lane_process(struct lane *lane, char *const *argv);
/* The same, with what `path=value` lines of the file say written first, untimed. */
void lane_process_reset(struct lane *lane, char *const *argv, const char *file);

/* `argv` with "prepare" in front of its second word and the round behind the last, untimed; then with "run".
 */
void lane_script(struct lane *lane, char *const *argv);

/* From an order until the control at `path` holds the value. How the order is given: by a command, whose
 * argument `marker` is replaced by itself followed by the value; by Set on the bus; in this process. */
void lane_control_command(struct lane *lane, const char *path, char *const *argv, const char *marker);
void lane_control_bus(
        struct lane *lane, const char *path, const char *address, const char *key, const char *name);
void lane_control_apply(struct lane *lane, const char *sysctl);

/* Puts `n_values` values into the registry on the bus. */
void fill_registry(const char *address, unsigned n_values);
