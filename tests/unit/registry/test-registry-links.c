/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that stand for others: how they are made and followed, what they may not be, and what is said of
 * those that lead nowhere. */

#include <string.h>

#include "registry-world.h"
#include "suite.h"

#define LAYERS "\\System\\Registry\\Layers\\"

static void expect(const char *key, const char *name, const char *expected)
{
        const char *got = world_get(&w, key, name);
        ck_assert_msg(strcmp(got, expected) == 0, "%s %s: %s, expected %s", key, name, got, expected);
}

/* An error, and its text. */
static void expect_text(const char *key, const char *error, const char *text)
{
        expect(key, "V", error);
        ck_assert_str_eq(w.d.text, text);
}

TEST(follows)
{
        world_do(&w, "set - \\New V 1\nset - \\New\\In V 2\nset - \\New\\In @ x");
        world_expect(&w, "ln - \\Old Machine\\New",
                "subkey-created Machine Old\n"
                "value-set Machine\\Old @=link'Machine\\New'@base\n");
        expect("\\Old", "V", "1@base");
        expect("\\old\\IN", "V", "2@base");
        expect("\\Old\\In", "@", "'x'@base");
        expect("\\Old", ">@", "link'Machine\\New'@base");
        expect("\\Old\\In", ">V", "2@base");
        expect("\\Old", "@", "NOT_FOUND");

        /* Link behind link, in the middle and at the end. */
        world_do(&w, "mk - \\Way\nln - \\Way\\First /Machine/Old\nln - \\Way\\Last Machine\\Way\\First\\In");
        expect("\\Way\\First\\In", "V", "2@base");
        expect("\\Way\\Last", "V", "2@base");
        expect("\\Way\\Last", ">@", "link'Machine\\Way\\First\\In'@base");
}

TEST(writes)
{
        world_do(&w, "mk - \\New\nln - \\Old Machine\\New");
        world_expect(&w, "set - \\Old V 1", "value-set Machine\\New V=1@base\n");
        world_expect(&w, "set - \\Old\\A\\B V 1",
                "subkey-created Machine\\New A\n"
                "subkey-created Machine\\New\\A B\n"
                "value-set Machine\\New\\A\\B V=1@base\n");
        world_expect(&w, "hide - \\Old\\A\\B",
                "value-deleted Machine\\New\\A\\B V\n"
                "key-deleted Machine\\New\\A\\B\n"
                "subkey-deleted Machine\\New\\A B\n");
        world_expect(&w, "rmr - \\Old\\A",
                "key-deleted Machine\\New\\A\n"
                "subkey-deleted Machine\\New A\n");
        world_expect(&w, "del - \\Old V", "value-deleted Machine\\New V\n");
        /* The link, which takes nothing along. */
        world_expect(&w, "rm - \\Old",
                "key-deleted Machine\\New\n"
                "subkey-deleted Machine New\n");
        expect("\\Old", "V", "NOT_FOUND");
        world_expect(&w, "mk - \\Old", "subkey-created Machine New\n");
        world_expect(&w, "lrm - \\Old",
                "value-deleted Machine\\Old @\n"
                "key-deleted Machine\\Old\n"
                "subkey-deleted Machine Old\n");
        world_expect(&w, "set - \\New V 2", "value-set Machine\\New V=2@base\n");
        world_check(&w);

        /* What is done in a transaction counts in it. */
        world_expect(&w,
                "ln - \\L Machine\\A\nset - \\L V 1\nlset - \\L @ >Machine\\C\nlset - \\L @ >Machine\\B\nset - \\L V 2",
                "subkey-created Machine L\n"
                "value-set Machine\\L @=link'Machine\\B'@base\n"
                "subkey-created Machine A\n"
                "value-set Machine\\A V=1@base\n"
                "subkey-created Machine B\n"
                "value-set Machine\\B V=2@base\n");
}

struct step {
        const char *script, *expected;
};

TEST(refused)
{
        static const struct step steps[] = {
                { "ln - \\Key Machine\\X", "EXISTS Machine\\Key: the key is there already, in layer base" },
                { "ln low \\Key Machine\\X",
                        "EXISTS Machine\\Key: there is a key that is no link, which no write changes" },
                { "ln - \\Link Machine\\X",
                        "EXISTS Machine\\Link: the key is there already, in layer base" },
                { "ln - Machine Machine\\X", "INVALID_NAME Machine: a hive cannot be a link" },
                { "lset - \\Link V 1",
                        "INVALID_VALUE Machine\\Link: a link, which has no value but its default one, a REG_LINK" },
                { "lset - \\Link @ 1",
                        "INVALID_VALUE Machine\\Link: a link, which has no value but its default one, a REG_LINK" },
                /* The target is there, and no link. */
                { "ln - \\Link\\In Machine\\X", "subkey-created Machine\\Key In\n"
                                                "value-set Machine\\Key\\In @=link'Machine\\X'@base\n" },
                /* It is one in a layer that does not count. */
                { "ln off \\Later Machine\\Key", "value-unchanged Machine\\Later @\n" },
                { "set - \\Later V 1", "BAD_LINK Machine\\Later: is a link, expected a key" },
                { "mk - \\Later\\In", "BAD_LINK Machine\\Later: is a link, expected a key" },
                { "ln - \\System\\Registry Machine\\X",
                        "INVALID_NAME Machine\\System\\Registry: what layers are made of cannot be a link" },
                { "ln - " LAYERS "new Machine\\X",
                        "INVALID_NAME Machine\\System\\Registry\\Layers\\new: what "
                        "layers are made of cannot be a link" },
                { "ln - \\Back Machine\\System", "subkey-created Machine Back\n"
                                                 "value-set Machine\\Back @=link'Machine\\System'@base\n" },
                { "set - \\Back\\Registry\\Layers\\low Precedence 7",
                        "INVALID_NAME Machine\\Back\\Registry\\Layers\\low: what layers are made of is not changed "
                        "through a link, expected Machine\\System\\Registry\\Layers\\low" },
                { "rmr - \\Back",
                        "INVALID_NAME Machine\\Back: what layers are made of is not changed through "
                        "a link, expected Machine\\System" },
                { "set - \\Back V 7", "value-set Machine\\System V=7@base\n" },
        };
        world_do(&w, "set - " LAYERS "low Precedence 0\nset - " LAYERS "off Enabled 0\n"
                     "mk - \\Key\nln - \\Link Machine\\Key");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                world_expect(&w, steps[i].script, steps[i].expected);
        expect(LAYERS "low", "Precedence", "0@base");
}

