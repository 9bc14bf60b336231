// Command camgate shows IP cameras in browsers.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// Set by the build: make build.
var (
	version = "development"
	commit  = ""
)

// cli is the command line.
type cli struct {
	Serve    serveCommand    `cmd:"" help:"Run the gateway."`
	Demo     demoCommand     `cmd:"" help:"Run it with simulated cameras and no configuration."`
	Check    checkCommand    `cmd:"" help:"Find every mistake in a configuration."`
	Discover discoverCommand `cmd:"" help:"List the cameras on the network."`
	Probe    probeCommand    `cmd:"" help:"Ask one camera what it is and what it offers."`
	Diagnose diagnoseCommand `cmd:"" help:"Find out why a camera shows no picture, and what to do."`
	Snapshot snapshotCommand `cmd:"" help:"Take one JPEG of a camera."`
	Console  consoleCommand  `cmd:"" help:"The console of a gateway that already runs."`
	Version  versionCommand  `cmd:"" help:"Print the versions of camgate and of the libraries it uses."`
}

// console is where commands write: results to out, all else to log.
type console struct {
	out, log io.Writer
}

// errReported is for a command that has said itself what is wrong.
var errReported = errors.New("reported")

func main() {
	os.Exit(run(os.Args[1:], console{out: os.Stdout, log: os.Stderr}))
}

// run is main with an exit status: 0 fine, 1 it did not work, 2 wrong usage.
func run(args []string, c console) int {
	status := -1
	parser, err := kong.New(&cli{},
		kong.Name("camgate"),
		kong.Description("Puts IP cameras on any screen with a browser."),
		kong.Writers(c.out, c.log),
		kong.Exit(func(code int) { status = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(c.log, err)
		return 1
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if status == 0 {
		return 0 // --help
	}
	if err != nil {
		help := "camgate"
		if wrong := (*kong.ParseError)(nil); errors.As(err, &wrong) && wrong.Context.Selected() != nil {
			help += " " + wrong.Context.Selected().Name
		}
		fmt.Fprintf(c.log, "camgate: %v\nTry %s --help\n", err, help)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the program at once, in case the first does not.
	defer context.AfterFunc(ctx, stop)()
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(c)
	if err := parsed.Run(); err != nil {
		if status := exitStatus(0); errors.As(err, &status) {
			return int(status)
		}
		if !errors.Is(err, errReported) {
			fmt.Fprintln(c.log, "camgate:", err)
		}
		return 1
	}
	return 0
}
