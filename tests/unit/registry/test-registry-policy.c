/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of policy stay in the history, with their paths, whatever else is written. */

#include <string.h>

#include "../../../registry-provider/store/history.h"
#include "../../../schema/layout.h"
#include "suite.h"
#include "registry-world.h"

#define LOAD 300u
#define ROWS 5u /* that are no policy, and stay */

#define SITE LAYOUT_DROPINS_ADMIN "/site.yaml"

/* Values that nothing is bound to; what is written before it is long gone after a pruning. */
static void load(void)
{
        _cleanup_buf_ struct buf script = BUF_INIT;

        for (unsigned i = 0; i < LOAD; i++)
                buf_printf(&script, "set - \\Load\\k%u V %u\n", i % 7, i);
        world_do(&w, buf_str(&script));
}

static void prune(void)
{
        struct store_prune_limits limits = STORE_PRUNE_LIMITS_DEFAULT;
        bool more = true;

        limits.rows = ROWS;
        while (more)
                ck_assert_int_eq(registry_prune(w.r, &limits, &more, &w.d), 0);
}

static const char *op_name(enum store_op_code op)
{
        switch (op) {
        case STORE_CREATE_ENTRY:
                return "entry";
        case STORE_HIDE_ENTRY:
                return "hide";
        case STORE_DELETE_ENTRY:
                return "unname";
        case STORE_CREATE_KEY:
                return "key";
        case STORE_DROP_KEY:
                return "drop";
        case STORE_SET_VALUE:
                return "set";
        case STORE_DELETE_VALUE:
                return "delete";
        case STORE_SET_BLANKET:
                return "blanket";
        case STORE_SET_FILE:
                return "file";
        case STORE_FORGET_FILE:
                return "forget";
        default:
                return "?";
        }
}

/* `op path name layer`, without the load, whose rows are counted. */
static void put_rows(struct buf *out, const struct history_page *page, unsigned *ret_others)
{
        for (size_t i = 0; i < page->n; i++) {
                const struct history_row *row = page->rows[i];
                if (row->path && strncmp(row->path, "Machine\\Load", strlen("Machine\\Load")) == 0)
                        ++*ret_others;
                else
                        buf_printf(out, "%s %s %s %s\n", op_name(row->op), row->path ? row->path : "-",
                                row->name ? row->name : "-", row->layer ? row->layer : "-");
        }
}

/* What is left of the rows, the oldest first. */
static void expect_kept(const char *expected)
{
        _cleanup_path_ struct path path = { 0 };
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct history_query q = { .path = &path, .subtree = true, .limit = 1000, .bytes = 1 << 20 };
        struct history_page page;
        unsigned others = 0;

        load();
        prune();
        ck_assert_int_eq(registry_path(w.r, "Machine", &path, NULL), 0);
        do {
                _cleanup_store_scope_ struct store_scope scope = registry_scope(w.r);
                ck_assert_int_eq(history_page(registry_store(w.r), &q, &page), 0);
                put_rows(&text, &page, &others);
                q.cursor = page.cursor;
        } while (q.cursor != 0);
        ck_assert_str_eq(buf_str(&text), expected);
        ck_assert_uint_eq(others, ROWS);
}

#define MACHINE "key Machine Machine -\n"
#define SYSTEM "key Machine\\System System -\nentry Machine System base\n"

TEST(bound_values)
{
        world_do(&w, "set - \\System\\Process PidMax 4096");
        world_do(&w, "set - \\System\\Process Other 1\nset - \\System\\Other V 1\nset - \\Other V 1");
        world_do(&w, "set - \\SYSTEM\\process PIDMAX 8192\ndel - \\System\\Process PidMax");
        expect_kept(MACHINE SYSTEM "key Machine\\System\\Process Process -\n"
                                   "entry Machine\\System Process base\n"
                                   "set Machine\\System\\Process PidMax base\n"
                                   "set Machine\\System\\Process PIDMAX base\n"
                                   "delete Machine\\System\\Process PIDMAX base\n");
}

TEST(whole_trees)
{
        world_do(&w, "set - \\System\\Audit\\Taint\\Sites Any 1");
        world_do(&w, "set - \\System\\Registry\\Layers\\site Precedence 5");
        world_do(&w, "set - \\System\\Registry\\History Days 7");
        world_do(&w, "set - \\System\\Auditing V 1");
        expect_kept(MACHINE SYSTEM "key Machine\\System\\Audit Audit -\n"
                                   "entry Machine\\System Audit base\n"
                                   "key Machine\\System\\Audit\\Taint Taint -\n"
                                   "entry Machine\\System\\Audit Taint base\n"
                                   "key Machine\\System\\Audit\\Taint\\Sites Sites -\n"
                                   "entry Machine\\System\\Audit\\Taint Sites base\n"
                                   "set Machine\\System\\Audit\\Taint\\Sites Any base\n"
                                   "key Machine\\System\\Registry Registry -\n"
                                   "entry Machine\\System Registry base\n"
                                   "key Machine\\System\\Registry\\Layers Layers -\n"
                                   "entry Machine\\System\\Registry Layers base\n"
                                   "key Machine\\System\\Registry\\Layers\\site site -\n"
                                   "entry Machine\\System\\Registry\\Layers site base\n"
                                   "set Machine\\System\\Registry\\Layers\\site Precedence base\n"
                                   "key Machine\\System\\Registry\\History History -\n"
                                   "entry Machine\\System\\Registry History base\n"
                                   "set Machine\\System\\Registry\\History Days base\n");
}

