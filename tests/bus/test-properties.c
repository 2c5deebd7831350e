/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every property of both services keeps its word: what emits-change says is signalled with every change,
 * what is constant never changes. The properties are those of the daemons' own introspection. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "../unit/lib/signed-front.h"
#include "dropin.h"

#define PROPERTIES_MAX 32u
#define EMITS "org.freedesktop.DBus.Property.EmitsChangedSignal"

enum kind {
        EMITS_CHANGE,
        CONSTANT,
        SAYS_NOTHING,
};

struct property {
        char name[64];
        enum kind kind;
        char *signalled; /* the value as the signals have it */
        unsigned changes;
};

struct service {
        const char *bus_name, *path, *interface;
        struct property list[PROPERTIES_MAX];
        size_t n;
        sd_bus_slot *slot;
};

static struct service registry = {
        .bus_name = REGISTRY_BUS_NAME, .path = REGISTRY_PATH, .interface = REGISTRY_INTERFACE
};
static struct service policy = {
        .bus_name = POLICY_BUS_NAME, .path = POLICY_PATH, .interface = POLICY_INTERFACE
};

static struct property *find(struct service *s, const char *name)
{
        for (size_t i = 0; i < s->n; i++)
                if (strcmp(s->list[i].name, name) == 0)
                        return &s->list[i];
        ck_abort_msg("%s: no property %s", s->interface, name);
}

static void set_value(struct property *p, const char *text)
{
        free(p->signalled);
        p->signalled = strdup(text);
        ck_assert_ptr_nonnull(p->signalled);
}

static const char *value_now(const struct service *s, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL;

        ck_assert_int_ge(
                sd_bus_call_method(world.bus, s->bus_name, s->path, "org.freedesktop.DBus.Properties", "Get",
                        NULL, &m, "ss", s->interface, name),
                0);
        return message_text(m);
}

static int on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
        struct service *s = userdata;
        const char *interface, *name, *contents;

        ck_assert_int_ge(sd_bus_message_read(m, "s", &interface), 0);
        if (strcmp(interface, s->interface) != 0)
                return 0;
        ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                char type;
                ck_assert_int_ge(sd_bus_message_read(m, "s", &name), 0);
                ck_assert_int_ge(sd_bus_message_peek_type(m, &type, &contents), 0);
                struct property *p = find(s, name);
                ck_assert_msg(p->kind == EMITS_CHANGE, "%s is signalled, but says that it is not", name);
                const char *text = message_text(m);
                p->changes += strcmp(p->signalled, text) != 0;
                set_value(p, text);
                ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
        }
        ck_assert_int_ge(sd_bus_message_exit_container(m), 0);
        /* A list of names without values would be another promise. */
        ck_assert_str_eq(message_text(m), "[]");
        return 0;
}

/* The part of the interface's XML from `<property name=` on. */
static void add_property(struct service *s, const char *xml)
{
        struct property *p = &s->list[s->n++];
        const char *end = strstr(xml, "</property>"), *short_end = strstr(xml, "/>");

        ck_assert_uint_le(s->n, PROPERTIES_MAX);
        ck_assert_int_eq(sscanf(xml, "<property name=\"%63[^\"]\"", p->name), 1);
        /* Without an annotation D-Bus means: emits. */
        const char *says = strstr(xml, EMITS "\" value=\"");
        bool annotated = says && end && says < end && !(short_end && short_end < says);
        const char *value = annotated ? says + strlen(EMITS "\" value=\"") : "true";
        p->kind = strncmp(value, "true", 4) == 0    ? EMITS_CHANGE
                  : strncmp(value, "const", 5) == 0 ? CONSTANT
                                                    : SAYS_NOTHING;
        ck_assert_msg(
                p->kind != SAYS_NOTHING || strncmp(value, "false", 5) == 0, "%s: %.12s", p->name, value);
        set_value(p, value_now(s, p->name));
}

