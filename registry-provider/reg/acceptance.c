/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acceptance.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "known.h"
#include "policy-service.h"
#include "words.h"

/* ---- The data ---- */

/* Bytes, or the text for them; a registry can be configured for values as large as this. */
#define DATA_BYTES_MAX (64u * 1024u * 1024u)

void acceptance_done_data(struct data *d)
{
        buf_done(&d->bytes);
        buf_done(&d->read);
}

static int check_options(struct session *s, struct data *d)
{
        const struct reg_options *o = &s->options;

        if (o->raw && (!o->from || !o->type))
                return session_error(s, EXIT_CODE_USAGE,
                        "--raw is for the bytes that --from reads, and needs their --type too");
        if (o->type && value_type_parse(o->type, strlen(o->type), &d->type) < 0)
                return session_error(s, EXIT_CODE_USAGE,
                        "%s: there is no type '%s', expected sz, expand, dword, qword, dword-be, multi, hex, "
                        "link, none or 0x<code>",
                        s->command == REG_ADD ? "/t" : "--type", o->type);
        return EXIT_CODE_OK;
}

/* A text file ends with a newline, which is no part of the data. */
static int read_text(struct session *s, struct data *d)
{
        const char *nul = memchr(buf_str(&d->read), '\0', d->read.len);

        if (nul)
                return session_error(s, EXIT_CODE_INVALID,
                        "%s: a NUL at byte %zu, expected text (--raw takes bytes as they are)",
                        s->options.from, (size_t)(nul - d->read.data));
        if (d->read.len > 0 && d->read.data[d->read.len - 1] == '\n')
                d->read.data[--d->read.len] = '\0';
        d->literal = buf_str(&d->read);
        return EXIT_CODE_OK;
}

/* A type that is given is the prefix that the literal has not. */
static int parse_literal(struct session *s, struct data *d)
{
        const char *type = s->options.type, *literal = d->literal;
        _cleanup_buf_ struct buf text = BUF_INIT;
        int r = 0;

        if (type) {
                bool is_code = type[0] == '0';
                buf_printf(&text, "%s:", is_code ? type : value_type_keyword(d->type));
                buf_puts(&text, literal);
                literal = buf_str(&text);
                r = text.error;
        }
        if (r == 0)
                r = literal_parse(literal, &d->bytes, &d->type, &d->inferred, &s->diag);
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

int acceptance_get_data(struct session *s, const char *word, struct data *d)
{
        const struct reg_options *o = &s->options;

        d->literal = word ? word : "";
        int code = check_options(s, d);
        if (code == EXIT_CODE_OK && o->from)
                code = session_read(s, o->from, DATA_BYTES_MAX, o->raw ? &d->bytes : &d->read);
        if (code == EXIT_CODE_OK && o->from && !o->raw)
                code = read_text(s, d);
        return code == EXIT_CODE_OK && !o->raw ? parse_literal(s, d) : code;
}

void acceptance_warn_of_data(const struct session *s, const struct data *d)
{
        bool tried = s->options.dry_run;

        if (d->inferred && words_are_oversized_number(d->literal))
                session_warn("%.64s is too large for a number and %s as text", d->literal,
                        tried ? "would be stored" : "stored");
        if (!d->inferred && words_are_regedit_number(d->literal))
                session_warn("%s is decimal: hexadecimal digits, as in a .reg file, need 0x in front",
                        d->literal);
        if (d->inferred && d->type == REG_SZ && words_look_typed(d->literal))
                session_warn(
                        "%.64s %s as this text: a type in front is one of sz, expand, dword, qword, dword-be, multi, "
                        "hex, link and none",
                        d->literal, tried ? "would be stored" : "is stored");
}

/* ---- What the schema says ---- */

/* The words that the value's reader would understand, where it does not those that were given. */
static void put_form(
        struct session *s, const char *key, const char *name, const struct data *d, struct buf *out)
{
        _cleanup_known_ struct known k = { 0 };
        const struct diag said = s->diag;

        if (!d || !d->inferred)
                return;
        if (known_get(s, key, name, &k) != EXIT_CODE_OK)
                s->diag = said;
        else if (k.is_known && k.d.sv.type == REG_SZ && d->type != REG_SZ)
                buf_printf(out, " (for a string write sz:%s)", d->literal);
        else if (k.is_known && k.d.sv.type == REG_MULTI_SZ)
                buf_printf(out, " (for a list write multi:%s)", d->literal);
}

int acceptance_refused(struct session *s, const char *key, const char *name, const struct data *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, s->diag.text);
        put_form(s, key, name, d, &text);
        return session_error(
                s, EXIT_CODE_INVALID, "%s; nothing is written (--force writes it)", buf_str(&text));
}

int acceptance_read(sd_bus_message *m, struct acceptance *ret)
{
        const struct wire_member members[] = {
                { "accepted", "b", &ret->accepted },
                { "why", "s", &ret->why },
                { "last-good", "s", &ret->last_good },
        };

        return wire_read_dict(m, members, ARRAY_SIZE(members));
}

/* What stays in force. That the value so far does is a guess, which says that it is one: the reader keeps
 * what it could read. */
static void put_remains(
        struct session *s, const char *key, const char *name, const struct acceptance *a, struct buf *out)
{
        _cleanup_policy_setting_ struct policy_setting p = { 0 };

        if (policy_setting_get(s, key, name, &p) == POLICY_SAID && p.accepted[0])
                buf_printf(out, "'%s' stays in force", p.accepted);
        else if (p.reply)
                buf_puts(out, "no value is in force");
        else if (a->last_good)
                buf_printf(out, "the value so far, '%s', is the last good one", a->last_good);
        else
                buf_puts(out, "what stays in force is not known");
}

void acceptance_warn(struct session *s, const struct acceptance *a, const char *key, const char *name,
        const struct data *d)
{
        _cleanup_buf_ struct buf path = BUF_INIT, why = BUF_INIT;

        if (!a->why)
                return;
        words_format_value(&path, key, name);
        buf_puts(&why, a->why);
        put_form(s, key, name, d, &why);
        buf_puts(&why, "; ");
        put_remains(s, key, name, a, &why);
        session_warn("%s: %s, but its reader will refuse it: %s", buf_str(&path),
                s->options.dry_run ? "it would be stored" : "stored", buf_str(&why));
}

void acceptance_hint(struct session *s, const char *key, const char *name)
{
        _cleanup_known_ struct known k = { 0 };
        _cleanup_buf_ struct buf meant = BUF_INIT;
        const struct diag said = s->diag;

        if (known_get(s, key, name, &k) != EXIT_CODE_OK) {
                s->diag = said;
        } else if (k.d.hints.meant_key) {
                words_format_value(&meant, k.d.hints.meant_key, k.d.hints.meant_name);
                (void)diag_set(&s->diag, ENOENT, "%s; the schema knows %s", said.text, buf_str(&meant));
        } else if (k.is_known && !k.d.sv.has_default)
                (void)diag_set(&s->diag, ENOENT, "%s; the schema knows it, without a default", said.text);
}
