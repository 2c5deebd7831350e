/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The private bus: the system bus's defaults, with the policies that this project installs. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../../schema/base/buf.h"
#include "connect.h"
#include "harness-internal.h"

/* What dbus-daemon's own system.conf says, and a name for a polkit of the test's. */
static const char config_head[] =
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
        " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
        "<busconfig>\n"
        "  <type>system</type>\n"
        "  <auth>EXTERNAL</auth>\n"
        "  <policy context=\"default\">\n"
        "    <allow user=\"*\"/>\n"
        "    <deny own=\"*\"/>\n"
        "    <deny send_type=\"method_call\"/>\n"
        "    <allow send_type=\"signal\"/>\n"
        "    <allow send_requested_reply=\"true\" send_type=\"method_return\"/>\n"
        "    <allow send_requested_reply=\"true\" send_type=\"error\"/>\n"
        "    <allow receive_type=\"method_call\"/>\n"
        "    <allow receive_type=\"method_return\"/>\n"
        "    <allow receive_type=\"error\"/>\n"
        "    <allow receive_type=\"signal\"/>\n"
        "    <allow send_destination=\"org.freedesktop.DBus\" send_interface=\"org.freedesktop.DBus\"/>\n"
        "    <allow own=\"org.freedesktop.PolicyKit1\"/>\n"
        "    <allow send_destination=\"org.freedesktop.PolicyKit1\"/>\n"
        "  </policy>\n"
        "  <limit name=\"max_connections_per_user\">2048</limit>\n";

/* The policies let root own the names; whoever else runs the tests stands in for root. */
static void append_own_user(struct buf *out)
{
        const struct passwd *pw = geteuid() == 0 ? NULL : getpwuid(geteuid());

        if (pw)
                buf_printf(out,
                        "  <policy user=\"%s\"><allow own=\"*\"/>"
                        "<allow send_interface=\"org.freedesktop.DBus.Peer\" send_member=\"Ping\"/></policy>\n",
                        pw->pw_name);
}

static void write_config(void)
{
        _cleanup_buf_ struct buf text = BUF_INIT;

        buf_puts(&text, config_head);
        buf_printf(&text, "  <listen>%s</listen>\n  <include>%s</include>\n  <include>%s</include>\n",
                world.address, getenv("PEIOS_REGISTRY_CONF"), getenv("PEIOS_POLICY_CONF"));
        append_own_user(&text);
        buf_puts(&text, "</busconfig>\n");
        ck_assert_int_eq(text.error, 0);
        world_write("/../bus.conf", buf_str(&text));
}

sd_bus *world_connect(uid_t uid)
{
        uint64_t end = deadline();
        uid_t own = geteuid();
        sd_bus *bus = NULL;

        ck_assert_msg(uid == own || seteuid(uid) == 0, "cannot become uid %u: %m", uid);
        int r = connect_to_bus(world.address, &bus);
        while (r < 0 && !is_past(end) && waitpid(world.bus_daemon.pid, NULL, WNOHANG) == 0) {
                (void)usleep(1000);
                r = connect_to_bus(world.address, &bus);
        }
        ck_assert_int_eq(seteuid(own), 0);
        ck_assert_msg(r >= 0, "cannot connect to the private bus: %s", strerror(-r));
        return bus;
}

void bus_daemon_start(void)
{
        _cleanup_free_ char *option = NULL;

        ck_assert(asprintf(&world.address, "unix:path=%s/bus", world.dir) > 0);
        ck_assert(asprintf(&option, "--config-file=%s/bus.conf", world.dir) > 0);
        write_config();
        char *const arguments[] = { (char *)program_of("PEIOS_DBUS_DAEMON"), option, (char *)"--nofork",
                (char *)"--nosyslog", NULL };
        daemon_spawn(&world.bus_daemon, arguments[0], arguments);
        ck_assert_int_eq(setenv("DBUS_SYSTEM_BUS_ADDRESS", world.address, 1), 0);
}
