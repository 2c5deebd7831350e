/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "upkeep.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/thread.h"
#include "backup.h"
#include "inspect.h"
#include "recovery.h"

/* A checkpoint syncs the file, and commits wait for the disk meanwhile. */
#define CHECKPOINT_PAGES 4000u
/* The log is not cut, but begun anew by whoever writes when all of it is in the file. Under steady writing
 * it never is at the right moment, so from this size on the writer does the last part. */
#define LOG_PAGES_LARGE 16384u
/* Who writes faster than the thread copies would be ahead of it for ever: from this size on the thread
 * begins no other part, and the writer waits for the one that it is at and does all that is left. */
#define LOG_PAGES_MOST (3 * LOG_PAGES_LARGE)

#define RETRY_USEC UINT64_C(3600000000)
#define INTERRUPT_USEC 20000u

struct upkeep {
        struct database *db; /* the thread's; others may interrupt it */
        struct halt halt;    /* of the copies that it opens */
        pthread_t thread;
        int event_fd;

        pthread_mutex_t lock; /* of all that follows */
        pthread_cond_t wake;
        pthread_cond_t done; /* a checkpoint */
        struct upkeep_config config;
        bool stop, has_ended;
        bool is_damaged;                   /* nothing more is done */
        bool has_checked;                  /* since the start */
        bool is_reading;                   /* in a transaction that holds checkpoints up */
        bool wants_copy, wants_inspection; /* somebody does */
        bool has_changed;                  /* since the last backup */
        struct diag damage;                /* to be marked; "" */

        uint64_t changed_at;  /* µs, monotonic, as all times here */
        int64_t backed_up_at; /* maybe before the clock began */
        bool is_backed_up;    /* there is one, and nothing was recovered since */
        uint64_t not_before;  /* of a backup */
        uint64_t wakes_at;    /* while it waits; 0: it does not */

        unsigned pages;      /* in the log */
        unsigned tried;      /* as many of them a checkpoint has seen */
        unsigned backfilled; /* as many are in the file */
        unsigned begun;      /* how often the log was begun anew */
        bool is_at_it;       /* a checkpoint of the thread */

        int checkpoint_error; /* reported last */
        bool is_pending[UPKEEP_WORKS_N];
        struct upkeep_report reports[UPKEEP_WORKS_N];
};

static void wake_loop(struct upkeep *u)
{
        /* It fails only where the loop is to wake anyway. */
        (void)eventfd_write(u->event_fd, 1);
}

static void withdraw(struct upkeep *u, enum upkeep_work work)
{
        if (!u->is_pending[work])
                return;
        closep(&u->reports[work].fd);
        diags_done(&u->reports[work].found);
        u->is_pending[work] = false;
}

static void post(struct upkeep *u, enum upkeep_work work, int error, const char *text)
{
        withdraw(u, work);
        u->reports[work] = (struct upkeep_report){ .work = work, .error = error, .fd = -1 };
        (void)diag_set(&u->reports[work].text, 0, "%s", text[0] || error == 0 ? text : strerror(-error));
        u->is_pending[work] = true;
        wake_loop(u);
}

int upkeep_fd(const struct upkeep *u)
{
        return u->event_fd;
}

bool upkeep_next(struct upkeep *u, struct upkeep_report *ret)
{
        size_t taken = UPKEEP_WORKS_N, left = 0;

        (void)pthread_mutex_lock(&u->lock);
        for (size_t i = UPKEEP_WORKS_N; i-- > 0;)
                if (u->is_pending[i]) {
                        taken = i;
                        left++;
                }
        if (taken < UPKEEP_WORKS_N) {
                *ret = u->reports[taken];
                u->is_pending[taken] = false;
        }
        if (left <= 1)
                (void)eventfd_read(u->event_fd, &(eventfd_t){ 0 });
        (void)pthread_mutex_unlock(&u->lock);
        return left > 0;
}

/* ---- The thread's work. The lock is held at the begin and the end, not in between. ---- */

/* None begins where all of the log is in the file: SQLite before 3.51.3 may take the pages of a log that
 * somebody begins anew at that moment for pages that are in the file, and loses them. */
