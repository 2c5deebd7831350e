/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers with an end, with clocks that go as they like: against a model that looks at every layer each time.
 */

#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "../../../registry-provider/registry/registry-part.h"
#include "registry-world.h"

#define ROUNDS 40u
#define STEPS 60u
#define SECOND INT64_C(1000000)
#define LAYERS 4u

/* ---- The clocks ---- */

static int64_t wall, boottime;
static unsigned boot;

uint64_t __real_clock_of(clockid_t clock);
uint64_t __wrap_clock_of(clockid_t clock);
int __wrap_clock_boot_id(const char *root, char ret[static BOOT_ID_MAX]);

uint64_t __wrap_clock_of(clockid_t clock)
{
        if (clock == CLOCK_REALTIME)
                return (uint64_t)wall;
        return clock == CLOCK_BOOTTIME ? (uint64_t)boottime : __real_clock_of(clock);
}

int __wrap_clock_boot_id(_unused_ const char *root, char ret[static BOOT_ID_MAX])
{
        (void)snprintf(ret, BOOT_ID_MAX, "%08x-0000-4000-8000-000000000000", boot);
        return 0;
}

static void set_clocks(void)
{
        wall = INT64_C(1800000000) * SECOND;
        boottime = 100 * SECOND;
        boot = 1;
}

/* ---- The registry: one value, in base and in the layers ---- */

static struct schema_control control;
static struct schema_value bound = { .name = (char *)"V", .type = REG_DWORD, .control = &control };
static const struct schema bindings = { .values = &bound, .n = 1 };

static void setup(void)
{
        set_clocks();
        world_init(&w);
        ck_assert_int_eq(path_parse("Machine\\App", 11, NULL, NULL, &bound.key, NULL), 0);
}

static void teardown(void)
{
        path_done(&bound.key);
        world_done(&w);
}

/* As `set --for` of a user does it. */
static int make_and_set_as(uint32_t uid, const char *layer, const char *ends, unsigned value)
{
        const struct store_author author = { .reason = "set", .actor = { .uid = uid } };
        _cleanup_buf_ struct buf script = BUF_INIT;
        struct registry_events events;

        buf_printf(&script, "set %s \\App V %u", layer, value);
        ck_assert_int_eq(registry_begin(w.r, &author), 0);
        int r = registry_make_layer(w.r, layer, ends, uid, &w.d);
        if (r == 0)
                r = world_change(&w, buf_str(&script));
        if (r != 0) {
                registry_abort(w.r);
                return r;
        }
        ck_assert_int_eq(registry_end(w.r, &events), 0);
        registry_events_done(&events);
        return registry_sync(w.r, NULL);
}

static int make_and_set(const char *layer, const char *ends, unsigned value)
{
        return make_and_set_as(0, layer, ends, value);
}

/* How often the value's watchers are told. */
static unsigned sweep(void)
{
        struct registry_events events;
        struct ending_clocks now;
        unsigned told = 0;

        ending_read_clocks(&now);
        ck_assert_int_eq(registry_end_layers(w.r, &now, NULL, &events, NULL), 0);
        ck_assert_int_eq(registry_sync(w.r, NULL), 0);
        for (size_t i = 0; i < events.n; i++)
                told += strcmp(events.list[i].path, "Machine\\App") == 0 &&
                        events.list[i].kind != EVENT_VALUE_UNCHANGED;
        registry_events_done(&events);
        return told;
}

/* What the boot-time apply would take. */
static void assert_boot_takes(const char *expected)
{
        _cleanup_(registry_part_freep) struct registry_part *part = NULL;
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);
        const struct registry_part_item *item;
        _cleanup_buf_ struct buf text = BUF_INIT;

        ck_assert_int_eq(registry_part_new(registry_store(w.r), &bindings, &part, NULL), 0);
        ck_assert_int_eq(registry_part_get(part, &bound.key, "V", &item), 0);
        value_text(&text, item->value.type, item->value.data, item->value.size);
        buf_printf(&text, "@%s", item->layer);
        ck_assert_str_eq(buf_str(&text), expected);
}

