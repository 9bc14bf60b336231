// What a decoded picture is: its size, its shape, its colours.
#ifndef CAMGATE_FRAME_H
#define CAMGATE_FRAME_H

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

#include "colour.h"

// What Go asks of a decoded picture.
typedef struct {
  int width, height;     // coded, in pixels
  int sar_num, sar_den;  // shape of a pixel, 1/1 where unknown or absurd
  int interlaced;        // two fields, woven
  int damaged;           // libav concealed something, or missed a reference
  int key;
} cg_frame_info;

void cg_frame_describe(const AVFrame *frame, cg_frame_info *info);

int cg_is_interlaced(const AVFrame *frame);
int cg_is_full_range(const AVFrame *frame);

// cg_without_j is the pixel format without what libav's J formats say a second time:
// that they are full range.
enum AVPixelFormat cg_without_j(enum AVPixelFormat format);

// cg_weights_of is the picture's luma matrix.
cg_weights cg_weights_of(const AVFrame *frame);

#endif
