/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleetd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/events/fswatch.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../fleet/agent.h"
#include "../fleet/fleet-machine.h"
#include "fleetd-settings.h"
#include "standing.h"

struct fleetd {
        char *root;
        int folder_fd; /* -1 where it is missing */
        sd_event *event;
        sd_bus *bus;
        struct schema *schema;
        struct standing *standing;
        struct fleetd_settings *settings;
        struct agent *agent; /* NULL: this machine is in no fleet */
        struct buf password; /* as it was read last */
        char *watched;       /* the folder of its file, "" for none */
        struct fswatch *watch;
};

static void on_settings(void *userdata);

/* The first line. */
static int read_line(const struct fleetd *f, const char *name, size_t limit, struct buf *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(f->root, name);

        int r = path ? file_read_line(AT_FDCWD, path, limit, ret, d) : -ENOMEM;
        return r == -ENOENT ? diag_set(d, ENOENT, "%s: there is no such file", name) : r;
}

/* ---- the agent ---- */

/* What an agent is made of, for as long as that takes. */
struct making {
        char *endpoints, *groups, *paths[3]; /* CaFile, CertFile, KeyFile */
        const char *endpoint_list[SCHEMA_WORDS_MAX], *group_list[SCHEMA_WORDS_MAX];
        char machine[SD_ID128_STRING_MAX];
};

static void making_done(struct making *m)
{
        free(m->endpoints);
        free(m->groups);
        for (size_t i = 0; i < ARRAY_SIZE(m->paths); i++)
                free(m->paths[i]);
}

/* Everybody can read the registry: no user and password stand here. */
static bool is_url(const char *word)
{
        return (strncmp(word, "http://", 7) == 0 || strncmp(word, "https://", 8) == 0) && !strchr(word, '@');
}

static bool is_group(const char *word)
{
        return fleet_group_is_valid(word, strlen(word));
}

/* What is not fit is left out, and said. */
static int split(const char *text, const char *what, bool (*is_fit)(const char *word), char **ret_copy,
        const char *list[static SCHEMA_WORDS_MAX], size_t *ret_n)
{
        char *copy = strdup(text), *rest = NULL;
        size_t n = 0;

        if (!copy)
                return -ENOMEM;
        for (char *word = strtok_r(copy, " |", &rest); word && n < SCHEMA_WORDS_MAX;
                word = strtok_r(NULL, " |", &rest)) {
                if (is_fit(word))
                        list[n++] = word;
                else
                        log_error("`%s` is no %s; ignoring", word, what);
        }
        *ret_copy = copy;
        *ret_n = n;
        return 0;
}

static int take_paths(const struct fleetd *f, struct making *m)
{
        for (size_t i = 0; i < ARRAY_SIZE(m->paths); i++) {
                const char *path =
                        fleetd_settings_text(f->settings, (enum fleetd_setting)(FLEETD_CA_FILE + i));
                m->paths[i] = path[0] ? file_path(f->root, path) : NULL;
                if (path[0] && !m->paths[i])
                        return -ENOMEM;
        }
        return 0;
}

static uint64_t report_usec(const struct fleetd *f)
{
        const char *text = fleetd_settings_text(f->settings, FLEETD_REPORT_SECONDS);
        uint64_t seconds;

        return number_parse(text, strlen(text), UINT32_MAX, &seconds) == 0 ? seconds * 1000000 : 0;
}

/* Something in its folder changed. What is not there keeps what it was. */
static void on_password(void *userdata)
{
        struct fleetd *f = userdata;
        const char *file = fleetd_settings_text(f->settings, FLEETD_PASSWORD_FILE);
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };

        if (read_line(f, file, ETCD_PASSWORD_MAX, &text, &d) == 0 &&
                strcmp(buf_str(&text), buf_str(&f->password)) != 0)
                on_settings(f);
}

/* Before it is read, so that no change is missed. */
static int watch_password(struct fleetd *f, const char *file)
{
        _cleanup_free_ char *folder = file_path(f->root, file);
        char *slash = folder && file[0] ? strrchr(folder, '/') : NULL;

        if (!folder)
                return -ENOMEM;
        folder[slash ? slash - folder + (slash == folder) : 0] = '\0';
        if (f->watched && strcmp(folder, f->watched) == 0)
                return 0;
        f->watch = fswatch_free(f->watch);
        free(f->watched);
        f->watched = STEAL_PTR(folder);
        return slash ? fswatch_new(f->event, FSWATCH_DIRECTORY, f->watched, on_password, f, &f->watch) : 0;
}

