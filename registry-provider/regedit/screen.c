/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "screen.h"

#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termcap.h>

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
        /* For a terminal that is not known newterm() does not give back all that it took. */
        terminal = tgetent(NULL, term ? term : "") > 0 ? newterm(NULL, stdout, stdin) : NULL;
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
        int left;  /* columns of the tree; the line between is the next one */
        int right; /* first column of the values */
        int width;
        int height; /* lines of both, below the title */
        int values; /* lines of the values */
        bool is_wide;
};

/* With so much room the layers are columns beside the values, else lines below them. */
#define WIDE_COLUMNS 100
#define LAYERS_LINES 7

static struct layout lay_out(void)
{
        struct layout l = { .lines = LINES, .columns = COLS };

        l.left = l.columns / 3 < 60 ? l.columns / 3 : 60;
        l.right = l.left + 1;
        l.width = l.columns - l.right;
        l.height = l.lines - 3;
        l.is_wide = l.width >= WIDE_COLUMNS;
        l.values = l.is_wide ? l.height - 1 : l.height - LAYERS_LINES - 1;
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

/* How a row is shown, without colours: the cursor is reversed; the row that it left in the other pane has
 * `>` in front, and one that was just changed `!`. */
static attr_t row_attributes(bool selected, bool has_keys, bool marked)
{
        if (selected && has_keys)
                return A_REVERSE;
        return selected || marked ? A_BOLD : A_NORMAL;
}

static char row_sign(bool selected, bool has_keys, bool marked)
{
        return marked ? '!' : selected && !has_keys ? '>' : ' ';
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
        const bool marked = is_marked(node->marked), selected = node == r->tree.selected;
        const size_t room = (size_t)l->left, deep = 2 * node->depth;
        _cleanup_buf_ struct buf line = BUF_INIT;

        /* Of a deep one the name is more than the depth. */
        buf_printf(&line, "%c%*s%s ", row_sign(selected, !r->in_values, marked),
                (int)(deep < room / 2 ? deep : room / 2), "", tree_sign(r, node));
        buf_puts(&line, node->name);
        if (!(node->witnesses & KEY_IS_SET))
                buf_puts(&line, " (nothing set)");
        put(y, 0, l->left, row_attributes(selected, !r->in_values, marked), buf_str(&line));
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

#define LAYERS_MAX 16
#define LAYER_CELLS_MIN 16

static void put_data(struct buf *out, const struct value_row *row)
{
        if (row->entry) {
                const struct value v = entry_value(row->entry);
                entry_format_short(out, &v);
        } else if (row->is_masked)
                buf_puts(out, "(masked)");
        else if (row->known->sv.has_default)
                buf_printf(out, "(not set, default %s)",
                        row->known->sv.default_text[0] ? row->known->sv.default_text : "empty");
        else
                buf_puts(out, "(not set)");
}

/* How the room of the values is divided. */
struct value_columns {
        size_t name, data, layer;       /* cells */
        const char *layers[LAYERS_MAX]; /* the names of those that have columns */
        size_t n;
};

/* As wide as the widest of the visible ones, but so wide at most. */
static void measure(
        struct value_columns *c, const struct value_list *v, size_t top, size_t height, size_t most)
{
        _cleanup_buf_ struct buf data = BUF_INIT;

        c->name = strlen("Name");
        c->data = strlen("Effective");
        for (size_t i = top; i < top + height && i < v->n; i++) {
                const char *name = path_word_of_value_name(v->rows[i].name);
                size_t n = cells_count(name, strlen(name));
                c->name = n > c->name ? n : c->name;
                buf_clear(&data);
                put_data(&data, &v->rows[i]);
                n = cells_count(buf_str(&data), data.len);
                c->data = n > c->data ? n : c->data;
        }
        c->name = c->name < most ? c->name : most;
        c->data = c->data < most ? c->data : most;
}

static const struct contender *find_layer(const struct value_row *row, const char *layer)
{
        for (size_t i = 0; i < row->layers.n; i++)
                if (strcmp(row->layers.list[i].entry.layer, layer) == 0)
                        return &row->layers.list[i];
        return NULL;
}

static bool has_column(const struct value_columns *c, const char *layer)
{
        for (size_t i = 0; i < c->n; i++)
                if (strcmp(c->layers[i], layer) == 0)
                        return true;
        return false;
}

/* Those that have a visible value, as many as there is room for. */
static void choose_layers(struct value_columns *c, const struct value_list *v, size_t top, size_t height)
{
        for (size_t i = top; i < top + height && i < v->n; i++)
                for (size_t k = 0; k < v->rows[i].layers.n; k++) {
                        const char *layer = v->rows[i].layers.list[k].entry.layer;
                        if (c->n < LAYERS_MAX && !has_column(c, layer))
                                c->layers[c->n++] = layer;
                }
}

static struct value_columns divide(const struct regedit *r, const struct layout *l)
{
        const size_t width = (size_t)l->width, height = (size_t)l->values;
        struct value_columns c = { 0 };

        measure(&c, &r->values, r->values_top, height, width / 3);
        if (l->is_wide)
                choose_layers(&c, &r->values, r->values_top, height);
        const size_t room = width - c.name - 3;
        while (c.n > 0 && (room - c.data) / c.n < LAYER_CELLS_MIN)
                c.n--;
        c.layer = c.n > 0 ? (room - c.data) / c.n : 0;
        c.data = c.n > 0 ? c.data : room;
        return c;
}

static void put_layer(struct buf *out, const struct contender *c)
{
        if (!c)
                return;
        const struct value v = entry_value(&c->entry);
        buf_puts(out, contender_wins(c) ? "*" : " ");
        if (contender_is_tombstone(c))
                buf_puts(out, "(masked)");
        else
                entry_format_short(out, &v);
        if (!contender_wins(c) && strcmp(c->state, "shadowed") != 0)
                buf_printf(out, " (%s)", c->state);
}

static void draw_value(const struct regedit *r, const struct layout *l, int y, const struct value_row *row,
        const struct value_columns *c)
{
        const bool marked = is_marked(row->marked), selected = row == value_list_selected(&r->values);
        const char *name = path_word_of_value_name(row->name);
        _cleanup_buf_ struct buf line = BUF_INIT, cell = BUF_INIT;

        buf_putc(&line, row_sign(selected, r->in_values, marked));
        cells_fill(&line, name, strlen(name), c->name);
        buf_puts(&line, "  ");
        put_data(&cell, row);
        cells_fill(&line, buf_str(&cell), cell.len, c->data);
        for (size_t i = 0; i < c->n; i++) {
                buf_clear(&cell);
                put_layer(&cell, find_layer(row, c->layers[i]));
                buf_puts(&line, "  ");
                cells_fill(&line, buf_str(&cell), cell.len, c->layer - 2);
        }
        put(y, l->right, l->width, row_attributes(selected, r->in_values, marked), buf_str(&line));
}

static void draw_heading(const struct layout *l, const struct value_columns *c)
{
        _cleanup_buf_ struct buf line = BUF_INIT;

        buf_puts(&line, " ");
        cells_fill(&line, "Name", 4, c->name);
        buf_puts(&line, "  ");
        cells_fill(&line, "Effective", 9, c->data);
        for (size_t i = 0; i < c->n; i++) {
                buf_puts(&line, "  ");
                cells_fill(&line, c->layers[i], strlen(c->layers[i]), c->layer - 2);
        }
        put(1, l->right, l->width, A_BOLD, buf_str(&line));
}

/* Those of the selected value, below the values. */
static void draw_layers(const struct regedit *r, const struct layout *l)
{
        const struct value_row *row = value_list_selected(&r->values);
        const int y = 1 + l->values;

        (void)mvhline(y, l->right, ACS_HLINE, l->width);
        if (!row)
                return;
        const char *name = path_word_of_value_name(row->name);
        _cleanup_buf_ struct buf title = BUF_INIT;
        buf_printf(&title, " layers of %s ", name);
        put(y, l->right + 1, (int)cells_count(buf_str(&title), title.len), A_NORMAL, buf_str(&title));
        for (size_t i = 0; i < row->layers.n && i < LAYERS_LINES; i++) {
                const struct contender *c = &row->layers.list[i];
                _cleanup_buf_ struct buf line = BUF_INIT;
                buf_printf(&line, "%s %s %" PRIu32 "  ", contender_wins(c) ? "*" : " ", c->entry.layer,
                        c->precedence);
                contender_format(&line, c);
                put(y + 1 + (int)i, l->right, l->width, contender_wins(c) ? A_BOLD : A_NORMAL,
                        buf_str(&line));
        }
}

static void draw_values(struct regedit *r, const struct layout *l)
{
        const struct value_list *v = &r->values;
        const int first = l->is_wide ? 2 : 1;

        r->values_top = scroll_to(r->values_top, v->selected, v->n, (size_t)l->values);
        const struct value_columns c = divide(r, l);
        for (size_t i = 0; i < (size_t)l->values && r->values_top + i < v->n; i++)
                draw_value(r, l, first + (int)i, &v->rows[r->values_top + i], &c);
        if (v->n == 0)
                put(first, l->right + 1, l->width - 1, A_NORMAL, v->is_read ? "(no values)" : "reading ...");
        if (l->is_wide)
                draw_heading(l, &c);
        else
                draw_layers(r, l);
}

/* ---- The rest ---- */

static void draw_title(const struct regedit *r, const struct layout *l)
{
        _cleanup_buf_ struct buf title = BUF_INIT, right = BUF_INIT;

        buf_printf(&title, " %s", buf_str(&r->values.key));
        if (r->access == ACCESS_DENIED)
                buf_puts(&right, " read-only ");
        else
                buf_printf(&right, " layer %s ", r->layer);
        const int all = (int)cells_count(buf_str(&right), right.len),
                  n = all < l->columns / 2 ? all : l->columns / 2;
        put(0, 0, l->columns - n, A_REVERSE, buf_str(&title));
        put(0, l->columns - n, n, A_REVERSE, buf_str(&right));
}

/* The text that is being typed, its end where it is long, and the cursor. */
static void draw_prompt(const struct regedit *r, const struct layout *l)
{
        const struct line_editor *e = &r->editor;
        const size_t label = strlen(r->prompt->label) + 2, room = (size_t)l->columns - label - 1;
        const char *text = buf_str(&e->text);
        size_t start = 0;

        while (cells_count(text + start, e->at - start) > room)
                start += cells_fit(text + start, e->at - start, 1);
        _cleanup_buf_ struct buf line = BUF_INIT;
        buf_printf(&line, "%s: %s", r->prompt->label, text + start);
        put(l->lines - 2, 0, l->columns, A_BOLD, buf_str(&line));
        (void)move(l->lines - 2, (int)(label + cells_count(text + start, e->at - start)));
        (void)curs_set(1);
}

static void draw_status(const struct regedit *r, const struct layout *l)
{
        put(l->lines - 2, 0, l->columns, r->is_error ? A_BOLD : A_NORMAL, r->status.text);
}

/* While something is typed the keys are letters, and what was said has their line. */
static void draw_bar(const struct regedit *r, const struct layout *l)
{
        _cleanup_buf_ struct buf bar = BUF_INIT;

        if (r->prompt && r->status.text[0])
                buf_puts(&bar, r->status.text);
        else
                actions_bar(&bar, (size_t)l->columns);
        put(l->lines - 1, 0, l->columns, A_REVERSE, buf_str(&bar));
}

static void draw_panes(struct regedit *r, const struct layout *l)
{
        r->page = (size_t)l->height;
        r->values_page = (size_t)l->values;
        r->is_wide = l->is_wide;
        draw_title(r, l);
        (void)mvvline(1, l->left, ACS_VLINE, l->height);
        draw_tree(r, l);
        draw_values(r, l);
        draw_bar(r, l);
        if (r->prompt)
                draw_prompt(r, l);
        else
                draw_status(r, l);
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
                put(0, 0, l.columns, A_NORMAL, "Too small: 80x24 or more");
        else if (r->view.kind != VIEW_CLOSED)
                draw_view(&r->view, &l);
        else
                draw_panes(r, &l);
        (void)refresh();
}
