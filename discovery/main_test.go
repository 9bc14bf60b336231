package discovery

import (
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("CAMGATE_TEST_LOG") == "" {
		slog.SetDefault(slog.New(slog.DiscardHandler))
	} else {
		slog.SetLogLoggerLevel(slog.LevelDebug)
	}
	goleak.VerifyTestMain(m)
}
