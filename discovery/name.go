package discovery

import (
	"fmt"
	"slices"
	"time"
)

// name gives a device the best ID that it can have. It stays once the device has settled,
// as long as no other proves to be the one that it is of. No two devices have the same.
func (g *registry) name(d *device, now time.Time) {
	if d.id != "" && (d.told != nil || now.Sub(d.first) >= settling) {
		return
	}
	ids := d.identities()
	for _, id := range ids {
		holder := g.ids[id]
		if holder == nil || holder == d {
			g.rename(d, id)
			return
		}
		if !slices.Contains(holder.identities(), id) {
			// It once was the holder's: the camera has another endpoint reference since.
			g.rename(holder, "")
			g.rename(d, id)
			g.name(holder, now)
			return
		}
	}
	for n := 2; ; n++ {
		if id := fmt.Sprintf("%s#%d", ids[0], n); g.ids[id] == nil {
			g.rename(d, id)
			return
		}
	}
}

// rename gives a device another ID, or none for the moment. The owner, if told of it, is
// told that the old one is gone.
func (g *registry) rename(d *device, id string) {
	if d.id == id {
		return
	}
	if g.ids[d.id] == d {
		delete(g.ids, d.id)
	}
	if d.id = id; id != "" {
		g.ids[id] = d
	}
	if d.told != nil {
		g.departed = append(g.departed, *d.told)
		d.told = nil
	}
	g.tell(d)
}
