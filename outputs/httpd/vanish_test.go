package httpd

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"camgate/media"
)

// vanishEnv makes the test binary a viewer, in a network of its own.
const vanishEnv = "CAMGATE_TEST_VIEW"

func TestMain(m *testing.M) {
	address := os.Getenv(vanishEnv)
	if address == "" {
		os.Exit(m.Run())
	}
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		os.Exit(2)
	}
	if _, err := io.WriteString(conn, request("/mjpeg/cam1", "test")); err != nil {
		os.Exit(2)
	}
	io.Copy(io.Discard, conn) // until it is killed
}

// TestViewerThatVanishesIsFreed cuts the link to a viewer: no FIN, no reset, nothing.
func TestViewerThatVanishesIsFreed(t *testing.T) {
	if os.Getuid() != 0 || testing.Short() {
		t.Skip("needs root for a network namespace, and 15 s")
	}
	id := strconv.Itoa(os.Getpid() % 10000)
	space, ours, theirs := "camgate"+id, "cga"+id, "cgb"+id
	ip := func(args ...string) error { return exec.Command("ip", args...).Run() }
	if err := ip("netns", "add", space); err != nil {
		t.Skipf("no network namespaces here: %v", err)
	}
	t.Cleanup(func() {
		ip("link", "del", ours) // the namespace may live on for its sockets, which nobody answers
		ip("netns", "del", space)
	})
	for _, args := range []string{
		"link add name " + ours + " type veth peer name " + theirs + " netns " + space,
		"addr add 198.18.7.1/30 dev " + ours,
		"link set " + ours + " up",
		"-n " + space + " addr add 198.18.7.2/30 dev " + theirs,
		"-n " + space + " link set " + theirs + " up",
	} {
		if err := ip(strings.Fields(args)...); err != nil {
			t.Fatalf("ip %s: %v", args, err)
		}
	}
	cam := newFake("cam1")
	listening := make(chan net.Addr, 1)
	s, err := newServer(Config{Listen: "198.18.7.1:0", AllowAnonymous: true, Listening: func(a net.Addr) { listening <- a }},
		fakeCameras{cam}, testPages, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	address := (<-listening).String()
	const viewers = 2
	for range viewers {
		viewer := exec.Command("ip", "netns", "exec", space, os.Args[0])
		viewer.Env = append(os.Environ(), vanishEnv+"="+address)
		if err := viewer.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { viewer.Process.Kill(); viewer.Wait() }()
	}
	eventually(t, "the viewers watch", 5*time.Second, func() bool { return cam.watching() == viewers })
	// Few small pictures: they all fit into the kernel's buffers, which alone can tell.
	defer shooting(cam, 1000, time.Second)()
	p := cam.show(1000, media.Live)
	if err := ip("-n", space, "link", "set", theirs, "down"); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "both are freed", 15*time.Second, func() bool { return cam.watching() == 0 })
	t.Logf("freed after %v (first picture %d)", time.Since(began).Round(time.Millisecond), p.Sequence)
}
