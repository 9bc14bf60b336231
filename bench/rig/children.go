package rig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Report is what the players of a process tell about themselves.
type Report struct {
	Frames, Bytes, Lost int64
	Shown               []Shown `json:",omitempty"` // of the first player, if numbers are asked for
	Error               string  `json:",omitempty"`
}

// What the parent says, in lines, and is answered with a Report each.
const (
	askCounts  = "counts"
	askKeep    = "keep"    // the next ten seconds of the first player
	askNumbers = "numbers" // of what was kept
)

// Players are WebRTC viewers in a process of their own, so that their cost is nobody
// else's. For one goroutine.
type Players struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// StartPlayers runs this program again as n viewers of a WHEP address, and waits until
// each has a complete key frame. The program must call RunPlayers for the argument -play.
func StartPlayers(ctx context.Context, address string, n int) (*Players, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Players{cmd: exec.CommandContext(ctx, self, "-play", address, strconv.Itoa(n))}
	p.cmd.Stderr = os.Stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(bufio.NewReader(out))
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := p.read(); err != nil { // when all play
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Counts are frames and bytes of all players until now.
func (p *Players) Counts() (Report, error) { return p.ask(askCounts) }

// Keep has the first player remember the next ten seconds.
func (p *Players) Keep() error {
	_, err := p.ask(askKeep)
	return err
}

// Numbers decodes what was kept.
func (p *Players) Numbers() ([]Shown, error) {
	r, err := p.ask(askNumbers)
	return r.Shown, err
}

func (p *Players) ask(what string) (Report, error) {
	if _, err := fmt.Fprintln(p.in, what); err != nil {
		return Report{}, err
	}
	return p.read()
}

func (p *Players) read() (Report, error) {
	var r Report
	if err := p.out.Decode(&r); err != nil {
		return r, fmt.Errorf("the viewers' process: %w", err)
	}
	if r.Error != "" {
		return r, errors.New(r.Error)
	}
	return r, nil
}

// Stop ends the players and their process.
func (p *Players) Stop() {
	p.in.Close()
	late := time.AfterFunc(10*time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	p.cmd.Wait() //nolint:errcheck // it was ended
}

// RunPlayers is the players' own process: args are address and number. It ends with its
// standard input.
func RunPlayers(args []string) error {
	out := json.NewEncoder(os.Stdout)
	if len(args) != 2 {
		return errors.New("bench -play URL NUMBER")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	players, err := playAll(args[0], n)
	defer func() {
		var closing sync.WaitGroup
		for _, p := range players {
			closing.Go(func() { p.Close() }) //nolint:errcheck // the process ends
		}
		closing.Wait()
	}()
	if err != nil {
		return out.Encode(Report{Error: err.Error()})
	}
	if err := out.Encode(Report{}); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var r Report
		switch in.Text() {
		case askKeep:
			players[0].Keep(250)
		case askNumbers:
			if r.Shown, err = Numbers(players[0].Kept()); err != nil {
				r.Error = err.Error()
			}
		}
		for _, p := range players {
			r.Frames += p.Frames.Load()
			r.Bytes += p.Bytes.Load()
			r.Lost += p.Lost.Load()
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// playAll starts n players and waits for a key frame of each.
func playAll(address string, n int) ([]*Player, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	players := make([]*Player, 0, n)
	for range n {
		p, err := Play(ctx, address, PlayOptions{})
		if err != nil {
			return players, err
		}
		players = append(players, p)
	}
	for _, p := range players {
		if _, err := p.First(ctx); err != nil {
			return players, err
		}
	}
	return players, nil
}
