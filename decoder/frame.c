#include "frame.h"

#include <libavutil/pixfmt.h>

int cg_is_interlaced(const AVFrame *f) {
#ifdef AV_FRAME_FLAG_INTERLACED
  return (f->flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
  return f->interlaced_frame;
#endif
}

static int is_key(const AVFrame *f) {
#ifdef AV_FRAME_FLAG_KEY
  return (f->flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return f->key_frame;
#endif
}

enum AVPixelFormat cg_without_j(enum AVPixelFormat format) {
  switch (format) {
  case AV_PIX_FMT_YUVJ420P:
    return AV_PIX_FMT_YUV420P;
  case AV_PIX_FMT_YUVJ422P:
    return AV_PIX_FMT_YUV422P;
  case AV_PIX_FMT_YUVJ444P:
    return AV_PIX_FMT_YUV444P;
  case AV_PIX_FMT_YUVJ440P:
    return AV_PIX_FMT_YUV440P;
  case AV_PIX_FMT_YUVJ411P:
    return AV_PIX_FMT_YUV411P;
  default:
    return format;
  }
}

int cg_is_full_range(const AVFrame *f) {
  return f->color_range == AVCOL_RANGE_JPEG ||
         cg_without_j(f->format) != (enum AVPixelFormat)f->format;
}

// A stream that does not name its matrix is BT.709 from 720 lines on and BT.601 below:
// what encoders do, and what browsers and players assume.
cg_weights cg_weights_of(const AVFrame *f) {
  switch (f->colorspace) {
  case AVCOL_SPC_BT709:
    return (cg_weights){0.2126, 0.0722};
  case AVCOL_SPC_BT470BG:
  case AVCOL_SPC_SMPTE170M:
    return (cg_weights){0.299, 0.114};
  case AVCOL_SPC_FCC:
    return (cg_weights){0.30, 0.11};
  case AVCOL_SPC_SMPTE240M:
    return (cg_weights){0.212, 0.087};
  case AVCOL_SPC_BT2020_NCL:
  case AVCOL_SPC_BT2020_CL:
    return (cg_weights){0.2627, 0.0593};
  default:
    return f->height >= 720 ? (cg_weights){0.2126, 0.0722} : (cg_weights){0.299, 0.114};
  }
}

void cg_frame_describe(const AVFrame *f, cg_frame_info *info) {
  info->width = f->width;
  info->height = f->height;
  info->sar_num = f->sample_aspect_ratio.num;
  info->sar_den = f->sample_aspect_ratio.den;
  // Shapes beyond 1:8 are mistakes in a parameter set, not pixels.
  if (info->sar_num <= 0 || info->sar_den <= 0 || info->sar_num / info->sar_den >= 8 ||
      info->sar_den / info->sar_num >= 8)
    info->sar_num = info->sar_den = 1;
  info->interlaced = cg_is_interlaced(f);
  info->damaged = f->decode_error_flags != 0 || (f->flags & AV_FRAME_FLAG_CORRUPT) != 0;
  info->key = is_key(f);
}
