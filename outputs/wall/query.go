package wall

import (
	"fmt"
	"strings"

	"camgate/outputs/params"
)

// A Query is what a request for a wall says of it; the rest of its parameters are read by
// params.Parse.
type Query struct {
	Name   string // a wall of the configuration; "": the cameras are named
	Layout Layout
}

// maxCamsText bounds cams=: 64 names of 64 characters, and what is between them.
const maxCamsText = MaxCameras * 65

// ParseQuery reads name, cams, cols and labels. The error is a sentence that says what is
// allowed.
func ParseQuery(rawQuery string) (Query, error) {
	var q Query
	query, err := params.Query(rawQuery)
	if err != nil {
		return q, err
	}
	for _, name := range []string{"name", "cams", "cols", "labels"} {
		if n := len(query[name]); n > 1 {
			return q, fmt.Errorf("%s is given %d times: give it once", name, n)
		}
	}
	q.Name = query.Get("name")
	if query.Has("name") {
		for _, other := range []string{"cams", "cols", "labels"} {
			if query.Has(other) {
				return q, fmt.Errorf("name and %s cannot be given together: a named wall has its cameras, columns and labels in the configuration", other)
			}
		}
		return q, nil
	}
	cams := query.Get("cams")
	if len(cams) > maxCamsText || strings.Count(cams, ",") >= MaxCameras {
		return q, fmt.Errorf("cams names too many cameras: there may be at most %d", MaxCameras)
	}
	if cams != "" {
		q.Layout.Cameras = strings.Split(cams, ",")
	}
	if cols := query.Get("cols"); query.Has("cols") {
		n, ok := params.Whole(cols)
		if !ok || n < 1 || n > MaxColumns {
			return q, fmt.Errorf("cols=%s is not possible: it must be a whole number from 1 to %d", params.Shorten(cols), MaxColumns)
		}
		q.Layout.Columns = n
	}
	q.Layout.Labels = query.Get("labels")
	if _, _, err := labels(q.Layout.Labels); err != nil {
		return q, err
	}
	return q, nil
}
