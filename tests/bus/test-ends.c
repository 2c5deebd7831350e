/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers that end by themselves: while the provider runs, while it does not, and before it does. */
#include <string.h>
#include <unistd.h>

#include "../../schema/base/ending.h"
#include "apply.h"
#include "client.h"
#include "dropin.h"
#include "shell.h"

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
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
        _cleanup_message_ sd_bus_message *m = answer(
                world.bus, "History", "sba{sv}", MODULES, 0, 2, "backwards", "b", 1, "limit", "u", 1u);
        const char *text = message_text(m);
        ck_assert_msg(strstr(text, "'layer-ended'") != NULL, "%s", text);
        ck_assert(is_told("Registry layer 'lab' counts until"));
        ck_assert(is_told("), time\n"));
}
END_TEST

/* Whoever follows the value hears why it is another one now. */
START_TEST(the_policy_follows)
{
        world_write(CONTROL_FILE, "3\n");
        registryd_start(NULL);
        policyd_follow();
        make_lab(3);
        WAIT(policy_is("TaintEvents", "'success-only'") && policy_is("Changes", "3"));
        WAIT(strcmp(world_read(CONTROL_FILE), "1") == 0);
        WAIT(!records_are_logged() || daemon_said(&world.policyd, ", layer-ended"));
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
        WAIT(is_told("), unlimited\n"));
        set_string(world.bus, LAYER, "Ends", end_in(3600));
        succeeds(world.bus, "DeleteKey", "sa{sv}", LAYER, 0);
        WAIT(is_told("), deleted\n"));
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "success-only base");
        /* An end that has passed already. */
        make_lab(-10);
        WAIT(strcmp(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]") == 0);
}
END_TEST

/* A file's layer ends with its file. What is said of it counts as soon as that is gone, and nobody needs to
 * write. */
