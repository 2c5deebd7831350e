/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random stores and tables of layers: what the resolver says, against a slow model of the rules. */

#include <errno.h>
#include <string.h>

#include "../../../registry-provider/store/store-internal.h"
#include "../../../schema/base/buf.h"
#include "../../../schema/values/value.h"
#include "resolve-util.h"
#include "suite.h"

#define CASES 25000u /* in each of 4 rounds */
#define STORE_CASES 250u

enum {
        LAYERS = 7,
        NAMES = 3,
        CHILDREN = 2,
        KEYS = 9, /* number 0 is none */
};

static const char *const layer_names[LAYERS] = { "base", "Low", "high", "twin", "off", "File", "ghost" };
static const char *const value_names[NAMES] = { "", "v", "W" };
static const char *const child_names[CHILDREN] = { "a", "B" };
static const unsigned parents[KEYS] = { 0, 0, 1, 1, 1, 2, 3, 2, 4 };
static const bool is_volatile[KEYS] = { [4] = true, [8] = true };

/* ---- The model ---- */

struct model_entry {
        bool there;
        bool masks; /* a tombstone, or hidden */
        unsigned target;
        uint64_t sequence;
};

static struct {
        bool keys[KEYS];
        struct model_entry values[KEYS][NAMES][LAYERS], blankets[KEYS][LAYERS],
                children[KEYS][CHILDREN][LAYERS];
        uint64_t sequence;
} m;

static struct {
        bool known, enabled, has_file;
        unsigned precedence;
} table[LAYERS];

/* One that competes, or would. */
struct candidate {
        const struct model_entry *entry;
        unsigned layer;
        bool blanket;
};

static bool counts(const struct candidate *c)
{
        return table[c->layer].known && table[c->layer].enabled;
}

static unsigned precedence(const struct candidate *c)
{
        return table[c->layer].known ? table[c->layer].precedence : 0;
}

static size_t collect(const struct model_entry list[LAYERS], bool blanket, struct candidate *to, size_t n)
{
        for (unsigned i = 0; i < LAYERS; i++)
                if (list[i].there)
                        to[n++] = (struct candidate){ &list[i], i, blanket };
        return n;
}

/* The highest precedence, then the highest sequence; two of them are corrupt. */
static int contest(const struct candidate *list, size_t n, const struct candidate **ret)
{
        unsigned top = 0, leaders = 0;
        uint64_t newest = 0;

        for (size_t i = 0; i < n; i++)
                if (counts(&list[i]) && precedence(&list[i]) > top)
                        top = precedence(&list[i]);
        for (size_t i = 0; i < n; i++)
                if (counts(&list[i]) && precedence(&list[i]) == top && list[i].entry->sequence > newest)
                        newest = list[i].entry->sequence;
        *ret = NULL;
        for (size_t i = 0; i < n; i++)
                if (counts(&list[i]) && precedence(&list[i]) == top && list[i].entry->sequence == newest) {
                        *ret = &list[i];
                        leaders++;
                }
        return leaders > 1 ? -EBADMSG : 0;
}

/* 0, -ENOENT or -EBADMSG, as resolve_value(). */
static int model_value(unsigned key, unsigned name, struct candidate *ret)
{
        struct candidate list[2 * LAYERS];
        const struct candidate *winner;
        size_t n = collect(m.values[key][name], false, list, 0);

        if (n > 0)
                n = collect(m.blankets[key], true, list, n);
        int r = contest(list, n, &winner);
        *ret = winner ? *winner : (struct candidate){ 0 };
        return r < 0 ? r : !winner || winner->blanket || winner->entry->masks ? -ENOENT : 0;
}

/* The entry that wins, hidden or not. What names no key that is there does not count. */
static int model_child(unsigned parent, unsigned name, struct candidate *ret)
{
        struct candidate list[LAYERS];
        const struct candidate *winner;
        size_t n = collect(m.children[parent][name], false, list, 0), there = 0;

        for (size_t i = 0; i < n; i++)
                if (list[i].entry->masks || m.keys[list[i].entry->target])
                        list[there++] = list[i];
        int r = contest(list, there, &winner);
        *ret = winner ? *winner : (struct candidate){ 0 };
        return r;
}

/* ---- Changes of both ---- */

