package rig

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"

	"github.com/gorilla/websocket"
)

// tileHeader is what stands before a JPEG in the protocol camgate: 16 bytes of header, the
// last four the picture's length, and 8 of time.
const tileHeader = 24

// ViewTile opens a camera as one tile of the gateway's /ws and takes its pictures as fast
// as they come, until ctx ends. ready is called at the first picture that carries a frame
// number.
func ViewTile(ctx context.Context, address, camera string, width int, ready func()) (*Viewer, func() error) {
	v := &Viewer{check: Stamped}
	done := make(chan error, 1)
	go func() { done <- v.tile(ctx, address, camera, width, ready) }()
	return v, func() error { return <-done }
}

func (v *Viewer) tile(ctx context.Context, address, camera string, width int, ready func()) error {
	dialer := websocket.Dialer{
		Subprotocols: []string{"camgate"},
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			var d net.Dialer
			conn, err := d.DialContext(ctx, network, address)
			return counted{conn, &v.Wire}, err
		},
	}
	conn, answer, err := dialer.DialContext(ctx, address, nil)
	if err != nil {
		return err
	}
	answer.Body.Close()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := conn.WriteJSON(map[string]any{"type": "open", "tile": 1, "camera": camera, "width": width}); err != nil {
		return err
	}
	for {
		kind, message, err := conn.ReadMessage()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if kind != websocket.BinaryMessage {
			continue
		}
		if len(message) < tileHeader {
			return fmt.Errorf("a tile's message of %d bytes", len(message))
		}
		if v.First.Load() == 0 && v.check(message[tileHeader:]) {
			v.First.Store(1)
			ready()
		}
		if v.First.Load() != 0 {
			v.Frames.Add(1)
			v.Bytes.Add(int64(len(message) - tileHeader))
		}
		if err := conn.WriteJSON(map[string]any{"type": "ack", "tile": 1, "sequence": binary.BigEndian.Uint32(message[4:])}); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
