package api

import "strings"

// Code identifies a kind of error. Codes are stable: clients decide by them, never by the text.
type Code string

// The codes.
const (
	CodeMalformed       Code = "malformed"         // the body is not valid JSON
	CodeInvalid         Code = "invalid"           // a field is invalid
	CodeUnknownField    Code = "unknown_field"     // the body has an unknown field
	CodeMediaType       Code = "unsupported_media" // the body is not application/json
	CodeTooLarge        Code = "too_large"         // a body, batch or header over its limit
	CodeNotFound        Code = "not_found"         // no such entity, or deleted
	CodeNoRoute         Code = "no_route"          // no such path
	CodeMethod          Code = "method_not_allowed"
	CodeEmailTaken      Code = "email_taken"           // another user has this email
	CodePrecondition    Code = "precondition_failed"   // If-Match names another version
	CodePreconditionReq Code = "precondition_required" // If-Match is missing
	CodeConflict        Code = "conflict"              // the entity has another version, or exists already
	CodeKeyReused       Code = "idempotency_key_reused"
	CodeResync          Code = "resync" // the feed no longer reaches back to the cursor
	CodeBadCursor       Code = "bad_cursor"
	CodeSignIn          Code = "sign_in"
	CodeAccountDisabled Code = "account_disabled"
	CodeForbidden       Code = "forbidden"      // the account's role does not permit it
	CodeCrossSite       Code = "cross_site"     // a request from a page of another site
	CodeUnknownHost     Code = "unknown_host"   // Host is no name of the server
	CodeClientTooOld    Code = "client_too_old" // the client's version of the protocol is no longer taken
	CodeBulkLimit       Code = "bulk_limit"     // the account has deleted too many people
	CodeRateLimited     Code = "rate_limited"
	CodeUnavailable     Code = "unavailable"
	CodeInternal        Code = "internal"
)

// statuses is the HTTP status (RFC 9110) of each code. A test checks that every code has one.
var statuses = map[Code]int{
	CodeMalformed:       400,
	CodeInvalid:         400,
	CodeUnknownField:    400,
	CodeBadCursor:       400,
	CodeClientTooOld:    400,
	CodeSignIn:          401,
	CodeAccountDisabled: 401,
	CodeBulkLimit:       403,
	CodeForbidden:       403,
	CodeCrossSite:       403,
	CodeNotFound:        404,
	CodeNoRoute:         404,
	CodeMethod:          405,
	CodeConflict:        409,
	CodeEmailTaken:      409,
	CodeResync:          410,
	CodePrecondition:    412,
	CodeTooLarge:        413,
	CodeMediaType:       415,
	CodeUnknownHost:     421,
	CodeKeyReused:       422,
	CodePreconditionReq: 428,
	CodeRateLimited:     429,
	CodeInternal:        500,
	CodeUnavailable:     503,
}

// Status returns the HTTP status of the code.
func (c Code) Status() int { return statuses[c] }

// FieldError says what is wrong with one field.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Problem is an error as RFC 9457 application/problem+json, with a stable code.
type Problem struct {
	Type   string       `json:"type,omitempty"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Code   Code         `json:"code"`
	Errors []FieldError `json:"errors,omitempty"`
	// MaxOperations is how many operations the server takes, after a batch of more.
	MaxOperations int `json:"maxOperations,omitempty"`
}

// NewProblem returns the problem of a code, with the code's status.
func NewProblem(code Code, title, detail string, errs ...FieldError) *Problem {
	return &Problem{Title: title, Status: code.Status(), Detail: detail, Code: code, Errors: errs}
}

// Error describes the problem in a sentence.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Title)
	if p.Detail != "" {
		b.WriteString(": ")
		b.WriteString(p.Detail)
	}
	for i, e := range p.Errors {
		if i == 0 && p.Detail == "" {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(e.Field + " " + e.Detail)
	}
	return b.String()
}
