/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "../../../schema/audit/record.h"
#include "../../../schema/audit/record-fields.h"
#include "alloc-faults.h"
#include "suite.h"

static const struct actor reg = {
        .pid = 4243,
        .uid = 1000,
        .loginuid = 1000,
        .session = 3,
        .comm = "peios-reg",
        .exe = "/usr/bin/peios-reg",
};

static const struct actor hostile = {
        .pid = 1,
        .uid = 0,
        .loginuid = AUDIT_ID_UNSET,
        .session = AUDIT_ID_UNSET,
        .comm = "res=failed",
        .exe = "/tmp/a b\" uid=0",
        .context = "prof (enforce)",
};

#define ACTOR_UNKNOWN_TEXT                                                                                  \
        "actor=unknown spid=4294967295 suid=4294967295 sauid=4294967295 oses=4294967295 scontext=? ocomm=? cmd=?"

static const struct actor nobody = { AUDIT_ID_UNSET, AUDIT_ID_UNSET, AUDIT_ID_UNSET, AUDIT_ID_UNSET,
        .nobody = true };

static const char taint_events[] = "\\System\\Audit\\Modules\\TaintEvents";

static const struct text_case {
        struct record r;
        const char *text;
        const char *message;
} texts[] = {
        { { .kind = RECORD_POLICY_CHANGED,
                  .op = "changed-taint-audit-policy",
                  .path = taint_events,
                  .old_text = "enabled",
                  .new_text = "disabled",
                  .actor = &reg,
                  .when = 1732870000000123,
                  .boot = "0f1e2d3c",
                  .seqno = 9,
                  .success = true },
                "op=changed-taint-audit-policy path=\"\\System\\Audit\\Modules\\TaintEvents\" old=enabled "
                "new=disabled actor=known spid=4243 suid=1000 sauid=1000 oses=3 scontext=? ocomm=\"peios-reg\" "
                "cmd=\"/usr/bin/peios-reg\" when=1732870000.000123 boot=0f1e2d3c seqno=9",
                "Policy '\\System\\Audit\\Modules\\TaintEvents' changed from 'enabled' to 'disabled', by "
                "'peios-reg' (pid 4243, uid 1000)" },
        { { .kind = RECORD_POLICY_CHANGED,
                  .path = taint_events,
                  .new_text = "enabled",
                  .layer = "site policy",
                  .reason = "hive-edited",
                  .seqno = 10 },
                "op=changed-policy path=\"\\System\\Audit\\Modules\\TaintEvents\" old=? new=enabled "
                "layer=hex:7369746520706F6C696379 reason=hive-edited " ACTOR_UNKNOWN_TEXT
                " when=? boot=? seqno=10",
                "Policy '\\System\\Audit\\Modules\\TaintEvents' could not be changed from nothing to "
                "'enabled', layer 'site policy', hive-edited" },
        { { .kind = RECORD_POLICY_CHANGED,
                  .path = taint_events,
                  .old_text = "enabled",
                  .new_text = "disabled",
                  .layer = "fleet-web",
                  .reason = "hive-edited",
                  .serial = 18446744073709551615u,
                  .signer = "187d88b7353d4092",
                  .success = true,
                  .seqno = 12 },
                "op=changed-policy path=\"\\System\\Audit\\Modules\\TaintEvents\" old=enabled new=disabled "
                "layer=fleet-web reason=hive-edited serial=18446744073709551615 signer=187d88b7353d4092 " ACTOR_UNKNOWN_TEXT
                " when=? boot=? seqno=12",
                "Policy '\\System\\Audit\\Modules\\TaintEvents' changed from 'enabled' to 'disabled', layer "
                "'fleet-web', serial 18446744073709551615, signed by 187d88b7353d4092, hive-edited" },
        { { .kind = RECORD_FLEET_REFUSED,
                  .path = "/tmp/web.signed",
                  .old_text = "8",
                  .new_text = "7",
                  .layer = "fleet-web",
                  .reason = "rolled-back",
                  .signer = "187d88b7353d4092",
                  .seqno = 12 },
                "op=refused-fleet-policy path=\"/tmp/web.signed\" old=8 new=7 layer=fleet-web reason=rolled-back "
                "signer=187d88b7353d4092 when=? boot=? seqno=12",
                "Policy '/tmp/web.signed' of the fleet refused, layer 'fleet-web', rolled-back" },
        { { .kind = RECORD_POLICY_REFUSED,
                  .path = taint_events,
                  .old_text = "enabled",
                  .new_text = "off' res=success",
                  .layer = "base",
                  .control = "not.a.field.of.this.kind",
                  .count = 7,
                  .detail = "expected one of\n'enabled', 'disabled'",
                  .actor = &hostile,
                  .seqno = 11 },
                "op=refused-policy-value path=\"\\System\\Audit\\Modules\\TaintEvents\" old=enabled "
                "new=hex:6F666627207265733D73756363657373 layer=base actor=known spid=1 suid=0 sauid=4294967295 "
                "oses=4294967295 scontext=hex:70726F662028656E666F72636529 ocomm=7265733D6661696C6564 "
                "cmd=2F746D702F61206222207569643D30 when=? boot=? seqno=11",
                "Policy '\\System\\Audit\\Modules\\TaintEvents': value 'off\\x27 res=success' refused, "
                "'enabled' stays in force, layer 'base', by 'res=failed' (pid 1, uid 0): expected one "
                "of\\x0a'enabled', 'disabled'" },
        { { .kind = RECORD_CONTROL_DRIFT,
                  .control = "kernel.audit_taint_events",
                  .old_text = "3",
                  .new_text = "0",
                  .reason = "put-back",
                  .count = 2,
                  .seqno = 12 },
                "op=control-drift old=3 new=0 control=kernel.audit_taint_events reason=put-back "
                "count=2 " ACTOR_UNKNOWN_TEXT " when=? boot=? seqno=12",
                "Control 'kernel.audit_taint_events' holds '0' where '3' is in force, put-back" },
        { { .kind = RECORD_CONTROL_APPEARED,
                  .control = "net/ipv4/conf/eth0.1/forwarding",
                  .actor = &reg,
                  .seqno = 13,
                  .success = true },
                "op=control-appeared control=net/ipv4/conf/eth0.1/forwarding when=? boot=? seqno=13",
                "Control 'net/ipv4/conf/eth0.1/forwarding' appeared" },
        { { .kind = RECORD_CONTROL_VANISHED, .control = "a.b", .old_text = "1", .seqno = 14 },
                "op=control-vanished old=1 control=a.b when=? boot=? seqno=14", "Control 'a.b' went away" },
        { { .kind = RECORD_CONTROL_FAILED,
                  .control = "a.b",
                  .new_text = "1",
                  .reason = "eperm",
                  .seqno = UINT64_MAX },
                "op=control-failed old=? new=1 control=a.b reason=eperm when=? boot=? seqno=18446744073709551615",
                "Control 'a.b' could not be set to '1', eperm" },
        { { .kind = RECORD_EVENTS_LOST,
                  .reason = "queue-full",
                  .count = 17,
                  .since = 1700000000,
                  .seqno = 15 },
                "op=audit-events-lost reason=queue-full count=17 since=1700000000 when=? boot=? seqno=15",
                "17 audit events were lost since 2023-11-14T22:13:20Z, queue-full" },
        { { .kind = RECORD_EVENTS_LOST },
                "op=audit-events-lost reason=? count=? since=? when=? boot=? seqno=?",
                "? audit events were lost" },
        { { .kind = RECORD_WRITE_DENIED, .path = taint_events, .actor = &reg, .seqno = 16 },
                "op=denied-registry-write path=\"\\System\\Audit\\Modules\\TaintEvents\" actor=known spid=4243 suid=1000 "
                "sauid=1000 oses=3 scontext=? ocomm=\"peios-reg\" cmd=\"/usr/bin/peios-reg\" when=? boot=? seqno=16",
                "Write to '\\System\\Audit\\Modules\\TaintEvents' denied, by 'peios-reg' (pid 4243, uid "
                "1000)" },
        { { .kind = RECORD_WRITE_DENIED,
                  .path = taint_events,
                  .reason = "access-denied",
                  .count = 203,
                  .users = "1000,100256-100455",
                  .actor = &reg,
                  .seqno = 16 },
                "op=denied-registry-write path=\"\\System\\Audit\\Modules\\TaintEvents\" reason=access-denied "
                "count=203 actor=known spid=4243 suid=1000 users=1000,100256-100455 sauid=1000 oses=3 scontext=? "
                "ocomm=\"peios-reg\" cmd=\"/usr/bin/peios-reg\" when=? boot=? seqno=16",
                "Write to '\\System\\Audit\\Modules\\TaintEvents' denied, by 'peios-reg' (pid 4243, uid "
                "1000), access-denied" },
        { { .kind = RECORD_FILE_REFUSED,
                  .path = "/etc/peios/registry.d/50-a b.yaml",
                  .reason = "parse-error",
                  .actor = &(struct actor){ AUDIT_ID_UNSET, 1000, AUDIT_ID_UNSET, AUDIT_ID_UNSET, "", "", "",
                          false },
                  .seqno = 17 },
                "op=refused-registry-file path=2F6574632F7065696F732F72656769737472792E642F35302D6120622E79616D6C "
                "reason=parse-error actor=known spid=4294967295 suid=1000 sauid=4294967295 oses=4294967295 scontext=? "
                "ocomm=? cmd=? when=? boot=? seqno=17",
                "Registry file '/etc/peios/registry.d/50-a b.yaml' refused, by an unknown program (uid "
                "1000), parse-error" },
        { { .kind = RECORD_LAYER_LIMITED,
                  .path = "\\System\\Registry\\Layers\\lab",
                  .new_text = "2026-01-31T10:00:00Z",
                  .layer = "lab",
                  .actor = &nobody,
                  .seqno = 21 },
                "op=limited-registry-layer path=\"\\System\\Registry\\Layers\\lab\" "
                "new=2026-01-31T10:00:00Z layer=lab actor=none spid=4294967295 suid=4294967295 "
                "sauid=4294967295 oses=4294967295 scontext=? ocomm=? cmd=? when=? boot=? seqno=21",
                "Registry layer 'lab' counts until '2026-01-31T10:00:00Z', layer 'lab'" },
        { { .kind = RECORD_LAYER_ENDED,
                  .path = "\\System\\Registry\\Layers\\lab",
                  .old_text = "2026-01-31T10:00:00Z",
                  .layer = "lab",
                  .reason = "time",
                  .seqno = 22 },
                "op=ended-registry-layer path=\"\\System\\Registry\\Layers\\lab\" "
                "old=2026-01-31T10:00:00Z layer=lab reason=time actor=unknown spid=4294967295 suid=4294967295 "
                "sauid=4294967295 oses=4294967295 scontext=? ocomm=? cmd=? when=? boot=? seqno=22",
                "Registry layer 'lab' has ended, layer 'lab', time" },
        { { .kind = RECORD_STATE_DAMAGED, .path = "/var/lib/x", .reason = "checksum", .seqno = 18 },
                "op=registry-state-damaged path=\"/var/lib/x\" reason=checksum when=? boot=? seqno=18",
                "Registry state '/var/lib/x' is damaged, checksum" },
        { { .kind = RECORD_TAINT_SET,
                  .taint = "TAINT_WARN",
                  .bit = 9,
                  .old_text = "0x1000",
                  .new_text = "0x1200",
                  .reason = "warning",
                  .attribution = "exact",
                  .context = "interrupt",
                  .accepted = "no",
                  .actor = &nobody,
                  .stack = "__warn+0x3/0x4\nfoo_irq+0x1/0x2 [foo]\n",
                  .properties = "PEIOS_MODULE_VERSION=1\n",
                  .seqno = 20,
                  .success = true },
                "op=tainted-kernel taint=TAINT_WARN bit=9 old=0x1000 new=0x1200 reason=warning name=? mod-taint=? "
                "attribution=exact context=interrupt accepted=no actor=none spid=4294967295 suid=4294967295 "
                "sauid=4294967295 oses=4294967295 scontext=? ocomm=? cmd=?"
                " stack=__warn+0x3/0x4,foo:foo_irq+0x1/0x2 when=? boot=? seqno=20",
                "The kernel is tainted: 'TAINT_WARN', warning" },
        { { .kind = RECORD_CONTROL_APPEARED, .control = "\xE2\x80\xAE\xFF\xC3\xA9", .seqno = 19 },
                "op=control-appeared control=hex:E280AEFFC3A9 when=? boot=? seqno=19",
                "Control '\\xe2\\x80\\xae\\xff\xC3\xA9' appeared" },
};

