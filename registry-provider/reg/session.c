/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/clock.h"
#include "../../schema/base/file.h"
#include "../../schema/names/path.h"

/* A dialogue of polkit's takes as long as a person does. */
#define INTERACTIVE_TIMEOUT_USEC UINT64_C(120000000)

static void hives_free(char **hives)
{
        for (char **h = hives; h && *h; h++)
                free(*h);
        free(hives);
}

void session_guard_descriptors(void)
{
        /* Opened the wrong way round on purpose: a write to a closed standard output is still an error. */
        for (int fd = 0; fd <= 2; fd++)
                if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
                        (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

_printf_(2, 0) static void say(const char *prefix, const char *format, va_list ap)
{
        _cleanup_buf_ struct buf line = BUF_INIT;
        char *text = NULL;

        int n = vasprintf(&text, format, ap);
        buf_printf(&line, "peios-reg: %s", prefix);
        if (n >= 0)
                utf8_put_safe(&line, text, (size_t)n);
        buf_putc(&line, '\n');
        free(n >= 0 ? text : NULL);
        /* That standard error does not work can be reported nowhere. */
        (void)!file_write_all(STDERR_FILENO, buf_str(&line), line.len);
}

void session_complain(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        say("", format, ap);
        va_end(ap);
}

void session_warn(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        say("warning: ", format, ap);
        va_end(ap);
}

void session_done(struct session *s)
{
        free(s->arguments);
        buf_done(&s->out);
        hives_free(s->hives);
        s->bus = sd_bus_flush_close_unref(s->bus);
}

bool session_interactive(void)
{
        return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* The first letter of the answer, a small one. */
_printf_(2, 0) static char ask(const char *choices, const char *format, va_list ap)
{
        char answer[16];

        (void)fputs("peios-reg: ", stderr);
        (void)vfprintf(stderr, format, ap);
        (void)fprintf(stderr, " [%s] ", choices);
        return fgets(answer, sizeof(answer), stdin) ? (char)(answer[0] | 0x20) : '\0';
}

bool session_confirms(const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        char answer = ask("y/N", format, ap);
        va_end(ap);
        return answer == 'y';
}

char session_choose(const char *choices, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        char answer = ask(choices, format, ap);
        va_end(ap);
        return answer >= 'a' && answer <= 'z' && strchr(choices, answer) ? answer : 'n';
}

int session_fail(struct session *s, int r, const char *what)
{
        (void)diag_set(&s->diag, -r, "%s%s%s", what ? what : "", what ? ": " : "", strerror(-r));
        return EXIT_CODE_FAILURE;
}

int session_error(struct session *s, int code, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        diag_setv(&s->diag, format, ap);
        va_end(ap);
        return code;
}

int session_refuse(struct session *s, int r)
{
        return r == -ENOMEM ? session_fail(s, r, NULL) : EXIT_CODE_INVALID;
}

int session_bad_reply(struct session *s, int r)
{
        return session_fail(s, r, "the answer cannot be read");
}

int session_flush(struct session *s)
{
        int r = s->out.error;

        if (r == 0)
                r = file_write_all(STDOUT_FILENO, buf_str(&s->out), s->out.len);
        buf_clear(&s->out);
        return r < 0 ? session_fail(s, r, "cannot write to standard output") : EXIT_CODE_OK;
}

int session_connect(struct session *s)
{
        if (s->bus || client_connect(&s->bus, &s->diag) >= 0)
                return EXIT_CODE_OK;
        return EXIT_CODE_FAILURE;
}

size_t session_n_names(const struct session *s)
{
        switch (s->command) {
        case REG_LAYER_LS:
        case REG_LAYER_NEW:
        case REG_LAYER_SET:
        case REG_LAYER_DEL:
        case REG_LINT:
        case REG_UNDO:
        case REG_CHECK:
        case REG_REPAIR:
        case REG_COMPLETE:
        case REG_APPLY:
        case REG_IMPORT:
        case REG_DIFF:
                return 0;
        case REG_BACKUP:
        case REG_RESTORE:
                return s->line.n_words - 1;
        case REG_EXPORT:
                return 1;
        case REG_MAN:
                return s->options.keyword ? 0 : s->line.n_words;
        case REG_NEW_LINK: /* the second word is a key, too */
        case REG_COPY:
        case REG_COMPARE:
                return 1;
        case REG_SET:
                return s->line.n_words - !s->options.from;
        default:
                return s->line.n_words;
        }
}

int session_check_words(struct session *s)
{
        char **words = s->line.words;
        size_t n = session_n_names(s);
        bool both_in_one = s->command == REG_SET && n == 1;

        if (n == 0)
                return EXIT_CODE_OK;
        if (!both_in_one)
                s->only_key = words_trim_key(words[0]);
        /* A lone separator stands for all hives. */
        if ((s->command == REG_LS || s->command == REG_MAN) && strspn(words[0], "\\/") == 1 && !words[0][1])
                return EXIT_CODE_OK;
        const char *name = n > 1 ? path_value_name_of_word(words[1]) : NULL;
        int r = words_check_key(words[0], &s->diag);
        if (r == 0 && name)
                r = path_check_value_name(name, strlen(name), &s->diag);
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

int session_new_call(
        struct session *s, const char *method, const char *key, const char *name, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_connect(s);
        if (code != EXIT_CODE_OK)
                return code;
        int r = client_new_call(s->bus, method, &m);
        if (r >= 0 && key)
                r = sd_bus_message_append(m, "s", key);
        if (r >= 0 && name)
                r = sd_bus_message_append(m, "s", name);
        if (r < 0)
                return session_fail(s, r, NULL);
        *ret = STEAL_PTR(m);
        return EXIT_CODE_OK;
}

/* A person may be asked, and then has time. */
static int prepare_call(sd_bus_message *m, uint64_t *ret_timeout)
{
        const bool is_interactive = session_interactive();

        *ret_timeout = is_interactive ? INTERACTIVE_TIMEOUT_USEC : 0;
        return is_interactive ? sd_bus_message_set_allow_interactive_authorization(m, true) : 0;
}

int session_call(struct session *s, sd_bus_message *m, sd_bus_message **ret_reply)
{
        uint64_t timeout;

        int r = prepare_call(m, &timeout);
        return r < 0 ? session_fail(s, r, NULL) : (int)client_call(s->bus, m, timeout, ret_reply, &s->diag);
}

int session_call_begin(struct session *s, sd_bus_message *m, struct client_call *ret)
{
        uint64_t timeout;

        int r = prepare_call(m, &timeout);
        if (r >= 0)
                r = client_call_begin(s->bus, m, timeout, ret);
        return r < 0 ? session_fail(s, r, NULL) : EXIT_CODE_OK;
}

int session_call_end(struct session *s, struct client_call *call, sd_bus_message **ret_reply)
{
        return (int)client_call_end(s->bus, call, ret_reply, &s->diag);
}

/* The methods that read have a sister each, which takes a moment, and is told of a link itself. */
static const char *past_method(const char *method)
{
        static const char *const methods[][2] = { { "Get", "GetAt" }, { "List", "ListAt" },
                { "Info", "InfoAt" }, { "Resolve", "ResolveAt" } };

        for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
                if (strcmp(method, methods[i][0]) == 0)
                        return methods[i][1];
        return NULL;
}

int session_moment(struct session *s, const char *option, const char *text, struct words_moment *ret)
{
        if (words_parse_moment(text, clock_of(CLOCK_REALTIME), ret))
                return EXIT_CODE_OK;
        return session_error(s, EXIT_CODE_USAGE,
                "%s: '%s' is neither a change's number nor a time; such are 2026-01-31, '2026-01-31 10:00', "
                "7d, 12h, 30m, @SECONDS",
                option, text);
}

static int append_which(sd_bus_message *m, const struct words_moment *at, bool no_follow)
{
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0 && at)
                r = sd_bus_message_append(m, "{sv}", at->is_time ? "time" : "sequence", "t", at->number);
        if (r >= 0 && no_follow)
                r = sd_bus_message_append(m, "{sv}", "no-follow", "b", 1);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int session_ask(
        struct session *s, const char *method, const char *key, const char *name, sd_bus_message **ret_reply)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const struct reg_options *o = &s->options;
        const char *past = o->at || o->no_follow ? past_method(method) : NULL;
        struct words_moment at;

        int code = past && o->at ? session_moment(s, "--at", o->at, &at) : EXIT_CODE_OK;
        if (code == EXIT_CODE_OK)
                code = session_new_call(s, past ? past : method, key, name, &m);
        if (code != EXIT_CODE_OK)
                return code;
        int r = past ? append_which(m, o->at ? &at : NULL, o->no_follow) : 0;
        return r < 0 ? session_fail(s, r, NULL) : session_call(s, m, ret_reply);
}

static bool is_stdin(const char *word)
{
        return strcmp(word, "-") == 0;
}

const char *session_file_name(const char *word)
{
        return is_stdin(word) ? "<stdin>" : word;
}

static int describe_file(struct session *s, const char *word, size_t limit, int r)
{
        if (r == -EFBIG)
                return diag_set(
                        &s->diag, EFBIG, "%s: is larger than %zu bytes", session_file_name(word), limit);
        return diag_set(&s->diag, -r, "%s: %s", session_file_name(word), strerror(-r));
}

int session_read(struct session *s, const char *word, size_t limit, struct buf *ret)
{
        int r = is_stdin(word) ? file_read_fd(STDIN_FILENO, limit, ret)
                               : file_read(AT_FDCWD, word, limit, ret, NULL, &s->diag);

        if (r == 0)
                return EXIT_CODE_OK;
        if (!s->diag.text[0])
                r = describe_file(s, word, limit, r);
        return r == -ENOENT ? EXIT_CODE_NOT_FOUND : r == -EFBIG ? EXIT_CODE_INVALID : EXIT_CODE_FAILURE;
}

static bool is_hive(const char *name, size_t len, void *userdata)
{
        const struct session *s = userdata;

        for (char **h = s->hives; *h; h++)
                if (fold_equal(name, len, *h, strlen(*h)))
                        return true;
        return false;
}

int session_ask_hives(struct session *s)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;

        int code = s->hives ? EXIT_CODE_OK : session_connect(s);
        if (code != EXIT_CODE_OK || s->hives)
                return code;
        int r = sd_bus_get_property(
                s->bus, REGISTRY_BUS_NAME, REGISTRY_PATH, REGISTRY_INTERFACE, "Hives", &error, &reply, "as");
        if (r < 0)
                return (int)client_explain(r, &error, REGISTRY_SERVICE_WORDS, &s->diag);
        r = sd_bus_message_read_strv(reply, &s->hives);
        if (r >= 0 && !s->hives)
                r = -EBADMSG;
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}

int session_assume_hives(struct session *s)
{
        s->hives = calloc(3, sizeof(*s->hives));
        if (s->hives)
                s->hives[0] = strdup(DEFAULT_HIVE);
        if (s->hives && s->hives[0])
                s->hives[1] = strdup("Users");
        return s->hives && s->hives[0] && s->hives[1] ? EXIT_CODE_OK : session_fail(s, -ENOMEM, NULL);
}

int session_path(struct session *s, const char *key, struct path *ret)
{
        static const char hive[] = DEFAULT_HIVE;
        size_t start = strspn(key, "\\/") > 0, first = strcspn(key + start, "\\/");

        bool with_default = fold_equal(key + start, first, hive, strlen(hive));
        if (!with_default) {
                int code = session_ask_hives(s);
                if (code != EXIT_CODE_OK)
                        return code;
        }
        int r = path_parse(key, strlen(key), with_default ? NULL : is_hive, s, ret, &s->diag);
        return r < 0 ? session_refuse(s, r) : EXIT_CODE_OK;
}

int session_find(struct session *s, const char *key, struct path *ret, sd_bus_message **ret_links)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path;

        int code = session_ask(s, "Resolve", key, "", &reply);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_read(reply, "bs", NULL, &path);
        if (r >= 0)
                r = path_parse(path, strlen(path), path_any_hive, NULL, ret, NULL);
        /* The entries, and who wrote the winner. */
        for (int i = 0; r >= 0 && i < 2; i++)
                r = sd_bus_message_skip(reply, NULL);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        if (r < 0)
                return session_bad_reply(s, r);
        if (ret_links)
                *ret_links = STEAL_PTR(reply);
        return EXIT_CODE_OK;
}

int session_format_meant(struct session *s, const char *key, struct buf *out)
{
        _cleanup_path_ struct path path = { 0 };

        int code = session_find(s, key, &path, NULL);
        if (code == EXIT_CODE_OK)
                words_format_key(out, path.text);
        return code;
}

int session_has(struct session *s, const char *key, const char *name, bool *ret)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const struct diag before = s->diag;

        int code = session_ask(s, name ? "Get" : "Info", key, name, &reply);
        if (code != EXIT_CODE_OK && code != EXIT_CODE_NOT_FOUND)
                return code;
        s->diag = before;
        *ret = code == EXIT_CODE_OK;
        return EXIT_CODE_OK;
}

