/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files and whose a layer is. */

#include <string.h>

#include "suite.h"
#include "registry-world.h"
#include "signed-front.h"

#define VAR "var/lib/peios/registry.d/"
#define LAYERS "\\System\\Registry\\Layers\\"

/* Another file that wants the layer does not get it while the first one is broken. */
TEST(broken_keeps_its_layer)
{
        static const char error[] = "error /etc/peios/registry.d/60.yaml:2:8: layer `Site` belongs to "
                                    "/usr/lib/peios/registry.d/50.yaml, "
                                    "which is broken and keeps it, expected another name\n";

        world_write(&w, USR "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n");
        world_write(&w, ETC "60.yaml", HEAD("Site") "keys:\n  \\App: { A: !dword 2 }\n");
        _cleanup_free_ char *taken = world_reload(&w);
        ck_assert_ptr_nonnull(strstr(taken, "error /etc/peios/registry.d/60.yaml:2:8: "));
        world_write(&w, ETC "50.yaml", "broken: [");
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_free_ char *text = world_reload(&w);
                ck_assert_msg(strncmp(text, "error /etc/peios/registry.d/50.yaml:", 36) == 0, "%s", text);
                ck_assert_msg(strstr(text, error) != NULL, "%s", text);
                ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
                world_crash(&w);
        }
        /* An earlier one would have it, were both good. */
        world_write(&w, ETC "40.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 3 }\n");
        free(world_reload(&w));
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "3@site");
        world_write(&w, ETC "40.yaml", NULL);
        world_write(&w, ETC "50.yaml", NULL);
        world_write(&w, USR "50.yaml", NULL);
        world_expect_reload(&w, "value-set Machine\\App A=2@site\n");
        world_check(&w);
}

/* Its file went, and another one that wants it is refused, after what it has in common with it. */
TEST(nothing_stays_of_a_file_that_went)
{
        world_do(&w, "mk - \\Key");
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", NULL);
        world_write(&w, ETC "60.yaml",
                HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n  \\Key: !link { \"@\": !link Machine\\App }\n");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_ptr_nonnull(strstr(text, "60.yaml: cannot be applied: Machine\\Key: there is a key"));
        world_check(&w);
        _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);
        ck_assert(!store_layer_is_used(registry_store(w.r), "site"));
}

/* What overrides a file's precedence does not keep the file out when it comes back. */
TEST(metadata_wait_for_the_file)
{
        static const char file[] = HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n";

        world_write(&w, ETC "50.yaml", file);
        world_reload_well(&w);
        world_do(&w, "set - \\System\\Registry\\Layers\\site Precedence 20");
        world_write(&w, ETC "50.yaml", NULL);
        world_reload_well(&w);
        ck_assert_ptr_null(layers_find(registry_layers(w.r), "site")->file);
        world_write(&w, ETC "50.yaml", file);
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        ck_assert_uint_eq(layers_find(registry_layers(w.r), "site")->precedence, 20);
        world_write(&w, ETC "50.yaml", NULL);
        world_reload_well(&w);
        /* Meanwhile somebody writes to it: deleted, that is no hindrance either. */
        world_do(&w, "set site \\Mine V 1");
        uint64_t version = registry_layers_version(w.r);
        world_write(&w, ETC "50.yaml", file);
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_ptr_nonnull(
                strstr(text, "error /etc/peios/registry.d/50.yaml: layer 'site' is there already"));
        ck_assert_str_eq(world_get(&w, "\\Mine", "V"), "1@site");
        ck_assert_uint_eq(registry_layers_version(w.r), version);
        world_do(&w, "rmr site \\Mine");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        world_check(&w);
}

static void expect_layer(const char *name, unsigned precedence, bool enabled)
{
        const struct layer *l = layers_find(registry_layers(w.r), name);
        ck_assert_uint_eq(l->precedence, precedence);
        ck_assert_int_eq(l->enabled, enabled);
}

