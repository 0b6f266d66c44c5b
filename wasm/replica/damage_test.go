package replica_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/replica"
	"github.com/rollcall/rollcall/wasm/replica/replicatest"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/storetest"
	"github.com/rollcall/rollcall/wasm/sync"
)

// people are changes of the feed that bring n rows.
func people(n int) (all []api.Change) {
	for i := range n {
		id := fmt.Sprintf("%02x-%d", i*37%256, i)
		all = append(all, api.Change{EntityType: "user", EntityID: id, Version: 1, Document: fmt.Appendf(nil, `{"name":"%d"}`, i*7%n)})
	}
	return all
}

// repaired compares what a tab has with the server's rows, and repairs what differs, as a
// check does.
func repaired(t *testing.T, s *tab, server []api.Change) {
	t.Helper()
	var want api.Digest
	for _, c := range server {
		want.Add(c.EntityID, c.Version, api.ContentHash(c.Document))
	}
	for range 4 {
		have, err := s.Digest(t.Context(), "user")
		if err != nil {
			t.Fatal(err)
		}
		differ := have.Diff(&want)
		if len(differ) == 0 {
			return
		}
		for _, n := range differ {
			r := sync.Repair{Type: "user", IDs: api.BucketRange(n), Generation: 1}
			for _, c := range server {
				if r.IDs.Contains(c.EntityID) {
					r.Changes = append(r.Changes, c)
				}
			}
			if _, err := s.Repair(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("repairs do not end")
}

// expectRows checks that the list has every row once, and that its length is told.
func expectRows(t *testing.T, s *tab, server []api.Change) {
	t.Helper()
	rows, err := s.Rows(t.Context(), repository.Window{Type: "user", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, v := range rows.Views {
		ids[v.Ref.ID] = true
	}
	if rows.Total != len(server) || len(rows.Views) != len(server) || len(ids) != len(server) {
		t.Fatalf("a list of %d rows shows %d, of %d people; want %d", rows.Total, len(rows.Views), len(ids), len(server))
	}
	for _, c := range server {
		e, err := s.Entity(t.Context(), queue.Ref{Type: "user", ID: c.EntityID})
		if err != nil || e.Confirmed == nil {
			t.Fatalf("%s is %+v, %v", c.EntityID, e, err)
		}
	}
}

// TestADamagedDirectoryIsRepaired damages each line of both directories in turn, or takes it
// out. What lay there comes again, by writes that know nothing of the damage, too, and what
// the server has not goes.
func TestADamagedDirectoryIsRepaired(t *testing.T) {
	for _, rows := range []int{1, 60} {
		testDamagedDirectories(t, people(rows))
	}
}

func testDamagedDirectories(t *testing.T, server []api.Change) {
	t.Helper()
	for _, key := range []string{"list/user", "ids/user"} {
		pages := 0
		for n := 0; n <= pages; n++ {
			for _, how := range []string{"damaged", "taken out", "torn"} {
				t.Run(fmt.Sprint(len(server), " rows, ", key, " line ", n, " ", how), func(t *testing.T) {
					b := newBrowser()
					s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
					gone := api.Change{EntityType: "user", EntityID: "33-gone", Version: 1, Document: []byte(`{"name":"0"}`)}
					if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: append([]api.Change{gone}, server...)}); err != nil {
						t.Fatal(err)
					}
					compact(t, s.Store)
					b.Damage(key, func(text string) string {
						lines := slices.Collect(strings.Lines(text))
						pages = len(lines) - 1
						switch how {
						case "damaged":
							lines[n] = strings.Replace(lines[n], "\t", "\t9", 1)
						case "taken out":
							lines[n] = ""
						case "torn":
							lines = lines[:n]
						}
						return strings.Join(lines, "")
					})
					s.Forget()
					again := sync.Page{Generation: 1, Resync: true, Changes: server[len(server)/3 : len(server)/2]}
					if _, err := s.ApplyPage(t.Context(), again); err != nil {
						t.Fatal(err)
					}
					if n%2 == 0 {
						compact(t, s.Store) // where a page is lost, there may be another by then
					}
					repaired(t, s, server)
					expectRows(t, s, server)
					compact(t, s.Store)
					repaired(t, s, server)
					expectRows(t, s, server)
					compact(t, s.Store)
					s.Forget()
					expectRows(t, s, server)
				})
			}
		}
	}
}

// TestPagesThatNobodyNamesAreDeleted: they are what is left of a damaged directory, and may be very many. What others keep
// beside the data stays.
func TestPagesThatNobodyNamesAreDeleted(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, nil)
	server := people(60)
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
		t.Fatal(err)
	}
	put := map[string]string{"draft/user": "typed", "import/last": "{}"}
	kept := len(put)
	for n := range 2*replica.NamesPart + 10 {
		put[fmt.Sprint("list/user/", 1000+n)], put[fmt.Sprint("ids/user/", 1000+n)] = "lost", "lost"
	}
	all := replica.Query{Write: true, Read: replica.Read{After: 1 << 40}}
	if err := b.Open().Run(t.Context(), all, func(replica.Found) (replica.Step, error) { return replica.Step{Put: put}, nil }); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	texts, _ := b.Texts()
	for name := range put {
		if texts[name] == "lost" {
			t.Fatalf("%s is still there, one of %d texts", name, len(texts))
		}
		if texts[name] != "" {
			kept--
		}
	}
	if kept != 0 {
		t.Errorf("%d of the texts of others are gone", kept)
	}
	s.Forget()
	expectRows(t, s, server)
}

// TestARowThatIsThereTwiceCountsOnce puts a row that nobody has saved into a leaf twice.
func TestARowThatIsThereTwiceCountsOnce(t *testing.T) {
	server := people(5)
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	forged := replicatest.Sealed("r\tforged\tForged\t1\t\t\t{\"name\":\"Forged\"}")
	b.Damage("list/user/1", func(text string) string { return forged + forged + text })
	s.Forget()
	if _, err := s.Rows(t.Context(), repository.Window{Type: "user", Limit: 9}); err != nil {
		t.Fatal(err)
	}
	write(t, s, server[0].EntityID, "1")
	compact(t, s.Store)
	repaired(t, s, server)
	expectRows(t, s, server)
}

// TestARowThatOnlyTheLogHadIsMissedNowhere: the line that brought a row is damaged, and a later one
// removes that.
func TestARowThatOnlyTheLogHadIsMissedNowhere(t *testing.T) {
	server := people(5)
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	apply := func(changes ...api.Change) {
		t.Helper()
		if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: changes}); err != nil {
			t.Fatal(err)
		}
	}
	apply(server...)
	compact(t, s.Store)
	brought := api.Change{EntityType: "user", EntityID: "77-new", Version: 1, Document: []byte(`{"name":"3"}`)}
	apply(brought)
	_, log := b.Texts()
	b.DamageLog(slices.Max(slices.Collect(maps.Keys(log))), func(text string) string { return strings.Replace(text, "77-new", "78-new", 1) })
	brought.Version, brought.Deleted, brought.Document = 2, true, nil
	apply(brought)
	s.Forget()
	expectRows(t, s, server)
}

