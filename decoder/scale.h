// From a decoded picture to 8-bit 4:2:0 of a wanted size.
#ifndef CAMGATE_SCALE_H
#define CAMGATE_SCALE_H

#include <libavutil/frame.h>
#include <libswscale/swscale.h>
#include <stdint.h>

// Three planes of 4:2:0, 8 bit; chroma rounds up where the size is odd.
typedef struct {
  uint8_t *data[3];
  int stride[3];
} cg_planes;

// A scaler keeps its buffers from picture to picture. All zero is a new one.
typedef struct {
  struct SwsContext *sws;
  int from_width, from_height, to_width, to_height;
  enum AVPixelFormat from_format;
  cg_planes scaled;

  // What is scaled down by a whole number first.
  cg_planes boxed;
  uint16_t *sums;
  int boxed_width, boxed_height, boxed_factor;

  char message[128];  // why the last call failed
} cg_scaler;

// cg_scale gives frame as 8-bit 4:2:0 of the wanted size, its colours as they are: its own
// planes where they are that already, else planes of the scaler, until the next call.
// 0, or -1: see message.
int cg_scale(cg_scaler *s, const AVFrame *frame, int width, int height, cg_planes *planes);

// cg_scaler_clear frees what the scaler holds.
void cg_scaler_clear(cg_scaler *s);

#endif
