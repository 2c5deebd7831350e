/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../schema/base/json.h"
#include "../../schema/base/log.h"
#include "../../schema/names/fold.h"
#include "../taint/decode.h"

enum exit_code taint_context_of(const struct auditpol_options *o, struct taint_kernel *ret)
{
        struct taint_kernel c = { 0 };

        if (o->era) {
                c.version = taint_version_parse(o->era, strlen(o->era));
                c.distro = taint_distro_of_release(o->era, strlen(o->era));
        }
        if (o->era && c.version == 0)
                return log_failure(EXIT_CODE_USAGE,
                        "--era takes a kernel version, such as 3.13 or 4.18.0-348.el8, not '%s'", o->era);
        if (o->distro && !taint_distro_parse(o->distro, &c.distro))
                return log_failure(EXIT_CODE_USAGE,
                        "--distro takes upstream, debian, rhel, fedora, suse or ubuntu, not '%s'",
                        o->distro);
        *ret = c;
        return EXIT_CODE_OK;
}

#define INPUT_MAX ((size_t)256 * 1024 * 1024)

struct output {
        bool json, unreadable;
        struct buf text;
        struct json j;
};

static void json_letter(struct json *j, const char *key, char letter)
{
        json_key(j, key);
        if (letter)
                json_string_n(j, &letter, 1);
        else
                json_null(j);
}

static void json_flag(struct json *j, const struct taint_flag *f, unsigned bit)
{
        char name[TAINT_NAME_MAX];

        json_add_number(j, "bit", bit);
        json_add_string(j, "symbol", taint_name(f, bit, name));
        json_letter(j, "letter", f ? f->letter : '\0');
        json_add_string(j, "meaning", f ? f->meaning : "no meaning is known");
        json_add_string(j, "severity", f ? taint_severity_name(f->severity) : NULL);
        json_add_string(j, "advice", f ? f->advice : NULL);
}

static void json_bits(struct json *j, const struct taint_reading *r)
{
        json_open_array(j, "bits");
        for (unsigned bit = 0; bit < 64; bit++)
                if (r->mask >> bit & 1) {
                        json_begin_object(j);
                        json_flag(j, r->flags[bit], bit);
                        json_end_object(j);
                }
        json_end_array(j);
}

