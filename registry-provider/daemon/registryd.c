/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registryd.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/audit/auditlog.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "ends.h"
#include "storage.h"

struct registryd {
        sd_event *event;
        struct exe_reader *exe_reader;
        sd_bus *bus;
        struct schema *schema;
        struct schema_files schema_files;
        struct registry *registry;
        struct registry1 *registry1;
        struct auditlog *auditlog;
        struct storage storage;
        struct reload reload;
        struct ends ends;
        struct problems problems;
        char *root;
        int run_dir_fd; /* locked */
};

/* ---- What is wrong ---- */

void registryd_report(struct registryd *r, const char *file, const char *text, const struct record *record)
{
        if (!problems_set(&r->problems, file, text))
                return;
        if (record)
                auditlog_emit(r->auditlog, record);
        else
                log_error("%s", text);
        if (r->registry1)
                registry1_problems_changed(r->registry1);
}

bool registryd_clear(struct registryd *r, const char *file)
{
        if (!problems_clear(&r->problems, file))
                return false;
        if (r->registry1)
                registry1_problems_changed(r->registry1);
        return true;
}

void registryd_mended(struct registryd *r, const char *file)
{
        _cleanup_free_ char *name = strdup(file);

        if (registryd_clear(r, file))
                log_notice("%s is good again", name ? name : "a file");
}

bool registryd_problem(const struct registryd *r, size_t i, const char *beginning, const char **ret)
{
        if (i >= r->problems.n)
                return false;
        const char *file = r->problems.list[i].file;
        *ret = strncmp(file, beginning, strlen(beginning)) == 0 ? file : NULL;
        return true;
}

/* ---- The schema ---- */

struct schema_round {
        struct registryd *daemon;
        struct problems found;
};

static void on_schema_error(const char *file, const char *text, void *userdata)
{
        struct schema_round *round = userdata;

        (void)problems_set(&round->found, file, text);
        registryd_report(round->daemon, file, text, NULL);
}

/* What is good again, or gone. */
static void forget_mended(struct schema_round *round, const char *directory)
{
        const char *file;

        while ((file = problems_mended(&round->daemon->problems, directory, &round->found)))
                registryd_mended(round->daemon, file);
}

/* What is the same again is no news. */
static void take_schema(struct registryd *r, struct schema *schema)
{
        if (r->schema && schema_equal(r->schema, schema)) {
                (void)schema_free(schema);
                return;
        }
        if (r->registry)
                registry_set_schema(r->registry, schema);
        (void)schema_free(r->schema);
        r->schema = schema;
        if (r->registry1)
                registry1_schema_reloaded(r->registry1);
}

static int load_schema(struct registryd *r)
{
        struct schema_round round = { .daemon = r };
        struct schema *schema = NULL;

        int e = schema_load(r->root, &r->schema_files, on_schema_error, &round, &schema);
        if (e == 0) {
                forget_mended(&round, LAYOUT_SCHEMA_VENDOR);
                forget_mended(&round, LAYOUT_SCHEMA_ADMIN);
                take_schema(r, schema);
        }
        problems_done(&round.found);
        return e;
}

void registryd_files_read(struct registryd *r)
{
        /* At the start the ends come after the files. */
        if (r->ends.alarm)
                ends_changed(&r->ends);
}

/* ---- What the bus reports ---- */

/* The schema and the drop-in files; what is wrong with them is in Problems. */
static void on_reload(void *userdata)
{
        struct registryd *r = userdata;

        log_info("reading schema and drop-in files again");
        int e = load_schema(r);
        if (e < 0)
                log_error("the schema cannot be loaded: %s; the previous one stays", strerror(-e));
        reload_now(&r->reload);
}

static void on_copy(void *userdata)
{
        struct registryd *r = userdata;

        storage_copy(&r->storage);
}

static void on_inspect(void *userdata)
{
        struct registryd *r = userdata;

        storage_inspect(&r->storage);
}

static void on_changed(void *userdata)
{
        struct registryd *r = userdata;

        reload_changed(&r->reload);
        ends_changed(&r->ends);
        storage_changed(&r->storage);
}

static void on_tried(void *userdata)
{
        struct registryd *r = userdata;

        storage_tried(&r->storage);
}

static void on_failed(int error, const char *text, void *userdata)
{
        struct registryd *r = userdata;

        storage_failed(&r->storage, error, text);
}

/* ---- Life ---- */

static int try_registry(struct registryd *r, struct diag *d)
{
        int e = storage_open(&r->storage, d);
        if (e < 0)
                return e;
        const struct registry_config config = {
                .store = r->storage.store, .schema = r->schema, .value_max = r->storage.value_max
        };
        e = registry_open(&config, &r->registry, d);
        if (e < 0)
                storage_close(&r->storage);
        r->storage.registry = r->registry;
        return e;
}

