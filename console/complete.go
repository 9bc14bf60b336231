package console

import (
	"slices"
	"strings"
)

// A candidate is one word that may stand at the cursor.
type candidate struct {
	Value string `json:"value"`
	About string `json:"about,omitempty"`
}

// A completion is what may stand at the cursor, in place of the word that is there.
type completion struct {
	Prefix     string      `json:"prefix"` // of the line's word at the cursor, as it was typed
	Candidates []candidate `json:"candidates,omitempty"`
	Files      bool        `json:"files,omitempty"` // names of the user's own files
}

// maxCandidates is how many are offered.
const maxCandidates = 200

// files is what a command's values give where the names of files are wanted.
var files = []candidate{{Value: "\x00files"}}

// complete says what may stand at the end of a line. It looks at nothing beyond the cursor.
func complete(g Gateway, line string) completion {
	words, err := split(line)
	if err != nil && err != errOpenQuote {
		return completion{}
	}
	args, partial, raw := texts(words), "", ""
	if n := len(words); n > 0 && (words[n-1].end == len(line)) {
		args, partial, raw = args[:n-1], words[n-1].text, line[words[n-1].start:]
	}
	c := root
	for len(args) > 0 && len(c.below) > 0 {
		if c = c.find(args[0]); c == nil {
			return completion{}
		}
		if args = args[1:]; c.commands {
			c = root
		}
	}
	done := completion{Prefix: raw}
	var all []candidate
	switch {
	case len(c.below) > 0:
		for _, b := range c.below {
			all = append(all, candidate{b.word, b.short})
		}
	case strings.HasPrefix(partial, "-"):
		if c.json && !slices.Contains(args, "--json") {
			all = []candidate{{"--json", "for other programs"}}
		}
	case c.values != nil:
		args = slices.DeleteFunc(slices.Clone(args), func(a string) bool { return a == "--json" })
		all = c.values(g, args)
	}
	if len(all) == 1 && all[0] == files[0] {
		done.Files = true
		return done
	}
	for _, one := range all {
		matches := strings.HasPrefix(strings.ToLower(one.Value), strings.ToLower(partial))
		if matches && clean(one.Value) == one.Value && len(done.Candidates) < maxCandidates {
			done.Candidates = append(done.Candidates, candidate{quoted(one.Value), cut(clean(one.About), 60)})
		}
	}
	return done
}

// cameraNames are the values of a command whose first argument is a camera.
func cameraNames(g Gateway, args []string) []candidate {
	if len(args) > 0 {
		return nil
	}
	var all []candidate
	for _, c := range g.Cameras() {
		s := c.Status()
		all = append(all, candidate{c.Name(), strings.TrimSpace(s.State + " " + s.Address)})
	}
	return all
}

// oneOf are values of a command whose first argument is one of some words.
func oneOf(words ...string) func(Gateway, []string) []candidate {
	return func(_ Gateway, args []string) []candidate {
		if len(args) > 0 {
			return nil
		}
		var all []candidate
		for _, w := range words {
			all = append(all, candidate{Value: w})
		}
		return all
	}
}

// checked is a completion that came over the socket, fit to be shown.
func (c completion) checked() completion {
	c.Candidates = slices.DeleteFunc(c.Candidates[:min(len(c.Candidates), maxCandidates)], func(one candidate) bool {
		return clean(one.Value) != one.Value
	})
	for i := range c.Candidates {
		c.Candidates[i].About = clean(c.Candidates[i].About)
	}
	return c
}
