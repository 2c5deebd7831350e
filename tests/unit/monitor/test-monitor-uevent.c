/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In a network namespace of its own, where the test is udev: nobody else hears of modules that are not
 * there. */
#include <check.h>
#include <endian.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "each-world.h"
#include "suite.h"

#define GROUP_UDEV 2u

/* MurmurHash2 with seed 0: what the listener's filter compares. */
static uint32_t hash(const char *text)
{
        const uint32_t m = 0x5bd1e995;
        size_t n = strlen(text);
        uint32_t h = (uint32_t)n;

        for (; n >= 4; n -= 4, text += 4) {
                uint32_t k;
                memcpy(&k, text, sizeof(k));
                k *= m;
                k ^= k >> 24;
                h = (h * m) ^ (k * m);
        }
        for (size_t i = n; i > 0; i--)
                h ^= (uint32_t)(unsigned char)text[i - 1] << (8 * (i - 1));
        if (n > 0)
                h *= m;
        h ^= h >> 13;
        h *= m;
        return h ^ h >> 15;
}

/* As udev passes an event on. */
static void send_uevent(const char *action, const char *module)
{
        struct {
                char prefix[8];
                uint32_t magic, header_size, at, n, subsystem, devtype, tags[2];
                char properties[256];
        } message = {
                .prefix = "libudev", .magic = htobe32(0xfeedcafe), .subsystem = htobe32(hash("module"))
        };
        const struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = GROUP_UDEV };

        message.header_size = message.at = offsetof(__typeof__(message), properties);
        int n = snprintf(message.properties, sizeof(message.properties),
                "ACTION=%s%cDEVPATH=/module/%s%cSUBSYSTEM=module%cSEQNUM=1%c", action, 0, module, 0, 0, 0);
        message.n = (uint32_t)n;
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
        ck_assert_int_ge(fd, 0);
        size_t size = message.at + message.n;
        ck_assert_int_eq(
                sendto(fd, &message, size, 0, (const struct sockaddr *)&to, sizeof(to)), (ssize_t)size);
}

static void setup(void)
{
        world_new(&w);
        world_start(&w);
}

TEST(a_module_that_comes_is_a_hint)
{
        ck_assert_ptr_nonnull(strstr(monitor_status(w.monitor).hooks, "uevent"));
        world_kernel_sets(&w, UINT64_C(1) << 18);
        scratch_puts(&w.root, "/sys/module/foo/taint", "N\n");
        (void)world_run(&w, 100 * MS);
        ck_assert_uint_eq(w.n_reported, 0);
        send_uevent("add", "foo");
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 18)->module, "foo");
}

TEST(a_module_that_goes_is_remembered)
{
        scratch_puts(&w.root, "/proc/modules", "kept 1 0 - Live 0x0\nfoo 1 0 - Live 0x0\n");
        send_uevent("add", "foo");
        (void)world_run(&w, 300 * MS);
        world_kernel_sets(&w, 8);
        scratch_puts(&w.root, "/proc/modules", "kept 1 0 - Live 0x0\n");
        send_uevent("remove", "foo");
        world_run_until_reported(&w, 1);
        ck_assert_str_eq(world_reported_of(&w, 3)->reason, "module-unload-forced");
        ck_assert_str_eq(world_reported_of(&w, 3)->module, "foo");
}

TEST(the_mask_is_read_again_later)
{
        send_uevent("add", "foo");
        (void)world_run(&w, 30 * MS);
        world_kernel_sets(&w, UINT64_C(1) << 18);
        world_run_until_reported(&w, 1);
}

Suite *test_suite(void)
{
        if (unshare(CLONE_NEWNET) < 0) {
                (void)fprintf(stderr,
                        "no network namespace can be made (%s): not tried what module uevents do\n",
                        strerror(errno));
                return NULL;
        }
        return suite_with("monitor-uevent", setup, world_teardown);
}
