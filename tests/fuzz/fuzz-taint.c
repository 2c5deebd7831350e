/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decodes the input, as one thing and as a text, and scans it; what the decoder says must hold together. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../schema/base/file.h"
#include "../../service/taint/decode.h"
#include "../../service/taint/scan.h"
#include "../../service/taint/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static bool inside(const char *p, size_t n, const char *text, size_t size)
{
        return !text || (p >= text && n <= size && (size_t)(p - text) <= size - n);
}

struct input {
        const char *text; /* NULL where what is decoded is another one, made of it */
        size_t size;
        bool any;
};

static int check(const struct taint_decoded *d, void *userdata)
{
        struct input *in = userdata;

        in->any = true;
        require(inside(d->input, d->input_len, in->text, in->size));
        for (unsigned bit = 0; bit < 64; bit++) {
                const struct taint_flag *f = d->reading.flags[bit];
                require(!f || (f->bit == bit && d->reading.mask >> bit & 1));
        }
        for (size_t i = 0; i < d->reading.n_ambiguous; i++)
                require(d->reading.ambiguous[i].n > 1);
        for (size_t i = 0; i < d->n_modules; i++) {
                const struct taint_module *m = &d->modules[i].module;
                require(inside(m->name, m->name_len, in->text, in->size));
                require(!m->letters || inside(m->letters, m->letters_len, in->text, in->size));
                require((d->modules[i].mask & ~d->reading.mask) == 0);
        }
        return 0;
}

static void scan(const struct taint_kernel *context, const uint8_t *data, size_t size)
{
        int fd = memfd_create("fuzz", MFD_CLOEXEC);
        struct scan s;

        require(fd >= 0 && file_write_all(fd, data, size) == 0 && lseek(fd, 0, SEEK_SET) == 0);
        require(scan_init(&s, context) == 0);
        require(scan_fd(&s, fd, "fuzz") == 0);
        require(s.flags[0].reports <= s.reports && s.modules.map.used <= SCAN_NAMES_MAX);
        scan_done(&s);
        (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct taint_kernel contexts[] = {
                { 0 },
                { TAINT_SUSE, TAINT_VERSION(3, 0, 101) },
                { TAINT_RHEL, TAINT_VERSION(4, 18, 0) },
        };
        struct input in = { (const char *)data, size, false };
        struct utf16 utf16;

        for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
                _cleanup_decoded_ struct taint_decoded d = { 0 };
                in.text = (const char *)data;
                int r = taint_decode_one(in.text, size, &contexts[i], &d, NULL);
                require(r == 0 || r == -EINVAL);
                if (r == 0)
                        require(check(&d, &in) == 0);
                in.any = false;
                in.text = utf16_detect(data, size, &utf16) ? NULL : (const char *)data;
                r = taint_decode_text((const char *)data, size, &contexts[i], check, &in, NULL);
                require((r == 0 && in.any) || (r == -EINVAL && !in.any));
        }
        scan(&contexts[0], data, size);
        return 0;
}
