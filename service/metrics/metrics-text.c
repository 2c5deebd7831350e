/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/names/fold.h"
#include "../../schema/taint/taint.h"

/* ---- The Prometheus text format. Errors stick in `out`. ---- */

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

struct label {
        const char *name, *value; /* value NULL or "": left out */
};

/* HELP and TYPE ("gauge", "counter" or "histogram") of the samples that follow. */
static void add_family(struct buf *out, const char *name, const char *type, const char *help)
{
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Any bytes as the text between the quotes. */
static void add_escaped(struct buf *out, const char *text)
{
        for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
                uint32_t c;
                n = utf8_decode(text, left, &c);
                if (n == 0) {
                        n = 1;
                        buf_puts(out, REPLACEMENT);
                } else if (c == '\n') {
                        buf_puts(out, "\\n");
                } else if (c == '\\' || c == '"') {
                        buf_printf(out, "\\%c", (char)c);
                } else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
                        buf_puts(out, REPLACEMENT);
                } else {
                        buf_add(out, text, n);
                }
        }
}

/* The part before the value, with the blank. */
static void add_series(struct buf *out, const char *name, const struct label *labels, size_t n)
{
        char before = '{';

        buf_puts(out, name);
        for (size_t i = 0; i < n; i++) {
                if (!labels[i].value || labels[i].value[0] == '\0')
                        continue;
                buf_printf(out, "%c%s=\"", before, labels[i].name);
                add_escaped(out, labels[i].value);
                buf_putc(out, '"');
                before = ',';
        }
        buf_puts(out, before == ',' ? "} " : " ");
}

static void add_sample(
        struct buf *out, const char *name, const struct label *labels, size_t n, uint64_t value)
{
        add_series(out, name, labels, n);
        buf_printf(out, "%" PRIu64 "\n", value);
}

/* One that is all of its family: without a label. */
static void add_number(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
        add_family(out, name, type, help);
        add_sample(out, name, NULL, 0, value);
}

/* With six digits behind the point. */
static void put_seconds(struct buf *out, uint64_t usec)
{
        buf_printf(out, "%" PRIu64 ".%06" PRIu64, usec / 1000000, usec % 1000000);
}

/* ---- The kernel's taint ---- */

#define TAINT_SET "peios_kernel_taint_set"
#define TAINT_ACCEPTED "peios_kernel_taint_accepted"
#define TAINT_TIME "peios_kernel_taint_first_set_time_seconds"
#define BITS 64u

struct bit_text {
        char number[4];
        char name[TAINT_NAME_MAX];
};

static void describe(unsigned bit, struct bit_text *ret)
{
        (void)snprintf(ret->number, sizeof(ret->number), "%u", bit % BITS);
        (void)taint_name(taint_flag_by_bit(bit), bit, ret->name);
}

static const struct taint_event *first_event(const struct metrics_state *s, unsigned bit)
{
        for (size_t i = 0; i < s->n_events; i++)
                if (s->events[i].bit == bit && !s->events[i].cleared)
                        return &s->events[i];
        return NULL;
}

static bool is_set(const struct metrics_state *s, unsigned bit)
{
        return s->monitor.tainted >> bit & 1;
}

static void add_bits(const struct metrics_state *s, struct buf *out)
{
        add_family(out, TAINT_SET, "gauge",
                "Whether the kernel has this taint; module: what set the bit first in this boot.");
        for (unsigned bit = 0; bit < BITS; bit++) {
                const struct taint_event *e = is_set(s, bit) ? first_event(s, bit) : NULL;
                struct bit_text text;
                if (!is_set(s, bit) && !taint_flag_by_bit(bit))
                        continue;
                describe(bit, &text);
                const struct label labels[] = { { "bit", text.number }, { "flag", text.name },
                        { "module", e ? e->module : NULL } };
                add_sample(out, TAINT_SET, labels, ARRAY_SIZE(labels), is_set(s, bit));
        }
}

