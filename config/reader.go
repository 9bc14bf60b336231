package config

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"
)

// reader turns a TOML tree into a Config and collects mistakes.
type reader struct {
	file     string
	lines    map[string]int // of keys, as "http.listen" or "camera[0].jpeg.quality"
	mistakes Mistakes
}

func (r *reader) mistake(line int, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{File: r.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// at is the line of a key, or of the table around it.
func (r *reader) at(path string) int {
	for path != "" {
		if line := r.lines[path]; line > 0 {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// later are the sections that other versions have.
var later = map[string]bool{"user": true, "tls": true, "hooks": true, "metrics": true}

// table fills the struct that into points to.
func (r *reader) table(path string, tree map[string]any, into any) {
	v := reflect.ValueOf(into).Elem()
	fields := map[string]reflect.Value{}
	var names []string
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("toml")
		if name == "-" {
			continue
		}
		fields[name] = v.Field(i)
		names = append(names, name)
	}
	for key, value := range tree {
		at := join(path, key)
		field, known := fields[key]
		switch {
		case known:
			r.value(at, value, field)
		case path == "" && later[key]:
			r.mistake(r.at(at), "[%s] is not in this version of camgate: take it out", key)
		default:
			r.unknown(at, path, key, names)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (r *reader) unknown(at, path, key string, names []string) {
	where := "at the top of the file"
	if path != "" {
		where = "in " + section(path)
	}
	mend := "; known are " + strings.Join(names, ", ")
	if best, distance := nearest(key, names); distance <= 1+len(key)/3 {
		mend = fmt.Sprintf("; did you mean %q?", best)
	}
	if len(key) > 40 {
		key = key[:40] + "…"
	}
	r.mistake(r.at(at), "unknown key %q %s%s", key, where, mend)
}

// section is a path as it stands in the file: camera[0].jpeg is [camera.jpeg].
func section(path string) string {
	plain := strings.NewReplacer("[", " ", "]", " ").Replace(path)
	parts := strings.Fields(plain)
	name := ""
	for _, p := range parts {
		if _, err := strconv.Atoi(p); err != nil {
			name += p
		}
	}
	if strings.HasSuffix(path, "]") {
		return "[[" + name + "]]"
	}
	return "[" + name + "]"
}

func (r *reader) value(at string, value any, into reflect.Value) {
	switch into.Interface().(type) {
	case time.Duration:
		r.duration(at, value, into)
		return
	case Secret:
		if s, ok := value.(string); ok {
			into.Set(reflect.ValueOf(Secret{s}))
		} else {
			r.wrong(at, "text in quotes", value)
		}
		return
	case []Secret:
		r.secrets(at, value, into)
		return
	case []Camera:
		entries(r, at, value, into, cameraDefaults, "a camera begins with [[camera]], in two pairs of brackets")
		return
	case []Wall:
		entries(r, at, value, into, wallDefaults, "a wall begins with [[wall]], in two pairs of brackets")
		return
	case []ICEServer:
		entries(r, at, value, into, func() ICEServer { return ICEServer{} }, `ice_servers is a list of tables, like [{url = "stun:192.0.2.1:3478"}]`)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		if t, ok := value.(map[string]any); ok {
			r.table(at, t, into.Addr().Interface())
		} else {
			r.wrong(at, "a table, "+section(at), value)
		}
	case reflect.String:
		if s, ok := value.(string); ok {
			into.SetString(s)
		} else {
			r.wrong(at, "text in quotes", value)
		}
	case reflect.Bool:
		if b, ok := value.(bool); ok {
			into.SetBool(b)
		} else {
			r.wrong(at, "true or false", value)
		}
	case reflect.Int:
		if n, ok := value.(int64); ok && n >= math.MinInt32 && n <= math.MaxInt32 {
			into.SetInt(n)
		} else {
			r.wrong(at, "a whole number", value)
		}
	case reflect.Float64:
		switch n := value.(type) {
		case int64:
			into.SetFloat(float64(n))
		case float64:
			into.SetFloat(n)
		default:
			r.wrong(at, "a number", value)
		}
	case reflect.Slice:
		r.texts(at, value, into)
	}
}

func (r *reader) wrong(at, want string, got any) {
	kind := "something else"
	switch got.(type) {
	case string:
		kind = "text"
	case int64, float64:
		kind = "a number"
	case bool:
		kind = "true or false"
	case []any:
		kind = "a list"
	case map[string]any:
		kind = "a table"
	}
	r.mistake(r.at(at), "%s must be %s; here it is %s", at[strings.LastIndexByte(at, '.')+1:], want, kind)
}

func (r *reader) duration(at string, value any, into reflect.Value) {
	s, ok := value.(string)
	if !ok {
		r.wrong(at, `a time with its unit, in quotes, like "10s"`, value)
		return
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		r.mistake(r.at(at), `%s must be a time with its unit, like "10s" or "1m30s"`, at[strings.LastIndexByte(at, '.')+1:])
		return
	}
	into.SetInt(int64(d))
}

func (r *reader) texts(at string, value any, into reflect.Value) {
	list, ok := value.([]any)
	if !ok {
		r.wrong(at, `a list of texts, like ["a", "b"]`, value)
		return
	}
	texts := make([]string, 0, len(list))
	for _, one := range list {
		s, ok := one.(string)
		if !ok {
			r.wrong(at, `a list of texts, like ["a", "b"]`, value)
			return
		}
		texts = append(texts, s)
	}
	into.Set(reflect.ValueOf(texts))
}

func (r *reader) secrets(at string, value any, into reflect.Value) {
	var texts []string
	r.texts(at, value, reflect.ValueOf(&texts).Elem())
	secrets := make([]Secret, 0, len(texts))
	for _, text := range texts {
		secrets = append(secrets, Secret{text})
	}
	into.Set(reflect.ValueOf(secrets))
}

// entries reads a list of tables, each into what initial gives. wrong is the sentence
// where it is no such list.
func entries[T any](r *reader, at string, value any, into reflect.Value, initial func() T, wrong string) {
	list, ok := value.([]any)
	if !ok {
		r.mistake(r.at(at), "%s", wrong)
		return
	}
	var all []T
	for i, one := range list {
		tree, ok := one.(map[string]any)
		if !ok {
			r.mistake(r.at(at), "%s", wrong)
			return
		}
		entry := initial()
		r.table(fmt.Sprintf("%s[%d]", at, i), tree, &entry)
		all = append(all, entry)
	}
	into.Set(reflect.ValueOf(all))
}

// linesOf says on which line each key and table begins. The text is known to be valid.
func linesOf(data []byte) map[string]int {
	lines := map[string]int{}
	counts := map[string]int{}
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		var keys []string
		line := 0
		for it := e.Key(); it.Next(); {
			n := it.Node()
			keys = append(keys, string(n.Data))
			if line == 0 {
				line = p.Shape(n.Raw).Start.Line
			}
		}
		path := resolve(keys, counts)
		switch e.Kind {
		case unstable.ArrayTable:
			counts[path]++
			table = fmt.Sprintf("%s[%d]", path, counts[path]-1)
			lines[table] = line
			lines[path] = line
		case unstable.Table:
			table = path
			lines[table] = line
		case unstable.KeyValue:
			at := table
			for _, k := range keys {
				at = join(at, k)
			}
			lines[at] = line
		}
	}
	return lines
}

// resolve makes a path of a table's keys, with the index of the array tables in it.
func resolve(keys []string, counts map[string]int) string {
	path := ""
	for i, k := range keys {
		path = join(path, k)
		if n := counts[path]; n > 0 && i < len(keys)-1 {
			path = fmt.Sprintf("%s[%d]", path, n-1)
		}
	}
	return path
}

// nearest is the name with the fewest changes from key (Levenshtein distance).
func nearest(key string, names []string) (string, int) {
	best, least := "", math.MaxInt
	for _, name := range names {
		if d := distance(key, name); d < least {
			best, least = name, d
		}
	}
	return best, least
}

func distance(a, b string) int {
	if len(a) > 64 {
		return math.MaxInt
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