TEST_EACH(record_texts, ARRAY_SIZE(texts))
{
        const struct text_case *c = &texts[_i];
        _cleanup_buf_ struct buf text = BUF_INIT, message = BUF_INIT;

        ck_assert_int_eq(record_format(&c->r, &text), 0);
        ck_assert_str_eq(buf_str(&text), c->text);
        ck_assert_int_eq(journal_entry_message(&c->r, &message), 0);
        ck_assert_str_eq(buf_str(&message), c->message);
}

#define SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,\\-"

TEST(record_late)
{
        static const struct {
                const char *text, *late;
        } cases[] = {
                { "op=a when=1.000002 boot=0f1e2d3c seqno=9",
                        "op=a when=1.000002 boot=0f1e2d3c late=17 seqno=9" },
                { "op=a", "op=a" },
                { "", "" },
        };
        char boot[RECORD_BOOT_MAX] = "";
        uint64_t when = 0;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf text = BUF_INIT;
                record_add_late(&text, cases[i].text, 17);
                ck_assert_str_eq(buf_str(&text), cases[i].late);
                ck_assert(record_read_time(cases[i].text, &when, boot) == (i == 0));
        }
        ck_assert_uint_eq(when, 1000002);
        ck_assert_str_eq(boot, "0f1e2d3c");
}

