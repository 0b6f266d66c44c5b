package sim

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Verb is what a step does.
type Verb string

// Steps of a person, at a tab.
const (
	Create   Verb = "create"   // entity Entity, with the email numbered N
	Open     Verb = "open"     // a form about entity Entity, which the tab's next update of it saves
	Update   Verb = "update"   // entity Entity; N is the set of fields
	Delete   Verb = "delete"   // entity Entity
	Undo     Verb = "undo"     // of the deletion of Entity
	Get      Verb = "get"      // entity Entity, from the server if need be
	Retry    Verb = "retry"    // the first rejected operation
	Discard  Verb = "discard"  // the first rejected operation
	Accept   Verb = "accept"   // the first conflict
	Reverse  Verb = "reverse"  // the first conflict
	Strategy Verb = "strategy" // the conflict strategy becomes number N
)

// Steps of the machines.
const (
	Round   Verb = "round"  // a host begins a round, for reason number N
	Run     Verb = "run"    // the actor runs to its next pause, with Fault injected
	Finish  Verb = "finish" // the actor runs to its end
	Kill    Verb = "kill"   // the process ends at its pause
	Freeze  Verb = "freeze" // the process stops until Thaw
	Thaw    Verb = "thaw"
	Mute    Verb = "mute"    // a lock waiter receives no heartbeats of its living holder, and steals the lock
	Crash   Verb = "crash"   // a browser ends, with all its processes
	Evict   Verb = "evict"   // a browser ends and loses its storage
	Corrupt Verb = "corrupt" // corruption number N damages entity Entity in a browser's storage
	Jump    Verb = "jump"    // a browser's clock moves by N milliseconds
	Offline Verb = "offline" // a browser has no network until Online; with N=1 only answers get lost
	Online  Verb = "online"
	SignOut Verb = "signout" // a browser gets 401 until SignIn
	SignIn  Verb = "signin"
	Tell    Verb = "tell" // an event on its way to a host arrives, number N/2; for an odd N, it comes again
	// Steps of accounts, which the script must have. Without a name, N is an account's number.
	Login   Verb = "login"   // the person at a tab signs in
	Logout  Verb = "logout"  // signs out; N is what becomes of unsent work
	Claim   Verb = "claim"   // says what becomes of nobody's work, which N says
	Greet   Verb = "greet"   // a page asks who has signed in
	Follow  Verb = "follow"  // a page learns that others have signed in, and loads anew
	Close   Verb = "close"   // the open server gets its accounts
	Revoke  Verb = "revoke"  // an admin ends the account's sessions
	Expire  Verb = "expire"  // its sessions end by themselves
	Role    Verb = "role"    // account N/2 may read only; for an odd N, write
	Disable Verb = "disable" // account N/2 is disabled; for an odd N, enabled
	Deliver Verb = "deliver" // the late request number N arrives after all
	Wait    Verb = "wait"    // N milliseconds pass
	Restart Verb = "restart" // the server
	Collect Verb = "collect" // the server removes tombstones older than N milliseconds
	Prune   Verb = "prune"   // the server forgets records older than N milliseconds
	Backup  Verb = "backup"  // the server's data is copied
	Restore Verb = "restore" // the copy is put back as OPERATIONS says
	// Rollback puts the copy back without telling anybody, as a snapshot of a disk does.
	Rollback Verb = "rollback"
)

// Fault is injected at a pause. A fault that cannot happen there does nothing.
type Fault string

// Faults of the storage.
const (
	NoFault        Fault = ""
	Aborted        Fault = "aborted"         // the transaction aborts
	Quota          Fault = "quota"           // it aborts because the quota is exceeded
	UncertainSaved Fault = "uncertain-saved" // it commits without saying so
	UncertainLost  Fault = "uncertain-lost"  // it aborts without saying so
	Rerun          Fault = "rerun"           // its decision runs twice; the second counts
)

// Faults of a request on its way to the server.
const (
	Lost      Fault = "lost"      // it never arrives
	Late      Fault = "late"      // the sender gives up; it arrives at a later Deliver
	Echo      Fault = "echo"      // it arrives, and again at a later step
	Twice     Fault = "twice"     // it arrives twice
	Portal    Fault = "portal"    // a captive portal answers 200 with a page
	Portal403 Fault = "portal403" // or 403
	Busy429   Fault = "429"       // with Retry-After
	Broken500 Fault = "500"
	Gate502   Fault = "502"
	Busy503   Fault = "503"
	Timeout   Fault = "408"
)

// Faults of an answer, after the server has done the work.
const (
	AnswerLost   Fault = "answer-lost"
	Truncated    Fault = "truncated"
	ServerDied   Fault = "server-died"  // and is restarted; the answer is lost
	Answered500  Fault = "answered-500" // an intermediary replaces the answer
	Answered502  Fault = "answered-502"
	ShuffledBack Fault = "shuffled" // the results are reversed
	ReplyDelayed Fault = "delayed"  // by half a minute
	OldCopy      Fault = "old-copy" // a cached answer to the same feed request
)

// Lock faults.
const (
	// UnnoticedSteal: a holder whose lock was stolen is not notified. Only the fence can
	// stop it.
	UnnoticedSteal Fault = "deaf"
)

