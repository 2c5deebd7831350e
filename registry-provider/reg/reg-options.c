/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reg-options.h"

#include "../../schema/base/macro.h"

/* What the completion of peios-reg has functions for. */
#define A_KEY "<key>"
#define A_PATH "<path>" /* of a key or a value */
#define A_VALUE "<value>"
#define A_LAYER "<layer>"

static const struct options_command commands[] = {
        [REG_GET] = { "get", 1, 2, "KEY [VALUE]", "Show a value, or all values of a key",
                "A value that is not set but has a default in the schema is shown with that.",
                .offered = { A_PATH, A_VALUE } },
        [REG_SET] = { "set", 2, 3, "KEY VALUE DATA", "Set a value, making keys that are missing",
                "DATA is `type:data` with a type of sz, expand, dword, qword, dword-be, multi (a,b), hex, link\n"
                "or none. Without a type, digits or 0x and hex digits are a number and all else is a string.\n"
                "The type is always shown. Also: set 'KEY\\VALUE' DATA. With --from there is no DATA word: FILE holds it,\n"
                "and a newline at its end is no part of it.",
                .offered = { A_PATH, "<operand>", "<data>" } },
        [REG_DEL] = { "del", 1, 2, "KEY [VALUE]", "Delete a layer's entry of a value, or a key",
                "What lower layers hold shows again. A key that has subkeys is deleted only with -r.",
                .offered = { A_PATH, A_VALUE } },
        [REG_LS] = { "ls", 1, 1, "KEY", "List a key's subkeys and values", NULL, .offered = { A_KEY } },
        [REG_TREE] = { "tree", 1, 1, "KEY", "Show a key and all below it", NULL, .offered = { A_KEY } },
        [REG_INFO] = { "info", 1, 1, "KEY", "Show a key's own facts", NULL, .offered = { A_KEY } },
        [REG_NEW] = { "new", 1, 1, "KEY", "Make a key, and those that are missing above it", NULL,
                .offered = { A_KEY } },
        [REG_NEW_LINK] = { "link", 2, 2, "KEY TARGET", "Make a key that stands for another one",
                "Who reads or writes KEY, or below it, reads or writes TARGET, which need not be there. With --no-follow\n"
                "a command is about the link itself: set --no-follow KEY @ link:TARGET leads it elsewhere.",
                .offered = { A_KEY, A_KEY } },
        [REG_WATCH] = { "watch", 1, 1, "KEY", "Show changes as they happen, one a line",
                "The key need not exist. `overflow` and `restarted` mean that events were missed: read again.",
                .offered = { A_KEY } },
        [REG_WHY] = { "why", 1, 2, "KEY VALUE", "Show all layers of a value, and what becomes of it",
                "The winner is marked with `*`. For a value that is bound to a control: what is written,\n"
                "accepted and live.",
                .offered = { A_PATH, A_VALUE } },
        [REG_MAN] = { "man", 1, 2, "KEY [VALUE]", "Show what a value means, and what it is now and why",
                "Of a key: all values in it and below that the schema knows. With -k the words are looked for in all\n"
                "that is said of any value.",
                .offered = { A_PATH, A_VALUE } },
        [REG_HISTORY] = { "history", 1, 2, "KEY [VALUE]", "Show who changed what and when, the newest first",
                "Old and new are those of the layer; what a higher layer shadowed is `not effective`.\n"
                "Also of keys that are gone.",
                .offered = { A_PATH, A_VALUE } },
        [REG_COMPLETE] = { "complete", 2, 4, "KIND ...", "Print what the shells' completion offers",
                "The last word is what is typed so far. KIND is key, path (of a key or a value), value (of the key that\n"
                "follows), operand (that, or data of the value that follows), data (of the key and the value that follow)\n"
                "or layer. A key that leads on ends in a separator.",
                .offered = { "key path value operand data layer" } },
        [REG_UNDO] = { "undo", 0, 1, "SEQUENCE", "Take back a change, or all since a moment (--since)",
                "What that comes to is shown first. Each layer has what it had; where somebody wrote to the same since,\n"
                "nothing is done. It is one change, which can be taken back as well.",
                .offered = { NULL } },
        [REG_BACKUP] = { "backup", 1, 2, "[KEY] FILE",
                "Write a copy of the database, with its history, to a new file",
                "It is whole and checked, and others write meanwhile. Root alone may do it. With a KEY, which must be there,\n"
                "it is as Peios's own reg has it: the copy can be restored below it.",
                .offered = { OPTIONS_FILES, OPTIONS_FILES } },
        [REG_RESTORE] = { "restore", 1, 2, "[KEY] FILE",
                "Make the registry, or a key and all below it, what a copy has",
                "What that comes to is shown first. It is one change, which can be taken back; what drop-in files and\n"
                "volatile keys have stays. Root alone may do it.",
                .offered = { OPTIONS_FILES, OPTIONS_FILES } },
        [REG_CHECK] = { "check", 0, 1, "[FILE]", "Say what is wrong in the database, or in a copy of it",
                "SQLite's own check, and what the registry knows that SQLite does not. Others write meanwhile; root\n"
                "alone may do it. With FILE no provider is needed. Exit status 4 when something is wrong.",
                .offered = { OPTIONS_FILES } },
        [REG_REPAIR] = { "repair", 0, 0, "", "Put right what check finds",
                "What can be mended without a guess is, while the provider runs or not; root alone may do it. Else the database\n"
                "is set aside, and the newest good backup takes its place, once the provider is stopped. Exit status 4 when\n"
                "neither can be done.",
                .offered = { NULL } },
        [REG_LAYER_LS] = { "layer ls", 0, 0, "", "Show all layers, and when they end", NULL,
                .offered = { NULL } },
        [REG_LAYER_NEW] = { "layer new", 1, 1, "NAME", "Make a layer",
                "With --for or --until it ends by itself: it is deleted then, with all that is in it.",
                .offered = { NULL } },
        [REG_LAYER_SET] = { "layer set", 1, 1, "NAME", "Change a layer's precedence or end, or switch it",
                NULL, .offered = { A_LAYER } },
        [REG_LAYER_DEL] = { "layer del", 1, 1, "NAME", "Delete a layer with all that is in it",
                "What it covered shows again.", .offered = { A_LAYER } },
        [REG_LINT] = { "lint", 1, OPTIONS_UNLIMITED, "FILE...", "Check files, without a provider",
                "Drop-in files, .reg and JSON as apply takes them, and files of the schema; `-` is standard input.\n"
                "Exit status 4 when a file is bad.",
                .offered = { OPTIONS_FILES } },
        [REG_APPLY] = { "apply", 1, 1, "FILE", "Make a layer have what a file says, all or nothing",
                "FILE is hive YAML, JSON or .reg, whichever it looks like; `-` is standard input. It goes into the layer of\n"
                "--layer, else into the one that it names. What is there already is not written again: a second run\n"
                "says 0 changed.",
                .offered = { OPTIONS_FILES } },
        [REG_IMPORT] = { "import", 1, 1, "FILE", "As reg.exe: the same as apply", NULL, { OPTIONS_FILES },
                .takes_slashes = true },
        [REG_EDIT] = { "edit", 0, 1, "KEY", "Change a key and all below it in an editor",
                "What the layer has, as YAML, in $VISUAL or $EDITOR. What is wrong with it comes back as comments; what\n"
                "it would change is shown, and done in one transaction after a yes, unless somebody else wrote\n"
                "meanwhile. With --file, or a layer that is a drop-in file, that file is edited.",
                .offered = { A_KEY } },
        [REG_EXPORT] = { "export", 1, 2, "KEY [FILE]", "Write a key and all below it as a file",
                "What is effective, with comments that say from which layer each value is, or what one layer has. To\n"
                "standard output it is hive YAML; the ending of FILE says what that is, and without one it is JSON, as\n"
                "Peios's own reg writes it. A file that is there is replaced; on a terminal only with /y or -y, or if\n"
                "somebody says yes.",
                { A_KEY, OPTIONS_FILES }, .takes_slashes = true },
        [REG_DIFF] = { "diff", 2, 3, "A B [KEY]", "Show what makes A into B, one change a line",
                "Each is a file, `layer:NAME`, `live`: what is effective, or `at:TIME` or `at:SEQUENCE`: what was. A\n"
                "file is compared where it has something: its topmost keys and all below them. Exit status 1 if they\n"
                "differ.",
                .offered = { OPTIONS_FILES, OPTIONS_FILES, A_KEY } },
        [REG_ADD] = { "add", 1, 1, "KEY", "As reg.exe: set a value, or make a key",
                "Without /v, /ve, /t and /d the key is made. A value that is there already is replaced only with /f,\n"
                "or if somebody says yes.",
                { A_KEY }, .takes_slashes = true },
        [REG_QUERY] = { "query", 1, 1, "KEY", "As reg.exe: show what is in a key, as that prints it",
                "Defaults of the schema are not shown: see get and ls.", { A_KEY }, .takes_slashes = true },
        [REG_DELETE] = { "delete", 1, 2, "KEY [VALUE]",
                "As reg.exe: delete a key and all below it, or values",
                "Asks first; where nobody can be asked, nothing is done without /f or -y. With a VALUE word, or -r, it\n"
                "is del.",
                { A_PATH, A_VALUE }, .takes_slashes = true },
        [REG_COPY] = { "copy", 2, 2, "KEY1 KEY2", "As reg.exe: copy the values of a key into another one",
                "What is effective is copied, all in one transaction. If KEY2 is there, somebody has to say yes, or /f.",
                { A_KEY, A_KEY }, .takes_slashes = true },
        [REG_COMPARE] = { "compare", 2, 2, "KEY1 KEY2", "As reg.exe: show how the values of two keys differ",
                "What is effective is compared. Exit status 0 if they are the same, 2 if not, and 1 where one of the keys is\n"
                "not there. See diff for more.",
                { A_KEY, A_KEY }, .takes_slashes = true },
        [REG_MASK] = { "mask", 1, 2, "KEY VALUE", "Mask a value of lower layers, or all of a key with --all",
                "Nothing of the lower layers is changed. What the layer itself has would be lost, which wants a yes.",
                .offered = { A_KEY, A_VALUE } },
        [REG_UNMASK] = { "unmask", 1, 2, "KEY VALUE", "Mask it no more: what lower layers have shows again",
                NULL, .offered = { A_KEY, A_VALUE } },
        [REG_HIDE] = { "hide", 1, 1, "KEY", "Hide a key that lower layers have",
                "What the layer itself has in the key would be lost, which wants a yes.",
                .offered = { A_KEY } },
        [REG_UNHIDE] = { "unhide", 1, 1, "KEY", "Hide it no more", NULL, .offered = { A_KEY } },
};

