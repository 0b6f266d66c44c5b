package sim

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// damages are ways to corrupt what is stored behind the engine's back, as a broken disk or
// the browser's developer tools might. They never touch the only copy of an operation.
var damages = []struct {
	name string
	do   func(*damage)
}{
	{"altered", func(d *damage) {
		d.lines("rwc", func(line string) string { return strings.Replace(line, "{", "{ ", 1) })
	}},
	{"an older version", func(d *damage) { d.version(-1) }},
	{"a newer version", func(d *damage) { d.version(3) }},
	{"lost", func(d *damage) { d.lines("rwcit", func(string) string { return "" }) }},
	{"hidden", func(d *damage) { d.lines("i", func(string) string { return "" }) }},
	{"misplaced", func(d *damage) {
		d.lines("r", func(line string) string {
			f := strings.Split(line, "\t")
			f[2] = "Zzz"
			return sealed(f)
		})
	}},
	{"forged", forge},
	{"its change in the log altered", func(d *damage) { d.lastChange() }},
	{"its page lost from a directory", func(d *damage) { d.directory() }},
	{"one copy of the state torn", func(d *damage) { d.state() }},
}

// damageNames are the events to count, one for each of damages.
var damageNames = func() (names []string) {
	for _, d := range damages {
		names = append(names, "row corrupted: "+d.name)
	}
	return names
}()

// neverCreated is the number of an entity that no device creates.
const neverCreated = 9999

// damage is done to what a browser has stored of an entity.
type damage struct {
	b   *browser
	ref queue.Ref
	n   int // of the entity, or of whatever else is damaged
}

// corrupt damages what is stored of an entity. It does so only if the server sends digests:
// without them nothing repairs the rows. Every other time nobody reads anew what has been
// read before.
func (b *browser) corrupt(st Step) {
	if !b.w.script.Digests || b.w.healed {
		return
	}
	kind := int(st.N) % len(damages)
	d := &damage{b, userRef(entityID(st.Entity)), st.Entity}
	before := b.db.Changes()
	damages[kind].do(d)
	if b.db.Changes() == before {
		return
	}
	b.w.stats.hit(damageNames[kind])
	b.witness.Forget() // also where nobody else does
	if int(st.N)/len(damages)%2 == 0 {
		b.readAnew()
	}
}

// readAnew has all processes read what is stored, and the witness: what it has read of a damaged
// line, another process may have written anew since.
func (b *browser) readAnew() {
	b.witness.Forget()
	for _, s := range b.slots {
		if s.replica != nil {
			s.replica.Forget()
		}
	}
}

// sealed returns a line of these fields with its sum, in the place of the last.
func sealed(f []string) string {
	line := strings.Join(f[:len(f)-1], "\t")
	return fmt.Sprintf("%s\t%08x\n", line, crc32.ChecksumIEEE([]byte(line)))
}

// texts calls change with every stored text, by its key in the base or number in the log.
func (d *damage) texts(change func(key string, seq int64, text string) string) {
	base, log := d.b.db.Texts()
	for _, key := range slices.Sorted(maps.Keys(base)) {
		if is := change(key, 0, base[key]); is != base[key] {
			d.b.db.Damage(key, func(string) string { return is })
		}
	}
	for _, seq := range slices.Sorted(maps.Keys(log)) {
		if is := change("", seq, log[seq]); is != log[seq] {
			d.b.db.DamageLog(seq, func(string) string { return is })
		}
	}
}

// lines changes the lines of these kinds about the entity.
func (d *damage) lines(kinds string, change func(line string) string) {
	d.b.corrupted[d.ref.ID] = true
	d.texts(func(_ string, _ int64, text string) string {
		return eachLine(text, func(line string) string {
			if d.concerns(line, kinds) {
				return change(line)
			}
			return line
		})
	})
}

func eachLine(text string, change func(line string) string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(change(line))
	}
	return out.String()
}

// concerns reports whether a line of one of these kinds is about the entity.
func (d *damage) concerns(line, kinds string) bool {
	f := strings.SplitN(line, "\t", 6)
	if len(f) < 4 || !strings.Contains(kinds, f[0]) {
		return false
	}
	if f[0] == "w" { // a row in the log
		return len(f) == 6 && f[1] == d.ref.Type && f[4] == d.ref.ID
	}
	return f[1] == d.ref.ID || f[1] == d.ref.Type && f[2] == d.ref.ID
}