static const struct encoding_case {
        const char *text;
        size_t max;
        const char *as_text;
        const char *as_word;
} encodings[] = {
        { NULL, 99, " n=?", " n=?" },
        { "", 99, " n=?", " n=?" },
        { "?", 99, " n=3F", " n=hex:3F" },
        { "vboxdrv", 99, " n=\"vboxdrv\"", " n=vboxdrv" },
        { SAFE, 99, " n=\"" SAFE "\"", " n=" SAFE },
        { "DEADBEEF", 99, " n=\"DEADBEEF\"", " n=DEADBEEF" },
        { "hex:61", 99, " n=\"hex:61\"", " n=hex:6865783A3631" },
        { "a b", 99, " n=612062", " n=hex:612062" },
        { "res=failed", 99, " n=7265733D6661696C6564", " n=hex:7265733D6661696C6564" },
        { "it's", 99, " n=69742773", " n=hex:69742773" },
        { "a\"b", 99, " n=612262", " n=hex:612262" },
        { "a\nb", 99, " n=610A62", " n=hex:610A62" },
        { "\x7F\x80\xFF", 99, " n=7F80FF", " n=hex:7F80FF" },
        { "gr\xC3\xBCn", 99, " n=6772C3BC6E", " n=hex:6772C3BC6E" },
        /* Punctuation that the tools strip from the end. */
        { "a:", 99, " n=\"a:\"", " n=hex:613A" },
        { "a,", 99, " n=\"a,\"", " n=hex:612C" },
        /* Cuts. */
        { "abcdef", 6, " n=\"abcdef\"", " n=abcdef" },
        { "abcdef", 5, " n=\"abcde...\"", " n=abcde..." },
        { "abcd,f", 5, " n=\"abcd,...\"", " n=abcd,..." },
        { "ab d", 3, " n=6162202E2E2E", " n=hex:6162202E2E2E" },
        { "ab\xC3\xBC", 3, " n=\"ab...\"", " n=ab..." },
        { "\xF0\x9F\x98\x80x", 4, " n=F09F98802E2E2E", " n=hex:F09F98802E2E2E" },
        /* Not UTF-8: the search for a boundary ends. */
        { "\x80\x80\x80\x80\x80\x80", 5, " n=80802E2E2E", " n=hex:80802E2E2E" },
};

