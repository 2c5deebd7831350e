/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/yaml/yaml.h"
#include "fleet-policy.h"
#include "fleet-session.h"

/* What etcd has now, the keys that say whether it is ours, and what comes next. */
struct published {
        struct fleet_keys keys;
        int64_t now;           /* µs since 1970 */
        uint64_t mod_revision; /* 0: nothing */
        struct buf text;
        uint64_t serial; /* the new one; 0: none yet */
};

static void published_done(struct published *p)
{
        buf_done(&p->text);
}

static void take_published(const struct etcd_answer *a, void *userdata)
{
        struct published *p = userdata;

        if (a->n_pairs == 0)
                return;
        p->mod_revision = a->pairs[0].mod_revision;
        buf_add(&p->text, a->pairs[0].value, a->pairs[0].value_len);
}

/* The machines' keys, as far as they are installed here, and the secret key's other half, which signify
 * makes beside it: NAME.sec, NAME.pub. */
static int load_keys(const struct fleet_options *o, struct fleet_keys *ret)
{
        static const char secret[] = ".sec", public[] = ".pub";
        const size_t n = strlen(o->key), suffix = strlen(secret);
        _cleanup_free_ char *path = NULL;

        int r = fleet_keys_load(o->root, ret);
        if (r < 0 || n <= suffix || strcmp(o->key + n - suffix, secret) != 0)
                return r;
        if (asprintf(&path, "%.*s%s", (int)(n - suffix), o->key, public) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        return fleet_keys_add(ret, path);
}

/* Etcd is not trusted: a serial that it made up could be the last one that there is. */
static enum exit_code choose_serial(struct published *p, const struct fleet_options *o, const char *key)
{
        enum fleet_verdict verdict = FLEET_GOOD;
        struct fleet_policy old = { 0 };
        struct diag d = { 0 };

        int r = p->text.error;
        if (r == 0 && p->mod_revision > 0)
                r = fleet_policy_read(key, &p->text, &p->keys, o->group, p->now, &old, &verdict, &d);
        if (r < 0)
                return log_failure(EXIT_CODE_FAILURE, "%s", strerror(-r));
        const bool is_ours = verdict == FLEET_GOOD || verdict == FLEET_EXPIRED;
        if (!is_ours && o->serial == 0)
                log_error("%s in etcd %s, so the last serial is not known, expected --serial above it", key,
                        fleet_verdict_text(verdict));
        else if (o->serial > 0 && old.serial >= o->serial && is_ours)
                log_error("--serial %" PRIu64 ": expected one above the last, %" PRIu64, o->serial,
                        old.serial);
        else if (o->serial == 0 && old.serial == UINT64_MAX)
                log_error("%s has the last serial that there is, expected another key", key);
        else
                p->serial = o->serial > 0 ? o->serial : old.serial + 1;
        return p->serial > 0 ? EXIT_CODE_OK : EXIT_CODE_INVALID;
}

/* ---- the text ---- */

/* Where members are, each in a line of its own; 0: nowhere. */
struct member_lines {
        uint32_t version, serial, percent;
};

static uint32_t line_of(const struct yaml_node *root, const char *member)
{
        const struct yaml_node *node = yaml_is(root, YAML_MAP) ? yaml_get(root, member) : NULL;

        return node && node->key->column == 1 && node->key->line == node->line ? node->line : 0;
}

/* The line that says the serial is a new one, and the percentage is beside it; without one they stand behind
 * the first line. */
static void put_members(
        const char *text, const struct member_lines *at, uint64_t serial, uint64_t percent, struct buf *out)
{
        const uint32_t place = at->serial > 0 ? at->serial : at->version;
        uint32_t number = 0;

        for (const char *line = text; *line;) {
                size_t n = strcspn(line, "\n");
                n += line[n] == '\n';
                number++;
                if (number != at->serial && number != at->percent)
                        buf_add(out, line, n);
                if (number == place)
                        buf_printf(out, "serial: %" PRIu64 "\n", serial);
                if (number == place && percent > 0)
                        buf_printf(out, "percent: %" PRIu64 "\n", percent);
                line += n;
        }
}

/* What only looks like a member is left alone: a text may go over many lines. */
static enum exit_code put_serial(const struct published *p, const struct fleet_options *o, const char *name,
        const struct buf *text, struct buf *ret)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;
        struct diag d = { 0 };

        int r = yaml_parse(name, buf_str(text), text->len, &doc, &d);
        if (r == 0) {
                const struct yaml_node *root = yaml_root(doc);
                const struct member_lines at = { line_of(root, "peios-registry"), line_of(root, "serial"),
                        line_of(root, "percent") };
                put_members(buf_str(text), &at, p->serial, o->percent, ret);
                r = ret->error;
        }
        if (r < 0)
                log_error("%s", d.text[0] ? d.text : strerror(-r));
        return r == 0 ? EXIT_CODE_OK : r == -ENOMEM ? EXIT_CODE_FAILURE : EXIT_CODE_INVALID;
}

static enum exit_code read_text(const struct fleet_options *o, const char *file, struct buf *ret)
{
        struct diag d = { 0 };

        if (!file) {
                buf_printf(ret, "peios-registry: 1\nlayer: " LAYER_FLEET "%s\nprecedence: %u\n", o->group,
                        FLEET_PRECEDENCE_MIN);
                return EXIT_CODE_OK;
        }
        int r = file_read(AT_FDCWD, file, FLEET_POLICY_BYTES_MAX, ret, NULL, &d);
        if (r == 0)
                return EXIT_CODE_OK;
        log_error("%s", d.text[0] ? d.text : file);
        return r == -ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_FAILURE;
}

/* ---- the signature ---- */

