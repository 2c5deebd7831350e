/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "health.h"

#include <sys/stat.h>

#include "../../schema/bus/cleanup.h"
#include "../store/backup.h"

/* Of the file, and of the log beside it. Nothing is opened: closing it would take SQLite's locks away. */
static uint64_t store_bytes(const char *file)
{
        static const char *const suffixes[] = { "", "-wal" };
        uint64_t bytes = 0;

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_buf_ struct buf path = BUF_INIT;
                struct stat st;
                buf_printf(&path, "%s%s", file, suffixes[i]);
                if (!path.error && stat(buf_str(&path), &st) == 0)
                        bytes += (uint64_t)st.st_size;
        }
        return bytes;
}

/* All zero: there is none. */
static struct backup newest_backup(const char *file)
{
        _cleanup_free_ struct backup *list = NULL;
        size_t n;

        return backup_list(file, &list, &n) == 0 && n > 0 ? list[0] : (struct backup){ 0 };
}

/* Values that are refused. */
static uint64_t count_refused(const struct problems *p)
{
        uint64_t n = 0;

        for (size_t i = 0; i < p->n; i++)
                n += problem_is_of_value(&p->list[i]);
        return n;
}

static uint64_t count_ending(const struct layers *l)
{
        uint64_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                n += l->list[i].has_end;
        return n;
}

static int append_commits(sd_bus_message *m, const struct store_syncs *syncs)
{
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "commits-within");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(tt)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(tt)");
        for (size_t i = 0; r >= 0 && i < STORE_SYNC_BOUNDS; i++)
                r = sd_bus_message_append(m, "(tt)", store_sync_bounds[i], syncs->within[i]);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

int health_answer(const struct registry1_config *config, size_t n_subscriptions, sd_bus_message *m)
{
        const struct store_syncs *syncs = store_syncs(registry_store(config->registry));
        const struct layers *layers = registry_layers(config->registry);
        const struct backup backup = newest_backup(config->file);
        const struct {
                const char *name;
                uint64_t value;
        } numbers[] = {
                { "problems", config->problems->n },
                { "refused", count_refused(config->problems) },
                { "layers", layers->n },
                { "layers-ending", count_ending(layers) },
                { "sequence", registry_sequence(config->registry) },
                { "subscriptions", n_subscriptions },
                { "store-bytes", store_bytes(config->file) },
                { "backup-time", backup.time },
                { "backup-sequence", backup.sequence },
                { "commits", syncs->n },
                { "commit-usec", syncs->usec },
        };
        _cleanup_message_ sd_bus_message *reply = NULL;

        int r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
                r = sd_bus_message_append(reply, "{sv}", numbers[i].name, "t", numbers[i].value);
        if (r >= 0)
                r = append_commits(reply, syncs);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}
