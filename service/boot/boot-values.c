/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot-values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "../../registry-provider/registry/registry.h"
#include "../../registry-provider/store/recovery.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/fileio.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../policy/policy.h"

/* As long as a provider waits for us; see take_lock() in its storage.c. */
#define BEGIN_USEC UINT64_C(1000000)
#define LOOK_USEC 5000u

void boot_values_done(struct boot_values *v)
{
        for (size_t i = 0; i < v->n; i++)
                free(v->list[i].text);
        free(v->list);
        *v = (struct boot_values){ 0 };
}

static void complain(struct boot_values *v, const char *line)
{
        log_error("%s", line);
        v->failures++;
}

/* What waits is held while the boot is the one in which what is accepted came into force. */
static bool is_same_boot(const char *root, const struct accepted *accepted)
{
        char boot[BOOT_ID_MAX];

        return clock_boot_id(root, boot) == 0 && strcmp(boot, accepted->boot) == 0;
}

static int set_fallback(struct boot_value *v, const struct accepted *accepted)
{
        const char *text = accepted_get(accepted, v->sv);

        if (!v->held && !accepted_pending(accepted, v->sv, &text) && !text && v->sv->has_default)
                text = v->sv->default_text;
        free(v->text);
        v->text = text ? strdup(text) : NULL;
        return text && !v->text ? -ENOMEM : 0;
}

static int init_values(const char *root, const struct schema *schema, const struct accepted *accepted,
        struct boot_values *ret)
{
        bool same_boot = is_same_boot(root, accepted);

