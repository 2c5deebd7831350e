/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/base/date.h"
#include "../../schema/base/json.h"
#include "taint-scan-show.h"

static void member_number(struct json *j, const char *key, uint64_t v)
{
        json_key(j, key);
        json_number(j, v);
}

static void member_string(struct json *j, const char *key, const char *v)
{
        json_key(j, key);
        json_string(j, v);
}

static void json_place(struct json *j, const struct scan *s, const char *key, const struct scan_place *p)
{
        if (key)
                json_key(j, key);
        json_begin_object(j);
        member_string(j, "file", s->files[p->file]);
        member_number(j, "offset", p->offset);
        member_string(j, "release", p->release[0] ? p->release : NULL);
        json_key(j, "time_usec");
        json_number(j, (uint64_t)(p->usec > 0 ? p->usec : 0));
        member_string(j, "dated", p->dated == SCAN_DATED_TEXT ? "text" : "file");
        json_end_object(j);
}

static void json_count(struct json *j, const struct scan *s, const struct scan_count *c)
{
        member_number(j, "reports", c->reports);
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

        json_key(j, "bits");
        json_begin_array(j);
        for (size_t i = 0; i < n; i++) {
                if (s->flags[i].reports == 0)
                        continue;
                json_begin_object(j);
                member_number(j, "bit", rows[i].bit);
                member_string(j, "symbol", taint_name(&rows[i], rows[i].bit, name));
                json_key(j, "letter");
                json_string_n(j, &rows[i].letter, 1);
                member_string(j, "distro", taint_distro_name(rows[i].distro));
                json_count(j, s, &s->flags[i]);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_undocumented(struct json *j, const struct scan *s)
{
        json_key(j, "undocumented");
        json_begin_array(j);
        for (size_t i = 0; i < ARRAY_SIZE(s->letters); i++) {
                const struct scan_letter *l = s->letters[i];
                char letter = (char)i;
                if (!l)
                        continue;
                json_begin_object(j);
                json_key(j, "letter");
                json_string_n(j, &letter, 1);
                json_count(j, s, &l->count);
                json_key(j, "examples");
                json_begin_array(j);
                for (size_t k = 0; k < l->n_examples; k++) {
                        json_begin_object(j);
                        member_string(j, "text", l->examples[k]);
                        json_place(j, s, "place", &l->places[k]);
                        json_end_object(j);
                }
                json_end_array(j);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_names(struct json *j, const struct scan *s, const char *key, const char *name_key,
        const struct scan_name *const *list)
{
        char letters[TAINT_LETTERS_MAX];

        json_key(j, key);
        json_begin_array(j);
        for (size_t i = 0; list[i]; i++) {
                json_begin_object(j);
                member_string(j, name_key, list[i]->name);
                member_string(j, "letters", taint_scan_letters(list[i], letters));
                member_number(j, "mask", list[i]->mask);
                if (list[i]->clean > 0)
                        member_number(j, "clean", list[i]->clean);
                json_count(j, s, &list[i]->count);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_skipped(struct json *j, const struct scan *s)
{
        json_key(j, "skipped");
        json_begin_array(j);
        for (size_t i = 0; i < s->n_skipped; i++) {
                json_begin_object(j);
                member_string(j, "file", s->skipped[i].path);
                member_string(j, "reason", s->skipped[i].reason);
                json_end_object(j);
        }
        json_end_array(j);
}

int taint_scan_json(const struct scan *s, enum scan_by by, struct buf *out)
{
        _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s->modules);
        _cleanup_free_ const struct scan_name **releases = scan_sort_releases(&s->releases);
        _cleanup_free_ const struct scan_name **weeks = scan_sort_weeks(&s->weeks);
        struct json j = json_on(out);

        if (!modules || !releases || !weeks)
                return -ENOMEM;
        json_begin_object(&j);
        member_number(&j, "files", s->n_files);
        member_number(&j, "bytes", s->bytes);
        member_number(&j, "tainted", s->reports);
        member_number(&j, "unreadable", s->unreadable);
        member_number(&j, "clean", s->clean);
        member_number(&j, "ambiguous", s->ambiguous);
        member_number(&j, "other_times", s->other_times);
        if (taint_scan_shows(by, SCAN_BY_BIT)) {
                json_bits(&j, s);
                json_undocumented(&j, s);
        }
        if (taint_scan_shows(by, SCAN_BY_MODULE))
                json_names(&j, s, "modules", "module", modules);
        if (taint_scan_shows(by, SCAN_BY_KERNEL))
                json_names(&j, s, "kernels", "release", releases);
        if (by == SCAN_BY_WEEK)
                json_names(&j, s, "weeks", "week", weeks);
        member_number(&j, "left_out", s->modules.left_out + s->releases.left_out);
        member_number(&j, "skipped_files", s->n_skipped_all);
        json_skipped(&j, s);
        json_end_object(&j);
        buf_putc(out, '\n');
        return out->error;
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
                csv_row(out, s, kind, list[i]->name, -1, taint_scan_letters(list[i], letters),
                        &list[i]->count);
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

int taint_scan_csv(const struct scan *s, enum scan_by by, struct buf *out)
{
        _cleanup_free_ const struct scan_name **modules = scan_sort_modules(&s->modules);
        _cleanup_free_ const struct scan_name **releases = scan_sort_releases(&s->releases);
        _cleanup_free_ const struct scan_name **weeks = scan_sort_weeks(&s->weeks);

        if (!modules || !releases || !weeks)
                return -ENOMEM;
        buf_puts(out, "kind,name,bit,letters,reports,first,last,first_time,last_time\r\n");
        if (taint_scan_shows(by, SCAN_BY_BIT))
                csv_bits(out, s);
        if (taint_scan_shows(by, SCAN_BY_MODULE))
                csv_names(out, s, "module", modules);
        if (taint_scan_shows(by, SCAN_BY_KERNEL))
                csv_names(out, s, "kernel", releases);
        if (by == SCAN_BY_WEEK)
                csv_names(out, s, "week", weeks);
        return out->error;
}
