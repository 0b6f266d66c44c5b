package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// Upgrade is a database that an older program has written, before texts had a normal form.
type Upgrade struct {
	// Open opens the store, and upgrades the database if need be.
	Open func() Store
	// Exec runs a statement beside it, with parameters ?1, ?2 and so on.
	Exec func(text string, args ...any)
	// Age makes the database forget the migration.
	Age string
	// Check is the store's check.
	Check func() (store.Report, error)
}

// oldUser is a user as an older program stored it, with the key that it stored for the email.
type oldUser struct{ id, name, email, bio string }

// RunUpgrade checks what becomes of such a database.
func RunUpgrade(t *testing.T, up Upgrade) {
	users := []oldUser{
		{"", "Anna Straße", "anna@example.org", "plain\nlines"},
		{"", "E\u0301tienne", "etienne@example.org", "one\r\ntwo\rthree"},
		{"", "\u200eBo\u200b", "bo@example.org", ""},
		{"", "\u200b", "nobody@example.org", ""},
		{"", "Idn", "idn@bücher.example", ""},
		{"", "Puny", "IDN@xn--bcher-kva.example", ""},
		{"", "Kelvin", "\u212aelvin@example.org", ""},
	}
	before := age(t, up, users)
	b := &fixture{T: t, store: up.Open()}
	defer func() { _ = b.store.Close() }()
	changes, _ := b.feed(before, 2)
	got := map[string]api.User{}
	for _, c := range changes {
		var u api.User
		if err := json.Unmarshal(c.Document, &u); err != nil || u.Version != c.Version || c.Version != 2 {
			t.Errorf("%s came with version %d, then %s (%v)", c.EntityID, c.Version, c.Document, err)
		}
		got[c.EntityID] = u
	}
	// Those whose texts changed, and no others, are changes for the devices.
	if len(got) != 3 || got[users[1].id].Name != "Étienne" || got[users[1].id].Bio != "one\ntwo\nthree" || got[users[2].id].Name != "Bo" ||
		got[users[6].id].Email != "Kelvin@example.org" {
		t.Errorf("the feed goes on with %+v", got)
	}
	if err := CheckDigest(t.Context(), b.store, 3); err != nil {
		t.Error(err)
	}
	for search, name := range map[string]string{"STRASSE": "Anna Straße", "etienne": "Étienne"} {
		if found := b.list(store.ListQuery{Search: api.FoldText(search), Limit: 9}); !slices.Equal(found, []string{name}) {
			t.Errorf("%q finds %q, want %q", search, found, name)
		}
	}
	checkClash(b, up, users[4], users[5])
}

// age has a store with the users as of the older program, and returns the feed's end there.
func age(t *testing.T, up Upgrade, users []oldUser) (before string) {
	t.Helper()
	b := &fixture{T: t, store: up.Open(), clock: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
	for i := range users {
		users[i].id = b.create("Somebody", uuid.NewString()+"@example.org")
	}
	before = b.head()
	documents := map[string]string{}
	for _, u := range users {
		row, err := b.store.User(t.Context(), u.id)
		if err != nil {
			t.Fatal(err)
		}
		is, err := row.User()
		if err != nil {
			t.Fatal(err)
		}
		is.Name, is.Email, is.Bio = u.name, u.email, u.bio
		document, err := json.Marshal(is)
		if err != nil {
			t.Fatal(err)
		}
		documents[u.id] = string(document)
	}
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		key := strings.ToLower(strings.TrimSpace(u.email))
		up.Exec(`UPDATE users SET document = ?1, email_key = ?2, sort = ?3, search = ?4 WHERE id = ?5`,
			documents[u.id], key, strings.ToLower(u.name), strings.ToLower(u.name+"\n"+u.email), u.id)
	}
	up.Exec(up.Age)
	return before
}

