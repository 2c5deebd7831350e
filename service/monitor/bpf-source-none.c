/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "bpf-source.h"

int bpf_source_new(_unused_ sd_event *event, _unused_ uint64_t set_before, _unused_ const char *pin_dir,
        _unused_ const struct bpf_source_callbacks *callbacks, _unused_ struct bpf_source **ret,
        struct diag *d)
{
        return diag_set(d, EOPNOTSUPP, "this program was built without BPF");
}

struct bpf_source *bpf_source_free(_unused_ struct bpf_source *s)
{
        return NULL;
}

struct bpf_source_status bpf_source_status(_unused_ struct bpf_source *s)
{
        return (struct bpf_source_status){ 0 };
}
