package console

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ctrlC is what the key sends where the terminal makes no signal of it.
const ctrlC = 3

// isTerminal says whether a file is one.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// inBackground says whether a shell runs this program in the background of a terminal. Who
// reads from the terminal then, or changes its mode, is stopped (termios(3), "job control").
func inBackground(f *os.File) bool {
	group, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp()
}

// sizeOf is a terminal's size, 0 where it is none or tells nothing.
func sizeOf(f *os.File) (rows, columns int) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(size.Row), int(size.Col)
}

// widthOf is a terminal's width in columns, 0 where it is none or tells nothing.
func widthOf(f *os.File) int {
	_, columns := sizeOf(f)
	return columns
}

// A keyboard is standard input, read so that reading can be ended without losing a byte.
type keyboard struct {
	in     *os.File
	before *unix.Termios // of the terminal, when the console came; nil: none was changed
}

// takeKeyboard puts a terminal into the mode in which the console has it from the first
// prompt to the last: keys are neither echoed nor made into lines or signals, so that
// Ctrl-C ends a command and not the gateway. release undoes it.
func takeKeyboard(in *os.File) (*keyboard, error) {
	before, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("the terminal cannot be read: %w", err)
	}
	mode := *before
	mode.Iflag &^= unix.ICRNL
	mode.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &mode); err != nil {
		return nil, fmt.Errorf("the terminal cannot be used: %w", err)
	}
	return &keyboard{in, before}, nil
}

func (k *keyboard) release() {
	unix.IoctlSetTermios(int(k.in.Fd()), unix.TCSETS, k.before) //nolint:errcheck // it is gone then
}

// maxAhead is how much may be typed ahead while a command runs, in bytes.
const maxAhead = 4096

// watch calls interrupt for each Ctrl-C until stop is called, which returns what else was
// typed. gone is called when the terminal is no more.
func (k *keyboard) watch(interrupt, gone func()) (stop func() []byte, err error) {
	r, err := newReader(k.in)
	if err != nil {
		return nil, err
	}
	var ahead []byte
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 256)
		for {
			n, err := r.Read(buf)
			for _, c := range buf[:n] {
				switch {
				case c == ctrlC:
					ahead = nil
					interrupt()
				case len(ahead) < maxAhead:
					ahead = append(ahead, c)
				}
			}
			if err != nil {
				if !errors.Is(err, os.ErrClosed) {
					gone()
				}
				return
			}
		}
	}()
	return func() []byte {
		r.stop()
		<-ended
		r.close()
		return ahead
	}, nil
}

// A reader reads a file until somebody stops it.
type reader struct {
	in       *os.File
	wake, to *os.File // a pipe: to is closed to stop
}

func newReader(in *os.File) (*reader, error) {
	wake, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &reader{in, wake, to}, nil
}

// stop ends a Read that waits, and all later ones, with os.ErrClosed.
func (r *reader) stop() { r.to.Close() }

// close frees what newReader made, when nobody reads any more.
func (r *reader) close() {
	r.to.Close()
	r.wake.Close()
}

// Read waits for input.
func (r *reader) Read(p []byte) (int, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(r.in.Fd()), Events: unix.POLLIN}, {Fd: int32(r.wake.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			return 0, err
		}
		if fds[1].Revents != 0 {
			return 0, os.ErrClosed
		}
		n, err := unix.Read(int(r.in.Fd()), p)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
