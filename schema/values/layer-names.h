/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Layers with a name of their own. */

/* Always there: precedence 0, enabled. */
#define LAYER_BASE "base"
/* Shown as the source of a schema default; no real layer may be called so. */
#define LAYER_DEFAULT "default"
