/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/array.h"
#include "../../schema/base/file.h"
#include "../../schema/layout.h"
#include "../../schema/yaml/yaml.h"

#define FILE_BYTES_MAX (4u * 1024u * 1024u)
#define FORMAT_KEY "peios-fleet"
#define FORMAT_VERSION "1"
#define NO_GROUP "?"

void fleet_state_done(struct fleet_state *s)
{
        free(s->serials);
        free(s->refused);
        *s = (struct fleet_state){ 0 };
}

/* ---- What it says ---- */

uint64_t fleet_state_serial(const struct fleet_state *s, const char *group)
{
        uint64_t highest = 0;

        for (size_t i = 0; i < s->n_serials; i++)
                if (strcmp(s->serials[i].group, group) == 0 && s->serials[i].serial > highest)
                        highest = s->serials[i].serial;
        return highest;
}

static struct fleet_serial *find(const struct fleet_state *s, const struct fleet_policy *p)
{
        for (size_t i = 0; i < s->n_serials; i++) {
                struct fleet_serial *known = &s->serials[i];
                if (strcmp(known->group, p->group) == 0 && memcmp(known->key, p->key, sizeof(p->key)) == 0)
                        return known;
        }
        return NULL;
}

enum fleet_verdict fleet_state_check(const struct fleet_state *s, const struct fleet_policy *p)
{
        const uint64_t highest = fleet_state_serial(s, p->group);
        const struct fleet_serial *known = find(s, p);

        if (p->serial > highest)
                return FLEET_GOOD;
        /* One key signs one text in one way. */
        const bool is_same = known && p->serial == highest && known->serial == highest &&
                             memcmp(known->signature, p->signature, sizeof(p->signature)) == 0;
        return is_same ? FLEET_GOOD : FLEET_ROLLED_BACK;
}

int fleet_state_accept(struct fleet_state *s, const struct fleet_policy *p)
{
        struct fleet_serial *known = find(s, p);

        if (!known) {
                if (array_grow(&s->serials, s->n_serials, sizeof(*s->serials)) < 0)
                        return -ENOMEM;
                known = &s->serials[s->n_serials++];
        }
        *known = (struct fleet_serial){ .serial = p->serial };
        memcpy(known->group, p->group, sizeof(known->group));
        memcpy(known->key, p->key, sizeof(known->key));
        memcpy(known->signature, p->signature, sizeof(known->signature));
        return 0;
}

bool fleet_state_forget(struct fleet_state *s, const struct fleet_keys *keys)
{
        const size_t before = s->n_serials;
        size_t n = 0;

        for (size_t i = 0; i < before; i++)
                if (fleet_keys_has(keys, s->serials[i].key))
                        s->serials[n++] = s->serials[i];
        s->n_serials = n;
        return n < before;
}

static int add_refused(struct fleet_state *s, const struct fleet_refused *refused)
{
        if (s->n_refused == FLEET_REFUSED_MAX) {
                s->n_refused--;
                memmove(s->refused, s->refused + 1, s->n_refused * sizeof(*s->refused));
        }
        if (array_grow(&s->refused, s->n_refused, sizeof(*s->refused)) < 0)
                return -ENOMEM;
        s->refused[s->n_refused++] = *refused;
        return 0;
}

struct fleet_refused fleet_refused_of(
        const char *group, enum fleet_verdict why, uint64_t serial, const struct buf *text)
{
        struct fleet_refused refused = { .why = why, .serial = serial };
        struct sha256_ctx context;

        (void)snprintf(refused.group, sizeof(refused.group), "%s", group[0] ? group : NO_GROUP);
        sha256_init(&context);
        sha256_update(&context, text->len, (const uint8_t *)buf_str(text));
        sha256_digest(&context, FLEET_DIGEST_BYTES, refused.digest);
        return refused;
}

static bool is_same_text(const struct fleet_refused *a, const struct fleet_refused *b)
{
        return memcmp(a->digest, b->digest, sizeof(a->digest)) == 0 && strcmp(a->group, b->group) == 0;
}

