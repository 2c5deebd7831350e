/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schema files that are refused: the place and what was expected. */
#include <errno.h>
#include <string.h>

#include "../../../schema/schema.h"
#include "suite.h"

#define HEAD "peios-schema: 1\nkeys:\n"
#define V HEAD "  \\A:\n    V: "
#define D "description: d"

static const struct {
        const char *text, *says; /* the message begins so */
} bad[] = {
        { "", "t:1:1: no format version, expected `peios-schema: 1` first" },
        { "[]\n", "t:1:1: no format version, expected `peios-schema: 1` first" },
        { "a: b\n", "t:1:1: no format version, expected `peios-schema: 1` first" },
        { "peios-schema: 2\nkeys: {}\n", "t:1:15: a format version that is not known, expected 1" },
        { "peios-schema: [1]\nkeys: {}\n", "t:1:15: a format version that is not known, expected 1" },
        { "peios-schema: 1\n", "t:1:1: no map `keys`, expected key paths with their values" },
        { "peios-schema: 1\nkeys:\n", "t:2:6: no map `keys`, expected key paths with their values" },
        { "peios-schema: 1\nkeys: []\n", "t:2:7: no map `keys`, expected key paths with their values" },
        { "peios-schema: 1\nkeys: {}\nmore: x\n",
                "t:3:1: unknown member `more`, expected one of `peios-schema` and `keys`" },
        { "a:\n\tb\n", "t:2:1: tab used for indentation; YAML allows only spaces" },
        { HEAD "  \\A\\\\B: {}\n",
                "t:3:3: component 2 of the path: empty, expected no doubled or trailing separator" },
        { HEAD "  \\A: x\n", "t:3:7: key `Machine\\A` has no values, expected a map of them by name" },
        { HEAD "  \\A: !x {}\n", "t:3:7: key `Machine\\A` has no values, expected a map of them by name" },
        { V "x\n", "t:4:8: value `V` has no members, expected a map with `type` in it" },
        { V "{}\n", "t:4:5: no type that can be described, expected `type` with REG_SZ" },
        { V "{type: REG_SZ}\n", "t:4:5: value `V` has no `description`, expected one" },
        { V "{type: REG_SZ, description: ''}\n",
                "t:4:36: `description` is no text of one line, expected one of 1 to 4096 bytes" },
        { V "{type: REG_SZ, description: \"a\\nb\"}\n",
                "t:4:36: `description` is no text of one line, expected one of 1 to 4096 bytes" },
        { V "{type: REG_BINARY, " D "}\n",
                "t:4:15: no type that can be described, expected `type` with REG_SZ" },
        { V "{type: REG_MULTI_SZ, " D "}\n",
                "t:4:5: a list without `items`, expected `items: accepted-taint` or `items: word`" },
        { V "{type: multi, " D ", items: text}\n",
                "t:4:45: `text` is not known, expected accepted-taint or word" },
        { V "{type: multi, " D ", items: []}\n",
                "t:4:45: `items` is not known, expected accepted-taint or word" },
        { V "{type: multi, " D ", items: accepted-taint, choices: {a: {meaning: m}}}\n",
                "t:4:70: `choices` of a list, expected `items` alone" },
        { V "{type: multi, " D ", items: accepted-taint, control: {name: a.b, encoding: string}}\n",
                "t:4:70: `control` of a list, expected `items` alone" },
        { V "{type: multi, " D ", items: accepted-taint, default: O reason=x}\n",
                "t:4:70: a list that begins with something, expected \"\"" },
        { V "{type: sz, " D ", items: accepted-taint}\n",
                "t:4:42: `items` of a type that is no list, expected REG_MULTI_SZ" },
        { V "{type: text, " D "}\n", "t:4:15: no type that can be described, expected `type` with REG_SZ" },
        { V "{type: [], " D "}\n", "t:4:15: no type that can be described, expected `type` with REG_SZ" },
        { V "{type: sz, " D ", colour: red}\n", "t:4:35: unknown member `colour`, expected one of `type`" },
        { V "{type: sz, " D ", apply: later}\n",
                "t:4:42: `later` is not known, expected live, restart or reboot" },
        { V "{type: sz, " D ", apply: []}\n",
                "t:4:42: `apply` is not known, expected live, restart or reboot" },
        { V "{type: sz, " D ", range: [0, 1]}\n",
                "t:4:42: no range, expected `[least, most]` for a type that is a number" },
        { V "{type: dword, " D ", range: 0..1}\n",
                "t:4:45: no range, expected `[least, most]` for a type that is a number" },
        { V "{type: dword, " D ", range: [0]}\n",
                "t:4:45: no range, expected `[least, most]` for a type that is a number" },
        { V "{type: dword, " D ", range: [2, 1]}\n",
                "t:4:45: a range from 2 to 1, expected the smaller number first" },
        { V "{type: dword, " D ", range: [0, 4294967296]}\n",
                "t:4:49: not a bound of a range, expected a number from 0 to 4294967295" },
        { V "{type: dword, " D ", range: [-1, 5]}\n",
                "t:4:46: not a bound of a range, expected a number from 0 to 4294967295" },
        { V "{type: dword, " D ", range: [0, 5], choices: {1: {meaning: m}}}\n",
                "t:4:45: both `range` and `choices`, expected one of them" },
        { V "{type: dword, " D ", path: {}}\n",
                "t:4:44: `path` is no map of a type that is a string, expected `{}` or one with `suffix`" },
        { V "{type: sz, " D ", path: /etc}\n",
                "t:4:41: `path` is no map of a type that is a string, expected `{}` or one with `suffix`" },
        { V "{type: sz, " D ", path: {prefix: x}}\n",
                "t:4:42: unknown member `prefix`, expected one of `suffix`" },
        { V "{type: sz, " D ", path: {suffix: ''}}\n",
                "t:4:50: `suffix` is no text of one line, expected one of 1 to 64 bytes" },
        { V "{type: sz, " D ", path: {suffix: a/b}}\n",
                "t:4:50: a slash in `suffix`, expected the end of a file's name" },
        { V "{type: sz, " D ", path: {}, choices: {/a: {meaning: m}}}\n",
                "t:4:41: both `path` and `choices`, expected one of them" },
        { V "{type: sz, " D ", path: {}, default: x}\n",
                "t:4:54: `x` is no absolute path, expected an absolute path, or nothing" },
        { V "{type: dword, " D ", range: [0, 5], default: 6}\n",
                "t:4:62: 6 is not allowed, expected a number from 0 to 5" },
        { V "{type: dword, " D ", default: x}\n",
                "t:4:47: `x` is not allowed, expected a number from 0 to 4294967295" },
        { V "{type: sz, " D ", default: [x]}\n",
                "t:4:44: `default` is no plain text, expected one without a tag" },
        { V "{type: sz, " D ", default: c, choices: {a: {meaning: m}, b: {meaning: m}}}\n",
                "t:4:44: `c` is not allowed, expected one of a, b" },
        { V "{type: sz, " D ", choices: [a, b]}\n",
                "t:4:44: `choices` is no map of 1 to 64 choices, expected one" },
        { V "{type: sz, " D ", choices: {}}\n",
                "t:4:44: `choices` is no map of 1 to 64 choices, expected one" },
        { V "{type: sz, " D ", choices: {a: b}}\n",
                "t:4:48: choice `a` has no members, expected `control` and `meaning`" },
        { V "{type: sz, " D ", choices: {a: {}}}\n", "t:4:45: choice `a` has no `meaning`, expected one" },
        { V "{type: sz, " D ", choices: {a: {meaning: m, x: y}}}\n",
                "t:4:61: unknown member `x`, expected one of `control` and `meaning`" },
        { V "{type: sz, " D ", choices: {a: {meaning: m}, A: {meaning: m}}}\n",
                "t:4:62: choice `A` is here a second time (case does not count), expected each once" },
        { V "{type: sz, " D ", choices: {\"a\\nb\": {meaning: m}}}\n",
                "t:4:45: `a\\x0ab` cannot be a choice, expected one line of 1 to 4094 bytes" },
        { V "{type: sz, " D ", choices: {'': {meaning: m}}}\n",
                "t:4:45: `` cannot be a choice, expected one line of 1 to 4094 bytes" },
        { V "{type: dword, " D ", choices: {on: {meaning: m}}}\n",
                "t:4:48: `on` is not allowed, expected a number from 0 to 4294967295" },
        { V "{type: dword, " D ", choices: {1: {meaning: m}, 0x1: {meaning: m}}}\n",
                "t:4:65: choice `0x1` is here a second time (case does not count), expected each once" },
        { V "{type: sz, " D ", choices: {a: {meaning: m, control: 1}}}\n",
                "t:4:44: a choice with `control`, expected that only with `encoding: choice`" },
        { V "{type: sz, " D ", control: kernel.x}\n",
                "t:4:44: `control` is no map, expected `name`, `encoding`, `drift-value`, `drift`, `audit-op` and `audit-off`" },
        { V "{type: sz, " D ", control: {name: a.b}}\n",
                "t:4:35: a control without `name` or `encoding`, expected both" },
        { V "{type: sz, " D ", control: {encoding: string}}\n",
                "t:4:35: a control without `name` or `encoding`, expected both" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: text}}\n",
                "t:4:66: `text` is not known, expected choice, number or string" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: number}}\n",
                "t:4:66: an encoding that does not fit, expected `choice` where every" },
        { V "{type: dword, " D ", control: {name: a.b, encoding: string}}\n",
                "t:4:69: an encoding that does not fit, expected `choice` where every" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: choice}}\n",
                "t:4:66: an encoding that does not fit, expected `choice` where every" },
        { V "{type: sz, " D ", choices: {a: {meaning: m}}, control: {name: a.b, encoding: choice}}\n",
                "t:4:94: an encoding that does not fit, expected `choice` where every" },
        { V "{type: sz, " D
            ", choices: {a: {meaning: m, control: x}}, control: {name: a.b, encoding: string}}\n",
                "t:4:44: a choice with `control`, expected that only with `encoding: choice`" },
        { V "{type: sz, " D ", control: {name: a..b, encoding: string}}\n",
                "t:4:51: `a..b` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: .a, encoding: string}}\n",
                "t:4:51: `.a` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: a., encoding: string}}\n",
                "t:4:51: `a.` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: a.//.b, encoding: string}}\n",
                "t:4:51: `a.//.b` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: a./.b, encoding: string}}\n",
                "t:4:51: `a./.b` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: kernel.core_pattern, encoding: string}}\n",
                "t:4:51: `kernel.core_pattern` says which programs the kernel runs as root (kernel.core_pattern)" },
        { V "{type: sz, " D ", control: {name: kernel.modprobe, encoding: string}}\n",
                "t:4:51: `kernel.modprobe` says which programs the kernel runs as root (kernel.modprobe)" },
        { V "{type: sz, " D ", control: {name: kernel.hotplug, encoding: string}}\n",
                "t:4:51: `kernel.hotplug` says which programs the kernel runs as root (kernel.hotplug)" },
        { V "{type: sz, " D ", control: {name: kernel.poweroff_cmd, encoding: string}}\n",
                "t:4:51: `kernel.poweroff_cmd` says which programs the kernel runs as root (kernel.poweroff_cmd)" },
        { V "{type: sz, " D ", control: {name: kernel.usermodehelper.bset, encoding: string}}\n",
                "t:4:51: `kernel.usermodehelper.bset` says which programs the kernel runs as root (kernel.usermodehelper)" },
        { V "{type: sz, " D ", control: {name: kernel.usermodehelper.inheritable, encoding: string}}\n",
                "t:4:51: `kernel.usermodehelper.inheritable` says which programs the kernel runs as root (kernel.usermodehelper)" },
        { V "{type: sz, " D ", control: {name: fs.binfmt_misc.register, encoding: string}}\n",
                "t:4:51: `fs.binfmt_misc.register` says which programs the kernel runs as root (fs.binfmt_misc)" },
        { V "{type: sz, " D ", control: {name: fs.binfmt_misc, encoding: string}}\n",
                "t:4:51: `fs.binfmt_misc` says which programs the kernel runs as root (fs.binfmt_misc)" },
        { V "{type: sz, " D ", control: {name: kernel/core_pattern, encoding: string}}\n",
                "t:4:51: `kernel/core_pattern` says which programs the kernel runs as root (kernel.core_pattern)" },
        { V "{type: sz, " D ", control: {name: /proc/sys/kernel/core_pattern, encoding: string}}\n",
                "t:4:51: `/proc/sys/kernel/core_pattern` says which programs the kernel runs as root (kernel.core_pattern)" },
        { V "{type: sz, " D ", control: {name: proc/sys/kernel/modprobe, encoding: string}}\n",
                "t:4:51: `proc/sys/kernel/modprobe` says which programs the kernel runs as root (kernel.modprobe)" },
        { V "{type: sz, " D ", control: {name: /kernel//core_pattern, encoding: string}}\n",
                "t:4:51: `/kernel//core_pattern` says which programs the kernel runs as root (kernel.core_pattern)" },
        { V "{type: sz, " D ", control: {name: fs/binfmt_misc/register, encoding: string}}\n",
                "t:4:51: `fs/binfmt_misc/register` says which programs the kernel runs as root (fs.binfmt_misc)" },
        { V "{type: sz, " D ", control: {name: kernel.//.kernel.core_pattern, encoding: string}}\n",
                "t:4:51: `kernel.//.kernel.core_pattern` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: kernel./.core_pattern, encoding: string}}\n",
                "t:4:51: `kernel./.core_pattern` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: kernel..core_pattern, encoding: string}}\n",
                "t:4:51: `kernel..core_pattern` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: .kernel.core_pattern, encoding: string}}\n",
                "t:4:51: `.kernel.core_pattern` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: kernel.core_pattern., encoding: string}}\n",
                "t:4:51: `kernel.core_pattern.` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: a b, encoding: string}}\n",
                "t:4:51: `a b` is no name of a control, expected one like kernel.pid_max" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: string, more: x}}\n",
                "t:4:74: unknown member `more`, expected one of `name`" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: string, drift: maybe}}\n",
                "t:4:81: `maybe` is not known, expected report or reapply" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: string, drift-value: v}}\n",
                "t:4:87: the value itself as `drift-value`, expected another value of the key" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: string, audit-op: Changed It}}\n",
                "t:4:84: `Changed It` cannot be an operation, expected letters a-z, digits and `-`" },
        { V "{type: dword, " D ", control: {name: a.b, encoding: number, audit-off: x}}\n",
                "t:4:88: `x` is not allowed, expected a number from 0 to 4294967295" },
        { V "{type: sz, " D "}\n    v: {type: sz, " D "}\n",
                "t:5:5: value `v` is here a second time (case does not count), the first is in line 4; expected each once" },
        { V "{type: sz, " D "}\n  a:\n    v: {type: sz, " D "}\n",
                "t:6:5: value `v` is here a second time (case does not count), the first is in line 4; expected each once" },
        { V "{type: sz, " D ", control: {name: a.b, encoding: string}}\n    W: {type: sz, " D
            ", control: {name: a.b, encoding: string}}\n",
                "t:4:5: control a.b is bound to value `W` in key `Machine\\A` already, expected one value a control" },
};

