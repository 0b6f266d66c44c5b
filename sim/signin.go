package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/server/rest"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/signin"
	"github.com/rollcall/rollcall/wasm/sync"
)

// What a page does about accounts, as package app and web/account.js do: those are of the browser.

const sessionCookie = rest.SessionCookie

// claim is the dialog that asks what becomes of nobody's work.
type claim struct {
	file []byte
	told map[string]bool // the operations in it
	sure bool            // it was decided already that the account takes them over
}

// pageHTTP is how a page asks about the session: for whoever has signed in.
type pageHTTP struct{ network }

// Do implements sync.HTTP.
func (p pageHTTP) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	n := p.network
	n.slot = n.me()
	n.w.stats.requests++
	n.w.logf("%s sends %s %s %s", n.who, r.Method, r.Path, r.Body)
	r = n.dressed(r, false)
	resp, err := n.send(ctx, r, n.pause(sending))
	if err != nil {
		return resp, err
	}
	n.w.logf("%s receives %d %s", n.who, resp.Status, resp.Body)
	if cookie, set := resp.Header["set-cookie"]; set {
		n.b.cookie = secretOf(cookie)
	}
	return resp, nil
}

func (s *slot) server() signin.Server { return signin.Server{HTTP: pageHTTP{network{s}}} }

// greet asks who has signed in, when the page has loaded, and what was left by nobody.
func (s *slot) greet() {
	if _, err := s.askWho(context.Background()); err != nil || s.leaves {
		return
	}
	if s.b.account != nobody && s.claim == nil {
		s.readNobodys()
	}
}

// askWho asks who has signed in, and goes on as them.
func (s *slot) askWho(ctx context.Context) (api.Session, error) {
	who, err := s.server().Session(ctx)
	if err == nil && who.Account != nil {
		s.become(*who.Account)
	}
	return who, err
}

// become takes note of who has signed in. The page is loaded anew once the actor has ended.
func (s *slot) become(who api.Identity) {
	d := s.b.device
	number := numberOf(who.ID)
	s.leaves = number != s.b.account
	if s.leaves {
		s.w.stats.hit("account changed on a device")
		d.account = number
	}
	if d.account == number {
		d.role = who.Role
	}
	s.role = who.Role
}

// logIn signs in as an account, unless somebody has.
func (s *slot) logIn(ctx context.Context, number int) error {
	who, err := s.askWho(ctx)
	if err != nil || who.Open || who.Account != nil {
		return err
	}
	who, err = s.server().SignIn(ctx, api.SignIn{Name: "p" + strconv.Itoa(number), Password: password})
	if err == nil && who.Account != nil {
		s.w.stats.hit("signed in")
		s.become(*who.Account)
	}
	return err
}

// What becomes of unsent work when somebody signs out, by number.
const (
	sendFirst = iota
	keepIt
	discardIt
	choices
)

// logOut signs out. The device forgets only what the person has been asked about.
func (s *slot) logOut(ctx context.Context, choice int) error {
	if s.b.account == nobody {
		return nil
	}
	told := s.b.queued()
	keep := false
	if len(told) > 0 {
		switch choice % choices {
		case sendFirst:
			return nil // a round is next
		case keepIt:
			keep = true
		}
	}
	if err := s.server().SignOut(ctx); err != nil {
		return err
	}
	if !keep && !s.endTaking(ctx) {
		s.w.stats.hit("signed out, taking over not ended")
		keep = true
	}
	switch {
	case keep:
		s.w.stats.hit("signed out, work kept")
	case s.b.queuedSince(told) && !brokenDevice("signed-out-unasked"):
		s.w.stats.hit("signed out, later work kept")
		keep = true
	case len(told) > 0:
		s.w.stats.hit("signed out, work discarded")
	}
	d, gone := s.b.device, left{s.b.account, told}
	if brokenDevice("anothers-data-deleted") {
		gone.account = 1 + gone.account%s.w.script.Accounts
	}
	if !keep {
		d.left = append(d.left, gone)
	}
	d.account, d.role, s.leaves = nobody, "", true
	return nil
}

// endTaking ends what the account has begun when it took nobody's work over, while its data still know
// which of it was sent. It reports whether nothing of that is left.
func (s *slot) endTaking(ctx context.Context) bool {
	from := s.b.device.data(nobody)
	if from.dropped || brokenDevice("taking-not-ended") {
		return true
	}
	taker, whole, err := repository.Taking(ctx, from.stored())
	s.w.must(err)
	if taker != s.takes() {
		return true
	}
	if !whole {
		return false
	}
	file, told := from.file(), from.queued()
	s.adoptFrom(from)
	was := s.doing
	s.doing = Claim
	done, err := s.users.TakeIn(ctx, file)
	s.doing = was
	if err != nil || done.HeldBack+done.Unreadable > 0 || from.dropped || !sameChanges(from.file(), file) {
		return false
	}
	s.w.stats.hit("taking over ended by a sign-out")
	from.delete(told)
	return true
}

// queued are the operations that are in the queue.
func (b *browser) queued() map[string]bool {
	told := map[string]bool{}
	operations, err := b.stored().Operations(context.Background(), 0, 1<<20)
	b.w.must(err)
	for _, o := range operations {
		told[o.ID] = true
	}
	return told
}

// queuedSince reports whether there is unsent work besides what was told.
func (b *browser) queuedSince(told map[string]bool) bool {
	for id := range b.queued() {
		if !told[id] {
			return true
		}
	}
	return false
}

