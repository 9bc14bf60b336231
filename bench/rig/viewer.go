package rig

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"camgate/camsim/stamp"
)

// Viewer reads a multipart stream as fast as it comes.
type Viewer struct {
	Frames, Bytes atomic.Int64 // pictures, and what is in them
	Wire          atomic.Int64 // bytes received, with all that is around pictures
	First         atomic.Int64 // when the first picture was whole, Unix nanoseconds

	keep  int
	kept  []Seen
	check func([]byte) bool
}

// Seen is a picture and when its last byte arrived.
type Seen struct {
	At   time.Time
	JPEG []byte
}

// View connects to a multipart URL and reads until ctx ends. It keeps the first keep
// pictures. ready is called at the first picture that accept takes, or any if accept is
// nil.
func View(ctx context.Context, address string, keep int, accept func(jpeg []byte) bool, ready func()) (*Viewer, func() error) {
	v := &Viewer{keep: keep, check: accept}
	done := make(chan error, 1)
	go func() { done <- v.run(ctx, address, ready) }()
	return v, func() error { return <-done }
}

func (v *Viewer) run(ctx context.Context, address string, ready func()) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: camgate-bench\r\n\r\n", u.RequestURI(), u.Host)
	r := bufio.NewReaderSize(counted{conn, &v.Wire}, 64<<10)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, answer.Status)
	}
	body := bufio.NewReaderSize(answer.Body, 64<<10)
	var buffer []byte
	for ctx.Err() == nil {
		picture, err := part(body, &buffer)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if v.First.Load() == 0 {
			at := time.Now() // reading the number takes longer than the picture did
			if v.check != nil && !v.check(picture) {
				continue
			}
			v.First.Store(at.UnixNano())
			if ready != nil {
				ready()
			}
		}
		v.Frames.Add(1)
		v.Bytes.Add(int64(len(picture)))
		if len(v.kept) < v.keep {
			v.kept = append(v.kept, Seen{At: time.Now(), JPEG: bytes.Clone(picture)})
		}
	}
	return nil
}

// counted counts what is read.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

// part reads the next part, which must name its length, into buffer.
func part(r *bufio.Reader, buffer *[]byte) ([]byte, error) {
	length := -1
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		line = strings.TrimSpace(line)
		if line == "" && length >= 0 {
			break
		}
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > 64<<20 {
				return nil, fmt.Errorf("a part of length %q", value)
			}
		}
	}
	if cap(*buffer) < length {
		*buffer = make([]byte, length+length/4)
	}
	b := (*buffer)[:length]
	_, err := io.ReadFull(r, b)
	return b, err
}

// Latencies reads the frame numbers of the pictures kept and returns how long each was on
// its way, sorted. sent tells when a
// frame last left the camera before a time: numbers come again. Call it after the viewer has
// ended.
func (v *Viewer) Latencies(sent func(frame uint32, before time.Time) (time.Time, bool)) ([]time.Duration, error) {
	var all []time.Duration
	unread := 0
	for _, s := range v.kept {
		img, err := jpeg.Decode(bytes.NewReader(s.JPEG))
		if err != nil {
			return nil, fmt.Errorf("a picture is no JPEG: %w", err)
		}
		frame, ok := stamp.Read(img)
		if !ok {
			unread++
			continue
		}
		if at, ok := sent(frame, s.At); ok {
			all = append(all, s.At.Sub(at))
		}
	}
	if len(all) == 0 || unread > len(v.kept)/10 {
		return nil, fmt.Errorf("of %d pictures, the frame number of %d cannot be read", len(v.kept), unread)
	}
	slices.Sort(all)
	return all, nil
}

// Stamped says whether a picture carries a camera's frame number: a notice does not.
func Stamped(picture []byte) bool {
	img, err := jpeg.Decode(bytes.NewReader(picture))
	if err != nil {
		return false
	}
	_, ok := stamp.Read(img)
	return ok
}

// Quantile of sorted values, q from 0 to 1.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
