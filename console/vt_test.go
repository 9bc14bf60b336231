package console

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// A vt is a terminal of so many rows and columns, as far as the console uses one. It does
// not answer when it is asked for the cursor's position, as some do not.
type vt struct {
	rows, cols int
	cells      [][]string
	y, x       int  // of the cursor
	wrap       bool // the next character goes to the next row
	history    []string
	strange    []string // sequences that it does not know
	left       []byte   // the beginning of a sequence
}

func newVT(rows, cols int) *vt {
	v := &vt{rows: rows, cols: cols}
	for range rows {
		v.cells = append(v.cells, make([]string, cols))
	}
	return v
}

func (v *vt) down() {
	if v.y < v.rows-1 {
		v.y++
		return
	}
	v.history = append(v.history, row(v.cells[0]))
	v.cells = append(v.cells[1:], make([]string, v.cols))
}

func (v *vt) put(cluster string, width int) {
	if v.wrap || v.x+width > v.cols {
		v.x, v.wrap = 0, false
		v.down()
	}
	v.cells[v.y][v.x] = cluster
	for i := 1; i < width; i++ {
		v.cells[v.y][v.x+i] = "\x00" // the right half
	}
	if v.x += width; v.x >= v.cols {
		v.x, v.wrap = v.cols-1, true
	}
}

// Write takes what a program prints.
func (v *vt) Write(p []byte) (int, error) {
	text := append(v.left, p...)
	v.left = nil
	for len(text) > 0 {
		n := v.one(text)
		if n == 0 {
			v.left = append([]byte(nil), text...)
			break
		}
		text = text[n:]
	}
	return len(p), nil
}

// one takes one character or sequence and returns its length, 0 where it is not whole.
func (v *vt) one(text []byte) int {
	switch c := text[0]; {
	case c == '\r':
		v.x, v.wrap = 0, false
	case c == '\n':
		v.wrap = false
		v.down()
	case c == '\b':
		v.x, v.wrap = max(0, v.x-1), false
	case c == 7:
	case c == 0x1b:
		return v.escape(text)
	case c < ' ':
		v.strange = append(v.strange, strconv.Quote(string(c)))
	case !utf8.FullRune(text):
		return 0
	default:
		cluster, _, width, _ := uniseg.FirstGraphemeCluster(text, -1)
		v.put(string(cluster), max(1, width))
		return len(cluster)
	}
	return 1
}

func (v *vt) escape(text []byte) int {
	if len(text) < 2 {
		return 0
	}
	switch text[1] {
	case 'D':
		v.down()
		return 2
	case 'E':
		v.x = 0
		v.down()
		return 2
	case '[':
	default:
		v.strange = append(v.strange, strconv.Quote(string(text[:2])))
		return 2
	}
	end := 2
	for ; end < len(text) && (text[end] < '@' || text[end] > '~'); end++ {
	}
	if end == len(text) {
		return 0
	}
	if again := strings.LastIndexByte(string(text[:end]), 0x1b); again > 0 {
		return again // it begins anew within
	}
	v.control(string(text[2:end]), text[end])
	return end + 1
}

func (v *vt) control(args string, final byte) {
	n, err := strconv.Atoi(args)
	if err != nil || n == 0 {
		n = 1
	}
	switch final {
	case 'A':
		v.y = max(0, v.y-n)
	case 'B':
		v.y = min(v.rows-1, v.y+n)
	case 'C':
		v.x = min(v.cols-1, v.x+n)
	case 'D':
		v.x = max(0, v.x-n)
	case 'H':
		v.y, v.x = 0, 0
	case 'J':
		if args == "2" {
			v.clear(0, 0)
			break
		}
		v.clear(v.y, v.x)
	case 'K':
		if args == "2" {
			clear(v.cells[v.y])
			break
		}
		clear(v.cells[v.y][v.x:])
	case 'm', 'h', 'l', 'q':
		return
	default:
		v.strange = append(v.strange, "CSI "+args+string(final))
	}
	v.wrap = false
}

func (v *vt) clear(y, x int) {
	clear(v.cells[y][x:])
	for _, r := range v.cells[y+1:] {
		clear(r)
	}
}

func row(cells []string) string {
	var b strings.Builder
	for _, c := range cells {
		switch c {
		case "":
			b.WriteByte(' ')
		case "\x00":
		default:
			b.WriteString(c)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// screen is what can be seen, without empty rows at the end.
func (v *vt) screen() string {
	var all []string
	for _, r := range v.cells {
		all = append(all, row(r))
	}
	return strings.TrimRight(strings.Join(all, "\n"), "\n")
}

// all is the screen with what has scrolled off it.
func (v *vt) all() string {
	return strings.Join(append(v.history[:len(v.history):len(v.history)], v.screen()), "\n")
}

// line is the row that the cursor is in.
func (v *vt) line() string { return row(v.cells[v.y]) }