static unsigned pick_key(void)
{
        unsigned key = pick(KEYS);
        return key > 0 && m.keys[key] ? key : 1;
}

static void set_layer(unsigned layer)
{
        char name[8];

        /* It is the same, however it is spelled. */
        (void)strcpy(name, layer_names[layer]);
        name[0] ^= pick(2) ? 0x20 : 0;
        table[layer].known = layer == 0 || pick(4);
        table[layer].enabled = layer == 0 || pick(4);
        table[layer].precedence = layer == 0 ? 0 : pick(3);
        table[layer].has_file = layer > 0 && pick(4) == 0;
        if (!table[layer].known)
                (void)layers_remove(&l, name);
        else
                ck_assert_int_eq(layers_set(&l, name, table[layer].precedence, table[layer].enabled,
                                         table[layer].has_file ? "50-file.yaml" : NULL),
                        0);
}

static void make_key(unsigned key)
{
        if (m.keys[key] || (parents[key] && !m.keys[parents[key]]))
                return;
        APPLY(s, .code = STORE_CREATE_KEY, .guid = guid_of(key), .target = guid_of(parents[key]),
                .name = key == 1 ? "Machine" : "key", .is_volatile = is_volatile[key]);
        m.keys[key] = true;
}

static void change_value(unsigned key, unsigned layer)
{
        unsigned name = pick(NAMES);
        struct model_entry *e = &m.values[key][name][layer];
        bool set = pick(4), tombstone = pick(4) == 0;

        APPLY(s, .code = set ? STORE_SET_VALUE : STORE_DELETE_VALUE, .guid = guid_of(key),
                .name = value_names[name], .layer = layer_names[layer],
                .type = tombstone ? REG_TOMBSTONE : REG_NONE, .sequence = ++m.sequence);
        *e = (struct model_entry){ .there = set, .masks = tombstone, .sequence = m.sequence };
}

static void change_blanket(unsigned key, unsigned layer)
{
        bool set = pick(3);

        APPLY(s, .code = STORE_SET_BLANKET, .guid = guid_of(key), .layer = layer_names[layer], .set = set,
                .sequence = ++m.sequence);
        m.blankets[key][layer] = (struct model_entry){ .there = set, .sequence = m.sequence };
}

static void change_child(unsigned parent, unsigned layer)
{
        unsigned name = pick(CHILDREN), key = pick(KEYS), what = pick(6);
        struct model_entry *e = &m.children[parent][name][layer];
        uint16_t code = what < 3 ? STORE_CREATE_ENTRY : what < 4 ? STORE_HIDE_ENTRY : STORE_DELETE_ENTRY;

        if (code == STORE_CREATE_ENTRY && (key == 0 || parents[key] != parent))
                return;
        APPLY(s, .code = code, .guid = guid_of(parent), .name = child_names[name],
                .layer = layer_names[layer], .target = guid_of(key), .sequence = ++m.sequence);
        *e = (struct model_entry){ .there = code != STORE_DELETE_ENTRY,
                .masks = code == STORE_HIDE_ENTRY,
                .target = code == STORE_CREATE_ENTRY ? key : 0,
                .sequence = m.sequence };
}

static void execute(const char *table_name, unsigned key, const char *column, const char *name,
        unsigned layer, uint64_t sequence)
{
        for (unsigned i = 0; i < 1u + s->db->has_volatile; i++) {
                ck_assert_int_eq(
                        sqlite3_exec(s->db->sqlite,
                                textf("UPDATE %s.%s SET sequence = %lu WHERE %s = x'%02x000000000000000000000000000000'"
                                      " AND folded = '%s' AND layer = (SELECT id FROM layer WHERE name = '%s')",
                                        i ? "temp" : "main", table_name, sequence, column, key, name,
                                        layer_names[layer]),
                                NULL, NULL, NULL),
                        SQLITE_OK);
                cache_clear(&s->cache);
        }
        cache_clear(&s->cache);
}

