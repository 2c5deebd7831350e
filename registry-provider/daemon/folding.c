/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the journal is folded: in a quiet moment, or when it would make the next start slow. A fold costs a
 * whole snapshot, so one that failed is not tried again with every write. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "../../schema/events/timer.h"
#include "manager-internal.h"

#define FOLD_QUIET_USEC UINT64_C(10000000)
#define FOLD_RETRY_USEC UINT64_C(300000000)
#define FOLD_SIZE_QUIET (64u * 1024u)
#define FOLD_SIZE_NOW (16u * 1024u * 1024u)

static void set_timer(struct manager *m, uint64_t usec)
{
        int r = timer_start(m->fold_timer, usec);
        if (r < 0)
                log_warning("cannot set the timer for folding: %s; ignoring", strerror(-r));
}

static void fold(struct manager *m, size_t threshold)
{
        struct diag d = { 0 };

        registry_bus_flush(m->registry_bus);
        size_t size = registry_journal_size(m->registry);
        if (size <= threshold)
                return;
        int r = registry_fold(m->registry, threshold, &d);
        m->fold_failed_at = r < 0 ? size : 0;
        if (r == 0)
                return;
        log_debug("the journal cannot be folded: %s", d.text[0] ? d.text : strerror(-r));
        set_timer(m, FOLD_RETRY_USEC);
}

static int on_timer(_unused_ sd_event_source *s, _unused_ uint64_t usec, void *userdata)
{
        fold(userdata, FOLD_SIZE_QUIET);
        /* Loading, folding and previews take memory for a moment; an idle service gives it back. */
        (void)malloc_trim(0);
        return 0;
}

int folding_start(struct manager *m)
{
        return timer_new(m->event, 1000000, on_timer, m, &m->fold_timer);
}

void folding_changed(struct manager *m)
{
        size_t failed_at = m->fold_failed_at;

        if (failed_at == 0)
                fold(m, FOLD_SIZE_NOW);
        else
                fold(m, failed_at > SIZE_MAX / 2 ? SIZE_MAX : 2 * failed_at);
        /* After a failure the timer runs already. */
        if (m->fold_failed_at == 0)
                set_timer(m, FOLD_QUIET_USEC);
}

/* Who asks again and again must not put off the folding. */
void folding_tried(struct manager *m)
{
        if (!timer_runs(m->fold_timer))
                set_timer(m, FOLD_QUIET_USEC);
}

/* No file is wrong: this stands for the one that cannot be made. */
#define FOLD_PROBLEM "snapshot"

void folding_failed(const char *text, void *userdata)
{
        struct manager *m = userdata;

        report_problem(m, FOLD_PROBLEM, text, NULL);
        if (!timer_runs(m->fold_timer))
                set_timer(m, FOLD_RETRY_USEC);
}

void folding_done(void *userdata)
{
        struct manager *m = userdata;

        m->fold_failed_at = 0;
        log_notice("the journal has been folded again");
        clear_problem(m, FOLD_PROBLEM);
}
