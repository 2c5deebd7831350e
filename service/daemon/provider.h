/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the registry provider is, as it says itself, for the metrics. */

#include "../metrics/metrics-text.h"
#include "../settings/settings.h"

struct provider;

/* All are borrowed. 0 or -ENOMEM. */
_must_check_ int provider_new(sd_bus *bus, struct metrics *metrics, struct provider **ret);
struct provider *provider_free(struct provider *p);

/* Asks, unless nobody wants to know or an answer is still to come; it changes the metrics. p may be NULL. */
void provider_ask(struct provider *p);
/* What was said last; NULL: nothing yet, or nobody asked. */
const struct metrics_registry *provider_health(const struct provider *p);