TEST(leads_nowhere)
{
        static const struct step targets[] = {
                { "System",
                        "Machine\\L: a link, whose target cannot be followed: 'System' begins with no hive's "
                        "name, expected one" },
                { "HKLM\\System",
                        "Machine\\L: a link, whose target cannot be followed: 'HKLM\\System' begins "
                        "with no hive's name, expected one" },
                { "Machine\\\\X",
                        "Machine\\L: a link, whose target cannot be followed: component 2 of the path: "
                        "empty, expected no doubled or trailing separator" },
        };

        world_do(&w, "ln - \\L -");
        expect_text("\\L\\X", "BAD_LINK",
                "Machine\\L: a link without a target, expected a REG_LINK as its default value");
        for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
                world_do(&w, textf("lset - \\L @ >%s", targets[i].script));
                expect_text("\\L\\X", "BAD_LINK", targets[i].expected);
        }
        world_do(&w, "lset - \\L @ >Machine\\No");
        expect_text("\\L\\X", "NOT_FOUND",
                "Machine\\No\\X: no such key: there is no 'No' in Machine; Machine\\L is a link to Machine\\No");
        world_do(&w, "lset - \\L @ >\\No\\In");
        expect_text("\\L", "NOT_FOUND",
                "Machine\\No\\In: no such key: there is no 'No' in Machine; Machine\\L is a link to \\No\\In");
}

/* The target and what stands behind the link are one path, with the limits of one. */
TEST(too_long)
{
        _cleanup_buf_ struct buf script = BUF_INIT;

        buf_puts(&script, "ln - \\L Machine");
        for (size_t i = 0; i < PATH_DEPTH_MAX - 1; i++)
                buf_puts(&script, "\\x");
        world_do(&w, buf_str(&script));
        expect("\\L", "V", "NOT_FOUND");
        expect("\\L\\x", "V", "BAD_LINK");
        ck_assert_ptr_nonnull(strstr(w.d.text, "the path has more than 512 components"));
}

TEST(circles)
{
        world_do(&w, "ln - \\A Machine\\B\nln - \\B Machine\\C\\In\nmk - \\C\nln - \\C\\In Machine\\A");
        expect_text("\\A\\X", "LINK_LOOP",
                "Machine\\A: more than 16 links, one behind the other, in a circle: Machine\\B to Machine\\C\\In to "
                "Machine\\A to Machine\\B");
        expect("\\C", "V", "NOT_FOUND");
        world_expect(&w, "set - \\A V 1",
                "LINK_LOOP Machine\\A: more than 16 links, one behind the other, in a circle: Machine\\B to "
                "Machine\\C\\In to Machine\\A to Machine\\B");
        /* Through itself, longer each time. */
        world_do(&w, "ln - \\S Machine\\S\\S");
        expect_text("\\S", "LINK_LOOP",
                "Machine\\S: more than 16 links, one behind the other, in a circle: Machine\\S to Machine\\S");
        /* No circle, though it is met twice. */
        world_do(&w,
                "set - \\End V 1\nmk - \\Twice\nln - \\Again Machine\\Twice\nln - \\Twice\\In Machine\\Again\\Out\n"
                "ln - \\Twice\\Out Machine\\End");
        expect("\\Again\\In", "V", "1@base");
}

TEST(sixteen)
{
        world_do(&w, "set - \\L0 V 1");
        for (unsigned i = 1; i <= REGISTRY_LINKS_MAX + 1; i++)
                world_do(&w, textf("ln - \\L%u Machine\\L%u", i, i - 1));
        expect("\\L16", "V", "1@base");
        expect("\\L17", "V", "LINK_LOOP");
        ck_assert_ptr_nonnull(strstr(w.d.text, "one behind the other: Machine\\L17 to Machine\\L16 to "));
}

/* A link's value is one like others. */
TEST(layers)
{
        static const struct step steps[] = {
                { "lset high \\L @ !", "BAD_LINK" },
                { "ldel high \\L @", "1@base" },
                { "lmask high \\L", "BAD_LINK" },
                { "lunmask high \\L\nlhide high \\L", "NOT_FOUND" },
                { "lshow high \\L\nln high \\L -\nlrm - \\L", "BAD_LINK" },
                { "ln - \\L Machine\\A\nset - " LAYERS "high Enabled 0", "1@base" },
        };

        world_do(&w, "set - " LAYERS "high Precedence 5\nset - \\A V 1\nset - \\B V 2\nln - \\L Machine\\A");
        world_expect(&w, "lset high \\L @ >Machine\\B", "value-set Machine\\L @=link'Machine\\B'@high\n");
        expect("\\L", "V", "2@base");
        world_do(&w, "set high \\L V 3");
        expect("\\B", "V", "3@high");
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                world_do(&w, steps[i].script);
                expect("\\L", "V", steps[i].expected);
        }
        world_restart(&w);
        expect("\\L", "V", "1@base");
}

Suite *test_suite(void)
{
        return suite_with("registry-links", world_setup, world_teardown);
}
