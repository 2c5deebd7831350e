/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taints and the policy on the bus: which of them get a record. The kernel's part is a file. */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/file.h"
#include "client.h"

#define TAINTED "/proc/sys/kernel/tainted"
#define SEQNO_FILE LAYOUT_POLICY_RUN "/seqno"
#define NO_RECORD "'seqno'=t:0"

static struct ear reported;

static void begin(void)
{
        /* Where the kernel has no control the service writes the records. */
        world_remove(CONTROL_FILE);
        world_write(TAINTED, "0\n");
        registryd_start(NULL);
        policyd_start("--recheck=1");
        ear_on(&reported, world.bus, POLICY_PATH, POLICY_INTERFACE, "TaintSet");
        WAIT(daemon_said(&world.policyd, "following the registry"));
}

/* A bit waits for its cause, and the policy changes meanwhile: what was in force when it was set counts. */
START_TEST(the_policy_of_that_moment)
{
        begin();
        world_replace(TAINTED, "4096\n");
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(policy_is("TaintEvents", "'disabled'"));
        WAIT(reported.n == 1);
        ck_assert_msg(!strstr(reported.heard[0], NO_RECORD), "%s", reported.heard[0]);
        world_replace(TAINTED, "4097\n");
        WAIT(reported.n == 2);
        ck_assert_msg(strstr(reported.heard[1], NO_RECORD), "%s", reported.heard[1]);
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(policy_is("TaintEvents", "'enabled'"));
        world_replace(TAINTED, "4099\n");
        WAIT(reported.n == 3);
        ck_assert_msg(!strstr(reported.heard[2], NO_RECORD), "%s", reported.heard[2]);
        ear_done(&reported);
}
END_TEST

/* A bit that was set under the old policy and waits for its cause. */
START_TEST(nothing_of_the_past)
{
        begin();
        set_string(world.bus, MODULES, "TaintEvents", "disabled");
        WAIT(policy_is("TaintEvents", "'disabled'"));
        world_replace(TAINTED, "4096\n");
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(policy_is("TaintEvents", "'enabled'"));
        WAIT(reported.n == 1);
        ck_assert_msg(strstr(reported.heard[0], NO_RECORD), "%s", reported.heard[0]);
        /* Cleared and set again it is of now. */
        world_replace(TAINTED, "0\n");
        WAIT(policy_is("Tainted", "0"));
        world_replace(TAINTED, "4096\n");
        WAIT(reported.n == 2);
        ck_assert_msg(!strstr(reported.heard[1], NO_RECORD), "%s", reported.heard[1]);
        ear_done(&reported);
}
END_TEST

/* No name keeps an event from being reported: neither what is no UTF-8 nor what D-Bus does not take of it.
 */
START_TEST(odd_names)
{
        static const char name[] = "'module'=s:'m\xEF\xBF\xBD_\xEF\xBF\xBD'";

        world_write("/proc/modules", "");
        begin();
        world_write("/proc/modules", "m\xFF_\xEF\xBF\xBE 1 0 - Live 0x0 (O)\n");
        world_replace(TAINTED, "4096\n");
        WAIT(reported.n == 1);
        ck_assert_msg(strstr(reported.heard[0], name), "%s", reported.heard[0]);
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "ListEvents", "");
        const char *text = message_text(m);
        ck_assert_msg(strstr(text, name) && strstr(text, " carries the letter'"), "%s", text);
        ear_done(&reported);
}
END_TEST

/* What a write would do shows the record that it would make. */
START_TEST(a_change_reports_the_mask)
{
        begin();
        world_replace(TAINTED, "4608\n");
        WAIT(reported.n == 2);
        _cleanup_message_ sd_bus_message *m = policy_answer(
                world.bus, "Preview", "ssuvs", MODULES, "TaintEvents", 1, "s", "disabled", "base");
        const char *text = message_text(m);
        ck_assert_msg(strstr(text, " tainted=0x1200 "), "%s", text);
        ear_done(&reported);
}
END_TEST

#define STATE_FILE LAYOUT_POLICY_RUN "/taint-state"
#define SENTENCE "The kernel is tainted: 'TAINT_OOT_MODULE'"

/* Where that stands in what was kept of taints, or NULL. */
static char *find_kept(struct buf *text, const char *what)
{
        buf_done(text);
        return file_read(AT_FDCWD, world_path(STATE_FILE), 65536, text, NULL, NULL) < 0
                       ? NULL
                       : strstr(text->data, what);
}

/* Killed behind the record, and perhaps before the journal has its entry: it gets one, but no second record.
 */
START_TEST(killed_before_the_entry)
{
        static const char piece[] = "  -\n    reported: 4096\n";
        _cleanup_buf_ struct buf text = BUF_INIT;

        begin();
        world_replace(TAINTED, "4096\n");
        WAIT(reported.n == 1);
        WAIT(find_kept(&text, piece));
        daemon_kill(&world.policyd);
        char *kept = find_kept(&text, piece);
        ck_assert_ptr_nonnull(kept);
        *kept = '\0';
        world_write(STATE_FILE, text.data);
        _cleanup_free_ char *number = strdup(world_read(SEQNO_FILE));
        policyd_start("--recheck=1");
        WAIT(find_kept(&text, "\nreported: 4096\n"));
        ck_assert_str_eq(world_read(SEQNO_FILE), number);
        ck_assert_uint_eq(reported.n, 1);
        if (records_are_logged())
                ck_assert_uint_eq(daemon_count(&world.policyd, SENTENCE), 2);
        ear_done(&reported);
}
END_TEST

