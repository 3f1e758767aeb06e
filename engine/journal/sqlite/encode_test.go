package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"imapilot/engine/journal"
)

// TestEncoderWritesWhatEncodingJSONWrites fills entries at random, every field of them:
// one that is added to an entry, a step, an item or an action and that the encoder does
// not know makes it fail.
func TestEncoderWritesWhatEncodingJSONWrites(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	var w encoder
	refused := 0
	for range 3000 {
		f := filler{data: make([]byte, 4096)}
		source.Read(f.data)
		if !sameAsEncodingJSON(t, &w, &f) {
			refused++
		}
	}
	if refused == 0 || refused > 1500 {
		t.Errorf("%d of 3,000 entries cannot be written", refused)
	}
}

func TestEncoderOfNoAction(t *testing.T) {
	w := encoder{out: []byte("{")}
	if w.action(nil); string(w.out) != `{"action":null` || w.err != nil {
		t.Errorf("%s, %v", w.out, w.err)
	}
}

func FuzzEncoder(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 400))
	f.Add(bytes.Repeat([]byte{3, 200, 255, 9, 6}, 200))
	f.Fuzz(func(t *testing.T, data []byte) {
		sameAsEncodingJSON(t, new(encoder), &filler{data: data})
	})
}

// sameAsEncodingJSON reports whether the entry that f fills can be written at all.
func sameAsEncodingJSON(t *testing.T, w *encoder, f *filler) bool {
	t.Helper()
	var e journal.Entry
	f.fill(reflect.ValueOf(&e).Elem())
	text, rules, err := w.entry(&e)
	want, wantErr := encoded(&body{Entry: &e})
	if (err != nil) != (wantErr != nil) || err == nil && string(text) != want {
		t.Fatalf("got  %s, %v\nwant %s, %v", text, err, want, wantErr)
	}
	if err != nil {
		return false
	}
	// In the order of a map.
	wantRules, _ := encoded(rulesOf(&e))
	if got, want := sorted(t, string(rules)), sorted(t, wantRules); !slices.Equal(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	return true
}

func encoded(v any) (string, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n"))), err
}

func sorted(t *testing.T, list string) (out []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(list), &out); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// filler fills anything with what some octets say; when they are at their end the rest
// is zero.
type filler struct{ data []byte }

func (f *filler) next() int {
	if len(f.data) == 0 {
		return 0
	}
	b := f.data[0]
	f.data = f.data[1:]
	return int(b)
}

func (f *filler) fill(v reflect.Value) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(f.time()))
		return
	case json.RawMessage:
		v.SetBytes(f.raw())
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Pointer:
		if f.next()%2 == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice, reflect.Map:
		f.fillMany(v)
	default:
		f.fillOne(v)
	}
}

func (f *filler) fillMany(v reflect.Value) {
	n := f.next() % 5
	if n == 0 {
		return // nil; 1 is empty
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
		for i := range n - 1 {
			f.fill(v.Index(i))
		}
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for range n - 1 {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(key)
		f.fill(value)
		v.SetMapIndex(key, value)
	}
}

func (f *filler) fillOne(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(f.next()%2 == 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(f.number())
	case reflect.Uint32:
		v.SetUint(uint64(uint32(f.number())))
	default:
		panic(fmt.Sprintf("how is a %s filled?", v.Type()))
	}
}

func (f *filler) number() int64 {
	n := int64(0)
	for range f.next() % 9 {
		n = n<<8 | int64(f.next())
	}
	return n
}

func (f *filler) text() string {
	odd := []string{`"`, `\`, "\x00", "\n", "\x1f", "\x7f", "<&>", "é", "日本", "\u2028", "\u2029", "\ufffd", "\xff", "\xe2\x80", "\U0010FFFF", "{"}
	var out []byte
	for range f.next() % 8 {
		if b := f.next(); b < len(odd) {
			out = append(out, odd[b]...)
		} else {
			out = append(out, byte(b%128))
		}
	}
	return string(out)
}

// time is one that JSON does not know (RFC 3339 section 5.6), now and then.
func (f *filler) time() time.Time {
	switch f.next() % 64 {
	case 0:
		return time.Time{}
	case 1:
		return time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	case 2:
		return time.Unix(f.number()%1e9, 0).In(time.FixedZone("", 24*3600))
	case 3, 4, 5, 6, 7, 8:
		return time.Unix(f.number()%1e9, 0).In(time.FixedZone("", f.next()*60))
	default:
		return time.Unix(f.number()%1e9, f.number()%1e9).UTC()
	}
}

func (f *filler) raw() json.RawMessage {
	all := []json.RawMessage{nil, {}, json.RawMessage(`{ "a": "<b>" }`), json.RawMessage("[1]"), json.RawMessage("null")}
	if i := f.next(); i < 255 {
		return all[i%len(all)]
	}
	return json.RawMessage("{")
}
