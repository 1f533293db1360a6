// Program main calls operations through the client that oapi-codegen generated, one for each line of its input.
//
// A line is {"operation", "route", "key", "path", "query", "body"}; the answer is {"status", "raw", "parsed"}: the body as text,
// and the same body after it was decoded into the generated type and encoded again.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"

	"laurel.example/contract/client"
)

type call struct {
	Operation string            `json:"operation"`
	Key       string            `json:"key"`
	Route     string            `json:"route"`
	Path      map[string]string `json:"path"`
	Query     json.RawMessage   `json:"query"`
	Body      json.RawMessage   `json:"body"`
	Patterns  []string          `json:"patterns"`
}

type answer struct {
	Status int             `json:"status"`
	Raw    string          `json:"raw"`
	Parsed json.RawMessage `json:"parsed"`
	Error  string          `json:"error,omitempty"`
}

// methodOf returns the generated method of an operation: read_own_log is ReadOwnLogWithResponse.
func methodOf(target *client.ClientWithResponses, operation string) reflect.Value {
	name := ""
	for _, word := range strings.Split(operation, "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return reflect.ValueOf(target).MethodByName(name + "WithResponse")
}

// argument returns the next argument of a generated method, by its type: path parameter, query or body.
func argument(kind reflect.Type, sent *call) (reflect.Value, error) {
	if kind.Kind() == reflect.String {
		_, rest, _ := strings.Cut(sent.Route, "{")
		name, rest, _ := strings.Cut(rest, "}")
		sent.Route = rest
		return reflect.ValueOf(sent.Path[name]), nil
	}
	text := sent.Body
	if kind.Kind() == reflect.Pointer && strings.HasSuffix(kind.Elem().Name(), "Params") {
		text = sent.Query
	}
	if len(text) == 0 {
		return reflect.Zero(kind), nil
	}
	value := reflect.New(kind)
	err := json.Unmarshal(text, value.Interface())
	return value.Elem(), err
}

func run(target *client.ClientWithResponses, sent call) (answer, error) {
	for _, pattern := range sent.Patterns {
		if _, err := regexp.Compile(pattern); err != nil {
			return answer{}, err
		}
	}
	if len(sent.Patterns) > 0 {
		return answer{Status: 200}, nil
	}
	method := methodOf(target, sent.Operation)
	if !method.IsValid() {
		return answer{}, fmt.Errorf("the client has no method for %s", sent.Operation)
	}
	arguments := []reflect.Value{reflect.ValueOf(context.Background())}
	for place := 1; place < method.Type().NumIn()-1; place++ {
		value, err := argument(method.Type().In(place), &sent)
		if err != nil {
			return answer{}, err
		}
		arguments = append(arguments, value)
	}
	key := client.RequestEditorFn(func(_ context.Context, request *http.Request) error {
		if sent.Key != "" {
			request.Header.Set("X-API-Key", sent.Key)
		}
		return nil
	})
	results := method.Call(append(arguments, reflect.ValueOf(key)))
	if err, failed := results[1].Interface().(error); failed {
		return answer{}, err
	}
	response := results[0].Elem()
	status := response.FieldByName("HTTPResponse").Interface().(*http.Response).StatusCode
	found := answer{Status: status, Raw: string(response.FieldByName("Body").Bytes())}
	typed := response.FieldByName(fmt.Sprintf("JSON%d", status))
	if typed.IsValid() && !typed.IsNil() {
		text, err := json.Marshal(typed.Interface())
		found.Parsed = text
		return found, err
	}
	return found, nil
}

func main() {
	target, err := client.NewClientWithResponses(os.Args[1])
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var sent call
		err := json.Unmarshal(lines.Bytes(), &sent)
		found := answer{}
		if err == nil {
			found, err = run(target, sent)
		}
		if err != nil {
			found.Error = err.Error()
		}
		text, _ := json.Marshal(found)
		fmt.Println(string(text))
	}
}
