package discovery

import (
	"log/slog"
	"os"
	"testing"

	"camgate/testleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("CAMGATE_TEST_LOG") == "" {
		slog.SetDefault(slog.New(slog.DiscardHandler))
	} else {
		slog.SetLogLoggerLevel(slog.LevelDebug)
	}
	testleak.Main(m)
}
