/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auditlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/file.h"
#include "../base/log.h"
#include "spool.h"

/* What the kernel did not take is tried again this often, and whenever there is something new to send. */
#define RETRY_MS 60000u
#define STOP_TIMEOUT_MS 2000u

struct completion {
        uint64_t cookie;
        auditlog_done_t done;
        void *userdata;
        struct completion *next;
};

struct auditlog {
        struct sender *sender;
        sd_event_source *source;
        int sequence_fd;
        struct spool *spool; /* NULL: what is not sent ends with the process */
        uint64_t seqno;
        char boot[RECORD_BOOT_MAX];
        uint64_t lost_unreported, lost_since; /* since: seconds since 1970 */
        uint64_t left;                        /* for the next start */
        struct completion *completions;
        bool stopping;
        char problem[sizeof(((struct sender_status *)NULL)->problem)];
        void (*changed)(void *userdata);
        void *userdata;
};

static struct record losses(struct auditlog *log)
{
        struct record r = { .kind = RECORD_EVENTS_LOST,
                .count = log->lost_unreported,
                .since = log->lost_since,
                .reason = "not-handed-over" };

        log->lost_unreported = 0;
        return r;
}

static void report_losses(struct auditlog *log)
{
        const struct record r = losses(log);

        auditlog_emit(log, &r);
}

static void note_problem(struct auditlog *log)
{
        struct sender_status status = sender_status(log->sender);

        if (strcmp(status.problem, log->problem) == 0)
                return;
        memcpy(log->problem, status.problem, sizeof(log->problem));
        if (log->problem[0])
                log_warning("audit records: %s", log->problem);
        else
                log_notice("audit records are handed over to the kernel again");
}

static void complete(struct auditlog *log, uint64_t cookie)
{
        for (struct completion **at = &log->completions; *at; at = &(*at)->next) {
                struct completion *c = *at;
                if (c->cookie != cookie)
                        continue;
                *at = c->next;
                c->done(c->userdata);
                free(c);
                return;
        }
}

static void count_lost(struct auditlog *log)
{
        if (log->lost_unreported++ == 0)
                log->lost_since = (uint64_t)time(NULL);
}

static void spool(struct auditlog *log, const struct sender_record *record)
{
        int r = log->spool ? spool_add(log->spool, record) : 0;
        if (r < 0)
                log_warning("audit record %" PRIu64 " is not saved for the next start: %s", record->cookie,
                        strerror(-r));
}

/* On the sending thread: between the kernel's yes and this a kill makes the next start send it again. */
static void on_handed_over(const struct sender_record *record, bool sent, void *userdata)
{
        struct auditlog *log = userdata;

        if (!sent)
                spool(log, record);
        else if (log->spool)
                spool_mark(log->spool, record->cookie);
}

static void on_outcome(uint64_t cookie, enum sender_outcome outcome, void *userdata)
{
        struct auditlog *log = userdata;

        complete(log, cookie);
        /* What is left at the end is not lost: the next start sends it. */
        if (outcome == SENDER_LOST && log->spool && log->stopping)
                log->left++;
        else if (outcome == SENDER_LOST) {
                count_lost(log);
                if (log->spool)
                        spool_mark(log->spool, cookie);
        }
        if (outcome != SENDER_SENT || log->stopping)
                return;
        const struct sender_status status = sender_status(log->sender);
        /* Where one goes through, the kept ones will. */
        if (status.kept > 0 && !status.in_doubt)
                sender_kick(log->sender);
        /* In doubt another record would only push a kept one out of a full queue. */
        if (log->lost_unreported > 0 && !status.in_doubt)
                report_losses(log);
}

static int on_sender(_unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events, void *userdata)
{
        struct auditlog *log = userdata;

        sender_dispatch(log->sender);
        note_problem(log);
        if (log->changed)
                log->changed(log->userdata);
        return 0;
}

#define SEQUENCE_DIGITS 20

static void keep_seqno(struct auditlog *log)
{
        char text[SEQUENCE_DIGITS + 2];

        /* Fixed width: a shorter number must not leave the end of a longer one behind. */
        int n = snprintf(text, sizeof(text), "%0*" PRIu64 "\n", SEQUENCE_DIGITS, log->seqno);
        if (log->sequence_fd >= 0 && pwrite(log->sequence_fd, text, (size_t)n, 0) < 0)
                log_debug("the record number cannot be kept: %s; ignoring", strerror(errno));
}

/* False, with d set: there is no number that can be believed. */
static bool read_sequence(const struct auditlog *log, const char *file, uint64_t *ret, struct diag *d)
{
        char text[SEQUENCE_DIGITS + 2] = "";

        if (log->sequence_fd < 0)
                return false;
        if (pread(log->sequence_fd, text, sizeof(text) - 1, 0) < 0 ||
                strspn(text, "0123456789") != SEQUENCE_DIGITS || text[SEQUENCE_DIGITS] != '\n') {
                (void)diag_set(d, EINVAL, "%s: holds no record number", file);
                return false;
        }
        *ret = strtoull(text, NULL, 10);
        return true;
}

