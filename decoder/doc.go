// Package decoder is the only one that calls C: libav in (through go-astiav), JPEG out
// (libjpeg-turbo). It is a filter that knows nothing of cameras and viewers: access unit
// in, frame out; frame and size in, JPEG out. For who takes neither JPEGs nor the camera's
// codec: frame in, H.264 or VP8 out (Transcoder); AAC in, Opus out (AudioTranscoder).
//
// Colour: cameras send BT.601 or BT.709, limited or full range; a JPEG is always BT.601,
// full range. colour.c converts, one row of MCUs at a time, between the frame (or
// libswscale's output, where the size changes) and libjpeg, while the row is in the
// processor's cache. A frame that is BT.601 and full range already goes to libjpeg as it
// lies in libav's memory.
package decoder
