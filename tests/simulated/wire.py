"""Between botocore and the services: requests decoded, faults met, answers encoded."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import msgspec
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, ReadTimeoutError
from botocore.retries.standard import RetryEventAdapter, StandardRetryConditions

from .calls import Call, Killed
from .errors import AwsError
from .faults import Fates
from .scheduler import Actor

if TYPE_CHECKING:
    from .world import World

READ_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 1.0
TORN_MS = (1, 60)
MAX_BACKOFF_S = 20.0
_SERVICES = {"dynamodb": "dynamodb", "sqs": "sqs", "eventbridge": "events", "cloudwatch-events": "events"}
_HEADERS = HeadersDict({"x-amzn-RequestId": "SIMULATED", "Content-Type": "application/x-amz-json-1.0"})
_SERVER_ERRORS = {"dynamodb": "InternalServerError", "sqs": "InternalFailure", "events": "InternalException"}
_THROTTLES = {
    "dynamodb": ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"),
    "sqs": ("RequestThrottled", "ThrottlingException"),
    "events": ("ThrottlingException",),
}
_INSIDE = frozenset(("partial", "kill_mid", "torn", "conflict", "throttle"))
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Wire:
    """The end of the wire that a world holds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fates = Fates(world.faults, world.rng)

    def attach(self, client: Any) -> Any:
        service_id = client.meta.service_model.service_id.hyphenize()
        service, events = _SERVICES[service_id], client.meta.events
        retries = (client.meta.config.retries or {}).get("total_max_attempts")
        conditions = StandardRetryConditions(max_attempts=retries or (4 if service == "dynamodb" else 3))

        def before_send(request: Any, event_name: str, **_: Any) -> AWSResponse:
            return self.respond(service, event_name.rsplit(".", 1)[-1], request)

        def needs_retry(**kwargs: Any) -> Any:
            return self.retry(conditions, kwargs)

        for event, handler in (("before-send", before_send), ("needs-retry", needs_retry)):
            name = f"{event}.{service_id}"
            events.unregister(name, unique_id=f"simulated-{event}")
            events.unregister(name, unique_id=f"retry-config-{service_id}")
            events.register_first(name, handler, unique_id=f"simulated-{event}")
        # Nothing here checks signatures, and signing takes 40% of a call.
        signer = f"choose-signer.{service_id}"
        events.unregister(signer, unique_id="simulated-signer")
        events.register_first(signer, _no_signature, unique_id="simulated-signer")
        return client

    def retry(self, conditions: StandardRetryConditions, kwargs: dict[str, Any]) -> Any:
        """Decide on a retry as in botocore's standard mode, with waits on the virtual clock, by the world's seed."""
        if kwargs["caught_exception"] is None and kwargs["response"][0].status_code < 300:
            return None
        adapter = RetryEventAdapter()
        context = adapter.create_retry_context(**kwargs)
        again = conditions.is_retryable(context)
        adapter.adapt_retry_response_from_context(context)
        if not again:
            return None
        world = self.world
        if world.scheduler.running is not None:
            world.count("sdk_retry")
            world.sleep(world.rng.random() * min(0.05 * 2 ** kwargs["attempts"], MAX_BACKOFF_S))
        return 0

    def respond(self, service: str, operation: str, request: Any) -> AWSResponse:
        params = _decode(request.body) if request.body else {}
        try:
            answer = self.answer(service, operation, params, request.url)
        except AwsError as error:
            return _error_response(error, service, request.url)
        return _response(request.url, 200, _HEADERS, _encode(answer))

    def answer(self, service: str, operation: str, params: dict[str, Any], url: str) -> dict[str, Any]:
        """Return the answer to a request, with the faults that meet its actor. Raises AwsError and BotoCoreError."""
        world = self.world
        world.calls[operation] += 1
        actor = world.scheduler.current()
        try:
            world.authorize(actor, service, operation, params)
            if actor is None:
                return world.execute(service, operation, params, Call(world.now_ms(), world.rng))
            return self.act(actor, service, operation, params, url)
        except (AwsError, BotoCoreError):
            raise
        except Exception as bug:
            # The code under test must not take a fault of the simulation for one of AWS.
            world.scheduler.failures.append(("(the simulation)", bug, traceback.format_exc()))
            raise

    def act(self, actor: Actor, service: str, operation: str, params: dict[str, Any], url: str) -> dict[str, Any]:
        """Make one call of an actor: others may run first, it may meet a fault, or never return."""
        world = self.world
        world.check_alive(actor)
        fate = self.fates.draw(operation)
        world.scheduler.advance(world.now_ms() + world.rng.randint(*world.faults.latency_ms))
        world.scheduler.pause(actor)
        world.check_alive(actor)
        stalls_first = fate == "stall" and world.rng.random() < 0.5
        if stalls_first:
            self._stall(actor)
        elif fate:
            self._before(actor, fate, service, operation, params, url)
        answer = self._effect(actor, service, operation, params, fate)
        if fate == "stall" and not stalls_first:
            self._stall(actor)
        elif fate == "kill_after":
            world.count(fate)
            world.die(actor)
        elif fate == "lost_answer":
            self._time_out(fate, url)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def _before(self, actor: Actor, fate: str, service: str, operation: str, params: dict[str, Any], url: str) -> None:
        """Apply faults that prevent the ordinary effect."""
        world = self.world
        if fate == "throttle" and operation == "TransactWriteItems" and world.rng.random() < 0.5:
            return  # comes as a cancellation reason instead
        if fate not in ("kill_before", "lost_request", "late_effect", "in_progress", "server_error", "throttle"):
            return
        world.note(actor.name, operation, _brief(params), fate)
        if fate == "kill_before":
            world.count(fate)
            world.die(actor)
        if fate == "throttle":
            world.count(fate)
            raise AwsError(world.rng.choice(_THROTTLES[service]), "Throughput exceeds the current capacity.")
        if fate == "server_error":
            world.count(fate)
            if world.rng.random() < 0.5:
                self._effect(actor, service, operation, params, "")
            raise AwsError(_SERVER_ERRORS[service], "Internal server error", 500)
        if fate in ("late_effect", "in_progress"):
            late_ms = world.now_ms() + world.rng.randint(1, round(world.faults.late_s * 1000))
            if fate == "in_progress":
                world.dynamodb.tokens.begin(params["ClientRequestToken"], late_ms)
            world.scheduler.at(late_ms, lambda: self._late(actor.name, service, operation, params))
            self._time_out(fate, url)
        world.count(fate)
        world.sleep(CONNECT_TIMEOUT_S)
        raise ConnectTimeoutError(endpoint_url=url)

    def _effect(
        self, actor: Actor, service: str, operation: str, params: dict[str, Any], fate: str
    ) -> dict[str, Any] | AwsError:
        """Perform the request; return an error, since its answer may still get lost."""
        world = self.world
        mode = fate if fate in _INSIDE else ""
        call = Call(world.now_ms(), world.rng, mode, world.faults.stale, lambda: self._part(actor))
        outcome = "ok"
        try:
            answer = world.execute(service, operation, params, call)
            if not answer and operation == "ReceiveMessage" and params.get("WaitTimeSeconds"):
                world.sleep(params["WaitTimeSeconds"])
                call.now_ms = world.now_ms()
                answer = world.execute(service, operation, params, call)
            return answer
        except AwsError as error:
            outcome = error.code
            return error
        except Killed:
            outcome = "killed"
            world.die(actor)
            raise
        finally:
            for fault in call.seen:
                world.count(fault)
                outcome += f" {fault}"
            world.note(actor.name, operation, _brief(params), outcome)

    def _part(self, actor: Actor) -> None:
        """Run the middle of a torn call."""
        world = self.world
        world.scheduler.sleep(actor, world.rng.randint(*TORN_MS))
        world.check_alive(actor)

    def _late(self, name: str, service: str, operation: str, params: dict[str, Any]) -> None:
        world = self.world
        outcome = "late ok"
        try:
            world.execute(service, operation, params, Call(world.now_ms(), world.rng))
        except AwsError as error:
            outcome = f"late {error.code}"
        world.note(name, operation, _brief(params), outcome)

    def _stall(self, actor: Actor) -> None:
        world = self.world
        shortest, longest = world.faults.stall_s
        world.count("stall")
        # Mostly short, sometimes longer than a visibility timeout.
        seconds = shortest + (longest - shortest) * world.rng.random() ** 4
        world.note(actor.name, "stalls", f"{seconds:.1f}s", "")
        world.sleep(seconds)

    def _time_out(self, fate: str, url: str) -> None:
        world = self.world
        world.count(fate)
        world.sleep(READ_TIMEOUT_S)
        raise ReadTimeoutError(endpoint_url=url)


