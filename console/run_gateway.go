package console

import (
	"context"
	"strconv"
	"strings"
)

// runReload reads the configuration again.
func runReload(_ context.Context, r *request) error {
	changed, err := r.gateway.Reload()
	if err != nil {
		return err
	}
	r.printf("%s\n", changed)
	return nil
}

// runLog sets how much is logged.
func runLog(_ context.Context, r *request) error {
	level := strings.ToLower(r.args[0])
	if !isOneOf(level, r.command.values(nil, nil)) {
		return usagef("log: %q is no level; debug, info, warn and error are", r.args[0])
	}
	if err := r.gateway.LogLevel(level); err != nil {
		return err
	}
	r.printf("the gateway logs %s\n", level)
	return nil
}

func isOneOf(word string, all []candidate) bool {
	for _, c := range all {
		if c.Value == word {
			return true
		}
	}
	return false
}

// runStats shows the gateway's numbers.
func runStats(_ context.Context, r *request) error {
	all := r.gateway.Stats()
	if r.json {
		if all == nil {
			all = []Stat{}
		}
		return writeJSON(r.out, all)
	}
	t := &table{columns: []column{{head: "NAME"}, {head: "VALUE", right: true}, {head: "UNIT"}}}
	for _, s := range all {
		value := strconv.FormatFloat(s.Value, 'f', -1, 64)
		if s.Value != float64(int64(s.Value)) {
			value = strconv.FormatFloat(s.Value, 'f', 2, 64)
		}
		t.add(s.Name, value, s.Unit)
	}
	return r.show(t)
}

// runHost lists where the gateway is.
func runHost(_ context.Context, r *request) error {
	h := r.gateway.Host()
	if r.json {
		return writeJSON(r.out, h)
	}
	for i, a := range h.Addresses {
		r.printf("%d: %s\n", i+1, a)
	}
	return nil
}

// runVersion tells which gateway this is.
func runVersion(_ context.Context, r *request) error {
	h := r.gateway.Host()
	r.printf("camgate %s, running for %s\n", h.Version, span(h.Uptime))
	return nil
}

// runVi chooses the keys of the line editor.
func runVi(_ context.Context, r *request) error {
	switch strings.ToLower(r.args[0]) {
	case "on":
		r.act = actViOn
	case "off":
		r.act = actViOff
	default:
		return usagef("vi: on or off, not %q", r.args[0])
	}
	return nil
}
