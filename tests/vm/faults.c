/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

#define NAMES_MAX 8

static const char *deaf[NAMES_MAX];
static size_t deaf_n;
static const char *refused;

struct bpf_link *__real_bpf_program__attach(const struct bpf_program *program);
struct bpf_link *__wrap_bpf_program__attach(const struct bpf_program *program);
int __real_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton);
int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton);

void fault_deaf(const char *program)
{
        if (deaf_n < NAMES_MAX)
                deaf[deaf_n++] = program;
}

void fault_refuse(const char *program)
{
        refused = program;
}

/* With the descriptor goes the link; libbpf goes on thinking that it has one. */
struct bpf_link *__wrap_bpf_program__attach(const struct bpf_program *program)
{
        struct bpf_link *link = __real_bpf_program__attach(program);

        for (size_t i = 0; link && i < deaf_n; i++)
                if (strcmp(deaf[i], bpf_program__name(program)) == 0) {
                        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                        (void)dup3(fd, bpf_link__fd(link), O_CLOEXEC);
                        (void)close(fd);
                }
        return link;
}

/* How many are to be loaded. */
static unsigned wanted_programs(const struct bpf_object *object)
{
        struct bpf_program *program;
        unsigned n = 0;

        bpf_object__for_each_program(program, object) if (bpf_program__autoload(program)) n++;
        return n;
}

/* A few alone are only tried out: they are believed, since loading takes seconds here. */
int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton)
{
        struct bpf_program *program = NULL;

        if (refused)
                program = bpf_object__find_program_by_name(*skeleton->obj, refused);
        if (program && bpf_program__autoload(program))
                return -EINVAL;
        if (refused && wanted_programs(*skeleton->obj) <= 3)
                return 0;
        return __real_bpf_object__load_skeleton(skeleton);
}
