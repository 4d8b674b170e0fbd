// Package world is the outside world that the test providers manage: things, and a journal of every call that was made.
package world

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"
)

// Thing is one object of the outside world; Properties is whatever the provider keeps there.
type Thing struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Revision   int64          `json:"revision"`
	Properties map[string]any `json:"properties"`
}

// Call is one operation of a provider on one thing.
type Call struct {
	Operation string `json:"op"` // create, read, update, delete, find
	Name      string `json:"name"`
	ID        string `json:"id,omitempty"`
}

// Behaviour is how one operation misbehaves; the zero value is a quick success.
type Behaviour struct {
	Seconds      float64 `json:"seconds,omitempty"`       // wait before answering
	Fail         string  `json:"fail,omitempty"`          // error message; {env:NAME} becomes the variable's value
	Hang         bool    `json:"hang,omitempty"`          // never answer
	IgnoreCancel bool    `json:"ignore_cancel,omitempty"` // go on when the tool asks to stop
	Commit       bool    `json:"commit,omitempty"`        // change the world first, misbehave afterwards
}

// ErrNotFound says that there is no such thing.
var ErrNotFound = errors.New("no such thing")

// World is where things are. Begin and End write the journal; Begin returns the misbehaviour a test has put there, if any.
type World interface {
	Begin(ctx context.Context, call Call) (*Behaviour, error)
	End(call Call, result string)
	Get(ctx context.Context, id string) (Thing, error)
	Find(ctx context.Context, name string) (Thing, error)
	Put(ctx context.Context, thing Thing) error
	Delete(ctx context.Context, id string) error
}

// Open chooses the world: a server (url, else OUTSIDE_URL) or a directory (directory, else OUTSIDE_DIR).
func Open(url, directory string) (World, error) {
	if url == "" && directory == "" {
		url, directory = os.Getenv("OUTSIDE_URL"), os.Getenv("OUTSIDE_DIR")
	}
	switch {
	case url != "":
		return newServer(url), nil
	case directory != "":
		return newDirectory(directory)
	}
	return nil, errors.New("no outside world: set OUTSIDE_URL or OUTSIDE_DIR")
}

// NewID gives a thing its identity.
func NewID(name string) string {
	suffix := make([]byte, 4)
	_, _ = rand.Read(suffix)
	return name + "-" + hex.EncodeToString(suffix)
}

// Do runs one operation: journal, misbehaviour (the test's before the resource's own), action, journal.
func Do(ctx context.Context, w World, call Call, own *Behaviour, action func(context.Context) error) error {
	placed, err := w.Begin(ctx, call)
	if err != nil {
		w.End(call, result(err))
		return err
	}
	behaviour := Behaviour{}
	if own != nil {
		behaviour = *own
	}
	if placed != nil {
		behaviour = *placed
	}
	if behaviour.IgnoreCancel {
		ctx = context.WithoutCancel(ctx)
	}
	// What was sent to the world is waited for: a create whose answer nobody hears would be made again.
	act := func() error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return action(context.WithoutCancel(ctx))
	}
	if behaviour.Commit {
		if err = act(); err == nil {
			err = misbehave(ctx, behaviour)
		}
	} else if err = misbehave(ctx, behaviour); err == nil {
		err = act()
	}
	w.End(call, result(err))
	return err
}

func result(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, ErrNotFound):
		return "not-found"
	}
	return "failed"
}

func misbehave(ctx context.Context, behaviour Behaviour) error {
	if behaviour.Hang {
		<-ctx.Done() // a context without cancel never is
		if behaviour.IgnoreCancel {
			select {}
		}
		return ctx.Err()
	}
	if behaviour.Seconds > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(behaviour.Seconds * float64(time.Second))):
		}
	}
	if behaviour.Fail != "" {
		return errors.New(expand(behaviour.Fail))
	}
	return nil
}

var environmentReference = regexp.MustCompile(`\{env:([A-Za-z0-9_]+)\}`)

func expand(message string) string {
	return environmentReference.ReplaceAllStringFunc(message, func(match string) string {
		return os.Getenv(environmentReference.FindStringSubmatch(match)[1])
	})
}

func notFound(what string) error { return fmt.Errorf("%w: %s", ErrNotFound, what) }