static void checkpoint(struct upkeep *u)
{
        const unsigned begun = u->begun;
        struct diag d = { 0 };
        int in_log = 0, in_file = 0;

        u->tried = u->pages;
        u->is_at_it = true;
        (void)pthread_mutex_unlock(&u->lock);
        int r = sqlite3_wal_checkpoint_v2(
                u->db->sqlite, "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &in_file);
        /* Somebody else is at it. */
        if (r == SQLITE_BUSY)
                r = SQLITE_OK;
        int error = r == SQLITE_OK ? 0 : database_failed(u->db, &d);
        (void)pthread_mutex_lock(&u->lock);
        u->is_at_it = false;
        (void)pthread_cond_signal(&u->done);
        u->backfilled = in_file > 0 ? (unsigned)in_file : 0;
        /* What was committed meanwhile may be among them. */
        if (u->begun == begun && in_log > 0 && (unsigned)in_log > u->tried)
                u->tried = (unsigned)in_log;
        if (error != u->checkpoint_error && error != -ECANCELED) {
                u->checkpoint_error = error;
                post(u, UPKEEP_CHECKPOINT, error, d.text);
        }
}

static void mark(struct upkeep *u)
{
        const struct diag why = u->damage;

        u->damage.text[0] = '\0';
        (void)pthread_mutex_unlock(&u->lock);
        int r = recovery_mark(u->db->path, why.text);
        (void)pthread_mutex_lock(&u->lock);
        if (r < 0) {
                struct diag d;
                (void)diag_set(
                        &d, -r, "%s; this cannot be marked for the next start: %s", why.text, strerror(-r));
                post(u, UPKEEP_CHECK, -EUCLEAN, d.text);
        }
}

/* The file is as whole as it will ever be: whoever starts next recovers it. */
static void refuse_copy(struct upkeep *u)
{
        u->wants_copy = false;
        post(u, UPKEEP_COPY, -EUCLEAN, "the database is damaged, so that no backup is made of it");
}

static void damaged(struct upkeep *u, const char *why)
{
        if (u->is_damaged)
                return;
        u->is_damaged = true;
        (void)diag_set(&u->damage, 0, "%s", why);
        post(u, UPKEEP_CHECK, -EUCLEAN, why);
        if (u->wants_copy)
                refuse_copy(u);
}

static int check(struct upkeep *u)
{
        struct diag d = { 0 };

        u->is_reading = true;
        (void)pthread_mutex_unlock(&u->lock);
        int r = database_check(u->db, QUICK_CHECK, &d);
        (void)pthread_mutex_lock(&u->lock);
        u->is_reading = false;
        u->has_checked = true;
        if (r == -EUCLEAN)
                damaged(u, d.text);
        else if (r != -ECANCELED)
                post(u, UPKEEP_CHECK, r, d.text);
        return r;
}

static void put_off_backup(struct upkeep *u)
{
        const uint64_t interval = u->config.backup_interval;

        u->not_before = clock_usec() + (interval < RETRY_USEC ? interval : RETRY_USEC);
}

/* The file is looked at first: what is damaged must not push out what is not. */
static void back_up(struct upkeep *u)
{
        struct backup made = { 0 };
        struct diag d = { 0 };
        const size_t keep = u->config.backups_kept;

        if (check(u) < 0) {
                put_off_backup(u);
                return;
        }
        u->has_changed = false;
        u->is_reading = true;
        (void)pthread_mutex_unlock(&u->lock);
        int r = backup_make(u->db, &made, &d);
        if (r == 0) {
                r = backup_remove_old(u->db->path, keep);
                if (r < 0)
                        (void)diag_set(&d, -r, "old backups cannot be removed: %s", strerror(-r));
        }
        (void)pthread_mutex_lock(&u->lock);
        u->is_reading = false;
        if (made.name[0]) {
                u->is_backed_up = true;
                u->backed_up_at = (int64_t)clock_usec();
        } else
                u->has_changed = true;
        if (r < 0)
                put_off_backup(u);
        if (r != -ECANCELED)
                post(u, UPKEEP_BACKUP, r, r == 0 ? made.name : d.text);
}

static void copy(struct upkeep *u)
{
        struct diag d = { 0 };
        int fd = -1;

        u->wants_copy = false;
        u->is_reading = true;
        (void)pthread_mutex_unlock(&u->lock);
        int r = backup_copy(u->db, &fd, &d);
        (void)pthread_mutex_lock(&u->lock);
        u->is_reading = false;
        /* Who asked meanwhile wants what was committed meanwhile; a copy that has it serves all. */
        if (u->wants_copy) {
                if (fd >= 0)
                        (void)close(fd);
                return;
        }
        post(u, UPKEEP_COPY, r, d.text);
        u->reports[UPKEEP_COPY].fd = fd;
}

/* Who asked meanwhile wants what was committed meanwhile. */
static void look(struct upkeep *u)
{
        _cleanup_(diags_done) struct diags found = { 0 };
        struct diag d = { 0 };
        bool is_torn = false;

        u->wants_inspection = false;
        u->is_reading = true;
        (void)pthread_mutex_unlock(&u->lock);
        int r = inspect_database(u->db, &found, &is_torn, &d);
        (void)pthread_mutex_lock(&u->lock);
        u->is_reading = false;
        if (is_torn)
                damaged(u, found.list[0]);
        if (u->wants_inspection || r == -ECANCELED)
                return;
        post(u, UPKEEP_INSPECT, r, d.text);
        u->reports[UPKEEP_INSPECT].found = found;
        found = (struct diags){ 0 };
}

/* ---- When ---- */

enum next {
        WAIT,
        DO_CHECKPOINT,
        DO_CHECK,
        DO_BACKUP,
        DO_COPY,
        DO_LOOK,
        DO_MARK,
};

static uint64_t later(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

static uint64_t backup_due(const struct upkeep *u)
{
        const int64_t due = u->is_backed_up ? u->backed_up_at + (int64_t)u->config.backup_interval : 0;

        return later(due > 0 ? (uint64_t)due : 0, u->not_before);
}

/* `*ret_at`: when there will be something to do, if nothing is now; UINT64_MAX: not before a change. */
static enum next find_next(const struct upkeep *u, uint64_t now, uint64_t *ret_at)
{
        const uint64_t quiet_at = u->changed_at + u->config.quiet;
        uint64_t at[] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };

        if (u->is_damaged) {
                *ret_at = UINT64_MAX;
                return u->damage.text[0] ? DO_MARK : u->wants_inspection ? DO_LOOK : WAIT;
        }
        if (u->pages > u->tried)
                at[DO_CHECKPOINT] = u->pages - u->tried >= CHECKPOINT_PAGES && u->pages < LOG_PAGES_MOST
                                            ? now
                                            : quiet_at;
        if (u->wants_copy)
                at[DO_COPY] = now;
        if (u->wants_inspection)
                at[DO_LOOK] = now;
        if (!u->has_checked)
                at[DO_CHECK] = quiet_at;
        if (u->has_changed && u->config.backups_kept > 0) {
                const uint64_t due = backup_due(u), last = due + u->config.backup_interval;
                at[DO_BACKUP] = later(quiet_at, due);
                if (at[DO_BACKUP] > last)
                        at[DO_BACKUP] = last;
        }
        *ret_at = UINT64_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
                if (at[i] <= now)
                        return (enum next)i;
                *ret_at = at[i] < *ret_at ? at[i] : *ret_at;
        }
        return WAIT;
}

