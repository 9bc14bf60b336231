#include "jpeg.h"

#include <jpeglib.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <libavutil/version.h>
#include <libswscale/swscale.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "colour.h"

enum { MCU = 16 };  // luma samples on a side of a 4:2:0 minimum coded unit

struct cg_jpeg {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_destination_mgr destination;
  jmp_buf failed;
  char message[JMSG_LENGTH_MAX + 64];
  int width, height, quality;  // what the tables are set for

  // Where libjpeg writes: the caller's buffer, or ours once that is full.
  uint8_t *out, *own;
  size_t capacity, own_capacity, size;

  // Scaler and its output.
  struct SwsContext *scaler;
  int from_width, from_height, to_width, to_height;
  enum AVPixelFormat from_format;
  cg_planes scaled;

  // What is scaled down by a whole number first.
  cg_planes boxed;
  uint16_t *sums;
  int boxed_width, boxed_height, boxed_factor;

  // One row of MCUs after colour conversion.
  uint8_t *strip;
  int16_t *offset;
  int strip_width;
};

// --- libjpeg's error and destination managers ---

static void on_error(j_common_ptr c) {
  cg_jpeg *j = c->client_data;
  c->err->format_message(c, j->message);
  longjmp(j->failed, 1);
}

static void on_message(j_common_ptr c) { (void)c; }

static void start_output(j_compress_ptr c) {
  cg_jpeg *j = c->client_data;
  j->destination.next_output_byte = j->out;
  j->destination.free_in_buffer = j->capacity;
}

// The caller's buffer is full: go on in one of our own, twice as large.
static boolean more_output(j_compress_ptr c) {
  cg_jpeg *j = c->client_data;
  size_t used = j->capacity, want = used * 2;
  if (want < 65536) want = 65536;
  uint8_t *grown = j->own;
  if (j->out == j->own || want > j->own_capacity) {
    grown = malloc(want);
    if (grown == NULL) {
      snprintf(j->message, sizeof j->message, "no memory for a JPEG of %zu bytes", want);
      longjmp(j->failed, 1);
    }
  } else {
    want = j->own_capacity;
  }
  memcpy(grown, j->out, used);
  if (grown != j->own) {
    free(j->own);
    j->own = grown;
    j->own_capacity = want;
  }
  j->out = grown;
  j->capacity = want;
  j->destination.next_output_byte = grown + used;
  j->destination.free_in_buffer = want - used;
  return TRUE;
}

static void end_output(j_compress_ptr c) {
  cg_jpeg *j = c->client_data;
  j->size = j->capacity - j->destination.free_in_buffer;
}

// --- life ---

cg_jpeg *cg_jpeg_new(void) {
  cg_jpeg *j = calloc(1, sizeof *j);
  if (j == NULL) return NULL;
  j->jpeg.err = jpeg_std_error(&j->errors);
  j->errors.error_exit = on_error;
  j->errors.output_message = on_message;
  j->jpeg.client_data = j;
  if (setjmp(j->failed)) {
    free(j);
    return NULL;
  }
  jpeg_create_compress(&j->jpeg);
  j->destination.init_destination = start_output;
  j->destination.empty_output_buffer = more_output;
  j->destination.term_destination = end_output;
  j->jpeg.dest = &j->destination;
  return j;
}

void cg_jpeg_free(cg_jpeg *j) {
  if (j == NULL) return;
  jpeg_destroy_compress(&j->jpeg);
  sws_freeContext(j->scaler);
  free(j->own);
  av_free(j->scaled.data[0]);
  av_free(j->boxed.data[0]);
  av_free(j->sums);
  av_free(j->strip);
  av_free(j->offset);
  free(j);
}

const char *cg_jpeg_error(const cg_jpeg *j) { return j->message; }

void cg_jpeg_overflow(const cg_jpeg *j, uint8_t *out, size_t size) { memcpy(out, j->own, size); }

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
const char *cg_jpeg_version(void) { return TEXT(LIBJPEG_TURBO_VERSION); }

// --- what a frame is ---

