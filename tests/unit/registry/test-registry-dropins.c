/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drop-in files as layers. */

#include <errno.h>
#include <string.h>

#include "suite.h"
#include "registry-world.h"

TEST(comes_changes_goes)
{
        world_expect_reload(&w, "");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 3\nkeys:\n  \\App: { A: !dword 1, B: !dword 2 }\n");
        world_expect_reload(&w, "subkey-created Machine App\n"
                                "value-set Machine\\App A=1@site\n"
                                "value-set Machine\\App B=2@site\n");
        uint64_t a = world_sequence_of(&w, "\\App", "A"), b = world_sequence_of(&w, "\\App", "B");
        world_expect_reload(&w, "");
        world_crash(&w);
        world_expect_reload(&w, "");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 3\nkeys:\n  \\app: { a: !dword 1, B: !dword 3, C: !sz c }\n");
        world_expect_reload(&w, "value-set Machine\\App B=3@site\n"
                                "value-set Machine\\App C='c'@site\n");
        ck_assert_uint_eq(world_sequence_of(&w, "\\App", "A"), a);
        ck_assert_uint_gt(world_sequence_of(&w, "\\App", "B"), b);
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 3\nkeys:\n  \\App: { C: !sz c }\n  \\App\\In: { }\n");
        world_expect(&w, "set site \\App A 1",
                "READ_ONLY layer 'site' is read-only: it is the contents of /etc/peios/registry.d/50.yaml");
        world_expect_reload_sorted(&w, "subkey-created Machine\\App In\n"
                                       "value-deleted Machine\\App A\n"
                                       "value-deleted Machine\\App B\n");
        world_write(&w, ETC "50.yaml", NULL);
        world_expect_reload_sorted(&w, "value-deleted Machine\\App C\n"
                                       "key-deleted Machine\\App\\In\n"
                                       "subkey-deleted Machine\\App In\n"
                                       "key-deleted Machine\\App\n"
                                       "subkey-deleted Machine App\n");
}

TEST(removed_file)
{
        world_do(&w, "set - \\App A 9\nset - \\App\\In X 1");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 3\nkeys:\n  \\App: { A: !dword 1 }\n  \\App\\Own\\Deep: { V: !dword 1 }\n");
        world_reload_well(&w);
        /* Written in a key that only the file has: the key stays when the file goes. */
        world_expect(&w, "set - \\App\\Own W 5", "value-set Machine\\App\\Own W=5@base\n");
        world_write(&w, ETC "50.yaml", NULL);
        world_expect_reload_sorted(&w, "value-set Machine\\App A=9@base\n"
                                       "value-deleted Machine\\App\\Own\\Deep V\n"
                                       "key-deleted Machine\\App\\Own\\Deep\n"
                                       "subkey-deleted Machine\\App\\Own Deep\n");
        ck_assert_str_eq(world_get(&w, "\\App\\Own", "W"), "5@base");
        ck_assert_ptr_null(layers_find(registry_layers(w.r), "site"));
        struct dump before = world_dump(&w, false);
        world_crash(&w);
        struct dump after = world_dump(&w, false);
        dump_assert_equal(&before, &after, "after a crash");
        dump_done(&before);
        dump_done(&after);
        world_do(&w, "rmr - \\App");
        world_check(&w);
        ck_assert_uint_eq(world_keys(&w), 1);
}

TEST(goes_while_down)
{
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", NULL);
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "NOT_FOUND");
        ck_assert_uint_eq(world_keys(&w), 1);
}

TEST(broken_keeps)
{
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n");
        world_reload_well(&w);
        struct dump before = world_dump(&w, false);
        world_write(&w, ETC "50.yaml", HEAD("other") "keys:\n  \\App: text\n");
        for (unsigned i = 0; i < 3; i++) {
                _cleanup_free_ char *text = world_reload(&w);
                ck_assert_msg(strncmp(text, "error /etc/peios/registry.d/50.yaml:", 36) == 0, "%s", text);
                struct dump after = world_dump(&w, false);
                dump_assert_equal(&before, &after, "with a broken file");
                dump_done(&after);
                world_crash(&w);
        }
        dump_done(&before);
        world_write(&w, ETC "50.yaml", NULL);
        world_expect_reload(&w, "value-deleted Machine\\App A\n"
                                "key-deleted Machine\\App\n"
                                "subkey-deleted Machine App\n");
}