// TestAWindowAndTheLengthAgree damages lines of leaves, ids, directories and the log at random,
// while tabs write that know of it, or do not. Whatever is lost, what a list shows and how long it
// is told to be follow from the same rows, and nobody else is missing.
func TestAWindowAndTheLengthAgree(t *testing.T) {
	for seed := range uint64(200) {
		d := &spoiled{T: t, Rand: rand.New(rand.NewPCG(seed, 5)), browser: newBrowser(), hit: map[string]bool{}, server: map[string]api.Change{}}
		for range 2 {
			d.open(storetest.Schemas, func(o *replica.Options) { o.Bounds, o.Cache, o.Texts = small, 4000*d.IntN(3)+1, 1000*d.IntN(3)+1 })
		}
		for range 30 {
			d.step()
			for _, s := range d.tabs {
				d.check(seed, s)
			}
		}
	}
}

// spoiled is a browser of which lines are damaged.
type spoiled struct {
	*testing.T
	*rand.Rand
	*browser
	server  map[string]api.Change
	version int64
	hit     map[string]bool // people of whom a line was damaged
	lost    bool            // any other line was
}

func (d *spoiled) step() {
	s := d.tabs[d.IntN(len(d.tabs))]
	ref := queue.Ref{Type: "user", ID: fmt.Sprintf("%02x-someone", d.IntN(25))}
	switch d.IntN(10) {
	case 0:
		_, _ = s.Compact(d.Context())
	case 1:
		for _, s := range d.tabs {
			s.Forget()
		}
	case 2, 3:
		d.damage()
	case 4:
		err := s.Update(d.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			return es[0].Enqueue(queue.Write{ID: fmt.Sprint("op", d.Uint64()), Type: api.Create, Data: []byte(`{"name":"9"}`), At: fixedNow()})
		})
		d.hit[ref.ID] = d.hit[ref.ID] || err != nil // somebody is there
	case 5:
		err := s.Update(d.Context(), queue.Txn{Refs: []queue.Ref{ref}}, func(es []*queue.Entity) error {
			es[0].Operations = nil
			return nil
		})
		if err != nil {
			d.Fatal(err)
		}
	default:
		d.version++
		c := api.Change{EntityType: "user", EntityID: ref.ID, Version: d.version, Deleted: d.IntN(4) == 0}
		if !c.Deleted {
			c.Document = fmt.Appendf(nil, `{"name":"%d"}`, d.IntN(9))
		}
		if _, err := s.ApplyPage(d.Context(), sync.Page{Generation: 1, Changes: []api.Change{c}}); err != nil {
			d.Fatal(err)
		}
		d.server[ref.ID] = c
	}
}

