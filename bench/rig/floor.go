package rig

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"camgate/camera/source"
	"camgate/decoder"
	"camgate/media"
)

// Recording is a stream as the gateway gets it.
type Recording struct {
	Codec media.Codec
	Units [][]byte
	Keys  []bool // which of Units are key frames
}

// recorder is the sink of a recording.
type recorder struct {
	recording Recording
	want      int
	full      context.CancelFunc
}

func (r *recorder) Playing(i source.Info) { r.recording.Codec = i.Codec }
func (r *recorder) Transport(string)      {}
func (r *recorder) Damaged(uint64, error) {}
func (r *recorder) AccessUnit(au *media.AccessUnit) {
	if len(r.recording.Units) == 0 && !au.Key {
		return
	}
	if len(r.recording.Units) < r.want {
		r.recording.Units = append(r.recording.Units, au.Bytes())
		r.recording.Keys = append(r.recording.Keys, au.Key)
	}
	if len(r.recording.Units) == r.want {
		r.full()
	}
}

// Record takes n access units from a camera, from a key frame on, into a file.
func Record(ctx context.Context, address string, n int, file string) error {
	a, err := source.ParseAddress(address)
	if err != nil {
		return err
	}
	conn, err := source.Dial(ctx, a, 5*time.Second)
	if err != nil {
		return err
	}
	ctx, full := context.WithCancel(ctx)
	defer full()
	r := &recorder{want: n, full: full}
	err = source.RTSP(ctx, conn, a, source.Options{Camera: "bench", Transport: "tcp", Log: slog.New(slog.DiscardHandler)}, r)
	if len(r.recording.Units) < n {
		return fmt.Errorf("only %d access units of %d came: %w", len(r.recording.Units), n, err)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(gob.NewEncoder(f).Encode(r.recording), f.Close())
}

// Least is what no gateway can go below.
type Least struct {
	CPU time.Duration // a frame, of the whole process
	P99 time.Duration // from an access unit to its JPEG, of the slowest 1 %
	Key time.Duration // the same of key frames, in the mean
}

// Floor decodes the recording and makes a JPEG of each frame, in one thread, paced at fps,
// with no network and nothing shared. width 0 leaves the JPEGs out. Its CPU time is the
// whole process's: run it in one of its own.
func Floor(file string, width, height, quality int, fps float64, frames int) (Least, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f, err := os.Open(file)
	if err != nil {
		return Least{}, err
	}
	defer f.Close()
	var r Recording
	if err := gob.NewDecoder(f).Decode(&r); err != nil {
		return Least{}, err
	}
	d, err := decoder.New(r.Codec, decoder.Options{})
	if err != nil {
		return Least{}, err
	}
	defer d.Close()
	j, err := decoder.NewJPEG()
	if err != nil {
		return Least{}, err
	}
	defer j.Close()
	units := make([]*media.AccessUnit, len(r.Units))
	for i, b := range r.Units {
		units[i] = &media.AccessUnit{Codec: media.MJPEG, NALUs: [][]byte{b}} // as they are
	}
	const warmUp = 25
	period := time.Duration(float64(time.Second) / fps)
	next := time.Now()
	var began time.Duration
	var all, keys []time.Duration
	for i := range frames + warmUp {
		if i == warmUp {
			began = cpu()
		}
		next = next.Add(period)
		wait := syscall.NsecToTimespec(int64(max(0, time.Until(next))))
		syscall.Nanosleep(&wait, nil) //nolint:errcheck // a shorter pause does no harm
		start := time.Now()
		frame, err := d.Decode(units[i%len(units)])
		if err != nil {
			return Least{}, err
		}
		if frame == nil {
			return Least{}, errors.New("the decoder holds pictures back")
		}
		if width > 0 {
			if _, err := j.Frame(frame, width, height, quality); err != nil {
				return Least{}, err
			}
		}
		frame.Close()
		if took := time.Since(start); i >= warmUp {
			all = append(all, took)
			if r.Keys[i%len(units)] {
				keys = append(keys, took)
			}
		}
	}
	least := Least{CPU: (cpu() - began) / time.Duration(frames)}
	slices.Sort(all)
	least.P99 = Quantile(all, 0.99)
	for _, k := range keys {
		least.Key += k / time.Duration(len(keys))
	}
	return least, nil
}

func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
