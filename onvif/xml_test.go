package onvif

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

// information reads an answer to GetDeviceInformation.
func readInformation(answer string) (Information, error) {
	var r informationReply
	err := readReply([]byte(answer), 200, "GetDeviceInformation", &r)
	return r.information(), err
}

func informationAnswer(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>` +
		`<tds:GetDeviceInformationResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl">` + inner + `</tds:GetDeviceInformationResponse></s:Body></s:Envelope>`
}

func utf16Of(s string, order binary.AppendByteOrder, mark bool) string {
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

func TestXMLThatIsNoneQuiteIsRead(t *testing.T) {
	plain := informationAnswer("<tds:Manufacturer>Büro</tds:Manufacturer>")
	for name, answer := range map[string]string{
		"as it should be":            plain,
		"without a declaration":      plain[strings.Index(plain, "<s:"):],
		"byte order mark":            "\ufeff" + plain,
		"white space before":         "\r\n\r\n" + plain,
		"Latin-1 as UTF-8":           strings.ReplaceAll(plain, "ü", "\xfc"),
		"declared utf-16":            strings.Replace(plain, "UTF-8", "utf-16", 1),
		"declared gb2312":            strings.Replace(plain, "UTF-8", "GB2312", 1),
		"utf-16":                     utf16Of(plain, binary.LittleEndian, true),
		"utf-16, big end first":      utf16Of(plain, binary.BigEndian, true),
		"utf-16 without mark":        utf16Of(plain, binary.LittleEndian, false),
		"unbound prefix":             informationAnswer("<tt:Manufacturer>Büro</tt:Manufacturer>"),
		"no prefix":                  informationAnswer("<Manufacturer>Büro</Manufacturer>"),
		"another namespace":          informationAnswer(`<x:Manufacturer xmlns:x="urn:x">Büro</x:Manufacturer>`),
		"unknown children":           informationAnswer("<a><b>1</b></a><Manufacturer>Büro</Manufacturer><c/>"),
		"comments":                   informationAnswer("<!-- a --><Manufacturer><!-- b -->Büro</Manufacturer>"),
		"CDATA":                      informationAnswer("<Manufacturer><![CDATA[Büro]]></Manufacturer>"),
		"control characters":         informationAnswer("<Manufacturer>\x00Bü\x1b\x07ro</Manufacturer>"),
		"SOAP 1.1":                   strings.Replace(plain, "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/", 1),
		"something behind":           plain + "\x00\x00 garbage",
		"a header that looks like":   strings.Replace(plain, "<s:Body>", "<s:Header><s:Body/></s:Header><s:Body>", 1),
		"text around children":       informationAnswer("x<Manufacturer>Büro</Manufacturer>Büro y"),
		"attributes without quotes":  informationAnswer("<Manufacturer lang=de>Büro</Manufacturer>"),
		"an ampersand by itself":     informationAnswer("<Model>A & B</Model><Manufacturer>Büro</Manufacturer>"),
		"white space around a value": informationAnswer("<Manufacturer>\n\t Büro \r\n</Manufacturer>"),
	} {
		t.Run(name, func(t *testing.T) {
			if info, err := readInformation(answer); err != nil || info.Maker != "Büro" {
				t.Errorf("got %+v, %v", info, err)
			}
		})
	}
}

func TestHostileAnswersGiveTypedErrors(t *testing.T) {
	plain := informationAnswer("<Manufacturer>Acme</Manufacturer>")
	for _, one := range []struct {
		name, answer string
		want         error
	}{
		{"nothing", "", ErrNotONVIF},
		{"blanks", " \r\n ", ErrNotONVIF},
		{"a web page", "<!DOCTYPE html><html><body>Login</body></html>", ErrNotONVIF},
		{"an XHTML page", "<html><body>Login</body></html>", ErrNotONVIF},
		{"JSON", `{"error": 404}`, ErrNotONVIF},
		{"RTSP", "RTSP/1.0 400 Bad Request\r\n\r\n", ErrNotONVIF},
		{"other XML", `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device/></root>`, ErrNotONVIF},
		{"noise", string([]byte{0x80, 0x00, 0xff, 0x3c, 0x17}), ErrNotONVIF},
		{"another answer", strings.ReplaceAll(plain, "GetDeviceInformation", "GetHostname"), ErrMalformed},
		{"empty body", inEnvelope(""), ErrMalformed},
		{"no body", `<s:Envelope></s:Envelope>`, ErrMalformed},
		{"cut in a tag", plain[:len(plain)-4], ErrMalformed},
		{"cut in a text", plain[:strings.Index(plain, "cme")], ErrMalformed},
		{"cut behind the answer", plain[:strings.Index(plain, "</s:Body>")], ErrMalformed},
		{"tags that cross", informationAnswer("<Manufacturer><Model></Manufacturer></Model>"), ErrMalformed},
		{"a document type", strings.Replace(plain, "<s:Env", "<!DOCTYPE s><s:Env", 1), ErrMalformed},
		{"entities", strings.Replace(strings.Replace(plain, "<s:Env", `<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><s:Env`, 1), "Acme", "&b;", 1), ErrMalformed},
		{"an entity from outside", strings.Replace(strings.Replace(plain, "<s:Env", `<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><s:Env`, 1), "Acme", "&a;", 1), ErrMalformed},
		{"a million nested elements", informationAnswer(strings.Repeat("<a>", 300_000)), ErrTooLarge},
		{"65 nested elements", informationAnswer(strings.Repeat("<a>", 65) + strings.Repeat("</a>", 65)), ErrTooLarge},
		{"many elements", informationAnswer(strings.Repeat("<a/>", 60_000)), ErrTooLarge},
		{"two megabytes", informationAnswer(strings.Repeat(" ", 2<<20)), ErrTooLarge},
		{"a deep fault", inEnvelope("<s:Fault>" + strings.Repeat("<s:Subcode>", 100)), ErrTooLarge},
		{"a deep header", `<s:Envelope><s:Header>` + strings.Repeat("<a>", 100), ErrTooLarge},
	} {
		t.Run(one.name, func(t *testing.T) {
			info, err := readInformation(one.answer)
			if !errors.Is(err, one.want) {
				t.Errorf("got %+v, %v; want %v", info, err, one.want)
			}
		})
	}
	t.Run("60 nested elements are read", func(t *testing.T) {
		if _, err := readInformation(informationAnswer(strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60))); err != nil {
			t.Error(err)
		}
	})
}

