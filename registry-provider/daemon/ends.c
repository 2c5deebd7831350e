/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ends.h"

#include <errno.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../store/history.h"

/* What could not be deleted is tried again after this time. */
#define RETRY_USEC UINT64_C(15000000)

/* Among the problems: it is the disk's, and not of a value that is refused. */
#define PROBLEM LAYOUT_STORE ": ends of layers"

/* ---- Records ---- */

/* Who wrote, or withdrew, the layer's end last, as far as the history says it. */
static struct actor find_who(const struct ends *e, const char *layer)
{
        const struct registry *registry = e->storage->registry;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(registry);
        _cleanup_path_ struct path path = { 0 };
        struct history_query query = {
                .path = &path, .name = "Ends", .backwards = true, .limit = 1, .bytes = ENDING_TEXT_MAX
        };
        struct history_page page = { 0 };

        int r = layers_metadata_path(layer, &path);
        if (r == 0)
                r = history_page(registry_store(registry), &query, &page);
        return r == 0 && page.n > 0 ? page.rows[0]->author->actor : ACTOR_UNKNOWN;
}

/* The time alone. */
static const char *shown(const struct ending *end, char text[static ENDING_TEXT_MAX])
{
        if (!end)
                return NULL;
        (void)ending_format(end, text);
        text[strcspn(text, " ")] = '\0';
        return text;
}

static void record(const struct ends *e, enum record_kind kind, const char *layer, const struct ending *old,
        const struct ending *new, const char *reason, const struct actor *who)
{
        char old_text[ENDING_TEXT_MAX], new_text[ENDING_TEXT_MAX];
        _cleanup_buf_ struct buf path = BUF_INIT;

        buf_printf(&path, LAYERS_KEY "\\%s", layer);
        auditlog_emit(e->auditlog, &(struct record){ .kind = kind,
                                           .path = buf_str(&path),
                                           .old_text = shown(old, old_text),
                                           .new_text = shown(new, new_text),
                                           .layer = layer,
                                           .reason = reason,
                                           .actor = who,
                                           .success = true });
}

/* ---- What is known, and what the table of layers has ---- */

static struct ends_layer *find(const struct ends *e, const char *name)
{
        for (size_t i = 0; i < e->n; i++)
                if (fold_same(e->list[i].name, name))
                        return &e->list[i];
        return NULL;
}

static int add(struct ends *e, const struct layer *l)
{
        if (array_grow(&e->list, e->n, sizeof(*e->list)) < 0)
                return -ENOMEM;
        e->list[e->n] = (struct ends_layer){ .name = strdup(l->name), .end = l->end, .is_seen = true };
        if (!e->list[e->n].name)
                return -ENOMEM;
        e->n++;
        return 0;
}

static void drop(struct ends *e, struct ends_layer *l)
{
        free(l->name);
        *l = e->list[--e->n];
}

static int take_layer(struct ends *e, const struct layer *l, bool is_recorded)
{
        struct ends_layer *known = find(e, l->name);
        int r = 0;

        if (known && ending_equal(&known->end, &l->end)) {
                known->is_seen = true;
                return 0;
        }
        if (is_recorded) {
                const struct actor who = find_who(e, l->name);
                record(e, RECORD_LAYER_LIMITED, l->name, known ? &known->end : NULL, &l->end, NULL, &who);
        }
        if (known) {
                known->end = l->end;
                known->is_seen = true;
        } else
                r = add(e, l);
        return r;
}

/* Somebody was faster. */
static void report_withdrawn(const struct ends *e, const struct ends_layer *l)
{
        const bool is_there = layers_find(registry_layers(e->storage->registry), l->name) != NULL;
        const struct actor who = find_who(e, l->name);

        record(e, RECORD_LAYER_ENDED, l->name, &l->end, NULL, is_there ? "unlimited" : "deleted", &who);
}

static void take_table(struct ends *e, bool is_recorded)
{
        const struct layers *layers = registry_layers(e->storage->registry);
        int r = 0;

        e->version = registry_layers_version(e->storage->registry);
        for (size_t i = 0; i < e->n; i++)
                e->list[i].is_seen = false;
        for (size_t i = 0; r == 0 && i < layers->n; i++)
                if (layers->list[i].has_end)
                        r = take_layer(e, &layers->list[i], is_recorded);
        if (r < 0)
                log_error("out of memory: a layer's end is not recorded");
        for (size_t i = e->n; r == 0 && i-- > 0;)
                if (!e->list[i].is_seen) {
                        report_withdrawn(e, &e->list[i]);
                        drop(e, &e->list[i]);
                }
}

