/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../../schema/base/clock.h"
#include "../../schema/names/path.h"
#include "cells.h"

/* ---- The terminal ---- */

static SCREEN *terminal;

int screen_open(struct diag *d)
{
        const char *term = getenv("TERM");

        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return diag_set(d, EINVAL, "standard input and output must be a terminal");
        terminal = newterm(NULL, stdout, stdin);
        if (!terminal)
                return diag_set(d, EINVAL, "the terminal '%s' is not known ($TERM)", term ? term : "");
        (void)set_term(terminal);
        (void)cbreak();
        (void)noecho();
        (void)nonl();
        (void)set_escdelay(25);
        (void)keypad(stdscr, TRUE);
        (void)nodelay(stdscr, TRUE);
        return 0;
}

void screen_close(void)
{
        if (!terminal)
                return;
        (void)endwin();
        delscreen(terminal);
        terminal = NULL;
}

void screen_resize(void)
{
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
                (void)resizeterm(size.ws_row, size.ws_col);
        (void)clearok(curscr, TRUE);
}

static const char *special_name(wint_t c)
{
        static const struct {
                wint_t code;
                const char *name;
        } names[] = {
                { KEY_UP, "Up" },
                { KEY_DOWN, "Down" },
                { KEY_LEFT, "Left" },
                { KEY_RIGHT, "Right" },
                { KEY_PPAGE, "PgUp" },
                { KEY_NPAGE, "PgDn" },
                { KEY_HOME, "Home" },
                { KEY_END, "End" },
                { KEY_DC, "Del" },
                { KEY_IC, "Ins" },
                { KEY_BACKSPACE, "Backspace" },
                { KEY_ENTER, "Enter" },
                { KEY_F(1), "F1" },
                { KEY_F(3), "F3" },
                { KEY_F(5), "F5" },
                { KEY_F(10), "F10" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (names[i].code == c)
                        return names[i].name;
        return "";
}

static void plain_name(wint_t c, char ret[SCREEN_KEY_MAX])
{
        mbstate_t state = { 0 };

        switch (c) {
        case '\r':
        case '\n':
                (void)strcpy(ret, "Enter");
                return;
        case '\t':
                (void)strcpy(ret, "Tab");
                return;
        case 0x1B:
                (void)strcpy(ret, "Esc");
                return;
        case 0x08:
        case 0x7F:
                (void)strcpy(ret, "Backspace");
                return;
        case ' ':
                (void)strcpy(ret, "Space");
                return;
        default:
                break;
        }
        if (c < 0x20) {
                (void)snprintf(ret, SCREEN_KEY_MAX, "^%c", (int)c + '@');
                return;
        }
        size_t n = wcrtomb(ret, (wchar_t)c, &state);
        ret[n == (size_t)-1 ? 0 : n] = '\0';
}

bool screen_next_key(char ret[SCREEN_KEY_MAX])
{
        wint_t c;

        int r = get_wch(&c);
        if (r == ERR)
                return false;
        if (r == KEY_CODE_YES)
                (void)snprintf(ret, SCREEN_KEY_MAX, "%s", special_name(c));
        else
                plain_name(c, ret);
        return true;
}

/* ---- Where things are ---- */

struct layout {
        int lines, columns;
        int left;   /* columns of the tree; the line between is the next one */
        int right;  /* first column of the values */
        int height; /* lines of both, below the title */
};

static struct layout lay_out(void)
{
        struct layout l = { .lines = LINES, .columns = COLS };

        l.left = l.columns / 3 < 60 ? l.columns / 3 : 60;
        l.right = l.left + 1;
        l.height = l.lines - 3;
        return l;
}

/* So that the selected one is visible. */
static size_t scroll_to(size_t top, size_t selected, size_t n, size_t height)
{
        if (selected < top)
                top = selected;
        if (selected >= top + height)
                top = selected - height + 1;
        return top + height > n ? (n > height ? n - height : 0) : top;
}

static void put(int y, int x, int width, attr_t attributes, const char *text)
{
        _cleanup_buf_ struct buf cells = BUF_INIT;

        if (width <= 0)
                return;
        cells_fill(&cells, text, strlen(text), (size_t)width);
        (void)attrset((int)attributes);
        (void)mvaddstr(y, x, buf_str(&cells));
        (void)attrset(A_NORMAL);
}

static bool is_marked(uint64_t marked)
{
        return marked > 0 && clock_usec() - marked < REGEDIT_MARK_USEC;
}

static attr_t row_attributes(bool selected, bool has_keys, bool marked)
{
        if (selected)
                return has_keys ? A_REVERSE : A_REVERSE | A_DIM;
        return marked ? A_BOLD : A_NORMAL;
}

/* ---- The tree ---- */

static const char *tree_sign(const struct regedit *r, const struct key_node *node)
{
        if (node->is_open)
                return "-";
        return node->read == r->tree.era && node->n_children == 0 ? " " : "+";
}

static void draw_node(const struct regedit *r, const struct layout *l, int y, const struct key_node *node)
{
        const bool marked = is_marked(node->marked);
        const size_t room = (size_t)l->left, deep = 2 * node->depth;
        _cleanup_buf_ struct buf line = BUF_INIT;

        /* Of a deep one the name is more than the depth. */
        buf_printf(&line, "%s%*s%s ", marked ? "!" : " ", (int)(deep < room / 2 ? deep : room / 2), "",
                tree_sign(r, node));
        buf_puts(&line, node->name);
        if (!(node->witnesses & KEY_IS_SET))
                buf_puts(&line, " (nothing set)");
        put(y, 0, l->left, row_attributes(node == r->tree.selected, !r->in_values, marked), buf_str(&line));
}

static void draw_tree(struct regedit *r, const struct layout *l)
{
        const struct key_tree *t = &r->tree;
        const size_t height = (size_t)l->height;

        if (t->n_rows > 0)
                r->tree_top = scroll_to(r->tree_top, t->selected->row, t->n_rows, height);
        for (size_t i = 0; i < height && r->tree_top + i < t->n_rows; i++)
                draw_node(r, l, 1 + (int)i, t->rows[r->tree_top + i]);
}

/* ---- The values ---- */

static void put_data(struct buf *out, const struct value_row *row)
{
        if (row->entry) {
                const struct value v = entry_value(row->entry);
                entry_format_short(out, &v);
        } else if (row->known->sv.has_default)
                buf_printf(out, "(not set, default %s)", row->known->sv.default_text);
        else
                buf_puts(out, "(not set)");
}

static void draw_value(const struct regedit *r, const struct layout *l, int y, const struct value_row *row,
        size_t name_width)
{
        const bool marked = is_marked(row->marked), selected = row == value_list_selected(&r->values);
        const int width = l->columns - l->right;
        const char *name = path_word_of_value_name(row->name);
        _cleanup_buf_ struct buf line = BUF_INIT, data = BUF_INIT;

        buf_puts(&line, marked ? "!" : " ");
        cells_fill(&line, name, strlen(name), name_width);
        buf_puts(&line, "  ");
        put_data(&data, row);
        cells_put(&line, buf_str(&data), data.len, (size_t)width - name_width - 3);
        put(y, l->right, width, row_attributes(selected, r->in_values, marked), buf_str(&line));
}

/* As wide as the widest name, but a third of the room at most. */
static size_t name_width(const struct value_list *v, size_t top, size_t height, size_t most)
{
        size_t width = 4;

        for (size_t i = top; i < top + height && i < v->n; i++) {
                const char *name = path_word_of_value_name(v->rows[i].name);
                size_t n = cells_count(name, strlen(name));
                width = n > width ? n : width;
        }
        return width < most ? width : most;
}

static void draw_values(struct regedit *r, const struct layout *l)
{
        const struct value_list *v = &r->values;
        const size_t height = (size_t)l->height;

        r->values_top = scroll_to(r->values_top, v->selected, v->n, height);
        size_t width = name_width(v, r->values_top, height, (size_t)(l->columns - l->right) / 3);
        for (size_t i = 0; i < height && r->values_top + i < v->n; i++)
                draw_value(r, l, 1 + (int)i, &v->rows[r->values_top + i], width);
        if (v->n == 0)
                put(1, l->right + 1, l->columns - l->right - 1, A_NORMAL,
                        v->is_read ? "(no values)" : "reading ...");
}

/* ---- The rest ---- */

static void draw_title(const struct regedit *r, const struct layout *l)
{
        _cleanup_buf_ struct buf title = BUF_INIT;

        buf_printf(&title, " %s", buf_str(&r->values.key));
        put(0, 0, l->columns, A_REVERSE, buf_str(&title));
}

static void draw_status(const struct regedit *r, const struct layout *l)
{
        put(l->lines - 2, 0, l->columns, r->is_error ? A_BOLD : A_NORMAL, r->status.text);
}

static void draw_bar(const struct layout *l)
{
        _cleanup_buf_ struct buf bar = BUF_INIT;

        actions_bar(&bar, (size_t)l->columns);
        put(l->lines - 1, 0, l->columns, A_REVERSE, buf_str(&bar));
}

static void draw_panes(struct regedit *r, const struct layout *l)
{
        r->page = (size_t)l->height;
        draw_title(r, l);
        (void)mvvline(1, l->left, ACS_VLINE, l->height);
        draw_tree(r, l);
        draw_values(r, l);
        draw_status(r, l);
        draw_bar(l);
}

static void draw_view(struct view *v, const struct layout *l)
{
        const int height = l->lines - 2;

        put(0, 0, l->columns, A_REVERSE, v->title);
        if (view_lay(v, (size_t)l->columns, (size_t)height) == 0)
                for (size_t i = 0; i < (size_t)height && v->top + i < v->n_lines; i++) {
                        const struct view_line *line = &v->lines[v->top + i];
                        _cleanup_buf_ struct buf text = BUF_INIT;
                        buf_add(&text, v->text.data + line->at, line->len);
                        put(1 + (int)i, 0, l->columns,
                                v->kind == VIEW_MENU && v->top + i == v->selected ? A_REVERSE : A_NORMAL,
                                buf_str(&text));
                }
        put(l->lines - 1, 0, l->columns, A_REVERSE, view_hint(v));
}

void screen_draw(struct regedit *r)
{
        const struct layout l = lay_out();

        (void)erase();
        (void)curs_set(0);
        if (l.lines < SCREEN_LINES_MIN || l.columns < SCREEN_COLUMNS_MIN)
                put(0, 0, l.columns, A_NORMAL,
                        "The terminal is too small: 80 columns and 24 lines, please.");
        else if (r->view.kind != VIEW_CLOSED)
                draw_view(&r->view, &l);
        else
                draw_panes(r, &l);
        (void)refresh();
}
