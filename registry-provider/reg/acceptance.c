/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acceptance.h"

#include <errno.h>
#include <string.h>

#include "../../schema/names/path.h"
#include "entry.h"
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

        if (o->raw && (!o->from || !o->type)) {
                (void)diag_set(&s->diag, EINVAL,
                        "--raw is for the bytes that --from reads, and needs their --type too");
                return EXIT_CODE_USAGE;
        }
        if (o->type && value_type_parse(o->type, strlen(o->type), &d->type) < 0) {
                (void)diag_set(&s->diag, EINVAL,
                        "%s: there is no type '%s', expected sz, expand, dword, qword, dword-be, multi, hex, "
                        "link, none or 0x<code>",
                        s->command == REG_ADD ? "/t" : "--type", o->type);
                return EXIT_CODE_USAGE;
        }
        return EXIT_CODE_OK;
}

/* A text file ends with a newline, which is no part of the data. */
static int read_text(struct session *s, struct data *d)
{
        const char *nul = memchr(buf_str(&d->read), '\0', d->read.len);

        if (nul) {
                (void)diag_set(&s->diag, EINVAL,
                        "%s: a NUL at byte %zu, expected text (--raw takes bytes as they are)",
                        s->options.from, (size_t)(nul - d->read.data));
                return EXIT_CODE_INVALID;
        }
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

/* A guess that says that it is one: the reader kept the value before, if it could read that. */
static void ask_registry(struct session *s, const char *key, const char *name, struct acceptance *a)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_entry_ struct entry e = { .name = name };
        _cleanup_free_ char *text = NULL;

        if (session_ask(s, "Get", key, name, &reply) != EXIT_CODE_OK || entry_read(reply, &e) < 0)
                return;
        const struct value before = entry_value(&e);
        if (schema_check(a->sv, &before, &text, NULL) == 0)
                (void)diag_set(&a->remains, 0, "the value so far, '%s', is the last good one", text);
}

static void ask_what_remains(struct session *s, const char *key, const char *name, struct acceptance *a)
{
        _cleanup_policy_setting_ struct policy_setting p = { 0 };

        (void)diag_set(&a->remains, 0, "what stays in force is not known");
        ask_registry(s, key, name, a);
        if (!s->bus || policy_setting_get(s, key, name, &p) != POLICY_SAID)
                return;
        if (p.accepted[0])
                (void)diag_set(&a->remains, 0, "'%s' stays in force", p.accepted);
        else
                (void)diag_set(&a->remains, 0, "no value is in force");
}

static int question_name(
        struct session *s, const char *key, const char *name, const struct description_hints *near)
{
        _cleanup_buf_ struct buf path = BUF_INIT, meant = BUF_INIT;
        bool is_there = false;

        int code = session_has(s, key, name, &is_there);
        if (code != EXIT_CODE_OK || is_there)
                return code;
        words_format_value(&path, key, name);
        words_format_value(&meant, near->meant_key, near->meant_name);
        (void)diag_set(&s->diag, EINVAL,
                "%s: the schema does not know this value, but %s; nothing is written (--force writes it)",
                buf_str(&path), buf_str(&meant));
        return EXIT_CODE_INVALID;
}

static int refuse(struct session *s, const char *key, const char *name, const struct acceptance *a)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        words_format_value(&path, key, name);
        (void)diag_set(&s->diag, EINVAL,
                "%s: its reader would refuse it: %s; nothing is written (--force writes it)", buf_str(&path),
                a->why.text);
        return EXIT_CODE_INVALID;
}

void acceptance_done(struct acceptance *a)
{
        known_done(&a->known);
}

int acceptance_ask(struct session *s, const char *key, const char *name, struct acceptance *ret)
{
        int code = known_get(s, key, name, &ret->known);
        if (code != EXIT_CODE_OK)
                return code;
        /* Layers' metadata: a reader of them looks at base alone. */
        const char *counts = ret->known.d.hints.layer, *layer = session_layer(s);
        if (!counts || fold_same(layer, counts))
                ret->sv = known_value(&ret->known);
        return EXIT_CODE_OK;
}

static int judge(const struct data *d, struct acceptance *a)
{
        _cleanup_free_ char *text = NULL;
        const struct value v = { .type = d->type, .data = d->bytes.data, .size = d->bytes.len };

        int r = a->sv ? schema_check(a->sv, &v, &text, &a->why) : 0;
        if (r == -ENOMEM)
                return r;
        a->refused = r < 0;
        if (!a->refused || !d->inferred)
                return 0;
        const struct diag why = a->why;
        if (d->type != REG_SZ && a->sv->type == REG_SZ)
                (void)diag_set(&a->why, 0, "%s (for a string write sz:%s)", why.text, d->literal);
        else if (a->sv->type == REG_MULTI_SZ)
                (void)diag_set(&a->why, 0, "%s (for a list write multi:%s)", why.text, d->literal);
        return 0;
}

static int check_key(struct session *s, const char *key, const struct known *k)
{
        _cleanup_buf_ struct buf shown = BUF_INIT;
        bool is_key = false;

        if (!k->d.hints.key_is_value)
                return EXIT_CODE_OK;
        int code = session_has(s, key, NULL, &is_key);
        if (code != EXIT_CODE_OK || is_key)
                return code;
        words_format_key(&shown, key);
        (void)diag_set(&s->diag, EINVAL, "%s: is a value in the schema, expected a key%s", buf_str(&shown),
                s->command == REG_WATCH ? "" : "; nothing is written (--force writes it)");
        return EXIT_CODE_INVALID;
}

int acceptance_check(
        struct session *s, const char *key, const char *name, const struct data *d, struct acceptance *a)
{
        int r = judge(d, a);
        if (r < 0)
                return session_fail(s, r, NULL);
        if (s->options.force) {
                if (a->refused)
                        ask_what_remains(s, key, name, a);
                return EXIT_CODE_OK;
        }
        int code = a->refused ? refuse(s, key, name, a) : check_key(s, key, &a->known);
        return code == EXIT_CODE_OK && a->known.d.hints.meant_key
                       ? question_name(s, key, name, &a->known.d.hints)
                       : code;
}

void acceptance_warn(const struct session *s, const struct acceptance *a, const char *key, const char *name)
{
        _cleanup_buf_ struct buf path = BUF_INIT;

        if (!a->refused)
                return;
        words_format_value(&path, key, name);
        session_warn("%s: %s, but its reader will refuse it: %s; %s", buf_str(&path),
                s->options.dry_run ? "it would be stored" : "stored", a->why.text, a->remains.text);
}

int acceptance_check_key(struct session *s, const char *key)
{
        _cleanup_known_ struct known k = { 0 };

        int code = known_get(s, key, "", &k);
        return code == EXIT_CODE_OK ? check_key(s, key, &k) : code;
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
