// Package testleak tells tests of goroutines that outlive what started them.
package testleak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long one that is about to end may take on a busy machine. goleak alone waits
// for less than half a second.
const patience = time.Minute

// find waits until no goroutines are left but those that are known, and says which are.
func find(known ...goleak.Option) error {
	err := goleak.Find(known...)
	for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); {
		err = goleak.Find(known...)
	}
	return err
}

// Watch returns a function that fails the test where goroutines are left that were not there
// when Watch was called.
func Watch(t testing.TB) func() {
	t.Helper()
	known := goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		if err := find(known); err != nil {
			t.Error(err)
		}
	}
}

// Main runs a package's tests and what ends what they share, and ends the program: with a
// failure, too, where goroutines are left.
func Main(m *testing.M, end ...func()) {
	code := m.Run()
	for _, f := range end {
		f()
	}
	if code == 0 {
		if err := find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
