/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* watch: one line an event, until enough have come. A restart of the provider ends a subscription; it is
 * made anew, and a line says that the key is to be read again. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../schema/bus/peer.h"
#include "commands.h"
#include "event.h"

struct watch {
        struct session *s;
        struct path path;
        struct peer *provider;
        sd_bus_message *subscribed; /* the answer to Subscribe(): its sender has the subscription */
        uint64_t id;
        uint64_t left;              /* events; UINT64_MAX: no limit */
        int code;                   /* of what went wrong inside a callback */
        bool no_values, no_subkeys; /* --filter leaves them out */
        bool returned;              /* the provider is there, and the subscription is not */
};

static void watch_done(struct watch *w)
{
        path_done(&w->path);
        sd_bus_message_unref(w->subscribed);
        (void)peer_free(w->provider);
}
#define _cleanup_watch_ _cleanup_(watch_done)

static bool finished(const struct watch *w)
{
        return w->left == 0 || w->code != EXIT_CODE_OK;
}

/* At once: a reader of a pipe must have the event now. */
static void end_line(struct watch *w)
{
        buf_putc(&w->s->out, '\n');
        w->code = session_flush(w->s);
}

static void show_text(struct watch *w, const struct event *e, uint64_t sequence, const char *origin)
{
        struct buf *out = &w->s->out;

        event_format(out, e);
        if (event_is(e, "overflow"))
                buf_puts(out, "   (events are lost: read again)");
        else if (event_is(e, "ended"))
                buf_puts(out, "   (nothing more is heard: subscribing anew)");
        else {
                buf_puts(out, "   (");
                if (e->entry.layer[0]) {
                        buf_puts(out, "layer ");
                        utf8_put_safe(out, e->entry.layer, strlen(e->entry.layer));
                        layer_put_seal(out, ", ", e->entry.layer, &e->seal);
                        buf_puts(out, ", ");
                }
                buf_printf(out, "sequence %" PRIu64 "%s%s)", sequence, origin[0] ? ", " : "", origin);
        }
        end_line(w);
}

static void show_json(struct watch *w, const struct event *e, uint64_t sequence, const char *origin)
{
        struct json j = json_on(&w->s->out);

        json_begin_object(&j);
        event_to_json(&j, e);
        layer_seal_to_json(&j, e->entry.layer, &e->seal);
        json_add_number(&j, "sequence", sequence);
        /* JSON already: one origin is shared by all events of a signal. */
        json_key(&j, "origin");
        buf_puts(&w->s->out, origin);
        json_end_object(&j);
        end_line(w);
}

/* An event of our own: the provider went away or came back. */
static void show_provider(struct watch *w, const char *kind, const char *hint)
{
        struct json j = json_on(&w->s->out);

        if (w->s->options.json) {
                json_begin_object(&j);
                json_add_string(&j, "event", kind);
                words_path_to_json(&j, "path", w->path.text);
                json_end_object(&j);
        } else {
                buf_printf(&w->s->out, "%s  ", kind);
                words_put_path(&w->s->out, w->path.text);
                buf_printf(&w->s->out, "   (%s)", hint);
        }
        end_line(w);
}

/* That events are lost, or the key itself is gone, is shown in any case. */
static bool is_left_out(const struct watch *w, const struct event *e)
{
        return (w->no_values && strncmp(e->kind, "value-", strlen("value-")) == 0) ||
               (w->no_subkeys && strncmp(e->kind, "subkey-", strlen("subkey-")) == 0) ||
               (w->no_subkeys && event_is(e, "key-deleted") &&
                       !fold_equal(e->key, strlen(e->key), w->path.text, w->path.len));
}

static int show_signal(struct watch *w, sd_bus_message *m, uint64_t sequence)
{
        const struct reg_options *o = &w->s->options;
        _cleanup_buf_ struct buf origin = BUF_INIT;
        struct event e = { 0 };
        struct json j = json_on(&origin);

        int r = event_read_origin(m, o->verbose, &origin, o->json ? &j : NULL);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sssuvsts)");
        while (r >= 0 && !finished(w) && (r = event_read_next(m, &e)) > 0) {
                if (is_left_out(w, &e))
                        continue;
                if (w->left != UINT64_MAX)
                        w->left--;
                if (o->json)
                        show_json(w, &e, sequence, buf_str(&origin));
                else
                        show_text(w, &e, sequence, buf_str(&origin));
                w->returned |= event_is(&e, "ended");
        }
        entry_done(&e.entry);
        return r;
}

static int on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct watch *w = userdata;
        uint64_t id, sequence;

        if (!w->subscribed || !peer_sent(w->provider, m) || finished(w))
                return 0;
        int r = sd_bus_message_read(m, "tt", &id, &sequence);
        if (r >= 0 && id == w->id)
                r = show_signal(w, m, sequence);
        if (r < 0)
                w->code = session_bad_reply(w->s, r);
        return 0;
}

