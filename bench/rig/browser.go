package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"camgate/camsim/stamp"
)

// Browser is a headless Chromium with one page. Of the DevTools' domains none is enabled:
// they would cost what is to be measured. For one goroutine.
type Browser struct {
	*Process
	conn *websocket.Conn
	last int
}

// Browse starts Chromium with a window of a size and opens a page. folder is for its
// profile, and must be empty.
func Browse(ctx context.Context, folder, url string, width, height int) (*Browser, error) {
	p, err := Start("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-quic",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio",
		"--remote-debugging-port=0", "--user-data-dir="+folder, fmt.Sprintf("--window-size=%d,%d", width, height), url)
	if err != nil {
		return nil, err
	}
	b := &Browser{Process: p}
	if err := b.attach(ctx, folder); err != nil {
		b.Stop()
		return nil, fmt.Errorf("chromium: %w", err)
	}
	return b, nil
}

// attach finds the page and connects to it.
func (b *Browser) attach(ctx context.Context, folder string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		address, err := pageOf(ctx, folder)
		if err == nil {
			conn, answer, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
			if err != nil {
				return err
			}
			answer.Body.Close()
			b.conn = conn
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// pageOf is the DevTools' address of the page.
func pageOf(ctx context.Context, folder string) (string, error) {
	active, err := os.ReadFile(filepath.Join(folder, "DevToolsActivePort"))
	if err != nil {
		return "", err
	}
	port, _, _ := strings.Cut(string(active), "\n")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/json/list", nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var targets []struct {
		Type string
		WS   string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&targets); err != nil {
		return "", err
	}
	for _, t := range targets {
		if t.Type == "page" {
			return t.WS, nil
		}
	}
	return "", errors.New("it has no page")
}

// call is a command of the DevTools protocol.
func (b *Browser) call(method string, params, result any) error {
	b.last++
	deadline := time.Now().Add(30 * time.Second)
	b.conn.SetWriteDeadline(deadline) //nolint:errcheck // the next call tells
	if err := b.conn.WriteJSON(map[string]any{"id": b.last, "method": method, "params": params}); err != nil {
		return err
	}
	b.conn.SetReadDeadline(deadline) //nolint:errcheck // as above
	for {
		var m struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := b.conn.ReadJSON(&m); err != nil {
			return err
		}
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			return errors.New(m.Error.Message)
		}
		return json.Unmarshal(m.Result, result)
	}
}

// Evaluate puts what an expression, or the promise that it is, comes to into result.
func (b *Browser) Evaluate(expression string, result any) error {
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if err := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer); err != nil {
		return err
	}
	if e := answer.ExceptionDetails; e != nil {
		return errors.New(e.Text + " " + e.Exception.Description)
	}
	return json.Unmarshal(answer.Result.Value, result)
}

// Until waits until an expression is true.
func (b *Browser) Until(ctx context.Context, expression string) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		var yes bool
		err := b.Evaluate("!!("+expression+")", &yes)
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the page never came to be: %s: %w", expression, errors.Join(err, ctx.Err()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Stamped is how many of the places of a size, in rows from the window's upper left, show
// a camera's frame number.
func (b *Browser) Stamped(columns, rows, width, height int) (int, error) {
	var shot struct{ Data []byte }
	if err := b.call("Page.captureScreenshot", struct{}{}, &shot); err != nil {
		return 0, err
	}
	img, err := png.Decode(bytes.NewReader(shot.Data))
	if err != nil {
		return 0, err
	}
	n := 0
	for y := range rows {
		for x := range columns {
			panel := image.NewRGBA(image.Rect(0, 0, width, height))
			draw.Draw(panel, panel.Rect, img, image.Pt(x*width, y*height), draw.Src)
			if _, ok := stamp.Read(panel); ok {
				n++
			}
		}
	}
	return n, nil
}

// Stop ends it.
func (b *Browser) Stop() {
	if b.conn != nil {
		b.conn.Close()
	}
	b.Process.Stop()
}
