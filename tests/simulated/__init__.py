"""AWS in process: DynamoDB, SQS and EventBridge below botocore, seeded, with faults and capacity.

Production's own clients are attached to a `World`; from then on the very requests that they build are carried
out here, and their answers are parsed by botocore as ever:

    world = World(seed=7, faults=Faults.rough())
    world.attach(botocore_client)               # dynamodb, sqs or events; also PynamoDB's `Connection.client`
    url = world.create_queue("laurel-sim-events", VisibilityTimeout=120)
    source = world.event_source(url, handler, batch_size=10, concurrency=3)
    world.spawn("producer", send_everything, client)
    world.run()                                 # to rest: actors done, queues empty
    world.fault_counts, world.dynamodb.meter.write_units, world.format_trace()

Actors are threads, but one runs at a time: every call and every `world.sleep` is where the seed may let another
one continue. So the code under test takes its time from `world.now_ms()`, its waits from `world.sleep`, its chance
from `world.rng`, its pool from `world.executor()`, and starts no threads of its own. It must not let the order of a
set of strings reach a request, or a seed means another run in another process.

An actor that is to die gets `Killed`, a BaseException, out of its call.
Calls from outside of `run` (set-up, checks) meet no faults. Actors, invocations and calls within `world.acting_as` may
have a role: a request that its policy in `world.policies` does not allow fails the run (`iam.py`).
`faults.py` describes each fault; what a call cost is in `world.dynamodb.meter` (`capacity.py`), with one `Record` a
call while `meter.recording`.

The engine alone, without a world: `DynamoDB().execute("GetItem", request, Call())`. It was compared with other
engines on random requests by `python -m tests.simulated.differential`, which lists the known differences.
"""

from .calls import Call, Killed
from .capacity import Meter, Record, Tally
from .dynamodb import DynamoDB
from .errors import AwsError
from .events import EventBridge, Published
from .faults import Faults
from .message import Message
from .queue import Queue
from .scheduler import Actor, Stuck
from .sources import EventSource, LambdaContext, failed_ids
from .sqs import Sqs, lambda_event
from .world import World

__all__ = [
    "Actor",
    "AwsError",
    "Call",
    "DynamoDB",
    "EventBridge",
    "EventSource",
    "Faults",
    "Killed",
    "LambdaContext",
    "Message",
    "Meter",
    "Published",
    "Queue",
    "Record",
    "Sqs",
    "Stuck",
    "Tally",
    "World",
    "failed_ids",
    "lambda_event",
]
