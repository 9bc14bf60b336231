package device

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func addMediaTests(add func(Quirk, quirkTest)) {
	const profile = "<ProfileToken>main</ProfileToken>"
	add(QuirkH265Hidden, soapQuirk("trt:GetProfiles", "", 200, []string{"<tt:Encoding>H264<"}, "<tt:Encoding>H265<", "<tt:Width>320<"))
	add(QuirkCodecWrong, soapQuirk("trt:GetProfiles", "", 200, []string{"<tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>320<"}, "H265"))
	add(QuirkMedia2Only, func(t *testing.T, q Quirk) {
		soapQuirk("trt:GetProfiles", "", 500, []string{"ter:ActionNotSupported"})(t, q)
		soapQuirk("tds:GetServices", "", 200, []string{"/ver20/media/"}, "<tds:Namespace>http://www.onvif.org/ver10/media/")(t, q)
		soapQuirk("tds:GetCapabilities", "", 200, []string{"<tt:Media2>"}, "<tt:Media>")(t, q)
	})
	add(QuirkMedia2InServicesOnly, func(t *testing.T, q Quirk) {
		soapQuirk("tds:GetCapabilities", "", 200, []string{"<tt:Media>"}, "media2_service")(t, q)
		ask(t, start(t, Options{Quirks: []Quirk{q}}), "tds:GetServices").must(t, 200, "/onvif/media2_service<")
	})
	add(QuirkGetServicesMissing, soapQuirk("tds:GetServices", "", 500, []string{"ter:ActionNotSupported"}))
	add(QuirkMedia2AllFails, func(t *testing.T, q Quirk) {
		soapQuirk("tr2:GetProfiles", "<Type>All</Type>", 500, []string{"SOAP-ENV:Receiver"})(t, q)
		ask(t, start(t, Options{Quirks: []Quirk{q}}), "tr2:GetProfiles", "<Type>VideoSource</Type><Type>VideoEncoder</Type>").must(t, 200, "<tt:Width>320<")
	})
	add(QuirkProfilesWithoutVideo, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		for name, element := range map[string]string{"trt:GetProfiles": "<trt:Profiles ", "tr2:GetProfiles": "<tr2:Profiles "} {
			if r := ask(t, d, name, "<Type>All</Type>"); strings.Count(r.body, element) != 9 || strings.Count(r.body, "<tt:Encoding>") != 2 {
				t.Errorf("%v", r)
			}
		}
		ask(t, d, "trt:GetStreamUri", "<ProfileToken>metadata_1</ProfileToken>").must(t, 400, "ter:IncompleteConfiguration")
	})
	add(QuirkURIWhitespace, soapQuirk("trt:GetStreamUri", profile, 200, []string{"<tt:Uri>\n\t rtsp://", "/main\n\t </tt:Uri>"}))
	add(QuirkURIAmpersand, soapQuirk("tr2:GetStreamUri", profile, 200, []string{"/main?channel=1&amp;subtype=0&amp;unicast=true<"}))
	add(QuirkMedia1URIBare, soapQuirk("trt:GetStreamUri", profile, 200, []string{"<trt:GetStreamUriResponse><trt:Uri>rtsp://"}, "MediaUri"))
	add(QuirkURICredentials, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q, QuirkURIAmpersand}})
		signed(t, d, signature{}, "trt:GetStreamUri", profile).must(t, 200, "/main?channel=1&amp;subtype=0&amp;unicast=true&amp;user=admin&amp;password=s3%22cr%3Ae%2Ft<")
	})
	add(QuirkSnapshotRTSP, soapQuirk("trt:GetSnapshotUri", profile, 200, []string{"<tt:Uri>rtsp://"}))
	add(QuirkSnapshotBasic, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		r := get(t, snapshotURL(d, "main"))
		r.must(t, 401)
		if list := r.header.Values("WWW-Authenticate"); len(list) != 1 || !strings.HasPrefix(list[0], "Basic ") {
			t.Errorf("it challenges %q", list)
		}
		isPicture(t, do(t, basic(getting(t, snapshotURL(d, "main"))(), password)), 320)
	})
	add(QuirkSnapshotDigest, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		do(t, basic(getting(t, snapshotURL(d, "main"))(), password)).must(t, 401)
		isPicture(t, digested(t, getting(t, snapshotURL(d, "main")), "", password), 320)
	})
	add(QuirkSnapshotQueryOnly, func(t *testing.T, q Quirk) {
		d := locked(t, Options{Quirks: []Quirk{q}})
		r := signed(t, d, signature{}, "trt:GetSnapshotUri", profile)
		r.must(t, 200, "?user=admin&amp;password=")
		address := strings.ReplaceAll(regexp.MustCompile(`<tt:Uri>([^<]*)`).FindStringSubmatch(r.body)[1], "&amp;", "&")
		isPicture(t, get(t, address), 320)
		do(t, basic(getting(t, address)(), password)).must(t, 401)
	})
	add(QuirkSnapshotBadHeaders, func(t *testing.T, q Quirk) {
		d := start(t, Options{Quirks: []Quirk{q}})
		conn, err := net.Dial("tcp", d.addressOf(roleMain))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /snapshot/main.jpg HTTP/1.1\r\nHost: x\r\n\r\n")
		all, err := io.ReadAll(conn)
		head, picture, _ := bytes.Cut(all, []byte("\r\n\r\n"))
		if err != nil || !strings.Contains(string(head), "\r\nThis is no header\r\n") {
			t.Errorf("%v, %q", err, head)
		}
		isPicture(t, reply{status: 200, body: string(picture)}, 320)
		if _, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(all)), nil); err == nil {
			t.Error("Go's own reader takes it")
		}
	})
	add(QuirkXMLUnboundPrefix, soapQuirk("trt:GetProfiles", "", 200, []string{"<tt:Name>"}, "xmlns:tt="))
	add(QuirkXMLBadUTF8, soapQuirk("trt:GetProfiles", "", 200, []string{"MainStream B\xfcro<", `encoding="UTF-8"`}))
	add(QuirkXMLDeclaredUTF16, soapQuirk("trt:GetProfiles", "", 200, []string{`encoding="utf-16"`, "<tt:Name>"}))
	add(QuirkXMLWrongNamespace, soapQuirk("trt:GetProfiles", "", 200, []string{"<tds:Name>MainStream</tds:Name>"}, "<tt:"))
}
