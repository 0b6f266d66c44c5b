package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/roster"
	"github.com/rollcall/rollcall/roster/plan"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
)

// Session is a page's use of a Device: one file at a time. A page calls it by the names of Call, with
// an argument and an answer in JSON. One call is served at a time, but for "cancel".
type Session struct {
	Device *Device
	// Progress is told of the bytes of a file that is read, and of the records of an import or an undo.
	Progress Progress

	name   string // of the file
	file   []byte
	how    roster.Options
	plan   *Plan
	cancel context.CancelCauseFunc // of what is under way
}

// errCancelled is why a person ended it.
var errCancelled = errors.New("cancelled")

// Call answers a call. Bytes are a file: one that is opened, or that was exported.
func (s *Session) Call(ctx context.Context, name string, arg, file []byte) (answer any, out []byte, err error) {
	handle, ok := handlers[name]
	if !ok {
		return nil, nil, fmt.Errorf("there is no call %q", name)
	}
	return handle(s, ctx, arg, file)
}

type handler func(s *Session, ctx context.Context, arg, file []byte) (any, []byte, error)

// Calls by name.
var handlers = map[string]handler{
	"open":    (*Session).open,
	"table":   (*Session).table,
	"results": (*Session).results,
	"import":  (*Session).doImport,
	"undo":    (*Session).undo,
	"last":    (*Session).last,
	"export":  (*Session).export,
	"people":  (*Session).people,
}

// Cancel ends an import or an undo that is under way. What was done stays, and can be undone.
func (s *Session) Cancel() {
	if s.cancel != nil {
		s.cancel(errCancelled)
	}
}

func read(arg []byte, into any) error {
	if err := json.Unmarshal(arg, into); err != nil {
		return fmt.Errorf("the call can't be read: %w", err)
	}
	return nil
}

// openArg says how to read a file; without one, the file that was opened before.
type openArg struct {
	Name     string          `json:"name"`
	Encoding roster.Encoding `json:"encoding"`
	Roles    []roster.Role   `json:"roles"` // of its columns; none: they are known
	Headings int             `json:"headings"`
}

// Opened is the plan for a file, or why there is none.
type Opened struct {
	Refused    *roster.Message     `json:"refused,omitempty"`
	Encoding   roster.Encoding     `json:"encoding,omitempty"` // of the file, or what a refused one may be in
	Sample     string              `json:"sample,omitempty"`
	MapColumns bool                `json:"mapColumns,omitempty"` // whoever knows the columns may say so, or otherwise
	Format     roster.Format       `json:"format,omitempty"`
	Program    string              `json:"program,omitempty"`
	Counts     map[plan.Action]int `json:"counts,omitempty"`
	Emptied    map[string]int      `json:"emptied,omitempty"`
	Notes      []*roster.Message   `json:"notes,omitempty"`
	Incomplete bool                `json:"incomplete,omitempty"`
}

func (s *Session) open(ctx context.Context, arg, file []byte) (any, []byte, error) {
	var a openArg
	if err := read(arg, &a); err != nil {
		return nil, nil, err
	}
	if file != nil {
		s.name, s.file = a.Name, file
	}
	s.plan, s.how = nil, roster.Options{Encoding: a.Encoding, Headings: a.Headings}
	if len(a.Roles) > 0 {
		mapping, ok := roster.MappingOf(a.Roles)
		if !ok {
			return Opened{Refused: roster.Say("no column is the email: people are matched by it"), MapColumns: true}, nil, nil
		}
		s.how.Mapping = mapping
	}
	answer, err := s.planFile(ctx)
	return orRefused(answer, err)
}

// orRefused answers why a file is refused, which is no failure of the call.
func orRefused(answer any, err error) (any, []byte, error) {
	var refusal *roster.Refusal
	if errors.As(err, &refusal) {
		return Opened{Refused: refusal.Reason, Encoding: refusal.Encoding, Sample: refusal.Sample, MapColumns: refusal.Columns}, nil, nil
	}
	return answer, nil, err
}

func (s *Session) planFile(ctx context.Context) (Opened, error) {
	f, err := roster.Open(&told{Reader: bytes.NewReader(s.file), progress: s.Progress}, s.how)
	if err != nil {
		return Opened{}, err
	}
	p, err := s.Device.Plan(ctx, f)
	if err != nil {
		return Opened{}, err
	}
	s.plan = p
	o := Opened{
		Encoding: p.Encoding, Format: p.Format, Program: p.Program, Notes: p.Notes, Incomplete: p.Incomplete,
		MapColumns: p.Format != roster.VCard && p.Lines > 0,
	}
	o.Counts, o.Emptied = p.Count()
	return o, nil
}

