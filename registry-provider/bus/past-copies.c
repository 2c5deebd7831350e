/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Restore and PreviewRestore: the copy that is handed over, and what is answered when a thread has compared
 * it. */

#include "../../schema/bus/cleanup.h"
#include "../../schema/bus/wire.h"
#include "../../schema/dbus/names.h"
#include "../../schema/events/loop.h"
#include "answer.h"
#include "past-internal.h"

/* As often a copy is compared beside the loop before the loop does it, so that nothing is changed meanwhile.
 */
#define COMPARISONS_MAX 4u
/* Of a copy of which nothing comes for so long nothing more is expected; that is looked for now and then. */
#define STUCK_SECONDS 30u
#define STUCK_USEC (STUCK_SECONDS * UINT64_C(1000000))
#define LOOK_USEC UINT64_C(5000000)

static int refuse_stuck(sd_bus_error *error)
{
        return sd_bus_error_setf(error, ERROR_STORAGE,
                "nothing has come of a copy for %u seconds: it is waited for no more, and none is restored before it can "
                "be read again",
                STUCK_SECONDS);
}

/* The descriptor is the message's. */
int past_read_copy(const struct past *p, sd_bus_message *m, struct call *c, sd_bus_error *error)
{
        _cleanup_path_ struct path path = { 0 };
        const char *key = NULL;
        const struct wire_member members[] = { { "key", "s", &key } };
        struct diag d = { 0 };
        int fd;

        if (p->is_stuck)
                return refuse_stuck(error);
        int r = sd_bus_message_read(m, "h", &fd);
        if (r >= 0)
                r = wire_read_strict(m, members, ARRAY_SIZE(members), &d);
        if (r < 0)
                return answer_invalid(r, &d, error);
        r = key ? registry_path(p->reader->registry, key, &path, &d) : 0;
        if (r != 0)
                return answer_fail(p->reader->registry, r, &d, error);
        c->m = sd_bus_message_ref(m);
        return restoration_new(fd, &path, &c->copy);
}

/* What is wrong with a copy, or the disk cannot do for it, is no fault of the registry's. */
int past_answer_copy(const struct past *p, struct call *c, sd_bus_error *error)
{
        const struct registry *registry = p->reader->registry;

        if (c->error == 0 && !restoration_is_current(c->copy, registry))
                c->error = restoration_compare(c->copy, p->file, &c->why);
        if (c->error > 0 || (c->error < 0 && !c->why.text[0]))
                return answer_fail(registry, c->error, &c->why, error);
        return c->error < 0 ? sd_bus_error_set(error, ERROR_STORAGE, c->why.text)
                            : writer_restore(p->reader->writer, c->m, c->copy, error);
}

bool past_compares_again(struct past *p, struct call *c)
{
        if (!c->copy || c->error != 0)
                return false;
        writer_flush(p->reader->writer);
        if (restoration_is_current(c->copy, p->reader->registry) ||
                restoration_tries(c->copy) >= COMPARISONS_MAX)
                return false;
        (void)pthread_mutex_lock(&p->lock);
        past_put_waiting(&p->copies, c);
        (void)pthread_mutex_unlock(&p->lock);
        return true;
}

/* ---- A copy that hangs, as a file of a server's that is gone ---- */

static void answer_stuck(struct past *p, struct call *c)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

        p->n--;
        (void)refuse_stuck(&error);
        (void)sd_bus_reply_method_error(c->m, &error);
}

/* Its thread cannot be had out of there: it has the call until it comes back. */
static void give_up(struct past *p, struct call *working)
{
        struct call *c;

        p->is_stuck = working->is_given_up = true;
        answer_stuck(p, working);
        (void)pthread_mutex_lock(&p->lock);
        while ((c = past_take(&p->copies.waiting))) {
                answer_stuck(p, c);
                (void)past_call_free(c);
        }
        (void)pthread_mutex_unlock(&p->lock);
}

static int on_look(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct past *p = userdata;

        (void)pthread_mutex_lock(&p->lock);
        struct call *c = p->copies.working;
        const bool is_idle = !c && !p->copies.waiting;
        (void)pthread_mutex_unlock(&p->lock);
        if (c && restoration_waited(c->copy) >= STUCK_USEC) {
                give_up(p, c);
                return 0;
        }
        return is_idle ? 0 : loop_timer_start(p->look, LOOK_USEC);
}

int past_watch_copies(struct past *p)
{
        int r = p->look ? 0
                        : loop_timer_new(sd_bus_get_event(p->reader->writer->config->bus), LOOK_USEC,
                                  on_look, p, &p->look);

        return r < 0 || loop_timer_runs(p->look) ? r : loop_timer_start(p->look, LOOK_USEC);
}
