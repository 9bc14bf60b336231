// Package testnet makes hosts of its own on this machine, for tests of what crosses a
// network: a link that goes down, packets that are dropped.
package testnet

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// A Host is a network namespace that a pair of virtual Ethernet interfaces joins to ours.
// It ends with the test.
type Host struct {
	Ours   string // address of our end, without a port
	Theirs string // address of the host

	t      testing.TB
	device string // their end
	pid    string // of the process that the namespace lives with
}

var made atomic.Uint32

// prefix is what the names of our ends begin with.
const prefix = "cga"

// Passing says whether an interface of this machine is our end of some Host's link, of this
// test program's or another's: it goes when that test ends.
func Passing(name string) bool { return strings.HasPrefix(name, prefix) }

// New makes a host. The test is skipped where the user is not root, and fails where a
// step fails.
func New(t testing.TB) *Host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root, for a network of its own")
	}
	// Of the addresses that RFC 2544 keeps for tests of networks, four for each host.
	n := uint32(os.Getpid())*16 + made.Add(1)
	net := fmt.Sprintf("198.%d.%d.", 18+n>>14&1, n>>6&0xff)
	h := &Host{
		Ours:   net + strconv.Itoa(int(n&0x3f)*4+1),
		Theirs: net + strconv.Itoa(int(n&0x3f)*4+2),
		device: fmt.Sprintf("cgb%x", n&0xffffff),
		t:      t,
	}
	ours := fmt.Sprintf(prefix+"%x", n&0xffffff)

	// The namespace lives as long as cat does, and cat as long as this process.
	holder := exec.Command("cat")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatalf("a network namespace: %v", err)
	}
	t.Cleanup(func() {
		run("ip", "link", "del", ours) //nolint:errcheck // it may be gone with the namespace
		stdin.Close()
		holder.Wait() //nolint:errcheck // of cat
	})
	h.pid = strconv.Itoa(holder.Process.Pid)

	h.must("ip", "link", "add", "name", ours, "type", "veth", "peer", "name", h.device, "netns", h.pid)
	h.must("ip", "addr", "add", h.Ours+"/30", "dev", ours)
	h.must("ip", "link", "set", ours, "up")
	h.Run("ip", "link", "set", "lo", "up")
	h.Run("ip", "addr", "add", h.Theirs+"/30", "dev", h.device)
	h.Up()
	return h
}

// Command is a command that runs on the host.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", h.pid, "-n", "--", name}, args...)...)
}

// Run runs a command on the host, which must succeed.
func (h *Host) Run(name string, args ...string) {
	h.t.Helper()
	h.must("nsenter", append([]string{"-t", h.pid, "-n", "--", name}, args...)...)
}

// Down cuts the link, as when the host loses its power: nothing arrives any more, and
// nobody says so.
func (h *Host) Down() { h.t.Helper(); h.Run("ip", "link", "set", h.device, "down") }

// Up joins it again.
func (h *Host) Up() { h.t.Helper(); h.Run("ip", "link", "set", h.device, "up") }

// Drop has the host take no packets and send none, over any interface but loopback, while
// its link stays up: as when something between us and it fails.
func (h *Host) Drop() { h.t.Helper(); h.filter("-A") }

// Pass ends Drop.
func (h *Host) Pass() { h.t.Helper(); h.filter("-D") }

func (h *Host) filter(change string) {
	h.t.Helper()
	h.Run("iptables", "-w", change, "INPUT", "-i", h.device, "-j", "DROP")
	h.Run("iptables", "-w", change, "OUTPUT", "-o", h.device, "-j", "DROP")
}

func (h *Host) must(name string, args ...string) {
	h.t.Helper()
	if err := run(name, args...); err != nil {
		h.t.Fatal(err)
	}
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
