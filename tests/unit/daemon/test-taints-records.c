/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which transitions of the taint mask get a record, and in which order record and journal entry are made.
 * The monitor, the policy's control and the audit log are the test's. */
#include <string.h>

#include "../../../schema/audit/auditlog.h"
#include "../../../service/daemon/policy-bus.h"
#include "../../../service/daemon/taints.h"
#include "../../../service/metrics/metrics.h"
#include "suite.h"

static struct monitor_callbacks callbacks;
static char done[64]; /* what the audit log was asked for */
static bool kernel_has_control;

/* ---- Fakes ---- */

uint64_t auditlog_send(_unused_ struct auditlog *log, const struct record *r)
{
        ck_assert_uint_gt(r->when, 0);
        (void)strcat(done, "send ");
        return 7;
}

void auditlog_enter(_unused_ const struct auditlog *log, const struct record *r, uint64_t seqno)
{
        ck_assert_uint_gt(r->when, 0);
        ck_assert_uint_eq(seqno, 7);
        (void)strcat(done, "enter ");
}

uint64_t auditlog_emit(_unused_ struct auditlog *log, _unused_ const struct record *r)
{
        (void)strcat(done, "emit ");
        return 7;
}

uint64_t auditlog_last_seqno(_unused_ const struct auditlog *log)
{
        return 7;
}

bool control_present(_unused_ const struct control *c)
{
        return kernel_has_control;
}

int monitor_new(const struct monitor_config *config, struct monitor **ret, _unused_ struct diag *d)
{
        callbacks = config->callbacks;
        *ret = NULL;
        return 0;
}

int monitor_start(_unused_ struct monitor *m, _unused_ struct diag *d)
{
        return 0;
}

struct monitor *monitor_free(_unused_ struct monitor *m)
{
        return NULL;
}

void monitor_set_forensic(_unused_ struct monitor *m, _unused_ bool forensic)
{
}

void monitor_check(_unused_ struct monitor *m)
{
}

struct monitor_status monitor_status(_unused_ const struct monitor *m)
{
        return (struct monitor_status){ 0 };
}

const struct taint_event *monitor_events(_unused_ const struct monitor *m, size_t *ret_n)
{
        *ret_n = 0;
        return NULL;
}

void metrics_changed(_unused_ struct metrics *m)
{
}

void policy_bus_accepted_changed(_unused_ struct policy_bus *pb)
{
}

void policy_bus_taint_changed(_unused_ struct policy_bus *pb)
{
}

void policy_bus_taint_event(_unused_ const struct settings *all, _unused_ const struct taint_event *e)
{
}

void settings_sysctl_written(_unused_ struct settings *all, _unused_ const struct sysctl_write *w)
{
}

/* ---- Tests ---- */

static struct schema_control bound = { .audit_off = (char *)"disabled" };
static struct schema_value value = { .control = &bound };
static struct setting policy = { .sv = &value };
static struct settings settings = { .taint_events = &policy };
static struct taints *taints;

static void setup(void)
{
        done[0] = '\0';
        policy.accepted = (char *)"enabled";
        policy.live = kernel_has_control = false;
        ck_assert_int_eq(taints_new(&settings, 0, false, &taints, NULL), 0);
}

static void teardown(void)
{
        taints = taints_free(taints);
}

static void happens(struct taint_event *e, const char *expected)
{
        done[0] = '\0';
        callbacks.transition(e, callbacks.userdata);
        ck_assert_str_eq(done, expected);
}

/* The journal may take its time. After a kill in between the entry alone is missing. */
TEST(record_then_entry)
{
        struct taint_event e = { .bit = 3 };

        happens(&e, "send enter ");
        ck_assert_uint_eq(e.seqno, 7);
        happens(&e, "enter ");
}

TEST(the_policy_decides)
{
        struct taint_event set = { .bit = 3 }, cleared = { .bit = 3, .cleared = true }, later = { .bit = 4 };

        policy.accepted = (char *)"disabled";
        happens(&set, "");
        ck_assert_uint_eq(set.seqno, 0);
        /* That is tampering. */
        happens(&cleared, "send enter ");
        policy.accepted = (char *)"enabled";
        happens(&later, "send enter ");
}

TEST(the_kernel_writes_its_own)
{
        struct taint_event e = { .bit = 3 };

        policy.live = kernel_has_control = true;
        happens(&e, "");
        /* What is no kernel's audits nothing. */
        settings.root = "/scratch";
        happens(&e, "send enter ");
}

Suite *test_suite(void)
{
        return suite_with("taints", setup, teardown);
}
