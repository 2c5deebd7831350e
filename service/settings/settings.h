/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The values of the registry that the service follows: what is written, what of it is accepted, what took
 * it, and the steps between them. Most are bound to a kernel control; the service's own are taken by a part
 * of itself, and are the same in all else. */

#include <systemd/sd-bus.h>

#include "../../schema/events/fswatch.h"
#include "../../schema/audit/auditlog.h"
#include "../../schema/names/seal.h"
#include "../policy/accepted.h"
#include "../policy/control.h"
#include "../policy/policy.h"

/* A start waits this long for the registry where nothing was accepted yet. */
#define REGISTRY_WAIT_SECONDS 10u

/* What the registry says of a value. All is the caller's. */
struct setting_input {
        const struct value *value; /* effective; NULL: none */
        const char *layer;         /* "" when none */
        const struct actor *actor; /* who wrote it; NULL: not known */
        const char *reason;        /* of a change without a caller */
        const char *file;          /* drop-in behind it, or NULL */
        uint32_t file_owner;       /* its uid; AUDIT_ID_UNSET where it is not known */
        struct seal seal;          /* of the policy of the fleet that the value is from */
        struct seal cause;         /* of the one that changed it, as where it gave way */
        uint64_t sequence;
        bool is_resync; /* it may have been written at any time */
};

/* With all that it points to, in one piece. NULL: there is no memory. */
struct setting_input *setting_input_copy(const struct setting_input *in);
/* Of the policy of the fleet that a record names: whose value it is, or who no longer has another one. */
const struct seal *setting_input_seal(const struct setting_input *in);

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
        SETTING_WRITTEN = 1 << 1, /* the text, the layer or the seal */
        SETTING_LIVE = 1 << 2,    /* live, the control's value, last applied, last error */
        SETTING_COUNTERS = 1 << 3,
        SETTING_PENDING = 1 << 4,
};

struct setting {
        struct settings *all;
        const struct schema_value *sv;
        enum setting_kind kind;
        struct setting *of; /* SETTING_DRIFT: the one that is bound to the control */
        char *path;         /* \System\Audit\Modules\TaintEvents */

        char *written;       /* for people; "" when nothing is */
        char *layer;         /* of what is written; LAYER "default" when nothing is */
        struct seal seal;    /* of what is written, where the fleet did */
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
        /* A schema that was read again brought it, or may let it change: that is why it does. */
        bool is_reloaded;
        bool ending;

        bool live;            /* what takes it has taken it */
        char last_error[256]; /* why it is not live */

        struct control *control; /* NULL: one of the service's own */
        struct fswatch *watch;   /* of the control, or of its directory while it is absent */
        bool was_present;
        bool failure_recorded; /* the control's failure was recorded */
        char control_value[CONTROL_TEXT_MAX];
        uint64_t last_applied; /* µs since 1970 of the last write; 0 = never */

        bool reapply; /* on drift */
        struct drift drift;
        char *drift_found;  /* what was recorded last, in mode report */
        uint64_t held_usec; /* µs since 1970: when the control was last seen to hold what it is to */
        struct actor writer;
        uint64_t writer_usec;                  /* of the newest write by another, 0 = none */
        struct setting_unrecorded *unrecorded; /* a drift that waits for the report of who wrote */
        sd_event_source *record_timer;

        struct setting_input *turning_off; /* with it auditing goes off when the record is out; NULL: no */
        char *off_text;                    /* what comes into force then */
        unsigned off_waiting;              /* records of turning off that are not out yet */
        struct setting_input *queued;      /* the newest input meanwhile */
        sd_event_source *off_timer;

        uint64_t changes, no_ops, refusals, drifts;
};

struct settings {
        const char *root;
        sd_event *event;
        struct auditlog *auditlog;
        /* What takes values and what hears of them. Each may be NULL: not there yet, or not any more. */
        struct taints *taints;
        struct metrics *metrics;
        struct policy_bus *bus;
        sd_bus *connection; /* signals go there */

        struct accepted accepted;
        struct accepted refused; /* what was refused last, so that a restart does not record it again */
        bool is_stored;          /* as it is here */
        char keep_error[256];    /* why it cannot be kept for the next boot; "" when it can */
        bool ran_before; /* then a value that is not among the accepted ones was not set when it ended */
        bool registry_missed; /* it does not answer, and that was said */
        struct setting **list;
        size_t n;
        struct setting *taint_events, *capture; /* of the list */
        struct setting **ended;                 /* of which a record is still under way */
        size_t n_ended;
};

