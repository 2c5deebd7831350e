/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-model.h"

#include <string.h>

const struct model_key model_keys[MODEL_KEYS] = {
        { "Machine\\A", -1, false },
        { "Machine\\A\\B", 0, false },
        { "Machine\\A\\B\\C", 1, false },
        { "Machine\\A\\D", 0, false },
        { "Machine\\E", -1, false },
        { "Machine\\F", -1, true },
        { "Machine\\F\\G", 5, true },
        { "Machine\\E\\H", 4, true },
};
const char *const model_names[MODEL_NAMES] = { "@", "V", "W" };
const char *const model_layers[MODEL_LAYERS] = { "base", "one", "two", "low" };

void model_init(struct model *m)
{
        static const unsigned precedences[MODEL_LAYERS] = { 0, 5, 5, 0 };
        *m = (struct model){ 0 };
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                m->layers[l] = (struct model_layer){ precedences[l], MODEL_UNSET, true };
}

void model_begin(struct model *m)
{
        memcpy(m->next_layers, m->layers, sizeof(m->layers));
        m->layers_touched = false;
}

void model_end(struct model *m)
{
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                if (m->next_layers[l].enabled <= 1 || m->next_layers[l].enabled == MODEL_UNSET)
                        m->next_layers[l].on = m->next_layers[l].enabled != 0;
        memcpy(m->layers, m->next_layers, sizeof(m->layers));
}

static void clear(struct model *m, unsigned layer, unsigned key)
{
        m->named[layer][key] = false;
        memset(m->values[layer][key], 0, sizeof(m->values[layer][key]));
}

bool model_restart(struct model *m)
{
        bool forgotten = false;
        for (unsigned l = 0; l < MODEL_LAYERS; l++) {
                bool refused = m->layers[l].enabled > 1 && m->layers[l].enabled != MODEL_UNSET;
                forgotten |= refused && m->layers[l].on;
                m->layers[l].on &= !refused;
                for (unsigned k = 0; k < MODEL_KEYS; k++)
                        if (model_keys[k].is_volatile)
                                clear(m, l, k);
        }
        return forgotten;
}

bool model_is_there(const struct model *m, unsigned key)
{
        bool found = false;
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                found |= m->named[l][key];
        return found;
}

/* In the key above, wherever that is. */
static bool shows(const struct model *m, unsigned key)
{
        bool found = false;
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                found |= m->layers[l].on && m->named[l][key];
        return found;
}

static bool visible(const struct model *m, unsigned key)
{
        int parent = model_keys[key].parent;
        return shows(m, key) && (parent < 0 || visible(m, (unsigned)parent));
}

/* A key whose last naming entry went is gone, whatever others have in it and below. */
static void drop_unnamed(struct model *m)
{
        for (unsigned k = 0; k < MODEL_KEYS; k++) {
                int parent = model_keys[k].parent;
                bool there = model_is_there(m, k) && (parent < 0 || model_is_there(m, (unsigned)parent));
                for (unsigned l = 0; l < MODEL_LAYERS && !there; l++)
                        clear(m, l, k);
        }
}

static bool beats(const struct model *m, unsigned a, unsigned b, unsigned key, unsigned name)
{
        if (m->layers[a].precedence != m->layers[b].precedence)
                return m->layers[a].precedence > m->layers[b].precedence;
        return m->values[a][key][name].time > m->values[b][key][name].time;
}

/* The layer whose entry counts, or MODEL_LAYERS. */
static unsigned winner(const struct model *m, unsigned key, unsigned name)
{
        unsigned best = MODEL_LAYERS;
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                if (m->values[l][key][name].there && m->layers[l].on &&
                        (best == MODEL_LAYERS || beats(m, l, best, key, name)))
                        best = l;
        return best;
}

static void name_key(struct model *m, unsigned layer, unsigned key)
{
        for (int k = (int)key; k >= 0; k = model_keys[k].parent)
                m->named[layer][k] = true;
}

static bool is_below(unsigned inner, unsigned outer)
{
        int at = (int)inner;
        while (at >= 0 && at != (int)outer)
                at = model_keys[at].parent;
        return at >= 0;
}

