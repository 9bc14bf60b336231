package onvif

import (
	"maps"
	"strconv"
)

func recordedAnswers() map[string]recorded {
	table := map[string]recorded{}
	for _, part := range []map[string]recorded{
		answersOfTI(), answersOfAxis(), answersOfBoschDome(), answersOfBoschFlexi(), answersOfReolink(), answersOfOthers(), answersRefused(),
	} {
		maps.Copy(table, part)
	}
	return table
}

func uri(operation, value string) recorded { return recorded{operation: operation, value: value} }

func texts(operation string, texts ...string) recorded {
	return recorded{operation: operation, texts: texts}
}

// sameAddress are services that are all at one address.
func sameAddress(address string, namespaces ...string) map[string]string {
	m := map[string]string{}
	for _, n := range namespaces {
		m[n] = address
	}
	return m
}

func answersOfTI() map[string]recorded {
	const all = "http://192.168.68.111/onvif/services"
	main := Profile{Token: "main", Codec: "H264", Width: 1920, Height: 1080, FPS: 5, Bitrate: 512, Quality: 6, GOP: 30}
	profile := main
	profile.Name, profile.Bitrate, profile.Quality, profile.VideoSource, profile.PTZ = "main", 1000, 8, "vidsrc0", true
	return map[string]recorded{
		"ti-ipnc-agsh/Error.xml": {operation: "GetProfiles", fault: &Fault{
			Status: 200, Code: "fault code", Subcode: "fault subcode", Reason: "fault reason", Detail: "fault detail"}},
		"ti-ipnc-agsh/GetCapabilities.xml":      {operation: "GetCapabilities", value: sameAddress(all, nsDevice, nsEvents, nsImaging, nsMedia, nsPTZ, nsDeviceIO)},
		"ti-ipnc-agsh/GetDeviceInformation.xml": {operation: "GetDeviceInformation", value: Information{"Mockup Manufacturer", "Mockup Model", "Mockup_15_14_13", "SERIAL0001", "HW1"}},
		"ti-ipnc-agsh/GetHostname.xml":          {operation: "GetHostname", value: "IPNC-RDK"},
		"ti-ipnc-agsh/GetProfiles.xml":          {operation: "GetProfiles", value: []Profile{profile}},
		"ti-ipnc-agsh/GetServiceCapabilities.xml": texts("GetServiceCapabilities", "DHCPv6=false", "NTP=1", "ZeroConfiguration=true",
			"HttpDigest=false", "UsernameToken=true", "DiscoveryBye=true", "AuxiliaryCommands=AUX1 AUX2 AUX3 AUX4 AUX5 AUX6 AUX7 AUX8"),
		"ti-ipnc-agsh/GetServices.xml":                         {operation: "GetServices", value: sameAddress(all, nsDevice, nsMedia, nsEvents, nsDeviceIO, nsPTZ, nsImaging)},
		"ti-ipnc-agsh/GetSnapshotUri.xml":                      uri("GetSnapshotUri", "http://192.168.68.111/onvif-cgi/jpg/image.cgi?resolution=800x600&compression=20&camera=1"),
		"ti-ipnc-agsh/GetStreamUri.xml":                        uri("GetStreamUri", "rtsp://192.168.68.111/h264main"),
		"ti-ipnc-agsh/GetSystemDateAndTime.xml":                {operation: "GetSystemDateAndTime", value: []string{"2014-12-24 19:14:37"}},
		"ti-ipnc-agsh/GetVideoSourceConfigurations.xml":        texts("GetVideoSourceConfigurations", "token=vscfg0", "Name:vscfg0", "UseCount:3", "SourceToken:vidsrc0", "height=1080 width=1920 y=0 x=0"),
		"ti-ipnc-agsh/media.GetServiceCapabilities.xml":        texts("GetServiceCapabilities", "SnapshotUri=true", "OSD=true", "MaximumNumberOfProfiles=10", "RTP_RTSP_TCP=true"),
		"ti-ipnc-agsh/media.GetVideoEncoderConfiguration.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{main}},
		"ti-ipnc-agsh/media.GetVideoEncoderConfigurations.xml": {operation: "GetVideoEncoderConfigurations", value: []Profile{main}},
		"ti-ipnc-agsh/media.GetVideoSources.xml":               {operation: "GetVideoSources", value: []VideoSource{{"vidsrc0", 1920, 1080, 30}}},
	}
}

