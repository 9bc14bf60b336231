package device

import (
	"net"
	"net/http"
	"strings"
)

// description answers the request for the UPnP device description (UPnP Device
// Architecture 1.0 section 2.1).
func (d *Device) description(w http.ResponseWriter, r *http.Request) {
	d.count("description")
	c := &call{d: d, r: r}
	host, port, _ := net.SplitHostPort(c.told(d.addressOf(roleMain)))
	page := d.scheme() + "://" + net.JoinHostPort(host, port) + "/"
	data := struct {
		Options
		Page, URLBase, Number string
	}{d.options, page, "", strings.ReplaceAll(d.options.MAC, ":", "")}
	if d.has(QuirkSSDPRelativePage) {
		data.Page = "/"
	}
	if d.has(QuirkSSDPURLBase) {
		data.URLBase = d.scheme() + "://" + net.JoinHostPort(host, otherPort(port)) + "/"
	}
	text := fill("description", data)
	if d.has(QuirkSSDPAmpersand) {
		text = strings.Replace(text, "<manufacturerURL>", "<manufacturerURL>http://example.com/?a=1&b=2#", 1)
	}
	w.Header().Set("Content-Type", `text/xml; charset="utf-8"`)
	_, _ = w.Write([]byte(text))
}
