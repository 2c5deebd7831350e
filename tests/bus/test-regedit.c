/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-regedit on a terminal. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "client.h"
#include "dropin.h"
#include "shell.h"
#include "terminal.h"

static void fill(void)
{
        registryd_start(NULL);
        for (unsigned i = 10; i < 60; i++)
                set_number(world.bus, textf("\\App\\Key%u", i), "Number", i);
        set_string(world.bus, "\\App", "Color", "red");
        set_string(world.bus, "\\App", "Size", "large");
}

/* ---- Each key does what the help says ---- */

struct step {
        const char *key, *shown; /* what is on the screen when it has done its work */
        const char *hidden;      /* and what is not; or NULL */
};

#define TITLE(path) "^ Machine" path " "

static const struct step steps[] = {
        { "Right", "+ App", NULL },
        { "Down", TITLE("\\App"), NULL },
        { "k", TITLE(""), "Color" },
        { "j", "Color  REG_SZ red", NULL },
        { "Up", TITLE(""), "Color" },
        { "Down", TITLE("\\App"), NULL },
        { "Enter", "+ Key10", NULL },
        { "Enter", "+ App", "Key10" },
        { "Enter", "+ Key10", NULL },
        { "PgDn", "Key26", NULL },
        { "PgUp", TITLE("\\App"), NULL },
        { "End", TITLE("\\System"), NULL },
        { "Home", TITLE(""), NULL },
        { "G", TITLE("\\System"), NULL },
        { "g", TITLE(""), NULL },
        { "j", TITLE("\\App"), NULL },
        { "Left", "+ App", "Key10" },
        { "?", "Close the key, or go to the one above", "Color" },
        { "Esc", "+ App", "Close the key" },
        { "F1", "Close the key, or go to the one above", "Color" },
        { "Enter", "+ App", "Close the key" },
        { "Tab", "Color  REG_SZ red", NULL },
        { "Left", "Color  REG_SZ red", NULL },
        /* The cursor is in the keys, on \\App. */
        { "m", "Last write: 20", "Color  REG_SZ" },
        { "Esc", "Color  REG_SZ red", NULL },
        { "h", "Color = none -> REG_SZ red", NULL },
        { "Esc", "Color  REG_SZ red", NULL },
        { "E", "Color  REG_SZ red", NULL },
        { "N", "nothing was looked for yet", NULL },
        { "E", "What was said", "Color" },
        { "Esc", "Color  REG_SZ red", NULL },
        { "/", "Find:", NULL },
        { "3", TITLE("\\App\\Key13"), NULL },
        { "1", TITLE("\\App\\Key31"), NULL },
        { "Backspace", TITLE("\\App\\Key13"), NULL },
        { "Z", "nowhere in the names and data", NULL },
        { "Backspace", TITLE("\\App\\Key13"), NULL },
        { "Enter", TITLE("\\App\\Key13"), "Find:" },
        { "n", "layers of Number", NULL },
        { "n", TITLE("\\App\\Key23"), NULL },
        { "F3", TITLE("\\App\\Key23"), NULL },
        { "F3", TITLE("\\App\\Key30"), NULL },
        { "N", TITLE("\\App\\Key23"), NULL },
        { "/", "Find:", NULL },
        { "%", "nowhere", NULL },
        { "Esc", TITLE("\\App\\Key23"), NULL },
        { "R", "Number  REG_DWORD 23", NULL },
        { "F5", "Number  REG_DWORD 23", NULL },
        /* The cursor is on that value. */
        { "e", "Data (type:data): dword:23", NULL },
        { "Esc", "Number  REG_DWORD 23", "Data (" },
        { "Enter", "Data (type:data): dword:23", NULL },
        { "Backspace", "dword:2\n", NULL },
        { "Enter", "before: REG_DWORD 23", NULL },
        { "n", "Number  REG_DWORD 23", "before:" },
        { "e", "Data (type:data): dword:23", NULL },
        { "7", "dword:237\n", NULL },
        { "Enter", "In the layer base:\n  set  \\App\\Key23\\Number = REG_DWORD 237", NULL },
        { "y", "Number  REG_DWORD 237", NULL },
        { "u", "Take this back?", NULL },
        { "y", "Number  REG_DWORD 23\n", NULL },
        { "x", "mask  \\App\\Key23\\Number", NULL },
        { "y", "Number  (masked)", NULL },
        { "u", "Take this back?", NULL },
        { "y", "Number  REG_DWORD 23\n", NULL },
        { "u", "nothing was changed here", NULL },
        { "a", "Name of the new value", NULL },
        { "z", "one): z", NULL },
        { "Enter", "Data (type:data):", NULL },
        { "1", "data): 1", NULL },
        { "Enter", "set  \\App\\Key23\\z = REG_DWORD 1", NULL },
        { "y", "z       REG_DWORD 1", NULL },
        { "d", "delete  \\App\\Key23\\z", NULL },
        { "y", "done: change", "z       REG" },
        { "Del", "delete  \\App\\Key23\\Number", NULL },
        { "n", "Number  REG_DWORD 23", "delete  " },
        { "Tab", "Number  REG_DWORD 23", NULL },
        { "A", "Name of the new key", NULL },
        { "s", "key: s", NULL },
        { "Enter", "create-key  \\App\\Key23\\s", NULL },
        { "y", TITLE("\\App\\Key23\\s"), NULL },
        { "d", "delete-key  \\App\\Key23\\s", NULL },
        { "y", "done: change", TITLE("\\App\\Key23\\s") },
        { "L", "Write to which layer?", NULL },
        { "Esc", TITLE("\\App\\Key23"), NULL },
};