static void wait_until(struct upkeep *u, uint64_t at)
{
        u->wakes_at = at;
        (void)thread_wait_until(&u->wake, &u->lock, at);
        u->wakes_at = 0;
}

/* What the last process left: a log, and perhaps changes that are in no backup. What was recovered since the
 * last one needs another soon: the next recovery would begin at the same number. */
static void look_around(struct upkeep *u)
{
        _cleanup_free_ struct backup *backups = NULL;
        sqlite3_stmt *last = database_statement(u->db, HISTORY_LAST, false);
        const uint64_t now = clock_of(CLOCK_REALTIME);
        uint64_t sequence = 0;
        size_t n = 0;

        while (database_row(u->db, last))
                sequence = database_column_u64(last, 0);
        int r = backup_list(u->db->path, &backups, &n);
        u->pages = 1;
        u->has_changed = r < 0 || sequence != (n > 0 ? backups[0].sequence : 0);
        u->not_before = clock_usec();
        u->is_backed_up = r == 0 && n > 0 && sequence < backups[0].sequence + RECOVERY_SEQUENCES;
        if (u->is_backed_up)
                u->backed_up_at = (int64_t)clock_usec() -
                                  (now > backups[0].time ? (int64_t)(now - backups[0].time) : 0);
}

static void *run(void *userdata)
{
        struct upkeep *u = userdata;

        halt_watch(&u->halt);
        (void)pthread_mutex_lock(&u->lock);
        while (!u->stop) {
                uint64_t at;
                switch (find_next(u, clock_usec(), &at)) {
                case WAIT:
                        wait_until(u, at);
                        break;
                case DO_CHECKPOINT:
                        checkpoint(u);
                        break;
                case DO_CHECK:
                        (void)check(u);
                        break;
                case DO_BACKUP:
                        back_up(u);
                        break;
                case DO_COPY:
                        copy(u);
                        break;
                case DO_LOOK:
                        look(u);
                        break;
                case DO_MARK:
                        mark(u);
                        break;
                }
        }
        u->has_ended = true;
        (void)pthread_cond_broadcast(&u->wake);
        (void)pthread_mutex_unlock(&u->lock);
        return NULL;
}

