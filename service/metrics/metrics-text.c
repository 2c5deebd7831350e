/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-text.h"

#include <stddef.h>
#include <string.h>

#include "metrics-taint.h"
#include "metrics-writer.h"

/* One sample a choice, 1 for the one that is in force. */
static void add_choice(
        struct buf *out, const char *name, const char *help, const struct metrics_choice *choice)
{
        if (!choice->sv || choice->sv->n_choices == 0)
                return;
        metrics_family(out, name, "gauge", help);
        for (size_t i = 0; i < choice->sv->n_choices; i++) {
                const char *value = choice->sv->choices[i].value;
                const struct metrics_label label = { "value", value };
                metrics_sample(out, name, &label, 1, choice->text && strcmp(choice->text, value) == 0);
        }
}

static void add_backend(struct buf *out, const char *backend)
{
        static const char *const all[] = { "bpf", "hints" };
        static const char name[] = "peios_taint_monitor_backend";

        metrics_family(out, name, "gauge", "How taint transitions are seen: 1 for what is in use.");
        for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
                const struct metrics_label label = { "value", all[i] };
                metrics_sample(out, name, &label, 1, strcmp(backend, all[i]) == 0);
        }
}

static void add_live(struct buf *out, const struct metrics_state *s)
{
        static const char name[] = "peios_policy_live";

        metrics_family(out, name, "gauge", "Whether the setting's control holds what is in force.");
        for (size_t i = 0; i < s->n_settings; i++) {
                if (!s->settings[i].applies)
                        continue;
                const struct metrics_label labels[] = { { "setting", s->settings[i].path },
                        { "control", s->settings[i].control } };
                metrics_sample(out, name, labels, ARRAY_SIZE(labels), s->settings[i].live);
        }
}

static void add_pending(struct buf *out, const struct metrics_state *s)
{
        static const char name[] = "peios_policy_pending";

        metrics_family(out, name, "gauge",
                "Whether another value is accepted and waits for a restart or a reboot.");
        for (size_t i = 0; i < s->n_settings; i++) {
                const struct metrics_label label = { "setting", s->settings[i].path };
                metrics_sample(out, name, &label, 1, s->settings[i].pending);
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
                metrics_family(out, counters[i].name, "counter", counters[i].help);
                for (size_t k = 0; k < s->n_settings; k++) {
                        const struct metrics_setting *setting = &s->settings[k];
                        const struct metrics_label label = { "setting", setting->path };
                        uint64_t value;
                        memcpy(&value, (const char *)setting + counters[i].offset, sizeof(value));
                        metrics_sample(out, counters[i].name, &label, 1, value);
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

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                metrics_family(out, numbers[i].name, numbers[i].type, numbers[i].help);
                metrics_sample(out, numbers[i].name, NULL, 0, numbers[i].value);
        }
}

int metrics_text(const struct metrics_state *s, struct buf *out)
{
        const struct metrics_label version = { "version", s->version };

        metrics_family(out, "peios_audit_policyd_info", "gauge", "The version of the service; always 1.");
        metrics_sample(out, "peios_audit_policyd_info", &version, 1, 1);
        metrics_taint(s, out);
        add_choice(out, "peios_taint_events_policy",
                "The policy on kernel taint events: 1 for what is in force.", &s->policy);
        add_live(out, s);
        add_pending(out, s);
        add_counters(out, s);
        add_numbers(out, s);
        add_backend(out, s->monitor.backend ? s->monitor.backend : "");
        add_choice(out, "peios_taint_capture", "How much is captured of a taint: 1 for what is in force.",
                &s->capture);
        return out->error;
}
