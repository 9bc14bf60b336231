package httpd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

// pages are the files of the page: the operator's own folder first, then those built in.
type pages struct {
	builtin fs.FS
	folder  string   // empty: none
	ready   sync.Map // of builtinFile by name
	log     *slog.Logger
	away    atomic.Bool // the folder was, when it was looked for last
}

// policy lets the built-in pages load and do only what they need; a name of a camera
// that looks like a script stays a name.
const policy = "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'"

func (s *Server) page(c echo.Context) error {
	if isLive(c.Request().URL.Path) {
		return s.speak(c, cctvAgent)
	}
	name := strings.TrimPrefix(path.Clean("/"+c.Request().URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	nothing := s.nothing(c)
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\x00\\") {
		return nothing
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "no-cache") // ask each time whether there is a newer one
	found, err := s.pages.own(c, name)
	if err != nil || found {
		return err
	}
	file, err := s.pages.read(name)
	if err != nil {
		return nothing // also for folders: there are no listings
	}
	h.Set("Content-Security-Policy", policy)
	h.Add("Vary", "Accept-Encoding")
	content, tag := file.content, file.tag
	if takesGzip(c.Request()) {
		h.Set("Content-Encoding", "gzip")
		content, tag = file.zipped, tag+"-gzip"
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(c.Response(), c.Request(), name, time.Time{}, bytes.NewReader(content))
	return nil
}

// builtinFile is a built-in file, ready to be sent.
type builtinFile struct {
	content, zipped []byte
	tag             string // of content
}

// read finds a built-in file. Each is compressed once.
func (p *pages) read(name string) (builtinFile, error) {
	if known, ok := p.ready.Load(name); ok {
		return known.(builtinFile), nil
	}
	content, err := fs.ReadFile(p.builtin, name)
	if err != nil {
		return builtinFile{}, err
	}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err == nil {
		_, err = z.Write(content)
		err = errors.Join(err, z.Close())
	}
	if err != nil {
		return builtinFile{}, err
	}
	file := builtinFile{content: content, zipped: zipped.Bytes(), tag: fmt.Sprintf("%x", sha256.Sum256(content))}
	p.ready.Store(name, file)
	return file, nil
}

// takesGzip says whether who asks can unpack gzip (RFC 9110, 12.5.3).
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(one, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q := strings.TrimRight(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "0")
			return q != "q=" && q != "q=0."
		}
	}
	return false
}

// own serves a file of the operator's folder, if there is one. Links out of the folder
// do not work: os.Root sees to that.
func (p *pages) own(c echo.Context, name string) (found bool, err error) {
	if p.folder == "" {
		return false, nil
	}
	root, err := os.OpenRoot(p.folder)
	if away := err != nil; p.away.Swap(away) != away {
		if away {
			p.log.Warn("the folder of [http] www cannot be read: only the built-in pages are served", "www", p.folder, "err", err)
		} else {
			p.log.Info("the folder of [http] www is there again", "www", p.folder)
		}
	}
	if err != nil {
		return false, nil // players elsewhere need the built-in ones, wherever the folder is
	}
	defer root.Close()
	file, err := root.Open(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			err = notFound("this file cannot be read")
			return false, err
		}
		return false, nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	content := io.NewSectionReader(file, 0, info.Size())
	// Of text it would be said that it is UTF-8, and that counts more than what a page says of
	// itself: old ones are in Big5, Shift_JIS or Latin-1.
	if kind, isText := strings.CutSuffix(mime.TypeByExtension(path.Ext(name)), "; charset=utf-8"); isText && !isUTF8(content) {
		c.Response().Header().Set("Content-Type", kind)
	}
	http.ServeContent(patient{c.Response()}, c.Request(), name, info.ModTime(), content)
	return true, nil
}

// lookedAt is how much of a file isUTF8 reads, in bytes.
const lookedAt = 1 << 20

// isUTF8 says whether a file begins with nothing else.
func isUTF8(file io.ReadSeeker) bool {
	text := bufio.NewReader(file)
	defer file.Seek(0, io.SeekStart)
	for n := 0; n < lookedAt; {
		r, size, err := text.ReadRune()
		if err != nil {
			return true
		}
		if r == utf8.RuneError && size == 1 {
			return false
		}
		n += size
	}
	return true
}

// patient is an answer that may take as long as the link wants, while something of it is
// taken: the server's limit is for the whole, and a file may be of any size.
type patient struct{ http.ResponseWriter }

func (p patient) Write(b []byte) (int, error) {
	http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only on a dead connection
	return p.ResponseWriter.Write(b)
}
