/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../schema/audit/auditlog.h"
#include "../../schema/base/date.h"
#include "../../schema/base/file.h"
#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/bus/client.h"
#include "../../schema/layout.h"
#include "../../schema/names/fold.h"
#include "fleet-machine.h"

#define ANSWER_USEC UINT64_C(30000000)

/* ---- The registry's values that say what is taken from the fleet ---- */

struct fleet_settings {
        char **groups; /* this machine's; ended by NULL */
        bool drops;    /* OnExpiry: what has expired leaves force */
};

static void fleet_settings_done(struct fleet_settings *s)
{
        for (size_t i = 0; s->groups && s->groups[i]; i++)
                free(s->groups[i]);
        free(s->groups);
        *s = (struct fleet_settings){ 0 };
}
#define _cleanup_fleet_settings_ _cleanup_(fleet_settings_done)

/* What is effective; a type that nothing has where it is not set. */
static int get(sd_bus *bus, const char *name, struct buf *ret_bytes, struct value *ret, struct diag *d)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;

        int r = client_new_call(bus, "Get", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", FLEET_KEY, name);
        if (r < 0)
                return diag_set(d, -r, "%s", strerror(-r));
        enum exit_code code = client_call(bus, m, ANSWER_USEC, &reply, d);
        *ret = (struct value){ .type = REG_TOMBSTONE };
        if (code == EXIT_CODE_NOT_FOUND)
                return 0;
        if (code != EXIT_CODE_OK)
                return -EIO;
        r = wire_read_value(reply, ret_bytes, &ret->type, d);
        ret->data = ret_bytes->data;
        ret->size = ret_bytes->len;
        return r < 0 && !d->text[0] ? diag_set(d, -r, "%s", strerror(-r)) : r;
}

static int load_drops(sd_bus *bus, struct fleet_settings *s, struct diag *d)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct value value;
        const char *text;
        size_t n;

        int r = get(bus, "OnExpiry", &bytes, &value, d);
        if (r < 0 || value.type == REG_TOMBSTONE)
                return r;
        const bool is_text = value_get_string(&value, &text, &n) == 0;
        s->drops = is_text && fold_equal(text, n, "drop", 4);
        if (!s->drops && !(is_text && fold_equal(text, n, "keep", 4)))
                log_warning(FLEET_KEY "\\OnExpiry: expected `keep` or `drop`; `keep` is in force instead");
        return 0;
}

static int add_group(struct fleet_settings *s, size_t *n, const char *name, size_t len)
{
        if (!fleet_group_is_valid(name, len)) {
                log_warning(FLEET_KEY "\\Groups: '%.*s' can be no group's name; ignoring", (int)len, name);
                return 0;
        }
        char **list = reallocarray(s->groups, *n + 2, sizeof(*list));
        if (!list)
                return -ENOMEM;
        s->groups = list;
        list[*n] = strndup(name, len);
        list[*n + 1] = NULL;
        if (!list[*n])
                return -ENOMEM;
        (*n)++;
        return 0;
}

static int load_groups(sd_bus *bus, struct fleet_settings *s, struct diag *d)
{
        _cleanup_buf_ struct buf bytes = BUF_INIT;
        struct value value;
        const char *name;
        size_t i = 0, len, n = 0;

        s->groups = calloc(1, sizeof(*s->groups));
        int r = s->groups ? get(bus, "Groups", &bytes, &value, d) : -ENOMEM;
        if (r < 0 || value.type == REG_TOMBSTONE)
                return r;
        while (r == 0 && (r = value_next_string(&value, &i, &name, &len)) > 0)
                r = add_group(s, &n, name, len);
        if (r == -EINVAL) {
                log_warning(FLEET_KEY "\\Groups: expected a REG_MULTI_SZ of names; ignoring the rest");
                r = 0;
        }
        return r;
}

/* Asks the provider. A value that is no such thing is logged and counts as not set. 0, or negative errno
 * with d set: nobody knows. */
static int fleet_settings_load(struct fleet_settings *ret, struct diag *d)
{
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_fleet_settings_ struct fleet_settings s = { 0 };

        int r = client_connect(&bus, d);
        if (r >= 0)
                r = load_drops(bus, &s, d);
        if (r >= 0)
                r = load_groups(bus, &s, d);
        if (r < 0)
                return d->text[0] ? r : diag_set(d, -r, "%s", strerror(-r));
        *ret = s;
        s = (struct fleet_settings){ 0 };
        return 0;
}