static void learn(struct service *s)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *xml;
        char opening[64];

        ck_assert_int_ge(sd_bus_match_signal(world.bus, &s->slot, s->bus_name, s->path,
                                 "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed, s),
                0);
        ck_assert_int_ge(sd_bus_call_method(world.bus, s->bus_name, s->path,
                                 "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &m, ""),
                0);
        ck_assert_int_ge(sd_bus_message_read(m, "s", &xml), 0);
        (void)snprintf(opening, sizeof(opening), "<interface name=\"%s\">", s->interface);
        const char *at = strstr(xml, opening), *end = at ? strstr(at, "</interface>") : NULL;
        ck_assert_ptr_nonnull(end);
        while ((at = strstr(at, "<property ")) && at < end)
                add_property(s, at++);
        ck_assert_uint_gt(s->n, 3);
}

/* What does not agree, or NULL. */
static const struct property *disagreement(const struct service *s)
{
        for (size_t i = 0; i < s->n; i++) {
                const struct property *p = &s->list[i];
                if (p->kind != SAYS_NOTHING && strcmp(value_now(s, p->name), p->signalled) != 0)
                        return p;
        }
        return NULL;
}

/* What is gathered for the end of a turn may come behind the answer to a later call. */
static void check(const char *step)
{
        const struct property *p;
        uint64_t end = deadline();

        while ((p = disagreement(&registry)) || (p = disagreement(&policy))) {
                ck_assert_msg(!is_past(end), "%s: %s is not %s, as was told", step, p->name, p->signalled);
                bus_turn(world.bus);
        }
}

/* Between them these change every property. */
static void step_values(void)
{
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
        check("accepted");
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("NoOps", "1"));
        check("the same again");
        set_string(world.bus, MODULES, "TaintEvents", "nonsense");
        WAIT(policy_is("Refused", "1"));
        check("refused");
        set_in_layer(world.bus, "base", MODULES, "TaintEvents", "disabled");
        WAIT(control_is("0"));
        check("turned off");
        delete_value(world.bus, MODULES, "TaintEvents");
        WAIT(control_is("3"));
        check("deleted");
}

static void step_files(void)
{
        dropin_write("site.yaml", dropin_text("site", 5, "failure-only"));
        WAIT(control_is("2"));
        check("a file");
        dropin_write("bad.yaml", "peios-registry: 1\nkeys: [\n");
        WAIT(strcmp(registry_property(world.bus, "Problems"), "[]") != 0);
        check("a broken file");
        world_remove(LAYOUT_DROPINS_ADMIN);
        WAIT(control_is("3"));
        check("no files");
}

/* Serial and signer. */
static void step_fleet(void)
{
        world_write(DROPIN_FLEET,
                textf(SIGNED_FRONT "serial: 7\n%s", dropin_text("fleet-web", 1000, "success-only")));
        WAIT(policy_is("Serial", "7"));
        check("a policy of the fleet");
        world_remove(DROPIN_FLEET);
        WAIT(policy_is("Serial", "0"));
        check("a policy of the fleet went");
}

static void step_control(void)
{
        struct rlimit old, none;

        world_poke(CONTROL_FILE, "0\n");
        WAIT(policy_is("Drifts", "1"));
        check("drift");
        world_remove(CONTROL_FILE);
        WAIT(policy_is("Live", "false"));
        check("absent");
        world_replace(CONTROL_FILE, "0\n");
        WAIT(control_is("3"));
        check("back");
        ck_assert_int_eq(prlimit(world.policyd.pid, RLIMIT_FSIZE, NULL, &old), 0);
        none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
        ck_assert_int_eq(prlimit(world.policyd.pid, RLIMIT_FSIZE, &none, NULL), 0);
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(policy_is("TaintEvents", "'success-only'"));
        WAIT(policy_is("Live", "false"));
        check("not written");
        ck_assert_int_eq(prlimit(world.policyd.pid, RLIMIT_FSIZE, &old, NULL), 0);
        WAIT(control_is("1"));
        check("written after all");
}

