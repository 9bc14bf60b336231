#include "scale.h"

#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <stdio.h>

#include "box.h"
#include "frame.h"

void cg_scaler_clear(cg_scaler *s) {
  sws_freeContext(s->sws);
  s->sws = NULL;
  av_freep(&s->scaled.data[0]);
  av_freep(&s->boxed.data[0]);
  av_freep(&s->sums);
}

// allocate has planes hold width x height; free them by data[0].
static int allocate(cg_scaler *s, cg_planes *planes, int width, int height) {
  av_freep(&planes->data[0]);
  int stride = (width + 63) / 64 * 64, chroma_stride = stride / 2 + 32;
  int rows = height + 1, chroma_rows = rows / 2 + 1;
  size_t luma = (size_t)stride * rows, chroma = (size_t)chroma_stride * chroma_rows;
  uint8_t *block = av_malloc(luma + 2 * chroma + 64);  // swscale may write past a row's end
  if (block == NULL) {
    snprintf(s->message, sizeof s->message, "no memory for a picture of %dx%d", width, height);
    return -1;
  }
  *planes = (cg_planes){{block, block + luma, block + luma + chroma},
                        {stride, chroma_stride, chroma_stride}};
  return 0;
}

static int prepare_planes(cg_scaler *s, int width, int height) {
  if (s->scaled.data[0] != NULL && s->to_width == width && s->to_height == height) return 0;
  sws_freeContext(s->sws);
  s->sws = NULL;
  s->to_width = width, s->to_height = height;
  return allocate(s, &s->scaled, width, height);
}

static int prepare_scaler(cg_scaler *s, int from_width, int from_height, enum AVPixelFormat format,
                          int width, int height) {
  if (prepare_planes(s, width, height) < 0) return -1;
  if (s->sws != NULL && s->from_width == from_width && s->from_height == from_height &&
      s->from_format == format)
    return 0;
  sws_freeContext(s->sws);
  // Where the samples change too (10 bit, 4:2:2) the fast way rounds visibly.
  int flags = format == AV_PIX_FMT_YUV420P ? SWS_FAST_BILINEAR : SWS_BILINEAR | SWS_ACCURATE_RND;
  s->sws = sws_getContext(from_width, from_height, format, width, height, AV_PIX_FMT_YUV420P, flags,
                          NULL, NULL, NULL);
  if (s->sws == NULL) {
    const char *name = av_get_pix_fmt_name(format);
    snprintf(s->message, sizeof s->message, "libswscale cannot turn %dx%d %s into %dx%d",
             from_width, from_height, name ? name : "pixels of no name", width, height);
    return -1;
  }
  // Same range and matrix on both sides: colour is ours to convert, after scaling.
  const int *table = sws_getCoefficients(SWS_CS_ITU601);
  sws_setColorspaceDetails(s->sws, table, 0, table, 0, 0, 1 << 16, 1 << 16);
  s->from_width = from_width, s->from_height = from_height, s->from_format = format;
  return 0;
}

static int scale(cg_scaler *s, const uint8_t *const *data, const int *stride, int from_width,
                 int from_height, enum AVPixelFormat format, int width, int height,
                 cg_planes *planes) {
  if (prepare_scaler(s, from_width, from_height, format, width, height) < 0) return -1;
  if (sws_scale(s->sws, data, stride, 0, from_height, s->scaled.data, s->scaled.stride) <= 0) {
    snprintf(s->message, sizeof s->message, "libswscale failed");
    return -1;
  }
  *planes = s->scaled;
  return 0;
}

// narrow makes 8 bits of 10, rounding: libswscale, at equal size, dithers instead, and
// is off by a level.
VECTORISED
static void narrow(const uint16_t *restrict from, uint8_t *restrict to, int width) {
  for (int x = 0; x < width; x++) {
    uint16_t v = (uint16_t)((from[x] + 2) >> 2);
    to[x] = (uint8_t)(v > 255 ? 255 : v);
  }
}

