package testbed_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/server/exchange"
	serverstore "github.com/rollcall/rollcall/server/store/memory"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// place is a server that has one user, and the ways into it.
type place struct {
	*testbed.World
	t    *testing.T
	data *serverstore.Store
	id   string // of the user
}

const keeper = "keeper@x.example"

func newPlace(t *testing.T) *place {
	t.Helper()
	w := testbed.New(t)
	p := &place{World: w, t: t, data: serverstore.New(serverstore.Options{Now: func() time.Time { return w.Now }}), id: uuid.NewString()}
	w.StartOn(p.data)
	w.Device().Put(p.id, api.User{Name: "Keeper", Email: keeper})
	return p
}

// doors are the ways for a text to the server. Each returns why the write was refused, "" when
// it was not.
var doors = map[string]func(p *place, u api.UserPatch) string{
	"REST, create":            func(p *place, u api.UserPatch) string { return p.request("POST", api.PathUsers, u) },
	"REST, update":            func(p *place, u api.UserPatch) string { return p.request("PATCH", api.PathUsers+"/"+p.id, u) },
	"batch, create":           func(p *place, u api.UserPatch) string { return p.batch(api.Create, uuid.NewString(), 0, u) },
	"batch, update":           func(p *place, u api.UserPatch) string { return p.batch(api.Update, p.id, 1, u) },
	"form, create":            func(p *place, u api.UserPatch) string { return p.device(directory.Codec, false, u) },
	"form, update":            func(p *place, u api.UserPatch) string { return p.device(directory.Codec, true, u) },
	"an older queue, create":  func(p *place, u api.UserPatch) string { return p.device(older(), false, u) },
	"an older queue, update":  func(p *place, u api.UserPatch) string { return p.device(older(), true, u) },
	"import of CSV":           func(p *place, u api.UserPatch) string { return p.imports(asCSV("", u)) },
	"import of CSV, change":   func(p *place, u api.UserPatch) string { return p.imports(asCSV(p.id, u)) },
	"import of JSON":          func(p *place, u api.UserPatch) string { return p.imports(asJSON("", u)) },
	"import of JSON, change":  func(p *place, u api.UserPatch) string { return p.imports(asJSON(p.id, u)) },
	"import of an own export": func(p *place, u api.UserPatch) string { return p.imports(asExport(p.t, u)) },
}

func (p *place) request(method, path string, u api.UserPatch) string {
	body, err := json.Marshal(u)
	if err != nil {
		p.t.Fatal(err)
	}
	resp := p.Serve(p.t.Context(), sync.Request{Method: method, Path: path, Body: body, Header: map[string]string{"Content-Type": "application/json", "If-Match": `"1"`}})
	if resp.Status < 300 {
		return ""
	}
	var problem api.Problem
	if err := json.Unmarshal(resp.Body, &problem); err != nil {
		p.t.Fatal(err)
	}
	return reason(&problem)
}

