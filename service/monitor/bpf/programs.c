/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "pin.h"
#include "programs.h"
#include "taint.skel.h"

#define PROGRAMS_A_HOOK 3
#define WRITES_HOOK "fexit/proc_sys_call_handler"

_Static_assert(sizeof(struct report_slot) % 8 == 0, "the kernel would pad it");

/* One hook is whole or not there: a begin without its end would leave stale names behind. So ends stand
 * first. */
static const struct hook {
        const char *name;
        bool watches;
        const char *programs[PROGRAMS_A_HOOK];
} hooks[] = {
        { "fentry/add_taint", true, { "fentry_add_taint" } },
        { "fentry/add_taint#2", true, { "fentry_add_taint_again" } },
        { "kprobe/add_taint", true, { "kprobe_add_taint" } },
        { "fexit/proc_taint", false, { "fexit_proc_taint", "fentry_proc_taint" } },
        { "fexit/load_module", false, { "fexit_load_module", "tp_module_load", "fentry_load_module" } },
        { "fexit/delete_module", false, { "fexit_delete_module", "fentry_delete_module" } },
        { WRITES_HOOK, false, { "fexit_sysctl" } },
};

#define HOOKS_N ARRAY_SIZE(hooks)
#define HOOKS_ALL ((1U << HOOKS_N) - 1)

struct programs {
        struct taint_bpf *skeleton;
        struct bpf_link *links[HOOKS_N][PROGRAMS_A_HOOK];
        struct report_slot *slots;
        uint64_t misses[HOOKS_N];
        char hooks[256];
        bool pinned;
};

/* libbpf hands no pointer of ours to its printer. */
static char libbpf_text[256];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
        __attribute__((format(printf, 2, 0)));

/* The first one names the cause. */
static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
        if (level != LIBBPF_WARN || libbpf_text[0])
                return 0;
        (void)vsnprintf(libbpf_text, sizeof(libbpf_text), format, arguments);
        libbpf_text[strcspn(libbpf_text, "\n")] = '\0';
        return 0;
}

static struct bpf_program *find_program(const struct programs *p, size_t hook, size_t i)
{
        const char *name = hooks[hook].programs[i];

        return name ? bpf_object__find_program_by_name(p->skeleton->obj, name) : NULL;
}

static void choose_hooks(struct programs *p, unsigned wanted)
{
        for (size_t h = 0; h < HOOKS_N; h++)
                for (size_t i = 0; i < PROGRAMS_A_HOOK; i++) {
                        struct bpf_program *program = find_program(p, h, i);

                        if (program)
                                (void)bpf_program__set_autoload(program, wanted & 1U << h);
                }
}

static int load(struct programs *p, unsigned wanted, uint64_t set_before, const char *pin)
{
        int r;

        p->skeleton = taint_bpf__open();
        if (!p->skeleton)
                return -errno;
        p->skeleton->bss->claimed = set_before;
        choose_hooks(p, wanted);
        r = pin ? bpf_map__set_pin_path(p->skeleton->maps.taint_slots, pin) : 0;
        if (r >= 0)
                r = taint_bpf__load(p->skeleton);
        if (r >= 0)
                return 0;
        taint_bpf__destroy(STEAL_PTR(p->skeleton));
        return r;
}

/* A hook that this kernel does not have fails them all, and which one it was is not said. 0 where none of
 * those that matter is left. */
static unsigned find_loadable(struct programs *p)
{
        unsigned found = 0;
        bool watches = false;

        for (size_t h = 0; h < HOOKS_N; h++) {
                if (load(p, 1U << h, 0, NULL) < 0)
                        continue;
                taint_bpf__destroy(STEAL_PTR(p->skeleton));
                found |= 1U << h;
                watches |= hooks[h].watches;
        }
        return watches ? found : 0;
}

static int load_what_can(struct programs *p, uint64_t set_before, const char *pin, struct diag *d)
{
        unsigned loadable = 0;
        int r;

        libbpf_text[0] = '\0';
        r = load(p, HOOKS_ALL, set_before, pin);
        if (r < 0)
                loadable = find_loadable(p);
        if (loadable)
                r = load(p, loadable, set_before, pin);
        if (r < 0)
                /* Of missing privileges the warnings speak in riddles. */
                return diag_set(d, -r, "cannot load the BPF programs: %s",
                        libbpf_text[0] && r != -EPERM ? libbpf_text : strerror(-r));
        return 0;
}

