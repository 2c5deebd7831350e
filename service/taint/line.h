/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finds, in the text of a log, what the kernel says of taints: `Tainted:` with letters or with names, `Not
 * tainted`, and the release beside it; lists of modules with their letters. What mail and web pages made of
 * these lines is undone. No I/O, no allocation. */

#include <stddef.h>

#include "letters.h"

/* A line of a log as the kernel wrote it: mail, web pages and copying put other characters in the place of
 * blanks, break lines and write `=3D` or `&gt;`. Letters stand in columns, so one such character more or
 * less makes other taints of them. No I/O, no allocation. */

#define TAINT_PLAIN_BEFORE ((size_t)1024) /* some logs have no ends of lines */
#define TAINT_PLAIN_BEHIND ((size_t)4096)
#define TAINT_PLAIN_LINES 6U /* with those below, for what was wrapped */

struct taint_plain {
        char text[TAINT_PLAIN_BEFORE * 2 + TAINT_PLAIN_BEHIND];
        size_t n;
        size_t at; /* of what stood at the place that was asked for */
};

/* The line that holds text[at], and the lines below it. It begins where the line does, within
 * TAINT_PLAIN_BEFORE bytes. */
void taint_plain_read(const char *text, size_t n, size_t at, struct taint_plain *ret);

enum taint_line_kind {
        TAINT_LINE_NONE,
        TAINT_LINE_CLEAN,      /* Not tainted */
        TAINT_LINE_LETTERS,    /* Tainted: P        W  O */
        TAINT_LINE_NAMES,      /* Tainted: [W]=WARN, [O]=OOT_MODULE */
        TAINT_LINE_NUMBER,     /* kernel.tainted = 4097 */
        TAINT_LINE_XEN,        /* the hypervisor's own line: its letters are not Linux's */
        TAINT_LINE_UNREADABLE, /* it is tainted, and by what got lost */
};

struct taint_line {
        enum taint_line_kind kind;
        char field[128]; /* the letters, columns kept */
        size_t field_len;
        bool wrapped;      /* put together from two lines: the columns are lost */
        bool is_listing;   /* busybox' lsmod: no report */
        const char *names; /* of TAINT_LINE_NAMES: from the first `[`; points into `plain` */
        size_t names_len;
        uint64_t number;
        const char *release; /* points into `plain`; n is 0 where there is none */
        size_t release_len;
        size_t tail_len; /* from the release to the end of its line: the build number says the distribution
                          */
        struct taint_plain plain;
};

/* The word that all reports have in common, whether they are tainted or not: "Tainted:", "Not tainted". */
#define TAINT_NEEDLE "ainted"
#define TAINT_NEEDLE_LEN (sizeof(TAINT_NEEDLE) - 1)

/* Its first occurrence, or NULL. Close to the speed of memory where the processor has SSE2. */
const char *taint_find(const char *text, size_t n);

/* Reads the line that holds text[at], the `ainted` of a word. Looks at the next line only for what is
 * wrapped, and for the release that 2.6 printed there. TAINT_LINE_NONE where that word is a part of a task's
 * name, which anybody can choose: the kernel's own word follows it. */
void taint_line_parse(const char *text, size_t n, size_t at, struct taint_line *ret);

/* Where the line ends in `plain`; what was wrapped is behind it. */
const char *taint_line_end(const struct taint_line *line);

/* What the line's own release says, where the caller's context leaves it open. */
struct taint_kernel taint_line_context(const struct taint_line *line, const struct taint_kernel *context);

/* Decodes the line's letters, names or number. False for the kinds that hold none. */
bool taint_line_read(
        const struct taint_line *line, const struct taint_kernel *context, struct taint_reading *r);

/* One module of a list `name(OE) name(P+) name`. Names without letters are passed over. */
struct taint_module {
        const char *name; /* points into the text */
        size_t name_len;
        const char *letters;
        size_t letters_len;
};

/* The next `name(LETTERS)` from *at on, which is moved behind it. False at the end. */
bool taint_module_next(const char *text, size_t n, size_t *at, struct taint_module *ret);

/* A line that goes on with a wrapped list: names and nothing else behind the time and "kernel:". */
bool taint_module_names(const char *line, size_t n);

/* A line of /proc/modules, or of `grep . /sys/module/…/taint`. False if it is none, or has no letters. */
bool taint_module_line(const char *line, size_t n, struct taint_module *ret);

/* A number as people write masks: decimal, 0x hexadecimal, 0o octal. A leading 0 alone does not make it
 * octal: nothing prints masks so. With a `base` that is not 0 its digits alone. 0, -EINVAL (no number) or
 * -ERANGE (over 64 bits). */
_must_check_ int taint_number_parse(const char *s, size_t n, int base, uint64_t *ret);

/* FNV-1a. */
uint64_t taint_text_hash(const char *start, const char *end);
