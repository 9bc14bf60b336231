// Package rig is what the benchmarks are made of: processes whose cost is read from the
// kernel, viewers that read back which frame they see, and the floor.
package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a system under test, with all that it starts.
type Process struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	ended  chan error
}

// Start runs a command in a process group of its own. Its output is kept for Stop's
// error.
func Start(name string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.Command(name, args...), ended: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// Stop ends the group, kindly at first, and waits for it.
func (p *Process) Stop() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // as above
		<-p.ended
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // children that outlived it
}

// Output is what it printed. Only after Stop.
func (p *Process) Output() string { return p.output.String() }

// Usage is what a process tree has used.
type Usage struct {
	CPU time.Duration // user and system
	RSS int           // bytes resident now, all processes together
}

// Usage sums the process, its children and their children.
func (p *Process) Usage() (Usage, error) {
	pids, err := tree(p.cmd.Process.Pid)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, pid := range pids {
		one, err := usageOf(pid)
		if err != nil {
			continue // ended just now; its parent has its CPU time as a child's
		}
		u.CPU += one.CPU
		u.RSS += one.RSS
	}
	if u.RSS == 0 {
		return u, errors.New("the process has ended")
	}
	return u, nil
}

// stat is the fields of /proc/PID/stat from the third on (proc(5)).
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, err
	}
	_, rest, found := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 22 {
		return nil, fmt.Errorf("process %d: its stat cannot be read", pid)
	}
	return fields, nil
}

// ticks a second of the times in /proc/PID/stat.
const ticks = 100

func usageOf(pid int) (Usage, error) {
	f, err := stat(pid)
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	for _, i := range []int{11, 12, 13, 14} { // utime, stime, and those of children that ended
		n, err := strconv.Atoi(f[i])
		if err != nil {
			return Usage{}, err
		}
		u.CPU += time.Duration(n) * time.Second / ticks
	}
	pages, err := strconv.Atoi(f[21])
	u.RSS = pages * os.Getpagesize()
	return u, err
}

func tree(root int) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if f, err := stat(pid); err == nil {
			if parent, err := strconv.Atoi(f[1]); err == nil {
				children[parent] = append(children[parent], pid)
			}
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

// Measure is what the process uses, a second, while it goes on for d.
func (p *Process) Measure(ctx context.Context, d time.Duration) (Usage, error) {
	before, err := p.Usage()
	if err != nil {
		return before, err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
		return before, ctx.Err()
	}
	after, err := p.Usage()
	after.CPU -= before.CPU
	return after, err
}
