/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON document: Peios's own, and ours beside it; each bad entry is named. */
#include <errno.h>
#include <string.h>

#include "../../../registry-provider/exchange/exchange.h"
#include "suite.h"

static const char *const users[] = { "Users", NULL };

static struct hive_file *read_good(const char *text)
{
        struct hive_file *f = NULL;
        _cleanup_(diags_done) struct diags problems = { 0 };
        int r = exchange_read(
                "t", text, strlen(text), &(struct exchange_reading){ .hives = users }, &f, &problems);
        ck_assert_msg(r == 0, "%s", problems.n > 0 ? problems.list[0] : strerror(-r));
        return f;
}

static void check(const struct hive_value *v, const char *name, uint32_t type, const void *data, size_t size)
{
        ck_assert_str_eq(v->name, name);
        ck_assert_msg(value_equal(&v->value, &(struct value){ type, size, data }), "%s: %u, %zu bytes", name,
                v->value.type, v->value.size);
}

/* As serde_json writes it, pretty and not; an older one has no `hex` and has `data: null`. */
TEST(documents_of_peios)
{
        static const char text[] =
                "{\n  \"keys\": [\n    {\n      \"path\": \"Machine\\\\App\",\n      \"values\": [\n"
                "        {\"name\": \"@\", \"type\": \"sz\", \"data\": \"dark \\ud83d\\ude00 \\u00e9\\/\"},\n"
                "        {\"name\":\"E\",\"type\":\"expand\",\"data\":\"%HOME%\"},\n"
                "        {\"name\":\"L\",\"type\":\"link\",\"data\":\"Machine\\\\Other\"},\n"
                "        {\"name\":\"M\",\"type\":\"multi\",\"data\":[\"a\",\"b\"]},\n"
                "        {\"name\":\"D\",\"type\":\"dword\",\"data\":4096},\n"
                "        {\"name\":\"B\",\"type\":\"dword-be\",\"data\":1},\n"
                "        {\"name\":\"Q\",\"type\":\"qword\",\"data\":18446744073709551615},\n"
                "        {\"name\":\"X\",\"type\":\"binary\",\"data\":\"dead beef\"},\n"
                "        {\"name\":\"N\",\"type\":\"none\",\"data\":null},\n"
                "        {\"name\":\"N2\",\"type\":\"none\"},\n"
                "        {\"name\":\"S\",\"type\":\"sz\",\"hex\":\"ff00\"},\n"
                "        {\"name\":\"R\",\"type\":\"0x8\",\"hex\":\"09\"},\n"
                "        {\"name\":\"T\",\"type\":\"tombstone\"}\n"
                "      ]\n    },\n    {\"path\": \"Users/S-1-5-18\"}\n  ]\n}\n";
        _cleanup_hive_file_ struct hive_file *f = read_good(text);
        ck_assert_uint_eq(f->n_keys, 2);
        ck_assert_ptr_null(f->layer);
        ck_assert_str_eq(f->keys[1].path.text, "Users\\S-1-5-18");
        ck_assert_uint_eq(f->keys[0].line, 4);
        const struct hive_value *v = f->keys[0].values;
        ck_assert_uint_eq(f->keys[0].n_values, 13);
        check(v++, "", REG_SZ, "dark \xf0\x9f\x98\x80 \xc3\xa9/", 13);
        check(v++, "E", REG_EXPAND_SZ, "%HOME%", 6);
        check(v++, "L", REG_LINK, "Machine\\Other", 13);
        check(v++, "M", REG_MULTI_SZ, "a\0b", 4);
        check(v++, "D", REG_DWORD, "\0\x10\0", 4);
        check(v++, "B", REG_DWORD_BIG_ENDIAN, "\0\0\0\1", 4);
        check(v++, "Q", REG_QWORD, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
        check(v++, "X", REG_BINARY, "\xde\xad\xbe\xef", 4);
        check(v++, "N", REG_NONE, NULL, 0);
        check(v++, "N2", REG_NONE, NULL, 0);
        check(v++, "S", REG_SZ, "\xff\0", 2);
        check(v++, "R", REG_RESOURCE_LIST, "\x09", 1);
        check(v++, "T", REG_TOMBSTONE, NULL, 0);
}

/* What YAML takes for an end of line or refuses is a character in JSON like others. */
TEST(characters_that_yaml_has_otherwise)
{
        static const char text[] =
                "{\"keys\":[{\"path\":\"Machine\\\\A\",\"values\":[{\"name\":\"V\",\"type\":\"sz\","
                "\"data\":\"a\xc2\x85\xe2\x80\xa8\x7f\xef\xbb\xbf\xef\xbf\xbe\xf0\x9f\xbf\xbf\tz\"}]}]}";
        _cleanup_hive_file_ struct hive_file *f = read_good(text);
        check(&f->keys[0].values[0], "V", REG_SZ,
                "a\xc2\x85\xe2\x80\xa8\x7f\xef\xbb\xbf\xef\xbf\xbe\xf0\x9f\xbf\xbf\tz", 19);
}

TEST(ours_refuses_there)
{
        static const char text[] =
                "{\"peios-registry\":1,\"layer\":\"site\",\"precedence\":7,\"enabled\":false,\"hives\":[\"Site\"],"
                "\"keys\":[\n"
                " {\"path\":\"Machine\\\\A\",\"values\":[\n"
                "  {\"name\":\"@@\",\"type\":\"sz\",\"data\":\"at\"},\n"
                "  {\"name\":\"E\",\"type\":\"sz\",\"data\":\"a\",\"hex\":\"6100\"},\n"
                "  {\"name\":\"Q\",\"type\":\"qword\",\"data\":\"18446744073709551615\",\"hex\":\"ffffffffffffffff\"},\n"
                "  {\"name\":\"B\",\"type\":\"binary\",\"data\":\"00ff\"},\n"
                "  {\"name\":\"S\",\"type\":\"0x8\",\"hex\":\"\"},\n"
                "  {\"name\":\"T\",\"type\":\"tombstone\"},\n"
                "  {\"name\":\"Gone\",\"type\":\"delete\"}]},\n"
                " {\"hide\":\"Site\\\\H\",\"values\":[]},\n"
                " {\"blanket\":\"Machine\\\\B\",\"values\":[]},\n"
                " {\"delete\":\"Machine\\\\D\",\"values\":[]},\n"
                " {\"replace\":\"Machine\\\\R\",\"values\":[\n"
                "  {\"name\":\"V\",\"type\":\"dword\",\"data\":1}]}]}\n";
        static const char *const hives[] = { "Site", NULL };
        _cleanup_hive_file_ struct hive_file *f = read_good(text);
        _cleanup_buf_ struct buf out = BUF_INIT;
        struct diag d = { 0 };

        ck_assert_str_eq(f->layer, "site");
        ck_assert_uint_eq(f->precedence, 7);
        ck_assert(!f->enabled && f->keys[1].hidden && f->keys[2].blanket && f->keys[2].made);
        ck_assert(f->keys[3].deleted && !f->keys[3].made && f->keys[4].deleted && f->keys[4].made);
        int r = exchange_write(&(struct exchange_writing){ .form = EXCHANGE_JSON,
                                       .hives = hives,
                                       .layer = f->layer,
                                       .precedence = &f->precedence,
                                       .enabled = &f->enabled },
                f, &out, &d);
        ck_assert_msg(r == 0, "%s", d.text);
        ck_assert_str_eq(buf_str(&out), text);
}

TEST(where_a_value_comes_from)
{
        static const char expected[] =
                "{\"peios-registry\":1,\"keys\":[\n"
                " {\"path\":\"Machine\\\\A\",\"values\":[\n"
                "  {\"name\":\"V\",\"type\":\"dword\",\"data\":1,\"layer\":\"policy\"}]}]}\n";
        _cleanup_exchange_writer_ struct exchange_writer *w = NULL;
        _cleanup_buf_ struct buf out = BUF_INIT;
        _cleanup_hive_file_ struct hive_file *f = read_good(expected);

        ck_assert_int_eq(
                exchange_writer_new(&(struct exchange_writing){ .form = EXCHANGE_JSON }, &out, &w, NULL), 0);
        exchange_write_comment(w, "is left out");
        ck_assert_int_eq(exchange_write_key(w, &f->keys[0], NULL), 0);
        ck_assert_int_eq(exchange_write_value(w, &f->keys[0].values[0], "policy", NULL), 0);
        ck_assert_int_eq(exchange_write_end(w), 0);
        ck_assert_str_eq(buf_str(&out), expected);
}

#define DOC(values) "{\"keys\":[{\"path\":\"Machine\\\\A\",\"values\":[" values "]}]}"
#define VALUE(rest) DOC("{\"name\":\"V\"," rest "}")

TEST(what_is_bad_is_named)
{
        static const struct {
                const char *text, *problem;
        } bad[] = {
                { "{\"keys\":[{}]}", "t:1:10: a key without a path, expected `path`" },
                { "{\"keys\":[1]}", "t:1:10: a key that is no object" },
                { "{\"keys\":[{\"path\":\"Machine\\\\A\",\"odd\":1}]}",
                        "t:1:31: unknown member `odd` of a key" },
                { "{\"keys\":[{\"path\":\"Machine\\\\A\",\"delete\":\"Machine\\\\A\"}]}",
                        "t:1:31: `delete` beside `path`" },
                { "{\"keys\":[{\"path\":\"Other\\\\A\"}]}", "t:1:18: `Other` is no hive" },
                { "{\"keys\":[{\"path\":\"Machine\\\\\\\\A\"}]}",
                        "t:1:18: key: component 2 of the path: empty" },
                { "{\"keys\":[{\"path\":\"Machine\\\\A\"},{\"path\":\"machine/a\"}]}",
                        "t:1:40: key `machine\\a` is here a second" },
                { "{\"keys\":[{\"path\":\"Machine\\\\A\",\"values\":{}}]}", "t:1:40: `values` is no list" },
                { "{\"keys\":[{\"delete\":\"Machine\"}]}", "t:1:20: `delete` of a hive itself" },
                { "{\"keys\":[{\"hide\":\"Machine\\\\A\",\"values\":[{\"name\":\"V\",\"type\":\"none\"}]}]}",
                        "t:1:40: `values` beside `hide`" },
                { "{\"layers\":\"x\",\"keys\":[]}", "t:1:2: unknown member `layers`" },
                { "{\"layer\":\"default\",\"keys\":[]}", "t:1:10: layer `default` is the registry's own" },
                { "{\"peios-registry\":2,\"keys\":[]}", "t:1:19: format version `2` is not known" },
                { DOC("1"), "t:1:41: a value that is no object" },
                { DOC("{\"type\":\"sz\"}"), "t:1:41: a value without a name" },
                { DOC("{\"name\":\"V\",\"data\":1}"), "t:1:41: a value without a type" },
                { VALUE("\"type\":\"text\",\"data\":\"a\""), "t:1:60: type `text` is not known" },
                { VALUE("\"type\":\"0x99\",\"hex\":\"\""), "t:1:60: type `0x99` is not known" },
                { VALUE("\"type\":\"sz\""), "t:1:60: a value of type sz without data" },
                { VALUE("\"type\":\"sz\",\"data\":1"),
                        "t:1:72: `data` of type sz, expected a text in quotes" },
                { VALUE("\"type\":\"dword\",\"data\":4294967296"),
                        "t:1:75: `data` of type dword, expected a number" },
                { VALUE("\"type\":\"dword\",\"data\":-1"),
                        "t:1:75: `data` of type dword, expected a number" },
                { VALUE("\"type\":\"dword\",\"data\":1.0"),
                        "t:1:75: `data` of type dword, expected a number" },
                { VALUE("\"type\":\"multi\",\"data\":\"a\""),
                        "t:1:75: `data` of type multi, expected a list" },
                { VALUE("\"type\":\"multi\",\"data\":[1]"), "t:1:76: an item that is no text" },
                { VALUE("\"type\":\"binary\",\"data\":\"0\""),
                        "t:1:76: `data` of type binary, expected a text of pairs" },
                { VALUE("\"type\":\"0x8\",\"data\":\"00\""),
                        "t:1:73: `data` of type 0x8, expected its bytes as `hex`" },
                { VALUE("\"type\":\"sz\",\"hex\":\"0g\""),
                        "t:1:71: `hex` of type sz, expected a text of pairs" },
                { VALUE("\"type\":\"delete\",\"data\":1"), "t:1:76: `data` of type delete, expected none" },
                { VALUE("\"type\":\"sz\",\"data\":\"a\",\"size\":1"),
                        "t:1:76: unknown member `size` of a value" },
                { DOC("{\"name\":\"V\",\"type\":\"none\"},{\"name\":\"v\",\"type\":\"none\"}"),
                        "t:1:76: value `v` is here a second" },
                { VALUE("\"type\":\"sz\",\"data\":\"a\nb\""), "t:1:74: the end of the line inside a text" },
                { VALUE("\"type\":\"sz\",\"data\":\"\\ud83d\""), "t:1:73: half of a pair" },
                { VALUE("\"type\":\"sz\",\"data\":\"\\ude00\""), "t:1:73: half of a pair" },
                { VALUE("\"type\":\"sz\",\"data\":\"a\\u0000b\""), "t:1:72: text with a NUL" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(diags_done) struct diags problems = { 0 };
                struct hive_file *f = NULL;
                int r = exchange_read("t", bad[i].text, strlen(bad[i].text), &(struct exchange_reading){ 0 },
                        &f, &problems);
                ck_assert_msg(
                        r == -EINVAL && problems.n == 1 && !f, "%s: %d, %zu", bad[i].text, r, problems.n);
                ck_assert_msg(strncmp(problems.list[0], bad[i].problem, strlen(bad[i].problem)) == 0,
                        "%s:\n%s\n%s", bad[i].text, problems.list[0], bad[i].problem);
        }
}

TEST(the_rest_is_kept_on_request)
{
        static const char text[] =
                "{\"keys\":[{\"path\":\"Machine\\\\A\",\"values\":[1,{\"name\":\"B\",\"type\":\"sz\"},\n"
                "{\"name\":\"V\",\"type\":\"none\"}]},{\"path\":\"Odd\\\\A\"},{\"path\":\"Machine\\\\B\"}]}";
        _cleanup_(diags_done) struct diags problems = { 0 };
        _cleanup_hive_file_ struct hive_file *f = NULL;

        ck_assert_int_eq(exchange_read("t", text, strlen(text),
                                 &(struct exchange_reading){ .keep_going = true }, &f, &problems),
                0);
        ck_assert_uint_eq(problems.n, 3);
        ck_assert_uint_eq(f->n_keys, 2);
        ck_assert_uint_eq(f->keys[0].n_values, 1);
        check(&f->keys[0].values[0], "V", REG_NONE, NULL, 0);
}

/* A drop-in file has its keys as a map. */
TEST(not_in_a_drop_in_file)
{
        static const char text[] = "{\"peios-registry\":1,\"layer\":\"x\",\"keys\":[]}";
        struct hive_file *f = NULL;
        ck_assert_int_eq(hive_parse("t", text, strlen(text), 4096, &f, NULL), -EINVAL);
}

Suite *test_suite(void)
{
        return suite_of("exchange-json");
}