const struct fleet_refused *fleet_state_refusal(
        const struct fleet_state *s, const struct fleet_refused *refused)
{
        for (size_t i = s->n_refused; i-- > 0;)
                if (is_same_text(&s->refused[i], refused))
                        return &s->refused[i];
        return NULL;
}

int fleet_state_refuse(struct fleet_state *s, const struct fleet_refused *refused)
{
        size_t i = 0;

        while (i < s->n_refused &&
                !(is_same_text(&s->refused[i], refused) && s->refused[i].why == refused->why))
                i++;
        if (i == s->n_refused) {
                int r = add_refused(s, refused);
                return r < 0 ? r : 1;
        }
        memmove(&s->refused[i], &s->refused[i + 1], (s->n_refused - 1 - i) * sizeof(*refused));
        s->refused[s->n_refused - 1] = *refused;
        return 0;
}

/* ---- The file ---- */

/* The next of the words of a line, "" behind the last one. */
static const char *next_word(char **line)
{
        const char *word = strsep(line, " ");

        return word ? word : "";
}

static bool read_hex(const char *word, uint8_t *ret, size_t n)
{
        if (strlen(word) != 2 * n || strspn(word, "0123456789abcdef") != 2 * n)
                return false;
        for (size_t i = 0; i < n; i++) {
                const char pair[] = { word[2 * i], word[2 * i + 1], '\0' };
                ret[i] = (uint8_t)strtoul(pair, NULL, 16);
        }
        return true;
}

static bool read_group(const char *word, bool may_be_unknown, char ret[static FLEET_GROUP_MAX])
{
        const size_t n = strlen(word);

        if (!fleet_group_is_valid(word, n) && !(may_be_unknown && strcmp(word, NO_GROUP) == 0))
                return false;
        memcpy(ret, word, n + 1);
        return true;
}

static int parse_serial(char *line, struct fleet_state *s)
{
        struct fleet_policy p = { 0 };

        bool good = read_group(next_word(&line), false, p.group);
        good = read_hex(next_word(&line), p.key, sizeof(p.key)) && good;
        const char *serial = next_word(&line);
        good = number_parse(serial, strlen(serial), UINT64_MAX, &p.serial) == 0 && p.serial > 0 && good;
        good = read_hex(next_word(&line), p.signature, sizeof(p.signature)) && good && !line;
        return good ? fleet_state_accept(s, &p) : -EINVAL;
}

static bool read_verdict(const char *word, enum fleet_verdict *ret)
{
        for (enum fleet_verdict v = 0; v < FLEET_VERDICTS_N; v++)
                if (strcmp(fleet_verdict_reason(v), word) == 0) {
                        *ret = v;
                        return true;
                }
        return false;
}

/* A reason that a later version knew is none of ours to judge. */
static int parse_refused(char *line, struct fleet_state *s)
{
        struct fleet_refused refused = { 0 };

        bool good = read_group(next_word(&line), true, refused.group);
        const bool is_known = read_verdict(next_word(&line), &refused.why);
        const char *serial = next_word(&line);
        good = number_parse(serial, strlen(serial), UINT64_MAX, &refused.serial) == 0 && good;
        good = read_hex(next_word(&line), refused.digest, sizeof(refused.digest)) && good && !line;
        if (!good)
                return -EINVAL;
        return is_known ? add_refused(s, &refused) : 0;
}

static int parse_line(const struct yaml_doc *doc, const struct yaml_node *node, bool is_serial,
        struct fleet_state *s, struct diag *d)
{
        _cleanup_free_ char *line = yaml_is(node, YAML_SCALAR) ? strdup(node->text) : NULL;

        if (yaml_is(node, YAML_SCALAR) && !line)
                return -ENOMEM;
        int r = !line ? -EINVAL : is_serial ? parse_serial(line, s) : parse_refused(line, s);
        return r != -EINVAL ? r
                            : yaml_error(doc, node, d, "expected %s",
                                      is_serial ? "a group, a key, a serial and a signature"
                                                : "a group, a reason, a serial and a digest");
}

