/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "../base/log.h"
#include "../events/loop.h"
#include "cleanup.h"

/* A connection may wait for 128 answers at one time (dbus-daemon's default), polkit's among them. */
#define PLACES_MAX 64u
#define ASKED_MAX 96u
#define COOKIE_RANDOM (UINT32_C(1) << 31)
#define RETRY_USEC UINT64_C(1000000)
/* A client that does not answer in this time gives its place to others. It is not asked again: the bus keeps
 * the first question, and counts it, until it is answered. */
#define PLACE_USEC UINT64_C(5000000)

struct account {
        sd_bus *bus;
        account_read_t read;
        void *userdata;
        struct hashmap clients; /* by address */
        size_t unread[2];       /* bytes, of root's clients in [1] */
        unsigned places, asked;
        sd_event_source *retry; /* for questions that are due */
};

static uint32_t client_hash(const struct account_client *c)
{
        return hashmap_hash(&c, sizeof(c), hashmap_seed());
}

static void give_place(struct account_client *c)
{
        c->owner->places -= c->holds_place;
        c->holds_place = false;
}

static int on_retry(sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
        struct account *a = userdata;
        uint64_t now = 0;
        struct account_client *c;

        int r = sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now);
        if (r < 0)
                log_warning("cannot read the clock: %s; ignoring", strerror(-r));
        for (uint32_t i = 0; (c = hashmap_next(&a->clients, &i));)
                if (c->holds_place && now >= c->asked_usec + PLACE_USEC)
                        give_place(c);
        for (uint32_t i = 0; (c = hashmap_next(&a->clients, &i));)
                if (c->is_due)
                        account_ask(c);
        return 0;
}

int account_new(sd_bus *bus, account_read_t read, void *userdata, struct account **ret)
{
        struct account *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        *a = (struct account){ .bus = sd_bus_ref(bus), .read = read, .userdata = userdata };
        int r = loop_timer_new(sd_bus_get_event(bus), 0, on_retry, a, &a->retry);
        if (r < 0) {
                (void)account_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

/* The clients are gone by now. */
struct account *account_free(struct account *a)
{
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->retry);
        hashmap_done(&a->clients);
        sd_bus_unref(a->bus);
        free(a);
        return NULL;
}

int account_client_add(struct account *a, struct account_client *c)
{
        int r = hashmap_put(&a->clients, client_hash(c), c);

        if (r == 0)
                c->owner = a;
        return r;
}

static void count(struct account_client *c, size_t bytes)
{
        c->unread += bytes;
        c->user->unread += bytes;
        c->owner->unread[c->user->is_root] += bytes;
}

static void uncount(struct account_client *c, size_t bytes)
{
        c->unread -= bytes;
        c->user->unread -= bytes;
        c->owner->unread[c->user->is_root] -= bytes;
}

static void end_question(struct account_client *c)
{
        c->question = sd_bus_slot_unref(c->question);
        give_place(c);
        c->owner->asked -= c->is_asked;
        c->user->asked -= c->is_asked;
        c->is_asked = false;
}

void account_client_remove(struct account_client *c)
{
        if (!c->owner)
                return;
        end_question(c);
        uncount(c, c->unread);
        (void)hashmap_remove(&c->owner->clients, client_hash(c), c);
        c->owner = NULL;
}

void account_client_move(struct account_client *c, struct account_user *user)
{
        size_t bytes = c->unread;

        uncount(c, bytes);
        c->user->asked -= c->is_asked;
        c->user = user;
        c->user->asked += c->is_asked;
        count(c, bytes);
}

size_t account_room(const struct account_client *c)
{
        size_t room = c->user->is_root ? ACCOUNT_ROOT_ROOM : ACCOUNT_ROOM;
        size_t all = c->owner->unread[c->user->is_root];
        size_t taken = c->user->is_root ? c->unread : c->user->unread;

        return all + taken >= room ? 0 : (room - all - taken) / 2;
}

static void later(struct account_client *c)
{
        c->is_due = true;
        int r = loop_timer_start(c->owner->retry, RETRY_USEC);
        if (r < 0)
                log_warning(
                        "cannot set a timer: %s; the next message to %s asks again", strerror(-r), c->name);
}

/* Any answer of the client's will do, an error too: it has read what came before the question. The bus's own
 * refusal to keep more for this client says that something was dropped as well. */
static int on_answer(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct account_client *c = userdata;
        struct account *a = c->owner;

        end_question(c);
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_LIMITS_EXCEEDED)) {
                a->read(c, true, a->userdata);
                later(c);
                return 0;
        }
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY)) {
                later(c);
                return 0;
        }
        uncount(c, c->asked_bytes);
        c->signals -= c->asked_signals;
        c->asked_bytes = c->asked_signals = c->errors = 0;
        a->read(c, false, a->userdata);
        /* What came behind the question takes its user's room until it is asked for as well. */
        if (c->unread >= ACCOUNT_ASK_BYTES / 2)
                account_ask(c);
        return 0;
}

/* The bus lets an answer to a number pass whether the question was read or not, and numbers in a row can be
 * guessed. sd-bus goes on from the largest one, and again from 2³¹ behind the last. */
static int seal_unforeseen(sd_bus_message *m)
{
        uint32_t number;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -errno;
        return sd_bus_message_seal(m, number | COOKIE_RANDOM, UINT64_MAX);
}

/* Root's services are not held up by what others do. Each user of the others may take half of what is left.
 */
static bool may_ask(const struct account_client *c)
{
        const struct account *a = c->owner;

        return c->user->is_root ||
               (a->places < PLACES_MAX && a->asked < ASKED_MAX && c->user->asked < ASKED_MAX - a->asked);
}

