/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A disk on which something does not fit: what is told of it, and that it is over when there is room. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../schema/base/ending.h"
#include "dropin.h"

#define KEY "\\Test\\Key"

#define LARGE_VALUES 1000u
#define HURRIED_SECONDS 9u /* below the time after which it is tried again anyway */

/* Nothing can be written, with this limit. */
static void limit_files(const struct rlimit *limit, struct rlimit *ret_old)
{
        ck_assert_int_eq(prlimit(world.registryd.pid, RLIMIT_FSIZE, limit, ret_old), 0);
}

static void start_with_a_dropin_that_does_not_fit(struct rlimit *ret_old)
{
        registryd_start(NULL);
        limit_files(NULL, ret_old);
        limit_files(&(struct rlimit){ .rlim_cur = 0, .rlim_max = ret_old->rlim_max }, NULL);
        dropin_write("site.yaml", dropin_text("site", 5, "disabled"));
        WAIT(!no_problems());
}

START_TEST(dropin_does_not_fit)
{
        struct rlimit old;

        start_with_a_dropin_that_does_not_fit(&old);
        char *problems = strdupa(registry_property(world.bus, "Problems"));
        ck_assert_msg(strstr(problems, "[('" LAYOUT_DROPINS_ADMIN "' '") == problems &&
                              strstr(problems, "the last good contents stay"),
                "%s", problems);
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "enabled default");
        /* A write that fails is no reason to try it again; one that does not is. */
        refused(world.bus, ERROR_STORAGE, LAYOUT_STATE, "Set", "ssuva{sv}", KEY, "V", (uint32_t)REG_SZ, "s",
                "lost", 0);
        limit_files(&old, NULL);
        uint64_t limit = deadline() - (WAIT_SECONDS - 10) * UINT64_C(1000000);
        set_string(world.bus, KEY, "V", "kept");
        WAIT(no_problems());
        ck_assert_msg(!is_past(limit), "only the timer read them again");
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled site");
}
END_TEST

/* Nobody writes: the timer alone. */
START_TEST(dropin_waits_for_room)
{
        struct rlimit old;

        start_with_a_dropin_that_does_not_fit(&old);
        limit_files(&old, NULL);
        WAIT(no_problems());
        ck_assert_str_eq(get_text(world.bus, MODULES, "TaintEvents"), "disabled site");
}
END_TEST

/* A layer that has ended stays until it can be deleted; where that is not wanted any more, nothing is wrong.
 */
START_TEST(layer_cannot_end)
{
        static const char layer[] = "\\System\\Registry\\Layers\\lab";
        char text[ENDING_TEXT_MAX];
        struct ending_clocks now;
        struct rlimit old;

        registryd_start(NULL);
        ending_read_clocks(&now);
        const struct ending soon = ending_in(2000000, &now), late = ending_in(UINT64_C(3600000000), &now);
        set_string(world.bus, layer, "Ends", ending_format(&soon, text));
        limit_files(NULL, &old);
        limit_files(&(struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max }, NULL);
        WAIT(has_problem("cannot be deleted yet"));
        /* That is of no value. */
        _cleanup_message_ sd_bus_message *health = answer(world.bus, "Health", "");
        ck_assert_ptr_nonnull(strstr(message_text(health), "'refused'=t:0"));
        limit_files(&old, NULL);
        set_string(world.bus, layer, "Ends", ending_format(&late, text));
        WAIT(!has_problem("cannot be deleted yet"));
}
END_TEST

/* So many values of four pages each: a transaction that does not fit where a small one does. */
static void write_large_dropin(void)
{
        _cleanup_free_ char *page = repeat("x", 4096);
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, "peios-registry: 1\nlayer: large\nkeys:\n  \\Large:\n");
        for (unsigned i = 0; i < LARGE_VALUES; i++)
                buf_printf(&text, "    v%u: !sz %s\n", i, page);
        dropin_write("large.yaml", buf_str(&text));
}

/* Others write all the time: one of them hurries it, and not each. */
START_TEST(writes_hurry_once)
{
        struct rlimit old;
        unsigned writes = 0;

        registryd_start("--debug");
        set_number(world.bus, KEY, "N", 0);
        limit_files(NULL, &old);
        limit_files(&(struct rlimit){ .rlim_cur = 3 * 1024 * 1024, .rlim_max = old.rlim_max }, NULL);
        write_large_dropin();
        WAIT(has_problem("the last good contents stay"));
        uint64_t end = deadline() - (WAIT_SECONDS - HURRIED_SECONDS) * UINT64_C(1000000);
        while (!is_past(end)) {
                bus_turn(world.bus);
                set_number(world.bus, KEY, "N", ++writes % 2);
                /* What they write fits meanwhile. */
                (void)usleep(20000);
        }
        ck_assert_uint_eq(daemon_count(&world.registryd, "the drop-in files are tried again"), 1);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { dropin_does_not_fit, dropin_waits_for_room, writes_hurry_once,
                layer_cannot_end };
        return harness_main(tests, ARRAY_SIZE(tests));
}
