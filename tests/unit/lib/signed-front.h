/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In front of a policy of the fleet: it has the form of a signature, and is none. */
#define SIGNED_FRONT                                                                                        \
        "untrusted comment: nobody signed this\n"                                                           \
        "RWQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
