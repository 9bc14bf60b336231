package console

import (
	"context"
	"time"
)

// finder is the part of a Gateway that looks for cameras.
type finder interface {
	// Search asks the network once, and returns after wait, or when ctx ends.
	Search(ctx context.Context, wait time.Duration) error
}
