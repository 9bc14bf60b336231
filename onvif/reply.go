package onvif

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readReply decodes the answer to an operation: into (a pointer to a structure, nil for
// answers without content) is filled from its element, which must be named operation +
// "Response". A SOAP fault is returned as *Fault with the HTTP status given. Other errors
// wrap ErrTooLarge, ErrMalformed or ErrNotONVIF.
func readReply(data []byte, status int, operation string, into any) error {
	if len(data) > maxReply {
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxReply)
	}
	d := newDecoder(data)
	if err := enterBody(d, data); err != nil {
		return err
	}
	start, err := nextStart(d)
	if err != nil {
		return malformed(err)
	}
	if start.Name.Local == "Fault" {
		return readFault(d, start, status)
	}
	if start.Name.Local != operation+"Response" {
		return fmt.Errorf("%w: it answers %s to %s", ErrMalformed, printable(start.Name.Local, 60), operation)
	}
	if into == nil {
		into = new(struct{})
	}
	if err := d.DecodeElement(into, &start); err != nil {
		return malformed(err)
	}
	return leave(d)
}

// enterBody reads up to the inside of soap:Body. Version and namespace of the envelope are
// not looked at.
func enterBody(d *xml.Decoder, data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return fmt.Errorf("%w: the answer is empty", ErrNotONVIF)
	}
	start, err := nextStart(d)
	if err == io.EOF || errors.Is(err, errNoElement) {
		return fmt.Errorf("%w: the answer is no XML", ErrNotONVIF)
	}
	if err != nil {
		if !bytes.Contains(data, []byte("Envelope")) && !errors.Is(err, ErrTooLarge) {
			return fmt.Errorf("%w: the answer is no SOAP: %s", ErrNotONVIF, printable(err.Error(), 100))
		}
		return malformed(err)
	}
	switch {
	case strings.EqualFold(start.Name.Local, "html"):
		return fmt.Errorf("%w: the answer is a web page", ErrNotONVIF)
	case start.Name.Local != "Envelope":
		return fmt.Errorf("%w: the answer is %s, no SOAP", ErrNotONVIF, printable(start.Name.Local, 60))
	}
	for {
		if start, err = nextStart(d); err != nil {
			return malformed(err)
		}
		if start.Name.Local == "Body" {
			return nil
		}
		if err := d.Skip(); err != nil {
			return malformed(err)
		}
	}
}

var errNoElement = errors.New("there is no element where one must be")

// nextStart reads up to the next start of an element inside the present one.
func nextStart(d *xml.Decoder) (xml.StartElement, error) {
	for {
		token, err := d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			return t, nil
		case xml.EndElement:
			return xml.StartElement{}, errNoElement
		}
	}
}

// leave reads up to the end of the envelope, so that a cut answer is not taken for a whole
// one. What follows the envelope does not matter.
func leave(d *xml.Decoder) error {
	for open := 2; open > 0; { // Body, Envelope
		token, err := d.Token()
		if err != nil {
			return malformed(err)
		}
		switch token.(type) {
		case xml.StartElement:
			open++
		case xml.EndElement:
			open--
		}
	}
	return nil
}

func malformed(err error) error {
	switch {
	case errors.Is(err, ErrTooLarge):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "unexpected EOF"):
		return fmt.Errorf("%w: it ends in the middle", ErrMalformed)
	}
	return fmt.Errorf("%w: %s", ErrMalformed, printable(err.Error(), 200))
}
