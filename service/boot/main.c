/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-policy-apply: the boot-time apply, without bus or daemon. Schema, drop-ins and the registry's
 * database are read from disk, every bound value is decided and written to its control. Where the database
 * is not there (/var is a file system of its own and not mounted yet), or cannot be read, the accepted
 * values on the root file system are applied. A program of its own, because at boot every library that is
 * linked costs time; also run by `peios-audit-policyd --apply`. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "../../registry-provider/registry/registry-part.h"
#include "../../registry-provider/registry/registry.h"
#include "../../registry-provider/store/recovery.h"
#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/layout.h"
#include "../../schema/options/options.h"
#include "../policy/accepted.h"
#include "../policy/control.h"
#include "../policy/policy.h"
#include "config.h"

/* ---- What is to be in force ---- */

/* The values that are to be in force when nobody can be asked: what the provider's store says with the
 * drop-in files over it; where the store is not there or cannot be read, the accepted ones. Writes and makes
 * nothing. */
struct boot_value {
        const struct schema_value *sv;
        char *text; /* canonical; NULL: nothing is to be applied */
        bool held;  /* in force in this boot, whatever is written: what is comes into force with the next */
};

struct boot_values {
        struct boot_value *list; /* one for each entry that is bound to a control */
        size_t n;
        unsigned failures; /* lines that were logged */
};

/* As long as a provider waits for us; see take_lock() in its storage.c. */
#define BEGIN_USEC 1000000u
#define LOOK_USEC 5000u

static void boot_values_done(struct boot_values *v)
{
        for (size_t i = 0; i < v->n; i++)
                free(v->list[i].text);
        free(v->list);
        *v = (struct boot_values){ 0 };
}

static void complain(struct boot_values *v, const char *line)
{
        log_error("%s", line);
        v->failures++;
}

/* What waits is held while the boot is the one in which what is accepted came into force. */
static bool is_same_boot(const char *root, const struct accepted *accepted)
{
        char boot[BOOT_ID_MAX];

        return clock_boot_id(root, boot) == 0 && strcmp(boot, accepted->boot) == 0;
}

static int set_fallback(struct boot_value *v, const struct accepted *accepted)
{
        const char *text = accepted_get(accepted, v->sv);

        if (!v->held && !accepted_pending(accepted, v->sv, &text) && !text && v->sv->has_default)
                text = v->sv->default_text;
        free(v->text);
        v->text = text ? strdup(text) : NULL;
        return text && !v->text ? -ENOMEM : 0;
}