static void load_sequence(struct auditlog *log, const char *file)
{
        struct diag d = { 0 };
        uint64_t number;

        log->sequence_fd = file_open(AT_FDCWD, file, O_RDWR | O_NOFOLLOW, 0, NULL, &d);
        if (log->sequence_fd == -ENOENT) {
                log->sequence_fd =
                        file_open(AT_FDCWD, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644, NULL, &d);
                keep_seqno(log);
                if (log->sequence_fd >= 0)
                        return;
        }
        if (read_sequence(log, file, &number, &d)) {
                log->seqno = number > log->seqno ? number : log->seqno;
                return;
        }
        /* No earlier run of this boot has come so far. */
        log->seqno += clock_of(CLOCK_BOOTTIME);
        log_warning("%s; record numbers go on at %" PRIu64, d.text[0] ? d.text : file, log->seqno);
}

/* One of another boot was kept by a clock that begins anew with each. */
static int64_t since_here(const struct auditlog *log, const struct sender_record *r)
{
        char boot[RECORD_BOOT_MAX];
        uint64_t when;

        if (!record_read_time(r->text, &when, boot) || strcmp(boot, log->boot) == 0)
                return r->since;
        return (int64_t)clock_of(CLOCK_BOOTTIME) - (int64_t)(clock_of(CLOCK_REALTIME) - when);
}

/* Ascending numbers for people: `5-7, 9`. */
struct ranges {
        struct buf text; /* without the last range */
        uint64_t first, last;
        size_t n; /* numbers */
};

static void end_range(struct ranges *r)
{
        if (r->n == 0)
                return;
        buf_printf(&r->text, "%s%" PRIu64, r->text.len > 0 ? ", " : "", r->first);
        if (r->last > r->first)
                buf_printf(&r->text, "-%" PRIu64, r->last);
}

static void add_number(struct ranges *r, uint64_t number)
{
        if (r->n == 0 || number != r->last + 1) {
                end_range(r);
                r->first = number;
        }
        r->last = number;
        r->n++;
}

/* What the sending thread adds meanwhile has an older number. */
static int send_left(struct auditlog *log)
{
        struct ranges numbers = { 0 };
        struct sender_record record = { 0 };
        char *text;
        int r;

        while ((r = spool_next(log->spool, record.cookie, &record, &text)) > 0) {
                add_number(&numbers, record.cookie);
                record.since = since_here(log, &record);
                r = sender_submit(log->sender, &record, true);
                if (r < 0)
                        log_error("audit record %" PRIu64 " could not be queued: %s", record.cookie,
                                strerror(-r));
                free(text);
        }
        end_range(&numbers);
        if (numbers.n > 0)
                log_notice("%zu audit records of an earlier run are sent when the kernel accepts them: %s",
                        numbers.n, buf_str(&numbers.text));
        buf_done(&numbers.text);
        return r;
}

static int load_spool(struct auditlog *log, const char *file)
{
        struct diag d = { 0 };
        uint64_t last = 0;

        int r = spool_open(file, &last, &log->spool, &d);
        if (r < 0) {
                if (d.text[0] == '\0')
                        (void)diag_set(&d, -r, "%s: %s", file, strerror(-r));
                log_warning("%s; records that are not sent are lost with this process", d.text);
                return r == -ENOMEM ? r : 0;
        }
        if (last > log->seqno)
                log->seqno = last;
        return send_left(log);
}

static int load(struct auditlog *log, const char *dir)
{
        _cleanup_buf_ struct buf sequence = BUF_INIT, spool = BUF_INIT;

        buf_printf(&sequence, "%s/seqno", dir);
        buf_printf(&spool, "%s/unsent", dir);
        if (sequence.error || spool.error)
                return -ENOMEM;
        load_sequence(log, sequence.data);
        return load_spool(log, spool.data);
}

/* The kernel's, whatever the root is: it is that kernel that gets the records. */
static void name_boot(struct auditlog *log)
{
        char id[BOOT_ID_MAX];

        int r = clock_boot_id(NULL, id);
        if (r < 0)
                log_warning("audit records do not name the boot: %s", strerror(-r));
        (void)snprintf(log->boot, sizeof(log->boot), "%.8s", id);
}

int auditlog_new(const struct auditlog_config *config, struct auditlog **ret)
{
        struct auditlog *log = calloc(1, sizeof(*log));
        if (!log)
                return -ENOMEM;
        log->sequence_fd = -1;
        log->seqno = config->numbers;
        log->changed = config->changed;
        log->userdata = config->userdata;
        name_boot(log);
        int r = sender_new(config->backend, RETRY_MS, on_handed_over, on_outcome, log, &log->sender);
        if (r >= 0 && config->run_dir)
                r = load(log, config->run_dir);
        if (r >= 0)
                r = sd_event_add_io(
                        config->event, &log->source, sender_fd(log->sender), EPOLLIN, on_sender, log);
        if (r < 0) {
                (void)auditlog_free(log);
                return r;
        }
        *ret = log;
        return 0;
}

