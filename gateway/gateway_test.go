package gateway

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"camgate/config"
)

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("c.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestCamerasAreThereInOrderAndByName(t *testing.T) {
	g, _ := made(t, "[[camera]]\nname = \"b\"\nsource = \"rtsp://h/1\"\n[[camera]]\nname = \"A\"\nsource = \"rtsp://h/2\"\n")
	if all := g.Cameras(); len(all) != 2 || all[0].Name() != "b" || all[1].Name() != "A" {
		t.Errorf("cameras are %v", all)
	}
	if g.Camera("b") == nil || g.Camera("A") == nil {
		t.Error("a camera is not found by its name")
	}
	if g.Camera("a") != nil || g.Camera("") != nil {
		t.Error("a camera is found by another name")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	g.Run(ctx) // returns
}

func TestUnreadableSourceNamesTheCameraAndHidesThePassword(t *testing.T) {
	cfg := parse(t, "[[camera]]\nname = \"door\"\nsource = \"rtsp://u:s3cret@bad host/\"\n")
	_, err := New(cfg, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), `camera "door"`) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error is %v", err)
	}
}