static int init_values(const char *root, const struct schema *schema, const struct accepted *accepted,
        struct boot_values *ret)
{
        ret->list = calloc(schema->n ? schema->n : 1, sizeof(*ret->list));
        if (!ret->list)
                return -ENOMEM;
        for (size_t i = 0; i < schema->n; i++) {
                if (!schema->values[i].control)
                        continue;
                struct boot_value *v = &ret->list[ret->n++];
                v->sv = &schema->values[i];
                v->held = v->sv->apply != SCHEMA_LIVE && is_same_boot(root, accepted);
                int r = set_fallback(v, accepted);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int lay_files(const char *root, struct registry_part *part, struct boot_values *values,
        struct dropins *files, struct diag *d)
{
        int r = dropins_load(root, VALUE_BYTES_DEFAULT_MAX, files);

        if (r == 0)
                r = registry_part_apply(part, files, d);
        for (size_t i = 0; i < files->n; i++)
                if (files->list[i].error)
                        complain(values, files->list[i].error);
        return r;
}

/* The value that the registry says, or, refused, what was accepted before. */
static int decide(const struct registry_part *part, struct boot_value *v, struct boot_values *values)
{
        const struct registry_part_item *found;
        struct policy_decision decision = { 0 };

        int r = registry_part_get(part, &v->sv->key, v->sv->name, &found);
        if (r == REGISTRY_CORRUPT)
                return -EBADMSG;
        /* What was accepted last stays, as with a service that runs. */
        if (r < 0 || r == REGISTRY_LINK_LOOP || r == REGISTRY_BAD_LINK) {
                _cleanup_buf_ struct buf line = BUF_INIT;
                if (r < 0)
                        return r;
                buf_printf(&line, "%s: %s; %s stays in force", v->sv->key.text, registry_error_text(NULL, r),
                        v->text ? v->text : "nothing");
                complain(values, buf_str(&line));
                return 0;
        }
        bool written = r == 0;
        r = policy_decide(v->sv, v->text, written ? &found->value : NULL, &decision);
        if (r == 0 && decision.verdict == POLICY_REFUSE) {
                _cleanup_buf_ struct buf line = BUF_INIT;
                buf_printf(&line, "%s\\%s (layer %s): %s; %s", v->sv->key.text, v->sv->name,
                        written ? found->layer : LAYER_DEFAULT, decision.why.text,
                        v->text ? v->text : "nothing");
                buf_puts(&line, " stays in force");
                complain(values, buf_str(&line));
        } else if (r == 0 && decision.verdict == POLICY_CHANGE) {
                free(v->text);
                v->text = STEAL_PTR(decision.text);
        }
        policy_decision_done(&decision);
        return r;
}

/* Where a provider runs it holds the lock, and is read beside; else nobody may begin meanwhile. 1 with
 * *ret_lock; 0: nobody holds it; or a negative errno with d set. */
static int look_for_provider(const char *root, int *ret_lock, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_STORE_LOCK);

        if (!path)
                return -ENOMEM;
        *ret_lock = file_open(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0, NULL, d);
        /* None has ever been here. */
        if (*ret_lock == -ENOENT)
                return 0;
        if (*ret_lock < 0)
                return *ret_lock;
        if (flock(*ret_lock, LOCK_SH | LOCK_NB) == 0)
                return 0;
        return errno == EWOULDBLOCK ? 1 : diag_set(d, errno, "%s: %s", path, strerror(errno));
}

/* What is read, and what it is read from. */
struct source {
        int lock;
        struct store *store;
        struct dropins files;
        struct registry_part *part;
};

static void source_done(struct source *s)
{
        s->part = registry_part_free(s->part);
        dropins_done(&s->files);
        s->store = store_close(s->store);
        if (s->lock >= 0)
                (void)close(s->lock);
        s->lock = -1;
}

/* -ENOENT: there is none. */
static int try_store(
        const char *root, const struct schema *schema, struct source *s, bool *ret_held, struct diag *d)
{
        _cleanup_free_ char *file = file_path(root, LAYOUT_STORE);

        int r = file ? look_for_provider(root, &s->lock, d) : -ENOMEM;
        *ret_held = r > 0;
        if (r >= 0)
                r = recovery_suspects(file, d);
        if (r == 0)
                r = store_open(file, *ret_held ? STORE_READ_ONLY : STORE_AT_BOOT, VALUE_BYTES_DEFAULT_MAX,
                        &s->store, d);
        if (r == 0)
                r = registry_part_new(s->store, schema, &s->part, d);
        if (r < 0)
                source_done(s);
        return r;
}

/* A provider that begins has taken the lock, and is about to open, to make or to recover its store. */
static int load_store(const char *root, const struct schema *schema, struct source *s, struct diag *d)
{
        bool is_held = false;

        for (unsigned looks = BEGIN_USEC / LOOK_USEC;; looks--) {
                int r = try_store(root, schema, s, &is_held, d);
                bool is_passing = is_held && (r == -EBUSY || r == -ENOENT || r == -EUCLEAN);
                if (!is_passing || looks == 0)
                        return r;
                (void)usleep(LOOK_USEC);
        }
}

/* Without the database, what it says is not known: then what was in force last is right, and where nothing
 * was, the drop-in files. The folder alone is none: it may be what is below the mount point. */
static int load_values(const char *root, const struct schema *schema, bool has_accepted,
        struct boot_values *values, struct diag *d)
{
        _cleanup_(source_done) struct source s = { .lock = -1 };

        int r = load_store(root, schema, &s, d);
        if (r < 0 && r != -ENOENT)
                complain(values, d->text[0] ? d->text : strerror(-r));
        d->text[0] = '\0';
        if (r < 0 && has_accepted)
                return 0;
        if (r < 0)
                r = registry_part_new(NULL, schema, &s.part, d);
        if (r == 0)
                r = lay_files(root, s.part, values, &s.files, d);
        for (size_t i = 0; r == 0 && i < values->n; i++)
                r = values->list[i].held ? 0 : decide(s.part, &values->list[i], values);
        return r;
}

/* A line is logged for each broken file and each refused value, and for a store that is there and cannot be
 * read. A value that is refused falls back on the accepted one, else on the default. 0, or a negative errno,
 * with d set or not; then the accepted values or defaults are in *ret all the same. */
static int boot_values_load(const char *root, const struct schema *schema, const struct accepted *accepted,
        struct boot_values *ret, struct diag *d)
{
        struct boot_values values = { 0 };