/* An entry gets the sequence of another one that it competes with. */
static void tie(void)
{
        static const char *const folded[] = { "", "v", "w" }, *const children[] = { "a", "b" };
        unsigned key = pick_key(), name = pick(NAMES), layer = pick(LAYERS), other = pick(LAYERS);
        struct model_entry *e = &m.values[key][name][layer];
        const struct model_entry *from = pick(2) ? &m.values[key][name][other] : &m.blankets[key][other];

        if (e->there && from->there) {
                e->sequence = from->sequence;
                execute("value", key, "key", folded[name], layer, e->sequence);
        }
        name = pick(CHILDREN);
        e = &m.children[key][name][layer];
        from = &m.children[key][name][other];
        if (e->there && from->there) {
                e->sequence = from->sequence;
                execute("path_entry", key, "parent", children[name], layer, e->sequence);
        }
}

static void change(void)
{
        unsigned what = pick(20), key = pick_key(), layer = pick(LAYERS);

        if (what < 8)
                change_value(key, layer);
        else if (what < 10)
                change_blanket(key, layer);
        else if (what < 16)
                change_child(key, layer);
        else if (what < 17)
                make_key(pick(KEYS - 1) + 1);
        else if (what < 19)
                set_layer(layer);
        else
                tie();
}

/* ---- Questions ---- */

static void assert_layer(const char *got, unsigned layer)
{
        ck_assert_str_eq(got, layer_names[layer]);
}

static void ask_value(unsigned key, unsigned name)
{
        const struct store_value_entry *found = NULL;
        const char *spelled = name == 1 && pick(2) ? "V" : value_names[name];
        const struct guid guid = guid_of(key);
        struct candidate want;

        int expected = model_value(key, name, &want);
        ck_assert_int_eq(resolve_value(s, &l, &guid, spelled, strlen(spelled), &found), expected);
        if (expected == -EBADMSG)
                return;
        ck_assert_int_eq(found != NULL, want.entry && !want.blanket);
        if (found) {
                ck_assert_uint_eq(found->sequence, want.entry->sequence);
                assert_layer(found->layer, want.layer);
        }
}

/* Who comes first. */
static bool is_before(const struct candidate *a, const struct candidate *b)
{
        if (counts(a) != counts(b))
                return counts(a);
        if (counts(a) && precedence(a) != precedence(b))
                return precedence(a) > precedence(b);
        if (a->entry->sequence != b->entry->sequence)
                return a->entry->sequence > b->entry->sequence;
        return strcmp(layer_names[a->layer], layer_names[b->layer]) < 0;
}

static enum why_state state_of(const struct candidate *c, bool first)
{
        if (!table[c->layer].known)
                return WHY_LAYER_UNKNOWN;
        if (!table[c->layer].enabled)
                return WHY_LAYER_DISABLED;
        return first ? WHY_WINS : WHY_SHADOWED;
}

static void ask_why(unsigned key, unsigned name)
{
        _cleanup_free_ struct why_entry *why = NULL;
        const struct guid guid = guid_of(key);
        struct candidate list[2 * LAYERS];
        const struct candidate *winner;
        size_t got = 0,
               n = collect(m.blankets[key], true, list, collect(m.values[key][name], false, list, 0));

        int expected = contest(list, n, &winner);
        int r = resolve_why(s, &l, &guid, value_names[name], strlen(value_names[name]), &why, &got);
        ck_assert_int_eq(r, expected);
        if (r < 0)
                return;
        ck_assert_uint_eq(got, n);
        for (size_t i = 0; i < n; i++) {
                size_t first = i;
                for (size_t k = i + 1; k < n; k++)
                        if (is_before(&list[k], &list[first]))
                                first = k;
                const struct candidate want = list[first];
                list[first] = list[i];
                list[i] = want;
                assert_layer(why[i].layer, want.layer);
                ck_assert_uint_eq(why[i].sequence, want.entry->sequence);
                ck_assert_uint_eq(why[i].precedence, precedence(&want));
                ck_assert_int_eq(why[i].state, state_of(&want, i == 0));
                ck_assert_int_eq(why[i].file != NULL, table[want.layer].known && table[want.layer].has_file);
                ck_assert_int_eq(why[i].blanket, !why[i].entry);
        }
}

