/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libbpf's part of a kernel that lacks something (linked with --wrap). */

/* The program is attached, and at once to nothing any more. Several may be named, one a call. */
void fault_deaf(const char *program);
/* Loading it fails, and with it all that is loaded beside it. */
void fault_refuse(const char *program);
