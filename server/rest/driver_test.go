package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/contracttest"
	"github.com/rollcall/rollcall/server/feed"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/server/signin"
	"github.com/rollcall/rollcall/server/store/memory"
)

var (
	driven     = flag.Int("driven", 5000, "random requests made from the contract")
	drivenSeed = flag.Uint64("driven-seed", 0, "of the random requests; 0 for another one each time")
)

// TestRandomRequests makes requests from the contract, valid ones and ones broken
// in every way it knows, and holds each answer against it. None may be the
// server's fault. A failure prints the request for curl and the seed.
func TestRandomRequests(t *testing.T) {
	seed := *drivenSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Run("open", func(t *testing.T) {
		statuses := drive(t, seed, *driven, nil, func() string { return "" })
		// A driver that never gets through to what it is to find is none.
		for _, status := range []int{200, 201, 204, 304, 400, 404, 405, 409, 410, 412, 413, 415, 422, 428} {
			if statuses[status] == 0 && *driven >= 5000 {
				t.Errorf("no request was answered %d: %v (seed %d)", status, statuses, seed)
			}
		}
	})
	t.Run("as an admin", func(t *testing.T) {
		gate, token := adminGate(t)
		statuses := drive(t, seed, *driven/2, gate, token)
		for _, status := range []int{200, 201, 204, 400, 401, 403, 404, 409} {
			if statuses[status] == 0 && *driven >= 5000 {
				t.Errorf("no request was answered %d: %v (seed %d)", status, statuses, seed)
			}
		}
	})
}

