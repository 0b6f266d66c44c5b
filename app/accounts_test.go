package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	stdsync "sync"
	"testing"

	"github.com/google/uuid"
	ui "github.com/maxence-charriere/go-app/v9/pkg/app"
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/signin"
	"github.com/rollcall/rollcall/wasm/sync"
)

// people fakes the accounts of a server, and what this browser has of them.
type people struct {
	mu         stdsync.Mutex
	own        api.Identity // whose data are shown
	who        api.Session  // who has signed in; an open server has none
	closed     bool         // the server has accounts
	used       bool
	failure    error
	forgets    error // the browser can't remember who signs in
	link       string
	with       []api.SignIn
	became     []string // the accounts that the page was loaded anew for
	left       []Leaving
	gone       string // an address outside the app
	nobodys    int
	file       string
	begun      bool  // the account has begun to take them over
	inPart     bool  // it has, and one was made since
	anothers   error // another has
	taken      bool
	saved      bool
	dropped    bool
	keptDrafts bool
	passkeys   bool // the browser has them
	cancelled  bool
	accepted   string // the link of the account that a passkey was made for
	managing   []string
	shared     string
	cutOff     string // what a script says of an import that was cut off
	pressed    string // of the buttons that it has offered
	password   string
	ending     func() // what happens while the server is asked to end the session
}

func (p *people) lock() func() { p.mu.Lock(); return p.mu.Unlock }

func (p *people) Account() api.Identity { defer p.lock()(); return p.own }
func (p *people) Used() bool            { defer p.lock()(); return p.used }
func (p *people) Device() string        { return "Test on Test" }
func (p *people) Link() string          { return p.link }
func (p *people) GoTo(address string)   { defer p.lock()(); p.gone = address }
func (p *people) Leave(how Leaving)     { defer p.lock()(); p.left = append(p.left, how) }
func (p *people) DropNobodys(keep bool) { defer p.lock()(); p.dropped, p.keptDrafts = true, keep }

func (p *people) Session(context.Context) (api.Session, error) {
	defer p.lock()()
	who := p.who
	who.Open = !p.closed
	return who, p.failure
}

func (p *people) SignIn(_ context.Context, with api.SignIn) (api.Session, error) {
	defer p.lock()()
	p.with = append(p.with, with)
	switch {
	case p.failure != nil:
		return api.Session{}, p.failure
	case with.Link != "" && len(with.Password) < 12:
		return api.Session{}, &sync.RequestError{Status: 400, Problem: *api.NewProblem(api.CodeInvalid, "Invalid password", "", api.FieldError{Field: "password", Detail: "must have at least 12 characters"})}
	case with.Link == "" && with.Password != p.password:
		return api.Session{}, &sync.RequestError{Status: 401, Problem: *api.NewProblem(api.CodeSignIn, "Name or password is wrong", "check both")}
	}
	p.who.Account = &api.Identity{ID: "id of " + with.Name, Name: with.Name, Role: "editor"}
	return p.who, nil
}

func (p *people) SignOut(context.Context) error {
	if p.ending != nil {
		p.ending()
	}
	defer p.lock()()
	return p.failure
}

func (p *people) Begin(_ context.Context, link, _ string) (string, error) {
	return "https://idp.example/?link=" + link, p.failure
}

func (p *people) Become(other api.Identity) (bool, error) {
	defer p.lock()()
	if other.ID != p.own.ID {
		p.became = append(p.became, other.Name)
		return false, p.forgets
	}
	p.own = other
	return true, nil
}

func (p *people) Nobodys(context.Context) (Nobodys, error) {
	defer p.lock()()
	return Nobodys{N: p.nobodys, File: []byte(p.file), Begun: p.begun || p.inPart, Whole: p.begun}, p.anothers
}

func (p *people) TakeNobodys(context.Context) ([]byte, error) {
	defer p.lock()()
	p.taken = true
	return []byte(p.file), nil
}

func (p *people) SaveNobodys(context.Context) ([]byte, error) {
	defer p.lock()()
	p.saved = true
	return []byte(p.file), nil
}

// at opens the app on a server with accounts.
func at(t *testing.T, path string, prepare func(*people)) (*browser, *people) {
	t.Helper()
	prepared := func(d *device) {
		d.people.closed, d.people.password = true, "correct horse"
		prepare(&d.people)
	}
	b := openPrepared(t, path, prepared)
	return b, &b.device.people
}

