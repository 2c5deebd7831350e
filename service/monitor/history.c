/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history.h"

#include <errno.h>
#include <string.h>

#define FIRST_SIZE 8u

void history_done(struct history *h)
{
        for (size_t i = 0; i < h->n; i++)
                taint_event_done(&h->events[i]);
        free(h->events);
        free(h->marks);
        *h = (struct history){ 0 };
}

static int grow(struct history *h)
{
        size_t size = h->size ? h->size * 2 : FIRST_SIZE;
        if (size > MONITOR_EVENTS_MAX)
                size = MONITOR_EVENTS_MAX;

        struct taint_event *events = reallocarray(h->events, size, sizeof(*events));
        if (!events)
                return -ENOMEM;
        h->events = events;
        struct history_mark *marks = reallocarray(h->marks, size, sizeof(*marks));
        if (!marks)
                return -ENOMEM;
        h->marks = marks;
        h->size = size;
        return 0;
}

static void cut_at_line(char *text, size_t max)
{
        if (!text || strlen(text) <= max)
                return;
        text[max] = '\0';
        char *newline = strrchr(text, '\n');
        if (newline)
                newline[1] = '\0';
}

static void drop_oldest(struct history *h)
{
        taint_event_done(&h->events[0]);
        h->n--;
        memmove(h->events, h->events + 1, h->n * sizeof(*h->events));
        memmove(h->marks, h->marks + 1, h->n * sizeof(*h->marks));
}

int history_add(struct history *h, const struct taint_event *e, struct history_mark mark, size_t *ret)
{
        struct taint_event copy;

        int r = h->n == h->size && h->size < MONITOR_EVENTS_MAX ? grow(h) : 0;
        if (r == 0)
                r = taint_event_copy(e, &copy);
        if (r < 0)
                return r;
        cut_at_line(copy.stack, HISTORY_STACK_MAX);
        cut_at_line(copy.properties, HISTORY_PROPERTIES_MAX);
        if (h->n == MONITOR_EVENTS_MAX)
                drop_oldest(h);
        h->events[h->n] = copy;
        h->marks[h->n] = mark;
        *ret = h->n++;
        return 0;
}
