// What an encoder is given.
#ifndef CAMGATE_TRANSCODE_H
#define CAMGATE_TRANSCODE_H

#include <libavutil/frame.h>

#include "jpeg.h"

// cg_transcode_fill writes from, scaled to the size of to (4:2:0, 8 bit, its own buffer),
// into it: BT.601, limited range. 0, or -1: see cg_jpeg_error.
int cg_transcode_fill(cg_jpeg *j, const AVFrame *from, AVFrame *to);

#endif