/* Their rows know where they were. */
TEST(keys_that_went)
{
        world_do(&w, "set - \\System\\Process PidMax 4096\nset - \\System\\Other V 1");
        world_do(&w, "rmr - \\System");
        expect_kept(MACHINE SYSTEM "key Machine\\System\\Process Process -\n"
                                   "entry Machine\\System Process base\n"
                                   "set Machine\\System\\Process PidMax base\n"
                                   "delete Machine\\System\\Process PidMax base\n"
                                   "unname Machine\\System Process base\n"
                                   "drop Machine\\System\\Process Process -\n"
                                   "unname Machine System base\n"
                                   "drop Machine\\System System -\n");
}

TEST(volatile_keys)
{
        world_do(&w, "vset - \\System\\Audit\\Run V 1");
        world_restart(&w);
        expect_kept(MACHINE "key Machine\\System System -\n"
                            "entry Machine System base\n"
                            "key Machine\\System\\Audit Audit -\n"
                            "entry Machine\\System Audit base\n"
                            "key Machine\\System\\Audit\\Run Run -\n"
                            "entry Machine\\System\\Audit Run base\n"
                            "set Machine\\System\\Audit\\Run V base\n");
}

TEST(a_deleted_layer)
{
        world_do(&w, "set - \\System\\Registry\\Layers\\site Precedence 5");
        world_do(&w, "set site \\System\\Process PidMax 1000\nset site \\Site V 1");
        world_do(&w, "rm - \\System\\Registry\\Layers\\site");
        expect_kept(MACHINE SYSTEM "key Machine\\System\\Registry Registry -\n"
                                   "entry Machine\\System Registry base\n"
                                   "key Machine\\System\\Registry\\Layers Layers -\n"
                                   "entry Machine\\System\\Registry Layers base\n"
                                   "key Machine\\System\\Registry\\Layers\\site site -\n"
                                   "entry Machine\\System\\Registry\\Layers site base\n"
                                   "set Machine\\System\\Registry\\Layers\\site Precedence base\n"
                                   "entry Machine System site\n"
                                   "key Machine\\System\\Process Process -\n"
                                   "entry Machine\\System Process site\n"
                                   "set Machine\\System\\Process PidMax site\n"
                                   "delete Machine\\System\\Registry\\Layers\\site Precedence base\n"
                                   "unname Machine\\System\\Registry\\Layers site base\n"
                                   "drop Machine\\System\\Registry\\Layers\\site site -\n"
                                   "delete Machine\\System\\Process PidMax site\n"
                                   "unname Machine\\System Process site\n"
                                   "drop Machine\\System\\Process Process -\n"
                                   "unname Machine System site\n");
}

TEST(dropins)
{
        world_do(&w, "set - \\System\\Process PidMax 4096\nset - \\System\\Audit V 1");
        world_write(&w, SITE,
                "peios-registry: 1\nlayer: site\nkeys:\n"
                "  \\System\\Process:\n    PidMax: !dword 1000\n    Other: !dword 1\n"
                "  \\System\\Audit: !hidden\n"
                "  \\Site:\n    V: !dword 1\n");
        world_reload_well(&w);
        world_write(&w, SITE, NULL);
        world_reload_well(&w);
        expect_kept(MACHINE SYSTEM "key Machine\\System\\Process Process -\n"
                                   "entry Machine\\System Process base\n"
                                   "set Machine\\System\\Process PidMax base\n"
                                   "key Machine\\System\\Audit Audit -\n"
                                   "entry Machine\\System Audit base\n"
                                   "set Machine\\System\\Audit V base\n"
                                   "entry Machine System site\n"
                                   "entry Machine\\System Process site\n"
                                   "set Machine\\System\\Process PidMax site\n"
                                   "hide Machine\\System Audit site\n"
                                   "file - " SITE " site\n"
                                   "delete Machine\\System\\Process PidMax site\n"
                                   "unname Machine\\System Audit site\n"
                                   "unname Machine\\System Process site\n"
                                   "unname Machine System site\n"
                                   "forget - - site\n");
}

TEST(blankets)
{
        world_write(&w, SITE,
                "peios-registry: 1\nlayer: site\nkeys:\n"
                "  \\System\\Process: !blanket {}\n"
                "  \\Site: !blanket {}\n");
        world_reload_well(&w);
        expect_kept(MACHINE "key Machine\\System System -\n"
                            "entry Machine System site\n"
                            "key Machine\\System\\Process Process -\n"
                            "entry Machine\\System Process site\n"
                            "blanket Machine\\System\\Process - site\n"
                            "file - " SITE " site\n");
}

Suite *test_suite(void)
{
        return suite_with("registry-policy", world_setup, world_teardown);
}
