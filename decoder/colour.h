// Colour conversion for JPEG: a JPEG's samples are BT.601, full range (JFIF 1.02),
// whatever the camera's are.
#ifndef CAMGATE_COLOUR_H
#define CAMGATE_COLOUR_H

#include <stdint.h>

// One copy of each loop for AVX2 and one for any processor, chosen at start by the
// linker: the compiler turns these loops into 16-bit vector arithmetic.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define VECTORISED
#endif

// Transform from a camera's YCbCr to a JPEG's, as what is added to the sample itself, so
// that every product fits 16 bits (luma in 1/256, chroma in 1/512):
//   y'  = t  + (luma * t + y_cb * cb + y_cr * cr) / 256, t = y - black
//   cb' = cb + (cb_cb * cb + cb_cr * cr) / 512
//   cr' = cr + (cr_cb * cb + cr_cr * cr) / 512
typedef struct {
  int16_t black;
  int16_t luma, y_cb, y_cr;
  int16_t cb_cb, cb_cr, cr_cb, cr_cr;
  int identity;  // nothing to do
  int mixes;     // luma depends on chroma: the matrices differ
} cg_transform;

// The red and blue weights of a luma matrix (ITU-T H.273 table 4).
typedef struct {
  double kr, kb;
} cg_weights;

// cg_transform_init sets t up for samples of the given weights, full range or limited.
void cg_transform_init(cg_transform *t, cg_weights from, int full_range);

// cg_luma_row converts width samples. offset, where the matrices differ, is what the
// chroma adds to each sample (cg_offset_row), else NULL.
void cg_luma_row(const cg_transform *t, const uint8_t *restrict src, const int16_t *restrict offset,
                 uint8_t *restrict dst, int width);

// cg_offset_row fills offset for 2 * width luma samples from width chroma samples.
void cg_offset_row(const cg_transform *t, const uint8_t *restrict cb, const uint8_t *restrict cr,
                   int16_t *restrict offset, int width);

// cg_chroma_row converts width chroma samples of both planes.
void cg_chroma_row(const cg_transform *t, const uint8_t *restrict cb, const uint8_t *restrict cr,
                   uint8_t *restrict cb_out, uint8_t *restrict cr_out, int width);

#endif
