/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records, tame and hostile, and the line that auditd would write for one: for the tests that ask audit's
 * own tools. */

#include <inttypes.h>

#include "../../../schema/audit/record-fields.h"

#define SAMPLE_PATH "\\System\\Audit\\Modules\\TaintEvents"

static const struct actor sample_actor = {
        .pid = 4243,
        .uid = 1000,
        .loginuid = 1000,
        .session = 3,
        .comm = "peios-reg",
        .exe = "/usr/bin/peios-reg",
        .context = "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023",
};

static const struct actor sample_hostile = {
        .pid = 1,
        .uid = AUDIT_ID_UNSET,
        .loginuid = 0,
        .session = 4294967294,
        .comm = "res=failed",
        .exe = "/tmp/' res=failed\" uid=4242\n----\ntype=USYS_CONFIG",
        .context = "prof (enforce) res=failed'",
};

#define SAMPLE_TEXT(k, t)                                                                                   \
        {                                                                                                   \
                .kind = (k), .path = (t), .old_text = (t), .new_text = (t), .control = (t), .layer = (t),   \
                .reason = (t), .count = 3, .since = 1700000000, .actor = &sample_hostile, .stack = (t),     \
                .seqno = 4096, .success = true                                                              \
        }

static const struct record samples[] = {
        { .kind = RECORD_POLICY_CHANGED,
                .op = "changed-taint-audit-policy",
                .path = SAMPLE_PATH,
                .old_text = "enabled",
                .new_text = "disabled",
                .actor = &sample_actor,
                .seqno = 9,
                .success = true },
        { .kind = RECORD_POLICY_CHANGED, .path = SAMPLE_PATH, .layer = "site", .seqno = 10 },
        { .kind = RECORD_CONTROL_DRIFT,
                .control = "kernel.audit_taint_events",
                .old_text = "3",
                .new_text = "0x1000",
                .reason = "put-back",
                .seqno = 11 },
        { .kind = RECORD_EVENTS_LOST, .reason = "queue-full", .count = 17, .seqno = 12 },
        SAMPLE_TEXT(RECORD_POLICY_CHANGED, "res=failed"),
        SAMPLE_TEXT(RECORD_POLICY_REFUSED, "it's res=failed'"),
        SAMPLE_TEXT(RECORD_POLICY_REFUSED, "a\ntype=USYS_CONFIG msg=audit(1.1:1): uid=4242 res=failed"),
        SAMPLE_TEXT(RECORD_CONTROL_DRIFT, "\" res=failed"),
        SAMPLE_TEXT(RECORD_CONTROL_DRIFT, "a:"),
        SAMPLE_TEXT(RECORD_CONTROL_APPEARED, "a,"),
        SAMPLE_TEXT(RECORD_CONTROL_VANISHED, "(none)"),
        SAMPLE_TEXT(RECORD_CONTROL_FAILED, "hex:41"),
        SAMPLE_TEXT(RECORD_EVENTS_LOST, "DEADBEEF"),
        SAMPLE_TEXT(RECORD_WRITE_DENIED, "?"),
        SAMPLE_TEXT(RECORD_FILE_REFUSED, "/etc/gr\xC3\xBCn \xFF\x1D"),
        SAMPLE_TEXT(RECORD_STATE_DAMAGED, "uid=4242 auid=4242 exe=\"/x\" hostname=h terminal=t ses=9"),
        SAMPLE_TEXT(RECORD_STATE_DAMAGED, "4294967295"),
        SAMPLE_TEXT(RECORD_LAYER_LIMITED, "lab' res=failed"),
        SAMPLE_TEXT(RECORD_LAYER_ENDED, "lab\ntype=USYS_CONFIG uid=0"),
        SAMPLE_TEXT(RECORD_TAINT_SET, "a b' res=failed\n[uid=4242] [' auid=0"),
        { .kind = RECORD_TAINT_SET,
                .taint = "TAINT_OOT_MODULE",
                .bit = 12,
                .old_text = "0x0",
                .new_text = "0x1000",
                .reason = "module-load",
                .module = "foo",
                .module_taints = "OE",
                .attribution = "exact",
                .context = "task",
                .accepted = "yes",
                .actor = &sample_actor,
                .stack = "add_taint+0x1/0x60\nfoo_init.isra.0+0x12/0x20 [foo]\n"
                         "do_one_initcall+0x56/0x230\n",
                .seqno = 14,
                .success = true },
        { .kind = RECORD_WRITE_DENIED, .path = SAMPLE_PATH, .actor = &sample_actor, .seqno = 13 },
};

#define SAMPLE_EXE "/usr/lib/peios/peios-audit-policyd"

#define SAMPLE_WHEN "1699999983.000456"

/* With what the auditlog adds. */
static inline struct record sample_complete(const struct record *r)
{
        struct record complete = *r;

        complete.when = 1699999983000456;
        complete.boot = "0f1e2d3c";
        return complete;
}

/* As one that was kept for 17 seconds. */
static inline void sample_line(struct buf *out, const struct record *r, unsigned serial)
{
        _cleanup_buf_ struct buf early = BUF_INIT, text = BUF_INIT;
        struct record numbered = sample_complete(r);

        if (record_format(&numbered, &early) < 0) {
                out->error = early.error;
                return;
        }
        record_add_late(&text, buf_str(&early), 17);
        buf_printf(out,
                "type=USYS_CONFIG msg=audit(1700000000.123:%u): pid=321 uid=0 auid=4294967295 ses=4294967295 "
                "msg='%s exe=\"" SAMPLE_EXE "\" hostname=? addr=? terminal=? res=%s'\n",
                serial, buf_str(&text), r->success ? "success" : "failed");
}
