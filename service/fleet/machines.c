/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/base/table.h"
#include "../../schema/names/fold.h"
#include "fleet-policy.h"
#include "fleet-session.h"
#include "machine-verdict.h"

/* Lines beside the counts, so that all is on one screen. */
#define LINES_USUAL 40u

struct machine {
        char *name;
        struct machine_verdict *verdict;
        bool is_alive;
        enum machine_state state;
        struct buf why;
};

struct fleet {
        struct machine_group *groups; /* that are published */
        size_t n_groups;
        struct machine *machines; /* by name, as etcd has them */
        size_t n;
        bool failed; /* there was no memory */
};

static void fleet_done(struct fleet *f)
{
        for (size_t i = 0; i < f->n; i++) {
                free(f->machines[i].name);
                (void)machine_verdict_free(f->machines[i].verdict);
                buf_done(&f->machines[i].why);
        }
        for (size_t i = 0; i < f->n_groups; i++)
                free(f->groups[i].name);
        free(f->machines);
        free(f->groups);
}

/* ---- from etcd ---- */

static void take_group(struct fleet *f, const struct fleet_session *s, const struct etcd_pair *pair)
{
        const char *name = fleet_session_name(s, "policy", pair->key);
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct hive_file *hive = NULL;

        if (!name || !fleet_group_is_valid(name, strlen(name)))
                return;
        if (array_grow(&f->groups, f->n_groups, sizeof(*f->groups)) < 0) {
                f->failed = true;
                return;
        }
        struct machine_group *g = &f->groups[f->n_groups];
        *g = (struct machine_group){ .name = strdup(name) };
        f->n_groups += g->name != NULL;
        f->failed = f->failed || !g->name;
        buf_add(&text, pair->value, pair->value_len);
        if (text.error == 0 && signed_parse(name, &text, FLEET_POLICY_BYTES_MAX, &hive, NULL) == 0)
                g->serial = hive->seal.serial;
        (void)hive_file_free(hive);
}

/* One after the other: the keys of a machine stand together. */
static struct machine *find_machine(struct fleet *f, const char *name, size_t n)
{
        struct machine *last = f->n > 0 ? &f->machines[f->n - 1] : NULL;

        if (last && strlen(last->name) == n && memcmp(last->name, name, n) == 0)
                return last;
        if (array_grow(&f->machines, f->n, sizeof(*f->machines)) < 0)
                return NULL;
        f->machines[f->n] = (struct machine){ .name = strndup(name, n) };
        return f->machines[f->n].name ? &f->machines[f->n++] : NULL;
}

static void take_machine(struct fleet *f, const struct fleet_session *s, const struct etcd_pair *pair)
{
        const char *name = fleet_session_name(s, "machines", pair->key);
        const char *slash = name ? strchr(name, '/') : NULL;
        struct machine *m = slash ? find_machine(f, name, (size_t)(slash - name)) : NULL;

        if (!slash)
                return;
        if (!m)
                f->failed = true;
        else if (strcmp(slash, "/alive") == 0)
                m->is_alive = true;
        else if (strcmp(slash, "/verdict") == 0 && !m->verdict)
                f->failed |= machine_verdict_read(pair->value, pair->value_len, &m->verdict) < 0;
}

struct taking {
        struct fleet *fleet;
        const struct fleet_session *session;
        void (*take)(struct fleet *f, const struct fleet_session *s, const struct etcd_pair *pair);
};

static void take_all(const struct etcd_answer *a, void *userdata)
{
        const struct taking *t = userdata;

        for (size_t i = 0; i < a->n_pairs; i++)
                t->take(t->fleet, t->session, &a->pairs[i]);
}

static enum exit_code load(struct fleet_session *s, const char *machine, struct fleet *f)
{
        struct taking groups = { f, s, take_group }, machines = { f, s, take_machine };