static void add_refused(const struct layers_refused *refused, void *userdata)
{
        buf_printf(userdata, "%s %s %zu %s\n", refused->layer, refused->name, refused->value.size,
                refused->in_force);
}

static void expect_refused(const char *expected)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        ck_assert_int_eq(
                layers_each_refused(registry_store(w.r), registry_layers(w.r), add_refused, &text), 0);
        assert_same_lines(buf_str(&text), expected, "refused metadata");
}

/* What is no number leaves what was in force; where nobody knows that any more, the layer is not raised and
 * not switched on. */
TEST(refused_metadata)
{
        world_write(&w, ETC "50.yaml", HEAD("site") "precedence: 3\nkeys:\n");
        world_reload_well(&w);
        world_do(&w, "set - " LAYERS "off Precedence 5\nset - " LAYERS "off Enabled 0");
        world_do(&w, "set - " LAYERS "on Precedence 7");
        expect_refused("");
        world_do(&w, "set - " LAYERS "off Enabled no\nset - " LAYERS "off Precedence high");
        world_do(&w, "set - " LAYERS "on Enabled no\nset - " LAYERS "on Precedence high");
        world_do(&w, "set - " LAYERS "site Enabled no\nset - " LAYERS "site Precedence high");
        world_do(&w, "set - " LAYERS "new Enabled no\nset - " LAYERS "new Precedence high");
        expect_layer("off", 5, false);
        expect_layer("on", 7, true);
        expect_layer("site", 3, true);
        expect_layer("new", 0, false);
        expect_refused("new Enabled 2 0\nnew Precedence 4 0\noff Enabled 2 0\noff Precedence 4 5\n"
                       "on Enabled 2 1\non Precedence 4 7\nsite Enabled 2 1\nsite Precedence 4 3\n");
        world_do(&w, "rm - " LAYERS "new\nset - " LAYERS "off Precedence 6");
        expect_layer("off", 6, false);
        world_restart(&w);
        world_reload_well(&w);
        expect_layer("off", 6, false);
        expect_layer("on", 0, false);
        expect_layer("site", 0, false);
        expect_refused("off Enabled 2 0\non Enabled 2 0\non Precedence 4 0\n"
                       "site Enabled 2 0\nsite Precedence 4 0\n");
        world_do(&w, "rm - " LAYERS "site\nset - " LAYERS "on Enabled 1\ndel - " LAYERS "on Precedence");
        world_do(&w, "set - " LAYERS "off Enabled 1");
        expect_layer("site", 3, true);
        expect_layer("on", 0, true);
        expect_layer("off", 6, true);
        expect_refused("");
}

/* Nor does what was written before the fleet's file came. */
TEST(metadata_leave_the_fleet_alone)
{
        world_write(&w, VAR "fleet-web.yaml",
                SIGNED_FRONT HEAD("fleet-web") "precedence: 1000\nkeys:\n  \\App: { A: !dword 1 }\n");
        world_reload_well(&w);
        expect_layer("fleet-web", 1000, true);
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_free_ char *text = world_run(&w, "set - " LAYERS "Fleet-Web Enabled 0");
                ck_assert_ptr_nonnull(strstr(text, "layer 'Fleet-Web' is the fleet's own"));
                _cleanup_free_ char *new = world_run(&w, "set - " LAYERS "fleet-new Precedence 9");
                ck_assert_ptr_nonnull(strstr(new, "layer 'fleet-new' is the fleet's own"));
                world_restart(&w);
        }
        _cleanup_free_ char *absent = world_run(&w, "set fleet-new \\App A 2");
        ck_assert_ptr_nonnull(strstr(absent, "it would be the fleet's"));
        world_do(&w, "set - \\App A 2");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@fleet-web");
        world_write(&w, VAR "fleet-web.yaml", NULL);
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "2@base");
        world_check(&w);
}

Suite *test_suite(void)
{
        return suite_with("registry-dropin-layers", world_setup, world_teardown);
}
