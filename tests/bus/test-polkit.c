/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of polkit's answer. The test plays polkit, on the connection that is root's. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "client.h"

#define KEY "\\Test\\Key"
#define LAYER "\\System\\Registry\\Layers\\top"
#define SZ ((uint32_t)REG_SZ)
#define ASKING_MAX 8u      /* of one user */
#define ASKING_USERS 3u    /* that take all places but administrators' */
#define UID_FIRST 5u       /* of them; "sync" before it is of the group nogroup */
#define LARGEST (1u << 20) /* bytes of a value */
#define OF_A_USER 3u       /* such values that wait; with what stands beside them a fourth is too much */
#define UID_DAEMON 1u      /* somebody whom the bus knows, too */
#define HANG_UPS 200u
#define LOG_MAX (1024u * 1024u)
#define POLKIT "org.freedesktop.PolicyKit1"

enum mood {
        ALLOW,
        REFUSE,
        CHALLENGE,
        FAIL,
        MUMBLE,
        HANG,
};

static struct {
        enum mood mood;
        unsigned asked;
        char *question;
        sd_bus_message *open[ASKING_MAX * ASKING_USERS + 1];
        size_t n_open;
} polkit;

static int on_question(sd_bus_message *m, _unused_ void *userdata, sd_bus_error *error)
{
        if (!sd_bus_message_is_method_call(m, POLKIT ".Authority", "CheckAuthorization"))
                return 0;
        polkit.asked++;
        free(polkit.question);
        polkit.question = strdup(message_text(m));
        switch (polkit.mood) {
        case ALLOW:
                return sd_bus_reply_method_return(m, "(bba{ss})", 1, 0, 0);
        case REFUSE:
                return sd_bus_reply_method_return(m, "(bba{ss})", 0, 0, 0);
        case CHALLENGE:
                return sd_bus_reply_method_return(m, "(bba{ss})", 0, 1, 0);
        case FAIL:
                return sd_bus_error_set(error, SD_BUS_ERROR_FAILED, "no");
        case MUMBLE:
                return sd_bus_reply_method_return(m, "s", "yes");
        case HANG:
                ck_assert_uint_lt(polkit.n_open, ARRAY_SIZE(polkit.open));
                polkit.open[polkit.n_open++] = sd_bus_message_ref(m);
                return 1;
        }
        return -1;
}

static void begin_with(const char *argument)
{
        registryd_start(argument);
        ck_assert_int_ge(sd_bus_add_object(world.bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                 on_question, NULL),
                0);
        ck_assert_int_ge(sd_bus_request_name(world.bus, POLKIT, 0), 0);
}

static void begin(void)
{
        begin_with(NULL);
}

static void close_questions(void)
{
        while (polkit.n_open > 0)
                sd_bus_message_unref(polkit.open[--polkit.n_open]);
        free(polkit.question);
        polkit.question = NULL;
}

struct call {
        sd_bus *bus;
        bool done;
        char error[64], text[256];
};

static int on_reply(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct call *c = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        c->done = true;
        (void)snprintf(c->error, sizeof(c->error), "%s", e ? e->name : "");
        (void)snprintf(c->text, sizeof(c->text), "%s", e && e->message ? e->message : "");
        return 0;
}

static void set_begin(struct call *c, sd_bus *bus, const char *key, const char *text, bool interactive)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        *c = (struct call){ .bus = bus };
        ck_assert_int_ge(sd_bus_message_new_method_call(
                                 bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Set"),
                0);
        ck_assert_int_ge(sd_bus_message_append(m, "ssuva{sv}", key, "V", SZ, "s", text, 0), 0);
        ck_assert_int_ge(sd_bus_message_set_allow_interactive_authorization(m, interactive), 0);
        ck_assert_int_ge(sd_bus_call_async(bus, NULL, m, on_reply, c, 0), 0);
        ck_assert_int_ge(sd_bus_flush(bus), 0);
}

static bool is_done(struct call *c)
{
        while (sd_bus_process(c->bus, NULL) > 0)
                ;
        return c->done;
}

