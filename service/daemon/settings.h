/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Settings that no control is bound to: how this service itself works. What is written is checked as the
 * schema says, and beyond that by the setting's own check; what is accepted is applied at once and kept over
 * a restart, and every change is a record. A refused value leaves what is in force. Knows no bus. */

#include "item.h"

struct setting_config {
        const struct schema_value *sv; /* of a text */
        /* Beyond what the schema says; NULL: nothing. 0, or -EINVAL with d set. */
        int (*check)(const char *text, struct diag *d);
        /* NULL: nothing is in force. */
        void (*apply)(const char *text, void *userdata);
        void *userdata;
};

struct setting {
        struct setting_config config;
        char *path;    /* \System\Audit\Modules\TaintCapture */
        char *text;    /* canonical text in force; NULL: none */
        char *refused; /* what was refused last, so that it is said once */
        bool known;    /* since an earlier run, or from the registry: then another text is a change */
};

struct settings {
        const char *root;
        struct auditlog *auditlog;
        struct accepted *accepted, *refused;
        /* `text` and `old`: "unset" for none. */
        void (*changed)(const struct setting *s, const char *old, const char *text,
                const struct actor *actor, void *userdata);
        void (*told_refused)(const struct setting *s, const char *refused, const char *kept, const char *why,
                void *userdata);
        void (*same)(void *userdata); /* a write that changes nothing: no_ops is one more */
        void *userdata;
        uint64_t no_ops;
        struct setting **list;
        size_t n;
};

/* What was accepted last, or the default, is applied in here. `ret` (may be NULL) stays the settings'. 0 or
 * -ENOMEM. */
_must_check_ int settings_add(
        struct settings *all, const struct setting_config *config, struct setting **ret);
void settings_done(struct settings *all);

/* A value came from the registry; of one that is no setting nothing is taken. 0 or -ENOMEM. */
_must_check_ int settings_input(
        struct settings *all, const char *key, const char *name, const struct item_input *input);