func as(name, role string) func(*people) {
	return func(p *people) {
		p.own = api.Identity{ID: "id of " + name, Name: name, Role: role}
		p.who.Account = &p.own
	}
}

func (p *people) until(b *browser, what string, cond func() bool) {
	b.t.Helper()
	b.until(what, func() bool { defer p.lock()(); return cond() })
}

func TestSignInPage(t *testing.T) {
	b, p := at(t, api.PathMe, func(p *people) { p.who.Provider = "Zitadel" })
	b.untilText("Sign in with Zitadel")
	form := b.form()

	b.fire(form, "submit")
	b.untilText("Name is required")
	b.untilText("Password is required")
	b.until("the focus on the name", func() bool { return b.device.focused == signInNameID })

	// A password manager sets values, and tells nobody.
	b.device.values[signInNameID], b.device.values[signInSecretID] = "ann", "wrong"
	b.fire(form, "submit")
	b.untilText("Name or password is wrong: check both.")
	b.untilGone("Name is required")
	if attribute(b.byID(signInSecretID), "autocomplete") != "current-password" || attribute(b.byID(signInNameID), "autocomplete") != "username webauthn" {
		t.Error("password managers do not know the fields")
	}

	b.click("Sign in with Zitadel")
	p.until(b, "the way to the provider", func() bool { return strings.HasPrefix(p.gone, "https://idp.example/") })

	b.device.values[signInSecretID] = "correct horse"
	b.fire(form, "submit")
	p.until(b, "ann's data to be loaded", func() bool { return len(p.became) == 1 && p.became[0] == "ann" })
	if last := p.with[len(p.with)-1]; last.Name != "ann" || last.Device == "" {
		t.Errorf("sent %+v", last)
	}
}

// form is the page's.
func (b *browser) form() (found ui.UI) {
	b.t.Helper()
	walk(component[*accountPage](b), func(e ui.UI) {
		if tagOf(e) == "form" {
			found = e
		}
	})
	if found == nil {
		b.t.Fatal("there is no form")
	}
	return found
}

func TestABrowserThatRemembersNobody(t *testing.T) {
	b, _ := at(t, api.PathMe, func(p *people) { p.forgets = errors.New("no room left") })
	b.until("the form", func() bool { return b.has("button", "Sign in") })
	b.device.values[signInNameID], b.device.values[signInSecretID] = "ann", "correct horse"
	b.fire(b.form(), "submit")
	b.untilText("No room left.")
}

func TestALinkSetsAPassword(t *testing.T) {
	b, p := at(t, api.PathJoin, func(p *people) { p.link = "rollcall_l_x" })
	b.untilText("Set your password")
	b.device.values[signInSecretID] = "short"
	b.fire(b.form(), "submit")
	b.untilText("Password must have at least 12 characters")
	b.until("the focus on the password", func() bool { return b.device.focused == signInSecretID })
	b.device.values[signInSecretID] = "a few words make it"
	b.fire(b.form(), "submit")
	p.until(b, "somebody's data to be loaded", func() bool { return len(p.became) == 1 })
	if p.with[1].Link != "rollcall_l_x" || p.with[1].Name != "" {
		t.Errorf("sent %+v", p.with[1])
	}
}

func TestALinkThatIsCutOff(t *testing.T) {
	b, _ := at(t, api.PathJoin, func(*people) {})
	b.untilText("The link is incomplete")
}

func TestWhoComesFirstSignsIn(t *testing.T) {
	b, _ := at(t, "/", func(*people) {})
	b.until("the sign-in page", func() bool { return b.wentTo == api.PathMe })
}

// TestSomebodyElsesSession: a page never goes on with the data of one under another's session.
func TestSomebodyElsesSession(t *testing.T) {
	b, p := at(t, "/", func(p *people) {
		as("ann", "editor")(p)
		p.who.Account = &api.Identity{ID: "id of bo", Name: "bo"}
	})
	p.until(b, "bo's data to be loaded", func() bool { return len(p.became) == 1 && p.became[0] == "bo" })
}

