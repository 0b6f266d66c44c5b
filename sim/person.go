package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/account"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// strategies by number.
var strategies = []sync.StrategyName{sync.Merge, sync.LastWriteWins, sync.ServerWins, sync.ClientWins}

// act starts what a person does in a tab, unless they are still at something else.
func (s *slot) act(st Step) {
	if s.actor != nil {
		return
	}
	id := entityID(st.Entity)
	var do func(context.Context) error
	switch st.Verb {
	case Create:
		do = func(ctx context.Context) error { return s.create(ctx, id, st) }
	case Open:
		do = func(ctx context.Context) error { return s.open(ctx, id) }
	case Update:
		do = func(ctx context.Context) error { return s.update(ctx, id, st) }
	case Delete:
		do = func(ctx context.Context) error { return s.remove(ctx, id, st) }
	case Undo:
		do = func(ctx context.Context) error { return s.undo(ctx, st) }
	case Get:
		do = func(ctx context.Context) error {
			_, err := s.users.Get(ctx, id)
			return err
		}
	case Strategy:
		do = func(ctx context.Context) error {
			return s.users.SetStrategy(ctx, strategies[int(st.N)%len(strategies)])
		}
	case Retry, Discard:
		do = func(ctx context.Context) error { return s.attend(ctx, st.Verb) }
	case Accept, Reverse:
		do = func(ctx context.Context) error { return s.review(ctx, st.Verb) }
	case Login, Logout, Claim, Greet:
		do = s.account(st)
	default:
		return
	}
	s.entity, s.saw = st.Entity, nil
	if s.role == string(account.Viewer) {
		do = s.ifMayWrite(st.Verb, do)
	}
	if st.Verb != Update {
		s.form = nil // a form is modal: whoever does something else has left it
	}
	s.begin(st.Verb, do)
}

// typed returns what a person types in a step. Only emails repeat between steps.
func (s *slot) typed(st Step) fields {
	s.w.typed++
	f := fields{
		Name:  fmt.Sprintf("Name %d", s.w.typed),
		Email: fmt.Sprintf("p%d@example.org", st.N),
		Bio:   fmt.Sprintf("Bio %d", s.w.typed),
	}
	return f
}

func (s *slot) create(ctx context.Context, id string, st Step) error {
	f := s.typed(st)
	if s.w.created[id] != 0 {
		return nil // no two people create the same id
	}
	s.w.created[id] = st.Entity
	s.nextID = id
	_, err := s.users.Create(ctx, api.UserPatch{Name: &f.Name, Email: &f.Email, Bio: &f.Bio})
	s.accepted(err, func() bool {
		got, ok := s.b.visible(userRef(id))
		return ok && got == f
	})
	return err
}

// Bits of an update's N: the fields it sets. The higher bits number the email.
const (
	setName = 1 << iota
	setBio
	setEmail
	emailBits
)

func (s *slot) update(ctx context.Context, id string, st Step) error {
	f := s.typed(Step{N: st.N / emailBits})
	var p api.UserPatch
	if st.N&setName != 0 {
		p.Name = &f.Name
	}
	if st.N&setEmail != 0 {
		p.Email = &f.Email
	}
	if st.N&setBio != 0 {
		p.Bio = &f.Bio
	}
	now, err := s.look(ctx, id)
	if err != nil {
		return err
	}
	if p.Email != nil && *p.Email == now.Value.Email {
		p.Email = nil // left as it was seen
	}
	whole := p // as some forms are saved, with what was left as it was seen
	for _, f := range []struct {
		to   **string
		seen string
	}{{&whole.Name, now.Value.Name}, {&whole.Email, now.Value.Email}, {&whole.Bio, now.Value.Bio}} {
		if *f.to == nil {
			*f.to = &f.seen
		}
	}
	_, err = s.users.Update(ctx, now, whole)
	s.accepted(err, func() bool {
		got, ok := s.b.visible(userRef(id))
		return ok && got == got.with(p)
	})
	return err
}

// open opens a form, in place of one that is open already.
func (s *slot) open(ctx context.Context, id string) error {
	now, err := s.users.Get(ctx, id)
	if err == nil {
		s.form = &now
		s.w.stats.hit("form opened")
	}
	return err
}

// look returns the record that a person has before them: in the form that is open about
// it, which they then save, or else as it is.
func (s *slot) look(ctx context.Context, id string) (repository.Record[api.User], error) {
	seen := s.form
	if seen == nil || seen.ID != id {
		now, err := s.users.Get(ctx, id)
		if err != nil {
			return now, err
		}
		seen = &now
	} else {
		s.w.stats.hit("form saved")
		s.form = nil
	}
	if !s.old() {
		s.saw = &fields{seen.Value.Name, seen.Value.Email, seen.Value.Bio}
	}
	return *seen, nil
}

func (s *slot) remove(ctx context.Context, id string, st Step) error {
	was, err := s.look(ctx, id)
	if err != nil {
		return err
	}
	_, err = s.users.Delete(ctx, was)
	s.accepted(err, func() bool {
		_, ok := s.b.visible(userRef(id))
		return !ok
	})
	if err == nil {
		s.b.deleted[st.Entity] = was
	}
	return err
}

func (s *slot) undo(ctx context.Context, st Step) error {
	was, ok := s.b.deleted[st.Entity]
	if !ok {
		return nil
	}
	delete(s.b.deleted, st.Entity)
	_, err := s.users.Restore(ctx, was)
	s.accepted(err, func() bool {
		_, ok := s.b.visible(userRef(was.ID)) // others may have changed it meanwhile
		return ok
	})
	return err
}

// accepted checks a write: if accepted, it is visible and queued; if refused, it changed
// nothing.
func (s *slot) accepted(err error, seen func() bool) {
	switch {
	case err == nil && !s.uncertain && !s.b.corrupted[entityID(s.entity)] && !seen():
		s.w.fail(1, "a %s was accepted but is not visible", s.doing)
	case err == nil:
		s.w.stats.hit("write accepted")
	case errors.Is(err, queue.ErrUncertain):
		s.w.stats.hit("write uncertain")
	case s.added+s.removed > 0:
		s.w.fail(1, "a %s was refused (%v) but changed the queue", s.doing, err)
	default:
		s.w.stats.hit("write refused")
	}
}

// attend decides about the first rejected operation.
func (s *slot) attend(ctx context.Context, verb Verb) error {
	rejected, err := s.users.NeedsAttention(ctx, 1)
	if err != nil || len(rejected) == 0 {
		return err
	}
	s.w.stats.hit("person: " + string(verb))
	if verb == Retry {
		err = s.users.Retry(ctx, rejected[0])
	} else {
		err = s.users.Discard(ctx, rejected[0])
	}
	if errors.Is(err, queue.ErrGone) {
		return nil
	}
	return err
}

// review decides about the first conflict.
func (s *slot) review(ctx context.Context, verb Verb) error {
	conflicts, err := s.users.Conflicts(ctx, 1)
	if err != nil || len(conflicts) == 0 || conflicts[0].Reviewed {
		return err
	}
	s.w.stats.hit("person: " + string(verb))
	if verb == Accept {
		return s.users.Accept(ctx, conflicts[0])
	}
	return s.users.Reverse(ctx, conflicts[0])
}
