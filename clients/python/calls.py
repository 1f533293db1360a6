"""Call operations through the client that openapi-python-client generated, one for each line of the input.

A line is {"operation", "tag", "key", "path", "query", "body"}; the answer is {"status", "raw", "parsed"}: the body as
text, and the same body after it was decoded into the generated type and encoded again.
"""

from __future__ import annotations

import json
import sys
from enum import Enum
from importlib import import_module
from inspect import signature
from typing import Any, get_args, get_origin

from laurel_client import AuthenticatedClient, Client, types


def main() -> None:
    for line in sys.stdin:
        try:
            answer = call(json.loads(line))
        except Exception as error:
            answer = {"status": 0, "raw": "", "parsed": None, "error": repr(error)}
        print(json.dumps(answer), flush=True)


def call(sent: dict[str, Any]) -> dict[str, Any]:
    module = import_module(f"laurel_client.api.{sent['tag']}.{sent['operation']}")
    parameters = signature(module.sync_detailed, eval_str=True).parameters
    given = {**sent["path"], **sent["query"]} | ({"body": sent["body"]} if "body" in sent else {})
    arguments = {name: converted(parameters[name].annotation, value) for name, value in given.items()}
    url, key = sys.argv[1], sent["key"]
    timeout = 60
    client: Any = (
        AuthenticatedClient(url, key, prefix="", auth_header_name="X-API-Key", timeout=timeout)
        if key
        else Client(url, timeout=timeout)
    )
    response = module.sync_detailed(client=client, **arguments)
    return {"status": response.status_code, "raw": response.content.decode(), "parsed": plain(response.parsed)}


def converted(kind: Any, value: Any) -> Any:
    """Return JSON as the type of a parameter: the first of its alternatives that reads the whole value."""
    choices = get_args(kind) if get_origin(kind) is not list and get_args(kind) else (kind,)
    for choice in choices:
        try:
            if get_origin(choice) is list and isinstance(value, list):
                found: Any = [converted(get_args(choice)[0], each) for each in value]
            elif hasattr(choice, "from_dict") and isinstance(value, dict):
                found = choice.from_dict(dict(value))
            elif isinstance(choice, type) and issubclass(choice, Enum):
                found = choice(value)
            elif choice in {str, int, bool} and type(value) is choice:
                found = value
            else:
                continue
        except (KeyError, TypeError, ValueError):
            continue
        if plain(found) == value:
            return found
    raise TypeError(f"{value!r} is none of {choices}")


def plain(value: Any) -> Any:
    """Return a value of the client as JSON."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, types.Unset):
        return None
    return value.to_dict() if hasattr(value, "to_dict") else value


main()
