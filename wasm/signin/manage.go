package signin

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Passkey is the kind of grant that a passkey is listed as, beside sessions and tokens.
const Passkey = "passkey"

// Accounts lists all accounts, for an admin.
func (s Server) Accounts(ctx context.Context) ([]api.Account, error) {
	answer, err := s.ask(ctx, "GET", api.PathAccounts, nil)
	return listed(answer, err, api.ReadAccount)
}

// Grants lists what lets somebody in to an account: passkeys, sessions and tokens.
func (s Server) Grants(ctx context.Context, id string) ([]api.Grant, error) {
	answer, err := s.ask(ctx, "GET", passkeysOf(id), nil)
	all, err := listed(answer, err, api.ReadGrant)
	for i := range all {
		all[i].Kind = Passkey
	}
	if err != nil {
		return nil, err
	}
	answer, err = s.ask(ctx, "GET", grantsOf(id), nil)
	others, err := listed(answer, err, api.ReadGrant)
	return append(all, others...), err
}

func grantsOf(id string) string { return api.ItemPath(api.PathAccounts, id) + "/grants" }

// listed reads an answer that is an object with one list.
func listed[T any](answer []byte, err error, read func(*jsoncodec.Reader) T) (all []T, _ error) {
	if err != nil {
		return nil, err
	}
	_, err = jsoncodec.Parse(answer, func(r *jsoncodec.Reader) bool {
		for r.Object(); r.Member(); {
			all = jsoncodec.Slice(r, read)
		}
		return true
	})
	return all, unreadable(err)
}

func unreadable(err error) error {
	if err != nil {
		return sync.NoAnswerError(err)
	}
	return nil
}

// EndGrant signs a device out, or removes a passkey or a token.
func (s Server) EndGrant(ctx context.Context, id string, g api.Grant) error {
	list := grantsOf(id)
	if g.Kind == Passkey {
		list = passkeysOf(id)
	}
	_, err := s.ask(ctx, "DELETE", api.ItemPath(list, g.ID), nil)
	return err
}

// Invite makes an account with a link to it.
func (s Server) Invite(ctx context.Context, name, role string, days int) (api.Link, error) {
	return s.link(ctx, api.PathAccounts, func(w *jsoncodec.Writer) {
		w.Name("name").String(name)
		w.Name("role").String(role)
		w.Name("days").Int(int64(days))
	})
}

// NewLink makes a link to an account, with which a password or passkey is set.
func (s Server) NewLink(ctx context.Context, id string) (api.Link, error) {
	return s.link(ctx, api.ItemPath(api.PathAccounts, id)+"/link", func(*jsoncodec.Writer) {})
}

func (s Server) link(ctx context.Context, path string, fields func(*jsoncodec.Writer)) (l api.Link, err error) {
	answer, err := s.send(ctx, "POST", path, fields)
	if err == nil {
		l, err = jsoncodec.Parse(answer, api.ReadLink)
		err = unreadable(err)
	}
	return l, err
}

// SetRole gives an account another role.
func (s Server) SetRole(ctx context.Context, id, role string) error {
	_, err := s.send(ctx, "PATCH", api.ItemPath(api.PathAccounts, id), func(w *jsoncodec.Writer) { w.Name("role").String(role) })
	return err
}

// SetDisabled disables an account, or enables it.
func (s Server) SetDisabled(ctx context.Context, id string, disabled bool) error {
	_, err := s.send(ctx, "PATCH", api.ItemPath(api.PathAccounts, id), func(w *jsoncodec.Writer) { w.Name("disabled").Bool(disabled) })
	return err
}

// Undo undoes what an account has changed within the last hour.
func (s Server) Undo(ctx context.Context, id string) (u api.Undone, err error) {
	answer, err := s.ask(ctx, "POST", api.ItemPath(api.PathAccounts, id)+"/undo", nil)
	if err == nil {
		u, err = jsoncodec.Parse(answer, api.ReadUndone)
		err = unreadable(err)
	}
	return u, err
}

func (s Server) send(ctx context.Context, method, path string, fields func(*jsoncodec.Writer)) ([]byte, error) {
	return s.ask(ctx, method, path, object(fields))
}

func object(fields func(*jsoncodec.Writer)) []byte {
	return jsoncodec.Write(func(w *jsoncodec.Writer) {
		w.Open('{')
		fields(w)
		w.Close('}')
	})
}
