/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "whole.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../../schema/base/file.h"
#include "../bus/client.h"
#include "../unit/fleet/signer.h"

#define FLEET "\\System\\Fleet"
#define KEY_FILE LAYOUT_FLEET_KEYS "/1.pub"
#define CA_FILE "/etc/ca.pem"
#define PASSWORD_FILE "/etc/peios/fleet-password"
#define LOOK_MSEC 20
#define RESTART_MSEC 1000 /* less than the unit's, whose times are for people */
#define REFUSED 4         /* no failure of the unit */
#define FILE_BYTES_MAX 65536u
#define ETCD_GOGC "25" /* as of peios-fleetd(8), where the environment has none */

/* What it is asked for, a byte each. */
enum {
        JOIN = 'j',
        KILL_AGENT = 'k',
        STOP = 's',
};

/* ---- in its own process ---- */

static struct daemon fleetd = { .name = "fleetd", .notify_fd = -1 };
static struct daemon verify = { .name = "verify", .notify_fd = -1 };
static char policy_file[128];
static struct timespec seen;

static void copy(const char *from, const char *to)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        ck_assert_int_eq(file_read(AT_FDCWD, from, FILE_BYTES_MAX, &text, NULL, NULL), 0);
        world_write(to, buf_str(&text));
}

static void start_agent(void)
{
        spawn_program(&fleetd, "PEIOS_FLEETD", NULL, NULL, NULL);
}

static void boot(unsigned number, const struct whole_config *c)
{
        char id[40];

        world_open(c->folder);
        (void)snprintf(id, sizeof(id), "%032x\n", number + 1);
        (void)snprintf(policy_file, sizeof(policy_file), LAYOUT_FLEET_INCOMING "/%s.yaml", c->group);
        ck_assert(asprintf(&fleetd.log, "%s/fleetd.log", world.dir) > 0);
        ck_assert(asprintf(&verify.log, "%s/verify.log", world.dir) > 0);
        world_write("/etc/machine-id", id);
        world_write("/proc/sys/kernel/tainted", "0\n");
        copy(c->key_file, KEY_FILE);
        copy(c->ca_file, CA_FILE);
        world_write(PASSWORD_FILE, c->password);
        registryd_start(NULL);
        policyd_follow();
        start_agent();
}

static void reply(int fd, const char *text)
{
        ck_assert_int_gt(send(fd, text, strlen(text), MSG_NOSIGNAL), 0);
}

/* The agent alone knows what the machine's id becomes. */
static void reply_name(int fd)
{
        static const char said[] = "this machine is ";
        _cleanup_buf_ struct buf log = BUF_INIT;
        char name[sizeof(((struct whole *)NULL)->name)];

        WAIT(daemon_said(&fleetd, said));
        ck_assert_int_eq(file_read(AT_FDCWD, fleetd.log, FILE_BYTES_MAX, &log, NULL, NULL), 0);
        ck_assert_int_eq(sscanf(strstr(buf_str(&log), said) + strlen(said), "%39[0-9a-f]", name), 1);
        reply(fd, name);
}

static void join(const struct whole_config *c)
{
        (void)set_list(world.bus, FLEET, "Groups", c->group, NULL);
        (void)set_string(world.bus, FLEET, "CaFile", CA_FILE);
        (void)set_string(world.bus, FLEET, "User", c->user);
        (void)set_string(world.bus, FLEET, "PasswordFile", PASSWORD_FILE);
        (void)set_list(world.bus, FLEET, "Endpoints", c->endpoint, NULL);
}

static void restart_agent(void)
{
        daemon_kill(&fleetd);
        (void)poll(NULL, 0, RESTART_MSEC);
        start_agent();
}

static bool is_verifying(void)
{
        int status;

        if (verify.pid == 0 || waitpid(verify.pid, &status, WNOHANG) == 0)
                return verify.pid != 0;
        verify.pid = 0;
        ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == REFUSED),
                "peios-fleet ends with %#x", (unsigned)status);
        return false;
}

/* peios-fleet-verify.path and its service. */
static void look(void)
{
        struct stat st;

        if (is_verifying() || stat(world_path(policy_file), &st) < 0 ||
                memcmp(&st.st_mtim, &seen, sizeof(seen)) == 0)
                return;
        seen = st.st_mtim;
        spawn_program(&verify, "PEIOS_FLEET", "verify", "--incoming", "--settle=2");
}

