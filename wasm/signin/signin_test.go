package signin_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/signin"
	"github.com/rollcall/rollcall/wasm/sync"
)

// answers is an HTTP that answers everything alike.
type answers struct {
	answer sync.Response
	err    error
	asked  []sync.Request
}

func (a *answers) Do(_ context.Context, r sync.Request) (sync.Response, error) {
	a.asked = append(a.asked, r)
	return a.answer, a.err
}

func answering(status int, media, body string) *answers {
	return &answers{answer: sync.Response{Status: status, Header: map[string]string{"content-type": media}, Body: []byte(body)}}
}

func TestSignIn(t *testing.T) {
	want := api.Session{Provider: "Zitadel", Account: &api.Identity{ID: "1", Name: "ann", DisplayName: "Ann “A” \u2028", Role: "viewer"}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	server := answering(200, "application/json", string(text))
	with := api.SignIn{Name: "änn", Password: "a \"b\" \n", Device: "Firefox"}
	got, err := signin.Server{HTTP: server}.SignIn(t.Context(), with)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	var sent api.SignIn
	if err := json.Unmarshal(server.asked[0].Body, &sent); err != nil || sent != with {
		t.Errorf("sent %s: %v", server.asked[0].Body, err)
	}
	again, err := jsoncodec.Parse(jsoncodec.Write(want.Account.WriteJSON), api.ReadIdentity)
	if err != nil || again != *want.Account {
		t.Errorf("kept %+v, %v", again, err)
	}
}

func TestSignOut(t *testing.T) {
	server := answering(204, "", "")
	if err := (signin.Server{HTTP: server}).SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	if r := server.asked[0]; r.Method != "DELETE" || r.Path != api.PathSession {
		t.Errorf("asked %s %s", r.Method, r.Path)
	}
}

func TestBegin(t *testing.T) {
	where, err := signin.Server{HTTP: answering(200, "application/json", `{"location":"https://idp.example/a?b"}`)}.Begin(t.Context(), "l", "d")
	if err != nil || where != "https://idp.example/a?b" {
		t.Errorf("got %q, %v", where, err)
	}
	for _, body := range []string{`{}`, `[]`, `{"location":1}`} {
		if _, err := (signin.Server{HTTP: answering(200, "application/json", body)}).Begin(t.Context(), "", ""); err == nil {
			t.Errorf("%s leads somewhere", body)
		}
	}
}

// TestWhatIsNoSession: nothing but the server's own answer says who has signed in.
func TestWhatIsNoSession(t *testing.T) {
	for name, c := range map[string]struct {
		*answers
		code api.Code
	}{
		"offline":        {&answers{err: errors.New("no network")}, api.CodeUnavailable},
		"portal":         {answering(200, "text/html", "<h1>Sign in</h1>"), api.CodeSignIn},
		"redirect":       {answering(302, "", ""), api.CodeSignIn},
		"cut off":        {answering(200, "application/json", `{"open":tr`), api.CodeUnavailable},
		"not found":      {answering(404, "text/html", "404"), api.CodeUnavailable},
		"wrong password": {answering(401, "application/problem+json", `{"title":"Name or password is wrong","status":401,"code":"sign_in"}`), api.CodeSignIn},
	} {
		got, err := signin.Server{HTTP: c.answers}.Session(t.Context())
		var failed *sync.RequestError
		if !errors.As(err, &failed) || failed.Problem.Code != c.code || got.Open || got.Account != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// script is an HTTP that gives its answers one after the other.
type script struct {
	answers []string
	asked   []sync.Request
}

func (s *script) Do(_ context.Context, r sync.Request) (sync.Response, error) {
	s.asked = append(s.asked, r)
	body := s.answers[0]
	s.answers = s.answers[1:]
	return sync.Response{Status: 200, Header: map[string]string{"content-type": "application/json"}, Body: []byte(body)}, nil
}

func TestPasskey(t *testing.T) {
	session := `{"open":false,"account":{"id":"1","name":"ann","displayName":"Ann","role":"viewer"}}`
	for name, c := range map[string]struct {
		path string
		how  signin.How
		sent map[string]any
		ask  func(signin.Server) (api.Session, error)
	}{
		"signing in": {api.PathPasskey, signin.Get, map[string]any{"credential": map[string]any{"id": "x"}, "name": "Phone"}, func(s signin.Server) (api.Session, error) {
			return s.ByPasskey(t.Context(), signin.Get, "Phone")
		}},
		"accepting": {api.PathAccept, signin.Create, map[string]any{"credential": map[string]any{"id": "x"}, "name": "Phone", "link": "l"}, func(s signin.Server) (api.Session, error) {
			return s.AcceptByPasskey(t.Context(), "l", "Phone")
		}},
	} {
		http, signed := &script{answers: []string{`{"publicKey":{}}`, session}}, []byte(`{"id":"x"}`)
		var failure error
		sign := func(_ context.Context, how signin.How, options []byte) ([]byte, error) {
			if how != c.how || string(options) != `{"publicKey":{}}` {
				t.Errorf("%s: %s %s", name, how, options)
			}
			return signed, failure
		}
		who, err := c.ask(signin.Server{HTTP: http, Sign: sign})
		if err != nil || who.Account == nil || who.Account.Name != "ann" {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		if begin, end := http.asked[0], http.asked[1]; begin.Method+begin.Path != "POST"+c.path || end.Method+end.Path != "PUT"+c.path || (len(begin.Body) > 0) != (c.path == api.PathAccept) {
			t.Errorf("%s asked %+v", name, http.asked)
		}
		var sent map[string]any
		if err := json.Unmarshal(http.asked[1].Body, &sent); err != nil || !reflect.DeepEqual(sent, c.sent) {
			t.Errorf("%s sent %s: %v", name, http.asked[1].Body, err)
		}

		// Nothing is sent of what was not signed.
		http.answers, http.asked, signed = []string{`{"publicKey":{}}`}, nil, nil
		if who, err := c.ask(signin.Server{HTTP: http, Sign: sign}); err != nil || who.Account != nil || len(http.asked) != 1 {
			t.Errorf("%s, when something else was asked: %+v, %v", name, who, err)
		}
		http.answers, failure = []string{`{"publicKey":{}}`}, errors.New("cancelled")
		if _, err := c.ask(signin.Server{HTTP: http, Sign: sign}); !errors.Is(err, failure) {
			t.Errorf("%s, cancelled: %v", name, err)
		}
	}
}