#define OF_M "OE module=m reason=INC-1"

static struct ear changed, refusals;

static void accept(const char *first, const char *second)
{
        size_t before = changed.n;

        set_list(world.bus, MODULES, "Accepted", first, second);
        WAIT(changed.n > before);
}

static void load(const char *modules, const char *mask)
{
        size_t before = reported.n;

        world_write("/proc/modules", modules);
        world_replace(TAINTED, mask);
        WAIT(reported.n == before + 1);
}

static bool last_is_accepted(const char *how)
{
        return strstr(reported.heard[reported.n - 1], textf("'accepted'=s:'%s'", how)) != NULL;
}

static void begin_accepting(void)
{
        world_write("/proc/modules", "");
        begin();
        ear_on(&changed, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyChanged");
        ear_on(&refusals, world.bus, POLICY_PATH, POLICY_INTERFACE, "PolicyRefused");
}

static void end_accepting(void)
{
        ear_done(&reported);
        ear_done(&changed);
        ear_done(&refusals);
}

/* They are reported and recorded, but as no alarm. */
START_TEST(accepted)
{
        begin_accepting();
        ck_assert(policy_is("Accepted", "[]"));
        accept(OF_M, "W reason=INC-2");
        ck_assert(ear_heard(&changed,
                "'" MODULES "\\Accepted' 'unset' '" OF_M " | W reason=INC-2' true ['actor'=s:'known', "));
        ck_assert(policy_is("Accepted", "['" OF_M "', 'W reason=INC-2']"));
        load("m 1 0 - Live 0x0 (O)\n", "4096\n");
        ck_assert_msg(
                last_is_accepted(OF_M) && !strstr(reported.heard[0], NO_RECORD), "%s", reported.heard[0]);
        if (records_are_logged())
                ck_assert(daemon_said(&world.policyd, "; accepted: " OF_M));
        WAIT(policy_is("TaintAccepted", "4096"));
        load("m 1 0 - Live 0x0 (O)\nother 1 0 - Live 0x0 (E)\n", "12288\n");
        ck_assert_msg(last_is_accepted(""), "%s", reported.heard[1]);
        ck_assert(policy_is("TaintAccepted", "4096"));
        /* It counts for what there is now, and over a restart. */
        accept(OF_M, "module=other reason=INC-3");
        WAIT(policy_is("TaintAccepted", "12288"));
        daemon_stop(&world.policyd);
        policyd_start(NULL);
        WAIT(policy_is("TaintAccepted", "12288"));
        accept("E reason=INC-4", NULL);
        WAIT(policy_is("TaintAccepted", "8192"));
        delete_value(world.bus, MODULES, "Accepted");
        WAIT(policy_is("TaintAccepted", "0"));
        _cleanup_message_ sd_bus_message *m = policy_answer(world.bus, "ListEvents", "");
        ck_assert(!strstr(message_text(m), "INC"));
        end_accepting();
}
END_TEST

START_TEST(accepted_for_a_time)
{
        char text[128];
        time_t soon = time(NULL) + 2;

        begin_accepting();
        load("m 1 0 - Live 0x0 (O)\n", "4096\n");
        ck_assert(last_is_accepted(""));
        ck_assert_uint_gt(strftime(text, sizeof(text), "O until=%FT%TZ reason=INC-1", gmtime(&soon)), 0);
        accept(text, "P reason=INC-2");
        WAIT(daemon_said(&world.policyd, "no longer accepted, its time is over: O until="));
        WAIT(policy_is("TaintAccepted", "0"));
        WAIT(policy_is("Accepted", "['P reason=INC-2']"));
        ck_assert(!daemon_said(&world.policyd, "its time is over: P"));
        end_accepting();
}
END_TEST

/* One bad item, and all that was accepted so far is. */
START_TEST(accepted_badly)
{
        begin_accepting();
        accept(OF_M, NULL);
        set_list(world.bus, MODULES, "Accepted", "P reason=INC-2", "O modul=m reason=INC-1");
        WAIT(ear_heard(&refusals,
                "'P reason=INC-2, O modul=m reason=INC-1' '" OF_M
                "' 'acceptance 2: `O modul=m reason=INC-1`: `modul=m` is not known, expected "));
        ck_assert(policy_is("Accepted", "['" OF_M "']"));
        set_string(world.bus, MODULES, "Accepted", "O reason=INC-1");
        WAIT(ear_heard(&refusals, "type REG_SZ instead of REG_MULTI_SZ, expected items like `OE module="));
        ck_assert(policy_is("Accepted", "['" OF_M "']"));
        end_accepting();
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { the_policy_of_that_moment, nothing_of_the_past, odd_names,
                a_change_reports_the_mask, killed_before_the_entry, accepted, accepted_for_a_time,
                accepted_badly };
        return harness_main(tests, ARRAY_SIZE(tests));
}
