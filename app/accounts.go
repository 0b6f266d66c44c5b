package app

import (
	"bytes"
	"context"
	"errors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/signin"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Accounts are who may sign in at the server, and whose data this browser works with. Errors
// of those that ask the server are *sync.RequestError.
type Accounts interface {
	// Account is whose data these are; the zero one where nobody has signed in yet.
	Account() api.Identity
	// Used reports whether data have been synced here before.
	Used() bool
	// Session asks who has signed in. SignIn and SignOut change it; Begin returns where to go to
	// sign in at the server's provider.
	Session(ctx context.Context) (api.Session, error)
	SignIn(ctx context.Context, with api.SignIn) (api.Session, error)
	SignOut(ctx context.Context) error
	Begin(ctx context.Context, link, device string) (address string, err error)
	GoTo(address string)

	// HasPasskeys reports whether this browser has passkeys. ByPasskey starts a session with one, and
	// AcceptByPasskey makes one for a link's account. The session is the zero one if the browser was
	// asked something else meanwhile.
	HasPasskeys() bool
	ByPasskey(ctx context.Context, how signin.How, device string) (api.Session, error)
	AcceptByPasskey(ctx context.Context, link, device string) (api.Session, error)
	// Fill has the script fill an element with a part of a page: of an account's or a user's, by their id.
	Fill(element string, part Part, id string, host Host)

	// Device is what the list of sessions calls this browser. Link is the one that led here.
	Device() string
	Link() string

	// Become takes note of who has signed in. Unless these are their data already, it loads the
	// page anew, with theirs.
	Become(account api.Identity) (shown bool, err error)
	// Leave loads the page anew, with nobody's data.
	Leave(how Leaving)

	// Nobodys are the unsent changes made on this device before anybody signed in; it fails with
	// repository.ErrTaken if another account takes them over.
	// TakeNobodys begins, and SaveNobodys saves them to a file, on a gesture; both return the file as it
	// is from then on. DropNobodys deletes them. What was typed into forms becomes the account's if it
	// is kept.
	Nobodys(ctx context.Context) (Nobodys, error)
	TakeNobodys(ctx context.Context) (file []byte, err error)
	SaveNobodys(ctx context.Context) (file []byte, err error)
	DropNobodys(keepDrafts bool)
}

// Nobodys are unsent changes that were made before anybody signed in.
type Nobodys struct {
	N     int
	File  []byte // of these changes
	Begun bool   // this account has begun to take them over
	Whole bool   // and none was made since
}

// Leaving is what becomes of the data on this device of an account that is left.
type Leaving string

// The ways to leave.
const (
	Kept     Leaving = "kept" // for the next sign-in
	Removed  Leaving = "removed"
	Disabled Leaving = "disabled" // removed on the server's word
)

// The roles. A viewer may read only.
const (
	roleViewer = "viewer"
	roleEditor = "editor"
	roleAdmin  = "admin"
)

// greet finds out, when the page has loaded, who has signed in, and what was left by nobody.
func (s *session) greet() {
	s.askWho(func(who api.Session, err error) {
		if err == nil && who.Account == nil && !who.Open && s.Accounts.Account().ID == "" && !s.Accounts.Used() {
			s.goToSignIn()
		}
	})
	if s.Accounts.Account().ID != "" {
		s.claimNobodys()
	}
}

// askWho asks the server who has signed in, and goes on as them.
func (s *session) askWho(then func(api.Session, error)) {
	var who api.Session
	s.async(func(ctx context.Context) (err error) {
		who, err = s.Accounts.Session(ctx)
		return err
	}, func(err error) {
		if err == nil && who.Account != nil {
			var shown bool
			if shown, err = s.Accounts.Become(*who.Account); !shown && err == nil {
				return // the page is loaded anew
			}
		}
		then(who, err)
	})
}

// signIn leads to where the person signs in: to the app's own page, or past the service worker
// to a portal in front of the server.
func (s *session) signIn() {
	s.askWho(func(who api.Session, err error) {
		var failed *sync.RequestError
		answered := errors.As(err, &failed) && failed.Status != 0
		switch {
		case err == nil && who.Account != nil:
			s.syncNow() // another tab was first
		case answered, err == nil && who.Open, s.Accounts.Account().ID == "" && err != nil:
			s.Network.SignIn()
		default:
			s.goToSignIn()
		}
	})
}

func (s *session) goToSignIn() {
	if page := s.ctx.Page().URL().Path; page != api.PathMe && page != api.PathJoin {
		s.goTo(api.PathMe)
	}
}

// ifMayWrite runs what opens a form or writes, unless the account may only read. An admin may
// have changed that meanwhile.
func (s *session) ifMayWrite(write func()) {
	if s.Accounts.Account().Role != roleViewer {
		write()
		return
	}
	s.askWho(func(api.Session, error) {
		if s.Accounts.Account().Role != roleViewer {
			write()
			return
		}
		s.showToast(toast{text: tr("You may read, but not change anything. An admin can give you the role editor.")})
	})
}

// unsent is how many changes of this account are on this device only.
func (s *session) unsent() int { return unsent(s.counts) }

func unsent(c queue.Counts) int { return c.Waiting + c.Rejected }

// signOut asks what becomes of the unsent changes, if there are any.
func (s *session) signOut() {
	if s.unsent() == 0 {
		s.leave(Removed)
		return
	}
	s.askFirst(confirmRequest{
		heading: tr("Sign out?"),
		text: trn(s.unsent(), "{n} change made here is not on the server yet. What you keep here for your next sign-in is not encrypted: the next person at this device could read it.",
			"{n} changes made here are not on the server yet. What you keep here for your next sign-in is not encrypted: the next person at this device could read it."),
		yes: tr("Send first"), act: s.sendFirst, opener: signOutID,
		others: []choice{
			{tr("Keep for my next sign-in"), func() { s.leave(Kept) }},
			{tr("Save to a file and sign out"), s.saveAndLeave},
			{tr("Discard and sign out"), func() { s.leave(Removed) }},
		},
	})
}

// sendFirst signs out once everything was sent.
func (s *session) sendFirst() {
	counts := s.counts
	s.async(func(ctx context.Context) error {
		_, err := s.Syncer.SyncAll(ctx)
		if err == nil {
			counts, err = s.Outbox.Counts(ctx)
		}
		return err
	}, func(err error) {
		s.counts = counts
		switch {
		case err != nil:
			s.showFailure(tr("Not signed out. {0}", errorText(err)))
		case s.unsent() > 0:
			s.showFailure(trn(s.unsent(), "Not signed out: {n} change could not be sent. The page Sync says why.",
				"Not signed out: {n} changes could not be sent. The page Sync says why."))
		default:
			s.leave(Removed)
		}
	})
}

func (s *session) saveAndLeave() {
	s.saveThen(trLater("Not signed out: the changes were not saved to a file. {0}"), func() { s.leave(Removed) })
}

func (s *session) saveThen(failure string, then func()) {
	s.async(func(ctx context.Context) error {
		_, err := s.ChangesFile.SaveChanges(ctx)
		return err
	}, func(err error) {
		if err != nil {
			s.showFailure(tr(failure, errorText(err)))
			return
		}
		then()
	})
}

// leave ends the session. Without the server's word it would go on in this browser, for whoever
// comes next. What another tab has made while the server was asked is kept: nobody gave it up. So is
// what tells which of nobody's changes were sent, until all of them are taken over.
func (s *session) leave(how Leaving) {
	told := s.unsent()
	s.async(func(ctx context.Context) error {
		err := s.Accounts.SignOut(ctx)
		if err == nil && how == Removed {
			failed := s.endTaking(ctx)
			counts, uncounted := s.Outbox.Counts(ctx)
			if failed != nil || uncounted != nil || unsent(counts) > told {
				how = Kept
			}
		}
		return err
	}, func(err error) {
		if err != nil {
			s.showFailure(tr("Not signed out: the server has to end the session, and can't be reached. {0}", errorText(err)))
			return
		}
		s.Accounts.Leave(how)
	})
}

// claimNobodys asks what becomes of changes that were made here before somebody signed in, unless
// that was decided before the page was last closed.
func (s *session) claimNobodys() {
	s.withNobodys(func(found Nobodys) {
		switch {
		case found.N == 0:
			s.Accounts.DropNobodys(true)
		case found.Whole:
			s.sendNobodys(func(repository.TakenIn) { s.askOfNobodys(found.N, found.File) })
		default:
			s.askOfNobodys(found.N, found.File)
		}
	})
}

// withNobodys goes on with nobody's changes. If they can't be read the next start asks again, and if
// they are another account's nobody does.
func (s *session) withNobodys(then func(Nobodys)) {
	var found Nobodys
	s.async(func(ctx context.Context) (err error) {
		found, err = s.Accounts.Nobodys(ctx)
		return err
	}, func(err error) {
		if err == nil {
			then(found)
		}
	})
}

func (s *session) askOfNobodys(n int, file []byte) {
	send := func() { s.sendNobodys(func(done repository.TakenIn) { s.showFailure(takenInWords(done)) }) }
	s.askFirst(confirmRequest{
		heading: tr("Changes made before you signed in"),
		text: trn(n, "{n} change made on this device without an account is not on the server yet. What should happen to it?",
			"{n} changes made on this device without an account are not on the server yet. What should happen to them?"),
		yes: tr("Send as me"), act: func() { s.ifNobodysAre(file, send) },
		others: []choice{
			{tr("Save to a file"), func() { s.ifNobodysAre(file, s.saveNobodys) }},
			{tr("Discard"), func() { s.ifNobodysAre(file, func() { s.Accounts.DropNobodys(false) }) }},
		},
	})
}

// sendNobodys takes the changes over. They go once all of them are here; held is called if some have
// to wait.
func (s *session) sendNobodys(held func(repository.TakenIn)) {
	var file []byte
	var done repository.TakenIn
	s.async(func(ctx context.Context) (err error) {
		if file, err = s.Accounts.TakeNobodys(ctx); err == nil {
			done, err = s.Outbox.TakeIn(ctx, file)
		}
		return err
	}, func(err error) {
		switch {
		case err != nil:
			s.showFailure(tr("The changes were not taken over. {0}", errorText(err)))
		case done.HeldBack+done.Unreadable > 0:
			held(done)
		default:
			s.ifNobodysAre(file, func() { s.Accounts.DropNobodys(true) })
			s.showToast(toast{text: takenInWords(done)})
		}
	})
}

// endTaking ends what was begun when this account took nobody's changes over. It comes before the
// account's data are removed, which tell which of them were sent. It fails if some stay nobody's.
func (s *session) endTaking(ctx context.Context) error {
	found, err := s.Accounts.Nobodys(ctx)
	if errors.Is(err, repository.ErrTaken) || err == nil && !found.Begun {
		return nil
	}
	var done repository.TakenIn
	if err == nil && found.Whole {
		done, err = s.Outbox.TakeIn(ctx, found.File)
	}
	now := found
	if err == nil {
		now, err = s.Accounts.Nobodys(ctx)
	}
	switch {
	case err != nil:
		return err
	case !found.Whole, done.HeldBack+done.Unreadable > 0, !bytes.Equal(changesOf(now.File), changesOf(found.File)):
		return errTaking
	}
	s.Accounts.DropNobodys(true)
	return nil
}

// errTaking says that this account takes nobody's changes over, and that some are still nobody's.
var errTaking = errors.New("some changes are not taken over yet")

func (s *session) saveNobodys() {
	var file []byte
	s.async(func(ctx context.Context) (err error) {
		file, err = s.Accounts.SaveNobodys(ctx)
		return err
	}, func(err error) {
		if err != nil {
			s.showFailure(tr("The changes were not saved to a file. {0}", errorText(err)))
			return
		}
		s.ifNobodysAre(file, func() { s.Accounts.DropNobodys(false) })
	})
}

// ifNobodysAre goes on if nobody's changes are those of the file that the person was asked about. A
// tab of before may have made or changed one since: then they are asked about those.
func (s *session) ifNobodysAre(asked []byte, then func()) {
	s.withNobodys(func(now Nobodys) {
		if bytes.Equal(changesOf(now.File), changesOf(asked)) {
			then()
			return
		}
		s.claimNobodys()
	})
}

// changesOf are the changes in a file, without when it was made.
func changesOf(file []byte) []byte {
	_, changes, _ := bytes.Cut(file, []byte(`"operations":`))
	return changes
}
