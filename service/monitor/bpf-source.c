/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The programs in the kernel: loaded, attached, and the memory that they share with us. Every hook is
 * optional but one that watches bits. Loading needs capabilities, everything else none. */
#include "bpf-source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "bpf/report-event.h"
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

struct bpf_source {
        struct bpf_source_callbacks callbacks;
        struct taint_bpf *skeleton;
        struct bpf_link *links[HOOKS_N][PROGRAMS_A_HOOK];
        struct report_slot *slots; /* REPORT_BITS of them, written by the kernel at any time */
        struct ring_buffer *ring;
        sd_event_source *wake, *later;
        uint64_t misses[HOOKS_N];
        char hooks[256]; /* a blank between */
        bool pinned;
        uint64_t not_ours; /* claimed by us and not by the programs */
        uint64_t left;     /* in slots that somebody before us did not get to report */
        uint64_t drops;    /* when the slots were last looked at */
        bool draining;
};

/* libbpf would refuse to load at all. */
static int remove_misfit(const char *path)
{
        struct bpf_map_info info = { 0 };
        __u32 n = sizeof(info);
        _cleanup_close_ int fd = bpf_obj_get(path);

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (bpf_obj_get_info_by_fd(fd, &info, &n) < 0)
                return -errno;
        if (info.type == BPF_MAP_TYPE_ARRAY && info.key_size == sizeof(uint32_t) &&
                info.value_size == sizeof(struct report_slot) && info.max_entries == REPORT_BITS &&
                info.map_flags == BPF_F_MMAPABLE)
                return 0;
        return unlink(path) < 0 ? -errno : 0;
}

/* Where the slots outlive us: *ret is the path for libbpf, malloc()ed; a map that lies there with another
 * layout is removed. NULL, and 0, where `folder` is NULL. Negative errno where nothing can be pinned. */
static int prepare_pin(const char *folder, char **ret)
{
        _cleanup_free_ char *path = NULL;
        struct statfs fs;
        int r;

        if (!folder)
                return 0;
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        if (statfs(folder, &fs) < 0)
                return -errno;
        if (fs.f_type != BPF_FS_MAGIC)
                return -EINVAL;
        if (asprintf(&path, "%s/taint_slots", folder) < 0)
                return -ENOMEM;
        r = remove_misfit(path);
        if (r < 0)
                return r;
        *ret = STEAL_PTR(path);
        return 0;
}

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

static struct bpf_program *find_program(const struct bpf_source *s, size_t hook, size_t i)
{
        const char *name = hooks[hook].programs[i];

        return name ? bpf_object__find_program_by_name(s->skeleton->obj, name) : NULL;
}

static void choose_hooks(struct bpf_source *s, unsigned wanted)
{
        for (size_t h = 0; h < HOOKS_N; h++)
                for (size_t i = 0; i < PROGRAMS_A_HOOK; i++) {
                        struct bpf_program *program = find_program(s, h, i);

                        if (program)
                                (void)bpf_program__set_autoload(program, wanted & 1U << h);
                }
}

static int load(struct bpf_source *s, unsigned wanted, uint64_t set_before, const char *pin)
{
        int r;

        s->skeleton = taint_bpf__open();
        if (!s->skeleton)
                return -errno;
        s->skeleton->bss->claimed = set_before;
        choose_hooks(s, wanted);
        r = pin ? bpf_map__set_pin_path(s->skeleton->maps.taint_slots, pin) : 0;
        if (r >= 0)
                r = taint_bpf__load(s->skeleton);
        if (r >= 0)
                return 0;
        taint_bpf__destroy(STEAL_PTR(s->skeleton));
        return r;
}

/* A hook that this kernel does not have fails them all, and which one it was is not said. 0 where none of
 * those that matter is left. */
static unsigned find_loadable(struct bpf_source *s)
{
        unsigned found = 0;
        bool watches = false;

        for (size_t h = 0; h < HOOKS_N; h++) {
                if (load(s, 1U << h, 0, NULL) < 0)
                        continue;
                taint_bpf__destroy(STEAL_PTR(s->skeleton));
                found |= 1U << h;
                watches |= hooks[h].watches;
        }
        return watches ? found : 0;
}

