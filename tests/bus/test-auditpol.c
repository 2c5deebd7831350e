/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What peios-auditpol shows of taints, over the bus from the service. The kernel's part is a file. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "client.h"

#define FAILURE 5 /* as peios-reg(1) has it */
#define LEFT_OVER 2
#define TAINTED "/proc/sys/kernel/tainted"

static struct daemon auditpol = { .name = "auditpol", .notify_fd = -1 };
static struct ear told;

static void begin(void)
{
        ck_assert(asprintf(&auditpol.log, "%s/auditpol.log", world.dir) > 0);
        world_remove(CONTROL_FILE);
        world_write(TAINTED, "0\n");
        world_write("/proc/modules", "");
        registryd_start(NULL);
        policyd_start(NULL);
        ear_on(&told, world.bus, POLICY_PATH, POLICY_INTERFACE, "TaintSet");
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

static void end(void)
{
        ear_done(&told);
        free(STEAL_PTR(auditpol.log));
}

static void load_module(void)
{
        world_write("/proc/modules", "m\x1b[31m 1 0 - Live 0x0 (O)\n");
        world_write("/sys/module/m\x1b[31m/taint", "O\n");
        world_replace(TAINTED, "4096\n");
        WAIT(told.n == 1);
}

/* It must say these parts in order, anything between them: the first at the beginning, and the last at the
 * end unless it is "". */
static void says(
        const char *command, const char *second, const char *third, int code, const char *const *parts)
{
        (void)unlink(auditpol.log);
        spawn_program(&auditpol, "PEIOS_AUDITPOL", command, second, third);
        ck_assert_int_eq(daemon_end(&auditpol), code);
        _cleanup_buf_ struct buf out = BUF_INIT;
        ck_assert_int_eq(file_read(AT_FDCWD, auditpol.log, 1000000, &out, NULL, NULL), 0);
        const char *text = buf_str(&out), *at = text, *last = "x";
        ck_assert_msg(!strchr(text, '\x1b'), "%s", text);
        for (size_t i = 0; parts[i]; i++) {
                const char *found = strstr(at, parts[i]);
                ck_assert_msg(found && (i > 0 || found == at), "no `%s` in: %s", parts[i], text);
                at = found + strlen(parts[i]);
                last = parts[i];
        }
        ck_assert_msg(*at == '\0' || *last == '\0', "`%s` is too much in: %s", at, text);
}
#define PARTS(...)                                                                                          \
        (const char *const[])                                                                               \
        {                                                                                                   \
                __VA_ARGS__, NULL                                                                           \
        }
#define SAYS(command, option, code, ...) says(command, option, NULL, code, PARTS(__VA_ARGS__))
#define CHECK(option, code, ...) says("taint", "check", option, code, PARTS(__VA_ARGS__))

/* Among the words of a line of `.Va`; `word` has a blank at both ends. */
static bool has_member(const char *page, const char *word)
{
        for (const char *line = page; (line = strstr(line, "\n.Va ")); line++) {
                const char *end = strchrnul(line + 1, '\n');
                if (strstr(textf("%.*s ", (int)(end - line - 1), line + 1), word))
                        return true;
        }
        return false;
}

START_TEST(nothing)
{
        begin();
        SAYS("taint", NULL, 0, "0: Not tainted\n");
        /* A kernel that has letters of its own knows them best, and who hides a bit in one of the two is
         * seen. */
        world_write(TAINTED "_chars", "G           O   \n");
        SAYS("taint", NULL, 0,
                "peios-auditpol: the kernel's own letters, 'G           O   ', are not those of its mask, 0\n",
                "0: Not tainted\n");
        world_remove(TAINTED "_chars");
        SAYS("taint", "--json", 0, "{\"mask\":0,\"letters\":\"", "\",\"bits\":[],\"modules\":[]}\n");
        SAYS("events", NULL, 0, "");
        SAYS("events", "--json", 0, "[]\n");
        end();
}
END_TEST

START_TEST(a_taint)
{
        begin();
        load_module();
        SAYS("taint", NULL, 0, "4096: Tainted: ", "\n  12  TAINT_OOT_MODULE ", "\n      2",
                "Z  TAINT_OOT_MODULE set: module-load (likely), module m\\x1b[31m (", "O)", "\n    ",
                "\nloaded modules that carry letters:\n  m\\x1b[31m ", " O\n");
        SAYS("taint", "--json", 0, "{\"mask\":4096,\"letters\":\"",
                "\",\"bits\":[{\"bit\":12,\"taint\":\"TAINT_OOT_MODULE\",\"meaning\":\"",
                "\",\"event\":{\"taint\":\"TAINT_OOT_MODULE\",\"bit\":12,\"cleared\":false,\"old_mask\":0,"
                "\"new_mask\":4096,",
                "\"reason\":\"module-load\",\"module\":\"m\\u001b[31m\",",
                "}],\"modules\":[{\"name\":\"m\\u001b[31m\",\"taints\":\"O\"}]}\n");
        SAYS("events", NULL, 0, "2", "Z  TAINT_OOT_MODULE set: module-load (likely), module m\\x1b[31m (",
                "\n    ", "");
        SAYS("events", "--json", 0, "[{\"taint\":\"TAINT_OOT_MODULE\",\"bit\":12,\"cleared\":false,",
                "\"reason\":\"module-load\",\"module\":\"m\\u001b[31m\",", "}]\n");
        end();
}
END_TEST

static unsigned shown(const char *flag)
{
        return daemon_count(&auditpol, textf("{\"taint\":\"TAINT_%s\",", flag));
}

/* What is set while no service runs is shown once the next one tells of it; nothing is shown twice. */
START_TEST(follow)
{
        begin();
        load_module();
        spawn_program(&auditpol, "PEIOS_AUDITPOL", "events", "--follow", "--json");
        WAIT(shown("OOT_MODULE") == 1);
        world_replace(TAINTED, "4608\n");
        WAIT(shown("WARN") == 1);
        daemon_kill(&world.policyd);
        world_replace(TAINTED, "12800\n");
        policyd_start(NULL);
        WAIT(shown("UNSIGNED_MODULE") == 1);
        ck_assert(daemon_said(&auditpol, "\"reason\":\"present-at-start\""));
        world_replace(TAINTED, "12928\n");
        WAIT(shown("DIE") == 1);
        ck_assert_uint_eq(daemon_count(&auditpol, "\n"), 4);
        daemon_signal(&auditpol, SIGTERM);
        ck_assert_int_eq(daemon_end(&auditpol), 128 + SIGTERM);
        end();
}
END_TEST

/* A played service. */
static int append_event(sd_bus_message *m, const char *taint, unsigned bit)
{
        return sd_bus_message_append(m, "a{sv}", 5, "taint", "s", taint, "bit", "u", bit, "old-mask", "t",
                UINT64_C(0), "new-mask", "t", UINT64_C(1) << bit, "time-usec", "t", UINT64_C(0));
}

static void signal_event(const char *taint, unsigned bit)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        ck_assert_int_ge(
                sd_bus_message_new_signal(world.bus, &m, POLICY_PATH, POLICY_INTERFACE, "TaintSet"), 0);
        ck_assert_int_ge(append_event(m, taint, bit), 0);
        ck_assert_int_ge(sd_bus_send(world.bus, m, NULL), 0);
}

