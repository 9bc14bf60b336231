package onvif

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"time"
)

// OASIS Web Services Security UsernameToken Profile 1.0; ONVIF Core, section 5.9.3.
const (
	typeDigest   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
	typeText     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
	typeBase64   = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
	createdStyle = "2006-01-02T15:04:05Z" // whole seconds: fractions upset some cameras, a missing Z others
)

type security struct {
	XMLName xml.Name `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Security"`
	Token   usernameToken
}

type usernameToken struct {
	XMLName  xml.Name `xml:"UsernameToken"`
	Username string
	Password wssePassword
	Nonce    *wsseNonce
	Created  string `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd Created"`
}

type wssePassword struct {
	Type  string `xml:",attr"`
	Value string `xml:",chardata"`
}

type wsseNonce struct {
	EncodingType string `xml:",attr"`
	Value        string `xml:",chardata"`
}

// wsseDigest is the header that proves the password: Base64(SHA-1(nonce + created +
// password)). now is the camera's time.
func wsseDigest(user, password string, now time.Time) security {
	nonce := make([]byte, 16)
	rand.Read(nonce) // never fails
	created := now.UTC().Format(createdStyle)
	sum := sha1.Sum([]byte(string(nonce) + created + password))
	return security{Token: usernameToken{
		Username: user,
		Password: wssePassword{typeDigest, base64.StdEncoding.EncodeToString(sum[:])},
		Nonce:    &wsseNonce{typeBase64, base64.StdEncoding.EncodeToString(nonce)},
		Created:  created,
	}}
}

// wsseText is the header that holds the password itself.
func wsseText(user, password string, now time.Time) security {
	return security{Token: usernameToken{
		Username: user,
		Password: wssePassword{typeText, password},
		Created:  now.UTC().Format(createdStyle),
	}}
}
