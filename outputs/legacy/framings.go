package legacy

import (
	"strconv"

	"camgate/media"
	"camgate/outputs/mjpeg"
)

// How those programs frame their streams. Ours adds header fields to their parts, except
// to cctvAgent's, which are the same bytes.
var (
	// LiveFraming is cctvAgent's. Its boundary has two dashes of its own and lacks the two
	// of RFC 2046; browsers take it.
	LiveFraming = &mjpeg.Framing{
		ContentType: "multipart/x-mixed-replace;boundary=--jpgboundary", FieldName: "Content-type",
		Line: "--jpgboundary", Fields: liveFields, Tail: "\r\n\r\n", Whole: true,
	}

	// AxisFraming is of Axis cameras (VAPIX, Video streaming), and of Blue Iris.
	AxisFraming = &mjpeg.Framing{ContentType: "multipart/x-mixed-replace; boundary=myboundary", Line: "--myboundary", Tail: "\r\n"}

	// StreamerFraming is mjpg-streamer's (plugins/output_http/httpd.c), and ustreamer's.
	StreamerFraming = &mjpeg.Framing{ContentType: "multipart/x-mixed-replace;boundary=boundarydonotcross", Line: "--boundarydonotcross", Tail: "\r\n"}

	// ZoneMinderFraming is of its zms.
	ZoneMinderFraming = &mjpeg.Framing{ContentType: "multipart/x-mixed-replace; boundary=ZoneMinderFrame", Line: "--ZoneMinderFrame", Tail: "\r\n\r\n"}

	// Go2rtcFraming is go2rtc's (pkg/mjpeg/writer.go).
	Go2rtcFraming = &mjpeg.Framing{ContentType: "multipart/x-mixed-replace; boundary=frame", Line: "--frame", Tail: "\r\n"}
)

func liveFields(b []byte, p *media.Picture) []byte {
	b = append(b, "Content-type: image/jpeg\r\nContent-length: "...)
	b = strconv.AppendInt(b, int64(len(p.JPEG)), 10)
	return append(b, "\r\n"...)
}
