/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with the registry's files and metadata: told once, and no longer when it is over. */
#include "../../schema/base/log.h"
#include "manager-internal.h"

void report_problem(struct manager *m, const char *file, const char *text, const struct record *record)
{
        if (!problems_set(&m->problems, file, text))
                return;
        if (record)
                auditlog_emit(m->auditlog, record);
        else
                log_error("%s", text);
        if (m->registry_bus)
                registry_bus_problems_changed(m->registry_bus);
}

bool clear_problem(struct manager *m, const char *file)
{
        if (!problems_clear(&m->problems, file))
                return false;
        if (m->registry_bus)
                registry_bus_problems_changed(m->registry_bus);
        return true;
}