/* What the provider's log says of them: a line that counts counts as that many. */
static unsigned denied_writes(const char *what)
{
        _cleanup_buf_ struct buf log = BUF_INIT;
        unsigned n = 0;

        ck_assert_int_ge(file_read(AT_FDCWD, world.registryd.log, LOG_MAX, &log, NULL, NULL), 0);
        for (char *at = strstr(buf_str(&log), what); at; at = strstr(at + 1, what)) {
                unsigned times = 1;
                char *end = strchr(at, '\n'), *again = strstr(at, "the same again, ");
                if (again && (!end || again < end))
                        (void)sscanf(again, "the same again, %u times", &times);
                n += times;
        }
        return n;
}

START_TEST(answers)
{
        static const struct {
                enum mood mood;
                const char *error, *text;
        } cases[] = {
                { REFUSE, ERROR_ACCESS_DENIED, "and users whom polkit allows (polkit refused)" },
                { CHALLENGE, ERROR_ACCESS_DENIED, "(polkit wants the caller to authenticate)" },
                { FAIL, ERROR_ACCESS_DENIED, "(polkit could not be asked)" },
                { MUMBLE, ERROR_ACCESS_DENIED, "(polkit gave an invalid answer)" },
                { ALLOW, "", "" },
                { REFUSE, ERROR_ACCESS_DENIED, "polkit refused" },
        };
        struct call c;

        begin();
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                polkit.mood = cases[i].mood;
                set_begin(&c, nobody, KEY, "1", false);
                WAIT(is_done(&c));
                ck_assert_str_eq(c.error, cases[i].error);
                ck_assert_msg(strstr(c.text, cases[i].text), "%s", c.text);
                ck_assert_uint_eq(polkit.asked, i + 1);
                ck_assert_str_eq(get_text(world.bus, KEY, "V"), i < 4 ? "-" : "1 base");
        }
        /* Neither root nor anybody who only reads is asked about. */
        set_string(world.bus, KEY, "V", "2");
        ck_assert_str_eq(get_text(nobody, KEY, "V"), "2 base");
        ck_assert_uint_eq(polkit.asked, ARRAY_SIZE(cases));
        close_questions();
}
END_TEST

START_TEST(questions)
{
        static const struct {
                const char *key;
                bool interactive;
                const char *action, *flags;
        } cases[] = {
                { KEY, false, "org.peios.Registry1.write", "0" },
                { KEY, true, "org.peios.Registry1.write", "1" },
                { LAYER, false, "org.peios.Registry1.manage-layers", "0" },
        };
        struct call c;
        const char *name;

        begin();
        polkit.mood = REFUSE;
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        ck_assert_int_ge(sd_bus_get_unique_name(nobody, &name), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_buf_ struct buf expected = BUF_INIT;
                set_begin(&c, nobody, cases[i].key, "1", cases[i].interactive);
                WAIT(is_done(&c));
                buf_printf(&expected, "('system-bus-name' ['name'=s:'%s']) '%s' [] %s ''", name,
                        cases[i].action, cases[i].flags);
                ck_assert_str_eq(polkit.question, buf_str(&expected));
        }
        close_questions();
}
END_TEST

/* Only the bus knows who went away. */
START_TEST(forged_departure)
{
        struct call c;
        const char *registryd, *name;

        begin();
        polkit.mood = HANG;
        _cleanup_bus_ sd_bus *caller = world_connect(UID_NOBODY), *forger = world_connect(UID_NOBODY);
        _cleanup_message_ sd_bus_message *m = NULL, *reply = answer(forger, "Info", "s", "Machine");
        registryd = sd_bus_message_get_sender(reply);
        ck_assert_int_ge(sd_bus_get_unique_name(caller, &name), 0);
        set_begin(&c, caller, KEY, "1", false);
        WAIT(polkit.n_open == 1);
        ck_assert_int_ge(sd_bus_message_new_signal(forger, &m, "/org/freedesktop/DBus",
                                 "org.freedesktop.DBus", "NameOwnerChanged"),
                0);
        ck_assert_int_ge(sd_bus_message_append(m, "sss", name, name, ""), 0);
        ck_assert_int_ge(sd_bus_message_set_destination(m, registryd), 0);
        ck_assert_int_ge(sd_bus_send(forger, m, NULL), 0);
        sd_bus_message_unref(answer(forger, "Info", "s", "Machine"));
        ck_assert_int_ge(sd_bus_reply_method_return(polkit.open[0], "(bba{ss})", 1, 0, 0), 0);
        WAIT(is_done(&c));
        ck_assert_str_eq(c.error, "");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "1 base");
        close_questions();
}
END_TEST