/* ---- The others' side ---- */

/* Something was changed that the thread may have to wake for earlier than it would. */
static void wake_thread(struct upkeep *u)
{
        uint64_t at;

        if (u->wakes_at != 0 && (find_next(u, clock_usec(), &at) != WAIT || at < u->wakes_at))
                (void)pthread_cond_signal(&u->wake);
}

void upkeep_changed(struct upkeep *u, struct store *s)
{
        const unsigned pages = store_log_pages(s), begun = store_log_begun(s);

        (void)pthread_mutex_lock(&u->lock);
        if (begun != u->begun) {
                u->tried = u->backfilled = 0;
                u->begun = begun;
        }
        u->pages = pages;
        u->has_changed = true;
        u->changed_at = clock_usec();
        wake_thread(u);
        while (pages >= LOG_PAGES_MOST && u->is_at_it)
                (void)pthread_cond_wait(&u->done, &u->lock);
        bool is_large = pages >= LOG_PAGES_LARGE && !u->is_reading && !u->is_damaged && !u->is_at_it &&
                        (u->backfilled >= pages - pages / 4 ||
                                (pages >= LOG_PAGES_MOST && pages - u->tried >= CHECKPOINT_PAGES / 4));
        if (is_large)
                u->tried = pages;
        (void)pthread_mutex_unlock(&u->lock);
        if (is_large)
                store_checkpoint(s);
}

void upkeep_damaged(struct upkeep *u, const char *why)
{
        (void)pthread_mutex_lock(&u->lock);
        damaged(u, why);
        wake_thread(u);
        (void)pthread_mutex_unlock(&u->lock);
}

void upkeep_copy(struct upkeep *u)
{
        (void)pthread_mutex_lock(&u->lock);
        if (u->is_damaged)
                refuse_copy(u);
        else {
                withdraw(u, UPKEEP_COPY);
                u->wants_copy = true;
        }
        wake_thread(u);
        (void)pthread_mutex_unlock(&u->lock);
}

void upkeep_inspect(struct upkeep *u)
{
        (void)pthread_mutex_lock(&u->lock);
        withdraw(u, UPKEEP_INSPECT);
        u->wants_inspection = true;
        wake_thread(u);
        (void)pthread_mutex_unlock(&u->lock);
}

void upkeep_configure(struct upkeep *u, const struct upkeep_config *config)
{
        (void)pthread_mutex_lock(&u->lock);
        u->config = *config;
        wake_thread(u);
        (void)pthread_mutex_unlock(&u->lock);
}

static struct upkeep *release(struct upkeep *u)
{
        if (u->event_fd >= 0)
                (void)close(u->event_fd);
        for (size_t i = 0; i < UPKEEP_WORKS_N; i++)
                withdraw(u, (enum upkeep_work)i);
        u->db = database_close(u->db);
        halt_done(&u->halt);
        (void)pthread_cond_destroy(&u->wake);
        (void)pthread_cond_destroy(&u->done);
        (void)pthread_mutex_destroy(&u->lock);
        free(u);
        return NULL;
}

int upkeep_new(const char *file, const struct upkeep_config *config, struct upkeep **ret, struct diag *d)
{
        struct upkeep *u = calloc(1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        (void)pthread_mutex_init(&u->lock, NULL);
        thread_cond_init(&u->wake);
        thread_cond_init(&u->done);
        halt_init(&u->halt);
        u->config = *config;
        u->changed_at = clock_usec();
        u->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int r = u->event_fd < 0 ? -errno : database_open_upkeep(file, &u->db, d);
        if (r == 0) {
                look_around(u);
                r = thread_start(&u->thread, run, u);
        }
        if (r < 0) {
                (void)release(u);
                return d && d->text[0] ? r : diag_set(d, -r, "%s: no upkeep: %s", file, strerror(-r));
        }
        *ret = u;
        return 0;
}

struct upkeep *upkeep_free(struct upkeep *u)
{
        if (!u)
                return NULL;
        (void)pthread_mutex_lock(&u->lock);
        u->stop = true;
        (void)pthread_cond_broadcast(&u->wake);
        while (!u->has_ended) {
                /* It is lost between two statements. */
                sqlite3_interrupt(u->db->sqlite);
                halt_call(&u->halt);
                wait_until(u, clock_usec() + INTERRUPT_USEC);
        }
        (void)pthread_mutex_unlock(&u->lock);
        (void)pthread_join(u->thread, NULL);
        return release(u);
}