static void add_accepted(const struct metrics_state *s, struct buf *out)
{
        if (s->monitor.tainted == 0)
                return;
        add_family(out, TAINT_ACCEPTED, "gauge",
                "Whether the set bit is no alarm: everything that set it in this boot is accepted.");
        for (unsigned bit = 0; bit < BITS; bit++) {
                struct bit_text text;
                if (!is_set(s, bit))
                        continue;
                describe(bit, &text);
                const struct label labels[] = { { "bit", text.number }, { "flag", text.name } };
                add_sample(out, TAINT_ACCEPTED, labels, ARRAY_SIZE(labels), s->accepted >> bit & 1);
        }
}

static void add_times(const struct metrics_state *s, struct buf *out)
{
        bool begun = false;

        for (unsigned bit = 0; bit < BITS; bit++) {
                const struct taint_event *e = is_set(s, bit) ? first_event(s, bit) : NULL;
                struct bit_text text;
                if (!e || e->time_usec == 0)
                        continue;
                if (!begun)
                        add_family(out, TAINT_TIME, "gauge",
                                "When the bit was set first in this boot, where that is known.");
                begun = true;
                describe(bit, &text);
                const struct label labels[] = { { "bit", text.number }, { "flag", text.name } };
                add_series(out, TAINT_TIME, labels, ARRAY_SIZE(labels));
                put_seconds(out, e->time_usec);
                buf_putc(out, '\n');
        }
}

static void add_taint(const struct metrics_state *s, struct buf *out)
{
        add_number(out, "peios_kernel_taint_readable", "gauge",
                "Whether the kernel's taint mask can be read; without it no bit is shown.",
                s->monitor.readable);
        if (!s->monitor.readable)
                return;
        add_bits(s, out);
        add_accepted(s, out);
        add_times(s, out);
}

/* ---- The service ---- */

/* One sample a choice, 1 for the one that is in force. */
static void add_choice(
        struct buf *out, const char *name, const char *help, const struct metrics_choice *choice)
{
        if (!choice->sv || choice->sv->n_choices == 0)
                return;
        add_family(out, name, "gauge", help);
        for (size_t i = 0; i < choice->sv->n_choices; i++) {
                const char *value = choice->sv->choices[i].value;
                const struct label label = { "value", value };
                add_sample(out, name, &label, 1, choice->text && strcmp(choice->text, value) == 0);
        }
}

static void add_backend(struct buf *out, const char *backend)
{
        static const char *const all[] = { "bpf", "hints" };
        static const char name[] = "peios_taint_monitor_backend";

        add_family(out, name, "gauge", "How taint transitions are seen: 1 for what is in use.");
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                const struct label label = { "value", all[i] };
                add_sample(out, name, &label, 1, strcmp(backend, all[i]) == 0);
        }
}

static void add_live(struct buf *out, const struct metrics_state *s)
{
        static const char name[] = "peios_policy_live";

        add_family(out, name, "gauge", "Whether the setting's control holds what is in force.");
        for (size_t i = 0; i < s->n_settings; i++) {
                if (!s->settings[i].applies)
                        continue;
                const struct label labels[] = { { "setting", s->settings[i].path },
                        { "control", s->settings[i].control } };
                add_sample(out, name, labels, ARRAY_SIZE(labels), s->settings[i].live);
        }
}

static void add_pending(struct buf *out, const struct metrics_state *s)
{
        static const char name[] = "peios_policy_pending";

        add_family(out, name, "gauge",
                "Whether another value is accepted and waits for a restart or a reboot.");
        for (size_t i = 0; i < s->n_settings; i++) {
                const struct label label = { "setting", s->settings[i].path };
                add_sample(out, name, &label, 1, s->settings[i].pending);
        }
}

