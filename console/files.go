package console

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// withFiles offers the files of the one who types, in place of a completion that asks for
// them.
func withFiles(c completion) completion {
	dir, base := filepath.Split(c.Prefix)
	look := dir
	if look == "" {
		look = "."
	}
	entries, _ := os.ReadDir(look) // none are offered of a folder that cannot be read
	for _, e := range entries {
		name := e.Name()
		unwanted := strings.HasPrefix(name, ".") && !strings.HasPrefix(base, ".")
		if !strings.HasPrefix(name, base) || unwanted || clean(name) != name || quoted(name) != name || len(c.Candidates) == maxCandidates {
			continue
		}
		if e.IsDir() {
			name += "/"
		}
		c.Candidates = append(c.Candidates, candidate{Value: dir + name})
	}
	return c
}

// WriteFile puts a file in place whole, or not at all. What is no file, such as /dev/stdout
// or a named pipe, is written into: to root, /dev/null could be replaced.
func WriteFile(name string, data []byte) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return fmt.Errorf("the file cannot be written: %w", err)
		}
		return nil
	}
	if at, err := filepath.EvalSymlinks(name); err == nil { // a link stays one
		name = at
	}
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
