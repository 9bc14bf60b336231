package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"camgate/camera"
	"camgate/discovery"
	"camgate/onvif"
	"camgate/outputs/params"
	"camgate/outputs/wall"
)

// A Finder finds cameras and adds them; *gateway.Gateway is one.
type Finder interface {
	Devices() []discovery.Device
	FinderStats() discovery.Stats
	Search(ctx context.Context, wait time.Duration) error
	ServedAs(discovery.Device) []string // names of cameras
	AddDevice(ctx context.Context, id, name, user, password string) (string, error)
}

// Bounds of a search by HTTP.
const (
	defaultSearch = 5 * time.Second
	longestSearch = 20 * time.Second
)

// foundDevice is a device as the API shows it.
type foundDevice struct {
	discovery.Device
	Cameras []string `json:"cameras"` // by which it is served; none: it can be added
}

// found is what /api/discovery answers.
type found struct {
	Devices []foundDevice   `json:"devices"`
	Stats   discovery.Stats `json:"stats"`
}

func (s *Server) found() found {
	list := found{Devices: []foundDevice{}, Stats: s.cfg.Finder.FinderStats()}
	for _, d := range s.cfg.Finder.Devices() {
		list.Devices = append(list.Devices, foundDevice{Device: d, Cameras: s.cfg.Finder.ServedAs(d)})
	}
	return list
}

// listDevices answers with what was found so far.
func (s *Server) listDevices(c echo.Context) error { return c.JSON(http.StatusOK, s.found()) }

// searchDevices searches the network, for ?wait= (5s), and answers with what there is then.
func (s *Server) searchDevices(c echo.Context) error {
	wait := defaultSearch
	if asked := c.QueryParam("wait"); asked != "" {
		var err error
		if wait, err = time.ParseDuration(asked); err != nil || wait < 100*time.Millisecond || wait > longestSearch {
			return badRequest(errors.New("wait must be 100ms to 20s"))
		}
	}
	limit := longestSearch + wait // another search may run
	ctx, cancel := context.WithTimeout(c.Request().Context(), limit)
	defer cancel()
	http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(limit + writeTimeout)) // fails only on a dead connection
	if err := s.cfg.Finder.Search(ctx, wait); err != nil {
		return &failure{status: http.StatusServiceUnavailable, sentence: "the network cannot be searched: " + err.Error()}
	}
	return c.JSON(http.StatusOK, s.found())
}

// newCamera is what POST /api/cameras takes: a device that was found, and how to log in.
// It takes no address: a gateway that dials what a page names is an open proxy.
type newCamera struct {
	Device   string `json:"device"` // its id
	Name     string `json:"name"`   // "": a readable one is made
	User     string `json:"user"`
	Password string `json:"password"`
}

// addCamera serves a device that was found.
func (s *Server) addCamera(c echo.Context) error {
	var asked newCamera
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	if asked.Device == "" {
		return badRequest(errors.New("device must be the id of a device in /api/discovery"))
	}
	if slices.ContainsFunc(s.cfg.Walls, func(l wall.Layout) bool { return strings.EqualFold(l.Name, asked.Name) }) {
		return badRequest(fmt.Errorf("%q is the name of a wall already: the camera needs another", asked.Name))
	}
	name, err := s.cfg.Finder.AddDevice(c.Request().Context(), asked.Device, asked.Name, asked.User, asked.Password)
	switch {
	case err == nil:
		return c.JSON(http.StatusCreated, map[string]string{"camera": name})
	case errors.Is(err, onvif.ErrNotAuthorized), errors.Is(err, onvif.ErrLocked):
		return &failure{status: http.StatusUnprocessableEntity, sentence: err.Error()}
	case ofDevice(err):
		return &failure{status: http.StatusBadGateway, sentence: err.Error()}
	}
	return badRequest(err)
}

// ofDevice says whether an error is of the device that was asked, and not of who asked.
func ofDevice(err error) bool {
	for _, one := range []error{context.DeadlineExceeded, onvif.ErrNotONVIF, onvif.ErrMalformed, onvif.ErrTooLarge, onvif.ErrNotSupported} {
		if errors.Is(err, one) {
			return true
		}
	}
	return errors.As(err, new(*onvif.UnreachableError)) || errors.As(err, new(*onvif.Fault)) || errors.As(err, new(*onvif.CertificateError))
}

// order is what POST /api/cameras/{camera}/ptz takes.
type order struct {
	Pan     float64 `json:"pan"`  // -1 to 1, to the right
	Tilt    float64 `json:"tilt"` // -1 to 1, up
	Zoom    float64 `json:"zoom"` // -1 to 1, in
	Seconds float64 `json:"seconds"`
	Stop    bool    `json:"stop"`
	Preset  string  `json:"preset"`
}

// move gives a camera an order.
func (s *Server) move(c echo.Context) error {
	one, err := s.mover(c, "/ptz")
	if err != nil {
		return err
	}
	var asked order
	if err := readJSON(c, &asked); err != nil {
		return err
	}
	if !(asked.Seconds >= 0 && asked.Seconds <= 10) {
		return badRequest(errors.New("seconds must be 0 to 10"))
	}
	err = one.Move(c.Request().Context(), camera.Order{Pan: asked.Pan, Tilt: asked.Tilt, Zoom: asked.Zoom,
		For: time.Duration(asked.Seconds * float64(time.Second)), Stop: asked.Stop, Preset: asked.Preset})
	if err != nil {
		return moveFailure(err)
	}
	return c.NoContent(http.StatusNoContent)
}

// presets lists the positions that a camera has stored.
func (s *Server) presets(c echo.Context) error {
	one, err := s.mover(c, "/presets")
	if err != nil {
		return err
	}
	list, err := one.Presets(c.Request().Context())
	if err != nil {
		return moveFailure(err)
	}
	shown := []map[string]string{}
	for _, p := range list {
		shown = append(shown, map[string]string{"token": p.Token, "name": p.Name})
	}
	return c.JSON(http.StatusOK, shown)
}

// mover finds the camera of /api/cameras/{camera}/…
func (s *Server) mover(c echo.Context, suffix string) (served, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(c.Request().URL.Path, "/api/cameras/"), suffix)
	if one := s.cameras.find(name); one != nil {
		return one, nil
	}
	return nil, noCamera(name)
}

func moveFailure(err error) error {
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, camera.ErrNotONVIF), errors.Is(err, camera.ErrFixed):
		status = http.StatusConflict
	case errors.Is(err, camera.ErrOrder), errors.Is(err, onvif.ErrNoPreset):
		status = http.StatusBadRequest
	case errors.Is(err, camera.ErrClosed):
		status = http.StatusServiceUnavailable
	}
	return &failure{status: status, sentence: err.Error()}
}

// readJSON reads a body, which readBody has bounded.
func readJSON(c echo.Context, into any) error {
	r := c.Request()
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &failure{status: http.StatusUnsupportedMediaType, sentence: "the request's body must be JSON, and its Content-Type application/json"}
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = errors.New("there is more behind it")
	}
	mistyped := new(json.UnmarshalTypeError)
	if errors.As(err, &mistyped) && mistyped.Field != "" {
		return badRequest(fmt.Errorf("the request's body is not the JSON that is wanted: %s cannot be of the type %s", params.Shorten(mistyped.Field), mistyped.Value))
	}
	if err != nil {
		why := strings.ReplaceAll(params.Shorten(strings.TrimPrefix(err.Error(), "json: ")), `\"`, `"`) // the answer is quoted itself
		return badRequest(fmt.Errorf("the request's body is not the JSON that is wanted: %s", why))
	}
	return nil
}