static void serve(int fd, const struct whole_config *c)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char what = 0;

        while (what != STOP) {
                bool is_asked = poll(&p, 1, LOOK_MSEC) > 0;
                if (is_asked)
                        ck_assert_int_eq(recv(fd, &what, 1, 0), 1);
                if (is_asked && what == JOIN) {
                        join(c);
                        reply_name(fd);
                } else if (is_asked && what == KILL_AGENT) {
                        restart_agent();
                }
                ck_assert_int_eq(waitpid(fleetd.pid, NULL, WNOHANG), 0);
                look();
        }
}

_Noreturn static void live(int fd, unsigned number, const struct whole_config *c)
{
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        boot(number, c);
        reply(fd, world.dir);
        serve(fd, c);
        WAIT(!is_verifying());
        daemon_stop(&fleetd);
        world_close();
        _exit(0);
}

/* ---- in the test's ---- */

void whole_config_open(struct whole_config *ret, struct etcd_world *w, const char *group)
{
        const struct signer s = signer_new(1);
        _cleanup_buf_ struct buf key = BUF_INIT;

        etcd_world_open(w);
        etcd_world_make_certificates(w);
        *ret = (struct whole_config){ .folder = w->scratch.root,
                .endpoint = w->endpoint,
                .user = "m",
                .password = "secret",
                .group = group };
        (void)snprintf(ret->ca_file, sizeof(ret->ca_file), "%s/ca.pem", w->scratch.root);
        (void)snprintf(ret->key_file, sizeof(ret->key_file), "%s/1.pub", w->scratch.root);
        signer_put_key(&s, &key);
        scratch_puts(&w->scratch, "/1.pub", buf_str(&key));
        ck_assert_int_eq(setenv("ETCDCTL_CACERT", ret->ca_file, 1), 0);
        ck_assert_int_eq(setenv("GOGC", ETCD_GOGC, 0), 0);
        w->arguments = "--bcrypt-cost 4 --auth-token-ttl 86400";
        etcd_world_start(w);
        etcd_world_ctl(w, "role add root");
        etcd_world_ctl(w, "user add root:r");
        etcd_world_ctl(w, "user grant-role root root");
        etcd_world_ctl(w, "user add m:secret");
        etcd_world_ctl(w, "role add m");
        etcd_world_ctl(w, "role grant-permission m readwrite /peios/ /peios0");
        etcd_world_ctl(w, "user grant-role m m");
        etcd_world_ctl(w, "auth enable");
}

/* Of its children the one of that name. */
pid_t whole_agent(const struct whole *m)
{
        char words[128];
        int pid = 0;

        (void)snprintf(words, sizeof(words), "pgrep -P %d -x peios-fleetd", (int)m->pid);
        FILE *f = popen(words, "re");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(fscanf(f, "%d", &pid), 1);
        (void)pclose(f);
        return pid;
}

void whole_start(struct whole *m, unsigned number, const struct whole_config *config)
{
        int fds[2];

        *m = (struct whole){ 0 };
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        m->fd = fds[0];
        m->pid = fork();
        ck_assert_int_ge(m->pid, 0);
        if (m->pid == 0) {
                (void)close(fds[0]);
                live(fds[1], number, config);
        }
        (void)close(fds[1]);
}

void whole_wait(struct whole *m)
{
        char *answer = m->dir[0] ? m->name : m->dir;
        ssize_t n = recv(m->fd, answer, (m->dir[0] ? sizeof(m->name) : sizeof(m->dir)) - 1, 0);

        whole_check(m);
        ck_assert_int_gt(n, 0);
}

static void ask(const struct whole *m, char what)
{
        whole_check(m);
        ck_assert_int_eq(send(m->fd, &what, 1, MSG_NOSIGNAL), 1);
}

void whole_join(struct whole *m)
{
        ask(m, JOIN);
}

void whole_kill_agent(struct whole *m)
{
        ask(m, KILL_AGENT);
}

void whole_check(const struct whole *m)
{
        char words[256];

        if (waitpid(m->pid, NULL, WNOHANG) == 0)
                return;
        (void)snprintf(words, sizeof(words), "tail -n 50 %s/*.log >&2", m->dir);
        (void)system(words);
        ck_abort_msg("a whole machine has ended");
}

bool whole_has(const struct whole *m, const char *path, const char *text)
{
        _cleanup_buf_ struct buf line = BUF_INIT;
        char full[512];

        (void)snprintf(full, sizeof(full), "%s/root%s", m->dir, path);
        return file_read_line(AT_FDCWD, full, FILE_BYTES_MAX, &line, NULL) == 0 &&
               strcmp(buf_str(&line), text) == 0;
}

void whole_stop(struct whole *m)
{
        int status;

        ask(m, STOP);
        ck_assert_int_eq(waitpid(m->pid, &status, 0), m->pid);
        ck_assert_int_eq(status, 0);
        closep(&m->fd);
}