// box_down scales frame, 8-bit 4:2:0, down by the largest whole number that leaves it no
// smaller than width x height. 1 where it did, 0 where there is none, -1 on failure.
// libswscale's fast way would look at two pixels of three, and shimmer; its good ways
// take three times as long.
static int box_down(cg_scaler *s, const AVFrame *frame, int width, int height) {
  int factor =
      frame->width / width < frame->height / height ? frame->width / width : frame->height / height;
  if (factor > CG_BOX_MAX) factor = CG_BOX_MAX;
  if (factor < 2) return 0;
  // Even, so that chroma has as many whole boxes as luma.
  int boxed_width = frame->width / factor & ~1, boxed_height = frame->height / factor & ~1;
  if (boxed_width < width || boxed_height < height) return 0;
  if (s->boxed.data[0] == NULL || s->boxed_width != boxed_width ||
      s->boxed_height != boxed_height || s->boxed_factor != factor) {
    av_freep(&s->sums);
    if (allocate(s, &s->boxed, boxed_width, boxed_height) < 0) return -1;
    s->sums = av_malloc((size_t)boxed_width * factor * sizeof *s->sums);
    if (s->sums == NULL) {
      av_freep(&s->boxed.data[0]);
      snprintf(s->message, sizeof s->message, "no memory for a row of %d pixels", frame->width);
      return -1;
    }
    s->boxed_width = boxed_width, s->boxed_height = boxed_height, s->boxed_factor = factor;
  }
  for (int i = 0; i < 3; i++)
    cg_box(frame->data[i], frame->linesize[i], factor, s->boxed.data[i], s->boxed.stride[i],
           i ? boxed_width / 2 : boxed_width, i ? boxed_height / 2 : boxed_height, s->sums);
  return 1;
}

int cg_scale(cg_scaler *s, const AVFrame *frame, int width, int height, cg_planes *planes) {
  enum AVPixelFormat format = cg_without_j(frame->format);
  int interlaced = cg_is_interlaced(frame) && frame->height >= 4;
  if (!interlaced && format == AV_PIX_FMT_YUV420P && width == frame->width &&
      height == frame->height) {
    for (int i = 0; i < 3; i++) {
      planes->data[i] = frame->data[i];
      planes->stride[i] = frame->linesize[i];
    }
    return 0;
  }
  if (!interlaced && format == AV_PIX_FMT_YUV420P10 && width == frame->width &&
      height == frame->height) {
    if (prepare_planes(s, width, height) < 0) return -1;
    for (int i = 0; i < 3; i++) {
      int columns = i ? (width + 1) / 2 : width, rows = i ? (height + 1) / 2 : height;
      for (int y = 0; y < rows; y++)
        narrow((const uint16_t *)(frame->data[i] + (ptrdiff_t)y * frame->linesize[i]),
               s->scaled.data[i] + (ptrdiff_t)y * s->scaled.stride[i], columns);
    }
    *planes = s->scaled;
    return 0;
  }
  if (!interlaced && format == AV_PIX_FMT_YUV420P) {
    int boxed = box_down(s, frame, width, height);
    if (boxed < 0) return -1;
    if (boxed && s->boxed_width == width && s->boxed_height == height) {
      *planes = s->boxed;
      return 0;
    }
    if (boxed)
      return scale(s, (const uint8_t *const *)s->boxed.data, s->boxed.stride, s->boxed_width,
                   s->boxed_height, format, width, height, planes);
  }
  // Woven fields show combs wherever something moves. One field, scaled up, shows none,
  // and needs no later picture as other ways do.
  int fields = interlaced ? 2 : 1;
  const uint8_t *data[4];
  int stride[4];
  for (int i = 0; i < 4; i++) {
    data[i] = frame->data[i];
    stride[i] = frame->linesize[i] * fields;
  }
  return scale(s, data, stride, frame->width, frame->height / fields, format, width, height,
               planes);
}