/* The administrator's broken file stands in the place of the vendor's good one. */
TEST(broken_replacement)
{
        world_write(&w, USR "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", "oops");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_int_eq(strncmp(text, "error /etc", 10), 0);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        world_write(&w, ETC "50.yaml", "");
        _cleanup_free_ char *empty = world_reload(&w);
        ck_assert_int_eq(strncmp(empty, "error /etc", 10), 0);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        world_write(&w, ETC "50.yaml", NULL);
        scratch_link(&w.root, ETC "50.yaml", "/dev/null");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "NOT_FOUND");
}

/* What is in a directory that cannot be listed is not gone. */
TEST(unreadable_directory)
{
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n");
        world_write(&w, USR "60.yaml", HEAD("vendor") "keys:\n  \\App: { B: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", NULL);
        world_write(&w, "etc/peios/registry.d", "no directory");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_msg(strncmp(text, "error /etc/peios/registry.d: ", 29) == 0, "%s", text);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        ck_assert_str_eq(world_get(&w, "\\App", "B"), "1@vendor");
        world_write(&w, "etc/peios/registry.d", NULL);
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "NOT_FOUND");
}

TEST(layer_renamed)
{
        world_write(&w, ETC "50.yaml", HEAD("one") "keys:\n  \\App: { A: !dword 1, B: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", HEAD("two") "keys:\n  \\App: { A: !dword 1, B: !dword 2 }\n");
        world_expect_reload(&w, "value-unchanged Machine\\App A=1@two\n"
                                "value-set Machine\\App B=2@two\n");
        ck_assert_ptr_null(layers_find(registry_layers(w.r), "one"));
        world_check(&w);
        /* The file moves, its layer does not. */
        world_write(&w, ETC "50.yaml", NULL);
        world_write(&w, USR "70.yaml", HEAD("TWO") "keys:\n  \\App: { A: !dword 1, B: !dword 2 }\n");
        world_expect_reload(&w, "");
        ck_assert_str_eq(
                layers_find(registry_layers(w.r), "two")->file, "/usr/lib/peios/registry.d/70.yaml");
        world_restart(&w);
        ck_assert_str_eq(
                layers_find(registry_layers(w.r), "two")->file, "/usr/lib/peios/registry.d/70.yaml");
}

TEST(two_files)
{
        world_write(&w, ETC "10.yaml", HEAD("one") "keys:\n  \\App: { A: !dword 1, B: !dword 1 }\n");
        world_write(&w, ETC "20.yaml",
                HEAD("two") "keys:\n  \\App: { A: !dword 2 }\n  \\App\\In: { C: !dword 2 }\n");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "2@two");
        ck_assert_str_eq(world_get(&w, "\\App", "B"), "1@one");
        /* They change places. */
        world_write(&w, ETC "10.yaml",
                HEAD("two") "keys:\n  \\App: { A: !dword 2 }\n  \\App\\In: { C: !dword 2 }\n");
        world_write(&w, ETC "20.yaml", HEAD("one") "keys:\n  \\App: { A: !dword 1, B: !dword 1 }\n");
        world_expect_reload(&w, "");
        ck_assert_str_eq(layers_find(registry_layers(w.r), "one")->file, "/etc/peios/registry.d/20.yaml");
        world_write(&w, ETC "10.yaml", NULL);
        world_expect_reload_sorted(&w, "value-set Machine\\App A=1@one\n"
                                       "value-deleted Machine\\App\\In C\n"
                                       "key-deleted Machine\\App\\In\n"
                                       "subkey-deleted Machine\\App In\n");
        world_write(&w, ETC "30.yaml", HEAD("ONE") "keys:\n");
        _cleanup_free_ char *text = world_reload(&w);
        ck_assert_msg(strncmp(text, "error /etc/peios/registry.d/30.yaml:2:", 38) == 0, "%s", text);
        world_check(&w);
}

