/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "../../schema/base/log.h"
#include "taint-internal.h"

enum exit_code taint_context_of(const struct auditpol_options *o, struct taint_kernel *ret)
{
        struct taint_kernel c = { 0 };

        if (o->era) {
                c.version = taint_version_parse(o->era, strlen(o->era));
                c.distro = taint_distro_of_release(o->era, strlen(o->era));
        }
        if (o->era && c.version == 0) {
                log_error("--era takes a kernel version, such as 3.13 or 4.18.0-348.el8, not '%s'", o->era);
                return EXIT_CODE_USAGE;
        }
        if (o->distro && !taint_distro_parse(o->distro, &c.distro)) {
                log_error("--distro takes upstream, debian, rhel, fedora, suse or ubuntu, not '%s'",
                        o->distro);
                return EXIT_CODE_USAGE;
        }
        *ret = c;
        return EXIT_CODE_OK;
}

enum exit_code taint_print(const struct buf *out)
{
        if (out->error) {
                log_error("%s", strerror(-out->error));
                return EXIT_CODE_FAILURE;
        }
        (void)fwrite(buf_str(out), 1, out->len, stdout);
        return EXIT_CODE_OK;
}