        enum exit_code code = fleet_session_get_all(s, "policy", "", take_all, &groups);
        if (code == EXIT_CODE_OK)
                code = fleet_session_get_all(s, "machines", machine, take_all, &machines);
        if (code == EXIT_CODE_OK && f->failed) {
                log_error("%s", strerror(ENOMEM));
                code = EXIT_CODE_FAILURE;
        }
        return code;
}

/* ---- status ---- */

static bool is_wanted(const struct fleet_options *o, const struct machine *m)
{
        return !o->group || (m->verdict && machine_verdict_is_in(m->verdict, o->group));
}

static const char *say(const struct machine *m, const char *member)
{
        return m->verdict ? machine_verdict_text(m->verdict, member) : "";
}

static void judge(struct fleet *f)
{
        for (size_t i = 0; i < f->n; i++) {
                struct machine *m = &f->machines[i];
                if (!m->verdict)
                        m->state = m->is_alive ? MACHINE_NONSENSE : MACHINE_SILENT;
                else
                        m->state = machine_verdict_judge(
                                m->verdict, m->is_alive, f->groups, f->n_groups, &m->why);
                if (m->state == MACHINE_SILENT)
                        buf_printf(&m->why, "since %s", say(m, "time")[0] ? say(m, "time") : "?");
        }
}

static void put_safe(struct buf *out, const char *text)
{
        utf8_put_safe(out, text, strlen(text));
}

static void print_json(const struct fleet_options *o, const struct fleet *f)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        json_begin_array(&j);
        for (size_t i = 0; i < f->n; i++) {
                const struct machine *m = &f->machines[i];
                if (!is_wanted(o, m))
                        continue;
                json_begin_object(&j);
                json_add_string(&j, "machine", m->name);
                json_add_string(&j, "host", say(m, "host"));
                json_add_string(&j, "state", machine_state_words[m->state]);
                json_add_string(&j, "why", buf_str(&m->why));
                json_add_string(&j, "time", say(m, "time"));
                json_end_object(&j);
        }
        json_end_array(&j);
        (void)printf("%s\n", buf_str(&out));
}

static size_t print_counts(const struct fleet_options *o, const struct fleet *f)
{
        size_t counts[MACHINE_STATES_N] = { 0 }, n = 0;

        for (size_t i = 0; i < f->n; i++) {
                counts[f->machines[i].state] += is_wanted(o, &f->machines[i]);
                n += is_wanted(o, &f->machines[i]);
        }
        (void)printf("%zu machine%s", n, n == 1 ? "" : "s");
        for (size_t i = 0; i < MACHINE_STATES_N; i++)
                if (counts[i] > 0)
                        (void)printf(", %zu %s", counts[i], machine_state_words[i]);
        (void)printf("\n");
        return n - counts[MACHINE_STAGED] - counts[MACHINE_IN_FORCE];
}

static void add_row(struct table *t, const struct machine *m)
{
        put_safe(table_cell(t), machine_state_words[m->state]);
        put_safe(table_cell(t), m->name);
        put_safe(table_cell(t), say(m, "host"));
        put_safe(table_cell(t), buf_str(&m->why));
}

/* The worst first; those that are well are a number alone. */
static void print_text(const struct fleet_options *o, const struct fleet *f)
{
        static const struct table_column columns[] = { { "STATE", false }, { "MACHINE", false },
                { "HOST", false }, { "WHY", false } };
        _cleanup_table_ struct table t = TABLE(columns);
        _cleanup_buf_ struct buf out = BUF_INIT;
        size_t left = print_counts(o, f), n = 0;

        for (int state = 0; state < MACHINE_STAGED; state++)
                for (size_t i = 0; i < f->n && (o->all || n < LINES_USUAL); i++) {
                        if ((int)f->machines[i].state != state || !is_wanted(o, &f->machines[i]))
                                continue;
                        add_row(&t, &f->machines[i]);
                        n++;
                }
        if (n > 0)
                table_format(&t, true, &out);
        if (left > n)
                buf_printf(&out, "and %zu more, which --all shows\n", left - n);
        (void)fputs(buf_str(&out), stdout);
        if (!o->user)
                (void)printf(
                        "Without users in etcd, verdicts are only as true as whoever can write there.\n");
}

