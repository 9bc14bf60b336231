package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultSocket is where gateway and console meet when nobody says another place:
// /run/camgate/console.sock for root, else $XDG_RUNTIME_DIR/camgate/console.sock, else a
// folder of the user's in the folder for temporary files.
func DefaultSocket() string {
	dir := "/run/camgate"
	if uid := os.Getuid(); uid != 0 {
		dir = filepath.Join(os.TempDir(), "camgate-"+strconv.Itoa(uid))
		if runtime := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtime) {
			dir = filepath.Join(runtime, "camgate")
		}
	}
	return filepath.Join(dir, "console.sock")
}

// A listener is the gateway's end of the socket.
type listener struct {
	*net.UnixListener
	path string
	file fs.FileInfo
}

// listen makes the socket. It is made in a folder that only this user can enter, and moved
// to its place when its mode is right: nobody else can connect in between.
func listen(path string) (*listener, error) {
	fail := func(err error) (*listener, error) {
		return nil, fmt.Errorf("the console's socket %s cannot be made: %w", path, err)
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fail(err)
	}
	info, err := os.Stat(folder)
	if err != nil {
		return fail(err)
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fail(fmt.Errorf("everybody may write to the folder %s: chmod o-w it, or choose another", folder))
	}
	if err := stale(path); err != nil {
		return fail(err)
	}
	private, err := os.MkdirTemp(folder, ".c-") // mode 0700
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(private)
	made := filepath.Join(private, "s")
	if longest := len(unix.RawSockaddrUnix{}.Path) - 1; len(made) > longest || len(path) > longest {
		return fail(fmt.Errorf("a socket's name has at most %d bytes: choose a shorter one", longest))
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return fail(err)
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(made, 0o600)
	if err == nil {
		err = os.Rename(made, path)
	}
	if err == nil {
		info, err = os.Lstat(path)
	}
	if err != nil {
		l.Close()
		return fail(err)
	}
	return &listener{l, path, info}, nil
}

// stale is nil where there is nothing at path, or a socket that nobody listens on.
func stale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("there is something else of that name: remove it, or choose another name")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errors.New("another gateway is running and has it: end that one, or give this one another socket")
	}
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// remove takes the socket away, if it is still this one.
func (l *listener) remove() {
	l.Close()
	if info, err := os.Lstat(l.path); err == nil && os.SameFile(info, l.file) {
		os.Remove(l.path)
	}
}

// A noGatewayError is the path of a socket at which nobody listens.
type noGatewayError string

func (e noGatewayError) Error() string {
	return fmt.Sprintf("no gateway listens at %s: start one with camgate serve, or name its socket", string(e))
}

// dial connects to a gateway and says hello. The version is the gateway's.
func dial(ctx context.Context, path string) (w *wire, version string, err error) {
	conn, err := (&net.Dialer{Timeout: helloTime}).DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, "", noGatewayError(path)
	case errors.Is(err, fs.ErrPermission):
		return nil, "", fmt.Errorf("the gateway's socket %s is another user's: be that user, or root", path)
	case err != nil:
		return nil, "", fmt.Errorf("the gateway cannot be reached: %w", err)
	}
	defer func() {
		if err != nil {
			conn.Close()
		}
	}()
	if err := trusted(conn.(*net.UnixConn)); err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })() //nolint:errcheck // receive tells
	w = newWire(conn)
	sent := w.write(frame{Type: "hello", Version: protocolVersion}) // one that has hung up may have said why
	conn.SetReadDeadline(time.Now().Add(helloTime))                 //nolint:errcheck // receive tells
	hello, err := w.receive()
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("the gateway at %s does not answer: %w", path, cmp.Or(sent, err))
	case hello.Type == "error":
		return nil, "", fmt.Errorf("the gateway at %s refuses: %s", path, clean(hello.Text))
	case hello.Type != "hello" || hello.Version != protocolVersion:
		return nil, "", fmt.Errorf("%s: %w", path, errFrame)
	}
	conn.SetReadDeadline(time.Time{}) //nolint:errcheck // receive tells
	return w, clean(hello.Text), ctx.Err()
}

// trusted says whether the gateway may be told passwords: it is this user's or root's, or
// this user is root.
func trusted(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var failure error
	if err := raw.Control(func(fd uintptr) {
		peer, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || failure != nil {
		return errors.Join(err, failure)
	}
	if me := os.Getuid(); me != 0 && peer.Uid != 0 && int(peer.Uid) != me {
		return fmt.Errorf("what listens there is a program of another user (%d)", peer.Uid)
	}
	return nil
}
