/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "raw-client.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../schema/values/value.h"
#include "harness.h"

/* Little-endian; what is longer than its place fails the test. */
struct raw {
        uint8_t data[1024];
        size_t n;
};

static void put(struct raw *m, const void *data, size_t n)
{
        ck_assert_uint_le(m->n + n, sizeof(m->data));
        memcpy(m->data + m->n, data, n);
        m->n += n;
}

static void align(struct raw *m, size_t to)
{
        while (m->n % to)
                put(m, "", 1);
}

static void put_number(struct raw *m, uint32_t number)
{
        const uint8_t bytes[] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                (uint8_t)(number >> 24) };

        align(m, 4);
        put(m, bytes, sizeof(bytes));
}

static void put_string(struct raw *m, const char *text)
{
        put_number(m, (uint32_t)strlen(text));
        put(m, text, strlen(text) + 1);
}

static void put_signature(struct raw *m, const char *signature)
{
        const uint8_t n = (uint8_t)strlen(signature);

        put(m, &n, 1);
        put(m, signature, n + 1u);
}

/* `type`: of the field's value, as its signature says. */
static void put_field(struct raw *m, uint8_t code, const char *type, const char *text)
{
        align(m, 8);
        put(m, &code, 1);
        put_signature(m, type);
        if (type[0] == 'g')
                put_signature(m, text);
        else
                put_string(m, text);
}

static void put_empty_options(struct raw *m)
{
        put_number(m, 0);
        align(m, 8);
}

static void call(int fd, uint32_t serial, const char *service, const char *path, const char *member,
        const char *types, const struct raw *body)
{
        static const uint8_t start[] = { 'l', 1, 0, 1 };
        struct raw m = { .n = 0 }, fields = { .n = 0 };

        put_field(&fields, 1, "o", path);
        put_field(&fields, 2, "s", service); /* both interfaces have their service's name */
        put_field(&fields, 3, "s", member);
        put_field(&fields, 6, "s", service);
        if (types[0] != '\0')
                put_field(&fields, 8, "g", types);
        put(&m, start, sizeof(start));
        put_number(&m, (uint32_t)body->n);
        put_number(&m, serial);
        put_number(&m, (uint32_t)fields.n);
        put(&m, fields.data, fields.n);
        align(&m, 8);
        put(&m, body->data, body->n);
        ck_assert_int_eq(send(fd, m.data, m.n, MSG_NOSIGNAL), (ssize_t)m.n);
}

void raw_client_set(int fd, const char *name, const char *text)
{
        static uint32_t serial = 1;
        struct raw body = { .n = 0 };

        put_string(&body, "\\Test");
        put_string(&body, name);
        put_number(&body, REG_SZ);
        put_signature(&body, "s");
        put_string(&body, text);
        put_empty_options(&body);
        call(fd, ++serial, REGISTRY_BUS_NAME, REGISTRY_PATH, "Set", "ssuva{sv}", &body);
}

/* The answers are short and come when they are asked for. */
static void expect(int fd, const char *line)
{
        char text[256] = "";

        ck_assert_int_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
        ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s", text);
}

static int connect_to_bus(void)
{
        static const char prefix[] = "unix:path=";
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char auth[64], hex[32] = "", uid[16], answer[256];
        const struct raw nothing = { .n = 0 };

        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(strncmp(world.address, prefix, sizeof(prefix) - 1), 0);
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", world.address + sizeof(prefix) - 1);
        ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        int n = snprintf(uid, sizeof(uid), "%u", (unsigned)geteuid());
        for (int i = 0; i < n; i++)
                (void)snprintf(hex + 2 * i, 3, "%02x", (unsigned)uid[i]);
        ck_assert_int_eq(send(fd, "", 1, 0), 1);
        n = snprintf(auth, sizeof(auth), "AUTH EXTERNAL %s\r\n", hex);
        ck_assert_int_eq(send(fd, auth, (size_t)n, 0), n);
        expect(fd, "OK ");
        ck_assert_int_eq(send(fd, "BEGIN\r\n", 7, 0), 7);
        call(fd, 1, "org.freedesktop.DBus", "/org/freedesktop/DBus", "Hello", "", &nothing);
        ck_assert_int_gt(recv(fd, answer, sizeof(answer), 0), 0);
        return fd;
}

static struct msghdr one_descriptor(struct iovec *data, void *control, size_t size)
{
        return (struct msghdr){
                .msg_iov = data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = size
        };
}

union descriptor {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
};

_Noreturn static void run_client(uid_t uid, const char *name, int to)
{
        union descriptor d = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
                                       .cmsg_level = SOL_SOCKET,
                                       .cmsg_type = SCM_RIGHTS } };
        struct iovec data = { .iov_base = (char[1]){ 0 }, .iov_len = 1 };
        const struct msghdr m = one_descriptor(&data, &d, sizeof(d));

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (uid != geteuid() &&
                (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
                _exit(1);
        (void)prctl(PR_SET_NAME, name);
        int fd = connect_to_bus();
        memcpy(CMSG_DATA(&d.header), &fd, sizeof(fd));
        if (sendmsg(to, &m, 0) < 0)
                _exit(1);
        for (;;)
                (void)pause();
}

pid_t raw_client_start(uid_t uid, const char *name, int *ret_fd)
{
        union descriptor d = { 0 };
        struct iovec data = { .iov_base = (char[1]){ 0 }, .iov_len = 1 };
        struct msghdr m = one_descriptor(&data, &d, sizeof(d));
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                run_client(uid, name, fds[1]);
        (void)close(fds[1]);
        ck_assert_int_eq(recvmsg(fds[0], &m, MSG_CMSG_CLOEXEC), 1);
        const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        ck_assert_ptr_nonnull(c);
        memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
        (void)close(fds[0]);
        return pid;
}
