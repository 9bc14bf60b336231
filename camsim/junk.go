package camsim

// hugeSPS is a sequence parameter set of H.264 (7.3.2.1.1), Baseline, level 6.2, that
// claims 1024×1024 macroblocks: 16384×16384 pixels.
func hugeSPS() []byte {
	w := bitWriter{bytes: []byte{0x67, 66, 0, 62}}
	w.ue(0)    // seq_parameter_set_id
	w.ue(0)    // log2_max_frame_num_minus4
	w.ue(2)    // pic_order_cnt_type
	w.ue(1)    // max_num_ref_frames
	w.put(0)   // gaps_in_frame_num_value_allowed_flag
	w.ue(1023) // pic_width_in_mbs_minus1
	w.ue(1023) // pic_height_in_map_units_minus1
	w.put(1)   // frame_mbs_only_flag
	w.put(1)   // direct_8x8_inference_flag
	w.put(0)   // frame_cropping_flag
	w.put(0)   // vui_parameters_present_flag
	w.put(1)   // rbsp_stop_one_bit
	return w.bytes
}

// A bitWriter appends bits, most significant first.
type bitWriter struct {
	bytes []byte
	free  int // bits left in the last byte
}

func (w *bitWriter) put(bit byte) {
	if w.free == 0 {
		w.bytes, w.free = append(w.bytes, 0), 8
	}
	w.free--
	w.bytes[len(w.bytes)-1] |= bit << w.free
}

// ue writes an Exp-Golomb code (9.1).
func (w *bitWriter) ue(v uint32) {
	v++
	length := 0
	for v>>length > 1 {
		length++
	}
	for range length {
		w.put(0)
	}
	for i := length; i >= 0; i-- {
		w.put(byte(v >> i & 1))
	}
}
