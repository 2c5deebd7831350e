/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/date.h"
#include "../../schema/names/fold.h"
#include "taint-scan-show.h"

/* What comes from a log may hold control characters: none reaches the terminal. */
static void put(struct buf *out, const char *text)
{
        format_safe(out, text, strlen(text));
}

static void place(struct buf *out, const struct scan *s, const struct scan_place *p)
{
        char date[DATE_TEXT_MAX];

        put(out, s->files[p->file]);
        buf_printf(out, ", byte %" PRIu64, p->offset);
        if (p->release[0]) {
                buf_puts(out, " (");
                put(out, p->release);
                buf_putc(out, ')');
        }
        buf_printf(out, ", %s%s", date_format(p->usec, date),
                p->dated == SCAN_DATED_FILE ? " (the file's time)" : "");
}

static void places(struct buf *out, const struct scan *s, const struct scan_count *c)
{
        buf_puts(out, "             first ");
        place(out, s, &c->first);
        if (c->reports > 1) {
                buf_puts(out, "\n             last  ");
                place(out, s, &c->last);
        }
        buf_putc(out, '\n');
}

static void bits(struct buf *out, const struct scan *s)
{
        size_t n;
        const struct taint_flag *rows = taint_flags(&n);
        char name[TAINT_NAME_MAX];

        buf_puts(out, "\n   reports  bit\n");
        for (size_t i = 0; i < n; i++) {
                if (s->flags[i].reports == 0)
                        continue;
                buf_printf(out, "%10" PRIu64 "  %2u %c %s", s->flags[i].reports, rows[i].bit, rows[i].letter,
                        taint_name(&rows[i], rows[i].bit, name));
                if (rows[i].distro != TAINT_UPSTREAM)
                        buf_printf(out, " (%s)", taint_distro_name(rows[i].distro));
                buf_putc(out, '\n');
                places(out, s, &s->flags[i]);
        }
        for (size_t i = 0; i < ARRAY_SIZE(s->letters); i++) {
                const struct scan_letter *l = s->letters[i];
                if (!l)
                        continue;
                buf_printf(out, "%10" PRIu64 "   ? %c without a known meaning\n", l->count.reports, (int)i);
                for (size_t k = 0; k < l->n_examples; k++) {
                        buf_puts(out, "             ");
                        place(out, s, &l->places[k]);
                        buf_printf(out, "\n               %s\n", l->examples[k]);
                }
        }
}

static void names(struct buf *out, const struct scan *s, const char *title,
        const struct scan_name *const *list, uint64_t left_out)
{
        char letters[TAINT_LETTERS_MAX];

        if (!list[0])
                return;
        buf_puts(out, title);
        for (size_t i = 0; list[i]; i++) {
                buf_printf(out, "%10" PRIu64 "  ", list[i]->count.reports);
                put(out, list[i]->name);
                buf_printf(out, "  %s", taint_scan_letters(list[i], letters));
                if (list[i]->clean > 0)
                        buf_printf(out, "  (%" PRIu64 " not tainted)", list[i]->clean);
                buf_putc(out, '\n');
                if (list[i]->count.reports > 0)
                        places(out, s, &list[i]->count);
        }
        if (left_out > 0)
                buf_printf(out, "%10" PRIu64 "  under more names than are kept\n", left_out);
}

static void skipped(struct buf *out, const struct scan *s)
{
        if (s->n_skipped_all == 0)
                return;
        buf_printf(out, "\nskipped, whole or in part: %zu\n", s->n_skipped_all);
        for (size_t i = 0; i < s->n_skipped; i++) {
                buf_puts(out, "  ");
                put(out, s->skipped[i].path);
                buf_printf(out, ": %s\n", s->skipped[i].reason);
        }
}

int taint_scan_text(const struct scan *s, enum scan_by by, struct buf *out)
{
        _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s->modules);
        _cleanup_free_ const struct scan_name **releases = scan_sort_releases(&s->releases);
        _cleanup_free_ const struct scan_name **weeks = scan_sort_weeks(&s->weeks);

        if (!modules || !releases || !weeks)
                return -ENOMEM;
        buf_printf(out, "%" PRIu64 " tainted and %" PRIu64 " clean reports in %u files, %" PRIu64 " bytes\n",
                s->reports, s->clean, s->n_files, s->bytes);
        if (s->unreadable > 0)
                buf_printf(out,
                        "%" PRIu64 " of them tainted by what cannot be read: their letters got lost\n",
                        s->unreadable);
        if (s->ambiguous > 0)
                buf_printf(out,
                        "%" PRIu64 " with a letter that is ambiguous: counted as upstream's where it may be;"
                        " --era or --distro settles it\n",
                        s->ambiguous);
        if (s->other_times > 0)
                buf_printf(out, "%" PRIu64 " reports of other times are left out\n", s->other_times);
        if (s->reports > 0 && taint_scan_shows(by, SCAN_BY_BIT))
                bits(out, s);
        if (taint_scan_shows(by, SCAN_BY_MODULE))
                names(out, s, "\n   reports  module\n", modules, s->modules.left_out);
        if (taint_scan_shows(by, SCAN_BY_KERNEL))
                names(out, s, "\n   reports  kernel\n", releases, s->releases.left_out);
        if (by == SCAN_BY_WEEK)
                names(out, s, "\n   reports  week\n", weeks, s->weeks.left_out);
        skipped(out, s);
        return out->error;
}