/* A person may be thinking: nobody else waits for that. */
START_TEST(no_answer)
{
        static struct call calls[ASKING_MAX + 1];

        begin();
        polkit.mood = HANG;
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        for (size_t i = 0; i < ASKING_MAX; i++)
                set_begin(&calls[i], nobody, KEY, "1", false);
        WAIT(polkit.n_open == ASKING_MAX);
        set_begin(&calls[ASKING_MAX], nobody, KEY, "1", false);
        WAIT(is_done(&calls[ASKING_MAX]));
        ck_assert_str_eq(calls[ASKING_MAX].error, ERROR_LIMIT);
        ck_assert_str_eq(
                calls[ASKING_MAX].text, "24 writing calls, or 8 of one user, already wait for polkit");

        set_string(world.bus, KEY, "V", "root");
        ck_assert_str_eq(get_text(nobody, KEY, "V"), "root base");
        /* One is allowed after all, the others never hear from it. */
        ck_assert_int_ge(sd_bus_reply_method_return(polkit.open[0], "(bba{ss})", 1, 0, 0), 0);
        WAIT(is_done(&calls[0]));
        ck_assert_str_eq(calls[0].error, "");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "1 base");
        close_questions();
        world.bus = sd_bus_flush_close_unref(world.bus);
        world.bus = world_connect(geteuid());
        for (size_t i = 1; i < ASKING_MAX; i++) {
                WAIT(is_done(&calls[i]));
                ck_assert_str_eq(calls[i].error, ERROR_ACCESS_DENIED);
        }
        set_string(world.bus, KEY, "V", "later");
}
END_TEST

/* An administrator may not change layers without polkit either, and finds a place to ask. */
START_TEST(places_of_administrators)
{
        static struct call calls[ASKING_USERS][ASKING_MAX], other;
        sd_bus *users[ASKING_USERS];

        begin_with("--admin-group=nogroup");
        polkit.mood = HANG;
        for (unsigned i = 0; i < ASKING_USERS; i++) {
                users[i] = world_connect(UID_FIRST + i);
                for (size_t k = 0; k < ASKING_MAX; k++)
                        set_begin(&calls[i][k], users[i], KEY, "1", false);
        }
        WAIT(polkit.n_open == ASKING_USERS * ASKING_MAX);
        _cleanup_bus_ sd_bus *one_more = world_connect(UID_FIRST + ASKING_USERS);
        set_begin(&other, one_more, KEY, "1", false);
        WAIT(is_done(&other));
        ck_assert_str_eq(other.error, ERROR_LIMIT);
        _cleanup_bus_ sd_bus *admin = world_connect(UID_NOBODY);
        set_begin(&other, admin, LAYER, "1", false);
        WAIT(polkit.n_open == ASKING_USERS * ASKING_MAX + 1);
        ck_assert(!is_done(&other));
        close_questions();
        for (unsigned i = 0; i < ASKING_USERS; i++)
                sd_bus_flush_close_unref(users[i]);
}
END_TEST

/* What is too large is refused before anybody is asked. */
START_TEST(too_large_to_ask)
{
        _cleanup_free_ char *most = repeat("x", LARGEST), *more = repeat("x", LARGEST + 1);
        struct call c;

        begin();
        polkit.mood = ALLOW;
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        set_begin(&c, nobody, KEY, more, false);
        WAIT(is_done(&c));
        ck_assert_str_eq(c.error, ERROR_TOO_LARGE);
        ck_assert_str_eq(
                c.text, "Machine\\Test\\Key: value 'V' has 1048577 bytes, at most 1048576 are kept");
        ck_assert_uint_eq(polkit.asked, 0);
        set_begin(&c, nobody, KEY, most, false);
        WAIT(is_done(&c));
        ck_assert_str_eq(c.error, "");
        ck_assert_uint_eq(polkit.asked, 1);
        close_questions();
}
END_TEST