/* ---- The command ---- */

#define SERIAL_TEXT_MAX 21u

struct verify {
        const struct fleet_options *options;
        bool installs;
        struct fleet_machine machine;
        sd_event *event; /* of who installs, as the log of records */
        struct auditlog *log;
        struct buf out;
        struct json json;
        enum exit_code code; /* the worst so far */
};

/* One file, and what became of it. */
struct verify_case {
        const char *file;  /* as shown to people */
        const char *group; /* that it must be of; NULL: any */
        struct buf text;
        struct fleet_policy policy;
        enum fleet_verdict verdict;
        bool is_installed;
        bool is_new;        /* installed, or refused, for the first time */
        struct diag detail; /* of a refusal */
};

/* A policy that is refused counts for more than one that cannot be read. */
static void note_code(struct verify *v, enum exit_code code)
{
        if (v->code != EXIT_CODE_INVALID)
                v->code = code;
}

/* ---- For people and programs ---- */

static const char *expires_text(const struct fleet_policy *p, char s[static DATE_TEXT_MAX])
{
        return date_format_utc((time_t)(p->expires / 1000000), s);
}

static void put_json(struct verify *v, const struct verify_case *c)
{
        const struct fleet_policy *p = &c->policy;
        char expires[DATE_TEXT_MAX], key[SEAL_SIGNER_MAX];
        struct json *j = &v->json;

        json_begin_object(j);
        json_add_string(j, "file", c->file);
        json_add_string(j, "verdict", fleet_verdict_reason(c->verdict));
        json_add_string(j, "detail", c->detail.text[0] ? c->detail.text : NULL);
        json_add_string(j, "group", p->group[0] ? p->group : NULL);
        json_add_number(j, "serial", p->serial);
        json_add_string(j, "key", p->is_signed ? signed_key_text(p->key, key) : NULL);
        json_add_string(j, "expires", p->expires ? expires_text(p, expires) : NULL);
        json_add_bool(j, "installed", c->is_installed);
        json_end_object(j);
}

static void put_line(struct verify *v, const struct verify_case *c)
{
        const struct fleet_policy *p = &c->policy;
        char expires[DATE_TEXT_MAX], key[SEAL_SIGNER_MAX];

        utf8_put_safe(&v->out, c->file, strlen(c->file));
        buf_printf(&v->out, ": %s", fleet_verdict_text(c->verdict));
        if (p->group[0])
                buf_printf(&v->out, ", group %s, serial %" PRIu64, p->group, p->serial);
        if (p->is_signed)
                buf_printf(&v->out, ", key %s", signed_key_text(p->key, key));
        if (p->expires)
                buf_printf(&v->out, ", until %s", expires_text(p, expires));
        if (c->is_installed)
                buf_puts(&v->out, c->is_new ? ": installed" : ": installed already");
        buf_putc(&v->out, '\n');
        if (c->detail.text[0]) {
                utf8_put_safe(&v->out, c->detail.text, strlen(c->detail.text));
                buf_putc(&v->out, '\n');
        }
}

static void report(struct verify *v, const struct verify_case *c)
{
        if (v->options->json)
                put_json(v, c);
        else if (c->is_new || !v->options->incoming) /* the unit's run of each hour has no news */
                put_line(v, c);
}

/* ---- One file ---- */

static int judge(struct verify *v, struct verify_case *c, int dir_fd, const char *name, struct diag *d)
{
        int r = fleet_policy_open(dir_fd, name, &c->text, &c->verdict, &c->detail);
        if (r < 0)
                return diag_set(d, -r, "%s", c->detail.text[0] ? c->detail.text : strerror(-r));
        /* The verdict has its own words for these. */
        c->detail.text[0] = '\0';
        if (c->verdict != FLEET_GOOD)
                return 0;
        r = fleet_machine_judge(
                &v->machine, c->file, &c->text, c->group, &c->policy, &c->verdict, &c->detail);
        return r < 0 ? diag_set(d, -r, "%s", strerror(-r)) : 0;
}

