/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/eddsa.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"

static const struct {
        const char *reason, *text;
} verdicts[] = {
#define FLEET_VERDICT(symbol, its_reason, its_text) [symbol] = { its_reason, its_text },
#include "fleet-verdicts.def"
#undef FLEET_VERDICT
};

const char *fleet_verdict_reason(enum fleet_verdict v)
{
        return verdicts[v].reason;
}

const char *fleet_verdict_text(enum fleet_verdict v)
{
        return verdicts[v].text;
}

bool fleet_group_is_valid(const char *name, size_t n)
{
        static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";

        if (n == 0 || n >= FLEET_GROUP_MAX || !strchr(alphanumeric, name[0]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!name[i] || (!strchr(alphanumeric, name[i]) && !strchr("._-", name[i])))
                        return false;
        return true;
}

int fleet_policy_open(
        int dir_fd, const char *name, struct buf *ret, enum fleet_verdict *ret_verdict, struct diag *d)
{
        _cleanup_close_ int fd = file_open(dir_fd, name, O_RDONLY | O_NOFOLLOW, 0, NULL, d);
        int r = fd < 0 ? fd : file_read_fd(fd, FLEET_POLICY_BYTES_MAX, ret);

        *ret_verdict = r == 0 ? FLEET_GOOD : r == -EFBIG ? FLEET_TOO_LARGE : FLEET_NO_FILE;
        /* What file_open() says of a link, a folder and all else that is no file; ENXIO is a socket. */
        if (r == 0 || r == -EFBIG || r == -ELOOP || r == -EISDIR || r == -EINVAL || r == -ENXIO)
                return 0;
        return fd < 0 ? r : diag_set(d, -r, "%s: cannot be read: %s", name, strerror(-r));
}

static enum fleet_verdict check_signature(
        const struct buf *text, const struct fleet_keys *keys, struct fleet_policy *p)
{
        struct signed_text parts;

        if (text->len > FLEET_POLICY_BYTES_MAX)
                return FLEET_TOO_LARGE;
        if (!signed_split(buf_str(text), text->len, &parts))
                return FLEET_UNSIGNED;
        p->is_signed = true;
        memcpy(p->key, parts.key, sizeof(p->key));
        memcpy(p->signature, parts.signature, sizeof(p->signature));
        if (!fleet_keys_has(keys, parts.key))
                return FLEET_UNKNOWN_KEY;
        return fleet_keys_verify(keys, &parts) ? FLEET_GOOD : FLEET_WRONG_SIGNATURE;
}

static enum fleet_verdict check_contents(
        const struct hive_file *file, const char *group, int64_t now, struct fleet_policy *p)
{
        const size_t prefix = strlen(LAYER_FLEET);
        const char *own = strncmp(file->layer, LAYER_FLEET, prefix) == 0 ? file->layer + prefix : "";

        p->serial = file->seal.serial;
        p->expires = file->expires;
        p->percent = file->percent;
        if (!fleet_group_is_valid(own, strlen(own)))
                return FLEET_OTHER_LAYER;
        (void)strcpy(p->group, own);
        if (group && strcmp(group, own) != 0)
                return FLEET_OTHER_GROUP;
        if (file->precedence < FLEET_PRECEDENCE_MIN)
                return FLEET_LOW_PRECEDENCE;
        if (file->seal.serial == 0)
                return FLEET_NO_SERIAL;
        return file->expires != 0 && file->expires <= now ? FLEET_EXPIRED : FLEET_GOOD;
}

int fleet_policy_read(const char *name, const struct buf *text, const struct fleet_keys *keys,
        const char *group, int64_t now, struct fleet_policy *ret, enum fleet_verdict *ret_verdict,
        struct diag *d)
{
        _cleanup_hive_file_ struct hive_file *file = NULL;
        _cleanup_buf_ struct buf copy = BUF_INIT;

        *ret = (struct fleet_policy){ 0 };
        *ret_verdict = check_signature(text, keys, ret);
        if (*ret_verdict != FLEET_GOOD)
                return 0;
        buf_add(&copy, text->data, text->len);
        int r = copy.error < 0 ? copy.error : signed_parse(name, &copy, VALUE_BYTES_DEFAULT_MAX, &file, d);
        if (r == -ENOMEM)
                return r;
        *ret_verdict = r < 0 ? FLEET_BROKEN : check_contents(file, group, now, ret);
        return 0;
}

/* ---- The keys ---- */

#define SUFFIX ".pub"
#define FILE_BYTES_MAX 4096u

static int read_key(int dir_fd, const char *name, struct signed_key *ret, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        int r = file_read(dir_fd, name, FILE_BYTES_MAX, &text, NULL, d);
        if (r == -ENOENT)
                return diag_set(d, ENOENT, "%s: a link to a file that is not there", name);
        if (r == 0 && !signed_read_key(buf_str(&text), text.len, ret))
                r = diag_set(d, EINVAL, "%s: no public key, expected one as `signify -G` writes it", name);
        return r;
}

/* `folder` is where the name is, in messages. */
static int add(struct fleet_keys *keys, int dir_fd, const char *folder, const char *name)
{
        struct signed_key key;
        struct diag d = { 0 };

        int r = read_key(dir_fd, name, &key, &d);
        if (r == -ENOMEM)
                return r;
        if (r == 0 && keys->n == FLEET_KEYS_MAX)
                r = diag_set(&d, EFBIG, "%s: one key too many, at most %u count", name, FLEET_KEYS_MAX);
        if (r == 0) {
                keys->list[keys->n++] = key;
                return 0;
        }
        keys->is_complete = false;
        log_error("%s%s; ignoring", folder, d.text);
        return 0;
}

static bool is_key_name(const char *name)
{
        const size_t n = strlen(name), suffix = strlen(SUFFIX);

        return name[0] != '.' && n > suffix && strcmp(name + n - suffix, SUFFIX) == 0;
}

static int read_folder(struct fleet_keys *keys, DIR *dir)
{
        for (;;) {
                errno = 0;
                const struct dirent *e = readdir(dir);
                if (!e)
                        return -errno;
                int r = is_key_name(e->d_name) ? add(keys, dirfd(dir), LAYOUT_FLEET_KEYS "/", e->d_name) : 0;
                if (r < 0)
                        return r;
        }
}

int fleet_keys_load(const char *root, struct fleet_keys *ret)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_FLEET_KEYS);
        struct fleet_keys keys = { .is_complete = true };

        DIR *dir = path ? opendir(path) : NULL;
        int r = !path || dir ? 0 : -errno;
        if (dir) {
                r = read_folder(&keys, dir);
                (void)closedir(dir);
        }
        if (!path || r == -ENOMEM)
                return -ENOMEM;
        if (r < 0 && r != -ENOENT) {
                keys.is_complete = false;
                log_error("%s: cannot be read: %s; ignoring", LAYOUT_FLEET_KEYS, strerror(-r));
        }
        *ret = keys;
        return 0;
}

int fleet_keys_add(struct fleet_keys *keys, const char *path)
{
        return access(path, F_OK) == 0 ? add(keys, AT_FDCWD, "", path) : 0;
}

static bool is_number(const struct signed_key *key, const uint8_t number[static SIGNED_KEY_BYTES])
{
        return memcmp(key->number, number, SIGNED_KEY_BYTES) == 0;
}

bool fleet_keys_has(const struct fleet_keys *keys, const uint8_t number[static SIGNED_KEY_BYTES])
{
        for (size_t i = 0; i < keys->n; i++)
                if (is_number(&keys->list[i], number))
                        return true;
        return false;
}

bool fleet_keys_verify(const struct fleet_keys *keys, const struct signed_text *text)
{
        for (size_t i = 0; i < keys->n; i++)
                if (is_number(&keys->list[i], text->key) &&
                        ed25519_sha512_verify(keys->list[i].public, text->size,
                                (const uint8_t *)text->message, text->signature))
                        return true;
        return false;
}
