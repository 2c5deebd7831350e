/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/eddsa.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"

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