/* Everything arrives in this order. */
static int on_call(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
        _cleanup_message_ sd_bus_message *reply = NULL;

        if (!sd_bus_message_is_method_call(m, POLICY_INTERFACE, "ListEvents"))
                return 0;
        signal_event("TAINT_WARN", 9);
        signal_event("TAINT_OOT_MODULE", 12);
        ck_assert_int_ge(sd_bus_message_new_method_return(m, &reply), 0);
        ck_assert_int_ge(sd_bus_message_open_container(reply, 'a', "a{sv}"), 0);
        ck_assert_int_ge(append_event(reply, "TAINT_OOT_MODULE", 12), 0);
        ck_assert_int_ge(sd_bus_message_close_container(reply), 0);
        ck_assert_int_ge(sd_bus_send(world.bus, reply, NULL), 0);
        signal_event("TAINT_OOT_MODULE", 12);
        signal_event("TAINT_DIE", 7);
        return 1;
}

/* What comes while the list is on its way is shown once, whether the list has it or has not; what comes
 * behind the list is another event, however alike. */
START_TEST(follow_from_the_list)
{
        ck_assert(asprintf(&auditpol.log, "%s/auditpol.log", world.dir) > 0);
        ck_assert_int_ge(sd_bus_add_object(world.bus, NULL, POLICY_PATH, on_call, NULL), 0);
        ck_assert_int_ge(sd_bus_request_name(world.bus, POLICY_BUS_NAME, 0), 0);
        spawn_program(&auditpol, "PEIOS_AUDITPOL", "events", "--follow", "--json");
        WAIT(shown("DIE") == 1);
        ck_assert_uint_eq(shown("WARN"), 1);
        ck_assert_uint_eq(shown("OOT_MODULE"), 2);
        daemon_signal(&auditpol, SIGTERM);
        ck_assert_int_eq(daemon_end(&auditpol), 128 + SIGTERM);
        free(STEAL_PTR(auditpol.log));
}
END_TEST

