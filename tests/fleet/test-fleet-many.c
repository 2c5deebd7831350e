/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fleet: ten whole machines and many agents in one process, and one real etcd with TLS and users. How long
 * it takes from what is published to the last verdict on it, in good times and after each failure, and what
 * that costs. What does not come is a failure; how long it takes is printed.
 *
 *     meson test -C BUILD -t 0 -v fleet-many --test-args=MACHINES      50 without it
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "../../schema/base/clock.h"
#include "../../schema/events/loop.h"
#include "../../schema/layout.h"
#include "../unit/fleet/etcd-world.h"
#include "../unit/fleet/signer.h"
#include "../unit/lib/suite.h"
#include "core.h"
#include "load.h"
#include "whole.h"

#define USUAL 50u
#define WHOLE_N 10u
#define LOOK_USEC UINT64_C(20000)
#define LATEST_USEC UINT64_C(300000000)
#define GROUP "all"
#define POLICY "/peios/policy/" GROUP
#define AUTH "--user root:r "

/* The first ones are whole. */
struct machine {
        const char *name; /* in etcd */
        uint64_t told;    /* when etcd had the verdict that is waited for; 0: not yet */
        struct whole whole;
        struct core core;
};

static struct etcd_world w;
static sd_event *loop; /* of the agents; the one of `w` asks etcd what it has, and runs within it */
static struct core_config config;
static struct machine *all;
static unsigned n_all;

static unsigned n_cores(void)
{
        return n_all - WHOLE_N;
}

static int on_look(sd_event_source *s, _unused_ uint64_t usec, _unused_ void *userdata)
{
        for (unsigned i = WHOLE_N; i < n_all; i++)
                core_look(&all[i].core, &config);
        return loop_timer_start(s, LOOK_USEC);
}

static void pass(uint64_t usec)
{
        uint64_t until = clock_usec() + usec;

        while (clock_usec() < until)
                ck_assert_int_ge(sd_event_run(loop, LOOK_USEC), 0);
}

/* ---- what is published ---- */

/* Each serial has another value than the one before. */
static const struct {
        const char *value, *control;
} values[] = { { "success-only", "1" }, { "failure-only", "2" } };

static uint64_t serial; /* the highest good one */

static void sign(uint64_t of_serial, struct buf *ret)
{
        const struct signer s = signer_new(1);
        char keys[128];

        (void)snprintf(keys, sizeof(keys), "keys:\n  \\System\\Audit\\Modules:\n    TaintEvents: !sz %s\n",
                values[of_serial % 2].value);
        signer_publish(&s, GROUP, of_serial, keys, ret);
}

static void put(const struct buf *text)
{
        char words[256];

        scratch_write(&w.scratch, "/policy", text->data, text->len);
        (void)snprintf(words, sizeof(words), AUTH "put " POLICY " <%s/policy", w.scratch.root);
        etcd_world_ctl(&w, words);
}

/* ---- what etcd has ---- */

struct asking {
        const char *refused; /* what is in etcd, and why; NULL: it is in force */
        unsigned n;
        uint64_t began;
        bool is_done, more;
        char last[80];
};

/* As the registry and the policy service of the machine say. */
static bool is_in_force(const char *verdict)
{
        const char *value = values[serial % 2].value;
        char text[256];

        (void)snprintf(text, sizeof(text),
                "\"written\":\"%s\",\"layer\":\"fleet-" GROUP "\",\"accepted\":\"%s\",\"live\":true", value,
                value);
        return strstr(verdict, text) != NULL;
}

static bool is_wanted(const struct asking *q, const struct machine *m, const char *verdict)
{
        char text[64], reason[64];

        (void)snprintf(text, sizeof(text), "\"serial\":%" PRIu64 ",", serial);
        (void)snprintf(reason, sizeof(reason), "\"refused\":\"%s", q->refused ? q->refused : "");
        return strstr(verdict, text) && (q->refused != NULL) == (strstr(verdict, reason) != NULL) &&
               (m >= all + WHOLE_N || is_in_force(verdict));
}

static struct machine *find(const char *key)
{
        const char *name = key + strlen("/peios/machines/");
        size_t n = strcspn(name, "/");

        if (strcmp(name + n, "/verdict") != 0)
                return NULL;
        for (unsigned i = 0; i < n_all; i++)
                if (strncmp(all[i].name, name, n) == 0)
                        return &all[i];
        return NULL;
}

