package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"camgate/config"
	"camgate/discovery"
)

type discoverCommand struct {
	Timeout   time.Duration `default:"5s" help:"How long to wait for answers."`
	JSON      bool          `name:"json" help:"Machine-readable."`
	Interface []string      `placeholder:"NAME" help:"Search on this interface only; may be repeated. Default: every suitable one."`
	Unicast   []string      `placeholder:"NETWORK" help:"Ask these addresses one by one too, such as 192.0.2.0/24; may be repeated."`
}

// startAndEnd is what the program itself takes of the timeout, at most.
const startAndEnd = 200 * time.Millisecond

// Run prints one line a camera.
func (d *discoverCommand) Run(ctx context.Context, c console) error {
	if d.Timeout < 100*time.Millisecond || d.Timeout > 5*time.Minute {
		return fmt.Errorf("--timeout must be 100ms to 5m")
	}
	var prefixes []netip.Prefix
	for _, one := range d.Unicast {
		prefix, err := config.ParsePrefix(one)
		if err != nil {
			return fmt.Errorf("--unicast %q: it must be an address or a network, such as 192.0.2.0/24", one)
		}
		prefixes = append(prefixes, prefix)
	}
	log := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	finder, err := discovery.New(discovery.Options{Interfaces: d.Interface, Unicast: prefixes, Log: log})
	if err != nil {
		return err
	}
	end := progress(c, d.Timeout, finder)
	err = finder.Search(ctx, d.Timeout-min(d.Timeout/10, startAndEnd))
	end()
	if err != nil && ctx.Err() == nil {
		return err
	}
	devices := finder.Devices()
	if d.JSON {
		return printJSON(c, devices)
	}
	printDevices(c, devices, finder.Stats())
	return nil
}

// progress shows, on a terminal, how long it still takes and what there is so far.
func progress(c console, wait time.Duration, finder *discovery.Finder) (end func()) {
	f, ok := c.log.(*os.File)
	if !ok || !isTerminal(f) {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			left := max(0, wait-time.Since(began))
			fmt.Fprintf(f, "\rsearching… %.1f s, %s so far\x1b[K", left.Seconds(), plural(len(finder.Devices()), "camera"))
			select {
			case <-tick.C:
			case <-stop:
				fmt.Fprint(f, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

func printJSON(c console, devices []discovery.Device) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(devices)
}

func printDevices(c console, devices []discovery.Device, stats discovery.Stats) {
	if len(devices) > 0 {
		table := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "ADDRESS\tMAKER\tMODEL\tNAME\tONVIF\tFOUND BY")
		for _, d := range devices {
			onvif := "-"
			if len(d.ONVIF) > 0 {
				onvif = d.ONVIF[0]
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Address, orDash(d.Maker), orDash(d.Model), orDash(d.Name), onvif, strings.Join(d.Via, ", "))
		}
		table.Flush() // to where the rest goes
	}
	for _, d := range devices {
		for _, warning := range d.Warnings {
			fmt.Fprintf(c.log, "%s: %s\n", d.Address, warning)
		}
	}
	fmt.Fprintln(c.log, plural(len(devices), "camera"))
	if len(devices) == 0 {
		fmt.Fprintf(c.log, "%s arrived. Cameras on another subnet: --unicast NETWORK; another interface: --interface NAME; a firewall here must let UDP 3702 and 1900 through.\n",
			plural(int(stats.Datagrams), "answer"))
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
