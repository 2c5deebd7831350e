/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All settings of the built-in schema on a scratch root with a control that is a file. What takes values,
 * what is told of them and the audit log are stand-ins: what they hear is gathered, and a record that is to
 * be waited for goes out when the test says so. */

#include "../../../schema/schema.h"
#include "../../../service/settings/settings.h"
#include "../../../service/monitor/bpf-source.h"
#include "scratch.h"

#define CONTROL "/proc/sys/kernel/audit_taint_events"
#define RECORDS_MAX 16u

struct told_record {
        enum record_kind kind;
        char path[64], old_text[64], new_text[64], reason[32], layer[32], tainted[32], detail[128];
        struct seal seal;
        struct actor actor;
        bool has_actor, success;
        uint64_t when;
        char control[16]; /* what the control held when it was told */
};

struct setting_world {
        struct scratch root;
        sd_event *event;
        struct schema *schema;
        struct settings settings;
        struct setting *setting; /* TaintEvents */

        struct told_record records[RECORDS_MAX];
        size_t n_records;
        auditlog_done_t done; /* of the record that is waited for */
        void *done_userdata;
        unsigned n_changed, n_refused, n_drifts, n_settled;
        bool reports_writes;
        uint64_t tainted;
        bool tainted_known;
        bool forensic;       /* what the monitor was told last */
        unsigned n_captures; /* how often */
        char text_file[128]; /* what the metrics were told last */
        char accepted[512];  /* which taints the monitor was told last are no alarm */
        const char *file_error;
};

extern struct setting_world world;

/* The registry has said that nothing is written. */
void world_setup(void);
/* With a schema file beside what is compiled in. */
void world_setup_with(const char *schema);
void world_teardown(void);
/* A new service on the same files. */
void world_restart(void);
/* The same, where that may fail: 0 or negative errno. */
int world_try_restart(void);

/* REG_SZ from this caller (NULL: nobody is known). */
void world_input(const char *text, const struct actor *actor);
void world_resync(const char *text);
/* To any value; NULL: nothing is written. */
int world_tell(const char *key, const char *name, const char *text, const struct actor *actor);
/* A REG_MULTI_SZ. */
int world_tell_items(const char *key, const char *name, const void *items, size_t size);
int world_tell_number(const char *key, const char *name, uint32_t number, const struct actor *actor);
/* The record that is waited for has gone out. */
void world_record_is_out(void);
const char *world_control(void);
/* Of any other; the file's path. Good until the next call. */
const char *world_control_at(const char *path);
/* As into a sysctl, by somebody else. */
void world_poke(const char *text);
void world_poke_at(const char *path, const char *text);
/* Another boot: the next start is the first in it. */
void world_reboot(void);
void world_run(uint64_t usec);
uint64_t world_now(void); /* µs since 1970 */
