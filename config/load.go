package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// maxBytes is the largest configuration read: ten thousand cameras fit.
const maxBytes = 1 << 20

// Mistakes are all that is wrong with a configuration.
type Mistakes []Mistake

// Mistake is a line and a sentence.
type Mistake struct {
	File string
	Line int // from 1; 0 where it concerns the whole file
	Text string
}

// Error is one line a mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Error is "file:line: sentence".
func (m Mistake) Error() string {
	if m.Line == 0 {
		return m.File + ": " + m.Text
	}
	return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Text)
}

// Load reads and checks a file. The error is Mistakes, with all of them, or says why the
// file cannot be read.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	return Parse(path, data)
}

// Parse checks the text of a configuration; file is its name, for messages.
func Parse(file string, data []byte) (*Config, error) {
	r := &reader{file: file}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // editors on Windows write it
	switch {
	case len(data) > maxBytes:
		r.mistake(0, "the file is larger than %d bytes: this is no configuration", maxBytes)
		return nil, r.mistakes
	case !utf8.Valid(data):
		r.mistake(1+bytes.Count(data[:firstInvalid(data)], []byte("\n")), "a character is not UTF-8: save the file as UTF-8")
		return nil, r.mistakes
	}
	var tree map[string]any
	if err := toml.Unmarshal(data, &tree); err != nil {
		var d *toml.DecodeError
		if !errors.As(err, &d) {
			r.mistake(0, "%s", strings.TrimPrefix(err.Error(), "toml: "))
			return nil, r.mistakes
		}
		line, _ := d.Position()
		// The library quotes the text around a mistake, and so perhaps a password: its
		// one sentence is all that is passed on.
		r.mistake(line, "%s", withoutQuotes(strings.TrimPrefix(d.Error(), "toml: ")))
		return nil, r.mistakes
	}
	r.lines = linesOf(data)
	c := defaults()
	r.table("", tree, &c)
	r.check(&c)
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return a.Line - b.Line })
		return nil, r.mistakes
	}
	return &c, nil
}

// NewCamera is a camera with the defaults of a configuration. The error is Mistakes.
func NewCamera(name, source string) (Camera, error) {
	c := cameraDefaults()
	c.Name, c.Source = name, Secret{source}
	r := &reader{file: "camera " + strconv.Quote(name)}
	r.checkCamera("camera", &c)
	if len(r.mistakes) > 0 {
		return Camera{}, r.mistakes
	}
	return c, nil
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(data)
}

// withoutQuotes cuts what an error quotes of the file, if that is more than a character.
func withoutQuotes(s string) string {
	if i := strings.IndexAny(s, "\"`"); i >= 0 {
		s = strings.TrimRight(s[:i], " :") + " here"
	}
	return s
}
