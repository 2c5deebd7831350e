/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "item-world.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../../schema/base/fileio.h"
#include "../../../schema/layout.h"

struct item_world world;

static uint64_t usec_of(clockid_t clock)
{
        struct timespec t;

        (void)clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t world_now(void)
{
        return usec_of(CLOCK_REALTIME);
}

static void keep_text(char *to, size_t size, const char *text)
{
        (void)snprintf(to, size, "%s", text ? text : "");
}

uint64_t auditlog_emit_then(
        _unused_ struct auditlog *log, const struct record *r, auditlog_done_t done, void *userdata)
{
        ck_assert_uint_lt(world.n_records, RECORDS_MAX);
        struct item_record *to = &world.records[world.n_records++];

        *to = (struct item_record){ .kind = r->kind, .success = r->success, .has_actor = r->actor != NULL };
        keep_text(to->old_text, sizeof(to->old_text), r->old_text);
        keep_text(to->new_text, sizeof(to->new_text), r->new_text);
        keep_text(to->reason, sizeof(to->reason), r->reason);
        keep_text(to->layer, sizeof(to->layer), r->layer);
        keep_text(to->tainted, sizeof(to->tainted), r->tainted);
        keep_text(to->detail, sizeof(to->detail), r->detail);
        keep_text(to->control, sizeof(to->control), world_control());
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

static void on_changed(_unused_ struct item *item, _unused_ unsigned changes, _unused_ void *userdata)
{
}

static void on_policy_changed(_unused_ struct item *item, _unused_ const char *old,
        _unused_ const struct actor *actor, _unused_ void *userdata)
{
        world.n_changed++;
}

static void on_refused(_unused_ struct item *item, _unused_ const char *refused, _unused_ const char *why,
        _unused_ void *userdata)
{
        world.n_refused++;
}

static void on_drift(_unused_ struct item *item, _unused_ const char *found, _unused_ const char *action,
        _unused_ void *userdata)
{
        world.n_drifts++;
}

static bool on_tainted(uint64_t *ret, _unused_ void *userdata)
{
        *ret = world.tainted;
        return world.tainted_known;
}

static bool on_writes_are_reported(_unused_ void *userdata)
{
        return world.reports_writes;
}

static void on_settled(_unused_ struct item *item, _unused_ void *userdata)
{
        world.n_settled++;
}

static void start(void)
{
        const char key[] = DEFAULT_HIVE "\\System\\Audit\\Modules";
        struct diag d = { 0 };
        struct path path;

        ck_assert_int_eq(schema_load_builtin(&world.schema), 0);
        ck_assert_int_eq(accepted_load(world.root.root, LAYOUT_ACCEPTED_NAME, &world.accepted, &d), 0);
        ck_assert_int_eq(accepted_load(world.root.root, LAYOUT_REFUSED_NAME, &world.refused, &d), 0);
        world.context = (struct item_context){
                .root = world.root.root,
                .event = world.event,
                .accepted = &world.accepted,
                .ran_before = world.accepted.n > 0,
                .refused = &world.refused,
                .changed = on_changed,
                .policy_changed = on_policy_changed,
                .policy_refused = on_refused,
                .drift_detected = on_drift,
                .tainted = on_tainted,
                .writes_are_reported = on_writes_are_reported,
                .settled = on_settled,
        };
        ck_assert_int_eq(path_parse(key, strlen(key), NULL, NULL, &path, &d), 0);
        const struct schema_value *sv = schema_find(world.schema, &path, "TaintEvents");
        ck_assert_ptr_nonnull(sv);
        ck_assert_int_eq(item_new(&world.context, sv, "enabled", &world.item), 0);
        path_done(&path);
}

static void stop(void)
{
        world.item = item_free(world.item);
        accepted_done(&world.accepted);
        accepted_done(&world.refused);
        world.schema = schema_free(world.schema);
}

void world_setup(void)
{
        world = (struct item_world){ 0 };
        scratch_new(&world.root);
        scratch_puts(&world.root, CONTROL, "3\n");
        ck_assert_int_ge(sd_event_new(&world.event), 0);
        start();
}

void world_teardown(void)
{
        stop();
        sd_event_unref(world.event);
        scratch_done(&world.root);
}

void world_restart(void)
{
        stop();
        start();
}

static void input(const char *text, const struct actor *actor, bool is_resync)
{
        const struct value value = { .type = REG_SZ, .size = strlen(text), .data = text };
        const struct item_input in = {
                .value = &value, .layer = "base", .actor = actor, .is_resync = is_resync
        };

        ck_assert_int_eq(item_input(world.item, &in), 0);
}

void world_input(const char *text, const struct actor *actor)
{
        /* A copy that is gone afterwards: what is kept of it must be kept. */
        _cleanup_free_ char *copy = strdup(text);
        struct actor who = actor ? *actor : ACTOR_UNKNOWN;

        input(copy, actor ? &who : NULL, false);
        memset(copy, 'x', strlen(copy));
        memset(&who, 'x', sizeof(who));
}

void world_resync(const char *text)
{
        input(text, NULL, true);
}

void world_record_is_out(void)
{
        auditlog_done_t done = world.done;

        ck_assert(done != NULL);
        world.done = NULL;
        done(world.done_userdata);
}

const char *world_control(void)
{
        static char text[16];
        _cleanup_buf_ struct buf b = BUF_INIT;

        (void)scratch_read(&world.root, CONTROL, &b);
        keep_text(text, sizeof(text), buf_str(&b));
        text[strcspn(text, "\n")] = '\0';
        return text;
}

void world_poke(const char *text)
{
        _cleanup_close_ int fd = open(scratch_path(&world.root, CONTROL), O_WRONLY | O_CLOEXEC);

        ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

void world_run(uint64_t usec)
{
        uint64_t end = usec_of(CLOCK_MONOTONIC) + usec;

        for (uint64_t now = usec_of(CLOCK_MONOTONIC); now < end; now = usec_of(CLOCK_MONOTONIC))
                ck_assert_int_ge(sd_event_run(world.event, end - now), 0);
}