// readNobodys reads what was made here before anybody signed in. If there is nothing, it is deleted.
func (s *slot) readNobodys() {
	b := s.b.device.data(nobody)
	if b.dropped {
		return
	}
	if s.me().pause(reading) == Aborted {
		return // the next start asks again
	}
	taker, whole, err := repository.Taking(context.Background(), b.stored())
	b.w.must(err)
	if taker != "" && taker != s.takes() && !brokenDevice("nobodys-taken-twice") {
		b.w.stats.hit("another takes nobody's work over")
		return
	}
	file := b.file()
	if told := b.queued(); len(told) > 0 {
		s.claim = &claim{file, told, whole}
		return
	}
	b.delete(nil)
}

// takes is the account that takes nobody's work over here.
func (s *slot) takes() string { return strconv.Itoa(s.b.account) }

// file is what rescue.js saves the queue to.
func (b *browser) file() []byte {
	operations, err := b.stored().Operations(context.Background(), 0, 1<<20)
	b.w.must(err)
	var out bytes.Buffer
	meta, err := b.stored().Meta(context.Background(), sync.MetaClient)
	b.w.must(err)
	fmt.Fprintf(&out, `{"format":%q,"version":1,"savedAt":"2026-05-01T12:00:00Z","client":%q,"operations":[`, queue.SavedFormat, meta[sync.MetaClient])
	for i, o := range operations {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(jsoncodec.Write(o.WriteJSON))
	}
	out.WriteString(`],"unreadable":[]}`)
	return out.Bytes()
}

// answerClaim says what becomes of nobody's work: it is sent as the account's, or discarded.
func (s *slot) answerClaim(ctx context.Context, discard bool) error {
	asked := s.claim
	if asked == nil {
		return nil
	}
	s.claim = nil
	from := s.b.device.data(nobody)
	for i, t := range from.slots[:from.config.Tabs] {
		if !t.closed { // it has followed long before a person answers
			from.load(i)
		}
	}
	if s.changedSince(from, asked) {
		return nil
	}
	if (!discard || asked.sure) && !from.dropped {
		if !brokenDevice("nobodys-not-frozen") {
			switch err := repository.Freeze(ctx, from.stored(), s.takes()); {
			case errors.Is(err, repository.ErrTaken) && brokenDevice("nobodys-taken-twice"):
			case err != nil:
				return err
			}
			asked = &claim{from.file(), from.queued(), true}
		}
		s.adoptFrom(from)
		done, err := s.users.TakeIn(ctx, asked.file)
		if err != nil || !discard && done.HeldBack+done.Unreadable > 0 {
			return err
		}
		discard = discard && done.HeldBack+done.Unreadable > 0 // the person is asked after all
		s.w.stats.hit("nobody's work taken over")
	}
	if s.me().pause(reading) == Aborted || from.dropped || s.changedSince(from, asked) {
		return nil
	}
	if discard {
		s.w.stats.hit("nobody's work discarded")
	}
	from.delete(asked.told)
	return nil
}

// changedSince reports whether nobody's work is no longer what the person was asked about. Then they
// are asked again.
func (s *slot) changedSince(from *browser, asked *claim) bool {
	if sameChanges(from.file(), asked.file) || brokenDevice("nobody-worked-on") {
		return false
	}
	s.w.stats.hit("nobody has worked on")
	s.readNobodys()
	return true
}

func sameChanges(a, b []byte) bool {
	_, a, _ = bytes.Cut(a, []byte(`"operations":`))
	_, b, _ = bytes.Cut(b, []byte(`"operations":`))
	return bytes.Equal(a, b)
}

// adoptFrom lets the checker know of operations that may come what it knew of them where they were.
func (s *slot) adoptFrom(from *browser) {
	mine := s.b.checker
	for id, saw := range from.checker.seen {
		if _, known := mine.seen[id]; !known {
			mine.seen[id] = saw
		}
	}
}

// account returns what a person does about accounts; nil where there are none.
func (s *slot) account(st Step) func(context.Context) error {
	number := int(st.N)
	switch {
	case !s.w.accounts.are():
	case st.Verb == Greet:
		return func(context.Context) error {
			s.greet()
			return nil
		}
	case st.Verb == Login && number > nobody && number < len(s.w.accounts.people):
		return func(ctx context.Context) error { return s.logIn(ctx, number) }
	case st.Verb == Logout:
		return func(ctx context.Context) error { return s.logOut(ctx, number) }
	case st.Verb == Claim:
		return func(ctx context.Context) error { return s.answerClaim(ctx, number%2 == 1) }
	}
	return func(context.Context) error { return nil }
}

// ifMayWrite returns what opens a form or writes, for a page that knows its account as one that may
// only read: it asks, since an admin may have changed that meanwhile.
func (s *slot) ifMayWrite(verb Verb, do func(context.Context) error) func(context.Context) error {
	if !slices.Contains([]Verb{Create, Update, Delete, Undo, Open}, verb) {
		return do
	}
	return func(ctx context.Context) error {
		if _, err := s.askWho(ctx); err != nil || s.leaves || s.role == string(account.Viewer) {
			s.w.stats.hit("form did not open for a viewer")
			return err
		}
		return do(ctx)
	}
}

// mum reports whether a request does not say whose data it is about, as before there were accounts.
func (s *slot) mum() bool {
	before := s.b.account == nobody && (s.b.config.OldHost && s.who.Kind == host && s.who.Index == 1 || s.who.Kind == tab && s.old())
	return before || brokenDevice("account-not-said")
}
