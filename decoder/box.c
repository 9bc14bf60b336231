#include "box.h"

#include <stddef.h>

#include "colour.h"

VECTORISED
static void first_row(const uint8_t *restrict row, uint16_t *restrict sums, int width) {
  for (int x = 0; x < width; x++) sums[x] = row[x];
}

VECTORISED
static void add_row(const uint8_t *restrict row, uint16_t *restrict sums, int width) {
  for (int x = 0; x < width; x++) sums[x] = (uint16_t)(sums[x] + row[x]);
}

VECTORISED
static void three_rows(const uint8_t *restrict a, const uint8_t *restrict b,
                       const uint8_t *restrict c, uint16_t *restrict sums, int width) {
  for (int x = 0; x < width; x++) sums[x] = (uint16_t)(a[x] + b[x] + c[x]);
}

// One loop a factor, so that the compiler knows the distance of its loads.
#define MEANS(n)                                                                          \
  VECTORISED                                                                              \
  static void means_##n(const uint16_t *restrict sums, uint8_t *restrict to, int width) { \
    const uint32_t reciprocal = 65536 / ((n) * (n)) + 1;                                  \
    for (int x = 0; x < width; x++) {                                                     \
      uint16_t sum = (n) * (n) / 2;                                                       \
      for (int i = 0; i < (n); i++) sum = (uint16_t)(sum + sums[(n)*x + i]);              \
      to[x] = (uint8_t)(sum * reciprocal >> 16);                                          \
    }                                                                                     \
  }
MEANS(2)
MEANS(3)
MEANS(4)
MEANS(5)
MEANS(6)
MEANS(7)
MEANS(8)

void cg_box(const uint8_t *restrict from, int from_stride, int factor, uint8_t *restrict to,
            int to_stride, int width, int height, uint16_t *restrict sums) {
  static void (*const means[])(const uint16_t *restrict, uint8_t *restrict, int) = {
      NULL, NULL, means_2, means_3, means_4, means_5, means_6, means_7, means_8};
  for (int y = 0; y < height; y++) {
    const uint8_t *row = from + (ptrdiff_t)y * factor * from_stride;
    if (factor == 3) {
      three_rows(row, row + from_stride, row + 2 * (ptrdiff_t)from_stride, sums, 3 * width);
    } else {
      first_row(row, sums, factor * width);
      for (int i = 1; i < factor; i++)
        add_row(row + (ptrdiff_t)i * from_stride, sums, factor * width);
    }
    means[factor](sums, to + (ptrdiff_t)y * to_stride, width);
  }
}
