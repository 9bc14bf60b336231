#include "colour.h"

#include <math.h>
#include <string.h>

static int16_t in_256ths(double x) { return (int16_t)lround(x * 256); }

static int16_t in_512ths(double x) { return (int16_t)lround(x * 512); }

void cg_transform_init(cg_transform *t, cg_weights from, int full_range) {
  const double kr = 0.299, kb = 0.114, kg = 1 - kr - kb;  // BT.601, as JFIF wants
  const double luma_scale = full_range ? 1 : 255.0 / 219;
  const double chroma_scale = full_range ? 1 : 255.0 / 224;
  const double from_kg = 1 - from.kr - from.kb;

  // What a unit of Cb and of Cr is in red, green and blue (H.273 equations 38 to 47).
  const double r_cr = 2 * (1 - from.kr), b_cb = 2 * (1 - from.kb);
  const double g_cb = -b_cb * from.kb / from_kg, g_cr = -r_cr * from.kr / from_kg;

  const double y_cb = kg * g_cb + kb * b_cb, y_cr = kr * r_cr + kg * g_cr;
  memset(t, 0, sizeof *t);
  t->black = full_range ? 0 : 16;
  t->luma = in_256ths(luma_scale - 1);
  t->y_cb = in_256ths(y_cb * chroma_scale);
  t->y_cr = in_256ths(y_cr * chroma_scale);
  t->cb_cb = in_512ths((b_cb - y_cb) / (2 * (1 - kb)) * chroma_scale - 1);
  t->cb_cr = in_512ths((0 - y_cr) / (2 * (1 - kb)) * chroma_scale);
  t->cr_cb = in_512ths((0 - y_cb) / (2 * (1 - kr)) * chroma_scale);
  t->cr_cr = in_512ths((r_cr - y_cr) / (2 * (1 - kr)) * chroma_scale - 1);
  t->mixes = t->y_cb != 0 || t->y_cr != 0;
  t->identity = full_range && !t->mixes;
}

static inline uint8_t clamp(int16_t v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v); }

VECTORISED
static void luma(int16_t black, int16_t scale, const uint8_t *restrict src, uint8_t *restrict dst,
                 int width) {
  for (int x = 0; x < width; x++) {
    int16_t s = (int16_t)(src[x] - black);
    dst[x] = clamp((int16_t)(s + (int16_t)((int16_t)(s * scale + 128) >> 8)));
  }
}

VECTORISED
static void luma_mixed(int16_t black, int16_t scale, const uint8_t *restrict src,
                       const int16_t *restrict offset, uint8_t *restrict dst, int width) {
  for (int x = 0; x < width; x++) {
    int16_t s = (int16_t)(src[x] - black);
    dst[x] = clamp((int16_t)(s + (int16_t)((int16_t)(s * scale + offset[x] + 128) >> 8)));
  }
}

void cg_luma_row(const cg_transform *t, const uint8_t *restrict src, const int16_t *restrict offset,
                 uint8_t *restrict dst, int width) {
  if (offset == NULL)
    luma(t->black, t->luma, src, dst, width);
  else
    luma_mixed(t->black, t->luma, src, offset, dst, width);
}

VECTORISED
static void offsets(int16_t y_cb, int16_t y_cr, const uint8_t *restrict cb,
                    const uint8_t *restrict cr, int16_t *restrict offset, int width) {
  for (int x = 0; x < width; x++) {
    int16_t o = (int16_t)((int16_t)(cb[x] - 128) * y_cb + (int16_t)(cr[x] - 128) * y_cr);
    offset[2 * x] = o;
    offset[2 * x + 1] = o;
  }
}

void cg_offset_row(const cg_transform *t, const uint8_t *restrict cb, const uint8_t *restrict cr,
                   int16_t *restrict offset, int width) {
  offsets(t->y_cb, t->y_cr, cb, cr, offset, width);
}

VECTORISED
static void chroma(cg_transform t, const uint8_t *restrict cb, const uint8_t *restrict cr,
                   uint8_t *restrict cb_out, uint8_t *restrict cr_out, int width) {
  for (int x = 0; x < width; x++) {
    int16_t b = (int16_t)(cb[x] - 128), r = (int16_t)(cr[x] - 128);
    int16_t db = (int16_t)((int16_t)(b * t.cb_cb + r * t.cb_cr + 256) >> 9);
    int16_t dr = (int16_t)((int16_t)(b * t.cr_cb + r * t.cr_cr + 256) >> 9);
    cb_out[x] = clamp((int16_t)(b + db + 128));
    cr_out[x] = clamp((int16_t)(r + dr + 128));
  }
}

void cg_chroma_row(const cg_transform *t, const uint8_t *restrict cb, const uint8_t *restrict cr,
                   uint8_t *restrict cb_out, uint8_t *restrict cr_out, int width) {
  chroma(*t, cb, cr, cb_out, cr_out, width);
}