START_TEST(the_file_goes)
{
        dropin_write("lab.yaml", dropin_text("lab", 5, "disabled"));
        registryd_start(NULL);
        set_string(world.bus, LAYER, "Ends", end_in(-10));
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled lab");
        ck_assert_str_eq(registry_property(world.bus, "LayerEnds"), "[]");
        ck_assert_int_eq(unlink(world_path(dropin_path("lab.yaml"))), 0);
        WAIT(strcmp(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]") == 0);
        WAIT(no_problems());
        ck_assert(is_told("), time\n"));
}
END_TEST

/* Its end has passed, and comes back with it. */
START_TEST(taken_back)
{
        registryd_start(NULL);
        make_lab(2);
        WAIT(strcmp(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]") == 0);
        char *number = strdupa(registry_property(world.bus, "Sequence"));
        const uint64_t ended = strtoull(number, NULL, 10);
        succeeds(world.bus, "Undo", "a{sv}", 1, "sequence", "t", ended);
        /* It counts at no moment. */
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "success-only base");
        WAIT(strcmp(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]") == 0);
        ck_assert_str_ne(registry_property(world.bus, "Sequence"), number);
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
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
        ck_assert(is_told("), time\n"));
}
END_TEST

/* ---- As people do it ---- */

/* The command says when it ends, in whole seconds: so long after the time at which it ran. */
static void check_length(const char *line, int64_t usec)
{
        struct ending_clocks before, after;
        struct ending e;

        ending_read_clocks(&before);
        const char *text = strstr(shell_output(0, line), ", until ");
        ending_read_clocks(&after);
        ck_assert_ptr_nonnull(text);
        text += strlen(", until ");
        ck_assert(ending_parse(text, strcspn(text, ")\n"), &e));
        ck_assert_int_ge(e.at, before.wall + usec - (int64_t)SECOND);
        ck_assert_int_le(e.at, after.wall + usec + (int64_t)SECOND);
}

START_TEST(commands)
{
        registryd_start(NULL);
        SHELL_SAYS(0, "reg layer ls", "base  0  enabled  -\n");
        check_length("reg layer new lab --for 2h --precedence 5", 2 * 3600 * (int64_t)SECOND);
        SHELL_SAYS(4, "reg layer new LAB", "layer 'LAB' is there already");
        SHELL_SAYS(0, "reg set -q --layer lab /System/Audit/Modules TaintEvents disabled", "");
        SHELL_SAYS(0, "reg layer ls", "base  0  enabled  -", "lab   5  enabled  20");
        SHELL_SAYS(0, "reg --json layer ls", "\"name\":\"lab\"", "\"precedence\":5", "\"ends\":\"20");
        SHELL_SAYS(0, "reg why /System/Audit/Modules TaintEvents", "* lab", "REG_SZ disabled   until 20");
        SHELL_SAYS(0, "reg get -L /System/Audit/Modules TaintEvents", "lab", "until 20");
        SHELL_SAYS(0, "reg ls -l /System/Audit/Modules", "lab ", " until 20", "TaintEvents = disabled");
        SHELL_SAYS(0, "reg layer set lab --disable --no-end", "set layer lab\n");
        SHELL_SAYS(0, "reg layer ls", "lab   5  disabled  -");
        SHELL_SAYS(0, "TZ=UTC reg layer set lab --enable --until 2999-01-31",
                "set layer lab, until 2999-02-01T00:00:00Z\n");
        SHELL_SAYS(0, "TZ=UTC reg layer set lab --until '2999-01-31 10:00'",
                "set layer lab, until 2999-01-31T10:00:00Z\n");
        SHELL_SAYS(0, "reg layer del lab", "del layer lab\n");
        SHELL_SAYS(2, "reg layer del lab", "there is no layer 'lab'");
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "enabled default");
}
END_TEST

START_TEST(wrong_commands)
{
        static const struct {
                int code;
                const char *line, *text;
        } cases[] = {
                { 1, "reg layer new lab --for soon",
                        "--for: 'soon' is no end, expected for how long: 30m, 12h" },
                { 1, "reg layer new lab --for 0s", "--for: '0s' is no end" },
                { 1, "reg layer new lab --for=-1h", "--for: '-1h' is no end" },
                { 1, "reg layer new lab --until 2000-01-01", "expected a time that is still to come" },
                { 1, "reg layer new lab --until never", "--until: 'never' is no end" },
                { 1, "reg layer new lab --for 1h --until 2999-01-01", "expected one of them" },
                { 1, "reg layer set site --enable --disable", "exclude each other" },
                { 1, "reg layer set site", "expected what to change" },
                { 2, "reg layer set lab --enable",
                        "there is no layer 'lab'; `peios-reg layer ls` shows all" },
                { 4, "reg layer set site --for 1h", "is the contents of a file, and ends with that" },
                { 4, "reg layer del site", "is the contents of a file" },
                { 4, "reg layer new a/b", "layer: " },
                { 4, "reg set --for 1h --layer site /App V 1", "layer 'site' is there already" },
        };

        dropin_write("site.yaml", dropin_text("site", 5, "enabled"));
        registryd_start(NULL);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                SHELL_SAYS(cases[i].code, cases[i].line, cases[i].text);
        SHELL_SAYS(0, "reg layer ls", "site  5  enabled  -  /etc/peios/registry.d/site.yaml");
        ck_assert_str_eq(registry_property(world.bus, "LayerEnds"), "[]");
}
END_TEST

/* Each in a layer of its own; the shell's own layer is not asked. */
START_TEST(set_for_a_time)
{
        registryd_start(NULL);
        SHELL_SAYS(0, "reg --dry-run set --for 2h /App V 1", "value-set", "V = REG_DWORD 1");
        ck_assert_str_eq(registry_property(world.bus, "LayerEnds"), "[]");
        SHELL_SAYS(0, "reg set /App V one", "(layer base, sequence ");
        SHELL_SAYS(0, "REG_LAYER=lab reg set --for 2h /App V two", "V = REG_SZ two   (layer temporary-",
                ", until 20");
        SHELL_SAYS(0, "reg --json set --for 2s /App V three", "\"layer\":\"temporary-", "\"ends\":\"20");
        WAIT(strncmp(get_text(world.bus, "\\App", "V"), "two temporary-", 14) == 0);
        check_length("reg set --for 1h /App W 1", 3600 * (int64_t)SECOND);
        SHELL_SAYS(0, "reg history /App V", "reason layer-ended");
        SHELL_SAYS(0, "reg set /App V four", "(layer base");
        ck_assert_str_eq(get_text(world.bus, "\\App", "V"), "four base");
}
END_TEST

/* ---- Over the bus ---- */

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
        _unused_ _cleanup_message_ sd_bus_message *b =
                set_for(world.bus, "temporary-b", end_in(3), "success-only");
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
        ck_assert_str_eq(registry_property(world.bus, "Layers"), "[('base' 0 true '' 0 '')]");
}
END_TEST

/* A name that files, or others, may mean is for whoever manages layers. */
START_TEST(by_administrators)
{
        registryd_start("--admin-group=nogroup");
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        _unused_ _cleanup_message_ sd_bus_message *a =
                set_for(nobody, "temporary-a", end_in(3600), "disabled");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled temporary-a");
        refused(nobody, ERROR_ACCESS_DENIED, "", "CreateKey", "sa{sv}", "\\App", 2, "layer", "s", "50-site",
                "ends", "s", end_in(3600));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { while_it_runs, the_policy_follows, other_ends, the_file_goes,
                taken_back, refused_ends, while_it_did_not_run, made_by_a_write, not_made, commands,
                wrong_commands, set_for_a_time };
        const TTest *const privileged[] = { by_administrators };
        harness_add_privileged(privileged, ARRAY_SIZE(privileged), "who may make layers");
        return harness_main(tests, ARRAY_SIZE(tests));
}