static int take_settings(struct fleetd *f, struct making *m, struct agent_config *c, struct diag *d)
{
        const char *file = fleetd_settings_text(f->settings, FLEETD_PASSWORD_FILE);
        sd_id128_t id;

        int r = split(fleetd_settings_text(f->settings, FLEETD_ENDPOINTS),
                "endpoint, expected http:// or https://, and no user", is_url, &m->endpoints,
                m->endpoint_list, &c->etcd.n_endpoints);
        if (r == 0)
                r = split(fleetd_settings_text(f->settings, FLEETD_GROUPS),
                        "group, expected lower-case letters, digits, `.`, `_` and `-`", is_group, &m->groups,
                        m->group_list, &c->n_groups);
        if (r == 0)
                r = take_paths(f, m);
        if (r == 0)
                r = watch_password(f, file);
        buf_clear(&f->password);
        if (r == 0 && file[0])
                r = read_line(f, file, ETCD_PASSWORD_MAX, &f->password, d);
        if (r == 0)
                r = fleet_machine_id(f->root, &id, d);
        if (r == 0)
                (void)sd_id128_to_string(id, m->machine);
        return r;
}

static int start_agent(struct fleetd *f, struct diag *d)
{
        _cleanup_(making_done) struct making m = { 0 };
        struct agent_config c = { 0 };

        int r = take_settings(f, &m, &c, d);
        if (r < 0 || c.etcd.n_endpoints == 0)
                return r;
        c.etcd.event = f->event;
        c.etcd.endpoints = m.endpoint_list;
        c.etcd.ca_file = m.paths[0];
        c.etcd.cert_file = m.paths[1];
        c.etcd.key_file = m.paths[2];
        c.etcd.user = fleetd_settings_text(f->settings, FLEETD_USER);
        c.etcd.password = buf_str(&f->password);
        c.machine = m.machine;
        c.prefix = fleetd_settings_text(f->settings, FLEETD_PREFIX);
        c.groups = m.group_list;
        c.report_usec = report_usec(f);
        c.incoming_fd = f->folder_fd;
        c.standing = f->standing;
        r = agent_new(&c, &f->agent);
        if (r == 0)
                log_info("this machine is %s of the fleet at %s", m.machine, m.endpoint_list[0]);
        return r;
}

static void on_settings(void *userdata)
{
        struct fleetd *f = userdata;
        struct diag d = { 0 };

        f->agent = agent_free(f->agent);
        int r = start_agent(f, &d);
        const char *why = r == 0 ? "in no fleet" : d.text[0] ? d.text : strerror(-r);
        if (r < 0)
                log_error("this machine takes no part in the fleet: %s", why);
        if (!f->agent)
                (void)sd_notifyf(0, "STATUS=%s", why);
}

static void on_standing(void *userdata)
{
        struct fleetd *f = userdata;

        if (f->agent)
                agent_standing_changed(f->agent);
}

/* ---- making and ending ---- */

static int open_folder(struct fleetd *f, struct diag *d)
{
        _cleanup_free_ char *path = file_path(f->root, LAYOUT_FLEET_INCOMING);

        int fd = path ? file_make_folder(path) : -ENOMEM;
        if (fd < 0)
                return diag_set(d, -fd, "%s: %s", LAYOUT_FLEET_INCOMING, strerror(-fd));
        f->folder_fd = fd;
        return 0;
}

static int start(struct fleetd *f, struct diag *d)
{
        int r = loop_new(&f->event);
        if (r >= 0)
                /* A file that the values name may be another one now. */
                r = loop_on_reload(f->event, on_settings, f);
        if (r >= 0)
                r = open_folder(f, d);
        if (r >= 0)
                r = schema_load(f->root, NULL, NULL, NULL, &f->schema);
        if (r >= 0)
                r = daemon_bus_open(f->event, &f->bus, d);
        if (r >= 0)
                r = standing_new(f->bus, f->root, on_standing, f, &f->standing);
        return r < 0 ? r : fleetd_settings_new(f->bus, f->schema, on_settings, f, &f->settings);
}

int fleetd_new(const char *root, struct fleetd **ret, struct diag *d)
{
        _cleanup_(fleetd_freep) struct fleetd *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->folder_fd = -1;
        f->root = strdup(root ? root : "");
        int r = f->root ? start(f, d) : -ENOMEM;
        if (r < 0)
                return r;
        *ret = STEAL_PTR(f);
        return 0;
}

struct fleetd *fleetd_free(struct fleetd *f)
{
        if (!f)
                return NULL;
        f->agent = agent_free(f->agent);
        f->watch = fswatch_free(f->watch);
        free(f->watched);
        buf_done(&f->password);
        f->settings = fleetd_settings_free(f->settings);
        f->standing = standing_free(f->standing);
        if (f->bus)
                (void)sd_bus_flush_close_unref(f->bus);
        f->schema = schema_free(f->schema);
        sd_event_unref(f->event);
        closep(&f->folder_fd);
        free(f->root);
        free(f);
        return NULL;
}

int fleetd_run(struct fleetd *f)
{
        return loop_run(f->event, NULL);
}