// damage takes a line out, alters it, or puts it elsewhere.
func (d *spoiled) damage() {
	base, log := d.Texts()
	var keys []string
	for key := range base {
		if strings.HasPrefix(key, "list/") || strings.HasPrefix(key, "ids/") || strings.HasPrefix(key, "text/") {
			keys = append(keys, key)
		}
	}
	for seq := range log {
		keys = append(keys, fmt.Sprint(seq))
	}
	if len(keys) == 0 {
		return
	}
	slices.Sort(keys)
	key := keys[d.IntN(len(keys))]
	change := func(text string) string {
		lines := slices.Collect(strings.Lines(text))
		if len(lines) == 0 {
			return text
		}
		n := d.IntN(len(lines))
		of := slices.IndexFunc(strings.Split(lines[n], "\t"), func(f string) bool { return strings.HasSuffix(f, "-someone") })
		if of < 0 || lines[n][0] == 'l' || lines[n][0] == 's' {
			d.lost = true
		} else {
			d.hit[strings.Split(lines[n], "\t")[of]] = true
		}
		switch how := d.IntN(4); {
		case how == 0:
			lines[n] = ""
		case how == 1:
			lines[n] = strings.Replace(lines[n], "\t", "\t9", 1)
		case strings.HasPrefix(key, "list/user/"):
			if f := strings.Split(lines[n], "\t"); how == 2 {
				f[2] = fmt.Sprint(d.IntN(10))
				lines[n] = replicatest.Sealed(strings.Join(f[:len(f)-1], "\t"))
			} else {
				lines[n] += replicatest.Sealed("r\tforged\tForged\t1\t\t\t{\"name\":\"Forged\"}")
			}
		}
		return strings.Join(lines, "")
	}
	if seq, err := strconv.ParseInt(key, 10, 64); err == nil {
		d.DamageLog(seq, change)
	} else {
		d.Damage(key, change)
	}
}

func (d *spoiled) check(seed uint64, s *tab) {
	// What is in memory of an older base may be whole. The reads below are to be of one base.
	if err := s.Refresh(d.Context()); err != nil {
		d.Fatal(err)
	}
	all, err := s.Rows(d.Context(), repository.Window{Type: "user", Limit: 1000})
	if err != nil {
		d.Fatal(err)
	}
	if all.Total != len(all.Views) {
		d.Fatalf("seed %d: a list of %d rows shows %d", seed, all.Total, len(all.Views))
	}
	skip := d.IntN(all.Total + 1)
	part, err := s.Rows(d.Context(), repository.Window{Type: "user", Skip: skip, Limit: 3})
	want := all.Keys[skip:min(skip+3, all.Total)]
	if err != nil || part.Total != all.Total || !slices.Equal(part.Keys, want) {
		d.Fatalf("seed %d: behind %d of %d rows are %v, %v; want %v", seed, skip, part.Total, part.Keys, err, want)
	}
	seen, name := map[string]int{}, fmt.Sprint(d.IntN(10))
	var named []queue.Key
	for i, v := range all.Views {
		if seen[v.Ref.ID]++; strings.Contains(string(v.Document), `"name":"`+name) {
			named = append(named, all.Keys[i])
		}
	}
	found, err := s.Rows(d.Context(), repository.Window{Type: "user", Search: name, Limit: 1000})
	if err != nil || found.Total != len(named) || !slices.Equal(found.Keys, named) {
		d.Fatalf("seed %d: %d are found under %s, %v, %v; want %v", seed, found.Total, name, found.Keys, err, named)
	}
	for id, c := range d.server {
		if e, _ := s.Entity(d.Context(), queue.Ref{Type: "user", ID: id}); !d.lost && !d.hit[id] && len(e.Operations) == 0 && (seen[id] == 1) == c.Deleted {
			d.Fatalf("seed %d: %s is listed %d times; the server has %+v", seed, id, seen[id], c)
		}
	}
}

