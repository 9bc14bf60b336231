package www_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/robertkrimen/otto/parser"
	"golang.org/x/net/html"

	"camgate/www"
)

var scripts = []string{"player.js", "words.js", "page.js", "find.js"}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(www.Files(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// elements are all elements of the page.
func elements(t *testing.T, page string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var list []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			list = append(list, n)
		}
	}
	return list
}

// What the page names must be in the program: there may be no internet where it runs.
func TestPageLoadsOnlyWhatIsEmbedded(t *testing.T) {
	loaded := map[string]bool{}
	for _, e := range elements(t, read(t, "index.html")) {
		for _, a := range e.Attr {
			loads := a.Key == "src" || a.Key == "href" && e.Data == "link"
			if !loads {
				continue
			}
			loaded[a.Val] = true
			if content := read(t, a.Val); len(content) == 0 {
				t.Errorf("<%s %s=%q> is empty", e.Data, a.Key, a.Val)
			}
		}
	}
	for _, name := range append([]string{"page.css", "favicon.svg"}, scripts...) {
		if !loaded[name] {
			t.Errorf("the page does not load %s", name)
		}
	}
	elsewhere := regexp.MustCompile(`@import|\burl\(|(?:https?:)?//[a-z0-9-]+\.[a-z]`)
	for _, name := range append([]string{"page.css", "favicon.svg"}, scripts...) {
		// The namespace of SVG is a name, which nothing loads.
		content := strings.ReplaceAll(read(t, name), "http://www.w3.org/2000/svg", "")
		if found := elsewhere.FindString(content); found != "" {
			t.Errorf("%s loads something from elsewhere: %s", name, found)
		}
	}
}

// The server's Content-Security-Policy is default-src 'self': a browser would not run
// what is written into the page itself.
func TestPageRunsUnderItsContentSecurityPolicy(t *testing.T) {
	for _, e := range elements(t, read(t, "index.html")) {
		source := ""
		for _, a := range e.Attr {
			if a.Key == "src" {
				source = a.Val
			}
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("<%s> has %s=%q", e.Data, a.Key, a.Val)
			}
		}
		if e.Data == "style" || e.Data == "script" && source == "" {
			t.Errorf("there is a <%s> inside the page", e.Data)
		}
	}
	refused := regexp.MustCompile(`\beval\(|new Function\b|setAttribute\('style'|setTimeout\(['"]`)
	for _, name := range scripts {
		if found := refused.FindString(read(t, name)); found != "" {
			t.Errorf("%s has %s", name, found)
		}
	}
}

