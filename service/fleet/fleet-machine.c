/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"

#define SUFFIX ".yaml"
#define FILE_NAME_MAX (sizeof(LAYER_FLEET) + FLEET_GROUP_MAX + sizeof(SUFFIX))

#define APP_ID SD_ID128_MAKE(5e, 2d, 8a, 41, 7c, 0b, 4f, 93, a6, 1e, d8, 37, 5b, c4, 92, 06)
#define MACHINE_ID "/etc/machine-id"
#define MACHINE_ID_MAX 64u

/* ---- Who it is ---- */

static sd_id128_t derive(sd_id128_t machine)
{
        const sd_id128_t app = APP_ID;
        struct hmac_sha256_ctx context;
        sd_id128_t id;

        hmac_sha256_set_key(&context, sizeof(machine.bytes), machine.bytes);
        hmac_sha256_update(&context, sizeof(app.bytes), app.bytes);
        hmac_sha256_digest(&context, sizeof(id.bytes), id.bytes);
        id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x40);
        id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
        return id;
}

int fleet_machine_id(const char *root, sd_id128_t *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, MACHINE_ID);
        _cleanup_buf_ struct buf text = BUF_INIT;
        sd_id128_t machine;

        int r = path ? file_read_line(AT_FDCWD, path, MACHINE_ID_MAX, &text, d) : -ENOMEM;
        if (r == -ENOENT)
                return diag_set(d, ENOENT, MACHINE_ID ": there is no such file");
        if (r < 0)
                return r;
        if (sd_id128_from_string(buf_str(&text), &machine) < 0)
                return diag_set(d, EINVAL, MACHINE_ID ": `%s` is no id of a machine", buf_str(&text));
        *ret = derive(machine);
        return 0;
}

/* The id is a hash; its first six bytes are nothing else. */
unsigned fleet_machine_place(sd_id128_t id)
{
        uint64_t hash = 0;

        for (size_t i = 0; i < 6; i++)
                hash = hash << 8 | id.bytes[i];
        return (unsigned)(hash % 100);
}

/* ---- Files ---- */

static const char *file_name(const char *group, char s[static FILE_NAME_MAX])
{
        (void)snprintf(s, FILE_NAME_MAX, LAYER_FLEET "%s" SUFFIX, group);
        return s;
}

/* The group of an installed file's name; false: it is no policy's. */
static bool read_group(const char *name, char ret[static FLEET_GROUP_MAX])
{
        const size_t n = strlen(name), prefix = strlen(LAYER_FLEET), suffix = strlen(SUFFIX);

        if (n < prefix + suffix || strncmp(name, LAYER_FLEET, prefix) != 0 ||
                strcmp(name + n - suffix, SUFFIX) != 0 ||
                !fleet_group_is_valid(name + prefix, n - prefix - suffix))
                return false;
        memcpy(ret, name + prefix, n - prefix - suffix);
        ret[n - prefix - suffix] = '\0';
        return true;
}

/* ---- What is installed ---- */

struct installed {
        struct fleet_policy policy;
        enum fleet_verdict verdict;
};

/* -ENOENT: it is not there. */
static int read_installed(struct fleet_machine *m, const char *name, const char *group,
        struct installed *ret, struct buf *ret_text, struct diag *d)
{
        int r = fleet_policy_open(m->policy_fd, name, ret_text, &ret->verdict, d);
        if (r < 0 || ret->verdict != FLEET_GOOD)
                return r;
        return fleet_policy_read(name, ret_text, &m->keys, group, m->now, &ret->policy, &ret->verdict, d);
}

typedef int (*installed_fn)(
        struct fleet_machine *m, const char *name, const struct installed *installed, struct diag *d);

static int visit(struct fleet_machine *m, const char *name, installed_fn fn, struct diag *d)
{
        char group[FLEET_GROUP_MAX];
        struct installed installed = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;

        if (!read_group(name, group))
                return 0;
        int r = read_installed(m, name, group, &installed, &text, d);
        if (r == 0)
                r = fn(m, name, &installed, d);
        return r == -ENOENT ? 0 : r;
}

