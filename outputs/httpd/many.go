package httpd

import "github.com/labstack/echo/v4"

// routeMany serves many cameras at once: over one WebSocket, and in one picture.
func (s *Server) routeMany(e *echo.Echo) {
	e.GET("/ws", func(echo.Context) error {
		return notFound("there is no /ws for many cameras yet; /ws/ and a camera's name is one camera")
	})
}