// checkClash: two users whose emails are one by now both stay, are reported, and can be edited;
// nobody can take their email.
func checkClash(b *fixture, up Upgrade, first, second oldUser) {
	b.Helper()
	reports := func() (about []string) {
		b.Helper()
		report, err := up.Check()
		if err != nil {
			b.Fatal(err)
		}
		for _, p := range report.Problems {
			if strings.Contains(p, "also that of user") {
				about = append(about, p)
			} else if !strings.Contains(p, "shows nothing") && !strings.Contains(p, "name is required") && !strings.Contains(p, "looks like") {
				b.Errorf("the check says %q", p)
			}
		}
		return about
	}
	if got := reports(); len(got) != 1 || !strings.Contains(got[0], first.id) || !strings.Contains(got[0], second.id) {
		b.Errorf("the check reports %q, want %s and %s with one email", got, first.id, second.id)
	}
	versions := map[string]int64{first.id: 1, second.id: 1}
	edit := func(id, data string) {
		b.Helper()
		versions[id] = b.one(op(id, api.Update, versions[id], data), api.Applied).Result.Version
	}
	for i, u := range []oldUser{first, second} {
		edit(u.id, fmt.Sprintf(`{"bio":"edited","email":%q}`, u.email))
		edit(u.id, `{"name":"Edited"}`)
		if got := len(reports()); got != 1 {
			b.Errorf("after edit %d the check reports %d, want 1", i, got)
		}
	}
	taken := func(id string, kind api.OperationType, base int64) {
		b.Helper()
		for _, email := range []string{"IDN@BÜCHER.example", second.email} {
			o := b.one(op(id, kind, base, person("Third", email)), api.Rejected)
			if o.Result.Problem.Code != api.CodeEmailTaken {
				b.Errorf("%s was refused as %+v", email, o.Result.Problem)
			}
		}
	}
	taken(uuid.NewString(), api.Create, 0)
	// In one batch with what frees one of the two, and after it: the other still has it.
	out := b.apply(op(first.id, api.Update, versions[first.id], `{"email":"first@example.org"}`), op(uuid.NewString(), api.Create, 0, person("Fourth", first.email)))
	if out[0].Result.Status != api.Applied || out[1].Result.Status != api.Rejected {
		b.Errorf("one moved away: %+v", out)
	}
	taken(uuid.NewString(), api.Create, 0)
	taken(first.id, api.Update, out[0].Result.Version)
	if got := reports(); len(got) != 0 {
		b.Errorf("with one of the two the check reports %q", got)
	}
	edit(second.id, `{"email":"second@example.org"}`)
	b.create("Fifth", first.email)
	if err := CheckDigest(b.Context(), b.store, 3); err != nil {
		b.Error(err)
	}
}

// testOlderTexts: an operation that an older program queued takes effect in the normal form,
// or is refused with words; it is no conflict with itself.
func testOlderTexts(t *testing.T, b *fixture) {
	id := b.create("Ann", "ann@example.org")
	typed := op(id, api.Update, 1, `{"name":"\u200eE\u0301tienne ","bio":"one\r\ntwo\r\n"}`)
	first := b.one(typed, api.Applied)
	var u api.User
	if err := json.Unmarshal(first.Result.Document, &u); err != nil || u.Name != "Étienne" || u.Bio != "one\ntwo" {
		t.Errorf("stored as %+v (%v)", u, err)
	}
	b.one(typed, api.Duplicate)
	b.one(op(id, api.Update, 1, string(typed.Data)), api.Duplicate)
	b.one(op(id, api.Update, 1, `{"bio":"one\r\nthree"}`), api.Conflict)
	for _, email := range []string{"\uff41nn@example.org", "an\u200bn@example.org"} {
		refused := op(id, api.Update, 2, fmt.Sprintf(`{"email":%q}`, email))
		_, problem := store.Prepare(clientID, refused)
		if problem == nil || len(problem.Errors) != 1 || !strings.Contains(problem.Errors[0].Detail, "type it again") {
			t.Errorf("%q: %+v", email, problem)
		}
	}
}

// withoutAccounts are statements that drop the tables that came after those of the records.
const withoutAccounts = `DROP TABLE history; DROP TABLE audit; DROP TABLE access; DROP TABLE grants; DROP TABLE credentials; DROP TABLE accounts; `