func (p *place) batch(kind api.OperationType, id string, base int64, u api.UserPatch) string {
	data, err := json.Marshal(u)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := json.Marshal(api.Batch{ClientID: uuid.NewString(), Operations: []api.Operation{
		{ID: api.NewOperationID(), EntityType: api.EntityUser, EntityID: id, Type: kind, Data: data, BaseVersion: base, CreatedAt: p.Now},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	resp := p.Serve(p.t.Context(), sync.Request{Method: "POST", Path: api.PathOperations, Body: body, Header: map[string]string{"Content-Type": "application/json"}})
	var result api.BatchResult
	if err := json.Unmarshal(resp.Body, &result); err != nil || len(result.Results) != 1 {
		p.t.Fatalf("%s (%v)", resp.Body, err)
	}
	if result.Results[0].Status == api.Applied {
		return ""
	}
	return reason(result.Results[0].Problem)
}

// older is the codec of a version that took every text as it came.
func older() repository.Codec[api.User, api.UserPatch] {
	c := directory.Codec
	c.Clean = func(u api.UserPatch, _ bool) (api.UserPatch, *api.Problem) { return u, nil }
	return c
}

// device writes on a device with that codec, and has today's engine send it.
func (p *place) device(codec repository.Codec[api.User, api.UserPatch], update bool, u api.UserPatch) string {
	d := p.Device()
	d.Sync()
	d.Collection = repository.New(repository.Config[api.User, api.UserPatch]{
		Store: d.Store, Bus: d.Channel.Bus(), Schema: directory.Users, Codec: codec,
		Now: func() time.Time { return p.Now }, After: time.After, NewID: uuid.NewString,
	})
	defer d.Collection.Close()
	var err error
	if update {
		_, err = d.Update(p.t.Context(), p.id, u)
	} else {
		_, err = d.Create(p.t.Context(), u)
	}
	if err != nil {
		var problem *api.Problem
		if !errors.As(err, &problem) {
			p.t.Fatal(err)
		}
		return reason(problem)
	}
	d.Sync()
	stopped, err := d.NeedsAttention(p.t.Context(), 1)
	d.OK(err)
	if len(stopped) == 0 {
		return ""
	}
	return reason(stopped[0].LastError)
}

func (p *place) imports(file string) (refused string) {
	f, err := roster.Open(strings.NewReader(file), roster.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	run := exchange.Import{To: p.data, Apply: true, Report: func(r plan.Result) error {
		if r.Action == plan.Refused {
			refused = r.Summary()
		}
		return nil
	}}
	if err := run.Run(p.t.Context(), f); err != nil {
		p.t.Fatal(err)
	}
	return refused
}

// reason is a problem as an import words it.
func reason(p *api.Problem) string {
	var all []string
	for _, e := range p.Errors {
		all = append(all, strings.TrimPrefix(e.Field, "data.")+" "+e.Detail)
	}
	if len(all) == 0 {
		return string(p.Code)
	}
	return strings.Join(all, "; ")
}

func asCSV(id string, u api.UserPatch) string {
	var file bytes.Buffer
	w := csv.NewWriter(&file)
	_ = w.WriteAll([][]string{{"id", "name", "email", "bio"}, {id, *u.Name, *u.Email, *u.Bio}}) // a buffer takes all
	return file.String()
}

func asJSON(id string, u api.UserPatch) string {
	fields := map[string]string{"name": *u.Name, "email": *u.Email, "bio": *u.Bio}
	if id != "" {
		fields["id"] = id
	}
	line, _ := json.Marshal(fields) // strings can be
	return string(line) + "\n"
}

func asExport(t *testing.T, u api.UserPatch) string {
	t.Helper()
	var file bytes.Buffer
	w, err := roster.NewCSVWriter(&file, true)
	if err := errors.Join(err, w.Write(u.Apply(api.User{ID: uuid.NewString()})), w.Close()); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// TestTextThatDeceives: the same text has the same verdict and is stored in the same form,
// through whichever door it comes.
func TestTextThatDeceives(t *testing.T) {
	const email = "ann@x.example"
	marks := strings.Repeat("\u0301\u0323", 40)
	for _, c := range []struct {
		name, email, bio string
		refused          string // a part of the reason, or
		stored           string // name, email and bio, joined
	}{
		// Letters that nobody sees.
		{"\u200b\ufeffAnn\u2060\u00ad", "\u200bann@x.example\u200f", "\u200bbio", "", "Ann|" + email + "|\u200bbio"},
		{"\u200b\u2060", email, "", "name is required", ""},
		{"\u3164", email, "", "name is required", ""},
		{"\u2800", email, "", "name shows nothing", ""},
		{"Ann", "an\u200bn@x.example", "", "email has a character that nobody sees", ""},
		{"Ann", "ann@x.exa\u00admple", "", "email has a character that nobody sees", ""},
		{"Ann", "a\u00a0nn@x.example", "", "email has a character that nobody sees", ""},
		{"Ann\u00a0Lee\u2003", email, " two\n\n", "", "Ann\u00a0Lee|" + email + "| two"},
		{"❤\ufe0f", email, "", "", "❤\ufe0f|" + email + "|"},
		// Letters that look like others.
		{"Ann", "ſam@x.example", "", "email has a letter that only looks like a plain one", ""},
		{"Ann", "ann＠x.example", "", "email is not an email address", ""},
		{"Ann", "ann@x。example", "", "email has a domain with the part", ""},
		{"Ann", "ａnn@x.example", "", "email has a letter that only looks like a plain one", ""},
		{"Ann", "o’brien@x.example", "", "email has the sign", ""},
		{"Ann", "ann@xn--a-\u0430.example", "", "email has a domain with the part", ""},
		{"\u0410nn", "\u0430nn@x.example", "\u0430", "", "\u0410nn|\u0430nn@x.example|\u0430"},
		// Controls of direction, and of terminals.
		{"\u202eAnn\u202c", email, "a\u2066b", "", "Ann|" + email + "|a\u2066b"},
		{"A\u202enn", email, "\u202eb", "", "A\u202enn|" + email + "|\u202eb"},
		{"Ann", "a\u202enn@x.example", "", "email has a character that nobody sees", ""},
		{"A\u009b31mnn", email, "", "name has a control character", ""},
		{"A\x1b[31m", email, "\x07", "name has a control character; remove it; bio has a control character", ""},
		{"A\tnn", email, "a\tb", "name has a control character", ""},
		// Composed and decomposed, and ends of lines.
		{"E\u0301mile \u212b", "e\u0301mile@bu\u0308cher.example", "e\u0301\r\nb\rc", "", "Émile Å|émile@bücher.example|é\nb\nc"},
		{"\u1100\u1161\u11a8", email, "\u0958", "", "각|" + email + "|\u0915\u093c"},
		{"e" + marks, email, "", "", api.NormalText("e"+marks) + "|" + email + "|"},
		{"Ann\u2028Lee", email, "a\u2028b", "", "Ann\u2028Lee|" + email + "|a\u2028b"},
		{strings.Repeat("e\u0301", 200), email, "", "", strings.Repeat("é", 200) + "|" + email + "|"},
		{strings.Repeat("e\u0301", 201), email, "", "name is 201 characters long", ""},
		{"Ann", "ann@" + strings.Repeat("é", 64) + ".example", "", "email has a domain with a part of over 63 characters", ""},
		{"=1;=2", email, "=1;'=2\n\u200b=3", "", "=1;=2|" + email + "|=1;'=2\n\u200b=3"},
	} {
		for door, enter := range doors {
			p := newPlace(t)
			refused := enter(p, testbed.Patch(c.name, c.email, c.bio))
			if (refused == "") != (c.refused == "") || !strings.Contains(refused, c.refused) {
				t.Errorf("%s: %q <%q> %q is refused with %q, want %q", door, c.name, c.email, c.bio, refused, c.refused)
			}
			var others []string
			for _, u := range p.Users() {
				if u.Email != keeper {
					others = append(others, u.Name+"|"+u.Email+"|"+u.Bio)
				}
			}
			if got := strings.Join(others, " and "); got != c.stored {
				t.Errorf("%s: %q <%q> %q is stored as %q, want %q", door, c.name, c.email, c.bio, got, c.stored)
			}
		}
	}
}

// TestOneEmailInManyForms: whoever writes an address another way gets no second user of it.
func TestOneEmailInManyForms(t *testing.T) {
	for _, pair := range [][2]string{
		{"e\u0301mile@x.example", "émile@x.example"}, {"Émile@X.example", "e\u0301mile@x.example"},
		{"a@bücher.example", "a@xn--bcher-kva.example"}, {"a@BU\u0308CHER.example", "A@XN--BCHER-KVA.example"},
		{"ann@x.example", "\u200bANN@x.example\u200f"}, {"\u212aelvin@x.example", "kelvin@x.example"},
	} {
		first, second := testbed.Patch("First", pair[0], ""), testbed.Patch("First", pair[1], "")
		for door, enter := range doors {
			p := newPlace(t)
			if problem := p.request("POST", api.PathUsers, first); problem != "" {
				if !strings.Contains(problem, "looks like") { // then it can't be anybody's
					t.Fatalf("%q: %s", pair[0], problem)
				}
				continue
			}
			refused := enter(p, second)
			if imports := strings.HasPrefix(door, "import of") && !strings.Contains(door, "change") && !strings.Contains(door, "own"); imports == (refused != "") {
				t.Errorf("%s: %q beside %q: refused with %q", door, pair[1], pair[0], refused)
			}
			if users := p.Users(); len(users) != 2 || slices.IndexFunc(users, func(u api.User) bool { return u.Email == keeper }) < 0 {
				t.Errorf("%s: %q and %q make %v", door, pair[0], pair[1], users)
			}
		}
	}
}
