/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Agents and a real etcd: what is published comes into the folder, what the machine says comes into etcd,
 * and what goes wrong is over when it is. */
#include "../../../service/fleet/agent.h"

#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/suite.h"
#include "etcd-world.h"

#define MANY 50u
#define MACHINE "0123456789abcdef0123456789abcdef"

/* The stand-in. */
struct standing {
        const char *text;
};

const char *standing_text(const struct standing *s)
{
        return s->text;
}

struct machine {
        char folder[32];
        int folder_fd;
        struct standing standing;
        struct agent *agent;
};

static struct etcd_world w;

static void machine_open(struct machine *m, const char *folder)
{
        (void)snprintf(m->folder, sizeof(m->folder), "/%s", folder);
        ck_assert_int_eq(mkdir(scratch_path(&w.scratch, m->folder), 0755), 0);
        m->folder_fd = open(scratch_path(&w.scratch, m->folder), O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(m->folder_fd, 0);
        m->standing.text = "\"host\":\"box\"";
}

static void machine_start(struct machine *m, const char *name, uint64_t report_usec)
{
        static const char *const groups[] = { "web", "all" };
        const char *endpoint = w.endpoint;
        const struct agent_config config = {
                .etcd = { .event = w.event, .endpoints = &endpoint, .n_endpoints = 1 },
                .machine = name,
                .prefix = "/peios",
                .groups = groups,
                .n_groups = 2,
                .report_usec = report_usec,
                .incoming_fd = m->folder_fd,
                .standing = &m->standing,
        };
        ck_assert_int_eq(agent_new(&config, &m->agent), 0);
}

static void machine_done(struct machine *m)
{
        m->agent = agent_free(m->agent);
        closep(&m->folder_fd);
}
#define _cleanup_machine_ _cleanup_(machine_done)

static void begin_one(struct machine *m)
{
        machine_open(m, "in");
        machine_start(m, MACHINE, 0);
}

/* What is waited for may be there already, and nothing else happen. */
static void turn(void)
{
        ck_assert_int_ge(sd_event_run(w.event, 100000), 0);
}

static bool holds(const struct machine *m, const char *file, const char *expected)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        return scratch_read(&w.scratch, textf("%s/%s", m->folder, file), &text) &&
               strcmp(buf_str(&text), expected) == 0;
}

static void wait_for(const struct machine *m, const char *file, const char *expected)
{
        while (!holds(m, file, expected))
                turn();
}

static void put(const char *key, const char *value)
{
        etcd_world_ctl(&w, textf("put %s %s", key, value));
}

/* As etcd has it now. */
static struct heard get(const char *key)
{
        return etcd_world_get(&w, key);
}

static uint64_t wait_for_key(const char *key, const char *part, uint64_t above)
{
        while (true) {
                _cleanup_heard_ struct heard h = get(key);
                const char *at = strrchr(buf_str(&h.pairs), '@');
                uint64_t revision = at ? strtoull(at + 1, NULL, 10) : 0;
                if (h.status == ETCD_OK && strstr(buf_str(&h.pairs), part) && revision > above)
                        return revision;
                turn();
        }
}

#define VERDICT "/peios/machines/" MACHINE "/verdict"
#define ALIVE "/peios/machines/" MACHINE "/alive"

TEST(what_is_published_comes_into_the_folder)
{
        _cleanup_machine_ struct machine m = { 0 };
        struct stat before, after;

        put("/peios/policy/web", "first");
        put("/peios/policy/db", "others");
        begin_one(&m);
        wait_for(&m, "web.yaml", "first");
        put("/peios/policy/web", "second");
        wait_for(&m, "web.yaml", "second");
        ck_assert_int_eq(stat(scratch_path(&w.scratch, "/in/web.yaml"), &before), 0);
        /* The same again is not written, and what is gone is kept. */
        put("/peios/policy/web", "second");
        etcd_world_ctl(&w, "del /peios/policy/web");
        put("/peios/policy/all", "everyone");
        wait_for(&m, "all.yaml", "everyone");
        ck_assert_int_eq(stat(scratch_path(&w.scratch, "/in/web.yaml"), &after), 0);
        ck_assert_uint_eq(before.st_ino, after.st_ino);
        ck_assert(holds(&m, "web.yaml", "second"));
        ck_assert_uint_eq(scratch_count(&w.scratch, "/in"), 2);
}

