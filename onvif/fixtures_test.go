package onvif

import (
	"encoding/xml"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recorded says what an answer of a real camera holds, read by a person. Exactly one of
// value, texts, fault and err is set.
type recorded struct {
	operation string
	value     any      // what the client makes of it
	texts     []string // for operations that the client does not use: found in its texts, in this order
	fault     *Fault
	is        error // what the fault is besides
	err       error
}

// TestEveryRecordedAnswerIsReadOrRefusedAsItShouldBe reads all answers in CAMGATE_FIXTURES.
// One that the table does not know fails the test.
func TestEveryRecordedAnswerIsReadOrRefusedAsItShouldBe(t *testing.T) {
	folder := os.Getenv("CAMGATE_FIXTURES")
	if folder == "" {
		t.Skip("CAMGATE_FIXTURES names no folder with recorded answers")
	}
	table, seen := recordedAnswers(), map[string]bool{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil || name == "index.tsv" || ofDiscovery(name) {
			return err
		}
		want, known := table[name]
		if !known {
			t.Errorf("%s: nobody has said what it holds", name)
			return nil
		}
		seen[name] = true
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.Run(name, func(t *testing.T) { want.check(t, data, statusOf(name)) })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("%s: there is no such answer", name)
		}
	}
	if len(seen) < 170 {
		t.Errorf("only %d answers were read", len(seen))
	}
}

// ofDiscovery are datagrams, scopes and device descriptions, which the discovery package
// reads.
func ofDiscovery(name string) bool {
	folder, file := filepath.Split(name)
	switch {
	case folder == "axis-js/", folder == "scopes-vicmaeg/", folder == "issues/", folder == "camera-probe/":
		return true
	}
	return strings.HasPrefix(strings.ToLower(file), "probe")
}

var statusInName = regexp.MustCompile(`_http(\d{3})`)

func statusOf(name string) int {
	if m := statusInName.FindStringSubmatch(name); m != nil {
		status, _ := strconv.Atoi(m[1])
		return status
	}
	return 200
}

func (want recorded) check(t *testing.T, data []byte, status int) {
	t.Helper()
	got, err := want.decode(data, status)
	switch {
	case want.fault != nil:
		var fault *Fault
		if !errors.As(err, &fault) {
			t.Fatalf("got %v, %v; want a fault", got, err)
		}
		fault.subcodes = nil
		if !reflect.DeepEqual(fault, want.fault) {
			t.Errorf("got fault %+v\nwant      %+v", fault, want.fault)
		}
		for _, kind := range []error{ErrNotAuthorized, ErrNotSupported, ErrLocked} {
			if errors.Is(err, kind) != (kind == want.is) {
				t.Errorf("errors.Is(%v, %v) = %v", err, kind, errors.Is(err, kind))
			}
		}
	case want.err != nil:
		if !errors.Is(err, want.err) {
			t.Errorf("got %v, %v; want %v", got, err, want.err)
		}
	case err != nil:
		t.Fatal(err)
	case want.texts != nil:
		rest := got.(string)
		for _, text := range want.texts {
			_, after, found := strings.Cut(rest, text)
			if !found {
				t.Fatalf("%q is not in %q", text, got)
			}
			rest = after
		}
	case !reflect.DeepEqual(got, want.value):
		t.Errorf("got  %+v\nwant %+v", got, want.value)
	}
}

// tree is any element, for operations that the client does not use.
type tree struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []tree     `xml:",any"`
}

func (n *tree) String() string {
	var b strings.Builder
	for _, a := range n.Attrs {
		b.WriteString(a.Name.Local + "=" + a.Value + " ")
	}
	if text := strings.TrimSpace(n.Text); text != "" {
		b.WriteString(n.XMLName.Local + ":" + text + " ")
	}
	for i := range n.Children {
		b.WriteString(n.Children[i].String())
	}
	return b.String()
}

func (want recorded) decode(data []byte, status int) (any, error) {
	read := func(into any) error { return readReply(data, status, want.operation, into) }
	switch want.operation {
	case "GetDeviceInformation":
		var r informationReply
		err := read(&r)
		return r.information(), err
	case "GetSystemDateAndTime":
		var r clockReply
		err := read(&r)
		times := []string{}
		for _, d := range []dateTime{r.SystemDateAndTime.UTCDateTime, r.SystemDateAndTime.LocalDateTime} {
			if t, ok := d.time(); ok {
				times = append(times, t.Format(time.DateTime))
			}
		}
		return times, err
	case "GetHostname":
		var r hostnameReply
		err := read(&r)
		return r.HostnameInformation.Name.printable(), err
	case "GetEndpointReference":
		var r endpointReply
		err := read(&r)
		return r.GUID.printable(), err
	case "GetServices":
		var r servicesReply
		err := read(&r)
		return r.addresses(), err
	case "GetCapabilities":
		var r capabilitiesReply
		err := read(&r)
		return r.addresses(), err
	case "GetProfiles":
		var r profilesReply
		err := read(&r)
		profiles, _ := r.profiles(false)
		return profiles, err
	case "GetStreamUri", "GetSnapshotUri":
		var r uriReply
		err := read(&r)
		return r.uri(), err
	case "GetVideoSources":
		var r videoSourcesReply
		err := read(&r)
		return r.sources(), err
	case "GetVideoEncoderConfigurations":
		var r encodersReply
		err := read(&r)
		return describeAll(r.Configurations), err
	case "GetVideoEncoderConfiguration":
		var r struct{ Configuration encoderConfiguration }
		err := read(&r)
		return describeAll([]encoderConfiguration{r.Configuration}), err
	}
	var r tree
	err := read(&r)
	return r.String(), err
}

func describeAll(configurations []encoderConfiguration) []Profile {
	var all []Profile
	for i := range configurations {
		p := Profile{Token: string(configurations[i].Token)}
		configurations[i].describe(&p)
		all = append(all, p)
	}
	return all
}
