/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link-read.h"

#include <string.h>

#include "../../schema/bus/wire.h"
#include "link.h"

static void copy_text(char *to, size_t size, sd_bus_message *m)
{
        const char *s = "";
        if (sd_bus_message_read(m, "v", "s", &s) >= 0)
                *stpncpy(to, s, size - 1) = '\0';
}

int link_read_origin(sd_bus_message *m, struct actor *ret, bool *ret_known, const char **ret_reason,
        const char **ret_file, uint32_t *ret_file_owner)
{
        const char *name;

        *ret = ACTOR_UNKNOWN;
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                if (strcmp(name, "pid") == 0)
                        r = sd_bus_message_read(m, "v", "u", &ret->pid);
                else if (strcmp(name, "uid") == 0) {
                        *ret_known = true;
                        r = sd_bus_message_read(m, "v", "u", &ret->uid);
                } else if (strcmp(name, "loginuid") == 0)
                        r = sd_bus_message_read(m, "v", "u", &ret->loginuid);
                else if (strcmp(name, "session") == 0)
                        r = sd_bus_message_read(m, "v", "u", &ret->session);
                else if (strcmp(name, "comm") == 0)
                        copy_text(ret->comm, sizeof(ret->comm), m);
                else if (strcmp(name, "exe") == 0)
                        copy_text(ret->exe, sizeof(ret->exe), m);
                else if (strcmp(name, "context") == 0)
                        copy_text(ret->context, sizeof(ret->context), m);
                else if (strcmp(name, "reason") == 0)
                        r = sd_bus_message_read(m, "v", "s", ret_reason);
                else if (strcmp(name, "file") == 0)
                        r = sd_bus_message_read(m, "v", "s", ret_file);
                else if (strcmp(name, "file-owner") == 0)
                        r = sd_bus_message_read(m, "v", "u", ret_file_owner);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

int link_read_winner(sd_bus_message *m, bool exists, struct buf *bytes, struct value *ret,
        const char **ret_layer, uint64_t *ret_sequence)
{
        const char *layer, *file, *state;
        uint32_t precedence;
        bool first = true;

        int r = sd_bus_message_enter_container(m, 'a', "(sustuvs)");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "sustuvs")) > 0) {
                struct buf *into = bytes, scratch = BUF_INIT;
                uint64_t sequence;
                uint32_t type;
                if (!first || !exists)
                        into = &scratch;
                r = sd_bus_message_read(m, "sust", &layer, &precedence, &file, &sequence);
                if (r >= 0)
                        r = wire_read_value(m, into, &type, NULL);
                if (r >= 0)
                        r = sd_bus_message_read(m, "s", &state);
                if (r >= 0 && first) {
                        *ret = (struct value){ .type = type, .data = bytes->data, .size = bytes->len };
                        *ret_layer = layer;
                        *ret_sequence = sequence;
                        first = false;
                }
                buf_done(&scratch);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The value comes first, so that who has it has all. */
struct link_copy {
        struct link_value v; /* points into the members below */
        struct value value;
        struct actor actor;
        char *layer, *reason, *file;
        char data[];
};

struct link_value *link_value_free(struct link_value *v)
{
        struct link_copy *copy = (struct link_copy *)v;

        if (!v)
                return NULL;
        free(copy->layer);
        free(copy->reason);
        free(copy->file);
        free(copy);
        return NULL;
}

static bool copy_string(const char *from, char **ret)
{
        *ret = from ? strdup(from) : NULL;
        return !from || *ret;
}

struct link_value *link_value_copy(const struct link_value *v)
{
        size_t size = v->value ? v->value->size : 0;
        struct link_copy *copy = calloc(1, sizeof(*copy) + size);

        if (!copy)
                return NULL;
        if (!copy_string(v->layer, &copy->layer) || !copy_string(v->reason, &copy->reason) ||
                !copy_string(v->file, &copy->file))
                return link_value_free(&copy->v);
        copy->v = *v;
        copy->v.key = copy->v.name = NULL;
        copy->v.layer = copy->layer;
        copy->v.reason = copy->reason;
        copy->v.file = copy->file;
        if (v->value) {
                if (size > 0)
                        memcpy(copy->data, v->value->data, size);
                copy->value = (struct value){ .type = v->value->type, .size = size, .data = copy->data };
                copy->v.value = &copy->value;
        }
        if (v->actor) {
                copy->actor = *v->actor;
                copy->v.actor = &copy->actor;
        }
        return &copy->v;
}
