package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rollcall/rollcall/server/store/sqldb"
)

// requireOwnSchema fails unless a database's schema is what the migrations make of an empty
// one, as of this version or an older one. A trigger or a view that somebody has added would
// run with the server's own statements. It only reads sqlite_schema, which runs nothing.
func requireOwnSchema(ctx context.Context, db *sql.DB) error {
	have, err := schemaOf(ctx, db)
	if err != nil {
		return err
	}
	var encoding string
	if err := db.QueryRowContext(ctx, `PRAGMA encoding`).Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF-8" { // the order of texts would be another
		return fmt.Errorf("its schema is not one of Rollcall's: its texts are in %s, not in UTF-8", encoding)
	}
	own, err := ownSchemas()
	if err != nil {
		return err
	}
	for _, want := range own {
		if maps.Equal(have, want.objects) {
			return nil
		}
	}
	latest := own[len(own)-1]
	if err := requireNotNewer(ctx, db, latest.version); err != nil {
		return err
	}
	return fmt.Errorf("its schema is not one of Rollcall's: %s", difference(have, latest.objects))
}

// ownSchema is a schema as of a version.
type ownSchema struct {
	version int64
	objects map[object]string
}

// ownSchemas are what the migrations make of an empty database, one after the other. They are made
// once: they are the same as long as the program runs.
var ownSchemas = sync.OnceValues(func() (schemas []ownSchema, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make a schema to compare with: %w", err)
		}
	}()
	ctx := context.Background()
	db, err := sql.Open("sqlite", address(":memory:", "memory"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection has a database of its own
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := schema(db)
	if err != nil {
		return nil, err
	}
	for _, migration := range p.ListSources() {
		if _, err := p.UpTo(ctx, migration.Version); err != nil {
			return nil, err
		}
		objects, err := schemaOf(ctx, db)
		if err != nil {
			return nil, err
		}
		schemas = append(schemas, ownSchema{migration.Version, objects})
	}
	return schemas, nil
})

// object identifies an entry of a schema.
type object struct{ kind, name, table string }

// inert are tables of other programs, by their definitions: SQLite's own statistics and what
// Litestream keeps its place in. Nothing of them runs.
var inert = map[string]string{
	"sqlite_stat1":     "create table sqlite_stat1(tbl,idx,stat)",
	"sqlite_stat4":     "create table sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
	"_litestream_seq":  "create table _litestream_seq (id integer primary key, seq integer)",
	"_litestream_lock": "create table _litestream_lock (id integer)",
}

func schemaOf(ctx context.Context, db *sql.DB) (map[object]string, error) {
	objects := map[object]string{}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	err = sqldb.Each(ctx, tx, `SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema`, func(rows *sql.Rows) error {
		var o object
		var text string
		if err := rows.Scan(&o.kind, &o.name, &o.table, &text); err != nil {
			return err
		}
		text = withoutComments(text)
		if want, ok := inert[o.name]; !ok || !strings.EqualFold(text, want) {
			objects[o] = text
		}
		return nil
	})
	return objects, err
}

// difference names one object in which two schemas differ.
func difference(have, want map[object]string) string {
	order := func(a, b object) int {
		return strings.Compare(a.kind+a.name+a.table, b.kind+b.name+b.table)
	}
	for _, o := range slices.SortedFunc(maps.Keys(have), order) {
		if _, ok := want[o]; !ok {
			return fmt.Sprintf("it has the %s %q", o.kind, o.name)
		}
	}
	for _, o := range slices.SortedFunc(maps.Keys(want), order) {
		switch text, ok := have[o]; {
		case !ok:
			return fmt.Sprintf("it lacks the %s %q", o.kind, o.name)
		case text != want[o]:
			return fmt.Sprintf("its %s %q is another", o.kind, o.name)
		}
	}
	return "it has nothing else, but not this"
}

// token is what withoutComments looks at: something quoted, or comments and spaces.
var token = regexp.MustCompile("'[^']*'|\"[^\"]*\"|`[^`]*`|\\[[^\\]]*\\]|(?s:--[^\n]*|/\\*.*?(?:\\*/|$)|\\s)+")

// withoutComments returns a statement without its comments, in which migrations of older
// programs differ, and with single spaces. What is quoted stays as it is.
func withoutComments(text string) string {
	return token.ReplaceAllStringFunc(text, func(t string) string {
		if strings.ContainsRune("'\"`[", rune(t[0])) {
			return t
		}
		return " "
	})
}

// requireNotNewer fails if a newer program has made the schema.
func requireNotNewer(ctx context.Context, db *sql.DB, latest int64) error {
	var version int64
	err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&version)
	if err == nil && version > latest {
		return sqldb.NewerSchema(version, latest)
	}
	return nil // whatever it is, it is not newer
}