TEST(one_that_starts_again_writes_nothing_that_is_there)
{
        _cleanup_machine_ struct machine m = { 0 };
        struct stat before, after;

        put("/peios/policy/web", "first");
        begin_one(&m);
        wait_for(&m, "web.yaml", "first");
        ck_assert_int_eq(stat(scratch_path(&w.scratch, "/in/web.yaml"), &before), 0);
        m.agent = agent_free(m.agent);
        machine_start(&m, MACHINE, 0);
        put("/peios/policy/all", "x");
        wait_for(&m, "all.yaml", "x");
        ck_assert_int_eq(stat(scratch_path(&w.scratch, "/in/web.yaml"), &after), 0);
        ck_assert_uint_eq(before.st_ino, after.st_ino);
}

TEST(a_verdict_is_json_and_comes_again_when_it_changes)
{
        _cleanup_machine_ struct machine m = { 0 };

        begin_one(&m);
        uint64_t first = wait_for_key(VERDICT, "\"host\":\"box\"", 0);
        (void)wait_for_key(ALIVE, "", 0);
        _cleanup_heard_ struct heard h = get(VERDICT);
        const char *json = strchr(buf_str(&h.pairs), '=');
        struct json_object *o = json ? json_tokener_parse(json + 1) : NULL, *name = NULL;
        ck_assert_ptr_nonnull(o);
        ck_assert(json_object_object_get_ex(o, "machine", &name));
        ck_assert_str_eq(json_object_get_string(name), MACHINE);
        ck_assert(json_object_object_get_ex(o, "time", &name));
        (void)json_object_put(o);

        m.standing.text = "\"host\":\"box\",\"tainted\":512";
        for (int i = 0; i < 20; i++)
                agent_standing_changed(m.agent);
        uint64_t second = wait_for_key(VERDICT, "512", first);
        /* Nobody else writes: twenty changes are one. */
        ck_assert_uint_eq(second, first + 1);
}

TEST(what_was_down_is_back_with_what_happened_meanwhile)
{
        _cleanup_machine_ struct machine m = { 0 };

        put("/peios/policy/web", "first");
        begin_one(&m);
        wait_for(&m, "web.yaml", "first");
        uint64_t before = wait_for_key(VERDICT, "box", 0);
        etcd_world_stop(&w);
        for (int i = 0; i < 10; i++)
                turn();
        ck_assert(holds(&m, "web.yaml", "first"));
        etcd_world_start(&w);
        put("/peios/policy/web", "second");
        etcd_world_ctl(&w, "compaction 4");
        wait_for(&m, "web.yaml", "second");
        agent_standing_changed(m.agent);
        (void)wait_for_key(VERDICT, "box", before);
}

TEST(a_store_that_is_older_than_it_was_is_read_anew)
{
        _cleanup_machine_ struct machine m = { 0 };
        char words[512];

        put("/peios/policy/web", "first");
        (void)snprintf(words, sizeof(words), "snapshot save %s/copy", w.scratch.root);
        etcd_world_ctl(&w, words);
        for (int i = 0; i < 5; i++)
                put("/peios/other", "x");
        put("/peios/policy/web", "second");
        begin_one(&m);
        wait_for(&m, "web.yaml", "second");
        etcd_world_stop(&w);
        (void)snprintf(words, sizeof(words),
                "cd %s && rm -r data && ETCDCTL_API=3 etcdctl snapshot restore copy --data-dir data >restore.log 2>&1",
                w.scratch.root);
        ck_assert_int_eq(system(words), 0);
        etcd_world_start(&w);
        wait_for(&m, "web.yaml", "first");
        put("/peios/policy/web", "third");
        wait_for(&m, "web.yaml", "third");
}

/* Another policy, with the number that the last one had. The agent waits while the loop does. */
TEST(a_store_that_counts_once_more_is_believed)
{
        _cleanup_machine_ struct machine m = { 0 };
        char words[512];

        begin_one(&m);
        (void)wait_for_key(VERDICT, "box", 0);
        m.agent = agent_free(m.agent);
        _cleanup_heard_ struct heard h = get("nothing");
        (void)snprintf(words, sizeof(words), "snapshot save %s/copy 2>/dev/null", w.scratch.root);
        etcd_world_ctl(&w, words);
        machine_start(&m, MACHINE, 0);
        (void)wait_for_key(VERDICT, "box", h.revision);
        put("/peios/policy/web", "early");
        wait_for(&m, "web.yaml", "early");
        /* What comes now comes by the watch: it has begun. */
        put("/peios/policy/web", "first");
        wait_for(&m, "web.yaml", "first");
        uint64_t revision = wait_for_key("/peios/policy/web", "first", 0);
        etcd_world_stop(&w);
        (void)snprintf(words, sizeof(words),
                "cd %s && rm -r data && ETCDCTL_API=3 etcdctl snapshot restore copy --data-dir data >restore.log 2>&1",
                w.scratch.root);
        ck_assert_int_eq(system(words), 0);
        etcd_world_start(&w);
        for (uint64_t i = h.revision + 1; i < revision; i++)
                put("/peios/other", "x");
        put("/peios/policy/web", "second");
        wait_for(&m, "web.yaml", "second");
        ck_assert_uint_eq(wait_for_key("/peios/policy/web", "second", 0), revision);
}

