/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A main() around LLVMFuzzerTestOneInput() for smoke runs without a fuzzing engine: every file that is named
 * (or lies in a named directory), and `-n N` deterministic mutations of each. After a crash the last line
 * names file and mutation; `-w MUTATION FILE` writes that input to standard output. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../schema/base/buf.h"
#include "../../schema/base/file.h"
#include "../../schema/base/hashmap.h"

#define INPUT_MAX ((size_t)1024 * 1024)
#define WRITE_NONE UINT32_MAX

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
        unsigned mutations;
        uint32_t write; /* which mutation, or WRITE_NONE */
        size_t inputs;
};

static char current[512];

/* Pieces that mean something to the formats. */
static const char *const pieces[] = { "\n", "\n  ", ": ", "- ", "\t", "\0", "\"", "'", "\\", "/", "{", "}",
        "[", "]", ",", "#", "&a ", "*a", "<<: ", "!", "!!str ", "!sz ", "!dword ", "!qword ", "!multi [",
        "!hex \"", "!none ", "!tombstone ", "!hidden ", "!blanket ", "!0x1 \"", "---\n", "...\n",
        "%YAML 1.1\n", "? ", "|\n", ">\n", "@", "0x", "4294967296", "\xff", "\xc3", "\xef\xbb\xbf",
        "\xe2\x80\xa8", "Machine", "keys:\n", "layer: x\n", "control: ", "choices: ", "range: [0, 1]",
        "[HKLM\\A]\n", "[-HKLM\\A]\n", "]", "=-\n", "\"V\"=", "hex:00,\\\n",
        "hex(7):", "dword:", "REGEDIT4\n", "\r\r\n", "\"values\":[", "\\ud83d", "!delete \"\"",
        "!replace " };

static uint64_t advance(uint64_t *state)
{
        /* splitmix64 (public domain) */
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
        return n > 0 ? (size_t)(advance(state) % n) : 0;
}

static void patch(struct buf *b, size_t at, size_t drop, const void *data, size_t n)
{
        struct buf out = BUF_INIT;
        buf_add(&out, b->data, at);
        buf_add(&out, data, n);
        buf_add(&out, b->data + at + drop, b->len - at - drop);
        if (out.error)
                abort();
        buf_done(b);
        *b = out;
}

static void mutate(struct buf *b, uint64_t *state)
{
        size_t at = below(state, b->len + 1), rest = b->len - at;
        size_t some = below(state, rest < 16 ? rest + 1 : 16);
        const char *piece = pieces[below(state, ARRAY_SIZE(pieces))];
        char byte = (char)advance(state);

        switch (below(state, 7)) {
        case 0:
                if (rest > 0)
                        b->data[at] = (char)(b->data[at] ^ (1 << below(state, 8)));
                break;
        case 1:
                patch(b, at, rest > 0, &byte, 1);
                break;
        case 2:
                patch(b, at, some, "", 0);
                break;
        case 3:
                patch(b, at, 0, piece, piece[0] ? strlen(piece) : 1);
                break;
        case 4:
                patch(b, at, some, piece, piece[0] ? strlen(piece) : 1);
                break;
        case 5: /* a part of the input a second time, elsewhere */
                if (b->len < INPUT_MAX)
                        patch(b, below(state, b->len + 1), 0, b->data + at,
                                below(state, rest < 200 ? rest + 1 : 200));
                break;
        default: /* cut */
                if (below(state, 8) == 0)
                        patch(b, at, rest, "", 0);
        }
}

static void run_input(struct run *run, const struct buf *b)
{
        /* Of the exact size, so that a sanitizer sees a read past the end. */
        uint8_t *copy = malloc(b->len > 0 ? b->len : 1);
        if (!copy)
                abort();
        if (b->len > 0)
                memcpy(copy, b->data, b->len);
        (void)LLVMFuzzerTestOneInput(copy, b->len);
        free(copy);
        run->inputs++;
}

static int run_file(struct run *run, int dir, const char *name)
{
        _cleanup_buf_ struct buf text = BUF_INIT;
        struct diag d = { 0 };
        int r = file_read(dir, name, INPUT_MAX, &text, NULL, &d);
        if (r < 0) {
                (void)fprintf(stderr, "%s\n", d.text[0] ? d.text : strerror(-r));
                return r;
        }
        const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
        bool only = run->write != WRITE_NONE;
        for (uint32_t i = only ? run->write : 0; i <= (only ? run->write : run->mutations); i++) {
                _cleanup_buf_ struct buf b = BUF_INIT;
                uint64_t state = (uint64_t)hashmap_hash(base, strlen(base), 1) << 32 | i;
                buf_add(&b, text.data, text.len);
                for (size_t n = i == 0 ? 0 : 1 + below(&state, 6); n > 0; n--)
                        mutate(&b, &state);
                if (only)
                        return file_write_all(STDOUT_FILENO, b.data, b.len);
                (void)snprintf(current, sizeof(current), "crashed: %s, mutation %u\n", name, i);
                run_input(run, &b);
        }
        return 0;
}

static int run_path(struct run *run, const char *path)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOTDIR ? run_file(run, AT_FDCWD, path) : -errno;
        struct dirent **list;
        int n = scandir(path, &list, NULL, alphasort), r = 0;
        for (int i = 0; i < n; i++) {
                if (r == 0 && list[i]->d_name[0] != '.')
                        r = run_file(run, fd, list[i]->d_name);
                free(list[i]);
        }
        if (n >= 0)
                free(list);
        return n < 0 ? -errno : r;
}

static void crashed(int signal_number)
{
        (void)!write(STDERR_FILENO, current, strlen(current));
        (void)signal(signal_number, SIG_DFL);
        (void)raise(signal_number);
}

int main(int argc, char **argv)
{
        struct run run = { .write = WRITE_NONE };
        int option;

        while ((option = getopt(argc, argv, "n:w:")) >= 0)
                if (option == 'n')
                        run.mutations = (unsigned)strtoul(optarg, NULL, 10);
                else if (option == 'w')
                        run.write = (uint32_t)strtoul(optarg, NULL, 10);
                else
                        return 2;
        for (const int *s = (const int[]){ SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM, 0 }; *s; s++)
                (void)signal(*s, crashed);
        for (int i = optind; i < argc; i++) {
                int r = run_path(&run, argv[i]);
                if (r < 0) {
                        (void)fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
                        return 1;
                }
        }
        if (run.write == WRITE_NONE)
                (void)printf("%zu inputs\n", run.inputs);
        return run.inputs > 0 || run.write != WRITE_NONE ? 0 : 1;
}