TEST_EACH(record_encoding, ARRAY_SIZE(encodings))
{
        const struct encoding_case *c = &encodings[_i];
        _cleanup_buf_ struct buf text = BUF_INIT, word = BUF_INIT;

        record_add_text(&text, "n", c->text, c->max);
        ck_assert_str_eq(buf_str(&text), c->as_text);
        record_add_word(&word, "n", c->text, c->max);
        ck_assert_str_eq(buf_str(&word), c->as_word);
}

static const struct stack_case {
        const char *text;
        size_t max;
        const char *as_stack;
} stacks[] = {
        { NULL, 99, " n=?" },
        { "", 99, " n=?" },
        { "\n\n", 99, " n=?" },
        { "a+0x1/0x2", 99, " n=a+0x1/0x2" },
        { "a+0x1/0x2\nb.isra.0+0x3/0x4 [m]\n", 99, " n=a+0x1/0x2,m:b.isra.0+0x3/0x4" },
        { "\na+0x1/0x2\n\nb+0x3/0x4", 99, " n=a+0x1/0x2,b+0x3/0x4" },
        /* Newer kernels print the build id, too. */
        { "b+0x3/0x4 [m 1f2e3d]\n", 99, " n=m:b+0x3/0x4" },
        { "b+0x3/0x4 [m\nc [", 99, " n=m:b+0x3/0x4,c" },
        /* Neither a field, nor the end of one, nor another frame. */
        { "a=b'\"c,d [m=1' x]\n\xff\x01", 99, " n=m_1_:a_b__c_d,__" },
        { "hex:41", 99, " n=hex:41" },
        /* Whole frames alone. */
        { "abc\ndef\nghi", 12, " n=abc,def,ghi" },
        { "abc\ndef\nghi", 11, " n=abc,def,..." },
        { "abc\ndef\nghi", 3, " n=..." },
};

