package httpd

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"camgate/media"
	"camgate/testnet"
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
	host := testnet.New(t)
	cam := newFake("cam1")
	listening := make(chan net.Addr, 1)
	s, err := newServer(Config{Listen: host.Ours + ":0", AllowAnonymous: true, Listening: func(a net.Addr) { listening <- a }},
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
		viewer := host.Command(os.Args[0])
		viewer.Env = append(os.Environ(), vanishEnv+"="+address)
		if err := viewer.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { viewer.Process.Kill(); viewer.Wait() }()
	}
	eventually(t, "the viewers watch", testLimit, func() bool { return cam.watching() == viewers })
	// Few small pictures: they all fit into the kernel's buffers, which alone can tell.
	defer shooting(cam, 1000, time.Second)()
	p := cam.show(1000, media.Live)
	host.Down()
	began := time.Now()
	eventually(t, "both are freed", 15*time.Second, func() bool { return cam.watching() == 0 })
	t.Logf("freed after %v (first picture %d)", time.Since(began).Round(time.Millisecond), p.Sequence)
}