func TestSignInAgain(t *testing.T) {
	b, p := at(t, "/", func(p *people) { as("ann", "editor")(p); p.who.Account = nil })
	b.status(sync.Status{Phase: sync.Failed, Problem: api.NewProblem(api.CodeSignIn, "Sign in to sync", "")})
	b.untilText("Sign in to sync - Changes are kept on this device")
	b.click("Sign in")
	b.until("the sign-in page", func() bool { return b.wentTo == api.PathMe })
	b.visit(api.PathMe)
	b.until("the form", func() bool { return b.has("button", "Sign in") })

	func() { defer p.lock()(); p.failure = sync.NoAnswerError(errors.New("no network")) }()
	b.visit("/")
	b.visit(api.PathMe)
	b.untilText("Signing in waits for the network")
	b.untilText("Your changes are kept on this device.")
	func() { defer p.lock()(); p.failure = nil }()
	b.status(sync.Status{Phase: sync.Failed, Problem: api.NewProblem(api.CodeSignIn, "Sign in to sync", "")})
	b.until("the form", func() bool { return b.has("button", "Sign in") })
}

// disable has the server say that the account is disabled.
func disable(b *browser) {
	b.status(sync.Status{Phase: sync.Failed, Problem: api.NewProblem(api.CodeAccountDisabled, "This account is disabled", "")})
}

// TestADisabledAccount: its data go at the server's word, but what was not sent only at the person's.
func TestADisabledAccount(t *testing.T) {
	b, p := at(t, "/", as("ann", "editor"))
	disable(b)
	p.until(b, "ann's data to be removed", func() bool { return len(p.left) == 1 && p.left[0] == Disabled })

	b, p = at(t, "/", as("ann", "editor"))
	p.until(b, "the start", func() bool { return p.dropped })
	func() {
		defer p.lock()()
		p.dropped, p.nobodys, p.begun, p.file = false, 1, true, `{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[]}`
	}()
	disable(b)
	p.until(b, "what ann has taken over to be removed, too", func() bool { return len(p.left) == 1 && p.dropped })

	for _, answer := range []string{"Save to a file and remove", "Discard and remove"} {
		b, p := at(t, "/", as("ann", "editor"))
		b.add("Bo", "bo@example.org")
		b.until("the count", func() bool { return b.root.s.unsent() == 1 })
		disable(b)
		b.untilText("1 change made here can't be sent")
		b.click("Cancel")
		b.closeDialogs()
		disable(b)
		b.settle()
		if len(p.left) > 0 || b.device.modal != "" {
			t.Fatalf("removed without an answer, or asked twice: %v", p.left)
		}
		b.click("See what to do")
		b.click(answer)
		p.until(b, answer, func() bool { return len(p.left) == 1 && p.left[0] == Disabled })
	}
}

// TestAChangeThatTheCountLacks: what was just made is not removed because the page has not counted it yet.
func TestAChangeThatTheCountLacks(t *testing.T) {
	b, p := at(t, "/", as("ann", "editor"))
	b.add("Bo", "bo@example.org")
	b.until("the count", func() bool { return b.root.s.unsent() == 1 })
	b.root.s.counts = queue.Counts{}
	b.root.s.leaveDisabled()
	b.untilText("1 change made here can't be sent")
	if len(p.left) > 0 {
		t.Error("the change was removed")
	}
}

// TestADisabledAccountWhoseFormIsOpen: nothing is taken from under what a person types.
func TestADisabledAccountWhoseFormIsOpen(t *testing.T) {
	b, p := at(t, "/", as("ann", "editor"))
	b.click("Add user")
	b.until("the form", func() bool { return b.device.modal == formID })
	disable(b)
	b.untilText("This account is disabled - Changes are kept on this device")
	if len(p.left) > 0 {
		t.Error("removed what is being typed")
	}
}

func TestAViewerIsToldBeforeAFormOpens(t *testing.T) {
	b, p := at(t, "/", as("ann", roleViewer))
	id := b.add("Bo", "bo@example.org")
	b.click("Add user")
	b.untilText("You may read, but not change anything.")
	b.click("Delete Bo")
	b.click("Edit Bo")
	b.settle()
	if b.device.modal != "" {
		t.Error("the form opens")
	}
	if _, err := b.users.Get(t.Context(), id); err != nil {
		t.Errorf("deleted: %v", err)
	}
	func() { defer p.lock()(); p.who.Account = &api.Identity{ID: p.own.ID, Name: "ann", Role: "editor"} }() // an admin did it
	b.click("Add user")
	b.until("the form", func() bool { return b.device.modal == formID })
}