TEST(precedence_and_enabled)
{
        world_do(&w, "set - \\App A 9");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 3\nkeys:\n  \\App: { A: !dword 1 }\n  \\Own: { }\n");
        world_reload_well(&w);
        uint64_t sequence = world_sequence_of(&w, "\\App", "A");
        world_write(&w, ETC "50.yaml",
                HEAD("site") "precedence: 3\nenabled: false\nkeys:\n  \\App: { A: !dword 1 }\n  \\Own: { }\n");
        world_expect_reload_sorted(&w, "value-set Machine\\App A=9@base (uncovered)\n"
                                       "key-deleted Machine\\Own\n"
                                       "subkey-deleted Machine Own\n");
        world_restart(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "9@base");
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App: { A: !dword 1 }\n  \\Own: { }\n");
        world_expect_reload_sorted(&w, "value-set Machine\\App A=1@site (uncovered)\n"
                                       "subkey-created Machine Own\n");
        ck_assert_uint_eq(world_sequence_of(&w, "\\App", "A"), sequence);
        /* At base's own precedence the later write wins. */
        world_expect(&w, "set - \\App A 8", "value-set Machine\\App A=8@base\n");
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "8@base");
        /* Metadata override the file, over reloads and restarts. */
        world_do(&w, "set - \\System\\Registry\\Layers\\site Precedence 5");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@site");
        world_do(&w, "set - \\System\\Registry\\Layers\\site Enabled 0");
        world_restart(&w);
        world_expect_reload(&w, "");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "8@base");
        world_do(&w, "rm - \\System\\Registry\\Layers\\site");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "8@base");
        world_expect(&w, "set site \\App A 1",
                "READ_ONLY layer 'site' is read-only: it is the contents of /etc/peios/registry.d/50.yaml");
}

#define FLEET(key, more)                                                                                         \
        "untrusted comment: verify with site.pub\n"                                                              \
        "RWR" key                                                                                                \
        "CroWZUX/9QkkaFHXC4ZtlcOwJ+fxJdqJvBKs85RkMK82fPJYHRFPPm4FOUAHT5eg7MwkPkpVFNhgCwgCuVkQucgifc8gA=\n" HEAD( \
                "fleet-web") "precedence: 1000\n" more

static void assert_sealed(uint64_t serial, const char *signer)
{
        const struct layer *layer = layers_find(registry_layers(w.r), "fleet-web");

        ck_assert_ptr_nonnull(layer);
        ck_assert_uint_eq(layer->seal.serial, serial);
        ck_assert_str_eq(layer->seal.signer, signer);
}

/* What the fleet publishes once more is a write that changes nothing: those who ask for such hear of it, and
 * the layer is the newer policy's. */
TEST(sealed_anew)
{
        world_write(&w, FLEET_DIR "fleet-web.yaml",
                FLEET("Hr/", "serial: 7\nkeys:\n  \\App: { A: !dword 1, B: !dword 2 }\n"));
        world_do(&w, "set - \\App A 9");
        world_expect_reload(&w, "value-set Machine\\App A=1@fleet-web\n"
                                "value-set Machine\\App B=2@fleet-web\n");
        assert_sealed(7, "47aff0aba166545f");
        uint64_t a = world_sequence_of(&w, "\\App", "A");
        world_expect_reload(&w, "");
        world_write(&w, FLEET_DIR "fleet-web.yaml",
                FLEET("Hr/", "serial: 8\nkeys:\n  \\App: { A: !dword 1, B: !dword 3 }\n"));
        world_expect_reload(&w, "value-unchanged Machine\\App A=1@fleet-web\n"
                                "value-set Machine\\App B=3@fleet-web\n");
        assert_sealed(8, "47aff0aba166545f");
        world_write(&w, FLEET_DIR "fleet-web.yaml",
                FLEET("Hr+", "serial: 8\nkeys:\n  \\App: { A: !dword 1 }\n"));
        world_expect_reload_sorted(&w, "value-unchanged Machine\\App A=1@fleet-web\n"
                                       "value-deleted Machine\\App B\n");
        assert_sealed(8, "47afe0aba166545f");
        ck_assert_uint_eq(world_sequence_of(&w, "\\App", "A"), a);
        world_crash(&w);
        assert_sealed(8, "47afe0aba166545f");
        world_expect_reload(&w, "");
        /* A signature without a serial seals nothing. */
        world_write(&w, FLEET_DIR "fleet-web.yaml", FLEET("Hr+", "keys:\n  \\App: { A: !dword 1 }\n"));
        world_expect_reload(&w, "value-unchanged Machine\\App A=1@fleet-web\n");
        assert_sealed(0, "");
        world_expect_reload(&w, "");
}

