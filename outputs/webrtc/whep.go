package webrtc

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// What WHEP is made of (draft-ietf-wish-whep), with ICE and sessions as WHIP has them
// (RFC 9725, 4).
const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"

	endpointMethods = "OPTIONS, POST"
	sessionMethods  = "DELETE, OPTIONS, PATCH"
)

// Endpoint answers a request to a camera's endpoint: POST of an offer, OPTIONS. a has the
// camera and who asks; the rest is in the request. The error is an *Error, or the
// request's; then nothing has been answered.
func (s *Server) Endpoint(w http.ResponseWriter, r *http.Request, a Asked) error {
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Allow", endpointMethods)
		w.Header().Set("Accept-Post", sdpType)
		s.linkServers(w.Header())
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodPost:
	default:
		w.Header().Set("Allow", endpointMethods)
		return refuse(http.StatusMethodNotAllowed, "WHEP is used with POST of an SDP offer here")
	}
	offer, err := body(w, r, sdpType, "Accept-Post")
	if err != nil {
		return err
	}
	a.Offer = offer
	if err := a.query(r.URL.Query()); err != nil {
		return err
	}
	answer, err := s.Offer(r.Context(), a)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", sdpType)
	h.Set("ETag", answer.ETag)
	h.Set("Accept-Patch", fragmentType)
	// Relative to the endpoint, so that it is right under every prefix that proxies put
	// before it.
	h.Set("Location", url.PathEscape(a.Camera)+"/"+answer.Session)
	s.linkServers(h)
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, answer.SDP) //nolint:errcheck // who does not get it does not connect
	return nil
}

// query takes the parameters of the endpoint.
func (a *Asked) query(q url.Values) error {
	for name, to := range map[string]*int{"width": &a.Width, "height": &a.Height} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < 1 || n > 16384 || len(q[name]) > 1 {
			return refuse(http.StatusBadRequest, fmt.Sprintf("%s must be one number from 1 to 16384: how many pixels are of use", name))
		}
		*to = n
	}
	switch value := q.Get("audio"); value {
	case "0":
		a.Silent = true
	case "", "1":
	default:
		return refuse(http.StatusBadRequest, "audio must be 0 or 1")
	}
	return nil
}

// body is the request's, which must be of a type; field tells who sent another which one.
func body(w http.ResponseWriter, r *http.Request, want, field string) (string, error) {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != want {
		w.Header().Set(field, want)
		return "", refuse(http.StatusUnsupportedMediaType, "the body must be of the type "+want)
	}
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return "", refuse(http.StatusBadRequest, "the request's body is cut short or broken")
	}
	if len(text) > most {
		return "", refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("a request may have at most %d bytes of body", most))
	}
	return string(text), nil
}

// linkServers tells of the STUN and TURN servers (RFC 9725, 4.6).
func (s *Server) linkServers(h http.Header) {
	for _, server := range s.options.ICEServers {
		for _, address := range server.URLs {
			link := fmt.Sprintf("<%s>; rel=\"ice-server\"", strings.Map(inLink, address))
			if server.User != "" {
				link += fmt.Sprintf("; username=%s; credential=%s; credential-type=\"password\"", quoted(server.User), quoted(server.Password))
			}
			h.Add("Link", link)
		}
	}
}

// inLink leaves out what cannot stand in a link.
func inLink(r rune) rune {
	if r <= ' ' || r == '<' || r == '>' || r == 0x7f {
		return -1
	}
	return r
}

// quoted is a quoted-string (RFC 9110, 5.6.4).
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "", "\n", "").Replace(text) + `"`
}

// Session answers a request to a session: PATCH, DELETE, OPTIONS. The error is as
// Endpoint's.
func (s *Server) Session(w http.ResponseWriter, r *http.Request, camera, id string) error {
	h := w.Header()
	one := s.session(camera, id)
	if one == nil {
		return refuse(http.StatusNotFound, "there is no such WebRTC session: it has ended, or never was")
	}
	switch r.Method {
	case http.MethodOptions:
		h.Set("Allow", sessionMethods)
		h.Set("Accept-Patch", fragmentType)
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodDelete:
		one.cancel(errDeleted)
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodPatch:
		return one.patch(w, r)
	}
	h.Set("Allow", sessionMethods)
	return refuse(http.StatusMethodNotAllowed, "a WebRTC session takes PATCH and DELETE")
}

// patch takes candidates, or begins ICE anew (RFC 9725, 4.3).
func (one *session) patch(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r, fragmentType, "Accept-Patch")
	if err != nil {
		return err
	}
	f, err := parseFragment(text)
	if err != nil {
		return badRequest(err)
	}
	matches := r.Header.Values("If-Match")
	if len(matches) == 0 {
		return refuse(http.StatusPreconditionRequired, "If-Match is missing: it must be the ETag of the answer, or * to begin ICE anew")
	}
	one.signalling.Lock()
	defer one.signalling.Unlock()
	if one.ctx.Err() != nil {
		return refuse(http.StatusNotFound, "this WebRTC session has ended")
	}
	tags := matchTags(matches)
	// RFC 9725 writes it both ways: bare in the text, with quotes in its examples.
	any := slices.Contains(tags, "*") || slices.Contains(tags, `"*"`)
	if !any && !slices.Contains(tags, one.etag) {
		return refuse(http.StatusPreconditionFailed, "If-Match is not this session's ETag: ICE has begun anew since")
	}
	ufrag, password := transport(one.offer)
	known := f.ufrag == ufrag && f.password == password
	if f.ufrag == "" || known {
		if err := one.addCandidates(f.candidates); err != nil {
			return badRequest(err)
		}
		if known && any && one.anew {
			one.answerAnew(w) // again: the network that made it begin anew may have lost the answer
			return nil
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	// Once it has begun, it is finished: a browser whose request was cut off asks again.
	if err := one.restart(context.WithoutCancel(r.Context()), f); err != nil {
		return err
	}
	one.answerAnew(w)
	return nil
}

// answerAnew tells the browser how ICE has begun anew. The caller holds signalling.
func (one *session) answerAnew(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", fragmentType)
	h.Set("ETag", one.etag)
	one.server.linkServers(h)
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, answerFragment(one.answer)) //nolint:errcheck // who does not get it asks again
}

// matchTags are the entity tags of If-Match. Ours hold no comma.
func matchTags(values []string) (tags []string) {
	for _, value := range values {
		for tag := range strings.SplitSeq(value, ",") {
			tags = append(tags, strings.TrimSpace(tag))
		}
	}
	return tags
}
