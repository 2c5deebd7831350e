/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Counts the taints of a corpus of oops reports.
 *
 * A report is a line with `Tainted:` or `Not tainted` as an oops has it, with all that belongs to it: the
 * head of lockdep and slub, the registers of some processors, the names of 6.11, the backtraces of all CPUs
 * in one stall, the panic that an oops or a hung task ends in. It is tainted if one of these lines is, and
 * counts once. So does a report that pstore kept twice, in the record of the oops and in
 * that of the panic. The same text at another time, or below another first line (report-marks.def), is
 * another report.
 *
 * In an archive each regular file is a file, `archive/member`.
 *
 * Modules count by the report's list `Modules linked in:`, which is above the line in warnings and before
 * Linux 4.16, and below the call trace in an oops of later kernels on x86. Places are in the order of
 * reading: files by name, bytes from 0, in what was unpacked. A report has the time that
 * its line says, else the file's. */

#include "../../schema/base/hashmap.h"
#include "line.h"
#include "source.h"

/* What makes one report one. A report speaks of taints in several lines: a head (lockdep, slub), the line of
 * the task, the registers of some processors, the names of 6.11, and once more in the panic that ends it. No
 * I/O, no allocation. */

enum scan_role {
        SCAN_ROLE_OTHER,
        SCAN_ROLE_HEAD,      /* of lockdep, slub */
        SCAN_ROLE_TASK,      /* CPU: 0 PID: 1 Comm: init Tainted: … */
        SCAN_ROLE_REGISTERS, /* REGS: … Tainted: …, and other processors' like */
        SCAN_ROLE_BARE,      /* nothing but the taints: MIPS below `epc` */
        SCAN_ROLE_NAMES,     /* Tainted: [W]=WARN */
};

struct scan_time {
        enum {
                SCAN_TIME_NONE,
                SCAN_TIME_KERNEL, /* since the boot */
                SCAN_TIME_CLOCK   /* of the day */
        } kind;
        int64_t usec;
};

/* What is remembered of a line about taints. */
struct scan_hit {
        bool any;
        enum scan_role role;
        uint64_t offset, mask;
        uint64_t line_hash, text_hash, task_hash; /* of all; without the time; in front of the taints */
        struct scan_time time;
        bool is_hung; /* the watchdog of hung tasks speaks */
};

struct scan_hit scan_hit_of(const struct taint_line *line, uint64_t mask, uint64_t offset);
/* Whether `hit` is one more line of the report that has `last`; p is the text between the two. */
bool scan_hit_continues(
        const struct scan_hit *last, const struct scan_hit *hit, const char *p, const char *end);

#define SCAN_EXAMPLES 3U
#define SCAN_NAMES_MAX 65536U /* modules, and releases; what is beyond is counted as `left_out` */
#define SCAN_SKIPPED_MAX 1024U

/* From what a report's time is known. */
enum scan_dated {
        SCAN_DATED_TEXT, /* its line says so */
        SCAN_DATED_FILE, /* the file's own time, or that of the archive's entry; now for a pipe */
};

struct scan_place {
        uint32_t file; /* index */
        enum scan_dated dated;
        int64_t usec; /* since 1970 */
        uint64_t offset;
        char release[48]; /* "" where the report names none; cut if longer */
};

struct scan_count {
        uint64_t reports;
        struct scan_place first, last; /* by their times; of equal ones as they were read */
};

struct scan_name {
        char name[64];              /* cut if longer */
        uint64_t mask;              /* all bits that it was seen with */
        struct taint_kernel kernel; /* whose letters they are */
        uint64_t clean;             /* of a release, a week: reports that are not tainted */
        uint32_t seen_file;         /* of a module: the report that it was counted for last */
        uint64_t seen_offset;
        struct scan_count count;
};

struct scan_names {
        struct hashmap map; /* of struct scan_name */
        uint64_t left_out;
};

struct scan_letter {
        struct scan_count count;
        char examples[SCAN_EXAMPLES][160];
        struct scan_place places[SCAN_EXAMPLES];
        size_t n_examples;
};

struct scan_skipped {
        char *path;
        char reason[128];
};

/* The report whose lines are being read. */
struct scan_report {
        bool any, clean, unreadable;
        bool left_out;                /* pstore had it in another record, or its time is not asked for */
        struct taint_reading reading; /* of all its lines */
        struct scan_place place;
        char example[160];
        struct taint_kernel context;
};

struct scan {
        struct taint_kernel context;
        struct source_limits limits; /* scan_init() sets SOURCE_LIMITS */
        int64_t since, until;        /* µs since 1970; what lies between counts */
        int64_t file_time;           /* of the file, or member, that is read */
        /* Called after every block; may be NULL. consumed: bytes of all files so far. */
        void (*progress)(void *userdata, uint64_t consumed);
        void *userdata;

        char **files;
        uint32_t n_files;
        uint64_t bytes, consumed, reports, clean, ambiguous;
        uint64_t unreadable;              /* of `reports`: tainted, and by what got lost */
        struct scan_count *flags;         /* one a row of the table */
        struct scan_letter *letters[128]; /* without a meaning; NULL where never seen */
        struct scan_names modules, releases, weeks;
        uint64_t other_times; /* reports that are left out since their time is not asked for */
        struct scan_skipped *skipped;
        size_t n_skipped, n_skipped_all;
        struct scan_hit last; /* the line before, of this file */
        struct scan_report report;
        bool is_pstore; /* this file is a record of it */
        struct hashmap crashes;
        struct scan_open {
                bool any;
                uint64_t from, until; /* where its list may yet begin, in the file */
                struct scan_place place;
                struct taint_kernel context;
        } open; /* a report whose list has not come yet */
};

/* 0 or -ENOMEM. */
_must_check_ int scan_init(struct scan *s, const struct taint_kernel *context);
void scan_done(struct scan *s);

/* One open file, under the name that is shown. 0 also where it cannot be read: then it is among the skipped.
 * -ENOMEM. */
_must_check_ int scan_fd(struct scan *s, int fd, const char *name);

/* Files and folders, folders with all that is below them, in the order of names; symbolic links only where
 * they are named. `-` is standard input. 0 or -ENOMEM. */
_must_check_ int scan_paths(struct scan *s, char *const *paths);

/* The bytes of these files, for a progress bar. */
uint64_t scan_measure(char *const *paths);

/* The names of a list in order: modules by reports, most first; releases by version; weeks by time. A
 * NULL-terminated array to be freed, or NULL on ENOMEM. */
const struct scan_name **scan_sort_modules(const struct scan_names *names);
const struct scan_name **scan_sort_releases(const struct scan_names *names);
const struct scan_name **scan_sort_weeks(const struct scan_names *names);