TEST(bad_files)
{
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct schema s = { 0 };
                struct diag d = { 0 };
                int r = schema_add(&s, "t", bad[i].text, strlen(bad[i].text), &d);
                ck_assert_msg(r == -EINVAL, "%zu: %s: %d", i, bad[i].text, r);
                ck_assert_msg(strncmp(d.text, bad[i].says, strlen(bad[i].says)) == 0, "%zu: %s", i, d.text);
                ck_assert_uint_eq(s.n, 0);
                ck_assert_int_eq(schema_add(&s, "t", bad[i].text, strlen(bad[i].text), NULL), -EINVAL);
        }
}

/* Only those, and what is below them. */
TEST(controls_beside_them)
{
        static const char *const names[] = { "kernel.core_patterns", "kernel.core_uses_pid",
                "kernel.modprobe_", "kernel.modules_disabled", "net.kernel.modprobe", "fs.binfmt",
                "proc.sys" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_schema_ struct schema *s = calloc(1, sizeof(*s));
                _cleanup_buf_ struct buf text = BUF_INIT;
                struct diag d = { 0 };
                ck_assert_ptr_nonnull(s);
                buf_printf(&text, V "{type: sz, " D ", control: {name: %s, encoding: string}}\n", names[i]);
                ck_assert_msg(schema_add(s, "t", text.data, text.len, &d) == 0, "%s: %s", names[i], d.text);
        }
}

