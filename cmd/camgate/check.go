package main

import (
	"fmt"

	"camgate/config"
	"camgate/gateway"
	"camgate/outputs/httpd"
	"camgate/www"
)

type checkCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration to check."`
}

// Run prints every mistake.
func (k *checkCommand) Run(c console) error {
	cfg, err := load(k.Config, c)
	if err != nil {
		return err
	}
	if err := tryOut(k.Config, cfg); err != nil {
		return err
	}
	cameras := "cameras"
	if len(cfg.Cameras) == 1 {
		cameras = "camera"
	}
	fmt.Fprintf(c.out, "%s is fine: %d %s\n", k.Config, len(cfg.Cameras), cameras)
	return nil
}

// tryOut makes everything that a configuration asks for, and runs none of it: what serve
// would refuse, check must.
func tryOut(file string, cfg *config.Config) error {
	if err := watchesAny(file, cfg); err != nil {
		return err
	}
	g, err := gateway.New(cfg, quiet)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	options, err := serverOptions(cfg, quiet)
	if err == nil {
		_, err = httpd.New(options, g, www.Files(), quiet)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
