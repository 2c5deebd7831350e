/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Drop-in files of the tests. */

#include "client.h"

/* A file that sets TaintEvents. Good until the next call. */
const char *dropin_text(const char *layer, unsigned precedence, const char *value);
/* Writes ROOT/etc/peios/registry.d/NAME in place. */
void dropin_write(const char *name, const char *text);
/* The same text as DROPIN_FLEET, with a signature in front, which nobody verifies there. */
#define DROPIN_FLEET LAYOUT_DROPINS_FLEET "/fleet-web.yaml"
void dropin_write_signed(const char *layer, unsigned precedence, const char *value);
const char *dropin_path(const char *name);

/* The effective value of TaintEvents, as of get_text(). */
bool value_is(const char *text);
/* The registry's property Problems: empty, or holding the text. */
bool no_problems(void);
bool has_problem(const char *text);