static int for_each(struct fleet_machine *m, installed_fn fn, struct diag *d)
{
        int copy = m->policy_fd < 0 ? -1 : openat(m->policy_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = copy < 0 ? NULL : fdopendir(copy);
        int r = 0;

        if (m->policy_fd < 0)
                return 0;
        if (!dir) {
                r = -errno;
                closep(&copy);
                return diag_set(d, -r, LAYOUT_DROPINS_FLEET ": cannot be read: %s", strerror(-r));
        }
        for (errno = 0; r == 0;) {
                const struct dirent *e = readdir(dir);
                if (!e)
                        break;
                r = visit(m, e->d_name, fn, d);
        }
        (void)closedir(dir);
        return r;
}

/* ---- Life ---- */

/* A kill between the two files of an installation, or a damaged state: the policy says its serial itself. */
static int learn(struct fleet_machine *m, _unused_ const char *name, const struct installed *installed,
        _unused_ struct diag *d)
{
        const struct fleet_policy *p = &installed->policy;
        const bool is_ours = installed->verdict == FLEET_GOOD || installed->verdict == FLEET_EXPIRED;

        if (!is_ours || p->serial <= fleet_state_serial(&m->state, p->group))
                return 0;
        m->is_changed = true;
        return fleet_state_accept(&m->state, p);
}

static int open_folder(const char *root, const char *folder, bool makes, int *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, folder);
        if (!path)
                return -ENOMEM;
        *ret = makes ? file_make_folder(path) : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = *ret >= 0 ? 0 : makes ? *ret : -errno;
        if (r == -ENOENT && !makes)
                return 0;
        return r < 0 ? diag_set(d, -r, "%s: %s", folder, strerror(-r)) : 0;
}

/* A file that root alone can open: whoever could, could also hold the lock. */
static int take_lock(struct fleet_machine *m, struct diag *d)
{
        _cleanup_free_ char *dir = file_path(m->root, LAYOUT_FLEET_DIR);
        _cleanup_free_ char *path = file_path(m->root, LAYOUT_FLEET_LOCK);

        int r = dir && path ? file_make_dirs(dir) : -ENOMEM;
        if (r < 0)
                return diag_set(d, -r, LAYOUT_FLEET_DIR ": %s", strerror(-r));
        m->lock_fd = file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, NULL, d);
        if (m->lock_fd < 0)
                return m->lock_fd;
        while (r == 0 && flock(m->lock_fd, LOCK_EX) < 0)
                if (errno != EINTR)
                        r = diag_set(d, errno, "%s: cannot be locked: %s", path, strerror(errno));
        return r;
}

static int load_state(struct fleet_machine *m, struct diag *d)
{
        int r = fleet_state_load(m->root, &m->state, d);

        if (r > 0) {
                log_error("%s", d->text);
                d->text[0] = '\0';
                m->is_changed = true;
        }
        if (r < 0)
                return r;
        if (m->keys.is_complete && fleet_state_forget(&m->state, &m->keys))
                m->is_changed = true;
        return for_each(m, learn, d);
}

int fleet_machine_open(const char *root, bool installs, struct fleet_machine *ret, struct diag *d)
{
        *ret = (struct fleet_machine){
                .root = root, .lock_fd = -1, .policy_fd = -1, .now = (int64_t)clock_of(CLOCK_REALTIME)
        };
        int r = installs ? take_lock(ret, d) : 0;
        if (r == 0)
                r = open_folder(root, LAYOUT_DROPINS_FLEET, installs, &ret->policy_fd, d);
        if (r == 0)
                r = fleet_keys_load(root, &ret->keys);
        if (r == 0)
                r = load_state(ret, d);
        if (r < 0)
                fleet_machine_close(ret);
        return r < 0 && !d->text[0] ? diag_set(d, -r, "%s", strerror(-r)) : r;
}

void fleet_machine_close(struct fleet_machine *m)
{
        fleet_state_done(&m->state);
        closep(&m->policy_fd);
        closep(&m->lock_fd);
}

int fleet_machine_store(struct fleet_machine *m, struct diag *d)
{
        int r = m->is_changed ? fleet_state_store(m->root, &m->state, d) : 0;

        if (r == 0)
                m->is_changed = false;
        return r;
}

/* ---- A policy ---- */

/* Whether the policy is for this machine now. One that does not know who it is waits for all. */
static bool is_first(const struct fleet_machine *m, const struct fleet_policy *p, struct diag *d)
{
        sd_id128_t id;

        if (p->percent == 0)
                return true;
        return fleet_machine_id(m->root, &id, d) == 0 && fleet_machine_place(id) < p->percent;
}