static int load_what_can(struct bpf_source *s, uint64_t set_before, const char *pin, struct diag *d)
{
        unsigned loadable = 0;
        int r;

        libbpf_text[0] = '\0';
        r = load(s, HOOKS_ALL, set_before, pin);
        if (r < 0)
                loadable = find_loadable(s);
        if (loadable)
                r = load(s, loadable, set_before, pin);
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

static bool attach_hook(struct bpf_source *s, size_t hook)
{
        for (size_t i = 0; i < PROGRAMS_A_HOOK && hooks[hook].programs[i]; i++) {
                struct bpf_program *program = find_program(s, hook, i);

                if (program && bpf_program__autoload(program))
                        s->links[hook][i] = bpf_program__attach(program);
                if (!s->links[hook][i]) {
                        detach(s->links[hook]);
                        return false;
                }
        }
        return true;
}

static int attach(struct bpf_source *s, struct diag *d)
{
        bool watching = false;
        size_t n = 0;

        libbpf_text[0] = '\0';
        /* Those that name things stand behind those that watch, and are wanted first. */
        for (size_t h = HOOKS_N; h-- > 0;) {
                const struct hook *hook = &hooks[h];
                int k;

                if (!attach_hook(s, h))
                        continue;
                watching |= hook->watches;
                k = snprintf(s->hooks + n, sizeof(s->hooks) - n, "%s%s", n > 0 ? " " : "", hook->name);
                if (k > 0 && (size_t)k < sizeof(s->hooks) - n)
                        n += (size_t)k;
        }
        if (!watching)
                return diag_set(d, EOPNOTSUPP, "no BPF program could be attached to add_taint: %s",
                        libbpf_text[0] ? libbpf_text : "unknown reason");
        return 0;
}

static int map_slots(struct bpf_source *s, struct diag *d)
{
        int fd = bpf_map__fd(s->skeleton->maps.taint_slots);
        void *slots = mmap(
                NULL, REPORT_BITS * sizeof(struct report_slot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (slots == MAP_FAILED)
                return diag_set(d, errno, "cannot map the BPF programs' memory: %s", strerror(errno));
        s->slots = slots;
        return 0;
}

static uint64_t count_drops(const struct bpf_source *s)
{
        return __atomic_load_n(&s->skeleton->bss->drops, __ATOMIC_RELAXED);
}

/* The clocks are read again for every report: the wall clock may have been set. */
static int64_t clock_offset_usec(void)
{
        const int64_t wall = (int64_t)clock_of(CLOCK_REALTIME);

        return wall - (int64_t)clock_of(CLOCK_BOOTTIME);
}

static bool is_ready(const struct report_slot *slot)
{
        return __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE) == REPORT_READY;
}

static uint64_t ready_bits(const struct report_slot *slots)
{
        uint64_t bits = 0;

        for (size_t i = 0; i < REPORT_BITS; i++)
                if (is_ready(&slots[i]))
                        bits |= UINT64_C(1) << i;
        return bits;
}

static struct report_slot *oldest_ready(struct report_slot *slots)
{
        struct report_slot *oldest = NULL;

        for (size_t i = 0; i < REPORT_BITS; i++)
                if (is_ready(&slots[i]) && (!oldest || slots[i].boot_nsec < oldest->boot_nsec))
                        oldest = &slots[i];
        return oldest;
}

/* A slot is reported before it is marked: after a kill between the two it is reported again, by its pinned
 * slot. */
static void drain(struct bpf_source *s)
{
        struct report_slot *slot;

        if (s->draining)
                return;
        s->draining = true;
        s->drops = count_drops(s);
        while ((slot = oldest_ready(s->slots))) {
                struct taint_event e;

                /* Without memory it stays ready for the next time. */
                if (report_to_event(slot, (unsigned)(slot - s->slots), clock_offset_usec(), &e) < 0)
                        break;
                s->callbacks.transition(&e, s->callbacks.userdata);
                free(e.stack);
                __atomic_store_n(&slot->state, REPORT_DONE, __ATOMIC_RELEASE);
        }
        s->draining = false;
}

static int on_report(void *userdata, void *data, size_t n)
{
        struct bpf_source *s = userdata;
        const struct report_sysctl *report = data;
        struct sysctl_write w;

        drain(s);
        if (report->kind != REPORT_SYSCTL || n < sizeof(*report))
                return 0;
        report_to_sysctl_write(report, clock_offset_usec(), &w);
        s->callbacks.sysctl_written(&w, s->callbacks.userdata);
        return 0;
}

static int on_wake(
        _unused_ sd_event_source *source, _unused_ int fd, _unused_ uint32_t revents, void *userdata)
{
        struct bpf_source *s = userdata;

        (void)ring_buffer__consume(s->ring);
        return 0;
}

static int on_later(_unused_ sd_event_source *source, void *userdata)
{
        drain(userdata);
        return 0;
}

static int listen_to(struct bpf_source *s, sd_event *event, struct diag *d)
{
        int r;

        s->ring = ring_buffer__new(bpf_map__fd(s->skeleton->maps.ring), on_report, s, NULL);
        if (!s->ring)
                return diag_set(d, errno, "cannot map the BPF ring: %s", strerror(errno));
        r = sd_event_add_io(event, &s->wake, ring_buffer__epoll_fd(s->ring), EPOLLIN, on_wake, s);
        if (r >= 0)
                r = sd_event_add_defer(event, &s->later, on_later, s);
        if (r < 0)
                return diag_set(d, -r, "cannot wait for BPF reports: %s", strerror(-r));
        return 0;
}

/* Bits that came between the caller's look at the mask and the programs. Where the kernel hides the mask's
 * address from the programs, nothing else keeps them from looking new when they are set once more. */
static int claim_what_is_set(struct bpf_source *s, struct diag *d)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        int r = file_read(AT_FDCWD, "/proc/sys/kernel/tainted", 64, &text, NULL, d);

        if (r < 0)
                return r;
        uint64_t bits = strtoull(buf_str(&text), NULL, 10);
        s->not_ours |=
                bits & ~__atomic_fetch_or((uint64_t *)&s->skeleton->bss->claimed, bits, __ATOMIC_ACQ_REL);
        return 0;
}

int bpf_source_new(sd_event *event, uint64_t set_before, const char *pin_dir,
        const struct bpf_source_callbacks *callbacks, struct bpf_source **ret, struct diag *d)
{
        struct bpf_source *s = calloc(1, sizeof(*s));
        _cleanup_free_ char *pin = NULL;

        if (!s)
                return diag_set(d, ENOMEM, "out of memory");
        s->callbacks = *callbacks;
        s->not_ours = set_before;
        libbpf_set_print(keep_warning);
        s->pinned = prepare_pin(pin_dir, &pin) >= 0 && pin;
        int r = load_what_can(s, set_before, pin, d);
        if (r >= 0)
                r = map_slots(s, d);
        if (r >= 0)
                r = attach(s, d);
        if (r >= 0) {
                s->left = ready_bits(s->slots) & s->not_ours;
                r = claim_what_is_set(s, d);
        }
        if (r >= 0)
                r = listen_to(s, event, d);
        if (r < 0) {
                bpf_source_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct bpf_source *bpf_source_free(struct bpf_source *s)
{
        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->wake);
        sd_event_source_disable_unref(s->later);
        ring_buffer__free(s->ring);
        for (size_t h = 0; h < HOOKS_N; h++)
                detach(s->links[h]);
        if (s->slots)
                (void)munmap(s->slots, REPORT_BITS * sizeof(struct report_slot));
        taint_bpf__destroy(s->skeleton);
        free(s);
        return NULL;
}

static uint64_t count_misses(struct bpf_source *s)
{
        uint64_t sum = 0;

        for (size_t h = 0; h < HOOKS_N; h++) {
                struct bpf_prog_info info = { 0 };
                __u32 size = sizeof(info);

                /* Older kernels refuse this without a capability: what was read last stands. */
                if (s->links[h][0] &&
                        bpf_obj_get_info_by_fd(bpf_program__fd(find_program(s, h, 0)), &info, &size) == 0)
                        s->misses[h] = info.recursion_misses;
                sum += s->misses[h];
        }
        return sum;
}

struct bpf_source_status bpf_source_status(struct bpf_source *s)
{
        uint64_t claimed = __atomic_load_n(&s->skeleton->bss->claimed, __ATOMIC_ACQUIRE);
        struct bpf_source_status status = {
                .misses = count_misses(s),
                .drops = count_drops(s),
                .claimed = (claimed & ~s->not_ours) | s->left,
                .pinned = s->pinned,
                .reports_writes = strstr(s->hooks, WRITES_HOOK) != NULL,
        };

        (void)strcpy(status.hooks, s->hooks);
        /* Nobody was woken for these. */
        if (status.drops != s->drops)
                (void)sd_event_source_set_enabled(s->later, SD_EVENT_ONESHOT);
        return status;
}