func TestSigningOutAsksAboutUnsentWork(t *testing.T) {
	for answer, want := range map[string]Leaving{"Keep for my next sign-in": Kept, "Discard and sign out": Removed, "Save to a file and sign out": Removed} {
		b, p := at(t, api.PathMe, as("ann", "editor"))
		b.add("Bo", "bo@example.org")
		b.until("the count", func() bool { return b.root.s.unsent() == 1 })
		b.click("Sign out")
		b.untilText("1 change made here is not on the server yet.")
		if len(p.left) > 0 {
			t.Fatal("signed out without an answer")
		}
		b.click(answer)
		p.until(b, answer, func() bool { return len(p.left) == 1 && p.left[0] == want })
	}
}

// TestSigningOutKeepsWhatWasMadeMeanwhile: a person gives up what they were told of.
func TestSigningOutKeepsWhatWasMadeMeanwhile(t *testing.T) {
	for answer, unsent := range map[string]int{"": 0, "Discard and sign out": 1, "Save to a file and sign out": 1} {
		b, p := at(t, api.PathMe, as("ann", "editor"))
		p.ending = func() { b.add("Cid", "cid@example.org") } // in another tab
		if unsent > 0 {
			b.add("Bo", "bo@example.org")
			b.until("the count", func() bool { return b.root.s.unsent() == 1 })
		}
		b.click("Sign out")
		if unsent > 0 {
			b.click(answer)
		}
		p.until(b, answer, func() bool { return len(p.left) == 1 && p.left[0] == Kept })
	}
}

// TestSigningOutEndsTakingOver: an account's data tell which of nobody's changes were sent as its own. They
// go once nothing of that is left to take over, and stay where that can't be ended.
func TestSigningOutEndsTakingOver(t *testing.T) {
	none, damaged := `{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[]}`,
		`{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[1]}`
	for name, c := range map[string]struct {
		found   func(*people)
		want    Leaving
		dropped bool
	}{
		"begun, and all is taken in":     {func(p *people) { p.begun, p.file = true, none }, Removed, true},
		"begun, and one can't be read":   {func(p *people) { p.begun, p.file = true, damaged }, Kept, false},
		"begun, and one was made since":  {func(p *people) { p.inPart, p.file = true, none }, Kept, false},
		"not begun":                      {func(p *people) { p.file = none }, Removed, false},
		"another has begun":              {func(p *people) { p.file, p.anothers = none, repository.ErrTaken }, Removed, false},
		"nobody's data can't be read":    {func(p *people) { p.anothers = errors.New("damaged") }, Kept, false},
		"begun, and the file is no file": {func(p *people) { p.begun, p.file = true, "damaged" }, Kept, false},
	} {
		t.Run(name, func(t *testing.T) {
			b, p := at(t, api.PathMe, as("ann", "editor"))
			p.until(b, "the start", func() bool { return p.dropped })
			func() {
				defer p.lock()()
				p.dropped, p.nobodys = false, 1
				c.found(p)
			}()
			b.click("Sign out")
			p.until(b, "signed out", func() bool { return len(p.left) == 1 })
			if p.left[0] != c.want || p.dropped != c.dropped {
				t.Errorf("left %s, nobody's changes dropped %t; want %s, %t", p.left[0], p.dropped, c.want, c.dropped)
			}
		})
	}
}

func TestSigningOutNeedsTheServer(t *testing.T) {
	b, p := at(t, api.PathMe, as("ann", "editor"))
	b.until("the page", func() bool { return b.has("button", "Sign out") })
	func() { defer p.lock()(); p.failure = sync.NoAnswerError(errors.New("no network")) }()
	b.click("Sign out")
	b.untilText("Not signed out")
	func() { defer p.lock()(); p.failure = nil }()
	b.click("Sign out")
	p.until(b, "signed out", func() bool { return len(p.left) == 1 && p.left[0] == Removed })
}

