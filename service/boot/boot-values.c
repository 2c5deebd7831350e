/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot-values.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "../../registry-provider/registry/registry-part.h"
#include "../../registry-provider/registry/registry.h"
#include "../../registry-provider/store/recovery.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../policy/policy.h"

/* As long as a provider waits for us; see take_lock() in its storage.c. */
#define BEGIN_USEC 1000000u
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
        ret->list = calloc(schema->n ? schema->n : 1, sizeof(*ret->list));
        if (!ret->list)
                return -ENOMEM;
        for (size_t i = 0; i < schema->n; i++) {
                if (!schema->values[i].control)
                        continue;
                struct boot_value *v = &ret->list[ret->n++];
                v->sv = &schema->values[i];
                v->held = v->sv->apply != SCHEMA_LIVE && is_same_boot(root, accepted);
                int r = set_fallback(v, accepted);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int lay_files(const char *root, struct registry_part *part, struct boot_values *values,
        struct dropins *files, struct diag *d)
{
        int r = dropins_load(root, VALUE_BYTES_DEFAULT_MAX, files);

        if (r == 0)
                r = registry_part_apply(part, files, d);
        for (size_t i = 0; i < files->n; i++)
                if (files->list[i].error)
                        complain(values, files->list[i].error);
        return r;
}

/* The value that the registry says, or, refused, what was accepted before. */
static int decide(const struct registry_part *part, struct boot_value *v, struct boot_values *values)
{
        const struct registry_part_item *found;
        struct policy_decision decision = { 0 };

        int r = registry_part_get(part, &v->sv->key, v->sv->name, &found);
        if (r == REGISTRY_CORRUPT)
                return -EBADMSG;
        /* What was accepted last stays, as with a service that runs. */
        if (r < 0 || r == REGISTRY_LINK_LOOP || r == REGISTRY_BAD_LINK) {
                _cleanup_buf_ struct buf line = BUF_INIT;
                if (r < 0)
                        return r;
                buf_printf(&line, "%s: %s; %s stays in force", v->sv->key.text, registry_error_text(NULL, r),
                        v->text ? v->text : "nothing");
                complain(values, buf_str(&line));
                return 0;
        }
        bool written = r == 0;
        r = policy_decide(v->sv, v->text, written ? &found->value : NULL, &decision);
        if (r == 0 && decision.verdict == POLICY_REFUSE) {
                _cleanup_buf_ struct buf line = BUF_INIT;
                buf_printf(&line, "%s\\%s (layer %s): %s; %s", v->sv->key.text, v->sv->name,
                        written ? found->layer : LAYER_DEFAULT, decision.why.text,
                        v->text ? v->text : "nothing");
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
        _cleanup_free_ char *path = file_path(root, LAYOUT_STORE_LOCK);

        if (!path)
                return -ENOMEM;
        *ret_lock = file_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, NULL, d);
        /* None has ever been here. */
        if (*ret_lock == -ENOENT)
                return 0;
        if (*ret_lock < 0)
                return *ret_lock;
        if (flock(*ret_lock, LOCK_SH | LOCK_NB) == 0)
                return 0;
        return errno == EWOULDBLOCK ? 1 : diag_set(d, errno, "%s: %s", path, strerror(errno));
}

/* What is read, and what it is read from. */
struct source {
        int lock;
        struct store *store;
        struct dropins files;
        struct registry_part *part;
};

static void source_done(struct source *s)
{
        s->part = registry_part_free(s->part);
        dropins_done(&s->files);
        s->store = store_close(s->store);
        if (s->lock >= 0)
                (void)close(s->lock);
        s->lock = -1;
}

/* -ENOENT: there is none. */
static int try_store(
        const char *root, const struct schema *schema, struct source *s, bool *ret_held, struct diag *d)
{
        _cleanup_free_ char *file = file_path(root, LAYOUT_STORE);

        int r = file ? look_for_provider(root, &s->lock, d) : -ENOMEM;
        *ret_held = r > 0;
        if (r >= 0)
                r = recovery_suspects(file, d);
        if (r == 0)
                r = store_open(file, *ret_held ? STORE_READ_ONLY : STORE_AT_BOOT, VALUE_BYTES_DEFAULT_MAX,
                        &s->store, d);
        if (r == 0)
                r = registry_part_new(s->store, schema, &s->part, d);
        if (r < 0)
                source_done(s);
        return r;
}

/* A provider that begins has taken the lock, and is about to open, to make or to recover its store. */
static int load_store(const char *root, const struct schema *schema, struct source *s, struct diag *d)
{
        bool is_held = false;

        for (unsigned looks = BEGIN_USEC / LOOK_USEC;; looks--) {
                int r = try_store(root, schema, s, &is_held, d);
                bool is_passing = is_held && (r == -EBUSY || r == -ENOENT || r == -EUCLEAN);
                if (!is_passing || looks == 0)
                        return r;
                (void)usleep(LOOK_USEC);
        }
}

/* Without the database, what it says is not known: then what was in force last is right, and where nothing
 * was, the drop-in files. The folder alone is none: it may be what is below the mount point. */
static int load_values(const char *root, const struct schema *schema, bool has_accepted,
        struct boot_values *values, struct diag *d)
{
        _cleanup_(source_done) struct source s = { .lock = -1 };

        int r = load_store(root, schema, &s, d);
        if (r < 0 && r != -ENOENT)
                complain(values, d->text[0] ? d->text : strerror(-r));
        d->text[0] = '\0';
        if (r < 0 && has_accepted)
                return 0;
        if (r < 0)
                r = registry_part_new(NULL, schema, &s.part, d);
        if (r == 0)
                r = lay_files(root, s.part, values, &s.files, d);
        for (size_t i = 0; r == 0 && i < values->n; i++)
                r = values->list[i].held ? 0 : decide(s.part, &values->list[i], values);
        return r;
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
