/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What errors and events are called. */
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int registry_code(int e)
{
        switch (e) {
        case -ENOENT:
                return REGISTRY_NOT_FOUND;
        case -EFBIG:
                return REGISTRY_TOO_LARGE;
        case -E2BIG:
        case -EDQUOT:
                return REGISTRY_LIMIT;
        case -EBADMSG:
                return REGISTRY_CORRUPT;
        default:
                return e;
        }
}

int registry_explain(const struct registry *r, int e, struct diag *d)
{
        const char *failure = store_failure(registry_store(r));

        if (store_is_failure(e) && failure[0] && d && !d->text[0])
                return diag_set(d, -e, "%s", failure);
        return registry_code(e);
}

const char *registry_error_text(const struct registry *r, int e)
{
        static const char *const texts[] = {
                [REGISTRY_NOT_FOUND] = "there is no such key or value",
                [REGISTRY_EXISTS] = "it is there already",
                [REGISTRY_INVALID_NAME] = "not a valid name",
                [REGISTRY_INVALID_VALUE] = "not a valid value",
                [REGISTRY_TOO_LARGE] = "the transaction has become too large",
                [REGISTRY_READ_ONLY] = "the layer is read-only",
                [REGISTRY_NOT_EMPTY] = "the key has subkeys",
                [REGISTRY_CONFLICT] = "another sequence was expected",
                [REGISTRY_LIMIT] = "there are too many layers",
                [REGISTRY_CORRUPT] = "corrupt: two layers' entries have the same precedence and sequence",
                [REGISTRY_NOT_KEPT] = "the history does not go back so far",
                [REGISTRY_LINK_LOOP] = "more links, one behind the other, than are followed",
                [REGISTRY_BAD_LINK] = "a link that cannot be followed",
                [REGISTRY_UNACCEPTED] = "the schema speaks against it",
        };

        e = registry_code(e);
        if (e > 0)
                return texts[e];
        return r && store_is_failure(e) && store_failure(registry_store(r))[0]
                       ? store_failure(registry_store(r))
                       : strerror(-e);
}

int registry_value_failed(const struct path *path, const char *name, int error, struct diag *d)
{
        name = path_word_of_value_name(name);
        if (error == -EDQUOT)
                return registry_fail(d, REGISTRY_LIMIT,
                        "%s: %u layers have value '%s' already, which is the most", path->text,
                        STORE_VALUE_LAYERS_MAX, name);
        error = registry_code(error);
        (void)diag_set(d, 0, "%s: value '%s' cannot be stored: %s", path->text, name,
                registry_error_text(NULL, error));
        return error;
}

const char *registry_event_name(enum registry_event_kind kind)
{
        static const char *const names[] = {
                [EVENT_VALUE_SET] = "value-set",
                [EVENT_VALUE_DELETED] = "value-deleted",
                [EVENT_VALUE_UNCHANGED] = "value-unchanged",
                [EVENT_SUBKEY_CREATED] = "subkey-created",
                [EVENT_SUBKEY_DELETED] = "subkey-deleted",
                [EVENT_KEY_DELETED] = "key-deleted",
        };
        return names[kind];
}

void registry_events_done(struct registry_events *e)
{
        free(e->list);
        arena_done(&e->arena);
        *e = (struct registry_events){ 0 };
}
