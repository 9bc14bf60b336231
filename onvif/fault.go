package onvif

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// A Fault is a SOAP fault (SOAP 1.2, section 5.4; SOAP 1.1, section 4.4), or an HTTP error
// status without one. Codes are without prefix. All texts are printable and bounded.
//
// errors.Is finds ErrNotAuthorized, ErrLocked and ErrNotSupported in it.
type Fault struct {
	Status  int    // HTTP
	Code    string // "Sender", "Receiver", …
	Subcode string // the most exact one: "NotAuthorized", "ActionNotSupported", …; "" where none is given
	Reason  string
	Detail  string

	subcodes []string // all, outermost first
	page     bool     // no SOAP: Reason is the text of a web page
	lock     bool     // the page says in its own way that the account is locked
}

type faultReply struct {
	Code struct {
		Value   text
		Subcode subcode
	}
	Reason struct {
		Text []text
	}
	Detail      fullText
	Faultcode   text     `xml:"faultcode"` // SOAP 1.1
	Faultstring text     `xml:"faultstring"`
	Detail11    fullText `xml:"detail"`
}

type subcode struct {
	Value   text
	Subcode *subcode
}

// A fullText is all text within an element, however deep.
type fullText string

// UnmarshalXML implements xml.Unmarshaler.
func (p *fullText) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	var b strings.Builder
	for depth := 0; depth >= 0; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			b.WriteByte(' ')
		case xml.EndElement:
			depth--
		case xml.CharData:
			if b.Len() < maxText {
				b.Write(t)
			}
		}
	}
	*p = fullText(bounded(b.String(), maxText))
	return nil
}

func readFault(d *xml.Decoder, start xml.StartElement, status int) error {
	var r faultReply
	if err := d.DecodeElement(&r, &start); err != nil {
		return malformed(err)
	}
	f := &Fault{
		Status: status,
		Code:   withoutPrefix(r.Code.Value + r.Faultcode),
		Detail: printable(string(r.Detail)+" "+string(r.Detail11), 300),
	}
	for s := &r.Code.Subcode; s != nil; s = s.Subcode {
		if value := withoutPrefix(s.Value); value != "" {
			f.Subcode = value
			f.subcodes = append(f.subcodes, value)
		}
	}
	for _, reason := range append(r.Reason.Text, r.Faultstring) {
		if f.Reason == "" {
			f.Reason = printable(string(reason), 300)
		}
	}
	if err := leave(d); err != nil {
		return err
	}
	return f
}

func withoutPrefix(t text) string {
	s := string(t)
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		s = s[i+1:]
	}
	return printable(s, 100)
}

// httpFault is the fault that an HTTP status without SOAP stands for. Of a page its text is
// kept, as reason: locked accounts and tries that are left are told there.
func httpFault(status int, body []byte) *Fault {
	page := bounded(string(body), 4096)
	return &Fault{
		Status: status, Reason: printable(withoutTags(page), 200), page: true,
		lock: strings.Contains(strings.ToLower(page), "<lockstatus>lock<"), // Hikvision
	}
}

var tags = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>|<[^>]*>`)

func withoutTags(page string) string { return tags.ReplaceAllString(page, " ") }

// Error says what the camera answered.
func (f *Fault) Error() string {
	var parts []string
	for _, part := range []string{f.Reason, f.Subcode, f.Detail} {
		if part != "" && (len(parts) == 0 || !strings.Contains(strings.Join(parts, " "), part)) {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 && !f.page {
		parts = append(parts, strings.TrimSpace("a fault without words "+f.Code))
	}
	said := strings.Join(parts, "; ")
	if f.page { // "404 page not found" says its number itself
		said = strings.TrimSpace(strings.TrimPrefix(said, strconv.Itoa(f.Status)))
	}
	if f.Status != 0 && f.Status != http.StatusOK {
		return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", f.Status, said))
	}
	return said
}

// Is sorts the fault into the kinds that callers tell apart.
func (f *Fault) Is(target error) bool {
	switch target {
	case ErrLocked:
		return f.locked()
	case ErrNotAuthorized:
		return f.notAuthorized()
	case ErrNotSupported:
		return f.notSupported()
	}
	return false
}

func (f *Fault) subcodeIn(names ...string) bool {
	for _, s := range f.subcodes {
		for _, name := range names {
			if strings.EqualFold(s, name) {
				return true
			}
		}
	}
	return false
}

// notAuthorized: ONVIF Core, section 5.11.2.2 (ter:NotAuthorized); WS-Security 1.1, section
// 12; and what cameras answer without a subcode.
func (f *Fault) notAuthorized() bool {
	if f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden || f.locked() {
		return true
	}
	if f.subcodeIn("NotAuthorized", "OperationProhibited", "FailedAuthentication", "FailedCheck",
		"InvalidSecurity", "InvalidSecurityToken", "SecurityTokenUnavailable", "UnsupportedSecurityToken", "MessageExpired") {
		return true
	}
	said := strings.ToLower(f.Reason + " " + f.Detail)
	for _, words := range []string{"not authorized", "notauthorized", "unauthorized", "authority failure", "wrong password"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// notSupported: ter:ActionNotSupported and its relatives, and gSOAP's answer to what it was
// not built with.
func (f *Fault) notSupported() bool {
	if f.Status == http.StatusNotFound || f.Status == http.StatusMethodNotAllowed || f.Status == http.StatusNotImplemented {
		return true
	}
	if f.subcodeIn("ActionNotSupported", "OptionalActionNotImplemented", "NotSupported", "UnknownAction", "CommandNotSupported", "NoSuchService", "ActionNotImplemented") {
		return true
	}
	said := strings.ToLower(f.Reason)
	return strings.Contains(said, "not implemented") || strings.Contains(said, "not supported")
}

var lockWords = regexp.MustCompile(`(?i)\b(account|user|login|device|ip( address)?)\b[^.]{0,40}\block(ed)?\b|\block(ed)?\b[^.]{0,40}\b(account|user|login|minutes?|seconds?)\b|too many (failed )?(login |authentication )?attempts`)

func (f *Fault) locked() bool {
	return f.lock || f.Status == http.StatusLocked || f.Status == http.StatusTooManyRequests ||
		f.subcodeIn("AccountLocked", "UserLocked", "Locked", "PasswordLocked") ||
		lockWords.MatchString(f.Reason) || lockWords.MatchString(f.Detail)
}

var attemptWords = regexp.MustCompile(`(?i)(\d{1,4})\s*(more\s+)?(attempt|tries|try|times)`)

// attemptsLeft is how many tries the camera says are left before it locks the account.
func (f *Fault) attemptsLeft() (int, bool) {
	m := attemptWords.FindStringSubmatch(f.Reason + " " + f.Detail)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}