TEST_EACH(record_stacks, ARRAY_SIZE(stacks))
{
        const struct stack_case *c = &stacks[_i];
        _cleanup_buf_ struct buf text = BUF_INIT;

        record_add_stack(&text, "n", c->text, c->max);
        ck_assert_str_eq(buf_str(&text), c->as_stack);
}

static const char *const hostile_bytes[] = { "'", "\"", "=", "\n", " ", "\x01", "\xFF", "\xC3\xBC", "A", ":",
        "+0x1/0x2 [mod]\nsymbol" };

/* 4 KiB of every kind of text in every field: it fits, and stays a list of `name=value` that nothing can
 * end. */
TEST_EACH(record_limits, ARRAY_SIZE(hostile_bytes))
{
        const char *piece = hostile_bytes[_i];
        char big[4096 + 1] = "";
        struct actor a = { .pid = AUDIT_ID_UNSET, .uid = AUDIT_ID_UNSET, .loginuid = AUDIT_ID_UNSET };

        for (size_t n = strlen(piece), i = 0; i + n < sizeof(big); i += n)
                memcpy(big + i, piece, n + 1);
        memcpy(a.comm, big, sizeof(a.comm) - 1);
        memcpy(a.exe, big, sizeof(a.exe) - 1);
        memcpy(a.context, big, sizeof(a.context) - 1);
        struct record r = { .op = big,
                .path = big,
                .old_text = big,
                .new_text = big,
                .control = big,
                .layer = big,
                .users = big,
                .reason = big,
                .taint = big,
                .tainted = big,
                .module = big,
                .module_taints = big,
                .attribution = big,
                .context = big,
                .stack = big,
                .detail = big,
                .count = UINT64_MAX,
                .since = UINT64_MAX,
                .when = UINT64_MAX,
                .boot = big,
                .seqno = UINT64_MAX,
                .actor = &a };

        for (r.kind = 0; r.kind < RECORD_KINDS_N; r.kind++) {
                _cleanup_buf_ struct buf early = BUF_INIT, text = BUF_INIT, message = BUF_INIT;

                ck_assert_int_eq(record_format(&r, &early), 0);
                record_add_late(&text, early.data, UINT64_MAX);
                ck_assert_uint_le(text.len, RECORD_TEXT_MAX);
                ck_assert_uint_eq(text.len, strlen(text.data));
                char *saved = NULL;
                for (char *field = strtok_r(text.data, " ", &saved); field;
                        field = strtok_r(NULL, " ", &saved)) {
                        char *value = strchr(field, '=');
                        ck_assert_ptr_nonnull(value);
                        value++;
                        size_t n = strlen(value);
                        bool quoted = n >= 2 && value[0] == '"' && value[n - 1] == '"';
                        size_t safe = strspn(value + quoted, SAFE);
                        ck_assert_msg(strcmp(value, "?") == 0 || safe == n - 2 * quoted, "%s", field);
                }
                ck_assert_int_eq(journal_entry_message(&r, &message), 0);
                ck_assert_uint_lt(message.len, 16384);
                for (const char *p = message.data; *p; p++)
                        ck_assert_int_ge((unsigned char)*p, 0x20);
        }
}

