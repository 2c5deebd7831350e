/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One setting that the schema binds to a kernel control: what is written in the registry, what is accepted,
 * what the control holds, and the steps between them. Knows no bus: it is told of values, and tells of what
 * happened. */

#include "../../schema/events/fswatch.h"
#include "../audit/auditlog.h"
#include "../policy/accepted.h"
#include "../policy/control.h"
#include "../policy/policy.h"

/* What changed, for property signals. */
enum item_change {
        ITEM_ACCEPTED = 1 << 0,
        ITEM_WRITTEN = 1 << 1, /* the text or the layer */
        ITEM_CONTROL = 1 << 2, /* live, the control's value, last applied, last error */
        ITEM_COUNTERS = 1 << 3,
};

struct item;

/* What items need from the daemon. */
struct item_context {
        const char *root;
        sd_event *event;
        struct auditlog *auditlog;
        struct accepted *accepted;
        bool ran_before; /* then a value that is not among the accepted ones was not set when it ended */
        struct accepted *refused; /* what was refused last, so that a restart does not tell of it again */
        bool registry_missed;     /* it does not answer, and that was said */
        void (*changed)(struct item *item, unsigned changes, void *userdata);
        void (*policy_changed)(
                struct item *item, const char *old, const struct actor *actor, void *userdata);
        void (*policy_refused)(struct item *item, const char *refused, const char *why, void *userdata);
        void (*drift_detected)(struct item *item, const char *found, const char *action, void *userdata);
        /* The kernel's taint mask as it is now, asked for before each change. False where it is not known.
         */
        bool (*tainted)(uint64_t *ret, void *userdata);
        /* Who writes to a control is told to item_sysctl_written(), soon after. */
        bool (*writes_are_reported)(void *userdata);
        /* A written value was dealt with: accepted, refused, or nothing new. */
        void (*settled)(struct item *item, void *userdata);
        void *userdata;
};

/* A value as it came from the registry. */
struct item_input {
        const struct value *value; /* NULL: none is written */
        const char *layer;         /* "" when none is */
        const struct actor *actor; /* NULL: nobody is known */
        const char *reason;        /* "hive-edited", "changed-while-away"; NULL: a caller's write */
        const char *file;          /* drop-in behind it, or NULL */
        uint32_t file_owner;       /* its uid, or AUDIT_ID_UNSET */
        uint64_t sequence;
        bool is_resync; /* read, not told: the same again is no no-op write */
};

struct item {
        const struct item_context *context;
        const struct schema_value *sv;
        char *path; /* \System\Audit\Modules\TaintEvents */

        char *written;       /* for people; "" when nothing is */
        char *layer;         /* of what is written; LAYER "default" when nothing is */
        char *accepted;      /* canonical text in force; NULL: none */
        struct diag refusal; /* why what is written is not accepted; "" when it is */
        char *refused;       /* what was refused last, so that it is said once */
        /* What the state on disk says at the start, where that is not what was accepted last: the control
         * holds it until the registry is heard, which knows who changed it. NULL: none. */
        char *starting;
        char keep_error[256]; /* why what is in force cannot be kept for the next boot; "" when it can */
        uint64_t sequence;    /* of the last input that was dealt with */

        struct control *control;
        struct fswatch *watch; /* of the control, or of its directory while it is absent */
        bool was_present;
        bool live;
        bool failed_told; /* the control's failure was recorded */
        char control_value[CONTROL_TEXT_MAX];
        char last_error[256];
        uint64_t last_applied; /* µs since 1970 of the last write; 0 = never */

        bool reapply; /* on drift */
        struct drift drift;
        char *drift_found;  /* what was told of last, in mode report */
        uint64_t held_usec; /* µs since 1970: when the control was last seen to hold what it is to */
        struct actor writer;
        uint64_t writer_usec;       /* of the newest write by another, 0 = none */
        struct item_untold *untold; /* a drift that waits for the report of who wrote */
        sd_event_source *untold_timer;

        bool turning_off; /* the record goes first */
        char *pending;    /* the value that comes into force then */
        struct actor pending_actor;
        bool pending_has_actor;
        unsigned off_waiting;       /* records of turning off that have not been told about yet */
        struct item_queued *queued; /* the newest input meanwhile */
        sd_event_source *off_timer;

        uint64_t changes, no_ops, refusals, drifts;
};

/* `initial` (may be NULL) is what the state on disk says, and is applied at once. What was accepted in the
 * last run stays the value in force until the registry is heard. 0 or negative errno. */
_must_check_ int item_new(const struct item_context *context, const struct schema_value *sv,
        const char *initial, struct item **ret);
struct item *item_free(struct item *item);

/* A value came from the registry. 0 or -ENOMEM. */
_must_check_ int item_input(struct item *item, const struct item_input *input);
/* The registry does not answer: what the state on disk says is accepted without knowing who changed it. */
void item_registry_absent(struct item *item);
void item_set_reapply(struct item *item, bool reapply);

/* Somebody wrote to a control; of any but the item's own nothing is taken. */
struct sysctl_write;
void item_sysctl_written(struct item *item, const struct sysctl_write *w);
/* What waits to be told is told now: what comes next is to be told after it. */
void item_flush(struct item *item);

/* Looks at the control: appeared, gone, changed by somebody else. On a hint and on the timer. */
void item_check(struct item *item);
/* Applies what is accepted now, whatever a pause for drift says. */
void item_apply(struct item *item);

/* One sentence: why what is written is, or is not, in force and live. */
_must_check_ int item_explain(const struct item *item, struct buf *out);
/* Lines of what writing `value` (NULL: the value goes away) would do, so that the layer's entry wins ("" for
 * none). 0 or negative errno. */
_must_check_ int item_preview(struct item *item, const struct value *value, const char *layer,
        const struct actor *actor, struct buf *out);
/* "enabled", with what it means for taints where the word alone misleads. */
const char *item_meaning(const struct item *item);