def _no_signature(**_: Any) -> Any:
    return UNSIGNED


def _response(url: str, status: int, headers: HeadersDict, body: bytes) -> AWSResponse:
    response: AWSResponse = AWSResponse.__new__(AWSResponse)
    response.url, response.status_code, response.headers, response.raw = url, status, headers, None
    response._content = body
    return response


def _error_response(error: AwsError, service: str, url: str) -> AWSResponse:
    headers = _HEADERS
    if error.legacy_code:
        headers = HeadersDict({**dict(_HEADERS.items()), "x-amzn-query-error": f"{error.legacy_code};Sender"})
    return _response(url, error.status, headers, _encode(error.body(service)))


def _brief(params: dict[str, Any]) -> str:
    """Return the subject of a request, short enough for a line of the trace."""
    key = params.get("Key") or params.get("Item")
    if key:
        return _brief_key(key)
    if "TransactItems" in params:
        parts = [next(iter(item.values())) for item in params["TransactItems"]]
        return " ".join(_brief_key(part.get("Key") or part.get("Item") or {}) for part in parts)
    if "RequestItems" in params:
        return " ".join(
            _brief_key(k)
            for part in params["RequestItems"].values()
            for k in (part["Keys"] if "Keys" in part else [_batch_key(p) for p in part])
        )
    if "QueueUrl" in params:
        count = f" x{len(params['Entries'])}" if "Entries" in params else ""
        return str(params["QueueUrl"]).rsplit("/", 1)[-1] + count
    if "Entries" in params:
        return " ".join(str(entry.get("DetailType")) for entry in params["Entries"])
    values = params.get("ExpressionAttributeValues")
    return _brief_key(values) if values else ""


def _batch_key(part: dict[str, Any]) -> dict[str, Any]:
    inner = next(iter(part.values()))
    found: dict[str, Any] = inner.get("Key") or inner.get("Item") or {}
    return found


def _brief_key(key: dict[str, Any]) -> str:
    shown = [key[name] for name in ("pk", "sk") if name in key] or list(key.values())[:2]
    return "/".join(str(next(iter(value.values()))) for value in shown)
