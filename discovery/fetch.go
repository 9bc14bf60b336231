package discovery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Limits of fetching device descriptions, so that hosts that answer slowly or never hold
// up nobody else's for long.
const (
	maxFetches     = 16
	maxFetchesHost = 4
	maxWaiting     = 1024
	fetchTimeout   = 3 * time.Second
)

// A job is an SSDP message whose device's description is wanted.
type job struct {
	message  ssdpMessage
	from     sender
	via      string
	fresh    bool // what the cache has is not enough
	location *url.URL
}

// key is where the description lies, as seen from who said so.
func (j *job) key() string { return j.from.addr.String() + " " + j.message.location }

// A fetcher fetches device descriptions while its owner's context lives.
type fetcher struct {
	ctx     context.Context
	f       *Finder
	workers sync.WaitGroup

	mu      sync.Mutex
	waiting []*job
	busy    map[string]int // fetches by host
	running int
	closed  bool
}

func newFetcher(ctx context.Context, f *Finder) *fetcher {
	return &fetcher{ctx: ctx, f: f, busy: map[string]int{}}
}

// wait returns when all fetches have ended. The owner's context has ended before, and
// nothing is wanted any more.
func (q *fetcher) wait() {
	q.mu.Lock()
	q.closed = true
	for _, j := range q.waiting {
		q.f.cache.forget(j.key())
	}
	q.waiting = nil
	q.mu.Unlock()
	q.workers.Wait()
}

// want takes a message: its device is sighted now, if its description is known, or later.
func (q *fetcher) want(j *job) {
	counts := &q.f.counts
	u, err := checkLocation(j.message.location, j.from)
	if err != nil {
		counts.foreign.Add(1)
		q.f.refused(j, err)
		return
	}
	j.location = u
	known, fetch := q.f.cache.begin(j.key(), j.message.boot, j.fresh, q.f.now())
	switch {
	case fetch:
		q.add(j)
	case known.busy:
	case known.failed:
		counts.fetchDropped.Add(1)
	default:
		q.f.described(j, &known.description)
	}
}

// refused reports a LOCATION that is not fetched, once a minute for each.
func (f *Finder) refused(j *job, err error) {
	key := printable(j.key(), maxText)
	if _, first := f.cache.begin(key, "", false, f.now()); first {
		f.cache.end(key, nil, f.now())
		f.warn("a device description is not fetched, because of where it is said to lie", "sender", j.from.addr, "reason", err)
	}
}

func (q *fetcher) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.waiting) >= maxWaiting {
		q.f.cache.forget(j.key())
		q.f.counts.fetchDropped.Add(1)
		return
	}
	q.waiting = append(q.waiting, j)
	q.start()
}

// start starts what may be fetched now. The caller holds mu.
func (q *fetcher) start() {
	for !q.closed && q.running < maxFetches {
		i := slices.IndexFunc(q.waiting, func(j *job) bool { return q.busy[j.location.Hostname()] < maxFetchesHost })
		if i < 0 {
			return
		}
		j := q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.running++
		q.busy[j.location.Hostname()]++
		q.workers.Go(func() { q.do(j) })
	}
}

// do fetches one description.
func (q *fetcher) do(j *job) {
	d, err := fetchDescription(q.ctx, j)
	q.mu.Lock()
	q.running--
	if host := j.location.Hostname(); q.busy[host] > 1 {
		q.busy[host]--
	} else {
		delete(q.busy, host)
	}
	q.start()
	q.mu.Unlock()

	switch {
	case err == nil:
		q.f.counts.fetched.Add(1)
		q.f.cache.end(j.key(), &d, q.f.now())
		q.f.described(j, &d)
		q.f.wakeUp()
	case q.ctx.Err() != nil:
		q.f.cache.forget(j.key())
	default:
		q.f.counts.fetchFailed.Add(1)
		if errors.Is(err, errTooLarge) || errors.Is(err, errMalformed) {
			q.f.countError(err)
		}
		q.f.cache.end(j.key(), nil, q.f.now())
		q.f.undescribed(j)
		q.f.log.Debug("discovery: a device description could not be fetched", "from", j.from.addr, "error", err)
	}
}

// checkLocation says whether a description may be fetched from where it is said to lie,
// as far as that can be said before its name is looked up.
func checkLocation(location string, from sender) (*url.URL, error) {
	u, err := url.Parse(zonePattern.ReplaceAllString(location, "$1]"))
	if err != nil || len(location) > maxAddress || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || !portOK(u.Port()) || u.User != nil {
		return nil, fmt.Errorf("LOCATION %q is no address of http or https", printable(location, 80))
	}
	if !from.near() {
		return nil, fmt.Errorf("LOCATION %s is announced from %s, which is on no network of this computer", u.Redacted(), from.addr)
	}
	host, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return u, nil // a name: what it stands for is checked when it is dialled
	}
	if why := from.refusal(host); why != "" {
		return nil, fmt.Errorf("LOCATION %s, %s", u.Redacted(), why)
	}
	u.Host = hostPort(from.zoned(host), u.Port())
	return u, nil
}

// fetchDescription fetches and reads a description: from the sender or its network only,
// whatever its name stands for, with no proxy, no redirection elsewhere, no compression.
func fetchDescription(ctx context.Context, j *job) (description, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Control: j.from.checkDial}).DialContext,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // cameras sign their certificates themselves, and what is read is shown to nobody as certain
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if to.URL.Host != via[0].URL.Host || len(via) > 3 {
			return errors.New("it leads elsewhere")
		}
		return nil
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, j.location.String(), nil)
	if err != nil {
		return description{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return description{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return description{}, fmt.Errorf("%s: HTTP status %d", j.location.Redacted(), response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxDescription+1))
	if err != nil {
		return description{}, fmt.Errorf("%s: %w", j.location.Redacted(), err)
	}
	d, err := readDescription(data, j.location)
	if err != nil {
		return description{}, fmt.Errorf("%s: %w", j.location.Redacted(), err)
	}
	return d, nil
}

// checkDial refuses to dial what the sender may not announce. It sees addresses, after
// names were looked up.
func (s sender) checkDial(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if why := s.refusal(to.Addr()); why != "" {
		return fmt.Errorf("%s, %s", to, why)
	}
	return nil
}