static void step_taint(void)
{
        world_write("/proc/sys/kernel/tainted", "4096\n");
        WAIT(policy_is("Tainted", "4096"));
        WAIT(policy_is("TaintReadable", "true"));
        check("tainted");
        set_list(world.bus, MODULES, "Accepted", "O reason=r", NULL);
        WAIT(policy_is("TaintAccepted", "4096"));
        check("accepted taints");
        world_write("/proc/sys/kernel/tainted", "none\n");
        WAIT(policy_is("TaintReadable", "false"));
        ck_assert(policy_is("Tainted", "4096"));
        check("no mask");
}

static void step_capture(void)
{
        set_string(world.bus, MODULES, "TaintCapture", "forensic");
        WAIT(policy_is("TaintCapture", "'forensic'"));
        check("capture");
        set_string(world.bus, MODULES, "TaintCapture", "forensic");
        WAIT(policy_is("NoOps", "2"));
        check("the same capture again");
}

/* The schema says that a change waits for the next boot, then that it does not, and is broken in the end. */
static void step_schema(void)
{
        static const char text[] = "peios-schema: 1\nkeys:\n  \\System\\Audit\\Modules:\n    TaintEvents:\n"
                                   "      type: REG_SZ\n      default: enabled\n      apply: reboot\n"
                                   "      description: d\n      choices:\n"
                                   "        enabled: {control: 3, meaning: m}\n"
                                   "        success-only: {control: 1, meaning: m}\n"
                                   "      control: {name: kernel.audit_taint_events, encoding: choice}\n";

        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", text);
        sd_bus_message_unref(policy_answer(world.bus, "Reload", ""));
        check("another schema");
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(policy_is("Pending", "'enabled'"));
        check("pending");
        world_remove(LAYOUT_SCHEMA_ADMIN);
        sd_bus_message_unref(policy_answer(world.bus, "Reload", ""));
        WAIT(control_is("3"));
        check("live");
        world_write(LAYOUT_SCHEMA_ADMIN "/test.yaml", "peios-schema: 1\nkeys: [\n");
        sd_bus_message_unref(policy_answer(world.bus, "Reload", ""));
        WAIT(!policy_is("Problems", "[]"));
        check("a broken schema");
        world_remove(LAYOUT_SCHEMA_ADMIN);
        sd_bus_message_unref(policy_answer(world.bus, "Reload", ""));
        check("no schema");
        set_string(world.bus, MODULES, "TaintEvents", "success-only");
        WAIT(control_is("1"));
}

static void step_provider(void)
{
        daemon_kill(&world.registryd);
        WAIT(daemon_said(&world.policyd, "the registry does not answer"));
        registryd_start(NULL);
        WAIT(daemon_count(&world.policyd, "following the registry") == 2);
        set_string(world.bus, MODULES, "TaintEvents", "enabled");
        WAIT(control_is("3"));
        check("another provider");
}

START_TEST(all)
{
        /* Which of these change depends on the kernel's auditing, or on BPF, which sees no scratch root. */
        static const char *const depends[] = { "AuditSent", "AuditKept", "AuditLost", "Backend", "Hooks",
                "Misses", "Drops" };
        unsigned of_audit = 0;

        registryd_start(NULL);
        policyd_follow();
        learn(&registry);
        learn(&policy);
        check("start");
        step_values();
        step_files();
        step_fleet();
        step_control();
        step_taint();
        step_capture();
        step_schema();
        step_provider();
        for (struct service *s = &registry; s; s = s == &registry ? &policy : NULL)
                for (size_t i = 0; i < s->n; i++) {
                        struct property *p = &s->list[i];
                        bool audit = false;
                        for (size_t k = 0; k < ARRAY_SIZE(depends); k++)
                                audit |= strcmp(p->name, depends[k]) == 0;
                        of_audit += audit ? p->changes : 0;
                        ck_assert_msg(p->kind != EMITS_CHANGE || audit || p->changes > 0,
                                "%s.%s: nothing here changes it, so nothing is known about it", s->interface,
                                p->name);
                        free(p->signalled);
                }
        ck_assert_uint_gt(of_audit, 0);
        registry.slot = sd_bus_slot_unref(registry.slot);
        policy.slot = sd_bus_slot_unref(policy.slot);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = { all };
        return harness_main(tests, ARRAY_SIZE(tests));
}
