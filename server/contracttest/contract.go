// Package contracttest checks responses against docs/openapi.yaml, for the tests of any
// package.
package contracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/rollcall/rollcall/api"
)

// Contract is docs/openapi.yaml. Its methods may be called by many goroutines.
type Contract struct {
	Doc    *openapi3.T
	router routers.Router
}

// media makes the validator accept event streams, which have no schema, and pages of changes in
// lines, which have that of the same in JSON.
var media = sync.OnceFunc(func() {
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.RegisteredBodyDecoder("text/plain"))
	openapi3filter.RegisterBodyDecoder(api.LinesType, func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		page, err := api.ParseLines(text)
		if err != nil {
			return nil, err
		}
		text, err = json.Marshal(page)
		if err != nil {
			return nil, err
		}
		var plain any
		err = json.Unmarshal(text, &plain)
		return plain, err
	})
})

// Load loads the contract, which must be valid OpenAPI.
func Load(t testing.TB) *Contract {
	t.Helper()
	media()
	path, err := find("docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("the contract is not valid OpenAPI: %v", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &Contract{Doc: doc, router: router}
}

// find searches for a file of the repository from the working directory upwards.
func find(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", fmt.Errorf("there is no %s above the working directory", name)
	}
}

// Response is a response with its whole body as received.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Plain returns the body without its content coding.
func (a Response) Plain() ([]byte, error) {
	switch coding := a.Header.Get("Content-Encoding"); coding {
	case "":
		return a.Body, nil
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(a.Body))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(z)
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(a.Body))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		return io.ReadAll(z)
	default:
		return nil, fmt.Errorf("unknown content coding %q", coding)
	}
}

// Check returns how a response violates the contract. The body of an event stream may be its
// beginning.
func (c *Contract) Check(req *http.Request, a Response) error {
	if a.Status >= 400 && a.Header.Get("Content-Type") != "application/problem+json" && strings.HasPrefix(req.URL.Path, api.PathPrefix) {
		return fmt.Errorf("status %d with content type %q, which is not a problem document", a.Status, a.Header.Get("Content-Type"))
	}
	if (a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable) && a.Header.Get("Retry-After") == "" {
		return fmt.Errorf("status %d without Retry-After", a.Status)
	}
	if req.Method == http.MethodHead {
		return nil // the contract does not describe HEAD
	}
	body, err := a.Plain()
	if err != nil {
		return fmt.Errorf("decode the body: %w", err)
	}
	// The router matches URLs without a host, as for servers at "/".
	plain := req.Clone(context.Background())
	plain.URL.Host, plain.URL.Scheme, plain.Host = "", "", ""
	route, params, err := c.router.FindRoute(plain)
	if err != nil {
		// An unknown path or method is answered as such, or refused before routing.
		switch a.Status {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusTooManyRequests, http.StatusForbidden, http.StatusMisdirectedRequest:
			return nil
		}
		return fmt.Errorf("status %d for a path outside the contract: %w", a.Status, err)
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: plain, PathParams: params, Route: route},
		Status:                 a.Status, Header: a.Header,
		Body:    io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// Handler checks every response of a handler; a violation fails the test.
func (c *Contract) Handler(t testing.TB, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.Clone(context.Background())
		request.Body = http.NoBody // the handler reads it
		k := &recorder{ResponseWriter: w}
		defer func() {
			if v := recover(); v != nil {
				panic(v) // a response that is aborted on purpose is incomplete
			}
			if err := c.Check(request, Response{k.status, w.Header().Clone(), k.body.Bytes()}); err != nil {
				t.Errorf("%s %s: the response violates the contract: %v\n%s", r.Method, r.URL, err, k.body.Bytes())
			}
		}()
		next.ServeHTTP(k, r)
		if k.status == 0 {
			k.status = http.StatusOK
		}
	})
}

// recorder records a response.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *recorder) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

func (k *recorder) Write(b []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController through.
func (k *recorder) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// Transport checks every response of a transport except event streams, which don't end. A
// violation makes the request fail.
func (c *Contract) Transport(next http.RoundTripper) http.RoundTripper {
	return checkedTransport{c, next}
}

type checkedTransport struct {
	contract *Contract
	next     http.RoundTripper
}

func (t checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil || resp.Header.Get("Content-Type") == "text/event-stream" || !covers(r.URL.Path) {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err := t.contract.Check(r, Response{resp.StatusCode, resp.Header, body}); err != nil {
		return nil, fmt.Errorf("%s %s: the response violates the contract: %w\n%s", r.Method, r.URL, err, body)
	}
	return resp, nil
}

// covers reports whether the contract covers a path. It does not cover the web files.
func covers(path string) bool {
	switch path {
	case api.PathHealth, api.PathReady:
		return true
	}
	return strings.HasPrefix(path, api.PathPrefix)
}
