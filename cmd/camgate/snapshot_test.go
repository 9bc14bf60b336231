package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"camgate/media"
)

func TestSnapshotIsWrittenToWhateverIsNamed(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	picture := &media.Picture{JPEG: []byte("a picture"), Width: 16, Height: 16}
	write := func(to string) error {
		return (&snapshotCommand{Output: to}).write(console{out: io.Discard, log: io.Discard}, picture)
	}
	if err := os.WriteFile(in("old.jpg"), bytes.Repeat([]byte("old"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("old.jpg", in("link.jpg")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"new.jpg", "link.jpg"} {
		if err := write(in(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"new.jpg", "old.jpg"} {
		if got, err := os.ReadFile(in(name)); err != nil || string(got) != "a picture" {
			t.Errorf("%s holds %q, %v", name, got, err)
		}
	}
	if info, err := os.Lstat(in("link.jpg")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is a link no more: %v", err)
	}

	if err := syscall.Mkfifo(in("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(in("pipe"), os.O_RDWR, 0) // both ends, so that nobody waits
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := write(in("pipe")); err != nil {
		t.Errorf("a pipe: %v", err)
	}
	if info, err := os.Lstat(in("pipe")); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Fatalf("the pipe was replaced: %v", err)
	}
	got := make([]byte, len(picture.JPEG))
	if _, err := io.ReadFull(reader, got); err != nil || string(got) != "a picture" {
		t.Errorf("through the pipe came %q, %v", got, err)
	}

	if err := write(dir); err == nil {
		t.Error("a folder was written")
	}
	if err := write(in("no/such/folder.jpg")); err == nil {
		t.Error("a file was written into a folder that is not there")
	}
	if left, err := filepath.Glob(in(".camgate*")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

func TestSnapshotThatIsInterruptedBlamesNoCamera(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	s := snapshotCommand{Camera: "rtsp://127.0.0.1:1/", Output: "-", Quality: 85, Timeout: time.Hour}
	var out, log strings.Builder
	if err := s.Run(ctx, console{out: &out, log: &log}); !errors.Is(err, errInterrupted) || out.Len() > 0 {
		t.Errorf("%v, and %d bytes", err, out.Len())
	}
}
