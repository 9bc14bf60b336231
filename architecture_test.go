package camgate

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mayImport is which of our packages a package may import, itself not counted. A name
// that ends in /… means all below it. Tests may import what they like.
var mayImport = map[string][]string{
	"media":              nil,
	"config":             nil,
	"caption":            nil,
	"testleak":           nil,
	"testnet":            nil,
	"www":                nil,
	"camsim/stamp":       nil,
	"decoder":            {"media"},
	"camera/source":      {"media"},
	"onvif":              nil,
	"discovery":          nil,
	"camera":             {"media", "decoder", "caption", "camera/source", "onvif"},
	"diagnose":           {"media", "camera", "camera/source", "onvif"},
	"gateway":            {"config", "media", "camera", "camera/source", "discovery", "onvif"},
	"console":            {"media", "camera", "discovery", "onvif"},
	"outputs/params":     {"media"},
	"outputs/header":     {"media"},
	"outputs/viewerconn": nil,
	"outputs/wsconn":     {"outputs/params", "outputs/viewerconn"},
	"outputs/mjpeg":      {"media", "outputs/params", "outputs/header", "outputs/viewerconn"},
	"outputs/snapshot":   {"media", "outputs/header"},
	"outputs/ws":         {"media", "outputs/params", "outputs/wsconn"},
	"outputs/wall":       {"media", "caption", "outputs/params"},
	"outputs/legacy":     {"media", "camera/source", "outputs/params", "outputs/viewerconn", "outputs/mjpeg", "outputs/wsconn"},
	"outputs/webrtc":     {"media", "camera"},
	"outputs/httpd":      {"media", "camera", "discovery", "onvif", "outputs/…"},
	"camsim":             {"media", "decoder", "caption", "camsim/stamp"},
	"camsim/device":      {"media", "decoder", "camsim", "camsim/stamp"},
	"bench/rig":          {"media", "decoder", "camera/source", "camsim/stamp"},
	"bench":              {"media", "decoder", "camsim", "bench/rig"},
	"cmd/camsim":         {"media", "decoder", "camsim", "camsim/device"},
	"cmd/camgate":        {"…"},
}

func TestImportsGoOneWay(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || file == "doc.go" || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(file))
		allowed, known := mayImport[dir]
		if !known {
			t.Errorf("%s: the folder %s is not in ARCHITECTURE.md's order; add it to mayImport", file, dir)
		}
		seen[dir] = true
		for _, i := range f.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			ours, found := strings.CutPrefix(imported, "camgate/")
			if found && !matches(allowed, ours) {
				t.Errorf("%s imports %s: %s may import %v", file, ours, dir, allowed)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range mayImport {
		if !seen[dir] {
			t.Errorf("mayImport names %s, which is not there", dir)
		}
	}
}

func matches(allowed []string, imported string) bool {
	for _, a := range allowed {
		if below, all := strings.CutSuffix(a, "…"); a == imported || all && strings.HasPrefix(imported, below) {
			return true
		}
	}
	return false
}

func TestNoBinaryOrLargeFiles(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "--eol").Output()
	if err != nil {
		t.Fatalf("git: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		attributes, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && strings.Contains(attributes, "i/-text") {
			t.Errorf("%s is a binary file", path.Clean(name))
		}
	}
}
