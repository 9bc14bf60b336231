package console

import (
	"os"
	"testing"

	"camgate/testleak"
)

func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		os.Exit(runChild(what))
	}
	testleak.Main(m)
}
