/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many agents in one process and one real etcd with TLS and users: how long it takes from a publication to
 * the last verdict, in good times and after each failure, and what it costs etcd. What does not come is a
 * failure; how long it takes is printed.
 *
 *     test-fleet-many [MACHINES]      50 without it
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../../../schema/base/clock.h"
#include "../../../schema/events/loop.h"
#include "../../../service/fleet/agent.h"
#include "../../../service/fleet/standing.h"
#include "../lib/suite.h"
#include "etcd-world.h"

#define USUAL 50u
#define LOOK_USEC UINT64_C(20000)
#define POLICY "/peios/policy/all"
#define AUTH "--user root:r "

/* A machine whose policy is in force as soon as its file is there. */
struct standing {
        char text[64];
};

const char *standing_text(const struct standing *s)
{
        return s->text;
}

struct machine {
        char name[16], folder[32];
        int folder_fd;
        ino_t seen;
        unsigned serial; /* in force */
        uint64_t told;   /* when etcd had it, after the publication */
        struct standing standing;
        struct agent *agent;
};

static struct etcd_world w;
static struct machine *all;
static unsigned n_all;
static char ca_file[128];

/* ---- machines ---- */

static void start(struct machine *m)
{
        static const char *const groups[] = { "all" };
        const char *endpoint = w.endpoint;
        const struct agent_config config = {
                .etcd = { .event = w.event,
                        .endpoints = &endpoint,
                        .n_endpoints = 1,
                        .ca_file = ca_file,
                        .user = "m",
                        .password = "secret" },
                .machine = m->name,
                .prefix = "/peios",
                .groups = groups,
                .n_groups = 1,
                .incoming_fd = m->folder_fd,
                .standing = &m->standing,
        };
        ck_assert_int_eq(agent_new(&config, &m->agent), 0);
}

static void make(struct machine *m, unsigned i)
{
        (void)snprintf(m->name, sizeof(m->name), "m%05u", i);
        (void)snprintf(m->folder, sizeof(m->folder), "/%s", m->name);
        ck_assert_int_eq(mkdir(scratch_path(&w.scratch, m->folder), 0755), 0);
        m->folder_fd = open(scratch_path(&w.scratch, m->folder), O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(m->folder_fd, 0);
        start(m);
}

static void bring_into_force(struct machine *m)
{
        char text[16] = "";
        struct stat st;

        if (fstatat(m->folder_fd, "all.yaml", &st, 0) < 0 || st.st_ino == m->seen)
                return;
        m->seen = st.st_ino;
        _cleanup_close_ int fd = openat(m->folder_fd, "all.yaml", O_RDONLY | O_CLOEXEC);
        ck_assert(read(fd, text, sizeof(text) - 1) > 0);
        m->serial = (unsigned)strtoul(text, NULL, 10);
        (void)snprintf(m->standing.text, sizeof(m->standing.text), "\"serial\":%u", m->serial);
        if (m->agent)
                agent_standing_changed(m->agent);
}

static int on_look(sd_event_source *s, _unused_ uint64_t usec, _unused_ void *userdata)
{
        for (unsigned i = 0; i < n_all; i++)
                bring_into_force(&all[i]);
        return loop_timer_start(s, LOOK_USEC);
}

/* ---- what etcd has ---- */

struct asking {
        unsigned serial, n;
        uint64_t began;
        bool is_done;
        char last[64];
        bool more;
};

static void take_verdicts(const struct etcd_answer *a, void *userdata)
{
        struct asking *q = userdata;
        char text[24];

        q->is_done = true;
        q->more = a->status == ETCD_OK && a->more;
        (void)snprintf(text, sizeof(text), "\"serial\":%u", q->serial);
        for (size_t i = 0; i < a->n_pairs; i++) {
                const struct etcd_pair *p = &a->pairs[i];
                unsigned number = (unsigned)strtoul(p->key + strlen("/peios/machines/m"), NULL, 10);
                (void)snprintf(q->last, sizeof(q->last), "%s\1", p->key);
                if (!strstr(p->key, "/verdict") || number >= n_all || !strstr(p->value, text) ||
                        all[number].told != 0)
                        continue;
                all[number].told = clock_usec() - q->began;
                q->n++;
        }
}

/* All verdicts once. */
static void look_at_verdicts(struct asking *q)
{
        (void)snprintf(q->last, sizeof(q->last), "/peios/machines/");
        do {
                q->is_done = false;
                ck_assert_int_eq(
                        etcd_range(w.client, q->last, "/peios/machines0", 1000, take_verdicts, q, NULL), 0);
                while (!q->is_done)
                        ck_assert_int_ge(sd_event_run(w.event, UINT64_MAX), 0);
        } while (q->more);
}

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static uint64_t server_ticks(void)
{
        char path[64], text[512] = "";
        unsigned long user = 0, kernel = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)w.server);
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
                return 0;
        const char *end = strrchr(text, ')');
        if (!end ||
                sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
                return 0;
        return user + kernel;
}

static unsigned long rss_kb(pid_t pid)
{
        char path[64], line[256];
        unsigned long kb = 0;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
                if (sscanf(line, "VmRSS: %lu", &kb) == 1)
                        break;
        if (f)
                (void)fclose(f);
        return kb;
}

