package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	repl "camgate/console"
)

type consoleCommand struct {
	Command  string `short:"c" placeholder:"COMMAND" help:"Carry out this one command, such as \"cameras --json\", and end."`
	Socket   string `placeholder:"FILE" help:"Where the gateway listens; the same as of camgate serve."`
	NoColour bool   `name:"no-colour" aliases:"no-color" help:"No colours."`
}

// exitStatus ends the program with a status, and says nothing.
type exitStatus int

func (exitStatus) Error() string { return "" }

// Run talks with a gateway that already runs.
func (k *consoleCommand) Run(ctx context.Context) error {
	status, err := repl.Dial(ctx, socketOr(k.Socket), os.Stdin, os.Stdout, repl.DialOptions{
		Command: k.Command, NoColour: k.NoColour, History: repl.DefaultHistory(),
	})
	if err != nil {
		return err
	}
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

func socketOr(path string) string {
	if path != "" {
		return path
	}
	return repl.DefaultSocket()
}

// talk is the console on the terminal of camgate serve. It returns when the user leaves
// it, and calls end where the user wants the gateway to end.
func talk(ctx context.Context, o *operator, log *repl.LogWriter, end func()) {
	err := repl.Run(ctx, o, repl.Terminal{
		Log: log, History: repl.DefaultHistory(),
		Greeting: "help lists the commands; exit leaves the console, and the gateway runs on",
		Goodbye:  "Ctrl-C once more ends the gateway; Ctrl-D leaves the console alone",
	})
	if errors.Is(err, repl.ErrInterrupted) {
		end()
		return
	}
	if err != nil && ctx.Err() == nil {
		o.log.Warn("the console has ended", "why", err)
	}
}

// isTerminal says whether a file is one.
func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// onTerminal says whether somebody can type. A program in the background of a shell is
// stopped when it reads from the terminal.
func onTerminal() bool {
	foreground, err := unix.IoctlGetInt(int(os.Stdin.Fd()), unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}