func answersOfAxis() map[string]recorded {
	const (
		one      = "http://192.168.2.82/onvif/services"
		device   = "http://192.168.2.82/onvif/device_service"
		stream   = "rtsp://192.168.2.82/onvif-media/media.amp?profile=profile_1_"
		more     = "&sessiontimeout=60&streamtype=unicast"
		snapshot = "http://192.168.2.82/onvif-cgi/jpg/image.cgi?resolution="
		older    = "http://192.168.0.209/onvif/services"
	)
	h264 := Profile{Token: "default_1_h264", Codec: "H264", Width: 1920, Height: 960, FPS: 30, Quality: 70, GOP: 100}
	jpeg := Profile{Token: "default_1_jpeg", Codec: "JPEG", Width: 5120, Height: 2560, FPS: 30, Quality: 70}
	var encoders []Profile
	for i := range 16 {
		encoders = append(encoders, Profile{Token: strconv.Itoa(i), Codec: "H264", Width: 5120, Height: 2560, FPS: 30, Quality: 70, GOP: 32})
	}
	encoders = append(encoders, h264, jpeg)
	p1, p2 := h264, jpeg
	p1.Token, p1.Name, p1.VideoSource = "profile_1_h264", "profile_1 h264", "0"
	p2.Token, p2.Name, p2.VideoSource = "profile_1_jpeg", "profile_1 jpeg", "0"
	profiles := recorded{operation: "GetProfiles", value: []Profile{p1, p2}}
	services := sameAddress(one, nsEvents, nsAnalytics, nsImaging, nsDeviceIO, nsMedia2, nsRecording, nsReplay, nsMedia, nsSearch,
		"http://www.axis.com/vapix/ws/action1", "http://www.axis.com/vapix/ws/certificates", "http://www.axis.com/vapix/ws/entry",
		"http://www.axis.com/vapix/ws/event1", "http://www.axis.com/vapix/ws/webserver")
	services[nsDevice] = device
	capabilities := sameAddress(one, nsAnalytics, nsEvents, nsImaging, nsMedia, nsDeviceIO, nsRecording, nsSearch, nsReplay)
	capabilities[nsDevice] = device
	olderServices := sameAddress(older, nsEvents, nsAnalytics, nsImaging, nsDeviceIO, nsMedia2, nsRecording, nsReplay, nsMedia, nsSearch,
		"http://www.axis.com/vapix/ws/action1", "http://www.axis.com/vapix/ws/certificates", "http://www.axis.com/vapix/ws/entry",
		"http://www.axis.com/vapix/ws/event1", "http://www.axis.com/vapix/ws/light", "http://www.axis.com/vapix/ws/webserver")
	olderServices[nsDevice] = "http://192.168.0.209/onvif/device_service"
	const p = "axis-p3818/"
	streamH264, streamJPEG := uri("GetStreamUri", stream+"h264"+more), uri("GetStreamUri", stream+"jpeg"+more)
	small, large := uri("GetSnapshotUri", snapshot+"1920x960&compression=30"), uri("GetSnapshotUri", snapshot+"5120x2560&compression=30")
	return map[string]recorded{
		p + "001_GetDeviceInformation_http200.xml":         {operation: "GetDeviceInformation", value: Information{"AXIS", "P3818-PVE", "11.9.60", "SERIAL0001", "HW1"}},
		p + "002_GetSystemDateAndTime_http200.xml":         {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 18:40:31", "2026-01-13 13:40:31"}},
		p + "002_GetSystemDateAndTime_http200_142527.xml":  {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 19:25:25", "2026-01-13 14:25:25"}},
		p + "003_GetCapabilities_http200.xml":              {operation: "GetCapabilities", value: capabilities},
		p + "005_GetHostname_http200.xml":                  {operation: "GetHostname", value: "axis-b8a44fa04f26"},
		p + "005_GetProfiles_http200.xml":                  profiles,
		p + "006_GetStreamUri_http200.xml":                 streamH264,
		p + "007_GetStreamUri_http200.xml":                 streamJPEG,
		p + "008_GetSnapshotUri_http200.xml":               small,
		p + "009_GetNetworkProtocols_http200.xml":          texts("GetNetworkProtocols", "Name:HTTP Enabled:true Port:80 Port:0", "Name:HTTPS Enabled:false Port:443", "Name:RTSP Enabled:true Port:554"),
		p + "009_GetSnapshotUri_http200.xml":               large,
		p + "010_GetVideoEncoderConfiguration_http200.xml": {operation: "GetVideoEncoderConfiguration", value: []Profile{h264}},
		p + "011_GetScopes_http200.xml": texts("GetScopes", "onvif://www.onvif.org/Profile/Streaming", "Profile/G", "Profile/T", "Profile/M", "hardware/P3818-PVE",
			"name/AXIS%20P3818-PVE", "ScopeDef:Configurable ScopeItem:onvif://www.onvif.org/location/"),
		p + "015_GetEndpointReference_http200.xml":          {operation: "GetEndpointReference", value: ""}, // xsi:nil
		p + "019_GetZeroConfiguration_http200.xml":          texts("GetZeroConfiguration", "InterfaceToken:eth0 Enabled:false"),
		p + "020_GetServices_http200.xml":                   {operation: "GetServices", value: services},
		p + "021_GetServiceCapabilities_http200.xml":        texts("GetServiceCapabilities", "NTP=1", "HttpDigest=true UsernameToken=true", "SystemLogging=true"),
		p + "030_GetProfiles_http200.xml":                   profiles,
		p + "031_GetVideoSources_http200.xml":               {operation: "GetVideoSources", value: []VideoSource{{"0", 5120, 2560, 30}}},
		p + "035_GetStreamUri_http200.xml":                  streamH264,
		p + "036_GetSnapshotUri_http200.xml":                small,
		p + "037_GetVideoEncoderConfiguration_http200.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{h264}},
		p + "040_GetStreamUri_http200.xml":                  streamJPEG,
		p + "041_GetSnapshotUri_http200.xml":                large,
		p + "047_GetVideoSourceConfigurations_http200.xml":  texts("GetVideoSourceConfigurations", "token=0", "Name:user0", "UseCount:3", "height=2560 width=5120", "Mode:ON"),
		p + "048_GetVideoEncoderConfigurations_http200.xml": {operation: "GetVideoEncoderConfigurations", value: encoders},

		"axis-sproctor/deviceInfo.xml": {operation: "GetDeviceInformation", value: Information{"AXIS", "M2025-LE", "9.80.3.13", "SERIAL0001", "HW1"}},
		"axis-sproctor/profiles.xml": {operation: "GetProfiles", value: []Profile{
			{Token: "profile_1_h264", Name: "profile_1 h264", Codec: "H264", Width: 1920, Height: 1080, FPS: 30, Quality: 70, GOP: 32, VideoSource: "0"},
			{Token: "profile_1_jpeg", Name: "profile_1 jpeg", Codec: "JPEG", Width: 1920, Height: 1080, FPS: 30, Quality: 70, VideoSource: "0"},
		}},
		"axis-sproctor/services.xml": {operation: "GetServices", value: olderServices},
		"axis-sproctor/snapshot.xml": uri("GetSnapshotUri", "http://192.168.0.209/onvif-cgi/jpg/image.cgi?resolution=1920x1080&compression=30"),
		"axis-sproctor/stream.xml":   uri("GetStreamUri", "rtsp://192.168.0.209/onvif-media/media.amp?profile=profile_1_h264&sessiontimeout=60&streamtype=unicast"),
	}
}

// boschServices are a Bosch camera's services as GetServices names them.
func boschServices(host string, ptz bool) map[string]string {
	at := "http://" + host + "/onvif/"
	m := map[string]string{
		nsDevice: at + "device_service", nsMedia: at + "media_service", nsEvents: at + "event_service",
		nsDeviceIO: at + "deviceio_service", nsMedia2: at + "media2_service", nsReplay: at + "replay_service",
		nsSearch: at + "search_service", nsRecording: at + "recording_service", nsImaging: at + "imaging_service",
	}
	if ptz {
		m[nsPTZ] = at + "ptz_service"
	}
	return m
}

// boschCapabilities are the same by GetCapabilities: other paths, and no Media2.
func boschCapabilities(host string, ptz bool) map[string]string {
	m := boschServices(host, ptz)
	delete(m, nsMedia2)
	m[nsDeviceIO], m[nsRecording] = "http://"+host+"/onvif/DeviceIO_service", "http://"+host+"/onvif/Rec_service"
	return m
}

// answersOfBosch are what both Bosch cameras say alike.
func answersOfBosch(p, host string, ptz bool) map[string]recorded {
	s1 := Profile{Token: "0", Name: "H26x_L1S1", Codec: "H264", Width: 1536, Height: 864, FPS: 30, Bitrate: 1400, Quality: 50, GOP: 60, VideoSource: "1", PTZ: ptz}
	s2, s3 := s1, Profile{Token: "2", Name: "JPEG_L1S3", Codec: "JPEG", Width: 1536, Height: 864, FPS: 1, Bitrate: 6000, Quality: 70, VideoSource: "1", PTZ: ptz}
	s2.Token, s2.Name = "1", "H26x_L1S2"
	profiles := recorded{operation: "GetProfiles", value: []Profile{s1, s2, s3}}
	stream := "rtsp://" + host + "/rtsp_tunnel?"
	return map[string]recorded{
		p + "003_GetCapabilities_http200.xml":      {operation: "GetCapabilities", value: boschCapabilities(host, ptz)},
		p + "005_GetHostname_http200.xml":          {operation: "GetHostname", value: ""},
		p + "005_GetProfiles_http200.xml":          profiles,
		p + "006_GetStreamUri_http200.xml":         uri("GetStreamUri", stream+"p=0&h26x=4&vcd=2"),
		p + "007_GetStreamUri_http200.xml":         uri("GetStreamUri", stream+"p=1&inst=2&h26x=4"),
		p + "008_GetStreamUri_http200.xml":         uri("GetStreamUri", stream+"h26x=0"),
		p + "009_GetNetworkProtocols_http200.xml":  texts("GetNetworkProtocols", "Name:HTTP Enabled:true Port:80", "Name:HTTPS Enabled:true Port:443", "Name:RTSP Enabled:true Port:554"),
		p + "009_GetSnapshotUri_http200.xml":       uri("GetSnapshotUri", "http://"+host+"/snap.jpg?JpegCam=1"),
		p + "019_GetZeroConfiguration_http200.xml": texts("GetZeroConfiguration", "InterfaceToken:1", "Enabled:true", "Addresses:169.254."),
		p + "020_GetServices_http200.xml":          {operation: "GetServices", value: boschServices(host, ptz)},
		p + "021_GetServiceCapabilities_http200.xml": texts("GetServiceCapabilities", "ZeroConfiguration=true", "NTP=1", "UsernameToken=true HttpDigest=true",
			"MaxUsers=50 MaxUserNameLength=31 MaxPasswordLength=19", "StorageTypesSupported=FTP"),
		p + "030_GetProfiles_http200.xml":    profiles,
		p + "035_GetStreamUri_http200.xml":   uri("GetStreamUri", stream+"p=0&h26x=4&vcd=2"),
		p + "036_GetSnapshotUri_http200.xml": uri("GetSnapshotUri", "http://"+host+"/snap.jpg?JpegCam=1"),
	}
}

// boschEncoders are both cameras' encoders.
func boschEncoders() (first Profile, all []Profile) {
	first = Profile{Token: "H26x_L1S1", Codec: "H264", Width: 1536, Height: 864, FPS: 30, Bitrate: 1400, Quality: 50, GOP: 60}
	second := first
	second.Token = "H26x_L1S2"
	return first, []Profile{first, second, {Token: "JPEG_L1S3", Codec: "JPEG", Width: 1536, Height: 864, FPS: 1, Bitrate: 6000, Quality: 70}}
}

func answersOfBoschDome() map[string]recorded {
	const p, stream = "bosch-autodome5000i/", "rtsp://192.168.2.57/rtsp_tunnel?"
	encoder, encoders := boschEncoders()
	table := answersOfBosch(p, "192.168.2.57", true)
	maps.Copy(table, map[string]recorded{
		p + "001_GetDeviceInformation_http200.xml":        {operation: "GetDeviceInformation", value: Information{"Bosch", "AUTODOME IP starlight 5000i", "7.80.0128", "SERIAL0001", "HW1"}},
		p + "002_GetSystemDateAndTime_http200.xml":        {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 18:40:23"}},
		p + "002_GetSystemDateAndTime_http200_142522.xml": {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 19:25:20"}},
		p + "011_GetScopes_http200.xml": texts("GetScopes", "type/Network_Video_Transmitter", "name/Bosch", "ScopeDef:Configurable ScopeItem:onvif://www.onvif.org/location/",
			"hardware/AUTODOME_IP_starlight_5000i", "Profile/Streaming", "Profile/G", "Profile/T"),
		p + "012_GetVideoEncoderConfiguration_http200.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{encoder}},
		p + "015_GetEndpointReference_http200.xml":          {operation: "GetEndpointReference", value: "urn:uuid:00075fe0-a604-04a6-e05f-0700075fe05f"},
		p + "031_GetVideoSources_http200.xml":               {operation: "GetVideoSources", value: []VideoSource{{"1", 1920, 1080, 30}}},
		p + "039_GetVideoEncoderConfiguration_http200.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{encoder}},
		p + "042_GetStreamUri_http200.xml":                  uri("GetStreamUri", stream+"p=1&inst=2&h26x=4"),
		p + "049_GetStreamUri_http200.xml":                  uri("GetStreamUri", stream+"h26x=0"),
		p + "058_GetVideoSourceConfigurations_http200.xml":  texts("GetVideoSourceConfigurations", "token=1", "Name:Camera_1", "SourceToken:1", "width=1920 height=1080", "Mode:OFF"),
		p + "059_GetVideoEncoderConfigurations_http200.xml": {operation: "GetVideoEncoderConfigurations", value: encoders},
	})
	return table
}

func answersOfBoschFlexi() map[string]recorded {
	const p, stream = "bosch-flexidome8000i/", "rtsp://192.168.2.200/rtsp_tunnel?"
	encoder, encoders := boschEncoders()
	table := answersOfBosch(p, "192.168.2.200", false)
	maps.Copy(table, map[string]recorded{
		p + "001_GetDeviceInformation_http200.xml":        {operation: "GetDeviceInformation", value: Information{"Bosch", "FLEXIDOME IP starlight 8000i", "7.70.0126", "SERIAL0001", "HW1"}},
		p + "002_GetSystemDateAndTime_http200.xml":        {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 18:40:50"}},
		p + "002_GetSystemDateAndTime_http200_142539.xml": {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 19:25:37"}},
		p + "011_GetScopes_http200.xml": texts("GetScopes", "type/Network_Video_Transmitter", "name/Bosch", "hardware/FLEXIDOME_IP_starlight_8000i",
			"Profile/Streaming", "Profile/G", "Profile/T"),
		p + "012_GetVideoEncoderConfiguration_http200.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{encoder}},
		p + "015_GetEndpointReference_http200.xml":          {operation: "GetEndpointReference", value: "urn:uuid:00075fca-f8fa-faf8-ca5f-0700075fca5f"},
		p + "031_GetVideoSources_http200.xml":               {operation: "GetVideoSources", value: []VideoSource{{"1", 3264, 1840, 30}}},
		p + "037_GetVideoEncoderConfiguration_http200.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{encoder}},
		p + "040_GetStreamUri_http200.xml":                  uri("GetStreamUri", stream+"p=1&inst=2&h26x=4"),
		p + "045_GetStreamUri_http200.xml":                  uri("GetStreamUri", stream+"h26x=0"),
		p + "052_GetVideoSourceConfigurations_http200.xml":  texts("GetVideoSourceConfigurations", "token=1", "Name:Camera 1", "SourceToken:1", "width=3264 height=1840", "Mode:ON", "Degree:180"),
		p + "053_GetVideoEncoderConfigurations_http200.xml": {operation: "GetVideoEncoderConfigurations", value: encoders},
	})
	return table
}

func answersOfReolink() map[string]recorded {
	const (
		p  = "reolink-e1zoom/"
		at = "http://192.168.2.61:8000/onvif/"
	)
	main := Profile{Token: "000", Codec: "H264", Width: 2048, Height: 1536, FPS: 15, Bitrate: 1024, Quality: 0, GOP: 30}
	sub := Profile{Token: "001", Codec: "H264", Width: 640, Height: 480, FPS: 15, Bitrate: 512, Quality: 2, GOP: 60}
	p0, p1 := main, sub
	p0.Name, p0.VideoSource, p0.PTZ = "Profile000_MainStream", "000", true
	p1.Name, p1.VideoSource, p1.PTZ = "Profile001_SubStream", "000", true
	profiles := recorded{operation: "GetProfiles", value: []Profile{p0, p1}}
	information := recorded{operation: "GetDeviceInformation", value: Information{"REOLINK", "E1 Zoom", "v3.1.0.2649_23083101", "SERIAL0001", "HW1"}}
	common := map[string]string{
		nsDevice: at + "device_service", nsEvents: at + "event_service", nsImaging: at + "imaging_service",
		nsMedia: at + "media_service", nsPTZ: at + "ptz_service", nsDeviceIO: at + "deviceIO_service",
	}
	services := maps.Clone(common)
	services[nsMedia2] = at + "Media2"
	capabilities := recorded{operation: "GetCapabilities", value: common}
	snapshot := uri("GetSnapshotUri", "http://192.168.2.61:80/cgi-bin/api.cgi?cmd=onvifSnapPic&channel=0")
	return map[string]recorded{
		p + "001_GetDeviceInformation_http200.xml":         information,
		p + "001_GetDeviceInformation_http200_142518.xml":  information,
		p + "002_GetSystemDateAndTime_http200.xml":         {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 18:40:13", "2026-01-13 10:40:13"}},
		p + "002_GetSystemDateAndTime_http200_142518.xml":  {operation: "GetSystemDateAndTime", value: []string{"2026-01-13 19:25:12", "2026-01-13 11:25:12"}},
		p + "003_GetCapabilities_http200.xml":              capabilities,
		p + "003_GetCapabilities_http200_142518.xml":       capabilities,
		p + "005_GetHostname_http200.xml":                  {operation: "GetHostname", value: "reolink"},
		p + "005_GetProfiles_http200.xml":                  profiles,
		p + "006_GetStreamUri_http200.xml":                 uri("GetStreamUri", "rtsp://192.168.2.61:554/"),
		p + "007_GetStreamUri_http200.xml":                 uri("GetStreamUri", "rtsp://192.168.2.61:554/h264Preview_01_sub"),
		p + "008_GetSnapshotUri_http200.xml":               snapshot,
		p + "009_GetNetworkProtocols_http200.xml":          texts("GetNetworkProtocols", "Name:HTTP Enabled:true Port:80", "Name:RTSP Enabled:true Port:554", "Name:HTTPS Enabled:true Port:443"),
		p + "009_GetSnapshotUri_http200.xml":               snapshot,
		p + "010_GetVideoEncoderConfiguration_http200.xml": {operation: "GetVideoEncoderConfiguration", value: []Profile{main}},
		p + "011_GetScopes_http200.xml": texts("GetScopes", "type/video_encoder", "location/country/china", "Profile/T", "name/IPC-BO",
			"hardware/E1Zoom", "name/IPC ", "ScopeDef:Configurable ScopeItem:odm:name:Camera1"),
		p + "020_GetServices_http200.xml":                   {operation: "GetServices", value: services},
		p + "021_GetServiceCapabilities_http200.xml":        texts("GetServiceCapabilities", "NTP=1", "UsernameToken=true HttpDigest=true", "DiscoveryResolve=true DiscoveryBye=true"),
		p + "030_GetProfiles_http200.xml":                   profiles,
		p + "031_GetVideoSources_http200.xml":               {operation: "GetVideoSources", value: []VideoSource{{"000", 2048, 1536, 15}}},
		p + "035_GetStreamUri_http200.xml":                  uri("GetStreamUri", "rtsp://192.168.2.61:554/"),
		p + "036_GetSnapshotUri_http200.xml":                snapshot,
		p + "039_GetVideoEncoderConfiguration_http200.xml":  {operation: "GetVideoEncoderConfiguration", value: []Profile{main}},
		p + "042_GetStreamUri_http200.xml":                  uri("GetStreamUri", "rtsp://192.168.2.61:554/h264Preview_01_sub"),
		p + "043_GetSnapshotUri_http200.xml":                snapshot,
		p + "051_GetVideoSourceConfigurations_http200.xml":  texts("GetVideoSourceConfigurations", "token=000", "Name:VideoS_000", "SourceToken:000", "width=2048 height=1536"),
		p + "052_GetVideoEncoderConfigurations_http200.xml": {operation: "GetVideoEncoderConfigurations", value: []Profile{main, sub}},
	}
}

func answersOfOthers() map[string]recorded {
	const dahua = "http://192.168.1.123/onvif/"
	services := map[string]string{
		nsAnalytics: dahua + "analytics_service", nsDevice: dahua + "device_service", nsEvents: dahua + "event_service",
		nsImaging: dahua + "imaging_service", nsMedia: dahua + "media_service", nsDeviceIO: dahua + "deviceIO_service",
	}
	stream := uri("GetStreamUri", "rtsp://192.168.1.123:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif")
	snapshot := uri("GetSnapshotUri", "http://192.168.1.123/onvifsnapshot/media_service/snapshot?channel=1&subtype=1")
	return map[string]recorded{
		"amcrest-sproctor/profiles2.xml": {operation: "GetProfiles", value: []Profile{
			{Token: "MediaProfile00000", Name: "MediaProfile_Channel1_MainStream", Codec: "H264", Width: 2592, Height: 1944, FPS: 20, Bitrate: 6144, Quality: 4, GOP: 40, VideoSource: "00000"},
			{Token: "MediaProfile00001", Name: "MediaProfile_Channel1_SubStream1", Codec: "H264", Width: 704, Height: 480, FPS: 20, Bitrate: 512, Quality: 4, GOP: 40, VideoSource: "00000"},
		}},
		"lorex-sproctor/lorex.xml": {operation: "GetProfiles", value: []Profile{
			{Token: "Profile000", Name: "Profile000", VideoSource: "VideoSource000", PTZ: true}, // H.265, which Media1 cannot say
			{Token: "Profile001", Name: "Profile001", Codec: "H264", Width: 704, Height: 480, FPS: 30, Bitrate: 1024, Quality: 4, GOP: 60, VideoSource: "VideoSource000", PTZ: true},
		}},
		"go2rtc/00_dahua_stream_default.xml":     stream,
		"go2rtc/01_dahua_snapshot_default.xml":   snapshot,
		"go2rtc/02_dahua_stream_formatted.xml":   stream,
		"go2rtc/03_dahua_snapshot_formatted.xml": snapshot,
		"go2rtc/04_unknown.xml":                  {operation: "GetStreamUri", err: ErrMalformed}, // who recorded it wrote "…" into a tag
		"go2rtc/05_go2rtc_1_9_4.xml":             uri("GetStreamUri", "rtsp://192.168.1.123:8554/rtsp-dahua1"),
		"go2rtc/06_go2rtc_1_9_8.xml":             uri("GetStreamUri", "rtsp://192.168.1.123:8554/rtsp-dahua2"),
		"go2rtc/07_dahua_default.xml":            {operation: "GetCapabilities", value: services},
		"go2rtc/08_dahua_formatted.xml":          {operation: "GetCapabilities", value: services},
	}
}

func answersRefused() map[string]recorded {
	table := map[string]recorded{}
	add := func(folder string, f Fault, is error, names map[string]string) {
		for name, operation := range names {
			fault := f
			table[folder+"/"+name] = recorded{operation: operation, fault: &fault, is: is}
		}
	}
	add("unknown-device", Fault{Status: 400, Code: "Sender", Subcode: "NotAuthorized", Reason: "Sender not authorized",
		Detail: "The action requested requires authorization and the sender is not authorized"}, ErrNotAuthorized, map[string]string{
		"001_GetDeviceInformation_FAULT_http400.xml":          "GetDeviceInformation",
		"002_GetSystemDateAndTime_FAULT_http400.xml":          "GetSystemDateAndTime",
		"003_GetCapabilities_FAULT_http400.xml":               "GetCapabilities",
		"005_GetHostname_FAULT_http400.xml":                   "GetHostname",
		"005_GetProfiles_FAULT_http400.xml":                   "GetProfiles",
		"006_GetDNS_FAULT_http400.xml":                        "GetDNS",
		"007_GetNTP_FAULT_http400.xml":                        "GetNTP",
		"009_GetNetworkProtocols_FAULT_http400.xml":           "GetNetworkProtocols",
		"011_GetScopes_FAULT_http400.xml":                     "GetScopes",
		"015_GetEndpointReference_FAULT_http400.xml":          "GetEndpointReference",
		"019_GetZeroConfiguration_FAULT_http400.xml":          "GetZeroConfiguration",
		"020_GetServices_FAULT_http400.xml":                   "GetServices",
		"021_GetServiceCapabilities_FAULT_http400.xml":        "GetServiceCapabilities",
		"030_GetProfiles_FAULT_http400.xml":                   "GetProfiles",
		"031_GetVideoSources_FAULT_http400.xml":               "GetVideoSources",
		"034_GetVideoSourceConfigurations_FAULT_http400.xml":  "GetVideoSourceConfigurations",
		"035_GetVideoEncoderConfigurations_FAULT_http400.xml": "GetVideoEncoderConfigurations",
	})
	for _, folder := range []string{"bosch-autodome5000i", "bosch-flexidome8000i"} {
		add(folder, Fault{Status: 500, Code: "Receiver", Subcode: "ActionNotSupported", Reason: "Optional Action Not Implemented"}, ErrNotSupported, map[string]string{
			"014_GetRemoteDiscoveryMode_FAULT_http500.xml": "GetRemoteDiscoveryMode",
			"018_GetIPAddressFilter_FAULT_http500.xml":     "GetIPAddressFilter",
			"024_GetDPAddresses_FAULT_http500.xml":         "GetDPAddresses",
			"025_GetAccessPolicy_FAULT_http500.xml":        "GetAccessPolicy",
		})
		add(folder, Fault{Status: 500, Code: "Receiver", Subcode: "Action", Reason: "Action Failed"}, nil, map[string]string{
			"017_GetRemoteUser_FAULT_http500.xml":  "GetRemoteUser",
			"023_GetGeoLocation_FAULT_http500.xml": "GetGeoLocation",
		})
	}
	add("axis-p3818", Fault{Status: 400, Code: "Sender"}, nil, map[string]string{
		"014_GetRemoteDiscoveryMode_FAULT_http400.xml": "GetRemoteDiscoveryMode",
		"017_GetRemoteUser_FAULT_http400.xml":          "GetRemoteUser",
		"024_GetDPAddresses_FAULT_http400.xml":         "GetDPAddresses",
	})
	add("axis-p3818", Fault{Status: 500, Code: "Receiver", Subcode: "ActionNotSupported", Reason: "Optional action not implemented",
		Detail: "The requested action is optional and is not implemented"}, ErrNotSupported, map[string]string{
		"022_GetStorageConfigurations_FAULT_http500.xml":           "GetStorageConfigurations",
		"023_GetGeoLocation_FAULT_http500.xml":                     "GetGeoLocation",
		"027_GetPasswordComplexityConfiguration_FAULT_http500.xml": "GetPasswordComplexityConfiguration",
	})
	for name, operation := range map[string]string{
		"014_GetRemoteDiscoveryMode_FAULT_http400.xml": "GetRemoteDiscoveryMode",
		"015_GetEndpointReference_FAULT_http400.xml":   "GetEndpointReference",
		"016_GetRelayOutputs_FAULT_http400.xml":        "GetRelayOutputs",
		"017_GetRemoteUser_FAULT_http400.xml":          "GetRemoteUser",
		"018_GetIPAddressFilter_FAULT_http400.xml":     "GetIPAddressFilter",
		"019_GetZeroConfiguration_FAULT_http400.xml":   "GetZeroConfiguration",
	} {
		add("reolink-e1zoom", Fault{Status: 400, Code: "Sender",
			Reason: "Method 'tds:" + operation + "' not implemented: method name or namespace not recognized"}, ErrNotSupported,
			map[string]string{name: operation})
	}
	return table
}
