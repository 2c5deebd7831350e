/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reload.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/base/diag.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"

/* After an error that is none of a file's: again after this time, and soon when a write shows that the disk
 * takes something again. */
#define RETRY_USEC UINT64_C(15000000)
#define RETRY_SOON_USEC UINT64_C(2000000)

/* ---- Which files changed since they were read last ---- */

/* A change of the registry names the file behind it. */
static struct reload_file *find(const struct reload *r, const char *path)
{
        for (size_t i = 0; i < r->n_files; i++)
                if (strcmp(r->files[i].path, path) == 0)
                        return &r->files[i];
        return NULL;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
               a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int add(struct reload *r, const struct dropin *in, const struct stat *st)
{
        if (array_grow(&r->files, r->n_files, sizeof(*r->files)) < 0)
                return -ENOMEM;
        r->files[r->n_files] = (struct reload_file){ .path = strdup(in->path),
                .st = *st,
                .seal = in->file ? in->file->seal : (struct seal){ 0 },
                .is_new = true };
        if (!r->files[r->n_files].path)
                return -ENOMEM;
        r->n_files++;
        return 0;
}

static int note(struct reload *r, const struct dropin *in)
{
        _cleanup_free_ char *path = file_path(r->storage->root, in->path);
        struct stat st;

        if (!path)
                return -ENOMEM;
        if (stat(path, &st) < 0)
                st = (struct stat){ .st_uid = in->owner };
        struct reload_file *known = find(r, in->path);
        if (!known)
                return add(r, in, &st);
        known->is_gone = false;
        known->is_new = !same_file(&known->st, &st);
        known->st = st;
        if (in->file)
                known->seal = in->file->seal;
        return 0;
}

/* Compares with the last call. 0 or -ENOMEM. */
static int files_update(struct reload *r, const struct dropins *files)
{
        size_t n = 0;
        int e = 0;

        /* What was gone the last time is forgotten; what is there is gone until it is seen. */
        for (size_t i = 0; i < r->n_files; i++)
                if (r->files[i].is_gone) {
                        free(r->files[i].path);
                } else {
                        r->files[n] = r->files[i];
                        r->files[n].is_gone = true;
                        r->files[n++].is_new = false;
                }
        r->n_files = n;
        for (size_t i = 0; e == 0 && i < files->n; i++)
                e = note(r, &files->list[i]);
        return e;
}

/* The file behind a value that comes from `layer` now (NULL or another's: what the file said is not there
 * any more). NULL: more than one may be. */
static const struct reload_file *blame(
        const struct reload *r, const struct dropins *files, const char *layer)
{
        const struct reload_file *only = NULL;
        size_t n = 0;

        for (size_t i = 0; i < r->n_files; i++)
                if (r->files[i].is_new || r->files[i].is_gone) {
                        only = &r->files[i];
                        n++;
                }
        for (size_t i = 0; layer && i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                const struct reload_file *edit =
                        in->file && strcmp(in->file->layer, layer) == 0 ? find(r, in->path) : NULL;
                if (edit && edit->is_new) {
                        only = edit;
                        n = 1;
                }
        }
        return n == 1 ? only : NULL;
}

static struct store_author author_of(const struct reload_file *file)
{
        struct store_author author = { .reason = "hive-edited",
                .file = file ? file->path : LAYOUT_DROPINS_ADMIN,
                .seal = file ? file->seal : (struct seal){ 0 } };