TEST(a_lease_that_is_gone_is_taken_again)
{
        _cleanup_machine_ struct machine m = { 0 };

        machine_open(&m, "in");
        machine_start(&m, MACHINE, 1000000);
        uint64_t before = wait_for_key(ALIVE, "", 0);
        etcd_world_ctl(
                &w, textf("lease revoke $(ETCDCTL_API=3 etcdctl --endpoints %s lease list | tail -n1)",
                            w.endpoint));
        (void)wait_for_key(ALIVE, "", before);
}

TEST(a_folder_that_cannot_be_written_is_tried_again)
{
        _cleanup_machine_ struct machine m = { 0 };

        put("/peios/policy/web", "first");
        machine_open(&m, "in");
        scratch_puts(&w.scratch, "/in/web.yaml/in-the-way", "");
        machine_start(&m, MACHINE, 0);
        (void)wait_for_key(VERDICT, "box", 0);
        ck_assert_uint_eq(scratch_count(&w.scratch, "/in"), 1);
        scratch_remove(&w.scratch, "/in/web.yaml/in-the-way");
        ck_assert_int_eq(rmdir(scratch_path(&w.scratch, "/in/web.yaml")), 0);
        wait_for(&m, "web.yaml", "first");
}

/* An etcd that somebody else owns: the machine does not write without end, and what comes last in one answer
 * is all that is written of it. */
TEST(a_storm_of_changes_is_cut)
{
        static const char change[] = "{\"kv\":{\"key\":\"L3BlaW9zL3BvbGljeS93ZWI=\",\"value\":\"%s\"}}";
        static const char header[] = "{\"result\":{\"header\":{\"revision\":\"7\"},\"events\":[";
        _cleanup_machine_ struct machine m = { 0 };
        _cleanup_buf_ struct buf answer = BUF_INIT;

        buf_puts(&answer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        for (unsigned i = 0; i < 1000; i++) {
                buf_puts(&answer, header);
                buf_printf(&answer, change, "bmV2ZXI=");
                buf_printf(&answer, ",");
                buf_printf(&answer, change, i == 999 ? "bGFzdA==" : i % 2 ? "b2Rk" : "ZXZlbg==");
                buf_puts(&answer, "]}}\n");
        }
        ck_assert_int_eq(answer.error, 0);
        etcd_world_nonsense(&w, buf_str(&answer), NONSENSE_CLOSES);
        begin_one(&m);
        wait_for(&m, "web.yaml", "even");
        for (int i = 0; i < 60; i++) {
                turn();
                ck_assert(holds(&m, "web.yaml", "even") || holds(&m, "web.yaml", "odd"));
        }
}

TEST(fifty_machines_have_it_and_say_so)
{
        struct machine *all = calloc(MANY, sizeof(*all));
        _cleanup_heard_ struct heard h = { 0 };
        char name[40];

        for (unsigned i = 0; i < MANY; i++) {
                (void)snprintf(name, sizeof(name), "m%02u", i);
                machine_open(&all[i], name);
                machine_start(&all[i], name, 0);
        }
        for (unsigned i = 0; i < MANY; i++) {
                (void)snprintf(name, sizeof(name), "/peios/machines/m%02u/verdict", i);
                (void)wait_for_key(name, "box", 0);
        }
        put("/peios/policy/all", "everyone");
        for (unsigned i = 0; i < MANY; i++)
                wait_for(&all[i], "all.yaml", "everyone");
        ck_assert_int_eq(
                etcd_range(w.client, "/peios/machines/", "/peios/machines0", 0, heard_take, &h, NULL), 0);
        etcd_world_wait(&w, &h, 1);
        unsigned n = 0;
        for (const char *at = buf_str(&h.pairs); (at = strstr(at, "/verdict=")); at++)
                n++;
        ck_assert_uint_eq(n, MANY);
        for (unsigned i = 0; i < MANY; i++)
                machine_done(&all[i]);
        free(all);
}

static void setup(void)
{
        etcd_world_new(&w, NULL);
}

static void teardown(void)
{
        etcd_world_done(&w);
}

Suite *test_suite(void)
{
        return etcd_world_can() ? suite_waiting("fleet-agent", setup, teardown) : NULL;
}
