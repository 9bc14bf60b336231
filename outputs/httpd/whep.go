package httpd

import "github.com/labstack/echo/v4"

// routeWebRTC serves cameras by WebRTC.
func (s *Server) routeWebRTC(*echo.Echo) {}
