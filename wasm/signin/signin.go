// Package signin is a device's side of the sign-in of docs/decisions/040: it asks the server who has
// signed in, and signs a person in and out. The session itself is a cookie, which no program reads.
package signin

import (
	"context"
	"errors"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Server is the server's sign-in. Errors are *sync.RequestError, or the browser's.
type Server struct {
	HTTP sync.HTTP
	// Sign has the browser answer the server's options with a passkey. The answer is empty if another
	// call has taken its place.
	Sign func(ctx context.Context, how How, options []byte) (answer []byte, err error)
}

// Session returns who has signed in.
func (s Server) Session(ctx context.Context) (api.Session, error) {
	return s.session(ctx, "GET", nil)
}

// SignIn starts a session, with a name and a password, or with a link and a new password.
func (s Server) SignIn(ctx context.Context, with api.SignIn) (api.Session, error) {
	return s.session(ctx, "POST", jsoncodec.Write(with.WriteJSON))
}

func (s Server) session(ctx context.Context, method string, body []byte) (api.Session, error) {
	answer, err := s.ask(ctx, method, api.PathSession, body)
	if err != nil {
		return api.Session{}, err
	}
	session, err := jsoncodec.Parse(answer, api.ReadSession)
	return session, unreadable(err)
}

// Begin returns where to go to sign in at the server's provider; with a link, for its account.
func (s Server) Begin(ctx context.Context, link, device string) (address string, err error) {
	body := object(func(w *jsoncodec.Writer) {
		w.OptionalString("link", link)
		w.OptionalString("device", device)
	})
	answer, err := s.ask(ctx, "POST", api.PathProvider, body)
	if err != nil {
		return "", err
	}
	fields, err := jsoncodec.Parse(answer, func(r *jsoncodec.Reader) map[string]string {
		return jsoncodec.Map(r, (*jsoncodec.Reader).String)
	})
	if err != nil || fields["location"] == "" {
		return "", sync.NoAnswerError(errors.Join(errors.New("the answer does not say where to go"), err))
	}
	return fields["location"], nil
}

// SignOut ends the session.
func (s Server) SignOut(ctx context.Context) error {
	_, err := s.ask(ctx, "DELETE", api.PathSession, nil)
	return err
}

func (s Server) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	r := sync.Request{Method: method, Path: path, Body: body, Header: map[string]string{"Accept": "application/json"}}
	if body != nil {
		r.Header["Content-Type"] = "application/json"
	}
	answer, err := s.HTTP.Do(ctx, r)
	if err != nil {
		return nil, sync.NoAnswerError(err)
	}
	if answer.Status == statusNoContent {
		return nil, nil
	}
	if failed := sync.Classify(answer); failed != nil {
		return nil, failed
	}
	return answer.Body, nil
}

const statusNoContent = 204

func object(fields func(*jsoncodec.Writer)) []byte {
	return jsoncodec.Write(func(w *jsoncodec.Writer) {
		w.Open('{')
		fields(w)
		w.Close('}')
	})
}

func unreadable(err error) error {
	if err != nil {
		return sync.NoAnswerError(err)
	}
	return nil
}
