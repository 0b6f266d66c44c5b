package postgres

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// IsAddress reports whether a text is the address of a PostgreSQL database.
func IsAddress(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// Name is an address for display: without its password and settings.
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

// defaults are settings that the address may override.
var defaults = map[string]string{
	"application_name":  "rollcall",
	"statement_timeout": "15s",
	// A writer waits for the feed's row while others write, which is short.
	"lock_timeout": "10s",
	// A frozen server that holds the feed's row must not stop the others for long.
	"idle_in_transaction_session_timeout": "5s",
	// The database notices a dead machine, and releases its locks.
	"tcp_keepalives_idle":     "10",
	"tcp_keepalives_interval": "5",
	"tcp_keepalives_count":    "3",
	// Every statement has an index; the planner must not scan because of statistics from
	// when the table was small. Compiling costs more than any statement.
	"enable_seqscan": "off",
	"jit":            "off",
}

const (
	connectTimeout = 5 * time.Second
	maxReaders     = 16 // connections that read, unless the address says pool_max_conns
	maxWriters     = 3  // the group, housekeeping and the notifier
)

// parseAddress returns the configuration of connections. Its errors don't contain the
// password.
func parseAddress(address string) (*pgxpool.Config, error) {
	u, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse may quote the password.
		return nil, errors.New("the address is not a valid URL; escape characters such as / ? # @ % in its password with %-escapes")
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

// withoutSecrets removes the address's secrets from a text, both escaped and unescaped.
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

// with returns a connection's configuration with other settings.
func with(c *pgx.ConnConfig, settings map[string]string) *pgx.ConnConfig {
	c = c.Copy()
	for name, value := range settings {
		c.RuntimeParams[name] = value
	}
	return c
}
