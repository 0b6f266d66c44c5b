package signin

import (
	"context"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// How a browser is asked for a passkey.
type How string

// The ways.
const (
	Create  How = "create"  // it makes one
	Get     How = "get"     // it asks for one now
	Suggest How = "suggest" // it suggests those that it has where the person types their name
)

// ByPasskey starts a session for who has signed with a passkey. It is the zero one if another call has
// taken this one's place.
func (s Server) ByPasskey(ctx context.Context, how How, device string) (api.Session, error) {
	return s.signed(ctx, api.PathPasskey, how, device, "")
}

// AcceptByPasskey makes a passkey for a link's account, named as the device is, and starts a session.
func (s Server) AcceptByPasskey(ctx context.Context, link, device string) (api.Session, error) {
	return s.signed(ctx, api.PathAccept, Create, device, link)
}

func (s Server) signed(ctx context.Context, path string, how How, device, link string) (session api.Session, err error) {
	answer, err := s.sign(ctx, path, how, device, link)
	if err != nil || answer == nil {
		return session, err
	}
	session, err = jsoncodec.Parse(answer, api.ReadSession)
	return session, unreadable(err)
}

// sign asks the server for options, has the browser answer them, and sends the answer.
func (s Server) sign(ctx context.Context, path string, how How, name, link string) ([]byte, error) {
	var begin []byte
	if link != "" {
		begin = object(func(w *jsoncodec.Writer) { w.Name("link").String(link) })
	}
	options, err := s.ask(ctx, "POST", path, begin)
	if err != nil {
		return nil, err
	}
	answer, err := s.Sign(ctx, how, options)
	if err != nil || len(answer) == 0 {
		return nil, err
	}
	return s.ask(ctx, "PUT", path, object(func(w *jsoncodec.Writer) {
		w.Name("credential").Raw(answer)
		w.OptionalString("name", name)
		w.OptionalString("link", link)
	}))
}
