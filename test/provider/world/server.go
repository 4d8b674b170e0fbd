package world

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// server is a world behind HTTP: the test's process holds a call at its beginning for as long as it likes.
type server struct {
	url    string
	client *http.Client
}

// newServer takes `http://HOST:PORT`, or `unix:///PATH` for a container without a network.
func newServer(address string) World {
	path, isSocket := strings.CutPrefix(address, "unix://")
	if !isSocket {
		return server{strings.TrimSuffix(address, "/"), http.DefaultClient}
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	return server{"http://outside", &http.Client{Transport: transport}}
}

func (s server) Begin(ctx context.Context, call Call) (*Behaviour, error) {
	text, err := s.request(ctx, http.MethodPost, "/begin", call)
	if err != nil || len(text) == 0 {
		return nil, err
	}
	behaviour := &Behaviour{}
	return behaviour, json.Unmarshal(text, behaviour)
}

func (s server) End(call Call, result string) {
	_, _ = s.request(context.Background(), http.MethodPost, "/end", struct {
		Call
		Event string `json:"event"`
	}{call, result})
}

func (s server) Get(ctx context.Context, id string) (Thing, error) {
	return s.thing(ctx, "/things/"+url.PathEscape(id))
}

func (s server) Find(ctx context.Context, name string) (Thing, error) {
	return s.thing(ctx, "/find/"+url.PathEscape(name))
}

func (s server) thing(ctx context.Context, path string) (Thing, error) {
	text, err := s.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return Thing{}, err
	}
	return decodeThing(text)
}

func (s server) Put(ctx context.Context, thing Thing) error {
	_, err := s.request(ctx, http.MethodPut, "/things/"+url.PathEscape(thing.ID), thing)
	return err
}

func (s server) Delete(ctx context.Context, id string) error {
	_, err := s.request(ctx, http.MethodDelete, "/things/"+url.PathEscape(id), nil)
	return err
}

func (s server) request(ctx context.Context, method, path string, body any) ([]byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusNotFound:
		return nil, notFound(path)
	case response.StatusCode >= 300:
		return nil, fmt.Errorf("outside world: %s %s: %s", method, path, response.Status)
	}
	return answer, nil
}