int session_target(struct session *s, char **ret_key, char **ret_name)
{
        char *const *words = s->line.words;
        bool key_only = s->line.n_words == 1;

        if (key_only && !s->only_key) {
                int code = session_has(s, words[0], NULL, &key_only);
                if (code != EXIT_CODE_OK)
                        return code;
                if (!key_only && words_split(words[0], ret_key, ret_name, NULL) == 0)
                        return EXIT_CODE_OK;
                key_only = true;
        }
        _cleanup_free_ char *key = strdup(words[0]);
        char *name = key_only ? NULL : strdup(path_value_name_of_word(words[1]));
        if (!key || (!key_only && !name)) {
                free(name);
                return session_fail(s, -ENOMEM, NULL);
        }
        *ret_key = STEAL_PTR(key);
        *ret_name = name;
        return EXIT_CODE_OK;
}

const char *session_layer(const struct session *s)
{
        return s->options.layer ? s->options.layer : LAYER_BASE;
}

int session_begin_json(struct session *s, const char *key, struct json *ret)
{
        _cleanup_path_ struct path path = { 0 };

        int code = session_path(s, key, &path);
        if (code != EXIT_CODE_OK)
                return code;
        *ret = json_on(&s->out);
        json_begin_object(ret);
        words_path_to_json(ret, "path", path.text);
        return EXIT_CODE_OK;
}

