/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The schema: what registry values mean. One YAML file a subtree (schema/definitions); the files of the
 * source tree are compiled in, and every `*.yaml` in usr/lib/peios/schema.d, then etc/peios/schema.d (same
 * name replaces), is read beside them, so that another registry-driven sysctl is an entry and not code. A
 * broken file is reported and skipped. The registry accepts any bytes; schema_check() is what *readers* use
 * to refuse or keep. */

#include "base/diag.h"
#include "names/path.h"
#include "values/value.h"

/* Limits of what schema files hold. */
#define SCHEMA_FILES_MAX 1000u
#define SCHEMA_FILE_BYTES_MAX (1024u * 1024u)
#define SCHEMA_VALUES_MAX 1000u /* of all files */
#define SCHEMA_CHOICES_MAX 64u
#define SCHEMA_SUFFIX_MAX 64u
#define SCHEMA_PATH_MAX 4000u     /* bytes of a path: room for what a writer adds to make a temporary name */
#define SCHEMA_COMPONENT_MAX 240u /* and of each of its components */
#define SCHEMA_TEXT_MAX 4094u     /* bytes of a text for a control: with its newline less than a page */

enum schema_apply {
        SCHEMA_LIVE,
        SCHEMA_RESTART,
        SCHEMA_REBOOT,
};
#define SCHEMA_APPLY_N 3u
/* As schema files write it; so are the others. */
extern const char *const schema_apply_words[SCHEMA_APPLY_N];

struct schema_choice {
        char *value;   /* "success-only", as it is shown */
        char *control; /* "1": what is written to the control; NULL where there is no control */
        char *meaning;
};

enum schema_encoding {
        SCHEMA_ENCODE_CHOICE, /* the chosen value's `control` */
        SCHEMA_ENCODE_NUMBER, /* the number in decimal */
        SCHEMA_ENCODE_STRING, /* the string as it is */
};
#define SCHEMA_ENCODING_N 3u
extern const char *const schema_encoding_words[SCHEMA_ENCODING_N];
/* What is done about a drift: report, reapply. */
#define SCHEMA_DRIFT_N 2u
extern const char *const schema_drift_words[SCHEMA_DRIFT_N];

struct schema_control {
        char *name; /* sysctl name, "kernel.audit_taint_events"; file proc/sys/kernel/audit_taint_events */
        enum schema_encoding encoding;
        char *drift_value;  /* name of the value, in the same key, that says reapply or report; NULL: none */
        bool drift_reapply; /* the default; false: report */
        char *audit_op;     /* `op=` of the record of a change, "changed-taint-audit-policy" */
        char *audit_off; /* the choice that turns auditing off (recorded before it takes effect), or NULL */
};

/* What each item of a list is. */
enum schema_items {
        SCHEMA_ITEMS_NONE,           /* it is no list */
        SCHEMA_ITEMS_ACCEPTED_TAINT, /* an acceptance, see taint/taint.h */
        SCHEMA_ITEMS_WORD,           /* printable, without a blank or a `|` */
        SCHEMA_ITEMS_N,
};
extern const char *const schema_items_words[SCHEMA_ITEMS_N];

#define SCHEMA_WORDS_MAX 64u
#define SCHEMA_WORD_MAX 512u

struct schema_value {
        struct path key;
        char *name;
        uint32_t type;
        bool has_default;
        char *default_text; /* canonical; NULL without a default: no effect until somebody sets it */
        struct schema_choice *choices;
        size_t n_choices;
        bool has_range;
        uint64_t min, max;
        bool is_path;            /* the text is an absolute path, or empty for none */
        char *suffix;            /* what the path's last component ends in, ".prom"; NULL: anything */
        enum schema_items items; /* of a REG_MULTI_SZ, which always has some */
        enum schema_apply apply;
        char *description;
        struct schema_control *control; /* NULL: bound to nothing */
        char *source;                   /* file it comes from, for messages */
        bool compiled_in;               /* what it points to is not to be freed */
};

struct schema {
        struct schema_value *values; /* sorted by key, then name, folded */
        size_t n;
};

/* What is compiled in. 0 or -ENOMEM. */
_must_check_ int schema_load_builtin(struct schema **ret);
/* What the files said when they were good last. Empty is { 0 }. */
struct schema_file {
        char *path, *text;
        size_t size;
        bool is_there;
};
struct schema_files {
        struct schema_file *list;
        size_t n;
};
void schema_files_done(struct schema_files *f);

