package camsim

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"camgate/camsim/stamp"
	"camgate/decoder"
	"camgate/media"
	"camgate/testleak"
)

func TestMain(m *testing.M) { testleak.Main(m) }

// small is a camera that costs little to simulate.
func small() Options {
	return Options{Video: decoder.VideoEncoderOptions{Width: 320, Height: 240, FPS: 25, GOP: 10}, ClipFrames: 20}
}

func start(t testing.TB, o Options) *Camera {
	t.Helper()
	c, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// frames has the command-line program read pictures from a camera, at a size.
func frames(t testing.TB, address, transport string, n, width, height int) []image.Image {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-fpsprobesize", "0", "-analyzeduration", "200000", "-rtsp_transport", transport, "-i", address, "-frames:v", fmt.Sprint(n),
		"-fps_mode", "passthrough", "-vf", fmt.Sprintf("scale=%d:%d", width, height), "-pix_fmt", "gray", "-f", "rawvideo", "-")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, complaints.String())
	}
	if len(out) != n*width*height {
		t.Fatalf("ffmpeg gave %d bytes, want %d pictures of %d×%d: %s", len(out), n, width, height, complaints.String())
	}
	images := make([]image.Image, n)
	for i := range images {
		images[i] = &image.Gray{Pix: out[i*width*height:][:width*height], Stride: width, Rect: image.Rect(0, 0, width, height)}
	}
	return images
}

func TestOthersReadEveryKindOfCamera(t *testing.T) {
	for _, c := range []struct {
		name      string
		o         Options
		transport string
	}{
		{"H.264", Options{}, "tcp"},
		{"H.264 over UDP", Options{}, "udp"},
		{"H.264 live", Options{Mode: Live}, "tcp"},
		{"H.264 with B-frames", Options{Video: decoder.VideoEncoderOptions{BFrames: 2}}, "tcp"},
		{"H.264 with B-frames, live", Options{Mode: Live, Video: decoder.VideoEncoderOptions{BFrames: 2}}, "tcp"},
		{"H.264 with 8 slices", Options{Video: decoder.VideoEncoderOptions{Slices: 8}}, "tcp"},
		{"H.264 4:4:4 live", Options{Mode: Live, Video: decoder.VideoEncoderOptions{PixelFormat: "yuv444p"}}, "tcp"},
		{"H.264 4:2:2 10 bit", Options{Video: decoder.VideoEncoderOptions{PixelFormat: "yuv422p10le", FullRange: true}}, "tcp"},
		{"H.265", Options{Video: decoder.VideoEncoderOptions{Codec: media.H265}}, "tcp"},
		{"MJPEG", Options{Video: decoder.VideoEncoderOptions{Codec: media.MJPEG}}, "tcp"},
		{"MJPEG live, over UDP", Options{Mode: Live, Video: decoder.VideoEncoderOptions{Codec: media.MJPEG}}, "udp"},
		{"MPEG-4", Options{Video: decoder.VideoEncoderOptions{Codec: media.MPEG4}}, "tcp"},
		{"Basic", Options{Auth: AuthBasic, User: "admin", Password: "p@ss/word:#%"}, "tcp"},
		{"Digest", Options{Auth: AuthDigest, User: "admin", Password: "p@ss/word:#%"}, "tcp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			video := c.o.Video
			c.o.Video = small().Video
			c.o.Video.Codec, c.o.Video.PixelFormat, c.o.Video.BFrames = video.Codec, video.PixelFormat, video.BFrames
			c.o.Video.Slices, c.o.Video.FullRange = video.Slices, video.FullRange
			c.o.ClipFrames = 20
			if c.transport == "udp" {
				c.o.Video.FPS = 5 // what a reader that is held up for seconds misses would be lost
			}
			camera := start(t, c.o)
			last, seen := uint32(0), 0
			for i, img := range frames(t, camera.URL(), c.transport, 15, 320, 240) {
				n, ok := stamp.Read(img)
				if !ok {
					// ffmpeg shows what some codecs send before the first key frame.
					if seen > 0 || i > 10 {
						t.Errorf("picture %d has no stamp that can be read", i)
					}
					continue
				}
				if seen > 0 && n != (last+1)%20 && n != last+1 {
					t.Errorf("picture %d follows picture %d", n, last)
				}
				last, seen = n, seen+1
				at, ok := camera.SentAt(n)
				if age := time.Since(at); !ok || age < 0 || age > 30*time.Second {
					t.Errorf("picture %d was sent at %v, %v", n, at, ok)
				}
			}
		})
	}
}