void session_end_json(struct session *s, struct json *j)
{
        json_end_object(j);
        buf_putc(&s->out, '\n');
}

/* ---- What is wrong with the registry's files ---- */

int session_get_property(struct session *s, const char *name, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        int code = session_connect(s);
        if (code != EXIT_CODE_OK)
                return code;
        int r = sd_bus_message_new_method_call(
                s->bus, &m, REGISTRY_BUS_NAME, REGISTRY_PATH, "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", REGISTRY_INTERFACE, name);
        return r < 0 ? session_fail(s, r, NULL) : session_call(s, m, ret);
}

int session_get_problems(struct session *s, sd_bus_message **ret)
{
        return session_get_property(s, "Problems", ret);
}

static int enter_texts(sd_bus_message *m)
{
        int r = sd_bus_message_rewind(m, true);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'v', "a(ss)");
        return r < 0 ? r : sd_bus_message_enter_container(m, 'a', "(ss)");
}

const char *session_find_text(sd_bus_message *property, const char *name)
{
        const char *its_name, *text;

        if (!property || !name[0] || enter_texts(property) < 0)
                return NULL;
        while (sd_bus_message_read(property, "(ss)", &its_name, &text) > 0)
                if (strcmp(name, its_name) == 0)
                        return text;
        return NULL;
}

int session_report_problems(struct session *s)
{
        _cleanup_message_ sd_bus_message *problems = NULL;
        const char *file, *text;

        if (s->options.quiet || s->options.at)
                return EXIT_CODE_OK;
        int code = session_get_problems(s, &problems);
        if (code != EXIT_CODE_OK)
                return code;
        int r = enter_texts(problems);
        while (r >= 0 && (r = sd_bus_message_read(problems, "(ss)", &file, &text)) > 0)
                session_warn("%s", text);
        return r < 0 ? session_bad_reply(s, r) : EXIT_CODE_OK;
}
