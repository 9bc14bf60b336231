package device

import "fmt"

// A Quirk is one way in which a device differs from the standards.
type Quirk string

// Time.
const (
	QuirkClockOff        Quirk = "clock-off"
	QuirkClockNeedsLogin Quirk = "clock-needs-login"
	QuirkClockLocalTime  Quirk = "clock-local-time"
	QuirkClockNone       Quirk = "clock-none"
	QuirkClockEmpty      Quirk = "clock-empty"
	QuirkNoDateHeader    Quirk = "no-date-header"
	QuirkCreatedZ        Quirk = "created-wants-z"
	QuirkCreatedCoarse   Quirk = "created-no-nanoseconds"
	QuirkTimezoneUTC50   Quirk = "timezone-utc5"
	QuirkTimezoneCST8    Quirk = "timezone-cst8"
)

// Authentication.
const (
	QuirkDigestOnly          Quirk = "digest-only"
	QuirkWSSEOnly            Quirk = "wsse-only"
	QuirkPasswordTextOnly    Quirk = "password-text-only"
	QuirkNotAuthorized400    Quirk = "not-authorized-400"
	QuirkWrongTokenFailsAll  Quirk = "wrong-token-fails-all"
	QuirkTwoChallenges       Quirk = "two-challenges"
	QuirkTwoChallengesInOne  Quirk = "two-challenges-in-one"
	QuirkDigestSHA256        Quirk = "digest-sha256-only"
	QuirkEmptyPassword       Quirk = "empty-password"
	QuirkCredentialsRefused  Quirk = "credentials-refused"
	QuirkLockout             Quirk = "lockout"
	QuirkLockoutWarns        Quirk = "lockout-warns"
	QuirkServicesNeedLogin   Quirk = "services-need-login"
	QuirkInformationIsPublic Quirk = "information-is-public"
)

// Addresses.
const (
	QuirkAddressPrivate    Quirk = "address-private"
	QuirkAddressStale      Quirk = "address-stale"
	QuirkAddressZero       Quirk = "address-zero"
	QuirkPortsDiffer       Quirk = "ports-differ"
	QuirkXAddrsSpaces      Quirk = "xaddrs-spaces"
	QuirkXAddrsNewlines    Quirk = "xaddrs-newlines"
	QuirkXAddrLinkLocal    Quirk = "xaddr-link-local"
	QuirkIPv6Only          Quirk = "ipv6-only"
	QuirkOnlyReplyAddress  Quirk = "only-reply-address"
	QuirkTwoAddressesOneOK Quirk = "two-addresses-one-works"
	QuirkHTTPS             Quirk = "https-self-signed"
)

// Discovery.
const (
	QuirkProbeUntypedIgnored   Quirk = "probe-untyped-ignored"
	QuirkProbeDeviceRefused    Quirk = "probe-device-refused"
	QuirkProbeDeviceOnly       Quirk = "probe-device-only"
	QuirkTypesOtherPrefix      Quirk = "types-other-prefix"
	QuirkTypesGarbage          Quirk = "types-garbage"
	QuirkProbeNewlinesRejected Quirk = "probe-newlines-rejected"
	QuirkProbeMatchesEmpty     Quirk = "probematches-empty"
	QuirkMatchWithoutXAddrs    Quirk = "match-without-xaddrs"
	QuirkMulticastLossy        Quirk = "multicast-lossy"
	QuirkMulticastBlocked      Quirk = "multicast-blocked"
	QuirkScopesEncoded         Quirk = "scopes-encoded"
	QuirkScopesTwice           Quirk = "scopes-twice"
	QuirkScopesCapitalised     Quirk = "scopes-capitalised"
	QuirkScopesMaker           Quirk = "scopes-maker"
	QuirkSSDPOneCRLF           Quirk = "ssdp-one-crlf"
	QuirkSSDPURLBase           Quirk = "ssdp-urlbase"
	QuirkSSDPRelativePage      Quirk = "ssdp-relative-page"
	QuirkSSDPAmpersand         Quirk = "ssdp-ampersand"
	QuirkSSDPLinefeeds         Quirk = "ssdp-linefeeds"
	QuirkSSDPSixTimes          Quirk = "ssdp-six-times"
	QuirkSSDPDeadLocation      Quirk = "ssdp-dead-location"
	QuirkSSDPByebyeFirst       Quirk = "ssdp-byebye-first"
)

// Profiles and URIs.
const (
	QuirkH265Hidden           Quirk = "h265-hidden"
	QuirkCodecWrong           Quirk = "codec-wrong"
	QuirkMedia2Only           Quirk = "media2-only"
	QuirkMedia2InServicesOnly Quirk = "media2-in-services-only"
	QuirkGetServicesMissing   Quirk = "getservices-missing"
	QuirkMedia2AllFails       Quirk = "media2-all-fails"
	QuirkProfilesWithoutVideo Quirk = "profiles-without-video"
	QuirkURIWhitespace        Quirk = "uri-whitespace"
	QuirkURIAmpersand         Quirk = "uri-ampersand"
	QuirkMedia1URIBare        Quirk = "media1-uri-bare"
	QuirkURICredentials       Quirk = "uri-credentials"
	QuirkSnapshotRTSP         Quirk = "snapshot-rtsp"
	QuirkSnapshotBasic        Quirk = "snapshot-basic"
	QuirkSnapshotDigest       Quirk = "snapshot-digest"
	QuirkSnapshotQueryOnly    Quirk = "snapshot-query-only"
	QuirkSnapshotBadHeaders   Quirk = "snapshot-bad-headers"
	QuirkXMLUnboundPrefix     Quirk = "xml-unbound-prefix"
	QuirkXMLBadUTF8           Quirk = "xml-bad-utf8"
	QuirkXMLDeclaredUTF16     Quirk = "xml-declared-utf16"
	QuirkXMLWrongNamespace    Quirk = "xml-wrong-namespace"
)

// What no honest camera does, and what is missing in some: number 0.
const (
	QuirkHostileHugeBody Quirk = "hostile-huge-body"
	QuirkHostileDeepXML  Quirk = "hostile-deep-xml"
	QuirkHostileEntities Quirk = "hostile-entities"
	QuirkHostileCut      Quirk = "hostile-cut-answer"
	QuirkHostileSlow     Quirk = "hostile-slow-body"
	QuirkHostileSilent   Quirk = "hostile-silent"
	QuirkHostileRedirect Quirk = "hostile-redirect"
	QuirkNoSnapshot      Quirk = "no-snapshot"
	QuirkNoEvents        Quirk = "no-events"
)

// QuirkInfo describes a quirk.
type QuirkInfo struct {
	Number int    // in the project's list of what real cameras do; 0: not in it
	Name   Quirk  // in flags and options
	Does   string // what the device does then, a sentence
}

// Quirks lists all quirks, by number. Number 24 (only the interface of the default route is
// probed, or the camera is on another subnet) has none: that is up to who probes, and to
// the network. That Media2 has no wrapper around its Uri, and that credentials are to be
// added to the stream's URI (in 30 and 31), is as the standard says: each device does so.
func Quirks() []QuirkInfo { return append([]QuirkInfo(nil), quirks...) }

func checkQuirks(list []Quirk) error {
	for _, q := range list {
		if !known(q) {
			return fmt.Errorf("no quirk is called %q; camsim --list-quirks lists them", string(q))
		}
	}
	return nil
}

func known(q Quirk) bool {
	for _, i := range quirks {
		if i.Name == q {
			return true
		}
	}
	return false
}
