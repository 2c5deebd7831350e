/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "setting-world.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/base/file.h"
#include "../../../schema/layout.h"
#include "../../../service/daemon/policy-bus.h"
#include "../../../service/daemon/taints.h"
#include "../../../service/metrics/metrics.h"
#include "textf.h"

struct setting_world world;

uint64_t world_now(void)
{
        return clock_of(CLOCK_REALTIME);
}

static void keep_text(char *to, size_t size, const char *text)
{
        (void)snprintf(to, size, "%s", text ? text : "");
}

uint64_t auditlog_emit_then(
        _unused_ struct auditlog *log, const struct record *r, auditlog_done_t done, void *userdata)
{
        /* Check's own assertions allocate, which some tests make fail. */
        if (world.n_records >= RECORDS_MAX)
                abort();
        struct told_record *to = &world.records[world.n_records++];

        *to = (struct told_record){
                .kind = r->kind, .success = r->success, .has_actor = r->actor != NULL, .when = r->when
        };
        keep_text(to->path, sizeof(to->path), r->path);
        keep_text(to->old_text, sizeof(to->old_text), r->old_text);
        keep_text(to->new_text, sizeof(to->new_text), r->new_text);
        keep_text(to->reason, sizeof(to->reason), r->reason);
        keep_text(to->layer, sizeof(to->layer), r->layer);
        keep_text(to->tainted, sizeof(to->tainted), r->tainted);
        keep_text(to->detail, sizeof(to->detail), r->detail);
        keep_text(to->control, sizeof(to->control), world_control());
        to->seal = seal_of(r->serial, r->signer ? r->signer : "");
        if (r->actor)
                to->actor = *r->actor;
        if (done) {
                world.done = done;
                world.done_userdata = userdata;
        }
        return world.n_records;
}

uint64_t auditlog_emit(struct auditlog *log, const struct record *r)
{
        return auditlog_emit_then(log, r, NULL, NULL);
}

void policy_bus_changed(_unused_ const struct setting *s, _unused_ unsigned changes)
{
}

void policy_bus_policy_changed(
        _unused_ const struct setting *s, _unused_ const char *old, _unused_ const struct actor *actor)
{
        world.n_changed++;
}

void policy_bus_policy_refused(
        _unused_ const struct setting *s, _unused_ const char *refused, _unused_ const char *why)
{
        world.n_refused++;
}

void policy_bus_drift_detected(
        _unused_ const struct setting *s, _unused_ const char *found, _unused_ const char *action)
{
        world.n_drifts++;
}

void policy_bus_settled(const struct setting *s)
{
        world.n_settled += s == world.setting;
}

bool taints_mask(_unused_ struct taints *t, uint64_t *ret)
{
        *ret = world.tainted;
        return world.tainted_known;
}

bool taints_writes_are_reported(_unused_ const struct taints *t)
{
        return world.reports_writes;
}

void taints_set_forensic(_unused_ struct taints *t, bool forensic)
{
        world.forensic = forensic;
        world.n_captures++;
}

void taints_set_accepted(_unused_ struct taints *t, const char *text)
{
        keep_text(world.accepted, sizeof(world.accepted), text);
}

void metrics_changed(_unused_ struct metrics *m)
{
}

void metrics_set_path(_unused_ struct metrics *m, const char *path)
{
        keep_text(world.text_file, sizeof(world.text_file), path);
        for (size_t i = 0; world.file_error && i < world.settings.n; i++)
                if (world.settings.list[i]->kind == SETTING_TEXT_FILE)
                        setting_set_error(world.settings.list[i], world.file_error);
}

static int load(void)
{
        struct settings *all = &world.settings;
        struct diag d = { 0 };

        *all = (struct settings){ .root = world.root.root, .event = world.event };
        int r = accepted_load(world.root.root, LAYOUT_ACCEPTED_NAME, &all->accepted, &d);
        if (r == 0)
                r = accepted_load(world.root.root, LAYOUT_REFUSED_NAME, &all->refused, &d);
        if (r == 0)
                r = settings_load(all, world.schema);
        if (r == 0)
                settings_take_own(all);
        world.setting = all->taint_events;
        return r;
}

static void start(void)
{
        ck_assert_int_eq(load(), 0);
}

static void stop(void)
{
        settings_done(&world.settings);
}

int world_try_restart(void)
{
        stop();
        return load();
}

