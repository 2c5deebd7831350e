/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../schema/base/array.h"
#include "../../schema/base/buf.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/date.h"
#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/names/fold.h"
#include "../../schema/values/value.h"
#include "../taint/scan.h"

/* What the result is arranged by. */
enum scan_by {
        SCAN_BY_ALL, /* bit, module and kernel */
        SCAN_BY_BIT,
        SCAN_BY_MODULE,
        SCAN_BY_KERNEL,
        SCAN_BY_WEEK,
};

/* The lists of names. */
static const struct part {
        enum scan_by by;
        const char *kind;        /* for people, and of CSV */
        const char *list, *name; /* of JSON */
} parts[] = {
        { SCAN_BY_MODULE, "module", "modules", "module" },
        { SCAN_BY_KERNEL, "kernel", "kernels", "release" },
        { SCAN_BY_WEEK, "week", "weeks", "week" },
};

struct result {
        const struct scan *scan;
        enum scan_by by;
        const struct scan_name **lists[ARRAY_SIZE(parts)]; /* sorted; owned */
};

static int result_init(struct result *r, const struct scan *s, enum scan_by by)
{
        *r = (struct result){ s, by,
                { scan_sort_modules(&s->modules), scan_sort_releases(&s->releases),
                        scan_sort_weeks(&s->weeks) } };
        return r->lists[0] && r->lists[1] && r->lists[2] ? 0 : -ENOMEM;
}

static void result_done(struct result *r)
{
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                free(r->lists[i]);
}

static bool shows(const struct result *r, enum scan_by what)
{
        return r->by == what || (r->by == SCAN_BY_ALL && what != SCAN_BY_WEEK);
}

/* The letters with which the module, or the release, was seen, as its own kernel prints them. */
static const char *letters_of(const struct scan_name *name, char s[static TAINT_LETTERS_MAX])
{
        return taint_letters(name->mask, name->kernel.distro, name->kernel.version, s);
}