static int open_registry(struct registryd *r, struct diag *d)
{
        int e = load_schema(r);
        if (e < 0)
                return diag_set(d, -e, "the schema cannot be loaded: %s", strerror(-e));
        e = try_registry(r, d);
        /* What an opening does not look at. */
        if (e == -EUCLEAN && storage_mark(&r->storage, d->text) == 0) {
                d->text[0] = '\0';
                e = try_registry(r, d);
        }
        return e;
}

static int open_bus(struct registryd *r, const struct registryd_config *config, struct diag *d)
{
        int e = daemon_bus_open(r->event, &r->bus, d);
        if (e < 0)
                return e;
        const struct registry1_config rc = {
                .bus = r->bus,
                .registry = r->registry,
                .file = r->storage.file,
                .problems = &r->problems,
                .admin_group = config->admin_group,
                .exe_reader = r->exe_reader,
                .auditlog = r->auditlog,
                .reload = on_reload,
                .copy = on_copy,
                .inspect = on_inspect,
                .changed = on_changed,
                .tried = on_tried,
                .failed = on_failed,
                .userdata = r,
        };
        e = registry1_new(&rc, &r->registry1);
        if (e < 0)
                return diag_set(d, -e, "cannot serve %s: %s", REGISTRY_BUS_NAME, strerror(-e));
        r->storage.registry1 = r->registry1;
        e = daemon_bus_own(r->bus, REGISTRY_BUS_NAME, d);
        if (e < 0)
                return e;
        return sd_bus_emit_signal(
                r->bus, REGISTRY_PATH, REGISTRY_INTERFACE, "Started", "t", registry_sequence(r->registry));
}

static int start(struct registryd *r, const char *run_dir, size_t value_max)
{
        int e = loop_new(&r->event);
        if (e >= 0)
                e = loop_on_reload(r->event, on_reload, r);
        if (e >= 0 && r->exe_reader)
                e = exe_reader_attach(r->exe_reader, r->event);
        if (e >= 0)
                e = storage_init(&r->storage, r, r->event, r->root, value_max);
        const struct auditlog_config auditlog = { .event = r->event,
                .backend = &sender_libaudit,
                .run_dir = run_dir,
                .numbers = AUDITLOG_PROVIDER_NUMBERS };
        return e < 0 ? e : auditlog_new(&auditlog, &r->auditlog);
}

int registryd_new(const struct registryd_config *config, struct registryd **ret, struct diag *d)
{
        _cleanup_(registryd_freep) struct registryd *r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->run_dir_fd = r->storage.lock_fd = -1;
        r->exe_reader = config->exe_reader;
        r->root = strdup(config->root ? config->root : "");
        _cleanup_free_ char *run_dir = r->root ? file_path(r->root, LAYOUT_REGISTRY_RUN) : NULL;
        if (!run_dir)
                return -ENOMEM;

        int e = file_take_run_dir(run_dir, &r->run_dir_fd, d);
        if (e < 0)
                return e;
        e = start(r, run_dir, config->value_max);
        if (e < 0)
                return diag_set(d, -e, "cannot start: %s", strerror(-e));
        e = open_registry(r, d);
        if (e < 0)
                return e;
        e = reload_init(&r->reload, r, &r->storage);
        if (e < 0)
                return diag_set(d, -e, "cannot start: %s", strerror(-e));
        /* After the watches: what changes in between is read twice, not missed. */
        reload_now(&r->reload);
        e = ends_init(&r->ends, r, &r->storage, &r->reload, r->auditlog);
        if (e < 0)
                return diag_set(d, -e, "cannot wait for the ends of layers: %s", strerror(-e));
        e = open_bus(r, config, d);
        if (e < 0)
                return e;
        *ret = STEAL_PTR(r);
        return 0;
}

struct registryd *registryd_free(struct registryd *r)
{
        if (!r)
                return NULL;
        r->registry1 = registry1_free(r->registry1);
        r->exe_reader = exe_reader_free(r->exe_reader);
        if (r->bus)
                (void)sd_bus_flush_close_unref(r->bus);
        ends_done(&r->ends);
        reload_done(&r->reload);
        storage_close(&r->storage);
        r->registry = registry_close(r->registry);
        r->schema = schema_free(r->schema);
        schema_files_done(&r->schema_files);
        r->auditlog = auditlog_free(r->auditlog);
        storage_done(&r->storage);
        sd_event_unref(r->event);
        problems_done(&r->problems);
        closep(&r->run_dir_fd);
        free(r->root);
        free(r);
        return NULL;
}

int registryd_run(struct registryd *r)
{
        (void)malloc_trim(0);
        return loop_run(r->event, "Serving the registry");
}
