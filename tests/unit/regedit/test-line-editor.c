/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../../../registry-provider/regedit/line-editor.h"
#include "suite.h"

/* Keys with blanks between them; the text with `|` at the cursor. */
static const struct {
        const char *begin, *keys, *text;
} rows[] = {
        { "", "a b Space c", "ab c|" },
        { "abc", "Left X", "abX|c" },
        { "abc", "Home X End Y", "XabcY|" },
        { "a\u6f22c", "Left Left Left Right X", "aX|\u6f22c" },
        { "a\u6f22c", "Left Backspace", "a|c" },
        { "a\u6f22c", "Home Right Del", "a|c" },
        { "", "Backspace Del Left Right", "|" },
        { "abc", "Left ^U", "|c" },
        { "abc", "Home Right ^K", "a|" },
        { "multi:a,bc", "^W X", "multi:a,X|" },
        { "multi:a,bc", "^W ^W", "multi:|" },
        { "abc", "^A x ^E y ^B ^D ^H", "xab|" },
        { "", "\u00e9", "\u00e9|" },
        /* No text of a key that has no meaning here. */
        { "ab", "F1 PgUp ^X Tab", "ab|" },
};

TEST(keys_edit)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct line_editor e = { 0 };
                char *keys = strdup(rows[i].keys), shown[64];
                line_editor_set(&e, rows[i].begin);
                for (char *key = strtok(keys, " "); key; key = strtok(NULL, " "))
                        (void)line_editor_key(&e, key);
                (void)snprintf(shown, sizeof(shown), "%.*s|%s", (int)e.at, buf_str(&e.text),
                        buf_str(&e.text) + e.at);
                ck_assert_str_eq(shown, rows[i].text);
                free(keys);
                line_editor_done(&e);
        }
}

Suite *test_suite(void)
{
        return suite_of("regedit-line-editor");
}
