/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/crc32c.h"
#include "../../schema/values/value.h"
#include "snapshot-reader.h"

#define TRAILER "# crc32c: "
#define TRAILER_SIZE (sizeof(TRAILER) - 1 + 8 + 1)
#define SEPARATOR "\n---\n"

int snapshot_check(const char *text, size_t size, uint32_t *ret_crc, struct diag *d)
{
        uint64_t crc;
        char hex[] = "0x00000000";

        if (size < TRAILER_SIZE || text[size - 1] != '\n' ||
                memcmp(text + size - TRAILER_SIZE, TRAILER, sizeof(TRAILER) - 1) != 0)
                return diag_set(d, EBADMSG, "the last line is no checksum: the file was cut off or edited");
        memcpy(hex + 2, text + size - 9, 8);
        if (number_parse(hex, sizeof(hex) - 1, UINT32_MAX, &crc) < 0 ||
                crc != crc32c(0, text, size - TRAILER_SIZE))
                return diag_set(
                        d, EBADMSG, "the checksum does not match: the file is damaged or was edited");
        *ret_crc = (uint32_t)crc;
        return 0;
}

struct head {
        const struct yaml_node *version, *generation, *sequence, *hives, *layers;
};

static const struct snapshot_field head_fields[] = {
        { "peios-registry-snapshot", offsetof(struct head, version), YAML_SCALAR },
        { "generation", offsetof(struct head, generation), YAML_SCALAR },
        { "sequence", offsetof(struct head, sequence), YAML_SCALAR },
        { "hives", offsetof(struct head, hives), YAML_MAP },
        { "layers", offsetof(struct head, layers), YAML_MAP },
};

struct layer_nodes {
        const struct yaml_node *precedence, *enabled, *file;
};

static const struct snapshot_field layer_fields[] = {
        { "precedence", offsetof(struct layer_nodes, precedence), YAML_SCALAR },
        { "enabled", offsetof(struct layer_nodes, enabled), YAML_SCALAR },
        { "file", offsetof(struct layer_nodes, file), YAML_SCALAR },
};

static int read_hives(
        const struct snapshot_reader *r, const struct yaml_node *map, struct state_hives *hives)
{
        for (const struct yaml_node *n = map ? map->first : NULL; n; n = n->next) {
                struct guid root;
                int e = snapshot_guid(r, n, n, &root);
                if (e == 0)
                        e = state_hive_add(hives, n->key->text, &root);
                if (e == -EEXIST)
                        return yaml_error(r->doc, n, r->d, "the hive is here a second time");
                if (e < 0)
                        return e;
        }
        return 0;
}

static int read_layer(const struct snapshot_reader *r, const struct yaml_node *node, struct layers *layers)
{
        struct layer_nodes l = { 0 };
        uint64_t precedence;
        bool enabled;

        if (node->kind != YAML_MAP)
                return yaml_error(r->doc, node, r->d, "expected a map");
        int e = snapshot_fields(r, node, layer_fields, ARRAY_SIZE(layer_fields), &l);
        if (e == 0)
                e = snapshot_number(r, node, l.precedence, UINT32_MAX, &precedence);
        if (e == 0)
                e = snapshot_bool(r, l.enabled, &enabled);
        if (e < 0)
                return e;
        if (!l.file)
                return yaml_error(r->doc, node, r->d, "the layer has no file");
        e = layers_set(layers, node->key->text, (uint32_t)precedence, enabled, l.file->text);
        if (e < 0 && e != -ENOMEM)
                return yaml_error(r->doc, node, r->d, "the layer cannot be: %s", strerror(-e));
        return e;
}

static int read_head(
        struct snapshot_reader *r, uint64_t generation, struct state_hives *hives, struct layers *layers)
{
        const struct yaml_node *root = yaml_root(r->doc);
        uint64_t version = 0, own = 0, sequence = 0;
        struct head h = { 0 };

        if (!root || root->kind != YAML_MAP)
                return yaml_error(r->doc, root, r->d, "expected a map");
        int e = snapshot_number(r, root, yaml_get(root, head_fields[0].name), UINT64_MAX, &version);
        if (e < 0)
                return e;
        if (version != SNAPSHOT_FORMAT_VERSION)
                return diag_set(r->d, EPROTONOSUPPORT,
                        "%s: format version %" PRIu64 ", expected %u: written by another peios-registryd",
                        yaml_name(r->doc), version, SNAPSHOT_FORMAT_VERSION);
        e = snapshot_fields(r, root, head_fields, ARRAY_SIZE(head_fields), &h);
        if (e == 0)
                e = snapshot_number(r, root, h.generation, UINT64_MAX, &own);
        if (e == 0)
                e = snapshot_number(r, root, h.sequence, UINT64_MAX, &sequence);
        if (e == 0 && own != generation)
                e = yaml_error(r->doc, h.generation, r->d,
                        "generation %" PRIu64 ", expected %" PRIu64 " as in the file's name", own,
                        generation);
        if (e == 0)
                e = read_hives(r, h.hives, hives);
        for (const struct yaml_node *n = h.layers ? h.layers->first : NULL; n && e == 0; n = n->next)
                e = read_layer(r, n, layers);
        if (e == 0)
                store_raise_sequence(r->store, sequence);
        return e;
}

static int read_items(struct snapshot_reader *r)
{
        const struct yaml_node *root = yaml_root(r->doc);
        int e = 0;

        if (root && root->kind != YAML_LIST)
                return yaml_error(r->doc, root, r->d, "expected a list");
        for (const struct yaml_node *n = root ? root->first : NULL; n && e == 0; n = n->next)
                e = snapshot_item(r, n);
        return e;
}

static int read_documents(struct snapshot_reader *r, const char *name, const char *text, size_t size,
        uint64_t generation, struct state_hives *hives, struct layers *layers)
{
        const char *end = text + size, *next;

        for (unsigned part = 1; text; text = next, part++) {
                const char *separator = memmem(text, (size_t)(end - text), SEPARATOR, strlen(SEPARATOR));
                next = separator ? separator + strlen(SEPARATOR) : NULL;
                char where[128];
                (void)snprintf(where, sizeof(where), "%s, document %u", name, part);

                _cleanup_yaml_ struct yaml_doc *doc = NULL;
                size_t n = (size_t)((separator ? separator + 1 : end) - text);
                int e = yaml_parse(where, text, n, &doc, r->d);
                if (e < 0)
                        return e == -EFBIG ? -EINVAL : e;
                r->doc = doc;
                e = part == 1 ? read_head(r, generation, hives, layers) : read_items(r);
                if (e < 0)
                        return e;
        }
        return 0;
}

int snapshot_read(const char *name, const char *text, size_t size, uint64_t generation, struct replay *to,
        struct diag *d)
{
        struct state_hives new_hives = { 0 };
        struct layers new_layers = { 0 };
        struct snapshot_reader r = { .store = to->store, .d = d };

        int e = store_begin(to->store);
        if (e < 0)
                return e;
        e = layers_init(&new_layers);
        if (e == 0)
                e = read_documents(&r, name, text, size, generation, &new_hives, &new_layers);
        buf_done(&r.bytes);
        if (e < 0) {
                store_rollback(to->store);
                state_hives_done(&new_hives);
                layers_done(&new_layers);
                return e == -EINVAL ? -EBADMSG : e;
        }
        store_commit(to->store);
        state_hives_done(to->hives);
        layers_done(to->layers);
        *to->hives = new_hives;
        *to->layers = new_layers;
        to->left_out += r.left_out;
        return 0;
}