#define AT(member) offsetof(struct reg_options, member)
#define ON(command) (UINT64_C(1) << REG_##command)

#define DOCUMENTS (ON(APPLY) | ON(IMPORT) | ON(EXPORT) | ON(DIFF))
#define ENDING (ON(SET) | ON(LAYER_NEW) | ON(LAYER_SET))
#define MASKING (ON(MASK) | ON(UNMASK) | ON(HIDE) | ON(UNHIDE))
#define AS_REG_EXE (ON(ADD) | ON(QUERY) | ON(DELETE))
#define REG_EXE_TYPES                                                                                       \
        "REG_SZ REG_MULTI_SZ REG_EXPAND_SZ REG_DWORD REG_QWORD REG_BINARY REG_NONE REG_DWORD_BIG_ENDIAN"

static const struct options_row rows[] = {
        { "layer", .kind = OPTIONS_TEXT, .offset = AT(layer),
                .commands = ON(SET) | ON(DEL) | ON(NEW) | ON(NEW_LINK) | ON(ADD) | ON(DELETE) | ON(COPY) |
                            MASKING | ON(APPLY) | ON(IMPORT) | ON(EDIT) | ON(EXPORT),
                .metavar = "NAME",
                .help = "Write to this layer (default: $PEIOS_REG_LAYER, else base); export: what it has",
                .offered = A_LAYER,
                .manual =
                        "write to this layer; the default is\n.Ev PEIOS_REG_LAYER ,\nfor\n.Cm apply\nthen the "
                        "layer that the file names, else\n.Ql base .\nFor\n.Cm export :\nwhat this layer has, "
                        "in place of what is effective." },
        { "expected-seq", .kind = OPTIONS_EXPECTED, .offset = AT(expected), .commands = ON(SET) | ON(DEL),
                .metavar = "N",
                .help = "Only if the layer's entry has this sequence (0: there is none yet), else exit status 6",
                .manual =
                        "only if the layer's value has this sequence, else the exit status is 6; 0: only if the layer "
                        "does not have it\nyet, as where\n.Cm get\nshows a default." },
        { "from", .is_word = true, .kind = OPTIONS_TEXT, .offset = AT(from), .commands = ON(SET),
                .metavar = "FILE", .help = "Take the data from there (-: standard input); no DATA word then",
                .offered = OPTIONS_FILES,
                .manual =
                        "the data are in this file, or\n.Pq Ql -\non standard input, and there is no word for "
                        "them.\nOne newline at the end is no part of them." },
        { "type", .kind = OPTIONS_TEXT, .offset = AT(type), .commands = ON(SET), .metavar = "TYPE",
                .help = "The type of the data, which then have no prefix",
                .offered = "sz expand dword qword dword-be multi hex link none",
                .manual = "the data are of this type, whatever they look like." },
        { "force", 'f', .kind = OPTIONS_FLAG, .offset = AT(force),
                .commands = ON(SET) | ON(NEW) | ON(ADD) | ON(APPLY) | ON(IMPORT) | ON(EDIT) | ON(UNDO),
                .help = "Write also values that their reader would refuse, and names that look mistyped",
                .manual =
                        "write also values that their reader would refuse, and names that look mistyped;\n.Cm undo :\ntake "
                        "back also what somebody has written over since." },
        { "dry-run", .kind = OPTIONS_FLAG, .offset = AT(dry_run), .commands = OPTIONS_ALL,
                .help = "Write nothing; show what would change",
                .manual =
                        "Write nothing; show what would change, what the policy service would do to the kernel, and "
                        "the audit record.\nThe output says, too, whether the caller may write at all." },
        { "volatile", .kind = OPTIONS_FLAG, .offset = AT(is_volatile), .commands = ON(NEW) | ON(NEW_LINK),
                .help = "The key lives in memory only, until the provider stops" },
        { "no-follow", .kind = OPTIONS_FLAG, .offset = AT(no_follow),
                .commands = ON(GET) | ON(SET) | ON(DEL) | ON(LS) | ON(TREE) | ON(INFO) | ON(WHY) |
                            ON(WATCH) | ON(EXPORT) | ON(ADD) | ON(QUERY) | ON(DELETE) | ON(MASK) |
                            ON(UNMASK) | ON(HIDE) | ON(UNHIDE),
                .help = "Where KEY is a link, that itself",
                .manual = "where\n.Ar key\nis a link, that itself, and not the key that it stands for." },
        { "recursive", 'r', .kind = OPTIONS_FLAG, .offset = AT(recursive), .commands = ON(DEL) | ON(DELETE),
                .help = "Also all keys below, in one transaction" },
        { "long", 'l', .kind = OPTIONS_FLAG, .offset = AT(long_form), .commands = ON(LS),
                .help = "With types, sizes, layers and times" },
        { "raw", .kind = OPTIONS_FLAG, .offset = AT(raw), .commands = ON(GET) | ON(SET),
                .help = "The value's bytes as they are stored, nothing added (set: those of --from)",
                .manual =
                        "the bytes as they are stored, and nothing else;\n.Cm set\ntakes those of\n.Fl -from ,\nas "
                        "they are, and\n.Fl -type\nsays what they are." },
        { "depth", .kind = OPTIONS_NUMBER, .offset = AT(depth), .commands = ON(TREE), .metavar = "N",
                .help = "Show only this many levels below KEY" },
        { "values", .kind = OPTIONS_FLAG, .offset = AT(values), .commands = ON(TREE),
                .help = "Show the keys' values too" },
        { "subtree", 's', .kind = OPTIONS_FLAG, .offset = AT(subtree), .commands = ON(WATCH) | ON(HISTORY),
                .help = "Also what happens below KEY" },
        { "count", .kind = OPTIONS_NUMBER, .offset = AT(count), .min = 1,
                .commands = ON(WATCH) | ON(HISTORY), .metavar = "N", .help = "End after N events" },
        { "keyword", 'k', .kind = OPTIONS_FLAG, .offset = AT(keyword), .commands = ON(MAN),
                .help = "Find values by words in their names, descriptions and choices" },
        { "since", .kind = OPTIONS_TEXT, .offset = AT(since), .commands = ON(HISTORY) | ON(UNDO),
                .metavar = "TIME",
                .help = "From then on (undo: or since the change of that number): 2026-01-31, '2026-01-31 10:00', 7d, 12h, 30m, @SECONDS",
                .manual =
                        "from then on:\n.Ql 2026-01-31 ,\n.Ql 2026-01-31 10:00 ,\n.Ql 7d ,\n.Ql 12h\nor\n.Ql "
                        "30m\nago, or\n.Ql @ Ns Ar seconds\nsince 1970." },
        { "until", .kind = OPTIONS_TEXT, .offset = AT(until), .commands = ON(HISTORY) | ENDING,
                .metavar = "TIME", .help = "Until then; set and layer: the layer ends then",
                .manual =
                        "until then;\n.Cm set , layer new\nand\n.Cm layer set :\nthe layer ends then, a day when it is over." },
        { "for", .kind = OPTIONS_TEXT, .offset = AT(length), .commands = ENDING, .metavar = "TIME",
                .help = "The layer ends after that time: 30m, 12h, 7d; set: one is made for it",
                .manual =
                        "the layer ends after that time:\n.Ql 30m ,\n.Ql 12h\nor\n.Ql 7d .\n.Cm set\nmakes one for it, of "
                        "precedence 0, so that what is written later wins." },
        { "precedence", .kind = OPTIONS_NUMBER, .offset = AT(precedence), .max = UINT32_MAX,
                .commands = ON(LAYER_NEW) | ON(LAYER_SET), .metavar = "N",
                .help = "The layer with the highest wins (default: 0)" },
        { "enable", .kind = OPTIONS_FLAG, .offset = AT(enable), .commands = ON(LAYER_SET),
                .help = "What is in the layer counts" },
        { "disable", .kind = OPTIONS_FLAG, .offset = AT(disable), .commands = ON(LAYER_SET),
                .help = "What is in the layer is kept, and does not count" },
        { "disabled", .kind = OPTIONS_FLAG, .offset = AT(disabled), .commands = ON(LAYER_NEW),
                .help = "What is put into the layer does not count yet" },
        { "no-end", .kind = OPTIONS_FLAG, .offset = AT(no_end), .commands = ON(LAYER_SET),
                .help = "The layer stays until it is deleted" },
        { "prune", .kind = OPTIONS_FLAG, .offset = AT(prune), .commands = ON(APPLY) | ON(IMPORT),
                .help = "What the layer has at or below the file's topmost keys, and the file has not, goes",
                .manual =
                        "what the layer has at or below the file's topmost keys, and the file has not, goes.\nTopmost "
                        "is a key that no other one of the file is above; a hive that has no values of its own\nis not "
                        "counted.\nOther layers keep what they have." },
        { "keep-going", .kind = OPTIONS_FLAG, .offset = AT(keep_going), .commands = DOCUMENTS,
                .help = "Leave out what is bad, say what that is, and end with exit status 4" },
        { "format", .kind = OPTIONS_TEXT, .offset = AT(format), .commands = ON(EXPORT), .metavar = "FORM",
                .help = "yaml, json or reg, whatever the file is called", .offered = "yaml json reg" },
        { "variant", .kind = OPTIONS_TEXT, .offset = AT(variant), .commands = ON(EXPORT), .metavar = "WHOSE",
                .help = "A .reg file for: windows, utf8 (people, Samba), ascii (hivexregedit), regedit4",
                .offered = "windows utf8 ascii regedit4",
                .manual =
                        "a .reg file for\n.Ql windows :\nUTF-16, for Windows and Wine, as files have it unless this is "
                        "given;\n.Ql utf8 :\nfor people and Samba, as standard output has it;\n.Ql ascii :\nfor "
                        "hivexregedit;\n.Ql regedit4 :\nthe old form, in a code page." },
        { "encoding", .kind = OPTIONS_TEXT, .offset = AT(encoding), .commands = DOCUMENTS | ON(LINT),
                .metavar = "NAME",
                .help = "The code page of a .reg file without a mark (default: CP1252 for REGEDIT4)" },
        { "map", .kind = OPTIONS_LIST, .offset = AT(roots), .commands = DOCUMENTS | ON(LINT),
                .metavar = "ROOT=KEY",
                .help = "ROOT of a .reg file means KEY: HKCU=/Users/S-1-5-21-7; may be given more than once",
                .manual =
                        "a root of a .reg file, such as\n.Ql HKCU ,\nmeans this key: it is read as that, and the key "
                        "is written as the root.\nMay be given more than once; where two fit, the first counts." },
        { "as-hex", .kind = OPTIONS_FLAG, .offset = AT(as_hex), .commands = ON(EXPORT),
                .help = "Write the bytes of what a .reg file cannot say, without its type" },
        { "at", .kind = OPTIONS_TEXT, .offset = AT(at),
                .commands = ON(GET) | ON(LS) | ON(TREE) | ON(INFO) | ON(WHY) | ON(EXPORT), .metavar = "WHEN",
                .help = "As it was then: a time, or right after the change of that number",
                .manual =
                        "as it was then, from the history: at a time as for\n.Fl -since ,\nor right after the change "
                        "of that number." },
        { "json", .kind = OPTIONS_FLAG, .offset = AT(json), .commands = OPTIONS_ALL,
                .help = "Print JSON (watch, history: one object a line)" },
        { "file", .kind = OPTIONS_TEXT, .offset = AT(file), .commands = ON(EDIT), .metavar = "NAME",
                .help = "Edit this file of /etc/peios/registry.d, its comments and all; it may be a new one" },
        { "root", .kind = OPTIONS_ROOT, .offset = AT(root), .commands = ON(LINT) | ON(REPAIR) | ON(EDIT),
                .metavar = "DIR",
                .help = "Look for schema and drop-in files (repair: the database) below this directory",
                .offered = OPTIONS_FOLDERS },
        { "quiet", 'q', .kind = OPTIONS_FLAG, .offset = AT(quiet), .commands = OPTIONS_ALL,
                .help = "Say only what is surprising" },
        { "verbose", 'v', .kind = OPTIONS_FLAG, .offset = AT(verbose), .commands = OPTIONS_ALL,
                .help = "Say more" },
        { "yes", 'y', .kind = OPTIONS_FLAG, .offset = AT(yes), .commands = OPTIONS_ALL,
                .help = "Do not ask before a recursive delete, or what is lost otherwise",
                .manual =
                        "Do not ask before a recursive delete.\nNobody is asked where there is no terminal; what would be "
                        "asked by\n.Cm add , delete , mask\nand\n.Cm hide\nis not done then." },
        { "layers", 'L', .kind = OPTIONS_FLAG, .offset = AT(layers), .commands = ON(GET),
                .help = "With its layer and sequence, and what other layers have" },
        { "keys-only", .kind = OPTIONS_FLAG, .offset = AT(keys_only), .commands = ON(LS),
                .help = "Only subkeys" },
        { "values-only", .kind = OPTIONS_FLAG, .offset = AT(values_only), .commands = ON(LS),
                .help = "Only values" },
        { "filter", .kind = OPTIONS_TEXT, .offset = AT(filter), .commands = ON(WATCH), .metavar = "LIST",
                .help = "Only these events, a comma between two: value, subkey, sd, all",
                .offered = "value subkey sd all" },
        { "all", .kind = OPTIONS_FLAG, .offset = AT(all), .commands = ON(MASK) | ON(UNMASK),
                .help = "All values of the key, also those that come" },
        { "parents", 'p', .kind = OPTIONS_FLAG, .offset = AT(no_effect), .commands = ON(SET) | ON(NEW),
                .help = "Make keys that are missing above, which is done in any case" },
        { "sep", .kind = OPTIONS_TEXT, .offset = AT(separator_shown), .commands = OPTIONS_ALL,
                .metavar = "CHAR", .help = "Show paths with this between their parts: \\ or /",
                .offered = "backslash slash",
                .manual = "Show paths with this between their parts:\n.Ql \\e\nor\n.Ql / ." },
        { "v", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(value),
                .commands = AS_REG_EXE | ON(COMPARE), .metavar = "NAME", .help = "The value of this name",
                .offered = A_VALUE },
        { "ve", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(default_value),
                .commands = AS_REG_EXE | ON(COMPARE), .help = "The key's default value" },
        { "va", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(all_values), .commands = ON(DELETE),
                .help = "All values that the layer has in the key, and no key" },
        { "t", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(type), .commands = ON(ADD),
                .metavar = "TYPE", .help = "The type of the data, REG_SZ if none is given",
                .offered = REG_EXE_TYPES },
        { "t", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(type), .commands = ON(QUERY),
                .metavar = "TYPE", .help = "Only values of this type", .offered = REG_EXE_TYPES },
        { "s", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(separator), .commands = ON(ADD),
                .metavar = "TEXT",
                .help = "What is between the items of a REG_MULTI_SZ, \\0 if nothing is given",
                .manual = "what is between the items of a REG_MULTI_SZ,\n.Ql \\e0\nif nothing is given." },
        { "d", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(data), .commands = ON(ADD),
                .metavar = "DATA", .help = "The data; without them 0, or nothing" },
        { "f", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(yes),
                .commands = ON(ADD) | ON(DELETE) | ON(COPY), .help = "Do not ask" },
        { "s", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(recursive),
                .commands = ON(QUERY) | ON(COPY) | ON(COMPARE), .help = "Also all keys below" },
        { "f", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(find), .commands = ON(QUERY),
                .metavar = "TEXT",
                .help = "Only where the text is in a key's or a value's name or in data; `*` and `?` as in file names",
                .manual =
                        "only where the text is in the name of a key or a value, or in data;\n.Ql *\nand\n.Ql \\&?"
                        "\nstand for other characters." },
        { "k", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(in_keys), .commands = ON(QUERY),
                .help = "/f looks in names of keys only" },
        { "d", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(in_data), .commands = ON(QUERY),
                .help = "/f looks in data only" },
        { "c", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(case_sensitive), .commands = ON(QUERY),
                .help = "/f minds case" },
        { "e", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(exactly), .commands = ON(QUERY),
                .help = "/f wants the whole to be the text" },
        { "se", .is_slash = true, .kind = OPTIONS_TEXT, .offset = AT(separator), .commands = ON(QUERY),
                .metavar = "TEXT",
                .help = "What is shown between the items of a REG_MULTI_SZ, \\0 if nothing is given",
                .manual =
                        "what is shown between the items of a REG_MULTI_SZ,\n.Ql \\e0\nif nothing is given." },
        { "z", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(numbered), .commands = ON(QUERY),
                .help = "With the number of the type behind its name" },
        { "oa", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(show_all), .commands = ON(COMPARE),
                .help = "Show what differs and what is the same" },
        { "od", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(show_differences),
                .commands = ON(COMPARE), .help = "Show what differs, as without any of these" },
        { "os", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(show_same), .commands = ON(COMPARE),
                .help = "Show what is the same" },
        { "on", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(show_none), .commands = ON(COMPARE),
                .help = "Show only whether they are the same" },
        { "y", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(yes), .commands = ON(EXPORT),
                .help = "Replace FILE without asking" },
        { "reg:32", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(no_effect),
                .commands = AS_REG_EXE | ON(COPY) | ON(COMPARE) | ON(IMPORT) | ON(EXPORT),
                .help = "Without meaning here" },
        { "reg:64", .is_slash = true, .kind = OPTIONS_FLAG, .offset = AT(no_effect),
                .commands = AS_REG_EXE | ON(COPY) | ON(COMPARE) | ON(IMPORT) | ON(EXPORT),
                .help = "Without meaning here" },
        { "?", .is_slash = true, .kind = OPTIONS_HELP,
                .commands = AS_REG_EXE | ON(COPY) | ON(COMPARE) | ON(IMPORT) | ON(EXPORT),
                .help = "Show this text" },
        { "help", 'h', .kind = OPTIONS_HELP, .commands = OPTIONS_ALL, .help = "Show this text",
                .manual = "Show a summary, of one command if there is one, and exit." },
        { "version", .kind = OPTIONS_VERSION, .commands = OPTIONS_ALL,
                .help = "Show the versions of the program and of Unicode",
                .manual = "Show the versions of the program and of Unicode and exit." },
};

const struct options_program reg_options_program = {
        .name = "peios-reg",
        .purpose = "Reads and writes the Peios registry.",
        .notes =
                "A KEY is written \\Hive\\A\\B or /Hive/A/B; without a hive it is in Machine. A value can be a\n"
                "word of its own or the last component of the key's path; @ is a key's default value, @@ one that\n"
                "is called @.\n\n"
                "Exit status: 0 done, 1 usage (diff: differences), 2 not found, 3 denied, 4 invalid,\n"
                "5 service or I/O failure, 6 another sequence than expected.",
        .commands = commands,
        .n_commands = ARRAY_SIZE(commands),
        .rows = rows,
        .n_rows = ARRAY_SIZE(rows),
};