// version changes the version of a confirmed row.
func (d *damage) version(by int64) {
	d.lines("rwc", func(line string) string {
		f := strings.Split(line, "\t")
		at := 3
		if f[0] == "w" {
			at = 6
		}
		n, err := strconv.ParseInt(f[at], 10, 64)
		if err != nil || n+by < 1 {
			return line
		}
		f[at] = strconv.FormatInt(n+by, 10)
		return sealed(f)
	})
}

// forge adds a row that nobody has saved to a page of the list or, as long as there is none
// and nobody has created the entity, to the log.
func forge(d *damage) {
	if d.n%2 == 0 {
		d.ref = userRef(entityID(neverCreated))
	}
	document := fmt.Sprintf(`{"id":%q,"name":"Forged","email":"forged@example.org","bio":""}`, d.ref.ID)
	done, logged := false, int64(0)
	d.texts(func(key string, seq int64, text string) string {
		if logged = max(logged, seq); done || !strings.HasPrefix(key, "list/"+d.ref.Type+"/") {
			return text
		}
		done = true
		return sealed([]string{"r", d.ref.ID, "Forged", "7", "", "", document, ""}) + text
	})
	if !done && logged > 0 && d.ref.ID == entityID(neverCreated) {
		done = true
		d.b.db.DamageLog(logged, func(text string) string {
			return text + sealed([]string{"w", d.ref.Type, "-", "0", d.ref.ID, "Forged", "7", "", "", document, ""})
		})
	}
	if done {
		d.b.corrupted[d.ref.ID] = true
	}
}

// lastChange alters the last line of the log about a row.
func (d *damage) lastChange() {
	var last int64
	d.texts(func(_ string, seq int64, text string) string {
		for line := range strings.Lines(text) {
			if seq > 0 && d.concerns(line, "wd") {
				last = seq
			}
		}
		return text
	})
	if last == 0 {
		return
	}
	d.b.corrupted[d.ref.ID] = true
	d.b.db.DamageLog(last, func(text string) string {
		return eachLine(text, func(line string) string {
			if d.concerns(line, "wd") {
				return line[:len(line)-2] + "?\n"
			}
			return line
		})
	})
}

// directory damages a line of one of the directories. Rows of a whole page are gone, and
// changes of others may count as moved into another page.
func (d *damage) directory() {
	key := []string{"list/", "ids/"}[d.n/2%2] + d.ref.Type
	base, _ := d.b.db.Texts()
	of := func(line string) bool { return strings.HasPrefix(line, "l\t") || strings.HasPrefix(line, "p\t") }
	pages := strings.Count(base[key], "\nl\t") + strings.Count(base[key], "\np\t")
	if pages == 0 {
		return
	}
	d.b.mayLackRows()
	at := 0
	d.b.db.Damage(key, func(text string) string {
		return eachLine(text, func(line string) string {
			if !of(line) {
				return line
			}
			at++
			if at-1 == d.n%pages {
				return line[:len(line)-2] + "?\n"
			}
			return line
		})
	})
}

// mayLackRows notes that any row may be gone.
func (b *browser) mayLackRows() {
	for _, id := range b.w.server.model.ids() {
		b.corrupted[id] = true
	}
	for id := range b.w.created {
		b.corrupted[id] = true
	}
}

// state tears one of the two copies of the state, but no second one before the first is
// written anew: the other may be all there is of an operation.
func (d *damage) state() {
	base, _ := d.b.db.Texts()
	key := []string{"state/a", "state/b"}[d.n%2]
	lines := slices.Collect(strings.Lines(base[key]))
	if torn, ok := base[d.b.torn]; len(lines) == 0 || ok && torn == d.b.tornText {
		return
	}
	at := d.n / 2 % len(lines)
	d.b.db.Damage(key, func(string) string {
		torn := strings.Join(lines[:at], "") // between lines
		switch d.n / 4 % 3 {
		case 1: // within one
			torn += lines[at][:len(lines[at])/2]
		case 2: // a line is missing
			torn += strings.Join(lines[at+1:], "")
		}
		d.b.torn, d.b.tornText = key, torn
		return torn
	})
}

// checkHealth checks that the browser's last comparison with the server found no
// difference.
func (w *world) checkHealth(ctx context.Context, b *browser) {
	if !w.script.Digests {
		return
	}
	meta, err := b.stored().Meta(ctx, sync.MetaCheck)
	if err != nil {
		w.fail(8, "read the last digest check: %v", err)
		return
	}
	if c := sync.ParseCheck(meta[sync.MetaCheck]); c.Mismatched > 0 || c.DeviceRows != c.ServerRows {
		w.fail(8, "browser %d found %d differing buckets, with %d rows here and %d on the server", b.number, c.Mismatched, c.DeviceRows, c.ServerRows)
	}
}