static int is_interlaced(const AVFrame *f) {
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

// The J formats are the others with full range said a second time.
static enum AVPixelFormat without_j(enum AVPixelFormat format) {
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

static int is_full_range(const AVFrame *f) {
  return f->color_range == AVCOL_RANGE_JPEG ||
         without_j(f->format) != (enum AVPixelFormat)f->format;
}

// A stream that does not name its matrix is BT.709 from 720 lines on and BT.601 below:
// what encoders do, and what browsers and players assume.
static cg_weights weights_of(const AVFrame *f) {
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
  info->interlaced = is_interlaced(f);
  info->damaged = f->decode_error_flags != 0 || (f->flags & AV_FRAME_FLAG_CORRUPT) != 0;
  info->key = is_key(f);
}

// --- scale ---

// allocate has planes hold width x height; free them by data[0].
static int allocate(cg_jpeg *j, cg_planes *planes, int width, int height) {
  av_freep(&planes->data[0]);
  int stride = (width + 63) / 64 * 64, chroma_stride = stride / 2 + 32;
  int rows = height + 1, chroma_rows = rows / 2 + 1;
  size_t luma = (size_t)stride * rows, chroma = (size_t)chroma_stride * chroma_rows;
  uint8_t *block = av_malloc(luma + 2 * chroma + 64);  // swscale may write past a row's end
  if (block == NULL) {
    snprintf(j->message, sizeof j->message, "no memory for a picture of %dx%d", width, height);
    return -1;
  }
  *planes = (cg_planes){{block, block + luma, block + luma + chroma},
                        {stride, chroma_stride, chroma_stride}};
  return 0;
}

static int prepare_planes(cg_jpeg *j, int width, int height) {
  if (j->scaled.data[0] != NULL && j->to_width == width && j->to_height == height) return 0;
  sws_freeContext(j->scaler);
  j->scaler = NULL;
  j->to_width = width, j->to_height = height;
  return allocate(j, &j->scaled, width, height);
}

static int prepare_scaler(cg_jpeg *j, int from_width, int from_height, enum AVPixelFormat format,
                          int width, int height) {
  if (prepare_planes(j, width, height) < 0) return -1;
  if (j->scaler != NULL && j->from_width == from_width && j->from_height == from_height &&
      j->from_format == format)
    return 0;
  sws_freeContext(j->scaler);
  // Where the samples change too (10 bit, 4:2:2) the fast way rounds visibly.
  int flags = format == AV_PIX_FMT_YUV420P ? SWS_FAST_BILINEAR : SWS_BILINEAR | SWS_ACCURATE_RND;
  j->scaler = sws_getContext(from_width, from_height, format, width, height, AV_PIX_FMT_YUV420P,
                             flags, NULL, NULL, NULL);
  if (j->scaler == NULL) {
    const char *name = av_get_pix_fmt_name(format);
    snprintf(j->message, sizeof j->message, "libswscale cannot turn %dx%d %s into %dx%d",
             from_width, from_height, name ? name : "pixels of no name", width, height);
    return -1;
  }
  // Same range and matrix on both sides: colour is ours to convert, after scaling.
  const int *table = sws_getCoefficients(SWS_CS_ITU601);
  sws_setColorspaceDetails(j->scaler, table, 0, table, 0, 0, 1 << 16, 1 << 16);
  j->from_width = from_width, j->from_height = from_height, j->from_format = format;
  return 0;
}

static int scale(cg_jpeg *j, const uint8_t *const *data, const int *stride, int from_width,
                 int from_height, enum AVPixelFormat format, int width, int height,
                 cg_planes *planes) {
  if (prepare_scaler(j, from_width, from_height, format, width, height) < 0) return -1;
  if (sws_scale(j->scaler, data, stride, 0, from_height, j->scaled.data, j->scaled.stride) <= 0) {
    snprintf(j->message, sizeof j->message, "libswscale failed");
    return -1;
  }
  *planes = j->scaled;
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
static int box_down(cg_jpeg *j, const AVFrame *frame, int width, int height) {
  int factor =
      frame->width / width < frame->height / height ? frame->width / width : frame->height / height;
  if (factor > CG_BOX_MAX) factor = CG_BOX_MAX;
  if (factor < 2) return 0;
  // Even, so that chroma has as many whole boxes as luma.
  int boxed_width = frame->width / factor & ~1, boxed_height = frame->height / factor & ~1;
  if (boxed_width < width || boxed_height < height) return 0;
  if (j->boxed.data[0] == NULL || j->boxed_width != boxed_width ||
      j->boxed_height != boxed_height || j->boxed_factor != factor) {
    av_freep(&j->sums);
    if (allocate(j, &j->boxed, boxed_width, boxed_height) < 0) return -1;
    j->sums = av_malloc((size_t)boxed_width * factor * sizeof *j->sums);
    if (j->sums == NULL) {
      av_freep(&j->boxed.data[0]);
      snprintf(j->message, sizeof j->message, "no memory for a row of %d pixels", frame->width);
      return -1;
    }
    j->boxed_width = boxed_width, j->boxed_height = boxed_height, j->boxed_factor = factor;
  }
  for (int i = 0; i < 3; i++)
    cg_box(frame->data[i], frame->linesize[i], factor, j->boxed.data[i], j->boxed.stride[i],
           i ? boxed_width / 2 : boxed_width, i ? boxed_height / 2 : boxed_height, j->sums);
  return 1;
}

// planes_of gives frame as 8-bit 4:2:0 of the wanted size: its own planes where they are
// that already, else scaled ones.
static int planes_of(cg_jpeg *j, const AVFrame *frame, int width, int height, cg_planes *planes) {
  enum AVPixelFormat format = without_j(frame->format);
  int interlaced = is_interlaced(frame) && frame->height >= 4;
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
    if (prepare_planes(j, width, height) < 0) return -1;
    for (int i = 0; i < 3; i++) {
      int columns = i ? (width + 1) / 2 : width, rows = i ? (height + 1) / 2 : height;
      for (int y = 0; y < rows; y++)
        narrow((const uint16_t *)(frame->data[i] + (ptrdiff_t)y * frame->linesize[i]),
               j->scaled.data[i] + (ptrdiff_t)y * j->scaled.stride[i], columns);
    }
    *planes = j->scaled;
    return 0;
  }
  if (!interlaced && format == AV_PIX_FMT_YUV420P) {
    int boxed = box_down(j, frame, width, height);
    if (boxed < 0) return -1;
    if (boxed && j->boxed_width == width && j->boxed_height == height) {
      *planes = j->boxed;
      return 0;
    }
    if (boxed)
      return scale(j, (const uint8_t *const *)j->boxed.data, j->boxed.stride, j->boxed_width,
                   j->boxed_height, format, width, height, planes);
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
  return scale(j, data, stride, frame->width, frame->height / fields, format, width, height,
               planes);
}

// --- colour ---

static int prepare_strip(cg_jpeg *j, int width) {
  int padded = (width + MCU - 1) / MCU * MCU;
  if (j->strip != NULL && j->strip_width == padded) return 0;
  av_freep(&j->strip);
  av_freep(&j->offset);
  j->strip = av_malloc((size_t)padded * (MCU + MCU / 2));  // luma, and two chroma of a quarter
  j->offset = av_malloc((size_t)padded * sizeof *j->offset);
  j->strip_width = padded;
  if (j->strip != NULL && j->offset != NULL) return 0;
  av_freep(&j->strip);
  av_freep(&j->offset);
  snprintf(j->message, sizeof j->message, "no memory for a row of %d pixels", width);
  return -1;
}

static void extend(uint8_t *row, int width, int padded) {
  if (width < padded) memset(row + width, row[width - 1], padded - width);
}

// convert writes rows of a picture, from row top (even) on, through t. Chroma rows are
// written for every second luma row.
static void convert(const cg_transform *t, const cg_planes *from, int top, int rows, int width,
                    int16_t *offset, const cg_planes *to) {
  int half = (width + 1) / 2;
  for (int y = 0; y < rows; y++) {
    const uint8_t *cb = from->data[1] + (ptrdiff_t)((top + y) / 2) * from->stride[1];
    const uint8_t *cr = from->data[2] + (ptrdiff_t)((top + y) / 2) * from->stride[2];
    if (y % 2 == 0) {
      if (t->mixes) cg_offset_row(t, cb, cr, offset, half);
      cg_chroma_row(t, cb, cr, to->data[1] + (size_t)(y / 2) * to->stride[1],
                    to->data[2] + (size_t)(y / 2) * to->stride[2], half);
    }
    cg_luma_row(t, from->data[0] + (ptrdiff_t)(top + y) * from->stride[0], t->mixes ? offset : NULL,
                to->data[0] + (size_t)y * to->stride[0], width);
  }
}

int cg_frame_planes(cg_jpeg *j, const AVFrame *frame, int width, int height, uint8_t *y,
                    uint8_t *cb, uint8_t *cr, int luma_stride, int chroma_stride) {
  cg_planes from, to = {{y, cb, cr}, {luma_stride, chroma_stride, chroma_stride}};
  cg_transform t;
  if (planes_of(j, frame, width, height, &from) < 0 || prepare_strip(j, width) < 0) return -1;
  cg_transform_init(&t, weights_of(frame), is_full_range(frame));
  convert(&t, &from, 0, height, width, j->offset, &to);
  return 0;
}

// --- encode ---

static void set_tables(cg_jpeg *j, int width, int height, int quality) {
  if (j->width == width && j->height == height && j->quality == quality) return;
  j->width = 0;  // until all is set: an error in between must not leave half of it
  j->jpeg.image_width = width;
  j->jpeg.image_height = height;
  j->jpeg.input_components = 3;
  j->jpeg.in_color_space = JCS_YCbCr;
  jpeg_set_defaults(&j->jpeg);  // 4:2:0, the default Huffman tables
  jpeg_set_quality(&j->jpeg, quality, TRUE);
  j->jpeg.raw_data_in = TRUE;
  j->jpeg.dct_method = JDCT_ISLOW;
  // A restart marker ends each row of MCUs, so that walls can be put together from
  // rows without decoding.
  j->jpeg.restart_in_rows = 1;
  j->width = width, j->height = height, j->quality = quality;
}

static long encode(cg_jpeg *j, const cg_planes *from, const cg_transform *t, int width, int height,
                   int quality, uint8_t *out, size_t capacity) {
  if (prepare_strip(j, width) < 0) return -1;
  int padded = j->strip_width;
  // libjpeg reads whole MCUs: where the picture ends inside one, its last column goes on.
  int direct = t->identity && padded == width;
  cg_planes strip = {{j->strip, j->strip + (size_t)padded * MCU,
                      j->strip + (size_t)padded * MCU + (size_t)padded / 2 * MCU / 2},
                     {padded, padded / 2, padded / 2}};
  JSAMPROW luma[MCU], cb[MCU / 2], cr[MCU / 2];
  JSAMPARRAY rows[3] = {luma, cb, cr};

  if (setjmp(j->failed)) {
    jpeg_abort_compress(&j->jpeg);
    j->width = 0;
    return -1;
  }
  j->out = out, j->capacity = capacity;
  set_tables(j, width, height, quality);
  jpeg_start_compress(&j->jpeg, TRUE);
  for (int top = 0; top < height; top += MCU) {
    int count = height - top < MCU ? height - top : MCU;
    const cg_planes *p = from;
    int first = top;
    if (!direct) {
      convert(t, from, top, count, width, j->offset, &strip);
      for (int y = 0; y < count; y++) extend(strip.data[0] + (size_t)y * padded, width, padded);
      for (int y = 0; y < (count + 1) / 2; y++) {
        extend(strip.data[1] + (size_t)y * (padded / 2), (width + 1) / 2, padded / 2);
        extend(strip.data[2] + (size_t)y * (padded / 2), (width + 1) / 2, padded / 2);
      }
      p = &strip;
      first = 0;
    }
    for (int y = 0; y < MCU; y++) {
      int row = first + (y < count ? y : count - 1);
      luma[y] = p->data[0] + (ptrdiff_t)row * p->stride[0];
    }
    for (int y = 0; y < MCU / 2; y++) {
      int last = (count + 1) / 2 - 1, row = first / 2 + (y < last ? y : last);
      cb[y] = p->data[1] + (ptrdiff_t)row * p->stride[1];
      cr[y] = p->data[2] + (ptrdiff_t)row * p->stride[2];
    }
    jpeg_write_raw_data(&j->jpeg, rows, MCU);
  }
  jpeg_finish_compress(&j->jpeg);
  return (long)j->size;
}

long cg_jpeg_frame(cg_jpeg *j, const AVFrame *frame, int width, int height, int quality,
                   uint8_t *out, size_t capacity) {
  cg_planes planes;
  cg_transform t;
  if (planes_of(j, frame, width, height, &planes) < 0) return -1;
  cg_transform_init(&t, weights_of(frame), is_full_range(frame));
  return encode(j, &planes, &t, width, height, quality, out, capacity);
}

long cg_jpeg_planes(cg_jpeg *j, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
                    int luma_stride, int chroma_stride, int width, int height, int quality,
                    uint8_t *out, size_t capacity) {
  cg_planes planes = {{(uint8_t *)y, (uint8_t *)cb, (uint8_t *)cr},
                      {luma_stride, chroma_stride, chroma_stride}};
  cg_transform t = {.identity = 1};
  return encode(j, &planes, &t, width, height, quality, out, capacity);
}