// told is a file that tells how much of it was read. It is read twice: see roster.Open.
type told struct {
	*bytes.Reader
	progress   Progress
	read, said int
}

// tellEvery is after how many bytes progress is told of.
const tellEvery = 128 << 10

// Read implements io.Reader.
func (f *told) Read(p []byte) (n int, err error) {
	n, err = f.Reader.Read(p)
	if f.read += n; f.read >= f.said+tellEvery {
		f.said = f.read
		whole := 2 * int(f.Size())
		f.progress(min(f.read, whole), whole)
	}
	return n, err
}

// tableAnswer is a roster.Table.
type tableAnswer struct {
	Columns  []string         `json:"columns"`
	Rows     [][]string       `json:"rows"`
	Roles    []roster.Role    `json:"roles"`
	Headings int              `json:"headings"`
	Top      []roster.TopLine `json:"top"`
}

func (s *Session) table(_ context.Context, arg, _ []byte) (any, []byte, error) {
	var a openArg
	if err := read(arg, &a); err != nil {
		return nil, nil, err
	}
	t, err := roster.TableOf(bytes.NewReader(s.file), roster.Options{Encoding: a.Encoding, Headings: a.Headings})
	if err != nil {
		return orRefused(nil, err)
	}
	return tableAnswer{t.Columns, t.Rows, t.Roles, t.Headings, t.Top}, nil, nil
}

// resultsArg asks for some of the lines of a plan with an action.
type resultsArg struct {
	Action plan.Action `json:"action"`
	From   int         `json:"from"`
	Limit  int         `json:"limit"`
}

// resultAnswer is a plan.Result.
type resultAnswer struct {
	Line   int               `json:"line"`
	Item   int               `json:"item,omitempty"`
	Who    string            `json:"who"`
	Why    []*roster.Message `json:"why,omitempty"`  // it is refused
	Name   string            `json:"name,omitempty"` // of the user who changes, before
	Fields []fieldAnswer     `json:"fields,omitempty"`
}

type fieldAnswer struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

func (s *Session) results(_ context.Context, arg, _ []byte) (any, []byte, error) {
	var a resultsArg
	if err := read(arg, &a); err != nil {
		return nil, nil, err
	}
	answer, n := []resultAnswer{}, 0
	if s.plan == nil {
		return answer, nil, nil
	}
	for _, r := range s.plan.Results {
		if r.Action != a.Action {
			continue
		}
		n++
		if n <= a.From || len(answer) == a.Limit {
			continue
		}
		one := resultAnswer{Line: r.Line, Item: r.Item, Who: r.Who, Why: r.Why, Name: r.Had.Name}
		for _, f := range r.Fields {
			one.Fields = append(one.Fields, fieldAnswer(f))
		}
		answer = append(answer, one)
	}
	return answer, nil, nil
}

// importAnswer is what became of an import.
type importAnswer struct {
	Created   int             `json:"created"`
	Changed   int             `json:"changed"`
	Left      int             `json:"left"`
	Who       []string        `json:"who,omitempty"` // of those that were left, the first
	Cancelled bool            `json:"cancelled,omitempty"`
	Busy      bool            `json:"busy,omitempty"` // another tab imports: nothing was done
	Failure   *roster.Message `json:"failure,omitempty"`
	Reason    string          `json:"reason,omitempty"` // for whoever looks into it
	Until     time.Time       `json:"until"`
	InSync    bool            `json:"inBackground"` // the person wants syncs while no tab is open
}

func (s *Session) doImport(ctx context.Context, _, _ []byte) (any, []byte, error) {
	if s.plan == nil {
		return nil, nil, errors.New("there is no plan")
	}
	ctx, end := s.begin(ctx)
	defer end()
	done, err := s.Device.Import(ctx, s.plan, s.name, s.Progress)
	if errors.Is(err, ErrBusy) {
		return importAnswer{Busy: true}, nil, nil
	}
	s.plan, s.file = nil, nil
	answer := importAnswer{Created: done.Created, Changed: done.Changed, Left: done.Left.N, Who: done.Left.Who, Until: s.Device.Now().Add(UndoWithin), InSync: s.inBackground(ctx)}
	answer.Cancelled, answer.Failure, answer.Reason = outcome(err)
	return answer, nil, nil
}