        author.actor.uid = file && !file->is_gone ? file->st.st_uid : (uid_t)-1;
        return author;
}

/* What the files changed, a batch for each file. */
static void send_changes(struct reload *r, const struct registry_events *events, const struct dropins *files)
{
        for (size_t begun = 0, end; begun < events->n; begun = end) {
                const struct reload_file *file = blame(r, files, events->list[begun].layer);
                const struct store_author author = author_of(file);
                for (end = begun + 1; end < events->n; end++)
                        if (blame(r, files, events->list[end].layer) != file)
                                break;
                const struct registry_events batch = {
                        .sequence = events->sequence, .list = events->list + begun, .n = end - begun
                };
                registry1_changed(r->storage->registry1, &batch, &author);
        }
}

/* ---- What is wrong ---- */

struct check {
        struct reload *reload;
        struct problems found;
};

static void on_refused(const struct layers_refused *refused, void *userdata)
{
        struct check *c = userdata;
        _cleanup_buf_ struct buf path = BUF_INIT, value = BUF_INIT, text = BUF_INIT;
        uint32_t number;

        buf_printf(&path, LAYERS_KEY "\\%s\\%s", refused->layer, refused->name);
        value_format(&value, &refused->value, true);
        buf_printf(&text, "%s: a %s of ", buf_str(&path), value_type_symbol(refused->value.type));
        if (value_get_u32(&refused->value, &number) == 0)
                buf_printf(&text, "%u", number);
        else
                buf_printf(&text, "%zu bytes", refused->value.size);
        buf_printf(&text, ", expected %s; %s is in force instead", refused->expected, refused->in_force);
        (void)problems_set(&c->found, buf_str(&path), buf_str(&text));
        registryd_report(c->reload->daemon, buf_str(&path), buf_str(&text),
                &(struct record){ .kind = RECORD_POLICY_REFUSED,
                        .path = buf_str(&path),
                        .old_text = refused->in_force,
                        .new_text = buf_str(&value),
                        .layer = refused->layer,
                        .reason = "invalid-value",
                        .detail = buf_str(&text) });
}

static void check_metadata(struct reload *r)
{
        struct check c = { .reload = r };

        int e = layers_each_refused(
                registry_store(r->storage->registry), registry_layers(r->storage->registry), on_refused, &c);
        if (e < 0)
                log_warning("layers' metadata cannot be read: %s; ignoring", strerror(-e));
        const char *path;
        for (size_t i = 0; e == 0 && registryd_problem(r->daemon, i, LAYERS_KEY "\\", &path);)
                if (!path || problems_clear(&c.found, path))
                        i++;
                else
                        registryd_mended(r->daemon, path);
        problems_done(&c.found);
}

static void note_files(struct reload *r, const struct dropins *files)
{
        for (size_t i = 0; i < files->n; i++) {
                const struct dropin *in = &files->list[i];
                if (in->error)
                        registryd_report(r->daemon, in->path, in->error,
                                &(struct record){ .kind = RECORD_FILE_REFUSED,
                                        .path = in->path,
                                        .reason = "broken-file",
                                        .detail = in->error });
                else
                        registryd_mended(r->daemon, in->path);
        }
}

#define ALL "/*.yaml"

static void note_watch(struct reload *r, const char *dir, const struct fswatch *w)
{
        const char *why = w ? fswatch_problem(w) : "";
        struct diag files = { 0 }, text = { 0 };

        (void)diag_set(&files, 0, "%s" ALL, dir);
        if (!why[0]) {
                (void)registryd_clear(r->daemon, files.text);
                return;
        }
        (void)diag_set(&text, 0,
                "%s: not all that is read can be watched, changes there are seen at Reload(): %s",
                files.text, why);
        registryd_report(r->daemon, files.text, text.text, NULL);
}

/* Whether the problem is of a drop-in directory; *ret_watch: and of how it is watched. */
static bool is_of_dropins(const char *file, bool *ret_watch)
{
        for (size_t i = 0; i < DROPINS_DIRS; i++) {
                size_t n = strlen(dropins_dirs[i]);
                if (strncmp(file, dropins_dirs[i], n) != 0)
                        continue;
                *ret_watch = strcmp(file + n, ALL) == 0;
                return true;
        }
        return false;
}

/* A problem of a file that is gone is none any more. Damage of the database stays until the restart. */
static void forget_gone(struct reload *r, const struct dropins *files)
{
        const char *file;

        for (size_t i = 0; registryd_problem(r->daemon, i, "", &file);) {
                bool there = false;
                bool is_dropin = is_of_dropins(file, &there);
                for (size_t k = 0; k < files->n; k++)
                        there |= strcmp(files->list[k].path, file) == 0;
                if (!is_dropin || there || !registryd_clear(r->daemon, file))
                        i++;
        }
}

static size_t count_good(const struct dropins *files)
{
        size_t n = 0;
        for (size_t i = 0; i < files->n; i++)
                n += files->list[i].file != NULL;
        return n;
}

static void set_retry(struct reload *r, uint64_t usec)
{
        int e = loop_timer_start(r->timer, usec);
        if (e < 0)
                log_warning("cannot set the timer for reading the drop-in files again: %s; ignoring",
                        strerror(-e));
}

static int on_retry(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        log_debug("the drop-in files are tried again");
        reload_now(userdata);
        return 0;
}

/* No file is to blame, so the directory is; forget_gone() takes it out again. */
static void note_failure(struct reload *r, int error, const struct diag *d)
{
        struct diag text = { 0 };

        (void)diag_set(&text, -error, "%s: drop-in files cannot be applied, the last good contents stay: %s",
                LAYOUT_DROPINS_ADMIN, d->text[0] ? d->text : strerror(-error));
        registryd_report(r->daemon, LAYOUT_DROPINS_ADMIN, text.text, NULL);
        r->state = r->state == RELOAD_DONE ? RELOAD_LATER : RELOAD_AGAIN;
        set_retry(r, RETRY_USEC);
}

static void note_success(struct reload *r, const struct dropins *files, bool is_changed)
{
        forget_gone(r, files);
        r->state = RELOAD_DONE;
        storage_load_settings(r->storage);
        if (is_changed)
                storage_changed(r->storage);
        else
                storage_tried(r->storage);
        (void)sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
}

void reload_now(struct reload *r)
{
        struct storage *s = r->storage;
        struct dropins files = { 0 };
        struct registry_events events = { 0 };
        struct diag d = { 0 };

        if (s->registry1)
                registry1_flush(s->registry1);
        int e = dropins_load(s->root, s->value_max, &files);
        size_t n_good = count_good(&files);
        if (e == 0)
                e = registry_apply_dropins(s->registry, &files, &events, &d);
        const bool is_changed = registry_pending(s->registry);
        if (e == 0)
                e = registry_sync(s->registry, &d);
        r->refused = count_good(&files) < n_good;
        r->layers_version = registry_layers_version(s->registry);
        note_files(r, &files);
        for (size_t i = 0; i < DROPINS_DIRS; i++)
                note_watch(r, dropins_dirs[i], r->watches[i]);
        check_metadata(r);
        if (e < 0)
                note_failure(r, e, &d);
        else
                note_success(r, &files, is_changed);
        if (e == 0)
                e = files_update(r, &files);
        if (e == 0 && events.n > 0 && s->registry1)
                send_changes(r, &events, &files);
        if (e == -ENOMEM)
                log_error("out of memory: subscribers were not sent what the drop-in files changed");
        registry_events_done(&events);
        dropins_done(&files);
        registryd_files_read(r->daemon);
}

void reload_changed(struct reload *r)
{
        uint64_t version = registry_layers_version(r->storage->registry);

        if (version != r->layers_version) {
                r->layers_version = version;
                if (r->refused)
                        reload_now(r);
                else
                        check_metadata(r);
        }
        /* Once: a stream of writes must not put it off. */
        if (r->state != RELOAD_LATER)
                return;
        r->state = RELOAD_SOON;
        set_retry(r, RETRY_SOON_USEC);
}

/* ---- Life ---- */

static void on_files(void *userdata)
{
        reload_now(userdata);
}

static int watch(struct reload *r, const char *path, struct fswatch **ret)
{
        _cleanup_free_ char *full = file_path(r->storage->root, path);
        int e = full ? fswatch_new(r->storage->event, FSWATCH_DIRECTORY, full, on_files, r, ret) : -ENOMEM;
        if (e < 0)
                log_warning("%s cannot be watched (%s): changes are seen at the next start or Reload()",
                        path, strerror(-e));
        return e == -ENOMEM ? e : 0;
}

int reload_init(struct reload *r, struct registryd *daemon, struct storage *storage)
{
        *r = (struct reload){ .daemon = daemon, .storage = storage };
        int e = loop_timer_new(storage->event, 100000, on_retry, r, &r->timer);
        for (size_t i = 0; e >= 0 && i < DROPINS_DIRS; i++)
                e = watch(r, dropins_dirs[i], &r->watches[i]);
        return e;
}

void reload_done(struct reload *r)
{
        for (size_t i = 0; i < DROPINS_DIRS; i++)
                r->watches[i] = fswatch_free(r->watches[i]);
        sd_event_source_disable_unref(r->timer);
        for (size_t i = 0; i < r->n_files; i++)
                free(r->files[i].path);
        free(r->files);
}