        int r = init_values(root, schema, accepted, &values);
        if (r < 0) {
                boot_values_done(&values);
                return r;
        }
        r = load_values(root, schema, accepted->n > 0, &values, d);
        *ret = values;
        return r;
}

/* ---- Applying it ---- */

static void on_error(_unused_ const char *file, const char *text, void *userdata)
{
        unsigned *failures = userdata;
        log_error("%s", text);
        (*failures)++;
}

/* 0: applied, or there is nothing to apply it to. */
static int apply_one(const char *root, const struct boot_value *v, bool verbose)
{
        _cleanup_control_ struct control *control = NULL;
        _cleanup_free_ char *text = NULL;
        struct control_result result;
        struct diag d = { 0 };
        const char *name = v->sv->control->name;

        if (!v->text) {
                if (verbose)
                        (void)printf("%s: not set, left alone\n", name);
                return 0;
        }
        int r = schema_control_text(v->sv, v->text, &text);
        if (r == 0)
                r = control_new(root, name, &control, &d);
        if (r < 0) {
                log_error(
                        "%s: '%s' cannot be applied: %s", name, v->text, d.text[0] ? d.text : strerror(-r));
                return r;
        }
        control_open_once(control);
        control_apply(control, text, &result);
        switch (result.outcome) {
        case CONTROL_HOLDS:
        case CONTROL_WRITTEN:
        case CONTROL_ABSENT:
                if (verbose)
                        (void)printf("%s: %s (%s)%s\n", name, text, v->text,
                                result.outcome == CONTROL_HOLDS     ? ", held already"
                                : result.outcome == CONTROL_WRITTEN ? ", written"
                                                                    : ", this kernel has no such control");
                return 0;
        case CONTROL_REFUSED:
        case CONTROL_FAILED:
                return log_failure(-EIO, "%s: %s (%s) could not be written to %s: %s", name, text, v->text,
                        control_path(control), control_strerror(result.error));
        case CONTROL_DIFFERENT:
                return log_failure(-EIO, "%s: %s (%s) was written to %s, but '%s' reads back", name, text,
                        v->text, control_path(control), result.now);
        }
        return -EIO;
}

/* A line a failure on standard error; `verbose`: a line a value on standard output. Returns the exit code: 0
 * where all is applied or legitimately absent (no such control, nothing set). */
static int apply(const char *root, bool verbose)
{
        _cleanup_accepted_ struct accepted accepted = { 0 };
        _cleanup_schema_ struct schema *schema = NULL;
        struct boot_values values = { 0 };
        struct diag d = { 0 };
        unsigned failures = 0;

        int r = schema_load(root, NULL, on_error, &failures, &schema);
        if (r < 0)
                return log_failure(EXIT_FAILURE, "the schema cannot be loaded: %s", strerror(-r));
        if (accepted_load(root, LAYOUT_ACCEPTED_NAME, &accepted, &d) < 0)
                on_error(NULL, d.text, &failures);
        d.text[0] = '\0';
        r = boot_values_load(root, schema, &accepted, &values, &d);
        if (r < 0)
                on_error(NULL, d.text[0] ? d.text : strerror(-r), &failures);
        for (size_t i = 0; i < values.n; i++)
                failures += apply_one(root, &values.list[i], verbose) < 0;
        failures += values.failures;
        boot_values_done(&values);
        return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct apply_options {
        const char *root;
        bool verbose;
};

static const struct options_row rows[] = {
        { "root", .kind = OPTIONS_ROOT, .offset = offsetof(struct apply_options, root),
                .commands = OPTIONS_ALL, .metavar = "DIR", .help = "Every path is below DIR" },
        { "verbose", 'v', .kind = OPTIONS_FLAG, .offset = offsetof(struct apply_options, verbose),
                .commands = OPTIONS_ALL, .help = "A line for each value" },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this" },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL, .help = "Show the version" },
};

static const struct options_program program = {
        .name = "peios-policy-apply",
        .purpose = "Applies the registry's policy to the kernel's controls, from what is on disk.",
        .notes = "See peios-audit-policyd(8), --apply.",
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};

int main(int argc, char **argv)
{
        struct apply_options options = { 0 };
        struct options_line line;
        struct diag d = { 0 };

        log_setup("peios-policy-apply", LOG_INFO);
        if (options_parse(&program, argc, argv, &options, &line, &d) < 0)
                return log_failure(EXIT_FAILURE, "%s", d.text);
        if (line.help || line.version)
                return options_answer(&program, &line, PROJECT_VERSION);
        return apply(options.root, options.verbose);
}
