// AAC in, Opus out.
#ifndef CAMGATE_SOUND_H
#define CAMGATE_SOUND_H

#include <stdint.h>

typedef struct cg_sound cg_sound;

// cg_sound_new opens a transcoder for AAC of this AudioSpecificConfig; NULL where libav
// cannot.
cg_sound *cg_sound_new(const uint8_t *config, int size);

// cg_sound_free frees it; NULL is nothing.
void cg_sound_free(cg_sound *s);

// cg_sound_put decodes one frame. 0, or -1 where it is broken.
int cg_sound_put(cg_sound *s, const uint8_t *frame, int size);

// cg_sound_take writes the next packet that is complete, and returns its size; 0: there is
// none yet; -1: the encoder failed, or there is no room.
int cg_sound_take(cg_sound *s, uint8_t *packet, int room);

// cg_sound_channels is how many channels the packets have.
int cg_sound_channels(const cg_sound *s);

#endif