int fleet_machine_judge(struct fleet_machine *m, const char *name, const struct buf *text, const char *group,
        struct fleet_policy *ret, enum fleet_verdict *ret_verdict, struct diag *d)
{
        int r = fleet_policy_read(name, text, &m->keys, group, m->now, ret, ret_verdict, d);

        if (r == 0 && *ret_verdict == FLEET_GOOD)
                *ret_verdict = fleet_state_check(&m->state, ret);
        if (r == 0 && *ret_verdict == FLEET_GOOD && !is_first(m, ret, d))
                *ret_verdict = FLEET_STAGED;
        return r;
}

/* Comments in front are nobody's: who changes one must not have the file written again. */
static bool is_same(const struct buf *a, const struct buf *b)
{
        struct signed_text x, y;

        return signed_split(buf_str(a), a->len, &x) && signed_split(buf_str(b), b->len, &y) &&
               memcmp(x.key, y.key, sizeof(x.key)) == 0 &&
               memcmp(x.signature, y.signature, sizeof(x.signature)) == 0 && x.size == y.size &&
               memcmp(x.message, y.message, x.size) == 0;
}

static int is_installed(struct fleet_machine *m, const char *name, const struct buf *text)
{
        _cleanup_buf_ struct buf have = BUF_INIT;
        enum fleet_verdict verdict;
        struct diag d = { 0 };

        /* What cannot be read is replaced. */
        int r = fleet_policy_open(m->policy_fd, name, &have, &verdict, &d);
        if (r == -ENOMEM)
                return r;
        return r == 0 && verdict == FLEET_GOOD && is_same(&have, text);
}

int fleet_machine_install(struct fleet_machine *m, const struct fleet_policy *p, const struct buf *text,
        bool *ret_new, struct diag *d)
{
        char name[FILE_NAME_MAX];

        int r = is_installed(m, file_name(p->group, name), text);
        if (r < 0)
                return r;
        const bool is_new = r == 0;
        r = is_new ? file_replace(m->policy_fd, name, text->data, text->len, 0644) : 0;
        if (r < 0)
                return diag_set(
                        d, -r, LAYOUT_DROPINS_FLEET "/%s: cannot be written: %s", name, strerror(-r));
        /* Behind the policy: what is remembered and not in force would keep it out. */
        if (is_new || fleet_state_serial(&m->state, p->group) != p->serial) {
                r = fleet_state_accept(&m->state, p);
                m->is_changed = true;
        }
        if (r == 0)
                r = fleet_machine_store(m, d);
        *ret_new = is_new;
        return r;
}

int fleet_machine_refuse(struct fleet_machine *m, const char *group, enum fleet_verdict why, uint64_t serial,
        const struct buf *text)
{
        const struct fleet_refused refused = fleet_refused_of(group, why, serial, text);
        const struct fleet_refused *last = fleet_state_refusal(&m->state, &refused);

        if (last && last->why == why)
                return 0;
        m->is_changed = true;
        return fleet_state_refuse(&m->state, &refused);
}

/* Whether it is to leave. A key that cannot be read may be the one that is missing, and what is merely
 * broken here was good where it was signed. */
static bool has_ended(const struct fleet_machine *m, enum fleet_verdict v)
{
        return v == FLEET_EXPIRED || v == FLEET_WRONG_SIGNATURE || v == FLEET_UNSIGNED ||
               (v == FLEET_UNKNOWN_KEY && m->keys.is_complete);
}

static int drop_one(
        struct fleet_machine *m, const char *name, const struct installed *installed, struct diag *d)
{
        if (!has_ended(m, installed->verdict))
                return 0;
        if (unlinkat(m->policy_fd, name, 0) < 0 || fsync(m->policy_fd) < 0)
                return diag_set(
                        d, errno, LAYOUT_DROPINS_FLEET "/%s: cannot be removed: %s", name, strerror(errno));
        log_notice(LAYOUT_DROPINS_FLEET "/%s: %s; it is not in force any more", name,
                fleet_verdict_text(installed->verdict));
        return 0;
}

int fleet_machine_drop(struct fleet_machine *m, struct diag *d)
{
        return for_each(m, drop_one, d);
}
