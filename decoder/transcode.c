#include "transcode.h"

// limit maps 0…255 to 0…range, and adds offset: (v · range + 127) / 255, without a division.
static void limit(uint8_t *plane, int stride, int width, int height, int range, int offset) {
  for (int y = 0; y < height; y++, plane += stride) {
    for (int x = 0; x < width; x++) {
      unsigned v = plane[x] * (unsigned)range + 128;
      plane[x] = (uint8_t)(((v + (v >> 8)) >> 8) + (unsigned)offset);
    }
  }
}

int cg_transcode_fill(cg_jpeg *j, const AVFrame *from, AVFrame *to) {
  if (cg_frame_planes(j, from, to->width, to->height, to->data[0], to->data[1], to->data[2],
                      to->linesize[0], to->linesize[1]) < 0)
    return -1;
  limit(to->data[0], to->linesize[0], to->width, to->height, 219, 16);
  for (int i = 1; i < 3; i++)
    limit(to->data[i], to->linesize[i], to->width / 2, to->height / 2, 224, 16);
  return 0;
}
