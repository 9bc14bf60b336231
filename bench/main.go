// Command bench measures what a picture costs in the gateway, how old it is when a viewer
// has it, and how soon the first one comes; beside it the floor below which nothing can
// go, on the same stream in the same run. With -peers it measures go2rtc and Motion on
// the same camera. With -only it measures single rows: bench -only webrtc,wall.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"camgate/bench/rig"
)

func main() {
	camgate := flag.String("camgate", "bin/camgate", "the gateway to measure")
	peers := flag.Bool("peers", false, "measure go2rtc and Motion too")
	go2rtc := flag.String("go2rtc", "bin/go2rtc", "go2rtc, for -peers")
	seconds := flag.Int("seconds", 20, "how long each measurement lasts")
	only := flag.String("only", "", "measure only what has one of these, split by commas, in its name; -list names all")
	list := flag.Bool("list", false, "name what -only can choose from, and measure nothing")
	floor := flag.String("floor", "", "") // how bench runs the floor in a process of its own
	play := flag.String("play", "", "")   // and WebRTC viewers
	flag.Parse()

	if *floor != "" {
		if err := runFloor(*floor, flag.Args()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *play != "" {
		if err := rig.RunPlayers(append([]string{*play}, flag.Args()...)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{camgate: *camgate, go2rtc: *go2rtc, last: time.Duration(*seconds) * time.Second, only: strings.Split(strings.ToLower(*only), ",")}
	steps := b.steps(*peers)
	if *list {
		for _, s := range steps {
			fmt.Println(s.name)
		}
		return
	}
	err := b.run(ctx, steps)
	fmt.Println(b.table.String())
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runFloor is the floor's own process: file, then width, height, quality, rate, frames.
func runFloor(file string, args []string) error {
	if len(args) != 5 {
		return errors.New("bench -floor FILE WIDTH HEIGHT QUALITY FPS FRAMES")
	}
	n := make([]int, len(args))
	for i, a := range args {
		var err error
		if n[i], err = strconv.Atoi(a); err != nil {
			return err
		}
	}
	least, err := rig.Floor(file, n[0], n[1], n[2], float64(n[3]), n[4])
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(least)
}

// table is what was measured, as Markdown.
type table struct{ rows []string }

func (t *table) add(what, value, goal string) {
	row := fmt.Sprintf("| %s | %s | %s |", what, value, goal)
	t.rows = append(t.rows, row)
	fmt.Fprintln(os.Stderr, row)
}

func (t *table) String() string {
	return "| what | measured | goal |\n|---|---|---|\n" + strings.Join(t.rows, "\n")
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }
