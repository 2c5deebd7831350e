/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One value of the registry that the service follows: what is written, what of it is accepted, what took it,
 * and the steps between them. Most are bound to a kernel control; the service's own are taken by a part of
 * itself, and are the same in all else. */

#include "../../schema/events/fswatch.h"
#include "../client/link.h"
#include "../policy/control.h"
#include "../policy/policy.h"

/* What takes the value in force. */
enum setting_kind {
        SETTING_CONTROL,         /* the kernel */
        SETTING_DRIFT,           /* another setting: what is done when somebody else writes to its control */
        SETTING_CAPTURE,         /* the taint monitor */
        SETTING_TEXT_FILE,       /* the metrics */
        SETTING_ACCEPTED_TAINTS, /* the taints that are accepted, which are no alarm */
};

/* What changed, for property signals. */
enum setting_change {
        SETTING_ACCEPTED = 1 << 0,
        SETTING_WRITTEN = 1 << 1, /* the text or the layer */
        SETTING_LIVE = 1 << 2,    /* live, the control's value, last applied, last error */
        SETTING_COUNTERS = 1 << 3,
        SETTING_PENDING = 1 << 4,
};

struct settings;

struct setting {
        struct settings *all;
        const struct schema_value *sv;
        enum setting_kind kind;
        struct setting *of; /* SETTING_DRIFT: the one that is bound to the control */
        char *path;         /* \System\Audit\Modules\TaintEvents */

        char *written;       /* for people; "" when nothing is */
        char *layer;         /* of what is written; LAYER "default" when nothing is */
        char *accepted;      /* canonical text in force; NULL: none */
        bool is_pending;     /* another one is accepted, and comes into force with a restart or a reboot */
        char *pending;       /* it; NULL: nothing will be in force */
        struct diag refusal; /* why what is written is not accepted; "" when it is */
        char *refused;       /* what was refused last, so that it is said once */
        /* The service has just started: what the registry says first was so before, and takes effect with
         * the start. */
        bool begins;
        bool is_heard;     /* the registry has said what is written */
        uint64_t sequence; /* of the last input that was dealt with */

        bool live;            /* what takes it has taken it */
        char last_error[256]; /* why it is not live */

        struct control *control; /* NULL: one of the service's own */
        struct fswatch *watch;   /* of the control, or of its directory while it is absent */
        bool was_present;
        bool failed_told; /* the control's failure was recorded */
        char control_value[CONTROL_TEXT_MAX];
        uint64_t last_applied; /* µs since 1970 of the last write; 0 = never */

        bool reapply; /* on drift */
        struct drift drift;
        char *drift_found;  /* what was told of last, in mode report */
        uint64_t held_usec; /* µs since 1970: when the control was last seen to hold what it is to */
        struct actor writer;
        uint64_t writer_usec;          /* of the newest write by another, 0 = none */
        struct setting_untold *untold; /* a drift that waits for the report of who wrote */
        sd_event_source *untold_timer;

        bool turning_off; /* the record goes first */
        char *off_text;   /* the value that comes into force then */
        struct actor off_actor;
        bool off_has_actor;
        unsigned off_waiting;      /* records of turning off that have not been told about yet */
        struct link_value *queued; /* the newest input meanwhile */
        sd_event_source *off_timer;

        bool is_reloaded; /* a schema that was read again brought it, or may let it change: that is why it
                             does */
        bool ending;

        uint64_t changes, no_ops, refusals, drifts;
};

/* In force is what was accepted last, or, where it `begins` with the service's start, what waited for that.
 * A control is written in here, and left alone where nothing was accepted; of the service's own nothing is
 * taken before setting_take(). 0 or negative errno. */
_must_check_ int setting_new(struct settings *all, const struct schema_value *sv, enum setting_kind kind,
        bool begins, struct setting **ret);
struct setting *setting_free(struct setting *s);

/* The entry says something else now; `sv` is of the same value, and of the same control. What is in force
 * and is none of its texts any more gives way to the default. */
void setting_adopt(struct setting *s, const struct schema_value *sv);
/* The entry is no more. Nothing is in force; what took it, a control above all, is left as it is. */
void setting_end(struct setting *s);

/* A value came from the registry. 0 or -ENOMEM. */
_must_check_ int setting_input(struct setting *s, const struct link_value *in);
/* The registry was not heard in time: where nothing was accepted, the schema's default is. */
void setting_end_start(struct setting *s);
/* Hands the value in force to what takes it. */
void setting_take(struct setting *s);
/* What took it says how it went; NULL: well. */
void setting_set_error(struct setting *s, const char *error);
void setting_set_reapply(struct setting *s, bool reapply);

/* Somebody wrote to a control; of any but the setting's own nothing is taken. */
struct sysctl_write;
void setting_sysctl_written(struct setting *s, const struct sysctl_write *w);
/* What waits to be told is told now: what comes next is to be told after it. */
void setting_flush(struct setting *s);

/* Looks at the control: appeared, gone, changed by somebody else. On a hint and on the timer. */
void setting_check(struct setting *s);
/* Applies what is accepted now, whatever a pause for drift says. */
void setting_apply(struct setting *s);

/* One sentence: why what is written is, or is not, in force and live. */
_must_check_ int setting_explain(const struct setting *s, struct buf *out);
/* Lines of what writing `value` (NULL: the value goes away) would do, so that the layer's entry wins ("" for
 * none). 0 or negative errno. */
_must_check_ int setting_preview(struct setting *s, const struct value *value, const char *layer,
        const struct actor *actor, struct buf *out);
/* "enabled", with what it means for taints where the word alone misleads. */
const char *setting_meaning(const struct setting *s);
/* What is accepted and waits, "unset" for nothing; "" where nothing waits. And what it waits for: "reboot".
 */
const char *setting_pending(const struct setting *s);
const char *setting_waits_for(const struct setting *s);
/* The value in force as records and signals have it: "unset" for none. */
const char *setting_shown(const char *text);
const char *setting_control_name(const struct setting *s); /* "" without one */
const char *setting_or_empty(const struct setting *s);     /* the value in force, "" for none */

/* The kernel's taint mask, for the records of a value that turns auditing on and off; NULL where it does
 * not, or where the mask is not known. */
#define SETTING_MASK_MAX 20u
const char *setting_tainted(const struct setting *s, char text[static SETTING_MASK_MAX]);

/* What the record of a change says; `text` is what it points to. */
struct setting_change_text {
        struct diag file;
        char tainted[SETTING_MASK_MAX];
};
struct record setting_change_record(const struct setting *s, const char *new_text,
        const struct link_value *in, struct setting_change_text *text);
/* "\System\Audit\Modules\TaintEvents": without the hive where it is the default one. 0 or -ENOMEM. */
_must_check_ int setting_describe_path(const struct schema_value *sv, char **ret);
