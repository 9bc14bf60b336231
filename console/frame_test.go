package console

import (
	"bytes"
	"reflect"
	"testing"
)

func FuzzFrame(f *testing.F) {
	for _, one := range []frame{
		{Type: "hello", Version: 1, Text: "1.2.3"},
		{Type: "run", ID: 1, Line: "cameras --json", Width: 80, Colour: true, Live: true},
		{Type: "output", ID: 1, Stream: 2, Data: []byte("x\x00\xff")},
		{Type: "file", ID: 1, Name: "a.jpg", Data: []byte{0xff, 0xd8}, Last: true},
		{Type: "done", ID: 1, Status: 2, Act: actExit},
		{Type: "completion", ID: 2, Completion: &completion{Prefix: "c", Candidates: []candidate{{"cameras", "all"}}, Files: true}},
	} {
		line, err := one.bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(line)
	}
	f.Add([]byte(`{"type":"run","width":-1}`))
	f.Add([]byte(`{"type":"x","data":"!"}`))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, line []byte) {
		one, err := parseFrame(line)
		if err != nil {
			return
		}
		if one.Type == "" || one.Width < 0 || one.Width > 10000 || len(one.Data) > maxData || len(one.Line) > maxLine {
			t.Fatalf("%q is taken as %+v", line, one)
		}
		if one.Completion != nil {
			for _, c := range one.Completion.checked().Candidates {
				if clean(c.Value) != c.Value || clean(c.About) != c.About {
					t.Fatalf("%q would be shown", c)
				}
			}
		}
		sent, err := one.bytes()
		if err != nil {
			return // longer than it came: what JSON escapes
		}
		if n := bytes.IndexByte(sent, '\n'); n != len(sent)-1 {
			t.Fatalf("%q is more than one line", sent)
		}
		again, err := parseFrame(sent)
		if err != nil || !reflect.DeepEqual(normal(again), normal(one)) {
			t.Fatalf("%q: %+v, then %+v: %v", line, one, again, err)
		}
	})
}

// normal is a frame without the difference between nothing and an empty list.
func normal(f frame) frame {
	if len(f.Data) == 0 {
		f.Data = nil
	}
	if f.Completion != nil {
		c := *f.Completion
		if len(c.Candidates) == 0 {
			c.Candidates = nil
		}
		f.Completion = &c
	}
	return f
}
