/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "../../../schema/taint/taint.h"
#include "suite.h"

/* As include/linux/panic.h and kernel/panic.c of 6.15 have them. */
static const struct {
        const char *symbol;
        char set, clear;
        bool module;
        const char *since;
} upstream[] = {
        { "PROPRIETARY_MODULE", 'P', 'G', true, "2.4" },
        { "FORCED_MODULE", 'F', ' ', true, "2.4" },
        { "CPU_OUT_OF_SPEC", 'S', ' ', false, "2.4" },
        { "FORCED_RMMOD", 'R', ' ', false, "2.6" },
        { "MACHINE_CHECK", 'M', ' ', false, "2.6" },
        { "BAD_PAGE", 'B', ' ', false, "2.6" },
        { "USER", 'U', ' ', false, "2.6.21" },
        { "DIE", 'D', ' ', false, "2.6.23" },
        { "OVERRIDDEN_ACPI_TABLE", 'A', ' ', false, "2.6.25" },
        { "WARN", 'W', ' ', false, "2.6.26" },
        { "CRAP", 'C', ' ', true, "2.6.28" },
        { "FIRMWARE_WORKAROUND", 'I', ' ', false, "2.6.35" },
        { "OOT_MODULE", 'O', ' ', true, "3.2" },
        { "UNSIGNED_MODULE", 'E', ' ', true, "3.15" },
        { "SOFTLOCKUP", 'L', ' ', false, "3.17" },
        { "LIVEPATCH", 'K', ' ', true, "4.0" },
        { "AUX", 'X', ' ', true, "4.15" },
        { "RANDSTRUCT", 'T', ' ', false, "4.17" },
        { "TEST", 'N', ' ', true, "6.0" },
        { "FWCTL", 'J', ' ', false, "6.15" },
};

TEST(upstream_bits)
{
        char version[TAINT_VERSION_TEXT_MAX], name[TAINT_NAME_MAX];

        ck_assert_uint_eq(ARRAY_SIZE(upstream), TAINT_UPSTREAM_BITS);
        for (unsigned bit = 0; bit < TAINT_UPSTREAM_BITS; bit++) {
                const struct taint_flag *f = taint_flag_by_bit(bit);
                ck_assert_uint_eq(f->bit, bit);
                ck_assert_uint_eq(f->column, bit);
                ck_assert_int_eq(f->distro, TAINT_UPSTREAM);
                ck_assert_str_eq(f->symbol, upstream[bit].symbol);
                ck_assert_int_eq(f->letter, upstream[bit].set);
                ck_assert_int_eq(f->clear, upstream[bit].clear);
                ck_assert_int_eq(f->module, upstream[bit].module);
                ck_assert_str_eq(taint_version_format(f->since, version), upstream[bit].since);
                ck_assert_uint_eq(f->until, 0);
                ck_assert_str_eq(taint_name(f, bit, name) + 6, f->symbol);
        }
        ck_assert_ptr_null(taint_flag_by_bit(TAINT_UPSTREAM_BITS));
        ck_assert_ptr_null(taint_flag_by_bit(64));
}

TEST(rows)
{
        size_t n;
        const struct taint_flag *f = taint_flags(&n);

        for (size_t i = 0; i < n; i++) {
                ck_assert_uint_lt(f[i].bit, 64);
                ck_assert(f[i].distro != TAINT_ANY);
                ck_assert((i < TAINT_UPSTREAM_BITS) == (f[i].distro == TAINT_UPSTREAM));
                ck_assert(f[i].until == 0 || f[i].since < f[i].until);
                ck_assert(f[i].symbol[0] && f[i].set_by[0] && f[i].meaning[0]);
                ck_assert_uint_lt(strlen(f[i].symbol), TAINT_NAME_MAX - strlen("TAINT_"));
                /* Within one distribution and at one time a letter and a column mean one thing. */
                for (size_t k = 0; k < i; k++)
                        if (f[k].distro == f[i].distro && (f[k].until == 0 || f[i].since < f[k].until) &&
                                (f[i].until == 0 || f[k].since < f[i].until)) {
                                ck_assert_int_ne(f[k].letter, f[i].letter);
                                ck_assert_uint_ne(f[k].column, f[i].column);
                                ck_assert_uint_ne(f[k].bit, f[i].bit);
                        }
        }
        for (unsigned bit = 0; bit < TAINT_UPSTREAM_BITS; bit++)
                ck_assert_int_eq(f[bit].reachable, bit != 1 && bit != 3 && bit != 15);
}

TEST(symbols)
{
        static const struct {
                const char *name;
                int bit;
        } cases[] = { { "WARN", 9 }, { "TAINT_WARN", 9 }, { "UNSAFE_SMP", 2 }, { "TAINT_UNSAFE_SMP", 2 },
                { "TAINT_CPU_OUT_OF_SPEC", 2 }, { "TECH_PREVIEW", 29 }, { "warn", -1 }, { "TAINT_", -1 },
                { "", -1 }, { "WARN_", -1 }, { "TAINT_TAINT_WARN", -1 } };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct taint_flag *f = taint_flag_by_symbol(cases[i].name, strlen(cases[i].name));
                ck_assert_int_eq(f ? f->bit : -1, cases[i].bit);
        }
}