/* ---- The model ---- */

static struct model {
        bool is;
        struct ending end;
        unsigned value; /* rises with each write, so the highest is the latest */
} model[LAYERS + 1];    /* the last one is base */

static bool is_over(const struct model *m)
{
        char now[BOOT_ID_MAX];

        if (m == &model[LAYERS])
                return false;
        (void)__wrap_clock_boot_id("", now);
        if (strcmp(m->end.boot, now) == 0 && (uint64_t)boottime >= m->end.boottime)
                return true;
        return wall < m->end.since || m->end.at <= wall;
}

static const struct model *winner(void)
{
        const struct model *best = NULL;

        for (size_t i = 0; i <= LAYERS; i++)
                if (model[i].is && !is_over(&model[i]) && (!best || model[i].value > best->value))
                        best = &model[i];
        return best;
}

static const char *text_of(const struct model *m)
{
        static char text[32];

        if (m == &model[LAYERS])
                (void)snprintf(text, sizeof(text), "%u@base", m->value);
        else
                (void)snprintf(text, sizeof(text), "%u@l%zu", m->value, (size_t)(m - model));
        return text;
}

static struct ending invent_end(void)
{
        struct ending_clocks now;

        ending_read_clocks(&now);
        struct ending e = pick(2) ? ending_in((1 + pick(60)) * (uint64_t)SECOND, &now)
                                  : ending_at(wall + (pick(80) - 10) * SECOND, &now);
        /* As somebody writes it by hand. */
        if (pick(5) == 0)
                e = (struct ending){ .at = e.at, .since = INT64_MIN, .boottime = UINT64_MAX };
        return e;
}

static void write_layer(size_t i, unsigned value)
{
        struct model *m = &model[i];
        _cleanup_buf_ struct buf script = BUF_INIT;
        char name[24], ends[ENDING_TEXT_MAX];

        (void)snprintf(name, sizeof(name), "l%zu", i);
        if (!m->is) {
                m->end = invent_end();
                ck_assert_int_eq(make_and_set(name, ending_format(&m->end, ends), value), 0);
        } else if (pick(3) == 0) {
                _cleanup_path_ struct path path = { 0 };
                struct registry_events events;
                m->end = invent_end();
                const struct value v = { REG_SZ, strlen(ending_format(&m->end, ends)), ends };
                ck_assert_int_eq(layers_metadata_path(name, &path), 0);
                ck_assert_int_eq(registry_begin(w.r, NULL), 0);
                ck_assert_int_eq(
                        registry_change(w.r, CHANGE_SET,
                                &(struct registry_write){ .path = &path, .name = "ends", .value = &v },
                                NULL),
                        0);
                ck_assert_int_eq(registry_end(w.r, &events), 0);
                registry_events_done(&events);
                ck_assert_int_eq(registry_sync(w.r, NULL), 0);
                return;
        } else {
                buf_printf(&script, "set %s \\App V %u", name, value);
                world_do(&w, buf_str(&script));
        }
        m->is = true;
        m->value = value;
}

static void write_base(unsigned value)
{
        _cleanup_buf_ struct buf script = BUF_INIT;

        buf_printf(&script, "set - \\App V %u", value);
        world_do(&w, buf_str(&script));
        model[LAYERS] = (struct model){ .is = true, .value = value };
}

/* With the machine asleep or awake, and the wall clock as it goes or set by somebody. */
static void let_time_pass(void)
{
        int64_t passed = pick(4) ? pick(8) : pick(100);

        boottime += passed * SECOND + pick(1000);
        wall += passed * SECOND + pick(1000);
        if (pick(4) == 0)
                wall += (pick(200) - (int64_t)100) * SECOND;
        /* A clock that does not run on begins with 1970, and none is set to what was before. */
        if (wall < SECOND)
                wall = SECOND;
}

