// Scaling down by whole numbers: every pixel of the source counts the same.
#ifndef CAMGATE_BOX_H
#define CAMGATE_BOX_H

#include <stdint.h>

enum { CG_BOX_MAX = 8 };  // the largest factor

// cg_box writes the means of factor x factor samples: width x height of them. sums has
// room for factor * width samples. factor is 2 to CG_BOX_MAX.
void cg_box(const uint8_t *restrict from, int from_stride, int factor, uint8_t *restrict to,
            int to_stride, int width, int height, uint16_t *restrict sums);

#endif
