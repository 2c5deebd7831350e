/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "manager-internal.h"

struct schema_round {
        struct manager *m;
        struct problems found;
};

static void on_schema_error(const char *file, const char *text, void *userdata)
{
        struct schema_round *round = userdata;

        (void)problems_set(&round->found, file, text);
        report_problem(round->m, file, text, NULL);
}

/* What is good again, or gone. */
static void forget_mended(struct schema_round *round, const char *directory)
{
        const char *file;

        while ((file = problems_mended(&round->m->problems, directory, &round->found))) {
                log_notice("%s is good again", file);
                (void)clear_problem(round->m, file);
        }
}

static int load_schema(struct manager *m)
{
        struct schema_round round = { .m = m };
        struct schema *schema = NULL;

        int r = schema_load(m->root, &m->schema_files, on_schema_error, &round, &schema);
        if (r == 0) {
                forget_mended(&round, LAYOUT_SCHEMA_VENDOR);
                forget_mended(&round, LAYOUT_SCHEMA_ADMIN);
                if (m->registry)
                        registry_set_schema(m->registry, schema);
                (void)schema_free(m->schema);
                m->schema = schema;
        }
        problems_done(&round.found);
        return r;
}

/* The schema and the drop-in files; what is wrong with them is in Problems. */
static void on_reload(void *userdata)
{
        struct manager *m = userdata;

        log_info("reading schema and drop-in files again");
        int r = load_schema(m);
        if (r < 0)
                log_error("the schema cannot be loaded: %s; the one so far stays", strerror(-r));
        load_dropins(m);
}

static void on_refusal(const struct refusals_told *told, void *userdata)
{
        const struct manager *m = userdata;

        auditlog_emit_refusal(told, m->auditlog);
}

static void on_dropins(void *userdata)
{
        load_dropins(userdata);
}

static void on_changed(void *userdata)
{
        follow_layers(userdata);
        storage_changed(userdata);
        reload_changed(userdata);
}

static void on_tried(void *userdata)
{
        storage_tried(userdata);
}

static int watch(struct manager *m, const char *path, fswatch_fn fn, struct fswatch **ret)
{
        _cleanup_free_ char *full = file_path(m->root, path);
        int r = full ? fswatch_new(m->event, FSWATCH_DIRECTORY, full, fn, m, ret) : -ENOMEM;
        if (r < 0)
                log_warning("%s cannot be watched (%s): changes are seen at the next start or Reload()",
                        path, strerror(-r));
        return r == -ENOMEM ? r : 0;
}

static int try_registry(struct manager *m, struct diag *d)
{
        int r = storage_open(m, d);
        if (r < 0)
                return r;
        const struct registry_config config = {
                .store = m->store, .schema = m->schema, .value_max = m->value_max
        };
        r = registry_open(&config, &m->registry, d);
        if (r < 0)
                storage_close(m);
        return r;
}

static int open_registry(struct manager *m, struct diag *d)
{
        int r = load_schema(m);
        if (r < 0)
                return diag_set(d, -r, "the schema cannot be loaded: %s", strerror(-r));
        r = try_registry(m, d);
        /* What an opening does not look at. */
        if (r == -EUCLEAN && storage_mark(m, d->text) == 0) {
                d->text[0] = '\0';
                r = try_registry(m, d);
        }
        return r;
}

static int open_bus(struct manager *m, const struct manager_config *config, struct diag *d)
{
        int r = daemon_bus_open(m->event, &m->bus, d);
        if (r < 0)
                return r;
        const struct registry_bus_config rc = {
                .bus = m->bus,
                .registry = m->registry,
                .problems = &m->problems,
                .admin_group = config->admin_group,
                .exe_reader = m->exe_reader,
                .refused = on_refusal,
                .reload = on_reload,
                .changed = on_changed,
                .tried = on_tried,
                .failed = storage_failed,
                .userdata = m,
        };
        r = registry_bus_new(&rc, &m->registry_bus);
        if (r < 0)
                return diag_set(d, -r, "cannot serve %s: %s", REGISTRY_BUS_NAME, strerror(-r));
        r = daemon_bus_own(m->bus, REGISTRY_BUS_NAME, d);
        if (r < 0)
                return r;
        return sd_bus_emit_signal(
                m->bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Started", "t", registry_sequence(m->registry));
}

static int start_events(struct manager *m)
{
        int r = loop_new(&m->event);
        if (r >= 0)
                r = loop_on_reload(m->event, on_reload, m);
        if (r >= 0 && m->exe_reader)
                r = exe_reader_attach(m->exe_reader, m->event);
        if (r >= 0)
                r = storage_start(m);
        return r < 0 ? r : reload_start(m);
}

static int start_auditlog(struct manager *m, const char *run_dir)
{
        const struct auditlog_config config = { .event = m->event,
                .backend = &sender_libaudit,
                .run_dir = run_dir,
                .numbers = AUDITLOG_PROVIDER_NUMBERS };

        return auditlog_new(&config, &m->auditlog);
}

int manager_new(const struct manager_config *config, struct manager **ret, struct diag *d)
{
        _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->run_dir_fd = -1;
        m->lock_fd = -1;
        m->settings = STORAGE_SETTINGS_DEFAULT;
        m->exe_reader = config->exe_reader;
        m->value_max = config->value_max;
        m->root = strdup(config->root ? config->root : "");
        if (!m->root)
                return -ENOMEM;

        _cleanup_free_ char *run_dir = file_path(m->root, LAYOUT_REGISTRY_RUN);
        if (!run_dir)
                return -ENOMEM;
        int r = file_take_run_dir(run_dir, &m->run_dir_fd, d);
        if (r < 0)
                return r;
        r = start_events(m);
        if (r >= 0)
                r = start_auditlog(m, run_dir);
        if (r < 0)
                return diag_set(d, -r, "cannot start: %s", strerror(-r));
        r = open_registry(m, d);
        if (r < 0)
                return r;
        r = watch(m, LAYOUT_DROPINS_VENDOR, on_dropins, &m->vendor);
        if (r >= 0)
                r = watch(m, LAYOUT_DROPINS_ADMIN, on_dropins, &m->admin);
        if (r < 0)
                return diag_set(d, -r, "cannot start: %s", strerror(-r));
        /* After the watches: what changes in between is read twice, not missed. */
        load_dropins(m);
        r = open_bus(m, config, d);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(m);
        return 0;
}

struct manager *manager_free(struct manager *m)
{
        if (!m)
                return NULL;
        m->registry_bus = registry_bus_free(m->registry_bus);
        m->exe_reader = exe_reader_free(m->exe_reader);
        if (m->bus)
                (void)sd_bus_flush_close_unref(m->bus);
        m->vendor = fswatch_free(m->vendor);
        m->admin = fswatch_free(m->admin);
        storage_close(m);
        m->registry = registry_close(m->registry);
        m->schema = schema_free(m->schema);
        schema_files_done(&m->schema_files);
        m->auditlog = auditlog_free(m->auditlog);
        sd_event_source_disable_unref(m->quiet_timer);
        sd_event_source_disable_unref(m->reload_timer);
        sd_event_unref(m->event);
        problems_done(&m->problems);
        edits_done(&m->edits);
        closep(&m->lock_fd);
        closep(&m->run_dir_fd);
        free(m->root);
        free(m);
        return NULL;
}

int manager_run(struct manager *m)
{
        (void)malloc_trim(0);
        return loop_run(m->event, "Serving the registry");
}
