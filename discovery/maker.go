package discovery

import (
	"strings"
	"unicode"
)

// makers are those who make cameras and recorders and little else, by the first word of
// what they call themselves and their cameras.
var makers = map[string]string{
	"acti": "ACTi", "amcrest": "Amcrest", "annke": "ANNKE", "arecont": "Arecont Vision", "avigilon": "Avigilon",
	"axis": "AXIS", "basler": "Basler", "cp-plus": "CP PLUS", "dahua": "Dahua", "dvtel": "DVTel", "ezviz": "EZVIZ",
	"flir": "FLIR", "foscam": "Foscam", "geovision": "GeoVision", "grundig": "Grundig", "hanwha": "Hanwha",
	"hik": "Hikvision", "hikvision": "Hikvision", "idis": "IDIS", "i-pro": "i-PRO", "imou": "Imou", "indigovision": "IndigoVision",
	"lorex": "Lorex", "milesight": "Milesight", "mobotix": "MOBOTIX", "pelco": "Pelco", "reolink": "Reolink",
	"sunell": "Sunell", "swann": "Swann", "tiandy": "Tiandy", "tvt": "TVT", "uniview": "Uniview",
	"verkada": "Verkada", "videotec": "Videotec", "vivotek": "VIVOTEK", "wansview": "Wansview", "xiongmai": "Xiongmai",
	"zavio": "Zavio", "zmodo": "Zmodo",
}

// makerOf is the maker whose name a text begins with, "" where it is none of makers.
func makerOf(text string) string {
	word := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-'
	})
	if len(word) == 0 {
		return ""
	}
	return makers[word[0]]
}
