#include "sound.h"

#include <libavcodec/avcodec.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <string.h>

enum { RATE = 48000, SAMPLES = 960, BITS_A_CHANNEL = 48000, MOST = RATE };

struct cg_sound {
  AVCodecContext *in, *out;
  SwrContext *swr;
  AVPacket *packet;
  AVFrame *decoded, *piece;
  int rate, format, channels;  // what swr was made for
  AVAudioFifo *fifo;           // what is ready to be encoded
  uint8_t *converted;
  unsigned int room;  // of converted, in bytes
};

// open_encoder makes mono of mono, and stereo of all else.
static int open_encoder(cg_sound *s, int channels) {
  const AVCodec *codec = avcodec_find_encoder_by_name("libopus");
  if (!codec || !(s->out = avcodec_alloc_context3(codec))) return -1;
  AVDictionary *options = NULL;
  av_channel_layout_default(&s->out->ch_layout, channels == 1 ? 1 : 2);
  s->out->sample_rate = RATE;
  s->out->sample_fmt = AV_SAMPLE_FMT_S16;
  s->out->time_base = (AVRational){1, RATE};
  s->out->bit_rate = (int64_t)BITS_A_CHANNEL * s->out->ch_layout.nb_channels;
  av_dict_set(&options, "application", "audio", 0);
  av_dict_set(&options, "frame_duration", "20", 0);
  av_dict_set(&options, "compression_level", "5", 0);
  int err = avcodec_open2(s->out, codec, options ? &options : NULL);
  av_dict_free(&options);
  if (err < 0) return -1;
  s->piece->format = AV_SAMPLE_FMT_S16;
  s->piece->sample_rate = RATE;
  s->piece->nb_samples = SAMPLES;
  if (av_channel_layout_copy(&s->piece->ch_layout, &s->out->ch_layout) < 0 ||
      av_frame_get_buffer(s->piece, 0) < 0)
    return -1;
  s->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_S16, s->out->ch_layout.nb_channels, 2 * SAMPLES);
  return s->fifo ? 0 : -1;
}

cg_sound *cg_sound_new(const uint8_t *config, int size) {
  const AVCodec *aac = avcodec_find_decoder(AV_CODEC_ID_AAC);
  cg_sound *s = av_mallocz(sizeof *s);
  if (!aac || !s) goto fail;
  s->in = avcodec_alloc_context3(aac);
  s->packet = av_packet_alloc();
  s->decoded = av_frame_alloc();
  s->piece = av_frame_alloc();
  if (!s->in || !s->packet || !s->decoded || !s->piece) goto fail;
  s->in->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
  if (!s->in->extradata) goto fail;
  memcpy(s->in->extradata, config, size);
  s->in->extradata_size = size;
  s->in->thread_count = 1;
  if (avcodec_open2(s->in, aac, NULL) < 0) goto fail;
  return s;
fail:
  cg_sound_free(s);
  return NULL;
}

void cg_sound_free(cg_sound *s) {
  if (!s) return;
  avcodec_free_context(&s->in);
  avcodec_free_context(&s->out);
  swr_free(&s->swr);
  av_packet_free(&s->packet);
  av_frame_free(&s->decoded);
  av_frame_free(&s->piece);
  if (s->fifo) av_audio_fifo_free(s->fifo);
  av_free(s->converted);
  av_free(s);
}

// resample takes what was decoded. The stream says only now what it is: AAC may double its
// rate (SBR) and its channels (PS), and both may change.
static int resample(cg_sound *s) {
  AVFrame *f = s->decoded;
  if (f->sample_rate <= 0 || f->ch_layout.nb_channels <= 0 || f->nb_samples <= 0) return -1;
  if (!s->out && open_encoder(s, f->ch_layout.nb_channels) < 0) {
    avcodec_free_context(&s->out);  // tried again with the next frame
    av_frame_unref(s->piece);
    return -1;
  }
  if (!s->swr || s->rate != f->sample_rate || s->format != f->format ||
      s->channels != f->ch_layout.nb_channels) {
    swr_free(&s->swr);
    if (swr_alloc_set_opts2(&s->swr, &s->out->ch_layout, AV_SAMPLE_FMT_S16, RATE, &f->ch_layout,
                            f->format, f->sample_rate, 0, NULL) < 0 ||
        swr_init(s->swr) < 0) {
      swr_free(&s->swr);
      return -1;
    }
    s->rate = f->sample_rate;
    s->format = f->format;
    s->channels = f->ch_layout.nb_channels;
  }
  int most = swr_get_out_samples(s->swr, f->nb_samples);
  // Packets are taken after each frame: so much never waits.
  if (most <= 0 || most > MOST || av_audio_fifo_size(s->fifo) > MOST) return -1;
  av_fast_malloc(&s->converted, &s->room,
                 (size_t)most * s->out->ch_layout.nb_channels * sizeof(int16_t));
  if (!s->converted) return -1;
  int n =
      swr_convert(s->swr, &s->converted, most, (const uint8_t **)f->extended_data, f->nb_samples);
  return n < 0 || av_audio_fifo_write(s->fifo, (void **)&s->converted, n) < n ? -1 : 0;
}

int cg_sound_put(cg_sound *s, const uint8_t *frame, int size) {
  if (av_new_packet(s->packet, size) < 0) return -1;
  memcpy(s->packet->data, frame, size);
  int err = avcodec_send_packet(s->in, s->packet);
  av_packet_unref(s->packet);
  if (err < 0) return -1;
  err = 0;
  while (avcodec_receive_frame(s->in, s->decoded) >= 0) {
    if (resample(s) < 0) err = -1;
    av_frame_unref(s->decoded);
  }
  return err;
}

// receive copies the packet that the encoder has ready.
static int receive(cg_sound *s, uint8_t *packet, int room) {
  int err = avcodec_receive_packet(s->out, s->packet);
  if (err == AVERROR(EAGAIN)) return 0;
  if (err < 0) return -1;
  int size = s->packet->size;
  if (size <= room) memcpy(packet, s->packet->data, size);
  av_packet_unref(s->packet);
  return size <= room ? size : -1;
}

int cg_sound_take(cg_sound *s, uint8_t *packet, int room) {
  if (!s->out) return 0;
  for (;;) {
    int size = receive(s, packet, room);
    if (size != 0) return size;
    if (av_audio_fifo_size(s->fifo) < SAMPLES) return 0;
    if (av_frame_make_writable(s->piece) < 0) return -1;
    if (av_audio_fifo_read(s->fifo, (void **)s->piece->data, SAMPLES) != SAMPLES) return -1;
    if (avcodec_send_frame(s->out, s->piece) < 0) return -1;
  }
}

int cg_sound_channels(const cg_sound *s) { return s->out ? s->out->ch_layout.nb_channels : 0; }
