package onvif

import "encoding/xml"

// Requests of the Media2 service (ONVIF Media2 Service Specification), which use-go/onvif
// lacks, in its style.

type getProfiles2 struct {
	XMLName xml.Name `xml:"tr2:GetProfiles"`
	Token   string   `xml:"tr2:Token,omitempty"`
	Type    []string `xml:"tr2:Type"`
}

type getStreamURI2 struct {
	XMLName      xml.Name `xml:"tr2:GetStreamUri"`
	Protocol     string   `xml:"tr2:Protocol"`
	ProfileToken string   `xml:"tr2:ProfileToken"`
}

type getSnapshotURI2 struct {
	XMLName      xml.Name `xml:"tr2:GetSnapshotUri"`
	ProfileToken string   `xml:"tr2:ProfileToken"`
}

type getVideoEncoderConfigurations2 struct {
	XMLName xml.Name `xml:"tr2:GetVideoEncoderConfigurations"`
}
