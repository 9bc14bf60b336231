package onvif

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ports are where cameras have their device service, the usual ones first: 80 as most,
// 8000 as Reolink and Hikvision's recorders, 8080, 8899 as Xiongmai and its many brands,
// 2020 as TP-Link, 5000 as Foscam's and Dahua's older ones.
var ports = []int{80, 8000, 8080, 8899, 2020, 5000}

// securePorts are where it is over TLS.
var securePorts = []int{443, 8443, 8000, 8080, 8899, 2020, 5000}

// locateTimeout bounds the look at one port.
const locateTimeout = 3 * time.Second

// Locate looks at which of the usual ports of a host an ONVIF service answers, and returns
// its address: the best of o.Address with another port. It asks anonymously: no port of
// anybody learns user or password. Where none answers the error wraps ErrNotONVIF.
func Locate(ctx context.Context, o Options) (string, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Hostname() == "" {
		return "", errors.New("an ONVIF address begins with http:// or https://, and names a host")
	}
	if u.Scheme == "https" {
		return locate(ctx, o, u, securePorts)
	}
	return locate(ctx, o, u, ports)
}

// certainty is what an answer at a port is worth.
type certainty int

const (
	nothing certainty = iota
	perhaps           // it asks for a login, as web pages do too
	surely            // it speaks ONVIF
)

func locate(ctx context.Context, o Options, u *url.URL, ports []int) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	o.User, o.Password, o.Timeout = "", "", locateTimeout
	type answer struct {
		address string
		is      certainty
		at      int // in ports
	}
	answers := make(chan answer, len(ports))
	for i, port := range ports {
		at := *u
		at.Host = net.JoinHostPort(u.Hostname(), strconv.Itoa(port))
		one := o
		one.Address = at.String()
		asking.Go(func() { answers <- answer{one.Address, look(ctx, one), i} })
	}
	second, usual := "", len(ports) // of those that may be it the most usual, and not the fastest
	for range ports {
		switch a := <-answers; {
		case a.is == surely:
			return a.address, nil
		case a.is == perhaps && a.at < usual:
			second, usual = a.address, a.at
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if second == "" {
		return "", &nowhereError{u.Hostname()}
	}
	return second, nil
}

// look says whether an ONVIF service is there, whatever it thinks of who asks. The clock
// is what all of them tell anybody (ONVIF Core Specification section 5.9.4.3).
func look(ctx context.Context, o Options) certainty {
	client, err := New(o)
	if err != nil {
		return nothing
	}
	defer client.Close()
	if clock, err := client.Clock(ctx); err == nil && strings.HasPrefix(clock.Source, "GetSystemDateAndTime") {
		return surely
	}
	_, err = client.Information(ctx)
	var fault *Fault
	switch {
	case err == nil, errors.As(err, &fault) && fault.Code != "":
		return surely
	case errors.Is(err, ErrNotAuthorized):
		return perhaps
	}
	return nothing
}

// nowhereError: no usual port of a host is an ONVIF service's.
type nowhereError struct{ host string }

func (e *nowhereError) Error() string {
	return e.host + ": no ONVIF service answers at the usual ports: is ONVIF switched on in the camera? Another port stands behind its address: onvif://" + e.host + ":PORT"
}

// Unwrap lets errors.Is find ErrNotONVIF.
func (e *nowhereError) Unwrap() error { return ErrNotONVIF }
