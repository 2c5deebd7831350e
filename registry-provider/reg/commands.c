/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "commands.h"

const struct command commands[] = {
        { "get", COMMAND_GET, 1, 2, "KEY [VALUE]", "Show a value, or all values of a key",
                "A value that is not set but has a default in the schema is shown with that.", command_get },
        { "set", COMMAND_SET, 2, 3, "KEY VALUE DATA", "Set a value, making keys that are missing",
                "DATA is `type:data` with a type of sz, expand, dword, qword, dword-be, multi (a,b), hex, link\n"
                "or none. Without a type, digits or 0x and hex digits are a number and all else is a string.\n"
                "The type is always shown. Also: set 'KEY\\VALUE' DATA. With --from there is no DATA word: FILE holds it,\n"
                "and a newline at its end is no part of it.",
                command_set },
        { "del", COMMAND_DEL, 1, 2, "KEY [VALUE]", "Delete a layer's entry of a value, or a key",
                "What lower layers hold shows again. A key that has subkeys is deleted only with -r.",
                command_del },
        { "ls", COMMAND_LS, 1, 1, "KEY", "List a key's subkeys and values", NULL, command_ls },
        { "tree", COMMAND_TREE, 1, 1, "KEY", "Show a key and all below it", NULL, command_tree },
        { "info", COMMAND_INFO, 1, 1, "KEY", "Show a key's own facts", NULL, command_info },
        { "new", COMMAND_NEW, 1, 1, "KEY", "Make a key, and those that are missing above it", NULL,
                command_new },
        { "watch", COMMAND_WATCH, 1, 1, "KEY", "Show changes as they happen, one a line",
                "The key need not exist. `overflow` and `restarted` mean that events were missed: read again.",
                command_watch },
        { "why", COMMAND_WHY, 1, 2, "KEY VALUE", "Show all layers of a value, and what becomes of it",
                "The winner is marked with `*`. For a value that is bound to a control: what is written,\n"
                "accepted and live.",
                command_why },
        { "history", COMMAND_HISTORY, 1, 2, "KEY [VALUE]",
                "Show who changed what and when, the newest first",
                "Old and new are those of the layer; what a higher layer shadowed is `not effective`.\n"
                "Also of keys that are gone.",
                command_history },
        { "lint", COMMAND_LINT, 1, WORDS_UNLIMITED, "FILE...", "Check hive files, without a provider",
                "`-` is standard input. Exit status 4 when a file is bad.", command_lint },
        { 0 },
};
