// Package config reads the gateway's configuration: TOML into typed, validated values.
// config.example.toml explains every key.
package config

import (
	"log/slog"
	"time"
)

// Config is a whole configuration. Load fills in every default.
type Config struct {
	HTTP      HTTP      `toml:"http"`
	Discovery Discovery `toml:"discovery"`
	Limits    Limits    `toml:"limits"`
	Log       Log       `toml:"log"`
	Cameras   []Camera  `toml:"camera"`
}

// HTTP says where and for whom pictures are served.
type HTTP struct {
	Listen         string   `toml:"listen"`          // host:port
	AllowAnonymous bool     `toml:"allow_anonymous"` // lets Listen be an address that others reach
	Hosts          []string `toml:"hosts"`           // further names that browsers may call the gateway by
	Origins        []string `toml:"origins"`         // further pages that may open WebSockets
	WWW            string   `toml:"www"`             // a folder of pages that go before the built-in ones
}

// Discovery says how cameras are found, and what is done with them.
type Discovery struct {
	Listen      bool          `toml:"listen"`      // hear what cameras announce
	Interfaces  []string      `toml:"interfaces"`  // by name; none: every suitable one
	Unicast     []string      `toml:"unicast"`     // addresses and networks that are asked one by one
	AutoAdd     bool          `toml:"auto_add"`    // serve what is found
	Credentials []Secret      `toml:"credentials"` // user:password each, tried in this order with AutoAdd
	Interval    time.Duration `toml:"interval"`    // between searches with AutoAdd
}

// Limits bounds what viewers can ask for.
type Limits struct {
	MaxViewers    int `toml:"max_viewers"`    // at the same time
	MaxRenditions int `toml:"max_renditions"` // a camera
	MaxPixels     int `toml:"max_pixels"`     // width × height of a camera's picture
}

// Log says what is logged, and how.
type Log struct {
	Level  string `toml:"level"`  // debug, info, warn or error
	Format string `toml:"format"` // text or json
}

// Camera is one [[camera]].
type Camera struct {
	Name           string        `toml:"name"`
	Source         Secret        `toml:"source"`        // with user and password, if any
	PasswordFile   string        `toml:"password_file"` // the password instead of one in Source
	Password       Secret        `toml:"-"`             // what PasswordFile holds
	Transport      string        `toml:"transport"`     // auto, tcp, udp or multicast
	OnDemand       bool          `toml:"on_demand"`
	Linger         time.Duration `toml:"linger"`
	Threads        int           `toml:"threads"` // of the decoder
	TLSFingerprint string        `toml:"tls_fingerprint"`
	TLSInsecure    bool          `toml:"tls_insecure"`
	ID             string        `toml:"id"`     // endpoint reference or serial number, by which an ONVIF camera is found again
	Events         bool          `toml:"events"` // keep the events of an ONVIF camera subscribed
	JPEG           JPEG          `toml:"jpeg"`
}

// JPEG is what a camera's pictures are like where the viewer does not say.
type JPEG struct {
	Quality int     `toml:"quality"` // 1 to 100, on libjpeg's scale
	MaxFPS  float64 `toml:"max_fps"` // 0: the camera's own rate
}

func defaults() Config {
	return Config{
		HTTP:      HTTP{Listen: "127.0.0.1:8000"},
		Discovery: Discovery{Listen: true, Interval: 5 * time.Minute},
		Limits:    Limits{MaxViewers: 1000, MaxRenditions: 16, MaxPixels: 8192 * 8192},
		Log:       Log{Level: "info", Format: "text"},
	}
}

func cameraDefaults() Camera {
	return Camera{Transport: "auto", OnDemand: true, Linger: 10 * time.Second, Threads: 1, JPEG: JPEG{Quality: 75}}
}

// Secret is text that nothing prints: not fmt, not log/slog, not an encoder. Reveal gives
// it to whoever needs it.
type Secret struct{ text string }

// NewSecret keeps text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal is the text itself.
func (s Secret) Reveal() string { return s.text }

const hidden = "***"

// String is three stars.
func (Secret) String() string { return hidden }

// GoString is three stars.
func (Secret) GoString() string { return hidden }

// LogValue is three stars.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is three stars.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
