// From a decoded picture to a JPEG: scale, colour, encode.
#ifndef CAMGATE_JPEG_H
#define CAMGATE_JPEG_H

#include <libavutil/frame.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

// One encoder makes JPEGs of one rendition: it keeps its tables, its scaler and its
// buffers from picture to picture. For one thread at a time.
typedef struct cg_jpeg cg_jpeg;

cg_jpeg *cg_jpeg_new(void);  // NULL where there is no memory
void cg_jpeg_free(cg_jpeg *j);

// cg_jpeg_frame makes the JPEG of frame, scaled to inner_width x inner_height, colours
// converted, in the middle of a picture of width x height that is black where frame is
// not, in out. Where capacity does not do, it keeps the JPEG until the next call, for
// cg_jpeg_overflow to take. The answer is the JPEG's size, or -1: see cg_jpeg_error.
long cg_jpeg_frame(cg_jpeg *j, const AVFrame *frame, int inner_width, int inner_height, int width,
                   int height, int quality, uint8_t *out, size_t capacity);

// cg_jpeg_planes does the same for planes that are full range BT.601 and of the
// wanted size already.
long cg_jpeg_planes(cg_jpeg *j, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
                    int luma_stride, int chroma_stride, int width, int height, int quality,
                    uint8_t *out, size_t capacity);

// cg_jpeg_overflow copies a JPEG that did not fit.
void cg_jpeg_overflow(const cg_jpeg *j, uint8_t *out, size_t size);

// cg_frame_planes writes frame, scaled and converted as for a JPEG, into planes of
// the caller's. 0, or -1.
int cg_frame_planes(cg_jpeg *j, const AVFrame *frame, int width, int height, uint8_t *y,
                    uint8_t *cb, uint8_t *cr, int luma_stride, int chroma_stride);

const char *cg_jpeg_error(const cg_jpeg *j);

// libjpeg-turbo's version, as it was compiled in.
const char *cg_jpeg_version(void);

#endif
