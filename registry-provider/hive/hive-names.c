/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hive-reader.h"

#include <string.h>

const char *hive_value_name(const struct yaml_node *value, size_t *ret_len)
{
        const char *name = path_value_name_of_word(value->key->text);

        *ret_len = value->key->len - (size_t)(name - value->key->text);
        return name;
}

static bool value_is(const void *entry, const void *key)
{
        size_t a_len, b_len;
        const char *a = hive_value_name(entry, &a_len), *b = hive_value_name(key, &b_len);
        return fold_equal(a, a_len, b, b_len);
}

int hive_take_value(
        struct hashmap *seen, const struct yaml_doc *doc, const struct yaml_node *value, struct diag *d)
{
        size_t len;
        const char *name = hive_value_name(value, &len);
        uint32_t hash = fold_hash(name, len, hashmap_seed());
        const struct yaml_node *same = hashmap_get(seen, hash, value_is, value);
        if (same)
                return yaml_error(doc, value->key, d,
                        "value `%s` is here a second time (case does not count), the first is `%s` in line %u; "
                        "expected each once in a key",
                        yaml_show(value->key->text, value->key->len).text,
                        yaml_show(same->key->text, same->key->len).text, same->key->line);
        return hashmap_put(seen, hash, (void *)(uintptr_t)value);
}

static bool key_is(const void *entry, const void *key)
{
        const struct hive_key *a = entry, *b = key;
        return path_equal(&a->path, &b->path);
}

int hive_take_key(struct hashmap *seen, const struct yaml_doc *doc, const struct yaml_node *node,
        struct hive_key *key, struct diag *d)
{
        uint32_t hash = fold_hash(key->path.text, key->path.len, hashmap_seed());
        const struct hive_key *same = hashmap_get(seen, hash, key_is, key);
        if (same)
                return yaml_error(doc, node->key, d,
                        "key `%s` is here a second time (case and kind of separator do not count), the first is in "
                        "line %u; expected each once in a file",
                        yaml_show(key->path.text, key->path.len).text, same->line);
        return hashmap_put(seen, hash, key);
}

int hive_check_hidden(const struct hashmap *seen, const struct yaml_doc *doc, const struct yaml_node *node,
        const struct hive_key *key, struct diag *d)
{
        for (size_t i = 1; i + 1 < key->path.n; i++) {
                const struct hive_key up = {
                        .path = { .text = key->path.text, .len = key->path.ends[i], .n = i + 1 }
                };
                uint32_t hash = fold_hash(up.path.text, up.path.len, hashmap_seed());
                const struct hive_key *found = hashmap_get(seen, hash, key_is, &up);
                if (found && found->hidden)
                        return yaml_error(doc, node->key, d,
                                "key `%s` is in `%s`, which line %u hides, expected one of the two",
                                yaml_show(key->path.text, key->path.len).text,
                                yaml_show(found->path.text, found->path.len).text, found->line);
        }
        return 0;
}