// TestATabHearsOfTheFirstWrite: it has read the database before that had an identity.
func TestATabHearsOfTheFirstWrite(t *testing.T) {
	b := newBrowser()
	early, other := b.open(storetest.Schemas, nil), b.open(storetest.Schemas, nil)
	expectRows(t, early, nil)
	server := people(1)
	if _, err := other.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
		t.Fatal(err)
	}
	expectRows(t, early, server)
}

// TestAMisplacedRowGoesWithItsPerson: a leaf was damaged and written anew, and then lists somebody
// elsewhere than their ids say. When they go, and the leaf is written anew by a tab that has not
// read it, they do not come back.
func TestAMisplacedRowGoesWithItsPerson(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	server := people(3)
	apply := func(changes ...api.Change) {
		t.Helper()
		if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: changes}); err != nil {
			t.Fatal(err)
		}
	}
	apply(server...)
	compact(t, s.Store)
	forged := replicatest.Sealed("r\tforged\tForged\t1\t\t\t{\"name\":\"Forged\"}")
	b.Damage("list/user/1", func(text string) string { return text + forged })
	s.Forget()
	repaired(t, s, server)
	apply(api.Change{EntityType: "user", EntityID: server[0].EntityID, Version: 2, Document: server[0].Document})
	compact(t, s.Store)
	s.Forget()
	base, _ := b.Texts()
	for key, text := range base {
		if strings.HasPrefix(key, "list/user/") {
			line := text[strings.Index(text, "r\t"+server[1].EntityID):]
			line = line[:strings.Index(line, "\n")+1]
			f := strings.Split(line, "\t")
			f[2] = "Zzz"
			b.Damage(key, func(string) string {
				return strings.Replace(text, line, "", 1) + replicatest.Sealed(strings.Join(f[:len(f)-1], "\t"))
			})
		}
	}
	apply(api.Change{EntityType: "user", EntityID: server[1].EntityID, Version: 2, Deleted: true})
	s.Forget()
	compact(t, s.Store)
	expectRows(t, s, []api.Change{server[0], server[2]})
}

// TestADamagedLeafIsWrittenAnew as soon as there is nothing else to do, however little the log has.
func TestADamagedLeafIsWrittenAnew(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	server := people(3)
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	b.Damage("list/user/1", func(text string) string { return text[strings.Index(text, "\n")+1:] })
	s.Forget()
	for n := range 3 {
		if _, err := s.Digest(t.Context(), "user"); err != nil {
			t.Fatal(err)
		}
		if more, err := s.Tidy(t.Context()); more || err != nil {
			t.Fatal(more, err)
		}
		if base, _ := b.Texts(); base["list/user/1"] != "" || base["list/user/2"] == "" {
			t.Fatalf("after %d times the base has %v", n+1, slices.Sorted(maps.Keys(base)))
		}
	}
}

// TestARoundWritesADamagedLeafAnew: nobody tidies behind the rounds of a service worker. What the next
// process reads is in order all the same, once a round has compared: it notes that by a page without changes.
func TestARoundWritesADamagedLeafAnew(t *testing.T) {
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: people(3)}); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	b.Damage("list/user/1", func(text string) string { return text[strings.Index(text, "\n")+1:] })
	s.Forget()
	if _, err := s.Digest(t.Context(), "user"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ApplyPage(t.Context(), sync.Page{Meta: map[string]string{sync.MetaCheck: "{}"}}); err != nil {
		t.Fatal(err)
	}
	if base, _ := b.Texts(); base["list/user/1"] != "" || base["list/user/2"] == "" {
		t.Errorf("the base has %v", slices.Sorted(maps.Keys(base)))
	}
}

