/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* etcd by its JSON gateway, over connections that stay open. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "../../schema/base/file.h"
#include "lanes.h"

#define KEY "YmVuY2g=" /* "bench" in base64 */

struct etcd_lane {
        int put, watch; /* -1: none */
};

static int dial(unsigned port)
{
        const struct sockaddr_in to = { .sin_family = AF_INET,
                .sin_port = htons((uint16_t)port),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0)
                die("etcd", -errno);
        return fd;
}

static int post(int fd, const char *path, const char *body)
{
        _cleanup_free_ char *request =
                text("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", path,
                        strlen(body), body);
        return file_write_all(fd, request, strlen(request));
}

/* Reads until the text is in what came. */
static int read_until(int fd, const char *wanted)
{
        char answer[8192];
        size_t n = 0;

        do {
                ssize_t got = read(fd, answer + n, sizeof(answer) - 1 - n);
                if (got <= 0)
                        return got < 0 ? -errno : -EPIPE;
                n += (size_t)got;
                answer[n] = '\0';
                if (strncmp(answer, "HTTP/1.1", 8) == 0 && strncmp(answer, "HTTP/1.1 200", 12) != 0)
                        return -EPROTO;
        } while (n < sizeof(answer) - 1 && !strstr(answer, wanted));
        return n < sizeof(answer) - 1 ? 0 : -EMSGSIZE;
}

/* Digits are base64 of something, and so a fresh value. */
static int put(const struct etcd_lane *e, const char *value)
{
        _cleanup_free_ char *body = text("{\"key\":\"" KEY "\",\"value\":\"%s\"}", value);
        return post(e->put, "/v3/kv/put", body);
}

static int run(struct lane *lane, unsigned round, double *ret_usec)
{
        const struct etcd_lane *e = lane->context;
        _cleanup_free_ char *value = text("%08u%08u", (unsigned)getpid(), round);

        double start = now_usec();
        int r = put(e, value);
        if (r == 0)
                r = e->watch < 0 ? read_until(e->put, "\"revision\"") : read_until(e->watch, value);
        *ret_usec = now_usec() - start;
        return r == 0 && e->watch >= 0 ? read_until(e->put, "\"revision\"") : r;
}

static struct etcd_lane *new_lane(struct lane *lane, unsigned port)
{
        struct etcd_lane *e = malloc(sizeof(*e));
        if (!e)
                abort();
        *e = (struct etcd_lane){ .put = dial(port), .watch = -1 };
        lane->context = e;
        lane->run = run;
        return e;
}

void lane_etcd_set(struct lane *lane, unsigned port)
{
        (void)new_lane(lane, port);
}

void lane_etcd_notice(struct lane *lane, unsigned port)
{
        struct etcd_lane *e = new_lane(lane, port);

        e->watch = dial(port);
        int r = post(e->watch, "/v3/watch", "{\"create_request\":{\"key\":\"" KEY "\"}}");
        if (r == 0)
                r = read_until(e->watch, "\"created\":true");
        if (r < 0)
                die("etcd", r);
}