static void detach(struct bpf_link *links[static PROGRAMS_A_HOOK])
{
        for (size_t i = PROGRAMS_A_HOOK; i-- > 0;)
                (void)bpf_link__destroy(STEAL_PTR(links[i]));
}

static bool attach_hook(struct programs *p, size_t hook)
{
        for (size_t i = 0; i < PROGRAMS_A_HOOK && hooks[hook].programs[i]; i++) {
                struct bpf_program *program = find_program(p, hook, i);

                if (program && bpf_program__autoload(program))
                        p->links[hook][i] = bpf_program__attach(program);
                if (!p->links[hook][i]) {
                        detach(p->links[hook]);
                        return false;
                }
        }
        return true;
}

static int attach(struct programs *p, struct diag *d)
{
        bool watching = false;
        size_t n = 0;

        libbpf_text[0] = '\0';
        /* Those that name things stand behind those that watch, and are wanted first. */
        for (size_t h = HOOKS_N; h-- > 0;) {
                const struct hook *hook = &hooks[h];
                int k;

                if (!attach_hook(p, h))
                        continue;
                watching |= hook->watches;
                k = snprintf(p->hooks + n, sizeof(p->hooks) - n, "%s%s", n > 0 ? " " : "", hook->name);
                if (k > 0 && (size_t)k < sizeof(p->hooks) - n)
                        n += (size_t)k;
        }
        if (!watching)
                return diag_set(d, EOPNOTSUPP, "no BPF program could be attached to add_taint: %s",
                        libbpf_text[0] ? libbpf_text : "unknown reason");
        return 0;
}

static int map_slots(struct programs *p, struct diag *d)
{
        int fd = bpf_map__fd(p->skeleton->maps.taint_slots);
        void *slots = mmap(
                NULL, REPORT_BITS * sizeof(struct report_slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (slots == MAP_FAILED)
                return diag_set(d, errno, "cannot map the BPF programs' memory: %s", strerror(errno));
        p->slots = slots;
        return 0;
}

int programs_new(uint64_t set_before, const char *pin_dir, struct programs **ret, struct diag *d)
{
        _cleanup_free_ char *pin = NULL;
        struct programs *p;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return diag_set(d, ENOMEM, "out of memory");
        libbpf_set_print(keep_warning);
        r = pin_prepare(pin_dir, "taint_slots", sizeof(struct report_slot), REPORT_BITS, &pin);
        p->pinned = r >= 0 && pin;
        r = load_what_can(p, set_before, pin, d);
        if (r >= 0)
                r = map_slots(p, d);
        if (r >= 0)
                r = attach(p, d);
        if (r < 0) {
                programs_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

struct programs *programs_free(struct programs *p)
{
        if (!p)
                return NULL;
        for (size_t h = 0; h < HOOKS_N; h++)
                detach(p->links[h]);
        if (p->slots)
                (void)munmap(p->slots, REPORT_BITS * sizeof(struct report_slot));
        taint_bpf__destroy(p->skeleton);
        free(p);
        return NULL;
}

struct report_slot *programs_slots(struct programs *p)
{
        return p->slots;
}

int programs_ring_fd(const struct programs *p)
{
        return bpf_map__fd(p->skeleton->maps.ring);
}

const char *programs_hooks(const struct programs *p)
{
        return p->hooks;
}

bool programs_report_writes(const struct programs *p)
{
        return strstr(p->hooks, WRITES_HOOK) != NULL;
}

bool programs_pinned(const struct programs *p)
{
        return p->pinned;
}

uint64_t programs_misses(struct programs *p)
{
        uint64_t sum = 0;

        for (size_t h = 0; h < HOOKS_N; h++) {
                struct bpf_prog_info info = { 0 };
                __u32 size = sizeof(info);

                /* Older kernels refuse this without a capability: what was read last stands. */
                if (p->links[h][0] &&
                        bpf_obj_get_info_by_fd(bpf_program__fd(find_program(p, h, 0)), &info, &size) == 0)
                        p->misses[h] = info.recursion_misses;
                sum += p->misses[h];
        }
        return sum;
}

uint64_t programs_drops(const struct programs *p)
{
        return __atomic_load_n(&p->skeleton->bss->drops, __ATOMIC_RELAXED);
}

uint64_t programs_claimed(const struct programs *p)
{
        return __atomic_load_n(&p->skeleton->bss->claimed, __ATOMIC_ACQUIRE);
}

uint64_t programs_claim(struct programs *p, uint64_t bits)
{
        return bits & ~__atomic_fetch_or((uint64_t *)&p->skeleton->bss->claimed, bits, __ATOMIC_ACQ_REL);
}