/* ---- Their end ---- */

/* Those of the table, whether all of them are known or not. */
static void set_alarm(struct ends *e, uint64_t no_later)
{
        const struct layers *layers = registry_layers(e->storage->registry);
        uint64_t wall = UINT64_MAX, boottime = no_later;
        struct ending_clocks now;

        ending_read_clocks(&now);
        for (size_t i = 0; i < layers->n; i++) {
                const struct layer *l = &layers->list[i];
                if (!l->has_end || no_later != UINT64_MAX)
                        continue;
                if (l->end.at >= 0 && (uint64_t)l->end.at < wall)
                        wall = (uint64_t)l->end.at;
                if (ending_is_over(&l->end, &now))
                        boottime = now.boottime;
                else if (strcmp(l->end.boot, now.boot) == 0 && l->end.boottime < boottime)
                        boottime = l->end.boottime;
        }
        int r = loop_alarm_set(e->alarm, wall, boottime);
        if (r < 0)
                log_error("cannot wait for the ends of layers: %s", strerror(-r));
}

static void note_failure(struct ends *e, int error, const struct diag *d)
{
        struct diag text = { 0 };

        (void)diag_set(&text, 0, LAYERS_KEY ": layers whose end has passed cannot be deleted yet: %s",
                d->text[0] ? d->text : registry_error_text(e->storage->registry, error));
        registryd_report(e->daemon, PROBLEM, text.text, NULL);
        set_alarm(e, clock_of(CLOCK_BOOTTIME) + RETRY_USEC);
}

static void report_ended(struct ends *e, const struct actor *who)
{
        for (size_t i = e->n; i-- > 0;)
                if (e->list[i].is_over) {
                        record(e, RECORD_LAYER_ENDED, e->list[i].name, &e->list[i].end, NULL, "time",
                                &who[i]);
                        drop(e, &e->list[i]);
                }
}

/* Whose end it was is asked before that is withdrawn. */
static int end_layers(struct ends *e, const struct ending_clocks *now, struct diag *d)
{
        const struct store_author author = { .reason = STORE_REASON_ENDED, .actor = ACTOR_NOBODY };
        struct registry *registry = e->storage->registry;
        _cleanup_free_ struct actor *who = calloc(e->n, sizeof(*who));
        struct registry_events events = { 0 };

        if (!who)
                return -ENOMEM;
        for (size_t i = 0; i < e->n; i++) {
                e->list[i].is_over = ending_is_over(&e->list[i].end, now);
                if (e->list[i].is_over)
                        who[i] = find_who(e, e->list[i].name);
        }
        int r = registry_end_layers(registry, now, &author, &events, d);
        const bool is_changed = registry_pending(registry);
        if (r == 0)
                r = registry_sync(registry, d);
        if (r == 0) {
                report_ended(e, who);
                (void)registryd_clear(e->daemon, PROBLEM);
        }
        if (r == 0 && events.n > 0 && e->storage->registry1)
                registry1_changed(e->storage->registry1, &events, &author);
        registry_events_done(&events);
        if (r == 0 && is_changed) {
                reload_changed(e->reload);
                storage_changed(e->storage);
        }
        return r;
}

static void on_alarm(void *userdata)
{
        struct ends *e = userdata;
        struct ending_clocks now;
        struct diag d = { 0 };

        if (e->storage->registry1)
                registry1_flush(e->storage->registry1);
        ending_read_clocks(&now);
        int r = e->n > 0 ? end_layers(e, &now, &d) : 0;
        if (r != 0) {
                note_failure(e, r, &d);
                return;
        }
        take_table(e, true);
        set_alarm(e, UINT64_MAX);
}

/* ---- Life ---- */

void ends_changed(struct ends *e)
{
        if (e->version == registry_layers_version(e->storage->registry))
                return;
        take_table(e, true);
        /* What is still over is tried again at once. */
        (void)registryd_clear(e->daemon, PROBLEM);
        set_alarm(e, UINT64_MAX);
}

int ends_init(struct ends *e, struct registryd *daemon, struct storage *storage, struct reload *reload,
        struct auditlog *auditlog)
{
        *e = (struct ends){ .daemon = daemon, .storage = storage, .reload = reload, .auditlog = auditlog };
        int r = loop_alarm_new(storage->event, on_alarm, e, &e->alarm);
        if (r < 0)
                return r;
        take_table(e, false);
        on_alarm(e);
        return 0;
}

void ends_done(struct ends *e)
{
        e->alarm = loop_alarm_free(e->alarm);
        while (e->n > 0)
                drop(e, e->list);
        free(e->list);
}
