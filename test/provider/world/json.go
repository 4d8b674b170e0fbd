package world

import (
	"bytes"
	"encoding/json"
	"strings"
)

// decodeThing keeps numbers as they are written.
func decodeThing(text []byte) (Thing, error) {
	thing := Thing{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return thing, decoder.Decode(&thing)
}

func trimSuffix(name, suffix string) (string, bool) {
	return strings.TrimSuffix(name, suffix), strings.HasSuffix(name, suffix)
}
