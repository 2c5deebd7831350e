/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the provider is, in numbers, for whoever watches over machines. */

#include "registry1.h"

/* Answers Health(). 0 or negative. */
_must_check_ int health_answer(
        const struct registry1_config *config, size_t n_subscriptions, sd_bus_message *m);
