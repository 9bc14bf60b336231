package webrtc

import "net/http"

// An Error is an answer that is not what was asked for: a status and one sentence for
// whoever asked.
type Error struct {
	Status   int
	Sentence string
}

func (e *Error) Error() string { return e.Sentence }

func refuse(status int, sentence string) *Error { return &Error{Status: status, Sentence: sentence} }

func badRequest(err error) *Error { return refuse(http.StatusBadRequest, err.Error()) }
