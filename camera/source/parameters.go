package source

import (
	"bytes"
	"slices"
)

// maxParameterSets of all kinds together. Cameras have one of each; H.264 allows 256
// picture parameter sets.
const maxParameterSets = 64

// maxParameterSet is the largest that is kept, in bytes. Those of cameras have less than a
// hundred; a hostile one could have us keep 64 of 8 MB, and put them before each key frame.
const maxParameterSet = 4 << 10

// parameterSets are the VPS, SPS and PPS as last seen, from the session description or
// from the stream.
type parameterSets []parameterSet

type parameterSet struct {
	kind nalKind
	id   uint32 // of a PPS; a camera has one SPS
	nalu []byte
}

// update keeps nalu, in memory of its own, in the place of the one it replaces.
func (s *parameterSets) update(kind nalKind, nalu []byte) {
	if kind != nalVPS && kind != nalSPS && kind != nalPPS || len(nalu) > maxParameterSet {
		return
	}
	set := parameterSet{kind: kind}
	if kind == nalPPS {
		set.id = ppsID(nalu)
	}
	at, found := slices.BinarySearchFunc(*s, set, func(a, b parameterSet) int {
		if a.kind != b.kind {
			return int(a.kind) - int(b.kind)
		}
		return int(int64(a.id) - int64(b.id))
	})
	switch {
	case found && bytes.Equal((*s)[at].nalu, nalu):
	case found:
		(*s)[at].nalu = slices.Clone(nalu)
	case len(*s) < maxParameterSets:
		set.nalu = slices.Clone(nalu)
		*s = slices.Insert(*s, at, set)
	}
}

// complete puts the parameter sets in front of a key frame that came without some of
// them.
func (s parameterSets) complete(nalus [][]byte, kind func([]byte) nalKind) [][]byte {
	var has [nalPPS + 1]bool
	for _, nalu := range nalus {
		if k := kind(nalu); k <= nalPPS {
			has[k] = true
		}
	}
	lacks := false
	for _, set := range s {
		lacks = lacks || !has[set.kind]
	}
	if !lacks {
		return nalus
	}
	all := make([][]byte, 0, len(s)+len(nalus))
	for _, set := range s {
		all = append(all, set.nalu)
	}
	for _, nalu := range nalus {
		if k := kind(nalu); k < nalVPS || k > nalPPS {
			all = append(all, nalu)
		}
	}
	return all
}