static void report(const char *what, uint64_t ticks)
{
        uint64_t *times = calloc(n_all, sizeof(*times));

        for (unsigned i = 0; i < n_all; i++)
                times[i] = all[i].told;
        qsort(times, n_all, sizeof(*times), compare);
        (void)printf("%-24s p50 %6.2f s  p99 %6.2f s  last %6.2f s  etcd: %5.2f s CPU, %lu MB\n", what,
                (double)times[n_all / 2] / 1e6, (double)times[n_all * 99 / 100] / 1e6,
                (double)times[n_all - 1] / 1e6,
                (double)(server_ticks() - ticks) / (double)sysconf(_SC_CLK_TCK), rss_kb(w.server) / 1024);
        free(times);
}

static unsigned serial;

/* From the publication to the last verdict. */
static void publish(const char *what)
{
        struct asking q = { .serial = ++serial, .began = clock_usec() };
        uint64_t ticks = server_ticks();
        char words[128];

        for (unsigned i = 0; i < n_all; i++)
                all[i].told = 0;
        (void)snprintf(words, sizeof(words), AUTH "put " POLICY " %u", serial);
        etcd_world_ctl(&w, words);
        while (q.n < n_all) {
                uint64_t until = clock_usec() + 5 * LOOK_USEC;
                while (clock_usec() < until)
                        ck_assert_int_ge(sd_event_run(w.event, LOOK_USEC), 0);
                look_at_verdicts(&q);
        }
        report(what, ticks);
}

/* ---- the world ---- */

static void open_etcd(void)
{
        etcd_world_open(&w);
        etcd_world_make_certificates(&w);
        (void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", w.scratch.root);
        ck_assert_int_eq(setenv("ETCDCTL_CACERT", ca_file, 1), 0);
        w.arguments = "--bcrypt-cost 4 --auth-token-ttl 86400";
        etcd_world_start(&w);
        etcd_world_ctl(&w, "role add root");
        etcd_world_ctl(&w, "user add root:r");
        etcd_world_ctl(&w, "user grant-role root root");
        etcd_world_ctl(&w, "user add m:secret");
        etcd_world_ctl(&w, "role add m");
        etcd_world_ctl(&w, "role grant-permission m readwrite /peios/ /peios0");
        etcd_world_ctl(&w, "user grant-role m m");
        etcd_world_ctl(&w, "auth enable");
        etcd_world_client(&w, (struct etcd_config){ .ca_file = ca_file, .user = "root", .password = "r" });
}

static void be_away(unsigned seconds)
{
        uint64_t until = clock_usec() + seconds * UINT64_C(1000000);

        while (clock_usec() < until)
                ck_assert_int_ge(sd_event_run(w.event, 100000), 0);
}

static void restore_from(const char *copy)
{
        char words[512];

        etcd_world_stop(&w);
        (void)snprintf(words, sizeof(words),
                "cd %s && rm -r data && ETCDCTL_API=3 etcdctl snapshot restore %s --data-dir data >restore.log 2>&1",
                w.scratch.root, copy);
        ck_assert_int_eq(system(words), 0);
        etcd_world_start(&w);
}

static void kill_and_start(unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                all[i].agent = agent_free(all[i].agent);
        be_away(1);
        for (unsigned i = 0; i < n; i++)
                start(&all[i]);
}

/* The loop fires its own timers meanwhile. */
static void fail_in_turn(void)
{
        char words[256];

        etcd_world_stop(&w);
        be_away(n_all > USUAL ? 60 : 5);
        etcd_world_start(&w);
        publish("etcd was away");

        etcd_world_stop(&w);
        etcd_world_start(&w);
        (void)snprintf(words, sizeof(words), AUTH "compaction %u", n_all);
        etcd_world_ctl(&w, words);
        publish("restarted, compacted");

        (void)snprintf(words, sizeof(words), AUTH "snapshot save %s/copy 2>/dev/null", w.scratch.root);
        etcd_world_ctl(&w, words);
        publish("before the restore");
        restore_from("copy");
        publish("an older snapshot");

        kill_and_start(n_all / 10);
        publish("a tenth killed");
}

START_TEST(every_machine_has_it)
{
        struct rlimit files;
        sd_event_source *timer = NULL;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
        files.rlim_cur = files.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
        n_all = suite_argument ? (unsigned)strtoul(suite_argument, NULL, 10) : USUAL;
        all = calloc(n_all, sizeof(*all));
        open_etcd();
        unsigned long before = rss_kb(w.server), own = rss_kb(getpid());
        ck_assert_int_eq(loop_timer_new(w.event, 1000, on_look, NULL, &timer), 0);
        ck_assert_int_eq(loop_timer_start(timer, LOOK_USEC), 0);
        for (unsigned i = 0; i < n_all; i++)
                make(&all[i], i);
        publish("all of them start");
        be_away(2);
        (void)printf("%u machines: etcd has %lu kB for each, an agent %lu kB\n", n_all,
                (rss_kb(w.server) - before) / n_all, (rss_kb(getpid()) - own) / n_all);
        publish("a publication");
        publish("another");
        fail_in_turn();
        for (unsigned i = 0; i < n_all; i++) {
                (void)agent_free(all[i].agent);
                closep(&all[i].folder_fd);
        }
        free(all);
        sd_event_source_disable_unref(timer);
        etcd_world_done(&w);
}
END_TEST

Suite *test_suite(void)
{
        const TTest *const tests[] = { every_machine_has_it };

        return etcd_world_can() ? suite_of("fleet-many", tests, ARRAY_SIZE(tests)) : NULL;
}
