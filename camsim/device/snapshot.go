package device

import (
	"fmt"
	"net/http"
	"strings"
)

// snapshotQuality is libjpeg's.
const snapshotQuality = 80

// snapshot hands out the present picture of a profile.
func (d *Device) snapshot(w http.ResponseWriter, r *http.Request) {
	d.count("snapshot")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "405 Method Not Allowed", http.StatusMethodNotAllowed)
		return
	}
	token, _ := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/snapshot/"), ".jpg")
	for _, p := range d.options.Profiles {
		if p.Token != token || d.has(QuirkNoSnapshot) {
			continue
		}
		if !d.admitSnapshot(w, r) {
			return
		}
		picture, err := p.Camera.Still(snapshotQuality)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		d.sendSnapshot(w, picture)
		return
	}
	http.NotFound(w, r)
}

func (d *Device) sendSnapshot(w http.ResponseWriter, picture []byte) {
	if !d.has(QuirkSnapshotBadHeaders) {
		w.Header().Set("Content-Type", "image/jpeg")
		w.Header().Set("Content-Length", fmt.Sprint(len(picture)))
		_, _ = w.Write(picture) // whoever asked may be gone
		return
	}
	conn, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	// A line without a colon, white space before one, and a blank in a name.
	fmt.Fprintf(out, "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nThis is no header\r\nX Frame : 1\r\nServer : camera\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", len(picture))
	_, _ = out.Write(picture)
	_ = out.Flush()
}

// admitSnapshot lets a request pass, or answers it and returns false.
func (d *Device) admitSnapshot(w http.ResponseWriter, r *http.Request) bool {
	given := r.Header.Get("Authorization") != ""
	switch {
	case d.has(QuirkCredentialsRefused):
		if given {
			http.Error(w, "401 Unauthorized", http.StatusUnauthorized)
		}
		return !given
	case d.options.User == "":
		return true
	case d.lockedFor() > 0:
		d.count("locked")
		d.refuseLocked(w)
		return false
	}
	switch d.snapshotLogin(r) {
	case loginRight:
		d.forgive()
		return true
	case loginStale:
		d.challengeSnapshot(w, true)
	case loginWrong:
		d.fail()
		fallthrough
	default:
		if d.lockedFor() > 0 {
			d.refuseLocked(w)
			return false
		}
		d.challengeSnapshot(w, false)
	}
	http.Error(w, "401 Unauthorized", http.StatusUnauthorized)
	return false
}

// refuseLocked is what Hikvision's web server says.
func (d *Device) refuseLocked(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusUnauthorized)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><userCheck><statusValue>401</statusValue><statusString>Unauthorized</statusString><lockStatus>lock</lockStatus><unlockTime>%d</unlockTime></userCheck>`, int(d.lockedFor().Seconds()))
}

// snapshotLogin takes Basic and Digest; with QuirkSnapshotQueryOnly neither, but the
// query of the URI that it told.
func (d *Device) snapshotLogin(r *http.Request) login {
	if d.has(QuirkSnapshotQueryOnly) {
		q := r.URL.Query()
		if r.Header.Get("Authorization") == "" && same(q.Get("user"), d.options.User) && same(q.Get("password"), d.wantedPassword()) {
			return loginRight
		}
		return loginWrong
	}
	if user, password, basic := r.BasicAuth(); basic {
		if !d.has(QuirkSnapshotDigest) && same(user, d.options.User) && same(password, d.wantedPassword()) {
			return loginRight
		}
		return loginWrong
	}
	if d.has(QuirkSnapshotBasic) {
		return loginNone
	}
	return d.checkDigest(r)
}

func (d *Device) challengeSnapshot(w http.ResponseWriter, stale bool) {
	if d.has(QuirkSnapshotQueryOnly) {
		return
	}
	if !d.has(QuirkSnapshotBasic) {
		d.challenge(w, stale)
	}
	if !d.has(QuirkSnapshotDigest) {
		w.Header().Add("WWW-Authenticate", `Basic realm="`+realm+`"`)
	}
}
