package console

import (
	"io"
	"strings"
)

// A column of a table.
type column struct {
	head  string
	min   int  // columns of the terminal that it takes at least
	right bool // aligned to the right
	whole bool // never shortened: an address that people copy
}

// A cell is a text of any origin and how it looks.
type cell struct {
	text  string
	style style
}

// A table is written when all its rows are known.
type table struct {
	columns []column
	gap     int // blanks between columns; 0: 2
	rows    [][]cell
}

// add appends a row of plain texts.
func (t *table) add(texts ...string) {
	row := make([]cell, len(texts))
	for i, s := range texts {
		row[i].text = s
	}
	t.rows = append(t.rows, row)
}

// smallest is what a column is shortened to at most.
const smallest = 6

// write writes head and rows. width is the terminal's; 0: no terminal, all is written.
func (t *table) write(w io.Writer, width int, colour bool) error {
	gap := t.gap
	if gap == 0 {
		gap = 2
	}
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = max(c.min, columns(c.head))
	}
	for _, row := range t.rows {
		for i := range row {
			row[i].text = clean(row[i].text)
			widths[i] = max(widths[i], columns(row[i].text))
		}
	}
	if width > 0 {
		t.shrink(widths, width-gap*(len(widths)-1))
	}
	var b strings.Builder
	line := func(row []cell) {
		var line strings.Builder
		for i, c := range row {
			if i > 0 {
				line.WriteString(strings.Repeat(" ", gap))
			}
			text := cut(c.text, widths[i])
			blanks := strings.Repeat(" ", max(0, widths[i]-columns(text)))
			if t.columns[i].right {
				line.WriteString(blanks)
				blanks = ""
			}
			line.WriteString(paint(text, c.style, colour))
			line.WriteString(blanks)
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	head := make([]cell, len(t.columns))
	for i, c := range t.columns {
		head[i] = cell{c.head, bold}
	}
	line(head)
	for _, row := range t.rows {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shrink takes from the widest columns until the row fits, or none can give any more.
func (t *table) shrink(widths []int, room int) {
	for {
		sum, widest := 0, -1
		for i, w := range widths {
			sum += w
			if !t.columns[i].whole && w > max(smallest, columns(t.columns[i].head)) && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if sum <= room || widest < 0 {
			return
		}
		widths[widest]--
	}
}
