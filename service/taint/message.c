/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"

#include <string.h>

#include "taint.h"

static const struct {
        unsigned bit;
        bool module;
        const char *text[2];
} messages[] = {
#define TAINT_MESSAGE(BIT, MODULE, ...) { BIT, MODULE, { __VA_ARGS__ } },
#include "taint-messages.def"
#undef TAINT_MESSAGE
};

/* The first word of what the kernel logged: behind the time, the host, "kernel:" and what else a log puts in
 * front.
 * "%s: %s: kernel tainted." has a reason between the name and the text. */
static void find_module(const char *line, const char *hit, struct taint_message *ret)
{
        static const char *const marks[] = { "kernel: ", "] " };
        const char *name = line;

        for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
                for (const char *p; (p = memmem(name, (size_t)(hit - name), marks[i], strlen(marks[i])));)
                        name = p + strlen(marks[i]);
        const char *colon = memchr(name, ':', (size_t)(hit - name) + 1);
        if (colon && colon > name && !memchr(name, ' ', (size_t)(colon - name))) {
                ret->module = name;
                ret->module_len = (size_t)(colon - name);
        }
}

bool taint_message_parse(const char *line, size_t n, struct taint_message *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
                const char *const *text = messages[i].text;
                const char *hit = memmem(line, n, text[0], strlen(text[0]));
                if (!hit || (text[1] && !memmem(hit, (size_t)(line + n - hit), text[1], strlen(text[1]))))
                        continue;
                *ret = (struct taint_message){ .bit = messages[i].bit };
                if (messages[i].module)
                        find_module(line, hit, ret);
                return true;
        }
        return false;
}