// OlderRecords are statements that make the table records what it was when records had results
// and hashes, and empty.
const OlderRecords = withoutAccounts + `DROP TABLE records; CREATE TABLE records (key TEXT PRIMARY KEY, client_id TEXT NOT NULL,
  entity_id TEXT NOT NULL, hash TEXT NOT NULL, result TEXT NOT NULL, at BIGINT NOT NULL); CREATE INDEX records_at ON records (at)`

// WithoutEpochs are statements that make the tables what they were before the feed knew epochs,
// with its digest of a type for bytes. With the records of the migrations deleted, the next
// start adds the epochs again.
func WithoutEpochs(bytes, none string) string {
	text := OlderRecords + "; ALTER TABLE feed ADD COLUMN digest " + bytes + " NOT NULL DEFAULT " + none
	for _, column := range []string{"contents", "past", "floor"} {
		text += "; ALTER TABLE feed DROP COLUMN " + column
	}
	return text
}

// Erased is a text of deleted people in the records that RunUpgradeOfRecords makes.
const Erased = "Bohumila"

// RunUpgradeOfRecords checks what becomes of the records of an older program, which had results
// with documents, and hashes of texts.
func RunUpgradeOfRecords(t *testing.T, up Upgrade) {
	b := &fixture{T: t, store: up.Open(), clock: time.Now()}
	dead := person(Erased, "bo@example.org")
	ada, bo := op(uuid.NewString(), api.Create, 0, ada), op(uuid.NewString(), api.Create, 0, dead)
	request := keyed("k", api.Create, "", 0, personal(Erased+" C", "cy@example.org"))
	b.apply(ada, bo)
	b.write(request)
	b.one(op(bo.EntityID, api.Delete, 1, ""), api.Applied)
	b.one(op(request.EntityID, api.Delete, 1, ""), api.Applied)
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	up.Exec(OlderRecords)
	for _, r := range []struct{ key, client, entity, result string }{
		{"operation:" + ada.ID, clientID, ada.EntityID, `{"id":"x","status":"applied","version":1,"stamp":"s","document":null}`},
		{"operation:" + bo.ID, clientID, bo.EntityID, `{"id":"x","status":"applied","version":1,"stamp":"s","document":` + dead + `}`},
		{"request:k", "rest", request.EntityID, `{"id":"x","status":"applied","version":1,"document":{"name":"` + Erased + `","status":"odd","version":7}}`},
		{"operation:" + uuid.NewString(), clientID, uuid.NewString(), `{"id":"x","status":"duplicate","version":0,"document":null}`},
		{"request:broken", "rest", ada.EntityID, `{"id":`},
		{"request:nobody", "rest", "", `{"id":"x","status":"applied","version":2,"document":null}`},
	} {
		up.Exec(`INSERT INTO records (key, client_id, entity_id, hash, result, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
			r.key, r.client, r.entity, "hash of "+Erased, r.result, b.now().UnixMicro())
	}
	up.Exec(up.Age)
	b.store = up.Open()
	b.unchanged(func() {
		if o := b.one(ada, api.Duplicate); !o.Replayed || o.First != api.Applied || nameIn(t, o.Result.Document) != "Ada" {
			t.Errorf("of a live user: %+v", o)
		}
		again := keyed("k", api.Create, "", 0, personal(Erased+" C", "cy@example.org"))
		for _, o := range []store.Outcome{b.one(bo, api.Duplicate), b.write(again)} {
			if !o.Replayed || o.First != api.Applied || o.Result.Document != nil || o.Result.Version < 2 {
				t.Errorf("of an erased user: %+v", o)
			}
		}
		other := ada
		other.Data = []byte(person("Eve", "eve@example.org"))
		b.one(other, api.Rejected)
		other.EntityID = uuid.NewString()
		b.one(other, api.Rejected)
	})
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	if report, err := up.Check(); err != nil || len(report.Problems) > 0 || report.Records != 4 {
		t.Errorf("the check finds %+v (%v), want 4 records", report, err)
	}
}