static int format(const struct auditlog *log, struct record *r, uint64_t seqno, struct buf *text)
{
        r->seqno = seqno;
        r->boot = log->boot;
        if (r->when == 0)
                r->when = clock_of(CLOCK_REALTIME);
        return record_format(r, text);
}

/* A number, the journal and the file; the number is kept last: a kill before that makes the caller report it
 * again, one behind it makes the next start send what is in the file. `*ret` is what to submit, its text in
 * `text`. 0 or negative errno of the format. */
static int enter(struct auditlog *log, struct record *r, bool is_entry_due, struct buf *text,
        struct sender_record *ret)
{
        int e = format(log, r, ++log->seqno, text);
        *ret = (struct sender_record){ .cookie = r->seqno,
                .success = r->success,
                .since = (int64_t)clock_of(CLOCK_BOOTTIME),
                .text = buf_str(text) };
        if (is_entry_due)
                journal_entry_send(r, ret->text);
        if (e == 0)
                spool(log, ret);
        keep_seqno(log);
        return e;
}

/* In a full queue it would push out another one. */
static void leave_losses(struct auditlog *log)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct record r = losses(log);
        struct sender_record unsent;

        if (enter(log, &r, true, &text, &unsent) == 0)
                log->left++;
}

struct auditlog *auditlog_free(struct auditlog *log)
{
        if (!log)
                return NULL;
        if (log->spool && log->lost_unreported > 0)
                leave_losses(log);
        log->stopping = true;
        log->source = sd_event_source_disable_unref(log->source);
        log->sender = sender_stop(log->sender, STOP_TIMEOUT_MS);
        if (log->left > 0)
                log_error("%" PRIu64 " audit records were not handed over; the next start sends them",
                        log->left);
        if (log->lost_unreported > 0)
                log_error("%" PRIu64 " audit records are lost", log->lost_unreported);
        log->spool = spool_free(log->spool);
        while (log->completions) {
                struct completion *c = log->completions;
                log->completions = c->next;
                free(c);
        }
        if (log->sequence_fd >= 0)
                (void)close(log->sequence_fd);
        free(log);
        return NULL;
}

static int add_completion(struct auditlog *log, uint64_t cookie, auditlog_done_t done, void *userdata)
{
        struct completion *c = malloc(sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (struct completion){
                .cookie = cookie, .done = done, .userdata = userdata, .next = log->completions
        };
        log->completions = c;
        return 0;
}

static uint64_t emit(struct auditlog *log, const struct record *r, bool is_entry_due, auditlog_done_t done,
        void *userdata)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct record numbered = *r;
        struct sender_record record;

        int e = enter(log, &numbered, is_entry_due, &text, &record);
        record.awaited = done != NULL;
        if (e == 0 && done)
                e = add_completion(log, numbered.seqno, done, userdata);
        if (e == 0) {
                e = sender_submit(log->sender, &record, false);
                if (e < 0)
                        complete(log, numbered.seqno);
        } else if (done)
                done(userdata);
        if (e < 0) {
                log_error("an audit record could not be queued: %s", strerror(-e));
                count_lost(log);
        }
        return numbered.seqno;
}

uint64_t auditlog_emit_then(
        struct auditlog *log, const struct record *r, auditlog_done_t done, void *userdata)
{
        return emit(log, r, true, done, userdata);
}

uint64_t auditlog_emit(struct auditlog *log, const struct record *r)
{
        return emit(log, r, true, NULL, NULL);
}

uint64_t auditlog_send(struct auditlog *log, const struct record *r)
{
        sender_wake(log->sender);
        return emit(log, r, false, NULL, NULL);
}

void auditlog_enter(const struct auditlog *log, const struct record *r, uint64_t seqno)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct record numbered = *r;

        (void)format(log, &numbered, seqno, &text);
        journal_entry_send(&numbered, buf_str(&text));
}

void auditlog_emit_refusal(const struct refusals_record *refused, void *userdata)
{
        (void)auditlog_emit(userdata, &(struct record){ .kind = RECORD_WRITE_DENIED,
                                              .path = refused->path,
                                              .layer = refused->layer,
                                              .reason = "access-denied",
                                              .detail = refused->why,
                                              .count = refused->count,
                                              .users = refused->users,
                                              .when = refused->when,
                                              .actor = refused->actor });
}

struct sender_status auditlog_status(struct auditlog *log)
{
        return sender_status(log->sender);
}

uint64_t auditlog_last_seqno(const struct auditlog *log)
{
        return log->seqno;
}
