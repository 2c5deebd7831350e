/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "answer.h"

#include <string.h>

#include "../../schema/dbus/names.h"
#include "../../schema/events/daemon-bus.h"
#include "../../schema/bus/wire.h"
#include "../store/history.h"

size_t answer_value_bytes(const struct value *v, const char *name, const char *other)
{
        /* Numbers, lengths and padding; an empty string in a list is one byte here and eight there. */
        return 96 + strlen(name) + strlen(other) + v->size * (v->type == REG_MULTI_SZ ? 8 : 1);
}

size_t answer_event_bytes(const struct registry_event *e)
{
        const struct value v = { .type = e->type, .size = e->size };
        return answer_value_bytes(&v, e->path, e->name) + (e->layer ? strlen(e->layer) : 0);
}

int answer_take(size_t *taken, size_t bytes, sd_bus_error *error)
{
        if (bytes > ANSWER_BYTES_MAX - *taken)
                return sd_bus_error_setf(error, ERROR_TOO_LARGE,
                        "the answer does not fit into one message of at most %u bytes; ask for less",
                        ANSWER_BYTES_MAX);
        *taken += bytes;
        return 0;
}

int answer_fail(const struct registry *r, int e, const struct diag *d, sd_bus_error *error)
{
        static const char *const names[] = {
                [REGISTRY_NOT_FOUND] = ERROR_NOT_FOUND,
                [REGISTRY_EXISTS] = ERROR_EXISTS,
                [REGISTRY_INVALID_NAME] = ERROR_INVALID_NAME,
                [REGISTRY_INVALID_VALUE] = ERROR_INVALID_VALUE,
                [REGISTRY_TOO_LARGE] = ERROR_TOO_LARGE,
                [REGISTRY_READ_ONLY] = ERROR_READ_ONLY,
                [REGISTRY_NOT_EMPTY] = ERROR_NOT_EMPTY,
                [REGISTRY_CONFLICT] = ERROR_CONFLICT,
                [REGISTRY_LIMIT] = ERROR_LIMIT,
                [REGISTRY_CORRUPT] = ERROR_CORRUPT,
                [REGISTRY_NOT_KEPT] = ERROR_NOT_KEPT,
                [REGISTRY_LINK_LOOP] = ERROR_LINK_LOOP,
                [REGISTRY_BAD_LINK] = ERROR_BAD_LINK,
                [REGISTRY_UNACCEPTED] = ERROR_UNACCEPTED,
        };

        e = registry_code(e);
        const char *text = d && d->text[0] ? d->text : registry_error_text(r, e);
        if (e > 0)
                return sd_bus_error_set(error, names[e], text);
        return store_is_failure(e) ? sd_bus_error_set(error, ERROR_STORAGE, text)
                                   : sd_bus_error_set_errno(error, e);
}

int answer_missed(int r)
{
        return r == HISTORY_TO_COME ? REGISTRY_INVALID_VALUE : r == HISTORY_NOT_KEPT ? REGISTRY_NOT_KEPT : r;
}

int answer_invalid(int r, const struct diag *d, sd_bus_error *error)
{
        return d->text[0] ? sd_bus_error_set(error, ERROR_INVALID_VALUE, d->text) : r;
}

int answer_append_author(sd_bus_message *m, const struct store_author *a)
{
        if (!a->file) {
                int r = daemon_bus_append_actor(m, &a->actor);
                if (r >= 0)
                        r = daemon_bus_append_text(m, "context", a->actor.context);
                if (r >= 0 && a->reason && strcmp(a->reason, STORE_REASON_ENDED) == 0)
                        r = sd_bus_message_append(m, "{sv}", "reason", "s", a->reason);
                return r;
        }
        int r = sd_bus_message_append(
                m, "{sv}{sv}", "actor", "s", actor_state(NULL), "reason", "s", a->reason);
        if (r >= 0)
                r = daemon_bus_append_text(m, "file", a->file);
        if (r >= 0 && a->seal.serial != 0)
                r = sd_bus_message_append(
                        m, "{sv}{sv}", "serial", "t", a->seal.serial, "signer", "s", a->seal.signer);
        return r < 0 ? r : sd_bus_message_append(m, "{sv}", "file-owner", "u", a->actor.uid);
}

int answer_append_event(sd_bus_message *m, const struct registry_event *e)
{
        const struct value v = {
                .type = e->type == REG_TOMBSTONE ? REG_NONE : e->type, .data = e->data, .size = e->size
        };

        int r = sd_bus_message_open_container(m, 'r', "sssuvsts");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", registry_event_name(e->kind), e->path, e->name);
        if (r >= 0)
                r = wire_append_value(m, &v);
        if (r >= 0)
                r = sd_bus_message_append(
                        m, "sts", e->layer ? e->layer : "", e->seal.serial, e->seal.signer);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

void answer_format_path(struct buf *out, const char *key, const char *name)
{
        /* As people and the documentation write it. */
        buf_printf(out, "\\%s", path_without_default(key));
        if (name)
                buf_printf(out, "\\%s", path_word_of_value_name(name));
}
