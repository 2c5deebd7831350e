/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Layers that end by themselves: deleted when their time has come, also where it came while nobody ran; and
 * the records of both ends. */

#include "../../schema/audit/auditlog.h"
#include "../../schema/events/loop.h"
#include "reload.h"

/* A layer with an end. */
struct ends_layer {
        char *name;
        struct ending end;
        bool is_seen, is_over;
};

struct ends {
        struct registryd *daemon;
        struct storage *storage;
        struct reload *reload;
        struct auditlog *auditlog;
        struct loop_alarm *alarm;
        struct ends_layer *list;
        size_t n;
        uint64_t version; /* of the table of layers that the list is of */
};

/* All are borrowed, and the ends stay where they are. What has ended meanwhile is deleted. 0 or negative
 * errno. */
_must_check_ int ends_init(struct ends *e, struct registryd *daemon, struct storage *storage,
        struct reload *reload, struct auditlog *auditlog);
void ends_done(struct ends *e);

/* Something was written, or files were read: layers may have got other ends, or none. */
void ends_changed(struct ends *e);
