package device

// A service as GetServices and GetCapabilities tell of it.
type service struct {
	Prefix, Namespace, XAddr string
	Major, Minor             int
	HTTPS, WSSE, Digest      bool
	Snapshots, PTZ           bool
	PullPoints               int
}

// servicePaths by prefix, and in the order of GetServices.
var servicePaths = []struct{ prefix, path string }{
	{"tds", "/onvif/device_service"},
	{"trt", "/onvif/media_service"},
	{"tr2", "/onvif/media2_service"},
	{"tptz", "/onvif/ptz_service"},
	{"tev", "/onvif/event_service"},
}

// offers says whether there is such a service.
func (d *Device) offers(prefix string) bool {
	switch prefix {
	case "trt":
		return !d.has(QuirkMedia2Only)
	case "tptz":
		return d.options.PTZ
	case "tev", "wsnt":
		return !d.has(QuirkNoEvents)
	}
	return true
}

func (d *Device) offersOperation(key string) bool {
	switch key {
	case "tds:GetSystemDateAndTime":
		return !d.has(QuirkClockNone)
	case "tds:GetServices":
		return !d.has(QuirkGetServicesMissing)
	case "trt:GetSnapshotUri", "tr2:GetSnapshotUri":
		return !d.has(QuirkNoSnapshot)
	}
	return true
}

// services that it offers, with their addresses as whoever asked is told.
func (c *call) services() []service {
	d := c.d
	var list []service
	for _, s := range servicePaths {
		if !d.offers(s.prefix) {
			continue
		}
		role := roleServices
		if s.prefix == "tds" {
			role = roleMain
		}
		list = append(list, service{Prefix: s.prefix, Namespace: namespaces[s.prefix], XAddr: c.url(role, s.path), Major: 21, Minor: 12,
			HTTPS: d.certificate() != nil, WSSE: !d.has(QuirkDigestOnly), Digest: !d.has(QuirkWSSEOnly) && !d.has(QuirkPasswordTextOnly),
			Snapshots: !d.has(QuirkNoSnapshot), PTZ: d.options.PTZ, PullPoints: maxPullPoints})
	}
	return list
}

func (c *call) getServices() (any, *fault) {
	return map[string]any{"Services": c.services(), "IncludeCapability": c.body.value("IncludeCapability") == "true"}, nil
}

func (c *call) getCapabilities() (any, *fault) {
	category := c.body.value("Category")
	wanted, known := map[string]string{"": "", "All": "", "Device": "tds", "Media": "trt", "PTZ": "tptz", "Events": "tev"}[category]
	if !known {
		return nil, senderFault("There is no capability category "+category, "ter:ActionNotSupported", "ter:NoSuchService")
	}
	byPrefix := map[string]service{}
	for _, s := range c.services() {
		hidden := s.Prefix == "tr2" && c.d.has(QuirkMedia2InServicesOnly)
		if !hidden && (wanted == "" || wanted == s.Prefix) {
			byPrefix[s.Prefix] = s
		}
	}
	return byPrefix, nil
}

func (c *call) serviceCapabilities() (any, *fault) {
	for _, s := range c.services() {
		if s.Prefix == c.prefix {
			return s, nil
		}
	}
	return nil, notSupported(c.operation)
}