enum exit_code machines_status(const struct fleet_options *o)
{
        _cleanup_session_ struct fleet_session s = { 0 };
        _cleanup_(fleet_done) struct fleet f = { 0 };

        enum exit_code code = fleet_session_open(&s, o);
        if (code == EXIT_CODE_OK)
                code = load(&s, "", &f);
        if (code != EXIT_CODE_OK)
                return code;
        judge(&f);
        if (o->json)
                print_json(o, &f);
        else
                print_text(o, &f);
        return EXIT_CODE_OK;
}

/* ---- one machine ---- */

/* The beginning of its name is enough where no other begins so. */
static enum exit_code find_one(struct fleet_session *s, const char *machine, struct fleet *f)
{
        enum exit_code code = machine[0] ? load(s, machine, f) : EXIT_CODE_USAGE;

        if (code == EXIT_CODE_OK && f->n != 1) {
                log_error(f->n == 0 ? "%s: there is no such machine"
                                    : "%s: there are more machines that begin so",
                        machine);
                code = f->n == 0 ? EXIT_CODE_NOT_FOUND : EXIT_CODE_INVALID;
        }
        return code;
}

/* A machine writes what it likes: JSON may have what a terminal obeys. */
static void show_to_people(const struct machine *m, const char *verdict)
{
        _cleanup_buf_ struct buf out = BUF_INIT;

        put_safe(&out, m->name);
        buf_printf(&out, ": %s", machine_state_words[m->state]);
        buf_puts(&out, m->why.len > 0 ? ", " : "");
        put_safe(&out, buf_str(&m->why));
        for (const char *line = verdict, *end; line; line = *end ? end + 1 : NULL) {
                end = strchrnul(line, '\n');
                buf_putc(&out, '\n');
                utf8_put_safe(&out, line, (size_t)(end - line));
        }
        (void)printf("%s\n", buf_str(&out));
}

enum exit_code machines_show(const struct fleet_options *o, const char *machine)
{
        _cleanup_session_ struct fleet_session s = { 0 };
        _cleanup_(fleet_done) struct fleet f = { 0 };

        enum exit_code code = fleet_session_open(&s, o);
        if (code == EXIT_CODE_OK)
                code = find_one(&s, machine, &f);
        if (code != EXIT_CODE_OK)
                return code;
        judge(&f);
        const struct machine *m = &f.machines[0];
        const char *verdict = m->verdict ? machine_verdict_pretty(m->verdict) : "null";
        if (o->json)
                (void)printf("%s\n", verdict);
        else
                show_to_people(m, verdict);
        return EXIT_CODE_OK;
}

static void report_forgotten(const struct fleet_options *o, const char *name)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (!o->json) {
                buf_puts(&out, "forgotten: ");
                put_safe(&out, name);
        } else {
                json_begin_object(&j);
                json_add_string(&j, "machine", name);
                json_end_object(&j);
        }
        (void)printf("%s\n", buf_str(&out));
}

enum exit_code machines_forget(const struct fleet_options *o, const char *machine)
{
        _cleanup_session_ struct fleet_session s = { 0 };
        _cleanup_(fleet_done) struct fleet f = { 0 };
        _cleanup_buf_ struct buf name = BUF_INIT;

        enum exit_code code = fleet_session_open(&s, o);
        if (code == EXIT_CODE_OK)
                code = find_one(&s, machine, &f);
        if (code != EXIT_CODE_OK)
                return code;
        buf_printf(&name, "%s/", f.machines[0].name);
        code = name.error ? EXIT_CODE_FAILURE : fleet_session_delete_all(&s, "machines", buf_str(&name));
        if (code == EXIT_CODE_OK)
                report_forgotten(o, f.machines[0].name);
        return code;
}