static void on_provider(const char *old, const char *owner, void *userdata)
{
        struct watch *w = userdata;

        if (finished(w))
                return;
        if (old[0]) {
                w->subscribed = sd_bus_message_unref(w->subscribed);
                show_provider(w, "provider-gone", "waiting for it");
        }
        /* Our own call may have had it started: then its subscription is the one we have. */
        if (owner[0])
                w->returned = !w->subscribed || !peer_is(w->subscribed, owner);
}

static int subscribe(struct watch *w)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        struct session *s = w->s;

        int code = session_new_call(s, "Subscribe", w->path.text, NULL, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_append(m, "b", (int)s->options.subtree);
        if (r >= 0)
                r = wire_append_options(m, &(struct wire_options){ .no_follow = s->options.no_follow,
                                                   .check = w->id != 0 ? NULL : WIRE_CHECK_REFUSE });
        if (r < 0)
                return session_fail(s, r, NULL);
        code = session_call(s, m, &reply);
        if (code != EXIT_CODE_OK)
                return code == EXIT_CODE_UNACCEPTED ? EXIT_CODE_INVALID : code;
        r = sd_bus_message_read(reply, "t", &w->id);
        if (r < 0)
                return session_bad_reply(s, r);
        sd_bus_message_unref(w->subscribed);
        w->subscribed = STEAL_PTR(reply);
        return EXIT_CODE_OK;
}

/* What is heard has the path of the key itself. Of links that lead nowhere the provider says why. */
static int say_links(struct watch *w)
{
        _cleanup_path_ struct path at = { 0 };
        _cleanup_message_ sd_bus_message *links = NULL;
        const char *path, *target;
        int r = 0;

        if (w->s->options.quiet || w->s->options.no_follow)
                return EXIT_CODE_OK;
        if (session_find(w->s, w->path.text, &at, &links) != EXIT_CODE_OK) {
                session_warn("%s", w->s->diag.text);
                w->s->diag = (struct diag){ 0 };
                return EXIT_CODE_OK;
        }
        while ((r = sd_bus_message_read(links, "(ss)", &path, &target)) > 0)
                session_complain("%s is a link to %s: what happens there is shown", path, target);
        return r < 0 ? session_bad_reply(w->s, r) : EXIT_CODE_OK;
}

static int subscribe_again(struct watch *w)
{
        w->returned = false;
        int code = subscribe(w);
        if (code == EXIT_CODE_OK) {
                if (w->left != UINT64_MAX)
                        w->left--;
                show_provider(w, "restarted", "read again");
        }
        return code;
}

static int add_matches(struct watch *w)
{
        sd_bus *bus = w->s->bus;

        int r = sd_bus_match_signal(
                bus, NULL, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Changed", on_changed, w);
        if (r >= 0)
                r = peer_new(bus, REGISTRY_BUS_NAME, on_provider, w, &w->provider);
        return r < 0 ? session_fail(w->s, r, "cannot watch the bus") : EXIT_CODE_OK;
}

static int run(struct watch *w)
{
        while (!finished(w)) {
                int r = sd_bus_process(w->s->bus, NULL);
                if (r == 0 && !finished(w) && !w->returned)
                        r = sd_bus_wait(w->s->bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return session_fail(w->s, r, "the connection to the bus broke off");
                if (w->returned && !finished(w)) {
                        int code = subscribe_again(w);
                        if (code != EXIT_CODE_OK)
                                return code;
                }
        }
        return w->code;
}

/* Security descriptors are not here yet, so that nothing is shown of them. */
static int read_filter(struct watch *w)
{
        static const char *const words[] = { "value", "subkey", "sd", "all" };
        const char *filter = w->s->options.filter;
        bool given[ARRAY_SIZE(words)] = { false };

        while (filter && *filter) {
                size_t n = strcspn(filter, ","), i = 0;
                while (i < ARRAY_SIZE(words) && !(strlen(words[i]) == n && memcmp(words[i], filter, n) == 0))
                        i++;
                if (i == ARRAY_SIZE(words))
                        return session_error(w->s, EXIT_CODE_USAGE,
                                "--filter: there are no events '%.*s', expected value, subkey, sd or all",
                                (int)n, filter);
                given[i] = true;
                filter += n + (filter[n] != '\0');
        }
        bool all = given[3] || (!given[0] && !given[1] && !given[2]);
        w->no_values = !all && !given[0];
        w->no_subkeys = !all && !given[1];
        return EXIT_CODE_OK;
}

int command_watch(struct session *s)
{
        const struct reg_options *o = &s->options;
        _cleanup_watch_ struct watch w = { .s = s, .left = o->count > 0 ? o->count : UINT64_MAX };

        int code = read_filter(&w);
        if (code == EXIT_CODE_OK)
                code = session_path(s, s->line.words[0], &w.path);
        if (code == EXIT_CODE_OK)
                code = session_connect(s);
        if (code == EXIT_CODE_OK)
                code = add_matches(&w);
        if (code == EXIT_CODE_OK)
                code = say_links(&w);
        if (code == EXIT_CODE_OK)
                code = subscribe(&w);
        return code == EXIT_CODE_OK ? run(&w) : code;
}
