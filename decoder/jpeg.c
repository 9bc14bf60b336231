#include "jpeg.h"

#include <jpeglib.h>
#include <libavutil/mem.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "colour.h"
#include "scale.h"

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

  cg_scaler scaler;

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
  cg_scaler_clear(&j->scaler);
  free(j->own);
  av_free(j->strip);
  av_free(j->offset);
  free(j);
}

const char *cg_jpeg_error(const cg_jpeg *j) { return j->message; }

void cg_jpeg_overflow(const cg_jpeg *j, uint8_t *out, size_t size) { memcpy(out, j->own, size); }

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
const char *cg_jpeg_version(void) { return TEXT(LIBJPEG_TURBO_VERSION); }

// --- colour ---

// planes_of scales frame.
static int planes_of(cg_jpeg *j, const AVFrame *frame, int width, int height, cg_planes *planes) {
  if (cg_scale(&j->scaler, frame, width, height, planes) == 0) return 0;
  snprintf(j->message, sizeof j->message, "%s", j->scaler.message);
  return -1;
}

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
  cg_transform_init(&t, cg_weights_of(frame), cg_is_full_range(frame));
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

// Where a picture lies in its JPEG; left and top are even, so that chroma has its place.
typedef struct {
  int left, top, width, height;
} area;

static area middle(int inner_width, int inner_height, int width, int height) {
  return (area){(width - inner_width) / 2 & ~1, (height - inner_height) / 2 & ~1, inner_width,
                inner_height};
}

// convert_inside writes the rows of a picture from row top on that fall into its area,
// and black around them.
static void convert_inside(const cg_transform *t, const cg_planes *from, const area *a, int top,
                           int rows, int16_t *offset, const cg_planes *to) {
  for (int y = 0; y < MCU; y++) memset(to->data[0] + (size_t)y * to->stride[0], 0, to->stride[0]);
  for (int i = 1; i < 3; i++) memset(to->data[i], 128, (size_t)to->stride[i] * (MCU / 2));
  int first = a->top > top ? a->top - top : 0;
  int end = a->top + a->height - top < rows ? a->top + a->height - top : rows;
  if (end <= first) return;
  cg_planes at = *to;
  at.data[0] += (size_t)first * to->stride[0] + a->left;
  at.data[1] += (size_t)(first / 2) * to->stride[1] + a->left / 2;
  at.data[2] += (size_t)(first / 2) * to->stride[2] + a->left / 2;
  convert(t, from, top + first - a->top, end - first, a->width, offset, &at);
}

static long encode(cg_jpeg *j, const cg_planes *from, const cg_transform *t, const area *a,
                   int width, int height, int quality, uint8_t *out, size_t capacity) {
  if (prepare_strip(j, width) < 0) return -1;
  int padded = j->strip_width;
  // libjpeg reads whole MCUs: where the picture ends inside one, its last column goes on.
  int inside = a->width < width || a->height < height;
  int direct = t->identity && padded == width && !inside;
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
      if (inside)
        convert_inside(t, from, a, top, count, j->offset, &strip);
      else
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

long cg_jpeg_frame(cg_jpeg *j, const AVFrame *frame, int inner_width, int inner_height, int width,
                   int height, int quality, uint8_t *out, size_t capacity) {
  cg_planes planes;
  cg_transform t;
  area a = middle(inner_width, inner_height, width, height);
  if (planes_of(j, frame, inner_width, inner_height, &planes) < 0) return -1;
  cg_transform_init(&t, cg_weights_of(frame), cg_is_full_range(frame));
  return encode(j, &planes, &t, &a, width, height, quality, out, capacity);
}

long cg_jpeg_planes(cg_jpeg *j, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
                    int luma_stride, int chroma_stride, int width, int height, int quality,
                    uint8_t *out, size_t capacity) {
  cg_planes planes = {{(uint8_t *)y, (uint8_t *)cb, (uint8_t *)cr},
                      {luma_stride, chroma_stride, chroma_stride}};
  cg_transform t = {.identity = 1};
  area a = middle(width, height, width, height);
  return encode(j, &planes, &t, &a, width, height, quality, out, capacity);
}