#define BOUND(name) "    " name ": {type: sz, " D ", control: {name: a.b, encoding: string}}\n"

/* Whichever of the two comes first by its name: the new one is refused, and what is there is named. */
TEST(control_of_another_file)
{
        static const char *const others[] = { BOUND("A"), BOUND("Z") };
        static const char file[] = HEAD "  \\A:\n" BOUND("M");

        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                _cleanup_schema_ struct schema *s = calloc(1, sizeof(*s));
                _cleanup_buf_ struct buf text = BUF_INIT;
                struct diag d = { 0 };
                ck_assert_ptr_nonnull(s);
                ck_assert_int_eq(schema_add(s, "first", file, strlen(file), &d), 0);
                buf_printf(&text, HEAD "  \\A:\n    N: {type: sz, " D "}\n%s", others[i]);
                ck_assert_int_eq(schema_add(s, "t", text.data, text.len, &d), -EINVAL);
                ck_assert_str_eq(d.text,
                        "t:5:5: control a.b is bound to value `M` in key `Machine\\A` already, expected one value a control");
                /* The same one again replaces it. */
                ck_assert_int_eq(schema_add(s, "first", file, strlen(file), &d), 0);
                ck_assert_uint_eq(s->n, 1);
        }
}

TEST(what_is_meant)
{
        static const char *const yes[] = { HEAD, "peios-schema: 2",
                "\xef\xbb\xbf# a\r\n\r\n \t#\npeios-schema:" };
        static const char *const no[] = { "", "#", "# peios-schema: 1\n",
                "peios-registry: 1\n#\npeios-schema: 1\n", "peios", "\xef\xbb\xbf" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
                ck_assert_msg(schema_is_text(yes[i]), "%s", yes[i]);
        for (size_t i = 0; i < ARRAY_SIZE(no); i++)
                ck_assert_msg(!schema_is_text(no[i]), "%s", no[i]);
}

static int add_many(struct schema *s, unsigned from, unsigned n, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        buf_puts(&text, HEAD "  \\A:\n");
        for (unsigned i = from; i < from + n; i++)
                buf_printf(&text, "    v%u: {type: sz, description: d}\n", i);
        return schema_add(s, "t", text.data, text.len, d);
}

TEST(value_limit)
{
        _cleanup_schema_ struct schema *s = calloc(1, sizeof(*s));
        struct diag d = { 0 };
        ck_assert_ptr_nonnull(s);
        ck_assert_int_eq(add_many(s, 0, SCHEMA_VALUES_MAX + 1, &d), -EFBIG);
        ck_assert_str_eq(d.text, "t:3:3: 1001 values, expected at most 1000");
        ck_assert_int_eq(add_many(s, 0, SCHEMA_VALUES_MAX, &d), 0);
        /* The same ones again are no more than there were. */
        ck_assert_int_eq(add_many(s, 0, SCHEMA_VALUES_MAX, &d), 0);
        ck_assert_int_eq(add_many(s, 1, SCHEMA_VALUES_MAX, &d), -EFBIG);
        ck_assert_str_eq(d.text, "t: 1001 values with those of the other files, expected at most 1000");
        ck_assert_uint_eq(s->n, SCHEMA_VALUES_MAX);
}

TEST(choice_limit)
{
        for (unsigned n = SCHEMA_CHOICES_MAX; n <= SCHEMA_CHOICES_MAX + 1; n++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                _cleanup_schema_ struct schema *s = calloc(1, sizeof(*s));
                ck_assert_ptr_nonnull(s);
                buf_puts(&text,
                        HEAD "  \\A:\n    V:\n      type: sz\n      description: d\n      choices:\n");
                for (unsigned i = 0; i < n; i++)
                        buf_printf(&text, "        c%u: {meaning: m}\n", i);
                ck_assert_int_eq(schema_add(s, "t", text.data, text.len, NULL),
                        n == SCHEMA_CHOICES_MAX ? 0 : -EINVAL);
        }
}

TEST(file_too_large)
{
        struct schema s = { 0 };
        struct diag d = { 0 };
        /* Nothing of the text is looked at. */
        ck_assert_int_eq(schema_add(&s, "t", "", SCHEMA_FILE_BYTES_MAX + 1, &d), -EFBIG);
        ck_assert_str_eq(d.text, "t: is 1048577 bytes large, expected at most 1048576");
}

Suite *test_suite(void)
{
        return suite_of("schema-errors");
}
