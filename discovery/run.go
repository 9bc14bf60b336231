package discovery

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// watchEvery is how often the interfaces are looked at and what is past its time dropped.
const watchEvery = time.Second

// afterChange is how long a search takes that an interface's change calls for.
const afterChange = 5 * time.Second

// A watch is one Run.
type watch struct {
	f         *Finder
	ctx       context.Context
	fetcher   *fetcher
	listeners map[string]*listener
	monitor   *monitor
	searching sync.WaitGroup
	due       chan struct{} // of one element: there is to be a search
	last      *network
	asked     time.Time       // when a search was begun for a camera that moved
	refused   map[string]bool // what was complained of
}

// A listener is a socket that hears announcements, and its reader.
type listener struct {
	socket *socket
	done   sync.WaitGroup
}

func (f *Finder) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{f: f, ctx: ctx, fetcher: newFetcher(ctx, f), listeners: map[string]*listener{}, refused: map[string]bool{},
		due: make(chan struct{}, 1)}
	defer func() {
		cancel()
		w.close()
	}()
	w.searching.Go(w.searchWhenDue)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	w.look()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.wake:
		case <-tick.C:
			w.look()
			f.registry.expire(f.now())
			f.recheck(w.fetcher)
			w.findMoved()
		}
		f.tell(false)
	}
}

// look follows the interfaces: what is new is listened to and searched at once, what is
// gone no longer listened to.
func (w *watch) look() {
	n, err := readNetwork(w.f.options.Interfaces)
	if err != nil {
		w.f.log.Warn(err.Error())
		return
	}
	before := w.last
	w.last = n
	w.f.network.Store(n)
	if before != nil && n.equal(before) && w.complete(n) {
		return
	}
	w.follow(n)
	if before != nil && !n.equal(before) && w.reachesMore(before, n) {
		w.f.log.Info("discovery: the network interfaces changed; searching again")
		w.search()
	}
}

// reachesMore says whether a change can have brought cameras into reach: one of the
// interfaces that are searched, or of any where hosts are asked one by one, through routers
// and tunnels. (Interfaces come and go with each container on some machines.)
func (w *watch) reachesMore(before, now *network) bool {
	if len(w.f.options.Unicast) > 0 {
		return true
	}
	return len(now.searched) > 0 && !now.searchesAs(before)
}

// search has a search follow, beside all else.
func (w *watch) search() {
	select {
	case w.due <- struct{}{}:
	default:
	}
}

// searchWhenDue searches when there is reason to, until the watch ends. An address that
// comes during a search, as DHCP's does after the IPv6 one, is searched from behind it.
func (w *watch) searchWhenDue() {
	for {
		select {
		case <-w.due:
		case <-w.ctx.Done():
			return
		}
		if err := w.f.searchAnew(w.ctx, afterChange); err != nil && w.ctx.Err() == nil {
			w.f.log.Info(err.Error())
		}
	}
}

// betweenMoves is how often others can have us search by saying that a camera moved.
const betweenMoves = 10 * time.Second

// findMoved searches where a known camera announced itself from another address.
func (w *watch) findMoved() {
	now := time.Now()
	if now.Sub(w.asked) < betweenMoves || !w.f.moved.Swap(false) {
		return
	}
	w.asked = now
	w.search()
}

// wanted are the listeners that the network calls for, by what they depend on.
func (w *watch) wanted(n *network) map[string]func() (*socket, error) {
	all := map[string]func() (*socket, error){}
	if !w.f.options.Listen {
		return all
	}
	for _, l := range n.searched {
		for _, p := range []protocol{protocolWS, protocolSSDP} {
			port := uint16(w.f.options.WSPort)
			if p == protocolSSDP {
				port = uint16(w.f.options.SSDPPort)
			}
			if l.has4() && !(p == protocolSSDP && w.f.monitored(l)) {
				all[l.key()+" 4 "+string(p)] = func() (*socket, error) { return openListener(w.ctx, p, l, false, port) }
			}
			if _, ok := l.local6(); ok {
				all[l.key()+" 6 "+string(p)] = func() (*socket, error) { return openListener(w.ctx, p, l, true, port) }
			}
		}
	}
	return all
}

// complete says whether all that is wanted is listened to.
func (w *watch) complete(n *network) bool {
	wanted := w.wanted(n)
	if len(wanted) != len(w.listeners) {
		return false
	}
	for key := range wanted {
		if w.listeners[key] == nil {
			return false
		}
	}
	return w.monitor.fits(w.f, n)
}

// follow opens and closes listeners as the network calls for.
func (w *watch) follow(n *network) {
	wanted := w.wanted(n)
	for key, l := range w.listeners {
		if wanted[key] == nil {
			l.close()
			delete(w.listeners, key)
		}
	}
	for key, open := range wanted {
		if w.listeners[key] != nil {
			continue
		}
		if len(w.listeners) >= maxSockets {
			break
		}
		s, err := open()
		if err != nil {
			w.complain(key, err)
			continue
		}
		delete(w.refused, key)
		w.listen(key, s)
	}
	if !w.monitor.fits(w.f, n) {
		w.monitor.close()
		w.monitor = w.f.startMonitor(n, w.fetcher, w.complain)
	}
}

// complain says once what cannot be listened to; it is tried again every second.
func (w *watch) complain(key string, err error) {
	if !w.refused[key] {
		w.refused[key] = true
		if errors.Is(err, unix.EADDRINUSE) {
			w.f.log.Warn("discovery: another program has the port that announcements come to for itself alone; cameras are found by searching only", "on", key, "error", err)
			return
		}
		w.f.log.Warn("discovery: announcements cannot be heard; cameras are found by searching only", "on", key, "error", err)
	}
}

func (w *watch) listen(key string, s *socket) {
	l := &listener{socket: s}
	w.listeners[key] = l
	l.done.Go(func() {
		s.read(func(data []byte, from netip.AddrPort) { w.f.receive(s, data, from, w.fetcher) })
	})
}

func (l *listener) close() {
	l.socket.conn.Close()
	l.done.Wait()
}

// close ends all that the watch started. Its context has ended.
func (w *watch) close() {
	for _, l := range w.listeners {
		l.close()
	}
	w.monitor.close()
	w.searching.Wait()
	w.fetcher.wait()
}
