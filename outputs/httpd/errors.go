package httpd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"camgate/camera"
	"camgate/outputs/params"
)

// A failure is an answer that is not what was asked for: a status and one sentence for
// whoever asked.
type failure struct {
	status   int
	sentence string
	retry    string // Retry-After, seconds; empty: none
}

func (f *failure) Error() string { return f.sentence }

func notFound(sentence string) *failure {
	return &failure{status: http.StatusNotFound, sentence: sentence}
}

func noCamera(name string) *failure {
	return notFound(fmt.Sprintf("there is no camera \"%s\" here; /api/cameras lists those there are", params.Shorten(name)))
}

func badRequest(err error) *failure {
	return &failure{status: http.StatusBadRequest, sentence: err.Error()}
}

func busy(sentence string) *failure {
	return &failure{status: http.StatusServiceUnavailable, sentence: sentence, retry: "5"}
}

// ofCamera makes an answer of an error of package camera.
func ofCamera(name string, err error) error {
	switch {
	case errors.Is(err, camera.ErrTooManyRenditions):
		return busy(fmt.Sprintf("camera %q: %s: use the same width, height and quality as other viewers, try again later, or raise [limits] max_renditions in the gateway's configuration", name, err))
	case errors.Is(err, camera.ErrClosed), errors.Is(err, context.Canceled):
		return busy(fmt.Sprintf("camera %q is not served any more: the gateway is ending or has a new configuration", name))
	}
	return err
}

// onlyPost is the answer to a GET of an address that takes orders, which the routes for what
// has pages or state would answer otherwise.
func onlyPost(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderAllow, "OPTIONS, POST")
	return echo.ErrMethodNotAllowed
}

// answerError is echo's error handler: every wrong answer has this one form, JSON under
// /api and plain text elsewhere.
func (s *Server) answerError(err error, c echo.Context) {
	response, request := c.Response(), c.Request()
	if response.Committed {
		return // it has begun to answer; nothing can be said any more
	}
	f := new(failure)
	fromEcho := new(echo.HTTPError)
	switch {
	case errors.As(err, &f):
	case errors.As(err, &fromEcho) && fromEcho.Code == http.StatusMethodNotAllowed && s.isOfOthers(request.URL.Path):
		f = s.nothing(c)
		response.Header().Del(echo.HeaderAllow)
	case errors.As(err, &fromEcho) && fromEcho.Code == http.StatusMethodNotAllowed:
		f = &failure{status: fromEcho.Code, sentence: fmt.Sprintf("%s is not possible here; use %s", params.Shorten(request.Method), response.Header().Get(echo.HeaderAllow))}
	case errors.As(err, &fromEcho) && fromEcho.Code == http.StatusNotFound:
		f = s.nothing(c)
	default:
		s.log.Error("a request could not be answered", "path", params.Shorten(request.URL.Path), "err", err)
		f = &failure{status: http.StatusInternalServerError, sentence: "something went wrong inside the gateway; its log says more"}
	}
	if f.retry != "" {
		response.Header().Set("Retry-After", f.retry)
	}
	if strings.HasPrefix(request.URL.Path, "/api/") {
		c.JSON(f.status, map[string]string{"error": f.sentence}) // fails only where nobody listens
		return
	}
	if request.Method == http.MethodHead {
		c.NoContent(f.status)
		return
	}
	c.String(f.status, f.sentence+"\n")
}

// survive keeps a panic in one answer from ending the others.
func (s *Server) survive(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				s.log.Error("panic while answering", "path", params.Shorten(c.Request().URL.Path), "cause", cause, "stack", string(debug.Stack()))
				err = errors.New("panic")
			}
		}()
		return next(c)
	}
}
