/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "bpf-source.h"

int bpf_source_new(sd_event *event, uint64_t set_before, const char *pin_dir,
        const struct bpf_source_callbacks *callbacks, struct bpf_source **ret, struct diag *d)
{
        (void)event;
        (void)set_before;
        (void)pin_dir;
        (void)callbacks;
        (void)ret;
        return diag_set(d, EOPNOTSUPP, "this program was built without BPF");
}

struct bpf_source *bpf_source_free(struct bpf_source *s)
{
        (void)s;
        return NULL;
}

struct bpf_source_status bpf_source_status(struct bpf_source *s)
{
        (void)s;
        return (struct bpf_source_status){ 0 };
}