TEST(distributions)
{
        static const struct {
                enum taint_distro distro;
                uint32_t version;
                unsigned bit;
                const char *symbol;
        } cases[] = {
                { TAINT_ANY, 0, 9, "WARN" },
                { TAINT_ANY, 0, 29, "TECH_PREVIEW" },
                { TAINT_ANY, 0, 42, NULL },
                { TAINT_RHEL, TAINT_VERSION(3, 10, 0), 28, "HARDWARE_UNSUPPORTED" },
                { TAINT_RHEL, TAINT_VERSION(4, 18, 0), 28, NULL },
                { TAINT_RHEL, TAINT_VERSION(4, 18, 0), 31, NULL },
                { TAINT_RHEL, TAINT_VERSION(4, 18, 0), 30, "UNPRIVILEGED_BPF" },
                { TAINT_RHEL, TAINT_VERSION(5, 0, 0), 30, NULL },
                { TAINT_RHEL, TAINT_VERSION(5, 14, 0), 31, "UNPRIVILEGED_BPF" },
                { TAINT_SUSE, TAINT_VERSION(3, 0, 101), 31, "EXTERNAL_SUPPORT" },
                { TAINT_SUSE, TAINT_VERSION(5, 14, 0), 31, "NO_SUPPORT" },
                { TAINT_SUSE, TAINT_VERSION(5, 14, 0), 16, "EXTERNAL_SUPPORT" },
                { TAINT_UPSTREAM, TAINT_VERSION(5, 14, 0), 16, "AUX" },
                { TAINT_UPSTREAM, 0, 31, NULL },
                { TAINT_RHEL, 0, 12, "OOT_MODULE" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct taint_flag *f = taint_flag_for(cases[i].distro, cases[i].version, cases[i].bit);
                ck_assert_msg((f == NULL) == (cases[i].symbol == NULL) &&
                                      (!f || strcmp(f->symbol, cases[i].symbol) == 0),
                        "case %zu: %s", i, f ? f->symbol : "none");
        }
}

TEST(names)
{
        enum taint_distro distro;
        char name[TAINT_NAME_MAX];

        ck_assert_str_eq(taint_name(NULL, 63, name), "bit 63");
        ck_assert(taint_distro_parse("debian", &distro) && distro == TAINT_UPSTREAM);
        ck_assert(taint_distro_parse("fedora", &distro) && distro == TAINT_RHEL);
        ck_assert(taint_distro_parse("ubuntu", &distro) && distro == TAINT_UBUNTU);
        ck_assert(!taint_distro_parse("windows", &distro));
        ck_assert_str_eq(taint_distro_name(TAINT_SUSE), "suse");
        ck_assert_ptr_null(taint_distro_name(TAINT_ANY));
}

TEST(releases)
{
        static const struct {
                const char *release;
                uint32_t version;
                enum taint_distro distro;
        } cases[] = {
                { "4.18.0-348.el8.x86_64 #1", TAINT_VERSION(4, 18, 0), TAINT_RHEL },
                { "6.17.0-0.rc0.7.fc43.x86_64+debug #1", TAINT_VERSION(6, 17, 0), TAINT_RHEL },
                { "6.18.0-0.rc1.16.eln152.x86_64", TAINT_VERSION(6, 18, 0), TAINT_RHEL },
                { "3.13.0-45-generic #74-Ubuntu", TAINT_VERSION(3, 13, 0), TAINT_UBUNTU },
                { "2.6.32-24-generic-pae", TAINT_VERSION(2, 6, 32), TAINT_UBUNTU },
                { "3.0.101-84-default #1", TAINT_VERSION(3, 0, 101), TAINT_SUSE },
                { "2.6.11.4-20a-default)", TAINT_VERSION(2, 6, 11), TAINT_SUSE },
                { "4.9.191-default-mpc8378", TAINT_VERSION(4, 9, 191), TAINT_ANY },
                { "6.1.0-13-amd64 #1 SMP Debian 6.1.55-1", TAINT_VERSION(6, 1, 0), TAINT_UPSTREAM },
                { "5.7.12-arch1-1 #1", TAINT_VERSION(5, 7, 12), TAINT_UPSTREAM },
                { "5.15-rc7-preempt-rt", TAINT_VERSION(5, 15, 0), TAINT_ANY },
                { "6.5", TAINT_VERSION(6, 5, 0), TAINT_ANY },
                { "6.", 0, TAINT_ANY },
                { "6", 0, TAINT_ANY },
                { "v6.5", 0, TAINT_ANY },
                { "99999.1", 0, TAINT_ANY },
                { "", 0, TAINT_ANY },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                size_t n = strlen(cases[i].release);
                ck_assert_msg(taint_version_parse(cases[i].release, n) == cases[i].version &&
                                      taint_distro_of_release(cases[i].release, n) == cases[i].distro,
                        "%s", cases[i].release);
        }
}

Suite *test_suite(void)
{
        return suite_of("taint-table");
}