static bool is_tried(const char *key)
{
        bool found = strcmp(key, "q") == 0 || strcmp(key, "F10") == 0;

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                found |= strcmp(steps[i].key, key) == 0;
        return found;
}

static void take(const struct step *list, size_t n)
{
        for (const struct step *s = list; s < list + n; s++) {
                terminal_press(s->key);
                terminal_shows(s->shown);
                if (s->hidden)
                        terminal_hides(s->hidden);
        }
}
#define TAKE(...)                                                                                           \
        take((const struct step[]){ __VA_ARGS__ },                                                          \
                sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

START_TEST(each_key)
{
        char list[4096];

        fill();
        terminal_start(80, 24, "", "");
        terminal_shows("+ Machine");
        take(steps, ARRAY_SIZE(steps));
        terminal_press("q");
        terminal_ends(0);
        terminal_start(80, 24, "", "");
        terminal_shows("+ Machine");
        terminal_press("F10");
        terminal_ends(0);

        (void)snprintf(list, sizeof(list), "%s", shell_output(0, "\"$PEIOS_REGEDIT\" --keys"));
        for (char *key = strtok(list, "\t"); key; key = strtok(NULL, "\t")) {
                ck_assert_msg(is_tried(key), "the key %s was not pressed", key);
                (void)strtok(NULL, "\n");
        }
}
END_TEST

/* ---- Layers ---- */

static void fill_layers(void)
{
        registryd_start(NULL);
        set_number(world.bus, "\\System\\Registry\\Layers\\trial", "Precedence", 5);
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        (void)set_in_layer(world.bus, "trial", MODULES, "TaintEvents", "enabled");
        dropin_write("file.yaml", dropin_text("file", 4, "success-only"));
}

/* The winner has its mark, below the values or, with more room, beside them. */
START_TEST(layers_of_a_value)
{
        fill_layers();
        terminal_start(80, 24, "", "'" MODULES "'");
        TAKE({ "Tab", "TaintEvents", NULL }, { "Down", "TaintCapture", NULL },
                { "Down", "* trial 5  REG_SZ enabled", NULL });
        terminal_shows("  file 4  REG_SZ success-only   (shadowed)");
        terminal_shows("  base 0  REG_SZ disabled   (shadowed)");
        terminal_press("q");
        terminal_ends(0);
        terminal_start(200, 60, "", "'" MODULES "' --layer=trial");
        terminal_shows(" layer trial\n");
        terminal_shows("*REG_SZ enabled");
        terminal_shows(" REG_SZ success-only ");
        terminal_shows("Name                Effective");
        terminal_hides("layers of");
}
END_TEST

/* Written is where it was said, if that is no file; what nobody would see is said. */
START_TEST(another_layer_is_written_to)
{
        fill_layers();
        terminal_start(80, 24, "", "'" MODULES "'");
        TAKE({ "Tab", "TaintEvents", NULL }, { "Down", "TaintCapture", NULL }, { "Down", "  file 4", NULL },
                { "L", "trial   precedence 5\n", NULL }, { "Down", "read-only: ", NULL },
                { "Enter", "file is a file, which is edited as one: ", NULL },
                { "L", "trial   precedence 5\n", NULL }, { "End", "trial ", NULL },
                { "Enter", " layer trial\n", NULL }, { "e", "sz:enabled", NULL },
                { "^U", "data):\n", NULL });
        terminal_type("sz:never");
        TAKE({ "Enter", "Its reader would refuse it: ", NULL }, { "n", " layer trial\n", NULL },
                { "e", "sz:", NULL }, { "^U", "data):\n", NULL });
        terminal_type("sz:disabled");
        TAKE({ "Enter", "value-set  Machine\\System\\Audit\\Modules  TaintEvents = REG_SZ disabled", NULL },
                { "y", "* trial 5  REG_SZ disabled", NULL });
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled trial");
}
END_TEST

/* What its reader would refuse is said before it is sent, and what does not even parse is not sent. */
START_TEST(data_that_makes_no_sense)
{
        fill_layers();
        terminal_start(80, 24, "", "'" MODULES "'");
        TAKE({ "Tab", "TaintEvents", NULL }, { "Down", "TaintCapture", NULL }, { "e", "sz:standard", NULL },
                { "x", "sz:standardx", NULL }, { "Enter", "Its reader would refuse it: ", NULL },
                { "n", "layers of TaintCapture", NULL }, { "e", "sz:standard", NULL },
                { "^U", "data):\n", NULL });
        terminal_type("dword:x");
        TAKE({ "Enter", "dword:x\ndword: expected a decimal number", NULL },
                { "Backspace", "dword:\ndword: expected", NULL });
        /* However much was typed. */
        terminal_type(
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        TAKE({ "Enter", "xxx\ndword: expected a decimal number", NULL });
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintCapture"), "standard default");
}
END_TEST

/* A mask is where it was made, and can be taken away later, too. */
START_TEST(what_is_masked)
{
        fill();
        set_number(world.bus, "\\System\\Registry\\Layers\\trial", "Precedence", 5);
        terminal_start(80, 24, "", "--layer=trial '\\App'");
        TAKE({ "Tab", "Color  REG_SZ red", NULL }, { "Down", "layers of Size", NULL },
                { "x", "mask  \\App\\Size", NULL }, { "y", "Size   (masked)", NULL },
                { "m", "tombstone: masks what is below", NULL }, { "Esc", "layers of Size", NULL },
                { "q", "ended with 0", NULL });
        terminal_ends(0);
        terminal_start(80, 24, "", "'\\App'");
        terminal_shows("Color  REG_SZ red");
        terminal_hides("(masked)");
        TAKE({ "L", "trial ", NULL }, { "End", "trial ", NULL }, { "Enter", "Size   (masked)", NULL },
                { "Tab", "layers of Color", NULL }, { "Down", "* trial 5  tombstone", NULL },
                { "e", "data):\n", NULL }, { "Esc", "Size   (masked)", NULL },
                { "d", "delete  \\App\\Size", NULL }, { "y", "Size   REG_SZ large", NULL });
        ck_assert_str_eq(get_text(world.bus, "\\App", "Size"), "large base");
}
END_TEST

/* Somebody else was quicker than the yes: what was typed is still there, and goes over what he wrote only
 * when that was seen. */
START_TEST(a_write_in_between_is_not_overwritten)
{
        fill();
        terminal_start(80, 24, "", "'\\App'");
        TAKE({ "Tab", "* base 0  REG_SZ red", NULL }, { "e", "sz:red", NULL }, { "s", "sz:reds", NULL },
                { "Enter", "before: REG_SZ red", NULL });
        set_string(world.bus, "\\App", "Color", "blue");
        TAKE({ "y", "!Color  REG_SZ blue", NULL }, { "Left", "sz:reds\n", NULL });
        ck_assert_str_eq(get_text(world.bus, "\\App", "Color"), "blue base");
        terminal_shows("* base 0  REG_SZ blue");
        TAKE({ "Esc", "!Color  REG_SZ blue", "sz:reds" }, { "E", "What went wrong", NULL },
                { "Esc", "Color  REG_SZ blue", NULL }, { "e", "sz:blue", NULL }, { "s", "sz:blues", NULL },
                { "Enter", "before: REG_SZ blue", NULL }, { "y", "Color  REG_SZ blues", NULL });
}
END_TEST

/* ---- What others do ---- */

/* It appears, marked for a moment, and the cursor stays where it is. */
START_TEST(changes_of_others)
{
        fill();
        terminal_start(80, 24, "", "'\\App\\Key20'");
        terminal_shows("* base 0  REG_DWORD 20");
        set_number(world.bus, "\\App\\Key20", "Number", 2000);
        terminal_shows("!Number  REG_DWORD 2000");
        terminal_shows("* base 0  REG_DWORD 2000");
        set_number(world.bus, "\\App\\Key20", "Another", 1);
        terminal_shows("!Another  REG_DWORD 1");
        terminal_hides("!");
        terminal_shows("Another  REG_DWORD 1");
        set_number(world.bus, "\\App\\Key195", "Number", 1);
        terminal_shows("Key195");
        set_number(world.bus, "\\App\\Key05\\Below", "Number", 1);
        terminal_shows("Key05");
        terminal_shows(TITLE("\\App\\Key20"));
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\App\\Key10", 0);
        terminal_hides("Key10");
        terminal_shows(TITLE("\\App\\Key20"));
        succeeds(world.bus, "DeleteKey", "sa{sv}", "\\App\\Key20", 0);
        terminal_shows(TITLE("\\App\\Key21"));
        terminal_shows("Number  REG_DWORD 21");
}
END_TEST

/* An entry below the one that counts changes nothing effective, and is shown. */
START_TEST(changes_below_the_winner)
{
        fill_layers();
        terminal_start(80, 24, "", "'" MODULES "'");
        TAKE({ "Tab", "TaintEvents", NULL }, { "Down", "TaintCapture", NULL },
                { "Down", "  base 0  REG_SZ disabled   (shadowed)", NULL });
        set_string(world.bus, MODULES, "TaintEvents", "failure-only");
        terminal_shows("  base 0  REG_SZ failure-only   (shadowed)");
}
END_TEST

START_TEST(the_provider_goes_away_and_comes_back)
{
        fill();
        daemon_stop(&world.registryd);
        terminal_start(80, 24, "", "'\\App\\Key20'");
        terminal_shows("is not running");
        registryd_start(NULL);
        terminal_shows("* base 0  REG_DWORD 20");
        TAKE({ "Right", TITLE("\\App\\Key20"), NULL }, { "Tab", "Number", NULL }, { "e", "dword:20", NULL });
        daemon_stop(&world.registryd);
        terminal_shows("dword:20\nthe registry provider");
        TAKE({ "7", "dword:207", NULL }, { "Esc", "went away: waiting for it", NULL },
                { "Tab", "Key20", NULL }, { "Down", TITLE("\\App\\Key21"), NULL },
                { "a", "went away: waiting for it", "Name of" },
                { "e", "went away: waiting for it", "Data" });
        registryd_start(NULL);
        terminal_shows("is there again");
        terminal_shows("* base 0  REG_DWORD 21");
        set_number(world.bus, "\\App\\Key21", "Number", 2100);
        terminal_shows("!Number  REG_DWORD 2100");
}
END_TEST

/* ---- The README's picture ---- */

/* Its lines are on the screen, in their order; lines without anything are left out there. */
START_TEST(picture_of_the_readme)
{
        static const char command[] = "    $ peios-regedit\n";
        _cleanup_free_ char *screen = NULL;

        fill_layers();
        terminal_start(80, 24, "", "'" MODULES "'");
        TAKE({ "Tab", "TaintEvents", NULL }, { "Down", "TaintCapture", NULL },
                { "Down", "  file 4  REG_SZ success-only", NULL });
        terminal_hides("!");
        ck_assert_ptr_nonnull(screen = strdup(terminal_screen()));
        const char *at = screen, *line = strstr(shell_output(0, "cat \"$PEIOS_SOURCE/README.md\""), command);
        ck_assert_ptr_nonnull(line);
        size_t n = 0;
        for (line += strlen(command); strncmp(line, "    ", 4) == 0; line += strcspn(line, "\n") + 1, n++) {
                char text[512];
                (void)snprintf(text, sizeof(text), "%.*s\n", (int)strcspn(line + 4, "\n"), line + 4);
                at = strstr(at, text);
                ck_assert_msg(at, "there is no line `%s` on:\n%.3000s", text, screen);
                at += strlen(text);
        }
        ck_assert_uint_ge(n, 12);
}
END_TEST

/* ---- Very many ---- */

static void fill_many(const char *parent, unsigned n)
{
        _cleanup_message_ sd_bus_message *m = transact_begin(world.bus), *reply = NULL;
        char key[64];

        for (unsigned i = 0; i < n; i++) {
                (void)snprintf(key, sizeof(key), "%s\\Key%06u", parent, i);
                ck_assert_int_ge(sd_bus_message_append(m, "(sssuv)", "create-key", key, "", 0, "ay", 0), 0);
        }
        ck_assert_int_ge(transact_call(world.bus, m, NULL, &reply), 0);
}

/* Of each page at once what is in it is shown, and of 50 none is waited for long. */
START_TEST(very_many_keys_in_one)
{
        char title[64];

        fill();
        fill_many("\\Many", 100000);
        terminal_start(80, 24, "", "'\\Many'");
        terminal_shows(TITLE("\\Many"));
        TAKE({ "Right", "Key000000", NULL }, { "Down", TITLE("\\Many\\Key000000"), NULL });
        const uint64_t start = clock_usec();
        for (unsigned i = 1; i <= 50; i++) {
                terminal_press("PgDn");
                (void)snprintf(title, sizeof(title), TITLE("\\Many\\Key%06u"), 21 * i);
                terminal_shows(title);
        }
        const uint64_t took = clock_usec() - start;
        ck_assert_msg(took < 25000000, "50 pages took %llu ms", (unsigned long long)took / 1000);
        TAKE({ "End", TITLE("\\System"), NULL }, { "Up", TITLE("\\Many\\Key099999"), NULL });
        set_number(world.bus, "\\Many\\Key0999985", "Number", 1);
        terminal_shows("!    + Key0999985");
        terminal_shows(TITLE("\\Many\\Key099999"));
        terminal_press("Home");
        terminal_press("/");
        terminal_type("099999");
        terminal_shows(TITLE("\\Many\\Key099999"));
}
END_TEST

/* While nothing is answered the keys do what can be done without. */
START_TEST(a_provider_that_hangs)
{
        fill();
        terminal_start(80, 24, "", "'\\App\\Key20'");
        terminal_shows("* base 0  REG_DWORD 20");
        daemon_signal(&world.registryd, SIGSTOP);
        TAKE({ "Down", TITLE("\\App\\Key21"), "REG_DWORD" }, { "m", "reading ...", "Key21" },
                { "Esc", "Key21", NULL }, { "Up", TITLE("\\App\\Key20"), NULL },
                { "PgDn", TITLE("\\App\\Key41"), NULL }, { "?", "Close the key", NULL },
                { "Esc", TITLE("\\App\\Key41"), NULL });
        daemon_signal(&world.registryd, SIGCONT);
        terminal_shows("* base 0  REG_DWORD 41");
}
END_TEST

/* ---- Terminals ---- */

START_TEST(sizes)
{
        fill();
        terminal_start(80, 24, "", "'\\App\\Key20'");
        terminal_shows("* base 0  REG_DWORD 20");
        terminal_resize(79, 24);
        terminal_shows("Too small");
        terminal_press("Down");
        terminal_resize(20, 3);
        terminal_shows("Too small");
        terminal_resize(200, 60);
        terminal_shows("*REG_DWORD 21");
        terminal_shows("Key59");
        terminal_resize(80, 24);
        terminal_shows("* base 0  REG_DWORD 21");
        terminal_shows(TITLE("\\App\\Key21"));
}
END_TEST

/* The key is in reversed video; in between old terminals may leave their graphics. */
static bool is_reversed(const char *text)
{
        static const char reversed[] = "\033[7m";
        const char *at = strstr(terminal_attributes(), text);

        if (at && at[-1] == '\017')
                at--;
        return at && memcmp(at - strlen(reversed), reversed, strlen(reversed)) == 0;
}

/* Neither colours nor a font are needed to see where the cursor is, on an old terminal or a console. */
START_TEST(terminals_without_colour)
{
        static const char *const terms[] = { "TERM=vt100", "TERM=linux", "NO_COLOR=1", "LC_ALL=C" };

        fill();
        set_string(world.bus, "\\App\\Key20", "W\u00f6rter", "\u6f22\u5b57");
        set_string(world.bus, "\\App\\Key20", "a\x1b[31mb", "c\nd");
        for (size_t i = 0; i < ARRAY_SIZE(terms); i++) {
                terminal_start(80, 24, terms[i], "'\\App\\Key20'");
                terminal_shows("a\\x1b[31mb  REG_SZ c\\x0ad");
                terminal_shows(i == 3 ? " W?rter      REG_SZ ??" : " W\u00f6rter      REG_SZ \u6f22\u5b57");
                ck_assert(is_reversed("       Key20"));
                ck_assert_ptr_null(strstr(terminal_attributes(), "\033[31"));
                terminal_press("q");
                terminal_ends(0);
        }
        terminal_start(80, 24, "TERM=none-such", "");
        terminal_shows("the terminal 'none-such' is not known ($TERM)");
        terminal_ends(5);
}
END_TEST

/* Whatever ends it, it ends, and leaves the terminal as it was. */
START_TEST(ends)
{
        fill();
        terminal_start(80, 24, "", "'\\App'");
        terminal_shows(TITLE("\\App"));
        terminal_goes_away();
        terminal_start(80, 24, "", "'\\App'");
        terminal_shows(TITLE("\\App"));
        terminal_signal(SIGTERM);
        terminal_ends(0);
        terminal_start(80, 24, "", "'\\App'");
        terminal_shows(TITLE("\\App"));
        terminal_press("^C");
        terminal_ends(0);
        terminal_start(80, 24, "", "'\\App' </dev/null");
        terminal_shows("standard input and output must be a terminal");
        terminal_ends(5);
        terminal_start(80, 24, "env -u TERM", "");
        terminal_shows("the terminal '' is not known ($TERM)");
        terminal_ends(5);
}
END_TEST

/* Who may not write sees that before trying, and why. */
START_TEST(a_user_who_may_only_read)
{
        static const char become[] = "setpriv --reuid=65534 --regid=65534 --clear-groups";

        fill();
        (void)shell_output(0, "cp \"$PEIOS_REGEDIT\" regedit; chmod 755 regedit");
        ck_assert_int_eq(setenv("PEIOS_REGEDIT", "./regedit", 1), 0);
        terminal_start(80, 24, become, "'\\App'");
        TAKE({ "Tab", " read-only\n", NULL }, { "e", "read-only: only root, ", "Data" },
                { "Enter", "read-only: only root, ", "Data" }, { "a", "read-only: only root, ", "Name of" },
                { "d", "read-only: only root, ", "Send" }, { "m", "The schema does not know", NULL },
                { "Esc", "Color  REG_SZ red", NULL }, { "/", "Find:", NULL },
                { "9", TITLE("\\App\\Key19"), NULL });
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {
                each_key,
                layers_of_a_value,
                another_layer_is_written_to,
                data_that_makes_no_sense,
                what_is_masked,
                a_write_in_between_is_not_overwritten,
                changes_of_others,
                changes_below_the_winner,
                the_provider_goes_away_and_comes_back,
                a_provider_that_hangs,
                picture_of_the_readme,
                very_many_keys_in_one,
                sizes,
                terminals_without_colour,
                ends,
        };
        const TTest *const privileged[] = { a_user_who_may_only_read };

        harness_add_with(tests, ARRAY_SIZE(tests), "tmux", "what peios-regedit shows on a terminal");
        if (getenv("PEIOS_TMUX"))
                harness_add_privileged(
                        privileged, ARRAY_SIZE(privileged), "what peios-regedit shows to others");
        return harness_main(NULL, 0);
}