func TestWhatNobodyMade(t *testing.T) {
	file := `{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[]}`
	for answer, check := range map[string]func(*people) bool{
		"Send as me":     func(p *people) bool { return p.dropped && !p.saved && p.keptDrafts },
		"Save to a file": func(p *people) bool { return p.dropped && p.saved && !p.keptDrafts },
		"Discard":        func(p *people) bool { return p.dropped && !p.saved && !p.keptDrafts },
	} {
		b, p := at(t, "/", func(p *people) { as("ann", "editor")(p); p.nobodys, p.file = 2, file })
		b.untilText("2 changes made on this device without an account are not on the server yet.")
		if p.dropped {
			t.Fatal("dropped without an answer")
		}
		b.click(answer)
		p.until(b, answer, func() bool { return check(p) })
	}

	b, p := at(t, "/", func(p *people) { as("ann", "editor")(p); p.nobodys, p.file = 1, "damaged" })
	b.click("Send as me")
	b.untilText("The changes were not taken over.")
	if p.dropped {
		t.Error("dropped what was not taken over")
	}
}

// TestWhatNobodyMakesMeanwhile is asked about, too.
func TestWhatNobodyMakesMeanwhile(t *testing.T) {
	for _, answer := range []string{"Send as me", "Save to a file", "Discard"} {
		b, p := at(t, "/", func(p *people) {
			as("ann", "editor")(p)
			p.nobodys, p.file = 1, `{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[]}`
		})
		b.untilText("1 change made on this device without an account is not on the server yet.")
		func() {
			defer p.lock()()
			p.nobodys, p.file = 2, `{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[1]}`
		}()
		b.click(answer)
		b.untilText("2 changes made on this device without an account are not on the server yet.")
		if p.dropped {
			t.Errorf("%s: dropped what nobody was asked about", answer)
		}
		b.click("Discard")
		p.until(b, answer, func() bool { return p.dropped })
	}
}

func (p *people) HasPasskeys() bool { return p.passkeys }

func (p *people) ByPasskey(_ context.Context, how signin.How, _ string) (api.Session, error) {
	if how == signin.Suggest {
		return api.Session{}, nil // the person types
	}
	return p.byPasskey()
}

func (p *people) AcceptByPasskey(_ context.Context, link, _ string) (api.Session, error) {
	defer p.lock()()
	p.accepted = link
	return p.byPasskey()
}

func (p *people) byPasskey() (api.Session, error) {
	if p.cancelled {
		return api.Session{}, errors.New("no passkey was used")
	}
	return api.Session{Account: &api.Identity{ID: "id of ann", Name: "ann", Role: "editor"}}, nil
}

func (p *people) Fill(_ string, part Part, id string, host Host) {
	defer p.lock()()
	if part == PartShare || part == PartReport {
		p.shared = id
		return
	}
	if part == PartCutOff {
		if p.cutOff != "" {
			host.Offer(p.cutOff, "", "Continue", func() { p.pressed = "Continue" }, func() { p.pressed = "Not now" })
		}
		p.cutOff = ""
		return
	}
	p.managing = append(p.managing, string(part)+" "+id)
	host.Say("Managing", false)
}

func TestPasskeys(t *testing.T) {
	b, p := at(t, api.PathMe, func(p *people) { p.passkeys = true })
	b.click("Sign in with a passkey")
	p.until(b, "ann's data to be loaded", func() bool { return len(p.became) == 1 && p.became[0] == "ann" })

	b, p = at(t, api.PathJoin, func(p *people) { p.passkeys, p.link = true, "rollcall_l_x" })
	b.click("Use a passkey instead")
	p.until(b, "ann's data to be loaded", func() bool { return len(p.became) == 1 && p.accepted == "rollcall_l_x" })

	b, _ = at(t, api.PathMe, func(p *people) { p.passkeys, p.cancelled = true, true })
	b.click("Sign in with a passkey")
	b.untilText("No passkey was used.")

	b, _ = at(t, api.PathMe, func(*people) {})
	b.until("the form", func() bool { return b.has("button", "Sign in") })
	if b.has("button", "Sign in with a passkey") {
		t.Error("a browser without passkeys offers them")
	}
}

