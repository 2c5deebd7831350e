/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core.h"

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../service/fleet/agent.h"

const char *standing_text(const struct standing *s)
{
        return s->text;
}

void core_start(struct core *m, const struct core_config *c)
{
        const struct agent_config config = {
                .etcd = { .event = c->event,
                        .endpoints = &c->endpoint,
                        .n_endpoints = 1,
                        .ca_file = c->ca_file,
                        .user = c->user,
                        .password = c->password },
                .machine = m->name,
                .prefix = "/peios",
                .groups = &c->group,
                .n_groups = 1,
                .incoming_fd = m->folder_fd,
                .standing = &m->standing,
        };
        ck_assert_int_eq(agent_new(&config, &m->agent), 0);
}

void core_kill(struct core *m)
{
        m->agent = agent_free(m->agent);
}

void core_make(struct core *m, unsigned number, const struct core_config *c)
{
        char folder[128];

        *m = (struct core){ 0 };
        (void)snprintf(m->name, sizeof(m->name), "m%05u", number);
        (void)snprintf(folder, sizeof(folder), "%s/%s", c->folder, m->name);
        ck_assert_int_eq(mkdir(folder, 0755), 0);
        m->folder_fd = open(folder, O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(m->folder_fd, 0);
}

void core_done(struct core *m)
{
        core_kill(m);
        closep(&m->folder_fd);
}

/* ---- what is in force ---- */

struct judged {
        struct buf text;
        struct fleet_policy policy;
        enum fleet_verdict verdict;
};

/* All have the same file: it is verified once, as each of many machines does with a processor of its own. */
static const struct judged *judge(const struct buf *text, const struct core_config *c)
{
        static struct judged last;
        struct diag d = { 0 };

        if (text->len == last.text.len && memcmp(text->data, last.text.data, text->len) == 0)
                return &last;
        buf_clear(&last.text);
        buf_add(&last.text, text->data, text->len);
        ck_assert_int_eq(last.text.error, 0);
        ck_assert_int_eq(
                fleet_policy_read("policy", text, &c->keys, c->group, 0, &last.policy, &last.verdict, &d),
                0);
        return &last;
}

/* As standing_text_groups() has it. */
static void note(struct core *m, const struct judged *j, const char *group)
{
        enum fleet_verdict verdict = j->verdict;
        char key[SEAL_SIGNER_MAX], refused[64] = "";

        if (verdict == FLEET_GOOD && j->policy.serial < m->serial)
                verdict = FLEET_ROLLED_BACK;
        if (verdict == FLEET_GOOD)
                m->serial = j->policy.serial;
        else
                (void)snprintf(
                        refused, sizeof(refused), ",\"refused\":\"%s\"", fleet_verdict_reason(verdict));
        (void)snprintf(m->standing.text, sizeof(m->standing.text),
                "\"groups\":[{\"group\":\"%s\",\"serial\":%" PRIu64 ",\"key\":\"%s\"%s}]", group, m->serial,
                signed_key_text(j->policy.key, key), refused);
}

void core_look(struct core *m, const struct core_config *c)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        enum fleet_verdict verdict;
        struct diag d = { 0 };
        char file[80];
        struct stat st;

        (void)snprintf(file, sizeof(file), "%s.yaml", c->group);
        if (fstatat(m->folder_fd, file, &st, 0) < 0 || memcmp(&st.st_mtim, &m->seen, sizeof(m->seen)) == 0)
                return;
        m->seen = st.st_mtim;
        ck_assert_int_eq(fleet_policy_open(m->folder_fd, file, &text, &verdict, &d), 0);
        note(m, judge(&text, c), c->group);
        if (m->agent)
                agent_standing_changed(m->agent);
}
