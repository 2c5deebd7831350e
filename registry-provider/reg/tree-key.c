/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree-key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/dbus/names.h"

void tree_key_done(struct tree_key *k)
{
        free(k->layers);
}

int tree_page_enter(sd_bus_message *m)
{
        return sd_bus_message_enter_container(m, 'a', "(" REGISTRY_TREE_KEY ")");
}

static int read_layers(sd_bus_message *m, struct tree_key *k)
{
        const char *layer;

        k->n_layers = 0;
        int r = sd_bus_message_enter_container(m, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read_basic(m, 's', &layer)) > 0) {
                r = array_grow(&k->layers, k->n_layers, sizeof(*k->layers));
                if (r == 0)
                        k->layers[k->n_layers++] = layer;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Each column has as many numbers as the first. */
static int read_column(sd_bus_message *m, char type, size_t size, size_t n, const void *ret)
{
        const void **column = (const void **)ret;
        size_t bytes;

        int r = sd_bus_message_read_array(m, type, column, &bytes);
        return r < 0 ? r : bytes == n * size ? 0 : -EBADMSG;
}

/* ... and all sizes together are that of the data. */
static int check_data(const struct tree_key *k, size_t bytes)
{
        for (size_t i = 0; i < k->n; i++) {
                if (k->from[i] >= k->n_layers || k->sizes[i] > bytes)
                        return -EBADMSG;
                bytes -= k->sizes[i];
        }
        return bytes == 0 ? 0 : -EBADMSG;
}

static int check_names(const struct tree_key *k, size_t bytes)
{
        const char *at = k->names;

        for (size_t i = 0; i < k->n; i++) {
                const char *end = memchr(at, '\0', bytes);
                if (!end)
                        return -EBADMSG;
                bytes -= (size_t)(end + 1 - at);
                at = end + 1;
        }
        return bytes == 0 ? 0 : -EBADMSG;
}

static int read_bytes(sd_bus_message *m, const char **ret, size_t *ret_n)
{
        const void *bytes;

        int r = sd_bus_message_read_array(m, 'y', &bytes, ret_n);
        if (r >= 0)
                *ret = *ret_n > 0 ? bytes : "";
        return r;
}

static int read_columns(sd_bus_message *m, struct tree_key *k)
{
        const void *types;
        size_t bytes;

        int r = sd_bus_message_read_array(m, 'u', &types, &bytes);
        k->types = types;
        k->n = bytes / sizeof(*k->types);
        if (r >= 0)
                r = read_column(m, 't', sizeof(*k->sequences), k->n, &k->sequences);
        if (r >= 0)
                r = read_column(m, 'u', sizeof(*k->from), k->n, &k->from);
        if (r >= 0)
                r = read_column(m, 'u', sizeof(*k->sizes), k->n, &k->sizes);
        if (r >= 0)
                r = read_bytes(m, &k->data, &bytes);
        if (r >= 0)
                r = check_data(k, bytes);
        if (r >= 0)
                r = read_bytes(m, &k->names, &bytes);
        return r < 0 ? r : check_names(k, bytes);
}

int tree_key_next(sd_bus_message *m, struct tree_key *k)
{
        int r = sd_bus_message_enter_container(m, 'r', REGISTRY_TREE_KEY);

        if (r <= 0)
                return r < 0 ? r : sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 0;
        k->next = 0;
        r = sd_bus_message_read(m, "su", &k->path, &k->flags);
        if (r >= 0)
                r = read_layers(m, k);
        if (r >= 0)
                r = read_columns(m, k);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

bool tree_value_next(struct tree_key *k, struct tree_value *ret)
{
        const size_t i = k->next;

        if (i == k->n)
                return false;
        *ret = (struct tree_value){ .name = k->names,
                .layer = k->layers[k->from[i]],
                .sequence = k->sequences[i],
                .value = { .type = k->types[i], .data = k->data, .size = k->sizes[i] } };
        k->data += k->sizes[i];
        k->names += strlen(k->names) + 1;
        k->next++;
        return true;
}
