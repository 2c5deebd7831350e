/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that end by themselves: while the provider runs, while it does not, and before it does. */
#include <string.h>
#include <time.h>

#include "../../schema/base/ending.h"
#include "apply.h"
#include "client.h"

#define LAYER "\\System\\Registry\\Layers\\lab"
#define SECOND UINT64_C(1000000)

/* What counts for so long, by both clocks; negative: since then no more. */
static const char *end_in(int seconds)
{
        static char text[ENDING_TEXT_MAX];
        struct ending_clocks now;

        ending_read_clocks(&now);
        if (seconds < 0)
                now.wall += seconds * (int64_t)SECOND;
        const struct ending e = ending_in(seconds < 0 ? 0 : (uint64_t)seconds * SECOND, &now);
        return ending_format(&e, text);
}

static bool is_told(const char *text)
{
        return !records_are_logged() || daemon_said(&world.registryd, text);
}

/* The end. */
static const char *make_lab(int seconds)
{
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        set_number(world.bus, LAYER, "Precedence", 1);
        set_in_layer(world.bus, "lab", MODULES, "TaintEvents", "disabled");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled lab");
        const char *end = end_in(seconds);
        set_string(world.bus, LAYER, "Ends", end);
        return end;
}

/* One change, told once to whom it concerns, with the names of who had wanted it. */
START_TEST(while_it_runs)
{
        _cleanup_ear_ struct ear ear = { 0 };

        registryd_start(NULL);
        ear_on_changes(&ear, world.bus);
        subscribe(world.bus, MODULES, false);
        make_lab(2);
        WAIT(ear_count(&ear, "'success-only'") == 2);
        ck_assert_uint_eq(ear.n, 3);
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "success-only base");
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '')]");
        _cleanup_message_ sd_bus_message *m = answer(
                world.bus, "History", "sba{sv}", MODULES, 0, 2, "backwards", "b", 1, "limit", "u", 1u);
        const char *text = message_text(m);
        ck_assert_msg(strstr(text, "'layer-ended'") != NULL, "%s", text);
        ck_assert(is_told("Registry layer 'lab' counts until"));
        ck_assert(is_told("Registry layer 'lab' has ended: 'time'"));
}
END_TEST

/* Another one, and none, in place of the end that was set; then the layer goes before it. */
START_TEST(other_ends)
{
        registryd_start(NULL);
        make_lab(3600);
        set_string(world.bus, LAYER, "Ends", end_in(7200));
        WAIT(is_told("Registry layer 'lab' counts until"));
        delete_value(world.bus, LAYER, "Ends");
        WAIT(is_told("Registry layer 'lab' has ended: 'unlimited'"));
        set_string(world.bus, LAYER, "Ends", end_in(3600));
        succeeds(world.bus, "DeleteKey", "sa{sv}", LAYER, 0);
        WAIT(is_told("Registry layer 'lab' has ended: 'deleted'"));
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "success-only base");
        /* An end that has passed already. */
        make_lab(-10);
        WAIT(strcmp(registry_property(world.bus, "Layers"), "[('base' 0 true '')]") == 0);
}
END_TEST

START_TEST(refused_ends)
{
        registryd_start(NULL);
        make_lab(3600);
        set_string(world.bus, LAYER, "Ends", "tomorrow");
        WAIT(strstr(registry_property(world.bus, "Problems"), "lab\\Ends") != NULL);
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled lab");
        set_string(world.bus, LAYER, "Ends", end_in(3600));
        WAIT(strcmp(registry_property(world.bus, "Problems"), "[]") == 0);
}
END_TEST

/* Nobody sees the layer win after a boot: neither the boot-time apply, nor whoever asks first. */
START_TEST(while_it_did_not_run)
{
        struct ending_clocks now;
        struct ending end;

        registryd_start(NULL);
        const char *text = make_lab(2);
        ck_assert(ending_parse(text, strlen(text), &end));
        daemon_kill(&world.registryd);
        do
                ending_read_clocks(&now);
        while (!ending_is_over(&end, &now));
        apply(0, "1", NULL);
        registryd_start(NULL);
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "success-only base");
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '')]");
        ck_assert(is_told("Registry layer 'lab' has ended: 'time'"));
}
END_TEST

static sd_bus_message *set_for(sd_bus *bus, const char *layer, const char *ends, const char *value)
{
        return answer(bus, "Set", "ssuva{sv}", MODULES, "TaintEvents", (uint32_t)REG_SZ, "s", value, 2,
                "layer", "s", layer, "ends", "s", ends);
}

/* One call makes the layer and writes to it; a later write wins, and the ends do not disturb each other. */
START_TEST(made_by_a_write)
{
        registryd_start(NULL);
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        _cleanup_message_ sd_bus_message *a = set_for(world.bus, "temporary-a", end_in(3600), "disabled");
        ck_assert_ptr_nonnull(strstr(message_text(a), " true 'temporary-a'"));
        _cleanup_message_ sd_bus_message *b = set_for(world.bus, "temporary-b", end_in(3), "success-only");
        const char *ends = registry_property(world.bus, "LayerEnds");
        ck_assert_ptr_nonnull(strstr(ends, "('temporary-a' '20"));
        WAIT(strcmp(get_text(world.bus, MODULES, "TaintEvents"), "disabled temporary-a") == 0);
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "failure-only base");
        ck_assert_ptr_null(strstr(registry_property(world.bus, "LayerEnds"), "temporary-b"));
}
END_TEST

START_TEST(not_made)
{
        registryd_start(NULL);
        refused(world.bus, ERROR_INVALID_VALUE, "cannot end at 'soon', expected a time as", "CreateKey",
                "sa{sv}", "\\App", 2, "layer", "s", "x", "ends", "s", "soon");
        refused(world.bus, ERROR_INVALID_VALUE, "expected the option layer, too", "CreateKey", "sa{sv}",
                "\\App", 1, "ends", "s", end_in(9));
        refused(world.bus, ERROR_EXISTS, "layer 'base' is there already", "CreateKey", "sa{sv}", "\\App", 2,
                "layer", "s", "base", "ends", "s", end_in(9));
        /* What fails afterwards leaves no layer. */
        refused(world.bus, ERROR_CONFLICT, "", "Set", "ssuva{sv}", "\\App", "V", (uint32_t)REG_SZ, "s", "v",
                3, "layer", "s", "x", "ends", "s", end_in(3600), "expected-sequence", "t", UINT64_C(7));
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '')]");
}
END_TEST

/* A name that files, or others, may mean is for whoever manages layers. */
START_TEST(by_administrators)
{
        registryd_start("--admin-group=nogroup");
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        _cleanup_message_ sd_bus_message *a = set_for(nobody, "temporary-a", end_in(3600), "disabled");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled temporary-a");
        refused(nobody, ERROR_ACCESS_DENIED, "", "CreateKey", "sa{sv}", "\\App", 2, "layer", "s", "50-site",
                "ends", "s", end_in(3600));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { while_it_runs, other_ends, refused_ends, while_it_did_not_run,
                made_by_a_write, not_made };
        const TTest *const privileged[] = { by_administrators };
        Suite *s = suite_create("ends");

        harness_add(s, tests, ARRAY_SIZE(tests));
        harness_add_privileged(s, privileged, ARRAY_SIZE(privileged), "who may make layers");
        return harness_main(s);
}
