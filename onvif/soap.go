package onvif

import (
	"encoding/xml"
	"fmt"

	sdk "github.com/use-go/onvif"
	"github.com/use-go/onvif/gosoap"
)

// Namespaces of the services, as GetServices names them.
const (
	nsDevice    = "http://www.onvif.org/ver10/device/wsdl"
	nsMedia     = "http://www.onvif.org/ver10/media/wsdl"
	nsMedia2    = "http://www.onvif.org/ver20/media/wsdl"
	nsPTZ       = "http://www.onvif.org/ver20/ptz/wsdl"
	nsEvents    = "http://www.onvif.org/ver10/events/wsdl"
	nsImaging   = "http://www.onvif.org/ver20/imaging/wsdl"
	nsAnalytics = "http://www.onvif.org/ver20/analytics/wsdl"
	nsDeviceIO  = "http://www.onvif.org/ver10/deviceIO/wsdl"
	nsRecording = "http://www.onvif.org/ver10/recording/wsdl"
	nsSearch    = "http://www.onvif.org/ver10/search/wsdl"
	nsReplay    = "http://www.onvif.org/ver10/replay/wsdl"
)

// envelope builds a SOAP message: the request's structure in the body, headers before it.
// Prefixes are those of use-go/onvif's structures and, for Media2, which it lacks, tr2.
func envelope(request any, headers ...any) ([]byte, error) {
	body, err := xml.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	message := gosoap.NewEmptySOAP()
	message.AddStringBodyContent(string(body))
	for _, h := range headers {
		header, err := xml.Marshal(h)
		if err != nil {
			return nil, fmt.Errorf("making the request's header: %w", err)
		}
		if err := message.AddStringHeaderContent(string(header)); err != nil {
			return nil, fmt.Errorf("making the request's header: %w", err)
		}
	}
	message.AddRootNamespaces(sdk.Xlmns)
	message.AddRootNamespace("tr2", nsMedia2)
	return []byte(message), nil
}