/* Where the mask cannot be read, what is known is old. */
START_TEST(no_mask)
{
        _cleanup_free_ char *other = NULL;

        begin();
        load_module();
        world_write(TAINTED, "none\n");
        WAIT(policy_is("TaintReadable", "false"));
        SAYS("status", NULL, 0, "Audit policy for kernel taint events: enabled\n",
                "\nthe kernel's taint mask cannot be read: no taint is seen\n", "");
        SAYS("status", "--json", 0, "{", "\"taint_readable\":false,", "}\n");
        SAYS("taint", NULL, FAILURE, "peios-auditpol: ", TAINTED, "");
        world_write("/other" TAINTED, "4096\n");
        ck_assert(asprintf(&other, "--root=%s/other", world.root) > 0);
        SAYS("taint", other, 0,
                "peios-auditpol: the service cannot read the taint mask: newer causes are not known\n",
                "4096: Tainted: ", "");
        end();
}
END_TEST

static void accept(const char *first, const char *second, const char *bits)
{
        set_list(world.bus, MODULES, "Accepted", first, second);
        WAIT(policy_is("Accepted", textf("['%s%s%s']", first, second ? "', '" : "", second ? second : "")));
        ck_assert(policy_is("TaintAccepted", bits));
}

START_TEST(check_bits)
{
        begin();
        CHECK(NULL, 0, "nothing is left over\npanic_on_taint=0xfffff\n");
        CHECK("--json", 0,
                "{\"mask\":0,\"left_over\":[],\"cleared\":[],\"modules\":[],\"accepted\":[],"
                "\"panic_on_taint\":\"0xfffff\"}\n");
        load_module();
        CHECK(NULL, LEFT_OVER, "left over: TAINT_OOT_MODULE (bit 12)\n      2", "Z  TAINT_OOT_MODULE set: ",
                "\nleft over: module m\\x1b[31m, which carries O\npanic_on_taint=0xfffff\n");
        CHECK("--json", LEFT_OVER,
                "{\"mask\":4096,\"left_over\":[{\"bit\":12,\"taint\":\"TAINT_OOT_MODULE\",\"event\":{",
                "\"accepted\":null}}],\"cleared\":[],\"modules\":[{\"name\":\"m\\u001b[31m\",\"taints\":\"O\"}],"
                "\"accepted\":[],\"panic_on_taint\":\"0xfffff\"}\n");
        accept("O reason=INC-1", NULL, "4096");
        CHECK(NULL, 0, "accepted: TAINT_OOT_MODULE (bit 12)\n",
                "\n          accepted: O reason=INC-1\n"
                "nothing is left over\npanic_on_taint=0xfefff\n");
        CHECK("--json", 0,
                "{\"mask\":4096,\"left_over\":[],\"cleared\":[],\"modules\":[],\"accepted\":[{\"bit\":12,",
                "\"accepted\":\"O reason=INC-1\"}}],\"panic_on_taint\":\"0xfefff\"}\n");
        world_replace(TAINTED, "0\n");
        WAIT(policy_is("Tainted", "0"));
        CHECK(NULL, LEFT_OVER, "cleared, which the kernel never does: TAINT_OOT_MODULE (bit 12)\n",
                "CLEARED", "");
        daemon_stop(&world.policyd);
        CHECK(NULL, FAILURE, "peios-auditpol: the policy service (org.peios.AuditPolicy1) is not running\n");
        end();
}
END_TEST