// Step is one step. Which fields matter depends on the verb.
type Step struct {
	Verb   Verb
	Who    Who
	Entity int
	N      int64
	Fault  Fault
	Ms     int64 // milliseconds that pass before it
}

// Who names a slot of a browser: a tab ("t"), a tab's background work ("b"), or a host
// ("h").
type Who struct {
	Client int
	Kind   byte
	Index  int
}

func (w Who) String() string { return fmt.Sprintf("c%d.%c%d", w.Client, w.Kind, w.Index) }

// Browser is a client at the start of a history.
type Browser struct {
	Tabs     int
	Strategy string
	SkewMs   int64 // how far its clock is ahead
	DriftPPM int64 // how much too fast it goes
	PageSize int   // the most changes its hosts request at a time; 0 for the engine's default
	OldHost  bool  // its second host is of an earlier version; see oldHostHTTP
	OldTab   bool  // its last tab is of an earlier version; see asOldTab
	Mail     int   // of a hundred records on their way to other processes, those that go astray
	Events   int   // of a hundred events of its streams, those that arrive at once; 0 for no streams
	Small    bool  // the log goes into the base early, and by small pages
}

// Script is a history, ready to be played.
type Script struct {
	Seed      uint64 // of the engines' jitter
	SQLite    bool
	BodyLimit int  // a proxy answers larger requests with 413; 0 for none
	Reboot    bool // all browsers restart before healing; else their processes go on
	Digests   bool // the server sends digests; replicas must converge without them, too
	Accounts  int  // how many people have one; 0 for a server that is open to all
	Opened    bool // it is open until Close
	Browsers  []Browser
	Steps     []Step
}

// WriteTo writes the script as text, one step a line.
func (s *Script) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "history seed=%d sqlite=%t body=%d reboot=%t digests=%t", s.Seed, s.SQLite, s.BodyLimit, s.Reboot, s.Digests)
	if s.Accounts > 0 {
		fmt.Fprintf(&b, " accounts=%d opened=%t", s.Accounts, s.Opened)
	}
	b.WriteString("\n")
	for _, c := range s.Browsers {
		fmt.Fprintf(&b, "browser tabs=%d strategy=%s skew=%d drift=%d page=%d old=%t oldtab=%t mail=%d events=%d small=%t\n",
			c.Tabs, c.Strategy, c.SkewMs, c.DriftPPM, c.PageSize, c.OldHost, c.OldTab, c.Mail, c.Events, c.Small)
	}
	for _, st := range s.Steps {
		b.WriteString(st.String() + "\n")
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// String is the step as a line of a script.
func (st Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-8s %s", st.Verb, st.Who)
	for _, f := range []struct {
		name string
		n    int64
	}{{"e", int64(st.Entity)}, {"n", st.N}, {"ms", st.Ms}} {
		if f.n != 0 {
			fmt.Fprintf(&b, " %s=%d", f.name, f.n)
		}
	}
	if st.Fault != NoFault {
		b.WriteString(" fault=" + string(st.Fault))
	}
	return b.String()
}

// ReadScript reads what WriteTo wrote. It skips empty lines and lines that begin with #.
func ReadScript(r io.Reader) (*Script, error) {
	s := &Script{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := s.readLine(words); err != nil {
			return nil, fmt.Errorf("read line %d of a script: %w", n, err)
		}
	}
	return s, lines.Err()
}

func (s *Script) readLine(words []string) error {
	p := pairs{}
	rest := words[1:]
	var who Who
	if words[0] != "history" && words[0] != "browser" {
		if len(rest) == 0 {
			return fmt.Errorf("%q names no slot", words[0])
		}
		if _, err := fmt.Sscanf(rest[0], "c%d.%c%d", &who.Client, &who.Kind, &who.Index); err != nil {
			return fmt.Errorf("%q is no slot: %w", rest[0], err)
		}
		rest = rest[1:]
	}
	for _, w := range rest {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			return fmt.Errorf("%q is not name=value", w)
		}
		p[k] = v
	}
	switch words[0] {
	case "history":
		s.Seed, s.SQLite = uint64(p.number("seed")), p["sqlite"] == "true"
		s.BodyLimit, s.Reboot = int(p.number("body")), p["reboot"] == "true"
		s.Digests = p["digests"] == "true"
		if s.Accounts = int(max(0, p.number("accounts"))); s.Accounts > 0 {
			s.Opened = p["opened"] == "true"
		}
	case "browser":
		s.Browsers = append(s.Browsers, Browser{
			Tabs: int(p.number("tabs")), Strategy: p["strategy"], SkewMs: p.number("skew"),
			DriftPPM: p.number("drift"), PageSize: int(p.number("page")), OldHost: p["old"] == "true", OldTab: p["oldtab"] == "true",
			Mail: int(p.number("mail")), Events: int(p.number("events")), Small: p["small"] == "true",
		})
	default:
		s.Steps = append(s.Steps, Step{
			Verb: Verb(words[0]), Who: who, Entity: int(p.number("e")), N: p.number("n"),
			Ms: p.number("ms"), Fault: Fault(p["fault"]),
		})
	}
	return nil
}

// pairs are the values of a line by name.
type pairs map[string]string

// number returns 0 for a missing value.
func (p pairs) number(name string) int64 {
	if u, err := strconv.ParseUint(p[name], 10, 64); err == nil {
		return int64(u)
	}
	n, err := strconv.ParseInt(p[name], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
