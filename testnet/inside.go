package testnet

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Device is the host's interface.
func (h *Host) Device() string { return h.device }

// OurDevice is our end of the link to the host.
func (h *Host) OurDevice() string {
	h.t.Helper()
	interfaces, err := net.Interfaces()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if strings.HasPrefix(a.String(), h.Ours+"/") {
				return i.Name
			}
		}
	}
	h.t.Fatalf("no interface has %s", h.Ours)
	return ""
}

// Inside calls f on the host: the sockets that f itself opens are the host's, and stay so.
// f must not leave them to other goroutines to open.
func (h *Host) Inside(f func()) {
	h.t.Helper()
	theirs, err := os.Open(filepath.Join("/proc", h.pid, "ns", "net"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer theirs.Close()
	done := make(chan error)
	go func() {
		defer close(done)
		// The thread is not used again where it cannot be led back.
		runtime.LockOSThread()
		ours, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer ours.Close()
		if err := unix.Setns(int(theirs.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		f()
		if err := unix.Setns(int(ours.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- err
			return
		}
		runtime.UnlockOSThread()
	}()
	if err := <-done; err != nil {
		h.t.Fatalf("a host's network namespace cannot be entered: %v", err)
	}
}

// alone marks a test's second process.
const alone = "CAMGATE_TEST_ALONE"

// Alone reports whether the test is in a process and a network namespace of its own, with
// nothing but loopback up. Where it is not, it runs the test again in one, as a process
// that ends with it, and returns false: the test returns then. So tests can use the ports
// that protocols are known by, and all interfaces there are. It is skipped where the user
// is not root.
func Alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(alone) == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, for a network of its own")
	}
	again := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=3m")
	again.Env = append(os.Environ(), alone+"="+t.Name())
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := again.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		t.Skipf("skipped in a network of its own:\n%s", out)
	case !strings.Contains(string(out), "--- PASS"):
		t.Fatalf("it did not run:\n%s", out)
	default:
		t.Logf("%s", out)
	}
	return false
}
