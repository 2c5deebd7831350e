/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the registry provider said of itself when the service asked it. */
#include "metrics-text.h"

#include <inttypes.h>
#include <stdio.h>

static void add_numbers(struct buf *out, const struct metrics_registry *r)
{
        const struct {
                const char *name, *help;
                uint64_t value;
        } numbers[] = {
                { "peios_registry_problems", "What is wrong with the registry's files and values now.",
                        r->problems },
                { "peios_registry_refused_values", "The registry's own values that are refused now.",
                        r->refused },
                { "peios_registry_layers", "Layers that the registry has, 1024 at most.", r->layers },
                { "peios_registry_layers_ending", "Layers that end by themselves.", r->layers_ending },
                { "peios_registry_sequence", "The number of the last change.", r->sequence },
                { "peios_registry_backup_time_seconds",
                        "When the newest backup was made, since 1970; 0: there is none.",
                        r->backup_time / 1000000 },
                { "peios_registry_backup_sequence", "That of the newest change in the newest backup.",
                        r->backup_sequence },
                { "peios_registry_subscriptions", "Subscriptions to changes.", r->subscriptions },
                { "peios_registry_store_bytes", "Size of the database with its log.", r->store_bytes },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                metrics_add_number(out, numbers[i].name, "gauge", numbers[i].help, numbers[i].value);
}

static void add_commits(struct buf *out, const struct metrics_registry *r)
{
        static const char name[] = "peios_registry_commit_seconds",
                          bucket[] = "peios_registry_commit_seconds_bucket";

        metrics_add_family(out, name, "histogram", "How long it took to make changes durable.");
        for (size_t i = 0; i < r->n_buckets; i++) {
                _cleanup_buf_ struct buf bound = BUF_INIT;
                metrics_put_seconds(&bound, r->buckets[i].usec);
                const struct metrics_label label = { "le", buf_str(&bound) };
                metrics_add_sample(out, bucket, &label, 1, r->buckets[i].n);
        }
        metrics_add_sample(out, bucket, &(struct metrics_label){ "le", "+Inf" }, 1, r->commits);
        buf_printf(out, "%s_sum ", name);
        metrics_put_seconds(out, r->commit_usec);
        buf_printf(out, "\n%s_count %" PRIu64 "\n", name, r->commits);
}

void metrics_add_registry(struct buf *out, const struct metrics_registry *r)
{
        metrics_add_number(out, "peios_registry_up", "gauge",
                "Whether the registry provider answered when it was asked.", r->is_up);
        if (!r->is_up)
                return;
        add_numbers(out, r);
        add_commits(out, r);
}