static void ask_values(unsigned key)
{
        _cleanup_free_ const struct store_value_entry **list = NULL;
        const struct guid guid = guid_of(key);
        struct candidate want[NAMES];
        size_t got = 0, n = 0;
        int expected = 0;

        for (unsigned i = 0; i < NAMES; i++) {
                int r = model_value(key, i, &want[n]);
                expected = r == -EBADMSG ? r : expected;
                n += r == 0;
        }
        ck_assert_int_eq(resolve_values(s, &l, &guid, pick(2) ? SIZE_MAX : 0, &list, &got), expected);
        if (expected < 0)
                return;
        ck_assert_uint_eq(got, n);
        for (size_t i = 0; i < n; i++)
                ck_assert_uint_eq(list[i]->sequence, want[i].entry->sequence);
}

static void ask_children(unsigned key)
{
        _cleanup_free_ const struct store_path_entry **list = NULL;
        const struct guid guid = guid_of(key);
        struct candidate want[CHILDREN];
        size_t got = 0, n = 0;
        int expected = 0;

        for (unsigned i = 0; i < CHILDREN; i++) {
                int r = model_child(key, i, &want[n]);
                expected = r < 0 ? r : expected;
                n += r == 0 && want[n].entry && !want[n].entry->masks;
        }
        ck_assert_int_eq(resolve_children(s, &l, &guid, &list, &got), expected);
        if (expected < 0)
                return;
        ck_assert_uint_eq(got, n);
        for (size_t i = 0; i < n; i++) {
                ck_assert_uint_eq(list[i]->target.bytes[0], want[i].entry->target);
                assert_layer(list[i]->layer, want[i].layer);
        }
}

static void ask_path(void)
{
        const unsigned way[] = { pick(CHILDREN), pick(CHILDREN), pick(CHILDREN) };
        const size_t n = 1 + pick(ARRAY_SIZE(way));
        struct candidate c = { 0 };
        unsigned key = 1;
        size_t depth = 1, got_depth = 99, hiding_depth = 99;
        int expected = 0;
        struct guid found = { 0 };
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, "Machine");
        for (size_t i = 0; i < n; i++)
                buf_printf(&text, "\\%s", child_names[way[i]]);
        ck_assert_int_eq(path_parse(buf_str(&text), text.len, NULL, NULL, &path, NULL), 0);
        for (; depth < path.n; depth++) {
                expected = model_child(key, way[depth - 1], &c);
                if (expected == 0 && (!c.entry || c.entry->masks))
                        expected = -ENOENT;
                if (expected < 0)
                        break;
                key = c.entry->target;
        }
        ck_assert_int_eq(resolve_path(s, &l, &machine, &path, &found, &got_depth), expected);
        ck_assert_uint_eq(got_depth, depth);
        ck_assert_uint_eq(found.bytes[0], expected == 0 ? key : 0);
        const struct store_path_entry *hiding = resolve_hiding(s, &l, &machine, &path, &hiding_depth);
        bool is_hidden = expected == -ENOENT && c.entry;
        ck_assert_int_eq(hiding != NULL, is_hidden);
        ck_assert_uint_eq(hiding_depth, is_hidden ? depth : 99);
        if (hiding)
                assert_layer(hiding->layer, c.layer);
}

static void ask(void)
{
        switch (pick(5)) {
        case 0:
                ask_value(pick_key(), pick(NAMES));
                break;
        case 1:
                ask_why(pick_key(), pick(NAMES));
                break;
        case 2:
                ask_values(pick_key());
                break;
        case 3:
                ask_children(pick_key());
                break;
        default:
                ask_path();
        }
}

static void new_store(void)
{
        teardown();
        memset(&m, 0, sizeof(m));
        setup();
        m.keys[1] = true;
        ck_assert(layers_remove(&l, "off"));
        for (unsigned i = 0; i < LAYERS; i++)
                set_layer(i);
        for (unsigned i = 2; i < KEYS; i++)
                if (pick(3))
                        make_key(i);
        for (unsigned i = pick(60); i > 0; i--)
                change();
}

TEST_EACH(random_stores, 4)
{
        srandom((unsigned)_i + 1);
        for (unsigned i = 0; i < CASES; i++) {
                if (i % STORE_CASES == 0)
                        new_store();
                change();
                renew_scope();
                ask();
                ck_assert_int_eq(store_error(s, NULL), 0);
        }
}

Suite *test_suite(void)
{
        return suite_with("resolve-model", setup, teardown);
}