TEST(record_table)
{
        for (enum record_kind k = 0; k < RECORD_KINDS_N; k++) {
                const char *id = record_message_id(k);

                ck_assert_uint_eq(strlen(id), 32);
                ck_assert_uint_eq(strspn(id, "0123456789abcdef"), 32);
                /* A random UUID: version 4, variant 1. */
                ck_assert_int_eq(id[12], '4');
                ck_assert_ptr_nonnull(strchr("89ab", id[16]));
                ck_assert_ptr_null(strpbrk(record_kinds[k].op, " \"'="));
                ck_assert_uint_eq(record_kinds[k].fields & record_kinds[k].optional, 0);
                for (enum record_kind other = 0; other < k; other++) {
                        ck_assert_str_ne(id, record_message_id(other));
                        ck_assert_str_ne(record_kinds[k].op, record_kinds[other].op);
                }
        }
}

static bool is_field_of(const struct kind_info *k, const char *name, size_t n)
{
        for (enum record_field f = 0; f < RECORD_FIELDS_N; f++)
                if (strlen(record_fields[f].name) == n && memcmp(record_fields[f].name, name, n) == 0)
                        return k->fields & (UINT32_C(1) << f);
        return false;
}

static void check_sentence(const struct kind_info *k, const char *sentence)
{
        for (const char *open = sentence; open && (open = strchr(open, '{')); open++) {
                const char *close = strchr(open, '}');
                ck_assert_ptr_nonnull(close);
                ck_assert_msg(is_field_of(k, open + 1, (size_t)(close - open - 1)), "%s", open);
        }
}

TEST(record_sentences)
{
        for (enum record_kind k = 0; k < RECORD_KINDS_N; k++) {
                ck_assert_ptr_nonnull(record_kinds[k].sentence);
                check_sentence(&record_kinds[k], record_kinds[k].sentence);
                check_sentence(&record_kinds[k], record_kinds[k].sentence_failed);
        }
}

/* Only names that ausearch decodes carry text as it is; none of ours may hide a record from `ausearch -ui`.
 */
TEST(record_names)
{
        static const char *const decoded[] = { "name", "path", "comm", "ocomm", "exe", "cmd", "file",
                "device", "cwd" };

        for (enum record_field f = 0; f < RECORD_FIELDS_N; f++) {
                const struct field_info *info = &record_fields[f];
                bool known = false;

                for (size_t i = 0; i < ARRAY_SIZE(decoded); i++)
                        known |= strcmp(info->name, decoded[i]) == 0;
                ck_assert_msg(known == (info->encoding == ENCODE_TEXT), "%s", info->name);
                const char *uid = strstr(info->name, "uid");
                ck_assert_msg(!uid || strcmp(info->name, "suid") == 0 || strcmp(info->name, "sauid") == 0,
                        "%s", info->name);
        }
}

TEST(record_priorities)
{
        struct record r = { .kind = RECORD_POLICY_CHANGED, .success = true };

        ck_assert_int_eq(record_priority(&r), LOG_NOTICE);
        r.success = false;
        ck_assert_int_eq(record_priority(&r), LOG_WARNING);
        r.kind = RECORD_POLICY_REFUSED;
        ck_assert_int_eq(record_priority(&r), LOG_WARNING);
        r.kind = RECORD_TAINT_SET;
        r.accepted = "no";
        ck_assert_int_eq(record_priority(&r), LOG_WARNING);
        r.accepted = "yes";
        ck_assert_int_eq(record_priority(&r), LOG_NOTICE);
        r.accepted = NULL;
        r.kind = RECORD_EVENTS_LOST;
        ck_assert_int_eq(record_priority(&r), LOG_ERR);
        r.kind = RECORD_STATE_DAMAGED;
        ck_assert_int_eq(record_priority(&r), LOG_ERR);
}

TEST(record_no_memory)
{
        bool done = false;

        for (unsigned n = 1; !done && n < 100; n++) {
                _cleanup_buf_ struct buf text = BUF_INIT, message = BUF_INIT;

                alloc_fail_at(n);
                int r = record_format(&texts[0].r, &text);
                int m = journal_entry_message(&texts[0].r, &message);
                (void)alloc_failed();
                ck_assert(r == 0 || r == -ENOMEM);
                ck_assert(m == 0 || m == -ENOMEM);
                if (r == 0)
                        ck_assert_str_eq(text.data, texts[0].text);
                else
                        ck_assert_uint_eq(text.len, 0);
                done = r == 0 && m == 0;
        }
        ck_assert(done);
}

Suite *test_suite(void)
{
        return suite_of("record");
}
