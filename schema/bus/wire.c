/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "../base/array.h"
#include "../dbus/names.h"
#include "../names/fold.h"

/* A text that no NUL need follow. */
static int append_text(sd_bus_message *m, const char *s, size_t len)
{
        char *place;

        int r = sd_bus_message_append_string_space(m, len, &place);
        if (r >= 0 && len > 0)
                memcpy(place, s, len);
        return r;
}

static int append_string(sd_bus_message *m, const struct value *v)
{
        const char *s;
        size_t len;

        if (value_get_string(v, &s, &len) < 0)
                return -EINVAL;
        int r = sd_bus_message_open_container(m, 'v', "s");
        if (r >= 0)
                r = append_text(m, s, len);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_multi(sd_bus_message *m, const struct value *v)
{
        const char *s;
        size_t i = 0, len;
        int more;

        int r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        while (r >= 0 && (more = value_next_string(v, &i, &s, &len)) > 0)
                r = append_text(m, s, len);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_bytes(sd_bus_message *m, const struct value *v)
{
        int r = sd_bus_message_open_container(m, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', v->data, v->size);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_decoded(sd_bus_message *m, const struct value *v)
{
        uint32_t u;
        uint64_t t;

        switch (v->type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
        case REG_LINK:
                return append_string(m, v);
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
                return value_get_u32(v, &u) < 0 ? -EINVAL : sd_bus_message_append(m, "v", "u", u);
        case REG_QWORD:
                return value_get_u64(v, &t) < 0 ? -EINVAL : sd_bus_message_append(m, "v", "t", t);
        case REG_MULTI_SZ:
                return append_multi(m, v);
        default:
                return -EINVAL;
        }
}

int wire_append_value(sd_bus_message *m, const struct value *v)
{
        bool sendable = value_is_plain(v) && (!value_is_text(v->type) || utf8_sendable(v->data, v->size));

        int r = sd_bus_message_append_basic(m, 'u', &v->type);
        if (r >= 0)
                r = sendable ? append_decoded(m, v) : -EINVAL;
        if (r == -EINVAL)
                r = append_bytes(m, v);
        return r < 0 ? r : 0;
}

/* The bytes of a value: what is above `max` is counted, but not copied. */
struct contents {
        struct buf *bytes;
        size_t max, size;
};

static bool take(struct contents *c, size_t size)
{
        c->size += size;
        return c->size <= c->max;
}

static int read_multi(sd_bus_message *m, struct contents *c)
{
        const char *s;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &s)) > 0)
                if (take(c, strlen(s) + 1))
                        value_put_multi_item(c->bytes, s, strlen(s));
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_bytes(sd_bus_message *m, struct contents *c)
{
        const void *data;
        size_t size;

        int r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r >= 0 && take(c, size))
                buf_add(c->bytes, data, size);
        return r < 0 ? r : 0;
}

static int read_text(sd_bus_message *m, struct contents *c)
{
        const char *s;

        int r = sd_bus_message_read_basic(m, 's', &s);
        if (r >= 0 && take(c, strlen(s)))
                buf_puts(c->bytes, s);
        return r < 0 ? r : 0;
}

static int read_number(sd_bus_message *m, uint32_t type, struct contents *c)
{
        struct buf *ret = c->bytes;
        uint32_t u = 0;
        uint64_t t = 0;

        int r = type == REG_QWORD ? sd_bus_message_read_basic(m, 't', &t)
                                  : sd_bus_message_read_basic(m, 'u', &u);
        if (r < 0 || !take(c, type == REG_QWORD ? sizeof(t) : sizeof(u)))
                return r;
        value_put_number(ret, type, type == REG_QWORD ? t : u);
        return 0;
}

static const char *signature_of(uint32_t type)
{
        switch (type) {
        case REG_SZ:
        case REG_EXPAND_SZ:
        case REG_LINK:
                return "s";
        case REG_DWORD:
        case REG_DWORD_BIG_ENDIAN:
                return "u";
        case REG_QWORD:
                return "t";
        case REG_MULTI_SZ:
                return "as";
        default:
                return "ay";
        }
}

static int read_contents(sd_bus_message *m, uint32_t type, const char *contents, struct contents *c)
{
        if (strcmp(contents, "ay") == 0)
                return read_bytes(m, c);
        if (strcmp(contents, "as") == 0)
                return read_multi(m, c);
        return strcmp(contents, "s") == 0 ? read_text(m, c) : read_number(m, type, c);
}

int wire_read_value_within(sd_bus_message *m, size_t max, struct buf *ret_bytes, uint32_t *ret_type,
        size_t *ret_size, struct diag *d)
{
        struct contents c = { .bytes = ret_bytes, .max = max };
        const char *contents;
        uint32_t type;
        char kind;

        int r = sd_bus_message_read_basic(m, 'u', &type);
        if (r >= 0)
                r = sd_bus_message_peek_type(m, &kind, &contents);
        if (r < 0)
                return r;
        if (strcmp(contents, signature_of(type)) != 0 && strcmp(contents, "ay") != 0)
                return diag_set(d, EINVAL, "a %s is sent as a variant of '%s' (or 'ay'), not of '%s'",
                        value_type_symbol(type), signature_of(type), contents);
        r = sd_bus_message_enter_container(m, 'v', contents);
        if (r >= 0)
                r = read_contents(m, type, contents, &c);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        if (ret_bytes->error)
                return ret_bytes->error;
        *ret_type = type;
        *ret_size = c.size;
        return 0;
}

int wire_read_value(sd_bus_message *m, struct buf *ret_bytes, uint32_t *ret_type, struct diag *d)
{
        size_t size;

        return wire_read_value_within(m, SIZE_MAX, ret_bytes, ret_type, &size, d);
}

/* ---- Dictionaries ---- */

/* "layer (s), after (s) and whole (b)" */
static int refuse_option(const char *name, const struct wire_member *members, size_t n, struct diag *d)
{
        _cleanup_buf_ struct buf known = BUF_INIT;

        for (size_t i = 0; i < n; i++)
                buf_printf(&known, "%s%s (%s)",
                        i == 0       ? ""
                        : i + 1 == n ? " and "
                                     : ", ",
                        members[i].name, members[i].type);
        return diag_set(d, EINVAL, "there is no option '%s'; there are %s", name, buf_str(&known));
}

struct dict {
        const struct wire_member *members;
        size_t n;
        bool is_strict; /* there is nothing else in it */
        uint64_t there; /* a bit for each member that is */
        struct diag *d;
};

static int read_member(sd_bus_message *m, struct dict *dict)
{
        const char *name;
        size_t i = 0;

        int r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        while (i < dict->n && strcmp(name, dict->members[i].name) != 0)
                i++;
        if (i == dict->n)
                return dict->is_strict ? refuse_option(name, dict->members, dict->n, dict->d)
                                       : sd_bus_message_skip(m, "v");
        dict->there |= UINT64_C(1) << i;
        r = sd_bus_message_read(m, "v", dict->members[i].type, dict->members[i].at);
        return r == -ENXIO && dict->is_strict
                       ? diag_set(dict->d, EINVAL, "option '%s' is of the wrong type", name)
                       : r;
}

static int read_dict(sd_bus_message *m, struct dict *dict)
{
        assert(dict->n <= 64);
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = read_member(m, dict);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 0;
}

int wire_read_dict(sd_bus_message *m, const struct wire_member *members, size_t n)
{
        return read_dict(m, &(struct dict){ .members = members, .n = n });
}

int wire_read_strict(sd_bus_message *m, const struct wire_member *members, size_t n, struct diag *d)
{
        return read_dict(m, &(struct dict){ .members = members, .n = n, .is_strict = true, .d = d });
}

static int append_member(sd_bus_message *m, const struct wire_member *e)
{
        const char *text;

        switch (e->type[0]) {
        case 's':
                text = *(const char *const *)e->at;
                return text ? sd_bus_message_append(m, "{sv}", e->name, "s", text) : 0;
        case 'b':
                return *(const int *)e->at ? sd_bus_message_append(m, "{sv}", e->name, "b", 1) : 0;
        case 'u':
                return sd_bus_message_append(m, "{sv}", e->name, "u", *(const uint32_t *)e->at);
        default:
                return sd_bus_message_append(m, "{sv}", e->name, "t", *(const uint64_t *)e->at);
        }
}

int wire_append_dict(sd_bus_message *m, const struct wire_member *members, size_t n)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < n; i++)
                if (members[i].at)
                        r = append_member(m, &members[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

enum {
        OPTION_EXPECTED = 2,
        OPTION_REGISTRY = 3,
        OPTIONS_N = 11,
};

static void list_options(struct wire_options *o, struct wire_member ret[static OPTIONS_N])
{
        const struct wire_member members[OPTIONS_N] = {
                { "layer", "s", &o->layer },
                { "ends", "s", &o->ends },
                [OPTION_EXPECTED] = { "expected-sequence", "t", &o->expected.sequence },
                [OPTION_REGISTRY] = { "registry-sequence", "t", &o->registry.sequence },
                { "volatile", "b", &o->is_volatile },
                { "recursive", "b", &o->recursive },
                { "if-needed", "b", &o->if_needed },
                { "no-follow", "b", &o->no_follow },
                { "unchanged", "b", &o->unchanged },
                { "check", "s", &o->check },
                { "on-behalf-of", "s", &o->on_behalf_of },
        };

        memcpy(ret, members, sizeof(members));
}

int wire_read_options(sd_bus_message *m, struct wire_options *ret, struct diag *d)
{
        struct wire_options o = { 0 };
        struct wire_member members[OPTIONS_N];
        struct dict dict = { .members = members, .n = OPTIONS_N, .is_strict = true, .d = d };

        list_options(&o, members);
        int r = read_dict(m, &dict);
        if (r < 0)
                return r;
        if (o.check && strcmp(o.check, WIRE_CHECK_REFUSE) != 0 && strcmp(o.check, WIRE_CHECK_REPORT) != 0)
                return diag_set(d, EINVAL,
                        "option 'check' is '%s', expected " WIRE_CHECK_REFUSE " or " WIRE_CHECK_REPORT,
                        o.check);
        o.expected.given = dict.there >> OPTION_EXPECTED & 1;
        o.registry.given = dict.there >> OPTION_REGISTRY & 1;
        *ret = o;
        return 0;
}

int wire_append_options(sd_bus_message *m, const struct wire_options *options)
{
        struct wire_options o = *options;
        struct wire_member members[OPTIONS_N];

        list_options(&o, members);
        if (!o.expected.given)
                members[OPTION_EXPECTED].at = NULL;
        if (!o.registry.given)
                members[OPTION_REGISTRY].at = NULL;
        return wire_append_dict(m, members, OPTIONS_N);
}

enum exit_code wire_exit_code(const sd_bus_error *error)
{
        static const struct {
                const char *name;
                enum exit_code code;
        } map[] = {
                { ERROR_NOT_FOUND, EXIT_CODE_NOT_FOUND },
                { ERROR_ACCESS_DENIED, EXIT_CODE_DENIED },
                { ERROR_READ_ONLY, EXIT_CODE_DENIED },
                { SD_BUS_ERROR_ACCESS_DENIED, EXIT_CODE_DENIED },
                { ERROR_EXISTS, EXIT_CODE_INVALID },
                { ERROR_INVALID_NAME, EXIT_CODE_INVALID },
                { ERROR_INVALID_VALUE, EXIT_CODE_INVALID },
                { ERROR_TOO_LARGE, EXIT_CODE_INVALID },
                { ERROR_NOT_KEPT, EXIT_CODE_INVALID },
                { ERROR_LINK_LOOP, EXIT_CODE_INVALID },
                { ERROR_BAD_LINK, EXIT_CODE_INVALID },
                { ERROR_NOT_EMPTY, EXIT_CODE_INVALID },
                { ERROR_REFUSED, EXIT_CODE_INVALID },
                { ERROR_UNACCEPTED, EXIT_CODE_UNACCEPTED },
                { SD_BUS_ERROR_INVALID_ARGS, EXIT_CODE_INVALID },
                { ERROR_CONFLICT, EXIT_CODE_CONFLICT },
        };

        for (size_t i = 0; error && error->name && i < ARRAY_SIZE(map); i++)
                if (strcmp(error->name, map[i].name) == 0)
                        return map[i].code;
        return EXIT_CODE_FAILURE;
}

int wire_read_names(sd_bus_message *m, const char ***ret, size_t *ret_n)
{
        _cleanup_free_ const char **list = NULL;
        const char *name;
        size_t n = 0;

        int r = sd_bus_message_enter_container(m, 'a', "s");
        for (bool more = true; r >= 0 && more; n += more) {
                r = array_grow(&list, n, sizeof(*list));
                if (r >= 0)
                        r = sd_bus_message_read_basic(m, 's', &name);
                more = r > 0;
                if (r >= 0)
                        list[n] = more ? name : NULL;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(list);
        *ret_n = n;
        return 0;
}