void account_ask(struct account_client *c)
{
        struct account *a = c->owner;
        _cleanup_message_ sd_bus_message *m = NULL;

        if (c->is_asked)
                return;
        if (!may_ask(c)) {
                later(c);
                return;
        }
        int r = sd_bus_message_new_method_call(
                a->bus, &m, c->name, "/", "org.freedesktop.DBus.Peer", "Ping");
        if (r >= 0)
                r = seal_unforeseen(m);
        if (r >= 0)
                r = sd_bus_call_async(a->bus, &c->question, m, on_answer, c, UINT64_MAX);
        if (r < 0) {
                log_warning("cannot ask %s whether it reads what it is sent: %s", c->name, strerror(-r));
                later(c);
                return;
        }
        if (sd_event_now(sd_bus_get_event(a->bus), CLOCK_MONOTONIC, &c->asked_usec) < 0)
                c->asked_usec = 0;
        a->places++;
        a->asked++;
        c->user->asked++;
        c->holds_place = c->is_asked = true;
        c->is_due = false;
        c->asked_bytes = c->unread;
        c->asked_signals = c->signals;
        c->since_asked = 0;
}

void account_sent(struct account_client *c, size_t bytes)
{
        count(c, bytes);
        c->since_asked += bytes;
        if (c->since_asked >= ACCOUNT_ASK_BYTES)
                account_ask(c);
}

void account_sent_signal(struct account_client *c, size_t bytes)
{
        c->signals++;
        account_sent(c, bytes);
}

bool account_take_error(struct account_client *c)
{
        if (c->errors >= ACCOUNT_ERRORS)
                return false;
        c->errors++;
        account_sent(c, ACCOUNT_MESSAGE);
        account_ask(c);
        return true;
}

/* ---- How large a message is ---- */

/* The text that sd-bus describes an interface with, and all fixed parts of what Properties.GetAll returns.
 */
#define INTROSPECTION_BYTES ((size_t)32 * 1024)

/* A length and padding. */
#define OVERHEAD 8u

static int read_text(sd_bus_message *m, char type, size_t *bytes)
{
        const char *text;

        int r = sd_bus_message_read_basic(m, type, &text);
        if (r > 0)
                *bytes += strlen(text);
        return r;
}

static int read_numbers(sd_bus_message *m, char type, size_t *bytes)
{
        const void *list;
        size_t size;

        int r = sd_bus_message_read_array(m, type, &list, &size);
        if (r > 0)
                *bytes += size;
        return r;
}

/* What has the type `type`, or is an array or another container of `contents`. */
static int read_value(
        sd_bus_message *m, char type, const char *contents, struct account_size *measure, unsigned *depth)
{
        uint64_t number;

        if (type == 'a' && strchr("ynqiuxtd", contents[0])) {
                measure->values++;
                return read_numbers(m, contents[0], &measure->bytes);
        }
        if (strchr("avre", type)) {
                (*depth)++;
                int r = sd_bus_message_enter_container(m, type, contents);
                /* As many as there are bytes may be empty. */
                if (r > 0 && type == 'a' && *depth > 1 && sd_bus_message_at_end(m, false) > 0) {
                        measure->values++;
                        measure->bytes += OVERHEAD;
                }
                return r;
        }
        measure->values++;
        measure->bytes += OVERHEAD;
        if (strchr("sog", type))
                return read_text(m, type, &measure->bytes);
        return sd_bus_message_read_basic(m, type, &number);
}

int account_measure(sd_bus_message *m, const struct account_size *limit, struct account_size *ret)
{
        struct account_size measure = { 0 };
        unsigned depth = 0;
        const char *contents;
        char type;

        int r = sd_bus_message_rewind(m, true);
        while (r >= 0 && measure.values <= limit->values && measure.bytes <= limit->bytes) {
                r = sd_bus_message_peek_type(m, &type, &contents);
                if (r > 0) {
                        r = read_value(m, type, contents, &measure, &depth);
                } else if (r == 0 && depth > 0) {
                        depth--;
                        r = sd_bus_message_exit_container(m);
                } else if (r == 0) {
                        *ret = measure;
                        r = sd_bus_message_rewind(m, true);
                        return r < 0 ? r : 1;
                }
        }
        if (r >= 0)
                r = sd_bus_message_rewind(m, true);
        return r < 0 ? r : 0;
}

/* Nobody answers an answer: its number is nothing to anybody. */
int account_measure_answer(sd_bus_message *m, size_t *ret_bytes)
{
        static const struct account_size limit = { .values = SIZE_MAX, .bytes = SIZE_MAX };
        struct account_size measure;

        int r = sd_bus_message_seal(m, 1, 0);
        if (r >= 0)
                r = account_measure(m, &limit, &measure);
        if (r < 0)
                return r;
        *ret_bytes = measure.bytes;
        return 0;
}

/* Errors of sd-bus's own say which object, or which interface, there is none of. */
static size_t named_bytes(sd_bus_message *m, bool is_get_all)
{
        const char *interface = "";

        if (is_get_all && sd_bus_message_read_basic(m, 's', &interface) <= 0)
                interface = "";
        (void)sd_bus_message_rewind(m, true);
        return strlen(sd_bus_message_get_path(m)) + strlen(interface);
}

size_t account_measure_made(sd_bus_message *m)
{
        bool is_get_all = strcmp(sd_bus_message_get_member(m), "GetAll") == 0;
        bool is_long = is_get_all || strcmp(sd_bus_message_get_member(m), "Introspect") == 0;

        return named_bytes(m, is_get_all) + (is_long ? INTROSPECTION_BYTES : 0);
}