static void reboot(void)
{
        boot++;
        boottime = pick(60) * SECOND;
        wall += pick(30) * SECOND;
        /* Without a clock that runs on. */
        if (pick(4) == 0)
                wall = (1 + pick(1000)) * SECOND;
}

/* The timer of whoever runs comes in time; who starts looks before anything else is asked. */
static void step(unsigned value, unsigned *told)
{
        const struct model *before = winner();
        const unsigned what = pick(12);
        bool is_new = what >= 10;

        if (what < 3)
                write_layer(pick(LAYERS), value);
        else if (what < 5)
                write_base(value);
        else if (what < 10)
                let_time_pass();
        else {
                if (pick(2))
                        reboot();
                else
                        let_time_pass();
                world_restart(&w);
                ck_assert_str_eq(world_get(&w, "\\App", "V"), text_of(winner()));
                assert_boot_takes(text_of(winner()));
        }
        if (what < 5)
                before = winner();
        const unsigned n = sweep();
        ck_assert_uint_eq(n, !is_new && winner() != before);
        *told += n;
        for (size_t i = 0; i < LAYERS; i++)
                model[i].is &= !is_over(&model[i]);
}

static void assert_same(void)
{
        const struct layers *layers = registry_layers(w.r);
        size_t n = 1;

        for (size_t i = 0; i < LAYERS; i++)
                n += model[i].is;
        ck_assert_uint_eq(layers->n, n);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), text_of(winner()));
        assert_boot_takes(text_of(winner()));
}

TEST(at_random)
{
        unsigned value = 0, told = 0;

        for (unsigned round = 0; round < ROUNDS; round++) {
                srandom(round);
                set_clocks();
                teardown();
                setup();
                memset(model, 0, sizeof(model));
                write_base(++value);
                for (unsigned i = 0; i < STEPS; i++) {
                        step(++value, &told);
                        assert_same();
                }
        }
        /* Or nothing of it was seen. */
        ck_assert_uint_gt(told, ROUNDS);
}

/* ---- One by one ---- */

static const char *in_an_hour(char text[static ENDING_TEXT_MAX])
{
        struct ending_clocks now;

        ending_read_clocks(&now);
        const struct ending e = ending_in(3600 * (uint64_t)SECOND, &now);
        return ending_format(&e, text);
}

TEST(later_writes_win)
{
        char ends[ENDING_TEXT_MAX];

        world_do(&w, "set - \\App V 1");
        ck_assert_int_eq(make_and_set("a", in_an_hour(ends), 2), 0);
        ck_assert_int_eq(make_and_set("b", in_an_hour(ends), 3), 0);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "3@b");
        world_do(&w, "set - \\App V 4");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "4@base");
        wall += 3600 * SECOND;
        ck_assert_uint_eq(sweep(), 0);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "4@base");
        ck_assert_uint_eq(registry_layers(w.r)->n, 1);
}

TEST(refused_layers)
{
        char ends[ENDING_TEXT_MAX];

        world_do(&w, "set - \\App V 1");
        ck_assert_int_eq(make_and_set("lab", "tomorrow", 2), REGISTRY_INVALID_VALUE);
        ck_assert_int_eq(make_and_set("base", in_an_hour(ends), 2), REGISTRY_EXISTS);
        ck_assert_int_eq(make_and_set("default", in_an_hour(ends), 2), REGISTRY_INVALID_NAME);
        ck_assert_int_eq(make_and_set("lab", in_an_hour(ends), 2), 0);
        ck_assert_int_eq(make_and_set("LAB", in_an_hour(ends), 3), REGISTRY_EXISTS);
        /* What was aborted made nothing. */
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(registry_make_layer(w.r, "gone", in_an_hour(ends), 0, NULL), 0);
        registry_abort(w.r);
        ck_assert_int_eq(registry_begin(w.r, NULL), 0);
        ck_assert_int_eq(world_change(&w, "set gone \\App V 1"), REGISTRY_NOT_FOUND);
        registry_abort(w.r);
}