/* The same and the files below `root`; each broken file is one call of on_error (may be NULL), and counts as
 * it was when it was good last, as far as `files` (may be NULL) knows. What is good now is kept there. */
typedef void (*schema_error_t)(const char *file, const char *text, void *userdata);
_must_check_ int schema_load(const char *root, struct schema_files *files, schema_error_t on_error,
        void *userdata, struct schema **ret);
/* Adds one document; an entry for a value that is there replaces it. Two values cannot be bound to one
 * control. 0, -ENOMEM, or -EINVAL / -EFBIG with d set; on error nothing is changed. */
_must_check_ int schema_add(
        struct schema *s, const char *name, const void *data, size_t size, struct diag *d);
/* Is it meant to be such a document, as what it begins with says? */
bool schema_is_text(const char *text);
struct schema *schema_free(struct schema *s);
DEFINE_CLEANUP(struct schema *, schema_free, schema_freep);
#define _cleanup_schema_ _cleanup_(schema_freep)

/* Whether they say the same in every word, and of the same files. */
bool schema_equal(const struct schema *a, const struct schema *b);

const struct schema_value *schema_find(const struct schema *s, const struct path *key, const char *name);

/* Of a value that the schema does not know: the one that was probably meant, or NULL. All names on its path
 * are the same but one, of SCHEMA_SLIP_LETTERS letters at least, which is a slip of the hand away. */
#define SCHEMA_SLIP_LETTERS 5u
const struct schema_value *schema_suggest(const struct schema *s, const struct path *key, const char *name);
/* The value whose path, key and name, is that of the key; or NULL. */
const struct schema_value *schema_find_value_at(const struct schema *s, const struct path *key);
/* A key with a value that the schema knows, or one above such a key. */
bool schema_has_key(const struct schema *s, const struct path *key);
/* The component behind `key` on the way to the value's own key; NULL: that is not below it. */
const char *schema_below(const struct schema_value *sv, const struct path *key, size_t *ret_len);

/* The default as typed bytes, which stay in the entry or in `scratch`. 0, or -ENOENT without a default. */
_must_check_ int schema_default_value(
        const struct schema_value *sv, uint8_t scratch[static 8], struct value *ret);

/* Would a reader accept the value? 0 and the canonical text (malloc()ed: the choice as the schema spells it,
 * the number in decimal, the string, the items of a list with ` | ` between), or -EINVAL with what is wrong
 * and the allowed set in d, or -ENOMEM. */
_must_check_ int schema_check(
        const struct schema_value *sv, const struct value *v, char **ret_text, struct diag *d);

/* The same of a text, as if it were a value of the right type. */
_must_check_ int schema_canonical(
        const struct schema_value *sv, const char *s, size_t n, char **ret_text, struct diag *d);

/* The text for the control, of a canonical text. malloc()ed; -EINVAL if it is none of this entry's. */
_must_check_ int schema_control_text(const struct schema_value *sv, const char *text, char **ret);
/* The inverse, for showing what a control says: canonical text (a number also out of range) or -EINVAL. */
_must_check_ int schema_control_meaning(const struct schema_value *sv, const char *control, char **ret);

/* "one of enabled, success-only, failure-only, disabled" / "a number from 301 to 4194304" / "a string" /
 * "the absolute path of a file that ends in .prom, or nothing" / "items like …". */
void schema_describe_allowed(const struct schema_value *sv, struct buf *out);

/* What a layer's own values mean, Machine\System\Registry\Layers\NAME\{Enabled,Ends,Precedence}. Layers have
 * names of their own, so no schema file can list these: they are entries without a key. Only what `base` has
 * of them counts. */

#define SCHEMA_LAYER_N 3u
/* NULL: the path is no layer's, or that of one which cannot have any. */
const struct schema_value *schema_layer_values(const struct path *key);
/* The one of that name, or NULL. */
const struct schema_value *schema_layer_find(const struct path *key, const char *name);

/* Layers that no such values make, raise, lower or switch off: the registry's own, and the fleet's, which
 * say it themselves and are signed. */
bool schema_layer_is_fixed(const char *name, size_t len);
