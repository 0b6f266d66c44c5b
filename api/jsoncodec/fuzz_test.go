package jsoncodec_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/api/jsoncodec/codectest"
)

// all has a field of each kind that a Reader reads.
type all struct {
	Text  string            `json:"text"`
	Int   int64             `json:"int"`
	Bool  bool              `json:"bool"`
	Time  time.Time         `json:"time"`
	Raw   json.RawMessage   `json:"raw"`
	Any   any               `json:"any"`
	Next  *all              `json:"next"`
	All   []all             `json:"all"`
	Texts map[string]string `json:"texts"`
}

func readAll(r *jsoncodec.Reader) (a all) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "text":
			a.Text = r.String()
		case "int":
			a.Int = r.Int()
		case "bool":
			a.Bool = r.Bool()
		case "time":
			a.Time = r.Time()
		case "raw":
			a.Raw = r.Raw()
		case "any":
			a.Any = r.Any()
		case "next":
			a.Next = jsoncodec.Pointer(r, readAll)
		case "all":
			a.All = jsoncodec.Slice(r, readAll)
		case "texts":
			a.Texts = jsoncodec.Map(r, (*jsoncodec.Reader).String)
		default:
			r.Skip()
		}
	}
	return a
}

func (a all) write(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("text").String(a.Text)
	w.Name("int").Int(a.Int)
	w.Name("bool").Bool(a.Bool)
	w.Name("time").Time(a.Time)
	w.Name("raw").Raw(a.Raw)
	any, _ := json.Marshal(a.Any)
	w.Name("any").Raw(any)
	if w.Name("next"); a.Next != nil {
		a.Next.write(w)
	} else {
		w.Null()
	}
	jsoncodec.WriteSlice(w.Name("all"), a.All, all.write)
	jsoncodec.WriteMap(w.Name("texts"), a.Texts, (*jsoncodec.Writer).String)
	w.Close('}')
}

func FuzzValues(f *testing.F) {
	codectest.Seed(f, "text", "int", "bool", "time", "raw", "any", "next", "all", "texts", "unknown")
	f.Add([]byte(`{"raw":{"a":" \" < "} ,"any":{"b":[true,false,null,1.5,"x"]},"next":{"all":[{},{"text":"\u003c"}]},"texts":{"<b>":"","a":"\n"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := jsoncodec.Valid(text), json.Valid(text); got != want {
			t.Errorf("%q is valid: %v, want %v", text, got, want)
		}
		codectest.Reads(t, text, readAll)
		codectest.Reads(t, text, (*jsoncodec.Reader).Any)
		codectest.Reads(t, text, (*jsoncodec.Reader).Raw)
		if a, err := jsoncodec.Parse(text, readAll); err == nil {
			codectest.Writes(t, a, a.write)
		}
	})
}

// FuzzText: a text is written as encoding/json writes it, by itself, as a name, and as a part of
// what is JSON already.
func FuzzText(f *testing.F) {
	for _, text := range append(codectest.Nasty, "\x00\x1f\x7f\b\f\n\r\t", "<script>&", "\u2027\u2028\u2029\u202a", "\xe2\x80", "\xed\xa0\x80", "\xc0\x80") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		codectest.Writes(t, text, func(w *jsoncodec.Writer) { w.String(text) })
		names := map[string]string{text: text, "": "", "a": ""}
		codectest.Writes(t, names, func(w *jsoncodec.Writer) { jsoncodec.WriteMap(w, names, (*jsoncodec.Writer).String) })
		raw := json.RawMessage(`{ "a" : "` + text + `" }`)
		codectest.Writes(t, raw, func(w *jsoncodec.Writer) { w.Raw(raw) })
	})
}

func TestNestingIsBounded(t *testing.T) {
	for _, pair := range []string{"[]", "{}"} {
		for depth, want := range map[int]bool{10_000: true, 10_001: false, 1_000_000: false} {
			begin := pair[:1]
			if pair == "{}" {
				begin = `{"a":`
			}
			text := append(bytes.Repeat([]byte(begin), depth-1), pair...)
			text = append(text, bytes.Repeat([]byte(pair[1:]), depth-1)...)
			if json.Valid(text) != want || jsoncodec.Valid(text) != want {
				t.Errorf("%s nested %d times is valid: %v, want %v", pair, depth, jsoncodec.Valid(text), want)
			}
		}
	}
}

// TestWhatDiffers is the package's list of what encoding/json does otherwise.
func TestWhatDiffers(t *testing.T) {
	got, err := jsoncodec.Parse([]byte(`{"TEXT":"no","next":{"int":1,"bool":true},"all":[{"int":1}],"text":"a","text":null,"next":{"int":2},"all":[{}]}`), readAll)
	if want := (all{Next: &all{Int: 2}, All: []all{{}}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	text := jsoncodec.Write(all{Time: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), Raw: json.RawMessage(`{"a":`)}.write)
	if want := `{"text":"","int":0,"bool":false,"time":"0001-01-01T00:00:00Z","raw":null,"any":null,"next":null,"all":null,"texts":null}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func TestAMistakeEndsEverything(t *testing.T) {
	r := jsoncodec.NewReader([]byte(`{"a":[1 2],"b":"c"}`))
	for r.Object(); r.Member(); {
		for r.Array(); r.Element(); {
			r.Int()
		}
	}
	wrong := r.End()
	if wrong == nil || r.Member() || r.Element() || r.String() != "" || r.Int() != 0 || r.Raw() != nil || r.Any() != nil && r.Any() != 0.0 {
		t.Errorf("after %v there is more", wrong)
	}
	if r.Fail(bytes.ErrTooLarge); r.End() != wrong {
		t.Errorf("the mistake is %v, want the first, %v", r.End(), wrong)
	}
}

// TestRawIsAPartOfTheText: nobody who appends to it writes over what follows.
func TestRawIsAPartOfTheText(t *testing.T) {
	text := []byte(`["a","b"]`)
	r := jsoncodec.NewReader(text)
	r.Array()
	r.Element()
	_ = append(r.Raw(), "xxxx"...)
	if string(text) != `["a","b"]` {
		t.Errorf("the text is %s now", text)
	}
}