/* A module that comes when the bit is set already sets nothing. */
START_TEST(check_modules)
{
        begin();
        world_write("/proc/modules", "zfs 1 0 - Live 0x0 (PO)\n");
        world_write("/sys/module/zfs/taint", "PO\n");
        world_replace(TAINTED, "4097\n");
        WAIT(told.n == 2);
        accept("PO module=zfs reason=INC-1", "W reason=INC-2", "4097");
        CHECK(NULL, 0, "accepted: TAINT_PROPRIETARY_MODULE (bit 0)\n", "panic_on_taint=0xfedfe\n");
        world_write("/sys/module/other/taint", "O\n");
        world_write("/sys/module/third/taint", "OZ\n");
        CHECK(NULL, LEFT_OVER, "left over: module ", "accepted: ", "");
        accept("PO module=zfs reason=INC-1", "module=third reason=INC-2", "4097");
        CHECK(NULL, LEFT_OVER,
                "left over: module other, which carries O\naccepted: ", "panic_on_taint=0xa4bfc\n");
        accept("PO reason=INC-1", "E reason=INC-2", "4097");
        CHECK(NULL, LEFT_OVER, "left over: module third, which carries Z\naccepted: ", "");
        end();
}
END_TEST

/* What would have no effect is refused. */
START_TEST(options)
{
        begin();
        SAYS("status", "--csv", 1, "peios-auditpol: --csv has no meaning for 'status'\n");
        SAYS("get", "--follow", 1, "peios-auditpol: --follow has no meaning for 'get'\n");
        SAYS("taint", "--era=5.0", 1, "peios-auditpol: --era has no meaning for 'taint'\n");
        SAYS("taint", "decode", 1, "peios-auditpol: decode takes ", "");
        CHECK("--csv", 1, "peios-auditpol: --csv has no meaning for 'taint check'\n");
        CHECK("extra", 1, "peios-auditpol: taint check: 'extra' is one word too many\n");
        SAYS("taint", "bogus", 1, "peios-auditpol: there is no 'taint bogus'; ", "");
        SAYS("status", "extra", 1, "peios-auditpol: status: 'extra' is one word too many\n");
        SAYS("set", NULL, 1, "peios-auditpol: set: too few words, expected: set VALUE\n");
        end();
}
END_TEST

/* Every member that a command prints is in the manual page. */
START_TEST(documented)
{
        static const struct {
                const char *command, *second;
                int code;
        } cases[] = {
                { "status", NULL, 0 },
                { "get", NULL, 0 },
                { "explain", NULL, 0 },
                { "events", NULL, 0 },
                { "taint", NULL, 0 },
                { "taint", "check", LEFT_OVER },
        };
        _cleanup_buf_ struct buf page = BUF_INIT, path = BUF_INIT;
        unsigned n = 0;

        buf_printf(&path, "%s/schema/man/peios-auditpol.1.in", getenv("PEIOS_SOURCE"));
        ck_assert_int_eq(file_read(AT_FDCWD, buf_str(&path), 1000000, &page, NULL, NULL), 0);
        begin();
        load_module();
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf out = BUF_INIT;
                (void)unlink(auditpol.log);
                spawn_program(&auditpol, "PEIOS_AUDITPOL", "--json", cases[i].command, cases[i].second);
                ck_assert_int_eq(daemon_end(&auditpol), cases[i].code);
                ck_assert_int_eq(file_read(AT_FDCWD, auditpol.log, 1000000, &out, NULL, NULL), 0);
                for (char *end = out.data; (end = strstr(end, "\":")); end += 2, n++) {
                        char *name = end, word[64];
                        while (name > out.data && name[-1] != '"')
                                name--;
                        (void)snprintf(word, sizeof(word), " %.*s ", (int)(end - name), name);
                        ck_assert_msg(has_member(buf_str(&page), word), "%s:%s", cases[i].command, word);
                }
        }
        ck_assert_uint_gt(n, 60);
        end();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { nothing, a_taint, follow, follow_from_the_list, no_mask, check_bits,
                check_modules, options, documented };
        return harness_main(tests, ARRAY_SIZE(tests));
}
