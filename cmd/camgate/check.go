package main

import "fmt"

type checkCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration to check."`
}

// Run prints every mistake.
func (k *checkCommand) Run(c console) error {
	cfg, err := load(k.Config, c)
	if err != nil {
		return err
	}
	cameras := "cameras"
	if len(cfg.Cameras) == 1 {
		cameras = "camera"
	}
	fmt.Fprintf(c.out, "%s is fine: %d %s\n", k.Config, len(cfg.Cameras), cameras)
	return nil
}
