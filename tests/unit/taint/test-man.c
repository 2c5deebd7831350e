/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page peios-taint(7) says of every bit what the table says. */
#include <fcntl.h>
#include <string.h>

#include "../../../schema/base/file.h"
#include "../../../schema/taint/taint.h"
#include "suite.h"

static const char *const actors[] = {
        [TAINT_ACTOR_TASK] = "the task that does it",
        [TAINT_ACTOR_MAYBE] = "a task, or nobody at boot",
        [TAINT_ACTOR_CONTEXT] = "what was running, which may be an interrupt",
        [TAINT_ACTOR_NONE] = "none",
};

static void expect_upstream(struct buf *b, const struct taint_flag *f)
{
        buf_printf(b, ".It Sy %c\n%s.\nSet by: %s.\nActor: %s.\n", f->letter, f->meaning, f->set_by,
                actors[f->actor]);
        buf_printf(b, "Severity: %s.\n%s.\n", taint_severity_name(f->severity), f->advice);
        if (f->older)
                buf_printf(b, "Its name was TAINT_%s.\n", f->older);
        if (f->note)
                buf_printf(b, "Note: %s.\n", f->note);
        if (!f->reachable)
                buf_puts(b, "No standard Peios build can set it.\n");
        buf_puts(b, "."); /* nothing else follows: the next macro */
}

static void check(const char *page, struct buf *expected)
{
        ck_assert_msg(strstr(page, buf_str(expected)), "the page lacks:\n%s", buf_str(expected));
        buf_clear(expected);
}

TEST(page_and_table)
{
        _cleanup_buf_ struct buf page = BUF_INIT, b = BUF_INIT;
        char since[TAINT_VERSION_TEXT_MAX], until[TAINT_VERSION_TEXT_MAX];
        struct diag d = { 0 };
        size_t n, lines = 0;

        ck_assert_msg(file_read(AT_FDCWD, TAINT_PAGE, 1 << 20, &page, NULL, &d) == 0, "%s", d.text);
        const struct taint_flag *f = taint_flags(&n);
        for (size_t i = 0; i < n; i++) {
                (void)taint_version_format(f[i].since, since);
                if (i < TAINT_UPSTREAM_BITS) {
                        expect_upstream(&b, &f[i]);
                        check(page.data, &b);
                        buf_printf(&b, "\n.It Sy %u Ta Sy %c Ta TAINT_%s Ta %s\n", f[i].bit, f[i].letter,
                                f[i].symbol, since);
                } else
                        buf_printf(&b, "\n.It %s Ta Sy %.*s Ta %u Ta TAINT_%s Ta %s Ta %s\n",
                                taint_distro_name(f[i].distro), f[i].letter ? 1 : 3,
                                f[i].letter ? &f[i].letter : "\\&?", f[i].bit, f[i].symbol, since,
                                f[i].until ? taint_version_format(f[i].until, until) : "now");
                check(page.data, &b);
        }
        for (const char *p = page.data; (p = strstr(p, "Ta TAINT_")); p++)
                lines++;
        ck_assert_uint_eq(lines, n);
}

Suite *test_suite(void)
{
        return suite_of("taint-man");
}