static const char *serial_text(uint64_t serial, char s[static SERIAL_TEXT_MAX])
{
        (void)snprintf(s, SERIAL_TEXT_MAX, "%" PRIu64, serial);
        return serial > 0 ? s : NULL;
}

static void record(struct verify *v, const struct verify_case *c, const char *group)
{
        const struct fleet_policy *p = &c->policy;
        char layer[sizeof(LAYER_FLEET) + FLEET_GROUP_MAX], key[SEAL_SIGNER_MAX];
        char old[SERIAL_TEXT_MAX], new[SERIAL_TEXT_MAX];

        (void)snprintf(layer, sizeof(layer), LAYER_FLEET "%s", group);
        (void)auditlog_emit(
                v->log, &(struct record){ .kind = RECORD_FLEET_REFUSED,
                                .path = c->file,
                                .old_text = serial_text(fleet_state_serial(&v->machine.state, group), old),
                                .new_text = serial_text(p->serial, new),
                                .layer = group[0] ? layer : NULL,
                                .reason = fleet_verdict_reason(c->verdict),
                                .signer = p->is_signed ? signed_key_text(p->key, key) : NULL,
                                .detail = c->detail.text });
}

/* Recorded first: a kill behind that records it once more, and none is left out. What is for others first is
 * remembered as well, so that the agent can report it; but nothing is wrong with it. */
static int refuse(struct verify *v, struct verify_case *c, struct diag *d)
{
        const char *group = c->group ? c->group : c->policy.group;

        int r = fleet_machine_refuse(&v->machine, group, c->verdict, c->policy.serial, &c->text);
        c->is_new = r > 0;
        if (c->is_new && c->verdict != FLEET_STAGED)
                record(v, c, group);
        return r < 0 ? r : fleet_machine_store(&v->machine, d);
}

static int conclude(struct verify *v, struct verify_case *c, struct diag *d)
{
        if (c->verdict != FLEET_GOOD && c->verdict != FLEET_STAGED)
                note_code(v, EXIT_CODE_INVALID);
        if (!v->installs)
                return 0;
        if (c->verdict != FLEET_GOOD)
                return refuse(v, c, d);
        int r = fleet_machine_install(&v->machine, &c->policy, &c->text, &c->is_new, d);
        c->is_installed = r == 0;
        return r;
}

static void verify_one(struct verify *v, int dir_fd, const char *name, const char *file, const char *group)
{
        struct verify_case c = { .file = file, .group = group };
        struct diag d = { 0 };

        int r = judge(v, &c, dir_fd, name, &d);
        if (r == 0)
                r = conclude(v, &c, &d);
        if (r == 0) {
                report(v, &c);
        } else {
                log_error("%s: %s", file, d.text[0] ? d.text : strerror(-r));
                note_code(v, r == -ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_FAILURE);
        }
        buf_done(&c.text);
}

/* ---- The command ---- */

static enum exit_code flush(struct verify *v)
{
        int r = v->out.error;

        if (r == 0)
                r = file_write_all(STDOUT_FILENO, buf_str(&v->out), v->out.len);
        if (r == 0)
                return v->code;
        return log_failure(EXIT_CODE_FAILURE, "cannot write to standard output: %s", strerror(-r));
}

static void verify_done(struct verify *v)
{
        v->log = auditlog_free(v->log);
        v->event = sd_event_unref(v->event);
        fleet_machine_close(&v->machine);
        buf_done(&v->out);
}

/* What an earlier run could not send goes out now. */
static int open_log(struct verify *v, struct diag *d)
{
        _cleanup_free_ char *run_dir = file_path(v->options->root, LAYOUT_FLEET_RUN);
        struct auditlog_config config = {
                .backend = &sender_libaudit, .run_dir = run_dir, .numbers = AUDITLOG_FLEET_NUMBERS
        };

        int r = run_dir ? file_make_dirs(run_dir) : -ENOMEM;
        if (r == 0)
                r = sd_event_new(&v->event);
        config.event = v->event;
        if (r >= 0)
                r = auditlog_new(&config, &v->log);
        return r < 0 ? diag_set(d, -r, "no records can be sent: %s", strerror(-r)) : 0;
}

/* The files of this machine's groups, and no others. Their folder is not ours: nothing in it is followed or
 * listed. */
