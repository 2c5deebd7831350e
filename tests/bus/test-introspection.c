/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The committed XML says what the running daemons say: every method, argument, property, annotation and
 * signal. White space, comments and the interfaces that are D-Bus's own make no difference. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../../schema/base/file.h"
#include "client.h"

#define FILE_MAX (1u << 20)

/* One tag a line, blanks as one; `at` moves behind it. false at the end. */
static bool next_tag(const char **at, struct buf *ret)
{
        const char *open = strchr(*at, '<');
        const char *close =
                open ? strncmp(open, "<!--", 4) == 0 ? strstr(open, "-->") : strchr(open, '>') : NULL;

        buf_clear(ret);
        if (!close)
                return false;
        close = strchr(close, '>');
        *at = close + 1;
        if (open[1] == '!' || open[1] == '?')
                return next_tag(at, ret);
        bool blank = false;
        for (const char *c = open; c <= close; c++) {
                bool is_blank = strchr(" \t\r\n", *c) != NULL;
                if (!is_blank && blank && *c != '>' && *c != '/')
                        buf_putc(ret, ' ');
                if (!is_blank)
                        buf_putc(ret, *c);
                blank = is_blank;
        }
        ck_assert_int_eq(ret->error, 0);
        return true;
}

/* An element without contents is opened and closed, however it is written. */
static void add_tag(struct buf *out, const char *tag, size_t n)
{
        if (n < 2 || tag[n - 2] != '/')
                buf_printf(out, "%s\n", tag);
        else
                buf_printf(out, "%.*s>\n</%.*s>\n", (int)n - 2, tag, (int)strcspn(tag + 1, " /"), tag + 1);
}

/* The tags of all interfaces of ours, from one document after the other. */
static void add_interfaces(struct buf *out, const char *xml)
{
        _cleanup_buf_ struct buf tag = BUF_INIT;
        bool ours = false;

        while (next_tag(&xml, &tag)) {
                if (strncmp(buf_str(&tag), "<interface ", 11) == 0)
                        ours = strstr(buf_str(&tag), "name=\"org.peios.") != NULL;
                if (ours)
                        add_tag(out, buf_str(&tag), tag.len);
                if (strcmp(buf_str(&tag), "</interface>") == 0)
                        ours = false;
        }
        ck_assert_int_eq(out->error, 0);
}

static void introspect(struct buf *out, const char *service, const char *path)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *xml;

        ck_assert_int_ge(sd_bus_call_method(world.bus, service, path, "org.freedesktop.DBus.Introspectable",
                                 "Introspect", NULL, &m, ""),
                0);
        ck_assert_int_ge(sd_bus_message_read(m, "s", &xml), 0);
        add_interfaces(out, xml);
}

static void compare(const char *file, const struct buf *running)
{
        _cleanup_buf_ struct buf text = BUF_INIT, committed = BUF_INIT;
        _cleanup_free_ char *path = NULL;
        const char *dir = getenv("PEIOS_INTERFACES");

        ck_assert_ptr_nonnull(dir);
        ck_assert(asprintf(&path, "%s/%s", dir, file) > 0);
        ck_assert_msg(
                file_read(AT_FDCWD, path, FILE_MAX, &text, NULL, NULL) == 0, "%s cannot be read", path);
        add_interfaces(&committed, buf_str(&text));
        ck_assert_uint_gt(committed.len, 100);
        const char *a = buf_str(running), *b = buf_str(&committed);
        for (unsigned line = 1; *a || *b; line++) {
                size_t n = strcspn(a, "\n"), k = strcspn(b, "\n");
                ck_assert_msg(n == k && memcmp(a, b, n) == 0,
                        "%s, tag %u: the daemon says\n%.*s\nand the file\n%.*s", file, line, (int)n, a,
                        (int)k, b);
                a += n + (a[n] != '\0');
                b += k + (b[k] != '\0');
        }
}

START_TEST(provider)
{
        _cleanup_buf_ struct buf running = BUF_INIT;

        registryd_start(NULL);
        set_string(world.bus, "\\Test", "x", "y");
        introspect(&running, REGISTRY_BUS_NAME, REGISTRY_PATH);
        introspect(&running, REGISTRY_BUS_NAME, REGISTRY_PATH "/Machine/Test");
        compare("org.peios.Registry1.xml", &running);
}
END_TEST

START_TEST(policy_service)
{
        _cleanup_buf_ struct buf running = BUF_INIT;

        policyd_start(NULL);
        introspect(&running, POLICY_BUS_NAME, POLICY_PATH);
        compare("org.peios.AuditPolicy1.xml", &running);
}
END_TEST

static const char *nodes_of(const char *path)
{
        static struct buf names;
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *xml;

        ck_assert_int_ge(sd_bus_call_method(world.bus, REGISTRY_BUS_NAME, path,
                                 "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &m, ""),
                0);
        ck_assert_int_ge(sd_bus_message_read(m, "s", &xml), 0);
        buf_clear(&names);
        while ((xml = strstr(xml, "<node name=\""))) {
                xml += strlen("<node name=\"");
                buf_add(&names, xml, strcspn(xml, "\""));
                buf_putc(&names, ' ');
        }
        return buf_str(&names);
}

static const char *key_property(const char *path, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        if (sd_bus_call_method(world.bus, REGISTRY_BUS_NAME, path, "org.freedesktop.DBus.Properties", "Get",
                    &error, &m, "ss", REGISTRY_KEY_INTERFACE, name) < 0) {
                static char text[128];
                (void)snprintf(text, sizeof(text), "%s", error.name);
                sd_bus_error_free(&error);
                return text;
        }
        return message_text(m);
}

/* What `busctl tree` and `busctl introspect` show. */
START_TEST(keys_are_objects)
{
        registryd_start(NULL);
        set_string(world.bus, "\\Test\\A key.1\\Sub", "x", "y");
        set_string(world.bus, "\\Test\\A key.1", "", "default");
        set_number(world.bus, "\\Test\\A key.1", "N", 7);
        ck_assert_str_eq(nodes_of(REGISTRY_PATH), "Machine ");
        ck_assert_str_eq(nodes_of(REGISTRY_PATH "/Machine/Test"), "A_20key_2e1 ");
        ck_assert_str_eq(nodes_of(REGISTRY_PATH "/Machine/Test/A_20key_2e1"), "Sub ");
        ck_assert_str_eq(key_property(REGISTRY_PATH "/Machine/Test/A_20key_2e1", "Path"),
                "s:'Machine\\Test\\A key.1'");
        ck_assert_str_eq(key_property(REGISTRY_PATH "/Machine/Test/A_20key_2e1", "Values"),
                "a{s(uv)}:[''=(1 s:'default'), 'N'=(4 u:7)]");
        ck_assert_msg(
                strtoull(key_property(REGISTRY_PATH "/Machine/Test", "LastWriteUSec") + 2, NULL, 10) > 0,
                "no time of the last write");
        static const char *const none[] = { REGISTRY_PATH "/Machine/None", REGISTRY_PATH "/Test",
                REGISTRY_PATH "/Machine_5cTest", REGISTRY_PATH "/Machine/Test_2fA_20key_2e1",
                REGISTRY_PATH "/_00" };
        for (size_t i = 0; i < ARRAY_SIZE(none); i++)
                ck_assert_msg(strcmp(key_property(none[i], "Path"), SD_BUS_ERROR_UNKNOWN_OBJECT) == 0,
                        "%s: %s", none[i], key_property(none[i], "Path"));
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { provider, policy_service, keys_are_objects };
        return harness_main(tests, ARRAY_SIZE(tests));
}