static void take_verdicts(const struct etcd_answer *a, void *userdata)
{
        struct asking *q = userdata;

        q->is_done = true;
        q->more = a->status == ETCD_OK && a->more;
        for (size_t i = 0; i < a->n_pairs; i++) {
                struct machine *m = find(a->pairs[i].key);
                (void)snprintf(q->last, sizeof(q->last), "%s\1", a->pairs[i].key);
                if (!m || m->told != 0 || !is_wanted(q, m, a->pairs[i].value))
                        continue;
                m->told = clock_usec() - q->began;
                q->n++;
        }
}

/* What it costs is not the agents'. */
static int on_answer(
        _unused_ sd_event_source *s, _unused_ int fd, _unused_ uint32_t events, _unused_ void *userdata)
{
        int r;

        load_count_bytes(false);
        while ((r = sd_event_run(w.event, 0)) > 0)
                ;
        load_count_bytes(true);
        return r;
}

/* All verdicts once. */
static void look_at_verdicts(struct asking *q)
{
        (void)snprintf(q->last, sizeof(q->last), "/peios/machines/");
        do {
                q->is_done = false;
                ck_assert_int_eq(
                        etcd_range(w.client, q->last, "/peios/machines0", 1000, take_verdicts, q, NULL), 0);
                ck_assert_int_ge(on_answer(NULL, -1, 0, NULL), 0);
                while (!q->is_done)
                        ck_assert_int_ge(sd_event_run(loop, LOOK_USEC), 0);
        } while (q->more);
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

struct costs {
        double cpu;
        uint64_t bytes;
};

static struct costs costs_now(void)
{
        return (struct costs){ load_cpu(w.server), load_bytes() };
}

static void print_head(void)
{
        (void)printf(
                "| what happens | p50 | p99 | last | etcd's CPU | its memory | an agent sends and receives |\n"
                "|---|---:|---:|---:|---:|---:|---:|\n");
}

static void print_row(const char *what, const struct costs *before)
{
        const struct costs now = costs_now();
        uint64_t *times = calloc(n_all, sizeof(*times));

        for (unsigned i = 0; i < n_all; i++)
                times[i] = all[i].told;
        qsort(times, n_all, sizeof(*times), compare);
        (void)printf("| %s | %.1f s | %.1f s | %.1f s | %.1f s | %lu MB | %.1f kB |\n", what,
                (double)times[n_all / 2] / 1e6, (double)times[n_all * 99 / 100] / 1e6,
                (double)times[n_all - 1] / 1e6, now.cpu - before->cpu, load_memory(w.server, "VmRSS") / 1024,
                (double)(now.bytes - before->bytes) / n_cores() / 1e3);
        (void)fflush(stdout);
        free(times);
}

/* ---- from what is published to the last verdict ---- */

static void check_machines(const struct asking *q)
{
        for (unsigned i = 0; i < WHOLE_N; i++)
                whole_check(&all[i].whole);
        for (unsigned i = 0; i < n_all && clock_usec() > q->began + LATEST_USEC; i++)
                ck_assert_msg(all[i].told != 0, "%s has no verdict", all[i].name);
}

static void check_controls(void)
{
        for (unsigned i = 0; i < WHOLE_N; i++)
                ck_assert(whole_has(&all[i].whole, LAYOUT_SYSCTL "/kernel/audit_taint_events",
                        values[serial % 2].control));
}

static void put_and_wait(const char *what, const struct buf *text, const char *refused)
{
        struct asking q = { .refused = refused, .began = clock_usec() };
        const struct costs before = costs_now();

        for (unsigned i = 0; i < n_all; i++)
                all[i].told = 0;
        put(text);
        while (q.n < n_all) {
                pass(5 * LOOK_USEC);
                look_at_verdicts(&q);
                check_machines(&q);
        }
        check_controls();
        print_row(what, &before);
}

static void publish(const char *what)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        sign(++serial, &text);
        put_and_wait(what, &text, NULL);
}

static void publish_forged(void)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        sign(serial + 1, &text);
        buf_puts(&text, "# more than was signed\n");
        put_and_wait("a forged file", &text, "wrong-signature");
}

static void publish_rolled_back(void)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        sign(serial - 1, &text);
        put_and_wait("a rolled-back file", &text, "rolled-back");
}

/* ---- the world ---- */

/* Before there is a loop that they would inherit. */
static void make_whole(const struct whole_config *c)
{
        for (unsigned i = 0; i < WHOLE_N; i++) {
                whole_start(&all[i].whole, i, c);
                whole_wait(&all[i].whole);
        }
}