/* Makes a setting of each entry that is bound to a control or steers the service. 0, -ENOENT where one is
 * missing that the service cannot do without, or another negative errno. */
_must_check_ int settings_load(struct settings *all, const struct schema *schema);
/* The schema was read again: entries that came are followed, those that went are not any more. 0; -ENOENT
 * where one is missing that the service cannot do without, and -ENOMEM: then nothing changed. */
_must_check_ int settings_reload(struct settings *all, const struct schema *schema);
void settings_done(struct settings *all);
/* NULL: the service does not follow it. */
struct setting *settings_find(const struct settings *all, const struct path *key, const char *name);

/* Keeps what is accepted for the next start and boot; that it cannot is said here and shown. */
void settings_store(struct settings *all);
/* Hands the service's own settings to what takes them, which is there now. */
void settings_take_own(struct settings *all);

/* The registry has said all there is to know, or does not answer (any more). */
void settings_connected(struct settings *all, bool connected, const char *problem);
/* It has, or was not heard in time: what was accepted at the start is kept. */
void settings_end_start(struct settings *all);

/* Somebody wrote to a control, which may be a setting's. */
struct sysctl_write;
void settings_sysctl_written(struct settings *all, const struct sysctl_write *w);

/* setting.c: what becomes of a value that is written. In force is what was accepted last, or, where it
 * `begins` with the service's start, what waited for that. A control is written in here, and left alone
 * where nothing was accepted; of the service's own nothing is taken before setting_take(). 0 or negative
 * errno. */
_must_check_ int setting_new(struct settings *all, const struct schema_value *sv, enum setting_kind kind,
        bool begins, struct setting **ret);
struct setting *setting_free(struct setting *s);
/* The entry says something else now; `sv` is of the same value, and of the same control. What is in force
 * and is none of its texts any more gives way to the default. */
void setting_adopt(struct setting *s, const struct schema_value *sv);
/* The entry is no more. Nothing is in force; what took it, a control above all, is left as it is. */
void setting_end(struct setting *s);
/* The registry has a value. 0 or -ENOMEM. */
_must_check_ int setting_input(struct setting *s, const struct setting_input *in);
/* The registry was not heard in time: where nothing was accepted, the schema's default is. */
void setting_end_start(struct setting *s);
/* Hands the value in force to what takes it. */
void setting_take(struct setting *s);
/* What took it says how it went; NULL: well. */
void setting_set_error(struct setting *s, const char *error);
void setting_changed(struct setting *s, unsigned changes);
/* 0 or -ENOMEM; `text` may be NULL. */
_must_check_ int setting_replace(char **at, const char *text);

/* setting-control.c: a setting and its control. */
void setting_begin_control(struct setting *s);
/* Brings the control to the canonical text; live, last_error and the like follow. */
enum control_outcome setting_write(struct setting *s, const char *text);
/* Applies what is accepted now, whatever a pause for drift says. */
void setting_apply(struct setting *s);
/* Nothing is in force any more: the control keeps what it holds, and is nobody's. */
void setting_let_go(struct setting *s);
/* With nothing in force yet, the control holds it anyway. */
bool setting_came_with_boot(struct setting *s, const char *text);
/* Whether the value comes into force at the moment that the schema names, and not now. */
bool setting_has_to_wait(struct setting *s, const char *text);
/* Looks at the control: appeared, gone, changed by somebody else. On a hint and on the timer. */
void setting_check(struct setting *s);
void setting_set_reapply(struct setting *s, bool reapply);
/* What waits to be recorded is now: what comes next is recorded after it. */
void setting_flush(struct setting *s);
struct setting_unrecorded *setting_unrecorded_free(struct setting_unrecorded *u);

/* setting-explain.c: a setting for people and records. One sentence: why what is written is, or is not, in
 * force and live. */
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

/* What the record of a change says; `text` is what it points to. */
struct setting_change_text {
        struct diag file;
        char tainted[20];
};
struct record setting_change_record(const struct setting *s, const char *new_text,
        const struct setting_input *in, struct setting_change_text *text);
/* The same of a value that is accepted and waits. */
struct record setting_pending_record(const struct setting *s, const char *new_text,
        const struct setting_input *in, struct setting_change_text *text);