// TestATabTakesOverWhatOthersStillHave: a line is damaged, and only who has read it before knows
// what it said. Once they have moved the log into the base, everybody does.
func TestATabTakesOverWhatOthersStillHave(t *testing.T) {
	b := newBrowser()
	host := b.open(storetest.Schemas, nil)
	fill(t, host)
	ref := queue.Ref{Type: "user", ID: "c"}
	b.DamageLog(b.last(), func(text string) string { return strings.Replace(text, "c\tuser\tc\t1", "c\tuser\tc\t2", 1) })
	late := b.open(storetest.Schemas, nil)
	if e, err := late.Entity(t.Context(), ref); err != nil || e.Confirmed != nil {
		t.Fatalf("the line is not damaged: %+v, %v", e, err)
	}
	compact(t, host.Store)
	for _, s := range []*tab{host, late} {
		if e, err := s.Entity(t.Context(), ref); err != nil || e.Confirmed == nil || len(e.Operations) != 1 {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

// TestARepairKnowsWhatDisagreesThoughOthersCompact: after the comparison another process writes the leaf
// anew, without the row that was damaged, and whoever repairs has to read everything anew.
func TestARepairKnowsWhatDisagreesThoughOthersCompact(t *testing.T) {
	b := newBrowser()
	quiet := func(o *replica.Options) { o.Bounds, o.Publish = small, nil } // no message brings what the other writes
	s, other := b.open(storetest.Schemas, quiet), b.open(storetest.Schemas, quiet)
	server := people(3)
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	b.Damage("list/user/1", func(text string) string { return text[:strings.LastIndex(strings.TrimSpace(text), "\n")+1] })
	s.Forget()
	other.Forget()
	if _, err := s.Digest(t.Context(), "user"); err != nil {
		t.Fatal(err)
	}
	for n := range 2 { // the second time takes the log away that the first one has written
		if err := other.SetMeta(t.Context(), map[string]string{"x": strconv.Itoa(n)}); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Digest(t.Context(), "user"); err != nil {
			t.Fatal(err)
		}
		compact(t, other.Store)
	}
	if base, _ := b.Texts(); base["list/user/1"] != "" {
		t.Fatal("the damaged leaf is there as it was")
	}
	differed := []queue.Ref(nil)
	for n := range api.Buckets {
		r := sync.Repair{Type: "user", IDs: api.BucketRange(n), Generation: 1}
		for _, c := range server {
			if r.IDs.Contains(c.EntityID) {
				r.Changes = append(r.Changes, c)
			}
		}
		refs, err := s.Repair(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		differed = append(differed, refs...)
	}
	if len(differed) != 1 {
		t.Errorf("%d rows differed: %v", len(differed), differed)
	}
	expectRows(t, s, server)
}

// TestARowThatIsThereTwiceWhileTheIDsLackItIsRepaired: leaves of a first reading, of which the ids are yet
// to be made, have somebody again, under another name: in the same leaf or another, before or behind.
func TestARowThatIsThereTwiceWhileTheIDsLackItIsRepaired(t *testing.T) {
	server := make([]api.Change, 12)
	for i := range server {
		server[i] = api.Change{EntityType: "user", EntityID: fmt.Sprintf("%02x-%d", i*37%256, i), Version: 1, Document: fmt.Appendf(nil, `{"name":"m%02d"}`, i)}
	}
	for _, who := range []int{0, 3, 11} {
		for _, name := range []string{"a", "m03x", "z"} {
			for _, leaf := range []string{"list/user/1", "list/user/2"} {
				for _, first := range []string{"compacts", "repairs"} {
					t.Run(fmt.Sprint(who, " as ", name, " in ", leaf, ", ", first), func(t *testing.T) {
						b := newBrowser()
						s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
						if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Resync: true, Changes: server}); err != nil {
							t.Fatal(err)
						}
						if base, _ := b.Texts(); base[leaf] == "" || base["ids/user/1"] != "" {
							t.Fatalf("the base has %v", slices.Sorted(maps.Keys(base)))
						}
						forged := replicatest.Sealed(fmt.Sprintf("r\t%s\t%s\t7\t\t\t{\"name\":\"Forged\"}", server[who].EntityID, name))
						b.Damage(leaf, func(text string) string { return forged + text })
						s.Forget()
						if first == "compacts" {
							compact(t, s.Store)
						}
						repaired(t, s, server)
						expectRows(t, s, server)
						compact(t, s.Store)
						repaired(t, s, server)
						expectRows(t, s, server)
					})
				}
			}
		}
	}
}

// TestIDsThatAreThereTwiceAreRepaired: leaves and ids agree about a row that is a second one of its id, and
// says what the server says.
func TestIDsThatAreThereTwiceAreRepaired(t *testing.T) {
	server := people(5)
	b := newBrowser()
	s := b.open(storetest.Schemas, func(o *replica.Options) { o.Bounds = small })
	if _, err := s.ApplyPage(t.Context(), sync.Page{Generation: 1, Changes: server}); err != nil {
		t.Fatal(err)
	}
	compact(t, s.Store)
	again := func(key, kind, was string) {
		b.Damage(key, func(text string) string {
			var out strings.Builder
			for line := range strings.Lines(text) {
				out.WriteString(line)
				if f := strings.Split(line, "\t"); f[0] == kind && f[1] == server[2].EntityID {
					f[2] = was
					out.WriteString(replicatest.Sealed(strings.Join(f[:len(f)-1], "\t")))
				}
			}
			return out.String()
		})
	}
	again("list/user/1", "r", "zz")
	again("ids/user/1", "i", "zz")
	s.Forget()
	repaired(t, s, server)
	expectRows(t, s, server)
	compact(t, s.Store)
	expectRows(t, s, server)
}