// A camera may be called <script>: names are text, and never become markup.
func TestNamesNeverBecomeMarkup(t *testing.T) {
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser`)
	for _, name := range scripts {
		if found := markup.FindString(read(t, name)); found != "" {
			t.Errorf("%s makes markup of text with %s", name, found)
		}
	}
}

// es5 lists what in a script a browser of ECMAScript 5 does not take: what a parser of
// that language refuses, and calls of things that came later.
func es5(script string) []string {
	var found []string
	if _, err := parser.ParseFile(nil, "", script, 0); err != nil {
		found = append(found, err.Error())
	}
	later := regexp.MustCompile(`\b(fetch|Promise|Symbol|Map|Set|Proxy|Reflect|ResizeObserver|AbortController|URLSearchParams)\b[.(]|` +
		`\.(includes|startsWith|endsWith|padStart|padEnd|repeat|find|findIndex|closest|matches|append|prepend|remove|replaceWith|finally)\(|` +
		`\b(Object\.(assign|entries|values)|Array\.from|Number\.is\w+)\(|\.dataset\b`)
	return append(found, later.FindAllString(script, -1)...)
}

func TestOldBrowsersRunTheScript(t *testing.T) {
	for _, name := range scripts {
		for _, problem := range es5(read(t, name)) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// The check above is worth something: it finds what it is there for.
func TestNewerScriptIsNoticed(t *testing.T) {
	for _, script := range []string{
		"let a = 1; f(a)", "const a = 1; f(a)", "f(() => 1)", "f(`a${b}`)", "class A {}; f(A)", "f({a})", "f(a ?? b)", "f(a?.b)",
		"for (var a of b) f(a)", "function f(a = 1) {}", "f(...a)", "async function f() {}", "f(2 ** x)", "var {a} = b; f(a)",
		"fetch('/x')", "new Promise(f)", "a.includes(b)", "Object.assign(a, b)", "a.dataset.b = 1",
	} {
		if len(es5(script)) == 0 {
			t.Errorf("%s passes as ES5", script)
		}
	}
	if found := es5("(function () { 'use strict'; var a = [1].map(function (b) { return b; }); f(a); })();"); len(found) != 0 {
		t.Errorf("ES5 does not pass: %v", found)
	}
}

// Thin clients on thin lines: the page is there at once.
func TestPageIsSmall(t *testing.T) {
	if n := len(read(t, "page.js")); n > 25_000 {
		t.Errorf("page.js has %d bytes", n)
	}
	if n := len(read(t, "find.js")); n > 10_000 {
		t.Errorf("find.js has %d bytes", n)
	}
	if n := len(read(t, "page.css")); n > 15_000 {
		t.Errorf("page.css has %d bytes", n)
	}
}

// Elements that the script takes by id are in the page, each once.
func TestScriptFindsItsElements(t *testing.T) {
	ids := map[string]int{}
	for _, e := range elements(t, read(t, "index.html")) {
		for _, a := range e.Attr {
			if a.Key == "id" {
				ids[a.Val]++
			}
		}
	}
	var written string // before it is made short
	for _, name := range []string{"page.js", "find.js"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		written += string(text)
	}
	wanted := regexp.MustCompile(`(?:\$|press)\('([a-z-]+)'`).FindAllStringSubmatch(written, -1)
	if len(wanted) < 10 {
		t.Fatalf("the script seems to take %d elements by id", len(wanted))
	}
	for _, w := range wanted {
		if ids[w[1]] != 1 {
			t.Errorf("the page has %d elements with id %q", ids[w[1]], w[1])
		}
	}
}

func TestPageReadsWellInScreenReaders(t *testing.T) {
	labelled := false
	for _, e := range elements(t, read(t, "index.html")) {
		attrs := map[string]string{}
		for _, a := range e.Attr {
			attrs[a.Key] = a.Val
		}
		if _, has := attrs["alt"]; e.Data == "img" && !has {
			t.Error("an <img> has no alt")
		}
		if e.Data == "html" && attrs["lang"] == "" {
			t.Error("the page does not say its language")
		}
		labelled = labelled || attrs["aria-live"] == "polite"
	}
	if !labelled {
		t.Error("nothing announces a camera's new state")
	}
}

// A word that a language lacks, or a place in it for what belongs in between, is seen by those
// alone who read it.
func TestEveryLanguageHasAllWords(t *testing.T) {
	text, err := os.ReadFile("words.js")
	if err != nil {
		t.Fatal(err)
	}
	word, place := regexp.MustCompile(`'?(\w+)'?: '([^']*)'`), regexp.MustCompile(`\{\d\}`)
	said := map[string]map[string]string{} // places by word by language
	for _, l := range regexp.MustCompile(`(?s)\n\t\t([a-z]{2}): \{(.*?)\n\t\t\}`).FindAllStringSubmatch(string(text), -1) {
		said[l[1]] = map[string]string{}
		for _, w := range word.FindAllStringSubmatch(l[2], -1) {
			places := place.FindAllString(w[2], -1)
			slices.Sort(places)
			said[l[1]][w[1]] = strings.Join(places, "")
		}
	}
	if len(said) != 5 || len(said["en"]) < 70 {
		t.Fatalf("%d languages were read, and %d English words", len(said), len(said["en"]))
	}
	for language, words := range said {
		if !maps.Equal(words, said["en"]) {
			t.Errorf("%s has not the same words, or places in them, as English: %v, and %v", language, words, said["en"])
		}
	}

	if text, err = os.ReadFile("player.js"); err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`var KEYS = '([^']+)'`).FindSubmatch(text)
	lists := regexp.MustCompile(`\n\t\t[a-z]{2}: '([^']+)' \+\n\t+'([^']+)'`).FindAllSubmatch(text, -1)
	if keys == nil || len(lists) != 5 {
		t.Fatalf("%d languages of the player were read", len(lists))
	}
	for _, l := range lists {
		if n := strings.Count(string(l[1])+string(l[2]), "|") + 1; n != len(strings.Fields(string(keys[1]))) {
			t.Errorf("the player has %d words for %d keys: %s", n, len(strings.Fields(string(keys[1]))), l[1])
		}
	}
}

// Whoever embeds the player has his own page to load.
func TestPlayerIsSmall(t *testing.T) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(z, read(t, "player.js")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if b.Len() >= 15<<10 {
		t.Errorf("player.js has %d bytes, compressed", b.Len())
	}
}