static bool overtaken(const struct model *m, unsigned layer, unsigned key, unsigned name)
{
        bool found = false;
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                found |= m->values[l][key][name].there && m->layers[l].on &&
                         m->layers[l].precedence == m->layers[layer].precedence &&
                         m->values[l][key][name].time > m->values[layer][key][name].time;
        return found;
}

int model_set(struct model *m, unsigned layer, unsigned key, unsigned name, unsigned number)
{
        struct model_value *v = &m->values[layer][key][name];
        name_key(m, layer, key);
        if (!v->there || v->number != number || m->layers_touched || overtaken(m, layer, key, name))
                *v = (struct model_value){ .there = true, .number = number, .time = ++m->time };
        return 0;
}

int model_delete(struct model *m, unsigned layer, unsigned key, unsigned name)
{
        struct model_value *v = &m->values[layer][key][name];
        if (!v->there)
                return REGISTRY_NOT_FOUND;
        *v = (struct model_value){ 0 };
        return 0;
}

int model_create(struct model *m, unsigned layer, unsigned key)
{
        if (m->named[layer][key] && visible(m, key))
                return REGISTRY_EXISTS;
        name_key(m, layer, key);
        return 0;
}

int model_delete_key(struct model *m, unsigned layer, unsigned key, bool recursive)
{
        if (!m->named[layer][key])
                return REGISTRY_NOT_FOUND;
        for (unsigned k = 0; !recursive && k < MODEL_KEYS; k++)
                if (model_keys[k].parent == (int)key && shows(m, k))
                        return REGISTRY_NOT_EMPTY;
        for (unsigned k = 0; k < MODEL_KEYS; k++)
                if (is_below(k, key))
                        clear(m, layer, k);
        drop_unnamed(m);
        return 0;
}

bool model_unname(struct model *m, unsigned layer, unsigned key)
{
        bool others = false;
        for (unsigned l = 0; l < MODEL_LAYERS; l++)
                others |= l != layer && m->named[l][key];
        if (!others || !m->named[layer][key] || model_keys[key].is_volatile)
                return false;
        m->named[layer][key] = false;
        return true;
}

/* The same number again is no change. */
static void set_metadata(struct model *m, unsigned *at, unsigned number)
{
        m->layers_touched |= *at != number;
        *at = number;
}

void model_set_precedence(struct model *m, unsigned layer, unsigned precedence)
{
        set_metadata(m, &m->next_layers[layer].precedence, precedence);
}

void model_set_enabled(struct model *m, unsigned layer, unsigned enabled)
{
        set_metadata(m, &m->next_layers[layer].enabled, enabled);
}

static void dump_number(struct dump *to, const char *key, unsigned name, unsigned number)
{
        if (number)
                dump_line(to, "%s %s=%u", key, model_names[name], number);
        else
                dump_line(to, "%s %s=!", key, model_names[name]);
}

struct dump model_contents(const struct model *m)
{
        struct dump dump = { 0 };

        for (unsigned l = 0; l < MODEL_LAYERS; l++) {
                dump_line(&dump, "%s %u %d", model_layers[l], m->layers[l].precedence, m->layers[l].on);
                for (unsigned k = 0; k < MODEL_KEYS; k++) {
                        _cleanup_buf_ struct buf key = BUF_INIT;
                        buf_printf(&key, "%s %s", model_layers[l], model_keys[k].path);
                        if (m->named[l][k])
                                dump_line(&dump, "%s", buf_str(&key));
                        for (unsigned n = 0; n < MODEL_NAMES; n++)
                                if (m->values[l][k][n].there)
                                        dump_number(&dump, buf_str(&key), n, m->values[l][k][n].number);
                }
        }
        dump_sort(&dump);
        return dump;
}

struct dump model_dump(const struct model *m)
{
        struct dump dump = { 0 };

        dump_line(&dump, "Machine");
        for (unsigned k = 0; k < MODEL_KEYS; k++) {
                if (!visible(m, k))
                        continue;
                dump_line(&dump, "%s", model_keys[k].path);
                for (unsigned n = 0; n < MODEL_NAMES; n++) {
                        unsigned l = winner(m, k, n);
                        if (l < MODEL_LAYERS && m->values[l][k][n].number)
                                dump_line(&dump, "%s %s=%u@%s", model_keys[k].path, model_names[n],
                                        m->values[l][k][n].number, model_layers[l]);
                }
        }
        dump_sort(&dump);
        return dump;
}