/* What comes from a log may hold control characters: none reaches the terminal. */
static void put(struct buf *out, const char *text)
{
        utf8_put_safe(out, text, strlen(text));
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

static void names(struct buf *out, const struct scan *s, const char *kind,
        const struct scan_name *const *list, uint64_t left_out)
{
        char letters[TAINT_LETTERS_MAX];

        if (!list[0])
                return;
        buf_printf(out, "\n   reports  %s\n", kind);
        for (size_t i = 0; list[i]; i++) {
                buf_printf(out, "%10" PRIu64 "  ", list[i]->count.reports);
                put(out, list[i]->name);
                buf_printf(out, "  %s", letters_of(list[i], letters));
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

static void show_text(const struct result *r, struct buf *out)
{
        const struct scan *s = r->scan;
        const uint64_t left_out[] = { s->modules.left_out, s->releases.left_out, s->weeks.left_out };

        buf_printf(out, "%" PRIu64 " tainted and %" PRIu64 " clean reports in %u files, %" PRIu64 " bytes\n",
                s->reports, s->clean, s->n_files, s->bytes);
        if (s->unreadable > 0)
                buf_printf(out,
                        "%" PRIu64 " of them tainted by something unreadable: their letters are lost\n",
                        s->unreadable);
        if (s->ambiguous > 0)
                buf_printf(out,
                        "%" PRIu64 " with a letter that is ambiguous: counted as upstream's where it may be;"
                        " --era or --distro settles it\n",
                        s->ambiguous);
        if (s->other_times > 0)
                buf_printf(out, "%" PRIu64 " reports of other times are left out\n", s->other_times);
        if (s->reports > 0 && shows(r, SCAN_BY_BIT))
                bits(out, s);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (shows(r, parts[i].by))
                        names(out, s, parts[i].kind, r->lists[i], left_out[i]);
        skipped(out, s);
}

static void json_place(struct json *j, const struct scan *s, const char *key, const struct scan_place *p)
{
        json_key(j, key);
        json_begin_object(j);
        json_add_string(j, "file", s->files[p->file]);
        json_add_number(j, "offset", p->offset);
        json_add_string(j, "release", p->release[0] ? p->release : NULL);
        json_add_number(j, "time_usec", (uint64_t)(p->usec > 0 ? p->usec : 0));
        json_add_string(j, "dated", p->dated == SCAN_DATED_TEXT ? "text" : "file");
        json_end_object(j);
}

static void json_count(struct json *j, const struct scan *s, const struct scan_count *c)
{
        json_add_number(j, "reports", c->reports);
        if (c->reports > 0) {
                json_place(j, s, "first", &c->first);
                json_place(j, s, "last", &c->last);
        }
}

static void json_bits(struct json *j, const struct scan *s)
{
        size_t n;
        const struct taint_flag *rows = taint_flags(&n);
        char name[TAINT_NAME_MAX];

        json_open_array(j, "bits");
        for (size_t i = 0; i < n; i++) {
                if (s->flags[i].reports == 0)
                        continue;
                json_begin_object(j);
                json_add_number(j, "bit", rows[i].bit);
                json_add_string(j, "symbol", taint_name(&rows[i], rows[i].bit, name));
                json_key(j, "letter");
                json_string_n(j, &rows[i].letter, 1);
                json_add_string(j, "distro", taint_distro_name(rows[i].distro));
                json_count(j, s, &s->flags[i]);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_undocumented(struct json *j, const struct scan *s)
{
        json_open_array(j, "undocumented");
        for (size_t i = 0; i < ARRAY_SIZE(s->letters); i++) {
                const struct scan_letter *l = s->letters[i];
                char letter = (char)i;
                if (!l)
                        continue;
                json_begin_object(j);
                json_key(j, "letter");
                json_string_n(j, &letter, 1);
                json_count(j, s, &l->count);
                json_open_array(j, "examples");
                for (size_t k = 0; k < l->n_examples; k++) {
                        json_begin_object(j);
                        json_add_string(j, "text", l->examples[k]);
                        json_place(j, s, "place", &l->places[k]);
                        json_end_object(j);
                }
                json_end_array(j);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_names(
        struct json *j, const struct scan *s, const struct part *part, const struct scan_name *const *list)
{
        char letters[TAINT_LETTERS_MAX];

        json_open_array(j, part->list);
        for (size_t i = 0; list[i]; i++) {
                json_begin_object(j);
                json_add_string(j, part->name, list[i]->name);
                json_add_string(j, "letters", letters_of(list[i], letters));
                json_add_number(j, "mask", list[i]->mask);
                if (list[i]->clean > 0)
                        json_add_number(j, "clean", list[i]->clean);
                json_count(j, s, &list[i]->count);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_skipped(struct json *j, const struct scan *s)
{
        json_open_array(j, "skipped");
        for (size_t i = 0; i < s->n_skipped; i++) {
                json_begin_object(j);
                json_add_string(j, "file", s->skipped[i].path);
                json_add_string(j, "reason", s->skipped[i].reason);
                json_end_object(j);
        }
        json_end_array(j);
}

static void show_json(const struct result *r, struct buf *out)
{
        const struct scan *s = r->scan;
        struct json j = json_on(out);

        json_begin_object(&j);
        json_add_number(&j, "files", s->n_files);
        json_add_number(&j, "bytes", s->bytes);
        json_add_number(&j, "tainted", s->reports);
        json_add_number(&j, "unreadable", s->unreadable);
        json_add_number(&j, "clean", s->clean);
        json_add_number(&j, "ambiguous", s->ambiguous);
        json_add_number(&j, "other_times", s->other_times);
        if (shows(r, SCAN_BY_BIT)) {
                json_bits(&j, s);
                json_undocumented(&j, s);
        }
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (shows(r, parts[i].by))
                        json_names(&j, s, &parts[i], r->lists[i]);
        json_add_number(&j, "left_out", s->modules.left_out + s->releases.left_out);
        json_add_number(&j, "skipped_files", s->n_skipped_all);
        json_skipped(&j, s);
        json_end_object(&j);
        buf_putc(out, '\n');
}

static void csv_field(struct buf *out, const char *text)
{
        buf_putc(out, '"');
        for (; *text; text++) {
                if (*text == '"')
                        buf_putc(out, '"');
                buf_putc(out, *text);
        }
        buf_putc(out, '"');
}

static void csv_place(struct buf *out, const struct scan *s, const struct scan_place *p)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_printf(&text, "%s:%" PRIu64, s->files[p->file], p->offset);
        csv_field(out, buf_str(&text));
        if (text.error)
                out->error = text.error;
}

/* bit: -1 for none */
static void csv_row(struct buf *out, const struct scan *s, const char *kind, const char *name, int bit,
        const char *letters, const struct scan_count *c)
{
        char first[DATE_TEXT_MAX], last[DATE_TEXT_MAX];

        buf_printf(out, "%s,", kind);
        csv_field(out, name);
        buf_putc(out, ',');
        if (bit >= 0)
                buf_printf(out, "%d", bit);
        buf_printf(out, ",%s,%" PRIu64 ",", letters, c->reports);
        if (c->reports > 0)
                csv_place(out, s, &c->first);
        buf_putc(out, ',');
        if (c->reports > 0)
                csv_place(out, s, &c->last);
        buf_putc(out, ',');
        if (c->reports > 0)
                buf_printf(out, "%s,%s", date_format(c->first.usec, first), date_format(c->last.usec, last));
        else
                buf_putc(out, ',');
        buf_puts(out, "\r\n");
}

static void csv_names(
        struct buf *out, const struct scan *s, const char *kind, const struct scan_name *const *list)
{
        char letters[TAINT_LETTERS_MAX];

        for (size_t i = 0; list[i]; i++)
                csv_row(out, s, kind, list[i]->name, -1, letters_of(list[i], letters), &list[i]->count);
}

static void csv_bits(struct buf *out, const struct scan *s)
{
        size_t n;
        const struct taint_flag *rows = taint_flags(&n);
        char name[TAINT_NAME_MAX];

        for (size_t i = 0; i < n; i++)
                if (s->flags[i].reports > 0)
                        csv_row(out, s, "bit", taint_name(&rows[i], rows[i].bit, name), rows[i].bit,
                                (const char[]){ rows[i].letter, '\0' }, &s->flags[i]);
        for (size_t i = 0; i < ARRAY_SIZE(s->letters); i++)
                if (s->letters[i])
                        csv_row(out, s, "undocumented", "", -1, (const char[]){ (char)i, '\0' },
                                &s->letters[i]->count);
}

static void show_csv(const struct result *r, struct buf *out)
{
        const struct scan *s = r->scan;

        buf_puts(out, "kind,name,bit,letters,reports,first,last,first_time,last_time\r\n");
        if (shows(r, SCAN_BY_BIT))
                csv_bits(out, s);
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
                if (shows(r, parts[i].by))
                        csv_names(out, s, parts[i].kind, r->lists[i]);
}

#define BAR_WIDTH 40U

struct bar {
        uint64_t total; /* 0: not known */
        uint64_t last;  /* tenths of a second */
};

static void draw(void *userdata, uint64_t consumed)
{
        struct bar *bar = userdata;
        const uint64_t now = clock_of(CLOCK_MONOTONIC_COARSE) / 100000;

        if (now == bar->last)
                return;
        bar->last = now;
        if (bar->total == 0) {
                (void)fprintf(stderr, "\r%" PRIu64 " MB ", consumed / 1000000);
                return;
        }
        unsigned done = consumed >= bar->total ? BAR_WIDTH : (unsigned)(consumed * BAR_WIDTH / bar->total);
        (void)fprintf(stderr, "\r[%.*s%*s] %3" PRIu64 " %% ", (int)done,
                "########################################", (int)(BAR_WIDTH - done), "",
                consumed >= bar->total ? 100 : consumed * 100 / bar->total);
}

/* False, with the reason in the log, where it is none. */
static bool parse_time(const char *option, const char *text, int64_t *ret)
{
        if (!text || date_parse(text, (int64_t)time(NULL) * 1000000, ret))
                return true;
        log_error(
                "--%s takes a date, such as 2026-01-31 or '2026-01-31 10:00', or 7d, 12h: so long ago; not '%s'",
                option, text);
        return false;
}

static bool parse_by(const char *text, enum scan_by *ret)
{
        static const char *const names[] = { "all", "bit", "module", "kernel", "week" };

        const size_t i = array_find_word(names, ARRAY_SIZE(names), text ? text : "all");
        if (i < ARRAY_SIZE(names)) {
                *ret = (enum scan_by)i;
                return true;
        }
        return log_failure(false, "--by takes bit, module, kernel or week, not '%s'", text);
}

/* "64G": times 2^30; *ret_n is what stands before that. */
static uint64_t unit_of(const char *text, size_t *ret_n)
{
        static const char units[] = "KMGT";
        size_t n = strlen(text);
        const char *unit = n > 0 ? strchr(units, text[n - 1]) : NULL;

        *ret_n = unit ? n - 1 : n;
        return unit ? UINT64_C(1) << 10 * (unit - units + 1) : 1;
}

static bool parse_limit(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
        size_t n;
        uint64_t v, unit = text ? unit_of(text, &n) : 1;

        if (!text)
                return true;
        if (number_parse(text, n, most / unit, &v) == 0 && v * unit >= least) {
                *ret = v * unit;
                return true;
        }
        log_error(
                "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%s'", option, least, most, text);
        return false;
}

static bool parse_limits(const struct auditpol_options *o, struct source_limits *ret)
{
        return parse_limit("max-bytes", o->max_bytes, 1, INT64_MAX, &ret->bytes) &&
               parse_limit("max-ratio", o->max_ratio, 1, INT64_MAX, &ret->ratio) &&
               parse_limit("max-files", o->max_files, 1, INT64_MAX, &ret->members) &&
               parse_limit("max-depth", o->max_depth, 0, SOURCE_LEVELS_MAX, &ret->levels);
}

static enum exit_code show(const struct auditpol_options *o, enum scan_by by, const struct scan *s)
{
        _cleanup_buf_ struct buf out = BUF_INIT;
        _cleanup_(result_done) struct result result;

        if (result_init(&result, s, by) < 0)
                out.error = -ENOMEM;
        else if (o->json)
                show_json(&result, &out);
        else if (o->csv)
                show_csv(&result, &out);
        else
                show_text(&result, &out);
        return show_print(&out);
}

static enum exit_code run(
        const struct auditpol_options *o, enum scan_by by, struct scan *s, char *const *paths)
{
        bool on_terminal = isatty(STDERR_FILENO) == 1;
        struct bar bar = { 0 };

        if (on_terminal) {
                bar.total = scan_measure(paths);
                s->progress = draw;
                s->userdata = &bar;
        }
        int r = scan_paths(s, paths);
        if (on_terminal)
                (void)fprintf(stderr, "\r\033[K");
        if (r < 0)
                return log_failure(EXIT_CODE_FAILURE, "%s", strerror(-r));
        for (size_t i = 0; i < s->n_skipped; i++)
                log_warning("%s: skipped: %s", s->skipped[i].path, s->skipped[i].reason);
        enum exit_code code = show(o, by, s);
        return code == EXIT_CODE_OK && (s->n_skipped_all > 0 || s->unreadable > 0) ? EXIT_CODE_FAILURE
                                                                                   : code;
}

enum exit_code taint_scan(const struct auditpol_options *o, int n, char *const *arguments)
{
        struct taint_kernel context;
        struct scan s;
        enum scan_by by;
        enum exit_code code = taint_context_of(o, &context);

        if (code == EXIT_CODE_OK && !parse_by(o->by, &by))
                code = EXIT_CODE_USAGE;
        if (code != EXIT_CODE_OK)
                return code;
        if (n == 0 || (o->json && o->csv))
                return log_failure(EXIT_CODE_USAGE, "%s",
                        n == 0 ? "scan takes files and folders, or - for standard input"
                               : "--json and --csv exclude each other");
        /* The list ends in NULL, as that of main() does. */
        if (scan_init(&s, &context) < 0)
                return log_failure(EXIT_CODE_FAILURE, "%s", strerror(ENOMEM));
        code = parse_time("since", o->since, &s.since) && parse_time("until", o->until, &s.until) &&
                               parse_limits(o, &s.limits)
                       ? run(o, by, &s, arguments)
                       : EXIT_CODE_USAGE;
        scan_done(&s);
        return code;
}
