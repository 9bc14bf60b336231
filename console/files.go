package console

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/reeflective/readline"
)

// offeredFiles completes the name of a file of the one who types.
func offeredFiles(prefix string) readline.Completions {
	dir, base := filepath.Split(prefix)
	look := dir
	if look == "" {
		look = "."
	}
	entries, err := os.ReadDir(look)
	if err != nil {
		return readline.CompleteMessage("%s", clean(err.Error()))
	}
	var all []readline.Completion
	for _, e := range entries {
		name := e.Name()
		hiddenFile := strings.HasPrefix(name, ".") && !strings.HasPrefix(base, ".")
		if !strings.HasPrefix(name, base) || hiddenFile || clean(name) != name || quoted(name) != name || len(all) == maxCandidates {
			continue
		}
		if e.IsDir() {
			name += "/"
		}
		all = append(all, readline.Completion{Value: dir + name, Display: name})
	}
	done := readline.CompleteRaw(all).NoSpace('/')
	done.PREFIX = prefix
	return done
}

// writeFile puts a file in place whole, or not at all.
func writeFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".camgate-*")
	if err != nil {
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("the file cannot be written: %w", err)
	}
	return nil
}