func TestStampSurvivesTheCodecAndALargeReduction(t *testing.T) {
	o := Options{Video: decoder.VideoEncoderOptions{Width: 1280, Height: 720, GOP: 5}, ClipFrames: 5}
	camera := start(t, o)
	for i, img := range frames(t, camera.URL(), "tcp", 5, 160, 90) {
		if _, ok := stamp.Read(img); !ok {
			t.Errorf("picture %d of 1280×720, reduced to 160×90, has no stamp that can be read", i)
		}
	}
}

func TestSeveralCamerasOnOnePort(t *testing.T) {
	server, err := Listen(context.Background(), ServerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, name := range []string{"door", "yard/west"} {
		o := small()
		o.Name = name
		camera, err := server.Add(o)
		if err != nil {
			t.Fatal(err)
		}
		if want := "rtsp://" + server.Address() + "/" + name; camera.URL() != want {
			t.Errorf("URL is %s, want %s", camera.URL(), want)
		}
		frames(t, camera.URL(), "tcp", 2, 320, 240)
		if err := camera.Reboot(time.Second); err != ErrSharedPort {
			t.Errorf("reboot of one of several: %v, want ErrSharedPort", err)
		}
	}
	if _, err := server.Add(Options{Name: "door"}); err == nil {
		t.Error("two cameras of one name")
	}
}

func TestAddressShowsNoPassword(t *testing.T) {
	o := small()
	o.Auth, o.User, o.Password = AuthDigest, "admin", "s/cret"
	camera := start(t, o)
	if strings.Contains(camera.Address(), "cret") || strings.Contains(camera.Address(), "admin") {
		t.Errorf("address is %s", camera.Address())
	}
	u, err := url.Parse(camera.URL())
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := u.User.Password(); password != "s/cret" {
		t.Errorf("the URL's password is %q", password)
	}
}

func TestOptionsThatMakeNoSenseAreRefusedInASentence(t *testing.T) {
	for _, o := range []Options{
		{Name: "a b"},
		{Name: "../etc"},
		{Auth: AuthBasic},
		{ClipFrames: 1 << 30},
		{Server: ServerOptions{Listen: "nowhere"}},
		{Video: decoder.VideoEncoderOptions{Width: 20, Height: 20}},
		{Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, Width: 2048, Height: 1024}},
		{Video: decoder.VideoEncoderOptions{Width: 321, Height: 240}},
		{Video: decoder.VideoEncoderOptions{Codec: media.MJPEG, PixelFormat: "yuv422p"}},
	} {
		c, err := Start(context.Background(), o)
		if err == nil {
			c.Close()
			t.Errorf("%+v was accepted", o)
		} else if len(err.Error()) < 20 {
			t.Errorf("%+v: %q is no sentence", o, err)
		}
	}
}

func TestCameraEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	camera, err := Start(ctx, small())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	camera.Close() // waits; goleak sees what it forgets
	camera.Close()
	if camera, err := Start(ctx, small()); err == nil {
		camera.Close()
		t.Error("a camera started after its context's end")
	}
}

func TestCameraOverTLS(t *testing.T) {
	o := small()
	var err error
	if o.Server.TLS, err = SelfSigned(); err != nil {
		t.Fatal(err)
	}
	camera := start(t, o)
	if !strings.HasPrefix(camera.URL(), "rtsps://127.0.0.1:") {
		t.Errorf("URL is %s", camera.URL())
	}
	dial(t, camera.URL(), tcp).unit()
}