// adminGate is a gate, and a token of an admin: of another one when the driver has disabled the
// last.
func adminGate(t *testing.T) (*signin.Gate, func() string) {
	t.Helper()
	gate, err := signin.Open(t.Context(), memory.New(memory.Options{}), signin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var token string
	return gate, func() string {
		if p, _ := gate.State().Identify(token, account.Token, time.Now()); p.Role == account.Admin {
			return token
		}
		act := account.Act{Now: time.Now()}
		err := gate.Decide(t.Context(), func(state *account.State) (account.Change, error) {
			add, root, err := state.Add(act, account.New{Name: uuid.NewString(), Role: account.Admin})
			if err != nil {
				return add, err
			}
			made, _, secret, err := state.With(add).NewToken(act, account.NewTokenOf{Account: root.ID, Name: "test", Role: account.Admin, Lasts: time.Hour})
			token = secret
			return add.Then(made), err
		})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
}

// drive makes n random requests with a token, and counts the statuses of their answers.
func drive(t *testing.T, seed uint64, n int, gate *signin.Gate, token func() string) map[int]int {
	t.Helper()
	contract := contracttest.Load(t)
	hub := feed.NewHub()
	defer hub.Close()
	d := &driver{
		random:   rand.New(rand.NewPCG(seed, 1)),
		contract: contract,
		handler:  rest.New(rest.Config{Store: memory.New(memory.Options{Epoch: 1}), Hub: hub, Gate: gate}),
	}
	statuses := map[int]int{}
	for n := range n {
		r := d.request()
		if secret := token(); secret != "" {
			r.header = append(r.header, [2]string{"Authorization", "Bearer " + secret}, [2]string{"X-Forwarded-Proto", "https"})
		}
		a := d.answer(r)
		statuses[a.Status]++
		err := contract.Check(r.request(), a)
		if err == nil && a.Status >= 500 {
			err = fmt.Errorf("status %d", a.Status)
		}
		if err != nil {
			t.Fatalf("request %d of -driven-seed=%d: %v\nanswer: %s\n%s", n, seed, err, a.Body, r.curl())
		}
		d.learn(a)
	}
	t.Logf("seed %d, statuses %v", seed, statuses)
	return statuses
}

// sample is a request that can be made again.
type sample struct {
	method, target string
	header         [][2]string
	body           []byte
}

func (s sample) request() *http.Request {
	r := httptest.NewRequest(s.method, "/", bytes.NewReader(s.body))
	path, query, _ := strings.Cut(s.target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		plain = path
	}
	r.URL = &url.URL{Path: plain, RawPath: path, RawQuery: query}
	r.RequestURI = s.target
	for _, h := range s.header {
		r.Header.Add(h[0], h[1])
	}
	return r
}

// curl is the command that makes the request.
func (s sample) curl() string {
	quote := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	b := "curl -i -X " + s.method
	for _, h := range s.header {
		b += " -H " + quote(h[0]+": "+h[1])
	}
	if len(s.body) > 0 {
		b += fmt.Sprintf(" --data-binary $'%s'", bytesOf(s.body))
	}
	return b + " " + quote("localhost:8080"+s.target)
}

func bytesOf(body []byte) string {
	var b strings.Builder
	for _, c := range body {
		if c < ' ' || c > '~' || c == '\'' || c == '\\' {
			fmt.Fprintf(&b, "\\x%02x", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// driver makes requests from the contract's parameters and schemas.
type driver struct {
	random   *rand.Rand
	contract *contracttest.Contract
	handler  http.Handler
	// Ids, tags and cursors from earlier responses.
	ids, tags, cursors, tokens, bodies []string
}

func (d *driver) answer(s sample) contracttest.Response {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := oneEvent{httptest.NewRecorder(), cancel}
	d.handler.ServeHTTP(w, s.request().WithContext(ctx))
	return contracttest.Response{Status: w.Code, Header: w.Result().Header, Body: w.Body.Bytes()}
}

// oneEvent is a client that leaves after the first event, since a stream has no end.
type oneEvent struct {
	*httptest.ResponseRecorder
	leave func()
}

func (w oneEvent) Write(b []byte) (int, error) {
	if w.Header().Get("Content-Type") == "text/event-stream" {
		defer w.leave()
	}
	return w.ResponseRecorder.Write(b)
}

func (oneEvent) SetReadDeadline(time.Time) error  { return nil }
func (oneEvent) SetWriteDeadline(time.Time) error { return nil }

// learn keeps what later requests may build on.
func (d *driver) learn(a contracttest.Response) {
	body, err := a.Plain()
	if err != nil {
		return
	}
	keep := func(to *[]string, text string) {
		if text == "" {
			return
		}
		if *to = append(*to, text); len(*to) > 50 {
			*to = (*to)[1:]
		}
	}
	keep(&d.tags, a.Header.Get("ETag"))
	var v struct {
		ID, Cursor, NextPageToken string
		Users, Accounts, Grants   []struct{ ID string }
	}
	if json.Unmarshal(body, &v) != nil {
		return
	}
	keep(&d.ids, v.ID)
	keep(&d.cursors, v.Cursor)
	keep(&d.tokens, v.NextPageToken)
	for _, u := range slices.Concat(v.Users, v.Accounts, v.Grants) {
		keep(&d.ids, u.ID)
	}
}

func (d *driver) chance(percent int) bool { return d.random.IntN(100) < percent }

func choose[T any](d *driver, from ...T) T { return from[d.random.IntN(len(from))] }

func (d *driver) request() sample {
	paths := d.contract.Doc.Paths.InMatchingOrder()
	path := paths[d.random.IntN(len(paths))]
	item := d.contract.Doc.Paths.Find(path)
	operations := item.Operations()
	methods := make([]string, 0, len(operations))
	for m := range operations {
		methods = append(methods, m)
	}
	slices.Sort(methods)
	s := sample{method: methods[d.random.IntN(len(methods))], target: path}
	o := operations[s.method]
	if d.chance(2) {
		s.method = choose(d, "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO")
	}
	query := url.Values{}
	for _, p := range append(slices.Clone(item.Parameters), o.Parameters...) {
		d.parameter(&s, query, p.Value)
	}
	if d.chance(5) {
		query.Add(d.text(), d.text())
	}
	if q := query.Encode(); q != "" {
		s.target += "?" + q
	}
	if d.chance(1) {
		s.target += choose(d, "/", "%2f..", "?%zz", "?a;b", "/%00", "%ff")
	}
	if o.RequestBody != nil {
		d.body(&s, o.RequestBody.Value.Content["application/json"].Schema.Value)
	}
	if d.chance(10) {
		s.header = append(s.header, [2]string{"Accept", choose(d, "*/*", api.LinesType, api.LinesType+";q=x", "application/json, "+api.LinesType)})
		s.header = append(s.header, [2]string{"Accept-Encoding", choose(d, "gzip", "zstd", "br, *;q=0", "gzip;q=x", "")})
	}
	if d.chance(2) {
		s.header = append(s.header, [2]string{choose(d, "Sec-Fetch-Site", "X-Request-Id", "X-Forwarded-For", "Range", "Expect"), choose(d, "cross-site", "1", d.visible())})
	}
	return s
}

func (d *driver) parameter(s *sample, query url.Values, p *openapi3.Parameter) {
	if !p.Required && d.chance(50) || p.Required && p.In == "header" && d.chance(5) {
		return
	}
	value := d.parameterValue(p)
	switch p.In {
	case "path":
		if value == "" {
			value = "x"
		}
		s.target = strings.ReplaceAll(s.target, "{"+p.Name+"}", url.PathEscape(value))
	case "query":
		query.Add(p.Name, value)
		if d.chance(3) {
			query.Add(p.Name, value)
		}
	case "header":
		s.header = append(s.header, [2]string{p.Name, value})
	}
}

func (d *driver) parameterValue(p *openapi3.Parameter) string {
	known := map[string][]string{"id": d.ids, "grant": d.ids, "If-Match": d.tags, "If-None-Match": d.tags, "cursor": d.cursors,
		"Last-Event-ID": d.cursors, "page_token": d.tokens, "after": d.ids}[p.Name]
	if len(known) > 0 && d.chance(60) {
		return known[d.random.IntN(len(known))]
	}
	if d.chance(20) {
		switch p.Name {
		case "If-Match", "If-None-Match":
			return choose(d, "*", `"1"`, `"1", "2"`, `W/"1"`, `"`, `"99999999999999999999"`)
		case "cursor":
			return choose(d, "AQAAAAAAAAABAQ", "AQAAAAAAAAABAP__________AQ", "====")
		case "Idempotency-Key":
			return choose(d, "k1", "k2", "k3")
		}
	}
	if p.In == "header" {
		return d.visible()
	}
	v := d.value(p.Schema.Value, 0)
	if text, ok := v.(string); ok {
		return text
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "x"
	}
	return string(b)
}

// visible is text that may stand in a header.
func (d *driver) visible() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return 'x'
		}
		return r
	}, d.text())
}

func (d *driver) body(s *sample, schema *openapi3.Schema) {
	kind := "application/json"
	if d.chance(3) {
		kind = choose(d, "text/plain", "", "application/xml", "application/json; charset=utf-8", "application/json;;", "a/b/c")
	}
	s.header = append(s.header, [2]string{"Content-Type", kind})
	if len(d.bodies) > 0 && d.chance(10) {
		s.body = []byte(d.bodies[d.random.IntN(len(d.bodies))]) // a replay
		return
	}
	b, err := json.Marshal(d.value(schema, 0))
	if err != nil {
		b = []byte("{")
	}
	d.bodies = append(d.bodies, string(b))
	d.bodies = d.bodies[max(0, len(d.bodies)-30):]
	if d.chance(8) {
		b = d.broken(b)
	}
	s.body = b
}

// broken is JSON that is none any more, or another one.
func (d *driver) broken(b []byte) []byte {
	at := d.random.IntN(len(b) + 1)
	switch d.random.IntN(7) {
	case 0:
		return b[:at]
	case 1:
		return slices.Concat(b[:at], []byte{byte(d.random.IntN(256))}, b[at:])
	case 2:
		return slices.Concat(b, b)
	case 3:
		return nil
	case 4:
		return []byte(strings.Repeat("[", 20_000))
	case 5:
		return slices.Concat(b, bytes.Repeat([]byte(" "), 3<<20))
	}
	return choose(d, []byte("null"), []byte("7"), []byte(`"x"`), []byte("[]"), []byte(`{"id":1e999}`))
}

// value makes a value of a schema; now and then one that is none of it.
func (d *driver) value(schema *openapi3.Schema, depth int) any {
	if d.chance(4) {
		return d.wrong(depth)
	}
	if len(schema.AllOf) > 0 {
		schema = schema.AllOf[0].Value
	}
	if schema.Nullable && d.chance(15) {
		return nil
	}
	if len(schema.Enum) > 0 {
		return schema.Enum[d.random.IntN(len(schema.Enum))]
	}
	switch {
	case schema.Type.Is("object"):
		return d.object(schema, depth)
	case schema.Type.Is("array"):
		n := choose(d, 0, 1, 1, 2, 5)
		if d.chance(2) {
			n = 101
		}
		items := make([]any, n)
		for i := range items {
			items[i] = d.value(schema.Items.Value, depth+1)
		}
		return items
	case schema.Type.Is("integer"):
		return choose[any](d, 0, 1, 1, 2, 3, -1, 500, 501, 1000, 1<<31, int64(1)<<53, int64(-1)<<62, 1.5, json.Number("9223372036854775808"), json.Number("1e400"))
	case schema.Type.Is("boolean"):
		return d.chance(50)
	}
	return d.string(schema)
}

func (d *driver) object(schema *openapi3.Schema, depth int) any {
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	object := map[string]any{}
	for _, name := range names {
		required := slices.Contains(schema.Required, name)
		if required && d.chance(2) || !required && d.chance(40) {
			continue
		}
		object[name] = d.value(schema.Properties[name].Value, depth+1)
		if name == "email" && d.chance(80) {
			object[name] = choose(d, "a", "b", "c", "d", "e", "f", "é") + fmt.Sprint(d.random.IntN(30)) + "@example.org"
		}
		if (name == "entityId" || name == "id" && depth == 0) && len(d.ids) > 0 && d.chance(50) {
			object[name] = d.ids[d.random.IntN(len(d.ids))]
		}
	}
	if d.chance(3) {
		object[d.text()] = d.wrong(depth)
	}
	return object
}

func (d *driver) string(schema *openapi3.Schema) any {
	switch {
	case schema.Format == "uuid" && d.chance(90):
		var b uuid.UUID
		for i := range b {
			b[i] = byte(d.random.IntN(256))
		}
		return b.String()
	case schema.Format == "date-time" && d.chance(80):
		return choose(d, time.Unix(int64(d.random.IntN(2e9)), 0).UTC().Format(time.RFC3339), "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
			"2026-02-30T00:00:00Z", "2026-01-01T00:00:00+23:59", "1969-12-31T23:59:59Z")
	case strings.Contains(schema.Pattern, "{12}-") && d.chance(70):
		return choose(d, "", "019f00000000-0000-abc", "ffffffffffff-ffff-x", "019f00000000-ffff-üüüü", "019F00000000-0000-")
	}
	text := d.text()
	if schema.MaxLength != nil && d.chance(10) {
		n := int(*schema.MaxLength)
		return strings.Repeat(choose(d, "x", "é", "𝄞"), n+choose(d, -1, 0, 1))
	}
	return text
}

// text is a word, or what programs stumble on.
func (d *driver) text() string {
	return choose(d, "Ann", "Bo Lee", "x", "", " ", "a\x00b", "\u2028", "𝄞", "e\u0301", "\u202eabc", "\ufeff", "'; DROP TABLE users; --", "<script>",
		"../../etc/passwd", "%00", "%s%n", "null", "-1", "1e309", "NaN", "\r\n", "\\u0000", strings.Repeat("a", 300), "İ", "ß", "\xff\xfe", "true", "*", "_", "😀")
}

// wrong is a value of any type.
func (d *driver) wrong(depth int) any {
	if depth > 3 {
		return nil
	}
	return choose[any](d, nil, true, -1, 1.5, 1e300, json.Number("123456789012345678901234567890"), d.text(), []any{}, []any{nil, 1}, map[string]any{},
		map[string]any{"a": map[string]any{"b": nil}})
}
