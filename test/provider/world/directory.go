package world

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// directory keeps things/<id>.json, behaviour/<name>.<operation>.json (put there by tests) and journal.ndjson.
type directory struct{ path string }

func newDirectory(path string) (World, error) {
	for _, sub := range []string{"things", "behaviour"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o777); err != nil {
			return nil, err
		}
	}
	return directory{path}, nil
}

func (d directory) Begin(_ context.Context, call Call) (*Behaviour, error) {
	if err := d.journal(call, "begin"); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(d.path, "behaviour", call.Name+"."+call.Operation+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	behaviour := &Behaviour{}
	return behaviour, json.Unmarshal(text, behaviour)
}

func (d directory) End(call Call, result string) { _ = d.journal(call, result) }

// journal appends one line in one write, so that several processes can share the file.
func (d directory) journal(call Call, event string) error {
	line, err := json.Marshal(struct {
		Time string `json:"time"`
		Call
		Event string `json:"event"`
	}{time.Now().UTC().Format(time.RFC3339Nano), call, event})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(d.path, "journal.ndjson"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.Write(append(line, '\n'))
	return err
}

func (d directory) thing(id string) string {
	return filepath.Join(d.path, "things", filepath.Base(id)+".json")
}

func (d directory) Get(_ context.Context, id string) (Thing, error) {
	text, err := os.ReadFile(d.thing(id))
	if errors.Is(err, fs.ErrNotExist) {
		return Thing{}, notFound(id)
	} else if err != nil {
		return Thing{}, err
	}
	return decodeThing(text)
}

func (d directory) Find(ctx context.Context, name string) (Thing, error) {
	entries, err := os.ReadDir(filepath.Join(d.path, "things"))
	if err != nil {
		return Thing{}, err
	}
	for _, entry := range entries {
		id, isThing := trimSuffix(entry.Name(), ".json")
		if !isThing {
			continue
		}
		thing, err := d.Get(ctx, id)
		if err != nil {
			return Thing{}, err
		}
		if thing.Name == name {
			return thing, nil
		}
	}
	return Thing{}, notFound(name)
}

func (d directory) Put(_ context.Context, thing Thing) error {
	text, err := json.MarshalIndent(thing, "", "  ")
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(filepath.Join(d.path, "things"), "draft")
	if err != nil {
		return err
	}
	defer draft.Close()
	if _, err = draft.Write(append(text, '\n')); err != nil {
		return err
	}
	return os.Rename(draft.Name(), d.thing(thing.ID))
}

func (d directory) Delete(_ context.Context, id string) error {
	err := os.Remove(d.thing(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