// TestWhatAScriptManages: one's own ways in, and for admins all accounts.
func TestWhatAScriptManages(t *testing.T) {
	for path, want := range map[string]string{api.PathMe: "ways id of ann", api.PathManage: "accounts "} {
		b, p := at(t, path, as("ann", roleAdmin))
		p.until(b, "the script", func() bool { return len(p.managing) == 1 && p.managing[0] == want })
		b.untilText("Managing")
		done := false
		b.root.s.Ask("Sure?", "It is for good.", "Do it", func() { done = true }, "opener")
		b.click("Do it")
		b.until("it is done", func() bool { return done })
	}
	for role, want := range map[string]bool{roleViewer: false, "editor": false, roleAdmin: true} {
		b, _ := at(t, api.PathMe, as("ann", role))
		b.untilText("Sign out")
		if got := b.has("a", "Manage accounts"); got != want {
			t.Errorf("%s is led to the accounts: %v", role, got)
		}
	}
}

// TestAUsersHistory: where the server keeps one, opened for a user, and there at once for a deleted one.
func TestAUsersHistory(t *testing.T) {
	b, p := at(t, "/", as("ann", roleViewer))
	fresh := b.add("Bo", "bo@example.org")
	b.visit("/users/" + fresh)
	b.untilText("Waiting to be sent")
	if b.has("button", "Show history") {
		t.Error("shows the history of what the server does not know")
	}
	gone := uuid.NewString()
	b.visit("/users/" + gone)
	b.untilText("User not found")
	p.until(b, "the history", func() bool { return slices.Equal(p.managing, []string{"history " + gone}) })
	b.untilText("Changes on this device that are not sent yet are not in it.")

	known := uuid.NewString()
	b.pull(api.User{ID: known, Name: "Cy", Email: "cy@example.org", Version: 3})
	b.visit("/users/" + known)
	b.untilText("cy@example.org")
	b.untilGone("Changes on this device")
	b.click("Show history")
	p.until(b, "the history", func() bool { return len(p.managing) == 2 && p.managing[1] == "history "+known })
	b.pull(api.User{ID: known, Name: "Cy", Email: "cy@example.com", Version: 4})
	b.untilText("cy@example.com")
	p.until(b, "what is new", func() bool { return len(p.managing) == 3 && p.managing[2] == "history "+known })
	b.click("Hide history")
	b.until("it is closed", func() bool { return b.has("button", "Show history") })

	open, _ := at(t, "/users/"+uuid.NewString(), func(*people) {})
	open.untilText("User not found")
	if strings.Contains(text(open.root), "History") {
		t.Error("an open server keeps no history")
	}
}

func TestALinkOpenedBySomebodyElse(t *testing.T) {
	b, _ := at(t, api.PathJoin, func(p *people) { as("ann", "editor")(p); p.link = "rollcall_l_x" })
	b.untilText("You are signed in as ann here.")
}

// TestWhatNobodyMadeIsTakenOverOnce: an account that was interrupted goes on unasked, and no other takes
// over what it has begun to.
func TestWhatNobodyMadeIsTakenOverOnce(t *testing.T) {
	file := `{"format":"rollcall-changes","version":1,"operations":[],"unreadable":[]}`
	b, p := at(t, "/", func(p *people) { as("ann", "editor")(p); p.nobodys, p.file, p.begun = 2, file, true })
	p.until(b, "ann's work is taken over", func() bool { return p.taken && p.dropped && p.keptDrafts })

	b, p = at(t, "/", func(p *people) {
		as("bob", "editor")(p)
		p.nobodys, p.file, p.anothers = 2, file, errors.New("another's")
	})
	b.untilText("Users")
	if p.dropped || p.taken || b.has("button", "Send as me") {
		t.Error("what is another's was offered")
	}
}

// TestAnImportThatWasCutOffIsToldOf on all pages but the one that goes on with it.
func TestAnImportThatWasCutOffIsToldOf(t *testing.T) {
	const want = "The import of many.csv ended early."
	b, p := at(t, "/", func(p *people) { p.cutOff = want })
	b.untilText(want)
	b.visit("/import")
	b.settle()
	if len(b.root.s.toasts) > 0 && b.root.s.toasts[0].text == want {
		t.Error("the page for files says it twice")
	}
	for _, button := range []string{"Continue", "Not now"} {
		p.cutOff = want
		b.visit("/sync")
		b.untilText(want)
		b.click(button)
		b.visit("/")
		if p.pressed != button {
			t.Errorf("%s was pressed, and the script hears of %q", button, p.pressed)
		}
	}
}
