package ws

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gorilla/websocket"

	"camgate/media"
	"camgate/outputs/params"
)

// A Wish is what a tile is to show.
type Wish struct {
	Camera    string // or wall
	Rendition media.Rendition
	FPS       float64 // at most; 0: all there are
}

// A Refusal is why a tile cannot be opened: a status as HTTP's, and a sentence.
type Refusal struct {
	Status   int
	Sentence string
}

func (r *Refusal) Error() string { return r.Sentence }

// clientMessage is what a client says, as JSON.
type clientMessage struct {
	Type     string  `json:"type"` // open, close or ack
	Tile     *int    `json:"tile"`
	Camera   string  `json:"camera"`
	Width    int     `json:"width"`
	Height   int     `json:"height"`
	Quality  int     `json:"quality"`
	FPS      float64 `json:"fps"`
	Sequence *uint32 `json:"sequence"`
}

const maxTile = 1<<16 - 1

// readMessage reads a client's message. A closing error ends the connection; a refusal is
// of a tile that could not be opened as the message wants it.
func readMessage(kind int, data []byte) (clientMessage, *Refusal, *websocket.CloseError) {
	var m clientMessage
	if err := notJSON(kind, data); err != nil {
		return m, nil, err
	}
	violation := func(reason string) (clientMessage, *Refusal, *websocket.CloseError) {
		return m, nil, &websocket.CloseError{Code: websocket.ClosePolicyViolation, Text: reason}
	}
	// Where a value is of the wrong type, the others are read all the same.
	err := json.Unmarshal(data, &m)
	mistyped := new(json.UnmarshalTypeError)
	if err != nil && (!errors.As(err, &mistyped) || mistyped.Field == "") {
		return violation("a message must be a JSON object")
	}
	if m.Type != "open" && m.Type != "close" && m.Type != "ack" {
		return violation("the type of a message must be open, close or ack")
	}
	if m.Tile == nil || *m.Tile < 0 || *m.Tile > maxTile || err != nil && mistyped.Field == "tile" {
		return violation(fmt.Sprintf("tile must be a whole number from 0 to %d", maxTile))
	}
	switch {
	case m.Type == "ack" && (m.Sequence == nil || err != nil):
		return violation("an ack must have the sequence of a picture")
	case m.Type != "open":
		return m, nil, nil
	case err != nil:
		return m, wrong(mistyped.Field, "a JSON "+mistyped.Value, rightType(mistyped.Field)), nil
	case m.Camera == "":
		return m, wrong("camera", "nothing", "the name of a camera or wall"), nil
	case m.Width < 0 || m.Width > params.MaxSide:
		return m, wrong("width", m.Width, fmt.Sprintf("a whole number of pixels from 1 to %d, or 0 for any", params.MaxSide)), nil
	case m.Height < 0 || m.Height > params.MaxSide:
		return m, wrong("height", m.Height, fmt.Sprintf("a whole number of pixels from 1 to %d, or 0 for any", params.MaxSide)), nil
	case m.Quality < 0 || m.Quality > 100:
		return m, wrong("quality", m.Quality, "a whole number from 1 to 100, or 0 for the camera's own"), nil
	case m.FPS != 0 && !(m.FPS >= params.MinFPS && m.FPS <= params.MaxFPS):
		return m, wrong("fps", m.FPS, fmt.Sprintf("a number of pictures a second from %v to %v, or 0 for all there are", params.MinFPS, params.MaxFPS)), nil
	}
	return m, nil, nil
}

func rightType(field string) string {
	switch field {
	case "camera":
		return "a text"
	case "fps":
		return "a number"
	}
	return "a whole number"
}

func wrong(what string, value any, allowed string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Sentence: fmt.Sprintf("%s: %v is not possible: it must be %s", params.Shorten(what), value, allowed)}
}

func (m *clientMessage) wish() Wish {
	return Wish{Camera: m.Camera, Rendition: media.Rendition{Width: m.Width, Height: m.Height, Quality: m.Quality}, FPS: m.FPS}
}

// What the server says, as JSON.
type (
	stateMessage struct {
		Type   string `json:"type"` // state
		Tile   uint16 `json:"tile"`
		Camera string `json:"camera"`
		State  string `json:"state"` // live, stale, offline or connecting
		Error  string `json:"error"` // a sentence, "" where there is nothing to say
		Partly bool   `json:"partly,omitempty"`
	}
	errorMessage struct {
		Type   string `json:"type"` // error
		Tile   uint16 `json:"tile"` // is closed, unless open
		Error  string `json:"error"`
		Status int    `json:"status"`         // as HTTP's
		Open   bool   `json:"open,omitempty"` // it goes on as it was before it was opened anew
	}
)
