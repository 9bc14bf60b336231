package device

import (
	"regexp"
	"strconv"
	"time"
)

var durationForm = regexp.MustCompile(`^(-)?P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8}(?:\.\d{1,9})?)S)?)?$`)

// parseDuration reads an xs:duration without years and months (XML Schema part 2, section
// 3.2.6).
func parseDuration(text string) (time.Duration, bool) {
	m := durationForm.FindStringSubmatch(text)
	if m == nil || m[2]+m[3]+m[4]+m[5] == "" {
		return 0, false
	}
	var sum float64
	for i, unit := range []float64{24 * 60 * 60, 60 * 60, 60, 1} {
		if m[2+i] == "" {
			continue
		}
		n, err := strconv.ParseFloat(m[2+i], 64)
		if err != nil {
			return 0, false
		}
		sum += n * unit
	}
	if m[1] != "" {
		sum = -sum
	}
	return time.Duration(sum * float64(time.Second)), true
}
