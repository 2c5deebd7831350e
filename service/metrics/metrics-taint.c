/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics-taint.h"

#include <inttypes.h>
#include <stdio.h>

#include "../../schema/taint/taint.h"
#include "metrics-writer.h"

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
        metrics_family(out, TAINT_SET, "gauge",
                "Whether the kernel is tainted so; module: what set the bit first in this boot.");
        for (unsigned bit = 0; bit < BITS; bit++) {
                const struct taint_event *e = is_set(s, bit) ? first_event(s, bit) : NULL;
                struct bit_text text;
                if (!is_set(s, bit) && !taint_flag_by_bit(bit))
                        continue;
                describe(bit, &text);
                const struct metrics_label labels[] = { { "bit", text.number }, { "flag", text.name },
                        { "module", e ? e->module : NULL } };
                metrics_sample(out, TAINT_SET, labels, ARRAY_SIZE(labels), is_set(s, bit));
        }
}

static void add_accepted(const struct metrics_state *s, struct buf *out)
{
        if (s->monitor.tainted == 0)
                return;
        metrics_family(out, TAINT_ACCEPTED, "gauge",
                "Whether the bit, which is set, is no alarm: all that set it in this boot is accepted.");
        for (unsigned bit = 0; bit < BITS; bit++) {
                struct bit_text text;
                if (!is_set(s, bit))
                        continue;
                describe(bit, &text);
                const struct metrics_label labels[] = { { "bit", text.number }, { "flag", text.name } };
                metrics_sample(out, TAINT_ACCEPTED, labels, ARRAY_SIZE(labels), s->accepted >> bit & 1);
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
                        metrics_family(out, TAINT_TIME, "gauge",
                                "When the bit was set first in this boot, where that is known.");
                begun = true;
                describe(bit, &text);
                const struct metrics_label labels[] = { { "bit", text.number }, { "flag", text.name } };
                metrics_series(out, TAINT_TIME, labels, ARRAY_SIZE(labels));
                buf_printf(out, "%" PRIu64 ".%06u\n", e->time_usec / 1000000,
                        (unsigned)(e->time_usec % 1000000));
        }
}

void metrics_taint(const struct metrics_state *s, struct buf *out)
{
        metrics_family(out, "peios_kernel_taint_readable", "gauge",
                "Whether the kernel's taint mask can be read; without it no bit is shown.");
        metrics_sample(out, "peios_kernel_taint_readable", NULL, 0, s->monitor.readable);
        if (!s->monitor.readable)
                return;
        add_bits(s, out);
        add_accepted(s, out);
        add_times(s, out);
}
