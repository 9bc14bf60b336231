package httpd

import "github.com/labstack/echo/v4"

// routeLegacy serves cameras under the addresses of other programs.
func (s *Server) routeLegacy(*echo.Echo) {}