static int verify_incoming(struct verify *v, const struct fleet_settings *settings, struct diag *d)
{
        _cleanup_free_ char *path = file_path(v->options->root, LAYOUT_FLEET_INCOMING);
        _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

        if (!path)
                return -ENOMEM;
        if (fd < 0)
                return errno == ENOENT ? 0
                                       : diag_set(d, errno, LAYOUT_FLEET_INCOMING ": %s", strerror(errno));
        for (size_t i = 0; settings->groups[i]; i++) {
                _cleanup_free_ char *file = NULL;
                if (asprintf(&file, LAYOUT_FLEET_INCOMING "/%s.yaml", settings->groups[i]) < 0) {
                        file = NULL;
                        return -ENOMEM;
                }
                const char *name = file + strlen(LAYOUT_FLEET_INCOMING "/");
                if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                        verify_one(v, fd, name, file, settings->groups[i]);
        }
        return 0;
}

static int run_incoming(struct verify *v, struct diag *d)
{
        _cleanup_fleet_settings_ struct fleet_settings settings = { 0 };

        int r = fleet_settings_load(&settings, d);
        if (r == 0 && settings.drops)
                r = fleet_machine_drop(&v->machine, d);
        if (r == 0)
                r = verify_incoming(v, &settings, d);
        return r == 0 ? fleet_machine_store(&v->machine, d) : r;
}

static int run(struct verify *v, char *const *files, size_t n, struct diag *d)
{
        const struct fleet_options *o = v->options;
        int r = 0;

        if (o->json)
                json_begin_array(&v->json);
        if (o->incoming)
                r = run_incoming(v, d);
        for (size_t i = 0; i < n; i++)
                verify_one(v, AT_FDCWD, files[i], files[i], NULL);
        if (o->json) {
                json_end_array(&v->json);
                buf_putc(&v->out, '\n');
        }
        return r;
}

static enum exit_code fail(int error, const struct diag *d)
{
        log_error("%s", d->text[0] ? d->text : strerror(-error));
        return error == -EACCES || error == -EPERM ? EXIT_CODE_DENIED : EXIT_CODE_FAILURE;
}

static enum exit_code verify_once(const struct fleet_options *o, char *const *files, size_t n)
{
        _cleanup_(verify_done) struct verify v = { .options = o, .installs = o->install || o->incoming };
        struct diag d = { 0 };

        v.json = json_on(&v.out);
        int r = fleet_machine_open(o->root, v.installs, &v.machine, &d);
        if (r < 0)
                return fail(r, &d);
        d.text[0] = '\0';
        r = v.installs ? open_log(&v, &d) : 0;
        if (r == 0)
                r = run(&v, files, n, &d);
        enum exit_code code = flush(&v);
        return r < 0 ? fail(r, &d) : code;
}

/* When the folders that are looked at were changed last; 0 for one that is not there. */
struct stamp {
        struct timespec incoming, keys;
};

static struct timespec changed_at(const char *root, const char *folder)
{
        _cleanup_free_ char *path = file_path(root, folder);
        struct stat st;

        return path && stat(path, &st) == 0 ? st.st_mtim : (struct timespec){ 0 };
}

static struct stamp take_stamp(const char *root)
{
        return (struct stamp){ changed_at(root, LAYOUT_FLEET_INCOMING),
                changed_at(root, LAYOUT_FLEET_KEYS) };
}

static bool is_another(const struct timespec *a, const struct timespec *b)
{
        return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

/* While the unit runs systemd does not look, so what comes meanwhile is for us to see; and whoever writes
 * without end has one look in that time, and one record. */
static enum exit_code verify_settled(const struct fleet_options *o)
{
        for (;;) {
                const struct stamp before = take_stamp(o->root);
                enum exit_code code = verify_once(o, NULL, 0);
                if (o->settle == 0)
                        return code;
                (void)sleep((unsigned)o->settle);
                const struct stamp after = take_stamp(o->root);
                if (!is_another(&after.incoming, &before.incoming) && !is_another(&after.keys, &before.keys))
                        return code;
        }
}

enum exit_code verify_files(const struct fleet_options *o, char *const *files, size_t n)
{
        if (o->incoming == (n > 0))
                return log_failure(EXIT_CODE_USAGE, "verify: expected either files or --incoming");
        return o->incoming ? verify_settled(o) : verify_once(o, files, n);
}
