/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* peios-regedit on a terminal. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "shell.h"
#include "terminal.h"

static void fill(void)
{
        char key[32];

        registryd_start(NULL);
        for (unsigned i = 10; i < 60; i++) {
                (void)snprintf(key, sizeof(key), "\\App\\Key%u", i);
                set_number(world.bus, key, "Number", i);
        }
        set_string(world.bus, "\\App", "Color", "red");
        set_string(world.bus, "\\App", "Size", "large");
}

/* ---- Each key does what the help says ---- */

struct step {
        const char *key, *shown; /* what is on the screen when it has done its work */
        const char *hidden;      /* and what is not; or NULL */
};

#define TITLE(path) " Machine" path "\n"

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
};

static bool is_tried(const char *key)
{
        bool found = strcmp(key, "q") == 0 || strcmp(key, "F10") == 0;

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                found |= strcmp(steps[i].key, key) == 0;
        return found;
}

static void take(const struct step *s)
{
        terminal_press(s->key);
        terminal_shows(s->shown);
        if (s->hidden)
                terminal_hides(s->hidden);
}

START_TEST(each_key)
{
        char list[4096];

        fill();
        terminal_start(80, 24, "", "");
        terminal_shows("+ Machine");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                take(&steps[i]);
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

int main(void)
{
        const TTest *const tests[] = { each_key };

        harness_add_with(tests, ARRAY_SIZE(tests), "tmux", "what peios-regedit shows on a terminal");
        return harness_main(NULL, 0);
}