static void make_cores(const struct whole_config *c)
{
        sd_event_source *timer = NULL;

        config = (struct core_config){ .folder = c->folder,
                .endpoint = c->endpoint,
                .ca_file = c->ca_file,
                .user = c->user,
                .password = c->password,
                .group = c->group };
        ck_assert_int_eq(fleet_keys_add(&config.keys, c->key_file), 0);
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(loop_timer_new(loop, 1000, on_look, NULL, &timer), 0);
        ck_assert_int_eq(loop_timer_start(timer, LOOK_USEC), 0);
        ck_assert_int_ge(sd_event_source_set_floating(timer, true), 0);
        sd_event_source_unref(timer);
        ck_assert_int_ge(sd_event_add_io(loop, NULL, sd_event_get_fd(w.event), EPOLLIN, on_answer, NULL), 0);
        config.event = loop;
        for (unsigned i = WHOLE_N; i < n_all; i++) {
                core_make(&all[i].core, i, &config);
                all[i].name = all[i].core.name;
        }
}

static void start_all(void)
{
        for (unsigned i = 0; i < WHOLE_N; i++)
                whole_join(&all[i].whole);
        for (unsigned i = WHOLE_N; i < n_all; i++)
                core_start(&all[i].core, &config);
        for (unsigned i = 0; i < WHOLE_N; i++) {
                whole_wait(&all[i].whole);
                all[i].name = all[i].whole.name;
        }
}

static void end_all(void)
{
        for (unsigned i = 0; i < WHOLE_N; i++)
                whole_stop(&all[i].whole);
        for (unsigned i = WHOLE_N; i < n_all; i++)
                core_done(&all[i].core);
        free(all);
        sd_event_unref(loop);
        etcd_world_done(&w);
}

/* ---- failures ---- */

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
        for (unsigned i = 0; i < n && i < WHOLE_N; i++)
                whole_kill_agent(&all[i].whole);
        for (unsigned i = WHOLE_N; i < n; i++)
                core_kill(&all[i].core);
        pass(1000000);
        for (unsigned i = WHOLE_N; i < n; i++)
                core_start(&all[i].core, &config);
}

static void fail_in_turn(void)
{
        char words[256];

        etcd_world_stop(&w);
        pass(n_all > USUAL ? 60000000 : 5000000);
        etcd_world_start(&w);
        publish(n_all > USUAL ? "etcd was away for a minute" : "etcd was away for 5 s");

        etcd_world_stop(&w);
        etcd_world_start(&w);
        (void)snprintf(words, sizeof(words), AUTH "compaction %u", n_all);
        etcd_world_ctl(&w, words);
        publish("etcd restarted, and compacted");

        (void)snprintf(words, sizeof(words), AUTH "snapshot save %s/copy 2>/dev/null", w.scratch.root);
        etcd_world_ctl(&w, words);
        publish("before the restore");
        restore_from("copy");
        publish("etcd restored from an older copy");

        publish_forged();
        publish_rolled_back();
        publish("a good one again");

        kill_and_start(n_all / 10);
        publish("a tenth of the agents killed");
}

struct memory {
        unsigned long etcd, own;
};

static struct memory memory_now(void)
{
        return (struct memory){ load_memory(w.server, "VmRSS"), load_memory(getpid(), "VmRSS") };
}

/* All have what is published, and wait. */
static void print_idle(const struct memory *before)
{
        const double seconds = n_all > USUAL ? 60 : 2;
        const double cpu = load_cpu(w.server);

        pass((uint64_t)(seconds * 1e6));
        const struct memory now = memory_now();
        (void)printf(
                "%u machines, %u of them whole, and etcd with GOGC=%s: idle, it has %lu kB for each, and "
                "%.2f s of CPU a minute; an agent in this process has %lu kB\n",
                n_all, WHOLE_N, getenv("GOGC"), (now.etcd - before->etcd) / n_all,
                (load_cpu(w.server) - cpu) * 60 / seconds, (now.own - before->own) / n_cores());
}

TEST(every_machine_has_it)
{
        struct whole_config c;
        struct rlimit files;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
        files.rlim_cur = files.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
        n_all = suite_argument ? (unsigned)strtoul(suite_argument, NULL, 10) : USUAL;
        ck_assert_uint_gt(n_all, WHOLE_N);
        all = calloc(n_all, sizeof(*all));
        whole_config_open(&c, &w, GROUP);
        etcd_world_client(&w, (struct etcd_config){ .ca_file = c.ca_file, .user = "root", .password = "r" });
        make_whole(&c);
        make_cores(&c);
        const struct memory before = memory_now();
        print_head();
        start_all();
        publish("all start at once");
        publish("a publication");
        publish("another");
        print_idle(&before);
        fail_in_turn();
        end_all();
}

Suite *test_suite(void)
{
        return etcd_world_can() ? suite_of("fleet-many") : NULL;
}