static int parse_list(
        const char *path, const struct yaml_doc *doc, bool is_serial, struct fleet_state *s, struct diag *d)
{
        const char *member = is_serial ? "serials" : "refused";
        const struct yaml_node *list = yaml_get(yaml_root(doc), member);

        if (!yaml_is(list, YAML_LIST))
                return diag_set(d, EINVAL, "%s: expected '%s' to be a list", path, member);
        for (const struct yaml_node *n = list->first; n; n = n->next) {
                int r = parse_line(doc, n, is_serial, s, d);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int parse(const char *path, const struct buf *file, struct fleet_state *s, struct diag *d)
{
        _cleanup_yaml_ struct yaml_doc *doc = NULL;

        int r = yaml_parse_summed(path, file, &doc, d);
        if (r < 0)
                return r;
        const struct yaml_node *root = yaml_root(doc);
        const struct yaml_node *version = yaml_is(root, YAML_MAP) ? yaml_get(root, FORMAT_KEY) : NULL;
        if (!yaml_is(version, YAML_SCALAR) || strcmp(version->text, FORMAT_VERSION) != 0 || root->n != 3)
                return diag_set(d, EINVAL,
                        "%s: expected a map of '" FORMAT_KEY ": " FORMAT_VERSION
                        "', 'serials' and 'refused', no more",
                        path);
        r = parse_list(path, doc, true, s, d);
        return r < 0 ? r : parse_list(path, doc, false, s, d);
}

int fleet_state_load(const char *root, struct fleet_state *ret, struct diag *d)
{
        _cleanup_free_ char *path = file_path(root, LAYOUT_FLEET_STATE);
        _cleanup_fleet_state_ struct fleet_state s = { 0 };
        _cleanup_buf_ struct buf file = BUF_INIT;

        *ret = (struct fleet_state){ 0 };
        if (!path)
                return -ENOMEM;
        int r = file_read(AT_FDCWD, path, FILE_BYTES_MAX, &file, NULL, d);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        r = parse(path, &file, &s, d);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                file_set_aside(path, d);
                return 1;
        }
        *ret = s;
        s = (struct fleet_state){ 0 };
        return 0;
}

static void format(const struct fleet_state *s, struct buf *out)
{
        char key[SEAL_SIGNER_MAX];

        buf_puts(out, FORMAT_KEY ": " FORMAT_VERSION "\n");
        buf_puts(out, s->n_serials > 0 ? "serials:\n" : "serials: []\n");
        for (size_t i = 0; i < s->n_serials; i++) {
                const struct fleet_serial *one = &s->serials[i];
                buf_printf(out, "  - %s %s %" PRIu64 " ", one->group, signed_key_text(one->key, key),
                        one->serial);
                number_format_hex(out, one->signature, sizeof(one->signature));
                buf_putc(out, '\n');
        }
        buf_puts(out, s->n_refused > 0 ? "refused:\n" : "refused: []\n");
        for (size_t i = 0; i < s->n_refused; i++) {
                const struct fleet_refused *one = &s->refused[i];
                buf_printf(out, "  - \"%s %s %" PRIu64 " ", one->group, fleet_verdict_reason(one->why),
                        one->serial);
                number_format_hex(out, one->digest, sizeof(one->digest));
                buf_puts(out, "\"\n");
        }
        (void)file_sum_end(0, out);
}

int fleet_state_store(const char *root, const struct fleet_state *s, struct diag *d)
{
        _cleanup_free_ char *dir = file_path(root, LAYOUT_FLEET_DIR);
        _cleanup_buf_ struct buf text = BUF_INIT;

        format(s, &text);
        if (!dir || text.error < 0)
                return -ENOMEM;
        _cleanup_close_ int fd = file_make_folder(dir);
        int r = fd < 0 ? fd : file_replace(fd, LAYOUT_FLEET_STATE_NAME, text.data, text.len, 0644);
        return r < 0 ? diag_set(d, -r, "%s/" LAYOUT_FLEET_STATE_NAME ": cannot be written: %s", dir,
                               strerror(-r))
                     : 0;
}
