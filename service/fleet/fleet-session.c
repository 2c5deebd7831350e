/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fleet-session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "../../schema/base/log.h"
#include "../../schema/events/loop.h"

/* Of a kB or some each; where one machine writes as much as etcd takes, a smaller one is asked for. */
#define PIECE 128u

static enum exit_code fail(int r, const char *what)
{
        return log_failure(EXIT_CODE_FAILURE, "%s: %s", what, strerror(-r));
}

static enum exit_code read_password(const char *file, struct buf *ret)
{
        struct diag d = { 0 };

        int r = file_read_line(AT_FDCWD, file, ETCD_PASSWORD_MAX, ret, &d);
        if (r < 0) {
                log_error("%s", d.text[0] ? d.text : file);
                return r == -ENOENT ? EXIT_CODE_NOT_FOUND : EXIT_CODE_FAILURE;
        }
        return EXIT_CODE_OK;
}

enum exit_code fleet_session_open(struct fleet_session *s, const struct fleet_options *o)
{
        static const char *const usual[] = { "http://127.0.0.1:2379" };
        _cleanup_buf_ struct buf password = BUF_INIT;
        enum exit_code code = EXIT_CODE_OK;

        *s = (struct fleet_session){ .options = o };
        if (o->password_file)
                code = read_password(o->password_file, &password);
        if (code != EXIT_CODE_OK)
                return code;
        int r = loop_new(&s->event);
        const struct etcd_config config = {
                .event = s->event,
                .endpoints = o->endpoints.n > 0 ? o->endpoints.list : usual,
                .n_endpoints = o->endpoints.n > 0 ? o->endpoints.n : 1,
                .ca_file = o->ca_file,
                .cert_file = o->cert_file,
                .key_file = o->key_file,
                .user = o->user,
                .password = buf_str(&password),
        };
        if (r == 0)
                r = etcd_new(&config, &s->etcd);
        if (r == 0)
                etcd_keep(s->etcd, true);
        return r < 0 ? fail(r, "cannot begin") : EXIT_CODE_OK;
}

void fleet_session_close(struct fleet_session *s)
{
        s->etcd = etcd_free(s->etcd);
        s->event = sd_event_unref(s->event);
}

char *fleet_session_key(const struct fleet_session *s, const char *part, const char *name)
{
        char *key = NULL;

        return asprintf(&key, "%s/%s/%s", s->options->prefix, part, name) < 0 ? NULL : key;
}

const char *fleet_session_name(const struct fleet_session *s, const char *part, const char *key)
{
        const size_t prefix = strlen(s->options->prefix), n = strlen(part);
        const char *rest = strncmp(key, s->options->prefix, prefix) == 0 ? key + prefix : "";

        if (rest[0] != '/' || strncmp(rest + 1, part, n) != 0 || rest[1 + n] != '/')
                return NULL;
        return rest + n + 2;
}

static void on_answer(const struct etcd_answer *a, void *userdata)
{
        struct fleet_session *s = userdata;

        s->is_done = true;
        s->succeeded = a->succeeded;
        s->more = a->more;
        s->status = a->status;
        s->code = a->status == ETCD_OK       ? EXIT_CODE_OK
                  : a->status == ETCD_DENIED ? EXIT_CODE_DENIED
                                             : EXIT_CODE_FAILURE;
        if (a->status == ETCD_NONSENSE && s->may_be_long)
                return;
        if (a->status != ETCD_OK)
                log_error("etcd: %s (%s)", a->text, etcd_status_name(a->status));
        else if (s->take)
                s->take(a, s->userdata);
}

/* `r` is of the call that was just begun. */
static enum exit_code wait_for(struct fleet_session *s, int r)
{
        s->is_done = false;
        while (r >= 0 && !s->is_done)
                r = sd_event_get_state(s->event) == SD_EVENT_FINISHED ? -EINTR
                                                                      : sd_event_run(s->event, UINT64_MAX);
        s->take = NULL;
        return r < 0 ? fail(r, "etcd was not asked") : s->code;
}

enum exit_code fleet_session_get(struct fleet_session *s, const char *key, etcd_fn take, void *userdata)
{
        s->take = take;
        s->userdata = userdata;
        return wait_for(s, etcd_range(s->etcd, key, NULL, 0, on_answer, s, NULL));
}