// inBackground reports whether the browser is to sync while no tab is open.
func (s *Session) inBackground(ctx context.Context) bool {
	meta, err := s.Device.Meta(context.WithoutCancel(ctx), metaBackground)
	return err == nil && meta[metaBackground] != "off"
}

// metaBackground is package page's.
const metaBackground = "background"

func outcome(err error) (cancelled bool, failure *roster.Message, reason string) {
	switch {
	case err == nil:
		return false, nil, ""
	case errors.Is(err, errCancelled):
		return true, nil, ""
	case errors.Is(err, queue.ErrQuota):
		return false, roster.Say("this device has no room left for this site. Free some, then try again: nothing is done twice"), err.Error()
	}
	return false, roster.Say("this device could not save. Reload the page, then try again: nothing is done twice"), err.Error()
}

// begin makes what can be cancelled.
func (s *Session) begin(ctx context.Context) (context.Context, func()) {
	ctx, s.cancel = context.WithCancelCause(ctx)
	return ctx, func() {
		s.cancel(nil)
		s.cancel = nil
	}
}

// undoAnswer is what became of an undo.
type undoAnswer struct {
	Undone    int             `json:"undone"`
	Left      int             `json:"left"`
	Who       []string        `json:"who,omitempty"` // of those that were left, the first
	Cancelled bool            `json:"cancelled,omitempty"`
	Busy      bool            `json:"busy,omitempty"` // another tab imports, or undoes it: nothing was done
	Failure   *roster.Message `json:"failure,omitempty"`
	Reason    string          `json:"reason,omitempty"` // for whoever looks into it
}

func (s *Session) undo(ctx context.Context, _, _ []byte) (any, []byte, error) {
	ctx, end := s.begin(ctx)
	defer end()
	done, err := s.Device.Undo(ctx, s.Progress)
	if errors.Is(err, ErrBusy) {
		return undoAnswer{Busy: true}, nil, nil
	}
	answer := undoAnswer{Undone: done.Undone, Left: done.Left.N, Who: done.Left.Who}
	answer.Cancelled, answer.Failure, answer.Reason = outcome(err)
	return answer, nil, nil
}

func (s *Session) last(ctx context.Context, _, _ []byte) (any, []byte, error) {
	last, err := s.Device.Last(ctx)
	return last, nil, err
}

// exportArg says whom to export, and how: as the list's address says it, but for when today has begun.
type exportArg struct {
	Search string         `json:"search"`
	Sort   string         `json:"sort"`
	State  queue.RowState `json:"state"`
	Since  time.Time      `json:"since"`
	IDs    []string       `json:"ids"` // none: all that the others find
	Format roster.Format  `json:"format"`
	Mark   bool           `json:"mark"`
}

func (a exportArg) selection() Selection {
	s := Selection{Query: repository.Query{Search: a.Search, Deep: true, State: a.State, Since: a.Since}}
	s.Query.Order, s.Query.Reverse = strings.CutPrefix(a.Sort, "-") // "name" is no order's name: it is the list's own
	if len(a.IDs) > 0 {
		s.IDs = map[string]bool{}
		for _, id := range a.IDs {
			s.IDs[id] = true
		}
	}
	return s
}

func (s *Session) export(ctx context.Context, arg, _ []byte) (any, []byte, error) {
	var a exportArg
	if err := read(arg, &a); err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	w, err := roster.NewWriter(&out, a.Format, a.Mark)
	if err != nil {
		return nil, nil, err
	}
	n, err := s.Device.Export(ctx, a.selection(), w)
	return map[string]int{"count": n}, out.Bytes(), err
}

// personAnswer is a user as a printed page shows them.
type personAnswer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Bio   string `json:"bio"`
}

func (s *Session) people(ctx context.Context, arg, _ []byte) (any, []byte, error) {
	var a exportArg
	if err := read(arg, &a); err != nil {
		return nil, nil, err
	}
	people := []personAnswer{}
	err := s.Device.People(ctx, a.selection(), func(u api.User) error {
		people = append(people, personAnswer{u.Name, u.Email, strings.TrimSpace(u.Bio)})
		return nil
	})
	return people, nil, err
}