func TestTextsAreBoundedAndPrintable(t *testing.T) {
	info, err := readInformation(informationAnswer("<Manufacturer>" + strings.Repeat("ä", 100_000) + "</Manufacturer><Model>a\u202eb\u0085\nc</Model>"))
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Maker) > 260 || info.Model != "ab c" {
		t.Errorf("got %d bytes and %q", len(info.Maker), info.Model)
	}
}

func TestNumbersThatAreNoneAreUnknown(t *testing.T) {
	var r profilesReply
	err := readReply([]byte(inEnvelope(`<GetProfilesResponse><Profiles token=" a "><VideoEncoderConfiguration token="e" GovLength="x"><Encoding>VP9</Encoding>`+
		`<Resolution><Width>1e99</Width><Height>480</Height></Resolution><Quality>NaN</Quality>`+
		`<RateControl><FrameRateLimit>-3</FrameRateLimit><BitrateLimit>2147483647</BitrateLimit></RateControl></VideoEncoderConfiguration></Profiles>`+
		`<Profiles token="b"><Configurations><VideoEncoder token="e" GovLength="50"><Encoding>hevc</Encoding><Resolution><Width>640.0</Width><Height> 480 </Height></Resolution>`+
		`<RateControl><FrameRateLimit>12.5</FrameRateLimit><BitrateLimit>512</BitrateLimit></RateControl></VideoEncoder></Configurations></Profiles>`+
		`<Profiles><VideoEncoderConfiguration/></Profiles><Profiles token="none"/></GetProfilesResponse>`)), 200, "GetProfiles", &r)
	if err != nil {
		t.Fatal(err)
	}
	profiles, _ := r.profiles(false)
	want := []Profile{{Token: "a"}, {Token: "b", Codec: "H265", Width: 640, Height: 480, FPS: 12.5, Bitrate: 512, GOP: 50}}
	if len(profiles) != 2 || profiles[0] != want[0] || profiles[1] != want[1] {
		t.Errorf("got %+v", profiles)
	}
}

func TestFaultsOfAllKinds(t *testing.T) {
	for _, one := range []struct {
		name, body string
		status     int
		want       Fault
		is         []error
		says       string
	}{
		{"SOAP 1.1", `<s:Fault><faultcode>s:Client</faultcode><faultstring>Unauthorized</faultstring><detail><x>why</x></detail></s:Fault>`, 500,
			Fault{Code: "Client", Reason: "Unauthorized", Detail: "why"}, []error{ErrNotAuthorized}, "HTTP 500 Unauthorized; why"},
		{"status 200", faultNotAuthorized, 200, Fault{Code: "Sender", Subcode: "NotAuthorized", Reason: "Sender not Authorized"}, []error{ErrNotAuthorized}, "Sender not Authorized; NotAuthorized"},
		{"nested subcodes", `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value><s:Subcode><s:Value>ter:Other</s:Value></s:Subcode></s:Subcode></s:Code></s:Fault>`, 400,
			Fault{Code: "Sender", Subcode: "Other"}, []error{ErrNotAuthorized}, "HTTP 400 Other"},
		{"WS-Security", `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>wsse:FailedAuthentication</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>`, 500,
			Fault{Code: "Sender", Subcode: "FailedAuthentication", Reason: "no"}, []error{ErrNotAuthorized}, "HTTP 500 no; FailedAuthentication"},
		{"locked", `<s:Fault><s:Reason><s:Text>User account is locked, try in 30 minutes</s:Text></s:Reason></s:Fault>`, 400,
			Fault{Reason: "User account is locked, try in 30 minutes"}, []error{ErrNotAuthorized, ErrLocked}, "locked"},
		{"nothing about locks", `<s:Fault><s:Reason><s:Text>The door lock is not configured</s:Text></s:Reason></s:Fault>`, 400,
			Fault{Reason: "The door lock is not configured"}, nil, "door"},
	} {
		t.Run(one.name, func(t *testing.T) {
			var fault *Fault
			err := readReply([]byte(inEnvelope(one.body)), one.status, "GetProfiles", nil)
			if !errors.As(err, &fault) {
				t.Fatal(err)
			}
			for _, kind := range []error{ErrNotAuthorized, ErrLocked, ErrNotSupported} {
				want := false
				for _, is := range one.is {
					want = want || is == kind
				}
				if errors.Is(err, kind) != want {
					t.Errorf("errors.Is(%v, %v) is %v", err, kind, !want)
				}
			}
			if !strings.Contains(fault.Error(), one.says) {
				t.Errorf("it says %q", fault.Error())
			}
			one.want.Status, fault.subcodes = one.status, nil
			if fault.Code != one.want.Code || fault.Subcode != one.want.Subcode || fault.Reason != one.want.Reason || fault.Detail != one.want.Detail {
				t.Errorf("got %+v", fault)
			}
		})
	}
}
