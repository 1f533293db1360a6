"""The one Chalice application: the API's blueprints, and the workers, each of which is a Lambda of its own."""

from chalice import Chalice

from chalicelib.api.blueprint import guard
from chalicelib.api.boards.leaderboard import leaderboards
from chalicelib.api.events.awards import awards
from chalicelib.api.events.events import events
from chalicelib.api.invites.invites import invites
from chalicelib.api.ledger.economy import economy
from chalicelib.api.ledger.ledger import ledger
from chalicelib.api.operations.docs import docs
from chalicelib.api.operations.status import status
from chalicelib.api.progress.admin import admin
from chalicelib.api.progress.players import players
from chalicelib.api.rewards.rewards import rewards
from chalicelib.workers.archive import worker as archive_worker
from chalicelib.workers.boards import worker as boards_worker
from chalicelib.workers.progress import worker as progress_worker
from chalicelib.workers.rotate import worker as rotate_worker
from chalicelib.workers.sweep import worker as sweep_worker
from chalicelib.workers.verify import worker as verify_worker

app = Chalice(app_name="laurel")
app.register_middleware(guard, "http")
for blueprint in (events, awards, players, leaderboards, economy, rewards, invites, ledger, admin, docs, status):
    app.register_blueprint(blueprint)
for worker in (progress_worker, boards_worker, rotate_worker, sweep_worker, verify_worker, archive_worker):
    app.register_blueprint(worker)