        ret->list = calloc(schema->n ? schema->n : 1, sizeof(*ret->list));
        if (!ret->list)
                return -ENOMEM;
        for (size_t i = 0; i < schema->n; i++) {
                if (!schema->values[i].control)
                        continue;
                struct boot_value *v = &ret->list[ret->n++];
                v->sv = &schema->values[i];
                v->held = same_boot && v->sv->apply != SCHEMA_LIVE;
                int r = set_fallback(v, accepted);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load_files(
        const char *root, struct registry *registry, struct boot_values *values, struct diag *d)
{
        struct dropins files = { 0 };
        struct registry_events events = { 0 };

        int r = dropins_load(root, VALUE_BYTES_DEFAULT_MAX, &files);
        if (r == 0)
                registry_keep_part(&files, registry_schema(registry));
        if (r == 0)
                r = registry_apply_dropins(registry, &files, &events, d);
        for (size_t i = 0; i < files.n; i++)
                if (files.list[i].error)
                        complain(values, files.list[i].error);
        registry_events_done(&events);
        dropins_done(&files);
        return r;
}

/* The value that the registry says, or, refused, what was accepted before. */
static int decide(struct registry *registry, struct boot_value *v, struct boot_values *values)
{
        struct registry_value found;
        struct policy_decision decision = { 0 };

        int r = registry_get(registry, &v->sv->key, v->sv->name, &found, NULL);
        if (r < 0 && r != -ENOENT)
                return r;
        bool written = r == 0 && strcmp(found.layer, LAYER_DEFAULT) != 0;
        r = policy_decide(v->sv, v->text, written ? &found.value : NULL, &decision);
        if (r == 0 && decision.verdict == POLICY_REFUSE) {
                _cleanup_buf_ struct buf line = BUF_INIT;
                buf_printf(&line, "%s\\%s (layer %s): %s; %s", v->sv->key.text, v->sv->name, found.layer,
                        decision.why.text, v->text ? v->text : "nothing");
                buf_puts(&line, " stays in force");
                complain(values, buf_str(&line));
        } else if (r == 0 && decision.verdict == POLICY_CHANGE) {
                free(v->text);
                v->text = STEAL_PTR(decision.text);
        }
        policy_decision_done(&decision);
        return r;
}

/* Where a provider runs it holds the lock, and is read beside; else nobody may begin meanwhile. 1 with
 * *ret_lock; 0: nobody holds it; or a negative errno with d set. */
static int look_for_provider(const char *root, int *ret_lock, struct diag *d)
{
        _cleanup_free_ char *path = root_path(root, LAYOUT_STORE_LOCK);

        if (!path)
                return -ENOMEM;
        *ret_lock = open_regular(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, NULL, d);
        /* None has ever been here. */
        if (*ret_lock == -ENOENT)
                return 0;
        if (*ret_lock < 0)
                return *ret_lock;
        if (flock(*ret_lock, LOCK_SH | LOCK_NB) == 0)
                return 0;
        return errno == EWOULDBLOCK ? 1 : diag_set(d, errno, "%s: %s", path, strerror(errno));
}

/* What the bound values need of it: the store may be large. -ENOENT: there is none. */
static int try_store(
        const char *root, const struct schema *schema, struct store *to, bool *ret_held, struct diag *d)
{
        _cleanup_free_ char *file = root_path(root, LAYOUT_STORE);
        _cleanup_store_ struct store *from = NULL;
        _cleanup_close_ int lock = -1;

        int r = file ? look_for_provider(root, &lock, d) : -ENOMEM;
        *ret_held = r > 0;
        if (r >= 0)
                r = recovery_suspects(file, d);
        if (r == 0)
                r = store_open(file, *ret_held ? STORE_READ_ONLY : STORE_AT_BOOT, VALUE_BYTES_DEFAULT_MAX,
                        &from, d);
        return r < 0 ? r : registry_copy_part(from, schema, to, d);
}

/* A provider that begins has taken the lock, and is about to open, to make or to recover its store. */
static int load_store(const char *root, const struct schema *schema, struct store *to, struct diag *d)
{
        const uint64_t end = clock_usec() + BEGIN_USEC;
        bool is_held = false;

        for (;;) {
                int r = try_store(root, schema, to, &is_held, d);
                bool is_passing = is_held && (r == -EBUSY || r == -ENOENT || r == -EUCLEAN);
                if (!is_passing || clock_usec() >= end)
                        return r;
                (void)usleep(LOOK_USEC);
        }
}

/* Takes the store over. */
static int use_registry(const char *root, const struct schema *schema, struct store *store,
        struct boot_values *values, struct diag *d)
{
        _cleanup_registry_ struct registry *registry = NULL;
        const struct registry_config config = {
                .store = store, .schema = schema, .value_max = VALUE_BYTES_DEFAULT_MAX
        };

        int r = registry_open(&config, &registry, d);
        if (r == 0)
                r = load_files(root, registry, values, d);
        if (r < 0)
                return r;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(registry);
        for (size_t i = 0; r == 0 && i < values->n; i++)
                r = values->list[i].held ? 0 : decide(registry, &values->list[i], values);
        return r;
}

/* Without the database, what it says is not known: then what was in force last is right, and where nothing
 * was, the drop-in files. The folder alone is none: it may be what is below the mount point. */
static int load_values(const char *root, const struct schema *schema, bool has_accepted,
        struct boot_values *values, struct diag *d)
{
        _cleanup_store_ struct store *store = NULL;

        int r = store_open(NULL, STORE_WRITE, VALUE_BYTES_DEFAULT_MAX, &store, d);
        if (r < 0)
                return r;
        r = load_store(root, schema, store, d);
        if (r < 0 && r != -ENOENT)
                complain(values, d->text[0] ? d->text : strerror(-r));
        d->text[0] = '\0';
        return r < 0 && has_accepted ? 0 : use_registry(root, schema, STEAL_PTR(store), values, d);
}

int boot_values_load(const char *root, const struct schema *schema, const struct accepted *accepted,
        struct boot_values *ret, struct diag *d)
{
        struct boot_values values = { 0 };

        int r = init_values(root, schema, accepted, &values);
        if (r < 0) {
                boot_values_done(&values);
                return r;
        }
        r = load_values(root, schema, accepted->n > 0, &values, d);
        *ret = values;
        return r;
}