TEST(layer_is_taken)
{
        world_do(&w, "set - \\System\\Registry\\Layers\\Mine Precedence 5");
        world_do(&w, "set mine \\App A 1");
        world_write(&w, ETC "50.yaml", HEAD("site") "keys:\n  \\App: { B: !dword 1 }\n");
        world_reload_well(&w);
        world_write(&w, ETC "50.yaml", HEAD("mine") "keys:\n  \\App: { A: !dword 2 }\n");
        world_expect_reload(&w,
                "error /etc/peios/registry.d/50.yaml: layer 'mine' is there already, and not a file's; choose another "
                "name, or delete \\System\\Registry\\Layers\\mine\n");
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "1@Mine");
        ck_assert_str_eq(world_get(&w, "\\App", "B"), "1@site");
        world_do(&w, "set mine \\App A 3");
        world_do(&w, "rm - \\System\\Registry\\Layers\\Mine");
        world_reload_well(&w);
        /* It is spelled as when it was first used. */
        ck_assert_str_eq(world_get(&w, "\\App", "A"), "2@Mine");
        ck_assert_str_eq(world_get(&w, "\\App", "B"), "NOT_FOUND");
        world_check(&w);
        static const char *const reserved[] = { HEAD("base"), HEAD("Default"), HEAD("BASE") };
        for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
                world_write(&w, ETC "50.yaml", reserved[i]);
                _cleanup_free_ char *text = world_reload(&w);
                ck_assert_msg(strncmp(text, "error ", 6) == 0, "%s", text);
                ck_assert_str_eq(world_get(&w, "\\App", "A"), "2@Mine");
        }
}

TEST(limited)
{
        struct buf script = BUF_INIT;

        for (unsigned i = 0; i < LAYERS_MAX - 2; i++)
                buf_printf(&script, "mk - \\System\\Registry\\Layers\\l%u\n", i);
        world_do(&w, buf_str(&script));
        buf_done(&script);
        world_write(&w, ETC "10.yaml", HEAD("one") "keys:\n  \\App: { A: !dword 1 }\n");
        world_write(&w, ETC "20.yaml", HEAD("two") "keys:\n  \\App: { B: !dword 1 }\n");
        world_expect_reload(&w,
                "subkey-created Machine App\n"
                "value-set Machine\\App A=1@one\n"
                "error /etc/peios/registry.d/20.yaml: layer 'two' is one too many, at most 1024 are kept\n");
        ck_assert_uint_eq(registry_layers(w.r)->n, LAYERS_MAX);
        world_write(&w, ETC "10.yaml", NULL);
        world_reload_well(&w);
        world_expect_reload(&w, "subkey-created Machine App\n"
                                "value-set Machine\\App B=1@two\n");
        /* Layers that are there by their metadata count once. */
        world_write(&w, ETC "20.yaml", HEAD("l7") "keys:\n  \\App: { C: !dword 1 }\n");
        world_write(&w, ETC "30.yaml", HEAD("two") "keys:\n  \\App: { B: !dword 1 }\n");
        world_reload_well(&w);
        ck_assert_str_eq(world_get(&w, "\\App", "B"), "1@two");
        ck_assert_str_eq(world_get(&w, "\\App", "C"), "1@l7");
}

Suite *test_suite(void)
{
        return suite_with("registry-dropins", world_setup, world_teardown);
}
