package device

import (
	"bytes"
)

// latin1 is a name that is no UTF-8, and survives the escaping of XML as a mark.
const latin1 = " Büro"

// spoil is an answer's XML as the quirks want it.
func (d *Device) spoil(document []byte) []byte {
	if d.has(QuirkXMLBadUTF8) {
		document = bytes.ReplaceAll(document, []byte("ü"), []byte{0xfc})
	}
	if d.has(QuirkXMLDeclaredUTF16) {
		document = bytes.Replace(document, []byte(`encoding="UTF-8"`), []byte(`encoding="utf-16"`), 1)
	}
	if d.has(QuirkXMLUnboundPrefix) {
		document = bytes.Replace(document, []byte(` xmlns:tt="`+namespaces["tt"]+`"`), nil, 1)
	}
	if d.has(QuirkXMLWrongNamespace) {
		// Children say that they are the device service's, whatever they are.
		document = bytes.ReplaceAll(bytes.ReplaceAll(document, []byte("<tt:"), []byte("<tds:")), []byte("</tt:"), []byte("</tds:"))
	}
	return document
}