/* The first key that does not begin so: its last byte is no 0xff. */
static char *end_of(const char *key)
{
        char *end = strdup(key);

        if (end)
                end[strlen(end) - 1]++;
        return end;
}

/* What a fleet of 100,000 machines has several times over: who owns etcd can say `more` without an end. */
#define KEYS_MAX 1000000u
#define BYTES_MAX (UINT64_C(4) << 30)

/* Beside what the caller does with it, the next piece begins behind the last key. */
struct pieces {
        etcd_fn take;
        void *userdata;
        char *next;
        size_t keys;
        uint64_t bytes;
        bool is_nonsense;
};

/* Each key behind the one before, or they would come again and again. */
static bool is_sane(struct pieces *p, const struct etcd_answer *a)
{
        const char *last = p->keys > 0 ? p->next : "";

        for (size_t i = 0; i < a->n_pairs; i++) {
                if (strcmp(a->pairs[i].key, last) < 0)
                        return false;
                last = a->pairs[i].key;
                p->bytes += a->pairs[i].value_len;
        }
        p->keys += a->n_pairs;
        return p->keys <= KEYS_MAX && p->bytes <= BYTES_MAX && (!a->more || a->n_pairs > 0);
}

static void take_piece(const struct etcd_answer *a, void *userdata)
{
        struct pieces *p = userdata;

        p->is_nonsense = !is_sane(p, a);
        if (p->is_nonsense)
                return;
        free(STEAL_PTR(p->next));
        /* A key with one byte more is the next that can be; \1 is the least that a text can hold. */
        if (a->more && asprintf(&p->next, "%s\1", a->pairs[a->n_pairs - 1].key) < 0)
                p->next = NULL;
        p->take(a, p->userdata);
}

static enum exit_code get_piece(struct fleet_session *s, struct pieces *p, const char *end)
{
        enum exit_code code;
        unsigned piece = PIECE;

        do {
                s->take = take_piece;
                s->userdata = p;
                s->may_be_long = piece > 1;
                code = wait_for(s, etcd_range(s->etcd, p->next, end, piece, on_answer, s, NULL));
                piece /= 2;
        } while (code == EXIT_CODE_FAILURE && s->may_be_long && s->status == ETCD_NONSENSE);
        s->may_be_long = false;
        if (!p->is_nonsense)
                return code;
        return log_failure(EXIT_CODE_FAILURE, "etcd: its keys are out of order, or without an end");
}

enum exit_code fleet_session_get_all(
        struct fleet_session *s, const char *part, const char *name, etcd_fn take, void *userdata)
{
        struct pieces pieces = { .take = take, .userdata = userdata };
        pieces.next = fleet_session_key(s, part, name);
        _cleanup_free_ char *end = pieces.next ? end_of(pieces.next) : NULL;
        enum exit_code code = EXIT_CODE_OK;

        if (!end)
                code = fail(-ENOMEM, part);
        s->more = true;
        while (code == EXIT_CODE_OK && s->more && pieces.next)
                code = get_piece(s, &pieces, end);
        free(pieces.next);
        return code == EXIT_CODE_OK && s->more ? fail(-ENOMEM, part) : code;
}

enum exit_code fleet_session_put(
        struct fleet_session *s, const char *key, uint64_t mod_revision, const void *value, size_t n)
{
        enum exit_code code =
                wait_for(s, etcd_put_if(s->etcd, key, mod_revision, value, n, on_answer, s, NULL));

        return code == EXIT_CODE_OK && !s->succeeded ? EXIT_CODE_CONFLICT : code;
}

enum exit_code fleet_session_delete_all(struct fleet_session *s, const char *part, const char *name)
{
        _cleanup_free_ char *key = fleet_session_key(s, part, name);
        _cleanup_free_ char *end = key ? end_of(key) : NULL;

        if (!end)
                return fail(-ENOMEM, part);
        enum exit_code code = wait_for(s, etcd_delete(s->etcd, key, end, on_answer, s, NULL));
        return code == EXIT_CODE_OK && !s->succeeded ? EXIT_CODE_NOT_FOUND : code;
}