static int input(const char *key, const char *name, const struct value *value, const struct actor *actor,
        bool is_resync)
{
        const struct settings *all = &world.settings;
        const struct setting_input in = { .value = value,
                .layer = value ? "base" : "",
                .actor = actor,
                .reason = "changed-while-away",
                .file_owner = AUDIT_ID_UNSET,
                .is_resync = is_resync };

        for (size_t i = 0; i < all->n; i++)
                if (strcmp(all->list[i]->sv->key.text, key) == 0 &&
                        strcmp(all->list[i]->sv->name, name) == 0)
                        return setting_input(all->list[i], &in);
        return 0;
}

static int input_text(
        const char *key, const char *name, const char *text, const struct actor *actor, bool is_resync)
{
        const struct value value = { .type = REG_SZ, .size = text ? strlen(text) : 0, .data = text };

        return input(key, name, text ? &value : NULL, actor, is_resync);
}

static void hear_nothing(void)
{
        const struct settings *all = &world.settings;

        for (size_t i = 0; i < all->n; i++)
                ck_assert_int_eq(
                        input(all->list[i]->sv->key.text, all->list[i]->sv->name, NULL, NULL, true), 0);
        settings_end_start(&world.settings);
        world.n_settled = 0;
}

void world_setup(void)
{
        world_setup_with(NULL);
}

void world_setup_with(const char *schema)
{
        struct diag d = { 0 };

        world = (struct setting_world){ 0 };
        ck_assert_int_eq(schema_load_builtin(&world.schema), 0);
        if (schema)
                ck_assert_msg(
                        schema_add(world.schema, "test", schema, strlen(schema), &d) == 0, "%s", d.text);
        scratch_new(&world.root);
        scratch_puts(&world.root, CONTROL, "3\n");
        world_reboot();
        ck_assert_int_ge(sd_event_new(&world.event), 0);
        start();
        hear_nothing();
}

void world_reboot(void)
{
        static unsigned n;

        scratch_puts(&world.root, "/proc/sys/kernel/random/boot_id",
                textf("%08x-1111-2222-3333-444455556666\n", n++));
}

void world_teardown(void)
{
        stop();
        world.schema = schema_free(world.schema);
        sd_event_unref(world.event);
        scratch_done(&world.root);
}

void world_restart(void)
{
        stop();
        start();
}

#define KEY DEFAULT_HIVE "\\System\\Audit\\Modules"

void world_input(const char *text, const struct actor *actor)
{
        /* A copy that is gone afterwards: what is kept of it must be kept. */
        _cleanup_free_ char *copy = strdup(text);
        struct actor who = actor ? *actor : ACTOR_UNKNOWN;

        ck_assert_int_eq(input_text(KEY, "TaintEvents", copy, actor ? &who : NULL, false), 0);
        memset(copy, 'x', strlen(copy));
        memset(&who, 'x', sizeof(who));
}

void world_resync(const char *text)
{
        ck_assert_int_eq(input_text(KEY, "TaintEvents", text, NULL, true), 0);
}

int world_tell(const char *key, const char *name, const char *text, const struct actor *actor)
{
        return input_text(key, name, text, actor, !actor);
}

int world_tell_items(const char *key, const char *name, const void *items, size_t size)
{
        const struct value value = { .type = REG_MULTI_SZ, .size = size, .data = items };

        return input(key, name, &value, NULL, false);
}

int world_tell_number(const char *key, const char *name, uint32_t number, const struct actor *actor)
{
        const struct value value = { .type = REG_DWORD, .size = sizeof(number), .data = &number };

        return input(key, name, &value, actor, !actor);
}

void world_record_is_out(void)
{
        auditlog_done_t done = world.done;

        ck_assert(done != NULL);
        world.done = NULL;
        done(world.done_userdata);
}

const char *world_control_at(const char *path)
{
        static char text[16];
        _cleanup_close_ int fd = open(scratch_path(&world.root, path), O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

        text[n > 0 ? n : 0] = '\0';
        text[strcspn(text, "\n")] = '\0';
        return text;
}

const char *world_control(void)
{
        return world_control_at(CONTROL);
}

void world_poke_at(const char *path, const char *text)
{
        _cleanup_close_ int fd = open(scratch_path(&world.root, path), O_WRONLY | O_CLOEXEC);

        ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

void world_poke(const char *text)
{
        world_poke_at(CONTROL, text);
}

void world_run(uint64_t usec)
{
        uint64_t end = clock_of(CLOCK_MONOTONIC) + usec;

        for (uint64_t now = clock_of(CLOCK_MONOTONIC); now < end; now = clock_of(CLOCK_MONOTONIC))
                ck_assert_int_ge(sd_event_run(world.event, end - now), 0);
        /* On a busy machine the end may come before what was due by then has had its turn. */
        while (sd_event_run(world.event, 0) > 0)
                ;
}