static void become_signify(const char *key, int in, int out)
{
        static const char *const programs[] = { "signify-openbsd", "signify" };

        if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
                _exit(126);
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
                (void)execlp(
                        programs[i], programs[i], "-S", "-e", "-s", key, "-m", "-", "-x", "-", (char *)NULL);
        _exit(127);
}

static int memory_file(const char *data, size_t n)
{
        _cleanup_close_ int fd = memfd_create("policy", MFD_CLOEXEC);

        int r = fd < 0 ? -errno : file_write_all(fd, data, n);
        if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
                r = -errno;
        return r < 0 ? r : steal_fd(&fd);
}

/* Signify asks for the key's passphrase on the terminal. */
static enum exit_code sign(const char *key, const struct buf *text, struct buf *ret)
{
        _cleanup_close_ int in = memory_file(text->data, text->len), out = memory_file("", 0);
        int status = 0;

        pid_t pid = in < 0 || out < 0 ? -1 : fork();
        if (pid == 0)
                become_signify(key, in, out);
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || lseek(out, 0, SEEK_SET) < 0)
                return log_failure(EXIT_CODE_FAILURE, "signify cannot be run: %s", strerror(errno));
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return log_failure(EXIT_CODE_FAILURE,
                        WIFEXITED(status) && WEXITSTATUS(status) == 127
                                ? "signify is not installed (on Debian signify-openbsd)"
                                : "%s: signify does not sign with it",
                        key);
        int r = file_read_fd(out, FLEET_POLICY_BYTES_MAX, ret);
        if (r == -EFBIG)
                log_error("with its signature the policy is larger than 1 MiB");
        return r == 0 ? EXIT_CODE_OK : r == -EFBIG ? EXIT_CODE_INVALID : EXIT_CODE_FAILURE;
}

/* ---- what machines would refuse ---- */

static const char *refusal_text(
        const char *name, const char *group, enum fleet_verdict verdict, struct diag *d)
{
        (void)diag_set(d, EINVAL, "%s: %s, expected layer `" LAYER_FLEET "%s` and precedence %u or more",
                name, fleet_verdict_text(verdict), group, FLEET_PRECEDENCE_MIN);
        return d->text;
}

/* As each machine will judge it; and serial and percentage are those that were chosen, whatever the text
 * made of them. */
static enum exit_code judge(
        const struct published *p, const struct fleet_options *o, const char *name, const struct buf *policy)
{
        enum fleet_verdict verdict;
        struct fleet_policy said;
        struct diag d = { 0 };

        int r = fleet_policy_read(name, policy, &p->keys, o->group, p->now, &said, &verdict, &d);
        if (r < 0)
                log_error("%s", strerror(-r));
        else if (verdict == FLEET_UNKNOWN_KEY)
                log_error(
                        "the public key of %s is not known, expected NAME.pub beside NAME.sec, or in fleet-keys.d",
                        o->key);
        else if (verdict != FLEET_GOOD)
                log_error("%s", d.text[0] ? d.text : refusal_text(name, o->group, verdict, &d));
        else if (said.serial != p->serial || said.percent != o->percent)
                log_error("%s: the serial cannot be put into it, expected a map of a line for each member",
                        name);
        else
                return EXIT_CODE_OK;
        return r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_INVALID;
}

static void report(const struct fleet_options *o, uint64_t serial)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct json j = json_on(&out);

        if (!o->json) {
                (void)printf("published: group %s, serial %" PRIu64 "\n", o->group, serial);
                return;
        }
        json_begin_object(&j);
        json_add_string(&j, "group", o->group);
        json_add_number(&j, "serial", serial);
        json_end_object(&j);
        (void)printf("%s\n", buf_str(&out));
}

static enum exit_code send(struct fleet_session *s, const char *file, const char *key)
{
        const struct fleet_options *o = s->options;
        const char *name = file ? file : "withdrawal";
        _cleanup_buf_ struct buf text = BUF_INIT, numbered = BUF_INIT, policy = BUF_INIT;
        _cleanup_(published_done) struct published p = { .now = (int64_t)clock_of(CLOCK_REALTIME) };

        enum exit_code code = read_text(o, file, &text);
        if (code == EXIT_CODE_OK && load_keys(o, &p.keys) < 0)
                code = EXIT_CODE_FAILURE;
        if (code == EXIT_CODE_OK)
                code = fleet_session_get(s, key, take_published, &p);
        if (code == EXIT_CODE_OK)
                code = choose_serial(&p, o, key);
        if (code == EXIT_CODE_OK)
                code = put_serial(&p, o, name, &text, &numbered);
        if (code == EXIT_CODE_OK)
                code = sign(o->key, &numbered, &policy);
        if (code == EXIT_CODE_OK)
                code = judge(&p, o, name, &policy);
        if (code == EXIT_CODE_OK)
                code = fleet_session_put(s, key, p.mod_revision, policy.data, policy.len);
        if (code == EXIT_CODE_CONFLICT)
                log_error(
                        "somebody else has published for group %s meanwhile; nothing is changed", o->group);
        if (code == EXIT_CODE_OK)
                report(o, p.serial);
        return code;
}

enum exit_code publish_policy(const struct fleet_options *o, const char *file)
{
        _cleanup_session_ struct fleet_session s = { 0 };
        _cleanup_free_ char *key = NULL;

        if (!o->group || !o->key || !fleet_group_is_valid(o->group, strlen(o->group)))
                return log_failure(EXIT_CODE_USAGE,
                        !o->group || !o->key ? "--group and --key are needed" : "`%s` is no group",
                        o->group);
        enum exit_code code = fleet_session_open(&s, o);
        if (code != EXIT_CODE_OK)
                return code;
        key = fleet_session_key(&s, "policy", o->group);
        return key ? send(&s, file, key) : EXIT_CODE_FAILURE;
}
