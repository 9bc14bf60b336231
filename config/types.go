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
	WebRTC    WebRTC    `toml:"webrtc"`
	Legacy    Legacy    `toml:"legacy"`
	Cameras   []Camera  `toml:"camera"`
	Walls     []Wall    `toml:"wall"`
}

// HTTP says where and for whom pictures are served.
type HTTP struct {
	Listen         string   `toml:"listen"`          // host:port
	AllowAnonymous bool     `toml:"allow_anonymous"` // lets Listen be an address that others reach
	Hosts          []string `toml:"hosts"`           // further names that browsers may call the gateway by
	Origins        []string `toml:"origins"`         // further pages that may use the gateway; "*": all may watch
	WWW            string   `toml:"www"`             // a folder of pages that go before the built-in ones
	BasePath       string   `toml:"base_path"`       // before every path, like "/cams"; "" is none
	TrustedProxies []string `toml:"trusted_proxies"` // addresses and networks whose X-Forwarded-… and Forwarded are believed
}

// WebRTC says how browsers reach the gateway's WebRTC.
type WebRTC struct {
	Enabled    bool        `toml:"enabled"`
	Listen     string      `toml:"listen"`      // host:port of UDP and TCP; "" is [http] listen's host and port 8189
	TCP        bool        `toml:"tcp"`         // TCP besides UDP
	Candidates []string    `toml:"candidates"`  // further addresses to announce: host, or host:port
	ICEServers []ICEServer `toml:"ice_servers"` // STUN and TURN
}

// ICEServer is a STUN or TURN server that the gateway and its viewers use.
type ICEServer struct {
	URL      string `toml:"url"` // stun:, stuns:, turn: or turns:
	User     string `toml:"user"`
	Password Secret `toml:"password"`
}

// Legacy serves the addresses and protocols of other programs.
type Legacy struct {
	URLs        bool   `toml:"urls"`         // of Axis, mjpg-streamer, Blue Iris, ZoneMinder, go2rtc and MediaMTX
	CctvAgentWS string `toml:"cctvagent_ws"` // host:port of cctvAgent's WebSocket protocol; "" is nowhere
	AllowAnyURL bool   `toml:"allow_any_url"`
}

// Wall is one [[wall]]: several cameras in one picture.
type Wall struct {
	Name    string   `toml:"name"`
	Cameras []string `toml:"cameras"` // by name, in rows from the left
	Columns int      `toml:"columns"` // 0: as many as make it nearly square
	Width   int      `toml:"width"`   // pixels of the whole
	FPS     float64  `toml:"fps"`     // pictures a second at most
	Quality int      `toml:"quality"` // 1 to 100, on libjpeg's scale
	Labels  string   `toml:"labels"`  // what stands under each camera: "", "name", "age" or "name,age"
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
	ID             string        `toml:"id"`        // endpoint reference or serial number, by which an ONVIF camera is found again
	Events         bool          `toml:"events"`    // keep the events of an ONVIF camera subscribed
	Substream      Secret        `toml:"substream"` // a smaller stream of the same camera; "" for none, or those that an ONVIF camera tells of
	Audio          bool          `toml:"audio"`     // take the camera's sound too, for WebRTC
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
		WebRTC:    WebRTC{Enabled: true, TCP: true},
	}
}

func wallDefaults() Wall { return Wall{Width: 1280, FPS: 10, Quality: 75} }

func cameraDefaults() Camera {
	return Camera{Transport: "auto", OnDemand: true, Linger: 10 * time.Second, Threads: 1, Audio: true, JPEG: JPEG{Quality: 75}}
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