/* Somebody else's change of another layer is not what ends it. */
TEST(counts_until_it_is_deleted)
{
        char ends[ENDING_TEXT_MAX];

        world_do(&w, "set - \\App V 1");
        ck_assert_int_eq(make_and_set("lab", in_an_hour(ends), 2), 0);
        wall += 3600 * SECOND;
        world_expect(&w, "set - \\System\\Registry\\Layers\\x Precedence 1",
                "subkey-created Machine\\System\\Registry\\Layers x\n"
                "value-set Machine\\System\\Registry\\Layers\\x Precedence=1@base\n");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@lab");
        ck_assert_uint_eq(sweep(), 1);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
}

/* Who may only write values cannot use up the layers, nor those that one value may have, nor what others
 * need. */
TEST(too_many)
{
        char ends[ENDING_TEXT_MAX], name[32];

        world_do(&w, "set - \\App V 1");
        for (unsigned i = 0; i < LAYERS_TEMPORARY_MAX; i++) {
                const uint32_t uid = 1 + i / LAYERS_TEMPORARY_PER_USER_MAX;
                (void)snprintf(name, sizeof(name), "Temporary-%u", i);
                ck_assert_int_eq(make_and_set_as(uid, name, in_an_hour(ends), i), 0);
                const bool is_users_last = (i + 1) % LAYERS_TEMPORARY_PER_USER_MAX == 0;
                if (is_users_last)
                        ck_assert_int_eq(
                                make_and_set_as(uid, "temporary-x", in_an_hour(ends), i), REGISTRY_LIMIT);
        }
        ck_assert_int_eq(make_and_set_as(77, "temporary-x", in_an_hour(ends), 2), REGISTRY_LIMIT);
        ck_assert_int_eq(make_and_set_as(77, "lab", in_an_hour(ends), 2), 0);
        ck_assert_int_eq(make_and_set("temporary-x", in_an_hour(ends), 2), 0);
        wall += 3600 * SECOND;
        ck_assert_uint_eq(sweep(), 1);
        ck_assert_int_eq(make_and_set_as(1, "temporary-again", in_an_hour(ends), 3), 0);
}

static unsigned n_refused;

static void on_refused(const struct layers_refused *refused, void *userdata)
{
        ck_assert_str_eq(refused->name, "Ends");
        ck_assert_str_eq(refused->in_force, userdata);
        n_refused++;
}

/* What is in force stays; after a start that is not known, and the layer may have ended. */
TEST(refused_values)
{
        char ends[ENDING_TEXT_MAX];

        world_do(&w, "set - \\App V 1");
        ck_assert_int_eq(make_and_set("lab", in_an_hour(ends), 2), 0);
        world_do(&w, "set - \\System\\Registry\\Layers\\lab Ends soon");
        ck_assert_int_eq(
                layers_each_refused(registry_store(w.r), registry_layers(w.r), on_refused, ends), 0);
        ck_assert_uint_eq(n_refused, 1);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@lab");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "1@base");
        ck_assert_uint_eq(sweep(), 0);
        /* Nothing is lost. */
        world_do(&w, "del - \\System\\Registry\\Layers\\lab Ends");
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "2@lab");
}

/* A file's layer ends with its file. */
TEST(of_a_file)
{
        world_write(&w, "etc/peios/registry.d/50-site.yaml",
                "peios-registry: 1\nlayer: site\nkeys: { \\App: { V: !dword 5 } }\n");
        world_reload_well(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\site Ends 2020-01-01T00:00:00Z");
        ck_assert_int_eq(
                layers_each_refused(registry_store(w.r), registry_layers(w.r), on_refused, (char *)"no end"),
                0);
        ck_assert_uint_eq(n_refused, 1);
        ck_assert_str_eq(world_get(&w, "\\App", "V"), "5@site");
}

Suite *test_suite(void)
{
        return suite_with("registry-ends", setup, teardown);
}
