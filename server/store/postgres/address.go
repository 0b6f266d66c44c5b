package postgres

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// IsAddress reports whether a text is meant as the address of a PostgreSQL database.
func IsAddress(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// Name is an address as it may be printed: without its password and its settings.
func Name(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" {
		return "postgres://..."
	}
	bare := url.URL{Scheme: "postgres", Host: u.Host, Path: u.Path}
	if u.User != nil {
		bare.User = url.User(u.User.Username())
	}
	return bare.String()
}

// defaults are settings that the address may set otherwise.
var defaults = map[string]string{
	"application_name":  "rollcall",
	"statement_timeout": "15s",
	// Who waits for the feed's row is behind other writers, and their work is short.
	"lock_timeout": "10s",
	// A server that is frozen while it holds the feed's row must not stop the others.
	"idle_in_transaction_session_timeout": "5s",
	// A server whose machine is gone is noticed, and with it goes its lock.
	"tcp_keepalives_idle":     "10",
	"tcp_keepalives_interval": "5",
	"tcp_keepalives_count":    "3",
	// There is an index for each statement, and the planner shall not go by what it
	// knew of a table when that was small. Compiling costs more than any of them.
	"enable_seqscan": "off",
	"jit":            "off",
}

const (
	connectTimeout = 5 * time.Second
	maxReaders     = 16 // connections that read, unless the address says pool_max_conns
	maxWriters     = 3  // the group, housekeeping and the notifier
)

// parseAddress makes the settings of connections. What is wrong with the address is
// told without its password.
func parseAddress(address string) (*pgxpool.Config, error) {
	u, err := url.Parse(address)
	if err != nil {
		// What is wrong is said by quoting the place, which may be in the password.
		return nil, errors.New("the address is not a URL; a password in it needs %-escapes for characters such as / ? # @ %")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, errors.New(withoutSecrets(err.Error(), u))
	}
	if !u.Query().Has("pool_max_conns") {
		config.MaxConns = maxReaders
	}
	if !u.Query().Has("connect_timeout") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	for name, value := range defaults {
		if _, set := config.ConnConfig.RuntimeParams[name]; !set {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	return config, nil
}

// withoutSecrets takes the secrets of the address out of a text, as they are
// written and as they are meant.
func withoutSecrets(text string, u *url.URL) string {
	var secrets []string
	if p, set := u.User.Password(); set {
		_, written, _ := strings.Cut(u.User.String(), ":")
		secrets = append(secrets, p, written)
	}
	for _, name := range []string{"password", "sslpassword"} {
		for _, value := range u.Query()[name] {
			secrets = append(secrets, value, url.QueryEscape(value))
		}
	}
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, "xxxxx")
		}
	}
	return text
}

// with is the settings of a connection with some of them changed.
func with(c *pgx.ConnConfig, settings map[string]string) *pgx.ConnConfig {
	c = c.Copy()
	for name, value := range settings {
		c.RuntimeParams[name] = value
	}
	return c
}