/* So many bytes of one user may wait, which others can do without; what is over is as good as new. */
START_TEST(bytes_that_wait)
{
        static struct call calls[OF_A_USER + 1], other;
        const char *text;
        uint32_t type;
        _cleanup_free_ char *most = repeat("x", LARGEST);

        begin();
        polkit.mood = HANG;
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        for (size_t i = 0; i < OF_A_USER; i++)
                set_begin(&calls[i], nobody, KEY, most, false);
        WAIT(polkit.n_open == OF_A_USER);
        set_begin(&calls[OF_A_USER], nobody, KEY, most, false);
        WAIT(is_done(&calls[OF_A_USER]));
        ck_assert_str_eq(calls[OF_A_USER].error, ERROR_LIMIT);
        ck_assert_msg(strstr(calls[OF_A_USER].text,
                              "at most 12582912, or 4194304 of one user, may wait for polkit"),
                "%s", calls[OF_A_USER].text);
        _cleanup_bus_ sd_bus *daemon = world_connect(UID_DAEMON);
        set_begin(&other, daemon, KEY, "other", false);
        WAIT(polkit.n_open == OF_A_USER + 1);
        /* The value that waited is whole, though its message is gone. */
        ck_assert_int_ge(sd_bus_reply_method_return(polkit.open[0], "(bba{ss})", 1, 0, 0), 0);
        WAIT(is_done(&calls[0]));
        ck_assert_str_eq(calls[0].error, "");
        _cleanup_message_ sd_bus_message *reply = answer(world.bus, "Get", "ss", KEY, "V");
        ck_assert_int_ge(sd_bus_message_read(reply, "uv", &type, "s", &text), 0);
        ck_assert(strcmp(text, most) == 0);
        set_begin(&calls[0], nobody, KEY, most, false);
        WAIT(polkit.n_open == OF_A_USER + 2);
        close_questions();
}
END_TEST

START_TEST(callers_that_vanish)
{
        struct call c;

        begin();
        polkit.mood = HANG;
        sd_bus *nobody = world_connect(UID_NOBODY);
        set_begin(&c, nobody, KEY, "1", false);
        WAIT(polkit.n_open == 1);
        sd_bus_close_unref(nobody);
        if (records_are_logged())
                WAIT(daemon_said(&world.registryd, "hung up before polkit answered"));
        /* A yes comes too late. */
        ck_assert_int_ge(sd_bus_reply_method_return(polkit.open[0], "(bba{ss})", 1, 0, 0), 0);
        set_string(world.bus, KEY, "W", "2");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
        close_questions();
        if (records_are_logged()) {
                ck_assert_uint_eq(daemon_count(&world.registryd, "Write to '\\Test\\Key\\V' denied"), 1);
                ck_assert(daemon_said(&world.registryd, "uid 65534)"));
        }
}
END_TEST

/* Each is asked about or not, as it happens to go: none is without a record. */
START_TEST(callers_that_hang_up_at_once)
{
        struct call c;

        begin();
        polkit.mood = REFUSE;
        for (unsigned i = 0; i < HANG_UPS; i++) {
                sd_bus *nobody = world_connect(UID_NOBODY);
                set_begin(&c, nobody, KEY, "1", false);
                sd_bus_close_unref(nobody);
                (void)is_done(&(struct call){ .bus = world.bus });
        }
        set_string(world.bus, KEY, "W", "2");
        ck_assert_str_eq(get_text(world.bus, KEY, "V"), "-");
        daemon_stop(&world.registryd);
        close_questions();
        if (records_are_logged())
                ck_assert_uint_eq(denied_writes("Write to '\\Test\\Key\\V' denied"), HANG_UPS);
}
END_TEST

START_TEST(end_of_the_provider)
{
        struct call c;

        begin();
        polkit.mood = HANG;
        _cleanup_bus_ sd_bus *nobody = world_connect(UID_NOBODY);
        set_begin(&c, nobody, KEY, "1", false);
        WAIT(polkit.n_open == 1);
        daemon_stop(&world.registryd);
        WAIT(is_done(&c));
        ck_assert_str_eq(c.error, SD_BUS_ERROR_NO_REPLY);
        close_questions();
        if (records_are_logged())
                ck_assert(daemon_said(&world.registryd, "the provider ended before polkit answered"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { answers, questions, forged_departure, no_answer,
                places_of_administrators, too_large_to_ask, bytes_that_wait, callers_that_vanish,
                callers_that_hang_up_at_once, end_of_the_provider };
        harness_add_privileged(tests, ARRAY_SIZE(tests), "what becomes of the answers of polkit");
        return harness_main(NULL, 0);
}