static void json_ambiguous(struct json *j, const struct taint_reading *r)
{
        json_open_array(j, "ambiguous");
        for (size_t i = 0; i < r->n_ambiguous; i++) {
                const struct taint_ambiguous *a = &r->ambiguous[i];
                json_begin_object(j);
                json_letter(j, "letter", a->letter);
                json_open_array(j, "candidates");
                for (size_t k = 0; k < a->n; k++) {
                        json_begin_object(j);
                        json_flag(j, a->candidates[k], a->candidates[k]->bit);
                        json_add_string(j, "distro", taint_distro_name(a->candidates[k]->distro));
                        json_end_object(j);
                }
                json_end_array(j);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_unknown(struct json *j, const struct taint_reading *r)
{
        char name[TAINT_NAME_MAX];

        json_open_array(j, "unknown");
        for (const char *letter = r->unknown; *letter; letter++)
                json_string_n(j, letter, 1);
        for (unsigned bit = 0; bit < 64; bit++)
                if (r->mask >> bit & 1 && !r->flags[bit])
                        json_string(j, taint_name(NULL, bit, name));
        json_end_array(j);
}

static void json_modules(struct json *j, const struct taint_decoded *d)
{
        json_open_array(j, "modules");
        for (size_t i = 0; i < d->n_modules; i++) {
                const struct taint_tainter *t = &d->modules[i];
                json_begin_object(j);
                json_key(j, "name");
                json_string_n(j, t->module.name, t->module.name_len);
                json_add_number(j, "mask", t->mask);
                json_end_object(j);
        }
        json_end_array(j);
}

static void json_decoded(struct json *j, const struct taint_decoded *d)
{
        json_begin_object(j);
        json_key(j, "input");
        json_string_n(j, d->input, d->input_len);
        json_key(j, "mask");
        if (d->unreadable)
                json_null(j);
        else
                json_number(j, d->reading.mask);
        if (d->unreadable)
                json_add_bool(j, "unreadable", true);
        json_bits(j, &d->reading);
        json_ambiguous(j, &d->reading);
        json_unknown(j, &d->reading);
        if (d->n_modules > 0)
                json_modules(j, d);
        if (d->note[0])
                json_add_string(j, "note", d->note);
        json_end_object(j);
}

static void text_bits(struct buf *out, const struct taint_reading *r, enum taint_distro distro)
{
        char name[TAINT_NAME_MAX];

        for (unsigned bit = 0; bit < 64; bit++) {
                const struct taint_flag *f = r->flags[bit];
                if (!(r->mask >> bit & 1))
                        continue;
                buf_printf(out, "  %2u  %c  %-28s %s\n", bit, f && f->letter ? f->letter : '?',
                        taint_name(f, bit, name), f ? f->meaning : "no meaning is known");
                if (f)
                        buf_printf(out, "         %s: %s\n", taint_severity_name(f->severity), f->advice);
                if (f && f->note)
                        buf_printf(out, "         %s\n", f->note);
                if (taint_is_unreachable(f, distro))
                        buf_puts(out, "         no standard Peios build can set it\n");
        }
}

static void text_doubts(struct buf *out, const struct taint_reading *r)
{
        for (size_t i = 0; i < r->n_ambiguous; i++) {
                const struct taint_ambiguous *a = &r->ambiguous[i];
                buf_printf(out, "  %c is ambiguous:", a->letter);
                for (size_t k = 0; k < a->n; k++)
                        buf_printf(out, "%s TAINT_%s (bit %u, %s)", k > 0 ? "," : "",
                                a->candidates[k]->symbol, a->candidates[k]->bit,
                                taint_distro_name(a->candidates[k]->distro));
                buf_puts(out, "; --era or --distro settles it\n");
        }
        for (const char *letter = r->unknown; *letter; letter++)
                buf_printf(out, "  %c has no known meaning\n", *letter);
}

static void text_modules(struct buf *out, const struct taint_decoded *d)
{
        char letters[TAINT_LETTERS_MAX];

        for (size_t i = 0; i < d->n_modules; i++) {
                const struct taint_module *m = &d->modules[i].module;
                buf_puts(out, "  module ");
                utf8_put_safe(out, m->name, m->name_len);
                buf_puts(out, ": ");
                if (m->letters)
                        utf8_put_safe(out, m->letters, m->letters_len);
                else
                        buf_puts(out, taint_letters(d->modules[i].mask, d->context.distro,
                                              d->context.version, letters));
                buf_putc(out, '\n');
        }
}

static void text_decoded(struct buf *out, const struct taint_decoded *d)
{
        utf8_put_safe(out, d->input, d->input_len);
        if (d->unreadable)
                buf_puts(out, "\n  unreadable: tainted, but the letters that say by what are lost\n");
        else if (d->reading.mask == 0 && !d->reading.unknown[0])
                buf_puts(out, "\n  not tainted\n");
        else
                buf_printf(out, "\n  mask %" PRIu64 " (0x%" PRIx64 ")\n", d->reading.mask, d->reading.mask);
        text_bits(out, &d->reading, d->context.distro);
        text_doubts(out, &d->reading);
        text_modules(out, d);
        if (d->note[0])
                buf_printf(out, "  %s\n", d->note);
}

static int show(const struct taint_decoded *d, void *userdata)
{
        struct output *out = userdata;

        out->unreadable |= d->unreadable;
        if (out->json)
                json_decoded(&out->j, d);
        else
                text_decoded(&out->text, d);
        return out->text.error;
}

/* In the array too, so that each argument has its object. */
static void show_error(struct output *out, const char *argument, const struct diag *d)
{
        log_error("%s", d->text);
        if (!out->json)
                return;
        json_begin_object(&out->j);
        json_add_string(&out->j, "input", argument);
        json_key(&out->j, "mask");
        json_null(&out->j);
        json_add_string(&out->j, "error", d->text);
        json_end_object(&out->j);
}

static enum exit_code decode_argument(
        struct output *out, const struct taint_kernel *context, const char *argument)
{
        _cleanup_buf_ struct buf input = BUF_INIT;
        struct diag d = { 0 };
        int r = 0;

        if (strcmp(argument, "-") == 0)
                r = file_read_fd(STDIN_FILENO, INPUT_MAX, &input);
        else
                buf_puts(&input, argument);
        if (r < 0 || input.error) {
                r = r < 0 ? r : input.error;
                return log_failure(EXIT_CODE_FAILURE, "standard input: %s",
                        r == -EFBIG ? "over 256 MiB; use scan" : strerror(-r));
        }
        r = taint_decode_text(buf_str(&input), input.len, context, show, out, &d);
        if (r == -EINVAL) {
                show_error(out, argument, &d);
                return EXIT_CODE_INVALID;
        }
        if (r < 0)
                log_error("%s", strerror(-r));
        return r < 0 ? EXIT_CODE_FAILURE : EXIT_CODE_OK;
}

enum exit_code taint_decode(const struct auditpol_options *o, int n, char *const *arguments)
{
        struct output out = { .json = o->json };
        struct taint_kernel context;
        enum exit_code code = taint_context_of(o, &context);

        if (code != EXIT_CODE_OK)
                return code;
        if (n == 0)
                return log_failure(
                        EXIT_CODE_USAGE, "decode takes numbers, letters or lines, or - for standard input");
        out.j = json_on(&out.text);
        if (out.json)
                json_begin_array(&out.j);
        for (int i = 0; i < n && code != EXIT_CODE_FAILURE; i++) {
                enum exit_code one = decode_argument(&out, &context, arguments[i]);
                code = one != EXIT_CODE_OK ? one : code;
        }
        if (code == EXIT_CODE_OK && out.unreadable)
                code = EXIT_CODE_INVALID;
        if (out.json) {
                json_end_array(&out.j);
                buf_putc(&out.text, '\n');
        }
        enum exit_code printed = show_print(&out.text);
        buf_done(&out.text);
        return printed != EXIT_CODE_OK ? printed : code;
}