static void add_counters(struct buf *out, const struct metrics_state *s)
{
        static const struct {
                const char *name, *help;
                size_t offset;
        } counters[] = {
                { "peios_policy_changes_total", "Changes that came into force.",
                        offsetof(struct metrics_setting, changes) },
                { "peios_policy_no_op_writes_total", "Writes of the value that was in force already.",
                        offsetof(struct metrics_setting, no_ops) },
                { "peios_policy_refusals_total", "Written values that were refused.",
                        offsetof(struct metrics_setting, refusals) },
                { "peios_policy_drifts_total", "Foreign values that were found in the control.",
                        offsetof(struct metrics_setting, drifts) },
        };

        for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
                add_family(out, counters[i].name, "counter", counters[i].help);
                for (size_t k = 0; k < s->n_settings; k++) {
                        const struct metrics_setting *setting = &s->settings[k];
                        const struct label label = { "setting", setting->path };
                        uint64_t value;
                        memcpy(&value, (const char *)setting + counters[i].offset, sizeof(value));
                        add_sample(out, counters[i].name, &label, 1, value);
                }
        }
}

static void add_numbers(struct buf *out, const struct metrics_state *s)
{
        const struct {
                const char *name, *type, *help;
                uint64_t value;
        } numbers[] = {
                { "peios_audit_records_sent_total", "counter", "Audit records handed over to the kernel.",
                        s->audit.sent },
                { "peios_audit_records_lost_total", "counter",
                        "Audit records that were given up; the journal has them.", s->audit.lost },
                { "peios_audit_records_kept", "gauge", "Audit records that wait for another try.",
                        s->audit.kept },
                { "peios_taint_monitor_misses_total", "counter", "How often something may have been missed.",
                        s->monitor.misses },
                { "peios_taint_monitor_drops_total", "counter", "Reports that found their queue full.",
                        s->monitor.drops },
        };

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                add_number(out, numbers[i].name, numbers[i].type, numbers[i].help, numbers[i].value);
}

/* ---- The registry provider ---- */

static void add_registry_numbers(struct buf *out, const struct metrics_registry *r)
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
                add_number(out, numbers[i].name, "gauge", numbers[i].help, numbers[i].value);
}

static void add_commits(struct buf *out, const struct metrics_registry *r)
{
        static const char name[] = "peios_registry_commit_seconds",
                          bucket[] = "peios_registry_commit_seconds_bucket";

        add_family(out, name, "histogram", "How long it took to make changes durable.");
        for (size_t i = 0; i < r->n_buckets; i++) {
                _cleanup_buf_ struct buf bound = BUF_INIT;
                put_seconds(&bound, r->buckets[i].usec);
                const struct label label = { "le", buf_str(&bound) };
                add_sample(out, bucket, &label, 1, r->buckets[i].n);
        }
        add_sample(out, bucket, &(struct label){ "le", "+Inf" }, 1, r->commits);
        buf_printf(out, "%s_sum ", name);
        put_seconds(out, r->commit_usec);
        buf_printf(out, "\n%s_count %" PRIu64 "\n", name, r->commits);
}

static void add_registry(struct buf *out, const struct metrics_registry *r)
{
        add_number(out, "peios_registry_up", "gauge",
                "Whether the registry provider answered when it was asked.", r->is_up);
        if (!r->is_up)
                return;
        add_registry_numbers(out, r);
        add_commits(out, r);
}

/* ---- All of it ---- */

int metrics_text(const struct metrics_state *s, struct buf *out)
{
        const struct label version = { "version", s->version };

        add_family(out, "peios_audit_policyd_info", "gauge", "The version of the service; always 1.");
        add_sample(out, "peios_audit_policyd_info", &version, 1, 1);
        add_taint(s, out);
        add_choice(out, "peios_taint_events_policy",
                "The policy on kernel taint events: 1 for what is in force.", &s->policy);
        add_live(out, s);
        add_pending(out, s);
        add_counters(out, s);
        add_numbers(out, s);
        add_backend(out, s->monitor.backend ? s->monitor.backend : "");
        add_choice(out, "peios_taint_capture", "How much is captured of a taint: 1 for what is in force.",
                &s->capture);
        if (s->registry)
                add_registry(out, s->registry);
        return out->error;
}
