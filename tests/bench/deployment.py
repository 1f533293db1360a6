"""Laurel as `wiring` builds it for a worker, with clients that are replaced just below botocore.

The work in the process (a request's shape, its signature, its parsed response) is production's own. Below, either the
simulated services respond and the tape records the responses, or the tape plays them: then no measurement includes the
simulation's own cost.
"""

from __future__ import annotations

import threading
from typing import Any

import msgspec
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.session import Session

from chalicelib import settings, wiring
from chalicelib.services.context import Context
from infra.settings import QUEUES, Build
from infra.template import table
from tests.bench.figures import NotTaken
from tests.simulated import Call, World

BUILD = Build("bench", "aws")
TABLE = BUILD.prefix
SERVICES = {"dynamodb": "dynamodb", "sqs": "sqs", "eventbridge": "events", "cloudwatch-events": "events"}
_HEADERS = HeadersDict({"x-amzn-RequestId": "CANNED", "Content-Type": "application/x-amz-json-1.0"})


class Tape:
    """The recorded responses of a world by operation, in order; `play` returns them again from the start."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.playing = False
        self.answers: dict[str, list[bytes]] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._next: dict[str, int] = {}
        self._lock = threading.Lock()  # players are written in parallel

    def attach(self, client: Any) -> None:
        service_id = client.meta.service_model.service_id.hyphenize()
        service = SERVICES[service_id]

        def before_send(request: Any, event_name: str, **_: Any) -> AWSResponse:
            operation = event_name.rsplit(".", 1)[-1]
            return _response(request.url, self._answer(service, operation, request.body))

        client.meta.events.register_first(f"before-send.{service_id}", before_send)

    def record(self) -> None:
        """Let the world respond, and drop the recorded responses."""
        self.playing, self.answers, self.requests = False, {}, []

    def play(self) -> None:
        """Play the recorded responses from the first on."""
        self.playing, self._next = True, dict.fromkeys(self.answers, 0)

    def played_out(self) -> bool:
        """Return whether every response was played: the calls are those of the recording."""
        return all(self._next[operation] == len(kept) for operation, kept in self.answers.items())

    def _answer(self, service: str, operation: str, body: bytes) -> bytes:
        with self._lock:
            if self.playing:
                place = self._next.get(operation, 0)
                self._next[operation] = place + 1
                try:
                    return self.answers[operation][place]
                except (KeyError, IndexError):
                    raise NotTaken(f"{operation} was called more often than when its answers were recorded") from None
            params = msgspec.json.decode(body)
            self.requests.append((operation, params))
            call = Call(self.world.now_ms(), self.world.rng)
            answer = msgspec.json.encode(self.world.execute(service, operation, params, call))
            self.answers.setdefault(operation, []).append(answer)
            return answer


class Deployment:
    """One Laurel with its own world; `context` is the context of a process's workers."""

    def __init__(self, seed: int = 0, threads: int = 1) -> None:
        self.world = World(seed)
        self.tape = Tape(self.world)
        urls = {item.key: self.world.create_queue(item.name, **_attributes(item.fifo)) for item in QUEUES}
        self.urls = urls
        self.context = self._context(threads)
        properties = dict(table(BUILD)["Properties"])
        names = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        self.world.execute("dynamodb", "CreateTable", {name: properties[name] for name in names}, Call())

    def _context(self, threads: int) -> Context:
        environment = {f"LAUREL_{key.upper()}_QUEUE": url for key, url in self.urls.items()}
        environment |= {"LAUREL_STAGE": BUILD.stage, "LAUREL_TABLE": TABLE, "LAUREL_BUS": BUILD.prefix}
        session = Session()
        session.set_credentials("AKIABENCHBENCHBENCHB", "bench" * 8, "token" * 200)
        session.set_config_variable("region", "us-east-1")
        context = wiring.build(settings.read(environment | {"LAUREL_THREADS": str(threads)}), session)
        context.now_ms = self.world.now_ms
        assert context.quick
        outlets = context.quick()
        for owner in (context.table, context.queues, context.bus, outlets.queues, outlets.bus):
            self.tape.attach(owner.client)  # type: ignore[union-attr]
        return context

    @property
    def meter(self) -> Any:
        """Return the meter of capacity that recorded calls consumed."""
        return self.world.dynamodb.meter


def _attributes(fifo: bool) -> dict[str, str]:
    return {"VisibilityTimeout": "360"} | ({"FifoQueue": "true"} if fifo else {})


def _response(url: str, content: bytes) -> AWSResponse:
    response = AWSResponse(url, 200, _HEADERS, None)
    response._content = content
    return response
